"""Following a ledger: what polls tell comes to what a reader finds in the files."""

import os
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_samples import NOW, SESSION, device, record, running, write_lines
from test_ledger_large import assert_alike, fill

from jupyter_green.ledger import GROUPINGS, read_ledger
from jupyter_green.ledger import tail as tail_module
from jupyter_green.ledger.follow import Changes, LedgerFollower
from jupyter_green.ledger.large import LedgerTotals
from jupyter_green.ledger.lines import (
    EndLine,
    HeartbeatLine,
    Line,
    StartLine,
    TagLine,
    encode_line,
)
from jupyter_green.ledger.reader import why_newer
from jupyter_green.ledger.totals import totals
from jupyter_green.records import DeviceRecord, Record


def follower_of(
    *folders: Path, alive: bool | None = False, **given: Any
) -> LedgerFollower:
    """Return a follower at the samples' time."""
    return LedgerFollower(folders, clock=lambda: NOW, is_alive=lambda _: alive, **given)


def append(path: Path, *lines: Line | bytes) -> Path:
    """Append lines, or raw bytes, to a file."""
    with path.open("ab") as stream:
        for line in lines:
            stream.write(line if isinstance(line, bytes) else encode_line(line))
    return path


def beat(
    duration_s: float, energy_j: float, identifier: str = "r1"
) -> HeartbeatLine[DeviceRecord]:
    """Return a sign of life."""
    at = "2026-06-01T11:59:50Z"
    return HeartbeatLine(
        record=identifier,
        at=at,
        duration_s=duration_s,
        devices=(device(energy_j),),
    )


def tell(known: dict[str, Record], changes: Changes) -> None:
    """Do with changes what their reader is asked to do."""
    if changes.is_reset:
        known.clear()
    if not changes.behind:
        for identifier in [i for i, r in known.items() if r.status == "running"]:
            del known[identifier]
        known.update((r.id, r) for r in changes.running)
    known.update((r.id, r) for r in changes.ended)


def test_a_poll_tells_only_what_is_new(tmp_path: Path) -> None:
    """New files, new lines and refined figures; otherwise nothing."""
    follower = follower_of(tmp_path / "ledger")
    assert follower.poll() == Changes()
    path = write_lines(tmp_path / "ledger" / "1.jsonl", SESSION, EndLine(record("a")))
    assert [r.id for r in follower.poll().ended] == ["a"]
    assert follower.poll() == Changes()
    rough = record("b", final=False)
    append(path, EndLine(rough))
    assert follower.poll().ended == (rough,)
    append(path, EndLine(record("b")))
    write_lines(tmp_path / "ledger" / "2.jsonl", EndLine(record("c")))
    assert [(r.id, r.final) for r in follower.poll().ended] == [
        ("b", True),
        ("c", True),
    ]
    assert len(follower) == 3


def test_running_runs_are_told_with_their_energy_so_far(tmp_path: Path) -> None:
    """Until they end, each poll has them; a killed one is closed once."""
    path = write_lines(tmp_path / "1.jsonl", SESSION, StartLine(running()))
    state: dict[str, bool | None] = {"alive": True}
    follower = LedgerFollower(
        [tmp_path], clock=lambda: NOW, is_alive=lambda _: state["alive"]
    )
    assert [(r.id, r.energy_j) for r in follower.poll().running] == [("r1", None)]
    append(path, beat(10.0, 70.0))
    for _ in range(2):
        (so_far,) = follower.poll().running
        assert (so_far.energy_j, so_far.duration_s) == (70.0, 10.0)
    state["alive"] = False
    changes = follower.poll()
    assert (changes.running, [r.status for r in changes.ended]) == ((), ["killed"])
    found = read_ledger([tmp_path], now=NOW, is_alive=lambda _: False)
    assert changes.ended == found.records
    assert follower.poll() == Changes()
    assert follower.record("r1") == changes.ended[0]
    # WHEN its end is found after all THEN that counts
    append(path, EndLine(record()))
    assert [r.status for r in follower.poll().ended] == ["ok"]


