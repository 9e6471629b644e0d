"""The energy of a window on a counter that moves about every millisecond.

Such a counter (RAPL) is read at both ends of a window, a little outside it, and shows
the energy up to its last step.  A few polls right after either end tell when it steps,
so that each reading is the exact energy up to a known moment:

    E = C(q) - C(p) + head + tail,   p, q the first and the last step inside

The head lies between the window's start and p, the tail between q and its end: parts
of two step intervals whose whole energy the counter tells.  Three pictures of such an
interval are held against that whole: steady power as inside the window, steady power as
outside, and power that changes at the window's end, as it does where the load is the
cell's own.  A fourth one holds where another window ends or begins in that interval, as
between epochs: what the break between them used is what the two windows do not explain.
The nearest one is taken.  Pure; imports `meter.edges` for its values.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from jupyter_green.meter.edges import Estimate, Tick

# The power next to an end is taken from steps within so many periods.
NEAR_PERIODS = 3.5
# A step farther outside the window than this many periods tells nothing of its end.
LONGEST_OUTSIDE = 1.5
# What two rival pictures differ by, as a standard deviation: the chosen one is right
# but for a load that steps by chance within that very interval.
RIVAL = 0.1
# The same where the power inside is known from that interval alone: both fit it.
OPEN = 0.5
# The same where the step outside was not seen.
UNSEEN = 0.2
# What no picture explains, as a standard deviation.
MISSED = 0.5
# How far the power changes from one step to the next at the least, as a fraction.
LEAST_SCATTER = 0.02
# The same where no two steps tell.
USUAL_SCATTER = 0.2
# Standard deviation of a window's end.
STAMP_S = 30e-6
# A break begins or ends with the window: both times are of the same reading.
SAME_S = 1e-6
# Steps this many periods apart are known by the same polls: their moments err alike.
ALIKE_PERIODS = 30
OWN_ERROR = 0.3
# A step of the counter, at each end of an interval.
FLOOR_J = 61e-6


class _Part(NamedTuple):
    """Joules of a part, the standard deviation, and the watts at the window's end."""

    energy_j: float
    error_j: float
    edge_w: float


def stepped_energy(
    ticks: Sequence[Tick],
    start_s: float,
    end_s: float,
    *,
    period_s: float,
    before_w: float | None = None,
    breaks: Sequence[tuple[float, float]] = (),
) -> Estimate | None:
    """Return the energy between two moments, or None where too few steps are known.

    Args:
        ticks: Steps of the counter in order of time; some around the start and around
            the end, gaps in between.
        start_s: The window's start.
        end_s: The window's end.
        period_s: The counter's period.
        before_w: The mean power of the time before the window, if known.
        breaks: Short times between windows, in which the load may have been another.
    """
    times = [tick.t_s for tick in ticks]
    first, last = bisect_left(times, start_s), bisect_right(times, end_s) - 1
    if last < first:
        return None
    reach_s = LONGEST_OUTSIDE * period_s
    before = ticks[first - 1] if first else None
    after = ticks[last + 1] if last + 1 < len(ticks) else None
    if before is None or start_s - before.t_s > reach_s:
        before = None
    if after is None or after.t_s - end_s > reach_s:
        after = None
    p, q = ticks[first], ticks[last]
    if p is q and (before is None or after is None):
        return None
    outer = (p, q) if p is not q else (before or p, after or q)
    inside_w = (outer[1].energy_j - outer[0].energy_j) / (outer[1].t_s - outer[0].t_s)
    # Of one step inside, both intervals reach out of the window: no picture of them can
    # be held against a power that they gave.
    is_open = p is q
    near_s = NEAR_PERIODS * period_s
    scatter = _scatter(ticks[first : last + 1], near_s)
    just_before_w = _near_w(ticks[:first][::-1], near_s)
    after_w = _near_w(ticks[last + 1 :], near_s)
    head = _part(
        p,
        before,
        start_s,
        near_w=_near_w(ticks[first : last + 1], near_s) or inside_w,
        outer_ws=[w for w in (before_w, just_before_w) if w is not None],
        period_s=period_s,
        is_open=is_open,
        break_s=_length([b for b in breaks if abs(b[1] - start_s) <= SAME_S]),
        scatter=scatter,
    )
    tail = _part(
        q,
        after,
        end_s,
        near_w=_near_w(ticks[first : last + 1][::-1], near_s) or inside_w,
        outer_ws=[w for w in (before_w, after_w) if w is not None],
        period_s=period_s,
        is_open=is_open,
        break_s=_length([b for b in breaks if abs(b[0] - end_s) <= SAME_S]),
        scatter=scatter,
    )
    if head is None or tail is None:
        return None
    early_j, late_j = head.edge_w * p.error_s, tail.edge_w * q.error_s
    moments_j2 = early_j**2 + late_j**2
    if end_s - start_s < ALIKE_PERIODS * period_s:
        moments_j2 = (early_j - late_j) ** 2 + OWN_ERROR**2 * moments_j2
    variance = head.error_j**2 + tail.error_j**2 + moments_j2
    energy_j = q.energy_j - p.energy_j + head.energy_j + tail.energy_j
    return Estimate(energy_j, math.sqrt(variance + 2.0 * FLOOR_J**2))


