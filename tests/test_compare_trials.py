"""The promises of a comparison, kept by real windows on a simulated device."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import pytest
from fakes.clock import FakeClock

import jupyter_green as jg
from jupyter_green.devices.device import About
from jupyter_green.devices.simulated import SimulatedDevice
from jupyter_green.meter import Meter
from jupyter_green.records import Record

SPREAD = 0.03
CALIBRATION = 0.05


class Load:
    """Power that cells set, exactly integrated over a clock by hand."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._at_s, self._watts, self._joules = clock() / 1e9, 10.0, 0.0

    def set(self, watts: float) -> None:
        """Change the power from now on."""
        now_s = self._clock() / 1e9
        self._joules, self._at_s = self.energy_j(now_s), now_s
        self._watts = watts

    def power_w(self, t_s: float) -> float:
        """Return the power now."""
        del t_s
        return self._watts

    def energy_j(self, t_s: float) -> float:
        """Return joules up to a moment."""
        return self._joules + self._watts * (t_s - self._at_s)


class Bench:
    """A machine on which cells can be run, in turns."""

    def __init__(self, seed: int) -> None:
        self._clock = FakeClock()
        self._load = Load(self._clock)
        self._rng = random.Random(seed)
        about = About(
            id="cpu-0",
            kind="cpu",
            method="counter",
            resolution_j=1e-6,
            calibration=CALIBRATION,
        )
        device = SimulatedDevice(about, self._load, clock=self._clock)
        # An hour between background readings: nothing happens but what the test does.
        self.meter = Meter((device,), clock=self._clock, interval_s=3600.0)

    def run(self, watts: float) -> Record:
        """Run one cell of a second, at a power that spreads by 3 %."""
        self._load.set(watts * math.exp(self._rng.gauss(0.0, SPREAD)))
        window = self.meter.begin("cell")
        self._clock.advance(1)
        record = self.meter.end(window)
        self._load.set(10.0)
        self._clock.advance(1)
        return record

    def in_turns(
        self, first_w: float, second_w: float, runs: int
    ) -> list[list[Record]]:
        """Run two cells in turns, as a person is told to."""
        pairs = [(self.run(first_w), self.run(second_w)) for _ in range(runs)]
        return [list(group) for group in zip(*pairs, strict=True)]


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Give a machine with one device that may be 5 % off."""
    made = Bench(seed=5)
    with made.meter:
        yield made


def test_a_cell_is_not_distinguishable_from_itself_in_95_of_100_trials(bench: Bench):
    """Ten windows to a trial, opened and closed by the meter."""
    verdicts = []
    for _ in range(100):
        first, second = bench.in_turns(100.0, 100.0, 5)
        found = jg.compare(a=first, b=second)
        verdicts.append(found.contrast("energy_j", "b").verdict)
    assert verdicts.count("not distinguishable") >= 95


def test_ten_percent_are_found_with_the_repeats_that_the_tool_asks_for(bench: Bench):
    """On a device that may be 5 % off; the promise is 36 of 40, 33 allows for luck."""
    found = 0
    for _ in range(40):
        first, second = bench.in_turns(100.0, 100.0, 5)
        pilot = jg.compare(a=first, b=second).contrast("energy_j", "b")
        assert pilot.repeats_needed is not None
        first, second = bench.in_turns(100.0, 110.0, pilot.repeats_needed)
        again = jg.compare(a=first, b=second).contrast("energy_j", "b")
        found += again.verdict == "worse"
    assert found >= 33
