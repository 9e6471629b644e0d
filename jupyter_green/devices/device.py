"""The seam to the hardware: what every device is and the one thing it does.

A device is *read*, and gives a `Counter` in joules that only grows or a `Gauge` in
watts, each stamped by the monotonic clock.  Zones, wraps, error codes and field values
stay inside the backend's own file.  Imports `errors` only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

Clock = Callable[[], int]  # nanoseconds that never go back, like time.monotonic_ns


class Counter(NamedTuple):
    """Joules since some fixed moment, as seen at a monotonic time.

    Attributes:
        t_ns: Middle of the call that read it, in monotonic nanoseconds.
        energy_j: Joules; never less than at an earlier reading.
        bound_j: Joules of cumulative model error (95 %): the half-width of an interval
            over a window is the difference of this figure.  0 for real counters.
    """

    t_ns: int
    energy_j: float
    bound_j: float = 0.0


class Gauge(NamedTuple):
    """Watts, as seen at a monotonic time.

    Attributes:
        t_ns: Middle of the call that read it, in monotonic nanoseconds.
        power_w: Watts.
        averaging_s: Length of the trailing window the value is a mean of; 0: instant.
    """

    t_ns: int
    power_w: float
    averaging_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a device is; it does not change while the device is there.

    Attributes:
        id: Stable identifier, unique on the host: a GPU's UUID, ``package-0``.
        kind: ``gpu``, ``cpu``, ``dram``, ``ram``, ``soc`` or ``machine``.
        method: What its energy will be called: ``counter``, ``integrated``,
            ``estimated`` or ``simulated``.
        index: Position among the devices of this kind.
        name: The product's name, for people.
        scope: ``device``, ``shared`` or ``mig-parent``.
        calibration: Relative half-width (95 %) of the error common to all readings.
        resolution_j: The step of the counter in joules; None for a gauge.
        update_period_s: Seconds between changes of the value as far as is known.
        max_interval_s: The longest time between two readings that loses nothing (a
            counter's wrap, a gauge's shape); None where there is no limit.
        power_limit_w: The most watts it can draw, if known.
        memory_gb: A GPU's own memory in 10^9 bytes, if its driver says.
    """

    id: str
    kind: str
    method: str
    index: int = 0
    name: str = ""
    scope: str = "device"
    calibration: float = 0.0
    resolution_j: float | None = None
    update_period_s: float = 0.0
    max_interval_s: float | None = None
    power_limit_w: float | None = None
    memory_gb: float | None = None


@runtime_checkable
class Device(Protocol):
    """One thing that draws power and can be read."""

    @property
    def about(self) -> About:
        """What it is."""
        ...

    def read(self) -> Counter | Gauge:
        """Return joules or watts now.

        Raises:
            DeviceError: It could not be read this time.
            DeviceLostError: It is gone, or its counter was reset.
        """
        ...


class Occupancy(NamedTuple):
    """Who uses a device.

    Attributes:
        own: Fraction of the device's busy time that is this process tree's; None if
            the interface does not say.
        basis: How `own` is known: ``sole-process`` or ``gpu-utilisation``.
        foreign: True where processes of others are on the device.
    """

    own: float | None
    basis: str
    foreign: bool


@runtime_checkable
class Occupied(Protocol):
    """A device that can tell who uses it."""

    def occupancy(self, own_pids: frozenset[int]) -> Occupancy | None:
        """Return who used the device lately, or None where that cannot be known."""
        ...


@runtime_checkable
class Inhabited(Protocol):
    """A device that can tell which processes hold its memory."""

    def memory_bytes(self) -> Mapping[int, int | None] | None:
        """Return bytes of the device's memory by process; None: it cannot be known.

        A process whose bytes are not told has None.
        """
        ...


@runtime_checkable
class Traced(Protocol):
    """A slow counter that also tells the power between its ticks."""

    @property
    def has_power_history(self) -> bool:
        """Whether `powers` gives readings of the past, or only the present one."""
        ...

    def powers(self, since_ns: int) -> Sequence[Gauge]:
        """Return instant power readings newer than *since_ns*, oldest first.

        Empty where the interface has none.  Never raises a `DeviceError`: these
        readings refine a figure that the counter gives without them.
        """
        ...


class Busy(NamedTuple):
    """How busy a device was in the time that ended at a monotonic moment.

    Attributes:
        t_ns: The end of the sampling period, in monotonic nanoseconds.
        fraction: Fraction of the period in which it executed kernels, 0 to 1.
    """

    t_ns: int
    fraction: float


@runtime_checkable
class Worked(Protocol):
    """A device that can tell when it executed kernels."""

    @property
    def has_busy_history(self) -> bool:
        """Whether `busy` gives samples of the last seconds, or only the present one."""
        ...

    def busy(self, since_ns: int) -> Sequence[Busy]:
        """Return samples newer than *since_ns*, oldest first.

        Empty where it cannot be known.  Never raises a `DeviceError`.
        """
        ...


@runtime_checkable
class Deferred(Protocol):
    """A device whose first readings get their figures a while later.

    Until then `Device.read` raises `DevicePendingError`, and waits for nothing.
    """

    @property
    def is_pending(self) -> bool:
        """Whether readings have no figure yet."""
        ...

    def recall(self, t_ns: int) -> Counter | None:
        """Return what a reading of the past would have given.

        None while that is not known, and of times at which nothing was read.
        """
        ...


class Problem(NamedTuple):
    """Why something is not measured, for `doctor` and for warnings.

    Attributes:
        subject: What is concerned, for example ``rapl`` or ``gpu 0``.
        what: What was found.
        why: The cause.
        remedy: The exact command or step that would mend it; may be empty.
        risk: What that step opens or breaks; may be empty.
        severity: ``missing`` (no such hardware), ``forbidden``, ``broken`` or
            ``note``.
    """

    subject: str
    what: str
    why: str
    remedy: str = ""
    risk: str = ""
    severity: str = "missing"


class Found(NamedTuple):
    """What one backend found on this machine."""

    devices: tuple[Device, ...]
    problems: tuple[Problem, ...]
