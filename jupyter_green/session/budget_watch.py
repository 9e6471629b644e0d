"""Keep an eye on budgets while cells run: warn at 80 %, and stop where asked to.

What was used before is read from the ledger while nothing runs; what runs is taken from
the sampler's readings as they come.  Imports `report.budgets`, `meter`, `sampler`.
"""

from __future__ import annotations

import _thread
import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jupyter_green.errors import JupyterGreenError
from jupyter_green.meter import Window
from jupyter_green.records import Record
from jupyter_green.report.budgets import (
    FILE_NAME,
    Budget,
    Progress,
    progress,
    progress_of,
    read_budgets,
)
from jupyter_green.sampler import Sample
from jupyter_green.units import co2e_g

logger = logging.getLogger(__name__)

# What other kernels use meanwhile is looked up again after this long.
REFRESH_S = 30.0
LOOK_S = 0.2


class BudgetWatch:
    """Watch the budgets of one session.

    Args:
        folder: The ledger's folder.
        project: Returns the project file's table ``[budget]``, if it has one.
        flush: Brings what was metered into the ledger.
        warn: Takes a sentence for the user.

    Attributes:
        stop: Ends the running cell; None: this door cannot, so it only warns.
    """

    def __init__(
        self,
        folder: Path,
        *,
        project: Callable[[], dict[str, Any] | None],
        flush: Callable[[], object],
        warn: Callable[[str], None],
    ) -> None:
        self.stop: Callable[[], None] | None = None
        self._folder = folder
        self._project = project
        self._flush = flush
        self._warn = warn
        self._lock = threading.Lock()
        self._known: list[Progress] = []
        self._read_s = float("-inf")
        self._modified: float | None = None
        self._changes = 0
        self._looked_s = float("-inf")
        # The outermost windows, and whether the main thread began them.
        self._open: dict[str, bool] = {}
        self._stopped: dict[str, str] = {}

    def started(self, record: Record) -> None:
        """Take a window that begins (on its own thread)."""
        with self._lock:
            self._changes += 1
        if record.parent is None:
            self._open[record.id] = (
                threading.current_thread() is threading.main_thread()
            )
            if self._is_due():
                self.refresh()

    def ended(self, record: Record) -> None:
        """Take a window that ended; again when its figures are final."""
        with self._lock:
            self._changes += 1
            if self._open.pop(record.id, None) is not None:
                self._known = [
                    _more(entry, entry.budget.used_by(record))
                    if entry.budget.covers(record)
                    else entry
                    for entry in self._known
                ]
        for entry in self._known:
            if entry.budget.covers(record):
                self._tell(entry)

    def refresh(self) -> list[Progress]:
        """Read budgets and ledger again; return how far they are used."""
        modified = self._stamp()
        with self._lock:
            changes = self._changes
        try:
            budgets = read_budgets(self._folder, self._project())
            if budgets:
                self._flush()
            found = progress_of(self._folder, budgets) if budgets else []
        except (JupyterGreenError, OSError) as err:
            self._warn(f"budgets are not watched: {err}")
            found = []
        with self._lock:
            # A run that ended meanwhile may be in it or not: then once more later.
            self._read_s = (
                time.monotonic() if changes == self._changes else float("-inf")
            )
            self._modified = modified
            self._known = found
        return found

    def is_spent(self, record: Record) -> Progress | None:
        """Return a spent budget that forbids a record's work to begin, if one does."""
        return next(
            (
                entry
                for entry in self._known
                if entry.budget.stop
                and entry.state == "spent"
                and entry.budget.covers(record)
            ),
            None,
        )

    def why_stopped(self, record_id: str) -> str:
        """Return why a window's work was stopped; empty if it was not."""
        return self._stopped.pop(record_id, "")

    def look(self, windows: Sequence[Window], sample: Sample) -> None:
        """Compare what runs with the budgets (on the sampler's thread)."""
        if not self._known or time.monotonic() - self._looked_s < LOOK_S:
            return
        self._looked_s = time.monotonic()
        running = [w for w in windows if w.parent is None and w.is_open]
        for entry in self._known:
            covered = [w for w in running if entry.budget.covers(w.record)]
            if not covered:
                continue
            now = _more(entry, sum(_used(entry.budget, w, sample) for w in covered))
            self._tell(now)
            if now.state == "spent" and entry.budget.stop:
                for window in covered:
                    self._end(window, now)

    def _end(self, window: Window, entry: Progress) -> None:
        if self.stop is None or window.id in self._stopped:
            return
        if not self._open.get(window.id):
            return  # another thread's work cannot be interrupted
        self._stopped[window.id] = sentence(entry)
        logger.info("interrupting %r: %s", window.record.label, entry)
        self.stop()

    def _tell(self, entry: Progress) -> None:
        # The session tells each text once, so there are no figures in it that change.
        budget = entry.budget
        if entry.state == "near":
            self._warn(
                f"80 % of the budget of {budget.amount} for {budget.about} is used"
            )
        elif entry.state == "spent" and not budget.stop:
            self._warn(f"the budget of {budget.amount} for {budget.about} is spent")

    def _is_due(self) -> bool:
        if self._read_s == float("-inf") or self._stamp() != self._modified:
            return True
        return bool(self._known) and time.monotonic() - self._read_s >= REFRESH_S

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


def sentence(entry: Progress) -> str:
    """Say that a budget is spent, and what can be done."""
    budget = entry.budget
    return (
        f"the budget of {budget.amount} for {budget.about} is spent: "
        f"{budget.shown(entry.used)} used. The cell is interrupted, its record kept. "
        "Raise it by `%green budget`, or take it away by `%green budget --clear`"
    )


def _more(entry: Progress, used: float) -> Progress:
    return progress(
        entry.budget,
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
