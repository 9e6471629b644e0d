"""Compare pieces of work: energy, time, CO2e and quality, with plain verdicts.

`compare` is pure: records go in, a `Comparison` comes out, a value that the terminal,
the notebook, the appendix and a plot all show.  `select` finds the records of a label.
Imports `records`, `carbon.software_intensity`, `units`, `errors`, `report.contrast`.

    comparison = compare({"plain": plain_records, "pruned": pruned_records})
    print(comparison)                        # a table and what has to be known of it
    comparison.contrast("energy_j", "pruned").verdict
    comparison.plot("accuracy")              # quality against energy

Calibration cancels in a ratio only where the same device was read by the same method;
elsewhere it stays in the interval (`common_error`).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from jupyter_green.carbon.software_intensity import sci
from jupyter_green.errors import CompareError
from jupyter_green.records import DeviceRecord, Record, error_source
from jupyter_green.report import contrast as statistic
from jupyter_green.report.comparison import (
    Better,
    Candidate,
    Comparison,
    Contrast,
    Quantity,
    Spread,
)
from jupyter_green.report.contrast import DETECT
from jupyter_green.report.doubts import LEAST_GROUPS, notes, warnings
from jupyter_green.report.runs import Group, Run, took_turns
from jupyter_green.report.runs import group as group_of
from jupyter_green.report.work import POSITIONS, UNITS_OF_WORK, is_lower_better
from jupyter_green.units import co2e_g, kwh_from_j

SHORTEST_ID = 4
PER_KWH = "_per_kwh"


def select(records: Sequence[Record], name: str) -> list[Record]:
    """Return the records with the label *name*, or the one whose id begins so.

    Records inside another one of the same label are part of it and are left out.

    Raises:
        CompareError: There is none; the text names labels that are like it.
    """
    found = [record for record in records if record.label == name]
    if not found and len(name) >= SHORTEST_ID:
        found = [record for record in records if record.id.startswith(name)][-1:]
    if not found:
        labels = sorted({record.label for record in records if record.label})
        near = get_close_matches(name, labels, n=5) or labels[:10]
        raise CompareError(
            f"there is no label and no record {name!r}",
            why="" if records else "the ledger holds no records",
            remedy=f"There are: {', '.join(near)}" if near else "Meter a cell first",
        )
    ids = {record.id for record in found}
    return [record for record in found if record.parent not in ids]


def groups_of(
    what: Iterable[Any], find: Callable[[str], Sequence[Record]]
) -> dict[str, list[Record]]:
    """Return records by name for what a user named.

    Args:
        what: Labels, ids, records, windows, or lists of records and windows.
        find: Returns the records of a label or id.

    Raises:
        CompareError: Something is none of these, is named more often than once, or a
            label has no records.
    """
    groups: dict[str, list[Record]] = {}
    for thing in what:
        name, records = _named(thing, find)
        if name in groups or not name:
            # Two of one label: told apart by the id of their first record.
            name = f"{name} {records[0].key}".strip() if records else name
        if name in groups:
            raise CompareError(
                f"{name!r} is named more than once",
                remedy="Name each label or record once",
            )
        groups[name] = records
    return groups


def _named(
    thing: Any, find: Callable[[str], Sequence[Record]]
) -> tuple[str, list[Record]]:
    if isinstance(thing, str):
        return thing, list(find(thing))
    if not isinstance(thing, list | tuple):
        thing = [thing]
    records = [getattr(entry, "record", entry) for entry in thing]
    if not records or not all(isinstance(record, Record) for record in records):
        raise CompareError(
            f"{thing!r:.80} cannot be compared",
            remedy="Give a label, a record, a window, or a list of records",
        )
    return records[0].label, records


def compare(
    groups: Mapping[str, Sequence[Record]],
    *,
    detect: float = DETECT,
    embodied_g: float | None = None,
    lower_is_better: Iterable[str] = (),
    higher_is_better: Iterable[str] = (),
) -> Comparison:
    """Compare groups of records; the first is the reference.

    Args:
        groups: Records by the name they are shown under.
        detect: The relative difference that the number of repeats is given for.
        embodied_g: Grams CO2e of making the hardware that fall to one run; with it and
            a metric that counts work, the Software Carbon Intensity is given.
        lower_is_better: Metrics of which less is better, beside those whose names say
            so (``loss``, ``error``, ``latency`` ...).
        higher_is_better: Metrics of which more is better in spite of their names.

    Raises:
        CompareError: There are fewer than two groups, one has nothing measured, two
            have a record in common, or an argument makes no sense.
    """
    if len(groups) < LEAST_GROUPS:
        raise CompareError(
            f"a comparison needs at least two, and there is {len(groups)}",
            remedy="Name two or more labels, records or lists of records",
        )
    if not 0.0 < detect < math.inf:
        raise CompareError(
            f"a difference of {detect:g} cannot be looked for",
            remedy="Give 0.1 for 10 %",
        )
    if embodied_g is not None and not 0.0 <= embodied_g < math.inf:
        raise CompareError(
            f"{embodied_g:g} g cannot be what making the hardware took",
            remedy="Give grams of 0 or more",
        )
    _check_apart(groups)
    parts = [group_of(label, records) for label, records in groups.items()]
    less, more = _names(lower_is_better), _names(higher_is_better)
    _check_metrics(parts, less, more)
    known = _quantities(parts, less, more, with_sci=embodied_g is not None)
    values = [
        {quantity.key: _values(group, quantity, embodied_g) for quantity in known}
        for group in parts
    ]
    in_turns = took_turns(parts)
    contrasts = tuple(
        _contrast(quantity, (parts[0], group), (values[0], mine), detect, in_turns)
        for group, mine in zip(parts[1:], values[1:], strict=True)
        for quantity in known
    )
    return Comparison(
        candidates=tuple(map(_candidate, parts, values)),
        quantities=tuple(known),
        contrasts=contrasts,
        warnings=warnings(parts),
        notes=notes(parts, known, contrasts),
    )


def _check_apart(groups: Mapping[str, Sequence[Record]]) -> None:
    """Refuse to compare a record with itself: that is no second measurement.

    Raises:
        CompareError: Two groups have a record in common.
    """
    owners: dict[str, str] = {}
    for name, records in groups.items():
        for record in records:
            other = owners.setdefault(record.id, name)
            if other != name:
                raise CompareError(
                    f"{other!r} and {name!r} are the same work",
                    why=f"the record {record.key} is in both",
                    remedy="Name each label or record once",
                )


def _names(metrics: Iterable[str]) -> set[str]:
    """Return names of metrics; a single one need not stand in a list."""
    return {metrics} if isinstance(metrics, str) else {*metrics}


def _check_metrics(parts: Sequence[Group], less: set[str], more: set[str]) -> None:
    """Refuse a direction for what is no metric: a slip would change no verdict.

    Raises:
        CompareError: A name is that of no metric, or given with both directions.
    """
    known = {name for group in parts for run in group.runs for name in run.metrics}
    if unknown := sorted((less | more) - known):
        raise CompareError(
            f"there is no metric {unknown[0]!r} in this comparison",
            remedy=f"There are: {', '.join(sorted(known)) or 'none'}",
        )
    if both := sorted(less & more):
        raise CompareError(f"{both[0]!r} cannot be better both lower and higher")


def comparisons_to_dict(comparisons: Iterable[Comparison]) -> list[dict[str, Any]]:
    """Return comparisons as plain values, for the appendix and for JSON files."""
    return [comparison.to_dict() for comparison in comparisons]


def common_error(
    reference: Sequence[Record],
    candidate: Sequence[Record],
    parts: tuple[float, float] = (1.0, 1.0),
) -> float:
    """Return the half-width (95 %) of ln(ratio) that comes from calibration and models.

    Each device has one unknown error, the same in all its records by one method.  Were
    device d off by its whole half-width c, the logarithm of the ratio would move by

        ln((B + c_B) / B) - ln((A + c_A) / A),

    with c_A and c_B in joules, 0 where the device is not in that group.  A single
    device moves both alike: nothing remains.  Devices err independently: quadrature.

    Args:
        reference: Records.
        candidate: Records.
        parts: Which part of what is compared comes from joules, of either: all, unless
            something is added that is not metered.  Where the parts differ, a single
            device does not move both alike.
    """
    shares = [_common_shares(group) for group in (reference, candidate)]
    moved = [
        math.log1p(parts[1] * shares[1].get(key, 0.0))
        - math.log1p(parts[0] * shares[0].get(key, 0.0))
        for key in {*shares[0], *shares[1]}
    ]
    return math.hypot(*moved) if moved else 0.0


def _common_shares(records: Sequence[Record]) -> dict[tuple[str, ...], float]:
    """Return the joules that each device may be off by, over the group's energy."""
    whole_j = sum(record.energy_j or 0.0 for record in records)
    errors_j: dict[tuple[str, ...], float] = {}
    for record in records:
        host = record.host.id if record.host else ""
        for device in record.devices:
            if device.energy_j is not None:
                # Between machines a model's error cancels no more than a sensor's.
                _, source = error_source(host, device.id, device.method)
                key = (host, source, device.method)
                errors_j[key] = errors_j.get(key, 0.0) + _common_j(device)
    return {key: j / whole_j for key, j in errors_j.items()} if whole_j > 0 else {}


