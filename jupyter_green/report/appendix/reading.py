"""Read what a report is made of: ledgers, or notebooks where there is no ledger.

A cell's record travels in its output, so that a notebook alone gives a report.  A
record found in several places counts once.  Imports the ledger and `origin`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from jupyter_green.ledger import LedgerProblem, read_ledger
from jupyter_green.ledger.folder import SUFFIX
from jupyter_green.ledger.reader import Progress
from jupyter_green.records import Record
from jupyter_green.report.appendix.evidence import LedgerFile
from jupyter_green.report.appendix.origin import Source
from jupyter_green.report.card import MIME_TYPE

NBFORMAT = 4  # older notebooks keep their cells elsewhere
BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Collected:
    """What was read.

    Attributes:
        records: All records; one run may still come twice with different contents.
        source: What the report says of the files.
        problems: What could not be read.
    """

    records: tuple[Record, ...]
    source: Source
    problems: tuple[LedgerProblem, ...] = ()


class _Output(Struct):
    data: dict[str, msgspec.Raw] = {}


class _Cell(Struct):
    outputs: list[_Output] = []
    id: str = ""


class _Notebook(Struct):
    cells: list[_Cell] = []
    nbformat: int = NBFORMAT


def collect(
    ledgers: Sequence[Path] = (),
    notebooks: Sequence[Path] = (),
    *,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Collected:
    """Read records from ledgers and from the outputs of notebooks.

    Args:
        ledgers: Folders of ledgers, or files of one.
        notebooks: Files ``.ipynb`` to read records from; what a ledger has too, counts
            as the ledger has it.
        now: The time by which silent processes of other hosts count as dead.
        progress: Called now and then with bytes read and bytes in all.
    """
    ledger = read_ledger(ledgers, now=now, progress=progress)
    records = {record.id: record for record in ledger.records}
    problems = list(ledger.problems)
    files = [_described(path, "ledger") for path in _ledger_files(ledgers)]
    duplicates = ledger.duplicates
    more: list[Record] = []
    for path in notebooks:
        found, trouble = read_notebook(path)
        problems += trouble
        files.append(_described(path, "notebook"))
        duplicates += sum(record.id in records for record in found)
        more += [record for record in found if record.id not in records]
    return Collected(
        records=(*ledger.records, *more),
        source=Source(
            files=tuple(file for file in files if file is not None),
            file_problems=ledger.problem_count + len(problems) - len(ledger.problems),
            duplicates=duplicates,
        ),
        problems=tuple(problems),
    )


def stated(collected: Collected, *, created_at: str, command: str) -> Collected:
    """Return what was read, with when and how the report was made."""
    source = msgspec.structs.replace(
        collected.source, created_at=created_at, command=command
    )
    return replace(collected, source=source)


def read_notebook(path: Path) -> tuple[list[Record], list[LedgerProblem]]:
    """Return the records in a notebook's outputs, and what could not be read.

    Outputs of one cell hold the same record once; a record that does not name its
    notebook is given this one.
    """
    try:
        notebook = msgspec.json.decode(path.read_bytes(), type=_Notebook)
    except OSError as err:
        return [], [LedgerProblem(path, 0, f"cannot be read: {err.strerror}")]
    except (msgspec.MsgspecError, ValueError, RecursionError) as err:
        return [], [LedgerProblem(path, 0, f"is no notebook: {err}")]
    if notebook.nbformat < NBFORMAT:
        why = f"nbformat {notebook.nbformat} is too old: open and save it once"
        return [], [LedgerProblem(path, 0, why)]
    records: list[Record] = []
    problems: list[LedgerProblem] = []
    for number, (cell_id, raw) in enumerate(_bundles(notebook), 1):
        try:
            record = Record.from_json(bytes(raw))
        except (msgspec.MsgspecError, ValueError, RecursionError) as err:
            problems.append(LedgerProblem(path, 0, f"record {number}: {err}"))
            continue
        records.append(
            msgspec.structs.replace(
                record,
                notebook=record.notebook or str(path),
                cell_id=record.cell_id or cell_id,
            )
        )
    return records, problems


def _bundles(notebook: _Notebook) -> Iterator[tuple[str, msgspec.Raw]]:
    for cell in notebook.cells:
        for output in cell.outputs:
            if MIME_TYPE in output.data:
                yield cell.id, output.data[MIME_TYPE]


def _ledger_files(ledgers: Sequence[Path]) -> list[Path]:
    found: dict[Any, Path] = {}
    for folder in ledgers:
        try:
            paths = (
                [folder]
                if folder.is_file()
                else sorted(
                    Path(entry.path)
                    for entry in os.scandir(folder)
                    if entry.name.endswith(SUFFIX)
                )
            )
            for path in paths:
                info = path.stat()
                found.setdefault((info.st_dev, info.st_ino or str(path)), path)
        except OSError:
            continue  # the reader has said why
    return list(found.values())


def _described(path: Path, kind: str) -> LedgerFile | None:
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
                size += len(block)
    except OSError:
        return None  # the reader has said why
    return LedgerFile(
        name=path.name, sha256=digest.hexdigest(), size_bytes=size, kind=kind
    )
