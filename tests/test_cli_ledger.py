"""The shell's verbs that read or amend a ledger."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ledger_samples import SESSION, device, lines_of, record, running, write_lines

from jupyter_green.cli import ledger as cli
from jupyter_green.errors import LedgerError
from jupyter_green.ledger import new_session
from jupyter_green.ledger.lines import EndLine, StartLine
from jupyter_green.session.provenance import host_id

LATER = "2026-06-01T12:00:00Z"


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
    cli.add_parsers(parser.add_subparsers(required=True))
    options = parser.parse_args(arguments)
    code: int = options.run(options)
    return code


def fill(folder: Path) -> Path:
    """Write a ledger of three records, two of them alike in their first letters."""
    return write_lines(
        folder / "1.jsonl",
        SESSION,
        EndLine(record("abcd1111", label="train")),
        EndLine(record("abcd2222", label="eval", purpose="final", started_at=LATER)),
        EndLine(record("ffff", started_at="2020-01-01T00:00:00Z")),
    )


def test_an_empty_ledger_is_no_error(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence says that there is nothing yet."""
    assert green("totals") == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("The ledger holds no records yet.")
    assert shown.err == ""
    assert not home.exists()


def test_totals_are_shown_for_the_users_ledger(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows, the grand total and the time limit."""
    fill(home)
    assert green("totals", "--by", "label", "--since", "2026-01-01") == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "Totals by label since 2026-01-01T00:00:00.000000Z"
    assert [line.split()[0] for line in shown[3:]] == ["eval", "train", "total"]
    assert "200 ± 9 J" in shown[-1]
    assert green("totals", "--since", "2099-01-01") == 0
    assert "no records from 2099" in capsys.readouterr().out


def test_totals_as_json_have_units_in_their_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Several ledgers are one; copies count once."""
    fill(tmp_path / "one")
    fill(tmp_path / "two")
    write_lines(
        tmp_path / "two" / "2.jsonl",
        EndLine(record("more", started_at="2026-06-01T13:00:00Z")),
    )
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    code = green("totals", "--ledger", one, "--ledger", two, "--by", "day", "--json")
    built: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert code == 0
    assert built["total"]["energy_j"] == pytest.approx(400.0)
    assert [row["key"] for row in built["rows"]] == ["2020-01-01", "2026-06-01"]
    assert built["total"]["energy_by_method_j"] == {"counter": pytest.approx(400.0)}


def test_bad_lines_are_told_and_the_rest_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code says that something was not read."""
    fill(tmp_path / "one")
    write_lines(tmp_path / "one" / "2.jsonl", *[b"\x1b[31m\n"] * 12)
    assert green("totals", "--ledger", str(tmp_path / "one")) == 1
    shown = capsys.readouterr()
    assert "300 ± 13 J" in shown.out
    assert shown.err.count("not read: ") == 11
    assert "line 1:" in shown.err
    assert "2 more lines" in shown.err
    assert "\x1b" not in shown.err
    assert green("totals", "--ledger", str(tmp_path / "one"), "--json") == 1
    assert json.loads(capsys.readouterr().out)["problem_count"] == 12


def test_wrong_use_is_an_error_that_helps(tmp_path: Path) -> None:
    """A folder that is not there, a time that is none, a grouping that is none."""
    with pytest.raises(LedgerError, match="there is no ledger"):
        green("totals", "--ledger", str(tmp_path / "nowhere"))
    with pytest.raises(LedgerError, match="is no time"):
        green("totals", "--since", "soon")
    with pytest.raises(SystemExit):
        green("totals", "--by", "mood")


def test_a_tag_names_one_record_by_its_first_characters(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The newest tag counts in the totals."""
    fill(home)
    assert green("tag", "abcd1", "--purpose", "search", "--label", "sweep") == 0
    assert "abcd1111 is tagged: search, label 'sweep'" in capsys.readouterr().out
    assert green("tag", "abcd1111", "--purpose", "ablation") == 0
    assert green("totals", "--by", "purpose", "--json") == 0
    shown = capsys.readouterr().out.partition("\n")[2]
    keys = {row["key"] for row in json.loads(shown)["rows"]}
    assert keys == {"ablation", "final", "untagged"}
    tags = [line for line in lines_of(home) if line["type"] == "tag"]
    assert [tag["records"] for tag in tags] == [["abcd1111"], ["abcd1111"]]
    # Its files say on which machine they were written, as a kernel's do.
    hosts = [line["host"] for line in lines_of(home) if line["type"] == "session"]
    assert hosts.count(host_id()) == 2
    assert len(list(home.glob(f"*-{host_id()[:8]}-*.jsonl"))) == 2


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("abcd", "2 records begin with 'abcd'(.|\n)*abcd1111  2026(.|\n)*abcd2222"),
        ("abc", "too short"),
        ("zzzz", "no record begins with 'zzzz'(.|\n)*ffff"),
    ],
)
def test_a_tag_that_names_no_one_record_lists_candidates(
    home: Path, prefix: str, message: str
) -> None:
    """Ambiguous, short and unknown ids are told apart."""
    fill(home)
    with pytest.raises(LedgerError, match=message):
        green("tag", prefix, "--purpose", "final")


