"""The project over time, and its largest runs.

Imports `work`, `adding` and the values they fill; numpy.
"""

from __future__ import annotations

import math

import numpy as np

from jupyter_green.report.appendix.adding import Adder
from jupyter_green.report.appendix.boundary import stamp
from jupyter_green.report.appendix.listings import cell_of
from jupyter_green.report.appendix.sections import Point, RunFacts
from jupyter_green.report.appendix.selection import UNDATED, UNTAGGED
from jupyter_green.report.appendix.work import US_PER_H, Work
from jupyter_green.units import G_PER_KG, J_PER_KWH

MAX_POINTS = 400


def timeline(work: Work) -> tuple[Point, ...]:
    """Return the sums so far at the ends of runs; the last point has the totals.

    Runs without a date are in all points.
    """
    run, dated = work.run, work.run["is_dated"]
    if not dated.any():
        return ()
    end = np.where(dated, run["begin_us"] + run["length_us"], UNDATED)
    order = np.argsort(end, kind="stable")
    sums = [
        np.cumsum(np.nan_to_num(column)[order])
        for column in (
            work.run_energy_j / J_PER_KWH,
            work.run_co2e_g / G_PER_KG,
            work.run_gpu_us / US_PER_H,
        )
    ]
    places = _sampled(end[order], int((~dated).sum()))
    return tuple(
        Point(
            at=stamp(int(end[order][at])),
            energy_it_kwh=float(sums[0][at]),
            co2e_kg=float(sums[1][at]),
            gpu_hours=float(sums[2][at]),
        )
        for at in places
    )


def largest_runs(work: Work, adder: Adder, top: int) -> tuple[RunFacts, ...]:
    """Return the runs with most energy, largest first; those without a figure never."""
    energy = work.run_energy_j
    measured = np.flatnonzero(~np.isnan(energy))
    order = measured[np.argsort(-energy[measured], kind="stable")][:top].tolist()
    place = np.full(len(work.records), len(order), dtype=np.int64)
    place[order] = range(len(order))
    amounts = adder.amounts(place, len(order) + 1)
    found = []
    for at, amount in zip(order, amounts, strict=False):
        record = work.records[at]
        curve = record.curve
        found.append(
            RunFacts(
                key=record.key,
                duration_s=float(work.run["duration_s"][at]),
                label=record.label,
                notebook=record.notebook,
                cell=cell_of(record),
                purpose=record.purpose or UNTAGGED,
                status=record.status,
                started_at=stamp(int(work.run["begin_us"][at]))
                if work.run["is_dated"][at]
                else "",
                energy_kwh=amount.energy_it_kwh,
                energy_uncertainty_kwh=amount.energy_uncertainty_kwh,
                methods=tuple(amount.energy_by_method_kwh),
                curve_t_s=_finite(curve.t_s) if curve else (),
                curve_power_w=_finite(curve.power_w) if curve else (),
            )
        )
    return tuple(found)


def _sampled(ends: np.ndarray, undated: int) -> list[int]:
    """Return at most `MAX_POINTS` places, evenly in time, the last one among them."""
    count = len(ends)
    last_of_each = np.flatnonzero(np.append(np.diff(ends) != 0, [True]))
    last_of_each = last_of_each[last_of_each >= undated]
    if len(last_of_each) <= MAX_POINTS:
        chosen: list[int] = last_of_each.tolist()
        return chosen
    grid = np.linspace(ends[undated], ends[count - 1], MAX_POINTS)
    places = np.searchsorted(ends, grid, side="right") - 1
    places[-1] = count - 1
    return sorted({int(at) for at in places})


def _finite(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(v) if math.isfinite(v) else 0.0 for v in values)
