"""What goes over the wire: requests, checked as they come in, and answers.

Field names are the contract with the front end (docs/server.md).  Imports `records`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from jupyter_green.errors import JupyterGreenError
from jupyter_green.records import Intensity, Purpose

LONGEST_PATH = 4096
Path = Annotated[str, Meta(max_length=LONGEST_PATH)]
Line = Annotated[str, Meta(max_length=500)]
Basis = Literal["kernel", "kernel and host", "host"]
State = Literal["ready", "reading"]


class BadRequestError(JupyterGreenError):
    """A request is not of the form that the endpoint takes."""


class _Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request; what it does not know it refuses."""


class PathQuery(_Request, frozen=True, kw_only=True):
    """A notebook, by its path from the server's root; empty: none."""

    path: Path = ""


class PowerQuery(_Request, frozen=True, kw_only=True):
    """Which part of the history: later than *since*, in seconds since 1970."""

    since: float = 0.0
    client: Annotated[str, Meta(max_length=64)] = ""


class TotalsQuery(_Request, frozen=True, kw_only=True):
    """Which total."""

    scope: Literal["notebook", "today", "project", "all"] = "all"
    path: Path = ""
    utc_offset_min: Annotated[int, Meta(ge=-900, le=900)] = 0


class RecordsQuery(_Request, frozen=True, kw_only=True):
    """Which page of a notebook's records, newest first."""

    path: Annotated[str, Meta(min_length=1, max_length=LONGEST_PATH)]
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    before: Annotated[str, Meta(max_length=64)] = ""


class IdleQuery(_Request, frozen=True, kw_only=True):
    """After how many minutes without a cell a kernel counts as idle."""

    minutes: Annotated[float, Meta(ge=0.0, le=525_600.0)] = 10.0


class TagBody(_Request, frozen=True, kw_only=True):
    """A person's word on a record."""

    record: Annotated[str, Meta(min_length=1, max_length=200)]
    purpose: Purpose | None = None
    label: Annotated[str, Meta(max_length=1000)] | None = None
    path: Path = ""


class LocationBody(_Request, frozen=True, kw_only=True):
    """Where the machine stands; what is absent is not said."""

    path: Path = ""
    country: Line | None = None
    region: Line | None = None
    cloud: Line | None = None
    intensity_g_per_kwh: float | None = None
    intensity_source: Line | None = None
    pue: float | None = None
    pue_source: Line | None = None


class ReportBody(_Request, frozen=True, kw_only=True):
    """Which appendix to write, and where."""

    path: Path = ""
    scope: Literal["notebook", "project", "all"] = "notebook"
    formats: Annotated[
        tuple[Annotated[str, Meta(max_length=32)], ...],
        Meta(min_length=1, max_length=16),
    ]
    anonymous: bool = False
    folder: Path | None = None


class Nothing(_Request, frozen=True):
    """A request that takes nothing."""


class Visible(Struct, frozen=True, tag="visible", tag_field="type"):
    """A client says whether anybody sees it; only then it holds a lease."""

    visible: bool


