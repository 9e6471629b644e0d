"""Draw quality against energy, with the Pareto front.

Imports `report.comparison`, `report.palette`, `units`; matplotlib when it draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_green.errors import CompareError
from jupyter_green.report.comparison import (
    Better,
    Candidate,
    Comparison,
    Quantity,
    Spread,
)
from jupyter_green.report.palette import colour, marker
from jupyter_green.units import J_PER_KWH, J_PER_WH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = "#7f7f7f"
# A front is drawn by steps: what lies between two candidates was not measured.
SIZE_INCH = (6.0, 4.0)
PNG_DPI = 144


class Point(NamedTuple):
    """A candidate in the plane.

    Attributes:
        label: Its name.
        energy: Its energy, less is better.
        quality: Its quality.
    """

    label: str
    energy: float
    quality: float


def pareto_front(points: Sequence[Point], better: Better = "higher") -> list[Point]:
    """Return the points that no other one beats in both, by rising energy.

    A point is beaten by one that is at least as good in both and better in one.
    """
    sign = 1.0 if better == "higher" else -1.0
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (p.energy, -sign * p.quality)):
        last = front[-1] if front else None
        is_equal = last is not None and point[1:] == last[1:]
        if last is None or is_equal or sign * (point.quality - last.quality) > 0.0:
            front.append(point)
    return front


def draw(
    comparison: Comparison, quality: str | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw quality against energy; bars are 95 % intervals of the means.

    Args:
        comparison: What was compared.
        quality: A metric; None: the first that is compared by difference, or time.
        ax: Where to draw; None: a new figure.

    Raises:
        CompareError: There is no such metric, or no candidate has both figures.
    """
    wanted = _quality(comparison, quality)
    shown = [c for c in comparison.candidates if wanted.key in c.quantities]
    if not shown:
        raise CompareError(
            f"no candidate has {wanted.name!r}",
            remedy=f"Meter with `-m {wanted.key}=EXPRESSION`",
        )
    axes = _new_axes() if ax is None else ax
    size, unit = _unit(shown)
    points: list[Point] = []
    handles: list[Any] = []
    for number, candidate in enumerate(shown):
        energy, value = (candidate.quantities[k] for k in ("energy_j", wanted.key))
        points.append(Point(candidate.label, energy.mean / size, value.mean))
        drawn = axes.errorbar(
            energy.mean / size,
            value.mean,
            # No run used less than nothing, whatever a symmetric interval says.
            xerr=_bars(energy, size, least=0.0),
            yerr=_bars(value, 1.0),
            fmt=marker(number),
            color=colour(number),
            markeredgecolor="black",
            markeredgewidth=0.5,
            markersize=8,
            capsize=3,
            label=candidate.label,
            zorder=3,
        )
        handles.append(drawn)
    front = pareto_front(points, wanted.better)
    names = [candidate.label for candidate in shown]
    # A single point is no line, and would be one in the legend only.
    if len(front) > 1:
        line = axes.step(
            [point.energy for point in front],
            [point.quality for point in front],
            where="post",
            color=GREY,
            linestyle="--",
            linewidth=1,
            label="Pareto front",
            zorder=2,
        )
        handles, names = [*line, *handles], ["Pareto front", *names]
    methods = sorted({method for c in shown for method in c.methods})
    axes.set_xlabel(f"energy / {unit} ({', '.join(methods)})")
    axes.set_ylabel(
        _drawable(f"{wanted.name}{_unit_of(wanted)} ({wanted.better} is better)"),
        parse_math=False,
    )
    axes.grid(visible=True, alpha=0.25)
    # matplotlib leaves names with a leading underscore out, and takes $ for formulae.
    legend = axes.legend(handles, ["name"] * len(handles), frameon=False)
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(_drawable(name))
        text.set_parse_math(False)
    return axes


def _unit_of(quantity: Quantity) -> str:
    """Return the unit that values of ours are drawn in; the user's have none."""
    if not quantity.is_ratio or quantity.unit:
        return ""
    units = {"energy_j": "J", "duration_s": "s", "co2e_g": "g", "sci_g": "g"}
    stem = quantity.key.partition("_per_")[0]
    return f" / {units[stem]}" if stem in units else ""


def _drawable(text: str) -> str:
    """Return a name in Latin letters where the font in use has none of its own."""
    from anyascii import anyascii  # noqa: PLC0415 - seldom needed
    from matplotlib import font_manager  # noqa: PLC0415 - slow, only to draw

    path = font_manager.findfont(font_manager.FontProperties())
    known = font_manager.get_font(path).get_charmap()
    return "".join(c if ord(c) in known else anyascii(c) for c in text)


def _quality(comparison: Comparison, name: str | None) -> Quantity:
    by_key = {quantity.key: quantity for quantity in comparison.quantities}
    if name is None:
        metrics = [q for q in comparison.quantities if not q.is_ratio]
        return metrics[0] if metrics else by_key["duration_s"]
    if name not in by_key:
        raise CompareError(
            f"there is no metric {name!r} in this comparison",
            remedy=f"There are: {', '.join(by_key)}",
        )
    return by_key[name]


def _new_axes() -> Axes:
    from matplotlib import pyplot as plt  # noqa: PLC0415 - slow, only to draw

    _, axes = plt.subplots(figsize=SIZE_INCH, layout="constrained")
    return axes


def _unit(shown: Sequence[Candidate]) -> tuple[float, str]:
    largest_j = max(c.quantities["energy_j"].mean for c in shown)
    for size, unit in ((J_PER_KWH, "kWh"), (J_PER_WH, "Wh")):
        if largest_j >= size:
            return size, unit
    return 1.0, "J"


def _bars(
    spread: Spread, size: float, least: float = -math.inf
) -> list[list[float]] | None:
    if spread.low is None or spread.high is None:
        return None
    below, above = spread.mean - max(least, spread.low), spread.high - spread.mean
    return [[below / size], [above / size]]


def figure(comparison: Comparison, quality: str | None = None) -> Figure:
    """Return the drawing as a figure that no window and no notebook knows of."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow, only to draw

    drawn = Figure(figsize=SIZE_INCH, layout="constrained")
    draw(comparison, quality, ax=drawn.add_subplot())
    return drawn


def png(comparison: Comparison, quality: str | None = None) -> bytes:
    """Return the drawing as a PNG image."""
    stream = BytesIO()
    figure(comparison, quality).savefig(stream, format="png", dpi=PNG_DPI)
    return stream.getvalue()
