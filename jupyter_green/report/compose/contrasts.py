"""A comparison of experiments as a table: ratios with intervals, on equal hardware."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from jupyter_green.report.compare_tables import contrast_decimals
from jupyter_green.report.comparison import Candidate, Comparison, Contrast, Quantity
from jupyter_green.report.compose.page import cells, inline
from jupyter_green.report.compose.units import count
from jupyter_green.report.document import Column, Inlines, Table
from jupyter_green.report.format import format_percent

OTHER_HARDWARE = "not compared: different hardware"


def compared(plain: dict[str, Any], number: int) -> Table:
    """Return a comparison of `report.compare` as a table.

    Args:
        plain: Its JSON form.
        number: Which one of the page it is, from 1.
    """
    comparison = msgspec.convert(plain, Comparison)
    reference = comparison.reference
    quantities = {each.key: each for each in comparison.quantities}
    candidates = {each.label: each for each in comparison.candidates}
    rows = tuple(
        _row(quantities[each.quantity], candidates[each.candidate], reference, each)
        for each in comparison.contrasts
        if each.quantity in quantities and each.candidate in candidates
    )
    return Table(
        label=f"comparison-{number}",
        caption="Experiments compared with a reference.",
        columns=(
            Column(title="experiment", weight=1.0),
            Column(title="quantity"),
            Column(title="runs", align="right"),
            Column(title="against reference", align="right"),
            Column(title="verdict", weight=0.8),
        ),
        rows=rows,
        note=inline(*_note(comparison)),
        wide=True,
    )


def _row(
    quantity: Quantity, candidate: Candidate, reference: Candidate, contrast: Contrast
) -> tuple[Inlines, ...]:
    # What a metric such as accuracy says does not depend on the machine; energy, time
    # and all that is made of them does.
    is_equal = set(candidate.devices) == set(reference.devices)
    told = is_equal or not quantity.is_ratio
    return cells(
        candidate.label,
        quantity.name,
        f"{candidate.runs:,} / {reference.runs:,}",
        _figure(contrast) if told else "",
        contrast.verdict if told else OTHER_HARDWARE,
    )


def _figure(contrast: Contrast) -> str:
    figure = contrast.ratio if contrast.ratio is not None else contrast.difference
    if figure is None:
        return "not measured"
    sign = "+" if contrast.ratio is None else ""
    unit = "x" if contrast.ratio is not None else ""
    if contrast.low is None or contrast.high is None:
        return f"{figure:{sign}.3g}{unit}"
    form = f"{sign}.{contrast_decimals(contrast.low, contrast.high)}f"
    return f"{figure:{form}}{unit} ({contrast.low:{form}} to {contrast.high:{form}})"


def _note(comparison: Comparison) -> Iterator[str]:
    yield f"Reference: {comparison.reference.label}. "
    yield "Runs: of the experiment / of the reference. "
    yield "Ratios (x) are those of geometric means. "
    yield f"In brackets: intervals of {format_percent(comparison.level)}. "
    if any(each.turns for each in comparison.contrasts):
        yield "Runs took turns and are compared within them. "
    left_out = sum(each.left_out for each in comparison.candidates)
    if left_out:
        yield f"{count(left_out, 'record')} failed or had no figure. "
    yield " ".join(comparison.warnings)
