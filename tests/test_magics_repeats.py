"""``-r``: the cell runs exactly so often, as a cell does, and leaves nothing behind."""

from __future__ import annotations

import builtins
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from shells import Shell, isolate, open_shell

from jupyter_green.magics.repeats import student_t95, summarise


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Give a shell with the extension."""
    isolate(tmp_path, monkeypatch)
    with open_shell(load=True) as opened:
        yield opened


def test_runs_exactly_so_often(shell: Shell) -> None:
    """Five repeats run the cell five times; four count."""
    shell.run("n = 0")
    ran = shell.run("%%energy -r 5 -o record\nn += 1\nn")
    assert ran.out.count("Out[3]: 5") == 1
    assert ran.result.result == 5
    repeats = shell.records[0].repeats
    assert repeats is not None
    assert (repeats.runs, repeats.dropped, len(repeats.energy_j)) == (5, 1, 4)
    known = [energy for energy in repeats.energy_j if energy is not None]
    assert repeats.mean_j == pytest.approx(statistics.fmean(known))
    assert sum(repeats.duration_s) < shell.records[0].duration_s


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("import asyncio\nawait asyncio.sleep(0, 'slept')", "slept"),
        ("import asyncio\nv = await asyncio.sleep(0, 'slept')", None),
        ("async def g():\n    yield 1\n[x async for x in g()]", [1]),
        ("21 * 2;", None),
        ("'''doc'''\nfrom __future__ import annotations\n7", 7),
        ("from __future__ import annotations\nfrom __future__ import division\n7", 7),
        ("'only a string'", "only a string"),
        ("def f():\n    return 3\nf()", 3),
        ("class A:\n    x = 1\nA.x", 1),
        ("x: int = 4\nx", 4),
        ("for i in range(3):\n    if i:\n        break\ni", 1),
        ("%%time\n8", 8),
        ("%%capture kept\nprint(1)", None),
        ("!true", None),
        ("from math import *\nfloor(2.5)", 2),
        ("lambda: 1", "function"),
        ("1 if True else 2\n", 1),
        ("with open('/dev/null') as f:\n    pass\nf.closed", True),
    ],
)
def test_bodies(shell: Shell, body: str, value: object) -> None:
    """The value is that of one run, and every kind of statement can be repeated."""
    ran = shell.run(f"%%energy -r 3 -q\n{body}")
    assert ran.result.success, ran.out + ran.err
    result = ran.result.result
    assert (type(result).__name__ if callable(result) else result) == value
    repeats = shell.records[0].repeats
    assert repeats is not None
    assert len(repeats.energy_j) == 2


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("x = 1\n\n1 / 0", 4),
        ("import asyncio\nawait asyncio.sleep(0)\n1 / 0", 4),
        ("def f():\n    return 1 / 0\nf()", 3),
        ("for x in (1, 0):\n    1 / x\n", 3),
    ],
)
def test_error(shell: Shell, body: str, line: int) -> None:
    """An error ends the repeats, on the line where it stands in the cell."""
    ran = shell.run(f"%%energy -r 3\n{body}")
    assert isinstance(ran.result.error_in_exec, ZeroDivisionError)
    assert f"----> {line} " in ran.out
    assert "__jupyter_green" not in ran.out
    (record,) = shell.records
    assert (record.status, record.error) == ("error", "ZeroDivisionError")


def test_error_in_the_second_run(shell: Shell) -> None:
    """Runs before the error are kept; what is incomplete is no figure."""
    shell.run("n = 0")
    ran = shell.run("%%energy -r 9\nn += 1\nif n == 4:\n    raise OSError('full')\nn")
    assert isinstance(ran.result.error_in_exec, OSError)
    assert ran.result.result is None
    repeats = shell.records[0].repeats
    assert repeats is not None
    assert (repeats.runs, len(repeats.energy_j)) == (3, 2)


def test_error_in_the_first_run(shell: Shell) -> None:
    """Without one whole run after the first there is no mean, and the text says so."""
    ran = shell.run("%%energy -r 3\n1 / 0")
    report = next(x for x in ran.out.splitlines() if "per run" in x or "no run" in x)
    assert "no run" in report
    assert "not measured" not in report


@pytest.mark.parametrize("body", ["x = 1\nbreak", "continue", "return 3", "x = = 1"])
def test_syntax_errors_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    """What is no valid cell by itself is not made one by the loop around it."""
    isolate(tmp_path, monkeypatch)
    with open_shell() as plain:
        plain.run("'before'")
        expected = plain.run(f"# without\n{body}")
    with open_shell(load=True) as shell:
        ran = shell.run(f"%%energy -r 3 -q\n{body}")
    assert ran.text == expected.text
    assert "SyntaxError" in ran.out + ran.err


def test_leaves_nothing_behind(shell: Shell) -> None:
    """No name of ours stays in the user's namespace or among the builtins."""
    before = set(shell.ip.user_ns), set(vars(builtins))
    shell.run("%%energy -q -r 3\n1")
    shell.run("%%energy -q -r 3\n1 / 0")
    names = {n for n in shell.ip.user_ns if not n.startswith("_")}
    assert names <= before[0] | {"In", "Out"}
    assert set(vars(builtins)) - before[1] == set()


