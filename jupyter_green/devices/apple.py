"""Read Apple silicon's energy counters through ``zeus-apple-silicon``.

Tested against stand-ins; not yet run on hardware.  IOReport's "Energy Model" counters
need no privilege, count millijoules, and are believed to come from a model rather than
a sensor (docs/method.md).  Imports the seam and `errors`; the monitor is an
argument, and the package is an extra: ``pip install 'jupyter-green[apple]'``.

    find().devices
"""

from __future__ import annotations

import importlib
import platform
import sys
import time
from collections.abc import Callable
from typing import Any

from jupyter_green.devices.counting import ForkSafeLock, Growth
from jupyter_green.devices.device import About, Clock, Counter, Found, Problem
from jupyter_green.errors import DeviceError
from jupyter_green.units import J_PER_MJ

CALIBRATION = 0.15  # a model, not a sensor: as for AMD's RAPL
UPDATE_PERIOD_S = 0.01  # not documented

# Joules, or None where this chip has no such counter.
Part = Callable[[Any], float | None]


def _cpu_j(metrics: Any) -> float | None:
    """Return the energy of the clusters, or the total where there are none.

    The clusters hold the shared caches too: 1.5 to 2 times the sum of the cores on an
    M5 Max (Zeus).
    """
    clusters = (
        getattr(metrics, "efficiency_cluster_mj", None),
        getattr(metrics, "performance_cluster_mj", None),
    )
    if any(clusters):
        return sum(sum(cluster or ()) for cluster in clusters) * J_PER_MJ
    return _field("cpu_total_mj")(metrics)


def _field(name: str) -> Part:
    def joules(metrics: Any) -> float | None:
        value = getattr(metrics, name, None)
        return None if value is None else float(value) * J_PER_MJ

    return joules


_PARTS: tuple[tuple[str, str, str, Part], ...] = (
    ("apple-cpu", "cpu", "CPU clusters", _cpu_j),
    ("apple-gpu", "gpu", "GPU", _field("gpu_mj")),
    ("apple-dram", "dram", "memory", _field("dram_mj")),
    ("apple-ane", "soc", "Neural Engine", _field("ane_mj")),
)


class ApplePart:
    """One part of the chip.

    Args:
        monitor: ``AppleEnergyMonitor``.
        about: What it is.
        joules: How to find its energy among the monitor's figures.
        clock: Monotonic nanoseconds.
    """

    def __init__(
        self,
        monitor: Any,
        about: About,
        joules: Part,
        *,
        clock: Clock = time.monotonic_ns,
    ) -> None:
        self._monitor = monitor
        self._about = about
        self._joules = joules
        self._clock = clock
        self._growth = Growth(about.id, "the counter restarted")
        self._lock = ForkSafeLock()

    @property
    def about(self) -> About:
        """What it is."""
        return self._about

    def read(self) -> Counter:
        """Return joules since the first reading.

        Raises:
            DeviceError: IOReport gave an error, or no figure for this part.
            DeviceLostError: The counter was reset.
        """
        with self._lock:
            before = self._clock()
            try:
                raw_j = self._joules(self._monitor.get_cumulative_energy())
            except RuntimeError as err:
                raise DeviceError(f"{self._about.id}: no answer", why=str(err)) from err
            t_ns = (before + self._clock()) // 2
            if raw_j is None:
                raise DeviceError(f"{self._about.id}: IOReport gave no figure")
            return Counter(t_ns, self._growth.add(raw_j))


def find(
    monitor: Any = None,
    *,
    system: str = sys.platform,
    machine: str | None = None,
    clock: Clock = time.monotonic_ns,
) -> Found:
    """Return the parts of the chip that have a counter.

    Args:
        monitor: ``AppleEnergyMonitor``; None: make one, on Apple silicon only.
        system: As ``sys.platform``.
        machine: As ``platform.machine()``.
        clock: Monotonic nanoseconds.
    """
    if monitor is None:
        if system != "darwin" or (machine or platform.machine()) != "arm64":
            return Found((), ())
        try:
            package = importlib.import_module("zeus_apple_silicon")
            monitor = package.AppleEnergyMonitor()
        except (ImportError, RuntimeError) as err:
            return Found((), (_problem(err),))
    try:
        metrics = monitor.get_cumulative_energy()
    except RuntimeError as err:
        return Found((), (_problem(err),))
    devices = tuple(
        ApplePart(monitor, _about(name, kind, text), joules, clock=clock)
        for name, kind, text, joules in _PARTS
        if joules(metrics) is not None
    )
    return Found(devices, ())


def _about(name: str, kind: str, text: str) -> About:
    return About(
        id=name,
        kind=kind,
        method="counter",
        name=f"Apple silicon {text}",
        calibration=CALIBRATION,
        resolution_j=J_PER_MJ,
        update_period_s=UPDATE_PERIOD_S,
    )


def _problem(err: Exception) -> Problem:
    is_missing = isinstance(err, ImportError)
    return Problem(
        "apple",
        "the energy counters of this Apple chip are not read",
        str(err),
        "pip install 'jupyter-green[apple]'" if is_missing else "",
        severity="missing" if is_missing else "broken",
    )
