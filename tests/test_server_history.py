"""Joules become watts, and what a device drew over some time."""

from __future__ import annotations

import pytest

from jupyter_green.sampler import Level, Sample
from jupyter_green.server.history import KEPT_S, PowerHistory

S = 1_000_000_000


def sample(t_s: float, **levels: Level) -> Sample:
    """Return a sample of some devices."""
    return Sample(round(t_s * S), {k.replace("_", "-"): v for k, v in levels.items()})


def level(t_s: float, energy_j: float, **more: object) -> Level:
    """Return what a device has counted."""
    return Level(round(t_s * S), energy_j, **more)  # type: ignore[arg-type]


def test_watts_are_joules_by_the_seconds_between_the_readings():
    """Watts are joules by the seconds between the readings."""
    history = PowerHistory()
    assert history.add(sample(10.0, gpu=level(10.0, 0.0)), 100.0) is None
    point = history.add(sample(11.0, gpu=level(11.1, 330.0)), 101.0)
    assert point is not None
    assert point.power_w == {"gpu": pytest.approx(300.0)}  # 330 J in 1.1 s
    assert point.total_w == pytest.approx(300.0)
    assert history.since(100.0) == [point]
    assert history.since(101.0) == []


def test_a_device_that_failed_has_no_watts_and_the_others_have_their_sum():
    """A device that failed has no watts and the others have their sum."""
    history = PowerHistory()
    history.add(sample(1.0, a=level(1.0, 0.0), b=level(1.0, 0.0)), 1.0)
    failed = level(1.0, 0.0, fault="does not answer")
    point = history.add(sample(2.0, a=level(2.0, 50.0), b=failed), 2.0)
    assert point is not None
    assert point.power_w == {"a": pytest.approx(50.0), "b": None}
    assert point.total_w == pytest.approx(50.0)


def test_no_watts_are_made_up_over_a_reset_or_a_time_without_readings():
    """No watts are made up over a reset or a time without readings."""
    history = PowerHistory()
    history.add(sample(1.0, gpu=level(1.0, 900.0)), 1.0)
    reset = history.add(sample(2.0, gpu=level(2.0, 5.0, epoch=1)), 2.0)
    assert reset is not None
    assert reset.power_w == {"gpu": None}
    assert reset.total_w is None
    assert history.add(sample(60.0, gpu=level(60.0, 80.0, epoch=1)), 60.0) is None


def test_what_a_slow_counter_tells_beside_its_joules_is_shown():
    """What a slow counter tells beside its joules is shown."""
    history = PowerHistory()
    history.add(sample(1.0, gpu=level(1.0, 0.0), cpu=level(1.0, 0.0)), 1.0)
    now = sample(2.0, gpu=level(2.0, 330.0), cpu=level(2.0, 40.0))
    point = history.add(now, 2.0, {"gpu": 300.0, "unknown": 7.0})
    assert point is not None
    assert point.power_w == {"gpu": 300.0, "cpu": pytest.approx(40.0)}
    assert point.total_w == pytest.approx(340.0)


def test_ten_minutes_of_watts_are_kept():
    """Ten minutes of watts are kept."""
    history = PowerHistory()
    for second in range(2000):
        history.add(sample(second, gpu=level(second, 100.0 * second)), float(second))
    kept = history.since(0.0)
    assert len(kept) == KEPT_S == 600
    assert kept[-1].t == 1999.0


def test_what_was_drawn_is_the_difference_of_the_counter():
    """Between two samples the power is taken as even."""
    history = PowerHistory()
    for second in range(100, 400):
        history.add(sample(second, gpu=level(second, 50.0 * second)), float(second))
    drawn = history.drawn("gpu", round(249.5 * S))
    assert drawn is not None
    # From 249.5 s to 399 s at 50 W.
    assert drawn.covered_s == pytest.approx(149.5)
    assert drawn.energy_j == pytest.approx(7475.0)


def test_what_was_drawn_before_the_first_sample_is_not_made_up():
    """The figure begins at the first sample, also after a time without any."""
    history = PowerHistory()
    for second in (0, 1, 100, 101, 102):
        history.add(sample(second, gpu=level(second, 50.0 * second)), float(second))
    for since_s in (50.0, 99.9, 100.0):
        drawn = history.drawn("gpu", round(since_s * S))
        assert drawn is not None
        assert (drawn.energy_j, drawn.covered_s) == (100.0, 2.0)


def test_a_counter_counts_on_while_nobody_samples():
    """A counter counts on while nobody samples."""
    history = PowerHistory()
    history.add(sample(0.0, gpu=level(0.0, 0.0)), 0.0)
    history.add(sample(3600.0, gpu=level(3600.0, 180_000.0)), 3600.0)
    drawn = history.drawn("gpu", 0)
    assert drawn is not None
    assert (drawn.energy_j, drawn.covered_s) == (180_000.0, 3600.0)


def test_time_that_no_reading_of_a_gauge_covers_is_left_out():
    """Time that no reading of a gauge covers is left out."""
    history = PowerHistory()
    history.add(sample(0.0, gpu=level(0.0, 0.0)), 0.0)
    gap_ns = 3500 * S
    history.add(sample(3600.0, gpu=level(3600.0, 5000.0, gap_ns=gap_ns)), 3600.0)
    drawn = history.drawn("gpu", 0)
    assert drawn is not None
    assert drawn.covered_s == pytest.approx(100.0)


@pytest.mark.parametrize("since_s", [2.0, 2.5, 10.0])
def test_a_moment_after_the_last_sample_tells_nothing(since_s: float):
    """Nor the moment of the last sample itself."""
    history = PowerHistory()
    for second in range(3):
        history.add(sample(second, gpu=level(second, 1.0 * second)), float(second))
    assert history.drawn("gpu", round(since_s * S)) is None
    assert history.drawn("other", 0) is None
    assert PowerHistory().drawn("gpu", 0) is None


def test_a_day_of_joules_is_kept_a_sample_each_minute():
    """A day of joules is kept a sample each minute."""
    history = PowerHistory()
    for second in range(0, 30 * 3600, 5):
        history.add(sample(second, gpu=level(second, 2.0 * second)), float(second))
    end_s = 30 * 3600 - 5
    drawn = history.drawn("gpu", (end_s - 20 * 3600) * S)
    assert drawn is not None
    assert drawn.covered_s == pytest.approx(20 * 3600, abs=60)
    assert drawn.energy_j == pytest.approx(2.0 * drawn.covered_s)
