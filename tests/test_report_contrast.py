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


def drifting(rng: random.Random, ratio: float, turns: int) -> list[list[float]]:
    """Return energies of two cells: each turn has its own level, runs spread by 2 %."""
    levels = [80.0 * math.exp(rng.gauss(0.0, 0.2)) for _ in range(turns)]
    return [
        [level * of * math.exp(rng.gauss(0.0, 0.02)) for level in levels]
        for of in (1.0, ratio)
    ]


def test_what_drifts_from_turn_to_turn_is_not_in_the_ratio():
    """Levels spread by 20 %; 8 % more is found all the same, and not without turns."""
    rng = random.Random(11)
    within = apart = 0
    for _ in range(50):
        a, b = drifting(rng, 1.08, 8)
        within += contrast(a, b, in_turns=True).verdict == "worse"
        apart += contrast(a, b).verdict == "worse"
    assert within >= 45
    assert apart <= 5


@pytest.mark.parametrize("turns", [8, 9, 12, 30])
def test_a_cell_that_takes_turns_with_itself_is_not_distinguishable(turns: int):
    """In at least 95 of 100 trials, though every turn has its own level."""
    rng = random.Random(turns)
    verdicts = [
        contrast(*drifting(rng, 1.0, turns), in_turns=True).verdict for _ in range(100)
    ]
    assert verdicts.count("not distinguishable") >= 95


def test_the_interval_within_turns_holds_the_truth_in_95_of_100_trials():
    """2,000 trials of eight turns: 95 % within 1.5 points."""
    rng = random.Random(13)
    held = 0
    for _ in range(2000):
        found = contrast(*drifting(rng, 0.9, 8), in_turns=True)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.9 <= found.high
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("level", [0.0, 0.2])
def test_the_turns_asked_for_find_ten_percent(level: float):
    """After a pilot of eight turns, 80 of 100, whether turns have a level or not."""
    rng = random.Random(17)

    def turns(ratio: float, count: int) -> list[list[float]]:
        base = [80.0 * math.exp(rng.gauss(0.0, level)) for _ in range(count)]
        return [
            [each * of * math.exp(rng.gauss(0.0, 0.1)) for each in base]
            for of in (1.0, ratio)
        ]

    found = 0
    for _ in range(100):
        pilot = contrast(*turns(1.0, 8), in_turns=True)
        assert pilot.repeats_needed is not None
        again = contrast(*turns(1.1, pilot.repeats_needed), in_turns=True)
        found += again.verdict == "worse"
    assert found >= 80


def test_the_interval_within_turns_is_that_of_scipy():
    """Student's paired interval, computed by SciPy; neighbours are not alike here."""
    stats = pytest.importorskip("scipy.stats", reason="SciPy comes with scikit-learn")
    a = [10.0, 12.4, 9.7, 14.1, 11.0, 13.0, 8.8, 12.0]
    b = [9.1, 10.6, 8.9, 12.1, 10.2, 11.0, 8.2, 10.3]
    test = stats.ttest_rel(list(map(math.log, b)), list(map(math.log, a)))
    ends = test.confidence_interval(0.95)
    found = contrast(a, b, in_turns=True)
    assert found.turns == 8
    assert (found.low, found.high) == (
        pytest.approx(math.exp(ends.low)),
        pytest.approx(math.exp(ends.high)),
    )
    ends = stats.ttest_rel(b, a).confidence_interval(0.95)
    apart = difference(a, b, in_turns=True)
    assert (apart.low, apart.high) == (
        pytest.approx(ends.low),
        pytest.approx(ends.high),
    )


def test_a_few_turns_are_compared_as_independent_groups():
    """Half the degrees of freedom would cost more than the turns' drift does."""
    a, b = [10.0, 12.0, 9.0, 14.0, 11.0], [9.0, 11.0, 8.5, 12.5, 10.0]
    assert contrast(a, b, in_turns=True) == contrast(a, b)
    assert contrast(a, b, in_turns=True).turns is None


@given(
    st.lists(st.floats(0.1, 1e6), min_size=8, max_size=12),
    st.floats(0.01, 100.0),
)
def test_a_ratio_within_turns_is_the_same_whatever_the_turns_levels(
    energies_j: list[float], level: float
):
    """Multiplying both runs of a turn by anything changes nothing."""
    other_j = [energy_j * (1.1 + 0.01 * i) for i, energy_j in enumerate(energies_j)]
    levels = [level**i for i in range(len(energies_j))]
    moved = [
        [x * y for x, y in zip(of, levels, strict=True)] for of in (energies_j, other_j)
    ]
    first = contrast(energies_j, other_j, in_turns=True)
    second = contrast(*moved, in_turns=True)
    assert second.ratio == pytest.approx(first.ratio)
    assert second.low == pytest.approx(first.low)


def test_figures_whose_squares_are_beyond_floats_are_compared_all_the_same():
    """As the perplexity of a training that diverged: only the unit differs."""
    a, b = [1.0, 1.1, 0.9], [2.0, 2.2, 1.8]
    plain = difference(a, b)
    huge = difference([v * 1e300 for v in a], [v * 1e300 for v in b])
    assert (huge.verdict, huge.repeats_needed) == (plain.verdict, plain.repeats_needed)
    assert plain.low is not None
    assert huge.low == pytest.approx(plain.low * 1e300)
    found = mean_interval(a)
    assert found is not None
    many = mean_interval([v * 1e300 for v in a])
    assert many == pytest.approx((found[0] * 1e300, found[1] * 1e300))
