"""How far the budgets that bear on a notebook are used, asked of its ledger.

Which budgets bear and what counts for each is said in `budgets`; here they are looked
up and their sums are asked for.  Imports `report.budgets`, `budgets`, `folders`,
`ledgers`, `places`, `threads`, `views` and `wire`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from jupyter_green.errors import BudgetError, LedgerError
from jupyter_green.report.budgets import Budget
from jupyter_green.server import places
from jupyter_green.server.budgets import (
    MOST_BUDGETS,
    Place,
    StatedBudgets,
    bearing,
    budget_answer,
    of_others,
    scope_of,
)
from jupyter_green.server.folders import Folders
from jupyter_green.server.ledgers import LedgerView
from jupyter_green.server.threads import Threads
from jupyter_green.server.views import LedgerViews
from jupyter_green.server.wire import BudgetsAnswer, PathQuery


class BudgetUse:
    """What is used of budgets.

    Args:
        folders: What holds in the server's folders.
        views: The ledgers.
        stated: Is told which project files' budgets somebody has seen.
        threads: Where the disk is looked at.
    """

    def __init__(
        self,
        folders: Folders,
        views: LedgerViews,
        stated: StatedBudgets,
        threads: Threads,
    ) -> None:
        self._folders = folders
        self._views = views
        self._stated = stated
        self._threads = threads

    async def budgets(self, query: PathQuery) -> BudgetsAnswer:
        """Return the budgets that bear on a notebook, and how far they are used."""
        root, renames = self._folders.root, self._folders.renames
        folder = places.folder_of(root, query.path)
        resolved = await self._folders.settings_of(folder)
        self._stated.note(folder, resolved)
        place = Place(
            root=root,
            path=query.path,
            project=places.project_folder(resolved, folder),
            ledger=places.ledger_of(resolved),
        )
        view = self._views.of(place.ledger)
        try:
            found = await self._threads.call(bearing, place, resolved, renames)
        except BudgetError as err:
            return BudgetsAnswer(state="ready", problems=(str(err),))
        labels = frozenset(b.name for b in found if b.scope == "label")
        if labels:
            used_in = await view.notebooks_of(labels)
            if used_in.value is None:
                return BudgetsAnswer(state="reading")
            others = of_others(found, place, used_in.value)
            found = [b for b in found if b.scope != "label" or b.name not in others]
        return await _progress(view, place, found)


async def _progress(
    view: LedgerView, place: Place, found: Sequence[Budget]
) -> BudgetsAnswer:
    now = datetime.now(UTC)
    scoped, problems = [], []
    for budget in found[:MOST_BUDGETS]:
        try:
            scoped.append((budget, scope_of(budget, place, now)))
        except LedgerError as err:
            problems.append(f"The budget for {budget.about}: {err}")
    await view.fresh()
    sums = await asyncio.gather(*(view.totals(scope) for _, scope in scoped))
    return BudgetsAnswer(
        state="ready" if all(s.is_current for s in sums) else "reading",
        budgets=tuple(
            budget_answer(budget, s.value.totals.total, place.root)
            for (budget, _), s in zip(scoped, sums, strict=True)
            if s.value is not None
        ),
        problems=tuple(problems),
        left_out=max(0, len(found) - MOST_BUDGETS),
    )
