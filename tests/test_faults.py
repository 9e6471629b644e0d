"""What goes wrong while devices are read: each fault is said once and is never a 0."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest
from fakes.clock import FakeClock
from fakes.nvml import FakeGpu, FakeNvml
from fakes.powercap import Powercap

from jupyter_green.devices import nvml, rapl
from jupyter_green.devices.device import About, Counter, Device
from jupyter_green.devices.simulated import SimulatedDevice
from jupyter_green.errors import DeviceError, DeviceLostError
from jupyter_green.meter import Meter, WallClock
from jupyter_green.records import DeviceRecord, Record
from jupyter_green.sampler import Sample, Sampler

S = 1_000_000_000
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")

# Every error code that NVIDIA's binding knows.
CODES = sorted(
    value for name, value in vars(pynvml).items() if name.startswith("NVML_ERROR_")
)


def about(name: str, kind: str = "cpu", **more: Any) -> About:
    """Describe a counter."""
    return About(
        **{"id": name, "kind": kind, "method": "counter", "resolution_j": 1e-6} | more
    )


def slow_gpu(power_w: float = 300.0, **more: Any) -> SimulatedDevice:
    """Return a GPU whose counter moves every 100 ms."""
    known = about(
        "gpu-0", "gpu", update_period_s=0.1, power_limit_w=400.0, resolution_j=1e-3
    )
    return SimulatedDevice(known, power_w, period_s=0.1, samples_s=0.02, **more)


class Bench:
    """A meter on a clock by hand, and the lines it said."""

    def __init__(self, clock: FakeClock, *devices: Device, **options: Any) -> None:
        self.clock = clock
        self.said: list[str] = []
        # An hour between background readings: nothing happens but what the test does.
        known: dict[str, Any] = {"interval_s": 3600.0, "on_problem": self.said.append}
        self.meter = Meter(devices, clock=clock, **known | options)

    def metered(
        self, seconds: float, *, meanwhile: Callable[[], object] = lambda: None
    ) -> Record:
        """Return the record of a window; *meanwhile* is called in its middle."""
        window = self.meter.begin()
        self.clock.advance(seconds / 2)
        meanwhile()
        self.clock.advance(seconds / 2)
        return self.meter.end(window)


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    """Build meters on clocks by hand."""
    built: list[Bench] = []

    def build(*devices: Device, clock: FakeClock | None = None, **more: Any) -> Bench:
        built.append(Bench(clock or FakeClock(), *devices, **more))
        return built[-1]

    yield build
    for one in built:
        one.meter.close()


def missing(device: DeviceRecord) -> bool:
    """Say whether a figure is missing with a reason, and nowhere a zero."""
    figures = (device.energy_j, device.uncertainty_j, device.uncertainty_random_j)
    return figures == (None, None, None) and bool(device.reason)


# A cell that holds the interpreter


@linux_only
def test_a_cell_that_holds_the_interpreter_is_told_by_its_coverage() -> None:
    """A counter stays right, a gauge is partial, and unseen wraps are in the bound."""
    gauge = about(
        "gpu-1",
        "gpu",
        method="integrated",
        resolution_j=None,
        max_interval_s=0.25,
        power_limit_w=400.0,
    )
    small = about("package-0", power_limit_w=100.0)
    devices = (
        slow_gpu(),
        SimulatedDevice(gauge, 300.0, averaging_s=0.0),
        SimulatedDevice(small, 90.0, wraps_at_j=30.0),
    )
    with Meter(devices) as meter:
        window = meter.begin()
        time.sleep(0.6)
        # A call that keeps the interpreter's lock, as many extensions do.
        ctypes.PyDLL(None).usleep(2_000_000)
        record = meter.end(window)
        held = meter.begin()
        ctypes.PyDLL(None).usleep(400_000)
        held_record = meter.end(held)
    true_s = record.duration_s
    counter, integrated, wrapped = record.devices
    assert 2.6 <= true_s < 5.0
    assert counter.energy_j == pytest.approx(300 * true_s, abs=60)
    assert counter.coverage == 1.0
    assert counter.uncertainty_random_j is not None
    assert counter.uncertainty_random_j < 60
    assert 0.05 < integrated.coverage < 0.6
    assert "partial" in integrated.flags
    # 30 J at a time were lost from sight, and the interval says so.
    assert wrapped.energy_j is not None
    assert wrapped.uncertainty_j is not None
    assert wrapped.energy_j < 90 * true_s - 60
    for device, power_w in ((integrated, 300), (wrapped, 90)):
        assert device.energy_j is not None
        assert device.uncertainty_j is not None
        off_j = abs(device.energy_j - power_w * true_s)
        assert off_j <= device.uncertainty_j * 1.01
    # Where it was held from begin to end there is no figure of the gauge at all.
    assert missing(held_record.devices[1])
    assert "the interpreter or the machine was busy" in held_record.devices[1].reason


# RAPL: wraps, resets, EIO, EACCES


@pytest.fixture
def zone(tmp_path: Path) -> tuple[Powercap, Path]:
    """Give one package with a counter of 100 J and a limit of 100 W."""
    tree = Powercap(tmp_path)
    counter = tree.zone(
        "intel-rapl:0", "package-0", 99_000_000, range_uj=10**8, limit_w=100
    )
    return tree, counter


def package(tree: Powercap, clock: FakeClock) -> Device:
    """Return the package of the tree."""
    (device,) = rapl.find(tree.root, cpuinfo=tree.cpuinfo, clock=clock).devices
    return device


def test_wraps_that_are_seen_cost_nothing(
    zone: tuple[Powercap, Path], bench: Callable[..., Bench]
) -> None:
    """Read often enough, a counter of 100 J counts 160 J exactly."""
    tree, counter = zone
    one = bench(package(tree, clock := FakeClock()), clock=clock)
    window = one.meter.begin()
    for step in range(1, 41):
        clock.advance(0.1)
        counter.write_text(f"{(99_000_000 + step * 4_000_000) % 10**8}\n")
        one.meter.sampler.sample()
    (device,) = one.meter.end(window).devices
    assert device.energy_j == pytest.approx(160.0, abs=0.2)
    assert device.uncertainty_random_j == pytest.approx(0.0, abs=0.2)
    assert one.said == []


def test_wraps_that_nobody_saw_are_in_the_interval(
    zone: tuple[Powercap, Path], bench: Callable[..., Bench]
) -> None:
    """After 5 s without a reading 40 J may be 40 J and up to nine wraps."""
    tree, counter = zone
    one = bench(package(tree, clock := FakeClock()), clock=clock)
    record = one.metered(5.0, meanwhile=lambda: counter.write_text("39000000\n"))
    (device,) = record.devices
    assert device.energy_j == pytest.approx(40.0, rel=0.01)
    assert device.uncertainty_j == pytest.approx(900.0, rel=0.01)
    assert device.uncertainty_random_j == pytest.approx(900.0, rel=0.01)
    assert device.flags == ("wraps-possibly-missed",)
    assert device.reason.endswith("may have started anew unseen: up to 900 J more")


def test_resets_again_and_again_are_one_line(
    tmp_path: Path, bench: Callable[..., Bench]
) -> None:
    """Each window is void, and the line is not repeated with other figures in it."""
    tree, clock = Powercap(tmp_path), FakeClock()
    counter = tree.zone("intel-rapl:0", "package-0", 9_000_000_000)
    one = bench(package(tree, clock), clock=clock)
    for number in range(5):
        counter.write_text(f"{9_000_000_000 - number}\n")
        one.meter.sampler.sample()
        clock.advance(0.1)

        def restart(value: int = number) -> None:
            counter.write_text(f"{12 + value}\n")
            one.meter.sampler.sample()

        (device,) = one.metered(0.2, meanwhile=restart).devices
        assert missing(device)
        clock.advance(3600)
    (line,) = one.said
    assert line.startswith("package-0: counter was reset: it moved by ")
    assert line.endswith("Windows open at that moment have no figure; later ones do")


def test_a_reset_behind_another_fault_is_not_counted_across(
    bench: Callable[..., Bench],
) -> None:
    """A time-out and then a reset: the difference over both is void, not too small."""

    class Troubled(SimulatedDevice):
        faults: list[DeviceError]

        def read(self) -> Any:
            if self.faults:
                raise self.faults.pop(0)
            return super().read()

    device = Troubled(about("gpu-0", "gpu"), 100.0, clock=(clock := FakeClock()))
    device.faults = []
    one = bench(device, clock=clock)

    def trouble() -> None:
        device.faults = [
            DeviceError("gpu 0: no answer"),
            DeviceLostError("gpu 0: counter was reset"),
        ]
        one.meter.sampler.sample()
        one.meter.sampler.sample()

    (record,) = one.metered(2.0, meanwhile=trouble).devices
    assert missing(record)
    assert "reset" in record.reason
    assert one.said == ["gpu 0: no answer", "gpu 0: counter was reset"]
    assert one.metered(1.0).energy_j == pytest.approx(100.0)


def test_a_device_that_never_could_be_read_says_why(
    bench: Callable[..., Bench],
) -> None:
    """Not only the warning: the record, too, has the cause."""

    class Dead(SimulatedDevice):
        def read(self) -> Counter:
            raise DeviceError("gpu 0: no permission", remedy="ask the administrator")

    one = bench(Dead(about("gpu-0", "gpu"), 100.0))
    (device,) = one.metered(1.0).devices
    assert missing(device)
    assert device.reason.startswith("gpu 0: no permission")


def replaced(counter: Path, kind: str) -> None:
    """Put something in a counter's place that gives a true error of the system."""
    counter.write_text("")  # as sysfs does, the open file gives nothing any more
    counter.unlink()
    if kind == "EIO":
        counter.symlink_to("/proc/self/mem")  # nothing is mapped at address 0
    elif kind == "EISDIR":
        counter.mkdir()
    elif kind == "garbage":
        counter.write_text("energy\n")


