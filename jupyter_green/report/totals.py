"""Totals of a ledger as a table and as JSON.

Imports the ledger's totals, `report.format` and `report.tables`; pure.

    >>> from jupyter_green.ledger import totals
    >>> totals_table(totals([])).notes
    ('The ledger holds no records yet. Meter a cell with %%energy.',)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from jupyter_green.ledger import LedgerProblem, Totals
from jupyter_green.ledger.sums import Row
from jupyter_green.records import SCHEMA_VERSION
from jupyter_green.report.budgets import Progress, budgets_json
from jupyter_green.report.format import (
    format_co2e_of,
    format_duration,
    format_energy,
    format_percent,
)
from jupyter_green.report.tables import Table

SHOWN_PROBLEMS = 5
EMPTY = "The ledger holds no records yet. Meter a cell with %%energy."
EMPTY_SINCE = "The ledger holds no records from {since} on."
FIGURES = ("runs", "failed", "time", "energy (95 %)", "CO2e")


def totals_table(
    totals: Totals,
    problems: Sequence[LedgerProblem] = (),
    budgets: Sequence[Progress] = (),
) -> Table:
    """Return totals as a table, with what has to be known of them as notes."""
    known = tuple(f"Not read: {problem}" for problem in problems[:SHOWN_PROBLEMS])
    if len(problems) > SHOWN_PROBLEMS:
        known += (f"... and {len(problems) - SHOWN_PROBLEMS} more that were not read.",)
    known += tuple(map(str, budgets))
    if not totals.total.runs:
        empty = EMPTY_SINCE.format(since=totals.since) if totals.since else EMPTY
        return Table(title="", columns=(), rows=(), notes=(empty, *known))
    rows = [_cells(row) for row in totals.rows]
    total = _cells(totals.total)
    rows.append(("total", *total[1:]))
    by = "day (UTC)" if totals.by == "day" else totals.by
    title = f"Totals by {by}" if by else "Totals"
    return Table(
        title=f"{title} since {totals.since}" if totals.since else title,
        columns=(by or "", *FIGURES[:4], "methods", FIGURES[4]),
        rows=tuple(rows),
        notes=(*_notes(totals), *known),
        numeric=FIGURES,
    )


def totals_json(
    totals: Totals,
    problems: Sequence[LedgerProblem] = (),
    problem_count: int = 0,
    budgets: Sequence[Progress] = (),
) -> dict[str, Any]:
    """Return totals as plain values, units in the keys, unrounded."""
    return {
        "schema_version": SCHEMA_VERSION,
        "by": totals.by,
        "since": totals.since,
        "rows": [_finite(asdict(row)) for row in totals.rows],
        "total": _finite(asdict(totals.total)),
        "nested_runs": totals.nested_runs,
        "shared_runs": totals.shared_runs,
        "shared_j": totals.shared_j if math.isfinite(totals.shared_j) else None,
        "problem_count": max(problem_count, len(problems)),
        "problems": [
            {"file": str(p.file), "line": p.line, "why": p.why} for p in problems
        ],
        "budgets": budgets_json(budgets),
    }


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    # JSON has no infinity; sums of absurd figures can reach it.
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }


def _cells(row: Row) -> tuple[str, ...]:
    co2e = format_co2e_of(row.co2e_g, row.energy_j, row.uncertainty_j)
    if row.co2e_g is None and row.energy_j is not None:
        co2e = "no intensity"
    return (
        row.key,
        str(row.runs),
        str(row.failed_runs),
        format_duration(row.duration_s),
        format_energy(row.energy_j, row.uncertainty_j),
        _methods(row),
        co2e,
    )


def _methods(row: Row) -> str:
    whole = sum(abs(energy_j) for energy_j in row.energy_by_method_j.values())
    if not whole:
        return ", ".join(row.energy_by_method_j)
    largest_first = sorted(
        row.energy_by_method_j.items(), key=lambda entry: -abs(entry[1])
    )
    return ", ".join(
        f"{method} {format_percent(abs(energy_j) / whole)}"
        for method, energy_j in largest_first
    )


def _notes(totals: Totals) -> tuple[str, ...]:
    total = totals.total
    told = (
        (total.unmeasured_runs, "not measured; the sums leave {them} out"),
        (
            total.partly_measured_runs,
            "measured only in part: some device gave no figure",
        ),
        (total.running_runs, "still running; {their} energy so far is included"),
        (total.provisional_runs, "provisional: the figures may still be refined"),
        (total.without_intensity_runs, "without carbon intensity, so without CO2e"),
        (totals.nested_runs, "part of another run and not counted again"),
    )
    notes = [f"{_runs(count)} {text}." for count, text in told if count]
    plain = [
        note.format(
            them="it" if note.startswith("1 ") else "them",
            their="its" if note.startswith("1 ") else "their",
        )
        for note in notes
    ]
    return (*plain, *_shared(totals), *_simulated(total))


def _runs(count: int) -> str:
    return "1 run is" if count == 1 else f"{count} runs are"


def _shared(totals: Totals) -> tuple[str, ...]:
    if not totals.shared_runs:
        return ()
    energy = format_energy(totals.shared_j)
    runs = f"{totals.shared_runs} runs overlap on a device"
    return (f"{runs}; {energy} measured more than once are charged once.",)


def _simulated(total: Row) -> tuple[str, ...]:
    if "simulated" not in total.energy_by_method_j:
        return ()
    return ("SIMULATED: some of these figures come from no hardware.",)
