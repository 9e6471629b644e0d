"""Show one record: a quiet line of text and a compact HTML card.

Pure: a record goes in, text comes out.  The HTML takes the page's own colours: it is
right in light and dark, in JupyterLab, Notebook 7 and nbconvert.  It has inline styles
only, as a front end that does not trust a notebook takes the rest away (the power
curve, too), and blanks between the figures, as some take away the styles.  Imports
`records`, `report.format` and `report.tables`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html import escape

from jupyter_green.records import Curve, DeviceRecord, Intensity, Record, Repeats
from jupyter_green.report.format import (
    NOT_MEASURED,
    format_co2e,
    format_co2e_of,
    format_duration,
    format_energy,
    format_percent,
    format_power,
)
from jupyter_green.report.tables import plain_text
from jupyter_green.report.work import UNITS_OF_WORK

MIME_TYPE = "application/vnd.jupyter-green.record+json"
LONGEST_LABEL = 80
SEPARATOR = " · "
BELOW_RESOLUTION = "below resolution"

GREEN, AMBER, RED = "#2e9e5b", "#b7791f", "#d1495b"
_FAINT = "opacity:.7"
_SMALL = f"font-size:12px;{_FAINT}"
_CARD = (
    "display:inline-block;box-sizing:border-box;max-width:100%;margin:2px 0;"
    "padding:6px 12px 7px;border:1px solid rgba(128,128,128,.35);"
    f"border-left:3px solid {GREEN};border-radius:3px;font-size:13px;line-height:1.5"
)
_LINE = "display:flex;flex-wrap:wrap;align-items:baseline;column-gap:10px"
_EM_PER_CHARACTER = 0.56  # of the figures in a proportional font, about
_BAR_WIDTH = 52  # pixels
_SPARK = (104, 22)  # pixels of the power curve


def line(record: Record, *, verbose: bool = False) -> str:
    """Return the record as one line; *verbose* adds one line for each device."""
    title = _title(record)
    parts = [*_headline(record), _carbon(record), _devices(record.devices)]
    text = SEPARATOR.join(part for part in parts if part)
    state = f" [{', '.join(_state(record))}]" if _state(record) else ""
    lines = [f"{title}: {text}{state}" if title else f"{text}{state}"]
    if record.repeats:
        lines.append(_repeats(record.repeats))
    if record.metrics:
        lines.append(_metrics(record))
    if verbose:
        lines += [f"  {_device_line(device)}" for device in record.devices]
        lines += [f"  {text}" for text in (_net(record), _overhead(record)) if text]
    return "\n".join(lines)


def card(record: Record, *, verbose: bool = False) -> str:
    """Return the record as an HTML card."""
    notes = "".join(
        f'<div style="{_SMALL}">{note}</div>' for note in _notes(record, verbose)
    )
    return f'<div style="{_CARD}">{_head(record)}{_rows(record)}{notes}</div>'


# What both forms say.


def _title(record: Record) -> str:
    label = plain_text(record.label)
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


def _headline(record: Record) -> list[str]:
    energy = format_energy(record.energy_j, record.uncertainty_j)
    measured = [d for d in record.devices if d.energy_j is not None]
    if record.energy_j is None:
        energy = f"energy {NOT_MEASURED}"
    elif all(_is_below(device) for device in measured):
        limit_j = record.energy_j + (record.uncertainty_j or 0.0)
        energy = f"{BELOW_RESOLUTION} (< {format_energy(limit_j)})"
    parts = [energy, format_duration(record.duration_s)]
    # A mean power is worth as much as the energy: nothing where that is a bound.
    if record.power_w is not None and "<" not in energy:
        parts.append(format_power(record.power_w))
    return parts


def _grams(record: Record) -> str:
    if record.co2e_g is None or record.energy_j is None or record.intensity is None:
        return ""
    grams = format_co2e_of(record.co2e_g, record.energy_j, record.uncertainty_j)
    uncertainty_j = record.uncertainty_j or 0.0
    if "<" in _headline(record)[0] and record.energy_j > 0:
        limit = 1.0 + uncertainty_j / record.energy_j
        grams = f"< {format_co2e(record.co2e_g * limit)}"
    return f"{grams} CO2e"


def _carbon(record: Record) -> str:
    if not (grams := _grams(record)) or record.intensity is None:
        return ""
    return f"{grams} ({_intensity_words(record.intensity)}{_pue(record)})"


def _intensity_words(intensity: Intensity) -> str:
    year = f" {intensity.year}" if intensity.year else ""
    assumed = ", no location set" if intensity.assumed else ""
    return f"{intensity.g_per_kwh:.4g} g/kWh, {intensity.zone}{year}{assumed}"


def _pue(record: Record) -> str:
    return "" if record.pue.value == 1.0 else f", PUE {record.pue.value:g}"


def _metrics(record: Record) -> str:
    """Return the user's numbers, and the joules of one unit where they count work."""
    energy_j = record.repeats.mean_j if record.repeats else record.energy_j
    parts = []
    for name, value in record.metrics.items():
        part = f"{plain_text(name)} {value:.6g}"
        one = UNITS_OF_WORK.get(name)
        if one and value > 0 and energy_j is not None:
            part += f" ({format_energy(energy_j / value)} per {one})"
        parts.append(part)
    return SEPARATOR.join(parts)


