"""The verbs that bring work into a ledger: `add`, `import` and `merge`."""

from __future__ import annotations

import argparse
import sys
import uuid
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from jupyter_green.carbon import estimate
from jupyter_green.carbon.by_hand import record_by_hand
from jupyter_green.carbon.codecarbon_csv import read_rows
from jupyter_green.cli.estimate import (
    add_place_options,
    add_work_options,
    estimate_input,
    estimate_text,
    plain_number,
)
from jupyter_green.cli.ledger import (
    ledger_folders,
    reading_progress,
    report_problems,
    session_here,
)
from jupyter_green.errors import EstimateError, LedgerError
from jupyter_green.ledger import LedgerWriter, parse_since, read_ledger
from jupyter_green.ledger.union import unite
from jupyter_green.records import PURPOSES, Record
from jupyter_green.report.format import format_duration, format_energy
from jupyter_green.report.tables import plain_text

SHOWN_PROBLEMS = 10
MERGED_IN_TIME_S = 600.0  # a large import waits for the disk this long
Subparsers = Any  # argparse's own class for them is private


def add_parsers(verbs: Subparsers) -> None:
    """Register the three verbs."""
    add = verbs.add_parser(
        "add",
        help="add estimated work to the ledger by hand",
        description="Estimate work that was not metered and add it to the ledger. "
        "It is labelled as estimated by hand wherever it appears.",
    )
    add_work_options(add.add_argument_group("the work"))
    add_place_options(add.add_argument_group("the place"))
    add.add_argument("--label", required=True, help="a name for the work")
    add.add_argument(
        "--at",
        metavar="WHEN",
        required=True,
        help="when it began: a date or time, UTC unless it says its zone",
    )
    add.add_argument("--purpose", choices=PURPOSES)
    add.add_argument("--notebook", metavar="PATH", default="")
    add.add_argument(
        "--uncertainty",
        metavar="PERCENT",
        type=plain_number,
        help="half-width of your 95 %% interval of the energy (default: not stated)",
    )
    add.add_argument("--ledger", metavar="DIR", help="folder of the ledger")
    add.set_defaults(run=run_add)

    read = verbs.add_parser(
        "import",
        help="add the runs of codecarbon's emissions.csv to the ledger",
        description="Add the runs of codecarbon's emissions.csv to the ledger. They "
        "are flagged as imported, and never called measured: the file does not say. "
        "Importing a file again adds nothing twice.",
    )
    read.add_argument("file", metavar="CSV", nargs="+", type=Path)
    read.add_argument(
        "--timezone",
        metavar="ZONE",
        help="zone of its time stamps, such as Europe/Paris (default: UTC, flagged)",
    )
    read.add_argument("--purpose", choices=PURPOSES, help="the purpose of all its runs")
    read.add_argument("--ledger", metavar="DIR", help="folder of the ledger")
    read.set_defaults(run=run_import)

    merge = verbs.add_parser(
        "merge",
        help="put ledgers of several machines and authors into one folder",
        description="Put ledgers of several machines and authors into one folder. "
        "Lines that stand in several of them are kept once, and what the folder holds "
        "already stays.",
    )
    merge.add_argument("source", metavar="LEDGER", nargs="+", help="folder of a ledger")
    merge.add_argument(
        "-o", "--output", metavar="DIR", required=True, help="the folder to write"
    )
    merge.set_defaults(run=run_merge)


def run_add(options: argparse.Namespace) -> int:
    """Add estimated work; 1 if the ledger cannot be written.

    Raises:
        JupyterGreenError: The input is impossible, or the place is unknown.
    """
    if options.uncertainty is not None and not 0 < options.uncertainty <= 100:  # noqa: PLR2004 - percent
        raise EstimateError(
            f"the uncertainty cannot be {options.uncertainty:g} %",
            remedy="Give a number above 0 and up to 100",
        )
    given, notes = estimate_input(options)
    result = estimate(given)
    record = record_by_hand(
        given,
        result,
        identifier=uuid.uuid4().hex,
        started_at=parse_since(options.at),
        label=options.label,
        purpose=options.purpose,
        notebook=options.notebook,
        relative_uncertainty=None
        if options.uncertainty is None
        else options.uncertainty / 100,
    )
    for warning in (*notes, *result.warnings):
        sys.stderr.write(f"warning: {warning}\n")
    if not _save(options, [record]):
        return 1
    sys.stdout.write(estimate_text(result))
    sys.stdout.write(
        f"\n{record.key} is added as estimated work: {plain_text(record.label)}\n"
    )
    return 0


