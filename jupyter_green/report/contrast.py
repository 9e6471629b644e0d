"""Tell two pieces of work apart: ratio or difference, its interval, a plain verdict.

Energies, times and grams are compared by the logarithm of their ratio, qualities by
their difference, both by Welch's interval: Student's t with the degrees of freedom of
Satterthwaite (Biometrics Bulletin 2 (1946) 110, doi 10.2307/3002019; Welch, Biometrika
34 (1947) 28, doi 10.1093/biomet/34.1-2.28).  Runs that took turns are compared within
each turn, by Student's t of the differences ("Student", Biometrika 6 (1908) 1, doi
10.1093/biomet/6.1.1): what drifts from turn to turn meets both and cancels.  The
interval has 95 %; a verdict asks for 99 %, because a notebook makes many comparisons,
and at 95 % one in twenty of equal cells would be called different.  Pure; imports
`report.student`.

    >>> contrast([10.0, 10.1, 9.9], [20.0, 20.2, 19.8]).verdict
    'worse'
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from jupyter_green.report.student import chi2_quantile, t_quantile

Verdict = Literal["better", "worse", "not distinguishable", "not measured"]

LEVEL = 0.95  # of every interval that is printed
VERDICT_LEVEL = 0.99  # of the interval that has to exclude "equal"
POWER = 0.9  # chance to find a difference with the number of repeats asked for
DETECT = 0.1  # the difference that the number of repeats is asked for
# The spread of a few runs is itself uncertain: repeats are asked for by its upper 80 %
# limit (Browne, Statistics in Medicine 14 (1995) 1933, doi 10.1002/sim.4780141709).
SPREAD_LIMIT = 0.8
LEAST_RUNS = 2
# Fewer runs do not tell whether neighbours are alike.
LEAST_FOR_ALIKE = 8
# Turns have half the degrees of freedom: where nothing drifts, the interval of 99 % is
# wider than that of independent groups, by 37 % with five turns and 18 % with eight.
LEAST_TURNS = 8
MOST_REPEATS = 100_000
# The squares of larger figures (the perplexity of a training that diverged) are none.
HUGE = 1e100


@dataclass(frozen=True, slots=True)
class Contrast:
    """One quantity of a candidate against that of the reference.

    Attributes:
        ratio: Candidate over reference, of geometric means; None for differences.
        difference: Candidate minus reference, of means; None for ratios.
        low: Lower end of the 95 % interval of the ratio or difference; None: unknown.
        high: Its upper end.
        verdict: What can be said of the candidate, at `VERDICT_LEVEL`.
        common: What of the half-width comes from calibration and models that are not
            the same for both: relative, in logarithms; no repeats make it smaller.
        detect: The relative difference that `repeats_needed` is about.
        repeats_needed: Runs of each that would find *detect* with `POWER`; None: it
            cannot be known (too few runs) or no number would do (see *common*).
        smallest_found: The relative difference that as many runs as these find with
            `POWER`; None where it cannot be known.
        turns: Turns within which the two were compared; None: as independent groups.
    """

    ratio: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: Verdict = "not measured"
    common: float = 0.0
    detect: float = DETECT
    repeats_needed: int | None = None
    smallest_found: float | None = None
    turns: int | None = None


@dataclass(frozen=True, slots=True)
class _Group:
    """Mean, variance of the mean, its degrees of freedom, and the spread of one run."""

    runs: int
    mean: float
    variance: float
    degrees: float
    run_variance: float

    @classmethod
    def of(cls, values: Sequence[float]) -> _Group:
        runs = len(values)
        mean = statistics.fmean(values)
        if runs < LEAST_RUNS:
            return cls(runs, mean, math.nan, 0.0, 0.0)
        # Neighbouring runs that are alike count for less than so many.
        effective = effective_runs(values)
        run_variance = statistics.variance(values) * runs / effective
        return cls(runs, mean, run_variance / runs, effective - 1.0, run_variance)


@dataclass(frozen=True, slots=True)
class _Between:
    """The difference of two means, and what is known of how it spreads.

    Attributes:
        mean: Candidate minus reference.
        variance: Of that difference; NaN where one has a single run.
        degrees: Degrees of freedom of *variance*.
        runs: Runs of each; the harmonic mean where they are not equally many.
        run_variance: Of the difference of one run of each.
        run_degrees: Degrees of freedom of *run_variance*; 0: nothing is known.
        turns: As in `Contrast`.
    """

    mean: float
    variance: float
    degrees: float
    runs: float
    run_variance: float
    run_degrees: float
    turns: int | None = None

    @classmethod
    def of(cls, a: Sequence[float], b: Sequence[float], *, in_turns: bool) -> _Between:
        if in_turns and len(a) == len(b) >= LEAST_TURNS:
            d = _Group.of([y - x for x, y in zip(a, b, strict=True)])
            return cls(
                d.mean, d.variance, d.degrees, d.runs, d.run_variance, d.degrees, d.runs
            )
        return cls._independent(_Group.of(a), _Group.of(b))

    @classmethod
    def _independent(cls, a: _Group, b: _Group) -> _Between:
        """Welch and Satterthwaite: ``nu = (va + vb)^2 / (va^2 / nua + vb^2 / nub)``.

        For the plan, the spread of one run is taken to be the same for both.
        """
        variance = a.variance + b.variance
        degrees = math.inf
        if variance > 0.0:
            parts = a.variance**2 / a.degrees + b.variance**2 / b.degrees
            degrees = variance**2 / parts
        both = a.degrees + b.degrees
        pooled = 0.0
        if both > 0.0:
            pooled = sum(g.run_variance * g.degrees for g in (a, b)) / both
        # Two groups of different size find what two of their harmonic mean do.
        runs = 2.0 / (1.0 / a.runs + 1.0 / b.runs)
        return cls(b.mean - a.mean, variance, degrees, runs, 2.0 * pooled, both)

    def half(self, common: float, level: float) -> float | None:
        """Return the half-width of an interval; None: one run tells none."""
        if math.isnan(self.variance):
            return None
        probability = 0.5 + level / 2
        # Calibration is stated at 95 %; a normal error scales to another level.
        wider = t_quantile(probability, math.inf)
        wider /= t_quantile(0.5 + LEVEL / 2, math.inf)
        random = t_quantile(probability, self.degrees) * math.sqrt(self.variance)
        return math.hypot(random, common * wider)

    def planned(self, common: float, effect: float) -> tuple[int | None, float | None]:
        """Return the repeats needed for *effect*, and the effect that these find."""
        if self.run_degrees <= 0.0:
            return None, None
        room = effect**2 - common**2
        needed = None
        if room > 0.0:
            needed = repeats_needed(
                math.sqrt(self.run_variance / 2.0),
                self.run_degrees,
                math.sqrt(room),
                in_turns=self.turns is not None,
            )
        if math.isnan(self.variance):
            return needed, None
        found = _found_by(self.runs, self.run_variance, in_turns=self.turns is not None)
        return needed, math.hypot(found, common)


def effective_runs(values: Sequence[float]) -> float:
    """Return as how many independent runs these count.

    With r the correlation of neighbours, n (1 - r) / (1 + r), as for the idle power;
    from `LEAST_FOR_ALIKE` runs on, never more than n and never fewer than 2.
    """
    runs = len(values)
    if runs < LEAST_FOR_ALIKE:
        return float(runs)
    mean = statistics.fmean(values)
    square = sum((value - mean) ** 2 for value in values)
    if square <= 0.0:
        return float(runs)
    alike = sum((a - mean) * (b - mean) for a, b in pairwise(values)) / square
    alike = min(max(alike, 0.0), 0.99)
    return max(2.0, runs * (1.0 - alike) / (1.0 + alike))


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of a mean by Student's t; None for a single value."""
    if len(values) < LEAST_RUNS:
        return None
    unit = _unit(values)
    group = _Group.of([value / unit for value in values])
    half = t_quantile(0.5 + LEVEL / 2, group.degrees) * math.sqrt(group.variance)
    return (group.mean - half) * unit, (group.mean + half) * unit


