"""Turn raw counters into joules that only grow: resets, wraps, threads and forks.

What the backends share and nothing else: no interface of any hardware is known here.
Imports `errors` only.

    >>> growth = Growth("gpu 0")
    >>> growth.add(5.0), growth.add(7.5)
    (0.0, 2.5)
"""

from __future__ import annotations

import math
import os
import threading
from types import TracebackType
from typing import NamedTuple

from jupyter_green.errors import DeviceLostError
from jupyter_green.units import J_PER_UJ, NS_PER_S

# A step needs this many times the greatest power, and so many joules more, before it
# is called a jump: readings are stamped late by milliseconds when a machine is busy.
JUMP_FACTOR = 4.0
JUMP_MARGIN_J = 50.0


class ForkSafeLock:
    """A lock that a forked child finds open, even if a thread of its parent held it."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if self._pid != os.getpid():
            self._lock = threading.Lock()
            self._pid = os.getpid()
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()


def _reset(subject: str, why: str) -> DeviceLostError:
    return DeviceLostError(
        f"{subject}: counter was reset",
        why=why,
        remedy="Windows open at that moment have no figure; later ones do",
    )


class Growth:
    """Joules since the first reading of a counter that must not fall.

    Args:
        subject: What to call the device in an error.
        cause: What makes such a counter fall.
    """

    def __init__(self, subject: str, cause: str = "the driver was reloaded") -> None:
        self._subject = subject
        self._cause = cause
        self._raw_j: float | None = None
        self._total_j = 0.0

    def add(self, raw_j: float) -> float:
        """Return joules since the first reading, of which *raw_j* is the newest.

        Raises:
            DeviceLostError: The counter fell.  This one reading voids what is being
                measured; the next ones go on from the new base.
        """
        last, self._raw_j = self._raw_j, raw_j
        if last is None:
            return self._total_j
        if raw_j < last:
            raise _reset(self._subject, self._cause)
        self._total_j += raw_j - last
        return self._total_j


class Unwrapped(NamedTuple):
    """What a wrapping counter has counted since its first reading.

    Attributes:
        energy_j: The fewest joules that agree with all readings.
        missed_j: Joules that whole wraps between two late readings may have added.
    """

    energy_j: float
    missed_j: float


class Unwrap:
    """Joules since the first reading of a counter that starts anew at its range.

    Two readings tell their distance only modulo the range.  Where they are so far
    apart that *power_max_w* could have filled the range once more, the possible whole
    wraps are summed in `Unwrapped.missed_j`.

    Args:
        subject: What to call the device in an error.
        range_uj: Microjoules after which the counter starts again from 0.
        power_max_w: The most watts the device can draw, for short times too; infinite:
            not known, so that neither jumps nor missed wraps are noticed.
    """

    def __init__(self, subject: str, range_uj: int, power_max_w: float) -> None:
        self._subject = subject
        self._range_uj = range_uj
        self._power_max_w = power_max_w
        self._last: tuple[int, int] | None = None  # (ns, microjoules)
        self._total_uj = 0  # an integer, so that a billion steps add no error
        self._missed_uj = 0

    def add(self, t_ns: int, raw_uj: int) -> Unwrapped:
        """Return joules since the first reading, given the newest one.

        Raises:
            DeviceLostError: The step is more than the device can draw: the counter
                was reset or jumped.  The next readings go on from the new base.
        """
        last, self._last = self._last, (t_ns, raw_uj)
        if last is not None:
            step_uj = (raw_uj - last[1]) % self._range_uj
            possible_j = self._power_max_w * max(t_ns - last[0], 0) / NS_PER_S
            if step_uj * J_PER_UJ > JUMP_FACTOR * possible_j + JUMP_MARGIN_J:
                raise _reset(
                    self._subject,
                    f"it moved by {step_uj * J_PER_UJ:.0f} J where at most"
                    f" {possible_j:.0f} J are possible (suspend, or a driver reload)",
                )
            wraps = (possible_j / J_PER_UJ - step_uj) // self._range_uj
            if 0 < wraps < math.inf:
                self._missed_uj += int(wraps) * self._range_uj
            self._total_uj += step_uj
        return Unwrapped(self._total_uj * J_PER_UJ, self._missed_uj * J_PER_UJ)
