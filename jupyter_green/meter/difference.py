"""The energy of one device in one window: the difference of two levels.

Formulas and their sources stand in docs/method.md.  Pure; imports `records`, `sampler`,
`devices.device`, `units`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from jupyter_green.devices.device import About, Occupancy
from jupyter_green.meter import edges, steps
from jupyter_green.records import DeviceRecord, Share
from jupyter_green.sampler import SLOW_PERIOD_S, Edge, Level, Sample
from jupyter_green.units import NS_PER_S, s_from_ns

# Half-width of a 95 % interval in standard deviations.
K95 = 1.96
# Below this fraction of the window the covered part says little about the rest.
LEAST_COVERAGE = 0.01
# How far the power before a window is known by the mean of the time before.
OTHERS = 0.6
NOT_READ = "it was not read often enough: the interpreter or the machine was busy"
WRAPS = (
    "it was not read for so long that its counter may have started anew unseen:"
    " up to {:.0f} J more"
)
# The two clocks that tell of a suspend are not read at the same moment.
LEAST_ASLEEP_NS = NS_PER_S


def device_record(  # noqa: PLR0913 - all that is known of a device in a window
    about: About,
    begin: Sample,
    end: Sample,
    *,
    idle: tuple[float, float] | None = None,
    ends: tuple[Edge | None, Edge | None] = (None, None),
    breaks: Sequence[tuple[int, int]] = (),
    occupancy: Occupancy | None = None,
    habit: edges.Habit | None = None,
    busy_s: float | None = None,
    final: bool = False,
) -> DeviceRecord:
    """Return the joules of a device between two samples, with their uncertainty.

    Args:
        about: The device.
        begin: Sample at the window's start.
        end: Sample at the window's end.
        idle: Idle power and its half-width in watts, if a baseline was measured.
        ends: What is known of a slow counter around the window's two ends.
        breaks: Times between windows, in monotonic nanoseconds.
        occupancy: Who used the device, if it can tell.
        habit: How often the load of the windows before was their own.
        busy_s: Seconds in which it executed kernels, if it can tell.
        final: Nothing more will be known: *habit* learns from this window.
    """
    habit = habit or edges.Habit()
    first, last = begin.levels.get(about.id), end.levels.get(about.id)
    cause = end.faults.get(about.id) or begin.faults.get(about.id, "")
    reason = _reason_for_none(first, last, cause)
    if was_suspended(begin, end):
        reason = "the system was suspended meanwhile"
    if first is None or last is None or reason:
        return _describe(about, idle, energy_j=None, reason=reason, busy_s=busy_s)
    window_s = s_from_ns(end.t_ns - begin.t_ns)
    coverage = _coverage(first, last, begin, end)
    if coverage < LEAST_COVERAGE:
        reason = last.fault or NOT_READ
        return _describe(about, idle, energy_j=None, reason=reason, busy_s=busy_s)
    estimate = _between(about, first, last, begin, end)
    refined = _refined(about, begin, end, ends, breaks, habit)
    if refined and coverage == 1.0:
        estimate = refined
        if final:
            habit.learn(refined.evidence)
    energy_j, error_j = max(0.0, estimate.energy_j), estimate.error_j
    missing_j = _missing(about, energy_j, coverage, window_s)
    bound_j = last.bound_j - first.bound_j
    # Of a counter: what wraps that nobody saw would add.  Of a model: its own error.
    wraps_j = bound_j if about.resolution_j is not None else 0.0
    random_j = math.hypot(
        K95 * error_j,
        K95 * math.sqrt(max(0.0, last.random_j2 - first.random_j2)),
        missing_j,
        wraps_j,
    )
    scope = about.scope
    if scope == "device" and occupancy is not None and occupancy.foreign:
        scope = "shared"
    conditions = {
        "partial": coverage < 1.0,
        "wraps-possibly-missed": wraps_j > 0.0,
        "below-resolution": energy_j <= random_j and not bound_j,
        "counter-and-power-disagree": last.doubt > 0.0,
        scope: scope != "device",
    }
    return _describe(
        about,
        idle,
        energy_j=energy_j,
        uncertainty_random_j=random_j,
        uncertainty_j=math.hypot(
            random_j, max(about.calibration, last.doubt) * energy_j, bound_j - wraps_j
        ),
        coverage=coverage,
        flags=tuple(flag for flag, holds in conditions.items() if holds),
        reason=last.fault or (WRAPS.format(wraps_j) if wraps_j else ""),
        scope=scope,
        share=_share(about, energy_j, begin, end, occupancy),
        busy_s=busy_s,
    )


def was_suspended(begin: Sample, end: Sample) -> bool:
    """Say whether the system slept: no counter tells what it used meanwhile."""
    return end.asleep_ns - begin.asleep_ns > LEAST_ASLEEP_NS


def _refined(
    about: About,
    begin: Sample,
    end: Sample,
    ends: tuple[Edge | None, Edge | None],
    breaks: Sequence[tuple[int, int]],
    habit: edges.Habit,
) -> edges.Estimate | None:
    """Return the energy between the window's ends instead of between readings."""
    first, last = ends
    if about.resolution_j is not None and about.update_period_s <= SLOW_PERIOD_S:
        return _stepped(about, begin, end, ends, _since(begin, breaks))
    if first is None or last is None:
        return None
    if not first.ticks and not last.ticks:
        return _sampled(begin, end, last)
    origin_ns = begin.t_ns
    ticks = sorted(
        {
            round(tick.t_ns): edges.Tick(
                (tick.t_ns - origin_ns) / NS_PER_S,
                tick.energy_j,
                tick.error_ns / NS_PER_S,
            )
            for tick in (*first.ticks, *last.ticks)
        }.values()
    )
    powers = sorted(
        {
            power.t_ns: edges.Power(s_from_ns(power.t_ns - origin_ns), power.power_w)
            for power in (*first.powers, *last.powers)
        }.values()
    )
    window_s = s_from_ns(end.t_ns - begin.t_ns)
    if not powers:
        return edges.counted_energy(_distinct(ticks), 0.0, window_s)
    return edges.window_energy(
        _distinct(ticks),
        powers,
        0.0,
        window_s,
        breaks=_since(begin, breaks),
        prior_own=habit.prior_own,
    )


