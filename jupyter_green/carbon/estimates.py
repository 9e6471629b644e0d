"""What the calculator takes and what it gives, as frozen values.

Imports `records`.
"""

from __future__ import annotations

from msgspec import Struct

from jupyter_green.records import Intensity, Pue


class EstimateInput(Struct, frozen=True, kw_only=True):
    """What is known about the work; None where a figure is not given.

    Attributes:
        intensity: Carbon intensity of the electricity.
        pue: Power usage effectiveness of the place.
        gpu: Name of the accelerator.
        power_w: Mean power of one accelerator in watts; wins over `gpu`.
        count: Number of accelerators; None: one.
        hours: Wall-clock hours.
        gpu_hours: Hours of all accelerators together; else `count` x `hours`.
        utilisation: Fraction of their power that accelerators and processor draw.
        cpu_cores: Number of processor cores in all.
        cpu_power_per_core_w: Watts of one core under full load.
        memory_gb: Gigabytes of memory in all; its power does not depend on load.
        memory_power_per_gb_w: Watts of a gigabyte.
        energy_kwh: Energy of the IT equipment in kWh, if it is known; wins over the
            model.
    """

    intensity: Intensity
    pue: Pue = Pue()
    gpu: str | None = None
    power_w: float | None = None
    count: int | None = None
    hours: float | None = None
    gpu_hours: float | None = None
    utilisation: float | None = None
    cpu_cores: float | None = None
    cpu_power_per_core_w: float | None = None
    memory_gb: float | None = None
    memory_power_per_gb_w: float | None = None
    energy_kwh: float | None = None


class Estimate(Struct, frozen=True, kw_only=True):
    """The result, at full precision, with what it rests on.

    Attributes:
        energy_it_kwh: Energy of the IT equipment in kWh.
        energy_facility_kwh: That times PUE, applied once.
        co2e_kg: Kilograms of CO2e of the facility's energy.
        co2e_low_kg: The same at the low end of the intensity, if it has a range.
        co2e_high_kg: The same at its high end.
        energy_modelled_kwh: Energy from powers and hours; None without them.
        gpu_kwh: Part of the modelled energy drawn by accelerators.
        cpu_kwh: Part drawn by processor cores.
        memory_kwh: Part drawn by memory.
        gpu_name: The accelerator in the table that was used.
        gpu_power_w: Watts of one accelerator at full load.
        gpu_hours: Hours of all accelerators together.
        intensity: The intensity used.
        pue: The PUE used.
        warnings: Contradictions and implausible figures.
        assumptions: What was taken where nothing was said.
    """

    energy_it_kwh: float
    energy_facility_kwh: float
    co2e_kg: float
    co2e_low_kg: float | None
    co2e_high_kg: float | None
    energy_modelled_kwh: float | None
    gpu_kwh: float | None
    cpu_kwh: float | None
    memory_kwh: float | None
    gpu_name: str | None
    gpu_power_w: float | None
    gpu_hours: float | None
    intensity: Intensity
    pue: Pue
    warnings: tuple[str, ...]
    assumptions: tuple[str, ...]
