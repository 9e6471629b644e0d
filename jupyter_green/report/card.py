"""Show one record: a quiet line of text and a compact HTML card.

Pure: a record goes in, text comes out.  The HTML takes the page's own colours: it is
right in light and dark, in JupyterLab, Notebook 7 and nbconvert.  Imports `records` and
`report.format`.
"""

from __future__ import annotations

import html
from collections.abc import Iterator

from jupyter_green.records import Curve, DeviceRecord, Intensity, Record, Repeats
from jupyter_green.report.format import (
    NOT_MEASURED,
    format_co2e,
    format_duration,
    format_energy,
    format_percent,
    format_power,
)

MIME_TYPE = "application/vnd.jupyter-green.record+json"
LONGEST_LABEL = 80
SEPARATOR = " · "
_SPARK = (120, 26)  # pixels of the power curve


def line(record: Record, *, verbose: bool = False) -> str:
    """Return the record as one line; *verbose* adds one line for each device."""
    parts = [*_headline(record), _carbon(record), _devices(record.devices)]
    text = SEPARATOR.join(part for part in parts if part)
    lines = [f"{_title(record)}{text}{_state(record)}"]
    if record.repeats:
        lines.append(_repeats(record.repeats))
    if verbose:
        lines += [f"  {_device_line(device)}" for device in record.devices]
        if record.overhead_s is not None:
            lines.append(f"  overhead {format_duration(record.overhead_s)}")
    return "\n".join(lines)


def card(record: Record, *, verbose: bool = False) -> str:
    """Return the record as an HTML card."""
    title = html.escape(_title(record).rstrip(": "))
    figures, energy = _headline(record)[1:], _headline(record)[0]
    rest = SEPARATOR.join([*figures, *filter(None, [_grams(record)])])
    rows = "".join(_bar(device, record) for device in record.devices)
    notes = [_intensity(record), *_remarks(record, verbose=verbose)]
    small = "font-size:85%;opacity:.75"
    return (
        '<div class="jp-GreenCard" style="display:inline-block;box-sizing:border-box;'
        "max-width:100%;margin:2px 0;padding:6px 12px;border:1px solid;"
        "border-color:rgba(128,128,128,.35);border-left:3px solid #2e9e5b;"
        'border-radius:3px;font-size:13px;line-height:1.45">'
        '<div style="display:flex;flex-wrap:wrap;gap:2px 14px;align-items:center">'
        + (f'<span style="opacity:.75">{title}</span>' if title else "")
        + f"<strong>{html.escape(energy)}</strong><span>{html.escape(rest)}</span>"
        + _badge(record)
        + (_spark(record.curve) if record.curve else "")
        + "</div>"
        + (
            f'<div style="{small}">{html.escape(_repeats(record.repeats))}</div>'
            if record.repeats
            else ""
        )
        + f'<div style="margin-top:3px">{rows}</div>'
        + "".join(
            f'<div style="{small}">{html.escape(note)}</div>' for note in notes if note
        )
        + "</div>"
    )


def _title(record: Record) -> str:
    label = " ".join(record.label.split())
    if not label:
        return ""
    if len(label) > LONGEST_LABEL:
        label = label[: LONGEST_LABEL - 1] + "…"
    return f"{label}: "


def _headline(record: Record) -> list[str]:
    energy = format_energy(record.energy_j, record.uncertainty_j)
    if record.energy_j is None:
        energy = f"energy {NOT_MEASURED}"
    elif all("below-resolution" in d.flags for d in _measured(record)):
        limit = (record.energy_j or 0.0) + (record.uncertainty_j or 0.0)
        energy = f"below resolution (< {format_energy(limit)})"
    parts = [energy, format_duration(record.duration_s)]
    if record.power_w is not None:
        parts.append(format_power(record.power_w))
    return parts


def _measured(record: Record) -> list[DeviceRecord]:
    return [device for device in record.devices if device.energy_j is not None]


def _grams(record: Record) -> str:
    if record.co2e_g is None:
        return ""
    return f"{format_co2e(record.co2e_g)} CO2e"


def _carbon(record: Record) -> str:
    if record.co2e_g is None or record.intensity is None:
        return ""
    return f"{_grams(record)} ({_intensity_words(record.intensity)}{_pue(record)})"


def _intensity_words(intensity: Intensity) -> str:
    year = f" {intensity.year}" if intensity.year else ""
    assumed = ", no location set" if intensity.assumed else ""
    return f"{intensity.g_per_kwh:.4g} g/kWh, {intensity.zone}{year}{assumed}"


def _pue(record: Record) -> str:
    return "" if record.pue.value == 1.0 else f", PUE {record.pue.value:g}"


