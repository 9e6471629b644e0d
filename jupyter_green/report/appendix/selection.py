"""Which records count: each once, those in scope, none that is inside another.

Pure.  Imports `records`, the ledger and `author`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from jupyter_green.errors import LedgerError
from jupyter_green.ledger.lines import parse_time
from jupyter_green.ledger.shares import Span, span_us
from jupyter_green.ledger.totals import enclosed
from jupyter_green.records import Record
from jupyter_green.report.appendix.author import Scope

UNTAGGED = "untagged"
UNDATED = -(2**62)  # microseconds: before any run that has a date


@dataclass(frozen=True, slots=True)
class Placed:
    """A record with its begin and end in microseconds, if they are known."""

    record: Record
    span: Span | None


@dataclass(frozen=True, slots=True)
class Selection:
    """Records sorted into what counts and what does not.

    Attributes:
        counted: Those that count, oldest first.
        nested: Those in scope whose energy an enclosing one of these has.
        rivals: Those out of scope that may have used a device at the same time.
        conflicts: Ids that came with different contents; the better one is taken.
        in_scope: All records in scope.
    """

    counted: tuple[Placed, ...]
    nested: tuple[Placed, ...]
    rivals: tuple[Placed, ...]
    conflicts: int

    @property
    def in_scope(self) -> tuple[Placed, ...]:
        """All records in scope, those inside others included."""
        return (*self.counted, *self.nested)


def select(records: Iterable[Record], scope: Scope) -> Selection:
    """Sort records into those that count and those that do not.

    Args:
        records: In any order; the same run may come several times.
        scope: Which of them the report is about.

    Raises:
        LedgerError: The scope names a time that is none.
    """
    unique, conflicts = deduplicate(records)
    placed = [Placed(record, span_us(record)) for record in unique]
    placed.sort(key=_age)
    is_wanted = matcher(scope)
    inside: list[Placed] = []
    outside: list[Placed] = []
    for entry in placed:
        (inside if is_wanted(entry) else outside).append(entry)
    covered = _enclosed(inside)
    counted = tuple(p for p in inside if p.record.id not in covered)
    return Selection(
        counted=counted,
        nested=tuple(p for p in inside if p.record.id in covered),
        rivals=_rivals(placed, counted, outside) if outside else (),
        conflicts=conflicts,
    )


def deduplicate(records: Iterable[Record]) -> tuple[list[Record], int]:
    """Return each run once, and how many came with different contents.

    A finished record is better than a running one, a final than a provisional, a tagged
    than an untagged one: a notebook holds the record as it was before it was tagged.
    """
    found: dict[str, Record] = {}
    conflicts: set[str] = set()
    for record in records:
        before = found.setdefault(record.id, record)
        if before is record or before == record:
            continue
        conflicts.add(record.id)
        found[record.id] = max(before, record, key=_worth)
    return list(found.values()), len(conflicts)


def matcher(scope: Scope) -> Callable[[Placed], bool]:
    """Return a function that says whether a record is in scope.

    Raises:
        LedgerError: The scope names a time that is none.
    """
    if scope == Scope():
        return lambda _entry: True
    since, until = (_micros(text) for text in (scope.since, scope.until))
    notebooks = [_path(text) for text in scope.notebooks]
    project = _path(scope.project) if scope.project else None
    paths: dict[str, bool] = {}

    def is_in_place(notebook: str) -> bool:
        if notebook not in paths:
            path = _path(notebook)
            named = not notebooks or any(_is_same(path, wanted) for wanted in notebooks)
            below = project is None or _is_below(path, project)
            paths[notebook] = named and below and (bool(notebook) or not notebooks)
        return paths[notebook]

    def is_in_scope(entry: Placed) -> bool:
        record = entry.record
        return (
            _is_in_time(entry, since, until)
            and _is_listed(record.purpose or UNTAGGED, scope.purposes)
            and _is_listed(record.session, scope.sessions)
            and (
                not scope.labels
                or any(fnmatchcase(record.label, wanted) for wanted in scope.labels)
            )
            and is_in_place(record.notebook)
        )

    return is_in_scope


def _is_in_time(entry: Placed, since: int | None, until: int | None) -> bool:
    """Say whether a run began in a span; one without a date is in any."""
    if entry.span is None:
        return True
    begin = entry.span[0]
    return (since is None or begin >= since) and (until is None or begin < until)


def _is_listed(word: str, wanted: tuple[str, ...]) -> bool:
    return not wanted or word in wanted


def _worth(record: Record) -> tuple[bool, bool, bool, bool, bytes]:
    # The bytes settle what else is equal, so that no order of reading matters.
    return (
        record.status != "running",
        record.final,
        record.purpose is not None,
        bool(record.label),
        record.to_json(),
    )


def _age(entry: Placed) -> tuple[int, str]:
    return (entry.span[0] if entry.span else UNDATED, entry.record.id)


def _enclosed(placed: Sequence[Placed]) -> set[str]:
    parents = {
        p.record.id: p.record.parent for p in placed if p.record.parent is not None
    }
    if not parents:
        return set()
    measured = {
        p.record.id
        for p in placed
        if any(d.energy_j is not None for d in p.record.devices)
    }
    return enclosed(parents, measured)


def _rivals(
    placed: Sequence[Placed], counted: Sequence[Placed], outside: Sequence[Placed]
) -> tuple[Placed, ...]:
    """Return the records out of scope that share devices with those that count.

    Not those inside others, which have their energy, and not those around a record that
    counts: it is a part of them and no rival.
    """
    parents = {p.record.id: p.record.parent for p in placed}
    around: set[str] = set()
    for entry in counted:
        parent = entry.record.parent
        while parent is not None and parent not in around:
            around.add(parent)
            parent = parents.get(parent)
    covered = _enclosed(placed)
    return tuple(
        p for p in outside if p.record.id not in covered and p.record.id not in around
    )


def _micros(text: str) -> int | None:
    if not text:
        return None
    time = parse_time(text)
    if time is None:
        raise LedgerError(
            f"{text!r} is no time",
            remedy="Give a date like 2026-01-31 or a time by ISO 8601",
        )
    return round(time.timestamp() * 1e6)


def _path(text: str) -> PurePosixPath:
    # Ledgers are merged between systems: `C:\x` names a folder too.
    return PurePosixPath(re.sub(r"^([A-Za-z]:)?\\+", r"/\1/", text).replace("\\", "/"))


def _is_same(path: PurePosixPath, wanted: PurePosixPath) -> bool:
    """Say whether two paths name one notebook; a relative one may be cut at its head.

    A front end may tell the whole path or the name alone.
    """
    if path.is_absolute() and wanted.is_absolute():
        return path == wanted
    short, long = sorted((path.parts, wanted.parts), key=len)
    return bool(short) and long[-len(short) :] == short


def _is_below(path: PurePosixPath, project: PurePosixPath) -> bool:
    return path.is_relative_to(project)
