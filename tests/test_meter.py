"""Windows, records and their journal, on simulated devices and a clock by hand."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest
from fakes.clock import FakeClock
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.devices.device import About
from jupyter_green.devices.simulated import SimulatedDevice, Steps
from jupyter_green.errors import DeviceLostError, MeterError
from jupyter_green.meter import Meter, Window
from jupyter_green.records import Record
from jupyter_green.sampler import power_between

S = 1_000_000_000


class Notes:
    """A journal that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, Record]] = []

    def started(self, record: Record) -> None:
        """Keep a start."""
        self.lines.append(("start", record))

    def progressed(self, record: Record) -> None:
        """Keep a heartbeat."""
        self.lines.append(("heartbeat", record))

    def ended(self, record: Record) -> None:
        """Keep an end."""
        self.lines.append(("end", record))


def about(name: str = "cpu-0", **more: object) -> About:
    """Describe a processor package."""
    known: dict[str, object] = {
        "kind": "cpu",
        "method": "counter",
        "resolution_j": 1e-6,
    }
    return About(**{"id": name, **known, **more})  # type: ignore[arg-type]


def build(clock: FakeClock, *devices: SimulatedDevice, **options: object) -> Meter:
    """Build a meter whose background thread does nothing by itself."""
    # An hour between background readings: nothing happens but what the test does.
    return Meter(devices, clock=clock, interval_s=3600.0, **options)  # type: ignore[arg-type]


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still."""
    return FakeClock()


def test_a_window_is_the_difference_of_two_counter_readings(clock: FakeClock) -> None:
    """100 W for 3 s are 300 J in 3 s, by a counter, wholly covered."""
    with build(clock, SimulatedDevice(about(), 100.0, clock=clock)) as meter:
        window = meter.begin("train")
        clock.advance(3)
        record = meter.end(window)
    assert record.energy_j == pytest.approx(300.0)
    assert record.duration_s == 3.0
    assert record.status == "ok"
    assert record.final
    (device,) = record.devices
    assert (device.method, device.kind, device.coverage) == ("counter", "cpu", 1.0)


def test_calibration_is_in_the_interval_and_not_in_its_random_part(
    clock: FakeClock,
) -> None:
    """5 % of 300 J are 15 J, far above the step of the counter."""
    device = SimulatedDevice(about(calibration=0.05), 100.0, clock=clock)
    with build(clock, device) as meter:
        window = meter.begin()
        clock.advance(3)
        (record,) = meter.end(window).devices
    assert record.uncertainty_j == pytest.approx(15.0, rel=1e-3)
    assert record.uncertainty_random_j is not None
    assert record.uncertainty_random_j < 0.1


def test_windows_nest_and_the_inner_one_names_the_outer(clock: FakeClock) -> None:
    """The inner window's energy is its own time's, and its parent is the outer one."""
    with build(clock, SimulatedDevice(about(), 10.0, clock=clock)) as meter:
        outer = meter.begin("outer")
        clock.advance(1)
        inner = meter.begin("inner")
        clock.advance(2)
        inner_record = meter.end(inner)
        clock.advance(1)
        outer_record = meter.end(outer)
    assert inner_record.energy_j == pytest.approx(20.0)
    assert outer_record.energy_j == pytest.approx(40.0)
    assert inner_record.parent == outer_record.id
    assert outer_record.parent is None


def test_overlapping_windows_are_no_parent_and_child(clock: FakeClock) -> None:
    """A window that outlives the one around it says that they overlap."""
    with build(clock, SimulatedDevice(about(), 10.0, clock=clock)) as meter:
        first = meter.begin("first")
        clock.advance(1)
        second = meter.begin("second")
        clock.advance(1)
        meter.end(first)
        clock.advance(1)
        record = meter.end(second)
    assert record.parent is None
    assert record.flags == ("overlap",)
    assert record.energy_j == pytest.approx(20.0)


def test_a_thousand_nested_windows_end_with_their_own_time(clock: FakeClock) -> None:
    """Depth costs nothing and mixes nothing up."""
    with build(clock, SimulatedDevice(about(), 1.0, clock=clock)) as meter:
        windows = []
        for _ in range(1000):
            windows.append(meter.begin())
            clock.advance(1)
        records = [meter.end(window) for window in reversed(windows)]
    assert [round(r.energy_j or 0) for r in records] == list(range(1, 1001))
    assert [r.parent for r in records[:-1]] == [r.id for r in records[1:]]


@pytest.mark.parametrize("is_part", [False, True], ids=["windows", "parts"])
def test_ending_a_window_inside_many_looks_at_few_of_them(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, *, is_part: bool
) -> None:
    """Else the cost of nesting grows with the square or the cube of its depth."""
    looks = 0

    class Counted(Window):
        def __getattribute__(self, name: str) -> object:
            nonlocal looks
            looks += name == "parent"
            return super().__getattribute__(name)

    monkeypatch.setattr("jupyter_green.meter.meter.Window", Counted)
    with build(clock, SimulatedDevice(about(), 1.0, clock=clock)) as meter:
        windows = [meter.begin(is_part=is_part) for _ in range(100)]
        clock.advance(1)
        looks = 0
        for window in reversed(windows):
            meter.end(window)
    assert 0 < looks <= 10 * 100


def test_windows_of_other_threads_are_not_parents(clock: FakeClock) -> None:
    """A window in another thread is beside this one, not inside it."""
    with build(clock, SimulatedDevice(about(), 1.0, clock=clock)) as meter:
        outer = meter.begin()
        inner: list[Window] = []
        thread = threading.Thread(target=lambda: inner.append(meter.begin()))
        thread.start()
        thread.join()
        assert meter.end(inner[0]).parent is None
        meter.end(outer)


def test_the_with_form_keeps_errors_and_says_them(clock: FakeClock) -> None:
    """The error goes on, and the record has its status and name."""
    with build(clock, SimulatedDevice(about(), 1.0, clock=clock)) as meter:
        with pytest.raises(ZeroDivisionError), meter.window("bad") as window:
            raise ZeroDivisionError
        assert (window.record.status, window.record.error) == (
            "error",
            "ZeroDivisionError",
        )
        with pytest.raises(KeyboardInterrupt), meter.window("stop") as stopped:
            raise KeyboardInterrupt
        assert stopped.record.status == "interrupted"


def test_ending_a_window_twice_is_an_error_that_says_so(clock: FakeClock) -> None:
    """The second end has no meaning."""
    with build(clock, SimulatedDevice(about(), 1.0, clock=clock)) as meter:
        window = meter.begin("twice")
        meter.end(window)
        with pytest.raises(MeterError, match="not open here"):
            meter.end(window)


def test_an_unknown_purpose_is_an_error_that_lists_the_known_ones(
    clock: FakeClock,
) -> None:
    """Purposes are a closed list, or no split could be trusted."""
    with build(clock) as meter, pytest.raises(MeterError, match="final, search"):
        meter.begin(purpose="finale")


def test_without_devices_the_energy_is_none_and_not_zero(clock: FakeClock) -> None:
    """Nothing measured is None in energy, uncertainty, power and CO2e."""
    with build(clock) as meter:
        window = meter.begin()
        clock.advance(1)
        record = meter.end(window)
    assert (record.energy_j, record.uncertainty_j) == (None, None)
    assert (record.power_w, record.co2e_g) == (None, None)
    assert record.duration_s == 1.0


def test_a_device_that_is_lost_at_once_has_a_reason_and_no_zero(
    clock: FakeClock,
) -> None:
    """The lost device reads None; the other keeps its figure; there is one warning."""
    warnings: list[str] = []
    lost = SimulatedDevice(
        about("gpu-0", kind="gpu"), 300.0, clock=clock, epoch_ns=1000 * S, lost_at_s=0.5
    )
    fine = SimulatedDevice(about("cpu-0"), 10.0, clock=clock)
    with build(clock, lost, fine, on_problem=warnings.append) as meter:
        window = meter.begin()
        clock.advance(1)
        record = meter.end(window)
        again = meter.begin()
        clock.advance(1)
        later = meter.end(again)
    assert [d.energy_j for d in record.devices] == [None, pytest.approx(10.0)]
    assert [d.energy_j for d in later.devices] == [None, pytest.approx(10.0)]
    assert "lost" in record.devices[0].reason
    assert len(warnings) == 1


def test_a_device_lost_on_the_way_keeps_what_was_read_and_says_how_much(
    clock: FakeClock,
) -> None:
    """Lost after 1 of 4 s: a quarter is covered, and the rest is in the interval."""
    device = SimulatedDevice(
        about("gpu-0", kind="gpu", power_limit_w=500.0),
        300.0,
        clock=clock,
        epoch_ns=1000 * S,
        lost_at_s=1.5,
    )
    with build(clock, device, on_problem=lambda _: None) as meter:
        window = meter.begin()
        clock.advance(1)
        meter.sampler.sample()
        clock.advance(3)
        (record,) = meter.end(window).devices
    assert record.energy_j == pytest.approx(300.0)
    assert record.coverage == pytest.approx(0.25)
    assert "partial" in record.flags
    # Up to 500 W for 3 s may be missing.
    assert record.uncertainty_j == pytest.approx(1500.0, rel=0.01)


def test_a_counter_reset_voids_the_window_and_not_the_next_one(
    clock: FakeClock,
) -> None:
    """Joules across a reset are None; the next window counts again."""
    device = SimulatedDevice(
        about(), 100.0, clock=clock, epoch_ns=1000 * S, resets_at_s=0.5
    )
    with build(clock, device, on_problem=lambda _: None) as meter:
        window = meter.begin()
        clock.advance(1)
        meter.sampler.sample()
        clock.advance(1)
        record = meter.end(window)
        again = meter.begin()
        clock.advance(1)
        later = meter.end(again)
    assert record.energy_j is None
    assert "reset" in record.devices[0].reason
    assert later.energy_j == pytest.approx(100.0)


def test_an_error_that_passes_costs_nothing(clock: FakeClock) -> None:
    """A reading that fails inside the window leaves the difference of its ends."""
    device = SimulatedDevice(
        about(), 100.0, clock=clock, epoch_ns=1000 * S, fails_s=(0.5, 1.5)
    )
    with build(clock, device, on_problem=lambda _: None) as meter:
        window = meter.begin()
        clock.advance(1)
        meter.sampler.sample()
        clock.advance(1)
        record = meter.end(window)
    assert record.energy_j == pytest.approx(200.0)
    assert record.devices[0].coverage == 1.0


def test_a_gauge_is_integrated_and_labelled(clock: FakeClock) -> None:
    """Power readings each second make the area under them, labelled as integrated."""
    device = SimulatedDevice(
        about("gpu-0", kind="gpu", method="integrated", resolution_j=None),
        Steps([(2.0, 300.0)], idle_w=100.0),
        clock=clock,
        epoch_ns=1000 * S,
        averaging_s=0.0,
    )
    with build(clock, device) as meter:
        window = meter.begin()
        for _ in range(4):
            clock.advance(1)
            meter.sampler.sample()
        (record,) = meter.end(window).devices
    # The step lies between 1 s and 2 s: 100 + 200 + 300 + 300 J by the trapezoid.
    assert record.energy_j == pytest.approx(900.0)
    assert record.method == "integrated"
    # One step of 200 W in a second: 1.96 * 200 / sqrt(12).
    assert record.uncertainty_random_j == pytest.approx(1.96 * 200 / 12**0.5)


def test_a_gauge_that_was_not_read_for_long_is_not_covered(clock: FakeClock) -> None:
    """The time beyond the longest interval between readings counts as a gap."""
    device = SimulatedDevice(
        about("gpu-0", method="integrated", resolution_j=None, max_interval_s=1.5),
        100.0,
        clock=clock,
        averaging_s=0.0,
    )
    with build(clock, device) as meter:
        window = meter.begin()
        clock.advance(1)
        meter.sampler.sample()
        clock.advance(3)
        (record,) = meter.end(window).devices
    assert record.coverage == pytest.approx(0.25)
    assert "partial" in record.flags


def test_below_its_resolution_a_counter_says_so(clock: FakeClock) -> None:
    """A counter that did not move gives no false zero: the interval says how much."""
    device = SimulatedDevice(
        about("gpu-0", update_period_s=0.1, power_limit_w=400.0),
        300.0,
        clock=clock,
        period_s=0.1,
    )
    with build(clock, device) as meter:
        window = meter.begin()
        clock.advance(0.01)
        (record,) = meter.end(window, wait=False).devices
        clock.advance(2)  # the tick will not be awaited any more
    assert "below-resolution" in record.flags
    assert record.uncertainty_j is not None
    assert record.uncertainty_j >= 3.0  # the true energy of 10 ms at 300 W


def test_a_slow_counter_gives_a_provisional_record_first(clock: FakeClock) -> None:
    """Without waiting the record is provisional; one period later it is final."""
    notes = Notes()
    device = SimulatedDevice(
        about("gpu-0", update_period_s=0.1), 300.0, clock=clock, period_s=0.1
    )
    with build(clock, device, journal=notes) as meter:
        window = meter.begin()
        clock.advance(1)
        record = meter.end(window, wait=False)
        assert not record.final
        clock.advance(1.5)  # its period is not known: that long it is looked for
        assert meter.settle()
        assert window.record.final
    assert [kind for kind, _ in notes.lines] == ["start", "end", "end"]


def test_the_journal_hears_the_start_the_heartbeats_and_the_end(
    clock: FakeClock,
) -> None:
    """While a window is open its figures so far are told every heartbeat."""
    notes = Notes()
    device = SimulatedDevice(about(), 100.0, clock=clock)
    with build(clock, device, journal=notes, heartbeat_s=10.0) as meter:
        window = meter.begin("long")
        for _ in range(25):
            clock.advance(1)
            meter._on_sample(meter.sampler.sample())
        meter.end(window)
    beats = [r for kind, r in notes.lines if kind == "heartbeat"]
    assert [r.duration_s for r in beats] == [10.0, 20.0]
    assert [r.energy_j for r in beats] == [pytest.approx(1000), pytest.approx(2000)]
    assert {r.status for r in beats} == {"running"}


def test_closing_the_meter_ends_what_is_open_as_interrupted(clock: FakeClock) -> None:
    """An interpreter that exits loses no window."""
    notes = Notes()
    meter = build(clock, SimulatedDevice(about(), 1.0, clock=clock), journal=notes)
    meter.begin("left open")
    clock.advance(2)
    meter.close()
    kind, record = notes.lines[-1]
    assert (kind, record.status, record.energy_j) == ("end", "interrupted", 2.0)


def with_curve(
    clock: FakeClock, devices: tuple[SimulatedDevice, ...], moments_s: list[float]
) -> Record:
    """Return the record of a window in which the devices are read at some moments."""
    with build(clock, *devices) as meter:
        window = meter.begin()
        begun_ns = clock.ns
        for moment_s in moments_s:
            clock.ns = begun_ns + round(moment_s * S)
            meter.sampler.sample()
        clock.advance(0.01)
        record = meter.end(window, wait=False)
        clock.advance(60)  # no tick is awaited for so long
    return record


def test_crowded_readings_make_no_peak_of_a_slow_counter(clock: FakeClock) -> None:
    """Windows inside a window read too; 100 W drawn evenly stay so within a tenth."""
    slow = about("gpu-0", kind="gpu", update_period_s=0.1, resolution_j=1e-3)
    device = SimulatedDevice(slow, 100.0, clock=clock, period_s=0.1)
    # Ten readings a second, and for one second more than a hundred.
    sparse = [0.1 * i + 0.05 for i in range(100)]
    crowd = [4.0 + 0.0071 * i for i in range(140)]
    record = with_curve(clock, (device,), sorted(sparse + crowd))
    assert record.curve is not None
    assert record.curve.power_w == pytest.approx(
        [100.0] * len(record.curve.power_w), rel=0.101
    )


def test_a_slow_gauge_does_not_thin_out_the_curve(clock: FakeClock) -> None:
    """Its watts are integrated: a step shorter than its period is as true as a long."""
    gauge = about("gpu-0", kind="gpu", update_period_s=1.0, resolution_j=None)
    device = SimulatedDevice(gauge, 100.0, clock=clock, averaging_s=1.0)
    record = with_curve(clock, (device,), [0.1 * i + 0.05 for i in range(50)])
    assert record.curve is not None
    assert len(record.curve.power_w) > 20


def test_a_slow_counter_that_cannot_be_read_does_not_take_the_curve_of_the_others(
    clock: FakeClock,
) -> None:
    """It adds nothing to the curve."""
    slow = about("gpu-0", kind="gpu", update_period_s=1.0)
    lost = SimulatedDevice(slow, 300.0, clock=clock, lost_at_s=0.0)
    fast = SimulatedDevice(about(), 50.0, clock=clock)
    record = with_curve(clock, (lost, fast), [0.1 * i + 0.05 for i in range(50)])
    assert record.curve is not None
    assert record.curve.power_w == pytest.approx([50.0] * len(record.curve.power_w))


@given(
    moments=st.lists(st.integers(0, 10**10), min_size=1, max_size=60, unique=True),
    least_ns=st.integers(0, 10**9),
)
def test_no_joule_is_lost_between_the_steps_of_a_curve(
    moments: list[int], least_ns: int
) -> None:
    """No step is shorter than the least, and together they hold all there is."""
    points = [(t_ns, 2e-9 * t_ns + i) for i, t_ns in enumerate(sorted(moments))]
    steps = list(power_between(points, least_ns))
    if points[-1][0] - points[0][0] < max(least_ns, 1):
        assert steps == []
        return
    ends = [points[0][0], *(t_ns for t_ns, _ in steps)]
    lengths = [b - a for a, b in pairwise(ends)]
    assert min(lengths) >= least_ns
    assert ends[-1] == points[-1][0]
    joules = sum(w * s / S for (_, w), s in zip(steps, lengths, strict=True))
    assert joules == pytest.approx(points[-1][1] - points[0][1])


class Stopped:
    """A wait for GPUs that is interrupted once, at the given call."""

    def __init__(self, at: int) -> None:
        self.calls, self.at = 0, at

    def __call__(self) -> list[str]:
        """Wait, or be interrupted."""
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt
        return []


def test_an_interrupt_while_a_window_waits_for_gpus_to_begin_ends_it(
    clock: FakeClock,
) -> None:
    """Its start was told, so its end is; the next window is no part of it."""
    notes = Notes()
    device = SimulatedDevice(about(), 1.0, clock=clock)
    with build(clock, device, journal=notes, synchronise=Stopped(at=1)) as meter:
        with pytest.raises(KeyboardInterrupt):
            meter.begin("stopped")
        assert meter.open_windows == ()
        assert meter.innermost is None
        assert meter.sampler._holders == 0
        kept = meter.begin("next")
        clock.advance(2)
        meter.end(kept)
    assert [kind for kind, _ in notes.lines] == ["start", "end", "start", "end"]
    (_, begun), (_, ended), _, (_, record) = notes.lines
    assert (ended.id, ended.status, ended.error) == (
        begun.id,
        "interrupted",
        "KeyboardInterrupt",
    )
    assert ended.final
    assert ended.energy_j is None
    assert record.parent is None
    assert record.energy_j == pytest.approx(2.0)


def test_a_journal_that_is_interrupted_leaves_no_window_open(clock: FakeClock) -> None:
    """Nor does its failure at the end hide the interrupt."""

    class Broken(Notes):
        def started(self, record: Record) -> None:
            super().started(record)
            raise KeyboardInterrupt

        def ended(self, record: Record) -> None:
            super().ended(record)
            raise OSError

    notes = Broken()
    device = SimulatedDevice(about(), 1.0, clock=clock)
    with build(clock, device, journal=notes) as meter:
        with pytest.raises(KeyboardInterrupt):
            meter.begin()
        assert meter.innermost is None
    assert [kind for kind, _ in notes.lines] == ["start", "end"]


def test_a_window_interrupted_while_its_gpu_work_is_awaited_has_its_record(
    clock: FakeClock,
) -> None:
    """The code is over: its energy up to the interrupt is kept, and the caller hears.

    Left open, it would be around every later window of the thread.
    """
    notes = Notes()
    device = SimulatedDevice(about(), 10.0, clock=clock)
    with build(clock, device, journal=notes, synchronise=Stopped(at=2)) as meter:
        window = meter.begin()
        clock.advance(3)
        with pytest.raises(KeyboardInterrupt):
            meter.end(window)
        assert meter.innermost is None
        assert meter.sampler._holders == 0
    kind, record = notes.lines[-1]
    assert (kind, record.status, record.error) == (
        "end",
        "interrupted",
        "KeyboardInterrupt",
    )
    assert record.energy_j == pytest.approx(30.0)


def test_a_device_whose_library_raises_anything_breaks_no_window(
    clock: FakeClock,
) -> None:
    """A vendor's bug is one warning and a missing figure."""

    class Broken(SimulatedDevice):
        def read(self) -> object:  # type: ignore[override]
            raise RuntimeError("vendor bug")

    warnings: list[str] = []
    broken = Broken(about(), 1.0, clock=clock)
    with build(clock, broken, on_problem=warnings.append) as meter:
        record = meter.end(meter.begin())
    assert record.energy_j is None
    assert warnings == ["cpu-0: vendor bug"]