def _intensity(record: Record) -> str:
    if record.intensity is None:
        return ""
    words = f"CO2e at {_intensity_words(record.intensity)}"
    source = f", {record.intensity.kind}: {record.intensity.source}"
    pue = f"{SEPARATOR}PUE {record.pue.value:g} ({record.pue.source})"
    note = f"{SEPARATOR}{record.intensity.note}" if record.intensity.note else ""
    return words + source + pue + note


def _devices(devices: tuple[DeviceRecord, ...]) -> str:
    total_j = sum(d.energy_j for d in devices if d.energy_j is not None)
    return ", ".join(_device_words(device, total_j) for device in devices)


def _device_words(device: DeviceRecord, total_j: float) -> str:
    name = f"{device.kind} {device.index}"
    if device.energy_j is None:
        return f"{name} {NOT_MEASURED}"
    part = format_percent(device.energy_j / total_j) if total_j > 0 else "0 %"
    return f"{name} {part} {device.method}"


def _device_line(device: DeviceRecord) -> str:
    energy = format_energy(device.energy_j, device.uncertainty_j)
    words = [f"{device.kind} {device.index} {device.name}".strip(), energy]
    if device.energy_j is not None:
        words.append(device.method)
    if device.coverage < 1.0:
        words.append(f"{format_percent(device.coverage)} of the time covered")
    if device.share is not None:
        share = format_percent(device.share.fraction)
        words.append(f"this kernel's share {share} ({device.share.basis})")
    words += [*device.flags, *filter(None, [device.reason])]
    return SEPARATOR.join(words)


def _state(record: Record) -> str:
    words = []
    if record.status == "running":
        words.append("running")
    elif not record.final:
        words.append("provisional")
    if record.status not in ("ok", "running"):
        words.append(record.status)
    if "simulated" in record.methods:
        words.append("SIMULATED")
    return f" [{', '.join(words)}]" if words else ""


def _badge(record: Record) -> str:
    state = _state(record).strip(" []")
    if not state:
        return ""
    return (
        '<span style="border:1px solid currentColor;border-radius:8px;padding:0 6px;'
        f'font-size:80%;opacity:.75">{html.escape(state)}</span>'
    )


def _repeats(repeats: Repeats) -> str:
    kept = len(repeats.energy_j)
    mean = format_energy(repeats.mean_j, repeats.interval_j)
    spread = "" if repeats.stdev_j is None else f", sd {format_energy(repeats.stdev_j)}"
    seconds = sum(repeats.duration_s) / kept if kept else None
    return (
        f"{mean} per run (mean{' and 95 % interval' if repeats.interval_j else ''} of "
        f"{kept} runs, the first of {repeats.runs} dropped{spread}), "
        f"{format_duration(seconds)} per run"
    )


def _remarks(record: Record, *, verbose: bool) -> Iterator[str]:
    for device in record.devices:
        if verbose or device.energy_j is None or device.coverage < 1.0:
            yield _device_line(device)
        elif device.share is not None:
            yield (
                f"{device.kind} {device.index}: this kernel's share "
                f"{format_energy(device.share.energy_j)} "
                f"({format_percent(device.share.fraction)} by {device.share.basis})"
            )


def _bar(device: DeviceRecord, record: Record) -> str:
    total_j = record.energy_j or 0.0
    fraction = (device.energy_j or 0.0) / total_j if total_j > 0 else 0.0
    fraction = min(1.0, max(0.0, fraction))
    name = html.escape(f"{device.kind} {device.index}")
    energy = html.escape(format_energy(device.energy_j, device.uncertainty_j))
    method = html.escape(device.method if device.energy_j is not None else "")
    bar = (
        '<span style="display:inline-block;width:90px;height:7px;'
        'background:rgba(128,128,128,.22);border-radius:2px">'
        f'<span style="display:block;width:{100 * fraction:.1f}%;height:7px;'
        'background:#2e9e5b;border-radius:2px"></span></span>'
    )
    return (
        f'<div title="{html.escape(device.name)}" style="display:flex;gap:10px;'
        'align-items:center;font-size:90%">'
        f'<span style="min-width:3.6em">{name}</span>{bar}<span>{energy}</span>'
        f'<span style="opacity:.75">{method}</span></div>'
    )


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
    label = html.escape(f"power over time, at most {format_power(top_w)}")
    return (
        f'<svg width="{width}" height="{height}" role="img" aria-label="{label}" '
        f'style="vertical-align:middle"><title>{label}</title>'
        f'<polygon points="{" ".join(points)}" fill="#2e9e5b" fill-opacity=".25" '
        'stroke="#2e9e5b" stroke-width="1"/></svg>'
        f'<span style="font-size:80%;opacity:.75">{format_power(top_w)} max</span>'
    )