@linux_only
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("EIO", "cannot be read: Input/output error"),
        ("EISDIR", "cannot be read: Is a directory"),
        ("ENOENT", "is gone: No such file or directory"),
        ("garbage", "is no number: invalid literal"),
    ],
)
def test_an_error_of_the_system_is_one_line_and_no_figure(
    zone: tuple[Powercap, Path], bench: Callable[..., Bench], kind: str, words: str
) -> None:
    """However often the counter is read, its fault is said once, with the file."""
    tree, counter = zone
    one = bench(package(tree, clock := FakeClock()), clock=clock)
    record = one.metered(1.0, meanwhile=lambda: replaced(counter, kind))
    again = one.metered(1.0)
    for device in (*record.devices, *again.devices):
        assert missing(device)
        assert words in device.reason
    (line,) = one.said
    assert line.startswith(f"package-0: {tree.root}")
    assert line.count("package-0") == 1


@linux_only
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_counter_that_was_closed_to_the_user_is_one_line_with_a_remedy(
    zone: tuple[Powercap, Path],
) -> None:
    """EACCES in the middle of a window: no figure, and what opens the counter."""
    tree, counter = zone
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:  # pragma: no cover - another process
        one = Bench(clock := FakeClock(), package(tree, clock))

        def close_to_us() -> None:
            counter.write_text("")  # the open file gives nothing any more
            counter.chmod(0)
            os.setuid(65534)

        (device,) = one.metered(1.0, meanwhile=close_to_us).devices
        told = [str(missing(device)), device.reason, *one.said]
        os.write(writer, "\n".join(told).encode())
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    is_missing, reason, *said = os.read(reader, 10_000).decode().split("\n")
    os.close(reader)
    os.close(writer)
    assert is_missing == "True"
    assert said == [reason]
    assert os.strerror(errno.EACCES) in reason
    assert reason.endswith("`jupyter green doctor` says how to open it")