def run_import(options: argparse.Namespace) -> int:
    """Add what another tool wrote; 1 if the ledger cannot be written.

    Raises:
        JupyterGreenError: A file cannot be read or is no such file.
    """
    zone = _zone(options.timezone)
    records: list[Record] = []
    for path in options.file:
        try:
            with path.open(newline="", encoding="utf-8-sig") as stream:
                found = read_rows(stream, zone=zone, purpose=options.purpose)
        except OSError as err:
            raise LedgerError(
                f"cannot read {path}", why=err.strerror or str(err)
            ) from err
        except EstimateError as err:
            raise EstimateError(
                f"{path}: {err.what}", why=err.why, remedy=err.remedy
            ) from err
        records += found.records
        if found.repeated:
            sys.stderr.write(
                f"{path}: {found.repeated} rows are earlier states of the same runs "
                "and are not counted\n"
            )
        for warning in found.warnings:
            sys.stderr.write(f"warning: {path}: {warning}\n")
    known = {
        record.id: record
        for record in read_ledger(_existing(options)).records
        if record.id
    }
    new = [r for r in records if not _is_known(r, known.get(r.id))]
    if new and not _save(options, new):
        return 1
    energy = format_energy(_total(new))
    length = format_duration(sum(record.duration_s for record in new))
    sys.stdout.write(f"{len(new)} of {len(records)} runs are imported")
    sys.stdout.write(f": {energy} in {length}\n" if new else ": the rest was there\n")
    if new:
        sys.stdout.write(
            "The file does not say how its figures came about, how sure they are, or "
            "how a run ended; the records say so.\n"
        )
    return 0


def run_merge(options: argparse.Namespace) -> int:
    """Merge ledgers; 1 if some lines could not be read.

    Raises:
        LedgerError: A ledger is not there, or the folder cannot be written.
    """
    folders = ledger_folders(options.source)
    into = Path(options.output).expanduser()
    with reading_progress(folders) as progress:
        done = unite(folders, into, progress)
    merged = read_ledger([into])
    sys.stdout.write(
        f"{into} holds {len(merged.records)} records in {done.files} files; "
        f"{done.lines} lines are new, {done.repeated} were there already\n"
    )
    for problem in done.problems[:SHOWN_PROBLEMS]:
        sys.stderr.write(f"left behind: {plain_text(str(problem))}\n")
    more = len(done.problems) - SHOWN_PROBLEMS
    if more > 0:
        sys.stderr.write(f"left behind: {more} more lines\n")
    report_problems(merged)
    return 1 if done.problems or merged.problem_count else 0


def _existing(options: argparse.Namespace) -> list[Path]:
    # A ledger that is named here may be new: importing makes it.
    if options.ledger:
        return [Path(options.ledger).expanduser()]
    return ledger_folders(None)


def _save(options: argparse.Namespace, records: list[Record]) -> bool:
    folder = _existing(options)[0]
    writer = LedgerWriter(folder, session_here(), kept_lines=len(records) + 1)
    for record in records:
        writer.end(record)
    saved, problem = writer.flush(MERGED_IN_TIME_S), writer.problem
    writer.close()
    if not saved:
        why = problem or "the disk does not answer"
        sys.stderr.write(f"jupyter green {options.verb}: {why}\n")
    return saved


def _is_known(record: Record, before: Record | None) -> bool:
    """Say whether the ledger has a run already; what was tagged later stays."""
    if before is None:
        return False
    same = msgspec.structs.replace(before, label=record.label, purpose=record.purpose)
    return same == record or before.duration_s > record.duration_s


def _total(records: list[Record]) -> float | None:
    known = [r.energy_j for r in records if r.energy_j is not None]
    return sum(known) if known else None


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        raise LedgerError(
            f"there is no time zone {name!r}",
            remedy="Give a name such as Europe/Paris or America/New_York",
        ) from err
