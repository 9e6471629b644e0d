"""When a slow counter moves: its period and phase, learned from polls.

A poll that finds a new value says that the counter moved since the poll before it: a
bracket.  Real counters move regularly, so that many brackets together give each moment
far better than one.  Pure; imports nothing of the project.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise
from typing import NamedTuple

# A bracket wider than this part of the period says nothing of the phase.
WIDEST = 0.25
# Brackets this many ticks away still tell the phase: the period is known well enough.
NEAR_TICKS = 30
# Brackets that make the period known.
LEAST_BRACKETS = 3
# Looking for a tick begins so long before it is due: threads wake up late.
EARLY_NS = 1_000_000


class Bracket(NamedTuple):
    """The counter moved between two polls.

    Attributes:
        low_ns: The last poll with the old value.
        high_ns: The first poll with the new value.
    """

    low_ns: int
    high_ns: int

    @property
    def middle_ns(self) -> float:
        """The middle."""
        return 0.5 * (self.low_ns + self.high_ns)

    @property
    def width_ns(self) -> int:
        """The width."""
        return self.high_ns - self.low_ns


class TickClock:
    """Period and phase of one counter.

    Args:
        period_ns: The period as far as it is known beforehand.
    """

    def __init__(self, period_ns: float) -> None:
        self.period_ns = period_ns
        self.period_error_ns = period_ns
        self.is_known = False
        self._brackets: deque[Bracket] = deque(maxlen=64)
        self._origin: Bracket | None = None

    def add(self, bracket: Bracket) -> None:
        """Learn from one bracket."""
        if bracket.width_ns > WIDEST * self.period_ns:
            return
        self._brackets.append(bracket)
        if self.is_known:
            self._refine(bracket)
        else:
            self._learn()

    def earliest_ns(self, after_ns: float) -> float:
        """Return when to begin looking for the first tick after a moment.

        At once where the phase is not known, or not any more.
        """
        if not self.is_known:
            return -math.inf
        last = self._brackets[-1]
        count = math.floor((after_ns - last.middle_ns) / self.period_ns) + 1
        early_ns = EARLY_NS + 0.5 * last.width_ns + self._drift_ns(count)
        expected_ns = last.middle_ns + count * self.period_ns
        if expected_ns - early_ns < after_ns:
            # It may have been the one before the moment: look from there on.
            return after_ns
        return expected_ns - early_ns

    def moment(self, bracket: Bracket) -> tuple[float, float]:
        """Return when the counter moved within *bracket*, and its standard deviation.

        The brackets of neighbouring ticks, moved by whole periods, all hold the same
        phase: their intersection is where it is.
        """
        low_ns, high_ns = float(bracket.low_ns), float(bracket.high_ns)
        if self.is_known:
            for other in reversed(self._brackets):
                # The fewest periods that bring the other tick into this bracket.
                apart_ns: float = bracket.low_ns - other.high_ns
                if bracket.width_ns < WIDEST * self.period_ns:
                    apart_ns = bracket.middle_ns - other.middle_ns
                    count = round(apart_ns / self.period_ns)
                else:
                    count = math.ceil(apart_ns / self.period_ns)
                if abs(count) > NEAR_TICKS:
                    continue
                moved, slack = count * self.period_ns, self._drift_ns(count)
                narrowed = (
                    max(low_ns, other.low_ns + moved - slack),
                    min(high_ns, other.high_ns + moved + slack),
                )
                # An irregular counter: its own bracket has to do.
                if narrowed[0] < narrowed[1]:
                    low_ns, high_ns = narrowed
        return 0.5 * (low_ns + high_ns), (high_ns - low_ns) / math.sqrt(12.0)

    def error_ns(self, error_ns: float, count: float) -> float:
        """Return the standard deviation *count* periods from a known moment."""
        return math.hypot(error_ns, self._drift_ns(count) / math.sqrt(3.0))

    def _learn(self) -> None:
        """Take the median distance of neighbouring ticks as the period."""
        if len(self._brackets) <= LEAST_BRACKETS:
            return
        # The latest only: earlier ones may be apart by more than one tick.
        latest = list(self._brackets)[-LEAST_BRACKETS - 1 :]
        middles = [bracket.middle_ns for bracket in latest]
        distances = sorted(b - a for a, b in pairwise(middles))
        period_ns = distances[len(distances) // 2]
        if all(abs(d - period_ns) < WIDEST * period_ns for d in distances):
            count, width_ns = len(latest) - 1, latest[0].width_ns + latest[-1].width_ns
            self.period_ns = (middles[-1] - middles[0]) / count
            self.period_error_ns = 0.5 * width_ns / count
            self.is_known = True
            self._origin = latest[0]

    def _refine(self, bracket: Bracket) -> None:
        """Make the period better over a longer time, while the count is certain."""
        origin = self._origin or bracket
        span_ns = bracket.middle_ns - origin.middle_ns
        count = round(span_ns / self.period_ns)
        missed_ns = abs(span_ns - count * self.period_ns)
        # The phase moved, or so much time passed that ticks cannot be counted.
        if max(missed_ns, self._drift_ns(count)) > WIDEST * self.period_ns:
            self._origin = bracket
            return
        # Both ends lie anywhere in their brackets.
        error_ns = 0.5 * (origin.width_ns + bracket.width_ns) / max(1, count)
        if count >= LEAST_BRACKETS and error_ns < self.period_error_ns:
            self.period_ns, self.period_error_ns = span_ns / count, error_ns

    def _drift_ns(self, count: float) -> float:
        return abs(count) * self.period_error_ns