def test_a_counter_of_changing_garbage_is_one_line(
    zone: tuple[Powercap, Path], bench: Callable[..., Bench]
) -> None:
    """Ten readings a second must not be ten lines a second."""
    tree, counter = zone
    one = bench(package(tree, clock := FakeClock()), clock=clock)
    for number in range(100):
        counter.write_text(f"{10**12 + number}\n")
        one.meter.sampler.sample()
        clock.advance(0.1)
    assert len(one.said) == 1
    assert "is out of its range" in one.said[0]


# NVML


class LiveNvml(FakeNvml):
    """Counters that move every 100 ms at 300 W, and calls that may take a while."""

    def __init__(self, *gpus: FakeGpu, call_s: float = 0.0) -> None:
        super().__init__(*gpus)
        self.call_s = call_s
        self.calls = 0

    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: FakeGpu) -> int:  # noqa: N802
        """Return the counter."""
        self._checked(gpu, "nvmlDeviceGetTotalEnergyConsumption")
        self.calls += 1
        time.sleep(self.call_s)
        return time.monotonic_ns() // (S // 10) * 30_000

    def nvmlDeviceGetSamples(self, *_: object) -> Any:  # noqa: N802
        """Keep no power samples."""
        raise self.NVMLError(3)


def test_each_error_code_of_nvml_is_a_reason_and_one_line() -> None:
    """As many GPUs as codes, all failing mid-window: each says why, none reads 0."""
    gpus = [FakeGpu(f"GPU-{code}") for code in CODES]
    fine = FakeGpu("GPU-fine")
    devices = nvml.find(LiveNvml(*gpus, fine), {}).devices
    said: list[str] = []
    with Meter(devices, interval_s=3600.0, on_problem=said.append) as meter:
        window = meter.begin()
        for gpu, code in zip(gpus, CODES, strict=True):
            gpu.errors["nvmlDeviceGetTotalEnergyConsumption"] = code
        time.sleep(0.25)
        record = meter.end(window)
        again = meter.end(meter.begin())
    assert len(CODES) >= 25
    for one in (record, again):
        *failed, last = one.devices
        for device in failed:
            assert missing(device)
            assert device.reason.startswith(f"gpu {device.index}: ")
        assert last.energy_j is not None
    assert record.energy_j == pytest.approx(75.0, abs=31.0)
    assert record.final
    assert len(said) == len(CODES)
    assert {line.partition(":")[0] for line in said} == {
        f"gpu {i}" for i in range(len(CODES))
    }


