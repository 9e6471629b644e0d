"""Whether figures can be true: what a board draws at most, what time there was.

Imports `hardware` and the facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jupyter_green.report.appendix.facts import Appendix
from jupyter_green.report.appendix.hardware import DeviceFacts
from jupyter_green.report.appendix.quality import MEASURING
from jupyter_green.units import J_PER_KWH

# Boards pass their limit for moments, and the limit itself is one of averages.
LIMIT_TOLERANCE = 0.05
ROUNDING = 1e-9
S_PER_H = 3600.0
W_PER_KW = 1000.0


def implausible_devices(devices: Iterable[DeviceFacts]) -> Iterator[DeviceFacts]:
    """Yield devices with more energy than power limit x time, uncertainty allowed."""
    for device in devices:
        if device.power_limit_w is None or device.energy_kwh is None:
            continue
        if not any(use.method in MEASURING for use in device.methods):
            continue
        most_kwh = device.power_limit_w * device.allocated_h / W_PER_KW
        least_kwh = device.energy_kwh - (device.energy_uncertainty_kwh or 0.0)
        if least_kwh > most_kwh * (1 + LIMIT_TOLERANCE) + ROUNDING:
            yield device


def implausible(facts: Appendix) -> Iterator[str]:
    """Yield a sentence for each figure of a report that cannot be true."""
    amount, compute = facts.totals.amount, facts.compute
    for device in implausible_devices(compute.devices):
        mean_w = (device.energy_kwh or 0.0) * J_PER_KWH / S_PER_H
        mean_w /= device.allocated_h or 1.0
        yield (
            f"{device.key} ({device.name or device.kind}) has {mean_w:.4g} W in the "
            f"mean, more than its power limit of {device.power_limit_w:g} W"
        )
    for name, figure in (
        ("the energy", amount.energy_it_kwh),
        ("the CO2e", amount.co2e_kg),
        ("the GPU-hours", amount.gpu_hours),
        ("the run time", amount.run_time_s),
    ):
        if figure is not None and figure < 0:
            yield f"{name} is negative: {figure:g}"
    most_h = compute.gpus * compute.wall_time_s / S_PER_H
    if compute.gpu_hours > most_h * (1 + ROUNDING) + ROUNDING:
        yield (
            f"{compute.gpu_hours:g} GPU-hours are more than {compute.gpus} GPUs x "
            f"{compute.wall_time_s / S_PER_H:g} h"
        )
    known = [c.energy_kwh for c in facts.totals.components]
    if known and not _is_near(sum(known), amount.energy_it_kwh):
        yield "the components do not add up to the energy"
    parts = [p.amount.energy_it_kwh for p in facts.by_purpose]
    measured = [energy for energy in parts if energy is not None]
    if measured and not _is_near(sum(measured), amount.energy_it_kwh):
        yield "the purposes do not add up to the energy"
    for supply in facts.totals.supplies:
        facility_kwh = supply.energy_it_kwh * supply.pue
        if not _is_near(facility_kwh, supply.energy_facility_kwh):
            yield f"energy x PUE is not the facility energy for {supply.zone!r}"
        elif supply.g_per_kwh is not None and not _is_near(
            facility_kwh * supply.g_per_kwh / W_PER_KW, supply.co2e_kg
        ):
            yield f"energy x PUE x intensity is not the CO2e for {supply.zone!r}"


def _is_near(one: float, other: float | None) -> bool:
    return other is not None and abs(one - other) <= ROUNDING + 1e-6 * abs(one)
