"""Energy of windows on slow counters, against loads whose energy is known exactly."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scenes import PERIOD_S, Kind, bursts, observe, other_load, own_cell, run_all

from jupyter_green.meter.edges import (
    PRIOR_OWN,
    Estimate,
    Habit,
    Power,
    Tick,
    counted_energy,
    reading_noise_w,
    window_energy,
)

K95 = 1.96


def trials(kind: Kind, length_s: float, count: int) -> list[tuple[float, float, float]]:
    """Return truth, error and half-width of many windows."""
    rng = random.Random(f"{kind.__name__} {length_s}")
    found = []
    for _ in range(count):
        scene = kind(rng, length_s)
        load, start_s, end_s = scene
        ticks, powers = observe(scene, rng)
        estimate = window_energy(ticks, powers, start_s, end_s)
        assert estimate is not None
        truth_j = load.energy_j(end_s) - load.energy_j(start_s)
        error_j = estimate.energy_j - truth_j
        found.append((truth_j, error_j, K95 * estimate.error_j))
    return found


@pytest.mark.parametrize(
    ("length_s", "limit"), [(0.05, 0.05), (0.2, 0.02), (1.0, 0.005), (5.0, 0.001)]
)
def test_a_cell_with_its_own_load_is_found_within_the_promised_error(
    length_s: float, limit: float
) -> None:
    """The median error stays under 5 % at 50 ms to 0.1 % at 5 s."""
    found = trials(own_cell, length_s, 200)
    assert statistics.median(abs(error) / truth for truth, error, _ in found) < limit


@pytest.mark.parametrize("kind", [own_cell, other_load, bursts, run_all])
@pytest.mark.parametrize("length_s", [0.02, 0.07, 0.3, 1.0])
def test_without_power_readings_the_interval_holds_for_any_load(
    kind: Kind, length_s: float
) -> None:
    """Nothing says how the energy of a tick interval is spread over it."""
    rng = random.Random(f"{kind.__name__} {length_s}")
    held = 0
    for _ in range(300):
        scene = kind(rng, length_s)
        load, start_s, end_s = scene
        ticks, _ = observe(scene, rng)
        estimate = counted_energy(ticks, start_s, end_s)
        assert estimate is not None
        truth_j = load.energy_j(end_s) - load.energy_j(start_s)
        held += abs(estimate.energy_j - truth_j) <= K95 * estimate.error_j
    assert held >= 0.95 * 300
    assert window_energy(ticks, [], start_s, end_s) is None


@pytest.mark.parametrize("length_s", [0.05, 0.2, 1.0, 5.0])
def test_the_estimate_is_unbiased(length_s: float) -> None:
    """The mean error is small beside the spread that one period would cause."""
    found = trials(own_cell, length_s, 200)
    mean_j = statistics.fmean(error for _, error, _ in found)
    assert abs(mean_j) < 0.02 * PERIOD_S * 240


@pytest.mark.parametrize("kind", [own_cell, other_load, bursts, run_all])
@pytest.mark.parametrize("length_s", [0.005, 0.02, 0.05, 0.2, 1.0, 5.0])
def test_the_interval_covers_the_truth(kind: Kind, length_s: float) -> None:
    """At least 85 of 100 hold it: 95 % is meant, and reached but for 20 ms bursts."""
    found = trials(kind, length_s, 200)
    covered = sum(abs(error) <= half for _, error, half in found)
    assert covered / len(found) >= 0.85


@settings(deadline=None)
@given(
    watts=st.floats(1.0, 1000.0),
    start_s=st.floats(0.0, 1.0),
    length_s=st.floats(0.001, 3.0),
)
def test_constant_power_is_power_times_time(
    watts: float, start_s: float, length_s: float
) -> None:
    """Whatever the phase, a steady load gives watts times seconds."""
    ticks = [Tick(0.1 * k - 0.2, watts * 0.1 * k) for k in range(60)]
    powers = [Power(0.02 * k - 0.3, watts) for k in range(300)]
    estimate = window_energy(ticks, powers, start_s, start_s + length_s)
    assert estimate is not None
    assert estimate.energy_j == pytest.approx(watts * length_s, rel=1e-6, abs=1e-9)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10_000), cut=st.floats(0.2, 0.8))
# A load that begins behind the last reading: no picture of it agrees with the counter.
@example(seed=184, cut=0.25)
def test_two_halves_add_up_to_the_whole_within_their_errors(
    seed: int, cut: float
) -> None:
    """Cutting a window in two loses nothing and makes nothing up."""
    rng = random.Random(seed)
    scene = other_load(rng, 1.5)
    _, start_s, end_s = scene
    middle_s = start_s + cut * (end_s - start_s)
    ticks, powers = observe(scene, rng)
    parts = [
        window_energy(ticks, powers, a, b)
        for a, b in ((start_s, middle_s), (middle_s, end_s), (start_s, end_s))
    ]
    first, second, whole = (part or Estimate(math.nan, 0.0) for part in parts)
    limit_j = 4 * math.hypot(first.error_j, second.error_j, whole.error_j)
    assert abs(first.energy_j + second.energy_j - whole.energy_j) <= limit_j


def test_without_a_tick_on_either_side_there_is_no_estimate() -> None:
    """What lies outside the ticks is not made up."""
    ticks = [Tick(1.0, 10.0), Tick(2.0, 20.0)]
    powers = [Power(1.0, 10.0)]
    assert window_energy(ticks, powers, 0.5, 1.5) is None
    assert window_energy(ticks, powers, 1.5, 2.5) is None
    assert window_energy(ticks, [], 1.2, 1.8) is None


def test_the_noise_of_readings_ignores_the_steps_of_the_load() -> None:
    """One step among many readings is load, not noise."""
    rng = random.Random(1)
    powers = [
        Power(0.02 * k, (300 if k > 50 else 60) + rng.gauss(0, 2)) for k in range(400)
    ]
    assert reading_noise_w(powers) == pytest.approx(2.0, rel=0.2)
    assert reading_noise_w([Power(0.0, 60.0)]) == 0.0


def test_windows_without_a_load_of_their_own_make_such_windows_likelier() -> None:
    """Evidence moves the prior either way, and what says nothing leaves it."""
    habit = Habit()
    habit.learn(0.1)
    assert habit.prior_own == pytest.approx(PRIOR_OWN)
    for _ in range(10):
        habit.learn(-8.0)
    assert habit.prior_own < 0.5
    for _ in range(100):
        habit.learn(8.0)
    assert 0.9 < habit.prior_own < 1.0


def test_a_load_that_ends_after_the_last_power_reading_is_told_by_the_counter() -> None:
    """300 W to the window's end and 60 W after it: no reading saw the fall."""
    ticks = [Tick(-0.05, 0.0), Tick(0.05, 18.0), Tick(0.15, 37.2)]
    powers = [Power(-0.06 + 0.02 * i, 60.0) for i in range(3)]
    powers += [Power(0.001, 300.0), *(Power(0.02 * i, 300.0) for i in range(1, 6))]
    estimate = window_energy(ticks, powers, 0.0, 0.11)
    assert estimate is not None
    # 3 J before the window, 30 J of it to 0.1 s, 3 J to its end, and 2.4 J after it.
    true_j = 300.0 * 0.11
    assert estimate.energy_j == pytest.approx(true_j, abs=K95 * estimate.error_j)
    assert estimate.energy_j == pytest.approx(true_j, rel=0.01)