def test_a_gpu_that_falls_off_the_bus_keeps_what_was_read() -> None:
    """Half of the window is covered: partial, with the rest in the interval."""
    gpu = FakeGpu("GPU-a")
    said: list[str] = []
    devices = nvml.find(LiveNvml(gpu), {}).devices
    with Meter(devices, interval_s=0.02, on_problem=said.append) as meter:
        window = meter.begin()
        time.sleep(0.4)
        gpu.errors["nvmlDeviceGetTotalEnergyConsumption"] = 15
        time.sleep(0.4)
        record = meter.end(window)
        later = meter.end(meter.begin())
    (device,) = record.devices
    assert device.energy_j == pytest.approx(120.0, abs=35.0)
    assert device.coverage == pytest.approx(0.5, abs=0.2)
    assert "partial" in device.flags
    assert device.uncertainty_j is not None
    assert abs(device.energy_j - 300 * record.duration_s) < device.uncertainty_j
    assert missing(later.devices[0])
    (line,) = said
    assert line.startswith("gpu 0: the GPU is lost: it fell off the bus")
    assert "nvidia-smi --gpu-reset" in line


def test_a_gpu_lost_before_the_first_reading_of_a_window_is_not_measured() -> None:
    """A short cell in which the GPU went has no reading to keep: no figure."""
    gpu = FakeGpu("GPU-a")
    devices = nvml.find(LiveNvml(gpu), {}).devices
    with Meter(devices, interval_s=3600.0, on_problem=lambda _: None) as meter:
        window = meter.begin()
        gpu.errors["nvmlDeviceGetTotalEnergyConsumption"] = 15
        record = meter.end(window)
    assert missing(record.devices[0])
    assert record.energy_j is None


