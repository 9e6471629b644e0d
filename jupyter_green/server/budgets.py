"""Budgets that bear on a notebook, and how far each is used.

The figures are those of ``jupyter green budget``: each joule once, and what overlapping
runs measured shared among all of the ledger.  They come from sums that are kept up to
date.  Imports `ledger`, `report.budgets`, `paths`, `places`, `scopes` and `wire`.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jupyter_green.errors import JupyterGreenError
from jupyter_green.ledger import parse_since
from jupyter_green.ledger.lines import parse_time
from jupyter_green.ledger.sums import AnyRecord, Row
from jupyter_green.report.budgets import (
    FILE_NAME,
    Budget,
    budgets_in_force,
    progress,
)
from jupyter_green.server.paths import Renames, ServerRoot
from jupyter_green.server.places import FRESH_S
from jupyter_green.server.scopes import Group, Scope, of_project
from jupyter_green.server.wire import BudgetAnswer
from jupyter_green.settings import Resolved

# More of them on one notebook than anybody reads.
MOST_BUDGETS = 50
MOST_FOLDERS = 8
ORDER = ("notebook", "project", "label")

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody looks from.

    Attributes:
        root: The folder that the server shows.
        path: The notebook in front, from the root; empty: none is open.
        project: Its project's folder.
        ledger: The ledger in force there.
    """

    root: ServerRoot
    path: str
    project: Path
    ledger: Path

    @property
    def whole(self) -> Path:
        """The notebook, or the root where none is open."""
        return self.root.os_path(self.path) if self.path else self.root.folder


class StatedBudgets:
    """Notes the budgets that project files state, to tell when they change.

    Args:
        settings: Resolves the settings of a folder.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        settings: Callable[[Path], Awaitable[Resolved]],
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._clock = clock
        # By the folder that somebody has asked for, the newest last.
        self._known: dict[Path, object] = {}
        self._looked_s = -math.inf

    def note(self, folder: Path, resolved: Resolved) -> None:
        """Note what somebody was told of a folder; look at it from now on."""
        self._known.pop(folder, None)
        self._known[folder] = resolved.tables.get("budget")
        if len(self._known) > MOST_FOLDERS:
            del self._known[next(iter(self._known))]

    async def have_changed(self) -> bool:
        """Say whether any has changed; looks no more often than settings are read."""
        if self._clock() - self._looked_s < FRESH_S:
            return False
        self._looked_s = self._clock()
        is_changed = False
        for folder, known in list(self._known.items()):
            # A broken file: whoever asks for figures is told.
            with contextlib.suppress(JupyterGreenError):
                table = (await self._settings(folder)).tables.get("budget")
                if table != known:
                    self._known[folder] = table
                    is_changed = True
        return is_changed


def stamp(ledger: Path) -> Stamp | None:
    """Return what changes when a ledger's budgets do; None: there are none."""
    try:
        info = (ledger / FILE_NAME).stat()
    except OSError:
        return None
    return info.st_mtime_ns, info.st_size, info.st_ino


def bearing(place: Place, resolved: Resolved, renames: Renames) -> list[Budget]:
    """Return the budgets on a notebook and its projects, and all on labels.

    Looks at the disk.

    Raises:
        BudgetError: They cannot be read.
    """
    spellings = place.root.spellings(place.whole)
    kept = [
        budget
        for budget in budgets_in_force(place.ledger, resolved)
        if budget.scope == "label"
        or (budget.scope == "project" and _is_in(spellings, budget.name))
        or (budget.scope == "notebook" and _names(budget, place, renames, spellings))
    ]
    return sorted(kept, key=lambda b: (ORDER.index(b.scope), b.name))


def of_others(
    budgets: Iterable[Budget], place: Place, used_in: Mapping[str, Collection[str]]
) -> set[str]:
    """Return the labels of *budgets* that only notebooks of other projects have.

    Args:
        budgets: Those in question.
        place: Where somebody looks from.
        used_in: Notebooks whose runs have each label.  A label that no notebook has
            yet is whoever's sets it next.
    """
    is_ours = of_project(place.root, place.project).has
    found = set()
    for budget in budgets:
        notebooks = {n for n in used_in.get(budget.name, ()) if n}
        is_used_here = any(is_ours(Group(n, ""), 0.0) for n in notebooks)
        if budget.scope == "label" and notebooks and not is_used_here:
            found.add(budget.name)
    return found


def scope_of(budget: Budget, place: Place, now: datetime) -> Scope:
    """Return what to add up for a budget.

    Raises:
        LedgerError: Its *since* is no time.
    """
    since = parse_since(budget.since, now) if budget.since else None
    if since is not None and parse_time(budget.since) is None:
        # A span before now moves on by the minute: the sum is not made anew each time.
        since = since.replace(second=0, microsecond=0)
    key = ("budget", budget.scope, budget.name, since.isoformat() if since else "")
    return Scope(key, lambda _group, _first_s: True, since, _counts(budget, place))


def budget_answer(budget: Budget, row: Row, root: ServerRoot) -> BudgetAnswer:
    """Return how far a budget is used, by the sum of what counts."""
    is_energy = budget.energy_j is not None
    used = row.energy_j if is_energy else row.co2e_g
    if used is None and row.runs <= row.running_runs:
        used = 0.0  # nothing has ended: nothing is missing
    fraction = state = None
    if used is not None and 0.0 < budget.limit < math.inf:
        found = progress(budget, used)
        fraction, state = found.fraction, found.state
    return BudgetAnswer(
        scope=budget.scope,
        name=budget.name,
        path=None if budget.scope == "label" else root.api_path(Path(budget.name)),
        limit=budget.limit,
        used=used,
        unit="J" if is_energy else "gCO2e",
        fraction=fraction,
        state=state,
        stop=budget.stop,
        since=budget.since,
        duration_s=row.duration_s,
        runs=row.runs,
        running_runs=row.running_runs,
        unmeasured_runs=row.unmeasured_runs,
        runs_without_co2e=row.without_intensity_runs,
    )


def _counts(budget: Budget, place: Place) -> Callable[[AnyRecord], bool]:
    @functools.cache  # a ledger has many runs of few notebooks, and disks are asked
    def is_of(label: str, notebook: str) -> bool:
        return budget.is_of(label, notebook, place.ledger)

    return lambda record: is_of(record.label, record.notebook)


def _names(
    budget: Budget, place: Place, renames: Renames, spellings: Collection[str]
) -> bool:
    """Say whether a budget is that of the notebook, under a name that it had too."""
    if not place.path:
        return False
    whole = str(place.root.folder / budget.name)
    now = renames.current(whole, math.inf)
    return now in spellings or os.path.realpath(now) in spellings


def _is_in(spellings: Iterable[str], folder: str) -> bool:
    """Say whether a file stands in a folder or below, by one of its names."""
    paths = (Path(os.path.abspath(s)) for s in spellings if os.path.isabs(s))  # noqa: PTH100, PTH117
    return any(path.is_relative_to(folder) for path in paths)
