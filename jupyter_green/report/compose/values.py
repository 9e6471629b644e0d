"""The figures that a paper's body may quote, each with its macro and its one text.

All of them are always defined, so that a paper compiles whatever was measured: what is
missing reads "not measured" or "not stated".  `docs/appendix.md` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from jupyter_green.records import PURPOSES
from jupyter_green.report.appendix.facts import Amount, Supply
from jupyter_green.report.compose.page import (
    GPU_HOURS,
    NOT_MEASURED,
    NOT_RECORDED,
    NOT_STATED,
    Page,
    listed,
)
from jupyter_green.report.compose.units import (
    DIGITS,
    Unit,
    mass_unit,
    percent,
    plain_number,
)

NO_INTENSITY = "no intensity"
NO_RUNS = "no runs"
NO_TAGS = "not tagged"
NO_GPU = "no GPU"
INTENSITY_UNIT = "g CO2e/kWh"


class Quotable(NamedTuple):
    """A figure that may be quoted.

    Attributes:
        meaning: What it is, for the table in the documentation.
        text: Gives its text.
    """

    meaning: str
    text: Callable[[Page], str]


def name_values(page: Page) -> None:
    """Name all figures of a page."""
    for macro, quotable in QUOTABLE.items():
        page.value(macro, quotable.text(page))


def gpu_hours(unit: Unit, hours: float | None) -> str:
    """Return GPU-hours; a rounded figure never says more than was recorded."""
    return NOT_RECORDED if hours is None else f"{unit.number(hours)} {GPU_HOURS}"


def carbon_width(amount: Amount) -> float | None:
    """Return half the width of the CO2e's range, by which it is rounded."""
    low, high = amount.co2e_low_kg, amount.co2e_high_kg
    if low is None or high is None or high <= low:
        return None
    return (high - low) / 2


def carbon(unit: Unit, amount: Amount, kg: float | None) -> str:
    """Return kg CO2e as finely as its range allows."""
    if kg is None:
        return NO_INTENSITY if amount.energy_it_kwh is not None else NOT_MEASURED
    return unit.rounded(kg, carbon_width(amount))


def energy(unit: Unit, kwh: float | None, uncertainty_kwh: float | None = None) -> str:
    """Return kWh with their uncertainty."""
    return unit.of(kwh, uncertainty_kwh)


def facility(unit: Unit, amount: Amount) -> str:
    """Return the facility's energy, rounded as the energy that it comes from."""
    return unit.of(amount.energy_facility_kwh, facility_width(amount))


def facility_width(amount: Amount) -> float | None:
    """Return the half-width of the facility's energy: that of IT energy, scaled."""
    whole, part = amount.energy_facility_kwh, amount.energy_it_kwh
    if whole is None or not part or amount.energy_uncertainty_kwh is None:
        return None
    return amount.energy_uncertainty_kwh * whole / part


def range_of(values: list[float], digits: int = DIGITS) -> str:
    """Return one figure where all are equal, else the smallest and the largest."""
    texts = list(dict.fromkeys(plain_number(v, digits) for v in sorted(values)))
    return texts[0] if len(texts) == 1 else f"{texts[0]} to {texts[-1]}"


def intensities(supplies: tuple[Supply, ...]) -> str:
    """Return the intensity of all energy that has one."""
    known = [s.g_per_kwh for s in supplies if s.g_per_kwh is not None]
    return f"{range_of(known)} {INTENSITY_UNIT}" if known else "not known"


def pues(supplies: tuple[Supply, ...]) -> str:
    """Return the PUE of all energy."""
    return range_of([supply.pue for supply in supplies]) if supplies else NOT_STATED


def gpu_models(page: Page) -> str:
    """Return the GPUs, such as ``8 x NVIDIA H100``."""
    groups = [group for group in page.facts.compute.groups if group.kind == "gpu"]
    names = [f"{group.count} x {group.name or 'unnamed GPU'}" for group in groups]
    return listed(names) or NO_GPU


