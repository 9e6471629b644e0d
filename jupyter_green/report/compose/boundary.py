"""What the figures cover and what they do not."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_green.report.compose.page import Page, cells, inline, listed, trimmed
from jupyter_green.report.compose.units import count, time_unit
from jupyter_green.report.compose.words import (
    ATTRIBUTION,
    BASES,
    EXCLUDED,
    KIND_ENERGY,
    word,
)
from jupyter_green.report.document import (
    Block,
    Bullets,
    Code,
    Column,
    Inlines,
    Ref,
    Section,
    Table,
)

FEW = 1  # notebooks that need no table


def boundary(page: Page) -> Section:
    """Return the section."""
    bullets = Bullets(items=tuple(_items(page)))
    blocks: list[Block] = [bullets]
    uses = page.facts.extent.notebook_uses
    if len(uses) > FEW:
        blocks.append(_notebooks(page))
    return Section(title="Boundary", label="boundary", blocks=tuple(blocks))


def _items(page: Page) -> Iterator[Inlines]:
    extent = page.facts.extent
    yield _period(page)
    yield inline("Scope: ", *_scope(page))
    if extent.included:
        yield inline("Included: energy of ", listed(_included(page)), ".")
    else:
        yield inline("Included: nothing, since no energy was measured.")
    excluded = [word(EXCLUDED, code) for code in extent.excluded]
    if excluded:
        yield inline("Not included: ", listed(excluded), ".")
    if extent.between_runs_s > 0:
        unit = time_unit(extent.between_runs_s)
        yield inline(
            "Within the sessions, from their first to their last run, ",
            unit.of(extent.between_runs_s),
            " were not metered: idle time, and cells without metering.",
        )
    if extent.attribution:
        sentences = [word(ATTRIBUTION, code) for code in extent.attribution]
        yield inline("Attribution: ", " ".join(sentences))
    yield from _sharing(page)


def _period(page: Page) -> Inlines:
    def some(before: str, number: int, noun: str) -> str:
        return f"{before}{count(number, noun)}" if number else ""  # none is known

    extent = page.facts.extent
    if not extent.first_start:
        return inline("Period: no run has a known time.")
    return inline(
        f"Period: {_minute(extent.first_start)} to {_minute(extent.last_end)} UTC, "
        f"with runs on {count(extent.active_days, 'day')}; "
        f"{count(extent.executions, 'execution')}"
        f"{some(' in ', extent.sessions, 'session')}"
        f"{some(' of ', extent.notebooks, 'notebook')}"
        f"{some(' on ', len(page.facts.compute.machines), 'machine')}."
    )


def _minute(stamp: str) -> str:
    return stamp[:16].replace("T", " ")


def _scope(page: Page) -> Inlines:
    scope = page.facts.options.scope
    parts = []
    if scope.since:
        parts.append(f"runs that began at {_minute(scope.since)} UTC or later")
    if scope.until:
        parts.append(f"runs that began before {_minute(scope.until)} UTC")
    if scope.labels:
        # As they were given: only `*` is special there.
        labels = [x.replace("[?]", "?").replace("[[]", "[") for x in scope.labels]
        parts.append(f"labels {listed(labels, 'or')}")
    if scope.purposes:
        parts.append(f"purposes {listed(scope.purposes, 'or')}")
    if scope.sessions:
        parts.append(count(len(scope.sessions), "session"))
    if scope.notebooks:
        parts.append(f"notebooks {listed(scope.notebooks, 'or')}")
    return inline(f"{'; '.join(parts) or 'all records of the ledgers read'}.")


def _included(page: Page) -> list[str]:
    said = []
    for code in page.facts.extent.included:
        kind, _, method = code.partition(":")
        said.append(f"{word(KIND_ENERGY, kind)} ({word(BASES, method)})")
    return said


def _sharing(page: Page) -> Iterator[Inlines]:
    sharing = page.facts.extent.sharing
    if sharing.shared_runs:
        energy = page.energy.of(sharing.shared_kwh)
        sessions = count(sharing.shared_sessions, "session")
        yield inline(
            f"{count(sharing.shared_runs, 'run')} of {sessions} covered the same time "
            f"on a device as another run. {energy} that a plain sum would hold too "
            "often are charged once."
        )
    if sharing.nested_runs:
        verb = "is" if sharing.nested_runs == 1 else "are"
        yield inline(
            f"{count(sharing.nested_runs, 'run')} inside other runs {verb} part of "
            "these and not counted again."
        )


def _notebooks(page: Page) -> Table:
    extent = page.facts.extent
    rows = []
    for use in extent.notebook_uses:
        amount = use.amount
        name = Code(use.path) if use.path else "no notebook"
        rows.append(
            cells(
                name,
                f"{amount.runs:,}",
                page.hours.number(amount.gpu_hours),
                page.time.number(amount.run_time_s),
                page.energy.number(amount.energy_it_kwh, amount.energy_uncertainty_kwh),
            )
        )
    others = extent.other_notebooks
    table = Table(
        label="notebooks",
        caption="Notebooks of this report, the largest first.",
        columns=(
            Column(title="notebook", weight=1.0),
            Column(title="runs", align="right"),
            Column(title="GPU-hours", align="right"),
            Column(title=f"run time ({page.time.symbol})", align="right"),
            Column(title=f"IT energy ({page.energy.symbol})", align="right"),
        ),
        rows=tuple(rows),
        note=inline(
            f"{count(others, 'more notebook')} not listed. " if others else "",
            "Intervals are for 95 %; totals are in ",
            Ref(label="components", kind="table"),
            ".",
        ),
    )
    return trimmed(table, page)
