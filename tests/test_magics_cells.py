"""A metered cell behaves as an unmetered one: each awkward cell is run both ways."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from shells import LOAD, Ran, Shell, isolate, ledger_records, open_shell

from jupyter_green.magics import ATTRIBUTE

CELLS = {
    "value": "21 * 2",
    "value kept quiet": "21 * 2;",
    "value kept quiet, with a comment": "21 * 2  # the answer;\n",
    "semicolon inside a comment": "21 * 2  # not; quiet",
    "no value": "x = 1",
    "last value": "_",
    "printing": "import sys\nprint('out')\nprint('err', file=sys.stderr)\n7",
    "several lines": "a = 1\n\nb = 2\na + b",
    "error on line 2": "x = 1\n1 / x - 1\nraise KeyError('gone')",
    "error in a function": "def f():\n    return 1 / 0\n\nf()",
    "error with a cause": "try:\n    1 / 0\nexcept ValueError:\n    2",
    "interrupt": "raise KeyboardInterrupt",
    "exit of a program": "raise SystemExit(3)",
    "syntax error": "x = 1\ny = = 2",
    "unclosed bracket": "print(1",
    "unclosed string": "x = '''",
    "wrong indent": "x = 1\n   y = 2",
    "break outside a loop": "x = 1\nbreak",
    "await": "import asyncio\nawait asyncio.sleep(0, 'slept')",
    "await and fail": "import asyncio\n\nawait asyncio.sleep(0)\n1 / 0",
    "async for": "async def g():\n    yield 1\n[x async for x in g()]",
    "%%time": "%%time\nx = 3\nx",
    "%%time that fails": "%%time\nx = 3\n1 / 0",
    "%%time with a syntax error": "%%time\nx = = 3",
    "%%capture": "%%capture kept\nprint('hidden')\n5",
    "%%bash": "%%bash\necho shell; echo trouble >&2",
    "%%bash that fails": "%%bash\nexit 3",
    "%%writefile": "%%writefile /dev/null\n%%energy\nline 2",
    "%%timeit": "%%timeit -n1 -r1\nsum(range(10))",
    "%%prun": "%%prun -q\nsum(range(10))",
    "%%html": "%%html\n<b>bold</b>",
    "blank lines before %%time": "\n\n%%time\nx = 3\nx",
    "comment before %%time": "# a comment\n%%time\n1",
    "comments and blanks": "\n# first\n\n1 + 1\n# last",
    "unknown cell magic": "%%nosuchmagic\n1",
    "unknown line magic": "%nosuchmagic 1",
    "line magic with a value": "%alias_magic t time\n%t 1 + 1",
    "shell command": "!echo hello\nfiles = !echo one two\nfiles",
    "help": "len?",
    "exec_count": "get_ipython().execution_count",
    "nested cell": "get_ipython().run_cell('1 / 0')\n'after'",
    "nested cell with history": "get_ipython().run_cell('8', store_history=True)\n9",
    "nested await": "get_ipython().run_cell('await nosuch()')\n3",
    "source": "import inspect\ndef f():\n    return 1\nprint(inspect.getsource(f))",
    "line number": "import sys\n\nprint(sys._getframe().f_lineno)",
    "in": "In[-1] == In[2], len(In), len(Out)",
    "indented": "    x = 1\n    x",
    "indented below a blank line": "\n\n    x = 1\n    x",
    "indented %%time": "    %%time\n    x = 1\n    x",
    "prompts": ">>> x = 1\n>>> x",
    "braces and dollars": "s = '{x} $HOME {{}}'\ns",
    "future": "from __future__ import annotations\nx: no = 1\n__annotations__",
    "names": "sorted(n for n in dir() if not n.startswith('_'))",
    "display": "from IPython.display import HTML\ndisplay(HTML('<i>x</i>'), 3)\n4",
    "only a comment": "# nothing",
    "unicode": "café = '☃'\ncafé",
    "carriage returns": "x = 1\r\nx + 1\r\n",
    "form feed": "x = 1\n\x0c\nx",
    "surrogate": "x = '\\ud800'\nlen(x)",
    "deep": "len([" + "+".join(["x"] * 990) + "])",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of its own to everything Jupyter."""
    isolate(tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture
def shell(folder: Path) -> Iterator[Shell]:
    """Give a shell with the extension."""
    assert folder.is_dir()
    with open_shell(load=True) as opened:
        yield opened


def seen(ran: Ran) -> dict[str, object]:
    """What a user can see of a cell."""
    result = ran.result
    return {
        "success": result.success,
        "result": repr(result.result),
        "before": re.sub(r"ipython-input-\S*?>", "", repr(result.error_before_exec)),
        "during": repr(result.error_in_exec),
        "text": ran.text,
        "number": result.execution_count,
    }


@pytest.mark.parametrize("way", ["%%energy", "%%energy -q", "%green on"])
@pytest.mark.parametrize("name", CELLS)
def test_same_with_and_without(folder: Path, name: str, way: str) -> None:
    """Value, text, error and line numbers are those of the cell without metering."""
    cell = CELLS[name]
    assert folder.is_dir()
    metered = f"{way}\n{cell}" if way.startswith("%%") else cell
    # A comment in its place keeps the plain cell's line numbers comparable.
    special = (
        cell.lstrip("\n").startswith((" ", ">>>"))
        or "%%" in cell.strip().partition("\n")[0]
    )
    comment = way.startswith("%%") and not special
    expected = without(("# without\n" if comment else "") + cell)
    with open_shell() as shell:
        shell.run(f"{LOAD}\n'before'")
        shell.extension.cells.meter_all = way == "%green on"
        got = shell.run(metered)
        assert left(shell, got) == expected
        records = shell.records
    assert len(records) == (2 if way == "%green on" else 1)
    assert records[0].status == status_of(got)
    assert ("SIMULATED" in got.out) == (way == "%%energy")


@functools.cache
def without(cell: str) -> dict[str, object]:
    """Return what a cell leaves without metering."""
    with open_shell() as plain:
        plain.run("'before'")
        return left(plain, plain.run(cell))


def left(shell: Shell, ran: Ran) -> dict[str, object]:
    """Return what a user can see of a cell, and of the shell after it."""
    history = {number: repr(value) for number, value in shell.ip.user_ns["Out"].items()}
    count = shell.ip.execution_count
    after = seen(shell.run("_"))
    return {**seen(ran), "history": history, "count": count, "after": after}


def status_of(ran: Ran) -> str:
    """Return what the record has to say."""
    error = ran.result.error_before_exec or ran.result.error_in_exec
    if error is None:
        return "ok"
    return "interrupted" if isinstance(error, KeyboardInterrupt) else "error"


def test_load_cell(folder: Path) -> None:
    """The cell that loads the extension succeeds and its value is shown."""
    assert folder.is_dir()
    with open_shell() as shell:
        ran = shell.run(f"{LOAD}\n1 + 1")
        assert (ran.result.success, ran.result.result, ran.err) == (True, 2, "")
        assert ran.out.splitlines() == ["Out[1]: 2"]


def test_loading_twice(shell: Shell) -> None:
    """Loading again, or reloading, leaves one of everything."""
    first = shell.extension
    assert "already loaded" in shell.run(LOAD).out
    assert shell.extension is first
    shell.run("%reload_ext jupyter_green")
    assert shell.extension is not first
    ran = shell.run("%%energy\n1")
    assert ran.out.count("SIMULATED") == 1
    assert len(shell.records) == 1


def test_unloading(folder: Path) -> None:
    """Unloading leaves the shell as it was before."""
    assert folder.is_dir()

    def state(shell: Shell) -> dict[str, object]:
        ip = shell.ip
        return {
            "cleanup": list(ip.input_transformers_cleanup),
            "ast": list(ip.ast_transformers),
            "events": {k: list(v) for k, v in ip.events.callbacks.items()},
            "line": set(ip.magics_manager.magics["line"]),
            "cell": set(ip.magics_manager.magics["cell"]),
            "completers": {
                k: list(v)
                for k, v in ip.strdispatchers["complete_command"].strs.items()
            }
            if "complete_command" in ip.strdispatchers
            else {},
            "names": {n for n in ip.user_ns if not n.startswith("_i")},
            "attribute": hasattr(ip, ATTRIBUTE),
        }

    with open_shell() as shell:
        before = state(shell)
        shell.run(LOAD)
        shell.run("%unload_ext jupyter_green")
        shell.run("%unload_ext jupyter_green")
        assert state(shell) == before
        assert "not found" in shell.run("%%energy\n1").err


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("%%energy", "body is empty"),
        ("%%energy\n", "body is empty"),
        ("%%energy\n  \n\n", "no code"),
        ("%%energy --labl x\n1", "--labl"),
        ("%%energy -p training\n1", "'final', 'search'"),
        ("%%energy -r 1\n1", "give 2 to 10000"),
        ("%%energy -r many\n1", "give 2 to 10000"),
        ("%%energy -r\n1", "expected one argument"),
        ("%%energy -o not-a-name\n1", "not a variable name"),
        ("%%energy -o class\n1", "not a variable name"),
        ("%%energy -l 'open\n1", "No closing quotation"),
        ("%%energy extra\n1", "extra"),
    ],
)
def test_wrong_use(shell: Shell, cell: str, says: str) -> None:
    """Wrong use is an error that says what to do, and the body does not run."""
    ran = shell.run(cell)
    assert isinstance(ran.result.error_in_exec, UsageError)
    assert ran.err.startswith("UsageError: %%energy")
    assert says in ran.err
    assert len(ran.err.splitlines()) == 1
    assert ran.out == ""
    assert shell.records == []


