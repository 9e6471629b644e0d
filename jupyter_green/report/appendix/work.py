"""Records as columns: one place for each run, and one for each device of each run.

Sums over a hundred thousand runs are then sums of arrays.  What overlaps is charged
once here.  Imports the ledger's sharing, `selection`, `supply` and `table`; numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from jupyter_green.ledger.shares import TOLERANCE_US, parts_charged
from jupyter_green.ledger.sums import DeviceKey
from jupyter_green.records import Record
from jupyter_green.report.appendix.author import AuthorFacts
from jupyter_green.report.appendix.selection import Selection
from jupyter_green.report.appendix.supply import Terms
from jupyter_green.report.appendix.table import Numbered, Table

K = TypeVar("K", bound=Hashable)
US_PER_H = 3.6e9
US_PER_S = 1e6
# Runs with this part of the GPU-hours have to say how busy the GPUs were.
LEAST_TOLD = 0.95


@dataclass(frozen=True)
class Work:
    """What counts, in columns.

    Attributes:
        selection: The records it is made of.
        records: Those that count, oldest first: one for each run.
        author: What the authors state.
        hosts: Machines' hashes by number; empty: unknown.
        devices: Machine and id of each device by number.
        kinds: Kinds of device by number.
        methods: Methods by number.
        terms: PUE and intensity by number.
        run: Columns with one value for each run.
        entry: Columns with one value for each device of each run.
        impossible: How many figures are none: not finite, or absurd.
    """

    selection: Selection
    records: tuple[Record, ...]
    author: AuthorFacts
    hosts: list[str]
    devices: list[DeviceKey]
    kinds: list[str]
    methods: list[str]
    terms: list[Terms]
    run: dict[str, Any]
    entry: dict[str, Any]
    impossible: int

    @cached_property
    def is_measured(self) -> Any:
        """Which entries have a figure."""
        return ~np.isnan(self.entry["energy_j"])

    @cached_property
    def energy_j(self) -> Any:
        """Charged joules of each entry, 0 where there is no figure."""
        return np.where(self.is_measured, self.entry["energy_j"], 0.0)

    @cached_property
    def run_energy_j(self) -> Any:
        """Charged joules of each run; NaN: not measured."""
        energy = self.per_run(self.energy_j)
        return np.where(self.per_run(self.is_measured) > 0, energy, np.nan)

    @cached_property
    def run_gpu_us(self) -> Any:
        """Microseconds of GPUs that each run is charged."""
        return self.per_run(self.entry["gpu_us"])

    def gpu_hours_busy(self, on: Any, count: int) -> list[float | None]:
        """Return the hours in which the GPUs of each group of entries computed.

        None where entries with less than `LEAST_TOLD` of a group's GPU-hours tell it:
        windows shorter than the driver's sampling never do.

        Args:
            on: For each entry the number of its group.
            count: How many groups there are.
        """
        busy_us, gpu_us = self.entry["busy_us"], self.entry["gpu_us"]
        tells = ~np.isnan(busy_us)
        busy = np.bincount(on, np.where(tells, busy_us, 0.0), minlength=count)
        told = np.bincount(on, np.where(tells, gpu_us, 0.0), minlength=count)
        whole = np.bincount(on, gpu_us, minlength=count)
        return [
            float(busy[at]) / US_PER_H
            if told[at] > 0 and told[at] >= LEAST_TOLD * whole[at]
            else None
            for at in range(count)
        ]

    @cached_property
    def run_co2e_g(self) -> Any:
        """Grams of each run; NaN: no energy or no intensity."""
        return self.run_energy_j * self.factor("g_per_j")

    @cached_property
    def shared_runs(self) -> list[int]:
        """Numbers of the runs of which something is charged elsewhere."""
        found: list[int] = np.flatnonzero(
            self.per_run(self.entry["part"] < 1.0)
        ).tolist()
        return found

    def per_run(self, of_entry: Any) -> Any:
        """Return the sum of something over the devices of each run."""
        return np.bincount(self.entry["owner"], of_entry, minlength=len(self.records))

    def count_runs(self, entries: Any) -> int:
        """Return how many runs have any of some entries."""
        return int(np.count_nonzero(self.per_run(entries)))

    def factor(self, name: str) -> Any:
        """Return a property of each run's terms as a column; None is NaN."""
        values = [getattr(each, name) for each in self.terms]
        column = np.array([math.nan if v is None else float(v) for v in values])
        return column[self.run["terms"]] if values else np.zeros(0)

    def number(self, of: Callable[[Record], K]) -> tuple[Any, list[K]]:
        """Return for each run the number of what *of* says, and what these are."""
        numbered: Numbered[K] = Numbered()
        column = np.fromiter(
            (numbered(of(record)) for record in self.records),
            np.int64,
            len(self.records),
        )
        return column, numbered.things


