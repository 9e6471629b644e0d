"""The verbs that read or amend a ledger: `totals`, `records`, `tag` and `schema`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_green.config import settings_in_force
from jupyter_green.errors import LedgerError
from jupyter_green.ledger import (
    GROUPINGS,
    Ledger,
    LedgerTotals,
    LedgerWriter,
    ledger_folder,
    ledger_totals,
    new_session,
    parse_since,
    read_ledger,
)
from jupyter_green.ledger.lines import SessionLine, json_schema
from jupyter_green.ledger.reader import Progress
from jupyter_green.records import PURPOSES, Record
from jupyter_green.report.appendix.author import Scope
from jupyter_green.report.appendix.selection import select
from jupyter_green.report.budgets import budgets_in_force, progress_of
from jupyter_green.report.format import format_duration, format_energy
from jupyter_green.report.listing import records_json, records_table
from jupyter_green.report.scope import scope_of
from jupyter_green.report.tables import plain_text, render_text
from jupyter_green.report.totals import totals_json, totals_table

SHORTEST_PREFIX = 4
SHOWN_CANDIDATES = 10
TAGGED_AT_ONCE = 10_000  # ids in one line of the ledger
QUICKLY_READ = 20 * 2**20  # bytes; a smaller ledger needs no progress bar
Subparsers = Any  # argparse's own class for them is private


def add_parsers(subparsers: Subparsers) -> None:
    """Register the verbs that read or amend a ledger."""
    total = subparsers.add_parser("totals", help="energy and CO2e so far")
    total.add_argument("--by", choices=GROUPINGS, help="one row for each of these")
    _add_reading_options(total)
    total.set_defaults(run=run_totals)

    records = subparsers.add_parser("records", help="every metered piece of work")
    _add_reading_options(records)
    records.set_defaults(run=run_records)

    tag = subparsers.add_parser(
        "tag",
        help="give records a purpose or label afterwards",
        description="Give records a purpose or label afterwards. They are named by "
        "id, or by all of the conditions given.",
    )
    tag.add_argument(
        "record", metavar="RECORD", nargs="*", help="its id, or the first of it"
    )
    tag.add_argument("--purpose", choices=PURPOSES, help="the new purpose")
    tag.add_argument("--label", help="the new label")
    tag.add_argument(
        "--labelled",
        metavar="LABEL",
        action="append",
        help="records with this label; `*` stands for anything",
    )
    tag.add_argument(
        "--notebook", metavar="PATH", action="append", help="records of this notebook"
    )
    tag.add_argument("--since", metavar="WHEN", help="records that began then or later")
    tag.add_argument(
        "--until", metavar="WHEN", help="records that began earlier; a day is included"
    )
    tag.add_argument(
        "--dry-run", action="store_true", help="only show what would be tagged"
    )
    tag.add_argument("--ledger", metavar="DIR", help="folder of the ledger")
    tag.set_defaults(run=run_tag)

    schema = subparsers.add_parser(
        "schema", help="JSON Schema of the ledger's lines, or of a report"
    )
    schema.add_argument(
        "what",
        nargs="?",
        choices=("ledger", "report"),
        default="ledger",
        help="default: ledger",
    )
    schema.add_argument(
        "--report", action="store_true", help="that of energy-report.json instead"
    )
    schema.set_defaults(run=run_schema)


def _add_reading_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since",
        metavar="WHEN",
        help="a date or time (UTC unless it says its zone), or a span: 24h, 7d, 2w",
    )
    parser.add_argument(
        "--ledger",
        action="append",
        metavar="DIR",
        help="folder of a ledger; may be given several times",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, unrounded")


def run_totals(options: argparse.Namespace) -> int:
    """Print totals; 1 if some of the ledger could not be read.

    Raises:
        LedgerError: A folder that was named is not there, or the time is no time.
    """
    since = parse_since(options.since) if options.since else None
    folders = ledger_folders(options.ledger)
    with reading_progress(folders) as progress:
        found = ledger_totals(folders, by=options.by, since=since, progress=progress)
    resolved = settings_in_force()
    budgets = [
        entry
        for folder in folders
        for entry in progress_of(folder, budgets_in_force(folder, resolved))
    ]
    if options.json:
        built = totals_json(found.totals, found.problems, found.problem_count, budgets)
        sys.stdout.write(json.dumps(built, indent=2) + "\n")
    else:
        table = totals_table(found.totals, budgets=budgets)
        sys.stdout.write(render_text(table) + "\n")
    report_problems(found)
    return 1 if found.problem_count else 0


def run_records(options: argparse.Namespace) -> int:
    """Print single records; 1 if some of the ledger could not be read.

    Raises:
        LedgerError: A folder that was named is not there, or the time is no time.
    """
    since = parse_since(options.since) if options.since else None
    folders = ledger_folders(options.ledger)
    with reading_progress(folders) as progress:
        ledger = read_ledger(folders, since=since, progress=progress)
    if options.json:
        built = records_json(ledger.records)
        sys.stdout.write(json.dumps(built, indent=2) + "\n")
    else:
        sys.stdout.write(render_text(records_table(ledger.records)) + "\n")
    report_problems(ledger)
    return 1 if ledger.problem_count else 0


def run_tag(options: argparse.Namespace) -> int:
    """Write a tag for the records meant; 1 if the ledger cannot be written.

    Raises:
        LedgerError: There is nothing to write, or there are no such records.
    """
    if options.purpose is None and options.label is None:
        raise LedgerError("there is nothing to tag", remedy="Give --purpose or --label")
    folders = ledger_folders([options.ledger] if options.ledger else None)
    # Read before anything is asked of it: an empty ledger is the likelier reason.
    ledger = read_ledger(folders)
    records = _meant(options, ledger.records)
    report_problems(ledger)
    given = (options.purpose, options.label and f"label {options.label!r}")
    told = ", ".join(part for part in given if part)
    if options.dry_run:
        sys.stdout.write(render_text(records_table(records)) + "\n")
        would = _named(records).rpartition(" ")[0]
        sys.stdout.write(f"{would} would be tagged: {told}\n")
        return 0
    writer = LedgerWriter(folders[0], session_here())
    for at in range(0, len(records), TAGGED_AT_ONCE):
        writer.tag(
            [record.id for record in records[at : at + TAGGED_AT_ONCE]],
            purpose=options.purpose,
            label=options.label,
        )
    saved, problem = writer.flush(), writer.problem
    writer.close()
    if not saved:
        why = problem or "the disk does not answer"
        sys.stderr.write(f"jupyter green tag: {why}\n")
        return 1
    sys.stdout.write(f"{_named(records)} tagged: {told}\n")
    return 0


def _meant(options: argparse.Namespace, records: Sequence[Record]) -> Sequence[Record]:
    """Return the records that the options of `tag` name.

    Raises:
        LedgerError: None are named, or there are none such.
    """
    named = {find_record(records, prefix).id for prefix in options.record}
    meant = scope_of(
        records,
        notebooks=options.notebook or (),
        since=options.since or "",
        until=options.until or "",
        labels=options.labelled or (),
    )
    if not named and meant.scope == Scope():
        raise LedgerError(
            "no record is named",
            remedy="Give ids, or --labelled, --notebook, --since or --until",
        )
    for warning in meant.warnings:
        sys.stderr.write(f"warning: {plain_text(warning)}\n")
    found = [
        placed.record
        for placed in select(records, meant.scope).in_scope
        if not named or placed.record.id in named
    ]
    if not found:
        raise LedgerError(
            "no record meets these conditions",
            why=f"the ledger holds {len(records)}",
            remedy="`jupyter green records` lists them",
        )
    return found


def _named(records: Sequence[Record]) -> str:
    if len(records) == 1:
        return f"{records[0].key} is"
    return f"{len(records)} records are"


def session_here() -> SessionLine:
    """Return the line of this process, with the host that a kernel's line has."""
    from jupyter_green.session.provenance import (  # noqa: PLC0415 - brings all metering
        host_id,
    )

    return new_session(host=host_id())