def _gpu_hours(page: Page) -> str:
    if not page.facts.compute.gpus:
        return f"0 {GPU_HOURS}"
    return gpu_hours(page.hours, page.facts.totals.amount.gpu_hours)


def _kind(page: Page, *kinds: str) -> str:
    by_kind = page.facts.totals.amount.energy_by_kind_kwh
    known = [by_kind[kind] for kind in kinds if kind in by_kind]
    return page.energy.of(sum(known)) if known else NOT_MEASURED


def _relative(page: Page) -> str:
    relative = page.facts.uncertainty.relative
    return "not known" if relative is None else percent(relative)


def _carbon_end(page: Page, name: str) -> str:
    amount = page.facts.totals.amount
    return carbon(page.mass, amount, getattr(amount, name))


def _idle(page: Page) -> str:
    idle = page.facts.totals.idle
    if idle is None or idle.idle_fraction is None:
        return NOT_MEASURED
    return percent(idle.idle_fraction)


def _day(text: str) -> str:
    return text[:10] or "not known"


def _reported(page: Page, of: Callable[[Amount], str], name: str) -> str:
    amount: Amount | None = getattr(page.facts.reported, name)
    return NO_TAGS if amount is None else of(amount)


def _share(fraction: float | None, *, is_known: bool) -> str:
    return percent(fraction) if is_known else NO_TAGS


def reported_fraction(page: Page) -> tuple[float | None, str]:
    """Return the reported share and what it is a share of: GPU-hours, if there are."""
    split = page.facts.reported
    if split.gpu_hours_fraction is not None:
        return split.gpu_hours_fraction, GPU_HOURS
    return split.time_fraction, "run time"


def _part(page: Page, key: str, of: Callable[[Amount], str]) -> str:
    for part in page.facts.by_purpose:
        if part.key == key:
            return of(part.amount)
    return NO_RUNS


def _part_share(page: Page, key: str) -> str:
    for part in page.facts.by_purpose:
        if part.key == key:
            return percent(part.energy_fraction)
    return NO_RUNS


def _optional(name: str, say: Callable[[Page, float], str]) -> Callable[[Page], str]:
    def text(page: Page) -> str:
        figure = getattr(page.facts.optional, name)
        return NOT_STATED if figure is None else say(page, figure)

    return text


def _money(page: Page, figure: float) -> str:
    return f"{figure:,.2f} {page.facts.author.currency}".strip()


def _mass(_: Page, figure: float) -> str:
    return mass_unit(figure).of(figure)


def _litres(_: Page, figure: float) -> str:
    return f"{plain_number(figure)} L"


def _per_unit(page: Page, figure: float) -> str:
    unit = page.facts.author.functional_unit or "functional unit"
    return f"{plain_number(figure)} g CO2e per {unit}"


def _energy_per_unit(page: Page, figure: float) -> str:
    from jupyter_green.report.compose.units import energy_unit  # noqa: PLC0415 - one use

    unit = page.facts.author.functional_unit or "functional unit"
    return f"{energy_unit(figure).of(figure)} per {unit}"


