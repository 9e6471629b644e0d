"""Reading: orphans, copies, tags, and whatever can be wrong with a file."""

import os
import random
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ledger_samples import NOW, SESSION, device, record, running, write_lines

from jupyter_green.ledger import Ledger, read_ledger, read_slim
from jupyter_green.ledger import reader as reader_module
from jupyter_green.ledger.lines import (
    BaselineLine,
    EndLine,
    HeartbeatLine,
    SessionLine,
    StartLine,
    TagLine,
    encode_line,
)
from jupyter_green.records import Baseline, Record


def read(folder: Path, *, alive: bool | None = False, **changes: Any) -> Ledger[Record]:
    """Read as a reader that knows whether the sessions' processes run."""
    return read_ledger(
        [folder], **{"now": NOW, "is_alive": lambda _session: alive, **changes}
    )


def beat(at: str = "2026-06-01T11:00:20Z", **changes: Any) -> HeartbeatLine[Any]:
    """Return a heartbeat of r1 at 20 s with 200 J."""
    known = {"record": "r1", "at": at, "duration_s": 20.0, "devices": (device(200.0),)}
    return HeartbeatLine(**{**known, **changes})


def test_records_come_in_the_order_of_their_start(tmp_path: Path) -> None:
    """Files and time zones do not change the order."""
    times = {"b": "11:00:00.5Z", "a": "11:00:00Z", "c": "14:00:01+02:00"}
    for number, (name, time) in enumerate(times.items()):
        line = EndLine(record(name, started_at=f"2026-06-01T{time}"))
        write_lines(tmp_path / f"{9 - number}.jsonl", SESSION, line)
    ledger = read(tmp_path)
    assert [r.id for r in ledger.records] == ["a", "b", "c"]
    assert (ledger.files, ledger.problems, len(ledger.sessions)) == (3, (), 1)
    since = read(tmp_path, since=NOW - timedelta(minutes=59, seconds=59.5))
    assert [r.id for r in since.records] == ["b", "c"]


def test_the_final_end_counts_wherever_it_stands(tmp_path: Path) -> None:
    """A provisional end never replaces the final one, not even from a stale copy."""
    early = record(final=False, devices=(device(90.0),))
    write_lines(tmp_path / "1.jsonl", SESSION, EndLine(early), EndLine(record()))
    write_lines(tmp_path / "2.jsonl", SESSION, EndLine(early))
    ledger = read(tmp_path)
    assert [(r.final, r.energy_j) for r in ledger.records] == [(True, 100.0)]
    assert ledger.duplicates == 1


def test_copies_of_a_file_count_once(tmp_path: Path) -> None:
    """A copied folder, a copied file and links to a file add nothing."""
    one = tmp_path / "one"
    path = write_lines(
        one / "1.jsonl", SESSION, StartLine(running()), EndLine(record())
    )
    shutil.copytree(one, tmp_path / "two")
    shutil.copy(path, one / "1 (copy).jsonl")
    (one / "link.jsonl").symlink_to(path)
    (one / "loop.jsonl").symlink_to(one / "loop.jsonl")
    ledger = read_ledger([one, tmp_path / "two", one, path], now=NOW)
    assert [r.energy_j for r in ledger.records] == [100.0]
    assert (ledger.files, ledger.duplicates) == (3, 2)
    assert [p.file.name for p in ledger.problems] == ["loop.jsonl"]


def test_a_killed_run_is_closed_from_its_last_heartbeat(tmp_path: Path) -> None:
    """Energy, duration and devices of the last heartbeat remain, and a flag says so."""
    first = beat("2026-06-01T11:00:10Z", duration_s=10.0, devices=(device(100.0),))
    lines = (SESSION, StartLine(running(label="train")), first, beat())
    write_lines(tmp_path / "1.jsonl", *lines)
    (closed,) = read(tmp_path).records
    assert (closed.status, closed.energy_j, closed.duration_s) == ("killed", 200, 20)
    assert (closed.ended_at, closed.final) == ("2026-06-01T11:00:20Z", True)
    assert (closed.label, closed.flags) == ("train", ("closed-from-heartbeat",))


