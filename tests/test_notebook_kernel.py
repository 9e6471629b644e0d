"""Metered cells in a real kernel: replies, interrupts, updates, subshells, restarts."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernels import Answer, Kernel, open_kernel
from shells import LOAD, isolate, ledger_records

SLOW_SUM = "import time\nprint('begun', flush=True)\ntime.sleep(30)"
# In small steps: ipykernel 7.4 acts on an interrupt only when its loop wakes up.
SLOW_AWAIT = """import asyncio
print('begun', flush=True)
for _ in range(300):
    await asyncio.sleep(0.1)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a folder of its own to everything Jupyter."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        path = tmp_path_factory.mktemp("kernel")
        isolate(path, monkeypatch)
        yield path


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Kernel]:
    """Give one kernel to all tests."""
    assert folder.is_dir()
    with open_kernel() as opened:
        yield opened


@pytest.fixture
def kernel(running: Kernel) -> Kernel:
    """Give the kernel with the extension freshly loaded."""
    for code in ("%unload_ext jupyter_green", "%reset -f", LOAD):
        assert running.run(code, store_history=False).status == "ok"
    return running


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("x = = 1", "SyntaxError"),
        ("import asyncio\nawait asyncio.sleep(0)\n{}['k']", "KeyError"),
        ("%%bash\nexit 3", "CalledProcessError"),
        ("%nosuchmagic", "UsageError"),
        ("%%energy -p wrong\n1", "UsageError"),
    ],
)
def test_failing_cell(kernel: Kernel, code: str, error: str) -> None:
    """A failing cell fails in the reply, so that what is queued behind it stops."""
    comment = "" if code.startswith("%%") else "# without\n"
    plain = kernel.run(comment + code) if "energy" not in code else None
    first, second = kernel.send(f"%%energy\n{code}"), kernel.send("never = 1")
    failed, queued = kernel.wait(first), kernel.wait(second)
    assert (failed.status, failed.reply["ename"]) == ("error", error)
    assert queued.status == "aborted"
    if plain and plain.reply["ename"] != "UsageError":
        assert told(failed) == told(plain)
        assert failed.record.status == "error"
        assert failed.record.error == error


def told(answer: Answer) -> str:
    """Return an error's text without the name of the cell's file."""
    return re.sub(r"\S+\.py", "", answer.reply["evalue"])


def test_value(kernel: Kernel) -> None:
    """The value is an execute_result with the count; the report stands below it."""
    answer = kernel.run("%%energy\n6 * 7")
    kinds = [m["msg_type"] for m in answer.messages]
    assert kinds.index("execute_result") < kinds.index("display_data")
    (shown,) = answer.outputs
    assert shown["data"]["text/plain"] == "42"
    assert shown["execution_count"] == answer.reply["execution_count"]
    assert answer.record.execution_count == answer.reply["execution_count"]


def test_updated_in_place(kernel: Kernel) -> None:
    """A provisional figure is shown at once and replaced by the final one in place."""
    began_s = time.monotonic()
    answer = kernel.run("%%energy -v\npass", cell_id="a1b2")
    assert time.monotonic() - began_s < 2.0
    (report,) = answer.reports
    assert (report["type"], report["record"].final) == ("display_data", False)
    (late,) = kernel.late_reports(answer)
    assert (late["type"], late["record"].final) == ("update_display_data", True)
    assert late["record"].id == report["record"].id


@pytest.mark.parametrize("code", ["%%energy\npass", "%energy 1"])
def test_final_at_once(kernel: Kernel, code: str) -> None:
    """A client that names no cells may be gone later: it gets the final figure only."""
    answer = kernel.run(code)
    (report,) = answer.reports
    assert report["record"].final
    assert kernel.run("import time; time.sleep(0.3)").reports == []


def test_final_figure_is_not_captured(kernel: Kernel) -> None:
    """The next cell's ``%%capture`` does not swallow the final figure."""
    answer = kernel.run("%%energy\npass", cell_id="a1b2")
    kernel.run("%%capture kept\nimport time; time.sleep(0.3)")
    (late,) = kernel.late_reports(answer)
    assert late["record"].final
    assert kernel.run("len(kept.outputs)").outputs[0]["data"]["text/plain"] == "0"


def test_output_variable(kernel: Kernel) -> None:
    """``-o`` has the final record once it is there."""
    kernel.run("%%energy -q -o record\npass")
    # Some periods of the slowest counter, which the first window has to learn.
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        kernel.run("import time; time.sleep(0.1)")
        answer = kernel.run("record.final")
        if answer.outputs[0]["data"]["text/plain"] == "True":
            return
    pytest.fail("the record did not become final")


