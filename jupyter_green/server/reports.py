"""Write an appendix on request, below the server's root and nowhere else.

It is made in a process of its own: a large ledger takes much memory, and the event loop
must not share an interpreter with so much work.  Imports `report`, `scopes`, `places`
and `paths`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from jupyter_green.errors import JupyterGreenError, ReportError
from jupyter_green.report.request import FORMATS, ReportRequest
from jupyter_green.server.jobs import Problem, Progress
from jupyter_green.server.paths import Renames, ServerRoot, exists
from jupyter_green.server.places import folder_of, ledger_of, project_folder
from jupyter_green.server.wire import ReportBody
from jupyter_green.settings import Resolved

FOLDER = "energy-report"  # beside the notebook
PDF = "pdf"
SHOWN_ERROR = 500  # characters of what a process said at its end


class Order(Struct, frozen=True, kw_only=True):
    """An appendix as it was ordered, checked.

    Attributes:
        request: What to make; its folder is whole, with links followed.
        ledger: The ledger that it is of.
        settings_folder: Folder whose settings count.
        warnings: What to know before it is made.
    """

    request: ReportRequest
    ledger: str
    settings_folder: str
    warnings: tuple[str, ...] = ()


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line that the process says: how far it is, what it wrote, or why not."""

    fraction: float = 0.0
    text: str = ""
    folder: str = ""
    files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: Problem | None = None


class Made(Struct, frozen=True, kw_only=True):
    """What was written.

    Attributes:
        files: Whole paths.
        warnings: What to know, as sentences.
    """

    files: tuple[Path, ...]
    warnings: tuple[str, ...] = ()


MakeReport = Callable[[Order, Progress], Made]


def formats() -> tuple[str, ...]:
    """Return the names of the formats that can be written."""
    return (*FORMATS, PDF)


def order(
    root: ServerRoot, renames: Renames, resolved: Resolved, body: ReportBody
) -> Order:
    """Return a checked order.

    Args:
        root: The server's root.
        renames: What was renamed.
        resolved: The settings of the notebook's folder.
        body: The request.

    Raises:
        PathError: It would be written outside of the root.
        ReportError: A format is not known, or no notebook is named.
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
    beside = folder_of(root, body.path)
    into = body.folder
    if into is None:
        into = (Path(root.api_path(beside) or ".") / FOLDER).as_posix()
    output = root.inside(into)
    notebooks: list[str] = []
    warnings: list[str] = []
    if body.scope == "notebook":
        notebooks, warnings = _notebooks(root, renames, body.path)
    wants_pdf = PDF in body.formats
    plain = tuple(name for name in body.formats if name != PDF)
    request = ReportRequest(
        formats=plain + (("latex",) if wants_pdf and "latex" not in plain else ()),
        output=str(output),
        notebooks=tuple(notebooks),
        project=str(project_folder(resolved, beside))
        if body.scope == "project"
        else "",
        everything=body.scope == "all",
        pdf=wants_pdf,
        camera_ready=not body.anonymous,
    )
    return Order(
        request=request,
        ledger=str(ledger_of(resolved)),
        settings_folder=os.path.realpath(beside),
        warnings=tuple(warnings),
    )


def _notebooks(
    root: ServerRoot, renames: Renames, path: str
) -> tuple[list[str], list[str]]:
    """Return a notebook's names, those left out that are another's by now."""
    newest, *older = renames.names(str(root.os_path(path)))
    kept, warnings = [newest.path], []
    for name in older:
        if not exists(name.path):
            kept.append(name.path)
            continue
        shown = root.api_path(Path(name.path)) or name.path
        warnings.append(
            f"Runs under the older name {shown} are left out: another notebook is "
            "called that now."
        )
    return list(dict.fromkeys(kept)), warnings


class Maker:
    """Makes appendices, each in a process of its own.

    Args:
        command: What to start.
    """

    def __init__(self, command: tuple[str, ...] = ()) -> None:
        self._command = command or (
            *(sys.executable, "-m", "jupyter_green.server.report_process"),
        )
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_closed = False

    def make(self, given: Order, progress: Progress) -> Made:
        """Make an appendix and write it; waits until it is done.

        Raises:
            JupyterGreenError: It cannot be made or written.
        """
        with tempfile.TemporaryFile() as said, self._started(said) as process:
            if process.stdin is None or process.stdout is None:
                raise ReportError("the report's process cannot be spoken to")
            with contextlib.suppress(BrokenPipeError):  # it has ended: below
                process.stdin.write(msgspec.json.encode(given))
                process.stdin.close()
            told = _listen(process.stdout, progress)
            process.wait()
            if told.problem is not None:
                raise _error(told.problem)
            if not told.folder:
                said.seek(0)
                text = said.read().decode("utf-8", "replace").strip()
                raise ReportError(
                    "the report's process ended without a report",
                    why=text[-SHOWN_ERROR:] or f"exit code {process.returncode}",
                    remedy="Please report this with the server's log",
                )
        folder = Path(told.folder)
        names = given.request.notebooks
        empty = {f"No record is of the notebook {name}." for name in names}
        return Made(
            files=tuple(folder / name for name in told.files),
            # That not each of a notebook's names has runs is no news.
            warnings=given.warnings
            + tuple(
                text for text in told.warnings if not names[1:] or text not in empty
            ),
        )

    def close(self) -> None:
        """End what is being made."""
        with self._lock:
            self._is_closed = True
            for process in self._running:
                process.terminate()

    @contextlib.contextmanager
    def _started(self, said: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
        with self._lock:
            if self._is_closed:
                raise ReportError("the server is ending")
            process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
            )
            self._running.add(process)
        try:
            with process:
                yield process
        finally:
            with self._lock:
                self._running.discard(process)


def _listen(stream: IO[bytes], progress: Progress) -> Told:
    """Pass on progress; return the last line that says more."""
    last = Told()
    for line in stream:
        try:
            told = msgspec.json.decode(line, type=Told)
        except msgspec.MsgspecError:
            continue
        if told.problem is not None or told.folder:
            last = told
        else:
            progress(told.fraction, told.text)
    return last


def _error(problem: Problem) -> JupyterGreenError:
    remedy = problem.remedy
    if "--force" in remedy:
        # The options of a command are of no use in the panel.
        remedy = "Move them, or choose another folder"
    return ReportError(problem.message, why=problem.reason, remedy=remedy)
