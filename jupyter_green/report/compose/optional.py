"""What follows from figures that only the authors can state; each part only if so."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_green.report.compose.page import NOT_STATED, Page, paragraph
from jupyter_green.report.compose.units import percent, plain_number
from jupyter_green.report.document import Block, Paragraph, Section


def optional(page: Page) -> Section | None:
    """Return the section; None if the authors state nothing for it."""
    blocks: list[Block] = [
        *_embodied(page),
        *_water(page),
        *_sci(page),
        *_cost(page),
        *_others(page),
    ]
    if not blocks:
        return None
    return Section(
        title="Embodied emissions, water, functional unit, cost",
        label="optional",
        blocks=tuple(blocks),
    )


def _embodied(page: Page) -> Iterator[Paragraph]:
    facts, author = page.facts.optional, page.facts.author
    if facts.embodied_kg is None:
        return
    yield paragraph(
        "Making the GPUs counts with ",
        page.known("CarbonEmbodied"),
        f" CO2e: {plain_number(author.embodied_kg_per_gpu)} kg for each GPU, spread "
        f"over {plain_number(author.lifetime_h)} h, times the GPU-hours "
        f"(source: {author.embodied_source or NOT_STATED}). That is "
        f"{percent(facts.embodied_fraction)} of embodied and operational CO2e "
        "together, and in no other total of this report.",
        lead="Embodied.",
    )


def _water(page: Page) -> Iterator[Paragraph]:
    if page.facts.optional.water_low_l is None:
        return
    source = page.facts.author.water_source or NOT_STATED
    yield paragraph(
        "Between ",
        page.known("WaterLow"),
        " and ",
        page.known("WaterHigh"),
        " of water were used on the site and for the electricity "
        f"(factors: {source}). Such factors differ tenfold between sources: this is "
        "a range and no measurement.",
        lead="Water.",
    )


def _sci(page: Page) -> Iterator[Paragraph]:
    facts, author = page.facts.optional, page.facts.author
    if facts.operational_g_per_unit is None:
        return
    units = plain_number(author.functional_units)
    if facts.sci_g_per_unit is None:
        yield paragraph(
            "The reported work gave ",
            f"{units} x {author.functional_unit or 'functional unit'}: ",
            page.known("EnergyPerUnit"),
            " and ",
            page.known("CarbonPerUnit"),
            ". Without embodied emissions this is an operational intensity and not "
            "the Software Carbon Intensity.",
            lead="Functional unit.",
        )
        return
    yield paragraph(
        "The Software Carbon Intensity ",
        page.cite("sci"),
        " is ",
        page.known("SCI"),
        f" ({units} of them), with embodied emissions; ",
        page.known("CarbonPerUnit"),
        " of it are operational.",
        lead="SCI.",
    )


def _cost(page: Page) -> Iterator[Paragraph]:
    facts, author = page.facts.optional, page.facts.author
    if facts.cost_compute is not None:
        yield paragraph(
            "The GPU-hours cost ",
            page.known("CostCompute"),
            f", at {plain_number(author.price_per_gpu_hour)} {author.currency} for a "
            "GPU-hour as the authors state.",
            lead="Cost of computing.",
        )
    if facts.cost_energy is not None:
        yield paragraph(
            "The facility's energy cost ",
            page.known("CostEnergy"),
            f", at {plain_number(author.price_per_kwh)} {author.currency} for a kWh "
            "as the authors state.",
            lead="Cost of energy.",
        )


def _others(page: Page) -> Iterator[Paragraph]:
    facts, author = page.facts.optional, page.facts.author
    if facts.wall_kwh is not None:
        yield paragraph(
            f"At the wall the same work would read {page.energy.of(facts.wall_kwh)}, "
            f"by the authors' factor of {plain_number(author.wall_factor)} "
            f"({author.wall_factor_source or 'how it was found is not stated'}). No "
            "other figure here contains it.",
            lead="At the wall.",
        )
    if facts.flops_per_j is not None:
        yield paragraph(
            f"{plain_number(facts.flops_per_j)} floating-point operations for each "
            "joule of IT energy, with the authors' count.",
            lead="Efficiency.",
        )
    if author.impact:
        yield paragraph(author.impact, lead="Impact, in the authors' words.")
