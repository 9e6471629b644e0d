"""The energy of a window on a counter that moves only now and then.

A counter that moves every period T lags behind: the plain difference of two readings is
off by up to T times the power at either end, which is more than a short cell uses.
Here the counter is taken at the *ticks* around the window, where it is exact, and what
lies between the ticks and the window's ends is taken off:

    E = C(b) - C(a) - energy(a, t0) - energy(t1, b),   a <= t0, b >= t1 ticks

Both ends are known from power readings between the ticks.  Where the power steps
between two readings the moment of the step is unknown; two pictures are weighed against
what the counter says of the same tick intervals:

* own load: it steps at the window's ends, where the cell begins and ends;
* other load: it steps anywhere between two readings, evenly likely.

Each picture gives mean and covariance of the energy inside the window and in the whole
tick interval; the counter's figure for the whole conditions the inside (linear
regression, as in a Kalman update).  Pure; imports nothing of the project.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

# Prior probability that steps near the window's ends are the cell's own.
PRIOR_OWN = 0.9
# The prior counts as so many windows, and no more than so many are remembered.
PRIOR_COUNT, MOST_COUNT = 5.0, 40.0
MOST_SURE = 0.97
LEAST_EVIDENCE = 2.0
# How long after a window's start its load begins, and before its end it ends: from a
# bare call to a cell that is compiled first.
OWN_LAGS_S = (0.0, 1e-4, 3e-4, 1e-3)
COVERED = 0.95
K95 = 1.96
BISECTIONS = 30
# The errors of moments and powers are bounded, not normal, and partly common to both
# ends, and another's load has a shape of its own (bursts as long as the readings are
# apart): simulated windows (tests/accuracy.py) are covered as promised only with this.
WIDER_OWN, WIDER_OTHER = 1.1, 1.4
# How many moments stand for "anywhere between two readings".
MOMENTS = 12
# Standard deviation of a power that nothing is known of, in watts.
UNKNOWN_W = 1000.0
# A power that no reading saw is off what it is taken for by this part of it, and stays
# what it was this many times as often as it changes.
UNSEEN = 0.25
STEADY, OPEN_MOMENTS = 4, 4
# The counter's own step, 1 mJ at each end of an interval, and rounding of powers.
FLOOR_J = 0.001
# Standard deviation of a window's end: a few steps of the interpreter.
# Standard deviations by which a picture may miss what the counter says.
BELIEVED = 5.0
STAMP_S = 30e-6


class Tick(NamedTuple):
    """A moment at which a counter moved.

    Attributes:
        t_s: When, in seconds.
        energy_j: The counter from then on.
        error_s: Standard deviation of *t_s*.
    """

    t_s: float
    energy_j: float
    error_s: float = 0.0


class Power(NamedTuple):
    """Watts at a moment."""

    t_s: float
    power_w: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """Joules of a window with the standard deviation of their error.

    Attributes:
        energy_j: Joules.
        error_j: Standard deviation.
        evidence: How much likelier what was counted is if the load was the cell's own,
            as the logarithm of the ratio; 0: the counter does not say.
    """

    energy_j: float
    error_j: float
    evidence: float = 0.0


class Habit:
    """How often the load of the windows so far was their own.

    A notebook that computes on a GPU makes its load; next to another's job it does
    not.  Where one window leaves that open, the windows before it tell.
    """

    def __init__(self) -> None:
        self._own = PRIOR_COUNT * PRIOR_OWN
        self._count = PRIOR_COUNT

    @property
    def prior_own(self) -> float:
        """The probability that the next window's load is its own."""
        return min(MOST_SURE, max(1.0 - MOST_SURE, self._own / self._count))

    def learn(self, evidence: float) -> None:
        """Count a window of this `Estimate.evidence`, if that says anything."""
        if abs(evidence) < LEAST_EVIDENCE:
            return
        own = 1.0 / (1.0 + _bounded_exp(-_log_odds(self.prior_own) - evidence))
        # Older windows count less and less: what runs beside a notebook changes.
        fading = min(1.0, MOST_COUNT / (self._count + 1.0))
        self._own = fading * (self._own + own)
        self._count = fading * (self._count + 1.0)


