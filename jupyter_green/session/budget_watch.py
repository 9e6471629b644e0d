"""Keep an eye on budgets while cells run: warn at 80 %, and stop where asked to.

What was used before is read from the ledger on a thread, mostly while nothing runs: no
cell waits for it.  What runs is taken from the sampler's readings as they come.
Imports `report.budgets`, `meter`, `sampler`.
"""

from __future__ import annotations

import _thread
import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from jupyter_green.errors import JupyterGreenError
from jupyter_green.meter import Window
from jupyter_green.records import Record
from jupyter_green.report.budgets import (
    FILE_NAME,
    Budget,
    Progress,
    progress,
    progress_of,
)
from jupyter_green.sampler import Sample
from jupyter_green.units import co2e_g

logger = logging.getLogger(__name__)

# What other kernels use meanwhile is looked up again after this long.
REFRESH_S = 30.0
# What could not be read is tried again after this long.
RETRY_S = 5.0
LOOK_S = 0.2
CLOSE_S = 2.0


class BudgetWatch:
    """Watch the budgets of one session.

    Args:
        folder: The ledger's folder.
        read: Returns the budgets in force, as now.
        flush: Brings what was metered into the ledger.
        warn: Takes a sentence for the user.

    Attributes:
        stop: Ends the running cell; None: this door cannot, so it only warns.
    """

    def __init__(
        self,
        folder: Path,
        *,
        read: Callable[[], list[Budget]],
        flush: Callable[[], object],
        warn: Callable[[str], None],
    ) -> None:
        self.stop: Callable[[], None] | None = None
        self._folder = folder
        self._read_budgets = read
        self._flush = flush
        self._warn = warn
        self._lock = threading.Lock()
        # One reads at a time, lest what was read first be taken last.
        self._reading = threading.Lock()
        self._reader: threading.Thread | None = None
        self._known: list[Progress] = []
        self._due_s = float("-inf")
        self._modified: float | None = None
        self._changes = 0
        self._looked_s = float("-inf")
        # The outermost windows, and whether the main thread began them.
        self._open: dict[str, bool] = {}
        # What the ledger has of them while they are open.
        self._beats: dict[str, Record] = {}
        self._stopped: dict[str, str] = {}

    def started(self, record: Record) -> None:
        """Take a window that begins (on its own thread)."""
        with self._lock:
            self._changes += 1
        if record.parent is None:
            self._open[record.id] = (
                threading.current_thread() is threading.main_thread()
            )
            if self._stamp() != self._modified:
                self.refresh_soon()  # somebody else set a budget

    def progressed(self, record: Record) -> None:
        """Take the figures so far of a window, as the ledger has them from now on."""
        with self._lock:
            if record.id in self._open:
                self._beats[record.id] = record

    def ended(self, record: Record) -> None:
        """Take a window that ended; again when its figures are final."""
        with self._lock:
            self._changes += 1
            self._beats.pop(record.id, None)
            if self._open.pop(record.id, None) is not None:
                self._known = [
                    _more(entry, entry.budget.used_by(record))
                    if entry.budget.covers(record, self._folder)
                    else entry
                    for entry in self._known
                ]
        if why := self._stopped.pop(record.id, ""):
            self._warn(why)  # no cell has asked: it was a window within one
        for entry in self._known:
            if entry.budget.covers(record, self._folder):
                self._tell(entry)
        if record.final and not self._open and time.monotonic() >= self._due_s:
            self.refresh_soon()

    def refresh_soon(self) -> None:
        """Read budgets and ledger again on a thread of its own, unless one does."""
        if self._reader is not None and self._reader.is_alive():
            return
        reader = threading.Thread(
            target=self._read, name="jupyter-green-budgets", daemon=True
        )
        # No more threads, or the interpreter ends: what is known has to do.
        with suppress(RuntimeError):
            reader.start()
            self._reader = reader

    def close(self) -> None:
        """Wait for the thread that reads; the interpreter may be about to end."""
        if self._reader is not None:
            self._reader.join(CLOSE_S)

    def _read(self) -> None:
        try:
            self.refresh()
        # Whatever is wrong with a ledger, the cells go on.
        except Exception as err:
            logger.debug("no budgets", exc_info=True)
            self._warn(f"budgets are not watched: {type(err).__name__}: {err}")

    def refresh(self) -> list[Progress]:
        """Read budgets and ledger again; return how far they are used.

        Where they cannot be read, what was known before stays in force.
        """
        with self._reading:
            modified = self._stamp()
            with self._lock:
                changes = self._changes
            budgets: list[Budget] | None = None
            try:
                budgets = self._read_budgets()
                if budgets:
                    self._flush()
                found = progress_of(self._folder, budgets) if budgets else []
            except (JupyterGreenError, OSError) as err:
                return self._keep(err, budgets, modified)
            with self._lock:
                self._take(found, is_certain=changes == self._changes)
                self._modified = modified
            return found

    def _keep(
        self, err: Exception, budgets: list[Budget] | None, modified: float | None
    ) -> list[Progress]:
        """Go on with what is known: an error must not set work free.

        Where only the ledger could not be read, with the budgets as they are now.
        """
        with self._lock:
            if budgets is not None:
                before = {_work(entry.budget): entry for entry in self._known}
                self._known = [
                    _more(before[_work(budget)], 0.0, budget)
                    for budget in budgets
                    if _work(budget) in before
                ]
            known = self._known
            self._due_s = time.monotonic() + RETRY_S
            self._modified = modified
        but = ", but for those read before" if known else ""
        self._warn(f"budgets are not watched{but}: {err}")
        return known

    def _take(self, found: list[Progress], *, is_certain: bool) -> None:
        """Take what was read, less what the ledger has of the windows that are open.

        A run that ended meanwhile may be in it or not.  Then the larger figure stands
        for now, and it is read once more later.
        """
        before = {entry.budget: entry.used for entry in self._known}
        self._known = []
        for entry in found:
            open_j = sum(
                entry.budget.used_by(beat)
                for beat in self._beats.values()
                if entry.budget.covers(beat, self._folder)
            )
            used = max(0.0, entry.used - open_j)
            if not is_certain:
                used = max(used, before.get(entry.budget, 0.0))
            self._known.append(_more(entry, used - entry.used))
        now_s = time.monotonic()
        if not found:
            self._due_s = float("inf")  # until a file of budgets comes
        else:
            self._due_s = now_s + REFRESH_S if is_certain else now_s

    def is_spent(self, record: Record) -> Progress | None:
        """Return a spent budget that forbids a record's work to begin, if one does."""
        return next(
            (
                entry
                for entry in self._known
                if entry.budget.stop
                and entry.state == "spent"
                and entry.budget.covers(record, self._folder)
            ),
            None,
        )

    def why_stopped(self, window: Window) -> str:
        """Interrupt a window's work no more; return why it was, or an empty string.

        To be called on the work's own thread, first thing when the work is over.
        """
        try:
            window.work_ends()
            time.sleep(0)  # an interrupt that is on its way comes here at the latest
        except KeyboardInterrupt:
            # It came too late to stop anything but the record of the work.
            if self._stopped.pop(window.id, None) is None:
                raise  # the user's own
        return self._stopped.pop(window.id, "")

    def look(self, windows: Sequence[Window], sample: Sample) -> None:
        """Compare what runs with the budgets (on the sampler's thread)."""
        if not self._known or time.monotonic() - self._looked_s < LOOK_S:
            return
        self._looked_s = time.monotonic()
        running = [w for w in windows if w.parent is None and w.is_open]
        for entry in self._known:
            covered = [
                w for w in running if entry.budget.covers(w.record, self._folder)
            ]
            if not covered:
                continue
            now = _more(entry, sum(_used(entry.budget, w, sample) for w in covered))
            self._tell(now)
            if now.state == "spent" and entry.budget.stop:
                for window in covered:
                    self._end(window, now)

    def _end(self, window: Window, entry: Progress) -> None:
        stop = self.stop
        if stop is None or window.id in self._stopped:
            return
        if not self._open.get(window.id):
            return  # another thread's work cannot be interrupted

        def interrupt() -> None:
            # Before: the work may be over at once, and ask.
            self._stopped[window.id] = sentence(entry)
            logger.info("interrupting %r: %s", window.record.label, entry)
            stop()

        window.interrupt(interrupt)

    def _tell(self, entry: Progress) -> None:
        # The session tells each text once, so there are no figures in it that change.
        budget = entry.budget
        if entry.state == "near":
            self._warn(
                f"80 % of the budget of {budget.amount} for {budget.about} is used"
            )
        elif entry.state == "spent" and not budget.stop:
            self._warn(f"the budget of {budget.amount} for {budget.about} is spent")

    def _stamp(self) -> float | None:
        try:
            return (self._folder / FILE_NAME).stat().st_mtime
        except OSError:
            return None


