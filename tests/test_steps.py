"""Energy of windows on counters that move each millisecond, against known loads."""

from __future__ import annotations

import math
import random
import statistics
import time
from bisect import bisect_left
from itertools import pairwise

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


def epochs(
    rng: random.Random, *, break_s: float, low_w: float, scatter: float
) -> tuple[list[tuple[float, float]], float]:
    """Return error and half-width of six windows in a row, and all their joules.

    They have 100 W each, which may change by chance from millisecond to millisecond;
    between them the load falls to another power for a break.
    """
    load = Steps()
    load.add(0.05, low_w)
    windows = []
    for k in range(6):
        start_s = load.end_s
        length_s = 0.05 * rng.uniform(0.9, 1.1)
        while load.end_s < start_s + length_s:
            part_s = min(rng.uniform(0.2e-3, 1.2e-3), start_s + length_s - load.end_s)
            load.add(part_s, 100.0 * math.exp(rng.gauss(0.0, scatter)))
        windows.append((start_s, load.end_s))
        load.add(break_s if k < 5 else 0.05, low_w)
    phase_s = rng.random() * PERIOD_S
    ticks = [phase_s + k * PERIOD_S for k in range(int(load.end_s / PERIOD_S))]
    breaks = [(a[1], b[0]) for a, b in pairwise(windows)]
    found = []
    for start_s, end_s in windows:
        seen = [
            Tick(t_s + rng.gauss(0.0, 5e-6) - start_s, load.energy_j(t_s), 5e-6)
            for t_s in ticks
            if min(abs(t_s - start_s), abs(t_s - end_s)) < 3.2 * PERIOD_S
        ]
        estimate = stepped_energy(
            seen,
            0.0,
            end_s - start_s,
            period_s=PERIOD_S,
            breaks=[(a - start_s, b - start_s) for a, b in breaks],
        )
        assert estimate is not None
        truth_j = load.energy_j(end_s) - load.energy_j(start_s)
        found.append((estimate.energy_j - truth_j, K95 * estimate.error_j))
    return found, sum(load.energy_j(b) - load.energy_j(a) for a, b in windows)


class Steps:
    """Power in steps, one after the other from second 0."""

    def __init__(self) -> None:
        self._times, self._joules, self._watts = [0.0], [0.0], [0.0]

    @property
    def end_s(self) -> float:
        """When the last step ends."""
        return self._times[-1]

    def add(self, length_s: float, watts: float) -> None:
        """Go on with a power for a time."""
        self._times.append(self.end_s + length_s)
        self._joules.append(self._joules[-1] + watts * length_s)
        self._watts.append(watts)

    def energy_j(self, t_s: float) -> float:
        """Return joules from second 0 on."""
        i = bisect_left(self._times, t_s)
        return self._joules[i] - self._watts[i] * (self._times[i] - t_s)


@pytest.mark.parametrize("break_s", [0.1e-3, 0.2e-3, 0.5e-3, 1e-3])
@pytest.mark.parametrize("low_w", [20.0, 100.0])
@pytest.mark.parametrize("scatter", [0.0, 0.1, 0.3])
def test_epochs_add_up_though_the_load_falls_for_a_moment_between_them(
    break_s: float, low_w: float, scatter: float
) -> None:
    """Each, and the sum: the step between two epochs is no epoch's own."""
    rng = random.Random(f"{break_s} {low_w} {scatter}")
    single, sums, errors = [], [], []
    for _ in range(100):
        found, whole_j = epochs(rng, break_s=break_s, low_w=low_w, scatter=scatter)
        single += [abs(error_j) <= half_j for error_j, half_j in found]
        sum_j = abs(sum(error_j for error_j, _ in found))
        sums.append(sum_j <= math.hypot(*(half_j for _, half_j in found)))
        errors.append(sum_j / whole_j)
    assert statistics.fmean(single) >= 0.92
    assert statistics.fmean(sums) >= 0.93
    assert statistics.median(errors) < 0.002
