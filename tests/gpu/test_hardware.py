"""What the code assumes of NVIDIA GPUs, asked of the ones that are here.

Figures are printed as well, so that a run on new hardware is a measurement of it.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jupyter_green.devices import nvml
from jupyter_green.devices.nvml_gpu import (
    POWER_INSTANT,
    Ask,
    Library,
    NvmlGpu,
    is_readable,
    power_field_w,
    power_usage_w,
)
from jupyter_green.meter import Meter
from jupyter_green.records import DeviceRecord
from jupyter_green.sampler.ticks import Bracket, TickClock

pytestmark = pytest.mark.gpu

NS_PER_S = 1e9
Tell = Callable[[str], None]


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Print a figure past pytest's capture."""

    def print_figure(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}", end="")  # noqa: T201 - this is a measurement

    return print_figure


@pytest.fixture(scope="module")
def library() -> Library:
    """Give NVML."""
    started = Library(importlib.import_module("pynvml"))
    started.start()
    return started


@pytest.fixture
def gpus() -> list[NvmlGpu]:
    """Give the GPUs that may be used here."""
    found = nvml.find()
    devices = [device for device in found.devices if isinstance(device, NvmlGpu)]
    assert devices, f"there is a driver, but no GPU could be read: {found.problems}"
    return devices


@pytest.fixture
def counters(gpus: list[NvmlGpu]) -> list[NvmlGpu]:
    """Give those with an energy counter."""
    found = [gpu for gpu in gpus if gpu.about.method == "counter"]
    if not found:
        pytest.skip("no energy counter: this GPU is older than Volta, or virtual")
    return found


def brackets(gpu: NvmlGpu, seconds: float) -> Iterator[Bracket]:
    """Poll without rest; yield the moments at which the counter moved."""
    last = gpu.read()
    end_ns = last.t_ns + seconds * NS_PER_S
    while last.t_ns < end_ns:
        now = gpu.read()
        if now.energy_j > last.energy_j:
            yield Bracket(last.t_ns, now.t_ns)
        last = now


def instant(library: Library, gpu: NvmlGpu) -> Ask:
    """Return the reading of power with the shortest window."""
    field = power_field_w(POWER_INSTANT)
    return field if is_readable(library, gpu.about.id, field) else power_usage_w


def test_a_reading_is_cheap(gpus: list[NvmlGpu], tell: Tell) -> None:
    """The sampler reads ten times a second: a reading must cost a part of that."""
    for gpu in gpus:
        costs_ms = []
        for _ in range(200):
            begun_ns = time.perf_counter_ns()
            gpu.read()
            costs_ms.append((time.perf_counter_ns() - begun_ns) / 1e6)
        median, worst = statistics.median(costs_ms), max(costs_ms)
        tell(f"{gpu.about.name}: a reading takes {median:.3f} ms, {worst:.2f} at worst")
        assert median < 20.0


def test_the_counter_moves_regularly(counters: list[NvmlGpu], tell: Tell) -> None:
    """What `TickClock` learns in 3 s tells when the counter moves a second later."""
    for gpu in counters:
        clock = TickClock(gpu.about.update_period_s * NS_PER_S)
        for bracket in brackets(gpu, 3.0):
            clock.add(bracket)
        assert clock.is_known, "the counter does not move at regular times"
        assert 5e6 < clock.period_ns < 250e6
        time.sleep(1.0)
        seen = list(brackets(gpu, 1.0))
        phases = [bracket.middle_ns / clock.period_ns % 1.0 for bracket in seen]
        # The phase has no zero of its own: distances from the first, in -1/2 to 1/2.
        spread = [(phase - phases[0] + 0.5) % 1.0 - 0.5 for phase in phases]
        widest_ms = max(bracket.width_ns for bracket in seen) / 1e6
        tell(
            f"{gpu.about.name}: moves every {clock.period_ns / 1e6:.3f} ms, phase ±"
            f" {50 * (max(spread) - min(spread)):.1f} %, seen to {widest_ms:.2f} ms"
        )
        regular = [abs(x - statistics.median(spread)) < 0.1 for x in spread]
        assert sum(regular) >= 0.9 * len(regular)