def _common_j(device: DeviceRecord) -> float:
    if device.uncertainty_j is None:
        return device.calibration * (device.energy_j or 0.0)
    random_j = device.uncertainty_random_j or 0.0
    return math.sqrt(max(0.0, device.uncertainty_j**2 - random_j**2))


def _quantities(
    parts: Sequence[Group], less: set[str], more: set[str], *, with_sci: bool
) -> list[Quantity]:
    known = [
        Quantity(key="energy_j", name="energy", better="lower"),
        Quantity(key="duration_s", name="time", better="lower"),
        Quantity(key="co2e_g", name="CO2e", better="lower"),
    ]
    metrics = dict.fromkeys(
        name
        for group in parts
        for run in group.runs
        for name in run.metrics
        if name not in POSITIONS
    )
    for name in metrics:
        if one := UNITS_OF_WORK.get(name):
            known.append(
                Quantity(
                    key=f"energy_j_per_{one}", name=f"energy per {one}", better="lower"
                )
            )
            if with_sci:
                known.append(
                    Quantity(
                        key=f"sci_g_per_{one}", name=f"SCI per {one}", better="lower"
                    )
                )
    qualities = [name for name in metrics if name not in UNITS_OF_WORK]
    taken = {*qualities, *(quantity.key for quantity in known)}
    ours = {quantity.key for quantity in known}
    for name in qualities:
        better = _better(name, less, more)
        # The user's own `energy_j` must not take the place of what was metered.
        key = f"metric {name}" if name in ours else name
        known.append(Quantity(key=key, name=name, better=better, is_ratio=False))
        key = f"{name}{PER_KWH}"
        is_quotient = name.endswith(PER_KWH)
        is_given = is_quotient or key in taken
        if better == "higher" and _is_positive(parts, name) and not is_given:
            known.append(
                Quantity(key=key, name=f"{name} per kWh", better="higher", unit="/kWh")
            )
    return known


