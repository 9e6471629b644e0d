"""Read ``jupyter_green_config.{py,json}`` as every Jupyter application does.

The doors (magics, command line, server) resolve their settings here, so that the same
files count for each of them.  The section is called ``JupyterGreen``:

    c.JupyterGreen.country = "FRA"      # in ~/.jupyter/jupyter_green_config.py

Imports `settings`; an edge, since it knows traitlets.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_config_path

from jupyter_green.errors import SettingsError
from jupyter_green.settings import Resolved, resolve_settings

BASE_NAME = "jupyter_green_config"
SECTION = "JupyterGreen"


def read_jupyter_config(folders: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the section of the Jupyter configuration, user's files last and strongest.

    Args:
        folders: Where to look, strongest first; None: Jupyter's own search path.

    Raises:
        SettingsError: A configuration file cannot be read or executed.
    """
    merged: dict[str, Any] = {}
    for folder in reversed(jupyter_config_path() if folders is None else folders):
        for suffix in (".py", ".json"):
            path = Path(folder) / (BASE_NAME + suffix)
            if path.is_file():
                merged.update(_load(path))
    return merged


def settings_in_force(
    options: Mapping[str, Any] | None = None, *, folder: Path | None = None
) -> Resolved:
    """Resolve all settings for work in *folder* (default: the working folder).

    Raises:
        SettingsError: A source has an unknown name or an unusable value.
    """
    return resolve_settings(
        options,
        folder=Path.cwd() if folder is None else folder,
        jupyter_config=read_jupyter_config(),
        environment=os.environ,
    )


def _load(path: Path) -> dict[str, Any]:
    from traitlets.config.loader import (  # noqa: PLC0415 - only if a file is there
        JSONFileConfigLoader,
        PyFileConfigLoader,
    )

    loader = PyFileConfigLoader if path.suffix == ".py" else JSONFileConfigLoader
    try:
        config = loader(path.name, str(path.parent)).load_config()
    # The file is the user's own program: whatever it raises is a setting's error.
    except Exception as err:
        raise SettingsError(
            f"cannot read {path}",
            why=f"{type(err).__name__}: {err}",
            remedy="Mend the file or remove it",
        ) from err
    return dict(config.get(SECTION, {}))
