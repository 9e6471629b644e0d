"""How good the figures are and where they come from.

Imports nothing of the package.
"""

from __future__ import annotations

from msgspec import Struct


class Aspect(Struct, frozen=True, kw_only=True):
    """One aspect of quality.

    Attributes:
        aspect: ``time`` (type of reading, time span), ``machines`` (fraction of the
            machines), ``subsystems``, ``attribution`` (point of measurement).
        level: 0 to 3, as in Q0 to Q3.
        reasons: Codes of what keeps it from the next level.
        fraction: The fraction that decides, where there is one.
    """

    aspect: str
    level: int
    reasons: tuple[str, ...] = ()
    fraction: float | None = None


class Quality(Struct, frozen=True, kw_only=True):
    """The quality label: the minimum over its aspects.

    Attributes:
        level: 0 (estimated) to 3 (metered at the wall).
        aspects: Each aspect.
    """

    level: int
    aspects: tuple[Aspect, ...]


class Contribution(Struct, frozen=True, kw_only=True):
    """What one device adds to the uncertainty.

    Attributes:
        device: Its key.
        random_kwh: Random part, half-width (95 %): quadrature over its runs.
        common_kwh: Part common to its runs: calibration or model, added linearly.
        combined_kwh: Both in quadrature.
        variance_fraction: Its part of the total's variance.
    """

    device: str
    random_kwh: float
    common_kwh: float
    combined_kwh: float
    variance_fraction: float


class Uncertainty(Struct, frozen=True, kw_only=True):
    """Uncertainty of the total energy.

    Attributes:
        confidence: Confidence of all half-widths: 0.95.
        random_kwh: Random parts of all devices; None: no uncertainty is known.
        common_kwh: Common parts of all devices, in quadrature over devices but for
            estimates by one model, which add up.
        combined_kwh: Both; None where any figure came without an uncertainty.
        relative: Combined over energy.
        unknown_kwh: Energy of figures that came without an uncertainty.
        contributions: The devices that add most, largest first.
    """

    confidence: float = 0.95
    random_kwh: float | None = None
    common_kwh: float | None = None
    combined_kwh: float | None = None
    relative: float | None = None
    unknown_kwh: float = 0.0
    contributions: tuple[Contribution, ...] = ()


class LedgerFile(Struct, frozen=True, kw_only=True):
    """A file that was read.

    Attributes:
        name: Its name without folder; numbered in an anonymous report.
        sha256: SHA-256 of its bytes.
        size_bytes: Its size.
        kind: ``ledger`` or ``notebook``.
    """

    name: str
    sha256: str
    size_bytes: int
    kind: str = "ledger"


class GitState(Struct, frozen=True, kw_only=True):
    """A commit that runs were made at; empty commit: no git.

    Attributes:
        commit: Full hash.
        runs: Runs at it.
        dirty_runs: Those with uncommitted changes.
        unknown_runs: Those where that is not known.
    """

    commit: str
    runs: int
    dirty_runs: int = 0
    unknown_runs: int = 0


class Provenance(Struct, frozen=True, kw_only=True):
    """Where the figures come from.

    Attributes:
        tool_version: Version of jupyter_green that wrote the report.
        recorded_by: Versions of jupyter_green that made the records, with runs.
        created_at: UTC time of the report; empty: not stated.
        command: The command that makes it; empty: not stated.
        records: Records in scope, those inside others included.
        records_sha256: SHA-256 over the sorted SHA-256 of the records in scope.
        files: Files read.
        files_sha256: SHA-256 over their sorted hashes; one figure for all.
        file_problems: Lines or files that could not be read.
        duplicates: Records that stood in several files and count once.
        git: Commits, most runs first.
        record_versions: Schema versions of the records, with runs.
        python_versions: Python versions, with runs.
        data: Data sets behind intensities: source, year and licence in one line each.
    """

    tool_version: str
    records: int
    records_sha256: str
    recorded_by: dict[str, int] = {}
    created_at: str = ""
    command: str = ""
    files: tuple[LedgerFile, ...] = ()
    files_sha256: str = ""
    file_problems: int = 0
    duplicates: int = 0
    git: tuple[GitState, ...] = ()
    record_versions: dict[str, int] = {}
    python_versions: dict[str, int] = {}
    data: tuple[str, ...] = ()