def test_a_run_killed_before_its_first_heartbeat_has_no_energy(tmp_path: Path) -> None:
    """Missing is None with a reason, never 0."""
    write_lines(tmp_path / "1.jsonl", SESSION, StartLine(running()))
    (closed,) = read(tmp_path).records
    assert (closed.status, closed.energy_j, closed.duration_s) == ("killed", None, 0)
    assert closed.devices[0].reason == "killed before the first heartbeat"
    assert "closed-from-heartbeat" in closed.flags
    (slim,) = read_slim([tmp_path], now=NOW, is_alive=lambda _: False).records
    assert (slim.status, slim.devices[0].energy_j) == ("killed", None)


def test_a_run_of_a_living_process_is_running(tmp_path: Path) -> None:
    """However long it has been silent, its energy so far is given."""
    write_lines(tmp_path / "1.jsonl", SESSION, StartLine(running()), beat())
    ledger = read(tmp_path, alive=True)
    assert ledger.records == ledger.running
    (so_far,) = ledger.running
    assert (so_far.energy_j, so_far.final, so_far.flags) == (200.0, False, ())


@pytest.mark.parametrize(("silence_s", "status"), [(29, "running"), (30, "killed")])
def test_a_run_elsewhere_is_killed_after_three_heartbeats(
    tmp_path: Path, silence_s: int, status: str
) -> None:
    """Where the process cannot be seen, silence decides."""
    at = (NOW - timedelta(seconds=silence_s)).isoformat()
    write_lines(tmp_path / "1.jsonl", SESSION, StartLine(running()), beat(at))
    assert read(tmp_path, alive=None).records[0].status == status
    slow = msgspec.structs.replace(SESSION, heartbeat_s=60.0)
    write_lines(tmp_path / "1.jsonl", slow, StartLine(running()), beat(at))
    assert read(tmp_path, alive=None).records[0].status == "running"
    # GIVEN a file whose first line is lost THEN the default heartbeat counts
    write_lines(tmp_path / "1.jsonl", StartLine(running()), beat(at))
    assert read(tmp_path, alive=True).records[0].status == status


def test_the_newest_tag_wins_for_each_of_purpose_and_label(tmp_path: Path) -> None:
    """Tags of any file apply; what a tag leaves open stays."""
    write_lines(
        tmp_path / "1.jsonl",
        SESSION,
        TagLine(records=("r1",), at="2026-06-02T00:00:00Z", purpose="final"),
        EndLine(record(label="old", purpose="search")),
        EndLine(record("r2", label="other")),
    )
    write_lines(
        tmp_path / "2.jsonl",
        TagLine(records=("r1", "r9"), at="2026-06-01T00:00:00Z", purpose="other"),
        TagLine(records=("r1",), at="2026-06-01T00:00:00Z", label="new"),
    )
    tagged = {r.id: (r.purpose, r.label) for r in read(tmp_path).records}
    assert tagged == {"r1": ("final", "new"), "r2": (None, "other")}


def test_baselines_are_kept_and_copies_are_not(tmp_path: Path) -> None:
    """Each measurement of idle power is there once."""
    measured = Baseline(
        measured_at="2026-06-01T10:00:00Z",
        duration_s=30.0,
        state="idle",
        power_w={"g": 70.0},
        uncertainty_w={"g": 0.5},
    )
    for name in "12":
        write_lines(tmp_path / f"{name}.jsonl", SESSION, BaselineLine(measured))
    assert read(tmp_path).baselines == (measured,)


BAD_LINES = {
    "no JSON": b"hello\n",
    "half a line": encode_line(EndLine(record()))[:50] + b"\n",
    "NUL bytes": b"\0" * 100 + b"\n",
    "invalid UTF-8": b'{"type":"end","record":"\xff\xfe"}\n',
    "invalid UTF-8 key": b'{"\xff":1}\n',
    "wrong type": b'{"type":"end","record":{"id":1,"duration_s":"x","devices":0}}\n',
    "unknown type": b'{"type":"telegram","record":1}\n',
    "no type": b'{"record":1}\n',
    "deep nesting": b'{"type":"end","x":' + b"[" * 200_000 + b"\n",
    "huge number": b'{"type":"heartbeat","record":"r1","at":"","duration_s":1e999,'
    b'"devices":[]}\n',
    "a list": b"[]\n",
    "10 MB": b'{"type":"end","x":"' + b"x" * 10_000_000 + b'"}\n',
}


