"""Answers, model card and BoAmps: never a confident yes with a gap."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import jsonschema
import msgspec
import pytest
from report_samples import HOSTILE, project

from jupyter_green.errors import SettingsError
from jupyter_green.records import Host, Record
from jupyter_green.report.answers import (
    Answer,
    answers,
    answers_latex,
    answers_markdown,
    compute_form_csv,
)
from jupyter_green.report.appendix.author import AuthorFacts
from jupyter_green.report.appendix.build import build
from jupyter_green.report.appendix.facts import Appendix
from jupyter_green.report.appendix.project_file import (
    BoampsAlgorithm,
    BoampsDataset,
    BoampsTask,
)
from jupyter_green.report.boamps import boamps, boamps_json
from jupyter_green.report.model_card import metadata, model_card, plain_grams

ALL = {
    "parameters": 110e6,
    "flops": 1.3e18,
    "flops_source": "6 N D",
    "cloud_provider": "own hardware",
    "storage_gb": 200.0,
    "seeds": 5,
    "training_type": "pre-training",
}
# What the Hub's client reads of `emissions`; notes of its source have this pattern.
HUB_PATTERN = re.compile(r"\d+\.\d+|\d+")
TASK = BoampsTask(
    task_stage="training",
    task_family="image classification",
    infra_type="onPremise",
    algorithms=(BoampsAlgorithm(algorithm_name="cnn", epochs_number=3),),
    datasets=(BoampsDataset(data_usage="input", data_type="image"),),
)


def facts_of(records: list[Record], **author: Any) -> Appendix:
    """Return the facts of some records."""
    return build(records, AuthorFacts(**author))


def answer(facts: Appendix, key: str) -> Answer:
    """Return one answer."""
    return next(each for each in answers(facts) if each.key == key)


def test_all_facts_known_is_a_yes_with_the_figures() -> None:
    """The shares add up, and the reference leads to the appendix."""
    facts = facts_of(project(), **ALL)
    text = answers_latex(facts, "x-")
    assert r"\answerYes{}" in text
    assert r"Appendix~\ref{sec:x-energy} lists the workers" in text
    assert "TODO" not in text
    shares = [float(p) for p in re.findall(r"\(([\d.]+) \\%\)", text)]
    assert sum(shares) == pytest.approx(100.0, abs=0.11)
    hours = [float(h) for h in re.findall(r"([\d.]+) GPU-hours", text)]
    assert hours[1] + hours[2] == pytest.approx(hours[0], abs=0.1)


@pytest.mark.parametrize("missing", ["cloud_provider", "storage_gb"])
def test_a_missing_fact_is_a_todo_that_names_its_key(missing: str) -> None:
    """Never a yes."""
    known = {name: value for name, value in ALL.items() if name != missing}
    facts = facts_of(project(), **known)
    text = answers_latex(facts)
    assert r"\answerTODO{}" in text
    assert missing in text.replace(r"\_", "_")
    assert r"\answerYes" not in text


def test_untagged_runs_leave_the_split_to_the_authors() -> None:
    """No share is claimed; the form reads TODO but for failed runs."""
    records = project(11)
    records[0] = msgspec.structs.replace(records[0], purpose=None)
    facts = facts_of(records, **ALL)
    said = answer(facts, "neurips-8")
    assert said.verdict == "todo"
    assert "preliminary" not in said.text
    assert "1 run has no purpose" in said.plain
    form = rows_of(facts)
    assert form["training_gpu_hours"] == "TODO"
    assert form["search_percent"] == "TODO"
    assert float(form["failed_gpu_hours"]) > 0
    assert float(form["untagged_gpu_hours"]) > 0


def test_missing_hardware_time_or_total_is_a_no_with_the_reason() -> None:
    """No records at all, and records that name no hardware."""
    nameless = [
        msgspec.structs.replace(
            record,
            host=Host(id="h"),
            devices=tuple(
                msgspec.structs.replace(device, name="") for device in record.devices
            ),
        )
        for record in project(3)
    ]
    for records, reason in (([], "any metered run"), (nameless, "compute workers")):
        facts = facts_of(records, **ALL)
        text = answers_latex(facts)
        assert r"\answerNo{}" in text
        assert reason in text
        assert answer(facts, "neurips-8").verdict == "no"


def test_aaai_is_yes_only_with_models_memory_system_and_versions() -> None:
    """One of them missing is partial, and named."""
    assert answer(facts_of(project()), "aaai-infrastructure").verdict == "yes"
    records = [msgspec.structs.replace(r, versions={}) for r in project(3)]
    said = answer(facts_of(records), "aaai-infrastructure")
    assert said.verdict == "partial"
    assert said.missing == ("names and versions of software",)
    assert answer(facts_of([]), "aaai-infrastructure").verdict == "no"
    assert answer(facts_of(project()), "aaai-runs").verdict == "todo"
    assert "5 runs" in answer(facts_of(project(), seeds=5), "aaai-runs").plain


def test_arr_and_the_regulators_get_figures_with_the_boundary() -> None:
    """Parameters, GPU-hours, MWh with two digits or more, what is not included."""
    facts = facts_of(project(), **ALL)
    assert "1.1e+08 parameters" in answer(facts, "arr-c1").plain
    assert "TODO" not in answer(facts, "arr-c1").plain
    for key in ("ai-act-annex-xi", "gpai-form"):
        text = answer(facts, key).plain
        mwh = re.search(r"([\d.]+) MWh", text)
        assert mwh
        kwh = facts.totals.amount.energy_it_kwh or 0.0
        assert float(mwh[1]) == pytest.approx(kwh / 1000, rel=0.01)
        assert len(mwh[1].replace(".", "").lstrip("0")) >= 2
        assert "without" in text
        assert "cooling" in text or "losses of power supplies" in text
    assert "TODO" in answer(facts_of(project()), "gpai-form").plain
    method = answer(facts, "gpai-form").text.partition("Method: ")[2]
    assert 60 < len(method.split()) < 140


def rows_of(facts: Appendix) -> dict[str, str]:
    """Return the form's fields."""
    reader = csv.DictReader(io.StringIO(compute_form_csv(facts)))
    return {row["field"]: row["value"] for row in reader}


