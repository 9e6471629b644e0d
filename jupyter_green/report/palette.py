"""Colours that colour-blind people tell apart, and that differ in grey: for all plots.

Okabe and Ito, Color Universal Design (2008), https://jfly.uni-koeln.de/color/, in an
order in which neighbours differ in lightness too.  The panel uses the same values.
Imports nothing of the project.

    >>> colour(0)
    '#0072b2'
"""

from __future__ import annotations

BLUE, ORANGE, GREEN = "#0072b2", "#e69f00", "#009e73"
PURPLE, SKY, VERMILION = "#cc79a7", "#56b4e9", "#d55e00"
BLACK, YELLOW = "#000000", "#f0e442"

# The first four are 12 of 100 apart in lightness from one another, neighbours 6.
# Yellow is last: on white it is hardly seen.
COLOURS = (BLUE, ORANGE, BLACK, GREEN, SKY, VERMILION, PURPLE, YELLOW)
# Shapes that tell the same apart without any colour (matplotlib's names).
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def colour(number: int) -> str:
    """Return the colour of the series with that number, as ``#rrggbb``."""
    return COLOURS[number % len(COLOURS)]


def marker(number: int) -> str:
    """Return the marker of the series with that number."""
    return MARKERS[number % len(MARKERS)]


def lightness(rgb: str) -> float:
    """Return the CIE lightness L* of ``#rrggbb``, 0 to 100: what is left in grey.

    sRGB luminance by IEC 61966-2-1, L* by CIE 15:2004.
    """
    parts = [int(rgb[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004
        for part in parts
    ]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116.0 * y ** (1 / 3) - 16.0 if y > (6 / 29) ** 3 else y * (29 / 3) ** 3
