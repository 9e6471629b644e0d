"""Energy by component, then the facility's energy and CO2e by their supplies."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_green.report.appendix.facts import Supply
from jupyter_green.report.compose.page import (
    NOT_MEASURED,
    Page,
    cells,
    inline,
    listed,
    paragraph,
)
from jupyter_green.report.compose.units import mass_unit, percent, plain_number
from jupyter_green.report.compose.values import facility_width
from jupyter_green.report.compose.words import (
    BASES,
    INTENSITY_KINDS,
    KINDS,
    RANGE_COVERS,
    word,
)
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

SHOWN_SUPPLIES = 12


def totals(page: Page) -> Section:
    """Return the section."""
    sums = page.facts.totals
    blocks: list[Block] = [_components(page)]
    if sums.idle is not None and sums.idle.idle_fraction is not None:
        blocks.append(_idle(page))
    if sums.supplies:
        blocks += [paragraph(*_formula(page)), _supplies(page)]
    if sums.market_based_kg is not None:
        blocks.append(_market(page))
    if "time" in page.figures:
        blocks.append(_cumulative())
    return Section(title="Totals", label="totals", blocks=tuple(blocks))


def _components(page: Page) -> Table:
    sums = page.facts.totals
    amount = sums.amount
    unit = page.energy
    rows = [
        cells(
            word(KINDS, c.kind),
            word(BASES, c.method),
            f"{c.devices:,}",
            f"{c.runs:,}",
            unit.number(c.energy_kwh, c.energy_uncertainty_kwh),
            percent(c.energy_kwh / amount.energy_it_kwh)
            if amount.energy_it_kwh
            else NOT_MEASURED,
        )
        for c in sums.components
    ]
    return Table(
        label="components",
        caption="Energy of the IT equipment by component and by how it was found.",
        columns=(
            Column(title="component", weight=1.0),
            Column(title="basis", weight=1.2),
            Column(title="devices", align="right"),
            Column(title="runs", align="right"),
            Column(title=f"energy ({unit.symbol})", align="right"),
            Column(title="share", align="right"),
        ),
        rows=tuple(rows),
        total=cells(
            "IT equipment",
            _mix(page),
            f"{len(page.facts.compute.devices):,}",
            f"{amount.runs:,}",
            unit.number(amount.energy_it_kwh, amount.energy_uncertainty_kwh),
            "" if amount.energy_it_kwh is None else "100 %",
        ),
        note=inline(
            "Intervals are for 95 %; how they add up is in ",
            Ref(label="uncertainty", kind="section"),
            ". What has no figure is not measured and adds nothing.",
        ),
    )


def _mix(page: Page) -> str:
    methods = dict.fromkeys(c.method for c in page.facts.totals.components)
    words = {
        "counter": "measured",
        "integrated": "measured",
        "estimated": "estimated",
        "simulated": "SIMULATED",
    }
    return " + ".join(dict.fromkeys(words.get(m, m) for m in methods)) or NOT_MEASURED


def _idle(page: Page) -> Block:
    idle = page.facts.totals.idle
    if idle is None:
        return paragraph()
    unit = page.energy
    return paragraph(
        "Of ",
        unit.of(idle.gross_kwh),
        " on devices whose idle power was measured, ",
        unit.of(idle.idle_kwh),
        " (",
        page.known("IdleShare"),
        ") are what they draw idle, and ",
        unit.of(idle.net_kwh),
        " are above idle.",
        lead="Idle energy.",
    )


def _formula(page: Page) -> Iterator[Inline | str]:
    covers = [word(RANGE_COVERS, code) for code in page.facts.totals.range_covers]
    yield "Energy of the facility is IT energy times PUE, and CO2e is that times the "
    yield "carbon intensity of the electricity, location-based "
    yield page.cite("ghg-scope-two")
    yield ", from unrounded values. The range of CO2e covers "
    yield f"{listed(covers)}; " if covers else "nothing, since no range is known; "
    yield "it is the lower and the upper corner of these together."


def _supplies(page: Page) -> Table:
    sums = page.facts.totals
    amount = sums.amount
    shown = sums.supplies[:SHOWN_SUPPLIES]
    rest = sums.supplies[SHOWN_SUPPLIES:]
    mass = mass_unit(amount.co2e_kg)
    rows = [_supply_row(page, supply) for supply in shown]
    if rest:
        known = [s.co2e_kg for s in rest if s.co2e_kg is not None]
        rows.append(
            cells(
                f"{len(rest)} others",
                "",
                "",
                page.energy.number(sum(s.energy_it_kwh for s in rest)),
                page.energy.number(sum(s.energy_facility_kwh for s in rest)),
                mass.number(sum(known)) if known else "no intensity",
            )
        )
    low, high = amount.co2e_low_kg, amount.co2e_high_kg
    width = (high - low) / 2 if low is not None and high is not None else None
    return Table(
        label="supplies",
        caption="Energy of the facility and CO2e, by the electricity's place.",
        columns=(
            Column(title="electricity", weight=1.0),
            Column(title="g CO2e/kWh", align="right"),
            Column(title="PUE", align="right"),
            Column(title=f"IT ({page.energy.symbol})", align="right"),
            Column(title=f"facility ({page.energy.symbol})", align="right"),
            Column(title=f"{mass.symbol} CO2e", align="right"),
        ),
        rows=tuple(rows),
        total=cells(
            "all",
            "",
            "",
            page.energy.number(amount.energy_it_kwh, amount.energy_uncertainty_kwh),
            page.energy.number(amount.energy_facility_kwh, facility_width(amount)),
            mass.number(amount.co2e_kg, width)
            if amount.co2e_kg is not None
            else "no intensity",
        ),
        note=inline(*_sources(page)),
        wide=True,
    )


def _supply_row(page: Page, supply: Supply) -> tuple[Inlines, ...]:
    mass = mass_unit(page.facts.totals.amount.co2e_kg)
    width = None
    if supply.co2e_low_kg is not None and supply.co2e_high_kg is not None:
        width = (supply.co2e_high_kg - supply.co2e_low_kg) / 2
    return cells(
        _identity(supply),
        "not known" if supply.g_per_kwh is None else plain_number(supply.g_per_kwh),
        plain_number(supply.pue),
        page.energy.number(supply.energy_it_kwh),
        page.energy.number(supply.energy_facility_kwh),
        "no intensity"
        if supply.co2e_kg is None
        else mass.number(supply.co2e_kg, width),
    )


def _identity(supply: Supply) -> str:
    if supply.g_per_kwh is None:
        return "place not known"
    parts = (
        supply.zone or "place withheld",
        str(supply.year) if supply.year else "year not stated",
        word(INTENSITY_KINDS, supply.kind),
        "ASSUMED: no place was stated" if supply.is_assumed else "",
        "stated by the authors" if supply.is_by_author else "",
    )
    return ", ".join(part for part in parts if part)


def _sources(page: Page) -> Iterator[Inline | str]:
    supplies = page.facts.totals.supplies
    said = dict.fromkeys(_source(s) for s in supplies if s.g_per_kwh is not None)
    if said:
        yield f"Intensities: {'; '.join(said)}"
        keys = citations(page)
        if keys:
            yield " "
            yield page.cite(*keys)
        yield ". "
    pues = dict.fromkeys(
        f"{plain_number(s.pue)} ({s.pue_source or 'source not stated'}{_pue_range(s)})"
        for s in supplies
    )
    yield f"PUE: {'; '.join(pues)}."
    notes = dict.fromkeys(s.note for s in supplies if s.note)
    for note in notes:
        yield f" {note[:1].upper()}{note[1:].rstrip('.')}."


def _pue_range(supply: Supply) -> str:
    if supply.pue_low is None or supply.pue_high is None:
        return ""
    return f", {plain_number(supply.pue_low)} to {plain_number(supply.pue_high)}"


def _source(supply: Supply) -> str:
    year = str(supply.year) if supply.year else ""
    licence = supply.licence or "licence not stated"
    return ", ".join(part for part in (supply.source, year, licence) if part)


def citations(page: Page) -> tuple[str, ...]:
    """Return the keys of the data sets behind the intensities."""
    text = " ".join(s.source for s in page.facts.totals.supplies).lower()
    known = (
        ("codecarbon", "codecarbon"),
        ("our world in data", "owid-intensity"),
        ("owid", "owid-intensity"),
        ("ember", "owid-intensity"),
        ("electricity maps", "electricity-maps"),
    )
    return tuple(dict.fromkeys(key for word_, key in known if word_ in text))


def _market(page: Page) -> Block:
    author = page.facts.author
    source = author.market_based_source or "its source is not stated"
    rate = plain_number(author.market_based_g_per_kwh)
    return paragraph(
        "By contracts the electricity counts as ",
        f"{rate} g CO2e/kWh ({source}), which gives ",
        page.known("CarbonMarket"),
        " CO2e, market-based. This stands beside the location-based figure and does "
        "not replace it; offsets are in neither.",
        lead="Market-based.",
    )


def _cumulative() -> Figure:
    return Figure(
        label="cumulative",
        caption=inline(
            "Energy of the IT equipment and CO2e of all runs so far, over the "
            "project's time (UTC)."
        ),
        name="fig-time",
        alt="Two rising lines: energy and CO2e of all runs until each day.",
    )
