"""Turn readings of devices into joules that only grow.

A `Sample` holds one `Level` for each device: cumulative joules at a monotonic time.
Counters pass through, gauges are integrated by the trapezoid rule, so that everything
behind the sampler only subtracts.  Between windows nothing runs: a background thread
reads only while somebody holds the sampler, and sleeps without a timer otherwise.

Imports `devices`, `errors`, `units`.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from jupyter_green.devices.device import Clock, Counter, Device, Gauge
from jupyter_green.errors import DeviceError, DeviceLostError
from jupyter_green.units import NS_PER_S, s_from_ns

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Level:
    """Cumulative joules of one device.

    Attributes:
        t_ns: Monotonic time of the last reading that succeeded.
        energy_j: Joules since the sampler's first reading of this device.
        bound_j: Cumulative half-width (95 %) of a model's error.
        random_j2: Cumulative variance of the integration of a gauge in joules squared.
        gap_ns: Cumulative time that no reading covers.
        epoch: Counts resets: levels of different epochs cannot be subtracted.
        fault: Why the latest reading failed; empty if it succeeded.
    """

    t_ns: int
    energy_j: float
    bound_j: float = 0.0
    random_j2: float = 0.0
    gap_ns: int = 0
    epoch: int = 0
    fault: str = ""


class HostTimes(Protocol):
    """CPU time of the machine and of this process tree, in seconds."""

    @property
    def t_ns(self) -> int: ...  # noqa: D102 - the class says it
    @property
    def busy_s(self) -> float: ...  # noqa: D102
    @property
    def capacity_s(self) -> float: ...  # noqa: D102
    @property
    def own_s(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Sample:
    """All devices at (nearly) one moment.

    Attributes:
        t_ns: Monotonic time at which the sample was begun.
        levels: Level by device id; a device that never could be read is absent.
        host: CPU times, if they can be read.
        asleep_ns: Cumulative time that the system was suspended.
        cost_ns: Time that taking the sample took.
    """

    t_ns: int
    levels: Mapping[str, Level]
    host: HostTimes | None = None
    asleep_ns: int = 0
    cost_ns: int = 0


@dataclass(slots=True)
class _Track:
    """The running sum of one device."""

    device: Device
    level: Level | None = None
    origin_j: float = 0.0
    origin_bound_j: float = 0.0
    gauge: Gauge | None = None
    reported: set[str] = field(default_factory=set)

    def read(self) -> str:
        """Take one reading; return the fault, or an empty string."""
        try:
            reading = self.device.read()
        except DeviceError as err:
            return self._failed(err, lost=isinstance(err, DeviceLostError))
        # A vendor's library may raise anything; a user's cell must not see it.
        except Exception as err:  # noqa: BLE001
            return self._failed(err, lost=False)
        if isinstance(reading, Counter):
            self._counted(reading)
        else:
            self._gauged(reading)
        return ""

    def _failed(self, err: Exception, *, lost: bool) -> str:
        fault = str(err) or type(err).__name__
        if self.level is not None:
            last = self.level
            # Only the first failure of a lost device opens a new epoch.
            epoch = last.epoch + (1 if lost and not last.fault else 0)
            self.level = Level(
                last.t_ns,
                last.energy_j,
                last.bound_j,
                last.random_j2,
                last.gap_ns,
                epoch,
                fault,
            )
        self.gauge = None
        return fault

    def _counted(self, reading: Counter) -> None:
        last = self.level
        if last is None:
            self.origin_j, self.origin_bound_j = reading.energy_j, reading.bound_j
        self.level = Level(
            t_ns=reading.t_ns,
            energy_j=reading.energy_j - self.origin_j,
            bound_j=reading.bound_j - self.origin_bound_j,
            epoch=last.epoch if last else 0,
        )

    def _gauged(self, reading: Gauge) -> None:
        last, before = self.level, self.gauge
        self.gauge = reading
        if last is None:
            self.level = Level(reading.t_ns, 0.0)
            return
        step_ns = max(0, reading.t_ns - last.t_ns)
        longest_s = self.device.about.max_interval_s
        gap = before is None or (longest_s and s_from_ns(step_ns) > longest_s)
        previous_w = before.power_w if before else reading.power_w
        step_s = s_from_ns(step_ns)
        # A step of power lies anywhere between two readings: the trapezoid misses it
        # by a uniform error of the difference times the step (notes on measuring, 4.1).
        error_j = abs(reading.power_w - previous_w) * step_s / 12**0.5
        self.level = Level(
            t_ns=reading.t_ns,
            energy_j=last.energy_j + 0.5 * (reading.power_w + previous_w) * step_s,
            random_j2=last.random_j2 + error_j**2,
            gap_ns=last.gap_ns + (step_ns if gap else 0),
            epoch=last.epoch,
        )


class History:
    """Total power over time in bounded memory: the older, the coarser.

    Each level keeps every tenth point of the finer one, so that ten minutes at 10 Hz
    and several days before cost the same few thousand points.
    """

    _LEVELS = 4
    _POINTS = 1200
    _THINNING = 10

    def __init__(self) -> None:
        self._levels: list[deque[tuple[int, float]]] = [
            deque(maxlen=self._POINTS) for _ in range(self._LEVELS)
        ]
        self._count = 0

    def add(self, t_ns: int, energy_j: float) -> None:
        """Append cumulative joules of all devices at *t_ns*."""
        for depth, level in enumerate(self._levels):
            if self._count % self._THINNING**depth == 0:
                level.append((t_ns, energy_j))
        self._count += 1

    def between(self, t0_ns: int, t1_ns: int) -> list[tuple[int, float]]:
        """Return points within the interval from the finest level that covers it."""
        for level in self._levels:
            if level and level[0][0] <= t0_ns:
                break
        return [point for point in tuple(level) if t0_ns <= point[0] <= t1_ns]


class Sampler:
    """Read devices on demand, and in the background while it is held.

    Args:
        devices: What to read; an id occurs once.
        clock: Monotonic nanoseconds.
        host_times: Reads the CPU times of the machine and of this process tree.
        interval_s: Seconds between background readings.
        on_problem: Called once for each new fault with one line of text.
        asleep_ns: Reads the cumulative time of system suspend.
    """

    def __init__(
        self,
        devices: Iterable[Device],
        *,
        clock: Clock = time.monotonic_ns,
        host_times: Callable[[], HostTimes | None] = lambda: None,
        interval_s: float = 0.1,
        on_problem: Callable[[str], None] = logger.warning,
        asleep_ns: Callable[[], int] | None = None,
    ) -> None:
        self.clock = clock
        self.interval_s = interval_s
        self.history = History()
        self._tracks = {device.about.id: _Track(device) for device in devices}
        self._host_times = host_times
        self._on_problem = on_problem
        self._asleep_ns = asleep_ns or _suspended_ns
        self._lock = threading.Lock()
        self._wake = threading.Condition()
        self._listeners: list[Callable[[Sample], None]] = []
        self._holders = 0
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        self._closed = False

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices, in the order given."""
        return tuple(track.device for track in self._tracks.values())

    def sample(self) -> Sample:
        """Read every device now.  Never raises for a device."""
        with self._lock:
            t_ns = self.clock()
            faults = [(t, f) for t in self._tracks.values() if (f := t.read())]
            host = self._host_times()
            levels = {i: t.level for i, t in self._tracks.items() if t.level}
            done_ns = self.clock()
            if self._holders:
                self.history.add(t_ns, sum(v.energy_j for v in levels.values()))
        self._report(faults)
        return Sample(t_ns, levels, host, self._asleep_ns(), done_ns - t_ns)

    def subscribe(self, listener: Callable[[Sample], None]) -> None:
        """Call *listener* on the background thread with each background sample."""
        self._listeners.append(listener)

    def hold(self) -> None:
        """Read in the background until as many `release` as `hold` were called."""
        with self._wake:
            if self._pid != os.getpid():
                # Threads do not survive fork: the child starts its own.
                self._pid, self._thread, self._holders = os.getpid(), None, 0
            self._holders += 1
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(
                    target=self._run, name="jupyter-green-sampler", daemon=True
                )
                self._thread.start()
            self._wake.notify_all()

    def release(self) -> None:
        """Give back one `hold`."""
        with self._wake:
            self._holders = max(0, self._holders - 1)
            self._wake.notify_all()

    def close(self) -> None:
        """Stop the background thread; further samples can still be taken."""
        with self._wake:
            self._closed = True
            thread, self._thread = self._thread, None
            self._wake.notify_all()
        if thread and thread is not threading.current_thread():
            thread.join(timeout=2.0)

    def _run(self) -> None:
        next_ns = self.clock() + round(self.interval_s * NS_PER_S)
        while True:
            with self._wake:
                if not self._holders and not self._closed:
                    # Nothing is metered: sleep without a timer until it is.
                    self._wake.wait()
                    next_ns = self.clock() + round(self.interval_s * NS_PER_S)
                if self._closed:
                    return
                delay_ns = next_ns - self.clock()
                if delay_ns > 0:
                    self._wake.wait(s_from_ns(delay_ns))
                    continue
            next_ns = self.clock() + round(self.interval_s * NS_PER_S)
            self._tick()

    def _tick(self) -> None:
        sample = self.sample()
        for listener in tuple(self._listeners):
            try:
                listener(sample)
            except Exception:
                # A listener's failure must not end the sampling of the others.
                logger.warning("a listener of the sampler failed", exc_info=True)

    def _report(self, faults: Sequence[tuple[_Track, str]]) -> None:
        for track, fault in faults:
            if fault not in track.reported:
                track.reported.add(fault)
                self._on_problem(f"{track.device.about.id}: {fault}")


def power_between(
    points: Sequence[tuple[int, float]], steps: int
) -> Iterator[tuple[int, float]]:
    """Yield (end of step in ns, mean watts) of cumulative *points*, at most *steps*."""
    stride = max(1, -(-(len(points) - 1) // steps))
    chosen = [*points[:-1:stride], points[-1]] if len(points) > 1 else []
    for (t0_ns, e0_j), (t1_ns, e1_j) in pairwise(chosen):
        if t1_ns > t0_ns:
            yield t1_ns, (e1_j - e0_j) / s_from_ns(t1_ns - t0_ns)


def _suspended_ns() -> int:
    """Return how long the system has been suspended since boot (Linux; else 0).

    CLOCK_BOOTTIME runs on during suspend, CLOCK_MONOTONIC does not: clock_gettime(2).
    """
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    if boottime is None:
        return 0
    return time.clock_gettime_ns(boottime) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