class _Scored(NamedTuple):
    """A part by one picture, and how well the counter agrees with that picture."""

    part: Estimate
    score: float


class _Span(NamedTuple):
    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s

    def within(self, other: _Span) -> _Span:
        start_s = max(self.start_s, other.start_s)
        return _Span(start_s, max(start_s, min(self.end_s, other.end_s)))

    def holds(self, t_s: float) -> bool:
        return self.start_s < t_s < self.end_s


class _Gap(NamedTuple):
    """The time between two power readings, or after the last one: then it is open."""

    span: _Span
    before_w: float
    after_w: float
    is_open: bool = False

    def energy_j(self, span: _Span, step_s: float) -> float:
        """Return joules in *span* if the power steps at *step_s*."""
        part = span.within(self.span)
        cut_s = min(max(step_s, part.start_s), part.end_s)
        before_j = self.before_w * (cut_s - part.start_s)
        return before_j + self.after_w * (part.end_s - cut_s)


class _Moments(NamedTuple):
    """Mean and covariance of the joules inside the window and in the whole interval."""

    inside_j: float = 0.0
    whole_j: float = 0.0
    inside_var: float = 0.0
    whole_var: float = 0.0
    cov: float = 0.0

    def plus(self, other: _Moments) -> _Moments:
        return _Moments(*(a + b for a, b in zip(self, other, strict=True)))


def window_energy(
    ticks: Sequence[Tick],
    powers: Sequence[Power],
    start_s: float,
    end_s: float,
    *,
    breaks: Sequence[tuple[float, float]] = (),
    prior_own: float = PRIOR_OWN,
) -> Estimate | None:
    """Return the energy between two moments, or None where ticks do not enclose them.

    Args:
        ticks: In order of time; the first at or before the start, the last at or after
            the end.  Ticks in between make the result better.
        powers: Power readings in order of time, as many as there are.
        start_s: The window's start.
        end_s: The window's end.
        breaks: Short times between windows, in which our own calls ran and the load
            may have paused: what the counter lacks may be missing there.
        prior_own: Probability that the load is the cell's own (see `Habit`).
    """
    times = [tick.t_s for tick in ticks]
    first, last = bisect_right(times, start_s) - 1, bisect_left(times, end_s)
    if first < 0 or last >= len(ticks) or not powers:
        return None
    noise_w = reading_noise_w(powers)
    window = _Span(start_s, end_s)
    energy_j = 0.0
    own_parts, other_parts = [], []
    evidence = 0.0
    for before, after in pairwise(ticks[first : last + 1]):
        if start_s <= before.t_s and after.t_s <= end_s:
            energy_j += after.energy_j - before.energy_j
            continue
        own, other = _partial(before, after, window, powers, noise_w, breaks)
        own_parts.append(own.part)
        other_parts.append(other.part)
        # A load is the cell's own at both of its ends or at neither.
        evidence += own.score - other.score
    weight = 1.0 / (1.0 + _bounded_exp(-_log_odds(prior_own) - evidence))
    mixed = _mixed(weight, _sum(own_parts), _sum(other_parts))
    return Estimate(energy_j + mixed.energy_j, mixed.error_j, evidence)


def counted_energy(
    ticks: Sequence[Tick], start_s: float, end_s: float
) -> Estimate | None:
    """Return the energy between two moments from ticks alone.

    None where ticks do not enclose the window.  Nothing tells how the energy of a tick
    interval is spread over the part f of it that lies inside the window and the rest:
    its part inside is taken to be f in the mean, and as uncertain as a part with that
    mean can be: all or nothing has the variance f (1 - f), and no part is farther from
    f than 0 or 1.
    """
    times = [tick.t_s for tick in ticks]
    first, last = bisect_right(times, start_s) - 1, bisect_left(times, end_s)
    if first < 0 or last >= len(ticks):
        return None
    window = _Span(start_s, end_s)
    energy_j, variance_j2 = 0.0, FLOOR_J**2
    for before, after in pairwise(ticks[first : last + 1]):
        interval = _Span(before.t_s, after.t_s)
        counted_j = after.energy_j - before.energy_j
        part = window.within(interval).length_s / interval.length_s
        error_s = math.hypot(before.error_s, after.error_s, STAMP_S)
        farthest = max(part, 1.0 - part) / K95
        variance_j2 += counted_j**2 * min(part * (1.0 - part), farthest**2)
        if part < 1.0:
            variance_j2 += (counted_j * error_s / interval.length_s) ** 2
        energy_j += part * counted_j
    return Estimate(energy_j, math.sqrt(variance_j2))