def test_slow_nvml_delays_an_end_by_its_calls_and_no_more() -> None:
    """Four GPUs at 50 ms a call: no polls pile up, and the thread does not spin."""
    library = LiveNvml(*(FakeGpu(f"GPU-{i}") for i in range(4)))
    devices = nvml.find(library, {}).devices
    library.call_s = 0.05
    with Meter(devices, on_problem=lambda _: None) as meter:
        slowest_s = 0.0
        library.calls, begun_s = 0, time.monotonic()
        for _ in range(3):
            window = meter.begin()
            time.sleep(0.3)
            before_s = time.monotonic()
            record = meter.end(window, wait=False)
            slowest_s = max(slowest_s, time.monotonic() - before_s)
            assert len(record.devices) == 4
        thread = meter.sampler._thread
        assert thread is not None
        assert thread.ident is not None
        cpu_s = time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
        took_s = time.monotonic() - begun_s
    # One call for each GPU, behind those that the background has under way.
    # Where polls piled up, seconds of them would stand before it.
    assert slowest_s < 2 * 4 * 0.05 + 0.8
    assert library.calls <= 1.1 * took_s / 0.05
    assert cpu_s < 0.1 * took_s
    # What it has yet to learn of each counter, and nothing of the windows.
    assert len(meter.sampler._awaited) <= 4


def test_a_reading_that_hangs_delays_the_end_and_spoils_no_other_figure() -> None:
    """Devices are read one after the other: an end waits, the figures stay right."""
    blocks = threading.Event()

    class Hanging(SimulatedDevice):
        def read(self) -> Any:
            if blocks.is_set():
                blocks.clear()
                time.sleep(1.5)
            return super().read()

    hanging = Hanging(about("gpu-0", "gpu"), 50.0)
    fine = SimulatedDevice(about("package-0"), 100.0)
    with Meter((hanging, fine), interval_s=3600.0) as meter:
        meter.sampler.sample()
        time.sleep(0.1)
        window = meter.begin()
        time.sleep(0.3)
        blocks.set()
        before_s = time.monotonic()
        record = meter.end(window)
        waited_s = time.monotonic() - before_s
        next_record = meter.end(meter.begin())
    assert 1.5 <= waited_s < 2.9  # once, not twice
    assert 0.3 <= record.duration_s < 1.4  # without the wait
    for device, power_w in zip(record.devices, (50.0, 100.0), strict=True):
        assert device.energy_j is not None
        assert device.uncertainty_j is not None
        off_j = abs(device.energy_j - power_w * record.duration_s)
        assert off_j <= device.uncertainty_j + 0.01
    assert next_record.duration_s < 1.0


def test_a_driver_that_hangs_for_good_ends_no_cell() -> None:
    """While the background waits for it, windows end with what was read before."""
    blocks, goes_on = threading.Event(), threading.Event()

    class Hanging(SimulatedDevice):
        def read(self) -> Any:
            if blocks.is_set():
                goes_on.wait(30)
            return super().read()

    said: list[str] = []
    devices = (
        slow_gpu(),
        Hanging(about("gpu-1", "gpu"), 50.0),
        SimulatedDevice(about("package-0", power_limit_w=150.0), 100.0),
    )
    with Meter(devices, interval_s=0.02, on_problem=said.append) as meter:
        window = meter.begin()
        time.sleep(0.3)
        blocks.set()
        time.sleep(0.3)
        before_s = time.monotonic()
        record = meter.end(window)
        first_s, before_s = time.monotonic() - before_s, time.monotonic()
        during = meter.end(meter.begin())
        second_s = time.monotonic() - before_s
        blocks.clear()
        goes_on.set()
        time.sleep(0.2)
        window = meter.begin()
        time.sleep(0.3)
        before_s = time.monotonic()
        after = meter.end(window)
        last_s = time.monotonic() - before_s
    assert 4.5 < first_s < 9.0  # it is waited for once, 5 s
    assert last_s < 4.0
    assert second_s < 4.0
    assert record.final
    assert 0.6 <= record.duration_s < 4.0  # without the wait
    package_0 = record.devices[2]
    assert package_0.energy_j is not None
    assert 20.0 < package_0.energy_j < 100 * record.duration_s - 10.0
    assert "partial" in package_0.flags
    assert all(missing(device) for device in during.devices)
    assert [device.flags for device in after.devices] == [()] * 3
    assert after.devices[2].energy_j == pytest.approx(100 * after.duration_s, abs=2.0)
    (line,) = said
    assert line.startswith("gpu-1 does not answer, so that nothing can be read: ")
    assert line.endswith("Cells run on, unmetered until it answers")


