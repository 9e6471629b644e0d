"""Add runs up: an `Amount` for each group of them, and what its uncertainty is.

Every figure is a sum over columns, so that the parts of any division of the runs add up
to the whole.  Imports `work` and `amounts`; numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from jupyter_green.ledger.sums import DeviceKey
from jupyter_green.records import Intensity, error_source
from jupyter_green.report.appendix.amounts import Amount, Part, Supply
from jupyter_green.report.appendix.table import Numbered
from jupyter_green.report.appendix.work import US_PER_H, Work
from jupyter_green.units import G_PER_KG, J_PER_KWH


class Adder:
    """Sums over groups of runs, or over groups of their devices.

    Args:
        work: The runs.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        owner = work.entry["owner"]
        measured = work.is_measured
        factor = work.factor("g_per_j")
        self._owner = owner
        self._factor = factor[owner]
        self._has_factor = measured & ~np.isnan(self._factor)
        self._grams = {
            name: np.nan_to_num(work.factor(name))[owner] * work.energy_j
            for name in ("g_per_j", "low_g_per_j", "high_g_per_j")
        }
        self._is_unknown = measured & np.isnan(work.entry["whole_j"])
        self._random_j = np.where(measured, np.nan_to_num(work.entry["random_j"]), 0.0)
        self._common_j = np.where(measured, work.entry["common_j"], 0.0)
        pue = np.array([each.pue.value for each in work.terms], dtype=float)
        self._pue = pue[work.run["terms"]][owner] if len(pue) else np.zeros(0)
        has_range = np.array(
            [each.low_g_per_j != each.high_g_per_j for each in work.terms], dtype=bool
        )
        self._has_range = (
            has_range[work.run["terms"]][owner] if len(has_range) else np.zeros(0, bool)
        )

    def amounts(self, group: Any, count: int) -> list[Amount]:
        """Return what each group of runs took.

        Args:
            group: For each run the number of its group.
            count: How many groups there are.
        """
        work = self._work
        on = group[self._owner]

        def runs(which: Any) -> list[Any]:
            found: list[Any] = np.bincount(group, which, minlength=count).tolist()
            return found

        figures = work.per_run(work.is_measured)
        is_measured = figures > 0
        lacks = np.isnan(work.factor("g_per_j"))
        columns = {
            "runs": runs(None),
            "failed_runs": runs(work.run["is_failed"]),
            "unmeasured_runs": runs(~is_measured),
            "partly_measured_runs": runs(is_measured & (figures < work.run["devices"])),
            "without_intensity_runs": runs(is_measured & lacks),
            "run_time_s": runs(work.run["duration_s"]),
            "gpu_hours": runs(work.run_gpu_us / US_PER_H),
        }
        energies = self.energies(on, count)
        busy = work.gpu_hours_busy(on, count)
        return [
            Amount(
                **{
                    name: column[number]
                    if name in ("run_time_s", "gpu_hours")
                    else round(column[number])
                    for name, column in columns.items()
                },
                gpu_hours_busy=busy[number],
                **energies[number],
            )
            for number in range(count)
        ]

    def energies(self, on: Any, count: int) -> list[dict[str, Any]]:
        """Return the fields of an `Amount` about energy, for each group of entries."""
        work = self._work
        measured = self._sum(on, work.is_measured, count)
        energy_j = self._sum(on, work.energy_j, count)
        uncertainty_j = self.uncertainties(on, count, None)
        by_method = self._by(on, count, work.entry["method"], work.methods)
        by_kind = self._by(on, count, work.entry["kind"], work.kinds)
        facility_j = self._sum(on, work.energy_j * self._pue, count)
        co2e = self._co2e(on, count)
        return [
            {
                "energy_it_kwh": energy_j[at] / J_PER_KWH,
                "energy_uncertainty_kwh": _kwh(uncertainty_j[at]),
                "energy_by_method_kwh": by_method[at],
                "energy_by_kind_kwh": by_kind[at],
                "energy_facility_kwh": facility_j[at] / J_PER_KWH,
                **co2e[at],
            }
            if measured[at]
            else {}
            for at in range(count)
        ]

    def uncertainties(
        self, on: Any, count: int, weight: Any | None
    ) -> list[float | None]:
        """Return half-widths (95 %) of the groups' sums; None where one is unknown.

        Args:
            on: For each entry the number of its group.
            count: How many groups there are.
            weight: What each joule is multiplied by; None: one.
        """
        random, _ = self.device_parts(on, count, weight)
        common = self._by_source(on, count, weight)
        variance = (random**2).sum(axis=1) + (common**2).sum(axis=1)
        unknown = np.bincount(on, self._is_unknown, minlength=count) > 0
        return [
            None if is_unknown else math.sqrt(found)
            for is_unknown, found in zip(unknown, variance.tolist(), strict=True)
        ]

    def device_parts(
        self, on: Any, count: int, weight: Any | None = None
    ) -> tuple[Any, Any]:
        """Return the random and the common joules of each group and device."""
        devices = max(len(self._work.devices), 1)
        cell = on * devices + self._work.entry["device"]
        factor = 1.0 if weight is None else weight
        size, shape = count * devices, (count, devices)
        random2 = np.bincount(cell, (self._random_j * factor) ** 2, minlength=size)
        common = np.bincount(cell, self._common_j * factor, minlength=size)
        return np.sqrt(random2).reshape(shape), common.reshape(shape)

    def _by_source(self, on: Any, count: int, weight: Any | None = None) -> Any:
        """Return the common joules of each group and source of error."""
        source, number = self._sources
        factor = 1.0 if weight is None else weight
        common = np.bincount(
            on * number + source, self._common_j * factor, minlength=count * number
        )
        return common.reshape((count, number))

    @cached_property
    def _sources(self) -> tuple[Any, int]:
        """Return for each entry the number of its source, and how many there are."""
        device, method = self._work.entry["device"], self._work.entry["method"]
        wide = max(len(self._work.methods), 1)
        pairs, place = np.unique(device * wide + method, return_inverse=True)
        known: Numbered[DeviceKey] = Numbered()
        numbers = []
        for pair in pairs.tolist():
            host, identifier = self._work.devices[pair // wide]
            method_ = self._work.methods[pair % wide]
            numbers.append(known(error_source(host, identifier, method_)))
        return np.array(numbers, dtype=np.int64)[place], max(len(known.things), 1)

    def error_parts(self) -> tuple[float, float, Any]:
        """Return the random and common joules of all, and each device's variance.

        What devices have in common counts for each in proportion to its part.
        """
        work = self._work
        everything = np.zeros_like(work.entry["owner"])
        random, common = self.device_parts(everything, 1)
        by_source = self._by_source(everything, 1)[0]
        source, _ = self._sources
        shared = np.bincount(
            work.entry["device"],
            self._common_j * by_source[source],
            minlength=common.shape[1],
        )
        return (
            math.sqrt(float((random**2).sum())),
            math.sqrt(float((by_source**2).sum())),
            random[0] ** 2 + shared,
        )

    @property
    def is_any_known(self) -> bool:
        """Whether any figure came with its uncertainty."""
        return bool((self._work.is_measured & ~self._is_unknown).any())

    def unknown_j(self) -> float:
        """Return the joules of figures that came without uncertainty."""
        return float(self._work.energy_j[self._is_unknown].sum())

    def _sum(self, on: Any, what: Any, count: int) -> list[float]:
        found: list[float] = np.bincount(on, what, minlength=count).tolist()
        return found

    def _by(
        self, on: Any, count: int, code: Any, names: Sequence[str]
    ) -> list[dict[str, float]]:
        wide = max(len(names), 1)
        cell, size = on * wide + code, count * wide
        known = np.bincount(cell, self._work.is_measured, minlength=size)
        sums = np.bincount(cell, self._work.energy_j, minlength=size) / J_PER_KWH
        return [
            {
                name: float(sums[row * wide + at])
                for at, name in sorted(enumerate(names), key=lambda pair: pair[1])
                if known[row * wide + at]
            }
            for row in range(count)
        ]

    def _co2e(self, on: Any, count: int) -> list[dict[str, float | None]]:
        known = self._sum(on, self._has_factor, count)
        middle, low, high = (
            self._sum(on, grams, count) for grams in self._grams.values()
        )
        factor = np.where(self._has_factor, np.nan_to_num(self._factor), 0.0)
        width = self.uncertainties(on, count, factor)
        has_range = self._sum(on, self._has_factor & self._has_range, count)
        rows: list[dict[str, float | None]] = []
        for at in range(count):
            if not known[at]:
                rows.append({})
                continue
            row: dict[str, float | None] = {"co2e_kg": middle[at] / G_PER_KG}
            half = width[at]
            if half is not None or has_range[at]:
                # Corners: the intervals of energy and factor need not be independent.
                relative = (half or 0.0) / middle[at] if middle[at] > 0 else 0.0
                row["co2e_low_kg"] = max(0.0, low[at] * (1.0 - relative)) / G_PER_KG
                row["co2e_high_kg"] = high[at] * (1.0 + relative) / G_PER_KG
            rows.append(row)
        return rows


def supplies(work: Work, adder: Adder) -> tuple[Supply, ...]:
    """Return energy and CO2e by PUE and intensity, largest energy first."""
    numbers = work.run["terms"]
    found = []
    sums = adder.amounts(numbers, len(work.terms)) if work.terms else []
    for each, amount in zip(work.terms, sums, strict=True):
        if amount.energy_it_kwh is None:
            continue
        facility_kwh = amount.energy_it_kwh * each.pue.value
        found.append(
            Supply(
                energy_it_kwh=amount.energy_it_kwh,
                runs=amount.runs - amount.unmeasured_runs,
                pue=float(each.pue.value),
                pue_source=each.pue.source,
                pue_low=each.pue_low,
                pue_high=each.pue_high,
                energy_facility_kwh=facility_kwh,
                is_by_author=each.is_by_author,
                co2e_low_kg=amount.co2e_low_kg,
                co2e_high_kg=amount.co2e_high_kg,
                **_carbon(each.intensity, facility_kwh),
            )
        )
    found.sort(key=lambda s: (-s.energy_it_kwh, s.zone, s.source, s.pue))
    return tuple(found)


def _carbon(known: Intensity | None, facility_kwh: float) -> dict[str, Any]:
    if known is None:
        return {}
    return {
        "g_per_kwh": float(known.g_per_kwh),
        "low_g_per_kwh": known.low_g_per_kwh,
        "high_g_per_kwh": known.high_g_per_kwh,
        "zone": known.zone,
        "year": known.year,
        "source": known.source,
        "licence": known.licence,
        "kind": known.kind,
        "is_assumed": known.assumed,
        "note": known.note,
        "co2e_kg": facility_kwh * known.g_per_kwh / G_PER_KG,
    }


def parts(keys: Sequence[str], amounts: Sequence[Amount]) -> tuple[Part, ...]:
    """Return amounts as parts of their sum."""
    energy = sum(a.energy_it_kwh or 0.0 for a in amounts)
    hours = sum(a.gpu_hours for a in amounts)
    return tuple(
        Part(
            key=key,
            amount=amount,
            energy_fraction=fraction(amount.energy_it_kwh, energy),
            gpu_hours_fraction=fraction(amount.gpu_hours, hours),
        )
        for key, amount in zip(keys, amounts, strict=True)
    )


def fraction(part: float | None, whole: float | None) -> float | None:
    """Return a part of a whole; None where there is nothing to divide."""
    if part is None or not whole or whole < 0:
        return None
    found = part / whole
    return found if math.isfinite(found) else None  # of a whole that is next to 0


def _kwh(energy_j: float | None) -> float | None:
    return None if energy_j is None else energy_j / J_PER_KWH
