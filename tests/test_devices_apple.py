"""Apple silicon behind a stand-in for ``zeus_apple_silicon``."""

from types import SimpleNamespace
from typing import Any

import pytest
from fakes.clock import FakeClock

from jupyter_green.devices import apple
from jupyter_green.devices.device import Found
from jupyter_green.errors import DeviceError, DeviceLostError


class FakeMonitor:
    """``AppleEnergyMonitor``: millijoules, None where the chip has no counter."""

    def __init__(self, **metrics: Any) -> None:
        self.metrics = metrics
        self.is_broken = False

    def get_cumulative_energy(self) -> SimpleNamespace:
        """Return the figures."""
        if self.is_broken:
            raise RuntimeError("IOReport said no")
        return SimpleNamespace(**self.metrics)


def test_clusters_gpu_memory_and_neural_engine_are_devices():
    """The clusters count for the CPU: their caches are not in the cores' sum."""
    monitor = FakeMonitor(
        cpu_total_mj=9000,
        efficiency_cluster_mj=[1000],
        performance_cluster_mj=[2000, 3000],
        gpu_mj=500,
        dram_mj=100,
        ane_mj=0,
    )
    devices = apple.find(monitor, clock=FakeClock()).devices
    assert [d.about.kind for d in devices] == ["cpu", "gpu", "dram", "soc"]
    for device in devices:
        device.read()
    monitor.metrics["performance_cluster_mj"] = [2500, 3000]
    monitor.metrics["ane_mj"] = 7
    energies = [d.read().energy_j for d in devices]
    assert energies == pytest.approx([0.5, 0.0, 0.0, 0.007])


def test_an_older_chip_gives_its_total():
    """Without clusters the CPU's total is taken; what is None is no device."""
    monitor = FakeMonitor(cpu_total_mj=1000, gpu_mj=None)
    (device,) = apple.find(monitor).devices
    device.read()
    monitor.metrics["cpu_total_mj"] = 1500
    assert device.read().energy_j == 0.5


def test_failures_are_errors_and_not_zero():
    """No answer, no figure, and a counter that fell."""
    monitor = FakeMonitor(gpu_mj=1000)
    (device,) = apple.find(monitor).devices
    device.read()
    monitor.is_broken = True
    with pytest.raises(DeviceError, match="IOReport said no"):
        device.read()
    monitor.is_broken = False
    monitor.metrics["gpu_mj"] = None
    with pytest.raises(DeviceError, match="no figure"):
        device.read()
    monitor.metrics["gpu_mj"] = 10
    with pytest.raises(DeviceLostError, match="counter was reset"):
        device.read()


def test_a_monitor_that_fails_at_once_is_a_problem():
    """The chip is there, its counters are not."""
    monitor = FakeMonitor()
    monitor.is_broken = True
    (problem,) = apple.find(monitor).problems
    assert problem.severity == "broken"


@pytest.mark.parametrize(
    ("system", "machine", "problems"),
    [("linux", "aarch64", 0), ("darwin", "x86_64", 0), ("darwin", "arm64", 1)],
)
def test_only_apple_silicon_is_told_of_the_extra(
    system: str, machine: str, problems: int
):
    """Elsewhere there is nothing to say."""
    found = apple.find(system=system, machine=machine)
    assert isinstance(found, Found)
    assert len(found.problems) == problems
    for problem in found.problems:
        assert problem.remedy == "pip install 'jupyter-green[apple]'"
