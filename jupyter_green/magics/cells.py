"""Open and close windows around cells, by the shell's own events.

The cell is executed by the shell, once and as ever; an input transformer has removed
the ``%%energy`` line.  Whatever fails here leaves one warning and the cell alone.
"""

from __future__ import annotations

import ast
import hashlib
import logging
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from IPython.core.interactiveshell import (
    ExecutionInfo,
    ExecutionResult,
    InteractiveShell,
)
from IPython.utils.text import DollarFormatter

from jupyter_green.magics.arguments import Request, find_request, strip_energy
from jupyter_green.magics.display import RecordDisplay, can_update, warn
from jupyter_green.magics.metrics import evaluate
from jupyter_green.magics.repeats import Repeater, loop, summarise
from jupyter_green.meter import Window
from jupyter_green.records import Record, Repeats
from jupyter_green.sampler import Sample
from jupyter_green.session import Session
from jupyter_green.session.budget_watch import sentence
from jupyter_green.units import s_from_ns

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Running:
    """A cell being executed: on one thread there is one, the outermost."""

    info: ExecutionInfo
    request: Request
    window: Window | None = None
    repeater: Repeater | None = None
    looped: bool = False
    stopped: bool = False
    why: str = ""

    def is_of(self, info: ExecutionInfo | None) -> bool:
        """Say whether *info* is of this cell.

        After an error outside the cell's code the shell makes another one.
        """
        if info is None:
            return False
        mine = self.info
        return info is mine or (info.raw_cell, info.store_history, info.cell_id) == (
            mine.raw_cell,
            mine.store_history,
            mine.cell_id,
        )


