"""Write an appendix on request, below the server's root and nowhere else.

Imports `report`, `scopes`, `places` and `paths`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from jupyter_green.errors import JupyterGreenError
from jupyter_green.server.jobs import Progress
from jupyter_green.server.paths import Renames, ServerRoot
from jupyter_green.server.places import folder_of, ledger_of, project_folder
from jupyter_green.server.wire import ReportBody
from jupyter_green.settings import Resolved


class ReportError(JupyterGreenError):
    """An appendix cannot be made as asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An appendix as it was ordered, checked.

    Attributes:
        ledger: The ledger that it is of.
        notebooks: All names of the notebook; none: all notebooks.
        project: Folder of the project; None: no matter where.
        settings_folder: Folder whose settings count.
        formats: Names of formats.
        anonymous: Whether it says nothing of who and where.
        folder: Where it is written, links followed, below the server's root.
        name: What its files are called, without an ending.
        root: The server's root, which no written file may leave.
    """

    ledger: Path
    notebooks: tuple[str, ...]
    project: Path | None
    settings_folder: Path
    formats: tuple[str, ...]
    anonymous: bool
    folder: Path
    name: str
    root: ServerRoot


MakeReport = Callable[[Order, Progress], Sequence[Path]]


def order(
    root: ServerRoot, renames: Renames, resolved: Resolved, body: ReportBody, into: str
) -> Order:
    """Return a checked order.

    Args:
        root: The server's root.
        renames: What was renamed.
        resolved: The settings of the notebook's folder.
        body: The request.
        into: The folder to write to, from the root.

    Raises:
        PathError: It would be written outside of the root.
        ReportError: A format is not known, no notebook is named, or there is no such
            folder.
    """
    unknown = [name for name in body.formats if name not in formats()]
    if unknown:
        raise ReportError(
            f"there is no format {unknown[0]!r}",
            remedy=f"Choose from {', '.join(formats())}",
        )
    if body.scope == "notebook" and not body.path:
        raise ReportError(
            "no notebook is named", remedy="Open one, or choose another scope"
        )
    folder = root.inside(into)
    if not folder.is_dir():
        raise ReportError(
            f"there is no folder {into!r}", remedy="Make it, or choose another one"
        )
    beside = folder_of(root, body.path)
    notebooks: tuple[str, ...] = ()
    if body.scope == "notebook":
        names = renames.names(str(root.os_path(body.path)))
        spelt = (s for name in names for s in sorted(root.spellings(Path(name.path))))
        notebooks = tuple(dict.fromkeys(spelt))
    project = project_folder(resolved, beside) if body.scope == "project" else None
    return Order(
        ledger=ledger_of(resolved),
        notebooks=notebooks,
        project=project,
        settings_folder=Path(os.path.realpath(beside)),
        formats=tuple(dict.fromkeys(body.formats)),
        anonymous=body.anonymous,
        folder=folder,
        name=Path(body.path).stem if body.scope == "notebook" else body.scope,
        root=root,
    )


def formats() -> tuple[str, ...]:
    """Return the names of the formats that can be written; none: no report is here."""
    try:
        request = import_module("jupyter_green.report.request")
    except ImportError:
        return ()
    return tuple(request.FORMATS)


def make(order: Order, progress: Progress) -> Sequence[Path]:
    """Write an appendix; return its files.

    Raises:
        JupyterGreenError: It cannot be made or written.
    """
    raise NotImplementedError
