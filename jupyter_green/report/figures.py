"""The appendix's figures: energy by purpose, its course in time, power of large runs.

Plain series go in, the bytes of files come out by name: PDF for LaTeX (one column wide,
TrueType fonts inside, which venues demand), SVG and PNG for the other formats.

    files = draw(Purposes(bars=(Bar("final", 6.8e6, 3e5),)))
    sorted(files)   ->   ['fig-purpose.pdf', 'fig-purpose.png', 'fig-purpose.svg']

Read without colour: hatches, dashes and marks tell apart what colours do.  The same
series give the same bytes: no file has a date in it.  matplotlib is imported when
something is drawn; its settings hold only while it is, and pyplot is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from jupyter_green.report.compose.units import Unit, energy_unit, mass_unit
from jupyter_green.report.format import format_power
from jupyter_green.report.palette import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
)
from jupyter_green.report.render.escape import shorten, transliterated
from jupyter_green.units import G_PER_KG, J_PER_KWH, kwh_from_j

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

WIDTH_IN = 3.25  # a column of the venues' two-column pages
MOST_CURVES = 6
MOST_MARKS = 200  # failed runs that are marked: the largest
MOST_POINTS = 1000  # of a line; more are not seen on this width
MOST_STEPS = 250  # of a curve: each is wider than its line is thick
KINDS = ("pdf", "svg", "png")

_BAR_IN, _AROUND_IN, _PANEL_IN = 0.27, 0.62, 1.25
_LONGEST_LABEL, _LONGEST_TITLE = 30, 50
# Failed work has a colour and a hatch of its own.
_FILLS = (BLUE, ORANGE, GREEN, SKY, PURPLE, YELLOW)
# Of straight lines alone: dots are thousands of curves in an SVG.
_HATCHES = ("", "///", "|||", "\\\\\\", "---", "+++", "//--")
_FAILED_HATCH = "xxx"
_S_PER_MIN, _S_PER_H = 60.0, 3600.0
_STYLE: Any = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same everywhere
    "font.size": 7.0,
    "axes.titlesize": 7.0,
    "axes.labelsize": 7.0,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "hatch.linewidth": 0.5,
    "hatch.color": BLACK,
    "lines.linewidth": 1.2,
    "pdf.fonttype": 42,  # TrueType; Type 3 fonts are refused by venues
    "svg.hashsalt": "jupyter_green",
    "svg.fonttype": "path",
    "path.simplify": True,
    "timezone": "UTC",
}
_DESCRIPTION = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_COORDINATES = re.compile(r' (?:d|x|y|width|height)="[^"]*"')
_TAIL = re.compile(r"(\.\d\d)\d+")
_BETWEEN = re.compile(r">\s+<")
_METADATA: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "Creator": "jupyter_green", "Producer": None},
    "svg": {"Date": None, "Creator": "jupyter_green"},
    "png": {"Software": None},
}


@dataclass(frozen=True, slots=True)
class Bar:
    """The energy of one purpose.

    Attributes:
        purpose: Its name.
        energy_j: In joules; None: not measured.
        uncertainty_j: Half-width in joules; None: not known.
        failed: Whether the work failed or was interrupted.
    """

    purpose: str
    energy_j: float | None
    uncertainty_j: float | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Purposes:
    """Energy by purpose, in the order in which it is drawn from the top.

    Attributes:
        bars: One for each purpose.
        unit: Of energy, as the page beside it has; None: the one that fits.
    """

    bars: tuple[Bar, ...]
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of work in time.

    Attributes:
        start: With a time zone.
        end: With a time zone; not before the start.
        energy_j: In joules; None: not measured, and not drawn.
        co2e_g: In grams; None: not known.
        failed: Whether it failed or was interrupted.
    """

    start: datetime
    end: datetime
    energy_j: float | None
    co2e_g: float | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """The project's runs; they may overlap and stand in any order.

    Attributes:
        runs: All of them.
        unit: Of energy, as the page beside it has; None: the one that fits.
        mass: Of CO2e, likewise.
    """

    runs: tuple[Run, ...]
    unit: Unit | None = None
    mass: Unit | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """Power over one run, as `jupyter_green.records.Curve` has it.

    Attributes:
        title: What it is called.
        t_s: Ends of the steps in seconds since its start.
        power_w: Mean power in watts of the step that ends there.
    """

    title: str
    t_s: tuple[float, ...]
    power_w: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Curves:
    """The largest runs, the largest first; `MOST_CURVES` are drawn."""

    curves: tuple[Curve, ...]


