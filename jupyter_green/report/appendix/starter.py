"""Write a commented ``jupyter_green.toml``: what was found out, and what can be said.

A key that nobody knows stands as a comment with an example, so that the file says what
can be stated and states nothing by itself.  Pure.

    >>> starter({}).startswith("# Settings of jupyter_green")
    True
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

HEAD = """\
# Settings of jupyter_green for this folder and those below it, and what only the
# authors of its report know.  Take the `#` off a line and write your own value; what
# stays a comment is not stated, and the report asks for it instead of making it up.
# `jupyter green settings` shows what is in force.
"""


class Key(NamedTuple):
    """One key of the file.

    Attributes:
        name: Its name.
        example: What it could be.
        note: What it means.
    """

    name: str
    example: Any
    note: str = ""


class Group(NamedTuple):
    """Keys that belong together."""

    title: str
    keys: tuple[Key, ...]


SETTINGS = (
    Group(
        "Where the machines stand: this decides the grams of every record from now on.",
        (
            Key("country", "FRA", "ISO code or English name"),
            Key("region", "california", "a region of that country, if there are data"),
            Key("cloud", "gcp:europe-west1", "instead of a country"),
            Key("intensity_g_per_kwh", 56.0, "instead of a place: your own figure"),
            Key("intensity_source", "RTE, yearly mean 2024"),
            Key("pue", 1.2, "facility energy over IT energy; 1.0 for a desk"),
            Key("pue_source", "operator's annual report 2025"),
        ),
    ),
    Group(
        "Where records are written; a folder beside this file keeps them together.",
        (Key("ledger", "energy-ledger"),),
    ),
)
REPORT = (
    Group(
        "What the work is.",
        (
            Key("model", "TinyNet", "as the paper calls it"),
            Key("parameters", 110e6, "number of parameters"),
            Key("flops", 1.3e18, "floating-point operations of all training"),
            Key("flops_source", "6 N D, with N parameters and D tokens"),
            Key("task", "image classification"),
            Key("training_type", "pre-training", "or fine-tuning"),
            Key("dataset", "Digits"),
            Key("dataset_licence", "CC BY 4.0"),
            Key("is_public", True, "model and code"),
            Key("seeds", 5, "random seeds behind each reported figure"),
        ),
    ),
    Group(
        "Which runs are in the paper: NeurIPS and ARR ask for them against all work.",
        (
            Key("reported_purposes", ["final"], "final, search, ablation, ..."),
            Key("final_means", "the runs behind every table and figure of the paper"),
            Key("unrecorded_gpu_hours", 12.0, "work that was not metered"),
            Key("unrecorded_note", "first trials on a laptop, before metering began"),
        ),
    ),
    Group(
        "Who and where; left out of every report without --camera-ready.",
        (
            Key("authors", ["A. Author", "B. Author"]),
            Key("institution", "Institute of Examples"),
            Key("cluster", "Example-1"),
            Key("remotes", ["https://example.org/project.git"]),
        ),
    ),
    Group(
        "The machines.",
        (
            Key("cloud_provider", "own hardware"),
            Key("location", "France", "as readers should see it"),
            Key("withhold_location", False, "show the intensity without its place"),
            Key("nodes", 1, "machines used, metered or not"),
            Key("is_exclusive", True, "nobody else used them meanwhile"),
            Key("is_whole_machine_metered", False, "by a meter at the wall"),
            Key("gpu_memory_gb", 80.0, "of one GPU, where its name does not say it"),
            Key("storage_gb", 200.0, "disk space that the work needed"),
        ),
    ),
    Group(
        "PUE and intensity with ranges, for records with none or an assumed one.",
        (
            Key("pue", 1.2),
            Key("pue_low", 1.1),
            Key("pue_high", 1.4),
            Key("pue_source", "operator's annual report 2025"),
            Key("intensity_g_per_kwh", 56.0, "location-based"),
            Key("intensity_low_g_per_kwh", 50.0),
            Key("intensity_high_g_per_kwh", 62.0),
            Key("intensity_zone", "FRA"),
            Key("intensity_year", 2024),
            Key("intensity_source", "RTE, yearly mean"),
            Key("intensity_licence", "Etalab 2.0"),
            Key("intensity_kind", "lifecycle", "direct, co2-only, consumption"),
            Key("replaces_recorded", False, "true: they replace those of all records"),
            Key("market_based_g_per_kwh", 0.0, "by contracts: a line of its own"),
            Key("market_based_source", "guarantees of origin, 2025"),
            Key("wall_factor", 1.3, "energy at the wall over that of metered parts"),
            Key("wall_factor_source", "own wattmeter, ten runs"),
        ),
    ),
    Group(
        "Optional sections: each appears only if its figures are stated.",
        (
            Key("functional_unit", "1,000 queries"),
            Key("functional_units", 50.0, "how many the reported work gave"),
            Key("embodied_kg_per_gpu", 164.0, "kg CO2e of making one GPU's share"),
            Key("embodied_source", "manufacturer's product carbon footprint"),
            Key("lifetime_h", 35040.0, "hours over which that is spread"),
            Key("water_site_l_per_kwh", [0.4, 1.8], "low, high; of IT energy"),
            Key("water_source_l_per_kwh", [1.0, 3.7], "low, high; of facility energy"),
            Key("water_source", "operator; national average"),
            Key("price_per_gpu_hour", 2.5),
            Key("price_per_kwh", 0.25),
            Key("currency", "EUR"),
        ),
    ),
    Group(
        "In your own words; limitations are added to those that the records show.",
        (
            Key("limitations", ["The cluster's network and storage were not metered."]),
            Key("impact", "what the work is good for"),
            Key("comments", "anything else"),
        ),
    ),
)
BOAMPS = (
    Group(
        "Needed only for --format boamps: what its schema requires.",
        (
            Key("task_stage", "training", "or finetuning, inference, ..."),
            Key("task_family", "image classification"),
            Key("infra_type", "onPremise", "publicCloud, privateCloud, other"),
            Key("task_description", "what was done"),
            Key("nb_request", 1000, "of inference"),
            Key("measured_accuracy", 0.97),
            Key("licensing", "CC BY 4.0"),
        ),
    ),
)
BOAMPS_LISTS = (
    (
        "algorithms",
        (
            Key("algorithm_type", "neural network"),
            Key("algorithm_name", "cnn"),
            Key("foundation_model_name", "llama3.1-8b"),
            Key("training_type", "supervisedLearning"),
            Key("framework", "scikit-learn"),
            Key("framework_version", "1.5"),
            Key("optimizer", "adam"),
            Key("quantization", "fp32"),
            Key("epochs_number", 10),
            Key("layers_number", 4),
        ),
    ),
    (
        "datasets",
        (
            Key("data_usage", "input", "or output"),
            Key("data_type", "image", "tabular, text, audio, video, token, ..."),
            Key("data_format", "csv"),
            Key("data_size", 0.1, "in 10^9 bytes"),
            Key("data_quantity", 1797, "number of items"),
            Key("shape", "(1797, 64)"),
            Key("source", "public", "or private, other"),
            Key("source_uri", "https://example.org/data"),
            Key("owner", "Example University"),
        ),
    ),
)


def starter(found: Mapping[str, Any], notes: Mapping[str, str] | None = None) -> str:
    """Return the text of a new project file.

    Args:
        found: What is known, by key: settings plain, others as ``report.NAME``.
        notes: How it was found out, by the same keys.
    """
    origin = notes or {}
    lines = [HEAD]
    for group in SETTINGS:
        lines += _group(group, "", found, origin)
    lines += ["[report]"]
    for group in REPORT:
        lines += _group(group, "report.", found, origin)
    lines += ["# [report.boamps]"]
    for group in BOAMPS:
        lines += _group(group, "report.boamps.", {}, origin)
    for name, keys in BOAMPS_LISTS:
        lines += [f"# [[report.boamps.{name}]]"]
        lines += [_line(key, "", {}, origin) for key in keys]
        lines += [""]
    return "\n".join(lines).rstrip() + "\n"


def _group(
    group: Group, prefix: str, found: Mapping[str, Any], notes: Mapping[str, str]
) -> Iterator[str]:
    yield f"# {group.title}"
    for key in group.keys:
        yield _line(key, prefix, found, notes)
    yield ""


def _line(
    key: Key, prefix: str, found: Mapping[str, Any], notes: Mapping[str, str]
) -> str:
    from tomlkit import item  # noqa: PLC0415 - it alone writes strings of any kind

    full = f"{prefix}{key.name}"
    is_known = full in found
    text = f"{key.name} = {item(found[full] if is_known else key.example).as_string()}"
    said = notes.get(full, key.note) if is_known else key.note
    comment = f"  # {' '.join(said.split())}" if said else ""
    return f"{'' if is_known else '# '}{text}{comment}"
