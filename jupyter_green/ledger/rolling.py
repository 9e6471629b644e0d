"""Totals that stay up to date at the cost of the newest records only.

Records that no later one can touch are kept as a sum: those before a moment at which
nothing ran.  The rest, the tail, is added up anew each time, as `totals` does it.
Imports the ledger's own modules and `units`.

    >>> rolling = RollingTotals(is_known=lambda identifier: False)
    >>> rolling.put(SlimRecord(id="r1", duration_s=2.0, devices=()))
    True
    >>> rolling.totals().total.unmeasured_runs
    1
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from jupyter_green.ledger.lines import SlimRecord
from jupyter_green.ledger.shares import TOLERANCE_US, span_us
from jupyter_green.ledger.sums import AnyRecord, Sum
from jupyter_green.ledger.totals import Totals, charge_once, finish
from jupyter_green.units import co2e_g

# The tail is cut when it has grown to this, and so much of it stays.
LONGEST_TAIL = 500
SHORTEST_TAIL = 100
# A thread that fills rests after so many records, for others that wait.
RESTING = 64

Counts = Callable[[AnyRecord], bool]


@dataclass(frozen=True, slots=True)
class Range:
    """Grams of CO2e at the ends of the ranges that intensities state.

    Attributes:
        low_g: Grams at the low ends; an intensity without a range counts as it is.
        high_g: Grams at the high ends.
    """

    low_g: float
    high_g: float


@dataclass(slots=True)
class _Part:
    """The sum of some records, nothing in it counted twice."""

    sum: Sum = field(default_factory=Sum)
    nested_runs: int = 0
    shared_runs: int = 0
    shared_j: float = 0.0
    low_g: float = 0.0
    high_g: float = 0.0
    has_range: bool = False

    @classmethod
    def of(cls, records: list[SlimRecord], counts: Counts | None) -> _Part:
        once = charge_once(records)
        part = cls(
            nested_runs=once.nested_runs,
            shared_runs=once.shared_runs,
            shared_j=once.shared_j,
        )
        for record in once.records:
            if counts is None or counts(record):
                part.sum.add(record, record.devices)
                part._add_range(record)
        return part

    def plus(self, other: _Part) -> _Part:
        return _Part(
            Sum.of((self.sum, other.sum)),
            self.nested_runs + other.nested_runs,
            self.shared_runs + other.shared_runs,
            self.shared_j + other.shared_j,
            self.low_g + other.low_g,
            self.high_g + other.high_g,
            self.has_range or other.has_range,
        )

    def _add_range(self, record: AnyRecord) -> None:
        intensity = record.intensity
        energies = [d.energy_j for d in record.devices if d.energy_j is not None]
        if intensity is None or not energies:
            return
        low, high = intensity.low_g_per_kwh, intensity.high_g_per_kwh
        self.has_range |= low is not None or high is not None
        middle = intensity.g_per_kwh
        energy_j, pue = sum(energies), record.pue.value
        self.low_g += co2e_g(energy_j, middle if low is None else low, pue)
        self.high_g += co2e_g(energy_j, middle if high is None else high, pue)


class RollingTotals:
    """Add up records as they come, those of the past once.

    Args:
        is_known: Says whether a run of that id is among the records added up, wherever
            it stands: a parent.
        rest: Called now and then while many are filled in.
        counts: Chooses what the sum is of, once energy that runs share has been parted
            among all of them: the row of one notebook, for example; None: all.
    """

    def __init__(
        self,
        is_known: Callable[[str], bool],
        rest: Callable[[], None] = lambda: None,
        counts: Counts | None = None,
    ) -> None:
        self._is_known = is_known
        self._rest = rest
        self._counts = counts
        self._sealed = _Part()
        self._sealed_us = -math.inf
        self._tail: dict[str, SlimRecord] = {}
        self._missing: set[str] = set()  # parents of the sealed that are not known
        self._next_seal = LONGEST_TAIL
        self._can_seal = True
        self._asked: tuple[Totals, Range | None] | None = None

    def fill(self, records: Iterable[SlimRecord]) -> None:
        """Begin anew with these records, in whatever order."""
        rows = sorted(records, key=_begin_us)
        self._can_seal = True
        if self._put_all(rows):
            return
        # A run stands apart from the one that encloses it: nothing can be cut.
        self._can_seal = False
        self._put_all(rows)

    def put(self, record: SlimRecord) -> bool:
        """Take a record, new or changed; False: `fill` it anew, it is of the past."""
        self._asked = None
        span = span_us(record)
        if span is not None and span[0] < self._sealed_us:
            return False
        if record.id in self._missing or self._has_sealed_parent(record):
            return False
        self._tail[record.id] = record
        if self._can_seal and len(self._tail) >= self._next_seal:
            self._seal()
        return True

    def totals(self) -> Totals:
        """Return the totals, as `totals` gives them for all records put here."""
        return self._answer()[0]

    @property
    def co2e_range(self) -> Range | None:
        """The range of the grams; None where no intensity states one."""
        return self._answer()[1]

    def __len__(self) -> int:
        """Return how many records are kept, not just summed."""
        return len(self._tail)

    def _answer(self) -> tuple[Totals, Range | None]:
        if self._asked is None:
            whole = self._sealed.plus(_Part.of(list(self._tail.values()), self._counts))
            found = finish(
                by=None,
                since=None,
                sums=(),
                grand=whole.sum,
                nested_runs=whole.nested_runs,
                shared=(whole.shared_runs, whole.shared_j),
            )
            ends = Range(whole.low_g, whole.high_g) if whole.has_range else None
            self._asked = found, ends
        return self._asked

    def _put_all(self, rows: list[SlimRecord]) -> bool:
        self._sealed, self._sealed_us, self._tail = _Part(), -math.inf, {}
        self._missing, self._next_seal = set(), LONGEST_TAIL
        for number, row in enumerate(rows):
            if number % RESTING == 0:
                self._rest()
            if not self.put(row):
                return False
        return True

    def _has_sealed_parent(self, record: SlimRecord) -> bool:
        parent = record.parent
        return (
            parent is not None
            and self._sealed_us > -math.inf
            and parent not in self._tail
            and self._is_known(parent)
        )

    def _seal(self) -> None:
        """Add up what lies before the last moment at which nothing ran."""
        # Where nothing can be cut now, it is tried again when there is much more.
        self._next_seal = max(LONGEST_TAIL, len(self._tail) * 3 // 2)
        rows = sorted(self._tail.values(), key=_begin_us)
        cut, boundary_us = _cut(rows)
        past = [row for row in rows[:cut] if span_us(row) is not None]
        gone = {row.id for row in past}
        parents = {row.parent for row in past if row.parent is not None} - gone
        if not past or any(map(self._is_known, parents)):
            return
        rest = {i: row for i, row in self._tail.items() if i not in gone}
        if any(row.parent in gone for row in rest.values()):
            return
        self._sealed = self._sealed.plus(_Part.of(past, self._counts))
        self._sealed_us, self._tail = boundary_us, rest
        self._missing |= parents
        self._next_seal = max(LONGEST_TAIL, len(rest) + SHORTEST_TAIL)


def _cut(rows: Sequence[SlimRecord]) -> tuple[int, float]:
    """Return how many of the first of *rows* nothing later overlaps, and until when.

    Rows stand in order of their begin.
    """
    cut, boundary_us = 0, -math.inf
    before_us = last_end_us = -math.inf
    for at, row in enumerate(rows[: len(rows) - SHORTEST_TAIL + 1]):
        span = span_us(row)
        if span is None:
            continue
        if span[0] > before_us and span[0] >= last_end_us - TOLERANCE_US:
            cut, boundary_us = at, span[0]
        if row.status == "running":
            break  # it has no end yet
        before_us, last_end_us = span[0], max(last_end_us, span[1])
    return cut, boundary_us


def _begin_us(record: SlimRecord) -> float:
    span = span_us(record)
    return -math.inf if span is None else span[0]