@pytest.mark.parametrize("line", ["%%energy?", "%energy?"])
def test_help(shell: Shell, line: str) -> None:
    """A question mark shows the options and meters nothing."""
    ran = shell.run(line)
    assert ran.result.success
    assert "--repeats" in ran.out
    assert "SIMULATED" not in ran.out
    assert shell.records == []


def test_label_with_question_mark(shell: Shell) -> None:
    """A label may end in a question mark."""
    assert shell.run("%%energy -l why?\n1").result.result == 1
    assert shell.records[0].label == "why?"


@pytest.mark.parametrize(
    "space", ["%%energy\t-q\n1", "%%energy   -q  \n1", "  %%energy -q\n1"]
)
def test_white_space(shell: Shell, space: str) -> None:
    """Tabs, several blanks and an indent change nothing."""
    assert shell.run(space).result.result == 1
    assert len(shell.records) == 1


def test_prompts(shell: Shell) -> None:
    """A cell pasted with its prompts is metered, as the shell runs it."""
    ran = shell.run(">>> %%energy\n>>> x = 2\n>>> x")
    assert ran.result.result == 2
    assert len(shell.records) == 1


@pytest.mark.parametrize("outer", ["%%time", "%%capture kept", "%%prun -q"])
def test_under_another_magic(shell: Shell, outer: str) -> None:
    """``%%energy`` below ``%%time`` or ``%%capture`` meters the whole, and shows it."""
    ran = shell.run(f"{outer}\n%%energy -l below\ny = 6")
    assert ran.result.success, ran.err
    assert ran.out.count("SIMULATED") == 1
    assert [r.label for r in shell.records] == ["below"]
    assert shell.ip.user_ns["y"] == 6


