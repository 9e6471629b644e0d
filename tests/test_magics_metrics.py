"""``-m`` stores numbers with the record and never costs the cell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shells import Shell, isolate, ledger_records, load_with, open_shell, quick_device

from jupyter_green.magics.arguments import (
    WrongOptionsError,
    parse_line,
    parse_statement,
)
from jupyter_green.magics.metrics import evaluate


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Give a shell with one simulated device of 100 W."""
    isolate(tmp_path, monkeypatch)
    with open_shell() as opened:
        load_with(opened, quick_device())
        yield opened


def test_metrics_are_stored_with_the_record(shell: Shell):
    """Expressions see what the cell has just made."""
    shell.run(
        "%%energy -q -m acc=right/len(x) -m samples=len(x)\nx = [1] * 8\nright = 6"
    )
    assert shell.records[0].metrics == {"acc": 0.75, "samples": 8.0}
    shell.extension.session.ledger.flush()
    (stored,) = ledger_records(shell.extension.session.folder)
    assert stored.metrics == {"acc": 0.75, "samples": 8.0}


def test_a_name_alone_is_the_variable_of_that_name(shell: Shell):
    """As ``-m accuracy``."""
    shell.run("%%energy -q -m accuracy\naccuracy = 0.5")
    assert shell.records[0].metrics == {"accuracy": 0.5}


def test_the_record_that_is_shown_has_joules_per_unit(shell: Shell):
    """Where a metric counts work."""
    ran = shell.run("%%energy -m samples=4\nimport time; time.sleep(0.02)")
    assert "samples 4 (" in ran.out
    assert "per sample)" in ran.out


def test_a_metric_is_evaluated_after_the_window(shell: Shell):
    """A slow evaluation is not the cell's: 0.3 s of it are not in the record."""
    shell.run("import time\ndef slow():\n    time.sleep(0.3)\n    return 1.0")
    shell.run("%%energy -q -m score=slow()\npass")
    (record,) = shell.records
    assert record.metrics == {"score": 1.0}
    assert record.duration_s < 0.2


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("nosuch", "NameError"),
        ("1/0", "ZeroDivisionError"),
        ("float('nan')", "not finite"),
        ("'abc'", "ValueError"),
        ("[1,2]", "TypeError"),
        ("__import__('sys').exit(3)", "SystemExit"),
    ],
)
def test_a_bad_expression_costs_the_metric_and_never_the_cell(
    shell: Shell, expression: str, said: str
):
    """The others are stored, the warning names it, the value stands."""
    ran = shell.run(f'%%energy -m "bad={expression}" -m good=2\n21 * 2')
    assert ran.result.result == 42
    (record,) = shell.records
    assert record.metrics == {"good": 2.0}
    assert record.status == "ok"
    assert "the metric bad is not stored" in ran.err
    assert said in ran.err


def test_a_failed_cell_has_no_metrics(shell: Shell):
    """Its variables may be those of a run before it."""
    shell.run("acc = 0.9")
    shell.run("%%energy -q -m acc\n1 / 0")
    assert shell.records[0].status == "error"
    assert shell.records[0].metrics == {}


def test_an_interrupted_evaluation_keeps_the_record(shell: Shell):
    """And says that it is not stored."""
    shell.run("def stop():\n    raise KeyboardInterrupt")
    ran = shell.run("%%energy -q -m a=1 -m b=stop() -m c=3\n5")
    assert shell.records[0].metrics == {"a": 1.0}
    assert "interrupted" in ran.err


def test_the_line_form_takes_metrics_too(shell: Shell):
    """Before the statement."""
    shell.run("%energy -q -m total=sum(y) y = [1, 2, 3]")
    assert shell.records[0].metrics == {"total": 6.0}


@pytest.mark.parametrize("options", ["-m 1x=2", "-m a=", "-m a=1+", "-m class=1"])
def test_wrong_metrics_are_refused_before_the_cell_runs(shell: Shell, options: str):
    """With what is right."""
    with pytest.raises(WrongOptionsError, match=r"no (name|expression)"):
        parse_line(options)
    shell.run(f"%%energy {options}\nran = True")
    assert "ran" not in shell.ip.user_ns


@pytest.mark.parametrize(
    ("options", "expressions"),
    [
        ("-m acc=model.score(X_test, y_test) -m n=len(X)",
         ["model.score(X_test, y_test)", "len(X)"]),
        ("-m acc=scores['test acc'] -l x", ["scores['test acc']"]),
        ('-m acc=d["a"]["b c"]', ['d["a"]["b c"]']),
        ("-m acc=f(')', x) -m b=1", ["f(')', x)", "1"]),
        (r"-m acc=f('\') ', x)", [r"f('\') ', x)"]),
        ("-m acc=float('nan')", ["float('nan')"]),
        # As words of a shell, which they may be as well.
        ("-m 'acc=a / b' -m b='f(x, y)'", ["a / b", "f(x, y)"]),
    ],
)  # fmt: skip
def test_expressions_are_written_as_in_a_cell(options: str, expressions: list[str]):
    """With blanks in brackets and with quotes, before a statement as well."""
    assert [e for _, e in parse_line(options).metrics] == expressions
    found = parse_statement(f"-q {options} y = f(0, 'z')")
    assert [e for _, e in found.metrics] == expressions
    assert found.statement == "y = f(0, 'z')"


def test_a_comparison_within_an_expression_is_no_second_name():
    """Only the first sign of equality ends the name."""
    assert parse_line("-m 'same=a == b'").metrics == (("same", "a == b"),)


@pytest.mark.parametrize(
    "value", [2, 2.0, np.float32(2.0), np.array([2.0]), np.array(2), True + 1, "2"]
)
def test_anything_that_is_one_number_is_taken(value: Any):
    """NumPy's scalars and arrays of one element among them."""
    assert evaluate([("v", "value")], {"value": value}) == ({"v": 2.0}, [])