def _since(
    begin: Sample, breaks: Sequence[tuple[int, int]]
) -> list[tuple[float, float]]:
    """Return breaks in seconds from the window's begin."""
    return [
        (s_from_ns(start_ns - begin.t_ns), s_from_ns(end_ns - begin.t_ns))
        for start_ns, end_ns in breaks
    ]


def _stepped(
    about: About,
    begin: Sample,
    end: Sample,
    ends: tuple[Edge | None, Edge | None],
    breaks: Sequence[tuple[float, float]],
) -> edges.Estimate | None:
    """Return the energy by a fast counter's steps around the ends."""
    found = sorted(
        edges.Tick(
            (tick.t_ns - begin.t_ns) / NS_PER_S,
            tick.energy_j,
            tick.error_ns / NS_PER_S,
        )
        for edge in ends
        if edge is not None
        for tick in edge.ticks
    )
    return steps.stepped_energy(
        _apart(found, 0.5 * about.update_period_s),
        0.0,
        s_from_ns(end.t_ns - begin.t_ns),
        period_s=about.update_period_s,
        before_w=begin.levels[about.id].before_w,
        breaks=breaks,
    )


def _apart(ticks: Sequence[edges.Tick], least_s: float) -> list[edges.Tick]:
    """Drop ticks that are the same one seen from two sides: the moment tells."""
    kept: list[edges.Tick] = []
    for tick in ticks:
        if not kept or tick.t_s - kept[-1].t_s > least_s:
            kept.append(tick)
    return kept


def _sampled(begin: Sample, end: Sample, last: Edge) -> edges.Estimate | None:
    """Return the energy by the history of the power, where that reaches back enough."""
    powers = [
        edges.Power(s_from_ns(power.t_ns - begin.t_ns), power.power_w)
        for power in last.powers
    ]
    return edges.sampled_energy(powers, 0.0, s_from_ns(end.t_ns - begin.t_ns))


def _distinct(ticks: list[edges.Tick]) -> list[edges.Tick]:
    """Drop ticks that are the same one seen from two sides: the value tells."""
    kept: list[edges.Tick] = []
    for tick in ticks:
        if not kept or tick.energy_j > kept[-1].energy_j:
            kept.append(tick)
    return kept


