"""Total power over time in bounded memory, and cut to a few steps for a curve.

Pure; imports `units`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise

from jupyter_green.units import s_from_ns


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
        """Return points within the interval from the finest level that covers it.

        Where it begins before all of them: from the finest that has the first one.
        """
        first_ns = self._levels[-1][0][0] if self._levels[-1] else 0
        for level in self._levels:
            if level and level[0][0] <= max(t0_ns, first_ns):
                break
        return [point for point in tuple(level) if t0_ns <= point[0] <= t1_ns]


def power_between(
    points: Sequence[tuple[int, float]], least_ns: int
) -> Iterator[tuple[int, float]]:
    """Yield (end of step in ns, mean watts) of cumulative *points*.

    A step is *least_ns* long or a little longer.  What is left at the end is shorter
    than that and belongs to the last step.
    """
    chosen = list(points[:1])
    for point in points[1:]:
        if point[0] > chosen[-1][0] and point[0] - chosen[-1][0] >= least_ns:
            chosen.append(point)
    if len(chosen) > 1:
        chosen[-1] = points[-1]
    for (t0_ns, e0_j), (t1_ns, e1_j) in pairwise(chosen):
        yield t1_ns, (e1_j - e0_j) / s_from_ns(t1_ns - t0_ns)
