"""How sure the energy is, and which device makes it unsure."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_green.records import ESTIMATED
from jupyter_green.report.compose.page import Page, cells, inline, paragraph
from jupyter_green.report.compose.units import energy_unit, percent
from jupyter_green.report.document import Block, Column, Inline, Section, Table

SHOWN = 20


def uncertainty(page: Page) -> Section:
    """Return the section."""
    facts = page.facts.uncertainty
    blocks: list[Block] = [paragraph(*_rules(page))]
    if facts.contributions:
        blocks.append(_table(page))
    return Section(title="Uncertainty", label="uncertainty", blocks=tuple(blocks))


def _rules(page: Page) -> Iterator[Inline | str]:
    facts = page.facts.uncertainty
    if facts.combined_kwh is not None:
        yield "The energy is known to within "
        yield page.known("EnergyUncertainty")
        yield " (half-width of a 95 % interval). "
    elif facts.random_kwh is None:
        yield "No figure came with an uncertainty, so the total has none. "
    else:
        yield "Some figures ("
        yield page.energy.of(facts.unknown_kwh)
        yield ") came without an uncertainty, so the total has none; what is known "
        yield "of the rest is below. "
    yield "For each device the random parts of its runs add in quadrature, and its "
    yield "calibration or model error, which all of its runs share, adds linearly: it "
    yield "does not average away. Devices err independently. "
    if _has_common_model(page):
        yield "Estimates by one model err together, on whatever machines. "
    yield "The uncertainty of PUE "
    yield "and intensity is not in it; it is in the range of CO2e where one is stated."


def _has_common_model(page: Page) -> bool:
    components = page.facts.totals.components
    return any(c.method == ESTIMATED and c.devices > 1 for c in components)


def _table(page: Page) -> Table:
    facts = page.facts.uncertainty
    shown = facts.contributions[:SHOWN]
    energies = {d.key: d.energy_kwh for d in page.facts.compute.devices}
    unit = energy_unit(*(each.combined_kwh for each in shown))
    return Table(
        label="uncertainty-devices",
        caption="What each device adds to the uncertainty of the energy.",
        columns=(
            Column(title="device", weight=1.0),
            Column(title=f"energy ({page.energy.symbol})", align="right"),
            Column(title=f"random ({unit.symbol})", align="right"),
            Column(title=f"common ({unit.symbol})", align="right"),
            Column(title=f"both ({unit.symbol})", align="right"),
            Column(title="of variance", align="right"),
        ),
        rows=tuple(
            cells(
                each.device,
                page.energy.number(energies.get(each.device)),
                unit.number(each.random_kwh),
                unit.number(each.common_kwh),
                unit.number(each.combined_kwh),
                percent(each.variance_fraction),
            )
            for each in shown
        ),
        total=None
        if facts.combined_kwh is None
        else cells(
            "all",
            page.energy.number(page.facts.totals.amount.energy_it_kwh),
            unit.number(facts.random_kwh),
            unit.number(facts.common_kwh),
            unit.number(facts.combined_kwh),
            "100 %",
        ),
        note=inline("Half-widths of 95 % intervals."),
    )
