"""``jupyter green report``, ``verify`` and ``diff``: the transparency appendix."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from jupyter_green import api
from jupyter_green.config import settings_in_force
from jupyter_green.errors import LedgerError
from jupyter_green.report.arguments import (
    add_report_options,
    add_scope_options,
    request_from,
)
from jupyter_green.report.compose.units import count
from jupyter_green.report.files import edited
from jupyter_green.report.tables import plain_text

Subparsers = Any  # argparse's own class for them is private
SHOWN = 20
EPILOG = """\
examples:
  jupyter green report
  jupyter green report --format latex json -o paper/energy --pdf
  jupyter green report --project . --since 2026-01-01 --format all --camera-ready
  jupyter green report --notebook train.ipynb eval.ipynb --format markdown

Names of hosts, users, paths, clusters and authors are removed unless --camera-ready
is given. Facts that only authors know come from [report] in jupyter_green.toml;
`jupyter green init` writes one.
"""


def add_parsers(verbs: Subparsers) -> None:
    """Register the three verbs."""
    report = verbs.add_parser(
        "report",
        help="write the transparency appendix for a paper",
        description="Write the transparency appendix: what the work took in "
        "computing, energy and CO2e, with method, uncertainty and limitations.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_report_options(report)
    report.set_defaults(run=run_report)

    check = verbs.add_parser(
        "verify",
        help="compute a report anew from the ledger and compare",
        description="Compute every figure of an energy-report.json anew from the "
        "ledger, check its hashes and whether it can be true. Exits with 1 at a "
        "difference. The files of ledgers or notebooks that are named have to be those "
        "that were read for the report. Hashes prove integrity, not honesty.",
    )
    check.add_argument("report", metavar="REPORT.json", type=Path)
    check.add_argument("--all", action="store_true", help="show all differences")
    add_scope_options(
        check.add_argument_group("for an anonymous report, what it is about")
    )
    check.set_defaults(run=run_verify)

    compare = verbs.add_parser(
        "diff",
        help="what changed between two reports",
        description="What changed between two energy-report.json, such as submission "
        "and camera-ready.",
    )
    compare.add_argument("old", metavar="OLD.json", type=Path)
    compare.add_argument("new", metavar="NEW.json", type=Path)
    compare.add_argument("--json", action="store_true", help="print JSON")
    compare.set_defaults(run=run_diff)


def run_report(options: argparse.Namespace) -> int:
    """Write a report; 1 if some of the ledger could not be read.

    Raises:
        JupyterGreenError: It cannot be made; nothing is written then.
    """
    request = request_from(options)
    written = api.report_of(request)
    for warning in written.warnings:
        sys.stderr.write(f"warning: {plain_text(warning)}\n")
    sys.stdout.write(f"{written}\n")
    return 1 if written.problems else 0


def run_verify(options: argparse.Namespace) -> int:
    """Verify a report; 1 if anything is different.

    Raises:
        JupyterGreenError: There is no such report or ledger.
    """
    from jupyter_green.report.appendix.verify import verify  # noqa: PLC0415 - large
    from jupyter_green.report.gathering import (  # noqa: PLC0415
        gather,
        machine_secrets,
    )

    report = _read(options.report)
    request = request_from(options)
    gathered = gather(request, settings_in_force())
    for warning in gathered.warnings:
        sys.stderr.write(f"warning: {plain_text(warning)}\n")
    for name in edited(options.report.parent):
        sys.stderr.write(
            f"warning: {plain_text(name)} was edited since the report was written\n"
        )
    # Work that goes on adds lines to the ledger in force; files that somebody names are
    # to be those of the report.
    is_named = bool(request.ledgers or request.notebooks)
    found = verify(
        report,
        gathered.collected.records,
        source=gathered.collected.source if is_named else None,
        scope=gathered.scope,
        secrets=machine_secrets(),
    )
    if not found:
        runs = report.appendix.totals.amount.runs
        sys.stdout.write(
            f"{options.report}: all figures follow from the ledger "
            f"({count(runs, 'run')}), {_hashes(is_named=is_named)}. "
            "That proves integrity, not honesty.\n"
        )
        return 0
    shown = found if options.all else found[:1]
    for difference in shown:
        sys.stdout.write(f"{plain_text(str(difference))}\n")
    more = len(found) - len(shown)
    if more:
        sys.stdout.write(f"{more} more differences; --all shows them\n")
    return 1


def _hashes(*, is_named: bool) -> str:
    if is_named:
        return "and the hashes of the report, its records and its files are right"
    return "and the hashes of the report and its records are right"


def run_diff(options: argparse.Namespace) -> int:
    """Show what changed between two reports.

    Raises:
        JupyterGreenError: One of them cannot be read.
    """
    import msgspec  # noqa: PLC0415

    from jupyter_green.report.appendix.diff import diff  # noqa: PLC0415 - large

    changes = diff(_read(options.old).appendix, _read(options.new).appendix)
    if options.json:
        sys.stdout.write(json.dumps(msgspec.to_builtins(changes), indent=1) + "\n")
        return 0
    for change in changes:
        relative = f" ({change.relative:+.1%})" if change.relative is not None else ""
        old, new = (_shown(value) for value in (change.old, change.new))
        line = f"{change.place}: {old} -> {new}{relative}"
        sys.stdout.write(f"{plain_text(line)}\n")
    if not changes:
        sys.stdout.write("Nothing of the work has changed.\n")
    return 0


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _read(path: Path) -> Any:
    from jupyter_green.report.appendix.canonical import (  # noqa: PLC0415 - large
        read_report,
    )

    try:
        return read_report(path.read_bytes())
    except OSError as err:
        raise LedgerError(f"cannot read {path}", why=err.strerror or str(err)) from err
