"""Show what is going on as HTML and as text: watts, cells that run, what was used.

Pure: a `View` goes in, text comes out.  Like the card it has inline styles only and the
page's own colours.  Imports `records` and the other modules of `report`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from jupyter_green.records import Record
from jupyter_green.report import palette
from jupyter_green.report.card import line
from jupyter_green.report.format import (
    NOT_MEASURED,
    format_co2e,
    format_duration,
    format_energy,
    format_power,
)
from jupyter_green.report.tables import plain_text

WIDTH, HEIGHT = 420, 84  # pixels of the chart
LONGEST_NAME = 40
_FAINT = "opacity:.7"
_SMALL = f"font-size:12px;{_FAINT}"
_BOX = (
    "display:inline-block;box-sizing:border-box;max-width:100%;padding:8px 12px;"
    "border:1px solid rgba(128,128,128,.35);border-radius:3px;font-size:13px;"
    "line-height:1.5"
)


@dataclass(frozen=True, slots=True)
class DevicePower:
    """What one device draws.

    Attributes:
        name: What it is called, such as ``gpu 0``.
        method: ``counter``, ``integrated``, ``estimated`` or ``simulated``.
        power_w: Watts now; None where it could not be read.
        detail: The product's name.
    """

    name: str
    method: str
    power_w: float | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """Mean watts of each device in the step that ends at a time, in their order.

    Attributes:
        t_s: Seconds on any clock that only grows.
        power_w: Watts; None where the device could not be read.
        metered: Whether a cell was being metered.
    """

    t_s: float
    power_w: tuple[float | None, ...]
    metered: bool = False


@dataclass(frozen=True, slots=True)
class Used:
    """What some work has used so far.

    Attributes:
        scope: What it is the sum of, such as ``this session``.
        energy_j: Joules; None: not measured.
        uncertainty_j: Half-width (95 %) of the joules; None: not known.
        co2e_g: Grams of CO2e; None: not known.
        runs: How many pieces of work.
    """

    scope: str
    energy_j: float | None
    uncertainty_j: float | None
    co2e_g: float | None
    runs: int


@dataclass(frozen=True, slots=True)
class View:
    """Everything that is shown.

    Attributes:
        devices: What each device draws now.
        moments: The last minutes, oldest first.
        running: Records so far of the windows that are open.
        latest: The last records, newest first.
        used: Sums, the narrowest scope first.
        state: One line on what the view itself does, such as that it rests.
    """

    devices: tuple[DevicePower, ...]
    moments: tuple[Moment, ...] = ()
    running: tuple[Record, ...] = ()
    latest: tuple[Record, ...] = ()
    used: tuple[Used, ...] = ()
    state: str = ""

    @property
    def power_w(self) -> float | None:
        """Watts of all devices that could be read; None if none could."""
        known = [d.power_w for d in self.devices if d.power_w is not None]
        return sum(known) if known else None


def monitor_text(view: View) -> str:
    """Return the view for a terminal."""
    rows = [_headline(view)]
    rows += [f"  {_device_words(device)}" for device in view.devices]
    rows += [f"running: {line(record)}" for record in view.running]
    rows += [_used_words(used) for used in view.used]
    rows += [line(record) for record in view.latest]
    return "\n".join([*rows, *([view.state] if view.state else [])])


def monitor_html(view: View) -> str:
    """Return the view as HTML; everything in it is escaped."""
    parts = [
        f'<div style="font-size:22px;line-height:1.3">{escape(_total(view))}</div>',
        _chart(view.moments, len(view.devices)),
        *(_device_row(number, device) for number, device in enumerate(view.devices)),
        *(_entry("running", record) for record in view.running),
        *(f"<div>{escape(_used_words(used))}</div>" for used in view.used),
        *(_entry("", record) for record in view.latest),
    ]
    if view.state:
        parts.append(f'<div style="{_SMALL}">{escape(view.state)}</div>')
    return f'<div style="{_BOX}">{"".join(parts)}</div>'


def _total(view: View) -> str:
    if view.power_w is None:
        return f"power {NOT_MEASURED}"
    return format_power(view.power_w)


def _headline(view: View) -> str:
    return f"now: {_total(view)}"


def _device_words(device: DevicePower) -> str:
    return f"{device.name} {format_power(device.power_w)} ({device.method})"


def _device_row(number: int, device: DevicePower) -> str:
    swatch = (
        '<span style="display:inline-block;width:9px;height:9px;border-radius:2px;'
        f'background:{palette.colour(number)};margin-right:6px"></span>'
    )
    return (
        f'<div title="{escape(plain_text(device.detail))}">{swatch}'
        f"{escape(device.name)} <b>{escape(format_power(device.power_w))}</b> "
        f'<span style="{_FAINT}">{escape(device.method)}</span></div>'
    )


def _used_words(used: Used) -> str:
    runs = "1 run" if used.runs == 1 else f"{used.runs} runs"
    energy = format_energy(used.energy_j, used.uncertainty_j)
    grams = "" if used.co2e_g is None else f", {format_co2e(used.co2e_g)} CO2e"
    return f"{used.scope}: {energy}{grams} ({runs})"


def _entry(mark: str, record: Record) -> str:
    label = plain_text(record.label) or (
        f"In[{record.execution_count}]" if record.execution_count else "unnamed"
    )
    if len(label) > LONGEST_NAME:
        label = f"{label[: LONGEST_NAME - 1]}…"
    words = [
        format_energy(record.energy_j, record.uncertainty_j),
        format_duration(record.duration_s),
        "" if record.co2e_g is None else f"{format_co2e(record.co2e_g)} CO2e",
        mark or ("" if record.status == "ok" else record.status),
    ]
    figures = escape(" · ".join(word for word in words if word))
    return f'<div style="{_FAINT}">{escape(label)}: {figures}</div>'


def _chart(moments: Sequence[Moment], devices: int) -> str:
    """Return stacked watts over time; time in which a cell was metered is shaded."""
    if len(moments) < 2 or not devices:  # noqa: PLR2004 - a line needs two points
        return ""
    begin_s, end_s = moments[0].t_s, moments[-1].t_s
    length_s = (end_s - begin_s) or 1.0
    top_w = max((sum(w or 0.0 for w in m.power_w) for m in moments), default=0.0) or 1.0
    xs = [WIDTH * (m.t_s - begin_s) / length_s for m in moments]
    floor = [0.0] * len(moments)
    shapes = [_bands(moments, xs)]
    for number in range(devices):
        roof = [
            below + (m.power_w[number] or 0.0)
            for below, m in zip(floor, moments, strict=True)
        ]
        there = [(x, _y(w, top_w)) for x, w in zip(xs, roof, strict=True)]
        back = [(x, _y(w, top_w)) for x, w in zip(xs, floor, strict=True)][::-1]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (*there, *back))
        fill = palette.colour(number)
        shapes.append(f'<polygon points="{points}" fill="{fill}" fill-opacity=".6"/>')
        floor = roof
    says = escape(f"last {format_duration(length_s)}, at most {format_power(top_w)}")
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{says}" '
        f'style="width:{WIDTH}px;max-width:100%;height:{HEIGHT}px;display:block;'
        f'margin:4px 0"><title>{says}</title>{"".join(shapes)}</svg>'
        f'<div style="{_SMALL}">{says}</div>'
    )


def _y(power_w: float, top_w: float) -> float:
    return HEIGHT - (HEIGHT - 4) * max(0.0, power_w) / top_w


def _bands(moments: Sequence[Moment], xs: Sequence[float]) -> str:
    return "".join(
        f'<rect x="{xs[i - 1]:.1f}" y="0" width="{xs[i] - xs[i - 1]:.1f}" '
        f'height="{HEIGHT}" fill="currentColor" fill-opacity=".08"/>'
        for i in range(1, len(moments))
        if moments[i].metered
    )