def contrast(
    reference: Sequence[float],
    candidate: Sequence[float],
    *,
    common: float = 0.0,
    detect: float = DETECT,
    lower_is_better: bool = True,
    in_turns: bool = False,
) -> Contrast:
    """Compare positive figures by their ratio.

    Args:
        reference: One figure for each run, in the order of the runs.
        candidate: Likewise.
        common: Half-width (95 %) of the logarithm of the ratio that comes from errors
            which are the same in all runs of one of the two and not in the other.
        detect: The relative difference that repeats are asked for, 0.1 for 10 %.
        lower_is_better: False where more is better.
        in_turns: The figures at one position are those of one turn; they are compared
            within turns from `LEAST_TURNS` on.
    """
    if not reference or not candidate or min(*reference, *candidate) <= 0.0:
        return Contrast(common=common, detect=detect)
    found = _Between.of(
        [math.log(value) for value in reference],
        [math.log(value) for value in candidate],
        in_turns=in_turns,
    )
    half = found.half(common, LEVEL)
    needed, smallest = found.planned(common, math.log1p(detect))
    return Contrast(
        ratio=math.exp(found.mean),
        low=None if half is None else math.exp(found.mean - half),
        high=None if half is None else math.exp(found.mean + half),
        verdict=_verdict(found, common, lower_is_better=lower_is_better),
        common=common,
        detect=detect,
        repeats_needed=needed,
        smallest_found=None if smallest is None else math.expm1(smallest),
        turns=found.turns,
    )