def test_the_compute_forms_parts_are_the_whole() -> None:
    """Hours of all parts add up to the total, percents to 100."""
    form = rows_of(facts_of(project(), **ALL))
    parts = ("training", "search", "ablation", "inference", "failed", "other")
    hours = sum(float(form[f"{part}_gpu_hours"]) for part in parts)
    assert hours == pytest.approx(float(form["total_gpu_hours"]), rel=0.01)
    percents = sum(float(form[f"{part}_percent"]) for part in parts)
    assert percents == pytest.approx(100.0, abs=0.5)
    assert form["search_configurations"] == "TODO"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_hardware_stays_text_in_every_answer(name: str) -> None:
    """TeX commands are escaped, fences hold, no cell is a formula."""
    records = [
        msgspec.structs.replace(
            record,
            devices=tuple(
                msgspec.structs.replace(device, name=name) for device in record.devices
            ),
            host=Host(id="h", cpu_model=name, system=name, memory_gb=1.0),
        )
        for record in project(2)
    ]
    facts = facts_of(records, **ALL, task=name, impact=name, comments=name)
    tex = answers_latex(facts)
    assert r"\input{" not in tex
    assert r"\write18" not in tex
    assert tex.count("\n") == 3
    assert answers_markdown(facts).count("```") == 2 * len(answers(facts))
    assert not [v for v in rows_of(facts).values() if v[:1] in {"=", "+", "@"}]
    card = model_card(facts)
    head = card.split("---\n")[1]
    assert "<script" not in card.removeprefix(f"---\n{head}")
    assert [line.split(":")[0].strip() for line in head.splitlines()] == [
        *("co2_eq_emissions", "emissions", "source", "training_type"),
        *("geographical_location", "hardware_used"),
    ]


@pytest.mark.parametrize(
    ("kg", "low", "high", "text"),
    [
        (0.35, 0.29, 0.41, "350"),
        (0.35, None, None, "350"),
        (1.2e-8, None, None, None),
        (2.5e-7, None, None, "0.0003"),
        (1.23e-3, 1.1e-3, 1.4e-3, "1.23"),
        (1.5e-6, None, None, "0.0015"),
        (123456.0, 1e5, 1.4e5, "123000000"),
        (None, None, None, None),
    ],
)
def test_the_hub_reads_the_grams_that_were_meant(
    kg: float | None, low: float | None, high: float | None, text: str | None
) -> None:
    """Plain decimals: the Hub's pattern would read 1.2 from 1.2e-05."""
    amount = msgspec.structs.replace(
        build(project(1)).totals.amount,
        co2e_kg=kg,
        co2e_low_kg=low,
        co2e_high_kg=high,
    )
    grams = plain_grams(amount)
    assert grams == text
    if grams is not None and kg is not None:
        found = HUB_PATTERN.search(grams)
        assert found
        assert float(found[0]) == pytest.approx(kg * 1000, rel=0.25)


def test_metadata_is_yaml_that_says_grams_place_and_hardware() -> None:
    """A figure that was not measured is a comment and no zero."""
    lines = list(metadata(facts_of(project(), training_type="fine-tuning")))
    assert lines[0] == "co2_eq_emissions:"
    assert '  training_type: "fine-tuning"' in lines
    assert '  geographical_location: "FRA"' in lines
    hidden = "\n".join(metadata(facts_of(project(), withhold_location=True)))
    assert "FRA" not in hidden
    bare = [msgspec.structs.replace(r, intensity=None) for r in project(2)]
    assert list(metadata(facts_of(bare))) == [
        "# co2_eq_emissions: TODO, no carbon intensity is known: state a country"
    ]


