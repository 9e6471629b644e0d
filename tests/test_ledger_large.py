"""Totals by DuckDB are those of the reader, whatever stands in the files."""

import random
import shutil
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ledger_samples import HOST, INTENSITY, NOW, SESSION, device, record, running, short
from ledger_samples import write_lines as write

from jupyter_green.errors import LedgerError
from jupyter_green.ledger import GROUPINGS, large
from jupyter_green.ledger.large import LedgerTotals, ledger_totals
from jupyter_green.ledger.lines import (
    BaselineLine,
    ContextLine,
    EndLine,
    HeartbeatLine,
    StartLine,
    TagLine,
    encode_line,
)
from jupyter_green.records import Baseline, Host, Pue, Record

pytest.importorskip("duckdb")
DAY = NOW - timedelta(days=1)
BASELINE = Baseline(
    measured_at="2026-06-01T10:00:00Z",
    duration_s=30.0,
    state="idle",
    power_w={"g": 70.0},
    uncertainty_w={"g": 0.5},
)
GARBAGE = (
    b"\n",
    b"hello\n",
    b"\0\0\0\n",
    b'{"type":"end"}\n',
    b'{"type":"end","record":{"id":1,"duration_s":1.0,"devices":[]}}\n',
    b'{"type":"end","record":{"id":"x","duration_s":"x","devices":0}}\n',
    b'{"type":"telegram"}\n',
    b"[]\n",
    b'{"type":"end","record":\xff\xfe}\n',
    encode_line(EndLine(record("newer", schema_version=99))),
    encode_line(EndLine(record("torn")))[:90],
)


def summed(folder: Path, **given: Any) -> tuple[LedgerTotals, LedgerTotals]:
    """Return totals by DuckDB and without it."""
    common: dict[str, Any] = {"now": NOW, "is_alive": lambda _: False, **given}
    return (
        ledger_totals([folder], engine="duckdb", **common),
        ledger_totals([folder], engine="none", **common),
    )


def assert_alike(one: LedgerTotals, other: LedgerTotals) -> None:
    """Compare all figures, to 1e-9 where they are sums of floating-point numbers."""
    assert one.problems == other.problems
    assert one.problem_count == other.problem_count
    assert _close(asdict(one.totals), asdict(other.totals))


