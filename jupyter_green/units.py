"""Convert between the units that this project stores, reads and prints.

Inside, energy is in joules, power in watts, time in seconds and emissions in grams.
Devices and printers convert here and nowhere else.  Imports nothing of the project.

    >>> kwh_from_j(3.6e6)
    1.0
"""

from __future__ import annotations

# One watt-hour is 3600 J by definition of the hour (BIPM SI brochure, table 8).
J_PER_WH = 3600.0
J_PER_KWH = 3.6e6
J_PER_MJ = 1e-3  # NVML counts millijoules
J_PER_UJ = 1e-6  # powercap counts microjoules
NS_PER_S = 1_000_000_000
B_PER_GB = 1e9
G_PER_KG = 1000.0


def kwh_from_j(energy_j: float) -> float:
    """Return kilowatt-hours for *energy_j* joules."""
    return energy_j / J_PER_KWH


def j_from_kwh(energy_kwh: float) -> float:
    """Return joules for *energy_kwh* kilowatt-hours."""
    return energy_kwh * J_PER_KWH


def co2e_g(energy_it_j: float, intensity_g_per_kwh: float, pue: float) -> float:
    """Return grams of CO2-equivalent for the energy of the IT equipment.

    ``C = E_IT * PUE * I`` (GHG Protocol Scope 2 Guidance, location-based): the only
    place where PUE is applied, so that it is applied once.
    """
    return kwh_from_j(energy_it_j) * pue * intensity_g_per_kwh


def gb_from_bytes(size: int) -> float:
    """Return gigabytes of 10^9 bytes for *size* bytes, to a tenth."""
    return round(size / B_PER_GB, 1)


def s_from_ns(duration_ns: float) -> float:
    """Return seconds for *duration_ns* nanoseconds."""
    return duration_ns / NS_PER_S
