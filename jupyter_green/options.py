"""The options of verbs that the notebook and the shell share, said once.

``%green compare`` and ``jupyter green compare`` take the same ones.  Imports
`carbon` and `report.contrast`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jupyter_green.carbon.elsewhere import GROUPS
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


def add_budget_options(parser: argparse.ArgumentParser) -> None:
    """Add what `budget` takes, but for the notebook that it is for."""
    add = parser.add_argument
    add(
        "amount",
        nargs="*",
        metavar="AMOUNT",
        help="50 Wh, 2 kWh, 100 g: energy or CO2e; nothing: show the budgets",
    )
    add("--label", metavar="LABEL", help="for the work with this label")
    add("--project", action="store_true", help="for everything in this folder")
    add(
        "--stop",
        action="store_true",
        help="interrupt the running cell when it is spent; else a warning",
    )
    add("--since", metavar="WHEN", help="count from then on: a date, a time, 24h, 7d")
    add("--clear", action="store_true", help="take the budget away")


def add_where_options(parser: argparse.ArgumentParser) -> None:
    """Add what `where` takes."""
    add = parser.add_argument
    add("--label", metavar="LABEL", help="the work with this label; else all of it")
    add("--energy", metavar="AMOUNT", help="so much energy, such as '2 kWh'")
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
