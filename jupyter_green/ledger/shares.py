"""Charge the energy of a device once where several records cover the same time.

Two kernels, or two meters of one, each bill the whole device.  In time that several
records cover, each has its mean power, and the energy is split evenly among them; a
set of overlapping records is never charged less than the largest of them has measured.
Imports the ledger's lines and sums; numpy only where records overlap.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from jupyter_green.ledger.lines import parse_time
from jupyter_green.ledger.sums import AnyRecord, DeviceKey, host_id

TOLERANCE_US = 2000  # records hold milliseconds: Run All's cells may seem to overlap
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LONGEST_S = 1e11  # more is no duration, and would not fit into microseconds

Span = tuple[int, int]


def span_us(record: AnyRecord) -> Span | None:
    """Return begin and end in microseconds since 1970; None if they are not known."""
    length = round(record.duration_s * 1e6) if 0 <= record.duration_s < LONGEST_S else 0
    if (begin := _micros(record.started_at)) is not None:
        return begin, begin + length  # `ended_at` is just this, rounded
    end = _micros(record.ended_at)
    return None if end is None else (end - length, end)


def overlapping(records: Iterable[AnyRecord]) -> list[list[tuple[Span, AnyRecord]]]:
    """Return the groups of records of one host that overlap, each in time's order.

    A record of an unknown host is not known to share anything.
    """
    by_host: dict[str, list[tuple[Span, str, AnyRecord]]] = {}
    for record in records:
        host = host_id(record)
        span = span_us(record) if host else None
        if span is not None:
            by_host.setdefault(host, []).append((span, record.id, record))
    groups = []
    for placed in by_host.values():
        placed.sort(key=_place)
        group: list[tuple[Span, AnyRecord]] = []
        last_end = 0
        for span, _, record in placed:
            if group and span[0] >= last_end - TOLERANCE_US:
                groups.append(group)
                group = []
            last_end = max(last_end, span[1]) if group else span[1]
            group.append((span, record))
        groups.append(group)
    return [group for group in groups if len(group) > 1]


def charged_once(records: Iterable[AnyRecord]) -> dict[str, AnyRecord]:
    """Return, by id, the records that overlap others on a device, with their part.

    Energy and uncertainty are reduced alike; the records themselves stay as they are.
    """
    changed: dict[str, AnyRecord] = {}
    for group in overlapping(records):
        on_device: dict[DeviceKey, list[tuple[int, int]]] = {}
        for at, (_, record) in enumerate(group):
            devices: Any = record.devices
            for place, device in enumerate(devices):
                if device.energy_j is not None:
                    key = (host_id(record), device.id)
                    on_device.setdefault(key, []).append((at, place))
        weights = _weights(group, on_device.values())
        for at, (_, record) in enumerate(group):
            given = weights.get(at)
            if given:
                reduced_devices = tuple(
                    _part(device, given.get(place, 1.0))
                    for place, device in enumerate(record.devices)
                )
                reduced: AnyRecord = msgspec.structs.replace(
                    record, devices=reduced_devices
                )
                changed[record.id] = reduced
    return changed


def parts_charged(begin_us: Any, end_us: Any, energy_j: Any) -> Any:
    """Return which part of each record's energy on one device is to be charged.

    Args:
        begin_us: Begins of the records, an array of 64-bit integers.
        end_us: Their ends.
        energy_j: What each has measured.
    """
    import numpy as np  # noqa: PLC0415 - only where records overlap

    parts = np.ones(len(begin_us))
    # A begin just before another record's end is that end, rounded.
    ends = np.sort(end_us)
    nearest = ends[np.minimum(np.searchsorted(ends, begin_us), len(ends) - 1)]
    is_touching = (nearest >= begin_us) & (nearest - begin_us <= TOLERANCE_US)
    begin_us = np.where(is_touching, nearest, begin_us)
    known = np.flatnonzero(end_us > begin_us)
    begin, end, energy = begin_us[known], end_us[known], energy_j[known]
    count = len(known)
    if count < 2:  # noqa: PLR2004 - nobody to share with
        return parts
    times = np.concatenate((begin, end))
    steps = np.repeat((1, -1), count)
    order = np.lexsort((steps, times))  # an end comes before a begin
    covering = np.cumsum(steps[order])
    # Time, divided by the number of records that cover it, since the first begin.
    share_us = np.diff(times[order]) / np.maximum(covering[:-1], 1)
    shared = np.empty(2 * count)
    shared[order] = np.concatenate(((0.0,), np.cumsum(share_us)))
    group = np.empty(2 * count, dtype=np.int64)
    group[order] = np.concatenate(((0,), np.cumsum(covering == 0)[:-1]))
    fraction = np.minimum((shared[count:] - shared[:count]) / (end - begin), 1.0)
    parts[known] = _at_least_largest(fraction, energy, group[:count])
    return parts


def _at_least_largest(fraction: Any, energy: Any, group: Any) -> Any:
    import numpy as np  # noqa: PLC0415

    whole = np.bincount(group, energy)
    split = np.bincount(group, energy * fraction)
    largest = np.full(len(whole), -np.inf)
    np.maximum.at(largest, group, energy)
    spare = whole - split
    given_back = np.divide(
        np.maximum(largest - split, 0.0),
        spare,
        out=np.zeros_like(whole),
        where=spare > 0,
    )
    given_back = np.minimum(given_back, 1.0)[group]
    alone = np.bincount(group)[group] == 1
    return np.where(alone, 1.0, fraction + given_back * (1.0 - fraction))


def _weights(
    group: list[tuple[Span, AnyRecord]], on_device: Iterable[list[tuple[int, int]]]
) -> dict[int, dict[int, float]]:
    import numpy as np  # noqa: PLC0415

    weights: dict[int, dict[int, float]] = {}
    for members in on_device:
        begin, end = np.array([group[at][0] for at, _ in members]).T
        energy = [group[at][1].devices[place].energy_j for at, place in members]
        parts = parts_charged(begin, end, np.array(energy, dtype=float))
        for (at, place), part in zip(members, parts.tolist(), strict=True):
            if part < 1.0:
                weights.setdefault(at, {})[place] = part
    return weights


def _part(device: Any, part: float) -> Any:
    if part >= 1.0:
        return device
    scaled = {
        name: None if value is None else part * value
        for name in ("energy_j", "uncertainty_j", "uncertainty_random_j")
        for value in (getattr(device, name),)
    }
    return msgspec.structs.replace(device, **scaled)


def _place(placed: tuple[Span, str, AnyRecord]) -> tuple[Span, str]:
    return placed[:2]


def _micros(text: str) -> int | None:
    time = parse_time(text) if text else None
    return None if time is None else (time - EPOCH) // MICROSECOND