class CellMeter(ast.NodeTransformer):
    """Meter the cells that ask for it, and all cells while `meter_all` is on.

    Args:
        shell: The shell whose events it follows.
        session: Meters, and has the settings.
    """

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        self.shell = shell
        self.meter_all = False
        self._session = session
        # Cells on subshells run beside the main shell's, each on a thread of its own.
        self._running: dict[int, _Running] = {}
        # How many cells each thread is in: cells can run cells.
        self._depths: Counter[int] = Counter()
        self._displays: dict[str, RecordDisplay] = {}
        self._outputs: dict[str, tuple[str, Record]] = {}
        self._unmetered: set[str] = set()

    def pre_execute(self) -> None:
        """Note that a cell begins, metered or not (the shell calls this)."""
        self._depths[threading.get_ident()] += 1

    def post_execute(self) -> None:
        """Let nobody interrupt what comes after a cell's code (the shell calls this).

        Figures are drawn by other callbacks of this event, and still metered.
        """
        thread = threading.get_ident()
        self._depths[thread] -= 1
        if self._depths[thread] > 0:
            return
        # The cell that loads the extension ends here, too, but never began.
        del self._depths[thread]
        if running := self._running.get(thread):
            self._disarm(running)

    def pre_run_cell(self, info: ExecutionInfo) -> None:
        """Open a window if the cell asks for one (the shell calls this)."""
        thread = threading.get_ident()
        if thread in self._running:
            # A cell inside a cell, as ``%%capture`` makes one: it belongs to the outer.
            return
        request = self._request(info)
        if request is None:
            return
        running = self._running[thread] = _Running(info, request)
        try:
            self._open(running)
        except KeyboardInterrupt:
            # The shell would swallow it here and run the cell: `visit` raises it again.
            running.stopped = True
            self._visit_next()
        # Metering must not keep a cell from running.
        except Exception as err:
            logger.debug("no window", exc_info=True)
            self._tell_unmetered("cell", err, each_time=request.asked)

    def post_run_cell(self, result: ExecutionResult | None) -> None:
        """Close the window of this cell (the shell calls this)."""
        try:
            self._ended(result)
        # The cell is over: there is nothing to interrupt but the making of its record.
        except KeyboardInterrupt:
            self._ended(result)

    def _ended(self, result: ExecutionResult | None) -> None:
        thread = threading.get_ident()
        running = self._running.get(thread)
        if running is None and result is not None and not result.success:
            # A training that failed outside of a metered cell may have left epochs.
            self._session.end_parts()
            # A budget may have stopped what it metered by itself.
            warn(self._session.take_warnings())
        if running is None or not (result is None or running.is_of(result.info)):
            return
        try:
            self._close(running, result)
        # The cell has run: its result stands whatever happens here.
        except Exception as err:
            logger.debug("no record", exc_info=True)
            warn([f"the record of this cell is lost: {type(err).__name__}: {err}"])
        # Only now: what was interrupted before this is done once more.
        del self._running[thread]

    def visit(self, node: ast.AST) -> ast.AST:
        """Put the tree of a repeated cell into a loop (the shell calls this)."""
        running = self._running.get(threading.get_ident())
        if running is None or running.looped or not isinstance(node, ast.Module):
            return node
        # Once: a cell magic in the body compiles cells of its own.
        running.looped = True
        if running.stopped:
            return ast.parse("raise KeyboardInterrupt")
        if running.repeater is None:
            return node
        interactivity = self.shell.ast_node_interactivity
        return loop(node, running.repeater.name, interactivity=interactivity)

    def meter_call(self, run: Callable[[], Any], request: Request) -> Any:
        """Meter one call as a window within whatever cell is running."""
        __tracebackhide__ = True
        try:
            repeater = self._repeater(request)
            window = self._begin(request)
        # Metering must not keep a statement from running.
        except Exception as err:  # noqa: BLE001
            self._tell_unmetered("statement", err, each_time=True)
            return run()
        status, error = "ok", ""
        try:
            for _ in repeater or ((),):
                value = run()
        except BaseException as err:
            status, error = _status(err)
            raise
        else:
            return value
        finally:
            self._finish(window, request, repeater, status=status, error=error)

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
        request = find_request(self._cleaned(cell))
        if request is None and self.meter_all and info.store_history:
            return None if _is_ours(cell) else Request(quiet=True, asked=False)
        return request

    def _cleaned(self, cell: str) -> str:
        """Return the cell as `strip_energy` sees it: without prompts and indent."""
        lines = cell.splitlines(keepends=True)
        for transform in self.shell.input_transformers_cleanup:
            if transform is strip_energy:
                break
            lines = transform(lines)
        return "".join(lines)

    def _open(self, running: _Running) -> None:
        request, info = running.request, running.info
        running.repeater = self._repeater(request)
        if running.repeater:
            running.repeater.install()
            self._visit_next()
        running.window = self._begin(
            request,
            cell_id=info.cell_id or "",
            execution_count=self._next_number() if info.store_history else None,
            source_sha256=_hashed(info.raw_cell or ""),
        )
        if spent := self._session.budgets.is_spent(running.window.record):
            running.why = sentence(spent, has_begun=False)
            running.stopped = True
            self._visit_next()

    def _repeater(self, request: Request) -> Repeater | None:
        if not request.repeats:
            return None
        sample = self._session.meter.sampler.sample
        name = f"__jupyter_green_{uuid.uuid4().hex}"
        return Repeater(request.repeats, sample, name)

    def _begin(self, request: Request, **known: Any) -> Window:
        label = self._expanded(request.label)
        return self._session.begin(label, purpose=request.purpose, **known)

    def _expanded(self, label: str) -> str:
        """Put the user's variables into a label, as the shell does for its magics.

        One of blanks alone is none: nobody could tell it from no label.
        """
        with suppress(Exception):
            # The user's own expressions: what cannot be expanded stays as it is.
            label = DollarFormatter().vformat(label, [], dict(self.shell.user_ns))
        return label.strip()

    def _tell_unmetered(self, what: str, err: Exception, *, each_time: bool) -> None:
        text = f"this {what} is not metered: {type(err).__name__}: {err}"
        if each_time or text not in self._unmetered:
            self._unmetered.add(text)
            warn([text])

    def _visit_next(self) -> None:
        # For this cell only: where any transformer is registered, the shell walks all
        # trees in Python, which fails on expressions some 1000 levels deep.
        if self not in self.shell.ast_transformers:
            self.shell.ast_transformers.append(self)

    def _visit_no_more(self, ended: _Running) -> None:
        others = (r for r in self._running.values() if r is not ended)
        still = any(r.repeater or r.stopped for r in others)
        if not still and self in self.shell.ast_transformers:
            self.shell.ast_transformers.remove(self)

    def _next_number(self) -> int | None:
        """Return the ``n`` of ``In[n]`` of a cell whose input is not stored yet.

        The shell's own count is raised before or after the event, by its version.
        """
        history = self.shell.history_manager
        return None if history is None else len(history.input_hist_parsed)

    def _close(self, running: _Running, result: ExecutionResult | None) -> None:
        repeater, window = running.repeater, running.window
        self._disarm(running)
        if repeater:
            repeater.remove()
        self._visit_no_more(running)
        if window is None or not window.is_open:
            return
        status, error = _outcome(result)
        known: dict[str, Any] = {"status": status, "error": error, "why": running.why}
        if running.info.store_history and result and result.execution_count:
            known["execution_count"] = result.execution_count
        self._finish(window, running.request, repeater, **known)

    def _disarm(self, running: _Running) -> None:
        """Keep why the cell was stopped, if it was; it is stopped no more."""
        if running.window is not None:
            stopped = self._session.budgets.why_stopped(running.window)
            running.why = running.why or stopped

    def _finish(
        self,
        window: Window,
        request: Request,
        repeater: Repeater | None,
        *,
        why: str = "",
        **known: Any,
    ) -> None:
        """End a window and show its record.

        Raises:
            KeyboardInterrupt: Came while GPU work was awaited; the record is there.
        """
        session, shown = self._session, not request.quiet
        if why := why or session.budgets.why_stopped(window):
            known["flags"] = (*window.record.flags, "budget-spent")
            # In the order in which it went: 80 % were used before all was.
            warn([*session.take_warnings(), why])
        if repeater:
            known["repeats"] = _repeats(repeater)
        # What cannot be replaced later has to wait for the final figure.
        wait = shown and not can_update(self.shell)
        if request.metrics and known.get("status", "ok") == "ok":
            # After the window: what they cost is not the cell's.
            known["afterwards"] = lambda: self._metrics(window, request)
        interrupt = None
        try:
            record = session.meter.end(window, wait=wait, **known)
        except KeyboardInterrupt as err:
            if window.is_open:
                raise
            interrupt, record = err, window.record
        if request.output:
            self.shell.user_ns[request.output] = record
            self._outputs[record.id] = (request.output, record)
        if shown:
            display = RecordDisplay(
                self.shell,
                record.id,
                verbose=request.verbose,
                html=session.settings.card,
            )
            display.show(record)
            self._displays[record.id] = display
        if window.record.final:
            # It became final at once, or while this function ran.
            self.final(window.record)
        warn(session.take_warnings())
        if interrupt is not None:
            raise interrupt

    def _metrics(self, window: Window, request: Request) -> dict[str, Any]:
        """Return the record's metrics; what cannot be evaluated leaves a warning."""
        found, problems = evaluate(request.metrics, self.shell.user_ns)
        warn(problems)
        return {"metrics": {**window.record.metrics, **found}}


