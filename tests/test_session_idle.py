"""Idle power is measured once, quietly, and a cell that begins stops it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from jupyter_green.errors import JupyterGreenError
from jupyter_green.session.idle import QuietBaseline


class Measurement:
    """Count measurements; each waits in steps as a real one does."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.finished = 0

    def __call__(self, seconds: float, wait: Callable[[float], None]) -> None:
        """Measure."""
        self.began.set()
        for _ in range(10):
            wait(seconds / 10)
        self.finished += 1


def until(true: Callable[[], bool], timeout_s: float = 5.0) -> bool:
    """Wait until something is true."""
    deadline_s = time.monotonic() + timeout_s
    while not true() and time.monotonic() < deadline_s:
        time.sleep(0.005)
    return true()


def test_after_a_quiet_time_idle_power_is_measured_once() -> None:
    """The second quiet stretch changes nothing: it is known."""
    measure = Measurement()
    idle = QuietBaseline(measure, quiet_before_s=0.02, measure_s=0.05)
    idle.work_ends()
    assert until(lambda: idle.is_done)
    idle.work_begins()
    idle.work_ends()
    time.sleep(0.15)
    assert measure.finished == 1


def test_a_cell_that_begins_stops_the_measurement_and_the_next_quiet_repeats_it() -> (
    None
):
    """A disturbed measurement is thrown away, not used."""
    measure = Measurement()
    idle = QuietBaseline(measure, quiet_before_s=0.01, measure_s=5.0)
    idle.work_ends()
    assert measure.began.wait(5)
    idle.work_begins()
    assert until(lambda: not idle.is_watching)
    assert measure.finished == 0
    idle._measure_s = 0.05
    idle.work_ends()
    assert until(lambda: idle.is_done)
    assert measure.finished == 1


def test_a_cell_before_the_quiet_time_is_over_keeps_it_from_beginning() -> None:
    """Short pauses between cells are no idle time."""
    measure = Measurement()
    idle = QuietBaseline(measure, quiet_before_s=5.0, measure_s=0.05)
    idle.work_ends()
    idle.work_begins()
    assert until(lambda: not idle.is_watching)
    assert not measure.began.is_set()


def test_without_a_device_it_gives_up_for_good() -> None:
    """Nothing to measure is no warning and no second try."""

    def fail(_: float, __: Callable[[float], None]) -> None:
        raise JupyterGreenError("no device gave an idle power")

    idle = QuietBaseline(fail, quiet_before_s=0.01, measure_s=0.05)
    idle.work_ends()
    assert until(lambda: idle.is_done)


def test_a_closed_session_leaves_no_thread_behind() -> None:
    """Stopping ends the watch at once."""
    idle = QuietBaseline(Measurement(), quiet_before_s=60.0)
    idle.work_ends()
    assert idle.is_watching
    idle.stop()
    assert until(lambda: not idle.is_watching)
