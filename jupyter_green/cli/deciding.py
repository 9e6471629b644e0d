"""The verbs that help to decide: `compare`, `budget`, `where` and `when`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from jupyter_green.config import settings_in_force
from jupyter_green.errors import CompareError
from jupyter_green.ledger import ledger_folder, parse_since, read_ledger
from jupyter_green.options import add_compare_options
from jupyter_green.report.compare import compare, groups_of, select

Subparsers = Any  # argparse's own class for them is private
FORMS = ("text", "json", "markdown", "html")


def add_parsers(subparsers: Subparsers) -> None:
    """Register the verbs that help to decide."""
    parser = subparsers.add_parser(
        "compare", help="what costs less, and whether that can be told"
    )
    add_compare_options(parser)
    _add_ledger(parser)
    parser.add_argument("--form", choices=FORMS, default="text")
    parser.add_argument(
        "--plot",
        metavar="FILE",
        help="draw quality against energy, as PNG, SVG or PDF by the file's name",
    )
    parser.add_argument("--quality", metavar="METRIC", help="what the plot shows")
    parser.set_defaults(run=run_compare)


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


def _folders(options: argparse.Namespace) -> list[Path]:
    if options.ledger:
        return [Path(folder).expanduser() for folder in options.ledger]
    return [ledger_folder(settings_in_force().values.ledger)]