def test_a_silent_run_elsewhere_is_closed_and_may_come_back(tmp_path: Path) -> None:
    """Three missed heartbeats close it; the next one opens it again."""
    times = [NOW]
    follower = LedgerFollower(
        [tmp_path], clock=lambda: times[-1], is_alive=lambda _: None
    )
    path = write_lines(tmp_path / "1.jsonl", SESSION, StartLine(running()))
    append(path, beat(10.0, 70.0))
    assert len(follower.poll().running) == 1
    times.append(NOW + timedelta(seconds=25))
    assert [r.status for r in follower.poll().ended] == ["killed"]
    late = msgspec.structs.replace(beat(30.0, 90.0), at="2026-06-01T12:00:20Z")
    append(path, late)
    changes = follower.poll()
    assert (changes.ended, [r.energy_j for r in changes.running]) == ((), [90.0])
    assert len(follower) == 1


def test_tags_change_what_was_told(tmp_path: Path) -> None:
    """A tag in any file tells its record anew, with all that it held."""
    whole = record("a", versions={"python": "3.11"}, flags=("odd",))
    write_lines(tmp_path / "1.jsonl", SESSION, EndLine(whole), EndLine(record("b")))
    follower = follower_of(tmp_path)
    follower.poll()
    tag = TagLine(records=("a", "later"), at="2026-06-02T00:00:00Z", purpose="final")
    write_lines(tmp_path / "2.jsonl", tag)
    assert follower.poll().ended == (msgspec.structs.replace(whole, purpose="final"),)
    append(tmp_path / "1.jsonl", EndLine(record("later")))
    assert [r.purpose for r in follower.poll().ended] == ["final"]
    assert [row.key for row in follower.totals(by="purpose").rows] == [
        "final",
        "untagged",
    ]
    assert follower.record("a") == msgspec.structs.replace(whole, purpose="final")
    assert follower.record("none") is None


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    """It is told as torn when its process is gone, and is a line when it is whole."""
    line = encode_line(EndLine(record()))
    path = write_lines(tmp_path / "1.jsonl", SESSION, line[:50])
    os.utime(path, (NOW.timestamp() - 5,) * 2)
    assert follower_of(tmp_path, alive=True).poll() == Changes()
    follower = follower_of(tmp_path)
    (problem,) = follower.poll().problems
    assert problem == f"{path}, line 2: the last line is torn"
    assert follower.poll() == Changes()
    append(path, line[50:-1])
    # GIVEN a line that lacks only its end THEN it is whole
    assert [r.id for r in follower.poll().ended] == ["r1"]
    append(path, line[-1:], b"bad\n")
    changes = follower.poll()
    assert changes.ended == ()
    assert [p.split(": ")[0] for p in changes.problems] == [f"{path}, line 3"]


def test_bad_lines_are_told_once_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With file and number; the good ones count."""
    monkeypatch.setattr(tail_module, "MAX_LINE", 5000)
    newer = EndLine(record("n", schema_version=99))
    path = write_lines(
        tmp_path / "1.jsonl", b"\0\n", b"x" * 12_000 + b"\n", newer, newer, b"\n"
    )
    (tmp_path / "folder.jsonl").mkdir()
    follower = follower_of(tmp_path)
    changes = follower.poll()
    assert [r.id for r in changes.ended] == ["n"]
    assert changes.problems == (
        f"{tmp_path / 'folder.jsonl'}: is no plain file",
        f"{path}, line 1: holds NUL bytes",
        f"{path}, line 2: the line is too long to be one",
        f"{path}, line 3: {why_newer(newer)}",
    )
    assert follower.poll() == Changes()


CHANGED: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: os.truncate(path, 400),
    "emptied": lambda path: os.truncate(path, 0),
    "removed": Path.unlink,
    "renamed": lambda path: path.rename(path.with_name("3.jsonl")),
    "rewritten": lambda path: write_lines(path, *[EndLine(record("z"))] * 9),
    "edited": lambda path: path.write_bytes(
        path.read_bytes().replace(b"H200", b"H100")
    ),
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED.keys())
def test_a_file_that_changed_otherwise_resets_everything(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """What is told then is the ledger as it is."""
    path = write_lines(
        tmp_path / "1.jsonl", SESSION, EndLine(record("a")), EndLine(record("b"))
    )
    write_lines(tmp_path / "2.jsonl", SESSION, EndLine(record("c")))
    follower = follower_of(tmp_path)
    assert len(follower.poll().ended) == 3
    change(path)
    os.utime(tmp_path, (1, 1))
    changes = follower.poll()
    assert changes.is_reset
    found = read_ledger([tmp_path], now=NOW, is_alive=lambda _: False)
    assert sorted(changes.ended, key=lambda r: r.id) == sorted(
        found.records, key=lambda r: r.id
    )
    assert follower.poll() == Changes()


def test_a_file_that_was_copied_over_by_a_longer_one_goes_on(tmp_path: Path) -> None:
    """Tools that synchronise folders write a new file and rename it."""
    path = write_lines(tmp_path / "1.jsonl", SESSION, EndLine(record("a")))
    follower = follower_of(tmp_path)
    follower.poll()
    write_lines(tmp_path / "new", path.read_bytes(), EndLine(record("b")))
    (tmp_path / "new").rename(path)
    changes = follower.poll()
    assert ([r.id for r in changes.ended], changes.is_reset) == (["b"], False)
    # GIVEN the same content with another time THEN nothing is new
    os.utime(path, (1, 1))
    assert follower.poll() == Changes()


def test_a_disk_that_does_not_answer_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, and what was read stays."""
    path = write_lines(tmp_path / "1.jsonl", SESSION, EndLine(record("a")))
    follower = follower_of(tmp_path)
    follower.poll()

    def refuse(*_: Any) -> Any:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "scandir", refuse)
        changes = follower.poll()
        assert (changes.is_reset, len(changes.problems)) == (False, 1)
        assert follower.poll() == Changes()
        assert len(follower) == 1
    with monkeypatch.context() as broken:
        append(path, EndLine(record("b")))
        broken.setattr(Path, "open", refuse)
        assert len(follower.poll().problems) == 1
    assert [r.id for r in follower.poll().ended] == ["b"]


