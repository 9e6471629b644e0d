"""Tell two pieces of work apart: ratio or difference, its interval, a plain verdict.

Energies, times and grams are compared by the logarithm of their ratio, qualities by
their difference, both by Welch's interval: Student's t with the degrees of freedom of
Satterthwaite (Biometrics Bulletin 2 (1946) 110, doi 10.2307/3002019; Welch, Biometrika
34 (1947) 28, doi 10.1093/biomet/34.1-2.28).  The interval has 95 %; a verdict asks for
99 %, because a notebook makes many comparisons, and at 95 % one in twenty of equal
cells would be called different.  Pure; imports `report.student`.

    >>> contrast([10.0, 10.1, 9.9], [20.0, 20.2, 19.8]).verdict
    'worse'
"""

from __future__ import annotations

import math
import statistics
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
MOST_REPEATS = 100_000


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
    group = _Group.of(values)
    half = t_quantile(0.5 + LEVEL / 2, group.degrees) * math.sqrt(group.variance)
    return group.mean - half, group.mean + half


def contrast(
    reference: Sequence[float],
    candidate: Sequence[float],
    *,
    common: float = 0.0,
    detect: float = DETECT,
    lower_is_better: bool = True,
) -> Contrast:
    """Compare positive figures by their ratio.

    Args:
        reference: One figure for each run, in the order of the runs.
        candidate: Likewise.
        common: Half-width (95 %) of the logarithm of the ratio that comes from errors
            which are the same in all runs of one of the two and not in the other.
        detect: The relative difference that repeats are asked for, 0.1 for 10 %.
        lower_is_better: False where more is better.
    """
    if not reference or not candidate or min(*reference, *candidate) <= 0.0:
        return Contrast(common=common, detect=detect)
    a = _Group.of([math.log(value) for value in reference])
    b = _Group.of([math.log(value) for value in candidate])
    found = b.mean - a.mean
    ends = _ends(a, b, common, LEVEL)
    needed, smallest = _planned(a, b, common, math.log1p(detect))
    return Contrast(
        ratio=math.exp(found),
        low=None if ends is None else math.exp(found - ends),
        high=None if ends is None else math.exp(found + ends),
        verdict=_verdict(
            found, _ends(a, b, common, VERDICT_LEVEL), lower_is_better=lower_is_better
        ),
        common=common,
        detect=detect,
        repeats_needed=needed,
        smallest_found=None if smallest is None else math.expm1(smallest),
    )


def difference(
    reference: Sequence[float],
    candidate: Sequence[float],
    *,
    detect: float = DETECT,
    lower_is_better: bool = False,
) -> Contrast:
    """Compare figures of any sign, such as qualities, by their difference.

    *detect* is relative to the reference's mean.
    """
    if not reference or not candidate:
        return Contrast(detect=detect)
    a, b = _Group.of(reference), _Group.of(candidate)
    found = b.mean - a.mean
    scale = abs(a.mean)
    ends = _ends(a, b, 0.0, LEVEL)
    needed, smallest = _planned(a, b, 0.0, detect * scale)
    return Contrast(
        difference=found,
        low=None if ends is None else found - ends,
        high=None if ends is None else found + ends,
        verdict=_verdict(
            found, _ends(a, b, 0.0, VERDICT_LEVEL), lower_is_better=lower_is_better
        ),
        detect=detect,
        repeats_needed=needed,
        smallest_found=None if smallest is None or not scale else smallest / scale,
    )


def repeats_needed(
    spread: float, degrees: float, effect: float, *, limit: float = SPREAD_LIMIT
) -> int | None:
    """Return the runs of each of two that find *effect* with `POWER`.

    ``n = 2 s^2 (t_alpha + t_power)^2 / effect^2``, iterated since t depends on n
    (NIST/SEMATECH e-Handbook of Statistical Methods, 7.2.2.2), with *spread* s replaced
    by the upper *limit* of what it may be.

    Args:
        spread: Standard deviation of one run, in the unit of *effect*.
        degrees: Degrees of freedom that *spread* was found with.
        effect: The difference to be found.
        limit: Probability that the spread is below the value used.
    """
    if effect <= 0.0 or degrees < 1.0:
        return None
    variance = spread**2 * degrees / chi2_quantile(1.0 - limit, degrees)
    if not math.isfinite(variance):
        return None
    low, high = LEAST_RUNS, MOST_REPEATS
    if _found_by(high, variance) > effect:
        return None
    # What n runs find becomes smaller with n, so the least n is found by halving.
    while low < high:
        middle = (low + high) // 2
        low, high = (
            (low, middle)
            if _found_by(middle, variance) <= effect
            else (middle + 1, high)
        )
    return low


def _found_by(runs: float, variance: float) -> float:
    """Return the difference that so many runs of each find with `POWER`."""
    degrees = 2.0 * (runs - 1.0)
    at_level = t_quantile(0.5 + VERDICT_LEVEL / 2, degrees)
    return (at_level + t_quantile(POWER, degrees)) * math.sqrt(2.0 * variance / runs)


def _planned(
    a: _Group, b: _Group, common: float, effect: float
) -> tuple[int | None, float | None]:
    """Return the repeats needed for *effect*, and the effect that these repeats find.

    The spread of one run is taken to be the same for both, in proportion.
    """
    degrees = a.degrees + b.degrees
    if degrees <= 0.0:
        return None, None
    parts = [g.run_variance * g.degrees for g in (a, b)]
    variance = sum(parts) / degrees
    room = effect**2 - common**2
    needed = None
    if room > 0.0:
        needed = repeats_needed(math.sqrt(variance), degrees, math.sqrt(room))
    if min(a.runs, b.runs) < LEAST_RUNS:
        return needed, None
    # Two groups of different size find what two of their harmonic mean do.
    runs = 2.0 / (1.0 / a.runs + 1.0 / b.runs)
    return needed, math.hypot(_found_by(runs, variance), common)


def _ends(a: _Group, b: _Group, common: float, level: float) -> float | None:
    """Return the half-width of the interval of the means' difference.

    Welch and Satterthwaite: ``nu = (va + vb)^2 / (va^2 / nua + vb^2 / nub)``.
    """
    if min(a.runs, b.runs) < LEAST_RUNS:
        return None
    variance = a.variance + b.variance
    probability = 0.5 + level / 2
    # Calibration is stated at 95 %; a normal error scales to another level.
    wider = t_quantile(probability, math.inf) / t_quantile(0.5 + LEVEL / 2, math.inf)
    if variance <= 0.0:
        return common * wider
    degrees = variance**2 / (a.variance**2 / a.degrees + b.variance**2 / b.degrees)
    random = t_quantile(probability, degrees) * math.sqrt(variance)
    return math.hypot(random, common * wider)


def _verdict(found: float, half: float | None, *, lower_is_better: bool) -> Verdict:
    if half is None or abs(found) <= half:
        return "not distinguishable"
    return "better" if (found < 0.0) == lower_is_better else "worse"