_WHOLE: Mapping[str, Quotable] = {
    "Runs": Quotable(
        "metered runs that count", lambda p: f"{p.facts.totals.amount.runs:,}"
    ),
    "FailedRuns": Quotable(
        "those that ended by an error, an interrupt or a kill",
        lambda p: f"{p.facts.totals.amount.failed_runs:,}",
    ),
    "Notebooks": Quotable("notebooks", lambda p: f"{p.facts.extent.notebooks:,}"),
    "Sessions": Quotable(
        "kernel sessions, scripts and commands",
        lambda p: f"{p.facts.extent.sessions:,}",
    ),
    "FirstDay": Quotable(
        "UTC day of the first run", lambda p: _day(p.facts.extent.first_start)
    ),
    "LastDay": Quotable(
        "UTC day of the last run's end", lambda p: _day(p.facts.extent.last_end)
    ),
    "Machines": Quotable("machines", lambda p: f"{len(p.facts.compute.machines):,}"),
    "GPUs": Quotable("number of GPUs", lambda p: f"{p.facts.compute.gpus:,}"),
    "GPUModels": Quotable("the GPUs by name", gpu_models),
    "GPUHours": Quotable("GPU-hours allocated", _gpu_hours),
    "GPUHoursBusy": Quotable(
        "GPU-hours in which GPUs computed",
        lambda p: gpu_hours(p.hours, p.facts.compute.gpu_hours_busy),
    ),
    "RunTime": Quotable(
        "sum of all runs' durations", lambda p: p.time.of(p.facts.compute.run_time_s)
    ),
    "WallTime": Quotable(
        "time in which at least one run ran",
        lambda p: p.time.of(p.facts.compute.wall_time_s),
    ),
    "EnergyIT": Quotable(
        "energy of the metered components, with its 95 % interval",
        lambda p: energy(
            p.energy,
            p.facts.totals.amount.energy_it_kwh,
            p.facts.totals.amount.energy_uncertainty_kwh,
        ),
    ),
    "EnergyUncertainty": Quotable("that interval's half-width, relative", _relative),
    "EnergyMeasured": Quotable(
        "its part from counters and power readings",
        lambda p: p.energy.of(p.facts.totals.energy_measured_kwh),
    ),
    "EnergyModelled": Quotable(
        "its part from models",
        lambda p: p.energy.of(p.facts.totals.energy_modelled_kwh),
    ),
    "EnergyGPU": Quotable("its part from GPUs", lambda p: _kind(p, "gpu")),
    "EnergyCPU": Quotable("its part from processors", lambda p: _kind(p, "cpu", "soc")),
    "EnergyMemory": Quotable("its part from memory", lambda p: _kind(p, "dram", "ram")),
    "IdleShare": Quotable(
        "idle energy over gross energy, where idle power was measured", _idle
    ),
    "PUE": Quotable(
        "power usage effectiveness", lambda p: pues(p.facts.totals.supplies)
    ),
    "EnergyFacility": Quotable(
        "energy of the facility: IT energy times PUE",
        lambda p: facility(p.energy, p.facts.totals.amount),
    ),
    "Intensity": Quotable(
        "carbon intensity of the electricity",
        lambda p: intensities(p.facts.totals.supplies),
    ),
    "CarbonMid": Quotable("CO2e, location-based", lambda p: _carbon_end(p, "co2e_kg")),
    "CarbonLow": Quotable(
        "lower end of its range", lambda p: _carbon_end(p, "co2e_low_kg")
    ),
    "CarbonHigh": Quotable(
        "upper end of its range", lambda p: _carbon_end(p, "co2e_high_kg")
    ),
    "CarbonMarket": Quotable(
        "CO2e by contracts, market-based",
        lambda p: (
            NOT_STATED
            if p.facts.totals.market_based_kg is None
            else mass_unit(p.facts.totals.market_based_kg).of(
                p.facts.totals.market_based_kg
            )
        ),
    ),
    "Quality": Quotable(
        "the quality label, Q0 to Q3", lambda p: f"Q{p.facts.quality.level}"
    ),
    "ReportedRuns": Quotable(
        "runs behind the paper's results, by their tags",
        lambda p: _reported(p, lambda a: f"{a.runs:,}", "reported"),
    ),
    "ReportedGPUHours": Quotable(
        "their GPU-hours",
        lambda p: _reported(p, lambda a: gpu_hours(p.hours, a.gpu_hours), "reported"),
    ),
    "OtherGPUHours": Quotable(
        "GPU-hours of all other runs",
        lambda p: _reported(p, lambda a: gpu_hours(p.hours, a.gpu_hours), "other"),
    ),
    "ReportedShare": Quotable(
        "reported runs' share of GPU-hours, of run time where there is no GPU",
        lambda p: _share(reported_fraction(p)[0], is_known=p.facts.reported.is_known),
    ),
    "ReportedRunTime": Quotable(
        "the reported runs' durations",
        lambda p: _reported(p, lambda a: p.time.of(a.run_time_s), "reported"),
    ),
    "OtherRunTime": Quotable(
        "durations of all other runs",
        lambda p: _reported(p, lambda a: p.time.of(a.run_time_s), "other"),
    ),
    "ReportedEnergy": Quotable(
        "energy of the reported runs",
        lambda p: _reported(
            p,
            lambda a: energy(p.energy, a.energy_it_kwh, a.energy_uncertainty_kwh),
            "reported",
        ),
    ),
    "ReportedEnergyShare": Quotable(
        "their share of the energy",
        lambda p: _share(
            p.facts.reported.energy_fraction, is_known=p.facts.reported.is_known
        ),
    ),
    "ReportedCarbon": Quotable(
        "CO2e of the reported runs",
        lambda p: _reported(p, lambda a: carbon(p.mass, a, a.co2e_kg), "reported"),
    ),
    "Parameters": Quotable(
        "parameters of the model, as stated",
        lambda p: plain_number(p.facts.author.parameters),
    ),
    "FLOPs": Quotable(
        "floating-point operations, as stated",
        lambda p: plain_number(p.facts.author.flops),
    ),
    "CarbonEmbodied": Quotable(
        "CO2e of making the GPUs, their share", _optional("embodied_kg", _mass)
    ),
    "WaterLow": Quotable(
        "litres of water, lower end", _optional("water_low_l", _litres)
    ),
    "WaterHigh": Quotable(
        "litres of water, upper end", _optional("water_high_l", _litres)
    ),
    "SCI": Quotable(
        "Software Carbon Intensity", _optional("sci_g_per_unit", _per_unit)
    ),
    "CarbonPerUnit": Quotable(
        "operational CO2e per functional unit",
        _optional("operational_g_per_unit", _per_unit),
    ),
    "EnergyPerUnit": Quotable(
        "facility energy per functional unit",
        _optional("energy_kwh_per_unit", _energy_per_unit),
    ),
    "CostCompute": Quotable(
        "price of the GPU-hours", _optional("cost_compute", _money)
    ),
    "CostEnergy": Quotable("price of the energy", _optional("cost_energy", _money)),
}


