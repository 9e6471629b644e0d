"""The cost of work that was not metered, from powers, hours and an intensity.

``energy = hours x power x utilisation``; ``CO2e = energy x PUE x intensity``.  Board
powers are what vendors specify: nothing here is measured, and every assumption made is
in the result.  Pure but for reading the table of accelerators.  Imports `accelerators`,
`estimates`, `records`, `units` and `errors`.

    >>> from jupyter_green.records import Intensity
    >>> result = estimate(EstimateInput(power_w=400.0, gpu_hours=1_082_990.0,
    ...     intensity=Intensity(g_per_kwh=57.0, zone="FRA", source="BLOOM")))
    >>> result.energy_it_kwh
    433196.0
"""

from __future__ import annotations

from jupyter_green.carbon import plausibility
from jupyter_green.carbon.accelerators import Match, match
from jupyter_green.carbon.estimates import Estimate, EstimateInput
from jupyter_green.errors import EstimateError
from jupyter_green.records import Pue
from jupyter_green.units import G_PER_KG, co2e_g, j_from_kwh

W_PER_KW = 1000.0
# Lannelongue et al. 2021, Green Algorithms (doi:10.1002/advs.202100707): 0.3725 W/GB.
MEMORY_POWER_PER_GB_W = 0.3725


class _Work:
    """One estimate in the making: the input, and what was said about it on the way."""

    def __init__(self, given: EstimateInput) -> None:
        self.given = given
        self.warnings: list[str] = []
        self.assumptions: list[str] = []
        self.gpu_name: str | None = None
        self.gpu_power_w: float | None = None
        self.gpu_hours: float | None = None
        self.hours: float | None = given.hours

    @property
    def has_gpu(self) -> bool:
        return self.given.gpu is not None or self.given.power_w is not None

    @property
    def has_parts(self) -> bool:
        given = self.given
        return (
            self.has_gpu or given.cpu_cores is not None or given.memory_gb is not None
        )


def estimate(given: EstimateInput) -> Estimate:
    """Return energy in kWh and CO2e in kg for the work in *given*.

    Raises:
        EstimateError: A figure is missing or impossible, or a name is unknown.
    """
    plausibility.check_possible(given)
    work = _Work(given)
    work.warnings += plausibility.warnings(given)
    gpu_kwh = cpu_kwh = memory_kwh = modelled = None
    if _is_modelled(work):
        _settle_gpu_power(work)
        _settle_hours(work)
        gpu_kwh, cpu_kwh, memory_kwh = _gpu(work), _cpu(work), _memory(work)
        modelled = sum(p for p in (gpu_kwh, cpu_kwh, memory_kwh) if p is not None)
        _note_utilisation(work)
    energy_kwh = _settle_energy(work, modelled)
    if given.pue == Pue():
        work.assumptions.append("PUE 1: IT equipment only, no cooling or losses")
    if given.intensity.assumed:
        work.assumptions.append(given.intensity.note or "the intensity is a default")
    low, high = given.intensity.low_g_per_kwh, given.intensity.high_g_per_kwh
    return Estimate(
        energy_it_kwh=energy_kwh,
        energy_facility_kwh=energy_kwh * given.pue.value,
        co2e_kg=_co2e_kg(energy_kwh, given.intensity.g_per_kwh, given.pue),
        co2e_low_kg=None if low is None else _co2e_kg(energy_kwh, low, given.pue),
        co2e_high_kg=None if high is None else _co2e_kg(energy_kwh, high, given.pue),
        energy_modelled_kwh=modelled,
        gpu_kwh=gpu_kwh,
        cpu_kwh=cpu_kwh,
        memory_kwh=memory_kwh,
        gpu_name=work.gpu_name,
        gpu_power_w=work.gpu_power_w,
        gpu_hours=work.gpu_hours,
        intensity=given.intensity,
        pue=given.pue,
        warnings=tuple(work.warnings),
        assumptions=tuple(work.assumptions),
    )


def _is_modelled(work: _Work) -> bool:
    given = work.given
    has_time = given.hours is not None or given.gpu_hours is not None
    if work.has_parts and has_time:
        return True
    if given.energy_kwh is None:
        raise EstimateError(
            "there is not enough to estimate from",
            why="hours are missing" if work.has_parts else "no power is given",
            remedy="Give a GPU, a power, CPU cores or memory, with hours or GPU-hours; "
            "or the energy in kWh",
        )
    if work.has_parts or has_time:
        work.warnings.append(
            "the energy is given: hours and powers are incomplete and not used"
        )
    return False


