"""The verbs that bring work into a ledger: add, import and merge."""

import argparse
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from codecarbon.output_methods.emissions_data import EmissionsData, TaskEmissionsData
from codecarbon.output_methods.file import FileOutput
from ledger_samples import SESSION, device, lines_of, record, write_lines

from jupyter_green.cli import gather
from jupyter_green.errors import EstimateError, JupyterGreenError, LedgerError
from jupyter_green.ledger import read_ledger, totals
from jupyter_green.ledger.lines import EndLine, TagLine

ROW = EmissionsData(
    timestamp="2026-03-01T12:00:00",
    project_name="bert",
    run_id="run-1",
    experiment_id="e",
    duration=3600.0,
    emissions=0.6,
    emissions_rate=0.6 / 3600,
    cpu_power=50.0,
    gpu_power=1200.0,
    ram_power=20.0,
    # With the PUE of 1.5 that codecarbon multiplies in: 1.0, 0.25 and 0.05 kWh of IT.
    cpu_energy=0.375,
    gpu_energy=1.5,
    ram_energy=0.075,
    energy_consumed=1.95,
    water_consumed=0.0,
    country_name="France",
    country_iso_code="FRA",
    region="",
    cloud_provider="",
    cloud_region="",
    os="Linux-6.1-x86_64",
    python_version="3.11.7",
    codecarbon_version="3.3.2",
    cpu_count=64,
    cpu_model="AMD EPYC 7543",
    gpu_count=4,
    gpu_model="4 x NVIDIA A100-SXM4-40GB",
    longitude=2.35,
    latitude=48.85,
    ram_total_size=503.5,
    tracking_mode="machine",
    pue=1.5,
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a user without settings, and a data directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("JUPYTER_GREEN_LEDGER", raising=False)
    return tmp_path / "data" / "jupyter_green" / "ledger"


def green(*arguments: str) -> int:
    """Run a verb and return its exit code."""
    parser = argparse.ArgumentParser()
    gather.add_parsers(parser.add_subparsers(required=True, dest="verb"))
    options = parser.parse_args(arguments)
    code: int = options.run(options)
    return code


def emissions(folder: Path, *rows: EmissionsData) -> str:
    """Let codecarbon itself write its file."""
    out = FileOutput("emissions.csv", str(folder))
    for row in rows:
        out.out(row, None)
    return str(folder / "emissions.csv")


def test_work_added_by_hand_is_the_estimate_and_says_so(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Llama 7B: 82,432 GPU-hours of 400 W are 32,972.8 kWh; the ledger has them."""
    code = green(
        *("add", "--label", "llama", "--at", "2023-02-01", "--purpose", "final"),
        *("--power", "400", "--gpu-hours", "82432", "--count", "8"),
        *("--pue", "1.1", "--intensity", "385", "--uncertainty", "20"),
    )
    assert code == 0
    assert "added as estimated work: llama" in capsys.readouterr().out
    (found,) = read_ledger([home]).records
    assert found.energy_kwh == pytest.approx(32_972.8)
    assert found.co2e_g == pytest.approx(13.963981e6, rel=1e-6)
    assert {d.method for d in found.devices} == {"estimated"}
    assert "added" in found.flags
    assert len(found.devices) == 8
    assert found.duration_s == pytest.approx(82432 / 8 * 3600)
    assert found.started_at.startswith("2023-02-01T00:00:00")
    assert found.purpose == "final"
    # The author's 20 % are common to all of it, however many boards it had.
    assert found.uncertainty_j == pytest.approx(0.2 * 32_972.8 * 3.6e6)
    whole = totals([found]).total
    assert whole.uncertainty_j is not None
    assert whole.energy_j is not None
    assert whole.uncertainty_j / whole.energy_j == pytest.approx(0.2)


def test_what_an_estimate_assumes_is_in_the_records_flags(home: Path) -> None:
    """Board power and full load are named; a stated energy wins and is divided."""
    place = ("--intensity", "100", "--at", "2026-01-01")
    work = ("--gpu", "A100-SXM4-80GB", "--count", "2", "--hours", "10")
    assert green("add", "--label", "a", *work, *place) == 0
    assert green("add", "--label", "b", *work, "--energy-kwh", "6", *place) == 0
    assert green("add", "--label", "c", "--energy-kwh", "6", *place) == 0
    found = {r.label: r for r in read_ledger([home]).records}
    assert set(found["a"].flags) == {
        "added",
        "board-power-assumed",
        "full-load-assumed",
    }
    assert found["a"].energy_kwh == pytest.approx(2 * 10 * 0.4)
    assert found["a"].uncertainty_j is None
    assert [d.energy_j for d in found["b"].devices] == [pytest.approx(3 * 3.6e6)] * 2
    assert found["b"].flags == ("added", "energy-stated")
    assert [d.kind for d in found["c"].devices] == ["machine"]
    assert found["c"].duration_s == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--hours", "1", "--at", "2026-01-01"), "not enough to estimate"),
        (("--energy-kwh", "1", "--at", "soon"), "is no time"),
        (("--energy-kwh", "-1", "--at", "2026-01-01"), "energy"),
        (
            ("--energy-kwh", "1", "--at", "2026-01-01", "--uncertainty", "200"),
            "uncertainty cannot be 200 %",
        ),
        (
            ("--power", "1", "--hours", "1", "--count", "200000", "--at", "2026"),
            "no time|too many",
        ),
    ],
)
def test_impossible_work_is_refused_and_nothing_is_written(
    home: Path, arguments: tuple[str, ...], message: str
) -> None:
    """Each error says what is wrong."""
    with pytest.raises(JupyterGreenError, match=message):
        green("add", "--label", "x", "--intensity", "1", *arguments)
    assert not home.exists()


def test_an_import_takes_pue_out_once_and_calls_nothing_measured(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """1.95 kWh at a PUE of 1.5 are 1.3 kWh of IT equipment and the file's own 600 g."""
    assert green("import", emissions(tmp_path, ROW)) == 0
    shown = capsys.readouterr()
    assert "1 of 1 runs are imported: 1.30 kWh in 1 h 00 min" in shown.out
    assert "does not say the zone" in shown.err
    (found,) = read_ledger([home]).records
    assert found.energy_kwh == pytest.approx(1.3)
    assert found.co2e_g == pytest.approx(600.0)
    assert found.pue.value == 1.5
    assert found.uncertainty_j is None
    assert {d.method for d in found.devices} == {"estimated"}
    assert {"imported", "method-unstated", "status-unstated"} < set(found.flags)
    assert "time-zone-unstated" in found.flags
    gpus = [d for d in found.devices if d.kind == "gpu"]
    assert [g.energy_j for g in gpus] == [pytest.approx(0.25 * 3.6e6)] * 4
    assert gpus[0].name == "NVIDIA A100-SXM4-40GB"
    assert found.intensity is not None
    assert (found.intensity.zone, found.intensity.kind) == ("FRA", "unstated")
    assert found.started_at == "2026-03-01T11:00:00.000Z"
    stored = json.dumps(lines_of(home))
    assert "48.85" not in stored  # coordinates stay where they were


def test_a_stated_zone_moves_the_stamps_and_drops_the_flag(
    tmp_path: Path, home: Path
) -> None:
    """Noon in Paris on that winter's day is eleven o'clock UTC."""
    path = emissions(tmp_path, ROW)
    assert green("import", path, "--timezone", "Europe/Paris") == 0
    (found,) = read_ledger([home]).records
    assert found.ended_at == "2026-03-01T11:00:00.000Z"
    assert "time-zone-unstated" not in found.flags
    with pytest.raises(LedgerError, match="no time zone 'Mars'"):
        green("import", path, "--timezone", "Mars")


def test_importing_again_adds_nothing_and_a_later_state_replaces(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows of one run are its state at each flush: the longest counts, once."""
    first = replace(ROW, duration=1800.0, gpu_energy=0.75)
    path = emissions(tmp_path, first)
    assert green("import", path) == 0
    # Files are read in the order of their names, which hold the second.
    next(home.iterdir()).rename(home / "0.jsonl")
    emissions(tmp_path, ROW, replace(ROW, run_id="run-2"))
    capsys.readouterr()
    assert green("import", path) == 0
    shown = capsys.readouterr()
    assert "2 of 2 runs are imported" in shown.out
    assert "1 rows are earlier states" in shown.err
    assert "1 runs overlap" in shown.err
    assert green("import", path) == 0
    assert "0 of 2 runs are imported" in capsys.readouterr().out
    found = read_ledger([home]).records
    assert len(found) == 2
    assert sum(r.energy_kwh or 0 for r in found) == pytest.approx(2.6)


def test_a_purpose_given_after_the_import_stays(tmp_path: Path, home: Path) -> None:
    """Importing again does not undo a tag."""
    path = emissions(tmp_path, ROW)
    assert green("import", path) == 0
    (found,) = read_ledger([home]).records
    write_lines(
        home / "tag.jsonl",
        TagLine(records=(found.id,), at="2030-01-01T00:00:00Z", purpose="search"),
    )
    assert green("import", path) == 0
    assert [r.purpose for r in read_ledger([home]).records] == ["search"]


def test_task_files_are_read_and_their_unknown_pue_is_flagged(
    tmp_path: Path, home: Path
) -> None:
    """A file of tasks has no PUE column and a row for each task of one run."""
    names = TaskEmissionsData.__dataclass_fields__
    known = {k: v for k, v in ROW.values.items() if k in names}
    tasks = [TaskEmissionsData(task_name=name, **known) for name in ("load", "fit")]
    FileOutput("base", str(tmp_path)).task_out(tasks, "exp")
    (path,) = tmp_path.glob("*exp*.csv")
    assert green("import", str(path), "--purpose", "final") == 0
    found = read_ledger([home]).records
    assert {r.label for r in found} == {"load", "fit"}
    assert all("pue-unstated" in r.flags for r in found)
    assert {r.purpose for r in found} == {"final"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n", "no emissions.csv of codecarbon"),
        ("", "no emissions.csv of codecarbon"),
        (
            (
                "timestamp,duration,cpu_energy,gpu_energy,ram_energy\n"
                "2026-01-01T00:00:00,1,nan,0,0\n"
            ),
            "row 2 has no usable cpu_energy",
        ),
        (
            "timestamp,duration,cpu_energy,gpu_energy,ram_energy\nnoon,1,1,0,0\n",
            "row 2 has no usable timestamp",
        ),
        (
            (
                "timestamp,duration,cpu_energy,gpu_energy,ram_energy,pue\n"
                "2026-01-01T00:00:00,1,1,0,0,0.5\n"
            ),
            "PUE of 0.5",
        ),
    ],
)
def test_a_file_that_is_none_of_codecarbons_is_refused(
    tmp_path: Path, home: Path, content: str, message: str
) -> None:
    """The error names the file, the row and the column; nothing is written."""
    path = tmp_path / "odd.csv"
    path.write_text(content)
    with pytest.raises(EstimateError, match=f"odd.csv: .*{message}"):
        green("import", str(path))
    with pytest.raises(LedgerError, match="cannot read"):
        green("import", str(tmp_path / "nowhere.csv"))
    assert not home.exists()


def test_merging_counts_each_run_once_and_again_adds_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two authors' folders share a half-copied file; tags travel along."""
    alpha, beta, both = tmp_path / "alpha", tmp_path / "beta", tmp_path / "both"
    ends = [EndLine(record(f"r{i}")) for i in range(4)]
    write_lines(alpha / "s.jsonl", SESSION, *ends[:2])
    write_lines(beta / "copy.jsonl", SESSION, *ends)
    write_lines(beta / "t.jsonl", TagLine(records=("r3",), at="2026", purpose="final"))
    assert green("merge", str(alpha), str(beta), "-o", str(both)) == 0
    assert "holds 4 records in 2 files" in capsys.readouterr().out
    merged = read_ledger([both])
    assert merged.duplicates == 0
    assert {r.id for r in merged.records} == {"r0", "r1", "r2", "r3"}
    before = {path.name: path.read_bytes() for path in both.iterdir()}
    assert green("merge", str(alpha), str(beta), str(both), "-o", str(both)) == 0
    assert "0 lines are new" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in both.iterdir()} == before


def test_a_merged_ledger_has_the_totals_of_its_parts_in_any_order(
    tmp_path: Path,
) -> None:
    """Random copies of random files: what is read stays the same."""
    rng = random.Random(4)
    for trial in range(20):
        folder = tmp_path / str(trial)
        sources = []
        for part in range(3):
            lines: list[Any] = [EndLine(record(f"r{rng.randrange(9)}")) for _ in "123"]
            session = replace_session(f"{rng.randrange(3)}")
            write_lines(folder / f"p{part}" / "x.jsonl", session, *lines)
            sources.append(folder / f"p{part}")
        apart = totals(read_ledger(sources).records).total
        rng.shuffle(sources)
        arguments = ["merge", *map(str, sources), "-o", str(folder / "all")]
        assert green(*arguments) == 0
        assert totals(read_ledger([folder / "all"]).records).total == apart


def replace_session(identifier: str) -> Any:
    """Return a session's line with another id."""
    import msgspec  # noqa: PLC0415 - for this one

    return msgspec.structs.replace(SESSION, id=identifier)


def test_sessions_that_would_share_a_files_name_stay_apart(tmp_path: Path) -> None:
    """Names hold eight characters of an id; the ids differ later."""
    for number in "12":
        write_lines(
            tmp_path / number / "a.jsonl",
            replace_session(f"samestart{number}"),
            EndLine(record(f"r{number}")),
        )
    out = tmp_path / "out"
    assert green("merge", str(tmp_path / "1"), str(tmp_path / "2"), "-o", str(out)) == 0
    assert len(list(out.glob("*.jsonl"))) == 2
    assert len(read_ledger([out]).records) == 2


def test_bad_lines_stay_behind_and_newer_lines_come_along(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code says so; a type of line that is not known here is kept."""
    newer = b'{"type":"hologram","x":1}\n'
    write_lines(
        tmp_path / "a" / "1.jsonl",
        SESSION,
        EndLine(record("r1", devices=(device(),))),
        newer,
        b"garbage\n",
        b'{"type":"end","rec',
    )
    out = tmp_path / "out"
    assert green("merge", str(tmp_path / "a"), "-o", str(out)) == 1
    shown = capsys.readouterr().err
    assert shown.count("left behind: ") == 2
    (path,) = out.iterdir()
    assert newer in path.read_bytes()
    assert b"garbage" not in path.read_bytes()


def test_a_merge_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A missing source and a file in the folder's place are told."""
    write_lines(tmp_path / "a" / "1.jsonl", SESSION, EndLine(record("r1")))
    with pytest.raises(LedgerError, match="there is no ledger"):
        green("merge", str(tmp_path / "b"), "-o", str(tmp_path / "out"))
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="cannot write"):
        green("merge", str(tmp_path / "a"), "-o", str(tmp_path / "file" / "out"))
