"""A report in BoAmps' form (Boavizta/BoAmps, model/, CC BY 4.0), valid or not at all.

BoAmps asks for a task, its algorithms and data sets, which no ledger knows: they stand
in ``[report.boamps]`` of ``jupyter_green.toml``.  What is required and missing is an
error that names the keys; nothing is guessed, and no coordinates are written.  Imports
`report.appendix`; pure.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

from jupyter_green.errors import SettingsError
from jupyter_green.report.appendix.facts import Appendix
from jupyter_green.report.appendix.project_file import (
    DATA_TYPES,
    INFRASTRUCTURES,
    BoampsAlgorithm,
    BoampsDataset,
    BoampsTask,
)
from jupyter_green.report.compose.words import BASES, word

HIGH = 0.1  # relative half-width that BoAmps calls high quality
PER_BILLION = 1e9
COMPONENTS = {"gpu": "gpu", "cpu": "cpu", "dram": "ram", "ram": "ram", "soc": "cpu"}
TABLE = "report.boamps"


def boamps(
    facts: Appendix, task: BoampsTask, *, report_sha256: str = ""
) -> dict[str, Any]:
    """Return the report as plain values.

    Args:
        facts: What the report states.
        task: What the authors state besides.
        report_sha256: Hash of the report's canonical JSON; the identifier follows.

    Raises:
        SettingsError: What the schema requires is not stated, or no energy is known.
    """
    _check(facts, task)
    return {
        "header": _header(facts, task, report_sha256),
        "task": _task(facts, task),
        "measures": [_measure(facts)],
        **_system(facts),
        "infrastructure": _infrastructure(facts, task),
        **_environment(facts),
        "quality": _quality(facts),
    }


def boamps_json(facts: Appendix, task: BoampsTask, *, report_sha256: str = "") -> str:
    """Return the file's text.

    Raises:
        SettingsError: What the schema requires is not stated, or no energy is known.
    """
    plain = boamps(facts, task, report_sha256=report_sha256)
    return json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _check(facts: Appendix, task: BoampsTask) -> None:
    missing = list(_missing(task))
    if missing:
        keys = ", ".join(f"{TABLE}.{key}" for key in missing)
        raise SettingsError(
            "BoAmps asks for facts that no ledger has",
            why=f"not stated: {keys}",
            remedy="State them in jupyter_green.toml; `jupyter green init` shows how",
        )
    if facts.totals.amount.energy_it_kwh is None:
        raise SettingsError(
            "there is no BoAmps report without energy",
            why="no run in scope has an energy figure",
        )


def _missing(task: BoampsTask) -> Iterator[str]:
    if not task.task_stage:
        yield "task_stage"
    if not task.task_family:
        yield "task_family"
    if task.infra_type not in INFRASTRUCTURES:
        yield "infra_type"
    if not any(_stated(algorithm) for algorithm in task.algorithms):
        yield "algorithms"
    if not task.datasets:
        yield "datasets"
    for dataset in task.datasets:
        if not dataset.data_usage:
            yield "datasets.data_usage"
        if dataset.data_type not in DATA_TYPES:
            yield "datasets.data_type"


def _stated(part: BoampsAlgorithm | BoampsDataset) -> dict[str, Any]:
    """Return the stated fields by BoAmps' names."""
    return {
        _camel(name): value
        for name in part.__struct_fields__
        if (value := getattr(part, name)) not in ("", None)
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word_.capitalize() for word_ in rest)


def _header(facts: Appendix, task: BoampsTask, digest: str) -> dict[str, Any]:
    created = facts.provenance.created_at or facts.extent.last_end
    header: dict[str, Any] = {
        "reportDatetime": _stamp(created),
        "reportStatus": "draft" if facts.options.is_anonymous else "final",
    }
    if digest:
        header["reportId"] = str(uuid.UUID(hex=digest[:32]))
    if task.licensing:
        header["licensing"] = task.licensing
    if facts.author.institution:
        header["publisher"] = {
            "name": facts.author.institution,
            "confidentialityLevel": "public",
        }
    return header


def _stamp(time: str) -> str:
    return time[:19].replace("T", " ")


