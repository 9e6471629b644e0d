"""What can be measured here, as the panel shows it: devices and findings.

Pure but for the trial readings.  Imports `devices` and `wire`.
"""

from __future__ import annotations

from typing import Literal

from jupyter_green.devices.device import About, Found, Problem
from jupyter_green.devices.trial import failures
from jupyter_green.report.overview import METHOD_WORDS
from jupyter_green.server.wire import DeviceAnswer, Finding

Severity = Literal["ok", "warning", "missing"]
# A finding that concerns no single device stands for its kind.
KIND_OF = {"gpu": "gpu", "rapl": "cpu", "cpu": "cpu", "ram": "ram", "apple": "soc"}
KIND_OF |= {"nvml": "gpu", "amdsmi": "gpu"}


def device_answers(found: Found) -> tuple[DeviceAnswer, ...]:
    """Return each device, and one entry for each that is there and cannot be read.

    A kind of device of which nothing is read has an entry too, with why.
    """
    problems = {p.subject: p for p in reversed(found.problems)}
    read = [_answer(d.about, problems.get(d.about.kind)) for d in found.devices]
    kinds = {entry.kind for entry in read}
    lacking = []
    for number, problem in enumerate(found.problems):
        kind = KIND_OF.get(problem.subject.partition(" ")[0])
        if kind is None or problem.severity == "note":
            continue
        is_single = " " in problem.subject  # "gpu 1", not "gpu"
        if not is_single and kind in kinds:
            continue
        kinds.add(kind)
        lacking.append(_lacking(problem, kind, number))
    return (*read, *lacking)


def findings(found: Found) -> tuple[Finding, ...]:
    """Return what the doctor says, what works first."""
    works = [
        Finding(
            severity="ok",
            title=f"{d.about.kind} {d.about.index} {d.about.name}".strip(),
            reason=METHOD_WORDS[d.about.method],
        )
        for d in found.devices
    ]
    return (*works, *map(_finding, found.problems))


def tried(found: Found) -> Found:
    """Return what was found with the failures of a trial reading; takes its time."""
    return Found(found.devices, (*found.problems, *failures(found.devices)))


def _answer(about: About, problem: Problem | None) -> DeviceAnswer:
    is_note = problem is not None and about.method == "estimated"
    return DeviceAnswer(
        id=about.id,
        kind=about.kind,
        index=about.index,
        name=about.name,
        method=about.method,
        resolution_j=about.resolution_j,
        period_s=about.update_period_s or None,
        power_limit_w=about.power_limit_w,
        scope=about.scope,
        reason=_reason(problem) if problem and is_note else None,
        remedy=(problem.remedy or None) if problem and is_note else None,
    )


def _lacking(problem: Problem, kind: str, number: int) -> DeviceAnswer:
    _, _, index = problem.subject.partition(" ")
    return DeviceAnswer(
        id=f"missing-{number}-{problem.subject}",
        kind=kind,
        index=int(index) if index.isdecimal() else 0,
        name=problem.subject,
        method="none",
        reason=_reason(problem),
        remedy=problem.remedy or None,
    )


def _finding(problem: Problem) -> Finding:
    severity: Severity = "missing" if problem.severity == "missing" else "warning"
    return Finding(
        severity=severity,
        title=f"{problem.subject}: {problem.what}",
        reason=problem.why,
        remedy=problem.remedy,
        risk=problem.risk,
    )


def _reason(problem: Problem) -> str:
    return f"{problem.what}: {problem.why}" if problem.why else problem.what