def _better(name: str, less: set[str], more: set[str]) -> Better:
    if name in more:
        return "higher"
    return "lower" if name in less or is_lower_better(name) else "higher"


def _is_positive(parts: Sequence[Group], name: str) -> bool:
    values = [run.metrics[name] for g in parts for run in g.runs if name in run.metrics]
    return bool(values) and min(values) > 0.0


def _values(group: Group, quantity: Quantity, embodied_g: float | None) -> list[float]:
    found: Iterable[float | None]
    if quantity.is_ratio:
        found = map(_figure(quantity.key, embodied_g), group.runs)
    else:
        # Evaluated once for each record, however often its cell was repeated.
        found = (run.metrics.get(quantity.name) for run in group.runs if run.is_last)
    return [value for value in found if value is not None and math.isfinite(value)]


def _figure(key: str, embodied_g: float | None) -> Callable[[Run], float | None]:
    """Return what takes one figure from a run."""
    names = {one: name for name, one in UNITS_OF_WORK.items()}

    def per_unit(run: Run) -> float | None:
        count = run.metrics.get(names[key.removeprefix("energy_j_per_")], 0.0)
        return run.energy_j / count if count > 0 else None

    def software_intensity(run: Run) -> float | None:
        count = run.metrics.get(names[key.removeprefix("sci_g_per_")], 0.0)
        intensity = run.record.intensity
        if count <= 0 or intensity is None:
            return None
        energy_kwh = kwh_from_j(run.energy_j) * run.record.pue.value
        return sci(energy_kwh, intensity.g_per_kwh, embodied_g or 0.0, count)

    def per_kwh(run: Run) -> float | None:
        value = run.metrics.get(key.removesuffix(PER_KWH))
        if value is None or run.energy_j <= 0:
            return None
        return value / kwh_from_j(run.energy_j)

    if key in ("energy_j", "duration_s", "co2e_g"):
        return lambda run: getattr(run, key)
    if key.removeprefix("energy_j_per_") in names:
        return per_unit
    if key.removeprefix("sci_g_per_") in names:
        return software_intensity
    return per_kwh