def test_a_whole_id_wins_over_longer_ones(home: Path) -> None:
    """An id may be the first part of another one, and shorter than a prefix."""
    write_lines(home / "1.jsonl", EndLine(record("r1")), EndLine(record("r11")))
    assert green("tag", "r1", "--label", "x") == 0


def test_a_tag_names_records_by_label_notebook_and_time(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All conditions must hold; a day as the end is included."""
    write_lines(
        home / "1.jsonl",
        EndLine(record("one1", label="a", notebook="/p/n.ipynb")),
        EndLine(record("two2", label="a", notebook="/p/m.ipynb")),
        EndLine(record("tre3", label="a", started_at="2026-06-02T00:00:00Z")),
        EndLine(record("for4", label="b", notebook="/q/n.ipynb")),
    )

    def tagged(*arguments: str) -> set[str]:
        before = lines_of(home)
        assert green("tag", *arguments, "--purpose", "search") == 0
        new = [line for line in lines_of(home) if line not in before]
        return {i for line in new for i in line.get("records", ())}

    assert tagged("--labelled", "a", "--until", "2026-06-01") == {"one1", "two2"}
    assert tagged("--since", "2026-06-01T12:00:00") == {"tre3"}
    assert tagged("--notebook", "/p/n.ipynb", "--labelled", "a") == {"one1"}
    assert tagged("one1", "two2") == {"one1", "two2"}
    capsys.readouterr()
    assert tagged("--notebook", "n.ipynb") == {"one1", "for4"}
    shown = capsys.readouterr()
    assert "2 records are tagged: search" in shown.out
    assert "n.ipynb can be /p/n.ipynb or /q/n.ipynb" in shown.err
    assert tagged("--labelled", "a", "--dry-run") == set()
    assert "3 records would be tagged" in capsys.readouterr().out
    with pytest.raises(LedgerError, match="no record meets"):
        green("tag", "--labelled", "zzz", "--purpose", "final")
    with pytest.raises(LedgerError, match="no record is named"):
        green("tag", "--purpose", "final")


def test_a_tag_needs_something_to_say(home: Path) -> None:
    """Without purpose and label nothing is written; an empty ledger has no record."""
    with pytest.raises(LedgerError, match="nothing to tag"):
        green("tag", "abcd")
    with pytest.raises(LedgerError, match="holds no records"):
        green("tag", "abcd", "--purpose", "final")
    assert not home.exists()
    with pytest.raises(SystemExit):
        green("tag", "abcd", "--purpose", "fun")


def test_a_tag_that_cannot_be_written_is_told(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code and the reason say so."""
    path = fill(home)
    assert green("tag", "ffff", "--label", "x", "--ledger", str(path)) == 1
    assert "a file stands in its way" in capsys.readouterr().err


def test_the_schema_is_a_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is valid JSON Schema."""
    assert green("schema") == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


def test_progress_is_shown_on_a_terminal_only(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Large ledgers show a bar while they are read."""
    fill(home)
    monkeypatch.setattr(cli, "QUICKLY_READ", 1)
    assert green("totals") == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert green("totals") == 0
    assert "reading" in capsys.readouterr().err
    assert green("totals", "--ledger", str(home / "1.jsonl")) == 0


def test_a_living_process_shows_as_running(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its energy so far is in the sum, and a note says so."""
    write_lines(
        home / "1.jsonl", new_session(), StartLine(running(devices=(device(),)))
    )
    assert green("totals") == 0
    assert "1 run is still running" in capsys.readouterr().out