def _close(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_close(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_close, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, rel=1e-9, abs=1e-6)
    return bool(one == other)


def _record(chance: random.Random, number: int, spacing_s: float) -> Record:
    begin = DAY + timedelta(milliseconds=round(number * spacing_s * 1000))
    gpu = device(
        chance.choice([None, 0.0, chance.uniform(0, 1e4)]),
        id=chance.choice(["GPU-0", "GPU-1"]),
        name=chance.choice(["H200", "H100"]),
        method=chance.choice(["counter", "integrated"]),
        uncertainty_j=chance.choice([None, chance.uniform(0, 10)]),
        uncertainty_random_j=chance.choice([None, chance.uniform(0, 10)]),
    )
    cpu = device(chance.uniform(0, 1e3), id="package-0", kind="cpu", name="Xeon")
    return record(
        f"r{number}",
        duration_s=chance.choice([0.0, 0.001, 10.0, chance.uniform(0, 60)]),
        started_at=begin.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        ended_at="",
        devices=chance.choice([(), (gpu,), (gpu, cpu), (cpu,)]),
        status=chance.choice(["ok", "ok", "error", "interrupted", "killed"]),
        final=chance.random() < 0.9,
        label=chance.choice(["", "train", 'odd "é\n']),
        purpose=chance.choice([None, "final", "search"]),
        notebook=chance.choice(["", "a.ipynb"]),
        parent=chance.choice([None] * 5 + [f"r{chance.randrange(number + 3)}"]),
        host=chance.choice([HOST, HOST, None, Host(id="other", name="box")]),
        intensity=chance.choice(
            [None, INTENSITY, msgspec.structs.replace(INTENSITY, g_per_kwh=50.0)]
        ),
        pue=chance.choice([Pue(), Pue(value=1.4, source="site")]),
    )


def _lines(chance: random.Random, one: Record, *, is_odd: bool) -> list[Any]:
    start = msgspec.structs.replace(one, status="running", final=False, devices=())
    beat = HeartbeatLine(
        record=one.id, at=one.started_at, duration_s=5.0, devices=one.devices
    )
    early = msgspec.structs.replace(one, final=False, duration_s=1.0)
    lines = [StartLine(start), beat, EndLine(early), EndLine(one)]
    lines = [line for line in lines if chance.random() < 0.8] or [EndLine(one)]
    if not is_odd:
        lines.append(EndLine(one))
    elif chance.random() < 0.2:
        lines.append(chance.choice(GARBAGE))
    if is_odd and chance.random() < 0.2:
        ids = (one.id, f"r{chance.randrange(40)}")
        given = {chance.choice(["label", "purpose"]): chance.choice(["sweep", "other"])}
        lines.append(TagLine(records=ids, at=one.started_at, **given))
    if is_odd and chance.random() < 0.1:
        odd = msgspec.structs.replace(
            one, id=f"o{one.id}", started_at=chance.choice(["", "2026-05-31", "no"])
        )
        lines.append(EndLine(odd))
    return lines


def fill(folder: Path, seed: int) -> None:
    """Write a ledger of a few files, some of which hold anything that may occur."""
    chance = random.Random(seed)
    spacing_s = chance.choice([5.0, 20.0, 100.0])
    oddness = chance.choice([0.0, 0.5])
    number = 0
    for name in range(chance.randrange(1, 5)):
        is_odd = chance.random() < oddness
        lines: list[Any] = [SESSION, BaselineLine(BASELINE)]
        for _ in range(chance.randrange(12)):
            lines += _lines(chance, _record(chance, number, spacing_s), is_odd=is_odd)
            number += 1
        form = chance.choice(["complete", "short", "mixed"])
        if form != "complete":
            cut = len(lines) // 2 if form == "mixed" else 0
            lines = [*lines[:cut], *short(*lines[cut:])]
        if is_odd and chance.random() < 0.3:
            # Context lines come twice, too late, or not at all.
            some = [line for line in lines if isinstance(line, ContextLine)]
            for line in chance.sample(some, min(2, len(some))):
                lines.remove(line)
                for _ in range(chance.randrange(3)):
                    lines.insert(chance.randrange(len(lines) + 1), line)
        write(folder / f"{name}.jsonl", *lines)
    if chance.random() < 0.2:
        shutil.copy(folder / "0.jsonl", folder / "copy.jsonl")


@pytest.mark.parametrize("seed", range(60))
def test_both_ways_give_the_same(tmp_path: Path, seed: int) -> None:
    """Any ledger, any grouping, with and without a time limit."""
    fill(tmp_path, seed)
    groupings = (None, *GROUPINGS)
    for by in (groupings[seed % 7], groupings[(seed + 3) % 7]):
        assert_alike(*summed(tmp_path, by=by))
    since = DAY + timedelta(seconds=60)
    assert_alike(*summed(tmp_path, by=groupings[seed % 5], since=since))


def test_duckdb_really_reads(tmp_path: Path) -> None:
    """Plain files go its way even beside odd ones; orphans and tags count."""
    write(tmp_path / "1.jsonl", SESSION, EndLine(record("a", label="x")))
    late = record("b", started_at="2026-06-01T11:30:00Z", final=False)
    final = msgspec.structs.replace(late, final=True, label="y")
    write(tmp_path / "2.jsonl", SESSION, StartLine(running("b")), EndLine(late))
    write(tmp_path / "3.jsonl", SESSION, EndLine(final), EndLine(late))
    killed = running("c", started_at="2026-06-01T11:40:00Z")
    tag = TagLine(records=("a", "none"), at="2026-06-02T00:00:00Z", label="tagged")
    write(tmp_path / "4.jsonl", SESSION, StartLine(killed), tag, b"bad\n")
    one, other = summed(tmp_path, by="label")
    assert (one.engine, other.engine) == ("duckdb", "none")
    assert_alike(one, other)
    assert [r.key for r in one.totals.rows] == ["tagged", "y", "no label"]
    assert (one.problem_count, one.totals.total.runs) == (1, 3)
    # WHEN a run stands in a plain and in an odd file THEN the reader does it all
    write(tmp_path / "5.jsonl", SESSION, EndLine(final), b"bad\n")
    one, other = summed(tmp_path)
    assert one.engine == "none"
    assert_alike(one, other)


def test_duckdb_reads_short_lines_of_several_contexts_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old, new and mixed files: none of them is left to the reader."""
    elsewhere = msgspec.structs.replace(INTENSITY, g_per_kwh=50.0)
    ends = [
        EndLine(record("a", notebook="a.ipynb", started_at="2026-06-01T10:00:00Z")),
        EndLine(record("b", intensity=elsewhere, started_at="2026-06-01T10:01:00Z")),
        EndLine(record("c", intensity=None, started_at="2026-06-01T10:02:00Z")),
        EndLine(record("d", devices=(), started_at="2026-06-01T10:03:00Z")),
    ]
    write(tmp_path / "old.jsonl", SESSION, *ends[:2])
    write(tmp_path / "new.jsonl", *short(SESSION, *ends[2:], *ends[:1]))
    late = [msgspec.structs.replace(e, record=_renamed(e.record)) for e in ends]
    write(tmp_path / "mixed.jsonl", SESSION, *late[:2], *short(*late[2:]))
    without = summed(tmp_path, by="notebook")[1]

    def refuse(_: object, files: list[Any]) -> None:
        assert files == []

    monkeypatch.setattr(large.Scan, "read_files", refuse)
    both = ledger_totals(
        [tmp_path], by="notebook", engine="duckdb", now=NOW, is_alive=lambda _: False
    )
    assert both.engine == "duckdb"
    assert_alike(both, without)
    # Eight runs; a to c of both files have 100 J each, and two intensities count.
    total = both.totals.total
    assert (total.runs, total.energy_j, total.without_intensity_runs) == (8, 600.0, 2)
    assert total.co2e_g == pytest.approx(2 * 100 / 3.6e6 * (360 + 50))


def _renamed(one: Record) -> Record:
    hour_later = one.started_at.replace("T10", "T13")
    return msgspec.structs.replace(one, id=f"{one.id}2", started_at=hour_later)


def test_small_ledgers_and_those_without_duckdb_are_read_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine is not even loaded where it would cost more than it saves."""
    write(tmp_path / "1.jsonl", SESSION, EndLine(record()))
    assert ledger_totals([tmp_path]).engine == "none"
    monkeypatch.setattr(large, "LARGE_BYTES", 1)
    told: list[tuple[int, int]] = []
    whole = ledger_totals([tmp_path], progress=lambda *given: told.append(given))
    size = (tmp_path / "1.jsonl").stat().st_size
    assert (whole.engine, told) == ("duckdb", [(size, size)])
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert ledger_totals([tmp_path]).engine == "none"
    with pytest.raises(LedgerError, match="Choose one of"):
        ledger_totals([tmp_path], by="mood")


def test_what_duckdb_cannot_read_is_read_otherwise(tmp_path: Path) -> None:
    """Lines too long for it, and names that it takes for patterns."""
    write(tmp_path / "a[1].jsonl", EndLine(record("a")))
    write(tmp_path / "b.jsonl", EndLine(record("b", label="x" * 5_000_000)))
    one, other = summed(tmp_path)
    assert_alike(one, other)
    assert one.totals.total.runs == 2
