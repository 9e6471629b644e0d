"""``%energy STATEMENT`` runs a statement as the shell would, and gives its value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.error import UsageError
from shells import Shell, isolate, open_shell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Give a shell with the extension."""
    isolate(tmp_path, monkeypatch)
    with open_shell(load=True) as opened:
        yield opened


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("sum(range(10))", 45),
        ("'{not} $a'", "{not} $a"),
        ('"it\'s" + " -l x"', "it's -l x"),
        ("[1, 2][-1]", 2),
        ("x = 3", None),
        ("x = 3; x + 1", 4),
        ("(lambda a: a * 2)(4)", 8),
        ("-q 1 + 1", 2),
        ("-l 'two words' 6", 6),
        ('--label="two words" 6', 6),
        ("-l'two words' 6", 6),
        ("-- -5 + 2", -3),
        ("-q -- -5", -5),
        ("-r 3 7", 7),
        ("print('hi') or 5", 5),
        ("{'a': 1}", {"a": 1}),
        ("f'{1 + 1}'", "2"),
        ("r'\\n'", "\\n"),
        ("!echo hello", None),
    ],
)
def test_value(shell: Shell, statement: str, value: object) -> None:
    """The value is that of the statement, however it is spelt."""
    ran = shell.run(f"%energy {statement}")
    assert ran.result.success, ran.out + ran.err
    assert ran.result.result == value
    (record,) = shell.records
    assert record.label in ("", "two words")
    assert ("-q" in statement) == ("SIMULATED" not in ran.out)


def test_assignment(shell: Shell) -> None:
    """The value can be assigned, and a semicolon keeps it quiet."""
    shell.run("y = %energy -q 6 * 7")
    assert shell.ip.user_ns["y"] == 42
    assert shell.run("%energy -q 6 * 7;").out == ""


def test_local_names(shell: Shell) -> None:
    """In a function the statement sees the function's names, as with ``%time``."""
    shell.run("def f(n):\n    v = %energy -q n + 1\n    return v")
    assert shell.run("f(4)").result.result == 5


def test_error(shell: Shell) -> None:
    """An error is raised as it is, and the record has its name."""
    ran = shell.run("%energy 1 / 0")
    assert isinstance(ran.result.error_in_exec, ZeroDivisionError)
    assert (shell.records[0].status, shell.records[0].error) == (
        "error",
        "ZeroDivisionError",
    )
    assert ran.out.count("SIMULATED") == 1


def test_interrupt(shell: Shell) -> None:
    """An interrupt is raised as it is."""
    ran = shell.run("import signal\n%energy -q signal.raise_signal(signal.SIGINT)")
    assert isinstance(ran.result.error_in_exec, KeyboardInterrupt)
    assert shell.records[0].status == "interrupted"


def test_in_a_loop_in_a_metered_cell(shell: Shell) -> None:
    """Statements in a metered cell are parts of it."""
    shell.run("%%energy -q -l outer\nfor i in range(2):\n    %energy -q -l inner i")
    inner, also, outer = shell.records
    assert [inner.label, also.label, outer.label] == ["inner", "inner", "outer"]
    assert {inner.parent, also.parent} == {outer.id}


def test_captured(shell: Shell) -> None:
    """Under ``%%capture`` the report is captured, once, with its final figure."""
    ran = shell.run("%%capture kept\n%energy 1")
    assert ran.out == ""
    assert len(shell.records) == 1
    outputs = shell.ip.user_ns["kept"].outputs
    texts = [x.data.get("text/plain", "") for x in outputs]
    assert sum("SIMULATED" in text for text in texts) == 1
    assert not any("provisional" in text for text in texts)


def test_repeats(shell: Shell) -> None:
    """``-r`` runs the statement so often; an error ends it."""
    shell.run("n = []")
    shell.run("%energy -q -r 4 n.append(1)")
    assert len(shell.ip.user_ns["n"]) == 4
    shell.run("%energy -q -r 9 n.append(1) or 1 / (len(n) != 7)")
    first, second = (record.repeats for record in shell.records)
    assert first is not None
    assert second is not None
    assert [(x.runs, len(x.energy_j)) for x in (first, second)] == [(4, 3), (2, 1)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%energy", "no statement"),
        ("%energy -q", "no statement"),
        ("%energy -l", "expected one argument"),
        ("%energy --lable x 1", "--lable"),
        ("%energy -p never 1", "invalid choice"),
        ("%energy -l 'open 1", "No closing quotation"),
        ("%energy -x", "-x"),
    ],
)
def test_wrong_use(shell: Shell, line: str, says: str) -> None:
    """Wrong use is an error that says what to do."""
    ran = shell.run(line)
    assert isinstance(ran.result.error_in_exec, UsageError)
    assert says in ran.err
    assert len(ran.err.splitlines()) == 1


def test_syntax_error(shell: Shell) -> None:
    """A statement that is no Python is the shell's syntax error."""
    ran = shell.run("%energy 1 +")
    assert isinstance(ran.result.error_in_exec, SyntaxError)