def test_listing_processes_may_fail_without_costing_the_figure() -> None:
    """An odd binding: who uses the GPU is unknown, and the record becomes final."""

    class Odd(SimulatedDevice):
        def occupancy(self, _: frozenset[int]) -> None:
            raise AttributeError("no attribute 'pid'")

    known = about("gpu-0", "gpu", update_period_s=0.1, resolution_j=1e-3)
    said: list[str] = []
    with Meter(
        [Odd(known, 300.0, period_s=0.1)], own_pids=frozenset, on_problem=said.append
    ) as meter:
        window = meter.begin()
        time.sleep(0.25)
        record = meter.end(window)
    assert record.final
    assert record.energy_j == pytest.approx(75.0, abs=30)
    assert said == ["who uses the GPUs cannot be read: no attribute 'pid'"]


# Clocks


def test_a_step_of_the_wall_clock_changes_no_duration(
    bench: Callable[..., Bench],
) -> None:
    """Stamps go on from the pair taken at the start, however the clock is set."""
    one = bench(
        SimulatedDevice(about("package-0"), 10.0, clock=(c := FakeClock())), clock=c
    )
    # As if the clock had been set forward by years since the meter was made.
    one.meter.wall = WallClock(datetime(2020, 2, 28, 23, 59, 59, tzinfo=UTC), c())
    record = one.metered(3.0)
    assert record.duration_s == 3.0
    assert record.started_at == "2020-02-28T23:59:59.000Z"
    assert record.ended_at == "2020-02-29T00:00:02.000Z"
    assert one.metered(1.0).started_at == record.ended_at


def test_power_samples_from_before_the_clock_was_put_back_are_left_out() -> None:
    """They carry stamps of the future, behind which no later sample would count."""

    class Stepped(FakeNvml):
        def nvmlDeviceGetSamples(self, *_: object) -> Any:  # noqa: N802
            now_us = time.time_ns() // 1000
            stamps = (now_us + 3_600_000_000, now_us - 40_000, now_us - 20_000)
            value = SimpleNamespace(uiVal=300_000)
            return 1, [SimpleNamespace(timeStamp=t, sampleValue=value) for t in stamps]

    (device,) = nvml.find(Stepped(FakeGpu("GPU-a")), {}).devices
    assert isinstance(device, nvml.NvmlGpu)
    powers = device.powers(0)
    assert len(powers) == 2
    assert all(power.t_ns <= time.monotonic_ns() for power in powers)


@pytest.mark.parametrize("averaging_s", [None, 0.0], ids=["counter", "gauge"])
def test_a_suspended_system_voids_the_window_and_not_the_next(
    bench: Callable[..., Bench], averaging_s: float | None
) -> None:
    """Counters stop, reset or run on in suspend: no figure, flag and reason."""
    clock, asleep_ns = FakeClock(), [0]
    known = about("gpu-0", "gpu", resolution_j=None if averaging_s == 0 else 1e-6)
    device = SimulatedDevice(known, 100.0, clock=clock, averaging_s=averaging_s)
    one = bench(device, clock=clock, asleep_ns=lambda: asleep_ns[0])

    def suspend() -> None:
        asleep_ns[0] += 60 * S
        one.meter.sampler.sample()

    record = one.metered(2.0, meanwhile=suspend)
    assert record.flags == ("suspended",)
    assert missing(record.devices[0])
    assert record.devices[0].reason == "the system was suspended meanwhile"
    assert record.energy_j is None
    later = one.metered(2.0)
    assert later.flags == ()
    assert later.energy_j == pytest.approx(200.0)