def test_the_card_has_the_list_and_all_questions() -> None:
    """Five entries and eleven rows; the final model's time only with tags."""
    card = model_card(facts_of(project(), is_public=True))
    for entry in ("Hardware Type", "Hours used", "Cloud Provider", "Compute Region"):
        assert f"- **{entry}:**" in card
    assert "- **Carbon Emitted:**" in card
    rows = [line for line in card.splitlines() if re.match(r"\| \d+\. ", line)]
    assert len(rows) == 11
    assert "| yes |" in rows[0]
    untagged = [msgspec.structs.replace(r, purpose=None) for r in project(2)]
    assert "runs are not tagged" in model_card(facts_of(untagged))


# The structure that BoAmps' schemas require (Boavizta/BoAmps, model/), in our words.
TEXT, NUMBER = {"type": "string"}, {"type": "number"}
BOAMPS_SCHEMA = {
    "type": "object",
    "required": ["task", "measures", "infrastructure"],
    "properties": {
        "header": {
            "type": "object",
            "required": ["reportDatetime"],
            "properties": {
                "reportDatetime": {
                    "type": "string",
                    "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$",
                },
                "reportStatus": {"enum": ["draft", "final", "corrective", "other"]},
                "publisher": {
                    "type": "object",
                    "required": ["confidentialityLevel"],
                },
                "reportId": TEXT,
                "licensing": TEXT,
            },
        },
        "task": {
            "type": "object",
            "required": ["taskStage", "taskFamily", "algorithms", "dataset"],
            "properties": {
                "taskStage": TEXT,
                "taskFamily": TEXT,
                "nbRequest": NUMBER,
                "measuredAccuracy": {"type": "number", "minimum": 0, "maximum": 1},
                "algorithms": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "properties": {
                            "algorithmName": TEXT,
                            "parametersNumber": NUMBER,
                            "epochsNumber": NUMBER,
                        },
                    },
                },
                "dataset": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["dataUsage", "dataType"],
                        "properties": {
                            "dataUsage": {"enum": ["input", "output"]},
                            "dataType": {"enum": ["tabular", "image", "text"]},
                        },
                    },
                },
            },
        },
        "measures": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["measurementMethod", "powerConsumption"],
                "properties": {
                    "measurementMethod": TEXT,
                    "powerConsumption": NUMBER,
                    "measurementDuration": NUMBER,
                    "measurementDateTime": TEXT,
                    "cpuTrackingMode": TEXT,
                    "gpuTrackingMode": TEXT,
                },
            },
        },
        "system": {"type": "object", "required": ["os"]},
        "software": {"type": "object", "required": ["language"]},
        "infrastructure": {
            "type": "object",
            "required": ["infraType", "components"],
            "properties": {
                "infraType": {
                    "enum": ["publicCloud", "privateCloud", "onPremise", "other"]
                },
                "components": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["componentType", "nbComponent"],
                        "properties": {
                            "componentType": TEXT,
                            "componentName": TEXT,
                            "nbComponent": {"type": "integer"},
                            "memorySize": {"type": "integer"},
                        },
                    },
                },
            },
        },
        "environment": {"type": "object", "required": ["country"]},
        "quality": {"enum": ["high", "medium", "low"]},
    },
}


def test_a_boamps_report_is_valid_and_has_the_energy() -> None:
    """Required structure, kWh of the whole work, no null, no coordinates."""
    facts = facts_of(project(), parameters=8e9)
    built = json.loads(boamps_json(facts, TASK, report_sha256="ab" * 32))
    jsonschema.Draft202012Validator(BOAMPS_SCHEMA).validate(built)
    assert built["measures"][0]["powerConsumption"] == pytest.approx(
        facts.totals.amount.energy_it_kwh
    )
    assert built["task"]["algorithms"][0]["parametersNumber"] == 8.0
    assert built["environment"]["country"] == "FRA"
    assert built["quality"] == "low"  # Q0: processors are estimated
    text = json.dumps(built)
    assert "null" not in text
    assert "atitude" not in text
    hidden = boamps(facts_of(project(), withhold_location=True), TASK)
    assert "environment" not in hidden


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"task_stage": ""}, "task_stage"),
        ({"task_family": ""}, "task_family"),
        ({"infra_type": ""}, "infra_type"),
        ({"algorithms": ()}, "algorithms"),
        ({"algorithms": (BoampsAlgorithm(),)}, "algorithms"),
        ({"datasets": ()}, "datasets"),
        ({"datasets": (BoampsDataset(data_usage="input"),)}, "datasets.data_type"),
    ],
)
def test_what_boamps_requires_and_is_missing_is_named(
    changes: dict[str, Any], named: str
) -> None:
    """Nothing is guessed."""
    task = msgspec.structs.replace(TASK, **changes)
    with pytest.raises(SettingsError, match=re.escape(f"report.boamps.{named}")):
        boamps(facts_of(project(2)), task)


def test_boamps_without_energy_is_refused() -> None:
    """There is nothing that it could report."""
    with pytest.raises(SettingsError, match="without energy"):
        boamps(facts_of([]), TASK)