def _of_part(key: str) -> dict[str, Quotable]:
    """Return the figures of the runs of one purpose."""
    name = key.capitalize()
    what = {
        "failed": "failed runs, whatever their tag",
        "untagged": "runs without a purpose",
    }.get(key, f"runs tagged {key} that did not fail")
    return {
        f"Runs{name}": Quotable(
            f"number of {what}",
            lambda p: _part(p, key, lambda a: f"{a.runs:,}"),
        ),
        f"GPUHours{name}": Quotable(
            f"GPU-hours of {what}",
            lambda p: _part(p, key, lambda a: gpu_hours(p.hours, a.gpu_hours)),
        ),
        f"Energy{name}": Quotable(
            f"energy of {what}",
            lambda p: _part(
                p,
                key,
                lambda a: energy(p.energy, a.energy_it_kwh, a.energy_uncertainty_kwh),
            ),
        ),
        f"Carbon{name}": Quotable(
            f"CO2e of {what}",
            lambda p: _part(p, key, lambda a: carbon(p.mass, a, a.co2e_kg)),
        ),
        f"Share{name}": Quotable(
            f"share in the energy of {what}", lambda p: _part_share(p, key)
        ),
    }


QUOTABLE: Mapping[str, Quotable] = {
    **_WHOLE,
    **{
        macro: quotable
        for key in (*PURPOSES, "failed", "untagged")
        for macro, quotable in _of_part(key).items()
    },
}
