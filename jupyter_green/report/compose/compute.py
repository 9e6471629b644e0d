"""What the work ran on: what reviewers ask for first."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from jupyter_green.report.appendix.facts import DeviceGroup, MachineFacts
from jupyter_green.report.compose.page import (
    NOT_RECORDED,
    NOT_STATED,
    Page,
    cells,
    inline,
    listed,
    paragraph,
    trimmed,
)
from jupyter_green.report.compose.units import (
    Unit,
    count,
    plain_number,
    time_unit,
)
from jupyter_green.report.compose.words import KINDS, SHORT_BASES, word
from jupyter_green.report.document import (
    Block,
    Bullets,
    Code,
    Column,
    Inline,
    Inlines,
    Section,
    Table,
)

SHOWN_VERSIONS = 4
SHOWN_MACHINES = 20
LIMIT = "limit (W)"
S_PER_H = 3600.0


def compute(page: Page) -> Section:
    """Return the section."""
    facts = page.facts.compute
    blocks: list[Block] = [paragraph(*_hours(page))]
    if facts.groups:
        blocks.append(_devices(page))
    if facts.machines:
        blocks.append(_machines(page))
    items = (*_software(page), *_stated(page))
    if items:
        blocks.append(Bullets(items=items))
    return Section(title="Compute", label="compute", blocks=tuple(blocks))


def _hours(page: Page) -> Iterator[Inline | str]:
    facts = page.facts.compute
    if facts.gpus:
        yield "The runs were allocated "
        yield page.known("GPUHours")
        yield " on "
        yield page.known("GPUModels")
        if facts.gpu_hours_busy is None:
            yield "; how long the GPUs were busy was not recorded"
        else:
            yield "; the GPUs were busy for "
            yield page.known("GPUHoursBusy")
        yield ". "
    else:
        yield "No GPU was used. "
    yield "The durations of all runs add up to "
    yield page.known("RunTime")
    yield "; at least one run was going on for "
    yield page.known("WallTime")
    yield "."
    hours = page.facts.author.unrecorded_gpu_hours
    if hours:
        note = page.facts.author.unrecorded_note
        yield f" The authors state {plain_number(hours)} GPU-hours besides that no "
        yield f"ledger has{f': {note}' if note else ''}; no figure here holds them."


def _devices(page: Page) -> Table:
    table = Table(
        label="devices",
        caption="Devices that the runs used, equal ones together.",
        columns=(
            Column(title="device", weight=1.0),
            Column(title="count", align="right"),
            Column(title="memory (GB)", align="right"),
            Column(title=LIMIT, align="right"),
            Column(title=f"time ({_time(page).symbol})", align="right"),
            Column(title=f"energy ({page.energy.symbol})", align="right"),
            Column(title="basis"),
        ),
        rows=tuple(_device_row(page, group) for group in page.facts.compute.groups),
        wide=True,
    )
    table = trimmed(table, page)
    has_limit = any(column.title == LIMIT for column in table.columns)
    return replace(
        table,
        note=inline(
            "Time: in which a run had the device, summed over equal devices. ",
            "Limit: the highest power limit. " if has_limit else "",
            "Energy of IT equipment, before PUE.",
        ),
    )


def _time(page: Page) -> Unit:
    """Return the unit of devices' time: hours, as GPUs are counted, or the page's."""
    if page.facts.compute.gpus:
        return page.hours
    unit = page.time
    return unit._replace(size=unit.size / S_PER_H)


def _device_row(page: Page, group: DeviceGroup) -> tuple[Inlines, ...]:
    kind = word(KINDS, group.kind)
    name = group.name if group.kind == "gpu" else f"{group.name} ({kind})"
    bases = dict.fromkeys(word(SHORT_BASES, method) for method in group.methods)
    return cells(
        (name if group.name else kind).strip(),
        f"{group.count:,}",
        "" if group.memory_gb is None else plain_number(group.memory_gb),
        "" if group.power_limit_w is None else plain_number(group.power_limit_w),
        _time(page).number(group.allocated_h),
        page.energy.number(group.energy_kwh),
        ", ".join(bases) or "none",
    )


def _machines(page: Page) -> Table:
    machines = page.facts.compute.machines
    rest = len(machines) - SHOWN_MACHINES
    unit = time_unit(*(machine.wall_time_s for machine in machines))
    systems = {machine.system or NOT_RECORDED for machine in machines}
    is_one = len(machines) > 1 and len(systems) == 1
    table = Table(
        label="machines",
        caption="Machines that the runs were on.",
        columns=(
            Column(title="machine"),
            Column(title="system", weight=1.0),
            Column(title="processor", weight=1.4),
            Column(title="threads", align="right"),
            Column(title="memory (GB)", align="right"),
            Column(title="GPUs", align="right"),
            Column(title=f"wall time ({unit.symbol})", align="right"),
        ),
        rows=tuple(
            cells(
                _machine_name(machine),
                "" if is_one else machine.system or NOT_RECORDED,
                machine.cpu_model or NOT_RECORDED,
                "" if machine.cpu_count is None else f"{machine.cpu_count:,}",
                "" if machine.memory_gb is None else plain_number(machine.memory_gb),
                f"{machine.gpus:,}",
                unit.number(machine.wall_time_s),
            )
            for machine in machines[:SHOWN_MACHINES]
        ),
        note=inline(
            f"System of all: {listed(sorted(systems))}. " if is_one else "",
            "Wall time: time in which at least one run was going on. ",
            f"{count(rest, 'more machine')} not listed." if rest > 0 else "",
        ),
        wide=True,
    )
    return trimmed(table, page)


def _machine_name(machine: MachineFacts) -> Inline | str:
    if machine.host_name:
        return Code(machine.host_name)
    return machine.key


def _software(page: Page) -> Iterator[Inlines]:
    named = []
    for software in page.facts.compute.software:
        versions = list(software.versions)[:SHOWN_VERSIONS]
        more = len(software.versions) - len(versions)
        tail = f" and {more} more" if more > 0 else ""
        named.append(f"{software.name} {', '.join(versions)}{tail}")
    if named:
        yield inline("Software: ", "; ".join(named), ".")


def _stated(page: Page) -> Iterator[Inlines]:
    """Yield what the authors state; a fact that is asked for and missing is said."""
    author = page.facts.author
    model = [
        f"{author.model}" if author.model else "",
        f"{plain_number(author.parameters)} parameters" if author.parameters else "",
        author.training_type,
    ]
    if any(model):
        yield inline("Model: ", ", ".join(part for part in model if part), ".")
    if author.flops is not None:
        source = author.flops_source or "how they were counted is not stated"
        yield inline(
            f"Floating-point operations: {plain_number(author.flops)} ({source})."
        )
    if author.dataset:
        licence = f" ({author.dataset_licence})" if author.dataset_licence else ""
        yield inline(f"Data: {author.dataset}{licence}.")
    if author.storage_gb is not None:
        yield inline(f"Disk space: {plain_number(author.storage_gb)} GB.")
    if author.seeds is not None:
        yield inline(f"Random seeds behind each reported figure: {author.seeds}.")
    place = [author.cluster, author.institution, author.cloud_provider]
    place.append("" if author.withhold_location else author.location)
    if any(place):
        yield inline("Place: ", listed([part for part in place if part], "at"), ".")
    missing = [
        name
        for name, known in (
            ("parameters", author.parameters),
            ("provider of the machines", author.cloud_provider),
        )
        if not known
    ]
    if missing:
        yield inline(f"{listed(missing).capitalize()}: {NOT_STATED}.")
