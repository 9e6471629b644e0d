"""The options of verbs that the notebook and the shell share, said once.

``%green compare`` and ``jupyter green compare`` take the same ones.  Imports
`carbon`, `errors`, `report.budgets` and `report.contrast`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jupyter_green.carbon.elsewhere import GROUPS
from jupyter_green.errors import BudgetError
from jupyter_green.report.budgets import parse_amount
from jupyter_green.report.contrast import DETECT


def add_compare_options(parser: argparse.ArgumentParser) -> None:
    """Add what `compare` takes."""
    add = parser.add_argument
    add(
        "what",
        nargs="+",
        metavar="LABEL",
        help="labels or ids of records; the first is the reference",
    )
    add("--since", metavar="WHEN", help="a date or time, or a span: 24h, 7d, 2w")
    add(
        "--detect",
        type=fraction,
        default=DETECT,
        metavar="FRACTION",
        help="the difference that repeats are asked for (10%%)",
    )
    add(
        "--embodied-g",
        type=float,
        metavar="G",
        help="CO2e of the hardware's making that falls to one run, for the SCI",
    )
    add(
        "--lower-is-better",
        action="append",
        default=[],
        metavar="METRIC",
        help="a metric of which less is better",
    )
    add(
        "--higher-is-better",
        action="append",
        default=[],
        metavar="METRIC",
        help="a metric of which more is better, in spite of its name",
    )


def add_budget_options(
    parser: argparse.ArgumentParser, *, notebook: bool = False
) -> None:
    """Add what `budget` takes; with *notebook* also the notebook that it is for."""
    add = parser.add_argument
    add(
        "amount",
        nargs="*",
        metavar="AMOUNT",
        help="50 Wh, 2 kWh, 100 g: energy or CO2e; nothing: show the budgets",
    )
    work = parser.add_mutually_exclusive_group()
    work.add_argument("--label", metavar="LABEL", help="for the work with this label")
    work.add_argument(
        "--project", action="store_true", help="for everything in this folder"
    )
    if notebook:
        work.add_argument("--notebook", metavar="FILE", help="for this notebook's work")
    add(
        "--stop",
        action="store_true",
        help="interrupt the running cell when it is spent; else a warning",
    )
    add("--since", metavar="WHEN", help="count from then on: a date, a time, 24h, 7d")
    add("--clear", action="store_true", help="take the budget away")


def check_budget_options(options: argparse.Namespace) -> None:
    """Refuse what `budget` would otherwise leave unsaid.

    Raises:
        BudgetError: A label is empty, the amount is none, or options are without sense.
    """
    if options.label is not None and not options.label.strip():
        raise BudgetError(
            "a budget for an empty label would be for nothing",
            remedy="Give the label of some work, or leave --label out",
        )
    if options.amount:
        parse_amount(" ".join(options.amount))
    if options.amount and options.clear:
        raise BudgetError(
            "a budget is set or taken away, and both are asked for",
            remedy="Leave the amount or --clear out",
        )
    if not options.amount and (options.stop or options.since):
        raise BudgetError(
            "--stop and --since belong to an amount, and there is none",
            remedy="Give the budget anew: 50 Wh --stop",
        )


def add_where_options(parser: argparse.ArgumentParser) -> None:
    """Add what `where` takes."""
    add = parser.add_argument
    add("--label", metavar="LABEL", help="the work with this label; else all of it")
    add("--energy", nargs="+", metavar="AMOUNT", help="so much energy, such as 2 kWh")
    add(
        "--in",
        dest="groups",
        action="append",
        choices=GROUPS,
        help="countries, regions of countries, or cloud regions; else all of them",
    )
    add(
        "--every-kind",
        action="store_true",
        help="intensities that count something else too, such as direct emissions",
    )
    add("--all", action="store_true", help="every place, not only both ends")


def stated_energy(options: argparse.Namespace) -> str | None:
    """Return the amount behind `where`'s ``--energy``, quoted or not; None: none."""
    return None if options.energy is None else " ".join(options.energy)


def add_when_options(parser: argparse.ArgumentParser) -> None:
    """Add what `when` takes."""
    parser.add_argument(
        "--hours",
        type=hours,
        default=1.0,
        metavar="H",
        help="how long the work takes (1)",
    )


def hours(text: str) -> float:
    """Read a number of hours.

    Raises:
        argparse.ArgumentTypeError: It is none from 0.1 to 72.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 72.0:  # noqa: PLR2004 - no forecast goes farther
        raise argparse.ArgumentTypeError(f"{text!r}: give 0.1 to 72 hours")
    return value


def fraction(text: str) -> float:
    """Read ``10%`` or ``0.1``.

    Raises:
        argparse.ArgumentTypeError: It is no fraction above 0.
    """
    number, percent, rest = text.strip().partition("%")
    try:
        value = float(number) / (100.0 if percent else 1.0)
    except ValueError:
        value = 0.0
    if rest or not 0.0 < value <= 10.0:  # noqa: PLR2004 - up to ten times as much
        raise argparse.ArgumentTypeError(f"{text!r}: give 10% or 0.1")
    return value


def completions(verb: str) -> Sequence[str]:
    """Return the options of a shared verb, for the Tab key."""
    return {
        "compare": (
            "--since",
            "--session",
            "--plot",
            "--detect",
            "--embodied-g",
            "--lower-is-better",
            "--higher-is-better",
        ),
        "budget": ("--label", "--project", "--stop", "--since", "--clear"),
        "where": ("--label", "--energy", "--in", "--every-kind", "--all"),
        "when": ("--hours",),
    }.get(verb, ())