def _reason_for_none(first: Level | None, last: Level | None, cause: str) -> str:
    if last is None:
        return cause or "it could not be read"
    if first is None:
        start = "it could not be read at the start"
        return f"{start}: {cause}" if cause else start
    if first.fault:
        return first.fault
    if last.epoch != first.epoch and not last.fault:
        return "its counter was reset inside the window"
    return ""


def _coverage(first: Level, last: Level, begin: Sample, end: Sample) -> float:
    """Return the fraction of the window that readings cover."""
    window_ns = end.t_ns - begin.t_ns
    if window_ns <= 0 or not last.fault:
        gap_ns = last.gap_ns - first.gap_ns
        return 1.0 - min(1.0, gap_ns / window_ns) if window_ns > 0 else 1.0
    covered_ns = last.t_ns - first.t_ns - (last.gap_ns - first.gap_ns)
    return min(1.0, max(0.0, covered_ns / window_ns))


def _missing(about: About, energy_j: float, coverage: float, window_s: float) -> float:
    """Return what the uncovered time may hold, in joules: up to the power limit."""
    if coverage >= 1.0:
        return 0.0
    covered_s = coverage * window_s
    power_w = about.power_limit_w or 2.0 * energy_j / covered_s
    return power_w * (window_s - covered_s)


def _between(
    about: About, first: Level, last: Level, begin: Sample, end: Sample
) -> edges.Estimate:
    """Return the difference of two readings, corrected for when they were taken.

    A counter that moves every period T shows the energy up to a moment evenly spread
    over the T before the reading, which stands a little outside the window: what it
    shows of before and after is taken off at the power before the window, and what it
    does not show yet is added at the power inside.  u = T sqrt((P0^2 + P1^2)/12), and
    two readings of a step q add q sqrt(2/12).  A slow counter's reading is left as it
    is, and u = T sqrt((P0^2 + P1^2)/3 - P0 P1/2).
    """
    energy_j = last.energy_j - first.energy_j
    window_s = s_from_ns(end.t_ns - begin.t_ns)
    if about.resolution_j is None:
        return edges.Estimate(energy_j, _unseen_j(about, first, energy_j, window_s))
    if last.bound_j > first.bound_j:
        return edges.Estimate(energy_j, 0.0)
    early_s = max(0.0, s_from_ns(begin.t_ns - first.t_ns))
    late_s = 0.0 if last.fault else max(0.0, s_from_ns(last.t_ns - end.t_ns))
    inside_w = energy_j / window_s if window_s > 0 else 0.0
    if energy_j <= 0 and about.power_limit_w:
        # Nothing moved: any power up to the limit could have run unseen.
        inside_w = about.power_limit_w
    before_w = 0.5 * inside_w if first.before_w is None else first.before_w
    period_s = about.update_period_s
    step_w = inside_w - before_w
    if period_s <= SLOW_PERIOD_S and energy_j > 0:
        seen_s, unseen_s = _late_reading(late_s, period_s)
        energy_j -= before_w * (early_s + 0.5 * period_s + seen_s)
        energy_j += max(0.0, energy_j) / window_s * unseen_s
    if period_s <= SLOW_PERIOD_S:
        variance = period_s**2 * (before_w**2 + inside_w**2) / 12.0
        # Another's load may have begun any time before the window.
        variance += (OTHERS * step_w * (early_s + 0.5 * period_s)) ** 2
    else:
        variance = max(
            _lag_variance(period_s, before_w, power_w)
            for power_w in (
                inside_w,
                *_possible(about, energy_j, before_w, window_s),
            )
        )
    variance += (
        about.resolution_j**2 * 2.0 / 12.0 + (step_w * (early_s + late_s)) ** 2 / 3.0
    )
    return edges.Estimate(energy_j, math.sqrt(variance))


def _lag_variance(period_s: float, before_w: float, inside_w: float) -> float:
    """Return the mean square of what a slow counter's lag adds and leaves out.

    Not corrected for its mean, since the load may be another's: of P0 x - P1 y with x
    and y even in 0 to T it is T^2 ((P0^2 + P1^2)/3 - P0 P1/2).
    """
    return period_s**2 * ((before_w**2 + inside_w**2) / 3.0 - before_w * inside_w / 2.0)


