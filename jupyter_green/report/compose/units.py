"""Numbers of the page: one unit for a table, each value rounded to what is known.

A unit is chosen once from the largest figure, so that the rows of a table compare.
How far a value is rounded is `report.format`'s to say.  Pure.

    >>> unit = energy_unit(3.117)
    >>> unit.of(3.117, 0.16)
    '3.12 ± 0.16 kWh'
    >>> unit.number(0.0441), unit.number(None)
    ('0.0441', 'not measured')
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from jupyter_green.report.format import (
    NOT_MEASURED,
    interval_decimals,
    significant_decimals,
)

DIGITS = 3  # significant digits of a value that comes without uncertainty
# How far below the largest of a column a row may go before it reads "< ...".
DEPTH = 5
NOTHING = 1e-9  # an uncertainty relative to its value


class Unit(NamedTuple):
    """A unit and how finely a table in it is printed.

    Attributes:
        symbol: As printed.
        size: How many kWh, kg or base units it is.
        finest: The most decimals that are printed.
    """

    symbol: str
    size: float
    finest: int = 12

    def of(self, value: float | None, uncertainty: float | None = None) -> str:
        """Return a value with its unit; the value in the base unit."""
        text = self.number(value, uncertainty)
        return text if text == NOT_MEASURED else f"{text} {self.symbol}"

    def number(self, value: float | None, uncertainty: float | None = None) -> str:
        """Return a value without its unit, for a column whose head has it."""
        if value is None or not math.isfinite(value):
            return NOT_MEASURED
        shown = value / self.size
        # What floating point leaves of a spread of equal figures is none.
        is_known = uncertainty is not None and math.isfinite(uncertainty)
        if not is_known or not uncertainty or abs(uncertainty) <= NOTHING * abs(value):
            return self._plain(shown)
        width = abs(uncertainty) / self.size
        decimals = min(interval_decimals(width), self.finest)
        if round(shown, decimals) == 0:
            return f"< {_written(abs(shown) + width, max(decimals, 0))}"
        if round(width, decimals) == 0:
            return _written(shown, decimals)
        return f"{_written(shown, decimals)} ± {_written(width, decimals)}"

    def rounded(self, value: float | None, uncertainty: float | None) -> str:
        """Return a value with its unit, rounded to an interval that is not printed."""
        text = self.number(value, uncertainty).partition(" ± ")[0]
        return text if text == NOT_MEASURED else f"{text} {self.symbol}"

    def _plain(self, shown: float) -> str:
        if shown == 0:
            return "0"
        decimals = min(significant_decimals(shown, DIGITS), self.finest)
        text = _written(shown, decimals)
        if float(text) == 0:
            return f"< {10.0**-self.finest:.{self.finest}f}"
        return text


# Sizes in kWh, kg, g CO2e for each unit, hours; least value that uses the unit.
ENERGIES = (
    (1e3, Unit("MWh", 1e3)),
    (0.1, Unit("kWh", 1.0)),
    (1e-4, Unit("Wh", 1e-3)),
    (0.0, Unit("J", 1 / 3.6e6)),
)
MASSES = (
    (1e3, Unit("t", 1e3)),
    (0.1, Unit("kg", 1.0)),
    (1e-4, Unit("g", 1e-3)),
    (0.0, Unit("mg", 1e-6)),
)
TIMES = (
    (3600.0, Unit("h", 3600.0)),
    (120.0, Unit("min", 60.0)),
    (0.0, Unit("s", 1.0)),
)
HOURS = Unit("h", 1.0)
POWER = Unit("W", 1.0)


def energy_unit(*values_kwh: float | None) -> Unit:
    """Return the unit of energy in which the largest of some kWh reads well."""
    return _fitting(values_kwh, ENERGIES)


def mass_unit(*values_kg: float | None) -> Unit:
    """Return the unit of mass in which the largest of some kg reads well."""
    return _fitting(values_kg, MASSES)


def time_unit(*values_s: float | None) -> Unit:
    """Return the unit of time in which the largest of some seconds reads well."""
    return _fitting(values_s, TIMES)


def hours_unit(*values_h: float | None) -> Unit:
    """Return hours, as finely as the largest of some hours asks for."""
    return _fitting(values_h, ((0.0, HOURS),))


def percent(fraction: float | None) -> str:
    """Return a fraction of 1 in percent."""
    if fraction is None or not math.isfinite(fraction):
        return NOT_MEASURED
    shown = 100 * fraction
    if 0 < shown < 0.1:  # noqa: PLR2004 - a small part is not no part
        return "< 0.1 %"
    if 99.95 <= shown < 100:  # noqa: PLR2004 - nearly all is not all
        return "> 99.9 %"
    return f"{shown:.1f} %"


def plain_number(value: float | None, digits: int = DIGITS) -> str:
    """Return a figure that somebody stated, without making it longer or shorter."""
    if value is None or not math.isfinite(value):
        return "not stated"
    if value == int(value) and abs(value) < 1e6:  # noqa: PLR2004 - a count
        return f"{int(value)}"
    return f"{value:.{max(digits, 4)}g}"


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun.

    >>> count(1, "run"), count(1200, "run")
    ('1 run', '1,200 runs')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _fitting(
    values: Iterable[float | None], scale: tuple[tuple[float, Unit], ...]
) -> Unit:
    known = [abs(v) for v in values if v is not None and math.isfinite(v)]
    largest = max(known, default=0.0)
    if not largest:
        # Nothing to choose by: the unit that readers expect.
        return next((unit for _, unit in scale if unit.size == 1), scale[-1][1])
    unit = next(unit for least, unit in scale if largest >= least)
    finest = max(significant_decimals(largest / unit.size, DEPTH), 0)
    return unit._replace(finest=finest)


def _written(value: float, decimals: int) -> str:
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return f"{round(value, decimals) + 0.0:.{max(decimals, 0)}f}"