Plot = Purposes | Course | Curves
_NAMES = {Purposes: "fig-purpose", Course: "fig-time", Curves: "fig-power"}


def draw(*plots: Plot, kinds: Iterable[str] = KINDS) -> dict[str, bytes]:
    """Return the files by name; a plot without data gives none.

    Args:
        plots: What to draw.
        kinds: Of the files, among `KINDS`.
    """
    files: dict[str, bytes] = {}
    kinds = tuple(kinds)
    for plot in plots:
        if not has_data(plot):
            continue
        with _style():
            figure = _drawn(plot)
            figure.draw_without_rendering()  # lays it out, once for all kinds
            figure.set_layout_engine("none")
            for kind in kinds:
                files[f"{_NAMES[type(plot)]}.{kind}"] = _saved(figure, kind)
    return files


def paths(files: Iterable[str]) -> dict[str, tuple[PurePosixPath, ...]]:
    """Return the files' names in the form of `Document.figures`."""
    found: dict[str, tuple[PurePosixPath, ...]] = {}
    for path in map(PurePosixPath, sorted(files)):
        found[path.stem] = (*found.get(path.stem, ()), path)
    return found


def has_data(plot: Plot) -> bool:
    """Return whether there is anything to draw."""
    match plot:
        case Purposes():
            return any(bar.energy_j is not None for bar in plot.bars)
        case Course():
            return any(run.energy_j is not None for run in plot.runs)
        case Curves():
            return any(curve.t_s for curve in plot.curves)


@contextmanager
def _style() -> Iterator[None]:
    import matplotlib as mpl  # noqa: PLC0415 - heavy, only for figures

    with mpl.rc_context():
        mpl.rcdefaults()  # whatever the user's own style is
        mpl.rcParams.update(_STYLE)
        yield


def _saved(figure: Figure, kind: str) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=kind, dpi=200, metadata=_METADATA[kind])
    content = buffer.getvalue()
    return _small(content) if kind == "svg" else content


def _small(svg: bytes) -> bytes:
    """Return an SVG without what nobody sees: half of what matplotlib writes.

    That is its description of itself, blanks between tags, and digits below a
    hundredth of a point; glyphs, which are scaled down, are whole numbers.
    """
    text = _DESCRIPTION.sub("", svg.decode())
    text = _COORDINATES.sub(lambda found: _TAIL.sub(r"\1", found[0]), text)
    return _BETWEEN.sub(">\n<", text).encode()


def _drawn(plot: Plot) -> Figure:
    match plot:
        case Purposes():
            return _purposes(plot)
        case Course():
            return _course(plot)
        case Curves():
            return _curves(plot)


def _figure(height_in: float) -> Figure:
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy, only for figures

    return Figure(figsize=(WIDTH_IN, height_in), layout="constrained")


def _label(text: str, longest: int = _LONGEST_LABEL) -> str:
    return shorten(transliterated(text).strip(), longest)


# Energy by purpose.


def _purposes(plot: Purposes) -> Figure:
    figure = _figure(_AROUND_IN + _BAR_IN * len(plot.bars))
    axes = figure.add_subplot()
    unit = plot.unit or energy_unit(*map(_energy_kwh, plot.bars))
    names = [_label(bar.purpose) for bar in plot.bars]
    ends = [_bar(axes, i, bar, unit) for i, bar in enumerate(plot.bars)]
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0.0, 1.38 * max(ends) or 1.0)  # room for the figures at the bars
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"Energy ({unit.symbol})")
    return figure


def _energy_kwh(thing: Bar | Run) -> float | None:
    return None if thing.energy_j is None else kwh_from_j(thing.energy_j)


def _bar(axes: Axes, i: int, bar: Bar, unit: Unit) -> float:
    """Draw a bar with its figure beside it; return where the bar ends."""
    size = unit.size * J_PER_KWH
    length = (bar.energy_j or 0.0) / size
    half = (bar.uncertainty_j or 0.0) / size
    if bar.energy_j is not None:
        axes.barh(
            i,
            length,
            height=0.66,
            color=VERMILION if bar.failed else _FILLS[i % len(_FILLS)],
            hatch=_FAILED_HATCH if bar.failed else _HATCHES[i % len(_HATCHES)],
            edgecolor=BLACK,
            linewidth=0.5,
            alpha=0.75,
            xerr=half or None,
            error_kw={"elinewidth": 0.7, "capsize": 1.5, "ecolor": BLACK},
        )
    width = None if bar.uncertainty_j is None else kwh_from_j(bar.uncertainty_j)
    text = unit.of(_energy_kwh(bar), width)
    axes.annotate(
        f" {text}",
        (length + half, i),
        va="center",
        fontsize=6.5,
        parse_math=False,
    )
    return length + half