def _names(devices: tuple[DeviceRecord, ...]) -> dict[str, str]:
    """Return what each device is called: its kind, numbered where there are several."""
    counts = Counter(device.kind for device in devices)
    return {
        d.id: d.kind if counts[d.kind] == 1 else f"{d.kind} {d.index}" for d in devices
    }


def _devices(devices: tuple[DeviceRecord, ...]) -> str:
    total_j = sum(d.energy_j for d in devices if d.energy_j is not None)
    names = _names(devices)
    return ", ".join(f"{names[d.id]} {_part(d, total_j)}" for d in devices)


def _part(device: DeviceRecord, total_j: float) -> str:
    if device.energy_j is None:
        return NOT_MEASURED
    if _is_below(device):
        return f"{BELOW_RESOLUTION} ({device.method})"
    return f"{_fraction(device, total_j)} {device.method}"


def _fraction(device: DeviceRecord, total_j: float | None) -> str:
    return format_percent((device.energy_j or 0.0) / total_j if total_j else 0.0)


def _is_below(device: DeviceRecord) -> bool:
    return "below-resolution" in device.flags


def _energy(device: DeviceRecord) -> str:
    if device.energy_j is not None and _is_below(device):
        return f"< {format_energy(device.energy_j + (device.uncertainty_j or 0.0))}"
    return format_energy(device.energy_j, device.uncertainty_j)


def _device_line(device: DeviceRecord) -> str:
    words = [f"{device.kind} {device.index} {device.name}".strip(), _energy(device)]
    if device.energy_j is not None:
        words.append(device.method)
    words += _quality(device)
    if device.share is not None:
        words.append(
            f"this kernel's share {format_energy(device.share.energy_j)}, "
            f"{format_percent(device.share.fraction)} by {device.share.basis}"
        )
    return plain_text(SEPARATOR.join(words))


def _quality(device: DeviceRecord) -> Iterator[str]:
    """Yield what to know about a figure, or why there is none."""
    if 0.0 < device.coverage < 1.0:
        yield f"{format_percent(device.coverage)} of the time covered"
    # The coverage says "partial" in numbers.
    yield from (flag.replace("-", " ") for flag in device.flags if flag != "partial")
    if device.reason:
        yield device.reason


def _state(record: Record) -> list[str]:
    words = []
    if record.status == "running":
        words.append("running")
    elif not record.final:
        words.append("provisional")
    if record.status not in ("ok", "running"):
        words.append(record.status)
    if "simulated" in record.methods:
        words.append("SIMULATED")
    return words


def _repeats(repeats: Repeats) -> str:
    kept = len(repeats.energy_j)
    if not kept:
        return "per run: no run was completed after the first, which is dropped"
    spread = ""
    if repeats.stdev_j is not None and repeats.mean_j:
        spread = f", sd {format_percent(repeats.stdev_j / repeats.mean_j)}"
    mean = format_energy(repeats.mean_j, repeats.interval_j)
    runs = "1 run" if kept == 1 else f"mean of {kept} runs"
    return (
        f"per run: {mean}{SEPARATOR}{format_duration(sum(repeats.duration_s) / kept)}"
        f" ({runs}, the first of {repeats.runs} dropped{spread})"
    )


def _net(record: Record) -> str:
    net_j = record.energy_net_j
    if net_j is None:
        return ""
    return f"net {format_energy(net_j, record.uncertainty_net_j)} above idle"


def _overhead(record: Record) -> str:
    if record.overhead_s is None:
        return ""
    return f"overhead {format_duration(record.overhead_s)}"


# The card.


def _head(record: Record) -> str:
    energy, *figures = _headline(record)
    figures += filter(None, [_grams(record).replace("CO2e", "CO₂e")])
    title, rest = escape(_title(record)), escape(SEPARATOR.join(["", *figures]))
    badges = "".join(f" {_badge(word)}" for word in _state(record))
    # Apart from each other also where the styles are taken away.
    return (
        f'<div style="{_LINE};margin-bottom:2px">'
        + (f'<span style="{_FAINT}">{title}</span> ' if title else "")
        + f"<span><b>{escape(energy)}</b>{rest}{badges}</span>"
        + (_spark(record.curve) if record.curve else "")
        + "</div>"
    )


def _badge(word: str) -> str:
    colours = {"SIMULATED": AMBER, "error": RED, "interrupted": RED, "killed": RED}
    colour = colours.get(word, "inherit;opacity:.7")
    return (
        f'<span style="border:1px solid;border-radius:8px;padding:0 6px;font-size:11px;'
        f'margin-left:4px;white-space:nowrap;color:{colour}">{escape(word)}</span>'
    )


