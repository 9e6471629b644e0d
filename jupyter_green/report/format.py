"""Print joules, seconds, watts and grams for people, rounded to what is known.

A value is rounded to its uncertainty: the uncertainty to one digit, to two where it
starts with 1 or 2 or where one digit would be a new first one (0.99 becomes 1.0), and
the value to the same decimal.  A value that would print as 0 beside
its uncertainty prints as a bound, and a missing one as "not measured".  Imports nothing
of the project but `units`; pure functions.

    >>> format_energy(123.456, 2.345), format_energy(None)
    ('123.5 ± 2.3 J', 'not measured')
"""

from __future__ import annotations

import math

from jupyter_green.units import J_PER_KWH, J_PER_WH

NOT_MEASURED = "not measured"
PLAIN_DIGITS = 3  # significant digits of a value that comes without uncertainty
# Less, in proportion, is what calculating with floats leaves: it is no uncertainty.
FLOAT_NOISE = 1e-12

# Each scale: (least value that uses the unit, size of the unit, symbol), largest first.
Scale = tuple[tuple[float, float, str], ...]
ENERGY: Scale = (
    (1000 * J_PER_KWH, 1000 * J_PER_KWH, "MWh"),
    (J_PER_KWH, J_PER_KWH, "kWh"),
    (J_PER_WH, J_PER_WH, "Wh"),
    (1.0, 1.0, "J"),
    (0.0, 1e-3, "mJ"),
)
MASS: Scale = (
    (1e6, 1e6, "t"),
    (1e3, 1e3, "kg"),
    (1.0, 1.0, "g"),
    (1e-3, 1e-3, "mg"),
    (0.0, 1e-6, "µg"),
)
POWER: Scale = ((1e6, 1e6, "MW"), (1e3, 1e3, "kW"), (1.0, 1.0, "W"), (0.0, 1e-3, "mW"))
SHORT_TIME: Scale = ((1.0, 1.0, "s"), (1e-3, 1e-3, "ms"), (0.0, 1e-6, "µs"))


def format_energy(energy_j: float | None, uncertainty_j: float | None = None) -> str:
    """Return joules with their uncertainty: mJ, J below 3.6 kJ, then Wh and kWh."""
    return format_quantity(energy_j, uncertainty_j, ENERGY)


def format_co2e(co2e_g: float | None, uncertainty_g: float | None = None) -> str:
    """Return grams of CO2e with their uncertainty, from µg to t."""
    return format_quantity(co2e_g, uncertainty_g, MASS)


def format_co2e_of(
    co2e_g: float | None, energy_j: float | None, uncertainty_j: float | None
) -> str:
    """Return grams as well rounded as the energy that they come from.

    The interval itself is left out: the intensity's own error is not known.
    """
    if co2e_g is None or not energy_j or uncertainty_j is None:
        return format_co2e(co2e_g)
    text = format_co2e(co2e_g, co2e_g * uncertainty_j / abs(energy_j))
    value, mark, interval = text.partition(" ± ")
    return f"{value} {interval.rpartition(' ')[2]}" if mark else text


def format_power(power_w: float | None, uncertainty_w: float | None = None) -> str:
    """Return watts with their uncertainty, from mW to MW."""
    return format_quantity(power_w, uncertainty_w, POWER)


def format_duration(duration_s: float | None) -> str:
    """Return seconds as people say them: ``2 min 05 s``, ``3 h 05 min``."""
    if duration_s is None or not math.isfinite(duration_s):
        return NOT_MEASURED
    # Rounded first, so that 59.97 s does not become "60.0 s".
    if abs(_rounded(duration_s, PLAIN_DIGITS)) < 60:  # noqa: PLR2004 - a minute
        return format_quantity(duration_s, None, SHORT_TIME)
    minutes, seconds = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours:02d} h"
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds:02d} s"


def format_percent(fraction: float | None) -> str:
    """Return a fraction of 1 in percent, without pretending to more than one digit."""
    if fraction is None or not math.isfinite(fraction):
        return NOT_MEASURED
    percent = 100 * fraction
    if 0 < percent < 0.1:  # noqa: PLR2004 - a small part is not no part
        return "< 0.1 %"
    # Nearly all is not all: 99.97 % beside another part must not read 100 %.
    if 99.95 <= percent < 100:  # noqa: PLR2004
        return "> 99.9 %"
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %"  # noqa: PLR2004


def format_quantity(
    value: float | None, uncertainty: float | None, scale: Scale
) -> str:
    """Return *value* ± *uncertainty* in the unit of *scale* that fits.

    Args:
        value: In the unit of the scale whose size is 1.
        uncertainty: Half-width in the same unit; None or 0: `PLAIN_DIGITS` digits.
        scale: The units to choose from.
    """
    if value is None or not math.isfinite(value):
        return NOT_MEASURED
    if (
        uncertainty is None
        or not math.isfinite(uncertainty)
        or uncertainty <= FLOAT_NOISE * abs(value)
    ):
        # The unit is that of the rounded value; the value is rounded once, in it.
        size, symbol = _unit(_rounded(value, PLAIN_DIGITS), scale)
        value /= size
        decimals = significant_decimals(value, PLAIN_DIGITS)
        return f"{_digits(value, decimals)} {symbol}"
    size, symbol = _unit(max(abs(value), uncertainty), scale)
    value, uncertainty = value / size, uncertainty / size
    decimals = interval_decimals(uncertainty)
    if round(value, decimals) == 0:
        bound = abs(value) + uncertainty
        return f"< {_digits(bound, decimals)} {symbol}"
    return f"{_digits(value, decimals)} ± {_digits(uncertainty, decimals)} {symbol}"


def interval_decimals(width: float) -> int:
    """Return the decimals to which a half-width above 0 and its value are printed.

    The rule of the Particle Data Group (Review of Particle Physics, introduction, 5.3)
    with 3.0 as its bound instead of 3.55: two digits where one would change it by a
    fifth or more, and the 0 of 1.0 where 0.96 is rounded up.

    >>> [interval_decimals(width) for width in (0.23, 0.31, 0.94, 0.96, 25.0)]
    [2, 1, 1, 1, 0]
    """
    if f"{width:e}"[0] in "12":
        return significant_decimals(width, 2)
    # What is rounded up to a power of ten keeps the 0 after its 1.
    is_raised = f"{width:.0e}"[0] == "1"
    return significant_decimals(width, 1) + is_raised


def significant_decimals(value: float, digits: int) -> int:
    """Return the decimals that leave *digits* significant digits; may be negative."""
    if value == 0:
        return 0
    return digits - 1 - int(f"{value:.{digits - 1}e}".partition("e")[2])


def _unit(value: float, scale: Scale) -> tuple[float, str]:
    if value == 0:
        return next((size, symbol) for _, size, symbol in scale if size == 1.0)
    return next((size, symbol) for least, size, symbol in scale if abs(value) >= least)


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits - 1}e}")


def _digits(value: float, decimals: int) -> str:
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return f"{round(value, decimals) + 0.0:.{max(decimals, 0)}f}"
