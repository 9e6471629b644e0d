"""Companions for a model card: Hugging Face metadata, impact list, climate card.

The Hub reads ``co2_eq_emissions.emissions`` in grams, by a pattern that knows no
exponent (``1.2e-05`` reads as 1.2): grams are written as plain decimals, and a figure
below 0.0001 g not at all.  Fields as in Hugging Face's hub-docs; the climate card is
that of Hershcovich et al. 2022 (doi:10.18653/v1/2022.emnlp-main.159).  Imports
`report.appendix` and `report.compose`; pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from jupyter_green.report.appendix.facts import Amount, Appendix
from jupyter_green.report.compose.page import NOT_STATED, Page
from jupyter_green.report.compose.units import percent, plain_number
from jupyter_green.report.compose.values import (
    carbon,
    carbon_width,
    energy,
    gpu_models,
    name_values,
)
from jupyter_green.report.render.escape import markdown, tidy

G_PER_KG = 1000.0
LEAST_G = 0.0001  # the smallest figure that the Hub's pattern reads rightly
DIGITS = 3
NO_CARD = "not stated"


def model_card(facts: Appendix) -> str:
    """Return the page: metadata between ``---``, the list, the card."""
    page = Page(facts=facts)
    name_values(page)
    lines = [
        "---",
        *metadata(facts),
        "---",
        "",
        "## Environmental Impact",
        "",
        *_impact(page),
        "",
        "### Climate performance",
        "",
        *_climate(page),
        "",
        *_notes(page),
    ]
    return "\n".join(lines).rstrip() + "\n"


def metadata(facts: Appendix) -> Iterator[str]:
    """Yield the lines of ``co2_eq_emissions``, for the card's YAML block."""
    page = Page(facts=facts)
    grams = plain_grams(facts.totals.amount)
    if grams is None:
        yield f"# co2_eq_emissions: {_why_not(facts.totals.amount)}"
        return
    yield "co2_eq_emissions:"
    yield f"  emissions: {grams}  # grams of CO2e, location-based, all recorded runs"
    source = "jupyter_green, from the records of the energy report"
    if facts.totals.energy_simulated_kwh:
        source = f"SIMULATED: {source}"
    yield f"  source: {_quoted(source)}"
    author = facts.author
    if author.training_type:
        yield f"  training_type: {_quoted(author.training_type)}"
    if place := _place(page):
        yield f"  geographical_location: {_quoted(place)}"
    yield f"  hardware_used: {_quoted(_hardware(page))}"


def plain_grams(amount: Amount) -> str | None:
    """Return grams as a plain decimal as fine as is known; None: none to be written."""
    if amount.co2e_kg is None:
        return None
    grams = amount.co2e_kg * G_PER_KG
    if grams < LEAST_G:
        return None
    width = carbon_width(amount)
    # As the page has it: two digits of a width that starts with 1 or 2, else one.
    known = width * G_PER_KG if width else grams
    first, _, power = f"{known:e}".partition("e")
    exponent = int(power)
    digits = (1 if first[0] >= "3" else 2) if width else DIGITS
    decimals = min(digits - 1 - exponent, 4)
    text = f"{round(grams, decimals):.{max(decimals, 0)}f}"
    return text if float(text) >= LEAST_G else f"{grams:.4f}"


def _why_not(amount: Amount) -> str:
    if amount.energy_it_kwh is None:
        return "TODO, no energy was measured"
    if amount.co2e_kg is None:
        return "TODO, no carbon intensity is known: state a country"
    return "below 0.0001 g, which the Hub cannot read"


def _quoted(text: str) -> str:
    # A JSON string is a YAML string.
    return json.dumps(tidy(text), ensure_ascii=False)


def _place(page: Page) -> str:
    author = page.facts.author
    if author.withhold_location:
        return ""
    if author.location:
        return author.location
    zones = dict.fromkeys(
        supply.zone
        for supply in page.facts.totals.supplies
        if supply.zone and not supply.is_assumed
    )
    return ", ".join(zones)


def _hardware(page: Page) -> str:
    if page.facts.compute.gpus:
        return gpu_models(page)
    models = dict.fromkeys(
        m.cpu_model for m in page.facts.compute.machines if m.cpu_model
    )
    return ", ".join(models) or "hardware not recorded"