def difference(
    reference: Sequence[float],
    candidate: Sequence[float],
    *,
    detect: float = DETECT,
    lower_is_better: bool = False,
    in_turns: bool = False,
) -> Contrast:
    """Compare figures of any sign, such as qualities, by their difference.

    *detect* is relative to the reference's mean; *in_turns* as for `contrast`.
    """
    if not reference or not candidate:
        return Contrast(detect=detect)
    unit = _unit([*reference, *candidate])
    reference = [value / unit for value in reference]
    candidate = [value / unit for value in candidate]
    found = _Between.of(reference, candidate, in_turns=in_turns)
    scale = abs(statistics.fmean(reference))
    half = found.half(0.0, LEVEL)
    needed, smallest = found.planned(0.0, detect * scale)
    return Contrast(
        difference=found.mean * unit,
        low=None if half is None else (found.mean - half) * unit,
        high=None if half is None else (found.mean + half) * unit,
        verdict=_verdict(found, 0.0, lower_is_better=lower_is_better),
        detect=detect,
        repeats_needed=needed,
        smallest_found=None if smallest is None or not scale else smallest / scale,
        turns=found.turns,
    )


def _unit(values: Sequence[float]) -> float:
    """Return what to divide figures by before they are squared; mostly 1."""
    largest = max(map(abs, values))
    return largest if largest > HUGE else 1.0


def repeats_needed(
    spread: float,
    degrees: float,
    effect: float,
    *,
    limit: float = SPREAD_LIMIT,
    in_turns: bool = False,
) -> int | None:
    """Return the runs of each of two that find *effect* with `POWER`.

    ``n = 2 s^2 (t_alpha + t_power)^2 / effect^2``, iterated since t depends on n
    (NIST/SEMATECH e-Handbook of Statistical Methods, 7.2.2.2), with *spread* s replaced
    by the upper *limit* of what it may be.  From `LEAST_TURNS` on t has the degrees of
    freedom of turns, since that is how so many will be compared.

    Args:
        spread: Standard deviation of one run, in the unit of *effect*; for turns, that
            of the difference within a turn over the square root of 2.
        degrees: Degrees of freedom that *spread* was found with.
        effect: The difference to be found.
        limit: Probability that the spread is below the value used.
        in_turns: *spread* holds within turns only, so there have to be enough of them.
    """
    if effect <= 0.0 or degrees < 1.0:
        return None
    variance = 2.0 * spread**2 * degrees / chi2_quantile(1.0 - limit, degrees)
    if not math.isfinite(variance):
        return None

    def is_enough(runs: int) -> bool:
        return _found_by(runs, variance, in_turns=in_turns) <= effect

    if not is_enough(MOST_REPEATS):
        return None
    # The first turns find less than the last independent runs: each by itself.
    for runs in range(LEAST_TURNS if in_turns else LEAST_RUNS, LEAST_TURNS + 1):
        if is_enough(runs):
            return runs
    # From there on what n runs find becomes smaller with n.
    few = range(LEAST_TURNS, MOST_REPEATS + 1)
    return few[bisect_left(few, True, key=is_enough)]


def _found_by(runs: float, variance: float, *, in_turns: bool = False) -> float:
    """Return the difference that so many runs of each find with `POWER`.

    *variance* is that of the difference of one run of each.
    """
    is_paired = in_turns or runs >= LEAST_TURNS
    degrees = (1.0 if is_paired else 2.0) * (runs - 1.0)
    at_level = t_quantile(0.5 + VERDICT_LEVEL / 2, degrees)
    return (at_level + t_quantile(POWER, degrees)) * math.sqrt(variance / runs)


def _verdict(found: _Between, common: float, *, lower_is_better: bool) -> Verdict:
    half = found.half(common, VERDICT_LEVEL)
    if half is None or abs(found.mean) <= half:
        return "not distinguishable"
    return "better" if (found.mean < 0.0) == lower_is_better else "worse"