def test_time_in_which_the_system_slept_is_flagged(clock: FakeClock) -> None:
    """A suspended machine draws what no counter says."""
    asleep = iter((0, 60 * S, 60 * S))
    device = SimulatedDevice(about(), 1.0, clock=clock)
    with build(clock, device, asleep_ns=lambda: next(asleep)) as meter:
        assert "suspended" in meter.end(meter.begin()).flags


@given(
    cuts=st.lists(st.floats(0.01, 5.0), min_size=1, max_size=20),
    watts=st.floats(0.0, 1000.0),
)
def test_windows_that_follow_each_other_add_up_to_the_whole(
    cuts: list[float], watts: float
) -> None:
    """However the time is cut, the parts sum to the window around them."""
    clock = FakeClock()
    with build(clock, SimulatedDevice(about(), watts, clock=clock)) as meter:
        whole = meter.begin()
        parts = []
        for seconds in cuts:
            part = meter.begin()
            clock.advance(seconds)
            parts.append(meter.end(part))
        total = meter.end(whole)
    assert total.energy_j == pytest.approx(sum(p.energy_j or 0 for p in parts))
    assert total.duration_s == pytest.approx(sum(p.duration_s for p in parts))


def test_lost_devices_raise_their_own_error() -> None:
    """The simulated loss is the error that real backends raise."""
    device = SimulatedDevice(about(), 1.0, lost_at_s=0.0)
    with pytest.raises(DeviceLostError):
        device.read()


