"""Columns in the making: a row for each run, and one for each device of each run.

Imports the ledger, `selection` and `supply`; numpy.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from jupyter_green.ledger.shares import LONGEST_S
from jupyter_green.ledger.sums import FAILED, DeviceKey, host_id
from jupyter_green.records import Record
from jupyter_green.report.appendix.author import AuthorFacts
from jupyter_green.report.appendix.selection import Placed
from jupyter_green.report.appendix.supply import Terms, terms

K = TypeVar("K", bound=Hashable)
# A single run of 280 GWh would be more than any model has taken; it is an error.
LARGEST_J = 1e15


class Numbered(Generic[K]):
    """Number things in the order in which they are first seen."""

    def __init__(self) -> None:
        self._numbers: dict[K, int] = {}

    def __call__(self, thing: K) -> int:
        """Return the thing's number."""
        return self._numbers.setdefault(thing, len(self._numbers))

    @property
    def things(self) -> list[K]:
        """All things by their numbers."""
        return list(self._numbers)


_RUN = {
    "begin_us": np.int64,
    "length_us": np.int64,
    "is_dated": bool,
    "is_placed": bool,
    "duration_s": float,
    "host": np.int64,
    "terms": np.int64,
    "is_failed": bool,
    "devices": np.int64,
}
_ENTRY = {
    "owner": np.int64,
    "device": np.int64,
    "kind": np.int64,
    "method": np.int64,
    "is_gpu": bool,
    "energy_j": float,
    "whole_j": float,
    "random_j": float,
    "coverage": float,
    "idle_w": float,
    "busy_s": float,
}
_FIGURES = ("energy_j", "whole_j", "random_j", "coverage", "idle_w", "busy_s")


class Table:
    """Rows in the making."""

    def __init__(self, author: AuthorFacts) -> None:
        self.runs: list[tuple[Any, ...]] = []
        self.entries: list[tuple[Any, ...]] = []
        self.hosts: Numbered[str] = Numbered()
        self.devices: Numbered[DeviceKey] = Numbered()
        self.kinds: Numbered[str] = Numbered()
        self.methods: Numbered[str] = Numbered()
        self.terms: list[Terms] = []
        self.impossible = 0
        self._terms_of: dict[Any, int] = {}
        self._numbers_of: dict[tuple[str, str, str, str], tuple[int, ...]] = {}
        self._author = author

    def add(self, placed: Placed) -> None:
        """Add a row for a record and one for each of its devices."""
        record, span = placed.record, placed.span
        host = host_id(record)
        duration_s = record.duration_s
        if not 0 <= duration_s < LONGEST_S:
            self.impossible += 1
            duration_s = 0.0
        owner = len(self.runs)
        self.runs.append(
            (
                span[0] if span else 0,
                round(duration_s * 1e6),
                span is not None,
                # Of an unknown machine nothing is known to be shared.
                span is not None and bool(host),
                duration_s,
                self.hosts(host),
                self._number_terms(record),
                record.status in FAILED,
                len(record.devices),
            )
        )
        gpus: set[str] = set()
        for device in record.devices:
            # A device that stands twice in a record is allocated once.
            is_gpu = device.kind == "gpu" and device.id not in gpus
            if is_gpu:
                gpus.add(device.id)
            key = (host, device.id, device.kind, device.method)
            numbers = self._numbers_of.get(key)
            if numbers is None:
                numbers = self._numbers_of[key] = self._number(*key)
            self.entries.append(
                (
                    owner,
                    *numbers,
                    is_gpu,
                    device.energy_j,
                    device.uncertainty_j,
                    device.uncertainty_random_j,
                    device.coverage,
                    device.idle_power_w,
                    device.busy_s,
                )
            )

    def columns(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what was added as columns; impossible figures are not measured."""
        run, entry = _columns(self.runs, _RUN), _columns(self.entries, _ENTRY)
        for name in _FIGURES:
            is_impossible = np.abs(entry[name]) >= LARGEST_J
            self.impossible += int(is_impossible.sum())
            entry[name] = np.where(is_impossible, np.nan, entry[name])
        return run, entry

    def _number(
        self, host: str, identifier: str, kind: str, method: str
    ) -> tuple[int, ...]:
        return (
            self.devices((host, identifier)),
            self.kinds(kind),
            self.methods(method),
        )

    def _number_terms(self, record: Record) -> int:
        key = (record.intensity, record.pue)
        number = self._terms_of.get(key)
        if number is None:
            found = terms(record.intensity, record.pue, self._author)
            if found not in self.terms:
                self.terms.append(found)
            number = self._terms_of[key] = self.terms.index(found)
        return number


def _columns(rows: Sequence[tuple[Any, ...]], kinds: dict[str, Any]) -> dict[str, Any]:
    # Of floats None becomes NaN.
    table = np.array(rows, dtype=list(kinds.items()))
    return {name: np.ascontiguousarray(table[name]) for name in kinds}
