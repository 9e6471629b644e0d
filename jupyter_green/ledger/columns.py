"""Add up columns of records, by the same rules as `totals` adds up records.

Imports the ledger's own modules; numpy, as the columns are its arrays.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np

from jupyter_green.ledger.patterns import PatternSums, measured, owners, places
from jupyter_green.ledger.scan import Columns
from jupyter_green.ledger.shares import (
    EPOCH,
    LONGEST_S,
    MICROSECOND,
    TOLERANCE_US,
    parts_charged,
)
from jupyter_green.ledger.sums import Sum
from jupyter_green.ledger.totals import (
    NO_DEVICE,
    Totals,
    device_names,
    enclosed,
    finish,
    key_text,
)

FIGURES = ("energy_j", "uncertainty_j", "random_j")


def totals_of(columns: Columns, by: str | None, since: datetime | None) -> Totals:
    """Add up columns whose records have different ids."""
    if since is not None:
        since_us = (since - EPOCH) // MICROSECOND
        is_dated = columns.of_record["is_dated"]
        is_late = columns.of_record["begin_us"] >= since_us
        columns = select(columns, is_late | ~is_dated)
    count = len(columns.of_record["id"])
    columns = select(columns, ~_enclosed(columns))
    shared = _share(columns)
    counted = len(columns.of_record["id"])
    sums: dict[Any, Sum] = {}
    grand = Sum()
    names: dict[Any, str] = {NO_DEVICE: "no device"}
    whole = PatternSums(columns)
    used = [number for number in whole.oldest_first() if whole.runs[number]]
    for number in used:
        pattern = columns.patterns[number]
        total = whole.of_pattern(number, pattern)
        grand = Sum.of((grand, total))
        if by != "device":
            name = key_text(by, pattern.key, pattern.host)
            names[name] = name
            sums[name] = Sum.of((sums.get(name, Sum()), total))
            continue
        for key, part in whole.by_device(number, pattern):
            sums[key] = Sum.of((sums.get(key, Sum()), part))
    if by == "device":
        names = device_names(
            (
                pattern.host[0] if pattern.host else "",
                ((identifier, name) for identifier, _, name in pattern.devices),
            )
            for pattern in (columns.patterns[number] for number in used)
        )
    return finish(
        by=by,
        since=since,
        sums=[(names[key], total) for key, total in sums.items()],
        grand=grand,
        nested_runs=count - counted,
        shared=shared,
    )


def select(columns: Columns, kept: Any) -> Columns:
    """Return some of the records; *kept* says of each whether it is among them."""
    if kept.all():
        return columns
    on_kept = np.repeat(kept, columns.of_record["devices"])
    return Columns(
        columns.patterns,
        {name: column[kept] for name, column in columns.of_record.items()},
        {name: column[on_kept] for name, column in columns.of_device.items()},
        columns.odd,
    )


def last_ends(columns: Columns) -> Columns:
    """Return one record for each id: the last final one, or else the last one."""
    ids, is_final = columns.of_record["id"], columns.of_record["is_final"]
    order = np.lexsort((np.arange(len(ids)), is_final, ids))
    is_last = np.ones(len(ids), dtype=bool)
    is_last[order[:-1]] = np.diff(ids[order]) != 0
    return select(columns, is_last)


def _enclosed(columns: Columns) -> Any:
    ids, parents = columns.of_record["id"], columns.of_record["parent"]
    nested = columns.of_record["is_nested"]
    if not nested.any():
        return nested
    has_figure = measured(columns) > 0
    is_parent = np.isin(ids, parents[nested])
    inner = enclosed(
        dict(zip(ids[nested].tolist(), parents[nested].tolist(), strict=True)),
        set(ids[is_parent & has_figure].tolist()),
    )
    return np.isin(ids, np.fromiter(inner, dtype=ids.dtype, count=len(inner)))


def _share(columns: Columns) -> tuple[int, float]:
    """Reduce the figures of overlapping records; return their number and joules."""
    members = _overlapping(columns)
    if not members.any():
        return 0, 0.0
    owner, device = owners(columns), columns.of_device
    keys: dict[tuple[str, str], int] = {}
    of_place = np.array(
        [
            keys.setdefault((p.host[0] if p.host else "", identifier), len(keys))
            for p in columns.patterns
            for identifier, *_ in p.devices
        ]
    )
    entries = np.flatnonzero(members[owner] & ~np.isnan(device["energy_j"]))
    key = of_place[places(columns)[entries]]
    begin, end = _spans(columns)
    parts = np.ones(len(owner))
    for number in np.unique(key).tolist():
        some = entries[key == number]
        on = owner[some]
        parts[some] = parts_charged(begin[on], end[on], device["energy_j"][some])
    changed = np.flatnonzero(parts < 1.0)
    before_j = device["energy_j"][changed].sum()
    columns.of_device = {
        name: column * parts if name in FIGURES else column
        for name, column in device.items()
    }
    after_j = columns.of_device["energy_j"][changed].sum()
    return len(np.unique(owner[changed])), float(before_j - after_j)


def _spans(columns: Columns) -> tuple[Any, Any]:
    begin = columns.of_record["begin_us"]
    length_s = columns.of_record["length_s"]
    usable = (length_s >= 0) & (length_s < LONGEST_S)
    length = np.rint(np.where(usable, length_s, 0.0) * 1e6).astype(np.int64)
    return begin, begin + length


def _overlapping(columns: Columns) -> Any:
    """Return which records cover time that another one of their host covers too."""
    hosts: dict[str, int] = {"": 0}
    of_pattern = np.array(
        [
            hosts.setdefault(p.host[0] if p.host else "", len(hosts))
            for p in columns.patterns
        ]
    )
    host = of_pattern[columns.of_record["pattern"]]
    begin, end = _spans(columns)
    members = np.zeros(len(host), dtype=bool)
    for number in range(1, len(hosts)):
        some = np.flatnonzero((host == number) & columns.of_record["is_placed"])
        some = some[np.argsort(begin[some], kind="stable")]
        last_end = np.maximum.accumulate(end[some])
        is_first = np.ones(len(some), dtype=bool)
        is_first[1:] = begin[some][1:] >= last_end[:-1] - TOLERANCE_US
        group = np.cumsum(is_first) - 1
        members[some] = np.bincount(group)[group] > 1
    return members