class DeviceAnswer(Struct, frozen=True, kw_only=True):
    """A device, or what is missing in its place (method ``none``)."""

    id: str
    kind: str
    index: int
    name: str
    method: str
    resolution_j: float | None = None
    period_s: float | None = None
    power_limit_w: float | None = None
    scope: str = "device"
    reason: str | None = None
    remedy: str | None = None


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that the doctor has found."""

    severity: Literal["ok", "warning", "missing"]
    title: str
    reason: str = ""
    remedy: str = ""
    risk: str = ""


class HostId(Struct, frozen=True, kw_only=True):
    """Which machine this is; its name only where the settings let it be stored."""

    id: str
    boot_id: str
    name: str | None


class LedgerAnswer(Struct, frozen=True, kw_only=True):
    """The ledger in force for a notebook."""

    folder: str
    readable: bool
    problem: str | None
    runs: int | None
    state: State


class IntensityAnswer(Struct, frozen=True, kw_only=True):
    """A carbon intensity in g CO2e per kWh, as `records.Intensity` has it."""

    g_per_kwh: float
    zone: str
    source: str
    year: int | None
    kind: str
    licence: str
    low_g_per_kwh: float | None
    high_g_per_kwh: float | None
    assumed: bool
    note: str

    @classmethod
    def of(cls, intensity: Intensity) -> IntensityAnswer:
        """Return it with every field written."""
        return cls(**msgspec.structs.asdict(intensity))


class Location(Struct, frozen=True, kw_only=True):
    """The location in force for a notebook, and where it was said."""

    country: str | None
    region: str | None
    cloud: str | None
    intensity: IntensityAnswer | None
    problem: str | None
    pue: float
    pue_source: str
    origin: str
    project_file: str | None


class HostAnswer(Struct, frozen=True, kw_only=True):
    """What stands under *host* in docs/server.md."""

    version: str
    state: State
    host: HostId
    devices: tuple[DeviceAnswer, ...]
    findings: tuple[Finding, ...]
    ledger: LedgerAnswer
    location: Location
    report_formats: tuple[str, ...]
    project_file: str | None


class TotalsAnswer(Struct, frozen=True, kw_only=True):
    """A total; while the ledger is being read, what is known so far."""

    state: State
    scope: str
    energy_j: float | None = None
    uncertainty_j: float | None = None
    co2e_g: float | None = None
    co2e_low_g: float | None = None
    co2e_high_g: float | None = None
    duration_s: float = 0.0
    runs: int = 0
    failed_runs: int = 0
    running_runs: int = 0
    provisional_runs: int = 0
    unmeasured_runs: int = 0
    partly_measured_runs: int = 0
    runs_without_co2e: int = 0
    methods: dict[str, float] = {}
    shared_runs: int = 0
    nested_runs: int = 0
    problems: tuple[str, ...] = ()
    problem_count: int = 0


class BudgetAnswer(Struct, frozen=True, kw_only=True):
    """How far a budget is used.

    Attributes:
        name: The notebook's whole path, the label, or the project's folder.
        path: The notebook or folder from the server's root, if it stands there.
        limit: Joules or grams, by `unit`.
        used: Likewise; None: runs that count have no figure.
        fraction: Of the limit, more than 1 where it is exceeded; None: not known.
        state: ``within``, ``near`` from 80 % on, ``spent``; None: not known.
        stop: The running cell is interrupted when it is spent.
        since: UTC time, or span before now, from which work counts; empty: all of it.
    """

    scope: Literal["notebook", "label", "project"]
    name: str
    path: str | None
    limit: float
    used: float | None
    unit: Literal["J", "gCO2e"]
    fraction: float | None
    state: Literal["within", "near", "spent"] | None
    stop: bool
    since: str
    duration_s: float
    runs: int
    running_runs: int
    unmeasured_runs: int
    runs_without_co2e: int


class BudgetsAnswer(Struct, frozen=True, kw_only=True):
    """The budgets that bear on a notebook: its own, its projects', its labels'.

    Attributes:
        problems: Why some of them cannot be told, as sentences.
        left_out: How many there are beyond those told.
    """

    state: State
    budgets: tuple[BudgetAnswer, ...] = ()
    problems: tuple[str, ...] = ()
    left_out: int = 0


class WindowAnswer(Struct, frozen=True, kw_only=True):
    """A run that goes on, with what is known of it so far.

    Attributes:
        energy_j: Joules up to `known_s`; None: the kernel has not told any.
        known_s: Seconds since the start that `energy_j` is of.
        basis: Who says so: the ``kernel``; ``kernel and host``: since the kernel's last
            word this host's devices; ``host``: these alone, for the whole run.
    """

    id: str
    label: str
    notebook: str
    path: str | None
    cell_id: str
    execution_count: int | None
    started_at: str
    duration_s: float
    energy_j: float | None
    co2e_g: float | None
    known_s: float | None
    basis: Basis | None
    host_id: str
    session: str


def decode_query(arguments: dict[str, list[bytes]], kind: type[Any]) -> Any:
    """Return the arguments of a request as a value; the last one of a name counts.

    Others are left alone: the token, Jupyter's own, a number against caches.

    Raises:
        BadRequestError: They are not of that form.
    """
    names = [n for n in kind.__struct_fields__ if arguments.get(n)]
    try:
        texts = {name: arguments[name][-1].decode("utf-8") for name in names}
        return msgspec.convert(texts, kind, strict=False)
    except (msgspec.ValidationError, UnicodeDecodeError) as err:
        raise _bad(err) from err


def decode_body(body: bytes, kind: type[Any]) -> Any:
    """Return the body of a request as a value; no body is an empty object.

    Raises:
        BadRequestError: It is no JSON, or not of that form.
    """
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as err:
        raise _bad(err) from err


def _bad(err: Exception) -> BadRequestError:
    return BadRequestError(
        "the request cannot be understood",
        why=str(err),
        remedy="Reload the page; if that does not help, the panel and the server are "
        "of different versions",
    )