def interrupt_main() -> None:
    """Interrupt the main thread as Ctrl-C does, also where it waits."""
    if hasattr(signal, "pthread_kill"):
        ident = threading.main_thread().ident
        if ident is not None:
            signal.pthread_kill(ident, signal.SIGINT)
    else:
        _thread.interrupt_main()


def sentence(entry: Progress, *, has_begun: bool = True) -> str:
    """Say that a budget is spent, what became of the cell, and what can be done."""
    budget = entry.budget
    outcome = "interrupted, its record kept" if has_begun else "not run"
    return (
        f"the budget of {budget.amount} for {budget.about} is spent: "
        f"{budget.shown(entry.used)} used. The cell is {outcome}. "
        "Raise it by `%green budget`, or take it away by `%green budget --clear`"
    )


def _work(budget: Budget) -> tuple[str, str, str, bool]:
    """Return what a budget counts: those of the same work have used the same."""
    return budget.scope, budget.name, budget.since, budget.energy_j is None


def _more(entry: Progress, used: float, budget: Budget | None = None) -> Progress:
    """Return *entry* with so much more used, of *budget* if that is another one now."""
    return progress(
        budget or entry.budget,
        entry.used + used,
        duration_s=entry.duration_s,
        unmeasured_runs=entry.unmeasured_runs,
    )


def _used(budget: Budget, window: Window, sample: Sample) -> float:
    """Return what an open window used up to a sample, in joules or grams."""
    energy_j = sum(
        max(0.0, last.energy_j - first.energy_j)
        for identifier, last in sample.levels.items()
        if (first := window.begin.levels.get(identifier)) is not None
        and first.epoch == last.epoch
        and not (first.fault or last.fault)
    )
    if budget.energy_j is not None:
        return energy_j
    intensity = window.record.intensity
    if intensity is None:
        return 0.0
    return co2e_g(energy_j, intensity.g_per_kwh, window.record.pue.value)
