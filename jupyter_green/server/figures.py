"""Totals and records of a scope, from the ledger in force for a notebook.

Imports `ledgers`, `places`, `scopes`, `folders`, `threads`, `views` and `wire`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from jupyter_green.server import places, scopes
from jupyter_green.server.folders import Folders
from jupyter_green.server.ledgers import LedgerView, ScopeTotals, Snapshot
from jupyter_green.server.scopes import Scope
from jupyter_green.server.threads import Threads
from jupyter_green.server.views import LedgerViews
from jupyter_green.server.wire import RecordsQuery, State, TotalsAnswer, TotalsQuery


class LedgerFigures:
    """What the ledgers say of a scope.

    Args:
        folders: What holds in the server's folders.
        views: The ledgers.
        threads: Where the disk is looked at.
    """

    def __init__(self, folders: Folders, views: LedgerViews, threads: Threads) -> None:
        self._folders = folders
        self._views = views
        self._threads = threads

    async def totals(self, query: TotalsQuery) -> TotalsAnswer:
        """Return the totals of a scope."""
        view, scope = await self._scope(query.scope, query.path, query.utc_offset_min)
        answer = await view.totals(scope)
        state: State = "ready" if answer.is_current else "reading"
        return _totals_answer(query.scope, state, view.snapshot, answer.value)

    async def records(self, query: RecordsQuery) -> dict[str, Any]:
        """Return a page of a notebook's records, newest first."""
        view, scope = await self._scope("notebook", query.path, 0)
        answer = await view.page(scope, query.limit, query.before)
        page = answer.value
        return {
            "records": page.records if page else (),
            "more": page.has_more if page else False,
            "state": "ready" if answer.is_current else "reading",
        }

    async def _scope(
        self, kind: str, path: str, utc_offset_min: int
    ) -> tuple[LedgerView, Scope]:
        root = self._folders.root
        folder = places.folder_of(root, path)
        resolved = await self._folders.settings_of(folder)
        view = self._views.of(places.ledger_of(resolved))
        if kind == "all":
            return view, scopes.of_all()
        if kind == "today":
            return view, scopes.of_today(datetime.now(UTC), utc_offset_min)
        if kind == "project":
            project = places.project_folder(resolved, folder)
            return view, scopes.of_project(root, project)
        whole = str(root.os_path(path))
        return view, await self._threads.call(
            lambda: scopes.of_notebook(root, self._folders.renames.names(whole))
        )


def _totals_answer(
    scope: str, state: State, snapshot: Snapshot, known: ScopeTotals | None
) -> TotalsAnswer:
    """Return totals as the panel takes them; None of them: nothing is known yet."""
    if known is None:
        return TotalsAnswer(
            state=state,
            scope=scope,
            problems=snapshot.problems,
            problem_count=snapshot.problem_count,
        )
    found, ends = known.totals, known.co2e_range
    total = found.total
    return TotalsAnswer(
        state=state,
        scope=scope,
        energy_j=total.energy_j,
        uncertainty_j=total.uncertainty_j,
        co2e_g=total.co2e_g,
        co2e_low_g=ends.low_g if ends else None,
        co2e_high_g=ends.high_g if ends else None,
        duration_s=total.duration_s,
        runs=total.runs,
        failed_runs=total.failed_runs,
        running_runs=total.running_runs,
        provisional_runs=total.provisional_runs,
        unmeasured_runs=total.unmeasured_runs,
        partly_measured_runs=total.partly_measured_runs,
        runs_without_co2e=total.without_intensity_runs,
        methods=total.energy_by_method_j,
        shared_runs=found.shared_runs,
        nested_runs=found.nested_runs,
        problems=snapshot.problems,
        problem_count=snapshot.problem_count,
    )
