"""Energy of windows on counters that move each millisecond, against known loads."""

from __future__ import annotations

import math
import random
import statistics
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenes import Kind, bursts, other_load, own_cell, run_all

from jupyter_green.devices.device import About
from jupyter_green.devices.simulated import SimulatedDevice
from jupyter_green.meter import Meter
from jupyter_green.meter.edges import Tick
from jupyter_green.meter.steps import stepped_energy

K95 = 1.96
PERIOD_S = 1e-3


def steps_around(kind: Kind, length_s: float, rng: random.Random) -> tuple[float, ...]:
    """Return truth, error and half-width of one window seen at a few steps."""
    load, start_s, end_s = kind(rng, length_s)
    phase_s = rng.random() * PERIOD_S
    seen = []
    for moment_s in (start_s, end_s):
        nearest = math.floor((moment_s - phase_s) / PERIOD_S)
        # A reading at the end itself, and the polls just after it.
        for step in (nearest, nearest + 1, nearest + 2):
            t_s = phase_s + step * PERIOD_S
            seen.append(Tick(t_s - start_s, load.energy_j(t_s), 10e-6))
    estimate = stepped_energy(
        sorted(set(seen)),
        0.0,
        end_s - start_s,
        period_s=PERIOD_S,
        before_w=load.power_w(start_s - 0.01),
    )
    assert estimate is not None
    truth_j = load.energy_j(end_s) - load.energy_j(start_s)
    return truth_j, estimate.energy_j - truth_j, K95 * estimate.error_j


@pytest.mark.parametrize("kind", [own_cell, other_load, bursts, run_all])
@pytest.mark.parametrize("length_s", [0.005, 0.05, 0.2])
def test_a_window_of_a_few_steps_is_found_and_its_interval_holds(
    kind: Kind, length_s: float
) -> None:
    """A plain difference is off by 4 % at 5 ms; here it is less than a hundredth."""
    rng = random.Random(f"{kind.__name__} {length_s}")
    found = [steps_around(kind, length_s, rng) for _ in range(200)]
    assert statistics.median(abs(error) / truth for truth, error, _ in found) < 0.005
    held = [abs(error) <= half for _, error, half in found]
    assert statistics.fmean(held) >= 0.93


@given(st.floats(0.0, 0.999), st.floats(0.003, 0.02), st.floats(30.0, 300.0))
def test_a_cell_that_kept_polls_away_is_found_by_the_power_around_it(
    phase: float, length_s: float, busy_w: float
) -> None:
    """One step before it and one near its end are known, and those after it."""
    idle_w = 20.0

    def counted_j(t_s: float) -> float:
        return idle_w * t_s + (busy_w - idle_w) * min(max(t_s, 0.0), length_s)

    last_s = (math.floor(length_s / PERIOD_S - phase) + phase) * PERIOD_S
    if last_s > length_s:
        last_s -= PERIOD_S
    times = [(phase - 1) * PERIOD_S, *(last_s + k * PERIOD_S for k in range(4))]
    estimate = stepped_energy(
        [Tick(t_s, counted_j(t_s)) for t_s in times],
        0.0,
        length_s,
        period_s=PERIOD_S,
        before_w=idle_w,
    )
    assert estimate is not None
    truth_j = busy_w * length_s
    assert abs(estimate.energy_j - truth_j) < 0.005 * truth_j
    # A load that began before the cell would have counted the same: that is in it.
    head_s = (1 - phase) * PERIOD_S
    whole_j = busy_w * last_s + idle_w * head_s
    rival_j = whole_j * last_s / (last_s + head_s)
    assert abs(rival_j - busy_w * last_s) <= 2.05 * estimate.error_j + 1e-3


def test_too_few_steps_are_no_figure() -> None:
    """One step inside a window and none outside tell nothing of its length."""
    assert stepped_energy([], 0.0, 1.0, period_s=PERIOD_S) is None
    one = [Tick(0.0005, 1.0)]
    assert stepped_energy(one, 0.0, 0.001, period_s=PERIOD_S) is None
    far = [Tick(-0.5, 0.0), Tick(0.4, 9.0), Tick(0.5, 10.0), Tick(1.4, 19.0)]
    assert stepped_energy(far, 0.0, 1.0, period_s=PERIOD_S) is None


@given(
    st.floats(1.0, 500.0),
    st.floats(0.0, 0.999),
    st.floats(0.004, 0.3),
    st.floats(0.0, 500.0),
)
def test_steady_power_is_power_times_time(
    power_w: float, phase: float, length_s: float, before_w: float
) -> None:
    """Whatever was before: the steps next to both ends agree."""
    count = math.ceil(length_s / PERIOD_S) + 3
    times = [(phase - 2 + step) * PERIOD_S for step in range(count)]
    ticks = [Tick(t_s, power_w * (t_s + 1.0)) for t_s in times]
    estimate = stepped_energy(
        ticks, 0.0, length_s, period_s=PERIOD_S, before_w=before_w
    )
    assert estimate is not None
    assert estimate.energy_j == pytest.approx(power_w * length_s, rel=1e-6, abs=1e-6)


def test_a_meter_finds_the_steps_of_a_fast_counter_by_itself() -> None:
    """Short windows at random phases: half a step at each end would be 4 % of them."""
    about = About(
        id="package-0",
        kind="cpu",
        method="counter",
        resolution_j=1e-6,
        update_period_s=PERIOD_S,
    )
    errors = []
    with Meter([SimulatedDevice(about, 100.0, period_s=PERIOD_S)]) as meter:
        for _ in range(25):
            window = meter.begin()
            time.sleep(0.008)
            meter.end(window)
            time.sleep(0.003)
            (device,) = window.record.devices
            assert device.energy_j is not None
            errors.append(abs(device.energy_j / (100.0 * window.record.duration_s) - 1))
    # Polls that a busy machine kept waiting are no better than a plain difference.
    assert statistics.median(errors) < 0.01