def test_the_counter_agrees_with_power(
    counters: list[NvmlGpu], library: Library, tell: Tell
) -> None:
    """Between two of its ticks it counts the integral of the power, within 15 %."""
    for gpu in counters:
        ask = instant(library, gpu)
        integrated_j = 0.0
        before = gpu.read()
        power = (time.monotonic_ns(), ask(library, gpu.about.id))
        points: list[tuple[int, float, float]] = []
        end_ns = before.t_ns + 5 * NS_PER_S
        while before.t_ns < end_ns:
            now = gpu.read()
            watts = (time.monotonic_ns(), ask(library, gpu.about.id))
            seconds = (watts[0] - power[0]) / NS_PER_S
            integrated_j += 0.5 * (power[1] + watts[1]) * seconds
            if now.energy_j > before.energy_j:
                points.append((now.t_ns, now.energy_j, integrated_j))
            before, power = now, watts
            time.sleep(0.002)
        assert len(points) > 10
        (first_ns, *first), (last_ns, *last) = points[0], points[-1]
        counter_j, power_j = (b - a for a, b in zip(first, last, strict=True))
        seconds = (last_ns - first_ns) / NS_PER_S
        tell(
            f"{gpu.about.name}: {counter_j:.1f} J counted, {power_j:.1f} J integrated"
            f" in {seconds:.2f} s ({100 * (counter_j / power_j - 1):+.1f} %)"
        )
        assert counter_j == pytest.approx(power_j, rel=0.15)


def test_a_window_is_plausible(gpus: list[NvmlGpu], tell: Tell) -> None:
    """Its energy is more than nothing and no more than the power limit allows."""
    with Meter(gpus) as meter:
        time.sleep(1.5)  # until it has learned when the counters move
        for seconds in (0.2, 1.0, 3.0):
            window = meter.begin()
            time.sleep(seconds)
            begun_ns = time.perf_counter_ns()
            record = meter.end(window)
            waited_s = (time.perf_counter_ns() - begun_ns) / 1e9
            assert record.final
            assert waited_s < 2.0 * max(gpu.about.update_period_s for gpu in gpus) + 0.1
            assert record.duration_s == pytest.approx(seconds, abs=0.1)
            for device in record.devices:
                check_window(device, record.duration_s)
            tell(
                f"{seconds} s: {record.energy_j:.2f} J ± {record.uncertainty_j:.2f}"
                f" (random {record.uncertainty_random_j:.2f}), end() took"
                f" {1e3 * waited_s:.1f} ms"
            )


def check_window(device: DeviceRecord, duration_s: float) -> None:
    """Check one GPU's part of a window."""
    assert device.method in {"counter", "integrated"}
    assert device.coverage == pytest.approx(1.0)
    assert device.energy_j is not None
    assert device.uncertainty_j is not None
    assert device.uncertainty_random_j is not None
    assert device.energy_j > 0.0
    assert device.uncertainty_j >= device.uncertainty_random_j > 0.0
    if device.power_limit_w:
        most_j = device.power_limit_w * duration_s
        assert device.energy_j <= most_j + device.uncertainty_j


def test_a_training_loop(gpus: list[NvmlGpu], tell: Tell) -> None:
    """Training takes more power than idling, and the steps add up to the whole."""
    torch: Any = pytest.importorskip("torch", reason="no PyTorch: not installed here")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA for PyTorch: it cannot use this GPU")
    with Meter(gpus) as meter:
        time.sleep(1.5)
        with meter.window("no context", wait=True) as bare:
            time.sleep(3.0)
        step = training_step(torch)
        time.sleep(2.0)
        with meter.window("context", wait=True) as idle:
            time.sleep(3.0)
        step()
        torch.cuda.synchronize()
        parts = []
        with meter.window("train", wait=True) as whole:
            for _ in range(5):
                with meter.window("epoch") as part:
                    until_s = time.monotonic() + 1.0
                    while time.monotonic() < until_s:
                        step()
                        torch.cuda.synchronize()
                parts.append(part)
        meter.settle()
    records = {w.record.label: w.record for w in (bare, idle, whole)}
    for label, record in records.items():
        tell(
            f"{label}: {record.power_w:.1f} W, {record.energy_j:.1f} J"
            f" ± {record.uncertainty_random_j:.1f} random"
        )
    trained = records["train"]
    assert trained.power_w > 1.2 * records["context"].power_w
    for device in trained.devices:
        check_window(device, trained.duration_s)
    sum_j = sum(part.record.energy_j for part in parts)
    tell(f"five epochs add up to {100 * sum_j / trained.energy_j:.2f} % of the whole")
    assert sum_j == pytest.approx(trained.energy_j, rel=0.02)


def training_step(torch: Any) -> Callable[[], None]:
    """Return one step of training a small network on the GPU."""
    size = 4096
    layers = [torch.nn.Linear(size, size), torch.nn.ReLU(), torch.nn.Linear(size, size)]
    model = torch.nn.Sequential(*layers).cuda()
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3)
    given = torch.randn(size, size, device="cuda")

    def step() -> None:
        optimiser.zero_grad()
        model(given).square().mean().backward()
        optimiser.step()

    return step