def _candidate(group: Group, values: Mapping[str, Sequence[float]]) -> Candidate:
    devices = dict.fromkeys(
        device.name or f"unnamed {device.kind}" for _, device in group.devices()
    )
    spread = {key: spread_of(found) for key, found in values.items() if found}
    return Candidate(
        label=group.label,
        records=tuple(record.id for record in group.records),
        runs=len(group.runs),
        left_out=group.left_out,
        quantities=spread,
        methods=group.methods,
        devices=tuple(devices),
        uncertainty_j=_whole_uncertainty_j(group, spread["energy_j"]),
    )


def spread_of(values: Sequence[float]) -> Spread:
    """Return mean, spread and 95 % interval of some figures."""
    ends = statistic.mean_interval(values)
    return Spread(
        runs=len(values),
        mean=statistics.fmean(values),
        stdev=statistics.stdev(values) if len(values) > 1 else None,
        low=ends[0] if ends else None,
        high=ends[1] if ends else None,
    )


def _whole_uncertainty_j(group: Group, energy: Spread) -> float:
    """Return the half-width of the mean energy: its spread, and what is common."""
    common = math.hypot(*_common_shares(group.records).values()) * energy.mean
    if energy.high is None:
        return math.hypot(common, group.records[0].uncertainty_random_j or 0.0)
    return math.hypot(common, energy.high - energy.mean)


def _contrast(
    quantity: Quantity,
    pair: tuple[Group, Group],
    values: tuple[Mapping[str, Sequence[float]], Mapping[str, Sequence[float]]],
    detect: float,
    in_turns: bool,
) -> Contrast:
    key, lower = quantity.key, quantity.better == "lower"
    reference, candidate = pair
    theirs, mine = (of[key] for of in values)
    # Where a figure is missing, those at one position are not of one turn.
    in_turns = in_turns and all(
        len(found) == len(group.runs)
        for found, group in zip((theirs, mine), pair, strict=True)
    )
    if quantity.is_ratio:
        # Time has no calibration; what is made of joules has theirs.
        common = 0.0
        if key != "duration_s":
            by_joules = (1.0, 1.0)
            if key.startswith("sci_g_per_"):
                # What making the hardware adds has no error of a meter.
                by_joules = (
                    _operational_share(reference, key, values[0]),
                    _operational_share(candidate, key, values[1]),
                )
            common = common_error(reference.records, candidate.records, by_joules)
        found = statistic.contrast(
            theirs,
            mine,
            common=common,
            detect=detect,
            lower_is_better=lower,
            in_turns=in_turns,
        )
    else:
        found = statistic.difference(
            theirs, mine, detect=detect, lower_is_better=lower, in_turns=in_turns
        )
    return Contrast(
        quantity=key,
        candidate=candidate.label,
        reference=reference.label,
        ratio=found.ratio,
        difference=found.difference,
        low=found.low,
        high=found.high,
        verdict=found.verdict,
        common=found.common,
        detect=found.detect,
        repeats_needed=found.repeats_needed,
        smallest_found=found.smallest_found,
        turns=found.turns,
    )


def _operational_share(
    group: Group, key: str, values: Mapping[str, Sequence[float]]
) -> float:
    one = key.removeprefix("sci_g_per_")
    per_unit_j = values.get(f"energy_j_per_{one}")
    intensity = group.records[0].intensity
    if not per_unit_j or not values[key] or intensity is None:
        return 1.0
    grams = co2e_g(
        statistics.fmean(per_unit_j), intensity.g_per_kwh, group.records[0].pue.value
    )
    return min(1.0, grams / statistics.fmean(values[key]))
