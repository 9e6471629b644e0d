"""Estimate processor and memory energy by codecarbon's models where nothing counts it.

The processor's power is ``TDP * (0.1 + 0.9 * load^3)`` of the whole machine's load
(codecarbon.external.hardware, mode ``cpu_load``), integrated over CPU-time counters;
the memory's is constant.  Both carry their error in `Counter.bound_j`, wide enough for
what such models are known to miss, and say ``estimated``.  codecarbon itself is asked
by `power_lookup`, never here.  Imports the seam and `errors`.

    found = find()
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from jupyter_green.devices.codecarbon_power import PowerModel
from jupyter_green.devices.counting import ForkSafeLock
from jupyter_green.devices.cpu_time import CpuTimes, HostTimes
from jupyter_green.devices.device import About, Clock, Counter, Found, Problem
from jupyter_green.devices.power_lookup import GREEN_ALGORITHMS_W_PER_GB, PowerLookup
from jupyter_green.errors import DevicePendingError
from jupyter_green.units import NS_PER_S, s_from_ns

IDLE_FRACTION = 0.1  # of the TDP, in codecarbon's model
# Readings taken before the TDP is known: a minute of them and more.
KEPT_READINGS = 2048
# Others' load is taken over at least so long: Linux counts it in ticks of 10 ms.
OTHERS_WINDOW_NS = NS_PER_S // 4
# Memory models disagree by more than a factor of two (docs/method.md).
RAM_ERROR = 0.5


class _Load:
    """The machine's load between readings, exact for our part of it.

    Ticks make the busy time of a short interval 0 or far too much, and the model cubes
    it.  So our own CPU time, known to microseconds, is taken from the interval itself
    and that of others from a longer one that ends with it.
    """

    def __init__(self) -> None:
        self._last: HostTimes | None = None
        self._anchors: tuple[HostTimes, ...] = ()

    def step(self, now: HostTimes) -> tuple[float, float]:
        """Return seconds since the last reading, and the mean load in them, 0 to 1."""
        last, self._last = self._last, now
        if last is None or now.t_ns <= last.t_ns:
            self._anchors = self._anchors or (now,)
            return 0.0, 0.0
        capacity_s = max(now.capacity_s - last.capacity_s, 1e-9)
        load = (now.own_s - last.own_s) / capacity_s + self._others(now)
        if now.t_ns - self._anchors[-1].t_ns >= OTHERS_WINDOW_NS:
            self._anchors = (self._anchors[-1], now)
        return s_from_ns(now.t_ns - last.t_ns), min(max(load, 0.0), 1.0)

    def _others(self, now: HostTimes) -> float:
        start = self._anchors[0]
        if now.t_ns - start.t_ns < OTHERS_WINDOW_NS:
            return 0.0
        others_s = (now.busy_s - start.busy_s) - (now.own_s - start.own_s)
        return max(others_s, 0.0) / max(now.capacity_s - start.capacity_s, 1e-9)


class _Sum(NamedTuple):
    """What has been integrated: seconds, and seconds weighted by the model's factor.

    Attributes:
        t_ns: Up to when.
        weighted_s: Integral of the power over the TDP.
        bound_s: Integral of the distance to the farther end of what is possible.
    """

    t_ns: int
    weighted_s: float
    bound_s: float


class EstimatedCpu:
    """The processors of the machine, by codecarbon's model of load.

    The integral is kept in units of the TDP, so that nothing is lost while the TDP is
    still being looked up.  The name is complete once it is known.

    Args:
        lookup: Where the TDP comes from.
        times: How to read CPU time.
    """

    def __init__(self, lookup: PowerLookup, times: Callable[[], HostTimes]) -> None:
        self._lookup = lookup
        self._times = times
        self._load = _Load()
        self._sum = _Sum(0, 0.0, 0.0)
        self._pending: deque[_Sum] = deque(maxlen=KEPT_READINGS)
        self._lock = ForkSafeLock()

    @property
    def about(self) -> About:
        """What it is."""
        return _about("cpu", _cpu_name(self._lookup.result(0.0)))

    def read(self) -> Counter:
        """Return joules since the first reading.

        Raises:
            DevicePendingError: codecarbon has not answered yet.  `recall` will tell
                what this reading would have.
        """
        model = self._lookup.result(0.0)
        with self._lock:
            now = self._times()
            dt_s, load = self._load.step(now)
            factor = IDLE_FRACTION + (1.0 - IDLE_FRACTION) * load**3
            # 95 %: somewhere from idle to the TDP, whatever the load.
            bound = max(factor - IDLE_FRACTION, 1.0 - factor)
            total = self._sum
            self._sum = total = _Sum(
                now.t_ns,
                total.weighted_s + factor * dt_s,
                total.bound_s + bound * dt_s,
            )
            if model is None:
                self._pending.append(total)
        if not total.weighted_s:
            return Counter(total.t_ns, 0.0)
        if model is None:
            raise _not_yet()
        return _joules(total, model)

    @property
    def is_pending(self) -> bool:
        """Whether the TDP is still being looked up."""
        return self._lookup.result(0.0) is None

    def recall(self, t_ns: int) -> Counter | None:
        """Return what a reading at *t_ns* would have given, had the TDP been known."""
        model = self._lookup.result(0.0)
        with self._lock:
            sums = [*self._pending, self._sum]
        after = bisect_left(sums, t_ns, key=lambda each: each.t_ns)
        if model is None or after == len(sums) or (not after and sums[0].t_ns > t_ns):
            return None
        a, b = sums[max(0, after - 1)], sums[after]
        part = (t_ns - a.t_ns) / (b.t_ns - a.t_ns) if b.t_ns > a.t_ns else 1.0
        between = _Sum(
            t_ns,
            a.weighted_s + (b.weighted_s - a.weighted_s) * part,
            a.bound_s + (b.bound_s - a.bound_s) * part,
        )
        return _joules(between, model)


class EstimatedRam:
    """The memory of the machine, by codecarbon's constant power.

    Args:
        lookup: Where the power comes from.
        clock: Monotonic nanoseconds.
    """

    def __init__(
        self, lookup: PowerLookup, *, clock: Clock = time.monotonic_ns
    ) -> None:
        self._lookup = lookup
        self._clock = clock
        self._start_ns: int | None = None

    @property
    def about(self) -> About:
        """What it is."""
        return _about("ram", _ram_name(self._lookup.result(0.0)))

    def read(self) -> Counter:
        """Return joules since the first reading.

        Raises:
            DevicePendingError: codecarbon has not answered yet.  `recall` will tell
                what this reading would have.
        """
        t_ns = self._clock()
        if self._start_ns is None:
            self._start_ns = t_ns
        if t_ns == self._start_ns:
            return Counter(t_ns, 0.0)
        counter = self.recall(t_ns)
        if counter is None:
            raise _not_yet()
        return counter

    @property
    def is_pending(self) -> bool:
        """Whether the power is still being looked up."""
        return self._lookup.result(0.0) is None

    def recall(self, t_ns: int) -> Counter | None:
        """Return what a reading at *t_ns* gives once the power is known."""
        model = self._lookup.result(0.0)
        if model is None or self._start_ns is None or t_ns < self._start_ns:
            return None
        seconds = s_from_ns(t_ns - self._start_ns)
        other_w = GREEN_ALGORITHMS_W_PER_GB * model.ram_gb
        bound_w = max(abs(model.ram_w - other_w), RAM_ERROR * model.ram_w)
        return Counter(t_ns, model.ram_w * seconds, bound_w * seconds)


def find_cpu(lookup: PowerLookup, clock: Clock = time.monotonic_ns) -> Found:
    """Return the estimated processors; codecarbon is asked in the background."""
    lookup.start()
    device = EstimatedCpu(lookup, CpuTimes(clock).read)
    return Found((device,), (_note("cpu", "load and TDP"),))


def find_ram(lookup: PowerLookup, clock: Clock = time.monotonic_ns) -> Found:
    """Return the estimated memory; codecarbon is asked in the background."""
    lookup.start()
    device = EstimatedRam(lookup, clock=clock)
    return Found((device,), (_note("ram", "the number of modules"),))


def find(
    lookup: PowerLookup | None = None, *, clock: Clock = time.monotonic_ns
) -> Found:
    """Return processors and memory, both estimated."""
    lookup = lookup or PowerLookup()
    cpu, ram = find_cpu(lookup, clock), find_ram(lookup, clock)
    return Found(cpu.devices + ram.devices, cpu.problems + ram.problems)


def _joules(total: _Sum, model: PowerModel) -> Counter:
    return Counter(
        total.t_ns, model.tdp_w * total.weighted_s, model.tdp_w * total.bound_s
    )


def _not_yet() -> DevicePendingError:
    return DevicePendingError(
        "the estimate has no figure yet",
        why="codecarbon's power model is still being looked up, once per machine",
    )


def _about(kind: str, name: str) -> About:
    return About(
        id=f"estimated-{kind}",
        kind=kind,
        method="estimated",
        name=name,
        # No counter has a step here: the error is in `Counter.bound_j`.
        update_period_s=0.0,
    )


def _cpu_name(model: PowerModel | None) -> str:
    if model is None:
        return "processor (codecarbon is being asked)"
    basis = "generic 4 W/thread" if model.is_generic else "TDP"
    return f"{model.cpu_model}, {basis}: {model.tdp_w:g} W by {model.source}"


def _ram_name(model: PowerModel | None) -> str:
    if model is None:
        return "memory (codecarbon is being asked)"
    return f"{model.ram_gb:.0f} GiB, {model.ram_w:g} W by {model.source}"


def _note(kind: str, how: str) -> Problem:
    return Problem(
        kind,
        f"{kind} energy is estimated, not measured",
        f"no counter can be read; codecarbon's model knows {how}, and may err by half",
        severity="note",
    )