def _settle_gpu_power(work: _Work) -> None:
    given = work.given
    if not work.has_gpu:
        if given.gpu_hours is not None:
            raise EstimateError(
                "GPU-hours are given without a GPU",
                remedy="Name the GPU or give its power; give plain hours for CPU work",
            )
        if given.count is not None:
            work.warnings.append("the count has no effect: no GPU or power is given")
        return
    found = match(given.gpu) if given.gpu is not None else None
    work.gpu_power_w = given.power_w
    if found is None:
        return
    board = found.accelerator
    work.gpu_name = board.name
    if given.power_w is None:
        work.gpu_power_w = board.power_w
        work.assumptions += _board_notes(given.gpu or "", found)
    elif plausibility.disagree(given.power_w, board.power_w, 0.1):
        work.warnings.append(
            f"the stated power of {given.power_w:g} W is used; the board power of "
            f"{board.name} is {board.power_w:g} W"
        )


def _board_notes(asked: str, found: Match) -> list[str]:
    board = found.accelerator
    power = f"{board.name} draws its board power of {board.power_w:g} W"
    notes = [f"{power}, specified ({board.source}), not measured"]
    if found.others:
        rest = ", ".join(f"{row.name} ({row.power_w:g} W)" for row in found.others)
        notes.append(f"{asked!r} could also be {rest}: the highest power is taken")
    if board.note:
        notes.append(f"{board.name}: {board.note}")
    return notes


def _settle_hours(work: _Work) -> None:
    given = work.given
    count = 1 if given.count is None else given.count
    work.gpu_hours = given.gpu_hours
    if given.gpu_hours is None:
        if work.has_gpu and given.hours is not None:
            work.gpu_hours = count * given.hours
        return
    if given.hours is not None:
        product = count * given.hours
        if plausibility.disagree(product, given.gpu_hours, 0.005):
            work.warnings.append(
                f"{given.gpu_hours:.10g} GPU-hours are used, but {count} x "
                f"{given.hours:.10g} h are {product:.10g}"
            )
    elif given.cpu_cores is not None or given.memory_gb is not None:
        work.hours = given.gpu_hours / count
        work.assumptions.append(
            f"processor and memory ran for {work.hours:g} h: GPU-hours by {count} "
            + ("GPU" if count == 1 else "GPUs")
        )


def _gpu(work: _Work) -> float | None:
    if work.gpu_hours is None or work.gpu_power_w is None:
        return None
    return work.gpu_hours * work.gpu_power_w * _utilisation(work) / W_PER_KW


def _cpu(work: _Work) -> float | None:
    given = work.given
    if given.cpu_cores is None or work.hours is None:
        return None
    if given.cpu_power_per_core_w is None:
        raise EstimateError(
            "the power of a processor core is missing",
            remedy="Give it in watts: the processor's TDP by its number of cores",
        )
    power_w = given.cpu_cores * given.cpu_power_per_core_w
    return work.hours * power_w * _utilisation(work) / W_PER_KW


def _memory(work: _Work) -> float | None:
    given = work.given
    if given.memory_gb is None or work.hours is None:
        return None
    per_gb_w = given.memory_power_per_gb_w
    if per_gb_w is None:
        per_gb_w = MEMORY_POWER_PER_GB_W
        work.assumptions.append(
            f"memory draws {per_gb_w:g} W/GB (Green Algorithms), whatever its load"
        )
    return work.hours * given.memory_gb * per_gb_w / W_PER_KW


def _utilisation(work: _Work) -> float:
    return 1.0 if work.given.utilisation is None else work.given.utilisation


def _note_utilisation(work: _Work) -> None:
    given = work.given
    # A power stated by the user is a mean power: it needs no word on utilisation.
    at_nominal = given.cpu_cores is not None or (work.has_gpu and given.power_w is None)
    if given.utilisation is not None:
        work.assumptions.append(
            f"utilisation {given.utilisation:g} applies to the power of GPU and "
            "processor, not to memory"
        )
    elif at_nominal:
        work.assumptions.append("utilisation 1: full power all the time")


def _settle_energy(work: _Work, modelled: float | None) -> float:
    stated, pue = work.given.energy_kwh, work.given.pue.value
    if stated is None:
        # `_is_modelled` has refused the case that neither is there.
        return 0.0 if modelled is None else modelled
    work.assumptions.append("the stated energy is that of the IT equipment, before PUE")
    if modelled is None:
        return stated
    if pue > 1.0 and not plausibility.disagree(stated, modelled * pue, 0.01):
        work.warnings.append(
            f"the stated {stated:.10g} kWh are the modelled {modelled:.10g} kWh times "
            f"the PUE of {pue:g}: if they already contain PUE, it is counted twice"
        )
    elif plausibility.disagree(stated, modelled, 0.01):
        work.warnings.append(
            f"the stated {stated:.10g} kWh are used, but powers and hours give "
            f"{modelled:.10g} kWh"
        )
    return stated


def _co2e_kg(energy_kwh: float, g_per_kwh: float, pue: Pue) -> float:
    return co2e_g(j_from_kwh(energy_kwh), g_per_kwh, pue.value) / G_PER_KG
