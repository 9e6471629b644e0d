"""What follows from figures that the authors state: embodied, water, SCI, price.

Each needs all its inputs; without them it is None.  Imports `amounts`, `author` and
the units.
"""

from __future__ import annotations

from jupyter_green.carbon import embodied_share_g, sci
from jupyter_green.report.appendix.amounts import Amount
from jupyter_green.report.appendix.author import AuthorFacts
from jupyter_green.report.appendix.sections import Optional
from jupyter_green.units import G_PER_KG, j_from_kwh


def derive(amount: Amount, author: AuthorFacts) -> Optional:
    """Return what *amount* and the authors' figures give together."""
    it_kwh, facility_kwh = amount.energy_it_kwh, amount.energy_facility_kwh
    embodied_kg = _embodied_kg(amount, author)
    water = _water_l(amount, author)
    units = author.functional_units if (author.functional_units or 0.0) > 0 else None
    return Optional(
        embodied_kg=embodied_kg,
        embodied_fraction=None
        if embodied_kg is None or amount.co2e_kg is None
        else _ratio(embodied_kg, embodied_kg + amount.co2e_kg),
        water_low_l=water and water[0],
        water_high_l=water and water[1],
        sci_g_per_unit=_sci(amount, embodied_kg, units),
        operational_g_per_unit=None
        if amount.co2e_kg is None or units is None
        else amount.co2e_kg * G_PER_KG / units,
        energy_kwh_per_unit=None
        if facility_kwh is None or units is None
        else facility_kwh / units,
        cost_compute=_product(amount.gpu_hours, author.price_per_gpu_hour),
        cost_energy=_product(facility_kwh, author.price_per_kwh),
        wall_kwh=_product(it_kwh, author.wall_factor),
        flops_per_j=None
        if author.flops is None or not it_kwh
        else author.flops / j_from_kwh(it_kwh),
    )


def _embodied_kg(amount: Amount, author: AuthorFacts) -> float | None:
    if author.embodied_kg_per_gpu is None or not author.lifetime_h:
        return None
    share_g = embodied_share_g(
        author.embodied_kg_per_gpu,
        reserved_hours=amount.gpu_hours,
        lifetime_hours=author.lifetime_h,
    )
    return share_g / G_PER_KG


def _water_l(amount: Amount, author: AuthorFacts) -> tuple[float, float] | None:
    """Return litres, ``E_IT x WUE + E_IT x PUE x EWIF``, lower and upper end."""
    site, source = author.water_site_l_per_kwh, author.water_source_l_per_kwh
    it_kwh, facility_kwh = amount.energy_it_kwh, amount.energy_facility_kwh
    if it_kwh is None or facility_kwh is None or site is None or source is None:
        return None
    low, high = (
        it_kwh * on_site + facility_kwh * off_site
        for on_site, off_site in zip(site, source, strict=True)
    )
    return low, high


def _sci(
    amount: Amount, embodied_kg: float | None, units: float | None
) -> float | None:
    if embodied_kg is None or units is None or amount.co2e_kg is None:
        return None
    # E x I of the standard is what `co2e_kg` is already, PUE and all.
    return sci(1.0, amount.co2e_kg * G_PER_KG, embodied_kg * G_PER_KG, units)


def _product(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one * other


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
