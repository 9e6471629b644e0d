"""Settings, each with where its value came from.

One order: option given (or environment) > project file ``jupyter_green.toml`` of the
nearest folder above > Jupyter configuration > default.  Pure but for reading the
project file: the Jupyter configuration is handed in by the doors that know Jupyter.
Imports `errors` only.

    >>> resolve({"country": "FRA"}).country
    'FRA'
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from jupyter_green.errors import SettingsError

PROJECT_FILE = "jupyter_green.toml"
ENVIRONMENT_PREFIX = "JUPYTER_GREEN_"
# One place, said in several settings: who states one of them states the place.
LOCATION = ("country", "region", "cloud", "intensity_g_per_kwh", "intensity_source")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, with its default.

    Attributes:
        ledger: Folder of the ledger; None: the user's Jupyter data directory.
        country: ISO 3166 alpha-3 or alpha-2 code, or English name, of the location.
        region: Region of that country, such as ``california``.
        cloud: Cloud provider and region, such as ``gcp:europe-west1``.
        intensity_g_per_kwh: Carbon intensity stated by the user.
        intensity_source: Where that figure comes from.
        electricitymaps_token: Token for live intensity; asks for network calls.
        pue: Power usage effectiveness of the place the machine stands in.
        pue_source: Where that figure comes from.
        meter_all: Meter every cell from the start, silently.
        simulated: Use simulated devices; every figure says so.
        store_host_name: Store the host's name beside its hash.
        store_notebook_path: Store the notebook's path.
        estimate_cpu: Estimate CPU energy by a model where no counter can be read.
        estimate_ram: Estimate memory energy by a model where no counter can be read.
        sampling_s: Seconds between readings while something is metered.
        heartbeat_s: Seconds between heartbeats in the ledger while a cell runs.
        card: Show the HTML card beside the line of text.
        notebook: Path of the notebook, where no front end says it (nbclient).
    """

    ledger: str | None = None
    country: str | None = None
    region: str | None = None
    cloud: str | None = None
    intensity_g_per_kwh: float | None = None
    intensity_source: str | None = None
    electricitymaps_token: str | None = None
    pue: float = 1.0
    pue_source: str | None = None
    meter_all: bool = False
    simulated: bool = False
    store_host_name: bool = False
    store_notebook_path: bool = True
    estimate_cpu: bool = True
    estimate_ram: bool = True
    sampling_s: float = 0.1
    heartbeat_s: float = 10.0
    card: bool = True
    notebook: str | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings together with the origin of each value.

    Attributes:
        values: The settings in force.
        origins: Where each came from: ``option``, ``environment``, a file, ``default``.
        project_file: The project file in force, if there is one.
        tables: Other tables of the project file (``[report]`` ...), for their readers.
    """

    values: Settings
    origins: Mapping[str, str]
    project_file: Path | None
    tables: Mapping[str, Any]


def find_project_file(folder: Path) -> Path | None:
    """Return the nearest `PROJECT_FILE` in *folder* or above, or None."""
    for parent in (folder, *folder.parents):
        candidate = parent / PROJECT_FILE
        if candidate.is_file():
            return candidate
    return None


def resolve_settings(
    options: Mapping[str, Any] | None = None,
    *,
    folder: Path | None = None,
    jupyter_config: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Resolved:
    """Merge all sources in their order and check every value.

    Args:
        options: Values given by the caller; None values count as not given.
        folder: Where to look for the project file; None: nowhere.
        jupyter_config: The section of the Jupyter configuration, name to value.
        environment: Variables such as ``JUPYTER_GREEN_COUNTRY``.

    Raises:
        SettingsError: A name is unknown or a value has the wrong type or range.
    """
    project_file = find_project_file(folder) if folder else None
    project, tables = _read_project(project_file) if project_file else ({}, {})
    sources: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("Jupyter configuration", jupyter_config or {}),
        (str(project_file), project),
        ("environment", _from_environment(environment or {})),
        ("option", {k: v for k, v in (options or {}).items() if v is not None}),
    )
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.__struct_fields__, "default")
    for origin, given in sources:
        _check_names(given, origin)
        if not {"country", "cloud", "intensity_g_per_kwh"}.isdisjoint(given):
            # A stronger country must not lose to a weaker cloud region.
            for name in LOCATION:
                values.pop(name, None)
                origins[name] = "default"
        for name, value in given.items():
            values[name] = _converted(name, value, origin)
            origins[name] = origin
    if project_file and origins["ledger"] == str(project_file):
        # A relative folder in the project file is meant from that file.
        values["ledger"] = str(
            project_file.parent / Path(values["ledger"]).expanduser()
        )
    return Resolved(
        values=Settings(**values),
        origins=origins,
        project_file=project_file,
        tables=tables,
    )


def checked_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return *given* settings with their types, without those that are None.

    Raises:
        SettingsError: A name is unknown or a value has the wrong type or range.
    """
    known = {name: value for name, value in given.items() if value is not None}
    _check_names(known, "option")
    return {name: _converted(name, value, "option") for name, value in known.items()}


def resolve(options: Mapping[str, Any] | None = None, **sources: Any) -> Settings:
    """Return only the values of `resolve_settings`."""
    return resolve_settings(options, **sources).values


def _read_project(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as err:
        raise SettingsError(
            f"cannot read {path}", why=str(err), remedy="Mend the file or remove it"
        ) from err
    tables = {k: v for k, v in content.items() if isinstance(v, dict)}
    return {k: v for k, v in content.items() if k not in tables}, tables


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    names = {ENVIRONMENT_PREFIX + n.upper(): n for n in Settings.__struct_fields__}
    # Variables of ours that are no settings belong to others (tests, launchers).
    return {names[k]: v for k, v in environment.items() if k in names and v != ""}


def _check_names(given: Mapping[str, Any], origin: str) -> None:
    for name in given:
        if name not in Settings.__struct_fields__:
            near = get_close_matches(name, Settings.__struct_fields__, n=1)
            raise SettingsError(
                f"there is no setting {name!r}",
                why=f"found in: {origin}",
                remedy=f"Did you mean {near[0]!r}?"
                if near
                else "`jupyter green settings` lists them all",
            )


def _converted(name: str, value: Any, origin: str) -> Any:
    kind = get_type_hints(Settings)[name]
    try:
        if isinstance(value, str) and kind is bool:
            # Environment variables and configuration files spell these in many ways.
            value = value.strip().lower()
            value = {"yes": True, "on": True, "no": False, "off": False}.get(
                value, value
            )
        converted = msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as err:
        raise SettingsError(
            f"the setting {name} cannot be {value!r}", why=f"{err}; found in: {origin}"
        ) from err
    _check_range(name, converted, origin)
    return converted


def _check_range(name: str, value: Any, origin: str) -> None:
    limits: dict[str, tuple[float, float, str]] = {
        "pue": (1.0, 10.0, "PUE is facility energy over IT energy, at least 1"),
        "intensity_g_per_kwh": (0.0, 3000.0, "in g CO2e per kWh; coal is about 1000"),
        "sampling_s": (0.01, 60.0, "seconds between readings"),
        "heartbeat_s": (0.1, 3600.0, "seconds between heartbeats"),
    }
    if name not in limits or value is None:
        return
    low, high, meaning = limits[name]
    if not low <= value <= high:
        raise SettingsError(
            f"the setting {name} cannot be {value:g}",
            why=f"{meaning}; found in: {origin}",
            remedy=f"Give a number from {low:g} to {high:g}",
        )