def _possible(
    about: About, energy_j: float, before_w: float, window_s: float
) -> tuple[float, ...]:
    """Return the least and the most power that a slow counter's difference allows.

    Its lag changes the mean power too, and most just where the error is large.
    """
    period_s = about.update_period_s
    if window_s <= period_s or energy_j <= 0:
        return ()
    least_w = max(0.0, (energy_j - before_w * period_s) / window_s)
    most_w = (energy_j - 0.5 * period_s * before_w) / (window_s - period_s)
    return least_w, min(most_w, about.power_limit_w or most_w)


def _late_reading(late_s: float, period_s: float) -> tuple[float, float]:
    """Return the mean times after a window that are seen, and within it that are not.

    A reading *late_s* after the end shows what was up to x before it, x even in 0 to T:
    of the time after the end it shows d - x where x < d, and of the window it lacks
    x - d where x > d.
    """
    if period_s <= 0 or late_s >= period_s:
        return max(0.0, late_s - 0.5 * period_s), 0.0
    return (
        late_s**2 / (2.0 * period_s),
        (period_s - late_s) ** 2 / (2.0 * period_s),
    )


def _unseen_j(about: About, first: Level, energy_j: float, window_s: float) -> float:
    """Return the standard deviation of what a gauge does not show, in joules.

    A gauge that moves every T shows a step at either end up to T late, an error evenly
    spread over T times the step.  In a window shorter than 2 T anything may have run.
    """
    period_s = about.update_period_s
    if window_s < 2.0 * period_s:
        return (about.power_limit_w or edges.UNKNOWN_W) * window_s / K95
    step_w = energy_j / window_s - (first.before_w or 0.0)
    return period_s * abs(step_w) * math.sqrt(2.0 / 3.0)


def _share(
    about: About,
    energy_j: float,
    begin: Sample,
    end: Sample,
    occupancy: Occupancy | None,
) -> Share | None:
    """Return this process tree's part, where it can be known.

    Of a processor: its CPU time over all busy CPU time.  Of a GPU: all of it for a sole
    process, else its part of the busy time that the driver sampled.
    """
    if occupancy is not None and occupancy.own is not None:
        own = occupancy.own
        return Share(energy_j=energy_j * own, fraction=own, basis=occupancy.basis)
    if about.kind != "cpu" or begin.host is None or end.host is None:
        return None
    own_s = end.host.own_s - begin.host.own_s
    busy_s = end.host.busy_s - begin.host.busy_s
    # The machine's clock ticks in 10 ms steps, ours does not: never more than all.
    busy_s = max(busy_s, own_s)
    if busy_s <= 0 or own_s < 0:
        return None
    fraction = own_s / busy_s
    return Share(energy_j=energy_j * fraction, fraction=fraction, basis="cpu-time")


def _describe(  # noqa: PLR0913 - the fields of the value it builds
    about: About,
    idle: tuple[float, float] | None,
    *,
    energy_j: float | None,
    uncertainty_j: float | None = None,
    uncertainty_random_j: float | None = None,
    coverage: float = 0.0,
    scope: str = "",
    flags: tuple[str, ...] = (),
    reason: str = "",
    share: Share | None = None,
    busy_s: float | None = None,
) -> DeviceRecord:
    idle_w, idle_uncertainty_w = idle or (None, None)
    return DeviceRecord(
        id=about.id,
        kind=about.kind,
        method=about.method,
        energy_j=energy_j,
        uncertainty_j=uncertainty_j,
        uncertainty_random_j=uncertainty_random_j,
        index=about.index,
        name=about.name,
        scope=scope or about.scope,
        coverage=coverage,
        calibration=about.calibration,
        resolution_j=about.resolution_j,
        idle_power_w=idle_w,
        idle_uncertainty_w=idle_uncertainty_w,
        share=share,
        power_limit_w=about.power_limit_w,
        memory_gb=about.memory_gb,
        busy_s=busy_s,
        reason=reason,
        flags=flags,
    )
