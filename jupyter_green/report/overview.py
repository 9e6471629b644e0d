"""Tables about the set-up: what can be measured here, settings, location.

Pure; used by ``jupyter green doctor`` and ``%green doctor`` alike.  Imports `devices`,
`records`, `settings`, `report.tables`, `report.format`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from jupyter_green.devices.device import About, Found, Problem
from jupyter_green.records import Intensity, Pue
from jupyter_green.report.format import format_duration, format_energy, format_percent
from jupyter_green.report.tables import Table
from jupyter_green.settings import Resolved

SECRET = {"electricitymaps_token"}

METHOD_WORDS = {
    "counter": "measured by an energy counter",
    "integrated": "integrated from power readings",
    "estimated": "estimated by a model, not measured",
    "simulated": "SIMULATED: no hardware is read",
}


def doctor_tables(found: Found) -> list[Table]:
    """Return what can be measured here, and what cannot with its remedy."""
    rows = tuple(_device_row(device.about) for device in found.devices)
    notes = () if rows else ("Nothing can be measured or estimated here.",)
    tables = [
        Table(
            title="What is measured here, or estimated",
            columns=("device", "name", "method", "resolution", "moves", "calibration"),
            rows=rows,
            notes=notes,
        )
    ]
    if found.problems:
        tables.append(
            Table(
                title="What is not measured, and what to do",
                columns=("subject", "finding", "why", "what to do", "risk"),
                rows=tuple(_problem_row(problem) for problem in found.problems),
            )
        )
    return tables


def doctor_text(found: Found) -> str:
    """Return the same as text that can be read without wide tables."""
    lines = ["What is measured here, or estimated"]
    for device in found.devices:
        about = device.about
        lines.append(f"  {about.kind} {about.index}  {about.name}")
        lines.append(f"      {METHOD_WORDS[about.method]}{_details(about)}")
    if not found.devices:
        lines.append("  nothing")
    if found.problems:
        lines += ["", "What is not measured, and what to do"]
    for problem in found.problems:
        lines.append(f"  {problem.subject}  [{problem.severity}] {problem.what}")
        lines += [f"      why:  {problem.why}"] if problem.why else []
        lines += _block("do:   ", problem.remedy) + _block("risk: ", problem.risk)
    return "\n".join(lines)


def doctor_json(found: Found) -> dict[str, Any]:
    """Return the same as plain values."""
    return {
        "devices": [_plain(device.about) for device in found.devices],
        "problems": [problem._asdict() for problem in found.problems],
    }


def settings_table(resolved: Resolved) -> Table:
    """Return each setting with its value and where that came from."""
    rows = []
    for name in resolved.values.__struct_fields__:
        value = getattr(resolved.values, name)
        shown = "(set)" if name in SECRET and value else json.dumps(value)
        rows.append((name, shown, resolved.origins[name]))
    project = resolved.project_file
    return Table(
        title="Settings",
        columns=("setting", "value", "from"),
        rows=tuple(rows),
        notes=(f"Project file: {project or 'none found'}",),
    )


def location_table(intensity: Intensity | None, pue: Pue) -> Table:
    """Return the carbon intensity in force with its identity."""
    rows: list[tuple[str, str]] = []
    if intensity is None:
        rows.append(("carbon intensity", "none: grams are not given"))
    else:
        rows += [
            ("carbon intensity", f"{intensity.g_per_kwh:g} g CO2e/kWh"),
            ("zone", intensity.zone + _assumed(intensity)),
            ("year", str(intensity.year or "not stated")),
            ("kind", intensity.kind),
            ("source", intensity.source),
            ("licence", intensity.licence or "not stated"),
        ]
        rows += [("note", intensity.note)] if intensity.note else []
    rows.append(("PUE", f"{pue.value:g} ({pue.source})"))
    return Table(title="Location", columns=("what", "value"), rows=tuple(rows))


def problem_line(problem: Problem) -> str:
    """Return a problem in one line."""
    parts: Sequence[str] = (problem.what, problem.why, problem.remedy)
    return f"{problem.subject}: " + ". ".join(
        part.rstrip(".") for part in parts if part
    )


def _assumed(intensity: Intensity) -> str:
    return " (assumed: no location is set)" if intensity.assumed else ""


def _device_row(about: About) -> tuple[str, ...]:
    return (
        f"{about.kind} {about.index}",
        about.name,
        about.method,
        "" if about.resolution_j is None else format_energy(about.resolution_j),
        f"every {format_duration(about.update_period_s)}"
        if about.update_period_s
        else "at once",
        f"± {format_percent(about.calibration)}" if about.calibration else "see bound",
    )


def _details(about: About) -> str:
    details = []
    if about.resolution_j is not None:
        details.append(f"resolution {format_energy(about.resolution_j)}")
    if about.update_period_s:
        details.append(f"moves every {format_duration(about.update_period_s)}")
    if about.calibration:
        details.append(f"calibration ± {format_percent(about.calibration)}")
    if about.scope != "device":
        details.append(f"scope: {about.scope}")
    return f" ({', '.join(details)})" if details else ""


def _block(title: str, text: str) -> list[str]:
    if not text:
        return []
    first, *rest = text.splitlines()
    return [f"      {title}{first}", *(f"            {line}" for line in rest)]


def _problem_row(problem: Problem) -> tuple[str, ...]:
    return (
        problem.subject,
        f"{problem.what} ({problem.severity})",
        problem.why,
        problem.remedy,
        problem.risk,
    )


def _plain(about: About) -> dict[str, Any]:
    return {name: getattr(about, name) for name in about.__slots__}