def _hours(page: Page, amount: Amount | None) -> str:
    if amount is None:
        return "not told apart: runs are not tagged"
    if page.facts.compute.gpus:
        return f"{page.hours.number(amount.gpu_hours)} GPU-hours"
    return f"{page.time.of(amount.run_time_s)} of run time, no GPU"


def _impact(page: Page) -> Iterator[str]:
    amount = page.facts.totals.amount
    author = page.facts.author
    rows = (
        ("Hardware Type", _hardware(page)),
        ("Hours used", _hours(page, amount)),
        ("Cloud Provider", author.cloud_provider or NOT_STATED),
        ("Compute Region", _place(page) or NOT_STATED),
        (
            "Carbon Emitted",
            f"{carbon(page.mass, amount, amount.co2e_kg)}{_range(page)}",
        ),
    )
    for name, text in rows:
        yield f"- **{name}:** {markdown(tidy(text))}"


def _range(page: Page) -> str:
    amount = page.facts.totals.amount
    if amount.co2e_kg is None or not page.facts.totals.range_covers:
        return " CO2e, location-based" if amount.co2e_kg is not None else ""
    low = carbon(page.mass, amount, amount.co2e_low_kg)
    high = carbon(page.mass, amount, amount.co2e_high_kg)
    return f" CO2e, location-based ({low} to {high})"


def _climate(page: Page) -> Iterator[str]:
    yield "| question | answer |"
    yield "| --- | --- |"
    for number, (question, answer) in enumerate(_questions(page), 1):
        yield f"| {number}. {question} | {markdown(tidy(answer))} |"


def _questions(page: Page) -> Iterator[tuple[str, str]]:
    facts, author = page.facts, page.facts.author
    amount, reported = facts.totals.amount, facts.reported.reported
    public = {True: "yes", False: "no", None: NO_CARD}[author.is_public]
    yield "Is the resulting model publicly available?", public
    yield (
        "How much time does the training of the final model take?",
        _hours(page, reported),
    )
    yield (
        "How much time did all experiments take (including hyperparameter search)?",
        _hours(page, amount),
    )
    known = energy(page.energy, amount.energy_it_kwh, amount.energy_uncertainty_kwh)
    yield "What was the energy consumption (GPU/CPU)?", f"{known}{_basis(page)}"
    yield (
        "At which geographical location were the computations performed?",
        _place(page) or NO_CARD,
    )
    yield "What was the energy mix at the location?", page.known("Intensity").text
    yield (
        "How much CO2eq was emitted to train the final model?",
        "not told apart: runs are not tagged"
        if reported is None
        else carbon(page.mass, reported, reported.co2e_kg),
    )
    yield (
        "How much CO2eq was emitted for all experiments?",
        carbon(page.mass, amount, amount.co2e_kg),
    )
    per_unit = facts.optional.operational_g_per_unit
    yield (
        "What is the average CO2eq emission for the inference of one sample?",
        NO_CARD if per_unit is None else page.known("CarbonPerUnit").text,
    )
    yield (
        "Which positive environmental impact can be expected from this work?",
        author.impact or NO_CARD,
    )
    yield "Comments", author.comments or "none"


def _basis(page: Page) -> str:
    """Say what is behind the energy: never an estimate without its name."""
    amount = page.facts.totals.amount
    whole = amount.energy_it_kwh
    if not whole:
        return ""
    names = {
        "counter": "measured by counters",
        "integrated": "integrated from power readings",
        "estimated": "estimated by models",
        "simulated": "SIMULATED",
    }
    parts = [
        f"{percent(kwh / whole)} {names.get(method, method)}"
        for method, kwh in amount.energy_by_method_kwh.items()
    ]
    return f" ({', '.join(parts)})"


def _notes(page: Page) -> Iterator[str]:
    author = page.facts.author
    if author.parameters is not None:
        yield f"Parameters: {plain_number(author.parameters)}."
    yield (
        "The figures hold all recorded runs, failed ones too; the energy report has "
        "boundary, method and limitations."
    )
