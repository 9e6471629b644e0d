"""A comparison as two tables: what each has, and how it stands to the reference.

Imports `report.comparison`, `report.format` and `report.tables`; pure.
"""

from __future__ import annotations

import math

from jupyter_green.report.comparison import (
    Candidate,
    Comparison,
    Contrast,
    Quantity,
    Spread,
)
from jupyter_green.report.format import (
    NOT_MEASURED,
    format_co2e_of,
    format_duration,
    format_energy,
    format_percent,
)
from jupyter_green.report.tables import Table

PLAIN_DIGITS = 4
# Outside of these, figures of the user's own are written with a power of ten.
LEAST_PLAIN, MOST_PLAIN = 1e-6, 1e15
HOW_READ = (
    "Ratios are those of geometric means, which rare long runs move less than the "
    "means above. Better or worse is said where the interval of {} leaves out "
    "equality; the runs to find a difference are for a chance of {}."
)
HOW_SURE = (
    "± is a 95 % interval of the mean: with calibration where joules are in it, of the "
    "runs' spread alone where not."
)


def comparison_tables(comparison: Comparison) -> tuple[Table, Table]:
    """Return the table of the candidates and that of the contrasts."""
    return _candidates(comparison), _contrasts(comparison)


def _candidates(comparison: Comparison) -> Table:
    columns = tuple(_column(quantity) for quantity in comparison.quantities)
    return Table(
        title=f"Compared with {comparison.reference.label}, mean of the runs",
        columns=("label", "runs", *columns, "methods"),
        rows=tuple(
            (
                entry.label,
                str(entry.runs),
                *(_value(entry, quantity) for quantity in comparison.quantities),
                ", ".join(entry.methods),
            )
            for entry in comparison.candidates
        ),
        notes=(HOW_SURE, *comparison.warnings),
        numeric=("runs", *columns),
    )


def _column(quantity: Quantity) -> str:
    interval = " (95 %)" if quantity.key == "energy_j" else ""
    return f"{quantity.name}{interval}"


def _value(entry: Candidate, quantity: Quantity) -> str:
    spread = entry.quantities.get(quantity.key)
    if spread is None:
        return NOT_MEASURED
    key, mean, half = quantity.key, spread.mean, _half(spread)
    if quantity.is_ratio:
        half = _with_common(entry, quantity, half)
    text = f"{_plain(mean, half)}{quantity.unit}"
    if not _is_ours(quantity):
        return text
    if key == "duration_s":
        text = format_duration(mean)
    elif key == "co2e_g":
        energy_j = entry.quantities["energy_j"].mean
        text = format_co2e_of(mean, energy_j, entry.uncertainty_j)
    elif key.startswith("energy_j"):
        text = format_energy(mean, half)
    elif key.startswith("sci_g_per_"):
        # Rounded as grams are everywhere: the intensity's own error is not known.
        text = format_co2e_of(mean, mean, half)
    return text


def _with_common(
    entry: Candidate, quantity: Quantity, half: float | None
) -> float | None:
    """Return the half-width of a figure made of joules, with what they may be off by.

    The candidate's own uncertainty holds spread and calibration of its energy: what is
    more than the spread is common to all runs.
    """
    energy, whole_j = entry.quantities["energy_j"], entry.uncertainty_j
    if whole_j is None or energy.mean <= 0:
        return half
    spread_j = _half(energy) or 0.0
    relative = math.sqrt(max(0.0, whole_j**2 - spread_j**2)) / energy.mean
    by_joules = entry.quantities[quantity.key].mean
    if _is_ours(quantity) and quantity.key.startswith("sci_g_per_"):
        one = quantity.key.removeprefix("sci_g_per_")
        each_j = entry.quantities[f"energy_j_per_{one}"].mean
        by_joules = entry.quantities["co2e_g"].mean * each_j / energy.mean
    return math.hypot(half or 0.0, relative * by_joules)


def _is_ours(quantity: Quantity) -> bool:
    """Say whether a key names a figure of ours: metrics may be called alike."""
    return quantity.is_ratio and not quantity.unit


def _half(spread: Spread) -> float | None:
    return None if spread.high is None else spread.high - spread.mean


def _plain(mean: float, half: float | None) -> str:
    """Return a figure of the user's own, as well rounded as it is known."""
    if not half:
        return f"{mean:.{PLAIN_DIGITS}g}"
    decimals = 1 - math.floor(math.log10(half))
    if not LEAST_PLAIN <= max(abs(mean), half) < MOST_PLAIN:
        return f"{mean:.{PLAIN_DIGITS}g} ± {half:.2g}"
    mean, half = round(mean, decimals), round(half, decimals)
    shown = max(0, decimals)
    return f"{mean:,.{shown}f} ± {half:,.{shown}f}"


def _contrasts(comparison: Comparison) -> Table:
    detect = comparison.contrasts[0].detect if comparison.contrasts else 0.0
    names = {quantity.key: quantity for quantity in comparison.quantities}
    runs = {entry.label: entry for entry in comparison.candidates}
    return Table(
        title="",
        columns=(
            "candidate",
            "quantity",
            "ratio or difference (95 %)",
            "verdict",
            f"to find {format_percent(detect)}",
        ),
        rows=tuple(
            (
                entry.candidate,
                names[entry.quantity].name,
                ratio_text(entry),
                verdict_text(entry, comparison),
                _needed(entry, runs),
            )
            for entry in comparison.contrasts
            if entry.verdict != NOT_MEASURED
        ),
        notes=(
            HOW_READ.format(
                format_percent(comparison.verdict_level),
                format_percent(comparison.power),
            ),
            *comparison.notes,
        ),
    )


def ratio_text(entry: Contrast) -> str:
    """Return the ratio with its interval: ``0.82 (0.79 to 0.85)``."""
    value = entry.ratio if entry.ratio is not None else entry.difference
    if value is None:
        return NOT_MEASURED
    sign = "" if entry.ratio is not None else "+"
    if entry.low is None or entry.high is None:
        return f"{value:{sign}.3g} (one run shows no interval)"
    decimals = contrast_decimals(entry.low, entry.high)
    return (
        f"{value:{sign}.{decimals}f} "
        f"({entry.low:{sign}.{decimals}f} to {entry.high:{sign}.{decimals}f})"
    )


def contrast_decimals(low: float, high: float) -> int:
    """Return the decimals that tell an interval's ends from each other and from 1."""
    half = 0.5 * (high - low)
    return min(6, max(0, 1 - math.floor(math.log10(half)))) if half > 0 else 2


def verdict_text(entry: Contrast, comparison: Comparison) -> str:
    """Return the verdict in words, with how many runs it comes from."""
    if entry.verdict != "not distinguishable":
        return entry.verdict
    if entry.turns:
        return f"not distinguishable in {entry.turns} turns"
    runs = [
        c.quantities[entry.quantity].runs
        for label in (entry.reference, entry.candidate)
        for c in comparison.candidates
        if c.label == label
    ]
    return f"not distinguishable with {runs[0]} and {runs[1]} runs"


def _needed(entry: Contrast, candidates: dict[str, Candidate]) -> str:
    if entry.verdict in ("better", "worse"):
        return "decided"
    if entry.repeats_needed is None:
        if entry.common >= math.log1p(entry.detect):
            return "no number of runs: calibration hides it"
        return "at least 2 runs each to tell"
    runs = min(
        candidates[label].quantities[entry.quantity].runs
        for label in (entry.reference, entry.candidate)
    )
    if entry.repeats_needed <= runs:
        return "enough runs"
    return f"{entry.repeats_needed} runs each"