def sampled_energy(
    powers: Sequence[Power], start_s: float, end_s: float
) -> Estimate | None:
    """Return the energy between two moments from power readings alone.

    None where the readings do not enclose the window.  Without a counter nothing tells
    the pictures of own and other load apart: both count with their prior.
    """
    if not powers or powers[0].t_s > start_s or powers[-1].t_s < end_s:
        return None
    window = _Span(start_s, end_s)
    noise_w = reading_noise_w(powers)
    parts = []
    for own in (True, False):
        moments = _Moments()
        for gap in _gaps(window, powers, window.start_s):
            moments = moments.plus(_gap_moments(gap, window, window, noise_w, own))
        error_j = math.hypot(math.sqrt(moments.inside_var), FLOOR_J)
        parts.append(Estimate(moments.inside_j, error_j))
    return _mixed(PRIOR_OWN, parts[0], parts[1])


def reading_noise_w(powers: Sequence[Power]) -> float:
    """Return the standard deviation of one reading, from the steps between readings.

    The median of the absolute differences ignores the few steps of the load; a normal
    difference of two readings has a median of 0.954 standard deviations of one.
    """
    steps = [abs(b.power_w - a.power_w) for a, b in pairwise(powers)]
    return statistics.median(steps) / 0.954 if steps else 0.0


def _partial(
    before: Tick,
    after: Tick,
    window: _Span,
    powers: Sequence[Power],
    noise_w: float,
    breaks: Sequence[tuple[float, float]],
) -> tuple[_Scored, _Scored]:
    """Return the window's part of a tick interval that it does not fill.

    By the picture of the cell's own load and by that of another's.
    """
    interval = _Span(before.t_s, after.t_s)
    counted_j = after.energy_j - before.energy_j
    gaps = _gaps(interval, powers, window.start_s)
    inside = window.within(interval)
    known = _timing_moments(before, after, window, gaps)
    highest_w = max(max(gap.before_w, gap.after_w) for gap in gaps)
    for start_s, end_s in breaks:
        paused_s = _Span(start_s, end_s).within(interval).length_s
        known = known.plus(_Moments(whole_var=(0.5 * highest_w * paused_s) ** 2))
    own = other = known
    for gap in gaps:
        part = _gap_moments(gap, interval, inside, noise_w, own=False)
        other = other.plus(part)
        # Only where the window begins or ends do the pictures differ.
        if any(gap.span.holds(t_s) for t_s in inside):
            part = _gap_moments(gap, interval, inside, noise_w, own=True)
        own = own.plus(part)
    missed = min(_missed(moments, counted_j) for moments in (own, other))
    # Where neither can be true, both are as doubtful as far off: Birge's ratio.
    doubt = missed if missed > BELIEVED else 1.0
    first, second = (
        _Scored(
            _conditioned(moments, counted_j, doubt),
            _log_likelihood(moments, counted_j),
        )
        for moments in (own, other)
    )
    return first, second


def _sum(parts: Sequence[Estimate]) -> Estimate:
    """Return the sum of independent parts."""
    return Estimate(
        sum(part.energy_j for part in parts),
        math.hypot(*(part.error_j for part in parts)),
    )


def _mixed(weight: float, own: Estimate, other: Estimate) -> Estimate:
    """Return the mean of two weighted pictures and what covers 95 % of their mixture.

    Two pictures far apart are no normal distribution: 1.96 standard deviations of the
    mixture would miss the less likely one although it is not unlikely.
    """
    parts = ((weight, own), (1.0 - weight, other))
    mean_j = sum(share * part.energy_j for share, part in parts)
    low_j, high_j = (
        0.0,
        sum(abs(part.energy_j - mean_j) + 6.0 * part.error_j for _, part in parts),
    )
    for _ in range(BISECTIONS):
        half_j = 0.5 * (low_j + high_j)
        held = sum(share * _held(part, mean_j, half_j) for share, part in parts)
        low_j, high_j = (half_j, high_j) if held < COVERED else (low_j, half_j)
    wider = WIDER_OWN * weight + WIDER_OTHER * (1.0 - weight)
    return Estimate(mean_j, wider * high_j / K95)


