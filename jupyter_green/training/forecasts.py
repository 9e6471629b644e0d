"""Forecast what a training will use, from the epochs that are done.

With n epochs to go by, their mean m and standard deviation s, the sum of k more lies in

    k m +- t(0.975, n - 1) s sqrt(k + k^2 / n)

(prediction interval for the sum of k future observations, Hahn and Meeker, Statistical
Intervals, Wiley 1991, section 4.8).  It takes the epochs to vary independently; where
neighbours are alike, s^2 is larger by n over the number of independent epochs that they
count for, which eight or more of them tell (`contrast.effective_runs`).  The first
epoch warms up and is left out where there are others.  What all epochs share,
calibration and models, adds in quadrature in proportion to the whole, and so do the
random errors of what is measured.  Pure; imports `records`, `report` and `errors`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from jupyter_green.errors import TrainingError
from jupyter_green.records import Record, error_source, split_error
from jupyter_green.report.contrast import effective_runs
from jupyter_green.report.format import (
    format_co2e,
    format_duration,
    format_energy,
)
from jupyter_green.report.student import t_quantile

# From so many epochs on the first is left out.
LEAST_WITH_WARM_UP = 3
LEAST_FOR_INTERVAL = 2
# A slope is told from so many epochs on, if it is this many standard errors from 0.
LEAST_FOR_TREND = 5
TREND_ERRORS = 3.0


class Forecast(Struct, frozen=True, kw_only=True):
    """What a whole training will use, the epochs that are done included.

    Attributes:
        done: Epochs that are done.
        total: Epochs in all.
        energy_j: Joules of the whole training.
        low_j: Lower end of the 95 % interval; None: one epoch tells none.
        high_j: Its upper end.
        duration_s: Seconds of the whole training.
        low_s: Lower end of the 95 % interval.
        high_s: Its upper end.
        co2e_g: Grams CO2e; None: without intensity.
        low_g: Lower end, of the energy's interval; the intensity's error is not known.
        high_g: Its upper end.
        methods: How the energy was found.
        notes: What has to be known of it.
        name: What is called an epoch here: ``epoch``, ``step`` ...
    """

    done: int
    total: int
    energy_j: float
    low_j: float | None
    high_j: float | None
    duration_s: float
    low_s: float | None
    high_s: float | None
    co2e_g: float | None = None
    low_g: float | None = None
    high_g: float | None = None
    methods: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    name: str = "epoch"

    def __str__(self) -> str:
        """Return it in a line for people, notes behind it."""
        half_j = None if self.high_j is None else self.high_j - self.energy_j
        parts = [
            f"{format_energy(self.energy_j, half_j)}",
            format_duration(self.duration_s),
        ]
        if self.co2e_g is not None:
            half_g = None if self.high_g is None else self.high_g - self.co2e_g
            parts.append(f"{format_co2e(self.co2e_g, half_g)} CO2e")
        told = f"forecast for {self.total} {self.name}s after {self.done}: "
        told += ", ".join(parts) + f" ({', '.join(self.methods)})"
        return " ".join((told, *self.notes))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show the line where a cell or a terminal's IPython ends with a forecast."""
        del cycle  # it holds no other values that could hold it
        printer.text(str(self))