# Energy and CO2e over the project's time.


def _course(plot: Course) -> Figure:
    runs = [run for run in plot.runs if run.energy_j is not None]
    with_co2e = [run for run in runs if run.co2e_g is not None]
    unit = plot.unit or energy_unit(sum(_energy_kwh(run) or 0.0 for run in runs))
    panels: list[tuple[str, Unit, str, Callable[[Run], float | None], list[Run]]] = [
        ("Energy", unit, BLUE, _energy_kwh, runs)
    ]
    if with_co2e:
        mass = plot.mass or mass_unit(sum(_co2e_kg(run) or 0.0 for run in with_co2e))
        panels.append(("CO₂e", mass, GREEN, _co2e_kg, with_co2e))
    figure = _figure(0.45 + _PANEL_IN * len(panels))
    first: Axes | None = None
    for row, (name, unit, rgb, amount, shown) in enumerate(panels, start=1):
        axes = figure.add_subplot(len(panels), 1, row, sharex=first)
        first = first or axes
        amounts = [(amount(run) or 0.0) / unit.size for run in shown]
        _cumulative(axes, shown, amounts, rgb)
        axes.set_ylabel(f"{name} ({unit.symbol})")
        axes.tick_params(axis="x", labelbottom=row == len(panels))
    _date_axis(axes)
    return figure


def _co2e_kg(run: Run) -> float | None:
    return None if run.co2e_g is None else run.co2e_g / G_PER_KG


def _cumulative(axes: Axes, runs: list[Run], amounts: list[float], rgb: str) -> None:
    """Draw the sum up to each moment: solid during runs, dotted where nothing ran."""
    import numpy as np  # noqa: PLC0415 - heavy, only for figures

    starts = np.array([run.start.timestamp() for run in runs])
    ends = np.maximum(starts, [run.end.timestamp() for run in runs])
    parts = np.array(amounts)
    t, total, busy = course(starts, ends, parts)
    if len(t) > MOST_POINTS:
        grid = np.linspace(t[0], t[-1], MOST_POINTS)
        busy = busy[np.clip(np.searchsorted(t, grid, "right") - 1, 0, len(busy) - 1)]
        busy = busy[:-1]
        total = np.interp(grid, t, total)
        t = grid
    dates = _dates(t)
    for is_busy, dashes, width in ((True, "-", 1.4), (False, (0, (1, 1.5)), 0.9)):
        for i, j in _stretches(busy == is_busy):
            axes.plot(
                dates[i : j + 1], total[i : j + 1], ls=dashes, lw=width, color=rgb
            )
    _failures(axes, runs, ends, parts, (t, total))
    axes.set_ylim(0.0, 1.12 * float(total[-1]) or 1.0)


