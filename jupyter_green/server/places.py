"""Settings of the folder a notebook stands in, and the location said in a project file.

Imports `carbon`, `config`, `ledger`, `settings` and `paths`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from jupyter_green import carbon
from jupyter_green.carbon import grids, places
from jupyter_green.errors import JupyterGreenError, SettingsError
from jupyter_green.ledger import ledger_folder
from jupyter_green.server.paths import PathError, ServerRoot
from jupyter_green.server.wire import (
    BadRequestError,
    IntensityAnswer,
    Location,
    LocationBody,
)
from jupyter_green.settings import (
    LOCATION,
    PROJECT_FILE,
    Resolved,
    checked_settings,
    find_project_file,
    resolve,
)

# Settings files are read again after so many seconds.
FRESH_S = 2.0
KEPT_FOLDERS = 1000

FindSettings = Callable[[Path], Resolved]


class FolderSettings:
    """The settings in force by folder, read again now and then.

    May be called from several threads.

    Args:
        find: Resolves the settings of a folder.
        clock: Monotonic seconds.
    """

    def __init__(
        self, find: FindSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._find = find
        self._clock = clock
        self._known: dict[Path, tuple[float, Resolved]] = {}

    def known(self, folder: Path) -> Resolved | None:
        """Return the settings of a folder if they were read just now."""
        known = self._known.get(folder)
        is_fresh = known is not None and self._clock() - known[0] < FRESH_S
        return known[1] if known is not None and is_fresh else None

    def of(self, folder: Path) -> Resolved:
        """Return the settings of a folder.

        Raises:
            SettingsError: A source has an unknown name or an unusable value.
        """
        known = self.known(folder)
        if known is not None:
            return known
        # A kernel works in the folder that links lead to, and looks upward from there.
        resolved = self._find(Path(os.path.realpath(folder)))
        if len(self._known) >= KEPT_FOLDERS:
            self._known.clear()
        self._known[folder] = (self._clock(), resolved)
        return resolved

    def forget(self) -> None:
        """Read all anew when asked next."""
        self._known.clear()


def folder_of(root: ServerRoot, path: str) -> Path:
    """Return the folder that a notebook stands in; the root for no notebook.

    Raises:
        PathError: The path leads out of the root.
    """
    return root.os_path(path).parent if path else root.folder


def project_folder(resolved: Resolved, folder: Path) -> Path:
    """Return a project's folder: its file's, or the notebook's own where none is."""
    return resolved.project_file.parent if resolved.project_file else folder


def ledger_of(resolved: Resolved) -> Path:
    """Return the ledger that the settings name, as a whole path."""
    return Path(os.path.abspath(ledger_folder(resolved.values.ledger)))  # noqa: PTH100


def location_of(resolved: Resolved) -> Location:
    """Return the location that settings say."""
    settings = resolved.values
    problem = None
    try:
        intensity = IntensityAnswer.of(carbon.find(settings))
    except JupyterGreenError as err:
        intensity, problem = None, str(err)
    pue = carbon.stated_pue(settings)
    origins = {resolved.origins[name] for name in LOCATION}
    said = sorted(origins - {"default"})
    return Location(
        country=settings.country,
        region=settings.region,
        cloud=settings.cloud,
        intensity=intensity,
        problem=problem,
        pue=pue.value,
        pue_source=pue.source,
        origin=said[0] if said else "default",
        project_file=str(resolved.project_file) if resolved.project_file else None,
    )


def all_locations() -> dict[str, Any]:
    """Return the countries with their regions, and the cloud regions, of the data."""
    names = grids.country_names()
    countries = [
        {
            "code": alpha3,
            "name": name,
            "regions": sorted({r.keys[0] for r in grids.regions(alpha3)}),
        }
        for alpha3, name in sorted(names.items(), key=lambda entry: entry[1])
    ]
    clouds = [
        {"provider": row.provider, "region": row.region, "name": row.place}
        for row in places.cloud_regions()
    ]
    return {"countries": countries, "clouds": clouds}


def say_location(root: ServerRoot, body: LocationBody) -> Path:
    """Write a location into the project file of a notebook's folder; return the file.

    The nearest project file above the notebook is changed, its comments kept; where
    there is none, one is made beside the notebook.

    Raises:
        BadRequestError: Nothing is said.
        LocationError: The place is not in the data.
        SettingsError: A value or the present file cannot be used, or it cannot be
            written.
        PathError: The file stands outside of the server's folder.
    """
    said = {
        name: value
        for name, value in msgspec.structs.asdict(body).items()
        if name != "path" and value not in (None, "")
    }
    if not said:
        raise BadRequestError(
            "no location is given",
            remedy="Give a country, a cloud region or an intensity, or a PUE",
        )
    checked = checked_settings(said)
    folder = Path(os.path.realpath(folder_of(root, body.path)))
    file = find_project_file(folder) or folder / PROJECT_FILE
    real = Path(os.path.realpath(file))
    try:
        root.check_inside(real)
    except PathError as err:
        raise PathError(
            f"{file} is not changed from here",
            why="it stands outside of the folder that the server shows",
            remedy=f"Change it by hand, or make a {PROJECT_FILE} beside the notebook",
        ) from err
    text = _changed(_read(real), checked)
    _check(text)
    _write(real, text)
    return real


def _read(file: Path) -> str:
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as err:
        raise SettingsError(
            f"cannot read {file}", why=str(err), remedy="Mend the file"
        ) from err


def _changed(text: str, said: Mapping[str, Any]) -> str:
    """Return a project file's text with what is said now, all else kept."""
    import tomlkit  # noqa: PLC0415 - only when a location is written
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    try:
        document = tomlkit.parse(text)
    except TOMLKitError as err:
        raise SettingsError(
            "the project file is not valid TOML", why=str(err), remedy="Mend the file"
        ) from err
    # One place, said in several settings: of the old one nothing is kept.
    if any(name in said for name in LOCATION):
        for name in LOCATION:
            if name in document and name not in said:
                del document[name]
    if "pue" in said and "pue_source" not in said and "pue_source" in document:
        del document["pue_source"]
    tables = [key for key, value in document.items() if isinstance(value, dict)]
    for name, value in said.items():
        if name in document or not tables:
            document[name] = value
        else:
            # Behind a table's head a setting would belong to the table.
            document = _inserted(document, name, value)
    return tomlkit.dumps(document)


def _inserted(document: Any, name: str, value: Any) -> Any:
    import tomlkit  # noqa: PLC0415

    head = tomlkit.document()
    head[name] = value
    return tomlkit.parse(tomlkit.dumps(head) + tomlkit.dumps(document))


def _check(text: str) -> None:
    """Raise unless the file as it would be names a place that the data has."""
    content = {k: v for k, v in tomllib.loads(text).items() if not isinstance(v, dict)}
    carbon.find(resolve(content))


def _write(file: Path, text: str) -> None:
    """Replace a file at once, so that no reader sees half of it."""
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        with fresh.open("x", encoding="utf-8", newline="") as stream:
            stream.write(text)
        if file.exists():
            shutil.copymode(file, fresh)
        fresh.replace(file)
    except OSError as err:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise SettingsError(
            f"cannot write {file}",
            why=err.strerror or str(err),
            remedy="Check the folder's permissions",
        ) from err
