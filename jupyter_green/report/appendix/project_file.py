"""Read what the authors state in the table ``[report]`` of ``jupyter_green.toml``.

Pure: the tables come from `settings.Resolved`.  Every mistake names the key, the file
and, where one is near, the key that was meant.

    >>> read_project({"report": {"parameters": 110e6}}).author.parameters
    110000000.0
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from jupyter_green.errors import SettingsError
from jupyter_green.records import PURPOSES
from jupyter_green.report.appendix.author import AuthorFacts

TABLE = "report"
MISTAKEN = frozenset({"project", "paper", "appendix", "authors", "boamps"})
BOAMPS = "boamps"
S = TypeVar("S", bound=Struct)


class BoampsAlgorithm(Struct, frozen=True, kw_only=True):
    """An algorithm of the task, in the fields of BoAmps; empty or None: not stated.

    Attributes:
        algorithm_type: Such as ``neural network`` or ``llm``.
        algorithm_name: Such as ``randomForest``.
        foundation_model_name: The foundation model, if one is used.
        training_type: Such as ``supervisedLearning``.
        framework: The library.
        framework_version: Its version.
        optimizer: Such as ``adam`` or ``gridSearch``.
        quantization: Such as ``fp16``.
        epochs_number: Passes through the data.
        layers_number: Layers of the network.
    """

    algorithm_type: str = ""
    algorithm_name: str = ""
    foundation_model_name: str = ""
    training_type: str = ""
    framework: str = ""
    framework_version: str = ""
    optimizer: str = ""
    quantization: str = ""
    epochs_number: float | None = None
    layers_number: float | None = None


class BoampsDataset(Struct, frozen=True, kw_only=True):
    """A data set of the task, in the fields of BoAmps; empty or None: not stated.

    Attributes:
        data_usage: ``input`` or ``output``.
        data_type: One of `DATA_TYPES`.
        data_format: Such as ``csv``.
        data_size: Its size in 10^9 bytes.
        data_quantity: Number of items.
        shape: Such as ``(1797, 64)``.
        source: ``public``, ``private`` or ``other``.
        source_uri: Where it can be found.
        owner: Who owns it.
    """

    data_usage: str = ""
    data_type: str = ""
    data_format: str = ""
    data_size: float | None = None
    data_quantity: float | None = None
    shape: str = ""
    source: str = ""
    source_uri: str = ""
    owner: str = ""


class BoampsTask(Struct, frozen=True, kw_only=True):
    """What a BoAmps report needs beside the figures; empty or None: not stated.

    Attributes:
        task_stage: Such as ``training``, ``finetuning`` or ``inference``.
        task_family: Such as ``image classification``.
        task_description: In the authors' words.
        infra_type: One of `INFRASTRUCTURES`.
        nb_request: Number of requests, of inference.
        measured_accuracy: Accuracy of the model, 0 to 1.
        licensing: Licence of the report.
        algorithms: At least one.
        datasets: At least one.
    """

    task_stage: str = ""
    task_family: str = ""
    task_description: str = ""
    infra_type: str = ""
    nb_request: float | None = None
    measured_accuracy: float | None = None
    licensing: str = ""
    algorithms: tuple[BoampsAlgorithm, ...] = ()
    datasets: tuple[BoampsDataset, ...] = ()


class ProjectFacts(Struct, frozen=True, kw_only=True):
    """All that the project file states for a report.

    Attributes:
        author: For the appendix.
        boamps: For a BoAmps report besides.
    """

    author: AuthorFacts = AuthorFacts()
    boamps: BoampsTask = BoampsTask()


# The values that BoAmps' schemas allow (Boavizta/BoAmps, model/, CC BY 4.0).
DATA_TYPES = (
    *("tabular", "audio", "boolean", "image", "video", "object", "text", "token"),
    *("word", "other"),
)
INFRASTRUCTURES = ("publicCloud", "privateCloud", "onPremise", "other")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "training_type": ("pre-training", "fine-tuning"),
    "intensity_kind": ("lifecycle", "direct", "co2-only", "consumption", "unstated"),
    "boamps.infra_type": INFRASTRUCTURES,
    "boamps.datasets.data_usage": ("input", "output"),
    "boamps.datasets.data_type": DATA_TYPES,
    "boamps.datasets.source": ("public", "private", "other"),
}
LIMITS: Mapping[str, tuple[float, float, str]] = {
    "pue": (1.0, 10.0, "PUE is facility energy over IT energy, at least 1"),
    "pue_low": (1.0, 10.0, "PUE is facility energy over IT energy, at least 1"),
    "pue_high": (1.0, 10.0, "PUE is facility energy over IT energy, at least 1"),
    "intensity_g_per_kwh": (0.0, 3000.0, "in g CO2e per kWh; coal is about 1000"),
    "intensity_low_g_per_kwh": (0.0, 3000.0, "in g CO2e per kWh"),
    "intensity_high_g_per_kwh": (0.0, 3000.0, "in g CO2e per kWh"),
    "market_based_g_per_kwh": (0.0, 3000.0, "in g CO2e per kWh"),
    "intensity_year": (1990, 2100, "the year of the data"),
    "wall_factor": (1.0, 10.0, "energy at the wall over that of metered components"),
    "nodes": (1, 1e6, "the number of machines"),
    "seeds": (1, 1e6, "the number of seeds"),
    "boamps.measured_accuracy": (0.0, 1.0, "a fraction"),
}
# Lower, value, higher: those that are given must be in this order.
ORDERS = (
    ("pue_low", "pue", "pue_high"),
    ("intensity_low_g_per_kwh", "intensity_g_per_kwh", "intensity_high_g_per_kwh"),
)


def read_project(
    tables: Mapping[str, Any], origin: str = "jupyter_green.toml"
) -> ProjectFacts:
    """Return what the authors state.

    Args:
        tables: The tables of the project file.
        origin: Its name, for errors.

    Raises:
        SettingsError: A table or key is unknown, or a value cannot be used.
    """
    for name in tables:
        # Other tables have readers of their own.
        if name != TABLE and (name in MISTAKEN or _meant(name, (TABLE,))):
            raise SettingsError(
                f"there is no table [{name}]",
                why=f"found in: {origin}",
                remedy=f"The authors' facts go to [{TABLE}]",
            )
    given = dict(tables.get(TABLE, {}))
    boamps = given.pop(BOAMPS, {})
    author = _read(given, AuthorFacts, "", origin)
    _check_author(author, origin)
    return ProjectFacts(
        author=author, boamps=_read(boamps, BoampsTask, f"{BOAMPS}.", origin)
    )


def _read(given: Any, kind: type[S], prefix: str, origin: str) -> S:
    """Convert a table to its struct, naming the key that is wrong."""
    if not isinstance(given, Mapping):
        raise SettingsError(
            f"{TABLE}.{prefix.rstrip('.')} must be a table",
            why=f"found in: {origin}",
        )
    values: dict[str, Any] = {}
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, value in given.items():
        key = f"{prefix}{name}"
        if name not in known:
            raise SettingsError(
                f"there is no key {key!r} in [{TABLE}]",
                why=f"found in: {origin}",
                remedy=_meant(name, tuple(known))
                or "`jupyter green init` writes a file that lists them all",
            )
        parts: dict[str, type[Any]] = {
            "algorithms": BoampsAlgorithm,
            "datasets": BoampsDataset,
        }
        if prefix and name in parts:
            if not isinstance(value, list):
                raise SettingsError(
                    f"{TABLE}.{key} must be a list of tables: [[{TABLE}.{key}]]",
                    why=f"found in: {origin}",
                )
            values[name] = tuple(
                _read(part, parts[name], f"{key}.", origin) for part in value
            )
            continue
        values[name] = _converted(key, value, known[name].type, origin)
    return kind(**values)


def _converted(key: str, value: Any, kind: Any, origin: str) -> Any:
    if kind == tuple[str, ...] and isinstance(value, str):
        value = [value]
    try:
        converted = msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as err:
        raise SettingsError(
            f"{TABLE}.{key} cannot be {value!r}", why=f"{err}; found in: {origin}"
        ) from err
    _check_choice(key, converted, origin)
    _check_number(key, converted, origin)
    return converted


def _check_choice(key: str, value: Any, origin: str) -> None:
    choices = CHOICES.get(key)
    if choices and value not in choices:
        raise SettingsError(
            f"{TABLE}.{key} cannot be {value!r}",
            why=f"found in: {origin}",
            remedy=f"Choose one of {', '.join(choices)}",
        )


def _check_number(key: str, value: Any, origin: str) -> None:
    numbers = value if isinstance(value, tuple) else (value,)
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float):
            continue
        low, high, meaning = LIMITS.get(key, (0.0, math.inf, "it cannot be negative"))
        if not (math.isfinite(number) and low <= number <= high):
            raise SettingsError(
                f"{TABLE}.{key} cannot be {number:g}",
                why=f"{meaning}; found in: {origin}",
            )


def _check_author(author: AuthorFacts, origin: str) -> None:
    unknown = [p for p in author.reported_purposes if p not in PURPOSES]
    if unknown:
        raise SettingsError(
            f"{TABLE}.reported_purposes cannot hold {unknown[0]!r}",
            why=f"found in: {origin}",
            remedy=f"Choose from {', '.join(PURPOSES)}",
        )
    pairs = ("water_site_l_per_kwh", "water_source_l_per_kwh")
    orders = [[(n, getattr(author, n)) for n in names] for names in ORDERS]
    orders += [
        [(f"{name}, low", pair[0]), (f"{name}, high", pair[1])]
        for name in pairs
        if (pair := getattr(author, name)) is not None
    ]
    for order in orders:
        known = [(name, value) for name, value in order if value is not None]
        if [value for _, value in known] != sorted(value for _, value in known):
            raise SettingsError(
                f"{TABLE}: {', '.join(name for name, _ in known)} are not in order",
                why=f"found in: {origin}",
                remedy="The lower end must not be above the value or the higher end",
            )


def _meant(name: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else ""