def course(
    starts: Numbers, ends: Numbers, amounts: Numbers
) -> tuple[Numbers, Numbers, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return moments, the sum up to each, and whether anything ran after each.

    An amount is spread evenly over its run; one of no length is a step.  The last
    sum is that of all amounts.

    Args:
        starts: Of the runs, in seconds.
        ends: Of the runs, none before its start.
        amounts: Of the runs.
    """
    import numpy as np  # noqa: PLC0415 - heavy, only for figures

    lengths = ends - starts
    is_step = lengths <= 0
    rates = np.where(is_step, 0.0, amounts / np.where(is_step, 1.0, lengths))
    moments = np.concatenate([starts, ends])
    order = np.argsort(moments, kind="stable")
    slope = np.cumsum(np.concatenate([rates, -rates])[order])
    running = np.cumsum(
        np.concatenate([np.ones_like(rates), -np.ones_like(rates)])[order]
    )
    # A step counts from its moment on.
    steps = np.concatenate([np.zeros_like(rates), np.where(is_step, amounts, 0.0)])
    t = moments[order]
    grown = np.concatenate([[0.0], np.cumsum(slope[:-1] * np.diff(t))])
    total = grown + np.cumsum(steps[order])
    return t, np.maximum.accumulate(total), running[:-1] > 0


def _stretches(flags: np.ndarray[Any, Any]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last edge of each run of true flags."""
    start = None
    for i, flag in enumerate([*flags, False]):
        if flag and start is None:
            start = i
        elif not flag and start is not None:
            yield start, i
            start = None


def _failures(
    axes: Axes,
    runs: list[Run],
    ends: Numbers,
    amounts: Numbers,
    line: tuple[Numbers, Numbers],
) -> None:
    import numpy as np  # noqa: PLC0415 - heavy, only for figures

    failed = [i for i, run in enumerate(runs) if run.failed]
    failed = sorted(failed, key=lambda i: -amounts[i])[:MOST_MARKS]
    if not failed:
        return
    when = _dates(ends[failed])
    sums = [float(np.interp(ends[i], *line)) for i in failed]
    axes.plot(
        when, sums, "x", color=VERMILION, ms=4.0, mew=1.2, label="failed", zorder=3
    )
    axes.legend(loc="upper left", frameon=False, fontsize=6.5, handlelength=1.0)


def _dates(seconds: Numbers) -> Any:
    """Return moments for matplotlib, whose types do not know dates."""
    return [datetime.fromtimestamp(moment, UTC) for moment in seconds]


def _date_axis(axes: Axes) -> None:
    from matplotlib import dates  # noqa: PLC0415 - heavy, only for figures

    untyped: Any = dates
    locator = untyped.AutoDateLocator(tz=UTC, minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(untyped.ConciseDateFormatter(locator, tz=UTC))
    axes.set_xlabel("Date (UTC)")


# Power of the largest runs.


def _curves(plot: Curves) -> Figure:
    shown = [curve for curve in plot.curves if curve.t_s][:MOST_CURVES]
    figure = _figure(0.35 + 0.95 * len(shown))
    top_w = max(max(curve.power_w) for curve in shown) or 1.0
    for row, curve in enumerate(shown, start=1):
        axes = figure.add_subplot(len(shown), 1, row)
        _curve(axes, curve)
        axes.set_ylim(0.0, 1.1 * top_w)  # one scale: the runs can be compared
    figure.supylabel("Power (W)", fontsize=7.0)
    return figure


def _merged(
    ends_s: Sequence[float], power_w: Sequence[float]
) -> tuple[Sequence[float], Sequence[float]]:
    """Return a curve of at most `MOST_STEPS` steps, its energy up to each the same."""
    if len(ends_s) <= MOST_STEPS:
        return ends_s, power_w
    import numpy as np  # noqa: PLC0415 - heavy, only for figures

    edges = np.array([0.0, *ends_s])
    work = np.concatenate([[0.0], np.cumsum(np.diff(edges) * np.array(power_w))])
    grid = np.linspace(0.0, edges[-1], MOST_STEPS + 1)
    merged: list[float] = (
        np.diff(np.interp(grid, edges, work)) / np.diff(grid)
    ).tolist()
    return grid[1:].tolist(), merged


def _curve(axes: Axes, curve: Curve) -> None:
    end_s = curve.t_s[-1]
    size, unit = next(
        (size, unit)
        for least, size, unit in (
            (2 * _S_PER_H, _S_PER_H, "h"),
            (2 * _S_PER_MIN, _S_PER_MIN, "min"),
            (0.0, 1.0, "s"),
        )
        if end_s >= least
    )
    ends_s, power_w = _merged(curve.t_s, curve.power_w)
    edges = [0.0, *(t / size for t in ends_s)]
    axes.stairs(power_w, edges, color=BLUE, lw=0.9, baseline=None)
    axes.stairs(power_w, edges, color=BLUE, alpha=0.25, fill=True)
    if end_s > 0:
        starts_s = [0.0, *curve.t_s[:-1]]
        steps = zip(starts_s, curve.t_s, curve.power_w, strict=True)
        mean_w = sum((end - start) * power for start, end, power in steps) / end_s
        axes.axhline(mean_w, color=ORANGE, lw=0.9, ls="--")
        axes.set_title(f"mean {format_power(mean_w)}", loc="right", pad=2.0)
    axes.set_xlim(0.0, edges[-1] or 1.0)
    axes.set_title(
        _label(curve.title, _LONGEST_TITLE), loc="left", pad=2.0, parse_math=False
    )
    axes.set_xlabel(f"Time ({unit})", labelpad=1.0)