def _task(facts: Appendix, task: BoampsTask) -> dict[str, Any]:
    parameters = facts.author.parameters
    algorithms = [_stated(each) for each in task.algorithms]
    if parameters is not None and len(algorithms) == 1:
        algorithms[0]["parametersNumber"] = parameters / PER_BILLION
    optional = {
        "nbRequest": task.nb_request,
        "measuredAccuracy": task.measured_accuracy,
        "taskDescription": task.task_description or None,
    }
    return {
        "taskStage": task.task_stage,
        "taskFamily": task.task_family,
        "algorithms": [each for each in algorithms if each],
        "dataset": [_stated(each) for each in task.datasets],
        **{name: value for name, value in optional.items() if value is not None},
    }


def _measure(facts: Appendix) -> dict[str, Any]:
    """Return one measure of all components: kWh of the IT equipment, before PUE."""
    measure: dict[str, Any] = {
        "measurementMethod": "jupyter_green",
        "version": facts.provenance.tool_version,
        "powerConsumption": facts.totals.amount.energy_it_kwh,
        "measurementDuration": facts.compute.run_time_s,
    }
    for kinds, name in ((("cpu", "soc"), "cpu"), (("gpu",), "gpu")):
        methods = dict.fromkeys(
            word(BASES, c.method) for c in facts.totals.components if c.kind in kinds
        )
        if methods:
            measure[f"{name}TrackingMode"] = ", ".join(methods)
    if facts.extent.first_start:
        measure["measurementDateTime"] = _stamp(facts.extent.first_start)
    return measure


def _system(facts: Appendix) -> dict[str, Any]:
    systems = dict.fromkeys(m.system for m in facts.compute.machines if m.system)
    python = next((s for s in facts.compute.software if s.name == "python"), None)
    found: dict[str, Any] = {}
    if systems:
        found["system"] = {"os": ", ".join(systems)}
    if python is not None:
        versions = ", ".join(python.versions)
        found["software"] = {"language": "python", "version": versions}
    return found


def _infrastructure(facts: Appendix, task: BoampsTask) -> dict[str, Any]:
    infrastructure: dict[str, Any] = {
        "infraType": task.infra_type,
        "components": list(_components(facts)),
    }
    provider = facts.author.cloud_provider
    if provider and "loud" in task.infra_type:
        infrastructure["cloudProvider"] = provider
    return infrastructure


def _components(facts: Appendix) -> Iterator[dict[str, Any]]:
    kinds = set()
    for group in facts.compute.groups:
        component: dict[str, Any] = {
            "componentType": COMPONENTS.get(group.kind, group.kind),
            "nbComponent": group.count,
        }
        if group.name:
            component["componentName"] = group.name
        if group.kind == "gpu" and group.memory_gb is not None:
            component["memorySize"] = round(group.memory_gb)
        kinds.add(component["componentType"])
        yield component
    for machine in facts.compute.machines:
        if "cpu" not in kinds and machine.cpu_model:
            yield {
                "componentType": "cpu",
                "componentName": machine.cpu_model,
                "nbComponent": 1,
            }
        if "ram" not in kinds and machine.memory_gb:
            yield {
                "componentType": "ram",
                "nbComponent": 1,
                "memorySize": round(machine.memory_gb),
            }


def _environment(facts: Appendix) -> dict[str, Any]:
    """Return the place, which the schema does not know without a country."""
    author, supplies = facts.author, facts.totals.supplies
    zones = dict.fromkeys(s.zone for s in supplies if s.zone and not s.is_assumed)
    country = author.location or ", ".join(zones)
    if author.withhold_location or not country:
        return {}
    environment: dict[str, Any] = {"country": country}
    rates = {s.g_per_kwh for s in supplies if s.g_per_kwh is not None}
    if len(rates) == 1:
        environment["powerSourceCarbonIntensity"] = rates.pop()
    return {"environment": environment}


def _quality(facts: Appendix) -> str:
    """Return BoAmps' word; it is about component energy, as all figures here are."""
    level, relative = facts.quality.level, facts.uncertainty.relative
    if level <= 0:
        return "low"
    if level == 1:
        return "medium"
    is_narrow = relative is not None and relative <= HIGH
    return "high" if level > 2 or is_narrow else "medium"  # noqa: PLR2004 - Q3
