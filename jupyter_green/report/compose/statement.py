"""The first paragraph: what the work took, in four sentences that can be quoted."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_green.report.appendix.facts import Amount, Supply
from jupyter_green.report.compose.page import Page, listed, paragraph
from jupyter_green.report.compose.units import count, percent
from jupyter_green.report.compose.values import reported_fraction
from jupyter_green.report.compose.words import BASES, INTENSITY_KINDS, word
from jupyter_green.report.document import Inline, Paragraph, Section, Text

NOTHING = (
    "No run is in the scope of this report: there is nothing to state. The period, "
    "notebooks, labels and ledgers that were asked for hold no record."
)
SIMULATED = (
    "SIMULATED: some figures of this report come from no hardware. They show the form "
    "of the report and must not be published as measurements."
)


def statement(page: Page) -> Section:
    """Return the section."""
    blocks: list[Paragraph] = []
    if page.facts.totals.energy_simulated_kwh:
        blocks.append(paragraph(SIMULATED, lead="Warning."))
    if not page.facts.totals.amount.runs:
        blocks.append(paragraph(NOTHING))
    else:
        parts = (*_compute(page), *_energy(page), *_carbon(page), *_split(page))
        blocks.append(paragraph(*parts, *_label(page)))
    return Section(title="Statement", label="statement", blocks=tuple(blocks))


def _compute(page: Page) -> Iterator[Inline | str]:
    facts = page.facts
    runs = count(facts.totals.amount.runs, "run")
    added = page.not_metered_runs
    if not added:
        yield "The metered work of this project took "
    elif added == facts.totals.amount.runs:
        yield "The work of this project, added by hand or imported and not metered, "
        yield "took "
    else:
        yield f"The work of this project, {added:,} of its runs added by hand or "
        yield "imported and not metered, took "
    if facts.compute.gpus:
        yield page.known("GPUHours")
        yield " on "
        yield page.known("GPUModels")
        yield f" in {runs}"
    else:
        yield page.known("RunTime")
        yield f" of run time in {runs} without a GPU"
    first, last = page.known("FirstDay"), page.known("LastDay")
    yield " on " if first.text == last.text else ", from "
    yield first
    if first.text != last.text:
        yield " to "
        yield last
    yield " (UTC). "


def _energy(page: Page) -> Iterator[Inline | str]:
    totals = page.facts.totals
    amount = totals.amount
    if amount.energy_it_kwh is None:
        yield "Its energy was not measured, so there is no figure of CO2e. "
        return
    read = "have a figure" if page.not_metered_runs else "were read"
    yield f"The components that {read} used "
    yield page.known("EnergyIT")
    known = amount.energy_uncertainty_kwh is not None
    yield " (95 % interval)" if known else " (uncertainty not known)"
    yield f": {_bases(page)}. "
    if amount.unmeasured_runs:
        unmeasured = count(amount.unmeasured_runs, "run")
        verb = "has" if amount.unmeasured_runs == 1 else "have"
        yield f"{unmeasured} {verb} no energy figure and add nothing to it. "


def _bases(page: Page) -> str:
    """Say which part was measured and which modelled: never one figure for both."""
    totals = page.facts.totals
    whole = totals.amount.energy_it_kwh or 0.0
    parts = (
        ("measured or integrated from power readings", totals.energy_measured_kwh),
        ("estimated by models", totals.energy_modelled_kwh),
        ("simulated", totals.energy_simulated_kwh),
        ("by a method that is not recorded", unrecorded_kwh(totals.amount)),
    )
    known = [(name, kwh) for name, kwh in parts if kwh]
    if len(known) == 1:
        return f"all of it {known[0][0]}"
    return listed([f"{percent(kwh / whole)} {name}" for name, kwh in known if whole])


def unrecorded_kwh(amount: Amount) -> float:
    """Return the energy of which no method is known."""
    by_method = amount.energy_by_method_kwh
    return sum(kwh for method, kwh in by_method.items() if method not in BASES)


def _carbon(page: Page) -> Iterator[Inline | str]:
    totals = page.facts.totals
    amount = totals.amount
    if amount.energy_it_kwh is None:
        return
    yield "With a PUE of "
    yield page.known("PUE")
    yield f" ({pue_sources(totals.supplies)}) the facility used "
    yield page.known("EnergyFacility")
    if amount.co2e_kg is None:
        yield ". No carbon intensity is known, so there is no figure of CO2e. "
        return
    yield ". At "
    yield page.known("Intensity")
    yield f" ({_places(page)}) this is "
    yield page.known("CarbonMid")
    yield " CO2e, location-based"
    if totals.range_covers:
        yield ", between "
        yield page.known("CarbonLow")
        yield " and "
        yield page.known("CarbonHigh")
    yield ". "


def pue_sources(supplies: tuple[Supply, ...]) -> str:
    """Return where the PUE comes from."""
    sources = list(dict.fromkeys(s.pue_source for s in supplies if s.pue_source))
    return "; ".join(sources) or "source not stated"


def _places(page: Page) -> str:
    supplies = [s for s in page.facts.totals.supplies if s.g_per_kwh is not None]
    places = []
    for supply in supplies:
        year = str(supply.year) if supply.year else "year not stated"
        kind = word(INTENSITY_KINDS, supply.kind)
        zone = f"{supply.zone}, assumed" if supply.is_assumed else supply.zone
        source = "" if supply.source == supply.zone else supply.source
        places.append(", ".join(p for p in (zone, year, kind, source) if p))
    unique = list(dict.fromkeys(places))
    return unique[0] if len(unique) == 1 else f"{len(unique)} sources, in Totals"


def _split(page: Page) -> Iterator[Inline | str]:
    split = page.facts.reported
    if not split.is_known:
        yield "How much of it was for the reported results is not stated: "
        yield f"{missing_split(page)}. "
        return
    _, of_what = reported_fraction(page)
    yield "The runs behind the reported results ("
    yield f"{listed(split.purposes)}) took "
    yield page.known("ReportedShare")
    yield f" of the {of_what}"
    if split.energy_fraction is not None:
        yield " and "
        yield page.known("ReportedEnergyShare")
        yield " of the energy"
    yield "; all other runs, failed ones among them, took the rest. "


def missing_split(page: Page) -> str:
    """Say why there is no split, as a clause."""
    split = page.facts.reported
    reasons = {
        "untagged-runs": f"{count(split.untagged_runs, 'run')} "
        f"{'has' if split.untagged_runs == 1 else 'have'} no purpose",
        "no-reported-runs": f"no finished run is tagged {listed(split.purposes, 'or')}",
        "no-runs": "there are no runs",
    }
    return " and ".join(reasons[code] for code in split.missing if code in reasons) or (
        "the tags do not tell"
    )


def _label(page: Page) -> tuple[Inline, ...]:
    if page.facts.totals.amount.energy_it_kwh is None:
        return ()
    return (Text("Quality of the energy figures: "), page.known("Quality"), Text("."))
