"""Raw counters become joules that only grow."""

import math
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.devices.counting import ForkSafeLock, Growth, Unwrap
from jupyter_green.errors import DeviceLostError

# Powers as fractions of the greatest, and gaps in ms between readings.
STEPS = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 5_000)), max_size=60)


def played(
    steps: list[tuple[float, int]], *, range_uj: int, power_max_w: float, start_uj: int
):
    """Return what a wrapping counter tells, and the truth, after each step."""
    unwrap = Unwrap("zone", range_uj, power_max_w)
    t_ns, true_uj = 0, start_uj
    unwrap.add(t_ns, true_uj % range_uj)
    for fraction, gap_ms in steps:
        t_ns += gap_ms * 1_000_000
        true_uj += math.floor(fraction * power_max_w * gap_ms * 1000)
        yield unwrap.add(t_ns, true_uj % range_uj), (true_uj - start_uj) * 1e-6


@given(STEPS, st.integers(0, 10**9))
def test_a_counter_that_wraps_at_most_once_a_step_is_unwrapped_exactly(
    steps: list[tuple[float, int]], start: int
):
    """Where the range outlasts every step, no joule is lost and none is in doubt."""
    for seen, true_j in played(
        steps, range_uj=2_000_000_000, power_max_w=390.0, start_uj=start
    ):
        assert seen.energy_j == pytest.approx(true_j, abs=1e-6)
        assert seen.missed_j == 0


@given(STEPS, st.integers(1_000, 10**8))
def test_wraps_that_nobody_saw_are_within_the_stated_doubt(
    steps: list[tuple[float, int]], range_uj: int
):
    """Whatever the range, the truth is between the joules and joules plus doubt."""
    last = 0.0
    for seen, true_j in played(steps, range_uj=range_uj, power_max_w=400.0, start_uj=0):
        assert seen.energy_j <= true_j + 1e-6
        assert true_j <= seen.energy_j + seen.missed_j + 1e-6
        assert seen.energy_j >= last
        last = seen.energy_j


def test_a_step_that_no_device_can_draw_is_a_reset():
    """A counter that starts anew does not count as one whole range."""
    unwrap = Unwrap("package-0", 262_143_000_000, 400.0)
    unwrap.add(0, 90_000_000_000)
    with pytest.raises(DeviceLostError, match="reset"):
        unwrap.add(100_000_000, 1_000)
    assert unwrap.add(200_000_000, 5_001_000).energy_j == 5.0


def test_a_counter_that_falls_voids_one_reading_and_goes_on():
    """After a driver reload the next difference is from the new base."""
    growth = Growth("gpu 0")
    assert [growth.add(100.0), growth.add(130.0)] == [0.0, 30.0]
    with pytest.raises(DeviceLostError, match="gpu 0: counter was reset"):
        growth.add(2.0)
    assert growth.add(5.0) == 33.0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_finds_the_lock_open():
    """A lock held by another thread at the time of a fork does not hang the child."""
    lock = ForkSafeLock()
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            release.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    pid = os.fork()
    if not pid:
        with lock:
            os._exit(7)
    _, status = os.waitpid(pid, 0)
    release.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 7