def test_functions_outlive_the_loop(shell: Shell) -> None:
    """A function defined in a repeated cell is an ordinary one."""
    shell.run("%%energy -q -r 2\nk = 5\ndef f():\n    return k, f.__name__")
    assert shell.run("f()").result.result == (5, "f")


@pytest.mark.parametrize(
    ("mode", "body", "shown"),
    [
        ("last_expr_or_assign", "y = 5", ["Out[2]: 5"]),
        ("last_expr_or_assign", "y = 5\ny += 1", ["Out[2]: 6"]),
        ("last_expr_or_assign", "y: int = 5", ["Out[2]: 5"]),
        ("last_expr_or_assign", "y, z = 5, 6", []),
        ("last_expr_or_assign", "y = 5;", []),
        ("last_expr_or_assign", "y: int", ["not defined"]),
        ("last", "5", ["Out[2]: 5"]),
        ("none", "5", []),
        ("last_expr", "y = 5", []),
    ],
)
def test_interactivity(shell: Shell, mode: str, body: str, shown: list[str]) -> None:
    """What the shell shows of a cell it shows once, in each of its modes."""
    shell.ip.ast_node_interactivity = mode
    ran = shell.run(f"%%energy -q -r 3\n{body}")
    lines = [x for x in ran.out.splitlines() if x.startswith(("Out", "NameError: "))]
    assert len(lines) == len(shown)
    assert all(part in line for part, line in zip(shown, lines, strict=True))


def test_printed_by_each_run(shell: Shell) -> None:
    """What a cell prints it prints in every run."""
    assert shell.run("%%energy -q -r 3\nprint('x')").out == "x\nx\nx\n"


def test_interrupt(shell: Shell) -> None:
    """An interrupt ends all repeats."""
    ran = shell.run(
        "%%energy -q -r 1000\nimport signal, threading, time\n"
        "signal.raise_signal(signal.SIGINT)\ntime.sleep(9)"
    )
    assert isinstance(ran.result.error_in_exec, KeyboardInterrupt)
    assert [r.status for r in shell.records] == ["interrupted"]


def test_nothing_registered_between(shell: Shell) -> None:
    """The transformer of trees is there only while a repeated cell runs."""
    assert shell.ip.ast_transformers == []
    shell.run("%%energy -q -r 2\n1 / 0")
    assert shell.ip.ast_transformers == []


def test_statistics_of_two_runs() -> None:
    """One kept run has a mean and no spread."""
    repeats = summarise([5.0, 4.0], [1.0, 2.0])
    assert (repeats.mean_j, repeats.stdev_j, repeats.interval_j) == (4.0, None, None)


def test_statistics() -> None:
    """Mean, spread and Student's interval of the runs after the first."""
    repeats = summarise([99.0, 10.0, 12.0, 14.0], [1.0] * 4)
    assert repeats.mean_j == pytest.approx(12.0)
    assert repeats.stdev_j == pytest.approx(2.0)
    # t(0.975, 2) = 4.303 from tables; half-width t s / sqrt(n).
    assert repeats.interval_j == pytest.approx(4.303 * 2.0 / 3**0.5)


@pytest.mark.parametrize(
    ("degrees", "expected"), [(1, 12.706), (30, 2.042), (40, 2.021), (120, 1.980)]
)
def test_student(degrees: int, expected: float) -> None:
    """The quantile is that of the tables, also beyond them."""
    assert student_t95(degrees) == pytest.approx(expected, abs=0.002)
