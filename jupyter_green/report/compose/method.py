"""How the energy was found, and how good that is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from jupyter_green.report.appendix.facts import DeviceFacts
from jupyter_green.report.compose.page import (
    Page,
    cells,
    inline,
    listed,
    paragraph,
    trimmed,
)
from jupyter_green.report.compose.units import count, percent
from jupyter_green.report.compose.words import (
    ASPECTS,
    KINDS,
    LEVELS,
    READINGS,
    REASONS,
    word,
)
from jupyter_green.report.document import (
    Block,
    Column,
    Inline,
    Inlines,
    Section,
    Table,
)

SHOWN_DEVICES = 40
CALIBRATION = "Calibration: relative error (95 %) that all readings share. "


def method(page: Page) -> Section:
    """Return the section."""
    blocks: list[Block] = [paragraph(*_tool(page))]
    if page.facts.compute.devices:
        blocks.append(_devices(page))
    blocks += [paragraph(*_label(page), lead="Quality label."), _aspects(page)]
    return Section(title="Method and quality", label="method", blocks=tuple(blocks))


def _tool(page: Page) -> Iterator[Inline | str]:
    added = page.not_metered_runs
    if added == page.facts.totals.amount.runs:
        yield "No run was metered: all were added by hand or imported with "
        yield "jupyter_green "
        yield page.cite("jupyter-green")
        yield ". "
        yield from _readings(page)
        return
    if added:
        yield f"{count(added, 'run')} added by hand or imported "
        yield f"{'was' if added == 1 else 'were'} not metered. All other runs"
    else:
        yield "Runs"
    yield " were metered in the kernel by jupyter_green "
    versions = list(page.facts.provenance.recorded_by)
    yield f"{listed(versions)} " if versions else "(version not recorded) "
    yield page.cite("jupyter-green")
    yield ": every run is the difference of two readings of each device, with time by "
    yield "the monotonic clock. "
    yield from _readings(page)
    yield " Figures of components are below those of a meter at the wall, by 20 to "
    yield "37 % in a published comparison "
    yield page.cite("fischer2025groundtruthing")
    yield "; nothing here is corrected for that."


def _readings(page: Page) -> Iterator[Inline | str]:
    used = {(c.kind, c.method) for c in page.facts.totals.components}
    names = " ".join(d.name.lower() for d in page.facts.compute.devices)
    said: list[tuple[str, str]] = []
    if ("gpu", "counter") in used:
        said.append(("GPU energy is the board's energy counter", "nvml"))
    if ("gpu", "integrated") in used:
        said.append(
            ("GPU energy is integrated from the board's power readings", "nvml")
        )
    if {("cpu", "counter"), ("dram", "counter")} & used:
        said.append(("processor and memory energy are RAPL counters", "rapl"))
    if ("soc", "counter") in used:
        said.append(("energy of the chip is its own counters'", ""))
    if {("cpu", "estimated"), ("ram", "estimated")} & used:
        said.append(("processor and memory energy are models' estimates", "codecarbon"))
    if ("gpu", "estimated") in used:
        said.append(("some GPU energy is estimated from board power", ""))
    is_other_gpu = bool(names) and "nvidia" not in names and "amd" in names
    for number, (text, key) in enumerate(said):
        yield text[0].upper() + text[1:] if not number else f"; {text}"
        if key and not (key == "nvml" and is_other_gpu):
            yield " "
            yield page.cite(key)
    yield "." if said else "No energy was measured."


def _devices(page: Page) -> Table:
    devices = page.facts.compute.devices
    groups = _alike(devices)
    rest = sum(map(len, groups[SHOWN_DEVICES:]))
    table = Table(
        label="method-devices",
        caption="How each device was read.",
        columns=(
            Column(title="device", weight=1.0),
            Column(title="method", weight=1.2),
            Column(title="runs", align="right"),
            Column(title="coverage", align="right"),
            Column(title="calibration", align="right"),
            Column(title="resolution (J)", align="right"),
        ),
        rows=tuple(map(_device_row, groups[:SHOWN_DEVICES])),
        note=inline(
            "Coverage: part of the runs' time with readings. ",
            CALIBRATION if any(map(_is_read, devices)) else "",
            f"{count(rest, 'more device')} not listed. " if rest > 0 else "",
            *_unmeasured(devices),
        ),
        wide=True,
    )
    return trimmed(table, page)


def _alike(devices: tuple[DeviceFacts, ...]) -> list[tuple[DeviceFacts, ...]]:
    """Return neighbours together that were read in the same way and as often."""
    return [
        tuple(same)
        for _, same in groupby(devices, lambda each: (each.name, _how(each)))
    ]


def _device_row(alike: tuple[DeviceFacts, ...]) -> tuple[Inlines, ...]:
    first = alike[0]
    keys = first.key
    if len(alike) > 1:
        keys = f"devices {number_of(keys)} to {number_of(alike[-1].key)}"
    name = first.name or word(KINDS, first.kind)
    return cells(f"{keys}: {name}", *_how(first))


def number_of(key: str) -> str:
    """Return the number in a device's key.

    >>> number_of("device 12")
    '12'
    """
    return key.rpartition(" ")[2]


def _how(device: DeviceFacts) -> tuple[str, ...]:
    """Return the cells of a device, after its name."""
    whole = sum(use.energy_kwh for use in device.methods)
    if len(device.methods) == 1:
        methods = word(READINGS, device.methods[0].method)
    else:
        methods = ", ".join(
            f"{word(READINGS, use.method)} "
            f"{percent(use.energy_kwh / whole) if whole else ''}".strip()
            for use in device.methods
        )
    calibration = percent(device.calibration) if device.calibration else "not stated"
    resolution = "" if device.resolution_j is None else f"{device.resolution_j:.3g}"
    return (
        methods or "not measured",
        f"{device.runs:,}",
        percent(device.coverage),
        calibration if _is_read(device) else "",
        resolution,
    )


def _is_read(device: DeviceFacts) -> bool:
    is_known = device.energy_kwh is not None
    used = {use.method for use in device.methods}
    return is_known and bool(used & {"counter", "integrated"})


def _unmeasured(devices: tuple[DeviceFacts, ...]) -> Iterator[str]:
    for device in devices:
        if device.unmeasured_runs and device.reasons:
            reason = next(iter(device.reasons))
            runs = count(device.unmeasured_runs, "run")
            yield f"{device.key} has no figure in {runs}: {reason}. "


def _label(page: Page) -> Iterator[Inline | str]:
    quality = page.facts.quality
    yield page.known("Quality")
    yield f" ({word_of_level(quality.level)}): the minimum over the aspects of the "
    yield "table. It rates how energy was found and says nothing of how much it was."


def word_of_level(level: int) -> str:
    """Return what a level of the label means."""
    return LEVELS.get(level, "unknown")


def _aspects(page: Page) -> Table:
    rows = []
    for aspect in page.facts.quality.aspects:
        reasons = [word(REASONS, code) for code in aspect.reasons]
        if aspect.fraction is not None:
            reasons.append(f"{percent(aspect.fraction)}")
        rows.append(
            cells(
                word(ASPECTS, aspect.aspect),
                f"Q{aspect.level}",
                "; ".join(reasons) or "nothing",
            )
        )
    table = Table(
        label="quality",
        caption="The quality label by aspect, and what keeps each from the next level.",
        columns=(
            Column(title="aspect", weight=1.0),
            Column(title="level"),
            Column(title="limited by", weight=2.0),
        ),
        rows=tuple(rows),
        note=inline(
            "Q3: integrating meter of whole machines. Q2: hardware counters. Q1: "
            "sampled power. Q0: models, or less."
        ),
    )
    return trimmed(table, page)
