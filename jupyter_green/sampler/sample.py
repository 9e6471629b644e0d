"""What the sampler gives: cumulative joules of each device at one moment.

Frozen values and one difference of them; imports `units`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from jupyter_green.units import s_from_ns


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
        before_w: Mean power in the time before this reading; None where that time is
            too short or too long to tell.
        doubt: How far the counter is off the integrated power, as a fraction, where
            that is more than it should; 0: nothing to doubt.
        is_pending: The latest reading has no figure yet, but will have one.
    """

    t_ns: int
    energy_j: float
    bound_j: float = 0.0
    random_j2: float = 0.0
    gap_ns: int = 0
    epoch: int = 0
    fault: str = ""
    before_w: float | None = None
    doubt: float = 0.0
    is_pending: bool = False


def mean_power_w(before: Level | None, now: Level | None) -> float | None:
    """Return mean watts between two levels of one device.

    The time is that between their readings, not between the samples that hold them:
    after readings that failed the joules are those of all the time since the last one
    that succeeded.  None where the latest reading failed, and where the two cannot be
    subtracted.
    """
    if before is None or now is None or now.fault or before.epoch != now.epoch:
        return None
    if now.t_ns <= before.t_ns:
        return None
    return (now.energy_j - before.energy_j) / s_from_ns(now.t_ns - before.t_ns)


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
        faults: Why the devices that never could be read could not, by id.
    """

    t_ns: int
    levels: Mapping[str, Level]
    host: HostTimes | None = None
    asleep_ns: int = 0
    cost_ns: int = 0
    faults: Mapping[str, str] = field(default_factory=dict)


class Tick(NamedTuple):
    """A moment at which a slow counter moved.

    Attributes:
        t_ns: When, in monotonic nanoseconds.
        energy_j: The counter's joules from then on.
        error_ns: Standard deviation of *t_ns*.
    """

    t_ns: float
    energy_j: float
    error_ns: float = 0.0


class Power(NamedTuple):
    """Watts at a monotonic moment."""

    t_ns: int
    power_w: float


class Edge(NamedTuple):
    """What is known of a slow counter around one end of a window.

    Attributes:
        ticks: The tick before and the tick after the moment.
        powers: Power readings from before the first to after the last tick.
    """

    ticks: tuple[Tick, ...]
    powers: tuple[Power, ...]