def _is_ours(cell: str) -> bool:
    """Say whether a cell only talks to this tool, so that metering it is noise."""
    words = cell.split(None, 2)
    return words[0] in ("%green", "%load_ext", "%reload_ext", "%unload_ext")


def _outcome(result: ExecutionResult | None) -> tuple[str, str]:
    """Return the record's status and the name of the error's class."""
    if result is None:
        # A kernel whose cell was cancelled before it had a result.
        return "interrupted", ""
    error = result.error_before_exec or result.error_in_exec
    return ("ok", "") if error is None else _status(error)


def _status(error: object) -> tuple[str, str]:
    # By name: a cancelled await needs asyncio, and loading it here costs 40 ms.
    names = {kind.__name__ for kind in type(error).__mro__}
    interrupted = names & {"KeyboardInterrupt", "CancelledError"}
    return "interrupted" if interrupted else "error", type(error).__name__


def _repeats(repeater: Repeater) -> Repeats:
    """Return the statistics of the runs that came to an end."""
    energies_j: list[float | None] = []
    durations_s: list[float] = []
    for begin, end in pairwise(repeater.marks):
        energies_j.append(_energy_between(begin, end))
        durations_s.append(s_from_ns(end.t_ns - begin.t_ns))
    return summarise(energies_j, durations_s)


def _energy_between(begin: Sample, end: Sample) -> float | None:
    known = [
        last.energy_j - first.energy_j
        for identifier, last in end.levels.items()
        if (first := begin.levels.get(identifier)) is not None
        and not (first.fault or last.fault)
        and first.epoch == last.epoch
    ]
    return sum(known) if known else None


def _hashed(source: str) -> str:
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
