"""Learning when a slow counter moves, from polls at chosen moments."""

from __future__ import annotations

import random

import pytest

from jupyter_green.sampler.ticks import Bracket, TickClock

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