# What is around the devices


def test_cpu_times_that_cannot_be_read_cost_the_share_only(
    bench: Callable[..., Bench],
) -> None:
    """Too many open files: the cell runs, the energy stands, the share is unknown."""

    def full() -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), "/proc/stat")

    device = SimulatedDevice(about("package-0"), 10.0, clock=(c := FakeClock()))
    one = bench(device, clock=c, host_times=full)
    record = one.metered(2.0)
    assert record.energy_j == pytest.approx(20.0)
    assert record.devices[0].share is None
    (line,) = one.said
    assert "Too many open files: '/proc/stat'. Your share is not known" in line


def test_a_listener_that_raises_is_one_line_and_stops_nothing() -> None:
    """The others hear each sample, and the line is not said ten times a second."""
    said: list[str] = []
    heard: list[Sample] = []
    sampler = Sampler(
        [SimulatedDevice(about("package-0"), 10.0)],
        interval_s=0.01,
        on_problem=said.append,
    )

    def fail(sample: Sample) -> None:
        raise ValueError(f"at {sample.t_ns}")

    sampler.subscribe(fail)
    sampler.subscribe(heard.append)
    sampler.hold()
    deadline_s = time.monotonic() + 10
    while len(heard) < 5 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    sampler.release()
    sampler.close()
    assert len(heard) >= 5
    (line,) = said
    assert line.startswith("a listener of the sampler failed: ValueError: at ")
    assert line.endswith("Metering goes on")


def test_a_warning_that_fails_breaks_no_window(bench: Callable[..., Bench]) -> None:
    """Whatever is done with the line, the window goes on."""

    def fail(_: str) -> None:
        raise BrokenPipeError

    lost = SimulatedDevice(about("gpu-0", "gpu"), 1.0, lost_at_s=0.0)
    one = bench(lost, on_problem=fail)
    assert missing(one.metered(1.0).devices[0])


def test_without_a_background_thread_windows_end_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No more threads: one line, records at once, and nothing waits for a tick."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    said: list[str] = []
    monkeypatch.setattr(threading.Thread, "start", refuse)
    meter = Meter([slow_gpu()], on_problem=said.append)
    window = meter.begin()
    time.sleep(0.3)
    before_s = time.monotonic()
    record = meter.end(window)
    meter.close()
    assert time.monotonic() - before_s < 5.0  # `settle` would wait for 10 s
    assert record.final
    assert record.energy_j == pytest.approx(90.0, abs=31.0)
    (line,) = said
    assert line.startswith("no readings in the background: can't start new thread. ")


def test_an_interrupt_while_a_window_opens_leaves_nothing_running() -> None:
    """The user's stop comes while a slow driver is asked: no reading goes on."""

    class Interrupted(SimulatedDevice):
        def read(self) -> Any:
            raise KeyboardInterrupt

    meter = Meter([Interrupted(about("gpu-0", "gpu"), 1.0)], interval_s=3600.0)
    with pytest.raises(KeyboardInterrupt):
        meter.begin()
    assert meter.sampler._holders == 0
    assert meter.open_windows == ()
    meter.close()


def test_a_closed_meter_still_gives_records_at_once() -> None:
    """A cell after the session's end is metered without a background, not hung."""
    meter = Meter([slow_gpu()])
    meter.close()
    before_s = time.monotonic()
    record = meter.end(meter.begin())
    assert time.monotonic() - before_s < 5.0  # `settle` would wait for 10 s
    assert record.final
