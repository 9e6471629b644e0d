"""Compare by every door: the notebook, the shell, Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.error import UsageError
from shells import Shell, isolate, load_with, open_shell, quick_device

import jupyter_green as jg
from jupyter_green.cli import main
from jupyter_green.errors import CompareError

WORK = "%%energy -q -l {label} -m acc={acc} -m samples=10\nimport time; time.sleep({s})"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Give a shell with two labels, in turns; the second is 15 times as quick."""
    isolate(tmp_path, monkeypatch)
    with open_shell() as opened:
        load_with(opened, quick_device())
        for _ in range(4):
            opened.run(WORK.format(label="plain", acc=0.9, s=0.15))
            opened.run(WORK.format(label="pruned", acc=0.89, s=0.01))
        yield opened


def test_the_notebook_compares_labels(shell: Shell):
    """A small part of the time at the same power is better."""
    ran = shell.run("%green compare plain pruned")
    assert "energy per sample" in ran.out
    assert "better" in ran.out
    assert "SIMULATED" in ran.out


def test_the_notebook_draws_the_plot(shell: Shell):
    """With --plot, as an image beside the table."""
    ran = shell.run("%green compare plain pruned --plot acc --session")
    assert "quality against energy: plain, pruned (a picture; " in ran.out
    with pytest.raises(UsageError, match="no metric 'nosuch'"):
        shell.extension.green.run("compare plain pruned --plot nosuch")


def test_a_label_that_is_not_there_is_an_error_with_those_that_are(shell: Shell):
    """As a user may mistype it."""
    with pytest.raises(UsageError, match="There are: pruned"):
        shell.extension.green.run("compare plain prunned")


@pytest.mark.parametrize("line", ["plain plain", "plain pruned plain"])
def test_a_label_named_twice_is_an_error(shell: Shell, line: str):
    """It would be two equal rows, and a third one would vanish."""
    with pytest.raises(UsageError, match="same work"):
        shell.extension.green.run(f"compare {line}")


def test_python_compares_labels_records_and_lists(shell: Shell):
    """The same function, whatever names the records."""
    by_label = jg.compare("plain", "pruned")
    assert by_label.contrast("energy_j", "pruned").verdict == "better"
    plain = [r for r in shell.records if r.label == "plain"]
    pruned = [r for r in shell.records if r.label == "pruned"]
    assert jg.compare(plain, pruned).contrasts == by_label.contrasts
    named = jg.compare(a=plain, b=pruned)
    assert [c.label for c in named.candidates] == ["a", "b"]
    two = jg.compare(plain[0], plain[1])
    assert [c.label for c in two.candidates] == ["plain", f"plain {plain[1].key}"]


def test_a_comparison_at_a_cells_end_is_a_table_in_a_terminal_too(shell: Shell):
    """Not the fields of the value: a terminal shows plain text."""
    ran = shell.run('import jupyter_green as jg\njg.compare("plain", "pruned")')
    assert "Comparison(" not in ran.out
    assert "Compared with plain, mean of the runs" in ran.out


@pytest.mark.parametrize("wrong", [3, [], [1, 2], None])
def test_python_refuses_what_is_no_record(shell: Shell, wrong: object):
    """With what can be given."""
    with pytest.raises(CompareError, match="Give a label"):
        jg.compare(shell.records[0], wrong)


def test_the_shell_compares_and_writes_every_form(
    shell: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Text, JSON, Markdown, HTML and a plot."""
    shell.extension.session.ledger.flush()
    assert main(["compare", "plain", "pruned"]) == 0
    assert "not measured" not in capsys.readouterr().out
    assert main(["compare", "plain", "pruned", "--form", "json"]) == 0
    built = json.loads(capsys.readouterr().out)
    assert built["contrasts"][0]["verdict"] == "better"
    for form in ("markdown", "html"):
        assert main(["compare", "plain", "pruned", "--form", form]) == 0
    picture = tmp_path / "plot.svg"
    options = ["--plot", str(picture), "--quality", "acc", "--detect", "5%"]
    assert main(["compare", "plain", "pruned", *options]) == 0
    assert "<svg" in picture.read_text(encoding="utf-8")
    assert "to find 5.0 %" in capsys.readouterr().out


def test_the_shell_gives_json_as_its_other_verbs_do(
    shell: Shell, capsys: pytest.CaptureFixture[str]
):
    """And says where an option is without sense."""
    shell.extension.session.ledger.flush()
    assert main(["compare", "plain", "pruned", "--json"]) == 0
    built = json.loads(capsys.readouterr().out)
    assert [each["label"] for each in built["candidates"]] == ["plain", "pruned"]
    assert main(["compare", "plain", "pruned", "--quality", "acc"]) == 2
    assert "belongs to a plot" in capsys.readouterr().err


def test_the_shell_says_what_is_wrong(shell: Shell, capsys: pytest.CaptureFixture[str]):
    """Exit code 2 and a sentence."""
    shell.extension.session.ledger.flush()
    assert main(["compare", "plain", "nosuch"]) == 2
    assert "no label and no record 'nosuch'" in capsys.readouterr().err
    assert main(["compare", "plain", "pruned", "--plot", "x.nosuch"]) == 2
    assert "cannot be written" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["compare", "plain", "pruned", "--detect", "0"])
