"""What single experiments and cells took: mean, spread, and the largest runs."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_green.report.appendix.facts import Amount, Experiment, Listing, Spread
from jupyter_green.report.compose.contrasts import compared
from jupyter_green.report.compose.page import Page, cells, inline, paragraph, trimmed
from jupyter_green.report.compose.units import (
    Unit,
    count,
    energy_unit,
    percent,
    time_unit,
)
from jupyter_green.report.document import (
    Block,
    Code,
    Column,
    Figure,
    Inline,
    Inlines,
    Section,
    Table,
)


def experiments(page: Page) -> Section:
    """Return the section."""
    blocks: list[Block] = [paragraph(*_words())]
    by_experiment, by_cell = page.facts.by_experiment, page.facts.by_cell
    if by_experiment.rows:
        blocks.append(_table(page, by_experiment, "experiments"))
    if by_cell.rows and _differ(by_experiment, by_cell):
        blocks.append(_table(page, by_cell, "cells"))
    blocks += [
        compared(each, number) for number, each in enumerate(page.facts.comparisons, 1)
    ]
    if "power" in page.figures:
        blocks.append(
            Figure(
                label="power",
                caption=inline(
                    "Power of the devices over the largest runs, as recorded."
                ),
                name="fig-power",
                alt="Power over time of the runs with the most energy.",
            )
        )
    return Section(
        title="By experiment and cell", label="experiments", blocks=tuple(blocks)
    )


def _words() -> Iterator[str]:
    yield "An experiment is all runs of one label, or of one cell where there is no "
    yield "label. Mean and sample standard deviation are over its runs that ended well "
    yield "and have a figure; the energy of all its runs, failed ones too, is beside."


def _differ(one: Listing, other: Listing) -> bool:
    return [row.key for row in one.rows] != [row.key for row in other.rows]


def _table(page: Page, listing: Listing, label: str) -> Table:
    energy = energy_unit(*(row.energy_kwh.mean for row in listing.rows))
    time = time_unit(*(row.duration_s.mean for row in listing.rows))
    rows = [_row(page, row, energy, time, label) for row in listing.rows]
    if listing.other is not None:
        rows.append(
            cells(
                f"{listing.other_count:,} others",
                f"{listing.other.runs:,}",
                "",
                "",
                page.hours.number(listing.other.gpu_hours),
                page.energy.number(
                    listing.other.energy_it_kwh, listing.other.energy_uncertainty_kwh
                ),
                *([] if label == "cells" else [_share(page, listing.other)]),
            )
        )
    amount = page.facts.totals.amount
    name = "experiment" if label == "experiments" else "cell"
    table = Table(
        label=label,
        caption=f"Largest {name}s by energy; one run's time and energy as mean ± "
        "standard deviation.",
        columns=(
            Column(title=name, weight=1.0),
            Column(title="runs", align="right"),
            Column(title=f"one run ({time.symbol})", align="right"),
            Column(title=f"one run ({energy.symbol})", align="right"),
            Column(title="GPU-hours", align="right"),
            Column(title=f"all ({page.energy.symbol})", align="right"),
            # Cells have long names and no room for a share.
            *([] if label == "cells" else [Column(title="share (%)", align="right")]),
        ),
        rows=tuple(rows),
        total=cells(
            "all",
            f"{amount.runs:,}",
            "",
            "",
            page.hours.number(amount.gpu_hours),
            page.energy.number(amount.energy_it_kwh, amount.energy_uncertainty_kwh),
            *([] if label == "cells" else [_share(page, amount)]),
        ),
        note=inline(*_note(listing)),
        wide=True,
    )
    return trimmed(table, page)


def _row(
    page: Page, row: Experiment, energy: Unit, time: Unit, label: str
) -> tuple[Inlines, ...]:
    return (
        _name(row, label),
        *cells(
            f"{row.amount.runs:,}",
            _spread(time, row.duration_s),
            _spread(energy, row.energy_kwh),
            page.hours.number(row.amount.gpu_hours),
            page.energy.number(
                row.amount.energy_it_kwh, row.amount.energy_uncertainty_kwh
            ),
            *([] if label == "cells" else [_share(page, row.amount)]),
        ),
    )


def _name(row: Experiment, label: str) -> Inlines:
    parts: list[Inline | str] = []
    if label == "experiments" and row.label:
        parts.append(row.label)
    elif row.notebook or row.cell:
        if row.notebook:
            parts += [Code(row.notebook.replace("\\", "/").rpartition("/")[2])]
        if row.cell:
            parts += [", " if parts else "", Code(row.cell)]
    else:
        parts.append(row.key or "no label")
    marks = []
    if row.repeated_runs:
        marks.append("repeats")
    if not row.is_same_hardware:
        marks.append("different hardware")
    if marks:
        parts.append(f" ({', '.join(marks)})")
    return inline(*parts)


def _spread(unit: Unit, spread: Spread) -> str:
    if spread.mean is None:
        return "none finished" if not spread.n else "not measured"
    return unit.number(spread.mean, spread.sd)


def _share(page: Page, amount: Amount) -> str:
    kwh, whole = amount.energy_it_kwh, page.facts.totals.amount.energy_it_kwh
    if kwh is None or not whole:
        return "not measured"
    return percent(kwh / whole).removesuffix(" %")


def _note(listing: Listing) -> Iterator[str]:
    if listing.other_count:
        yield f"{count(listing.other_count, 'smaller one')} are summed in one row. "
    if any(not row.is_same_hardware for row in listing.rows):
        yield "Runs on different hardware cannot be compared. "
    if any(row.repeated_runs for row in listing.rows):
        yield "Repeats: one run is several executions of a cell. "
    yield "Energy of all runs with its 95 % interval."
