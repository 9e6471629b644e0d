"""Totals of a ledger, whatever its size: large ones are read by DuckDB.

DuckDB adds nothing up by itself: it turns plain files into columns, `reader` reads the
others, and what both give is added up by one set of rules.  Where DuckDB is missing or
fails, or the same run stands in files of both kinds, `reader` and `totals` do it all.
Imports the ledger's own modules; DuckDB and numpy only for large ledgers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from jupyter_green.ledger import scan
from jupyter_green.ledger.lines import SlimLine, SlimRecord
from jupyter_green.ledger.merge import IsAlive, Merger
from jupyter_green.ledger.processes import is_alive as process_is_alive
from jupyter_green.ledger.reader import LedgerProblem, Progress, Scan, read_slim
from jupyter_green.ledger.scan import Columns, Pattern
from jupyter_green.ledger.shares import span_us
from jupyter_green.ledger.totals import Totals, check_grouping, day_of, totals

# Up to here reading line by line takes no longer than starting DuckDB.
LARGE_BYTES = 16 * 2**20
Engine = Literal["auto", "duckdb", "none"]


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """Totals and what could not be read.

    Attributes:
        totals: The sums.
        problems: What could not be used, as `Ledger.problems`.
        problem_count: All of it.
        engine: What read the ledger: ``duckdb`` or ``none``.
    """

    totals: Totals
    problems: tuple[LedgerProblem, ...]
    problem_count: int
    engine: str


def ledger_totals(
    folders: Sequence[Path],
    *,
    by: str | None = None,
    since: datetime | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
    is_alive: IsAlive = process_is_alive,
    engine: Engine = "auto",
) -> LedgerTotals:
    """Add up all records of some folders, as `read_slim` and `totals` do.

    Args:
        folders: Folders of ``.jsonl`` files, or such files.
        by: What to tell rows apart by, one of `GROUPINGS`.
        since: Leave out records that began earlier.
        now: The time by which silent processes of other hosts count as dead.
        progress: Called now and then with bytes read and bytes in all.
        is_alive: Says whether a session's process runs; None: it cannot be seen here.
        engine: ``duckdb`` or ``none``; ``auto``: DuckDB for large ledgers, if it is
            there.

    Raises:
        LedgerError: *by* is none of `GROUPINGS`.
    """
    check_grouping(by)
    now = now or datetime.now(UTC)
    if engine != "none":
        found = _by_columns(
            folders, by, since, now, progress, is_alive, is_asked=engine != "auto"
        )
        if found is not None:
            return found
    ledger = read_slim(
        folders, since=since, now=now, progress=progress, is_alive=is_alive
    )
    return LedgerTotals(
        totals(ledger.records, by=by, since=since),
        ledger.problems,
        ledger.problem_count,
        "none",
    )


def _by_columns(
    folders: Sequence[Path],
    by: str | None,
    since: datetime | None,
    now: datetime,
    progress: Progress | None,
    is_alive: IsAlive,
    *,
    is_asked: bool,
) -> LedgerTotals | None:
    """Return totals by way of DuckDB; None if it is better done without."""
    merger: Merger[SlimRecord] = Merger(now, is_alive)
    reading = Scan(msgspec.json.Decoder(SlimLine), merger, None)
    files = reading.find(folders)
    size = sum(size for _, size in files)
    if not files or (size < LARGE_BYTES and not is_asked) or not scan.is_available():
        return None
    import duckdb  # noqa: PLC0415 - large, and not needed for small ledgers

    def told(done: int) -> None:
        if progress:
            progress(done, max(done, size))

    try:
        with contextlib.closing(scan.Scan(by, told)) as engine:
            columns = engine.read(files)
            odd = [entry for entry in files if entry[0] in columns.odd]
            reading.read_files(odd)
            ledger = reading.result(odd, since=None)
            mixed = _joined(engine, columns, ledger.records, merger.tags, by)
    except duckdb.Error:
        return None
    if mixed is None:
        return None
    from jupyter_green.ledger.columns import totals_of  # noqa: PLC0415 - needs numpy

    summed = totals_of(mixed, by, since)
    return LedgerTotals(summed, ledger.problems, ledger.problem_count, "duckdb")


def _joined(
    engine: scan.Scan,
    columns: Columns,
    records: Sequence[SlimRecord],
    tags: dict[tuple[str, str], str],
    by: str | None,
) -> Columns | None:
    """Return DuckDB's and the reader's records together; None if they share a run."""
    import numpy as np  # noqa: PLC0415

    from jupyter_green.ledger.columns import last_ends  # noqa: PLC0415

    patterns = {pattern: number for number, pattern in enumerate(columns.patterns)}
    if columns.of_record:
        columns.of_record["is_dated"] = np.ones(len(columns.of_record["id"]), bool)
        columns.of_record["is_placed"] = columns.of_record["is_dated"]
        columns = last_ends(columns)
        if by in {"purpose", "label"} and tags:
            _tag(engine, columns, tags, by, patterns)
    ids = engine.ids([r.id for r in records])
    if columns.of_record and scan.is_among(ids, columns.of_record["id"]).any():
        return None
    of_record, of_device = _columns(records, by, patterns)
    of_record["id"] = ids
    of_record["parent"] = engine.ids([r.parent or "" for r in records])
    if columns.of_record:
        for name, column in of_record.items():
            of_record[name] = np.concatenate((columns.of_record.pop(name), column))
        for name, column in of_device.items():
            of_device[name] = np.concatenate((columns.of_device.pop(name), column))
    return Columns(list(patterns), of_record, of_device, columns.odd)


def _tag(
    engine: scan.Scan,
    columns: Columns,
    tags: dict[tuple[str, str], str],
    by: str,
    patterns: dict[Pattern, int],
) -> None:
    """Give records in plain files the labels or purposes of tags in other ones."""
    import numpy as np  # noqa: PLC0415

    given = {record: value for (record, name), value in tags.items() if name == by}
    if not given:
        return
    values = dict(zip(engine.ids(list(given)).tolist(), given.values(), strict=True))
    ids, numbers = columns.of_record["id"], columns.of_record["pattern"]
    wanted = np.fromiter(values, dtype=ids.dtype, count=len(values))
    for at in np.flatnonzero(np.isin(ids, wanted)).tolist():
        old = columns.patterns[numbers[at]]
        new = Pattern(
            old.status, old.final, old.host, old.devices, values[int(ids[at])]
        )
        numbers[at] = patterns.setdefault(new, len(patterns))


def _columns(
    records: Sequence[SlimRecord], by: str | None, patterns: dict[Pattern, int]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return records as columns of the form that DuckDB gives."""
    import numpy as np  # noqa: PLC0415

    spans = [span_us(r) for r in records]
    floats = {
        "length_s": [r.duration_s for r in records],
        "g_per_kwh": [r.intensity and r.intensity.g_per_kwh for r in records],
        "pue": [r.pue.value for r in records],
    }
    flags = {
        "is_nested": [r.parent is not None for r in records],
        "is_final": [r.final for r in records],
        "is_dated": [bool(day_of(r)) for r in records],
        "is_placed": [span is not None for span in spans],
    }
    numbers = [patterns.setdefault(_pattern(r, by), len(patterns)) for r in records]
    devices = [device for r in records for device in r.devices]
    figures = {
        "energy_j": [d.energy_j for d in devices],
        "uncertainty_j": [d.uncertainty_j for d in devices],
        "random_j": [d.uncertainty_random_j for d in devices],
    }
    of_record = {
        "begin_us": np.array([span[0] if span else 0 for span in spans], np.int64),
        "devices": np.array([len(r.devices) for r in records], np.int64),
        "file": np.full(len(records), -1, np.int32),
        "pattern": np.array(numbers, np.int32),
        **{name: np.array(column, float) for name, column in floats.items()},
        **{name: np.array(column, bool) for name, column in flags.items()},
    }
    return of_record, {name: np.array(c, float) for name, c in figures.items()}


def _pattern(record: SlimRecord, by: str | None) -> Pattern:
    key = day_of(record) if by == "day" else getattr(record, by or "", None)
    return Pattern(
        status=record.status,
        final=record.final,
        host=(record.host.id, record.host.name) if record.host else None,
        devices=tuple(
            (d.id, d.method, d.name if by == "device" else "") for d in record.devices
        ),
        key=key if isinstance(key, str) else "",
    )
