"""Live power: samples of joules become watts, kept for the chart and for idle waste.

Pure; imports `sampler` and `units`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Struct

from jupyter_green.sampler import Sample, mean_power_w
from jupyter_green.units import NS_PER_S, s_from_ns

KEPT_S = 600
# Joules are kept longer than watts, once a minute: a kernel may idle for a day.
COARSE_NS = 60 * NS_PER_S
KEPT_COARSE = 24 * 60
# Two samples farther apart say nothing of the power now: nobody watched in between.
LONGEST_S = 5.0


class PowerPoint(Struct, frozen=True, kw_only=True):
    """Watts at one moment, as the chart shows them.

    Attributes:
        t: End of the step, in seconds since 1970.
        power_w: Mean watts over the step by device; None: not known now.
        total_w: Their sum; None where no device has a figure.
    """

    t: float
    power_w: dict[str, float | None]
    total_w: float | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """Joules that a device drew.

    Attributes:
        energy_j: Joules.
        covered_s: Seconds that they are of, up to the last sample.
    """

    energy_j: float
    covered_s: float


class PowerHistory:
    """Keep ten minutes of watts, and a day of joules."""

    def __init__(self) -> None:
        self._points: deque[PowerPoint] = deque(maxlen=KEPT_S)
        self._fine: deque[Sample] = deque(maxlen=KEPT_S)
        self._coarse: deque[Sample] = deque(maxlen=KEPT_COARSE)

    def add(
        self, sample: Sample, t: float, told_w: Mapping[str, float] | None = None
    ) -> PowerPoint | None:
        """Take a sample; return its watts, or None where it follows on nothing.

        Args:
            sample: Cumulative joules.
            t: Its moment in seconds since 1970.
            told_w: Watts that slow counters tell beside their joules: between two
                ticks of such a counter its joules alone give a ragged line.
        """
        before = self._fine[-1] if self._fine else None
        self._fine.append(sample)
        if not self._coarse or sample.t_ns - self._coarse[-1].t_ns >= COARSE_NS:
            self._coarse.append(sample)
        if before is None or s_from_ns(sample.t_ns - before.t_ns) > LONGEST_S:
            return None
        power_w = {
            identifier: mean_power_w(before.levels.get(identifier), level)
            for identifier, level in sample.levels.items()
        }
        for identifier, watts in (told_w or {}).items():
            if power_w.get(identifier) is not None:
                power_w[identifier] = watts
        known = [watts for watts in power_w.values() if watts is not None]
        point = PowerPoint(t=t, power_w=power_w, total_w=sum(known) if known else None)
        self._points.append(point)
        return point

    def since(self, t: float) -> list[PowerPoint]:
        """Return the points later than *t*, oldest first."""
        return [point for point in tuple(self._points) if point.t > t]

    @property
    def last(self) -> PowerPoint | None:
        """The newest point."""
        return self._points[-1] if self._points else None

    def drawn(self, identifier: str, since_ns: int) -> Drawn | None:
        """Return what a device drew from a moment to the newest sample.

        Between two samples that follow each other its power is taken as even; before
        the first one the figure begins there.  A counter counts on while nobody
        samples, so such a gap loses nothing of it; of a gauge, time that no reading
        covers is left out.  None: no two samples tell.
        """
        known = [s for s in self._merged() if identifier in s.levels]
        at = bisect_left(known, since_ns, key=_moment)
        if at >= len(known):
            return None
        begin, end = known[at].levels[identifier], known[-1].levels[identifier]
        begin_ns, begin_j = known[at].t_ns, begin.energy_j
        if begin.epoch != end.epoch:
            return None
        if at > 0:
            before = known[at - 1]
            step_ns = begin_ns - before.t_ns
            level = before.levels[identifier]
            if s_from_ns(step_ns) <= LONGEST_S and level.epoch == end.epoch:
                part = (begin_ns - since_ns) / step_ns
                begin_j -= part * (begin.energy_j - level.energy_j)
                begin_ns = since_ns
        covered_ns = known[-1].t_ns - begin_ns - (end.gap_ns - begin.gap_ns)
        if covered_ns <= 0:
            return None
        return Drawn(end.energy_j - begin_j, s_from_ns(covered_ns))

    def _merged(self) -> list[Sample]:
        """Return all samples, oldest first: of the past one a minute."""
        fine = list(self._fine)
        oldest_ns = fine[0].t_ns if fine else 0
        return [s for s in self._coarse if s.t_ns < oldest_ns] + fine


def _moment(sample: Sample) -> int:
    return sample.t_ns
