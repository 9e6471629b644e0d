"""Learning when a slow counter moves, from polls at chosen moments."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from fakes.clock import FakeClock

from jupyter_green.devices.device import About, Gauge
from jupyter_green.devices.simulated import SimulatedDevice
from jupyter_green.meter.difference import device_record
from jupyter_green.sampler import Sample
from jupyter_green.sampler.ticks import Bracket, TickClock
from jupyter_green.sampler.track import Track

MS = 1_000_000


def learned(
    period_ms: float, phase_ms: float, *, poll_ms: float = 1.0, ticks: int = 12
) -> TickClock:
    """Return a clock that saw some ticks between polls."""
    clock = TickClock(100 * MS)
    rng = random.Random(f"{period_ms} {phase_ms}")
    for k in range(ticks):
        tick_ms = phase_ms + k * period_ms
        low_ms = tick_ms - rng.random() * poll_ms
        clock.add(Bracket(round(low_ms * MS), round((low_ms + poll_ms) * MS)))
    return clock


@pytest.mark.parametrize("period_ms", [20.0, 50.0, 100.0, 250.0])
def test_the_period_is_found_whatever_was_assumed(period_ms: float) -> None:
    """A counter that moves every 20 to 250 ms is recognised, to half a percent."""
    clock = learned(period_ms, 7.3)
    assert clock.is_known
    assert clock.period_ns == pytest.approx(period_ms * MS, rel=5e-3)


def test_many_brackets_tell_a_tick_better_than_one() -> None:
    """The moment's error is far below the distance of two polls."""
    clock = learned(100.0, 13.0, ticks=30)
    tick_ms = 13.0 + 30 * 100.0
    bracket = Bracket(round((tick_ms - 0.6) * MS), round((tick_ms + 0.4) * MS))
    moment_ns, error_ns = clock.moment(bracket)
    assert moment_ns == pytest.approx(tick_ms * MS, abs=0.4 * MS)
    assert error_ns < 0.3 * MS


def test_a_bracket_as_wide_as_a_busy_cell_still_tells_the_tick() -> None:
    """The phase is known from before: the wide bracket only has to hold one tick."""
    clock = learned(100.0, 13.0)
    tick_ms = 13.0 + 15 * 100.0
    bracket = Bracket(round((tick_ms - 70) * MS), round((tick_ms + 20) * MS))
    moment_ns, error_ns = clock.moment(bracket)
    assert moment_ns == pytest.approx(tick_ms * MS, abs=2 * MS)
    assert error_ns < 2 * MS


def test_looking_begins_before_the_tick_and_not_much_before() -> None:
    """Polls are spent on the few milliseconds in which the counter moves."""
    clock = learned(100.0, 13.0)
    after_ms = 13.0 + 14 * 100.0 + 30.0
    due_ms = 13.0 + 15 * 100.0
    begin_ms = clock.earliest_ns(after_ms * MS) / MS
    assert due_ms - 10 < begin_ms < due_ms


def test_after_a_long_silence_looking_begins_at_once() -> None:
    """An hour later nobody knows the phase: every moment may be the one."""
    clock = learned(100.0, 13.0)
    after_ns = 3_600_000 * MS
    assert clock.earliest_ns(after_ns) == after_ns


def test_irregular_ticks_are_never_taken_for_a_period() -> None:
    """A counter without rhythm gives no phase, and so no false certainty."""
    clock = TickClock(100 * MS)
    t_ms = 0.0
    for step_ms in (40, 260, 90, 400, 130, 20, 310):
        t_ms += step_ms
        clock.add(Bracket(round(t_ms * MS), round((t_ms + 1) * MS)))
    assert not clock.is_known


def polled(
    counter_w: float, power_w: float, *, bursts: random.Random | None = None
) -> Track:
    """Return the track of a counter and a power history that may disagree.

    With *bursts* a reading finds the board at twice the power or at none, by chance.
    """
    clock = FakeClock()
    about = About(
        id="gpu-0",
        kind="gpu",
        method="counter",
        resolution_j=1e-3,
        update_period_s=0.1,
    )

    class Gpu(SimulatedDevice):
        def powers(self, since_ns: int) -> list[Gauge]:
            readings = super().powers(since_ns)
            return [
                Gauge(
                    r.t_ns, bursts.choice((0.0, 2.0)) * power_w if bursts else power_w
                )
                for r in readings
            ]

    track = Track(Gpu(about, counter_w, clock=clock, period_s=0.1, samples_s=0.02))
    for _ in range(2000):
        clock.ns += MS
        track.read()
    track.note_powers()
    return track


def test_a_counter_that_agrees_with_its_power_is_not_doubted() -> None:
    """Two views of one board within 15 % are as good as it gets."""
    track = polled(300.0, 290.0)
    assert track.check() == ""
    assert track.doubt == 0.0


def test_a_counter_far_off_its_power_is_said_once_and_marked() -> None:
    """43 % apart has been seen: one line, and every figure carries the doubt."""
    track = polled(300.0, 200.0)
    text = track.check()
    assert "disagree by 50%" in text
    assert track.check() == ""
    track.read()
    assert track.level is not None
    assert track.level.doubt == pytest.approx(0.5, rel=0.02)


def test_a_counter_is_not_doubted_where_readings_met_bursts_by_chance() -> None:
    """On and off at random, read each 20 ms: off by 20 %, and nothing wrong."""
    tracks = [polled(300.0, 300.0, bursts=random.Random(seed)) for seed in range(100)]
    # 100 readings of 2 s: their mean has a standard deviation of 10 %.
    assert sum(1 for track in tracks if track.check()) <= 2


def test_bursts_do_not_hide_that_a_counter_is_far_off() -> None:
    """Twice as much is more than chance."""
    tracks = [polled(600.0, 300.0, bursts=random.Random(seed)) for seed in range(20)]
    assert all("disagree" in track.check() for track in tracks)


def test_a_doubted_counter_has_an_interval_as_wide_as_the_doubt() -> None:
    """The record says which figure is in question, and how much."""
    track = polled(300.0, 200.0)
    track.check()
    track.read()
    assert track.level is not None
    before = Sample(0, {"gpu-0": replace(track.level, energy_j=0.0, t_ns=0)})
    after = Sample(2_000_000_000, {"gpu-0": replace(track.level, t_ns=2_000_000_000)})
    record = device_record(track.device.about, before, after)
    assert "counter-and-power-disagree" in record.flags
    assert record.energy_j is not None
    assert record.uncertainty_j is not None
    assert record.uncertainty_j >= 0.45 * record.energy_j


def test_one_call_that_was_kept_waiting_does_not_give_up_a_counters_ticks() -> None:
    """A busy machine holds a call up for 80 ms; a driver that needs them is slow.

    Given up, a window of 20 s was off by up to 0.1 s of its power.
    """
    about = About(
        id="gpu-0",
        kind="gpu",
        method="counter",
        resolution_j=1e-3,
        update_period_s=0.1,
    )
    track = Track(SimulatedDevice(about, 100.0, period_s=0.1))
    track.note_call(0, 50_000)
    track.note_call(0, 80_000_000)
    assert track.awaits
    for _ in range(100):
        track.note_call(0, 80_000_000)
    assert not track.awaits