def tabulate(selection: Selection, author: AuthorFacts) -> Work:
    """Return the selected records as columns, each joule and GPU-second once."""
    table = Table(author)
    for placed in selection.counted:
        table.add(placed)
    counted = len(selection.counted)
    entries = len(table.entries)
    for rival in selection.rivals:
        table.add(rival)
    run, entry = table.columns()
    _charge_once(run, entry, table.hosts.things)
    run = {name: column[:counted] for name, column in run.items()}
    entry = {name: column[:entries] for name, column in entry.items()}
    entry["gpu_us"] = _gpu_time(run, entry)
    entry["busy_us"] = _busy_time(run, entry)
    whole, random = entry["whole_j"], entry["random_j"]
    random = np.where(np.isnan(whole) | np.isnan(random), 0.0, random)
    entry["random_j"] = random
    entry["common_j"] = np.sqrt(
        np.maximum(np.where(np.isnan(whole), 0.0, whole) ** 2 - random**2, 0.0)
    )
    return Work(
        selection=selection,
        records=tuple(p.record for p in selection.counted),
        author=author,
        hosts=table.hosts.things,
        devices=table.devices.things,
        kinds=table.kinds.things,
        methods=table.methods.things,
        terms=table.terms,
        run=run,
        entry=entry,
        impossible=table.impossible,
    )


def _charge_once(run: dict[str, Any], entry: dict[str, Any], hosts: list[str]) -> None:
    """Reduce what several runs measured, as `ledger.shares` does, in place."""
    entry["recorded_j"] = entry["energy_j"].copy()
    part = entry["part"] = np.ones(len(entry["owner"]))
    members = _overlapping(run, len(hosts))
    owner = entry["owner"]
    some = np.flatnonzero(members[owner] & ~np.isnan(entry["energy_j"]))
    begin, end = run["begin_us"], run["begin_us"] + run["length_us"]
    for together in _by_device(entry["device"], some):
        on = owner[together]
        part[together] = parts_charged(begin[on], end[on], entry["energy_j"][together])
    for name in ("energy_j", "whole_j", "random_j"):
        entry[name] = entry[name] * part


def _overlapping(run: dict[str, Any], hosts: int) -> Any:
    """Return which runs cover time that another one of their host covers too."""
    begin, end = run["begin_us"], run["begin_us"] + run["length_us"]
    members = np.zeros(len(begin), dtype=bool)
    for number in range(hosts):
        some = np.flatnonzero((run["host"] == number) & run["is_placed"])
        if not len(some):
            continue
        some = some[np.argsort(begin[some], kind="stable")]
        last_end = np.maximum.accumulate(end[some])
        is_first = np.ones(len(some), dtype=bool)
        is_first[1:] = begin[some][1:] >= last_end[:-1] - TOLERANCE_US
        group = np.cumsum(is_first) - 1
        members[some] = np.bincount(group)[group] > 1
    return members


def _gpu_time(run: dict[str, Any], entry: dict[str, Any]) -> Any:
    """Return the microseconds that each entry had a GPU, common time split evenly."""
    owner = entry["owner"]
    time_us = np.where(entry["is_gpu"], run["length_us"][owner], 0).astype(float)
    some = np.flatnonzero(entry["is_gpu"] & run["is_placed"][owner])
    begin, end = run["begin_us"], run["begin_us"] + run["length_us"]
    for together in _by_device(entry["device"], some):
        on = owner[together]
        time_us[together] = split_time(begin[on], end[on])
    return time_us


def _busy_time(run: dict[str, Any], entry: dict[str, Any]) -> Any:
    """Return the microseconds that each entry's GPU computed; NaN: not recorded.

    Time that several runs had a GPU is charged to each as its GPU-hours are.
    """
    length_us = run["length_us"][entry["owner"]].astype(float)
    is_told = entry["is_gpu"] & (length_us > 0) & (entry["busy_s"] >= 0)
    part = np.full(len(length_us), np.nan)
    np.divide(entry["gpu_us"], length_us, out=part, where=is_told)
    busy_us = np.minimum(entry["busy_s"] * US_PER_S, length_us)
    return np.where(is_told, busy_us * part, np.nan)


def split_time(begin_us: Any, end_us: Any) -> Any:
    """Return the time of each span, time that several cover split evenly.

    The sum is the length of the union.
    """
    count = len(begin_us)
    times = np.concatenate((begin_us, end_us))
    steps = np.repeat((1, -1), count)
    order = np.lexsort((steps, times))
    covering = np.cumsum(steps[order])
    share = np.diff(times[order]) / np.maximum(covering[:-1], 1)
    so_far = np.empty(2 * count)
    so_far[order] = np.concatenate(((0.0,), np.cumsum(share)))
    return np.maximum(so_far[count:] - so_far[:count], 0.0)


def _by_device(device: Any, some: Any) -> list[Any]:
    if not len(some):
        return []
    some = some[np.argsort(device[some], kind="stable")]
    return np.split(some, np.flatnonzero(np.diff(device[some])) + 1)
