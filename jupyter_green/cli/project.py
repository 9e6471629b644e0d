"""``jupyter green init``: a commented ``jupyter_green.toml`` for the project."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from jupyter_green.config import settings_in_force
from jupyter_green.devices import discover
from jupyter_green.errors import SettingsError
from jupyter_green.report.appendix.starter import starter
from jupyter_green.session import Finder
from jupyter_green.settings import PROJECT_FILE

GIT_TIMEOUT_S = 3.0
CREDENTIALS = re.compile(r"(?<=://)[^/@]*@")
Subparsers = Any  # argparse's own class for them is private


def add_parsers(verbs: Subparsers) -> None:
    """Register the verb."""
    init = verbs.add_parser(
        "init",
        help="write a commented jupyter_green.toml for a project",
        description="Write a commented jupyter_green.toml: settings, and what only the "
        "authors of a report know. What can be found out is filled in. A file that is "
        "there is never changed.",
    )
    init.add_argument(
        "folder", metavar="DIR", nargs="?", default=".", help="default: this folder"
    )
    init.add_argument("--print", action="store_true", help="print it and write nothing")
    init.set_defaults(run=run_init)


def run_init(options: argparse.Namespace, *, find_devices: Finder = discover) -> int:
    """Write the file.

    Raises:
        SettingsError: There is such a file, or it cannot be written.
    """
    folder = Path(options.folder).expanduser()
    found, notes = _found_out(folder, find_devices)
    text = starter(found, notes)
    if options.print:
        sys.stdout.write(text)
        return 0
    path = folder / PROJECT_FILE
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as err:
        raise SettingsError(
            f"there is a {path} already",
            remedy="`jupyter green init --print` shows what a new one would hold",
        ) from err
    except OSError as err:
        raise SettingsError(f"cannot write {path}", why=str(err.strerror)) from err
    known = ", ".join(key.removeprefix("report.") for key in found) or "nothing"
    sys.stdout.write(f"{path} is written. Found out and filled in: {known}.\n")
    return 0


def _found_out(
    folder: Path, find_devices: Finder
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what is known by key, and how it is known."""
    found: dict[str, Any] = {}
    notes: dict[str, str] = {}

    def know(key: str, value: Any, note: str) -> None:
        if value:
            found[key], notes[key] = value, note

    resolved = settings_in_force(folder=folder.resolve())
    for name in ("country", "region", "cloud", "intensity_g_per_kwh"):
        origin = resolved.origins[name]
        know(name, getattr(resolved.values, name), f"from: {Path(origin).name}")
    for name in ("intensity_source", "pue_source"):
        origin = resolved.origins[name]
        know(name, getattr(resolved.values, name), f"from: {Path(origin).name}")
    if resolved.origins["pue"] != "default":
        know("pue", resolved.values.pue, "from the settings in force")
    remotes = [CREDENTIALS.sub("", line) for line in _git(folder, "remote")]
    urls = [
        CREDENTIALS.sub("", url)
        for name in remotes
        for url in _git(folder, "remote", "get-url", name)
    ]
    know("report.remotes", sorted(set(urls)), "git remotes; check them")
    know("report.authors", _git(folder, "config", "user.name"), "git's user.name")
    gpus = [d.about for d in find_devices(resolved.values).devices]
    names = sorted({about.name for about in gpus if about.kind == "gpu" and about.name})
    here = f"this machine alone, with {', '.join(names)}" if names else "this machine"
    know("report.nodes", 1, f"{here}; change it if there are more")
    return found, notes


def _git(folder: Path, *arguments: str) -> list[str]:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return []
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    return [line.strip() for line in lines if line.strip()]