def forecast(records: Sequence[Record], total: int, *, name: str = "epoch") -> Forecast:
    """Return what *total* epochs will use, by the records of those that are done.

    Args:
        records: The epochs' records, in order; those that were left early are ignored.
        total: Epochs in all.
        name: What is called an epoch here.

    Raises:
        TrainingError: No epoch is measured yet, or more are done than there are.
    """
    done = [r for r in records if "left-early" not in r.flags and r.status == "ok"]
    measured = [(r, r.energy_j) for r in done if r.energy_j is not None]
    if not measured or len(measured) < len(done):
        raise TrainingError(
            "there is nothing to forecast by",
            why=f"the energy of one {name} was not measured"
            if done
            else f"no {name} is done yet",
        )
    left = total - len(done)
    if left < 0:
        raise TrainingError(f"{len(done)} {name}s are done, more than {total}")
    skip = 1 if len(done) >= LEAST_WITH_WARM_UP else 0
    energies_j = [energy_j for _, energy_j in measured]
    energy_j, half_j = _sum(energies_j, skip, left)
    duration_s, half_s = _sum([r.duration_s for r in done], skip, left)
    common = _common_share(done)
    measured_j, measured_s = sum(energies_j), sum(r.duration_s for r in done)
    random_j = math.hypot(*(r.uncertainty_random_j or 0.0 for r in done))
    low_j = None
    if half_j is not None:
        half_j = math.hypot(half_j, random_j, common * energy_j)
        # What is measured is used, but for the error that it was measured with.
        sure_j = measured_j - math.hypot(random_j, common * measured_j)
        low_j = max(0.0, sure_j, energy_j - half_j)
    grams = [r.co2e_g for r in done]
    known_g = [g for g in grams if g is not None]
    co2e_g = None
    if len(known_g) == len(grams):
        # What is to come is taken to have the intensity of the newest epoch.
        newest_g_per_j = known_g[-1] / energies_j[-1] if energies_j[-1] > 0 else 0.0
        co2e_g = sum(known_g) + (energy_j - measured_j) * newest_g_per_j
    high_j = None if half_j is None else energy_j + half_j
    return Forecast(
        done=len(done),
        total=total,
        energy_j=energy_j,
        low_j=low_j,
        high_j=high_j,
        duration_s=duration_s,
        low_s=None if half_s is None else max(measured_s, duration_s - half_s),
        high_s=None if half_s is None else duration_s + half_s,
        co2e_g=co2e_g,
        low_g=_scaled(co2e_g, low_j, energy_j),
        high_g=_scaled(co2e_g, high_j, energy_j),
        methods=tuple(dict.fromkeys(m for r in done for m in r.methods)),
        notes=_notes(energies_j[skip:], name),
        name=name,
    )


def _sum(values: Sequence[float], skip: int, left: int) -> tuple[float, float | None]:
    """Return the sum over all epochs, and its half-width; see the module."""
    used = values[skip:]
    mean = statistics.fmean(used)
    whole = sum(values) + left * mean
    count = len(used)
    if count < LEAST_FOR_INTERVAL:
        return whole, None
    effective = effective_runs(used)
    variance = statistics.variance(used) * count / effective
    spread = math.sqrt(variance * (left + left**2 / count))
    return whole, t_quantile(0.975, effective - 1.0) * spread


def _common_share(records: Sequence[Record]) -> float:
    """Return the relative half-width that all epochs share, sources in quadrature."""
    whole_j = sum(r.energy_j or 0.0 for r in records)
    shared_j: dict[tuple[str, str], float] = {}
    for record in records:
        host = record.host.id if record.host else ""
        for device in record.devices:
            if device.uncertainty_j is not None:
                _, part_j = split_error(
                    device.uncertainty_j, device.uncertainty_random_j
                )
                source = error_source(host, device.id, device.method)
                shared_j[source] = shared_j.get(source, 0.0) + part_j
    return math.hypot(*shared_j.values()) / whole_j if whole_j > 0 else 0.0


def _scaled(value: float | None, part: float | None, whole: float) -> float | None:
    return None if value is None or part is None or whole <= 0 else value * part / whole


def _notes(energies_j: Sequence[float], name: str) -> tuple[str, ...]:
    """Say where the epochs are not alike: then the interval is too narrow."""
    count = len(energies_j)
    if count < LEAST_FOR_TREND:
        return ()
    slope, offset = statistics.linear_regression(range(count), energies_j)
    rest = [e - (offset + slope * i) for i, e in enumerate(energies_j)]
    degrees = count - 2
    error = math.sqrt(sum(r * r for r in rest) / degrees)
    error /= math.sqrt((count**3 - count) / 12.0)
    if abs(slope) <= TREND_ERRORS * error or not slope:
        return ()
    trend = "grows" if slope > 0 else "falls"
    return (f"The energy of each {name} {trend}: the forecast takes them as alike.",)