def _rows(record: Record) -> str:
    """Return one line for each device, its figures below each other."""
    names = [_shown(name) for name in _names(record.devices).values()]
    energies = [_energy(device) for device in record.devices]
    name_em = _EM_PER_CHARACTER * max(map(len, names), default=0) + 0.8
    energy_em = _EM_PER_CHARACTER * max(map(len, energies), default=0)
    rows = []
    for device, name, energy in zip(record.devices, names, energies, strict=True):
        cells = [_cell(name, f"min-width:{name_em:.1f}em", device.name or device.id)]
        if device.energy_j is not None:
            cells += [
                _bar(device, record.energy_j or 0.0),
                _cell(energy, f"min-width:{energy_em:.1f}em;text-align:right"),
                _cell(
                    "" if _is_below(device) else _fraction(device, record.energy_j),
                    "min-width:3.2em;text-align:right",
                ),
            ]
        basis = device.share.basis if device.share else ""
        cells.append(_cell(_remarks(device), _FAINT, basis and f"by {basis}"))
        rows.append(f'<div style="{_LINE}">{" ".join(cells)}</div>')
    return "".join(rows)


def _cell(text: str, style: str, tip: str = "") -> str:
    title = f' title="{escape(tip)}"' if tip else ""
    return f'<span style="{style}"{title}>{escape(text)}</span>'


def _shown(name: str) -> str:
    kind, _, index = name.partition(" ")
    return f"{kind if kind == 'machine' else kind.upper()} {index}".strip()


def _remarks(device: DeviceRecord) -> str:
    measured = device.energy_j is not None
    words = [device.method if measured else NOT_MEASURED, *_quality(device)]
    if device.share is not None:
        words.append(f"this kernel {format_percent(device.share.fraction)}")
    return SEPARATOR.join(words)


def _bar(device: DeviceRecord, total_j: float) -> str:
    fraction = (device.energy_j or 0.0) / total_j if total_j > 0 else 0.0
    fraction = 0.0 if _is_below(device) else min(1.0, max(0.0, fraction))
    track = "display:inline-block;height:6px;border-radius:2px;vertical-align:middle"
    return (
        f'<span style="{track};width:{_BAR_WIDTH}px;background:rgba(128,128,128,.22);'
        'align-self:center">'
        f'<span style="display:block;height:6px;border-radius:2px;background:{GREEN};'
        f'width:{_BAR_WIDTH * fraction:.1f}px"></span></span>'
    )


def _notes(record: Record, verbose: bool) -> Iterator[str]:
    """Yield the small lines below the table, as HTML."""
    if record.repeats:
        yield escape(_repeats(record.repeats))
    if record.metrics:
        yield escape(_metrics(record))
    if net := _net(record):
        yield escape(net)
    if record.intensity is not None and record.energy_j is not None:
        yield _intensity_note(record, record.intensity, verbose=verbose)
    if verbose:
        yield from (escape(_device_line(device)) for device in record.devices)
        if overhead := _overhead(record):
            yield escape(overhead)


def _intensity_note(record: Record, intensity: Intensity, *, verbose: bool) -> str:
    """Return the intensity in short; its source in full as a tip, or if *verbose*."""
    short = f"CO₂e at {_intensity_words(intensity)}{_pue(record)}"
    details = [f"{intensity.kind}: {intensity.source}"]
    details += [f"PUE {record.pue.value:g}: {record.pue.source}"]
    details += [intensity.note] if intensity.note else []
    full = SEPARATOR.join(details)
    if verbose:
        return escape(f"{short}{SEPARATOR}{full}")
    return f'<span title="{escape(full)}">{escape(short)}</span>'


def _spark(curve: Curve) -> str:
    """Return mean power over time as a small step plot, from 0 W up."""
    width, height = _SPARK
    top_w = max(curve.power_w) or 1.0
    end_s = curve.t_s[-1] or 1.0
    points, x = [f"0,{height}"], 0.0
    for t_s, power_w in zip(curve.t_s, curve.power_w, strict=True):
        y = height - (height - 2) * max(0.0, power_w) / top_w
        points.append(f"{x:.1f},{y:.1f}")
        x = width * t_s / end_s
        points.append(f"{x:.1f},{y:.1f}")
    points.append(f"{width},{height}")
    peak = escape(f"peak {format_power(top_w)}")
    return (
        f' <span style="white-space:nowrap"><svg width="{width}" height="{height}" '
        f'role="img" aria-label="power over time, {peak}" '
        f'style="vertical-align:middle"><title>power over time, {peak}</title>'
        f'<polygon points="{" ".join(points)}" fill="{GREEN}" fill-opacity=".22" '
        f'stroke="{GREEN}" stroke-width="1"/></svg> '
        f'<span style="{_SMALL}">{peak}</span></span>'
    )
