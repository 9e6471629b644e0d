"""Open and close windows around cells, by the shell's own events.

The cell is executed by the shell, once and as ever; an input transformer has removed
the ``%%energy`` line.  Whatever fails here leaves one warning and the cell alone.
"""

from __future__ import annotations

import ast
import asyncio
import hashlib
import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from IPython.core.interactiveshell import (
    ExecutionInfo,
    ExecutionResult,
    InteractiveShell,
)

from jupyter_green.magics.arguments import Request, find_request
from jupyter_green.magics.display import RecordDisplay, warn
from jupyter_green.magics.repeats import Repeater, loop, summarise
from jupyter_green.meter import Window
from jupyter_green.records import Record, Repeats
from jupyter_green.sampler import Sample
from jupyter_green.session import Session
from jupyter_green.units import s_from_ns

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Running:
    """A cell being executed: on one thread there is one, the outermost."""

    info: ExecutionInfo
    request: Request
    window: Window | None = None
    repeater: Repeater | None = None
    marks: list[Sample] = field(default_factory=list)
    looped: bool = False


class CellMeter(ast.NodeTransformer):
    """Meter the cells that ask for it, and all cells while `meter_all` is on.

    Args:
        shell: The shell whose events it follows.
        session: Gives the session when it is first needed.
    """

    def __init__(self, shell: InteractiveShell, session: Callable[[], Session]) -> None:
        self.shell = shell
        self.meter_all = False
        self._session = session
        # Cells on subshells run beside the main shell's, each on a thread of its own.
        self._running: dict[int, _Running] = {}
        self._displays: dict[str, RecordDisplay] = {}
        self._outputs: dict[str, tuple[str, Record]] = {}

    def pre_run_cell(self, info: ExecutionInfo) -> None:
        """Open a window if the cell asks for one (the shell calls this)."""
        thread = threading.get_ident()
        if thread in self._running:
            # A cell inside a cell, as ``%%capture`` makes one: it belongs to the outer.
            return
        request = self._request(info)
        if request is None:
            return
        running = _Running(info, request)
        self._running[thread] = running
        try:
            self._open(running)
        # Metering must not keep a cell from running.
        except Exception as err:
            logger.debug("no window", exc_info=True)
            warn([f"this cell is not metered: {type(err).__name__}: {err}"])

    def post_run_cell(self, result: ExecutionResult) -> None:
        """Close the window of this cell (the shell calls this)."""
        thread = threading.get_ident()
        running = self._running.get(thread)
        if running is None or result.info is not running.info:
            return
        del self._running[thread]
        try:
            self._close(running, result)
        # The cell has run: its result stands whatever happens here.
        except Exception as err:
            logger.debug("no record", exc_info=True)
            warn([f"the record of this cell is lost: {type(err).__name__}: {err}"])

    def visit(self, node: ast.AST) -> ast.AST:
        """Put the tree of a repeated cell into a loop (the shell calls this)."""
        running = self._running.get(threading.get_ident())
        if (
            running is None
            or running.repeater is None
            or running.looped
            or not isinstance(node, ast.Module)
        ):
            return node
        # Once: a cell magic in the body compiles cells of its own.
        running.looped = True
        return loop(
            node,
            running.repeater.name,
            interactivity=self.shell.ast_node_interactivity,
        )

    def meter_call(self, run: Callable[[], Any], request: Request) -> Any:
        """Meter one call as a window within whatever cell is running."""
        __tracebackhide__ = True
        marks: list[Sample] = []
        try:
            session = self._session()
            sample = session.meter.sampler.sample
            window = self._begin(request, session)
        # Metering must not keep a statement from running.
        except Exception as err:  # noqa: BLE001
            warn([f"this statement is not metered: {type(err).__name__}: {err}"])
            return run()
        status, error = "ok", ""
        try:
            for _ in range(request.repeats or 1):
                if request.repeats:
                    marks.append(sample())
                value = run()
        except BaseException as err:
            interrupted = isinstance(err, KeyboardInterrupt)
            status = "interrupted" if interrupted else "error"
            error = type(err).__name__
            raise
        else:
            return value
        finally:
            marks += [sample()] if marks else []
            self._finish(window, request, marks, status=status, error=error)

    def final(self, record: Record) -> None:
        """Replace the provisional figure and variable (the session calls this)."""
        display = self._displays.pop(record.id, None)
        if display:
            display.show(record)
        name, stored = self._outputs.pop(record.id, ("", None))
        if name and self.shell.user_ns.get(name) is stored:
            self.shell.user_ns[name] = record

    def _request(self, info: ExecutionInfo) -> Request | None:
        cell = info.raw_cell
        if not isinstance(cell, str) or not cell.strip():
            return None
        request = find_request(cell)
        if request is None and self.meter_all and info.store_history:
            return Request(quiet=True) if not _is_ours(cell) else None
        return request

    def _open(self, running: _Running) -> None:
        session, request = self._session(), running.request
        if request.repeats:
            sample, marks = session.meter.sampler.sample, running.marks
            name = f"__jupyter_green_{uuid.uuid4().hex}"
            running.repeater = Repeater(
                request.repeats, lambda: marks.append(sample()), name
            )
            running.repeater.install()
        info = running.info
        running.window = self._begin(
            request,
            session,
            cell_id=info.cell_id or "",
            execution_count=self.shell.execution_count if info.store_history else None,
            source_sha256=_hashed(info.raw_cell or ""),
        )

    def _begin(self, request: Request, session: Session, **known: Any) -> Window:
        label = request.label
        if "$" in label or "{" in label:
            label = self.shell.var_expand(label)
        return session.begin(label, purpose=request.purpose, **known)

    def _close(self, running: _Running, result: ExecutionResult) -> None:
        if running.repeater:
            running.repeater.remove()
        if running.window is not None:
            status, error = _outcome(result)
            self._finish(
                running.window,
                running.request,
                running.marks,
                status=status,
                error=error,
            )

    def _finish(
        self,
        window: Window,
        request: Request,
        marks: list[Sample],
        **known: Any,
    ) -> None:
        session = self._session()
        display = None
        if not request.quiet:
            display = RecordDisplay(
                self.shell,
                window.id,
                verbose=request.verbose,
                html=session.settings.card,
            )
            self._displays[window.id] = display
        if len(marks) > 1:
            known["repeats"] = _repeats(marks)
        record = session.meter.end(window, wait=False, **known)
        if request.output:
            self.shell.user_ns[request.output] = record
            self._outputs[record.id] = (request.output, record)
        if display:
            display.show(record)
        if window.record.final:
            # It became final at once, or while this function ran.
            self.final(window.record)
        warn(session.take_warnings())


def _is_ours(cell: str) -> bool:
    """Say whether a cell only talks to this tool, so that metering it is noise."""
    words = cell.split(None, 2)
    return words[0] in ("%green", "%load_ext", "%reload_ext", "%unload_ext")


def _outcome(result: ExecutionResult) -> tuple[str, str]:
    """Return the record's status and the name of the error's class."""
    error = result.error_before_exec or result.error_in_exec
    if error is None:
        return "ok", ""
    # Before Python 3.12 the shell may hand over a class or a plain True.
    name = type(error).__name__
    if isinstance(error, KeyboardInterrupt | asyncio.CancelledError):
        return "interrupted", name
    return "error", name


def _repeats(marks: list[Sample]) -> Repeats:
    """Return the statistics of the runs that came to an end."""
    energies_j: list[float | None] = []
    for begin, end in pairwise(marks):
        known = [
            level.energy_j - begin.levels[i].energy_j
            for i, level in end.levels.items()
            if i in begin.levels and not level.fault
        ]
        energies_j.append(sum(known) if known else None)
    return summarise(
        energies_j, [s_from_ns(end.t_ns - begin.t_ns) for begin, end in pairwise(marks)]
    )


def _hashed(source: str) -> str:
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
