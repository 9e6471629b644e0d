"""The table of single records, and the verb that prints it."""

import json
from pathlib import Path

import pytest
from ledger_samples import SESSION, device, record, running, write_lines

from jupyter_green.cli import main
from jupyter_green.ledger.lines import EndLine
from jupyter_green.records import Record, Repeats
from jupyter_green.report.listing import records_json, records_table
from jupyter_green.report.tables import render_text


def row(shown: Record) -> dict[str, str]:
    """Return the row of one record by column."""
    table = records_table([shown])
    return dict(zip(table.columns, table.rows[0], strict=True))


def test_a_row_says_how_its_figure_came_about() -> None:
    """Energy stands beside its interval, methods, grams and status."""
    assert row(record("0123456789", label="train")) == {
        "record": "01234567",
        "label": "train",
        "time": "10.0 s",
        "energy (95 %)": "100 ± 5 J",
        "method": "counter",
        "CO2e": "10.0 mg",
        "status": "ok",
    }


def test_several_methods_are_weighed() -> None:
    """A sum of unlike figures says how much each method has of it."""
    estimated = device(25.0, id="cpu", method="estimated")
    both = record(devices=(device(75.0), estimated, device(None, id="x")))
    assert row(both)["method"] == "counter 75 %, estimated 25 %"
    nothing = record(devices=(device(0.0), device(0.0, id="cpu", method="estimated")))
    assert row(nothing)["method"] == "counter, estimated"


def test_what_is_missing_is_said() -> None:
    """No figure is 0 where nothing was measured or no intensity is known."""
    unmeasured = row(record(devices=(device(None),)))
    assert unmeasured["energy (95 %)"] == "not measured"
    assert unmeasured["CO2e"] == "not measured"
    assert unmeasured["method"] == ""
    assert row(record(intensity=None))["CO2e"] == "no intensity"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"status": "error", "error": "ValueError"}, "error (ValueError)"),
        ({"status": "interrupted", "error": "KeyboardInterrupt"}, "interrupted"),
        ({"final": False}, "ok provisional"),
        ({"status": "running", "final": False}, "running"),
    ],
)
def test_the_status_says_how_the_work_ended(
    changes: dict[str, object], status: str
) -> None:
    """Failed, provisional and running work can be told apart."""
    assert row(record(**changes))["status"] == status


def test_a_repeated_cell_says_how_often_it_ran() -> None:
    """The record covers all runs, so their number belongs to it."""
    repeats = Repeats(
        runs=5,
        dropped=1,
        energy_j=(1.0,) * 4,
        duration_s=(1.0,) * 4,
        mean_j=1.0,
        stdev_j=0.0,
        interval_j=0.0,
    )
    assert row(record(repeats=repeats))["status"] == "ok 5 runs"


def test_notes_name_intensities_and_simulation() -> None:
    """Each intensity is named once; simulated figures are never left unsaid."""
    shown = render_text(records_table([record("1"), record("2")]))
    assert shown.count("CO2e at 360 g/kWh (WORLD 2024, test), PUE 1.") == 1
    assert "SIMULATED" not in shown
    simulated = record(devices=(device(method="simulated"),), intensity=None)
    assert records_table([simulated]).notes == (
        "SIMULATED: some of these figures come from no hardware.",
    )


def test_the_verb_prints_table_and_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both forms have every record, in the order of time; the JSON has the sums."""
    write_lines(tmp_path / "1.jsonl", SESSION, EndLine(record("abcd1111", label="a")))
    assert main(["records", "--ledger", str(tmp_path)]) == 0
    assert "abcd1111" in capsys.readouterr().out
    assert main(["records", "--ledger", str(tmp_path), "--json"]) == 0
    (built,) = json.loads(capsys.readouterr().out)
    assert (built["energy_j"], built["uncertainty_j"]) == (100.0, 5.0)
    assert built["co2e_g"] == pytest.approx(0.01)
    assert built["label"] == "a"
    assert records_json([running()])[0]["energy_j"] is None


def test_the_verb_reports_what_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A damaged line costs the exit code, and `--since` leaves records out."""
    write_lines(tmp_path / "1.jsonl", SESSION, EndLine(record()), b"{broken\n")
    since = ["--since", "2027-01-01"]
    assert main(["records", "--ledger", str(tmp_path), *since]) == 1
    shown = capsys.readouterr()
    assert "There are no records yet" in shown.out
    assert "not read:" in shown.err
