"""Single records as a table: one line for each metered cell, window or command.

Imports `records`, `report.format` and `report.tables`; pure.

    >>> records_table([]).notes
    ('There are no records yet. Meter a cell with %%energy.',)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jupyter_green.records import Record
from jupyter_green.report.format import (
    format_co2e_of,
    format_duration,
    format_energy,
    format_percent,
)
from jupyter_green.report.tables import Table

EMPTY = "There are no records yet. Meter a cell with %%energy."
FIGURES = ("time", "energy (95 %)", "CO2e")


def records_table(records: Sequence[Record]) -> Table:
    """Return one row for each record, in the order given."""
    if not records:
        return Table(title="", columns=(), rows=(), notes=(EMPTY,))
    time, energy, co2e = FIGURES
    return Table(
        title="Records",
        columns=("record", "label", time, energy, "method", co2e, "status"),
        rows=tuple(_cells(record) for record in records),
        notes=_notes(records),
        numeric=FIGURES,
    )


def records_json(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return each record as it is stored, with the figures that derive from it."""
    return [
        {
            "energy_j": record.energy_j,
            "uncertainty_j": record.uncertainty_j,
            "co2e_g": record.co2e_g,
            **record.to_dict(),
        }
        for record in records
    ]


def _cells(record: Record) -> tuple[str, ...]:
    return (
        record.key,
        record.label or "no label",
        format_duration(record.duration_s),
        format_energy(record.energy_j, record.uncertainty_j),
        _methods(record),
        _co2e(record),
        _status(record),
    )


def _methods(record: Record) -> str:
    """Return the methods; where there are several, how much of the energy each has."""
    if len(record.methods) < 2:  # noqa: PLR2004 - a single method has it all
        return ", ".join(record.methods)
    whole_j = record.energy_j or 0.0
    parts_j = dict.fromkeys(record.methods, 0.0)
    for device in record.devices:
        if device.energy_j is not None:
            parts_j[device.method] += device.energy_j
    if whole_j <= 0:
        return ", ".join(parts_j)
    largest_first = sorted(parts_j.items(), key=lambda part: -part[1])
    return ", ".join(
        f"{method} {format_percent(part_j / whole_j)}"
        for method, part_j in largest_first
    )


def _co2e(record: Record) -> str:
    if record.co2e_g is None and record.energy_j is not None:
        return "no intensity"
    return format_co2e_of(record.co2e_g, record.energy_j, record.uncertainty_j)


def _status(record: Record) -> str:
    words = [record.status]
    if record.error and record.status != "interrupted":
        words.append(f"({record.error})")
    if not record.final and record.status != "running":
        words.append("provisional")
    if record.repeats:
        words.append(f"{record.repeats.runs} runs")
    return " ".join(words)


def _notes(records: Sequence[Record]) -> tuple[str, ...]:
    """Return the intensities behind the grams, and a warning about simulation."""
    places = {
        f"{i.g_per_kwh:.4g} g/kWh ({i.zone}{f' {i.year}' if i.year else ''}, "
        f"{'assumed: no location is set' if i.assumed else i.source}), "
        f"PUE {record.pue.value:g}": None
        for record in records
        if (i := record.intensity) is not None
    }
    notes = [f"CO2e at {place}." for place in places]
    if any("simulated" in record.methods for record in records):
        notes.append("SIMULATED: some of these figures come from no hardware.")
    return tuple(notes)
