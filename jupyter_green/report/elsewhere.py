"""The same work elsewhere and later, as tables and JSON.

Imports `carbon`, `ledger`, `records`, `units` and `report`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from jupyter_green.carbon.elsewhere import NOT_MARGINAL, Ahead, Place, Start
from jupyter_green.errors import CompareError
from jupyter_green.ledger import ledger_totals
from jupyter_green.records import Intensity, Pue
from jupyter_green.report.budgets import parse_amount
from jupyter_green.report.format import format_co2e, format_energy
from jupyter_green.report.tables import Table
from jupyter_green.units import co2e_g

LEFT_OUT = (
    "The same energy and PUE everywhere; data transfer and making the hardware are not "
    "in it."
)
SHOWN_FIRST = 15
SHOWN_LAST = 5
SHOWN_STARTS = 6
# Years and kinds of sources that call themselves otherwise but count the same.
LIFECYCLE_LIKE = frozenset({"lifecycle", "consumption", "unstated"})


def comparable(found: Sequence[Place], here: Intensity) -> list[Place]:
    """Return the places whose intensities count what that of *here* counts.

    Kinds differ by 10 to 40 % by what they count, so a ranking across them is none.
    """
    wanted = {here.kind}
    if here.kind in LIFECYCLE_LIKE:
        wanted = {"lifecycle"}
    return [place for place in found if place.intensity.kind in wanted]


def energy_of(folders: Sequence[Path], label: str | None, amount: str | None) -> float:
    """Return the joules of the work that is asked about.

    Args:
        folders: Folders of the ledger.
        label: Only the work with this label; None: all.
        amount: An amount of energy instead, such as ``2 kWh``; None: the ledger's.

    Raises:
        BudgetError: The amount is none of energy.
        CompareError: Nothing is measured.
    """
    if amount is not None:
        energy_j, _ = parse_amount(amount)
        if energy_j is None:
            raise CompareError(f"{amount!r} is CO2e already", remedy="Give an energy")
        return energy_j
    found = ledger_totals(folders, by="label").totals
    rows = [found.total]
    if label is not None:
        rows = [row for row in found.rows if row.key == label]
    known = [row.energy_j for row in rows if row.energy_j is not None]
    if not known:
        raise CompareError(
            "nothing is measured yet"
            if label is None
            else f"there is no energy of {label!r}",
            remedy="Meter a cell, or give --energy 2 kWh",
        )
    return sum(known)


def where_table(
    found: Sequence[Place],
    here: Intensity,
    energy_j: float,
    pue: Pue,
    *,
    everything: bool = False,
) -> Table:
    """Return the grams of some work in other places, cleanest first.

    Args:
        found: The places, cleanest first.
        here: The intensity in force.
        energy_j: Energy of the work's IT equipment.
        pue: Taken to be the same everywhere.
        everything: Show all places; else the first and the last of them.
    """
    figures = ("g/kWh", "CO2e", "against here")
    mine = ("here: " + here.zone, here)
    rows = [(place.name, place.intensity) for place in found]
    rows.append(mine)
    rows.sort(key=lambda row: (row[1].g_per_kwh, row[0]))
    at = rows.index(mine)
    shown = rows
    left_out = 0
    if not everything and len(rows) > SHOWN_FIRST + SHOWN_LAST + 1:
        kept = {*range(SHOWN_FIRST), at, *range(len(rows) - SHOWN_LAST, len(rows))}
        shown = [row for number, row in enumerate(rows) if number in kept]
        left_out = len(rows) - len(shown)
    notes = [NOT_MARGINAL, LEFT_OUT]
    kinds = {intensity.kind for _, intensity in rows}
    if len(kinds) > 1:
        told = ", ".join(sorted(kinds))
        notes.append(f"Kinds count differently and do not compare: {told}.")
    if left_out:
        notes.append(f"{left_out} places between them are left out.")
    return Table(
        title=f"{format_energy(energy_j)} elsewhere",
        columns=("place", *figures, "kind", "year"),
        rows=tuple(
            (
                name,
                f"{intensity.g_per_kwh:.4g}",
                format_co2e(co2e_g(energy_j, intensity.g_per_kwh, pue.value)),
                _against(intensity, here),
                intensity.kind,
                str(intensity.year or "not stated"),
            )
            for name, intensity in shown
        ),
        notes=tuple(notes),
        numeric=figures,
    )


def where_json(
    found: Sequence[Place], here: Intensity, energy_j: float, pue: Pue
) -> dict[str, Any]:
    """Return all places as plain values, unrounded."""
    return {
        "energy_j": energy_j,
        "pue": pue.value,
        "here": msgspec.to_builtins(here),
        "places": [
            {
                "name": place.name,
                "group": place.group,
                "co2e_g": co2e_g(energy_j, place.intensity.g_per_kwh, pue.value),
                **msgspec.to_builtins(place.intensity),
                "kind": place.intensity.kind,
                "year": place.intensity.year,
            }
            for place in found
        ],
        "note": NOT_MARGINAL,
    }


def when_table(
    ahead: Ahead, starts: Sequence[Start], now: datetime, duration_h: float
) -> Table:
    """Return when to begin, cleanest first, against beginning now."""
    at_once = min(starts, key=lambda start: start.at, default=None)
    notes = [NOT_MARGINAL, "A forecast by Electricity Maps; times are in UTC."]
    if ahead.note:
        notes.append(f"The values are {ahead.note}.")
    if at_once is None:
        notes.insert(0, f"The forecast is shorter than {duration_h:g} h.")
    rows = []
    for start in starts[:SHOWN_STARTS]:
        waited_h = (start.at - now).total_seconds() / 3600.0
        saved = 0.0
        if at_once and at_once.g_per_kwh > 0:
            saved = start.g_per_kwh / at_once.g_per_kwh - 1.0
        rows.append(
            (
                start.at.strftime("%Y-%m-%d %H:%M"),
                "now" if waited_h <= 0 else f"in {waited_h:.1f} h",
                f"{start.g_per_kwh:.0f}",
                f"{saved:+.0%}",
            )
        )
    figures = ("mean g/kWh", "against now")
    return Table(
        title=f"Greenest hours ahead in {ahead.zone}, for {duration_h:g} h of work",
        columns=("begin (UTC)", "wait", *figures),
        rows=tuple(rows),
        notes=tuple(notes),
        numeric=figures,
    )


def when_json(
    ahead: Ahead, starts: Sequence[Start], now: datetime, duration_h: float
) -> dict[str, Any]:
    """Return the hours ahead and when to begin as plain values, unrounded."""
    return {
        "zone": ahead.zone,
        "duration_h": duration_h,
        "starts": [
            {
                "at": start.at.isoformat(),
                "wait_h": max(0.0, (start.at - now).total_seconds() / 3600.0),
                "g_per_kwh": start.g_per_kwh,
            }
            for start in starts
        ],
        "hours": [
            {"at": hour.at.isoformat(), "g_per_kwh": hour.g_per_kwh}
            for hour in ahead.hours
        ],
        "source": "Electricity Maps",
        "note": f"{NOT_MARGINAL} {ahead.note}".strip(),
    }


def _against(intensity: Intensity, here: Intensity) -> str:
    if here.g_per_kwh <= 0:
        return "-"
    return f"{intensity.g_per_kwh / here.g_per_kwh:.2f} x"
