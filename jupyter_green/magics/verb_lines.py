"""Read and complete the line behind ``%green``.

Loaded at the first one: the options come with what they are about, and ``%load_ext``
stays quick.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from IPython.core.error import UsageError

from jupyter_green.ledger import GROUPINGS
from jupyter_green.options import (
    add_budget_options,
    add_compare_options,
    add_when_options,
    add_where_options,
    completions,
)
from jupyter_green.report.arguments import COMPLETIONS, add_report_options
from jupyter_green.report.request import ALL, FORMATS

BASELINE_S = 30.0
VERBS = {
    "on": "meter every cell, silently",
    "off": "meter only cells with %%energy",
    "totals": "energy and CO2e so far, from the ledger",
    "records": "every metered piece of work, one line each",
    "status": "what is metered now and where it is written",
    "doctor": "what can be measured here, what not, the remedy",
    "settings": "each setting with where it came from",
    "baseline": "measure idle power, so that records give net energy too",
    "location": "show or set the place whose electricity counts",
    "monitor": "watch watts, cells and sums live",
    "compare": "which costs less, and whether that can be told",
    "budget": "how much may be used, and how much is",
    "where": "the same work's CO2e in other places",
    "when": "the greenest hours ahead; needs an Electricity Maps token",
    "report": "the transparency appendix of this notebook, for a paper",
}


class HelpShown(Exception):  # noqa: N818 - nothing went wrong
    """The help that was asked for stands in the output; there is nothing to do."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        verb = self.prog.removeprefix("%green").strip()
        where = f"`%green {verb} -h` has its options" if verb else "See %green?"
        raise UsageError(f"{self.prog}: {message}. {where}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        # argparse would end the kernel after the help.
        del status, message
        raise HelpShown


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Read a verb and its options.

    Raises:
        HelpShown: They were asked for; the help has been printed.
        UsageError: There is no such verb or option.
    """
    return _build_parser().parse_args(words)


def complete(words: Sequence[str]) -> list[str]:
    """Return what may follow these words."""
    if not words:
        return list(VERBS)
    if words[-1] == "--by":
        return list(GROUPINGS)
    if words[-1] == "--format":
        return [*FORMATS, ALL]
    return {
        "totals": ["--by", "--since", "--session"],
        "records": ["--since", "--session"],
        "location": ["--cloud", "--intensity"],
        "monitor": ["off"],
        "report": list(COMPLETIONS),
    }.get(words[0], [*completions(words[0])])


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="%green")
    commands = parser.add_subparsers(
        dest="verb", required=True, metavar="VERB", parser_class=_Parser
    )
    added = {
        name: commands.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}."
        )
        for name, text in VERBS.items()
    }
    added["totals"].add_argument(
        "--by", choices=GROUPINGS, help="a line for each; else one for all"
    )
    for name in ("totals", "records"):
        added[name].add_argument(
            "--since", metavar="WHEN", help="a date or time, or a span: 24h, 7d, 2w"
        )
        _add_session(added[name])
    added["baseline"].add_argument(
        "seconds",
        nargs="?",
        type=_seconds,
        default=BASELINE_S,
        help=f"how long to measure ({BASELINE_S:g}); keep the machine idle meanwhile",
    )
    location = added["location"].add_argument
    location("country", nargs="?", help="ISO code of three letters: FRA")
    location("region", nargs="?", help="of the country: california")
    location("--cloud", metavar="PROVIDER:REGION", help="gcp:europe-west1")
    location("--intensity", type=float, metavar="G_PER_KWH", help="a value of your own")
    added["monitor"].add_argument("off", nargs="?", choices=("off",), help="stop that")
    add_compare_options(added["compare"])
    add_budget_options(added["budget"])
    add_where_options(added["where"])
    add_when_options(added["when"])
    add_report_options(added["report"])
    _add_session(added["compare"])
    added["compare"].add_argument(
        "--plot",
        nargs="?",
        const="",
        metavar="METRIC",
        help="draw it against energy with the Pareto front; else the first there is",
    )
    return parser


def _add_session(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--session", action="store_true", help="only what this kernel has metered"
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1.0 <= seconds <= 3600.0:  # noqa: PLR2004 - a second to an hour
        raise argparse.ArgumentTypeError(f"{text!r}: give 1 to 3600 seconds")
    return seconds
