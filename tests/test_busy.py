"""How long GPUs were busy, and how large their memory is, by the driver's word."""

from __future__ import annotations

import time

import pytest
from fakes.clock import FakeClock
from fakes.nvml import FakeGpu, FakeNvml
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_green.devices import nvml
from jupyter_green.devices.device import About, Busy
from jupyter_green.devices.simulated import SimulatedDevice
from jupyter_green.meter import Meter
from jupyter_green.records import Record
from jupyter_green.sampler import Sample, Sampler
from jupyter_green.sampler.busy import BusyTime

S = 1_000_000_000


class Driver:
    """Samples of a utilisation that is known."""

    has_busy_history = True

    def __init__(self, samples: list[Busy]) -> None:
        self.samples = samples

    def busy(self, since_ns: int) -> list[Busy]:
        """Return what is newer."""
        return [s for s in self.samples if s.t_ns > since_ns]


def wall_us(t_ns: int) -> int:
    """Return the stamp that the driver gives a monotonic moment."""
    return (t_ns + time.time_ns() - time.monotonic_ns()) // 1000


def one_window(gpu: FakeGpu, seconds: float) -> Record:
    """Meter a window on one GPU and return its final record."""
    devices = nvml.find(FakeNvml(gpu), {}).devices
    with Meter(devices, interval_s=0.05) as meter:
        window = meter.begin()
        begun_ns = window.begin.t_ns
        if gpu.busy_samples:
            # One each 100 ms, busy from 0.2 s on.
            gpu.busy_samples = tuple(
                (wall_us(begun_ns + k * S // 10), 80 if k > 2 else 0)
                for k in range(-20, 200)
            )
        time.sleep(seconds)
        return meter.end(window)


@settings(deadline=None)
@given(
    st.floats(0.0, 1.0),
    st.integers(S // 6, S),
    st.integers(3 * S, 5000 * S),
    st.integers(0, S),
)
def test_steady_work_is_busy_for_its_fraction_of_any_window(
    fraction: float, period_ns: int, window_ns: int, phase_ns: int
) -> None:
    """Whatever the sampling period, and also where only coarse points are left."""
    start_ns = 100 * S
    count = (start_ns + window_ns) // period_ns
    driver = Driver(
        [Busy(phase_ns + k * period_ns, fraction) for k in range(1, count + 1)]
    )
    busy = BusyTime(driver)
    busy.note(start_ns + window_ns)
    found = busy.between(start_ns, start_ns + window_ns)
    assert found == pytest.approx(fraction * window_ns / S, rel=1e-6, abs=1e-6)


def test_work_in_a_part_of_a_window_is_counted_to_a_period_at_each_end() -> None:
    """3 s of work in 10 s, sampled each 0.25 s, and a window that begins amid work."""
    driver = Driver(
        [Busy(k * S // 4, 1.0 if 20 * 4 < k <= 23 * 4 else 0.0) for k in range(1, 160)]
    )
    busy = BusyTime(driver)
    busy.note(40 * S)
    found = busy.between(18 * S + S // 10, 28 * S + S // 10)
    assert found == pytest.approx(3.0, abs=1e-6)

    assert busy.between(22 * S, 32 * S) == pytest.approx(1.0, abs=0.25)


def test_too_few_samples_are_no_figure_and_never_zero() -> None:
    """A window between two samples, and one that the driver forgot most of."""
    driver = Driver([Busy(k * S, 0.0) for k in (1, 2, 3, 4, 13, 14)])
    busy = BusyTime(driver)
    assert busy.between(S, 2 * S) is None
    busy.note(14 * S)
    assert busy.between(S + 1, S + S // 2) is None
    assert busy.between(4 * S, 14 * S) is None
    assert busy.between(S, 4 * S) == 0.0


def test_a_driver_that_fails_is_not_known_and_breaks_nothing() -> None:
    """Whatever a vendor's library raises."""

    class Broken(Driver):
        def busy(self, since_ns: int) -> list[Busy]:
            raise OSError(str(since_ns))

    busy = BusyTime(Broken([]))
    busy.note(S)
    assert busy.between(0, S) is None


def test_buffered_utilisation_becomes_busy_seconds_of_a_window() -> None:
    """80 % from 0.2 s on, in samples of 0.1 s."""
    record = one_window(FakeGpu("GPU-a", busy_samples=((1, 0),)), 0.9)
    busy_s = record.devices[0].busy_s
    # The newest sample may be 0.1 s old; the rest is taken to be like the part told.
    assert busy_s == pytest.approx(0.8 * (record.duration_s - 0.2), abs=0.1)


def test_present_utilisation_is_integrated_where_no_samples_are_kept() -> None:
    """The driver that has no buffer is asked twice a second while work goes on."""
    record = one_window(FakeGpu("GPU-a", busy_percent=40), 1.8)
    assert record.devices[0].busy_s == pytest.approx(0.4 * record.duration_s)


@pytest.mark.parametrize("seconds", [0.01, 0.9], ids=["short", "not supported"])
def test_what_is_not_known_of_the_utilisation_is_none(seconds: float) -> None:
    """A window shorter than the sampling, and a GPU that does not tell."""
    gpu = FakeGpu("GPU-a", busy_percent=40)
    if seconds > 0.1:
        gpu.errors["nvmlDeviceGetUtilizationRates"] = 3
    assert one_window(gpu, seconds).devices[0].busy_s is None


def test_a_gpu_in_mig_slices_is_not_asked() -> None:
    """NVML has no utilisation of the board then."""
    gpu = FakeGpu("GPU-a", mig=("MIG-a",), busy_percent=40)
    (device,) = nvml.find(FakeNvml(gpu), {}).devices
    assert isinstance(device, nvml.NvmlGpu)
    assert list(device.busy(0)) == []


def test_nothing_is_asked_of_the_utilisation_at_the_ends_of_a_short_window() -> None:
    """Cells stay cheap: only the background asks, and only while work goes on."""
    calls: list[str] = []

    class Counted(FakeNvml):
        def nvmlDeviceGetUtilizationRates(self, _: FakeGpu) -> object:  # noqa: N802
            calls.append("rates")
            raise self.NVMLError(999)

    clock = FakeClock()
    (device,) = nvml.find(Counted(FakeGpu("GPU-a")), {}, clock=clock).devices
    with Meter([device], clock=clock, interval_s=3600.0) as meter:
        for _ in range(20):
            window = meter.begin()
            clock.advance(0.1)
            meter.end(window, wait=False)
            clock.advance(2.0)
    assert calls == []


def test_only_who_reads_the_utilisation_has_the_driver_asked_for_it() -> None:
    """The panel's server samples all day, and shows watts alone."""
    calls: list[int] = []

    class Working(SimulatedDevice):
        has_busy_history = True

        def busy(self, since_ns: int) -> list[Busy]:
            calls.append(since_ns)
            return []

    def asked(**options: bool) -> int:
        calls.clear()
        taken: list[Sample] = []
        device = Working(About(id="g", kind="gpu", method="counter"), 1.0)
        sampler = Sampler([device], interval_s=0.01, **options)  # type: ignore[arg-type]
        sampler.subscribe(taken.append)
        sampler.hold()
        deadline_s = time.monotonic() + 10
        while len(taken) < 3 and time.monotonic() < deadline_s:
            time.sleep(0.01)
        sampler.close()
        assert len(taken) >= 3
        return len(calls)

    assert asked() == 0
    assert asked(counts_busy=True) == 1  # once each two seconds


@pytest.mark.parametrize(
    ("errors", "memory_gb"),
    [({}, 85.5), ({"nvmlDeviceGetMemoryInfo": 3}, None)],
    ids=["told", "not supported"],
)
def test_the_memory_of_a_gpu_is_what_its_driver_says(
    errors: dict[str, int], memory_gb: float | None
) -> None:
    """In 10^9 bytes; None where the driver does not say."""
    record = one_window(FakeGpu("GPU-a", errors=errors), 0.0)
    assert record.devices[0].memory_gb == memory_gb
