"""Where the figures come from: hashes, commits, versions, data sets.

Imports `work`, `reading`'s values and the values it fills.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from jupyter_green._version import __version__
from jupyter_green.records import Record
from jupyter_green.report.appendix.evidence import GitState, LedgerFile, Provenance
from jupyter_green.report.appendix.work import Work

MAX_COMMITS = 20
MAX_FILES = 200


class Source(Struct, frozen=True, kw_only=True):
    """What is known of the files that records come from.

    Attributes:
        files: The files.
        file_problems: Lines or files that could not be read.
        duplicates: Records that stood in several files.
        created_at: UTC time of the report.
        command: The command that makes it.
    """

    files: tuple[LedgerFile, ...] = ()
    file_problems: int = 0
    duplicates: int = 0
    created_at: str = ""
    command: str = ""


def provenance(work: Work, source: Source) -> Provenance:
    """Return where the figures come from."""
    in_scope = [placed.record for placed in work.selection.in_scope]
    return Provenance(
        tool_version=__version__,
        records=len(in_scope),
        records_sha256=records_sha256(in_scope),
        recorded_by=_versions(work, "jupyter_green"),
        created_at=source.created_at,
        command=source.command,
        files=source.files[:MAX_FILES],
        files_sha256=together([file.sha256 for file in source.files]),
        file_problems=source.file_problems,
        duplicates=source.duplicates,
        git=_commits(work),
        record_versions=counted(str(record.schema_version) for record in work.records),
        python_versions=_versions(work, "python"),
        data=_data(work),
    )


def records_sha256(records: Iterable[Record]) -> str:
    """Return one hash of a set of records, in whatever order they come."""
    return together(hashlib.sha256(record.to_json()).hexdigest() for record in records)


def together(hashes: Iterable[str]) -> str:
    """Return the SHA-256 over sorted hashes; empty where there are none."""
    sorted_hashes = sorted(hashes)
    if not sorted_hashes:
        return ""
    return hashlib.sha256("\n".join(sorted_hashes).encode()).hexdigest()


def counted(texts: Iterable[str]) -> dict[str, int]:
    """Return how often each text comes, most often first."""
    count = Counter(texts)
    return dict(sorted(count.items(), key=lambda pair: (-pair[1], pair[0])))


def _versions(work: Work, name: str) -> dict[str, int]:
    return counted(
        record.versions[name] for record in work.records if name in record.versions
    )


def _commits(work: Work) -> tuple[GitState, ...]:
    runs: Counter[str] = Counter()
    dirty: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for record in work.records:
        commit = record.git.commit if record.git else ""
        runs[commit] += 1
        if record.git:
            dirty[commit] += record.git.dirty is True
            unknown[commit] += record.git.dirty is None
    found = [
        GitState(
            commit=commit,
            runs=count,
            dirty_runs=dirty[commit],
            unknown_runs=unknown[commit],
        )
        for commit, count in runs.items()
    ]
    found.sort(key=lambda state: (-state.runs, state.commit))
    return tuple(found[:MAX_COMMITS])


def _data(work: Work) -> tuple[str, ...]:
    lines = set()
    for each in work.terms:
        known = each.intensity
        if known is not None:
            parts = (known.source, known.year and str(known.year), known.licence)
            lines.add(", ".join(part for part in parts if part))
    return tuple(sorted(lines))
