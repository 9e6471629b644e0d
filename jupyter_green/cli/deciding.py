"""The verbs that help to decide: `compare`, `budget`, `where` and `when`."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_green import carbon
from jupyter_green.carbon.elsewhere import ask_forecast, greenest, places
from jupyter_green.config import settings_in_force
from jupyter_green.errors import BudgetError, CompareError
from jupyter_green.ledger import ledger_folder, parse_since, read_ledger
from jupyter_green.options import (
    add_budget_options,
    add_compare_options,
    add_when_options,
    add_where_options,
    check_budget_options,
    stated_energy,
)
from jupyter_green.report.budgets import (
    Scope,
    budgets_in_force,
    budgets_json,
    budgets_table,
    drop_budget,
    progress_of,
    set_budget,
    without_notebook,
)
from jupyter_green.report.compare import compare, groups_of, select
from jupyter_green.report.elsewhere import (
    comparable,
    energy_of,
    when_json,
    when_table,
    where_json,
    where_table,
)
from jupyter_green.report.tables import render_text
from jupyter_green.settings import Resolved

Subparsers = Any  # argparse's own class for them is private
FORMS = ("text", "json", "markdown", "html")


def add_parsers(subparsers: Subparsers) -> None:
    """Register the verbs that help to decide."""
    parser = subparsers.add_parser(
        "compare", help="what costs less, and whether that can be told"
    )
    add_compare_options(parser)
    _add_ledger(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--form", choices=FORMS, default="text")
    form.add_argument(
        "--json", dest="form", action="store_const", const="json", help="--form json"
    )
    parser.add_argument(
        "--plot",
        metavar="FILE",
        help="draw quality against energy, as PNG, SVG or PDF by the file's name",
    )
    parser.add_argument("--quality", metavar="METRIC", help="what the plot shows")
    parser.set_defaults(run=run_compare)
    parser = subparsers.add_parser(
        "budget", help="how much a notebook, label or project may use"
    )
    add_budget_options(parser, notebook=True)
    parser.add_argument("--ledger", metavar="DIR", help="folder of the ledger")
    parser.add_argument("--json", action="store_true", help="print JSON, unrounded")
    parser.set_defaults(run=run_budget)
    parser = subparsers.add_parser("where", help="the same work's CO2e elsewhere")
    add_where_options(parser)
    _add_ledger(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, unrounded")
    parser.set_defaults(run=run_where)
    parser = subparsers.add_parser(
        "when", help="the greenest hours ahead (needs an Electricity Maps token)"
    )
    add_when_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, unrounded")
    parser.set_defaults(run=run_when)


def _add_ledger(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ledger",
        action="append",
        metavar="DIR",
        help="folder of a ledger; may be given several times",
    )


def run_compare(options: argparse.Namespace) -> int:
    """Print a comparison; 1 if some of the ledger could not be read.

    Raises:
        CompareError: Something is not there or has nothing measured.
    """
    if options.quality and not options.plot:
        raise CompareError(
            "--quality belongs to a plot, and there is none",
            remedy="Give --plot FILE too",
        )
    since = parse_since(options.since) if options.since else None
    ledger = read_ledger(_folders(options), since=since)
    found = compare(
        groups_of(options.what, lambda name: select(ledger.records, name)),
        detect=options.detect,
        embodied_g=options.embodied_g,
        lower_is_better=options.lower_is_better,
        higher_is_better=options.higher_is_better,
    )
    forms = {
        "text": found.__str__,
        "json": found.to_json,
        "markdown": found.to_markdown,
        "html": found._repr_html_,
    }
    sys.stdout.write(forms[options.form]() + "\n")
    if options.plot:
        from jupyter_green.report.compare_figure import (  # noqa: PLC0415 - slow
            figure,
        )

        drawn = figure(found, options.quality)
        try:
            drawn.savefig(options.plot)
        except (OSError, ValueError) as err:
            raise CompareError(
                f"the plot cannot be written to {options.plot}", why=str(err)
            ) from err
    return 1 if ledger.problem_count else 0


def run_budget(options: argparse.Namespace) -> int:
    """Set, take away or show budgets.

    Raises:
        BudgetError: It is not said what for, or the amount is none.
    """
    check_budget_options(options)
    resolved = settings_in_force()
    folder = ledger_folder(options.ledger or resolved.values.ledger)
    if options.amount or options.clear:
        work = _work(options, resolved)
        if options.clear:
            if not drop_budget(folder, *work):
                raise BudgetError(f"there is no budget for {' '.join(work)}")
        else:
            set_budget(
                folder,
                amount=" ".join(options.amount),
                work=work,
                stop=options.stop,
                since=options.since,
            )
    found = progress_of(folder, budgets_in_force(folder, resolved))
    if options.json:
        sys.stdout.write(json.dumps(budgets_json(found), indent=2) + "\n")
    else:
        sys.stdout.write(
            render_text(budgets_table(found, without_notebook(found))) + "\n"
        )
    return 0


def run_where(options: argparse.Namespace) -> int:
    """Print the grams of some work in other places.

    Raises:
        CompareError: Nothing is measured.
        LocationError: The place in force is not in the data.
    """
    settings = settings_in_force().values
    energy_j = energy_of(_folders(options), options.label, stated_energy(options))
    here, pue = carbon.find(settings), carbon.stated_pue(settings)
    found = places(*(options.groups or ()))
    if not options.every_kind:
        found = comparable(found, here)
    if options.json:
        built = where_json(found, here, energy_j, pue)
        sys.stdout.write(json.dumps(built, indent=2) + "\n")
    else:
        table = where_table(found, here, energy_j, pue, everything=options.all)
        sys.stdout.write(render_text(table) + "\n")
    return 0


def run_when(options: argparse.Namespace) -> int:
    """Print the greenest hours ahead.

    Raises:
        LocationError: There is no token, no location or no forecast.
    """
    now = datetime.now(UTC)
    ahead = ask_forecast(settings_in_force().values)
    starts = greenest(ahead.hours, options.hours, now)
    if options.json:
        built = when_json(ahead, starts, now, options.hours)
        sys.stdout.write(json.dumps(built, indent=2) + "\n")
    else:
        table = when_table(ahead, starts, now, options.hours)
        sys.stdout.write(render_text(table) + "\n")
    return 0


def _work(options: argparse.Namespace, resolved: Resolved) -> tuple[Scope, str]:
    if options.label:
        return "label", options.label
    if options.notebook:
        return "notebook", str(Path(options.notebook).absolute())
    if options.project:
        file = resolved.project_file
        return "project", str(file.resolve().parent if file else Path.cwd())
    raise BudgetError(
        "it is not said what the budget is for",
        remedy="Give --notebook FILE, --label LABEL or --project",
    )


def _folders(options: argparse.Namespace) -> list[Path]:
    if options.ledger:
        return [Path(folder).expanduser() for folder in options.ledger]
    return [ledger_folder(settings_in_force().values.ledger)]
