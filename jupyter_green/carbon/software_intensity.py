"""The Software Carbon Intensity of SCI 1.1.0, ISO/IEC 21031:2024.

The name SCI is for results with embodied emissions and a functional unit; anything less
is an operational intensity.  Imports `errors` and `units`.

    >>> sci(2.0, 100.0, embodied_g=50.0, functional_units=5.0)
    50.0
"""

from __future__ import annotations

from jupyter_green.errors import EstimateError
from jupyter_green.units import G_PER_KG


def embodied_share_g(
    embodied_kg: float,
    *,
    reserved_hours: float,
    lifetime_hours: float,
    reserved_parts: float = 1.0,
    total_parts: float = 1.0,
) -> float:
    """Return the grams of a machine's making that fall to the work.

    ``M = TE x (TiR / EL) x (RR / ToR)`` of SCI 1.1.0 (ISO/IEC 21031:2024).
    """
    time_share = reserved_hours / lifetime_hours
    return embodied_kg * G_PER_KG * time_share * (reserved_parts / total_parts)


def sci(
    energy_kwh: float,
    intensity_g_per_kwh: float,
    embodied_g: float,
    functional_units: float,
) -> float:
    """Return the Software Carbon Intensity in g CO2e per functional unit.

    ``SCI = (E x I + M) / R`` of SCI 1.1.0 (ISO/IEC 21031:2024).

    Raises:
        EstimateError: There is no functional unit to divide by.
    """
    if functional_units <= 0:
        raise EstimateError(
            f"SCI needs a positive number of functional units, not {functional_units:g}"
        )
    return (energy_kwh * intensity_g_per_kwh + embodied_g) / functional_units
