"""What the work was for: the split that venues ask for, from tags only."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_green.report.appendix.facts import Amount
from jupyter_green.report.compose.page import (
    Page,
    cells,
    inline,
    listed,
    paragraph,
    trimmed,
)
from jupyter_green.report.compose.statement import missing_split
from jupyter_green.report.compose.units import count, percent
from jupyter_green.report.compose.values import carbon_width, reported_fraction
from jupyter_green.report.compose.words import PURPOSES, STATUSES, word
from jupyter_green.report.document import (
    Block,
    Column,
    Figure,
    Inline,
    Inlines,
    Ref,
    Section,
    Table,
)


def purposes(page: Page) -> Section:
    """Return the section."""
    blocks: list[Block] = [paragraph(*_split(page)), _table(page)]
    if page.facts.failed_by_status:
        blocks.append(paragraph(*_failed(page), lead="Failed runs."))
    if "purpose" in page.figures:
        blocks.append(
            Figure(
                label="purpose",
                caption=inline("Energy of the IT equipment by purpose."),
                name="fig-purpose",
                alt=_alt(page),
            )
        )
    return Section(title="By purpose", label="purpose", blocks=tuple(blocks))


def _alt(page: Page) -> str:
    said = [
        f"{word(PURPOSES, part.key)} {percent(part.energy_fraction)}"
        for part in page.facts.by_purpose
    ]
    return f"Bars of energy by purpose: {', '.join(said)}."


def _split(page: Page) -> Iterator[Inline | str]:
    split = page.facts.reported
    final_means = page.facts.author.final_means
    if not split.is_known:
        yield "Reported runs are not told apart from all others, since "
        yield f"{missing_split(page)}: a split is never invented. "
        if split.untagged_runs:
            said = []
            if page.facts.compute.gpus:
                hours = page.hours.number(split.untagged_gpu_hours)
                said.append(f"{hours} GPU-hours")
            if split.untagged_kwh is not None:
                said.append(page.energy.of(split.untagged_kwh))
            took = listed(said) or "time, and no energy was measured"
            yield f"Runs without a purpose took {took}."
        return
    yield f"Reported are finished runs tagged {listed(split.purposes, 'or')}"
    yield f" ({final_means})" if final_means else ""
    yield ": "
    yield page.known("ReportedRuns")
    yield " runs with "
    amount = "GPUHours" if page.facts.compute.gpus else "RunTime"
    yield page.known(f"Reported{amount}")
    yield " and "
    yield page.known("ReportedEnergy")
    yield ". All other work took "
    yield page.known(f"Other{amount}")
    yield ". Reported runs are "
    yield page.known("ReportedShare")
    yield f" of the {reported_fraction(page)[1]}. The tags are the authors'; a run "
    yield "that failed counts as failed, whatever its tag."


def _table(page: Page) -> Table:
    amount = page.facts.totals.amount
    table = Table(
        label="by-purpose",
        caption="Work by purpose; every run stands in one row.",
        columns=(
            Column(title="purpose", weight=1.0),
            Column(title="runs", align="right"),
            Column(title="GPU-hours", align="right"),
            Column(title=f"run time ({page.time.symbol})", align="right"),
            Column(title=f"energy ({page.energy.symbol})", align="right"),
            Column(title=f"{page.mass.symbol} CO2e", align="right"),
            Column(title="energy (%)", align="right"),
        ),
        rows=tuple(
            _row(page, word(PURPOSES, part.key), part.amount, part.energy_fraction)
            for part in page.facts.by_purpose
        ),
        total=_row(page, "all", amount, None if amount.energy_it_kwh is None else 1.0),
        note=inline(
            "Energy of the IT equipment with its 95 % interval; CO2e with PUE. Parts "
            "add up to the total, their intervals do not: see ",
            Ref(label="uncertainty", kind="section"),
            ".",
        ),
        wide=True,
    )
    return trimmed(table, page)


def _row(
    page: Page, name: str, amount: Amount, fraction: float | None
) -> tuple[Inlines, ...]:
    return cells(
        name,
        f"{amount.runs:,}",
        page.hours.number(amount.gpu_hours),
        page.time.number(amount.run_time_s),
        page.energy.number(amount.energy_it_kwh, amount.energy_uncertainty_kwh),
        _carbon(page, amount),
        percent(fraction).removesuffix(" %"),
    )


def _carbon(page: Page, amount: Amount) -> str:
    if amount.co2e_kg is None:
        no_place = amount.energy_it_kwh is not None
        return "no intensity" if no_place else "not measured"
    text = page.mass.rounded(amount.co2e_kg, carbon_width(amount))
    return text.removesuffix(f" {page.mass.symbol}")


def _failed(page: Page) -> Iterator[Inline | str]:
    whole = page.facts.totals.amount.failed_runs
    said = [
        f"{part.amount.runs:,} {word(STATUSES, part.key)}"
        for part in page.facts.failed_by_status
    ]
    yield f"{count(whole, 'run')} did not finish: {listed(said)}"
    tags = [
        f"{part.amount.runs:,} {word(PURPOSES, part.key)}"
        for part in page.facts.failed_by_purpose
    ]
    yield f". By tag: {listed(tags)}. Their energy is part of all totals. "
    yield "Killed runs are closed from their last heartbeat."
