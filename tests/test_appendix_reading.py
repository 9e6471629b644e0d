"""What a report is read from, and the table of its executions."""

import csv
import hashlib
import io
import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from appendix_ledgers import FRANCE, UNHURRIED, at, ledgers
from hypothesis import given
from ledger_samples import NOW, SESSION, device, record, write_lines

from jupyter_green.ledger.lines import EndLine, TagLine
from jupyter_green.records import Pue, Record
from jupyter_green.report.appendix.author import AuthorFacts
from jupyter_green.report.appendix.build import build, facts_of, prepare
from jupyter_green.report.appendix.canonical import canonical
from jupyter_green.report.appendix.reading import collect, read_notebook, stated
from jupyter_green.report.appendix.rows import csv_text, guarded, rows
from jupyter_green.report.card import MIME_TYPE


def notebook(path: Path, *records: Record | dict[str, Any], nbformat: int = 4) -> Path:
    """Write a notebook with one record in each cell's output."""
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {},
            "source": ["%%energy\n", "train()"],
            "execution_count": number,
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["…\n"]},
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {
                        "text/plain": ["1 J"],
                        MIME_TYPE: each.to_dict() if isinstance(each, Record) else each,
                    },
                },
            ],
        }
        for number, each in enumerate(records)
    ]
    cells.append({"cell_type": "markdown", "metadata": {}, "source": "# hello"})
    plain = {"cells": cells, "metadata": {}, "nbformat": nbformat, "nbformat_minor": 5}
    path.write_text(json.dumps(plain), "utf-8")
    return path


def table(text: str) -> list[dict[str, str]]:
    """Return the rows of a table as another reader of CSV sees them."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_notebook_alone_gives_a_report(tmp_path: Path) -> None:
    """Its outputs hold the records; they are given its name and their cells."""
    path = notebook(tmp_path / "train.ipynb", record("a"), record("b", cell_id="own"))
    collected = collect(notebooks=[path])
    assert collected.problems == ()
    facts = build(collected.records, source=collected.source)
    assert facts.extent.executions == 2
    assert facts.extent.notebook_uses[0].path == str(path)
    assert {row.cell for row in facts.by_cell.rows} == {"cell-0", "own"}
    (file,) = facts.provenance.files
    assert (file.name, file.kind) == ("train.ipynb", "notebook")
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_ledger_has_the_last_word_on_what_a_notebook_holds_too(
    tmp_path: Path,
) -> None:
    """It has the tags; what only the notebook has is added."""
    both, lost = record("a", notebook="x.ipynb"), record("b", started_at=at(0))
    tag = TagLine(records=("a",), at="2026-06-01T11:30:00Z", purpose="final")
    write_lines(tmp_path / "ledger" / "one.jsonl", SESSION, EndLine(both), tag)
    path = notebook(tmp_path / "n.ipynb", both, lost)
    collected = collect([tmp_path / "ledger"], [path], now=NOW)
    assert [r.id for r in collected.records] == ["a", "b"]
    assert collected.records[0].purpose == "final"
    assert collected.source.duplicates == 1
    facts = build(collected.records, source=collected.source)
    assert facts.totals.amount.runs == 2
    assert {file.kind for file in facts.provenance.files} == {"ledger", "notebook"}
    assert "conflicting-records" not in {flag.code for flag in facts.flags}


def test_merged_ledgers_count_each_run_once(tmp_path: Path) -> None:
    """A copy on another machine, and a link to the same file, change nothing."""
    runs = [record("a"), record("b", started_at=at(0))]
    lines = [SESSION, *map(EndLine, runs)]
    write_lines(tmp_path / "one" / "s.jsonl", *lines)
    write_lines(tmp_path / "two" / "copy.jsonl", *lines)
    (tmp_path / "two" / "link.jsonl").symlink_to(tmp_path / "one" / "s.jsonl")
    collected = collect([tmp_path / "one", tmp_path / "two"], now=NOW)
    assert len(collected.records) == 2
    assert collected.source.duplicates == 2
    assert len(collected.source.files) == 2
    alone = build(collect([tmp_path / "one"], now=NOW).records)
    assert canonical(build(collected.records)) == canonical(alone)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no json", "is no notebook"),
        (b'{"cells": 3}', "is no notebook"),
        (b'{"nbformat": 3, "worksheets": []}', "too old"),
    ],
)
def test_what_is_no_notebook_is_told(tmp_path: Path, content: bytes, why: str) -> None:
    """And counted in the report."""
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    collected = collect(notebooks=[path])
    assert why in collected.problems[0].why
    facts = build(collected.records, source=collected.source)
    counts = {flag.code: flag.count for flag in facts.flags}
    assert counts == {"no-records": 0, "file-problems": 1}


def test_a_broken_record_costs_only_itself(tmp_path: Path) -> None:
    """The others of the notebook are read."""
    path = notebook(tmp_path / "x.ipynb", {"id": 7}, record("a"))
    records, problems = read_notebook(path)
    assert [r.id for r in records] == ["a"]
    assert "record 1" in problems[0].why
    assert "cannot be read" in read_notebook(tmp_path / "none.ipynb")[1][0].why


def test_time_and_command_of_the_report_are_kept(tmp_path: Path) -> None:
    """They stand in its provenance."""
    told = stated(collect([tmp_path]), created_at="2026-11-23T10:00:00Z", command="x y")
    found = build([], source=told.source).provenance
    assert (found.created_at, found.command) == ("2026-11-23T10:00:00Z", "x y")


@UNHURRIED
@given(ledgers())
def test_the_counted_rows_sum_to_the_totals(records: list[Record]) -> None:
    """Energy, GPU-hours, time and grams; a row for every execution."""
    work = prepare(records)
    facts = facts_of(work)
    found = table(csv_text(rows(work, facts)))
    assert sorted(row["id"] for row in found) == sorted(r.id for r in records)
    counted = [row for row in found if row["counted"] == "true"]
    amount = facts.totals.amount
    assert len(counted) == amount.runs

    def summed(name: str) -> float | None:
        known = [float(row[name]) for row in counted if row[name]]
        return math.fsum(known) if known else None

    for name, whole, unit in (
        ("energy_j", amount.energy_it_kwh, 3.6e6),
        ("co2e_g", amount.co2e_kg, 1000.0),
    ):
        if whole is None:
            assert summed(name) is None
        else:
            assert summed(name) == pytest.approx(whole * unit, rel=1e-9, abs=1e-12)
    assert summed("gpu_hours") or pytest.approx(amount.gpu_hours, rel=1e-9) == 0.0
    assert summed("duration_s") or pytest.approx(amount.run_time_s) == 0.0
    kinds = [summed(f"{kind}_j") for kind in ("gpu", "cpu", "memory", "other")]
    total = math.fsum(k for k in kinds if k is not None)
    assert total == pytest.approx((amount.energy_it_kwh or 0.0) * 3.6e6, abs=1e-9)


def test_a_row_by_hand() -> None:
    """150 J at PUE 1.2 and 56 g/kWh; keys lead to the report's tables."""
    one = record(
        "a",
        devices=(device(), device(50.0, id="package-0", kind="cpu", name="Xeon")),
        intensity=FRANCE,
        pue=Pue(value=1.2, source="centre"),
        execution_count=7,
    )
    work = prepare([one])
    facts = facts_of(work)
    (row,) = table(csv_text(rows(work, facts)))
    assert (row["energy_j"], row["gpu_j"], row["cpu_j"]) == ("150.0", "100.0", "50.0")
    assert float(row["co2e_g"]) == pytest.approx(150 / 3.6e6 * 1.2 * 56)
    assert float(row["energy_uncertainty_j"]) == pytest.approx(math.sqrt(50))
    assert float(row["gpu_hours"]) == pytest.approx(10 / 3600)
    assert row["gpu_hours_busy"] == "", "the driver did not tell"
    assert row["memory_j"] == row["git_commit"] == row["purpose"] == ""
    assert (row["machine"], row["devices"]) == ("machine 1", "device 1; device 2")
    assert row["execution_count"] == "7"