def _held(part: Estimate, mean_j: float, half_j: float) -> float:
    """Return the probability of a normal estimate within an interval."""
    scale = math.sqrt(2.0) * max(part.error_j, 1e-12)
    high = (mean_j + half_j - part.energy_j) / scale
    low = (mean_j - half_j - part.energy_j) / scale
    return 0.5 * (math.erf(high) - math.erf(low))


def _timing_moments(
    before: Tick, after: Tick, window: _Span, gaps: Sequence[_Gap]
) -> _Moments:
    """Return the variances that come from moments not known exactly.

    The counter's whole is of the ticks' true moments and ours of the seen ones: the
    power there times the error.  A tick within the window moves the inside along.
    """
    moments = _Moments(whole_var=FLOOR_J**2, inside_var=FLOOR_J**2)
    for tick, power_w, is_inside in (
        (before, gaps[0].before_w, before.t_s >= window.start_s),
        (after, gaps[-1].after_w, after.t_s <= window.end_s),
    ):
        variance = (power_w * tick.error_s) ** 2
        moved = variance if is_inside else 0.0
        moments = moments.plus(
            _Moments(inside_var=moved, whole_var=variance, cov=moved)
        )
    highest_w = max(max(gap.before_w, gap.after_w) for gap in gaps)
    stamps = (before.t_s < window.start_s) + (after.t_s > window.end_s)
    return moments.plus(_Moments(inside_var=stamps * (highest_w * STAMP_S) ** 2))


def _gaps(interval: _Span, powers: Sequence[Power], rest_s: float) -> list[_Gap]:
    """Return the gaps between power readings that touch the interval.

    After the last reading the power goes on, or back to what it was at *rest_s*.
    """
    times = [power.t_s for power in powers]
    rest_w = powers[max(0, bisect_right(times, rest_s) - 1)].power_w
    low = max(0, bisect_right(times, interval.start_s) - 1)
    high = min(len(powers) - 1, bisect_left(times, interval.end_s))
    gaps = [
        _Gap(_Span(a.t_s, b.t_s), a.power_w, b.power_w)
        for a, b in pairwise(powers[low : high + 1])
    ]
    # Before the first and after the last reading the nearest one has to do.
    if powers[low].t_s > interval.start_s:
        edge = powers[low]
        span = _Span(interval.start_s, edge.t_s)
        gaps.insert(0, _Gap(span, edge.power_w, edge.power_w))
    if powers[high].t_s < interval.end_s:
        edge = powers[high]
        span = _Span(edge.t_s, interval.end_s)
        gaps.append(_Gap(span, edge.power_w, rest_w, is_open=True))
    return gaps


def _gap_moments(
    gap: _Gap,
    interval: _Span,
    inside: _Span,
    noise_w: float,
    own: bool,
) -> _Moments:
    whole = gap.span.within(interval)
    inner = gap.span.within(inside)
    cuts = [t_s for t_s in inside if gap.span.holds(t_s)] if own else []
    if gap.is_open:
        moments = _open_end(gap, whole, inner, cuts)
    elif len(cuts) == 2:  # noqa: PLR2004 - the window lies between two readings
        moments = _hidden_window(gap, whole, inner)
    elif gap.before_w == gap.after_w:
        steady_w = gap.before_w
        moments = _Moments(steady_w * inner.length_s, steady_w * whole.length_s)
    else:
        width_s = gap.span.length_s / MOMENTS
        steps = [gap.span.start_s + (i + 0.5) * width_s for i in range(MOMENTS)]
        if cuts:
            # A cell's load begins a little after its window and ends a little before.
            sign = 1.0 if cuts[0] == inside.start_s else -1.0
            steps = [cuts[0] + sign * lag_s for lag_s in OWN_LAGS_S]
        pairs = [(gap.energy_j(inner, x), gap.energy_j(whole, x)) for x in steps]
        moments = _sample_moments(pairs)
    # A reading's own error, the same for all of its gap.
    noise = _Moments(
        inside_var=(noise_w * inner.length_s) ** 2,
        whole_var=(noise_w * whole.length_s) ** 2,
        cov=noise_w**2 * inner.length_s * whole.length_s,
    )
    return moments.plus(noise)


