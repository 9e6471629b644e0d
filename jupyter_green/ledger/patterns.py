"""Sums of the records of each pattern: arrays in, a `Sum` for each pattern out.

Imports `units`, the ledger's scan and sums; numpy, as the columns are its arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import numpy as np

from jupyter_green.ledger.scan import Columns, Pattern
from jupyter_green.ledger.sums import FAILED, Sum
from jupyter_green.ledger.totals import NO_DEVICE
from jupyter_green.records import error_source
from jupyter_green.units import co2e_g


class PatternSums:
    """Sums for each pattern, and for each device of each pattern.

    Args:
        columns: The records.

    Attributes:
        runs: How many records each pattern has.
    """

    def __init__(self, columns: Columns) -> None:
        record, device = columns.of_record, columns.of_device
        self._columns = columns
        self._first = [0, *accumulate(len(p.devices) for p in columns.patterns)]
        place, owner = places(columns), owners(columns)
        is_measured = ~np.isnan(device["energy_j"])
        energy_j = np.where(is_measured, device["energy_j"], 0.0)
        whole_j, random_j = device["uncertainty_j"], device["random_j"]
        is_known = is_measured & ~np.isnan(whole_j)
        random_j = np.where(is_known & ~np.isnan(random_j), random_j, 0.0)
        whole_j = np.where(is_known, whole_j, 0.0)
        common_j = np.sqrt(np.maximum(whole_j * whole_j - random_j * random_j, 0.0))
        g_per_kwh = record["g_per_kwh"]
        grams = co2e_g(1.0, 1.0, 1.0) * np.where(
            np.isnan(g_per_kwh), 0.0, g_per_kwh * record["pue"]
        )

        def by_place(of_each: Any) -> Any:
            return np.bincount(place, of_each, minlength=self._first[-1])

        self._measured = by_place(is_measured)
        self._energy_j = by_place(energy_j)
        self._random_j2 = by_place(random_j * random_j)
        self._common_j = by_place(common_j)
        self._known = by_place(is_known)
        self._grams = by_place(energy_j * grams[owner])
        lacks = np.isnan(g_per_kwh)
        self._lacking = by_place(is_measured & lacks[owner])

        def by_pattern(of_each: Any) -> Any:
            return np.bincount(
                record["pattern"], of_each, minlength=len(columns.patterns)
            )

        figures = measured(columns)
        self.runs = by_pattern(np.ones(len(figures)))
        self._duration_s = by_pattern(record["length_s"])
        self._unmeasured = by_pattern(figures == 0)
        self._partly = by_pattern((figures > 0) & (figures < record["devices"]))
        self._without = by_pattern((figures > 0) & lacks)

    def oldest_first(self) -> list[int]:
        """Return the patterns' numbers in the order of their first records."""
        record = self._columns.of_record
        first = np.full(len(self.runs), np.iinfo(np.int64).max)
        begin = np.where(record["is_dated"], record["begin_us"], np.iinfo(np.int64).min)
        np.minimum.at(first, record["pattern"], begin)
        order: list[int] = np.argsort(first, kind="stable").tolist()
        return order

    def of_pattern(self, number: int, pattern: Pattern) -> Sum:
        """Return the sum of a pattern's records."""
        total = self._counted(number, pattern)
        total.unmeasured = int(self._unmeasured[number])
        total.partly = int(self._partly[number])
        total.without_intensity = int(self._without[number])
        for place, device in enumerate(pattern.devices, self._first[number]):
            self._add(total, place, pattern, device)
        if total.runs - total.unmeasured == total.without_intensity:
            total.co2e_g = None
        return total

    def by_device(
        self, number: int, pattern: Pattern
    ) -> Iterator[tuple[tuple[str, str], Sum]]:
        """Yield the sums of a pattern's devices by host and id."""
        host = pattern.host[0] if pattern.host else ""
        for place, device in enumerate(pattern.devices, self._first[number]):
            total = self._counted(number, pattern)
            measured = int(self._measured[place])
            total.unmeasured = total.runs - measured
            total.without_intensity = int(self._lacking[place])
            self._add(total, place, pattern, device)
            if measured == total.without_intensity:
                total.co2e_g = None
            yield (host, device[0]), total
        if not pattern.devices:
            total = self._counted(number, pattern)
            total.unmeasured = total.runs
            yield NO_DEVICE, total

    def _counted(self, number: int, pattern: Pattern) -> Sum:
        runs = int(self.runs[number])
        is_running = pattern.status == "running"
        failed = runs if pattern.status in FAILED else 0
        return Sum(
            runs=runs,
            failed=failed,
            running=runs if is_running else 0,
            provisional=0 if failed or is_running or pattern.final else runs,
            duration_s=float(self._duration_s[number]),
        )

    def _add(
        self, total: Sum, place: int, pattern: Pattern, device: tuple[str, str, str]
    ) -> None:
        if not self._measured[place]:
            return
        identifier, method, _ = device
        host = pattern.host[0] if pattern.host else ""
        energy_j = float(self._energy_j[place])
        total.by_method[method] = total.by_method.get(method, 0.0) + energy_j
        total.co2e_g = (total.co2e_g or 0.0) + float(self._grams[place])
        total.is_uncertainty_unknown |= bool(self._known[place] < self._measured[place])
        for sums, of_place, key in (
            (total.random_j2, self._random_j2, (host, identifier)),
            (total.common_j, self._common_j, error_source(host, identifier, method)),
        ):
            sums[key] = sums.get(key, 0.0) + float(of_place[place])


def owners(columns: Columns) -> Any:
    """Return for each device's entry the position of its record."""
    counts = columns.of_record["devices"]
    return np.repeat(np.arange(len(counts)), counts)


def measured(columns: Columns) -> Any:
    """Return for each record how many of its devices have a figure."""
    is_measured = ~np.isnan(columns.of_device["energy_j"])
    count = len(columns.of_record["id"])
    return np.bincount(owners(columns)[is_measured], minlength=count)


def places(columns: Columns) -> Any:
    """Return for each device's entry its place among all patterns' devices."""
    counts = columns.of_record["devices"]
    first = np.array([0, *accumulate(len(p.devices) for p in columns.patterns)])
    begins = np.cumsum(counts) - counts
    within = np.arange(counts.sum()) - np.repeat(begins, counts)
    return np.repeat(first[columns.of_record["pattern"]], counts) + within