def test_a_row_says_how_busy_its_gpus_were() -> None:
    """8 of the 10 s for which it had its only GPU."""
    busy = msgspec.structs.replace(device(), busy_s=8.0)
    work = prepare([record("a", devices=(busy,))])
    (row,) = table(csv_text(rows(work, facts_of(work))))
    assert float(row["gpu_hours_busy"]) == pytest.approx(8 / 3600)


def test_an_inner_run_has_a_row_that_does_not_count() -> None:
    """Its own figure, beside that of the run around it."""
    runs = [record("o"), record("i", parent="o", devices=(device(60.0),))]
    work = prepare(runs, AuthorFacts())
    found = {row["id"]: row for row in table(csv_text(rows(work, facts_of(work))))}
    assert (found["i"]["counted"], found["i"]["energy_j"]) == ("false", "60.0")
    assert found["o"]["counted"] == "true"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(start: str) -> None:
    """A label as spreadsheets' attackers write it is shown, not run."""
    label = f'{start}cmd|"/c calc"!A0'
    work = prepare([record("a", label=label)])
    text = csv_text(rows(work, facts_of(work)))
    (row,) = table(text)
    assert row["label"] == f"'{label}"


@pytest.mark.parametrize(
    "label", ["a,b", 'say "x"', "two\nlines", "é 漢字 🎉", "x" * 10_000, "| % _ ^"]
)
def test_odd_labels_come_back_as_they_were(label: str) -> None:
    """Another reader of CSV sees the same text."""
    work = prepare([record("a", label=label)])
    (row,) = table(csv_text(rows(work, facts_of(work))))
    assert row["label"] == label


def test_control_characters_are_replaced() -> None:
    """NUL and escape sequences do no harm in a terminal."""
    assert guarded("a\x00b\x1b[31m") == "a\ufffdb\ufffd[31m"
