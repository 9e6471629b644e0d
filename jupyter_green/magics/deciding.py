"""The verbs of ``%green`` that help to decide: compare, budget, where and when.

Loaded when the first of them is used.  Imports what the other verbs do.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from jupyter_green import carbon
from jupyter_green.carbon.elsewhere import ask_forecast, greenest, places
from jupyter_green.errors import BudgetError
from jupyter_green.ledger import parse_since, read_ledger
from jupyter_green.options import check_budget_options, stated_energy
from jupyter_green.report.budgets import (
    Scope,
    budgets_table,
    drop_budget,
    set_budget,
    without_notebook,
)
from jupyter_green.report.compare import compare, groups_of, select
from jupyter_green.report.elsewhere import (
    comparable,
    energy_of,
    when_table,
    where_table,
)
from jupyter_green.report.tables import Table, render_html, render_text
from jupyter_green.session import Session, working_folder

FLUSH_TIMEOUT_S = 5.0


class Deciding:
    """The verbs that help to decide, for one shell.

    Args:
        shell: Where their answers are shown.
        session: What they are about.
    """

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        self._shell = shell
        self._session = session

    @property
    def verbs(self) -> Mapping[str, Callable[[argparse.Namespace], None]]:
        """What there is, by name."""
        return {
            "compare": self._compare,
            "budget": self._budget,
            "where": self._where,
            "when": self._when,
        }

    def _compare(self, options: argparse.Namespace) -> None:
        session = self._session
        session.settle()
        session.ledger.flush(FLUSH_TIMEOUT_S)
        since = parse_since(options.since) if options.since else None
        records = [
            record
            for record in read_ledger([session.folder], since=since).records
            if not options.session or record.session == session.id
        ]
        found = compare(
            groups_of(options.what, lambda name: select(records, name)),
            detect=options.detect,
            embodied_g=options.embodied_g,
            lower_is_better=options.lower_is_better,
            higher_is_better=options.higher_is_better,
        )
        self._publish({"text/plain": str(found), "text/html": found._repr_html_()})
        if options.plot is not None:
            from jupyter_green.report.compare_figure import (  # noqa: PLC0415 - slow
                png,
            )

            text = (
                f"quality against energy: {', '.join(options.what)} (a picture; "
                "`jupyter green compare ... --plot FILE` writes it)"
            )
            image = png(found, options.plot or None)
            self._publish({"text/plain": text, "image/png": image})

    def _budget(self, options: argparse.Namespace) -> None:
        check_budget_options(options)
        session = self._session
        if options.amount or options.clear:
            work = self._work(options)
            if options.clear:
                if not drop_budget(session.folder, *work):
                    raise BudgetError(f"there is no budget for {' '.join(work)}")
            else:
                set_budget(
                    session.folder,
                    amount=" ".join(options.amount),
                    work=work,
                    stop=options.stop,
                    since=options.since,
                )
        session.settle()
        found = session.budgets.refresh()
        gone = without_notebook(found, here=session.notebook)
        self._show(budgets_table(found, gone))

    def _work(self, options: argparse.Namespace) -> tuple[Scope, str]:
        """Return what a budget is for."""
        if options.label:
            return "label", options.label
        if options.project:
            found = self._session.resolved.project_file
            return "project", str(found.resolve().parent if found else working_folder())
        notebook = self._session.notebook
        if not notebook:
            raise BudgetError(
                "it is not known which notebook this is",
                why="the front end does not say it",
                remedy="Give --label or --project, or set JUPYTER_GREEN_NOTEBOOK",
            )
        return "notebook", notebook

    def _where(self, options: argparse.Namespace) -> None:
        session = self._session
        session.settle()
        session.ledger.flush(FLUSH_TIMEOUT_S)
        energy_j = energy_of([session.folder], options.label, stated_energy(options))
        # The yearly value: one hour's would be compared with years.
        here = carbon.find(session.settings)
        found = places(*(options.groups or ()))
        if not options.every_kind:
            found = comparable(found, here)
        pue = carbon.stated_pue(session.settings)
        self._show(where_table(found, here, energy_j, pue, everything=options.all))

    def _when(self, options: argparse.Namespace) -> None:
        now = datetime.now(UTC)
        ahead = ask_forecast(self._session.settings)
        starts = greenest(ahead.hours, options.hours, now)
        self._show(when_table(ahead, starts, now, options.hours))

    def _show(self, table: Table) -> None:
        self._publish(
            {"text/plain": render_text(table), "text/html": render_html(table)}
        )

    def _publish(self, data: dict[str, Any]) -> None:
        self._shell.display_pub.publish(data)
