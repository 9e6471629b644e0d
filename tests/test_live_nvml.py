"""The stand-in GPU of `peers.py`: what it shows is the load that it was given."""

from __future__ import annotations

from itertools import pairwise

import pynvml
import pytest
from fakes.clock import FakeClock
from fakes.live_nvml import LiveGpu, Square, stand_in

S = 1_000_000_000


def test_energy_is_the_exact_integral_of_both_loads() -> None:
    """Own steps, and another's square wave of which some periods are cut."""
    clock = FakeClock()
    gpu = LiveGpu(60.0, Square(240.0, 1.0, 0.5), clock=clock)
    begun_ns = clock()
    clock.advance(1.25)
    gpu.set_power(100.0)
    clock.advance(1.5)
    # 1.25 s of 60 W and 1.5 s of 100 W; of 2.75 s the wave was on for 0.5, 0.5, 0.5 s.
    truth_j = 75.0 + 150.0 + 3 * 120.0
    assert gpu.energy_j(clock()) - gpu.energy_j(begun_ns) == pytest.approx(truth_j)
    assert gpu.power_w(begun_ns + S // 4) == 300.0
    assert gpu.power_w(begun_ns + 3 * S // 4) == 60.0


def test_the_counter_moves_every_tenth_of_a_second_and_never_shows_later_energy() -> (
    None
):
    """A step at each 100 ms, of the energy up to that moment."""
    clock = FakeClock()
    gpu = LiveGpu(100.0, phase_ns=30_000_000, clock=clock)
    seen = []
    for _ in range(1000):
        clock.advance(0.001)
        seen.append(gpu.counter_mj())
        assert seen[-1] <= gpu.energy_j(clock()) * 1e3 + 1
    moves = [i for i in range(1, len(seen)) if seen[i] != seen[i - 1]]
    assert {b - a for a, b in pairwise(moves)} == {100}


def test_what_the_gpu_does_not_tell_is_not_supported() -> None:
    """A tool that asks for more gets the error that a real GPU gives."""
    module = stand_in(LiveGpu(60.0), pynvml)
    assert module.nvmlDeviceGetCount() == 1
    assert issubclass(module.NVMLError, Exception)
    with pytest.raises(pynvml.NVMLError) as caught:
        module.nvmlDeviceGetFanSpeed(None)
    assert caught.value.value == pynvml.NVML_ERROR_NOT_SUPPORTED
    with pytest.raises(pynvml.NVMLError):
        module.nvmlDeviceGetSamples(None, pynvml.NVML_GPU_UTILIZATION_SAMPLES, 0)


def test_power_samples_are_those_after_the_moment_asked_for() -> None:
    """One each 20 ms, of the power at that moment."""
    clock = FakeClock()
    gpu = LiveGpu(60.0, clock=clock)
    clock.advance(1.0)
    since_ns = gpu.set_power(300.0)
    clock.advance(0.1)
    samples = gpu.samples(since_ns)
    assert [power_mw for _, power_mw in samples] == [300_000] * 5
    assert all(b - a == S // 50 for (a, _), (b, _) in pairwise(samples))