def test_other_language_keeps_its_text(shell: Shell) -> None:
    """A line ``%%energy`` in a file or another language is that language's own."""
    shell.run("%%writefile here.txt\n%%energy\nline 2")
    assert Path("here.txt").read_text() == "%%energy\nline 2\n"
    assert shell.records == []


def test_without_history(shell: Shell) -> None:
    """A cell that is not stored in history is metered without a number."""
    ran = shell.run("%%energy\n5", store_history=False)
    assert ran.result.result == 5
    assert [r.execution_count for r in shell.records] == [None]
    shell.extension.cells.meter_all = True
    shell.run("6", store_history=False)
    assert len(shell.records) == 1


def test_silent(shell: Shell) -> None:
    """A silent cell runs and shows nothing: the shell tells nobody of it."""
    ran = shell.run("%%energy\nz = 5", silent=True, store_history=False)
    assert (ran.out, ran.err, shell.ip.user_ns["z"]) == ("", "", 5)
    assert shell.records == []


def test_inner_cells_belong_to_the_outer(shell: Shell) -> None:
    """A cell run by a cell is part of it, also if it asks to be metered."""
    ran = shell.run(
        "%%energy -l outer\nip = get_ipython()\n"
        "ip.run_cell('%%energy -l inner\\n1')\nip.run_cell('x = = 1')\nx = 3"
    )
    assert ran.result.success
    assert [r.label for r in shell.records] == ["outer"]
    shell.run("%%energy -l next\n1")
    assert [r.label for r in shell.records] == ["outer", "next"]


def test_interrupted_await(shell: Shell) -> None:
    """After an interrupt of a running loop the cell's window is closed."""
    ran = shell.run(
        "%%energy\nimport asyncio, signal, threading\n"
        "main = threading.main_thread().ident\n"
        "threading.Timer(0.2, signal.pthread_kill, [main, signal.SIGINT]).start()\n"
        "await asyncio.sleep(20)"
    )
    assert not ran.result.success
    assert [r.status for r in shell.records] == ["interrupted"]
    shell.run("%%energy\n1")
    assert [r.status for r in shell.records] == ["interrupted", "ok"]


def test_interrupted(shell: Shell) -> None:
    """A real interrupt ends the cell and its record says so."""
    ran = shell.run(
        "%%energy\nimport signal, threading, time\n"
        "main = threading.main_thread().ident\n"
        "threading.Timer(0.2, signal.pthread_kill, [main, signal.SIGINT]).start()\n"
        "time.sleep(20)"
    )
    assert isinstance(ran.result.error_in_exec, KeyboardInterrupt)
    (record,) = shell.records
    assert (record.status, record.error) == ("interrupted", "KeyboardInterrupt")
    assert 0.1 < record.duration_s < 5


