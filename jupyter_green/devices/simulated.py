"""Simulate devices whose power is given, with the faults that real ones have.

For demonstrations without hardware and for tests: a counter that moves only at its
update period, a gauge with an averaging window, wraps, resets, errors and loss.  Every
device says "simulated" in its method or its name.  Imports the seam and `errors`.

    >>> gpu = SimulatedDevice(About(id="g", kind="gpu", method="simulated"), 300.0)
    >>> gpu.read().energy_j > 0
    True
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from jupyter_green.devices.counting import ForkSafeLock, Unwrap
from jupyter_green.devices.device import About, Clock, Counter, Device, Found, Gauge
from jupyter_green.errors import DeviceError, DeviceLostError
from jupyter_green.units import NS_PER_S

KEPT_SAMPLES = 120


class Power(Protocol):
    """Watts over time, with their exact integral."""

    def power_w(self, t_s: float) -> float:
        """Return watts at *t_s* seconds."""
        ...

    def energy_j(self, t_s: float) -> float:
        """Return the integral of `power_w` from 0 to *t_s* in joules."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """The same watts for ever."""

    watts: float

    def power_w(self, t_s: float) -> float:
        """Return the watts."""
        del t_s
        return self.watts

    def energy_j(self, t_s: float) -> float:
        """Return watts times seconds."""
        return self.watts * t_s


@dataclass(frozen=True, slots=True)
class Wave:
    """Watts that swing around a mean like a sine.

    Attributes:
        mean_w: The middle.
        swing_w: The greatest distance from it.
        period_s: Seconds of one swing.
        phase_s: Seconds by which the swing comes later.
    """

    mean_w: float
    swing_w: float
    period_s: float
    phase_s: float = 0.0

    def power_w(self, t_s: float) -> float:
        """Return watts at *t_s* seconds."""
        return self.mean_w + self.swing_w * math.sin(self._angle(t_s))

    def energy_j(self, t_s: float) -> float:
        """Return joules from 0 to *t_s* seconds."""
        scale = self.swing_w * self.period_s / (2 * math.pi)
        swing = scale * (math.cos(self._angle(0.0)) - math.cos(self._angle(t_s)))
        return self.mean_w * t_s + swing

    def _angle(self, t_s: float) -> float:
        return 2 * math.pi * (t_s - self.phase_s) / self.period_s


class Steps:
    """Watts that hold from each point to the next.

    Args:
        points: Pairs of seconds and watts, in order; before the first point the power
            is *idle_w*.
        idle_w: Watts before the first point.
    """

    def __init__(
        self, points: Sequence[tuple[float, float]], *, idle_w: float = 0.0
    ) -> None:
        self._times = [0.0, *(t for t, _ in points)]
        self._watts = [idle_w, *(w for _, w in points)]
        if any(b < a for a, b in pairwise(self._times)):
            raise ValueError("the points must be in order of time and not before 0")
        self._joules = [0.0]
        for (a, b), watts in zip(pairwise(self._times), self._watts, strict=False):
            self._joules.append(self._joules[-1] + watts * (b - a))

    def power_w(self, t_s: float) -> float:
        """Return watts at *t_s* seconds."""
        return self._watts[self._at(t_s)]

    def energy_j(self, t_s: float) -> float:
        """Return joules from 0 to *t_s* seconds."""
        i = self._at(t_s)
        return self._joules[i] + self._watts[i] * (t_s - self._times[i])

    def _at(self, t_s: float) -> int:
        return max(bisect_right(self._times, t_s) - 1, 0)


class SimulatedDevice:
    """A device whose power is known; read as a counter, or as a gauge.

    Args:
        about: What it says it is.
        power: Watts over the seconds of *clock* since *epoch_ns*.
        clock: Monotonic nanoseconds.
        epoch_ns: The clock's value at second 0 of *power* and of the faults.
        period_s: The value changes only every so many seconds; 0: at every reading.
        phase_s: Seconds by which those moments come later than multiples.
        averaging_s: None: a counter.  Else a gauge, the mean of the last so many
            seconds; 0: the power at that moment.
        wraps_at_j: The raw counter starts again from 0 there, and is unwrapped as a
            real one is; None: never.
        resets_at_s: The first reading from then on reports a reset.
        fails_s: From and to; readings between them fail.
        lost_at_s: Readings from then on report the loss of the device.
        samples_s: A counter that keeps the power each so many seconds; 0: none.
    """

    def __init__(  # noqa: PLR0913  (each fault is one argument, all by name)
        self,
        about: About,
        power: Power | float,
        *,
        clock: Clock = time.monotonic_ns,
        epoch_ns: int = 0,
        period_s: float = 0.0,
        phase_s: float = 0.0,
        averaging_s: float | None = None,
        wraps_at_j: float | None = None,
        resets_at_s: float = math.inf,
        fails_s: tuple[float, float] = (math.inf, math.inf),
        lost_at_s: float = math.inf,
        samples_s: float = 0.0,
    ) -> None:
        self._about = about
        self._power = Constant(power) if isinstance(power, float | int) else power
        self._clock = clock
        self._epoch_ns = epoch_ns
        self._period_s = period_s
        self._phase_s = phase_s
        self._averaging_s = averaging_s
        self._wraps_at_uj = round(wraps_at_j * 1e6) if wraps_at_j else None
        self._unwrap = Unwrap(
            about.id, self._wraps_at_uj or 1, about.power_limit_w or math.inf
        )
        self._resets_at_s = resets_at_s
        self._fails_s = fails_s
        self._lost_at_s = lost_at_s
        self._samples_s = samples_s
        self._lock = ForkSafeLock()

    @property
    def about(self) -> About:
        """What it is."""
        return self._about

    def true_energy_j(self, start_ns: int, end_ns: int) -> float:
        """Return the exact joules between two values of the clock."""
        start_s, end_s = self._seconds(start_ns), self._seconds(end_ns)
        return self._power.energy_j(end_s) - self._power.energy_j(start_s)

    def read(self) -> Counter | Gauge:
        """Return joules since second 0, or watts.

        Raises:
            DeviceError: Within *fails_s*.
            DeviceLostError: Once at *resets_at_s*, and from *lost_at_s* on.
        """
        with self._lock:
            t_ns = self._clock()
            now_s = self._seconds(t_ns)
            self._fail(now_s)
            seen_s = self._last_update_s(now_s)
            if self._averaging_s is not None:
                return Gauge(t_ns, self._mean_w(seen_s), self._averaging_s)
            energy_j = self._power.energy_j(seen_s)
            if self._wraps_at_uj is None:
                return Counter(t_ns, energy_j)
            raw_uj = round(energy_j * 1e6) % self._wraps_at_uj
            return Counter(t_ns, *self._unwrap.add(t_ns, raw_uj))

    @property
    def has_power_history(self) -> bool:
        """Whether `powers` gives readings of the past."""
        return bool(self._samples_s)

    def powers(self, since_ns: int) -> Sequence[Gauge]:
        """Return the kept power readings newer than *since_ns*, oldest first."""
        if not self._samples_s:
            return []
        now_s = self._seconds(self._clock())
        oldest_s = max(self._seconds(since_ns), now_s - KEPT_SAMPLES * self._samples_s)
        numbers = range(
            math.floor(oldest_s / self._samples_s) + 1,
            math.floor(now_s / self._samples_s) + 1,
        )
        return [
            Gauge(
                self._epoch_ns + round(i * self._samples_s * NS_PER_S),
                self._power.power_w(i * self._samples_s),
            )
            for i in numbers
        ]

    def _seconds(self, t_ns: int) -> float:
        return (t_ns - self._epoch_ns) / NS_PER_S

    def _last_update_s(self, now_s: float) -> float:
        if not self._period_s:
            return now_s
        ticks = math.floor((now_s - self._phase_s) / self._period_s)
        return ticks * self._period_s + self._phase_s

    def _mean_w(self, t_s: float) -> float:
        if not self._averaging_s:
            return self._power.power_w(t_s)
        start_j = self._power.energy_j(t_s - self._averaging_s)
        return (self._power.energy_j(t_s) - start_j) / self._averaging_s

    def _fail(self, now_s: float) -> None:
        name = self._about.id
        if now_s >= self._lost_at_s:
            raise DeviceLostError(f"{name}: the simulated device is lost")
        if now_s >= self._resets_at_s:
            self._resets_at_s = math.inf
            raise DeviceLostError(f"{name}: counter was reset", why="simulated")
        if self._fails_s[0] <= now_s < self._fails_s[1]:
            raise DeviceError(f"{name}: the simulated device does not answer")


def find(clock: Clock = time.monotonic_ns) -> Found:
    """Return one GPU, one processor package and its memory, all simulated.

    Their powers are plausible, smooth, and follow from the clock alone.
    """
    parts: tuple[tuple[About, Power], ...] = (
        (_about("simulated-gpu-0", "gpu", 0.1, 400.0), Wave(220.0, 120.0, 11.0)),
        (_about("simulated-package-0", "cpu", 1e-3, 150.0), Wave(65.0, 35.0, 7.0)),
        (_about("simulated-dram-0", "dram", 1e-3, 20.0), Wave(6.0, 2.0, 7.0)),
    )
    devices: tuple[Device, ...] = tuple(
        SimulatedDevice(
            about,
            power,
            clock=clock,
            period_s=about.update_period_s,
            samples_s=0.02 if about.kind == "gpu" else 0.0,
        )
        for about, power in parts
    )
    return Found(devices, ())


def _about(name: str, kind: str, period_s: float, limit_w: float) -> About:
    return About(
        id=name,
        kind=kind,
        method="simulated",
        name=f"simulated {kind.upper()}",
        calibration=0.05,
        resolution_j=1e-3,
        update_period_s=period_s,
        power_limit_w=limit_w,
    )