def _hidden_window(gap: _Gap, whole: _Span, inner: _Span) -> _Moments:
    """Return the moments where no reading fell into the window: its power is open."""
    around_j = gap.before_w * (inner.start_s - whole.start_s)
    around_j += gap.after_w * (whole.end_s - inner.end_s)
    guess_j = 0.5 * (gap.before_w + gap.after_w) * inner.length_s
    variance = (UNKNOWN_W * inner.length_s) ** 2
    # Two levels, or a power that still falls after the window: then what is before
    # and after it is not what the readings say.
    moved_j = abs(gap.after_w - gap.before_w) * (whole.length_s - inner.length_s)
    return _Moments(
        guess_j, guess_j + around_j, variance, variance + moved_j**2, variance
    )


def _open_end(gap: _Gap, whole: _Span, inner: _Span, cuts: Sequence[float]) -> _Moments:
    """Return the moments after the last reading, where any power may follow.

    The cell's own load ends with the window: what follows is told by the counter and
    says little of the inside.  Another's may have changed at any moment, or not.
    """
    if cuts and inner.start_s <= whole.start_s:
        left_s = whole.end_s - cuts[0]
        inside_j = gap.before_w * inner.length_s
        whole_j = inside_j + gap.after_w * left_s
        doubt_w = UNSEEN * max(gap.before_w, gap.after_w)
        return _Moments(inside_j, whole_j, whole_var=(doubt_w * left_s) ** 2)
    if len(cuts) == 2:  # noqa: PLR2004 - no reading fell into the window
        return _hidden_window(gap, whole, inner)
    width_s = whole.length_s / OPEN_MOMENTS
    steps = [whole.start_s + (i + 0.5) * width_s for i in range(OPEN_MOMENTS)]
    pairs = [
        (gap.energy_j(inner, step_s), gap.energy_j(whole, step_s)) for step_s in steps
    ]
    steady = (gap.energy_j(inner, whole.end_s), gap.energy_j(whole, whole.end_s))
    return _sample_moments(pairs + [steady] * STEADY * OPEN_MOMENTS)


def _sample_moments(pairs: Sequence[tuple[float, float]]) -> _Moments:
    count = len(pairs)
    inside_j = sum(inner for inner, _ in pairs) / count
    whole_j = sum(whole for _, whole in pairs) / count
    centred = [(inner - inside_j, whole - whole_j) for inner, whole in pairs]
    return _Moments(
        inside_j,
        whole_j,
        sum(a * a for a, _ in centred) / count,
        sum(b * b for _, b in centred) / count,
        sum(a * b for a, b in centred) / count,
    )


def _conditioned(moments: _Moments, counted_j: float, doubt: float) -> Estimate:
    """Return the inside, given what the counter says of the whole."""
    gain = moments.cov / moments.whole_var
    energy_j = moments.inside_j + gain * (counted_j - moments.whole_j)
    variance = moments.inside_var - gain * moments.cov
    return Estimate(energy_j, doubt * math.sqrt(max(0.0, variance)))


def _missed(moments: _Moments, counted_j: float) -> float:
    """Return how many standard deviations the counter is off a picture."""
    return abs(counted_j - moments.whole_j) / math.sqrt(moments.whole_var)


def _log_likelihood(moments: _Moments, counted_j: float) -> float:
    missed_j = counted_j - moments.whole_j
    return -0.5 * (missed_j**2 / moments.whole_var + math.log(moments.whole_var))


def _log_odds(probability: float) -> float:
    return math.log(probability / (1.0 - probability))


def _bounded_exp(exponent: float) -> float:
    return math.exp(min(50.0, max(-50.0, exponent)))
