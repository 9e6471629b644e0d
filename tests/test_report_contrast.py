"""Verdicts are right as often as promised: by simulation, and by hand where it can."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.report.contrast import (
    contrast,
    difference,
    effective_runs,
    mean_interval,
)

SPREAD = 0.05


def runs(rng: random.Random, energy_j: float, count: int) -> list[float]:
    """Return energies that spread by 5 % around one."""
    return [energy_j * math.exp(rng.gauss(0.0, SPREAD)) for _ in range(count)]


@pytest.mark.parametrize("count", [2, 3, 5, 10, 30])
@pytest.mark.parametrize("seed", range(5))
def test_a_cell_compared_with_itself_is_not_distinguishable(count: int, seed: int):
    """In at least 95 of 100 trials, with few and with many repeats, for each seed."""
    rng = random.Random(seed)
    verdicts = [
        contrast(runs(rng, 80.0, count), runs(rng, 80.0, count)).verdict
        for _ in range(100)
    ]
    assert verdicts.count("not distinguishable") >= 95


@pytest.mark.parametrize("seed", range(3))
def test_ten_percent_are_found_with_the_repeats_asked_for(seed: int):
    """The promise is 90 of 100; 80 leaves room for the luck of 100 trials."""
    rng = random.Random(seed)
    found = 0
    for _ in range(100):
        pilot = contrast(runs(rng, 80.0, 5), runs(rng, 80.0, 5))
        assert pilot.repeats_needed is not None
        again = contrast(
            runs(rng, 80.0, pilot.repeats_needed),
            runs(rng, 88.0, pilot.repeats_needed),
        )
        found += again.verdict == "worse"
    assert found >= 80


def test_the_interval_holds_the_true_ratio_in_95_of_100_trials():
    """Groups of different sizes and spreads, 2,000 trials: 95 % within 1.5 points."""
    rng = random.Random(7)
    held = 0
    for _ in range(2000):
        a = [math.exp(rng.gauss(0.0, 0.1)) for _ in range(4)]
        b = [1.3 * math.exp(rng.gauss(0.0, 0.02)) for _ in range(9)]
        found = contrast(a, b)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 1.3 <= found.high
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


def test_the_interval_is_that_of_scipy():
    """Welch's interval of the logarithms, computed by SciPy."""
    stats = pytest.importorskip("scipy.stats", reason="SciPy comes with scikit-learn")
    a, b = [10.0, 10.4, 9.7, 10.1], [8.0, 8.3, 7.6, 8.1, 8.2]
    test = stats.ttest_ind(
        list(map(math.log, b)), list(map(math.log, a)), equal_var=False
    )
    ends = test.confidence_interval(0.95)
    found = contrast(a, b)
    assert found.low == pytest.approx(math.exp(ends.low))
    assert found.high == pytest.approx(math.exp(ends.high))
    assert found.verdict == "better"


def test_one_run_each_shows_a_ratio_and_no_interval():
    """Nothing is said about what one run cannot know."""
    found = contrast([10.0], [20.0])
    assert found.ratio == pytest.approx(2.0)
    assert (found.low, found.repeats_needed) == (None, None)
    assert found.verdict == "not distinguishable"


def test_one_run_beside_several_plans_by_the_spread_of_the_several():
    """The relative spread is taken to be the same; the verdict waits all the same."""
    found = contrast([10.0, 10.5, 9.6, 10.2], [20.0])
    assert found.verdict == "not distinguishable"
    assert found.repeats_needed is not None


@pytest.mark.parametrize("bad", [[0.0, 1.0], [-1.0, 1.0], []])
def test_figures_that_have_no_logarithm_are_not_measured(bad: list[float]):
    """An energy of 0 is below resolution; no ratio can be made of it."""
    assert contrast(bad, [1.0, 2.0]).verdict == "not measured"
    assert contrast([1.0, 2.0], bad).verdict == "not measured"


def test_calibration_that_hides_the_difference_needs_no_number_of_repeats():
    """Two devices that may be 15 % apart: no repeats find 10 %."""
    rng = random.Random(1)
    found = contrast(runs(rng, 80.0, 9), runs(rng, 80.0, 9), common=0.15)
    assert found.repeats_needed is None
    assert found.high is not None
    assert found.low is not None
    assert found.high / found.low >= math.exp(2 * 0.15)


def test_a_doubled_energy_is_worse_and_a_doubled_quality_better():
    """Who says what better means is the caller."""
    a, b = [1.0, 1.01, 0.99], [2.0, 2.02, 1.98]
    assert contrast(a, b).verdict == "worse"
    assert contrast(a, b, lower_is_better=False).verdict == "better"
    assert difference(a, b).verdict == "better"
    assert difference(a, b, lower_is_better=True).verdict == "worse"


def test_differences_are_taken_of_qualities_with_any_sign():
    """A negative R2 has no logarithm, and a difference all the same."""
    found = difference([-0.2, -0.25, -0.22], [0.1, 0.12, 0.09])
    assert found.difference == pytest.approx(0.31 / 3 + 0.67 / 3)
    assert found.verdict == "better"


def test_neighbours_that_are_alike_count_for_fewer_runs():
    """A slow drift: twenty readings of it are no twenty independent runs."""
    drifting = [100.0 + i for i in range(20)]
    rng = random.Random(3)
    shuffled = rng.sample(drifting, 20)
    assert effective_runs(drifting) < 5
    assert effective_runs(shuffled) > 10
    assert effective_runs(drifting[:7]) == 7


def test_the_interval_of_a_mean_is_students():
    """By the table: t(0.975, 4) = 2.776."""
    values = [1.0, 2.0, 3.0, 4.0, 5.0]
    ends = mean_interval(values)
    assert ends is not None
    half = 2.776 * statistics.stdev(values) / math.sqrt(5)
    assert ends == pytest.approx((3.0 - half, 3.0 + half), abs=1e-3)
    assert mean_interval([1.0]) is None


figures = st.lists(
    st.floats(0.1, 1e6, allow_nan=False, allow_infinity=False), min_size=2, max_size=12
)


@given(figures, figures)
def test_turning_a_comparison_round_turns_the_ratio_round(
    a: list[float], b: list[float]
):
    """Neither side is special."""
    there, back = contrast(a, b), contrast(b, a)
    assert there.ratio is not None
    assert back.ratio is not None
    assert there.ratio * back.ratio == pytest.approx(1.0)
    opposite = {"better": "worse", "worse": "better"}
    assert back.verdict == opposite.get(there.verdict, there.verdict)
    assert there.repeats_needed == back.repeats_needed