@pytest.mark.parametrize("bad", BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_reported_and_the_others_count(
    tmp_path: Path, bad: bytes
) -> None:
    """File and line number are given, and reading goes on."""
    path = write_lines(
        tmp_path / "1.jsonl", SESSION, EndLine(record()), bad, EndLine(record("r2"))
    )
    ledger = read(tmp_path)
    assert [r.id for r in ledger.records] == ["r1", "r2"]
    assert [(p.file, p.line) for p in ledger.problems] == [(path, 3)]
    assert str(ledger.problems[0]).startswith(f"{path}, line 3: ")
    assert (ledger.problem_count, ledger.is_complete) == (1, True)


def test_an_endless_line_is_skipped_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is held in memory beyond the limit."""
    monkeypatch.setattr(reader_module, "MAX_LINE", 5000)
    write_lines(tmp_path / "1.jsonl", SESSION, b"x" * 40_000 + b"\n", EndLine(record()))
    ledger = read(tmp_path)
    assert len(ledger.records) == 1
    assert [(p.line, p.why) for p in ledger.problems] == [
        (2, "the line is longer than 5000 bytes")
    ]


def test_a_long_good_line_is_read(tmp_path: Path) -> None:
    """A record of 10 MB is unusual, not wrong."""
    write_lines(tmp_path / "1.jsonl", EndLine(record(label="x" * 10_000_000)))
    assert len(read(tmp_path).records[0].label) == 10_000_000


@pytest.mark.parametrize(("alive", "torn"), [(True, 1), (None, 1), (False, 0)])
def test_a_torn_last_line_is_quiet_while_its_process_may_be_writing(
    tmp_path: Path, *, alive: bool | None, torn: int
) -> None:
    """Afterwards it is reported as any other bad line."""
    half = encode_line(EndLine(record("r2")))[:-30]
    path = write_lines(tmp_path / "1.jsonl", SESSION, EndLine(record()), half)
    os.utime(path, (NOW.timestamp() - 5,) * 2)
    ledger = read(tmp_path, alive=alive)
    assert [r.id for r in ledger.records] == ["r1"]
    assert (ledger.torn, ledger.problem_count) == (torn, 1 - torn)
    if not torn:
        assert "torn" in ledger.problems[0].why


def test_a_newer_schema_is_used_as_far_as_it_is_known(tmp_path: Path) -> None:
    """It is reported once for a file, and unknown keys are ignored."""
    line = encode_line(EndLine(record(schema_version=99)))
    newer = line.replace(b'"id":"r1"', b'"id":"r1","mood":{"good":[true]}')
    write_lines(tmp_path / "1.jsonl", SESSION, newer, newer)
    ledger = read(tmp_path)
    assert [r.energy_j for r in ledger.records] == [100.0]
    assert [p.line for p in ledger.problems] == [2]
    assert "99 is newer" in ledger.problems[0].why


def test_files_that_are_none_are_reported(tmp_path: Path) -> None:
    """Folders, pipes and files in a folder's place do not stop reading."""
    (tmp_path / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "notes.txt").write_text("no ledger file")
    write_lines(tmp_path / "1.jsonl", EndLine(record()))
    plain_file = tmp_path / "notes.txt"
    nowhere = tmp_path / "nowhere"
    ledger = read_ledger([tmp_path, plain_file, nowhere], now=NOW)
    assert len(ledger.records) == 1
    assert [p.file.name for p in ledger.problems] == [
        "folder.jsonl",
        "pipe.jsonl",
        "notes.txt",
    ]
    assert not ledger.is_complete


def test_a_file_that_cannot_be_read_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other files count."""
    write_lines(tmp_path / "1.jsonl", EndLine(record()))
    write_lines(tmp_path / "2.jsonl", EndLine(record("r2")))
    opened = Path.open

    def refuse(path: Path, *given: Any, **named: Any) -> Any:
        if path.name == "1.jsonl":
            raise PermissionError(13, "Permission denied")
        return opened(path, *given, **named)

    monkeypatch.setattr(Path, "open", refuse)
    ledger = read(tmp_path)
    assert [r.id for r in ledger.records] == ["r2"]
    assert [str(p) for p in ledger.problems] == [
        f"{tmp_path / '1.jsonl'}: cannot be read: Permission denied"
    ]


def test_problems_beyond_a_number_are_only_counted(tmp_path: Path) -> None:
    """A file of garbage does not fill the memory."""
    write_lines(tmp_path / "1.jsonl", b"x\n" * 3000)
    ledger = read(tmp_path)
    assert (len(ledger.problems), ledger.problem_count) == (1000, 3000)


def test_progress_is_told_in_bytes(tmp_path: Path) -> None:
    """The last call says that all is read."""
    lines = (EndLine(record(str(number))) for number in range(10_000))
    path = write_lines(tmp_path / "1.jsonl", *lines)
    told: list[tuple[int, int]] = []
    read(tmp_path, progress=lambda done, whole: told.append((done, whole)))
    size = path.stat().st_size
    assert len(told) == 3
    assert told[-1] == (size, size)
    assert told == sorted(told)


def test_the_slim_form_says_the_same(tmp_path: Path) -> None:
    """Totals may use it in place of the whole record."""
    write_lines(
        tmp_path / "1.jsonl",
        SESSION,
        EndLine(record(label="x", purpose="final", parent="p", notebook="n.ipynb")),
    )
    (whole,) = read(tmp_path).records
    (slim,) = read_slim([tmp_path], now=NOW).records
    for name in slim.__struct_fields__:
        if name not in {"devices", "host", "intensity"}:
            assert getattr(slim, name) == getattr(whole, name)
    for name in slim.devices[0].__struct_fields__:
        assert getattr(slim.devices[0], name) == getattr(whole.devices[0], name)


GOOD = [encode_line(EndLine(record(f"good{number}"))) for number in range(5)]


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.integers(0, 5), st.binary(max_size=200)), max_size=8),
    st.binary(max_size=100),
)
@example([(0, b"\0")], b"\0")
@example([(3, b'{"type":"end"}')], b'{"type":')
def test_good_lines_are_found_between_any_bytes(
    tmp_path_factory: pytest.TempPathFactory,
    inserted: list[tuple[int, bytes]],
    tail: bytes,
) -> None:
    """Nothing raises, all good lines count, and every bad line is counted."""
    lines = list(GOOD)
    for place, data in inserted:
        lines.insert(place, data.replace(b"\n", b"") + b"\n")
    tail = tail.replace(b"\n", b"")
    path = write_lines(tmp_path_factory.mktemp("fuzz") / "1.jsonl", *lines, tail)
    ledger = read(path.parent)
    assert {r.id for r in ledger.records} >= {f"good{n}" for n in range(5)}
    bad = sum(1 for data in [*(line for _, line in inserted), tail] if data.strip())
    assert ledger.problem_count + ledger.torn <= bad
    assert [p.line for p in ledger.problems] == sorted(
        {p.line for p in ledger.problems}
    )


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_mutated_lines_never_stop_reading(
    tmp_path_factory: pytest.TempPathFactory, chance: random.Random
) -> None:
    """Flipped, cut and doubled bytes of real lines are read or reported."""
    real = [
        encode_line(line)
        for line in (SESSION, StartLine(running("m")), beat(record="m"))
    ] + [encode_line(EndLine(record("m", parent="p")))]
    mutated = bytearray(b"".join(chance.choice(real) for _ in range(4)))
    for _ in range(chance.randint(1, 20)):
        place = chance.randrange(len(mutated))
        action = chance.randrange(3)
        if action == 0:
            mutated[place] = chance.randrange(256)
        elif action == 1:
            del mutated[place : place + chance.randint(1, 30)]
        else:
            mutated[place:place] = mutated[place : place + chance.randint(1, 30)]
        mutated = mutated or bytearray(b"x")
    folder = tmp_path_factory.mktemp("mutated")
    write_lines(folder / "1.jsonl", *GOOD, bytes(mutated), b"\n", *GOOD)
    for ledger in (read(folder), read_slim([folder], now=NOW)):
        assert {r.id for r in ledger.records} >= {f"good{n}" for n in range(5)}
        assert ledger.problem_count <= bytes(mutated).count(b"\n") + 1


def test_a_session_line_is_asked_for_its_own_process(tmp_path: Path) -> None:
    """Each file's runs are judged by that file's process."""
    asked: list[str] = []

    def ask(session: SessionLine) -> bool:
        asked.append(session.id)
        return session.id == "alive"

    for name in ("alive", "dead"):
        session = msgspec.structs.replace(SESSION, id=name)
        starts = (StartLine(running(f"{name}{n}")) for n in range(3))
        write_lines(tmp_path / f"{name}.jsonl", session, *starts)
    ledger = read_ledger([tmp_path], now=NOW, is_alive=ask)
    assert sorted(asked) == ["alive", "dead"]
    assert {r.id for r in ledger.running} == {"alive0", "alive1", "alive2"}
