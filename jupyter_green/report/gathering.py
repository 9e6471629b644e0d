"""Read what a report is about: ledgers, notebooks' own outputs, and which records.

`report` and `verify` gather alike.  Imports the ledger, `report.appendix` and
`report.scope`.
"""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from jupyter_green.errors import LedgerError, ReportError
from jupyter_green.ledger import ledger_folder
from jupyter_green.report.appendix.author import Scope
from jupyter_green.report.appendix.reading import Collected, collect, read_notebook
from jupyter_green.report.request import ReportRequest
from jupyter_green.report.scope import scope_of
from jupyter_green.settings import Resolved

SHOWN_PROBLEMS = 5
READ = 0.5  # the part of all that reading takes

Progress = Callable[[str, float], None]  # what is done, and the part of all


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was read.

    Attributes:
        collected: All records, with what is known of the files.
        scope: Which of them are meant.
        warnings: What to know, as sentences.
    """

    collected: Collected
    scope: Scope
    warnings: tuple[str, ...]


def gather(
    request: ReportRequest,
    resolved: Resolved,
    *,
    ledger: Path | None = None,
    progress: Progress | None = None,
) -> Gathered:
    """Read what a request names.

    Args:
        request: What is asked for.
        resolved: The settings in force.
        ledger: The ledger to read where the request names none; None: by the settings.
        progress: Called with what is done and the part of all, 0 to 1.

    Raises:
        JupyterGreenError: A ledger, notebook or folder is not there, or a time is none.
    """
    tell = progress or (lambda _what, _part: None)
    folder = ledger or ledger_folder(resolved.values.ledger)
    collected, warnings = _read(request, folder, tell)
    meant = scope_of(
        collected.records,
        notebooks=request.notebooks,
        project=request.project,
        since=request.since,
        until=request.until,
        labels=request.labels,
        purposes=request.purposes,
    )
    named = meant.scope
    if request.session:
        named = replace(named, sessions=(request.session,))
    scope = _with_own_outputs(request, named)
    told = [
        text
        for text in meant.warnings
        # Outputs can have records under the path of another machine.
        if scope == named or not text.startswith("No record is")
    ]
    return Gathered(collected, scope, (*warnings, *told))


def machine_secrets() -> set[str]:
    """Return names of this machine and its user, which no anonymous report holds."""
    host = socket.gethostname()
    found = {host, host.partition(".")[0], str(Path.home())}
    with suppress(OSError, KeyError, ImportError):  # a container may know no user
        found.add(getpass.getuser())
    return {text for text in found if text}


def _read(
    request: ReportRequest, ledger: Path, tell: Progress
) -> tuple[Collected, list[str]]:
    folders = [Path(folder).expanduser() for folder in request.ledgers]
    for folder in folders:
        if not folder.exists():
            raise LedgerError(
                f"there is no ledger {folder}",
                remedy="`jupyter green settings` says which one is in force",
            )
    folders = folders or [ledger]
    files = _notebook_files(request)
    for name in request.notebooks:
        is_file = Path(name).expanduser() in files
        if not is_file and not any(folder.exists() for folder in folders):
            raise LedgerError(
                f"there is neither a notebook {name} nor a ledger",
                remedy="Name a notebook's file, or a ledger with --ledger",
            )

    def read(done: int, whole: int) -> None:
        tell("reading", READ * done / whole if whole else READ)

    collected = collect(folders, files, progress=read)
    warnings = [f"not read: {each}" for each in collected.problems[:SHOWN_PROBLEMS]]
    more = collected.source.file_problems - SHOWN_PROBLEMS
    if more > 0:
        warnings.append(f"not read: {more} more lines or files")
    return collected, warnings


def _notebook_files(request: ReportRequest) -> list[Path]:
    paths = [Path(name).expanduser() for name in request.notebooks]
    if request.project:
        folder = Path(request.project).expanduser()
        if not folder.is_dir():
            raise ReportError(f"there is no folder {folder}")
        paths += sorted(
            path
            for path in folder.rglob("*.ipynb")
            # Copies that Jupyter keeps beside notebooks are no notebooks of anybody.
            if ".ipynb_checkpoints" not in path.parts
        )
    return [path for path in dict.fromkeys(paths) if path.is_file()]


def _with_own_outputs(request: ReportRequest, scope: Scope) -> Scope:
    """Add the paths under which the notebooks' own outputs were recorded."""
    files = _notebook_files(request)
    if not files:
        return scope
    own = {
        record.notebook: None
        for path in files
        for record in read_notebook(path)[0]
        if record.notebook
    }
    return replace(scope, notebooks=tuple(dict.fromkeys((*scope.notebooks, *own))))
