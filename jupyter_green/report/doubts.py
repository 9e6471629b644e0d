"""What makes a comparison doubtful, and how it is to be read.

Imports `report.runs`, `report.comparison` and `report.contrast`; pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from jupyter_green.report.comparison import Contrast, Quantity
from jupyter_green.report.contrast import LEVEL
from jupyter_green.report.format import format_percent
from jupyter_green.report.runs import Group, same_order

LEAST_GROUPS = 2

Named = tuple[str, str]  # a name for people, and an identifier


def warnings(parts: Sequence[Group]) -> tuple[str, ...]:
    """Return what makes the comparison doubtful, each only where it is so."""
    told = [
        text
        for what, seen, remark in (
            (
                "machines",
                _numbered([_hosts(group) for group in parts]),
                "calibration does not cancel between them",
            ),
            (
                "devices",
                _numbered([_devices(group) for group in parts]),
                "their calibration does not cancel",
            ),
            ("methods", list(map(_methods, parts)), "their errors do not cancel"),
            (
                "power limits",
                list(map(_limits, parts)),
                "the difference may be the limit's",
            ),
            (
                "carbon intensities",
                list(map(_places, parts)),
                "CO2e differs by the place or time too",
            ),
        )
        if (text := _differing(parts, what, seen, remark))
    ]
    for group in parts:
        flags = {flag for r, d in group.devices() for flag in (*r.flags, *d.flags)}
        for flag, remark in (
            ("shared", "others used a device meanwhile; their energy is in it"),
            ("below-resolution", "some figures are below what the device resolves"),
            ("partial", "readings do not cover all of the time"),
            ("wraps-possibly-missed", "a counter may have started anew unseen"),
            ("counter-and-power-disagree", "a counter and power readings disagree"),
        ):
            if flag in flags:
                told.append(f"{group.label}: {remark}.")
        if any(not record.final for record in group.records):
            told.append(f"{group.label}: some figures are provisional.")
    methods = {method for group in parts for method in group.methods}
    if "simulated" in methods:
        told.append("SIMULATED: some of these figures come from no hardware.")
    if "estimated" in methods:
        told.append(
            "Estimated figures follow a model of the load: what it does not see (clock "
            "rate, kind of instructions) is in no interval here."
        )
    return tuple(told)


def _differing(
    parts: Sequence[Group],
    what: str,
    seen: Sequence[frozenset[str]],
    remark: str,
) -> str:
    if all(entry == seen[0] for entry in seen):
        return ""
    each = "; ".join(
        f"{group.label}: {', '.join(sorted(entry)) or 'none'}"
        for group, entry in zip(parts, seen, strict=True)
    )
    return f"Different {what}: {remark} ({each})."


def _numbered(seen: Sequence[Iterable[Named]]) -> list[frozenset[str]]:
    """Return names of what groups used, equal ones of different things numbered.

    Identifiers stay out: a GPU's tells whose it is, and comparisons go into anonymous
    reports.
    """
    used = [list(dict.fromkeys(things)) for things in seen]
    numbers: dict[str, dict[str, int]] = {}
    for name, identifier in (thing for things in used for thing in things):
        known = numbers.setdefault(name, {})
        known.setdefault(identifier, len(known) + 1)
    return [
        frozenset(
            name
            if len(numbers[name]) == 1
            else f"{name} no. {numbers[name][identifier]}"
            for name, identifier in things
        )
        for things in used
    ]


def _hosts(group: Group) -> Iterator[Named]:
    for record in group.records:
        if record.host:
            yield record.host.name or "machine", record.host.id


def _devices(group: Group) -> Iterator[Named]:
    for _, device in group.devices():
        yield f"{device.kind} {device.name}".strip(), device.id


def _methods(group: Group) -> frozenset[str]:
    return frozenset(f"{device.kind} {device.method}" for _, device in group.devices())


def _limits(group: Group) -> frozenset[str]:
    return frozenset(
        f"{device.kind} {device.index} {device.power_limit_w:g} W"
        for _, device in group.devices()
        if device.power_limit_w
    )


def _places(group: Group) -> frozenset[str]:
    return frozenset(
        f"{r.intensity.g_per_kwh:.4g} g/kWh ({r.intensity.zone})"
        for r in group.records
        if r.intensity
    )


def notes(
    parts: Sequence[Group], known: Sequence[Quantity], contrasts: Sequence[Contrast]
) -> tuple[str, ...]:
    """Return how the comparison is to be read."""
    told = []
    if turns := max((entry.turns or 0 for entry in contrasts), default=0):
        told.append(
            f"They took turns: compared within each of {turns}, so that what drifts "
            "from turn to turn is in no ratio or difference."
        )
        if order := same_order(parts):
            told.append(
                f"Each turn had the same order ({order}): what rises or falls steadily "
                "is part of the difference still. Change the order to rule that out."
            )
    if block := _in_blocks(parts):
        told.append(block)
    names = {quantity.key: quantity.name for quantity in known}
    told += [
        f"{names[key]} is the same in every run: with one seed for all, nothing tells "
        "how far another one would be off."
        for key in dict.fromkeys(e.quantity for e in contrasts if _never_varies(e))
    ]
    if len(parts) > LEAST_GROUPS:
        told.append(
            f"Each interval holds by itself with {format_percent(LEVEL)}; the more "
            "candidates, the likelier that one of them misses."
        )
    # Figures of ours have no unit of their own; a metric may be called alike.
    if any(q.key.startswith("sci_") and q.is_ratio and not q.unit for q in known):
        told.append(
            "SCI: (energy x PUE x intensity + embodied) / functional unit, "
            "ISO/IEC 21031:2024."
        )
    left_out = [f"{g.left_out} of {g.label}" for g in parts if g.left_out]
    if left_out:
        told.append(
            f"Left out, as they did not end well or were not measured: "
            f"{', '.join(left_out)}. Their energy was used all the same."
        )
    return tuple(told)


def _never_varies(entry: Contrast) -> bool:
    """Whether a quality differs, and has no spread to hold that difference against."""
    return bool(entry.difference) and entry.low == entry.high == entry.difference


def _in_blocks(parts: Sequence[Group]) -> str:
    """Say where one candidate ran wholly before another: then drift is in the ratio."""
    spans = [
        (group.records[0].started_at, group.records[-1].started_at, group.label)
        for group in parts
        if group.records[0].started_at
    ]
    spans.sort()
    apart = all(a[1] < b[0] for a, b in pairwise(spans))
    if len(spans) < LEAST_GROUPS or not apart:
        return ""
    order = ", ".join(span[2] for span in spans)
    return (
        f"One ran after the other ({order}): what drifts meanwhile, such as "
        "temperature or other load, is part of the difference. Let them take turns to "
        "rule that out."
    )
