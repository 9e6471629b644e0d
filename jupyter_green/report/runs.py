"""Runs: what records say of single executions, in groups to be compared.

Imports `records`, `units` and `errors`; pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jupyter_green.errors import CompareError
from jupyter_green.records import DeviceRecord, Record
from jupyter_green.units import co2e_g


@dataclass(frozen=True, slots=True)
class Run:
    """One execution: what it used and what the user said of it."""

    energy_j: float
    duration_s: float
    co2e_g: float | None
    metrics: Mapping[str, float]
    record: Record
    is_last: bool  # of its record: qualities are evaluated once, after the last run


@dataclass(frozen=True, slots=True)
class Group:
    """Runs under one name.

    Attributes:
        label: The name.
        records: The usable records, oldest first.
        runs: Their runs.
        left_out: Records that failed, run still or have no figure.
    """

    label: str
    records: tuple[Record, ...]
    runs: tuple[Run, ...]
    left_out: int

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods behind the energies."""
        return tuple(
            dict.fromkeys(m for record in self.records for m in record.methods)
        )

    def devices(self) -> Iterator[tuple[Record, DeviceRecord]]:
        """Yield each device that has a figure, with its record."""
        for record in self.records:
            for device in record.devices:
                if device.energy_j is not None:
                    yield record, device


def group(label: str, records: Sequence[Record]) -> Group:
    """Return the runs of some records.

    Raises:
        CompareError: None of them ended well and was measured.
    """
    usable = [r for r in records if r.status == "ok" and r.energy_j is not None]
    usable.sort(key=lambda record: record.started_at)
    runs = tuple(run for record in usable for run in _runs(record))
    if not runs:
        why = "it has no record" if not records else "no record of it ended well"
        if any(r.status == "ok" for r in records):
            why = "its energy was not measured"
        raise CompareError(f"{label!r} cannot be compared", why=why)
    return Group(label, tuple(usable), runs, len(records) - len(usable))


def took_turns(parts: Sequence[Group]) -> bool:
    """Whether the groups ran in turns: one run of each, then one of each again.

    The order within a turn does not matter.  It is read from when the records began,
    so that it holds of turns taken by hand as well, and whatever their figures are.
    """
    order = _order(parts)
    ids = {record.id for group in parts for record in group.records}
    size = len(parts)
    return (
        len(ids) == len(order) == sum(len(group.runs) for group in parts)
        and len(order) % size == 0
        and all(
            len({*order[start : start + size]}) == size
            for start in range(0, len(order), size)
        )
    )


def same_order(parts: Sequence[Group]) -> str:
    """Return the order that groups in turns always had; empty where it changed."""
    order, size = _order(parts), len(parts)
    first = order[:size]
    if order != first * (len(order) // size):
        return ""
    return ", ".join(parts[number].label for number in first)


def _order(parts: Sequence[Group]) -> list[int]:
    """Return the numbers of the groups in the order in which their records began."""
    begun = sorted(
        (record.started_at, number)
        for number, group in enumerate(parts)
        for record in group.records
    )
    return [number for _, number in begun]


def _runs(record: Record) -> list[Run]:
    repeats = record.repeats
    pairs: list[tuple[float | None, float]] = [(record.energy_j, record.duration_s)]
    if repeats and any(energy_j is not None for energy_j in repeats.energy_j):
        pairs = list(zip(repeats.energy_j, repeats.duration_s, strict=True))
    known = [(energy_j, s) for energy_j, s in pairs if energy_j is not None]
    intensity = record.intensity
    return [
        Run(
            energy_j=energy_j,
            duration_s=duration_s,
            co2e_g=co2e_g(energy_j, intensity.g_per_kwh, record.pue.value)
            if intensity
            else None,
            metrics=record.metrics,
            record=record,
            is_last=number == len(known),
        )
        for number, (energy_j, duration_s) in enumerate(known, start=1)
    ]