def test_a_long_ledger_is_read_in_pieces(tmp_path: Path) -> None:
    """No run is judged before all of it is read: its end may stand in another file."""
    start = StartLine(running("a"))
    write_lines(tmp_path / "1.jsonl", SESSION, start)
    write_lines(tmp_path / "2.jsonl", *(EndLine(record(str(n))) for n in range(99)))
    write_lines(tmp_path / "3.jsonl", SESSION, start, EndLine(record("a")))
    follower = follower_of(tmp_path)
    told: dict[str, Record] = {}
    steps = 0
    while (changes := follower.poll(max_bytes=5000)).behind:
        steps += 1
        assert all(r.status == "ok" for r in changes.ended)
        assert len(changes.ended) <= 15
        tell(told, changes)
    tell(told, changes)
    assert steps > 5
    assert len(told) == 100
    assert told["a"].status == "ok"


def test_a_poll_without_news_opens_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lists folders and asks for sizes."""
    for number in range(20):
        write_lines(tmp_path / f"{number}.jsonl", SESSION, EndLine(record(str(number))))
    follower = follower_of(tmp_path)
    follower.poll()

    def refuse(*_: Any) -> Any:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(Path, "open", refuse)
    assert follower.poll() == Changes()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_polls_at_any_time_come_to_what_a_reader_finds(
    tmp_path_factory: pytest.TempPathFactory, seed: int, chance: random.Random
) -> None:
    """However a ledger grows, byte by byte and file by file, and whatever it holds."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("f")
    fill(source, seed)
    follower = follower_of(folder)
    told: dict[str, Record] = {}
    for path in sorted(source.iterdir()):
        data = path.read_bytes()
        while data:
            size = chance.choice([1, 40, 400, 4000, 40_000])
            append(folder / path.name, data[:size])
            data = data[size:]
            tell(told, follower.poll(chance.choice([1, 1000, 10**6])))
    while (changes := follower.poll(5000)).behind:
        tell(told, changes)
    tell(told, changes)
    found = read_ledger([folder], now=NOW, is_alive=lambda _: False)
    assert told == {r.id: r for r in found.records}
    assert len(follower) == len(found.records)
    by = chance.choice([None, *GROUPINGS])
    since = chance.choice([None, NOW - timedelta(days=1, seconds=-60)])
    assert_alike(
        LedgerTotals(follower.totals(by, since), (), 0, ""),
        LedgerTotals(totals(found.records, by, since), (), 0, ""),
    )
    for identifier in chance.sample(sorted(told), min(3, len(told))):
        assert follower.record(identifier) == told[identifier]