@pytest.mark.parametrize("code", [SLOW_SUM, SLOW_AWAIT])
def test_interrupt(kernel: Kernel, code: str) -> None:
    """An interrupt stops the cell; its record says interrupted; the kernel goes on."""
    identifier = kernel.send(f"%%energy\n{code}")
    kernel.until_running(identifier)
    kernel.manager.interrupt_kernel()
    answer = kernel.wait(identifier)
    assert answer.status == "error"
    assert answer.record.status == "interrupted"
    assert 0.2 < answer.record.duration_s < 10
    assert kernel.run("%%energy\n1").record.status == "ok"


def test_cell_id(kernel: Kernel) -> None:
    """The front end's id of the cell is in the record."""
    assert kernel.run("%%energy\n1", cell_id="a1b2").record.cell_id == "a1b2"


def test_interpreter_held(kernel: Kernel) -> None:
    """A call that lets no other thread run is metered by its ends."""
    answer = kernel.run(
        "%%energy\nimport ctypes\nctypes.PyDLL(None).usleep(700_000); None"
    )
    assert answer.record.duration_s >= 0.7
    cpu = next(d for d in answer.record.devices if d.kind == "cpu")
    assert cpu.energy_j is not None
    assert cpu.energy_j > 0.7 * 25


def test_subshell(kernel: Kernel) -> None:
    """Cells on the main shell and on a subshell are metered side by side."""
    reply = kernel.control("create_subshell_request")
    if "subshell_id" not in reply:
        pytest.skip("this ipykernel has no subshells")
    subshell = reply["subshell_id"]
    try:
        slow = kernel.send(
            "%%energy -l main\nimport time\nprint('begun', flush=True)\ntime.sleep(1.5)"
        )
        kernel.until_running(slow)
        inner = kernel.run(
            "%%energy -l sub -r 3\nimport time\ntime.sleep(0.1)\n'sub'",
            subshell_id=subshell,
        )
        failed = kernel.run("%%energy -l failed\n1 / 0", subshell_id=subshell)
        main = kernel.wait(slow)
    finally:
        kernel.control("delete_subshell_request", subshell_id=subshell)
    assert [(a.record.label, a.record.status) for a in (main, inner, failed)] == [
        ("main", "ok"),
        ("sub", "ok"),
        ("failed", "error"),
    ]
    assert main.record.duration_s == pytest.approx(1.5, abs=0.4)
    assert 0.3 <= inner.record.duration_s < 1.0
    assert inner.record.repeats is not None
    assert inner.record.repeats.runs == 3
    assert main.record.repeats is None
    assert main.record.parent is inner.record.parent is None
    for answer in (main, inner, failed):
        shown = [r for r in answer.reports if r["type"] == "display_data"]
        assert len(shown) == 1


def test_completion(kernel: Kernel) -> None:
    """The front end's tabulator key offers our options."""
    identifier = kernel.client.complete("%%energy --la", 13)
    reply = kernel.client.shell_channel.get_msg(timeout=30)
    assert reply["parent_header"]["msg_id"] == identifier
    assert "--label" in reply["content"]["matches"]


def test_help(kernel: Kernel) -> None:
    """The front end's help of the magics has their options."""
    for name, says in (("%%energy", "--repeats"), ("%green", "baseline")):
        identifier = kernel.client.inspect(name, len(name))
        reply = kernel.client.shell_channel.get_msg(timeout=30)
        assert reply["parent_header"]["msg_id"] == identifier
        assert says in reply["content"]["data"]["text/plain"]


def test_restart_in_the_middle(folder: Path) -> None:
    """After a restart all is there: the killed run, and a new session that meters."""
    with open_kernel() as kernel:
        kernel.run(LOAD)
        kernel.run("%%energy -l before\n1")
        identifier = kernel.send(f"%%energy -l killed\n{SLOW_SUM}")
        kernel.until_running(identifier)
        time.sleep(0.5)
        kernel.manager.restart_kernel(now=True)
        kernel.client.wait_for_ready(timeout=60)
        kernel.run(LOAD)
        kernel.run("%%energy -l after\n1")
        kernel.run("%green totals")
        found = {
            r.label: r
            for r in ledger_records(folder / "ledger")
            if r.label in ("before", "killed", "after")
        }
    assert {name: r.status for name, r in found.items()} == {
        "before": "ok",
        "killed": "killed",
        "after": "ok",
    }
    assert found["before"].session == found["killed"].session
    assert found["after"].session != found["before"].session