def _near_w(ticks: Sequence[Tick], reach_s: float) -> float | None:
    """Return the mean power from the first of *ticks* to the next, if that is near."""
    if len(ticks) > 1 and abs(ticks[1].t_s - ticks[0].t_s) <= reach_s:
        step_j = ticks[1].energy_j - ticks[0].energy_j
        return step_j / (ticks[1].t_s - ticks[0].t_s)
    return None


def _scatter(ticks: Sequence[Tick], reach_s: float) -> float:
    """Return how much the power changes by chance from step to step, as a fraction.

    From the differences of neighbours, half of whose mean square is the variance (von
    Neumann and others, doi 10.1214/aoms/1177731746).
    """
    steps = [
        (one.t_s, (two.energy_j - one.energy_j) / (two.t_s - one.t_s))
        for one, two in pairwise(ticks)
        if two.t_s - one.t_s <= reach_s
    ]
    changes = [
        2.0 * (two - one) / (two + one)
        for (t_s, one), (then_s, two) in pairwise(steps)
        if then_s - t_s <= reach_s and one + two > 0
    ]
    if not changes:
        return USUAL_SCATTER
    mean_square = sum(change**2 for change in changes) / len(changes)
    return max(LEAST_SCATTER, math.sqrt(0.5 * mean_square))


def _length(breaks: Sequence[tuple[float, float]]) -> float:
    return max((end_s - start_s for start_s, end_s in breaks), default=0.0)


def _part(  # noqa: PLR0913 - all but the ticks by name
    inner: Tick,
    outer: Tick | None,
    end_s: float,
    *,
    near_w: float,
    outer_ws: Sequence[float],
    period_s: float,
    is_open: bool,
    break_s: float,
    scatter: float,
) -> _Part | None:
    """Return the energy between a step inside and the window's end beyond it."""
    if outer is None:
        inside_s = abs(end_s - inner.t_s)
        if inside_s > LONGEST_OUTSIDE * period_s:
            return None
        return _Part(near_w * inside_s, UNSEEN * near_w * inside_s, near_w)
    inside_s, outside_s = abs(end_s - inner.t_s), abs(outer.t_s - end_s)
    whole_s = inside_s + outside_s
    counted_j = abs(outer.energy_j - inner.energy_j)
    mean_w = counted_j / whole_s
    linear_j = mean_w * inside_s
    if is_open and outer_ws:
        # The power next to the window, where it is known, rather than that of before.
        outer_w = outer_ws[-1]
        stepped_j = max(0.0, counted_j - outer_w * outside_s)
        error_j = math.hypot(OPEN * (stepped_j - linear_j), outer_w * STAMP_S)
        return _Part(stepped_j, error_j, outer_w)
    # Steady power, as inside or as outside, or a step at the window's end.
    pictures = [(abs(counted_j - near_w * whole_s), linear_j, mean_w)]
    for outer_w in outer_ws or (min(mean_w, near_w),):
        stepped_j = max(0.0, counted_j - outer_w * outside_s)
        missed_j = abs(stepped_j - near_w * inside_s)
        pictures.append((abs(counted_j - outer_w * whole_s), linear_j, mean_w))
        pictures.append((missed_j, stepped_j, outer_w))
    doubt_j = 0.0
    # A longer break has a step of its own, which tells the power outside.
    if 0.0 < break_s < outside_s + 1.5 * period_s:
        within_s = min(break_s, outside_s)
        beyond_w = outer_ws[-1] if outer_ws else near_w
        kept_j = near_w * inside_s
        lost_j = counted_j - kept_j - beyond_w * (outside_s - within_s)
        most_j = max(near_w, beyond_w) * within_s
        # Of a mean over one period, and of a shorter one: chance averages out.
        doubt_j = scatter * near_w * math.sqrt(inside_s * (inside_s + period_s))
        pictures.append((max(0.0, -lost_j, lost_j - most_j), kept_j, near_w))
    missed_j, energy_j, edge_w = min(pictures)
    rival_j = max(abs(rival - energy_j) for _, rival, _ in pictures)
    error_j = math.hypot(RIVAL * rival_j, MISSED * missed_j, edge_w * STAMP_S, doubt_j)
    return _Part(energy_j, error_j, edge_w)
