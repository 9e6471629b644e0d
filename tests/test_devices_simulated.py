"""Simulated devices tell the truth, with the faults they are asked for."""

from itertools import pairwise

import pytest
from fakes.clock import FakeClock
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.devices import simulated
from jupyter_green.devices.device import About, Counter, Device, Gauge
from jupyter_green.devices.simulated import (
    Constant,
    Power,
    SimulatedDevice,
    Steps,
    Wave,
)
from jupyter_green.errors import DeviceError, DeviceLostError

ABOUT = About(id="gpu", kind="gpu", method="simulated", power_limit_w=400.0)
POWERS: tuple[Power, ...] = (
    Constant(70.0),
    Wave(200.0, 120.0, 3.0, 0.4),
    Steps([(1.0, 300.0), (2.5, 60.0), (2.5, 80.0)], idle_w=40.0),
)


@pytest.mark.parametrize("power", POWERS, ids=["constant", "wave", "steps"])
@given(start=st.floats(0, 5), length=st.floats(0, 5))
def test_energy_is_the_integral_of_power(power: Power, start: float, length: float):
    """The exact figure agrees with a sum of thin slices."""
    n = 500
    slices = (power.power_w(start + length * (i + 0.5) / n) for i in range(n))
    exact = power.energy_j(start + length) - power.energy_j(start)
    assert exact == pytest.approx(sum(slices) * length / n, rel=1e-2, abs=1.0)


@given(times=st.lists(st.floats(0, 10), min_size=2, max_size=20))
def test_energy_of_steps_adds_up(times: list[float]):
    """Windows side by side have the energy of the whole."""
    power = POWERS[2]
    times = sorted(times)
    joules = [power.energy_j(t) for t in times]
    parts = sum(b - a for a, b in pairwise(joules))
    assert parts == pytest.approx(joules[-1] - joules[0])


def test_steps_must_be_in_order():
    """A profile that goes back in time is a mistake."""
    with pytest.raises(ValueError, match="in order"):
        Steps([(2.0, 1.0), (1.0, 1.0)])


def test_a_counter_moves_only_at_its_updates():
    """At phase 0.03 s and every 0.1 s."""
    clock = FakeClock(0.0)
    device = SimulatedDevice(ABOUT, 100, clock=clock, period_s=0.1, phase_s=0.03)
    assert isinstance(device, Device)
    clock.advance(1.0)
    assert device.read() == Counter(clock.ns, pytest.approx(93.0))
    clock.advance(0.02)
    assert device.read().energy_j == pytest.approx(93.0)
    clock.advance(0.02)
    assert device.read().energy_j == pytest.approx(103.0)
    assert device.true_energy_j(0, clock.ns) == pytest.approx(104.0)


def test_a_gauge_is_a_mean_over_its_window():
    """Half of the window is at 300 W and half at 40 W."""
    clock = FakeClock(0.0)
    gauge = SimulatedDevice(ABOUT, POWERS[2], clock=clock, averaging_s=1.0)
    instant = SimulatedDevice(ABOUT, POWERS[2], clock=clock, averaging_s=0.0)
    clock.advance(1.5)
    assert gauge.read() == Gauge(clock.ns, pytest.approx(170.0), 1.0)
    assert instant.read() == Gauge(clock.ns, 300.0, 0.0)


def test_a_wrapping_counter_is_unwrapped_like_a_real_one():
    """Read often it loses nothing; read late it says what it may have missed."""
    clock = FakeClock(0.0)
    device = SimulatedDevice(ABOUT, 300.0, clock=clock, wraps_at_j=100.0)
    device.read()
    for _ in range(20):
        clock.advance(0.1)
        reading = device.read()
    assert reading == Counter(clock.ns, pytest.approx(600.0), 0.0)
    clock.advance(1.0)
    late = device.read()
    assert late.energy_j <= 900.0 <= late.energy_j + late.bound_j


def test_a_wrap_without_a_power_limit_is_unwrapped_too():
    """Nothing is known of what may be missed, and nothing is made up."""
    clock = FakeClock(0.0)
    about = About(id="x", kind="gpu", method="simulated")
    device = SimulatedDevice(about, 300.0, clock=clock, wraps_at_j=100.0)
    device.read()
    clock.advance(0.3)
    assert device.read() == Counter(clock.ns, pytest.approx(90.0), 0.0)


def test_faults_come_when_they_are_asked_for():
    """An outage, one reset, and the loss of the device."""
    clock = FakeClock(0.0)
    device = SimulatedDevice(
        ABOUT, 100.0, clock=clock, fails_s=(1.0, 2.0), resets_at_s=3.0, lost_at_s=4.0
    )
    outcomes = []
    for _ in range(9):
        clock.advance(0.5)
        try:
            device.read()
        except DeviceLostError:
            outcomes.append("lost")
        except DeviceError:
            outcomes.append("error")
        else:
            outcomes.append("ok")
    expected = "ok error error ok ok lost ok lost lost"
    assert outcomes == expected.split()


def test_the_demonstration_says_that_it_is_simulated():
    """One GPU, one package and memory, whose energy follows from the clock."""
    clock = FakeClock()
    found = simulated.find(clock)
    assert [d.about.kind for d in found.devices] == ["gpu", "cpu", "dram"]
    for device in found.devices:
        assert device.about.method == "simulated"
        assert "simulated" in device.about.name
    before = [d.read().energy_j for d in found.devices]
    clock.advance(10.0)
    after = [d.read().energy_j for d in found.devices]
    powers = [(b - a) / 10 for a, b in zip(before, after, strict=True)]
    limits = [d.about.power_limit_w for d in found.devices]
    assert all(0 < p < limit for p, limit in zip(powers, limits, strict=True))
