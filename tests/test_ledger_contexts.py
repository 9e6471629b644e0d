"""The short form of lines: nothing is lost by it, whatever is lost of a file."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_samples import (
    HOST,
    INTENSITY,
    NOW,
    SESSION,
    device,
    lines_of,
    record,
    running,
    short,
    write_lines,
)

from jupyter_green.ledger import LedgerWriter, new_session, read_ledger, read_slim
from jupyter_green.ledger import totals as add_up
from jupyter_green.ledger.contexts import LOST, abridge, complete
from jupyter_green.ledger.lines import (
    ContextLine,
    Detail,
    EndLine,
    HeartbeatLine,
    StartLine,
    encode_line,
)
from jupyter_green.ledger.reader import Ledger
from jupyter_green.records import (
    Baseline,
    Curve,
    Git,
    Host,
    Pue,
    Record,
    Repeats,
    Share,
)

GPU = device(
    id="GPU-0",
    index=1,
    scope="shared",
    coverage=0.75,
    resolution_j=0.5,
    idle_power_w=70.0,
    idle_uncertainty_w=0.5,
    power_limit_w=700.0,
    flags=("shared",),
)
CPU = device(
    20.0,
    id="package-0",
    kind="cpu",
    name="Xeon",
    share=Share(energy_j=15.0, fraction=0.75, basis="cpu-time"),
)
MISSING = device(None, id="dram-0", kind="dram", reason="no permission")
FULL = record(
    "full",
    devices=(GPU, CPU, MISSING),
    label="train",
    purpose="final",
    parent="p",
    notebook="n.ipynb",
    cell_id="c",
    execution_count=3,
    source_sha256="5" * 64,
    status="error",
    error="ValueError",
    pue=Pue(value=1.2, source="site"),
    baseline=Baseline(
        measured_at="2026-06-01T10:00:00Z",
        duration_s=30.0,
        state="idle",
        power_w={"GPU-0": 70.0},
        uncertainty_w={"GPU-0": 0.5},
    ),
    repeats=Repeats(
        runs=3,
        dropped=1,
        energy_j=(1.0, None),
        duration_s=(0.1, 0.2),
        mean_j=1.0,
        stdev_j=None,
        interval_j=None,
    ),
    curve=Curve(t_s=(5.0, 10.0), power_w=(8.0, 12.0)),
    git=Git(commit="c0ffee", dirty=None),
    versions={"python": "3.11", "torch": "2.9"},
    overhead_s=0.001,
    flags=("odd",),
)


def changed(line: Any, **changes: Any) -> Any:
    """Return a line with other values."""
    return msgspec.structs.replace(line, **changes)


def read(folder: Path, **given: Any) -> Ledger[Record]:
    """Read a ledger whose processes are gone."""
    return read_ledger([folder], now=NOW, is_alive=lambda _: False, **given)


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    """Every field, of record and devices, through the writer and a real file."""
    writer = LedgerWriter(tmp_path, new_session())
    writer.end(FULL)
    writer.end(record("plain"))
    assert writer.close()
    ledger = read(tmp_path)
    assert {r.id: r for r in ledger.records} == {"full": FULL, "plain": record("plain")}
    assert ledger.problems == ()
    (slim, _) = read_slim([tmp_path], now=NOW).records
    assert (slim.notebook, slim.host and slim.host.id) == ("n.ipynb", HOST.id)
    assert [(d.id, d.energy_j, d.name) for d in slim.devices] == [
        ("GPU-0", 100.0, "H200"),
        ("package-0", 20.0, "Xeon"),
        ("dram-0", None, "H200"),
    ]


def test_a_file_of_the_old_form_reads_the_same(tmp_path: Path) -> None:
    """Complete lines, as they were written before there were contexts."""
    lines = (
        msgspec.structs.replace(SESSION, schema_version=1),
        StartLine(running("killed")),
        HeartbeatLine(
            record="killed", at="2026-06-01T11:00:20Z", duration_s=20.0, devices=(GPU,)
        ),
        EndLine(FULL),
    )
    old = b"".join(encode_line(line) for line in lines)
    assert b"context" not in old
    # The text of an old line, not made by today's code.
    old += (
        b'{"type":"end","record":{"id":"text","duration_s":2.0,"devices":[{"id":"g",'
        b'"kind":"gpu","method":"counter","energy_j":50.0,"uncertainty_j":null,'
        b'"uncertainty_random_j":null}],"started_at":"2026-06-01T11:30:00Z",'
        b'"status":"ok","final":true,"intensity":{"g_per_kwh":360.0,"zone":"X",'
        b'"source":"s"},"schema_version":1}}\n'
    )
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "1.jsonl").write_bytes(old)
    write_lines(tmp_path / "new" / "1.jsonl", *short(*lines))
    found, new = read(tmp_path / "old"), read(tmp_path / "new")
    assert found.problems == new.problems == ()
    *same, text = found.records
    assert tuple(same) == new.records
    assert (text.energy_j, text.co2e_g) == (50.0, pytest.approx(50 / 3.6e6 * 360))


def test_what_does_not_change_is_written_once(tmp_path: Path) -> None:
    """A context stands before the first line that needs it; a new one is added."""
    writer = LedgerWriter(tmp_path, new_session())
    other = msgspec.structs.replace(INTENSITY, g_per_kwh=50.0)
    for number in range(4):
        identifier = f"r{number}"
        writer.start(running(identifier, devices=()))
        writer.heartbeat(identifier, 1.0, (GPU,))
        writer.end(record(identifier, devices=(GPU,)))
    writer.end(record("later", devices=(GPU,), intensity=other))
    writer.end(record("again", devices=(GPU,)))
    assert writer.close()
    assert [line["type"] for line in lines_of(tmp_path)] == [
        "session",
        *("context", "start", "context", "heartbeat", "end"),
        *("start", "heartbeat", "end") * 3,
        *("context", "end", "end"),
    ]
    grams = {r.id: r.co2e_g for r in read(tmp_path).records}
    assert grams["later"] == pytest.approx(100 / 3.6e6 * 50)
    assert grams["again"] == pytest.approx(100 / 3.6e6 * 360)


def test_lines_are_short() -> None:
    """A heartbeat is not longer than its figures need, and an end has no host."""
    (context, beat) = short(
        HeartbeatLine(
            record="r" * 32, at="2026-06-01T11:00:20Z", duration_s=20.0, devices=(GPU,)
        )
    )
    assert isinstance(context, ContextLine)
    assert len(encode_line(beat)) < 300
    (_, end) = abridge(EndLine(FULL))
    whole, part = encode_line(EndLine(FULL)), encode_line(end)
    assert len(part) < 0.6 * len(whole)
    for text in (b"torch", b"c0ffee", b"n.ipynb", b"WORLD", b"H200", b"site"):
        assert text in whole
        assert text not in part


def test_equal_contexts_have_equal_ids_and_others_have_not() -> None:
    """So files can be put together line by line."""
    (one, _), (two, _) = abridge(EndLine(FULL)), abridge(EndLine(FULL))
    assert one == two
    others: dict[str, Any] = {
        "session": "s2",
        "notebook": "m.ipynb",
        "intensity": None,
        "pue": Pue(value=1.3),
        "baseline": None,
        "host": Host(id="h2"),
        "git": None,
        "versions": {},
        "devices": (GPU, CPU),
    }
    ids = {
        abridge(EndLine(changed(FULL, **{name: value})))[0].id
        for name, value in others.items()
    }
    assert len(ids | {one.id}) == len(others) + 1
    # What a run says of its own makes no other context.
    own = changed(FULL, id="x", label="y", duration_s=1.0, curve=None)
    assert abridge(EndLine(own))[0].id == one.id


def test_a_record_without_its_context_keeps_its_energy(tmp_path: Path) -> None:
    """Its CO2e is not known and is not 0; the file and line are told, once."""
    session, context, *ends = short(
        SESSION, EndLine(record("a")), EndLine(record("b")), EndLine(record("c"))
    )
    write_lines(tmp_path / "1.jsonl", session, *ends[:2], context, *ends[2:])
    ledger = read(tmp_path)
    lost = {r.id: r for r in ledger.records if LOST in r.flags}
    assert sorted(lost) == ["a", "b"]
    for one in lost.values():
        assert (one.energy_j, one.uncertainty_j, one.co2e_g) == (100.0, 5.0, None)
        assert (one.host, one.devices[0].method) == (None, "unknown")
    assert [p.line for p in ledger.problems] == [2]
    assert "is missing" in ledger.problems[0].why
    (good,) = (r for r in ledger.records if r.id not in lost)
    assert good == record("c")
    slim = read_slim([tmp_path], now=NOW)
    assert slim.problems == ledger.problems
    for records in (ledger.records, slim.records):
        total = add_up(records).total
        assert (total.energy_j, total.without_intensity_runs) == (300.0, 2)


def test_a_context_of_another_file_does_not_count(tmp_path: Path) -> None:
    """Each file is read by itself, so that copies and parts of ledgers are safe."""
    session, context, end = short(SESSION, EndLine(record("a")))
    write_lines(tmp_path / "1.jsonl", session, context)
    write_lines(tmp_path / "2.jsonl", session, end)
    ledger = read(tmp_path)
    assert [r.flags for r in ledger.records] == [(LOST,)]
    # Files that are put behind one another are.
    both = (tmp_path / "1.jsonl").read_bytes() + (tmp_path / "2.jsonl").read_bytes()
    (tmp_path / "2.jsonl").write_bytes(both)
    (tmp_path / "1.jsonl").unlink()
    assert read(tmp_path).records == (record("a"),)


@pytest.mark.parametrize(
    "changes",
    [
        {"energy_j": (1.0, 2.0)},
        {"uncertainty_j": ()},
        {"uncertainty_random_j": (1.0, 2.0)},
        {"energy_j": (), "uncertainty_j": (), "uncertainty_random_j": ()},
    ],
)
def test_figures_that_do_not_fit_their_context_are_not_ascribed(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    """Nothing raises, and no device gets the joules of another."""
    session, context, end = short(SESSION, EndLine(record("a")))
    wrong = changed(end, **changes)
    write_lines(tmp_path / "1.jsonl", session, context, wrong)
    ledger = read(tmp_path)
    assert [r.flags for r in ledger.records] == [(LOST,)]
    assert all(d.id.startswith("unknown") for d in ledger.records[0].devices)
    assert len(ledger.problems) == 1


@pytest.mark.parametrize("text", ["1.0 two", "1.0 2.0 3.0", "\x00"])
def test_a_curve_that_is_none_is_left_out(tmp_path: Path, text: str) -> None:
    """The figures count all the same."""
    session, context, end = short(SESSION, EndLine(FULL))
    write_lines(tmp_path / "1.jsonl", session, context, changed(end, curve=text))
    (found,) = read(tmp_path).records
    assert found == changed(FULL, curve=None)


@given(
    st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e9)), max_size=5),
    st.lists(st.floats(0, 1e9), max_size=1),
)
def test_a_curve_comes_back_to_the_last_digit(
    steps: list[tuple[float, float]], odd: list[float]
) -> None:
    """As text too, and also one whose halves differ in length."""
    curve = Curve(
        t_s=tuple(t for t, _ in steps), power_w=(*(w for _, w in steps), *odd)
    )
    whole = changed(FULL, curve=curve)
    context, brief = abridge(EndLine(whole))
    line = msgspec.json.decode(encode_line(brief), type=EndLine[Record])
    assert complete(line, context).record == whole


def test_details_that_do_not_fit_are_left_out(tmp_path: Path) -> None:
    """The figures count all the same."""
    session, context, end = short(SESSION, EndLine(FULL))
    wrong = changed(end, details=(Detail(share=CPU.share),))
    write_lines(tmp_path / "1.jsonl", session, context, wrong)
    (found,) = read(tmp_path).records
    assert (found.energy_j, found.devices[1].share) == (120.0, None)


def test_a_newer_context_is_told_and_used(tmp_path: Path) -> None:
    """As far as it is known."""
    session, context, end = short(SESSION, EndLine(record("a")))
    newer = changed(context, schema_version=99)
    write_lines(tmp_path / "1.jsonl", session, newer, end)
    ledger = read(tmp_path)
    assert ledger.records == (record("a"),)
    assert [p.line for p in ledger.problems] == [2]


def test_a_heartbeat_whose_start_is_not_known_has_its_devices(tmp_path: Path) -> None:
    """Its context has no more to say."""
    writer = LedgerWriter(tmp_path, new_session())
    writer.heartbeat("r1", 1.0, (GPU,))
    assert writer.close()
    write_lines(tmp_path / "0.jsonl", StartLine(running("r1")))
    (killed,) = read(tmp_path).records
    assert killed.devices == (GPU,)


LINES = (
    SESSION,
    EndLine(record("good0")),
    StartLine(running("m")),
    HeartbeatLine(
        record="m", at="2026-06-01T11:00:20Z", duration_s=20.0, devices=(device(200.0),)
    ),
    EndLine(record("m", parent="p", devices=(GPU, CPU, MISSING))),
    EndLine(record("good1", intensity=None)),
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_mutated_short_lines_never_stop_reading(
    tmp_path_factory: pytest.TempPathFactory, chance: random.Random
) -> None:
    """Flipped, cut and doubled bytes of a short file are read or reported."""
    real = [encode_line(line) for line in short(*LINES)]
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
    good = [encode_line(line) for line in short(*LINES)]
    folder = tmp_path_factory.mktemp("mutated")
    write_lines(folder / "1.jsonl", *good, bytes(mutated), b"\n", *good)
    for ledger in (read(folder), read_slim([folder], now=NOW)):
        assert {r.id for r in ledger.records} >= {"good0", "good1", "m"}
        assert ledger.problem_count <= 2 * (bytes(mutated).count(b"\n") + 1)


def test_a_file_cut_anywhere_gives_the_runs_before_the_cut(tmp_path: Path) -> None:
    """As after a kill at any byte: whole lines count in full, and one line is torn."""
    real = [encode_line(line) for line in short(*LINES)]
    data = b"".join(real)
    whole: list[Sequence[Record]] = []
    for count in range(len(real) + 1):
        write_lines(tmp_path / "1.jsonl", *real[:count])
        whole.append(read(tmp_path).records)
    assert len({len(records) for records in whole}) == 4
    for size in range(0, len(data), 7):
        part, rest = data[:size], data[size:]
        (tmp_path / "1.jsonl").write_bytes(part)
        ledger = read(tmp_path)
        # A line that lacks nothing but its end is whole.
        lacks_end = rest.startswith(b"\n") and not part.endswith(b"\n")
        assert ledger.records == whole[part.count(b"\n") + lacks_end]
        is_torn = part != b"" and not part.endswith(b"\n") and not lacks_end
        assert ledger.problem_count + ledger.torn == is_torn
