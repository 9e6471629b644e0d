"""Which figures given to the calculator are impossible, and which are doubtful.

Imports `estimates` and `errors`.
"""

from __future__ import annotations

import math

from jupyter_green.carbon.estimates import EstimateInput
from jupyter_green.errors import EstimateError

# Coal is about 1000 g/kWh; Uzbekistan 1168 and Turkmenistan 1306 in the data of 2022.
HIGH_INTENSITY_G_PER_KWH = 1500.0
# The cleanest grids are at some 20 g/kWh over the life cycle.
LOW_INTENSITY_G_PER_KWH = 1.0
# Uptime Institute surveys: the mean is 1.54 to 1.58.
HIGH_PUE = 2.5
# No single board or module in the table but the GB200 superchip draws more.
HIGH_POWER_W = 2500.0
# Server cores draw 3 to 15 W; above this a whole processor was meant, perhaps.
HIGH_CORE_POWER_W = 50.0
HIGH_MEMORY_POWER_PER_GB_W = 5.0
TEN_YEARS_H = 87_660.0

_AMOUNTS = {
    "power_w": "the power",
    "hours": "the number of hours",
    "gpu_hours": "the number of GPU-hours",
    "cpu_cores": "the number of CPU cores",
    "cpu_power_per_core_w": "the power of a CPU core",
    "memory_gb": "the memory",
    "memory_power_per_gb_w": "the power of memory",
    "energy_kwh": "the energy",
    "count": "the number of GPUs",
}


def check_possible(given: EstimateInput) -> None:
    """Refuse what no machine and no grid can have.

    Raises:
        EstimateError: A figure is not finite, negative or out of its range.
    """
    for name, words in _AMOUNTS.items():
        _check(words, getattr(given, name))
    _check("the intensity", given.intensity.g_per_kwh)
    _check("the PUE", given.pue.value)
    if given.pue.value < 1.0:
        raise EstimateError(
            f"the PUE cannot be {given.pue.value:g}",
            why="it is facility energy over IT energy, at least 1",
        )
    if given.count is not None and given.count < 1:
        raise EstimateError("the number of GPUs must be at least 1")
    utilisation = given.utilisation
    _check("the utilisation", utilisation)
    if utilisation is not None and utilisation > 1.0:
        raise EstimateError(
            f"the utilisation cannot be {utilisation:g}",
            why="it is a fraction from 0 to 1",
            remedy=f"If {utilisation:g} % is meant, give {utilisation / 100:g}"
            if utilisation <= 100.0  # noqa: PLR2004 - per cent
            else "",
        )


def warnings(given: EstimateInput) -> list[str]:
    """Return a sentence for each figure that is possible but hardly meant."""
    hours = max(given.hours or 0.0, (given.gpu_hours or 0.0) / (given.count or 1))
    grams = given.intensity.g_per_kwh
    core_w = given.cpu_power_per_core_w or 0.0
    memory_w = given.memory_power_per_gb_w or 0.0
    power_w = given.power_w or 0.0
    doubts = {
        f"{grams:g} g/kWh is more than any grid emits": (
            grams > HIGH_INTENSITY_G_PER_KWH
        ),
        f"{grams:g} g/kWh is less than any grid emits: was kg/kWh meant?": (
            grams < LOW_INTENSITY_G_PER_KWH
        ),
        f"a PUE of {given.pue.value:g} is very high": given.pue.value > HIGH_PUE,
        f"{power_w:g} W is much for one device: is it the power of them all?": (
            power_w > HIGH_POWER_W
        ),
        f"{core_w:g} W is much for one core: is it the power of the processor?": (
            core_w > HIGH_CORE_POWER_W
        ),
        f"{memory_w:g} W/GB is much for memory": memory_w > HIGH_MEMORY_POWER_PER_GB_W,
        "the power of a core has no effect: no CPU cores are given": (
            given.cpu_power_per_core_w is not None and given.cpu_cores is None
        ),
        "the power of a gigabyte has no effect: no memory is given": (
            given.memory_power_per_gb_w is not None and given.memory_gb is None
        ),
        f"{hours:g} h is more than ten years": hours > TEN_YEARS_H,
        "the work lasts 0 h": 0 in (given.hours, given.gpu_hours),
        "the power is 0 W": given.power_w == 0,
        "the utilisation is 0: no power of GPU and processor": given.utilisation == 0,
        "the energy is 0 kWh": given.energy_kwh == 0,
    }
    return [sentence for sentence, doubtful in doubts.items() if doubtful]


def disagree(one: float, other: float, tolerance: float) -> bool:
    """Return whether two figures differ by more than a fraction of the larger."""
    return abs(one - other) > tolerance * max(abs(one), abs(other))


def _check(words: str, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise EstimateError(
            f"{words} cannot be {value:g}",
            why="it is not a number" if math.isnan(value) else "",
            remedy="Give a finite number that is not negative",
        )