def test_a_slow_counter_without_power_readings_claims_no_more_than_it_can_know() -> (
    None
):
    """Bursts of 70 ms on a counter that moves each 0.1 s: each is in its interval."""
    began_ns = time.monotonic_ns()
    bursts_s = [0.4 + 0.437 * i for i in range(5)]
    points = [p for t_s in bursts_s for p in ((t_s, 300.0), (t_s + 0.07, 60.0))]
    slow = about("gpu-0", kind="gpu", update_period_s=0.1, power_limit_w=400.0)
    device = SimulatedDevice(
        slow, Steps(points, idle_w=60.0), epoch_ns=began_ns, period_s=0.1
    )
    with Meter((device,)) as meter:
        windows = []
        for t_s in bursts_s:
            time.sleep(max(0.0, t_s - (time.monotonic_ns() - began_ns) / S))
            window = meter.begin()
            time.sleep(0.07)
            meter.end(window)
            windows.append(window)
        assert meter.settle()
    for window in windows:
        assert window.end is not None
        truth_j = device.true_energy_j(window.begin.t_ns, window.end.t_ns)
        (found,) = window.record.devices
        assert found.energy_j is not None
        assert found.uncertainty_random_j is not None
        assert abs(found.energy_j - truth_j) <= found.uncertainty_random_j