def run_schema(options: argparse.Namespace) -> int:
    """Print the JSON Schema of any line of a ledger, or of ``energy-report.json``."""
    if options.report or options.what == "report":
        from jupyter_green.report.appendix import canonical  # noqa: PLC0415 - large

        built = canonical.json_schema()
    else:
        built = json_schema()
    sys.stdout.write(json.dumps(built, indent=2) + "\n")
    return 0


def find_record(records: Sequence[Record], prefix: str) -> Record:
    """Return the one record whose id is or begins with *prefix*.

    Raises:
        LedgerError: None does, several do, or the prefix is too short.
    """
    found = [r for r in records if r.id == prefix]
    if not found and len(prefix) < SHORTEST_PREFIX:
        raise LedgerError(
            f"{prefix!r} is too short to name a record",
            remedy=f"Give at least {SHORTEST_PREFIX} characters of its id",
        )
    found = found or [r for r in records if r.id.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise LedgerError(
            f"no record begins with {prefix!r}",
            remedy=f"The newest are:\n{_listed(records)}" if records else "",
            why="" if records else "the ledger holds no records",
        )
    raise LedgerError(
        f"{len(found)} records begin with {prefix!r}",
        remedy=f"Give more of the id:\n{_listed(found)}",
    )


def _listed(records: Sequence[Record]) -> str:
    return "\n".join(
        f"  {r.id}  {r.started_at}  {format_duration(r.duration_s)}  "
        f"{format_energy(r.energy_j, r.uncertainty_j)}  {plain_text(r.label)}".rstrip()
        for r in records[-SHOWN_CANDIDATES:]
    )


def ledger_folders(given: Sequence[str] | None) -> list[Path]:
    """Return the ledgers that were named, or the one in force.

    Raises:
        LedgerError: One that was named is not there.
    """
    if not given:
        return [ledger_folder(settings_in_force().values.ledger)]
    folders = [Path(folder).expanduser() for folder in given]
    for folder in folders:
        if not folder.exists():
            raise LedgerError(
                f"there is no ledger {folder}",
                remedy="`jupyter green settings` says which one is in force",
            )
    return folders


def report_problems(ledger: Ledger[Any] | LedgerTotals) -> None:
    """Tell what of a ledger could not be read."""
    for problem in ledger.problems[:SHOWN_CANDIDATES]:
        sys.stderr.write(f"not read: {plain_text(str(problem))}\n")
    more = ledger.problem_count - SHOWN_CANDIDATES
    if more > 0:
        sys.stderr.write(f"not read: {more} more lines or files\n")


@contextmanager
def reading_progress(folders: Sequence[Path]) -> Iterator[Progress | None]:
    """Show a bar on a terminal if reading will take a while."""
    if not sys.stderr.isatty() or _size(folders) < QUICKLY_READ:
        yield None
        return
    from tqdm import tqdm  # noqa: PLC0415 - only for large ledgers

    with tqdm(desc="reading", unit="B", unit_scale=True, leave=False) as bar:

        def progress(done: int, whole: int) -> None:
            bar.total = whole
            bar.update(done - bar.n)

        yield progress


def _size(folders: Sequence[Path]) -> int:
    size = 0
    for folder in folders:
        try:
            size += sum(path.stat().st_size for path in folder.iterdir())
        except OSError:
            continue  # reading will say what is wrong
    return size
