"""How long a device was busy, added up from its driver's samples in bounded memory.

A sample is the busy fraction of the sampling period that ended with it.  Added up they
are seconds; a window's are the difference, known to about a period at each end.
Imports `devices.device`, `units`, `sampler.history`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from jupyter_green.devices.device import Worked
from jupyter_green.sampler.history import History
from jupyter_green.units import NS_PER_S, s_from_ns

# NVML's longest sampling period: a sample tells no more of the time before it.
LONGEST_PERIOD_NS = NS_PER_S
# A driver keeps the samples of some seconds; one that keeps none is asked more often.
BUFFERED_NS = 2 * NS_PER_S
PRESENT_NS = NS_PER_S // 2
# Of less of a window than this part the samples say nothing of the whole.
LEAST_TOLD = 0.5
# Samples that end inside a window; one alone may tell of another time.
FEWEST = 2


class BusyTime:
    """The busy seconds of one device.

    Args:
        device: What is asked.
    """

    def __init__(self, device: Worked) -> None:
        self._device = device
        self._last_ns = self._asked_ns = 0
        self._busy_s = self._told_s = 0.0
        self._busy, self._told = History(), History()

    def is_due(self, now_ns: int) -> bool:
        """Say whether samples would be lost, or too few, if none were taken now."""
        has_history = self._device.has_busy_history
        spacing_ns = BUFFERED_NS if has_history else PRESENT_NS
        return now_ns - self._asked_ns >= spacing_ns

    def note(self, now_ns: int) -> None:
        """Take the samples that are new."""
        self._asked_ns = now_ns
        try:
            samples = self._device.busy(self._last_ns)
        # A vendor's library may raise anything: then it is not known.
        except Exception:  # noqa: BLE001
            return
        for sample in samples:
            if sample.t_ns <= self._last_ns:
                continue
            period_ns = min(sample.t_ns - self._last_ns, LONGEST_PERIOD_NS)
            self._last_ns = sample.t_ns
            self._told_s += s_from_ns(period_ns)
            self._busy_s += sample.fraction * s_from_ns(period_ns)
            self._told.add(sample.t_ns, self._told_s)
            self._busy.add(sample.t_ns, self._busy_s)

    def between(self, begin_ns: int, end_ns: int) -> float | None:
        """Return the busy seconds of a window; None where too little of it is told.

        What no sample tells of it is taken to have been like the rest.
        """
        near = (begin_ns - LONGEST_PERIOD_NS, end_ns + LONGEST_PERIOD_NS)
        busy, told = self._busy.between(*near), self._told.between(*near)
        inside = sum(begin_ns <= t_ns <= end_ns for t_ns, _ in told)
        if inside < FEWEST:
            return None
        window_s = s_from_ns(end_ns - begin_ns)
        told_s = _at(told, end_ns) - _at(told, begin_ns)
        if told_s < LEAST_TOLD * window_s:
            return None
        fraction = (_at(busy, end_ns) - _at(busy, begin_ns)) / told_s
        return min(max(fraction, 0.0), 1.0) * window_s


def _at(points: Sequence[tuple[int, float]], t_ns: int) -> float:
    """Return a sum at a moment: of the sample around it, the part before it."""
    after = bisect_left(points, t_ns, key=lambda point: point[0])
    if after in (0, len(points)):
        return points[min(after, len(points) - 1)][1]
    (t0_ns, sum0), (t1_ns, sum1) = points[after - 1], points[after]
    return sum0 + (sum1 - sum0) * (t_ns - t0_ns) / (t1_ns - t0_ns)
