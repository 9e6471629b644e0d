"""Which PUE and which carbon intensity hold for a record.

The record's own, unless the authors state one: that fills in where the record has a
default, or replaces all if they say so.  Imports `records` and `author`.
"""

from __future__ import annotations

import math

from msgspec import Struct

from jupyter_green.records import Intensity, Pue
from jupyter_green.report.appendix.author import AuthorFacts
from jupyter_green.units import J_PER_KWH

STATED = "stated by the authors"


class Terms(Struct, frozen=True, kw_only=True):
    """The terms on which energy becomes CO2e.

    Attributes:
        pue: Power usage effectiveness.
        intensity: Carbon intensity; None: not known.
        pue_low: Lower end of the PUE's range; None: not stated.
        pue_high: Upper end.
        is_by_author: Whether the authors' figure is used in place of the record's.
    """

    pue: Pue
    intensity: Intensity | None
    pue_low: float | None = None
    pue_high: float | None = None
    is_by_author: bool = False

    @property
    def g_per_j(self) -> float | None:
        """Grams of CO2e for a joule of the components; None without intensity."""
        return self._factor(None, "g_per_kwh")

    @property
    def low_g_per_j(self) -> float | None:
        """The same at the lower ends of the ranges that are stated."""
        return self._factor(self.pue_low, "low_g_per_kwh")

    @property
    def high_g_per_j(self) -> float | None:
        """The same at the upper ends."""
        return self._factor(self.pue_high, "high_g_per_kwh")

    @property
    def has_pue_range(self) -> bool:
        """Whether the PUE has a range."""
        return None not in (self.pue_low, self.pue_high)

    @property
    def has_intensity_range(self) -> bool:
        """Whether the intensity has a range."""
        known = self.intensity
        return known is not None and None not in (
            known.low_g_per_kwh,
            known.high_g_per_kwh,
        )

    def _factor(self, pue: float | None, name: str) -> float | None:
        if self.intensity is None:
            return None
        stated: float | None = getattr(self.intensity, name)
        g_per_kwh = self.intensity.g_per_kwh if stated is None else stated
        return (self.pue.value if pue is None else pue) * g_per_kwh / J_PER_KWH


def terms(intensity: Intensity | None, pue: Pue, author: AuthorFacts) -> Terms:
    """Return the terms of a record with this intensity and PUE."""
    if not (math.isfinite(pue.value) and pue.value > 0):
        pue = Pue()
    if intensity is not None and not _is_usable(intensity.g_per_kwh):
        intensity = None
    own_pue, own_intensity = pue, intensity
    is_default = own_pue == Pue()
    if author.pue is not None and (author.replaces_recorded or is_default):
        pue = Pue(value=author.pue, source=author.pue_source or STATED)
    is_weak = own_intensity is None or own_intensity.assumed
    if author.intensity_g_per_kwh is not None and (author.replaces_recorded or is_weak):
        intensity = Intensity(
            g_per_kwh=author.intensity_g_per_kwh,
            zone=author.intensity_zone or author.location,
            source=author.intensity_source or STATED,
            year=author.intensity_year,
            kind=author.intensity_kind,
            licence=author.intensity_licence,
            low_g_per_kwh=author.intensity_low_g_per_kwh,
            high_g_per_kwh=author.intensity_high_g_per_kwh,
        )
    # The range belongs to the figure that the authors state, not to another one.
    is_authors = author.pue is not None and pue.value == author.pue
    return Terms(
        pue=pue,
        intensity=intensity,
        pue_low=author.pue_low if is_authors else None,
        pue_high=author.pue_high if is_authors else None,
        is_by_author=pue is not own_pue or intensity is not own_intensity,
    )


def _is_usable(value: float) -> bool:
    return math.isfinite(value) and value >= 0