def test_record_says_what_ran(shell: Shell, folder: Path) -> None:
    """The record holds label, purpose, number, hash and the error's name."""
    shell.run("%%energy -l 'two words' -p search\n1 / 0")
    (record,) = shell.records
    assert (record.label, record.purpose) == ("two words", "search")
    assert (record.status, record.error) == ("error", "ZeroDivisionError")
    assert (record.execution_count, len(record.source_sha256)) == (2, 64)
    assert record.session == shell.extension.session.id
    shell.extension.session.ledger.flush(5.0)
    assert [r.id for r in ledger_records(folder / "ledger")] == [record.id]


def test_output_variable(shell: Shell) -> None:
    """``-o`` stores the record; where it was provisional, the final one replaces it."""
    shell.run("%%energy -q -o first\n1")
    assert not shell.ip.user_ns["first"].final
    assert shell.records[0] is shell.ip.user_ns["first"]
    shell.run("%%energy -q -o second\n1 / 0")
    shell.run("second = 'mine'")
    assert shell.records[1].status == "error"
    assert shell.ip.user_ns["second"] == "mine"


def test_a_label_of_blanks_is_none(shell: Shell) -> None:
    """Nobody could tell it from no label, nor name it in a comparison."""
    shell.run("%%energy -q -l '   '\npass")
    shell.run("%%energy -q -l ' a b '\npass")
    assert [r.label for r in shell.records] == ["", "a b"]


def test_label_takes_variables(shell: Shell) -> None:
    """A label takes the user's variables, as other magics do, and no others."""
    shell.run("label, request, rate = 1, 2, 0.5")
    shell.run("%%energy -l 'run {label} {rate} $request'\n1")
    shell.run("%%energy -l '{self} {1 / 0} {'\n1")
    assert [r.label for r in shell.records] == ["run 1 0.5 2", "{self} {1 / 0} {"]


def test_verbose(shell: Shell) -> None:
    """``-v`` adds a line for each device."""
    lines = shell.run("%%energy -v\n1").out.splitlines()
    assert [x.split()[0] for x in lines if x.startswith("  ")][:3] == [
        "gpu",
        "cpu",
        "dram",
    ]


def test_terminal_prints_once(shell: Shell) -> None:
    """A shell that cannot replace an output shows the final figure, once."""
    ran = shell.run("%%energy\n1")
    shell.extension.session.meter.settle()
    assert ran.out.count("SIMULATED") == 1
    assert "provisional" not in ran.out


def test_completeness(shell: Shell) -> None:
    """A terminal waits for a blank line after ``%%energy``, as for any cell magic."""
    for body in ("", "x = 1", "for i in x:\n    1", "x = 1\n"):
        expected = shell.ip.check_complete(f"%%time\n{body}")
        assert shell.ip.check_complete(f"%%energy\n{body}") == expected


def completed(shell: Shell, line: str) -> set[str]:
    """Return what the tabulator key offers at the end of *line*."""
    with provisionalcompleter():
        found = shell.ip.Completer.completions(line, len(line))
        return {line[: x.start] + x.text for x in found}


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("%%energy --la", ["--label"]),
        ("%energy --ver", ["--verbose"]),
        ("%%energy -p se", ["search"]),
        ("%%energy --purpose ", ["ablation", "development", "final"]),
        ("%green st", ["status"]),
        ("%green ", ["baseline", "doctor", "location", "off", "on"]),
        ("%green totals --by no", ["notebook"]),
        ("%green totals --", ["--by", "--session", "--since"]),
        ("%ener", ["%energy"]),
        ("%%ener", ["%%energy"]),
        ("%%energy -l x -", ["--output", "--purpose"]),
    ],
)
def test_completion(shell: Shell, line: str, offers: list[str]) -> None:
    """Verbs, options, purposes and groupings are completed."""
    head = line[: line.rfind(" ") + 1]
    assert {head + offer for offer in offers} <= completed(shell, line)


@pytest.mark.parametrize(
    "line", ["%%energy -p x y", "%green totals --by day n", "%green on "]
)
def test_completion_offers_nothing_there(shell: Shell, line: str) -> None:
    """Where no option can stand, none of ours is offered."""
    head = line[: line.rfind(" ") + 1]
    ours = {head + offer for offer in ("final", "status", "notebook", "on", "--by")}
    assert not ours & completed(shell, line)
