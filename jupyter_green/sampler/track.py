"""The running sum of one device, and the moments at which a slow counter moved.

Imports `devices`, `errors`, `units`, `sampler.sample`, `sampler.ticks`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from jupyter_green.devices.device import Counter, Deferred, Device, Gauge, Traced
from jupyter_green.errors import DeviceError, DeviceLostError, DevicePendingError
from jupyter_green.sampler.sample import Edge, Level, Power, Tick
from jupyter_green.sampler.ticks import WIDEST, Bracket, TickClock
from jupyter_green.units import NS_PER_S, s_from_ns

# A counter that moves more often than this is as good as continuous.
SLOW_PERIOD_S = 0.01
# Power readings before a moment that tell what the power was and how it scatters.
BEFORE_NS = NS_PER_S // 2
# The moment of a tick has to be known to this part of the period to be of use.
LARGEST_ERROR = 0.05
# The counter and the power readings may disagree by this fraction.
LARGEST_DISAGREEMENT = 0.15
CHECK_NS = NS_PER_S
SURE = 3.0  # standard deviations: once in some hundred sessions by chance
SAME_NS = 1_000_000
# The time between two readings that tells the power before the later one: longer than
# a fast counter's step, shorter than what a small counter wraps in.
TELLING_NS = (NS_PER_S // 50, 30 * NS_PER_S)
KEPT_SIGHTINGS = 64
# A fast counter's readings of the last second or so, and those next to a moment.
KEPT_READINGS = 128
NEAR_PERIODS = 30
# Steps to see after a window's end: two tell the power there.  Until the period is
# known to a part of itself: more.
STEPS_SOUGHT = 2
STEPS_LEARNT = 30
LEARNT_ERROR = 0.005
# A reading nearer to a step than so many standard deviations may show either side.
TELLING_ERRORS = 2.0
KEPT_POWERS = 512


class _Sighting(NamedTuple):
    """A poll that found a new value."""

    bracket: Bracket
    old_j: float
    new_j: float


@dataclass(slots=True)
class _Poll:
    t_ns: int
    energy_j: float


class Track:
    """One device's readings, added up.

    Args:
        device: What is read.
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self.level: Level | None = None
        # Why it could not be read so far; once it could, its level says so.
        self.first_fault = ""
        # Asking a protocol costs more than a reading: once is enough.
        self._traced = device if isinstance(device, Traced) else None
        self._deferred = device if isinstance(device, Deferred) else None
        self._origin_j = 0.0
        self._origin_bound_j = 0.0
        self._gauge: Gauge | None = None
        self._poll: _Poll | None = None
        self._is_lost = False
        about = device.about
        self.is_slow = (
            about.update_period_s > SLOW_PERIOD_S and about.resolution_j is not None
        )
        # Fast, but not continuous: it matters to a window of milliseconds.
        self.is_fast = (
            0.0 < about.update_period_s <= SLOW_PERIOD_S
            and about.resolution_j is not None
            and about.method != "estimated"
        )
        self.clock = TickClock(about.update_period_s * NS_PER_S)
        self.polled_ns = self.call_ns = self.quickest_ns = 0
        self._sightings: deque[_Sighting] = deque(maxlen=KEPT_SIGHTINGS)
        self._readings: deque[_Poll] = deque(maxlen=KEPT_READINGS)
        self._powers: deque[Power] = deque(maxlen=KEPT_POWERS)
        self.doubt = 0.0
        self._is_checked = False

    def read(self, *, after_rest: bool = False) -> str:
        """Take one reading; return the fault with its subject, or an empty string."""
        try:
            reading = self.device.read()
        except DevicePendingError as err:
            return self._deferred_reading(err)
        except DeviceError as err:
            return self._failed(err, lost=isinstance(err, DeviceLostError))
        # A vendor's library may raise anything; a user's cell must not see it.
        except Exception as err:  # noqa: BLE001
            return f"{self.device.about.id}: {self._failed(err, lost=False)}"
        self._is_lost = False
        if isinstance(reading, Counter):
            self._counted(reading, after_rest=after_rest)
        else:
            self._gauged(reading)
        return ""

    @property
    def has_power_history(self) -> bool:
        """Whether power readings of the last seconds can be had later."""
        return self._traced is not None and self._traced.has_power_history

    @property
    def awaits(self) -> bool:
        """Whether more will be known of a moment a little after it.

        Where a call takes a good part of a period, no poll can tell when it moved.
        """
        if self.is_fast:
            # A clock that stands still during a call tells no moments.
            return 0 < self.quickest_ns <= WIDEST * self.clock.period_ns
        # One call that other work kept waiting says nothing of that.
        if self.quickest_ns > WIDEST * self.clock.period_ns:
            return False
        return self.is_slow or (
            self.device.about.resolution_j is None and self.has_power_history
        )

    @property
    def steps_sought(self) -> int:
        """How many steps of a fast counter are to be seen next to a moment."""
        error_ns = LEARNT_ERROR * self.clock.period_ns
        learnt = self.clock.is_known and self.clock.period_error_ns < error_ns
        return STEPS_SOUGHT if learnt else STEPS_LEARNT

    def note_call(self, begun_ns: int, done_ns: int) -> None:
        """Remember when a call of the device ended, and what such calls cost."""
        self.polled_ns, self.call_ns = done_ns, done_ns - begun_ns
        # A call that was kept waiting by other work says nothing of the device.
        least_ns = self.quickest_ns + self.quickest_ns // 8
        self.quickest_ns = min(self.call_ns, least_ns or self.call_ns)

    def note_powers(self) -> None:
        """Take what power readings the device has beside its counter."""
        if self._traced is None:
            return
        last_ns = self._powers[-1].t_ns if self._powers else 0
        try:
            readings = self._traced.powers(last_ns)
        # They only refine: without them the counter's figure stands, less certain.
        except Exception:  # noqa: BLE001
            return
        # The same reading again differs by the error of turning one clock into another.
        newer_ns = last_ns + SAME_NS
        self._powers += [
            Power(r.t_ns, r.power_w) for r in readings if r.t_ns > newer_ns
        ]

    def check(self) -> str:
        """Compare the counter with the integrated power, once; return what is odd.

        Two views of one sensor chain should agree within a few percent; a board was
        seen to be 43 % apart (zeus issue 181).
        """
        if self._is_checked:
            return ""
        compared = self._counter_over_power()
        if compared is None:
            return ""
        ratio, error = compared
        apart = abs(ratio - 1.0)
        if LARGEST_DISAGREEMENT < apart <= LARGEST_DISAGREEMENT + SURE * error:
            # Readings between bursts can be that far off: a steadier time will tell.
            return ""
        self._is_checked = True
        if apart <= LARGEST_DISAGREEMENT:
            return ""
        self.doubt = apart
        return (
            f"its counter and its power readings disagree by {self.doubt:.0%}: its "
            "energy is marked, with an interval as wide as that. Compare it with a "
            "wall meter or report it to the vendor"
        )

    def _counter_over_power(self) -> tuple[float, float] | None:
        """Return counted over integrated joules between two ticks a second apart.

        With it its standard deviation, as of a mean of so many readings drawn at
        random: a load that changes between readings is met by chance.
        """
        ticks = [
            (self.clock.moment(s.bracket)[0], s.new_j)
            for s in self._sightings
            if s.bracket.width_ns < 0.1 * self.clock.period_ns
        ]
        if not self.clock.is_known or len(ticks) < 2:  # noqa: PLR2004 - two ends
            return None
        (t0_ns, e0_j), (t1_ns, e1_j) = ticks[0], ticks[-1]
        powers = [p for p in self._powers if t0_ns <= p.t_ns <= t1_ns]
        apart_ns = max(
            (b.t_ns - a.t_ns for a, b in pairwise(powers)), default=t1_ns - t0_ns
        )
        if t1_ns - t0_ns < CHECK_NS or len(powers) < 2 or apart_ns > CHECK_NS / 10:  # noqa: PLR2004 - a trapezoid has two sides
            return None
        integrated_j = sum(
            0.5 * (a.power_w + b.power_w) * s_from_ns(b.t_ns - a.t_ns)
            for a, b in pairwise(powers)
        )
        covered_s = s_from_ns(powers[-1].t_ns - powers[0].t_ns)
        if integrated_j <= 0:
            return None
        integrated_w = integrated_j / covered_s
        ratio = (e1_j - e0_j) / s_from_ns(t1_ns - t0_ns) / integrated_w
        count = len(powers)
        mean_w = sum(p.power_w for p in powers) / count
        variance_w2 = sum((p.power_w - mean_w) ** 2 for p in powers) / (count - 1)
        return ratio, ratio * math.sqrt(variance_w2 / count) / integrated_w

    def has_tick_after(self, t_ns: int) -> bool:
        """Say whether what happened at *t_ns* is known by now.

        Of a counter: a moment after it at which it moved.  Of a gauge with a history of
        its power: a reading after it.
        """
        if not self.is_slow:
            self.note_powers()
            return bool(self._powers) and self._powers[-1].t_ns > t_ns
        return self._first_after(t_ns) is not None

    def edge(self, t_ns: int) -> Edge | None:
        """Return the ticks around a moment, and the power there; None if not seen."""
        if self.is_fast:
            return self._fast_edge(t_ns)
        if not self.is_slow:
            return Edge((), tuple(self._powers))
        sighting = self._first_after(t_ns)
        if sighting is None:
            return None
        moment_ns, error_ns = self.clock.moment(sighting.bracket)
        period_ns = self.clock.period_ns
        # The old value was the counter's since one period before it moved.
        ticks = [
            Tick(moment_ns - period_ns, sighting.old_j, error_ns),
            Tick(moment_ns, sighting.new_j, error_ns),
        ]
        times = [power.t_ns for power in self._powers]
        first = bisect_left(times, min(t_ns, ticks[0].t_ns) - BEFORE_NS)
        last = bisect_left(times, moment_ns) + 2
        powers = tuple(self._powers)[max(0, first - 1) : last]
        return Edge(tuple(ticks), powers)

    @property
    def sighted_ns(self) -> int:
        """When the counter was last seen to move, in monotonic nanoseconds."""
        return self._sightings[-1].bracket.high_ns if self._sightings else 0

    def _fast_edge(self, t_ns: int) -> Edge | None:
        """Return the readings around a moment, each at the step that it shows."""
        period_ns = self.clock.period_ns
        nearest = min(
            self._sightings,
            key=lambda s: abs(s.bracket.middle_ns - t_ns),
            default=None,
        )
        reach_ns = NEAR_PERIODS * period_ns
        if (
            nearest is None
            or not self.clock.is_known
            or abs(nearest.bracket.middle_ns - t_ns) > reach_ns
        ):
            return None
        moment_ns, error_ns = self.clock.moment(nearest.bracket)
        found: dict[int, _Poll] = {}
        doubtful: list[tuple[int, _Poll]] = []
        for poll in tuple(self._readings):
            if abs(poll.t_ns - t_ns) > reach_ns:
                continue
            count, after_ns = divmod(poll.t_ns - moment_ns, period_ns)
            margin_ns = TELLING_ERRORS * self.clock.error_ns(error_ns, count)
            if after_ns < margin_ns:
                doubtful.append((int(count), poll))
            elif period_ns - after_ns < margin_ns:
                doubtful.append((int(count) + 1, poll))
            else:
                found.setdefault(int(count), poll)
        for step, poll in doubtful:
            # It shows this step or the one before: a neighbour's value may tell.
            last, this = found.get(step - 1), found.get(step)
            if this and poll.energy_j < this.energy_j:
                found.setdefault(step - 1, poll)
            elif last and poll.energy_j > last.energy_j:
                found.setdefault(step, poll)
        return Edge(
            tuple(
                Tick(
                    moment_ns + step * period_ns,
                    found[step].energy_j,
                    self.clock.error_ns(error_ns, step),
                )
                for step in sorted(found)
            ),
            (),
        )

    def _first_after(self, t_ns: int) -> _Sighting | None:
        if not self.clock.is_known:
            return None
        for sighting in reversed(self._sightings):
            if sighting.bracket.high_ns <= t_ns:
                break
            moment_ns, error_ns = self.clock.moment(sighting.bracket)
            if (
                error_ns <= LARGEST_ERROR * self.clock.period_ns
                and moment_ns >= t_ns > moment_ns - self.clock.period_ns
            ):
                return sighting
        return None

    def _failed(self, err: Exception, *, lost: bool) -> str:
        fault = str(err) or type(err).__name__
        self.first_fault = fault
        if self.level is not None:
            last = self.level
            # Only the first loss opens a new epoch, also where other faults led to it.
            epoch = last.epoch + (1 if lost and not self._is_lost else 0)
            self.level = Level(
                last.t_ns,
                last.energy_j,
                last.bound_j,
                last.random_j2,
                last.gap_ns,
                epoch,
                fault,
            )
        self._is_lost = self._is_lost or lost
        self._gauge = self._poll = None
        return fault

    def _deferred_reading(self, err: DevicePendingError) -> str:
        """Mark the level; it is no fault, and nobody needs to be told."""
        self.first_fault = str(err)
        if self.level is not None:
            self.level = replace(self.level, fault=str(err), is_pending=True)
        return ""

    def recalled(self, level: Level, t_ns: int) -> Level:
        """Return the level of a moment whose reading had no figure then."""
        counter = self._deferred.recall(t_ns) if self._deferred else None
        if counter is None:
            return level
        return Level(
            t_ns=t_ns,
            energy_j=counter.energy_j - self._origin_j,
            bound_j=counter.bound_j - self._origin_bound_j,
            epoch=level.epoch,
        )

    @property
    def is_pending(self) -> bool:
        """Whether its readings have no figure yet."""
        return self._deferred is not None and self._deferred.is_pending

    def _counted(self, reading: Counter, *, after_rest: bool) -> None:
        last = self.level
        if last is None:
            self._origin_j, self._origin_bound_j = reading.energy_j, reading.bound_j
        energy_j = reading.energy_j - self._origin_j
        if self.is_slow or self.is_fast:
            self._look_for_tick(reading.t_ns, energy_j)
        self.level = Level(
            t_ns=reading.t_ns,
            energy_j=energy_j,
            bound_j=reading.bound_j - self._origin_bound_j,
            epoch=last.epoch if last else 0,
            before_w=_mean_w(last, reading.t_ns, energy_j, after_rest=after_rest),
            doubt=self.doubt,
        )

    def _look_for_tick(self, t_ns: int, energy_j: float) -> None:
        before, self._poll = self._poll, _Poll(t_ns, energy_j)
        if self.is_fast:
            self._readings.append(self._poll)
        if before is None or energy_j <= before.energy_j:
            return
        bracket = Bracket(before.t_ns, t_ns)
        if self.is_fast and bracket.width_ns > WIDEST * self.clock.period_ns:
            return
        if bracket.width_ns < self.clock.period_ns or not self.clock.is_known:
            self.clock.add(bracket)
            self._sightings.append(_Sighting(bracket, before.energy_j, energy_j))

    def _gauged(self, reading: Gauge) -> None:
        last, before = self.level, self._gauge
        self._gauge = reading
        if last is None:
            self.level = Level(reading.t_ns, 0.0, before_w=reading.power_w)
            return
        step_ns = max(0, reading.t_ns - last.t_ns)
        longest_s = self.device.about.max_interval_s
        gap = before is None or (longest_s and s_from_ns(step_ns) > longest_s)
        previous_w = before.power_w if before else reading.power_w
        step_s = s_from_ns(step_ns)
        # A step of power lies anywhere between two readings: the trapezoid misses it
        # by a uniform error of the difference times the step: dP dt / sqrt(12).
        error_j = abs(reading.power_w - previous_w) * step_s / 12**0.5
        self.level = Level(
            t_ns=reading.t_ns,
            energy_j=last.energy_j + 0.5 * (reading.power_w + previous_w) * step_s,
            random_j2=last.random_j2 + error_j**2,
            gap_ns=last.gap_ns + (step_ns if gap else 0),
            epoch=last.epoch,
            before_w=reading.power_w,
        )


def _mean_w(
    last: Level | None, t_ns: int, energy_j: float, *, after_rest: bool
) -> float | None:
    if last is None:
        return None
    if not after_rest:
        return last.before_w
    apart_ns = t_ns - last.t_ns
    if apart_ns < TELLING_NS[0]:
        # Cells right after each other: what was before is what was before the last.
        return last.before_w
    if apart_ns > TELLING_NS[1]:
        return None
    return (energy_j - last.energy_j) / s_from_ns(apart_ns)
