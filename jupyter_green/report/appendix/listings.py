"""The largest experiments, cells and notebooks, and the sum of the others.

Imports `work`, `adding` and the values they fill; numpy.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jupyter_green.records import Record
from jupyter_green.report.appendix.adding import Adder, fraction
from jupyter_green.report.appendix.amounts import Amount, Experiment, Listing, Spread
from jupyter_green.report.appendix.sections import NotebookUse
from jupyter_green.report.appendix.selection import UNTAGGED
from jupyter_green.report.appendix.table import Numbered
from jupyter_green.report.appendix.work import US_PER_H, Work
from jupyter_green.units import G_PER_KG, J_PER_KWH

Key = tuple[str, str, str]  # label, notebook, cell
HARDWARE = frozenset({"gpu", "cpu", "soc", "machine"})
SHORT_CELL = 12  # characters of a cell's id or of its source's hash
NO_CELL = ("", "", "")


def cell_of(record: Record) -> str:
    """Return what names a cell: its id, or the hash of its source; empty: none."""
    return record.cell_id or record.source_sha256[:SHORT_CELL]


def experiment_key(record: Record) -> Key:
    """Return what an experiment's runs share: the label, else notebook and cell."""
    if record.label:
        return (record.label, "", "")
    return ("", record.notebook, cell_of(record))


def cell_key(record: Record) -> Key:
    """Return notebook and cell."""
    return ("", record.notebook, cell_of(record))


def key_text(key: Key) -> str:
    """Return a key in one piece: ``label``, or ``notebook#cell``; may be empty."""
    label, notebook, cell = key
    return label or (f"{notebook}#{cell[:SHORT_CELL]}" if cell else notebook)


class Lister:
    """Make listings of some runs.

    Args:
        work: The runs.
        adder: Their sums.
        top: How many rows a listing has at most.
        whole: What all runs took.
    """

    def __init__(self, work: Work, adder: Adder, top: int, whole: Amount) -> None:
        self._work = work
        self._adder = adder
        self._top = top
        self._whole = whole
        self._hardware, self._hardware_of = _hardware(work)

    def experiments(self, key_of: Callable[[Record], Key]) -> Listing:
        """Return the largest groups of runs with the same key."""
        group, keys = self._work.number(key_of)
        group, keys, amounts, other_count = self._largest(group, keys, key_text)
        rows = tuple(
            self._experiment(key, amount, np.flatnonzero(group == at))
            for at, (key, amount) in enumerate(zip(keys, amounts, strict=False))
        )
        other = amounts[len(keys)] if other_count else None
        return Listing(rows=rows, other_count=other_count, other=other)

    def notebooks(self) -> tuple[tuple[NotebookUse, ...], int, int]:
        """Return the largest notebooks, how many are left out, and how many there are.

        Runs without a notebook are listed with an empty path and are no notebook.
        """
        group, paths = self._work.number(lambda record: record.notebook)
        group, kept, amounts, other = self._largest(group, paths, str)
        cells: list[set[str]] = [set() for _ in range(len(kept) + 1)]
        for at, record in zip(group.tolist(), self._work.records, strict=True):
            if cell := cell_of(record):
                cells[at].add(cell)
        uses = tuple(
            NotebookUse(path=path, amount=amount, cells=len(names))
            for path, amount, names in zip(kept, amounts, cells, strict=False)
        )
        return uses, other, len([path for path in paths if path])

    def _largest(
        self, group: Any, keys: list[Any], text: Callable[[Any], str]
    ) -> tuple[Any, list[Any], list[Amount], int]:
        """Renumber groups by size; the last amount is of all that are not listed."""
        if not keys:
            return group, [], [], 0
        work, count = self._work, len(keys)

        def sums(of_run: Any) -> Any:
            return np.bincount(group, np.nan_to_num(of_run), minlength=count)

        texts = [text(key) for key in keys]
        rank = np.empty(count, dtype=np.int64)
        rank[sorted(range(count), key=lambda at: (texts[at], keys[at]))] = range(count)
        order = np.lexsort(
            (
                rank,
                -sums(work.run["duration_s"]),
                -sums(work.run_gpu_us),
                -sums(work.run_energy_j),
            )
        )
        kept = order[: self._top].tolist()
        place = np.full(count, len(kept), dtype=np.int64)
        place[kept] = range(len(kept))
        renumbered = place[group]
        amounts = self._adder.amounts(renumbered, len(kept) + 1)
        return renumbered, [keys[at] for at in kept], amounts, count - len(kept)

    def _experiment(self, key: Key, amount: Amount, runs: Any) -> Experiment:
        work = self._work
        records = [work.records[at] for at in runs.tolist()]
        is_done = np.array([record.status == "ok" for record in records], dtype=bool)
        done = runs[is_done]
        hardware = sorted({self._hardware[at] for at in self._hardware_of[runs]})
        named = NO_CELL if key[0] else key
        purposes = Counter(record.purpose or UNTAGGED for record in records)
        return Experiment(
            key=key_text(key),
            amount=amount,
            energy_kwh=spread(work.run_energy_j[done] / J_PER_KWH),
            duration_s=spread(work.run["duration_s"][done]),
            gpu_hours=spread(work.run_gpu_us[done] / US_PER_H),
            co2e_kg=spread(work.run_co2e_g[done] / G_PER_KG),
            label=key[0] or _common([record.label for record in records]),
            notebook=named[1] or _common([record.notebook for record in records]),
            cell=named[2] or _common([cell_of(record) for record in records]),
            purposes=tuple(sorted(purposes)),
            hardware=tuple(dict.fromkeys(name for each in hardware for name in each)),
            is_same_hardware=len(hardware) <= 1,
            repeated_runs=sum(record.repeats is not None for record in records),
            energy_fraction=fraction(amount.energy_it_kwh, self._whole.energy_it_kwh),
        )


def spread(values: Any) -> Spread:
    """Return mean and sample standard deviation of the figures that are known."""
    known = [value for value in values.tolist() if not math.isnan(value)]
    count = len(known)
    if not count:
        return Spread(n=0)
    mean = math.fsum(known) / count
    if count == 1:
        return Spread(n=1, mean=mean)
    variance = math.fsum((value - mean) ** 2 for value in known) / (count - 1)
    return Spread(n=count, mean=mean, sd=math.sqrt(variance))


def _common(texts: Sequence[str]) -> str:
    found = set(texts)
    return found.pop() if len(found) == 1 else ""


def _hardware(work: Work) -> tuple[list[tuple[str, ...]], Any]:
    """Return the different sets of products, and for each run the number of its own."""
    numbered: Numbered[tuple[str, ...]] = Numbered()
    known: dict[tuple[tuple[str, str], ...], int] = {}
    numbers = []
    for record in work.records:
        products = tuple(
            [(d.kind, d.name) for d in record.devices if d.kind in HARDWARE]
        )
        at = known.get(products)
        if at is None:
            count = Counter(name or kind for kind, name in products)
            at = known[products] = numbered(
                tuple(
                    f"{many} x {name}" if many > 1 else name
                    for name, many in sorted(count.items())
                )
            )
        numbers.append(at)
    return numbered.things, np.array(numbers, dtype=np.int64)
