"""``jg.Meter`` and ``jg.metered``, as a plain script uses them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shells import isolate, ledger_records, open_shell, quick_device

import jupyter_green as jg
from jupyter_green.devices.device import Found
from jupyter_green.errors import MeterError
from jupyter_green.session import Session
from jupyter_green.settings import resolve_settings

SCRIPT = """
import asyncio
import jupyter_green as jg

with jg.Meter() as meter:
    with meter.window("outer") as outer:
        with meter.window("inner", purpose="final") as inner:
            sum(range(100_000))
    meter.settle()
assert outer.record.status == inner.record.status == "ok"
assert inner.record.parent == outer.record.id
assert outer.record.final and outer.record.energy_j > 0
assert outer.record.co2e_g > 0

@jg.metered("fit", purpose="search")
def fit(n):
    return n + 1

@jg.metered()
async def fetch():
    await asyncio.sleep(0.01)
    return "got"

assert fit(1) == 2
assert asyncio.run(fetch()) == "got"
print("done")
"""


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give simulated devices and a ledger of its own."""
    return isolate(tmp_path, monkeypatch)


@pytest.fixture
def session(ledger: Path) -> Iterator[Session]:
    """Give a session whose records are final at once."""
    opened = Session(
        resolve_settings({"ledger": str(ledger)}),
        find_devices=lambda _: Found((quick_device(),), ()),
    )
    yield opened
    opened.close()


def script(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run *code* as a program, in which warnings are errors."""
    path = folder / "script.py"
    path.write_text(code)
    return subprocess.run(
        [sys.executable, "-W", "error", path],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


def test_a_plain_script(ledger: Path, tmp_path: Path) -> None:
    """What `metered` wrote is there when the script is over; `Meter` writes nothing."""
    done = script(tmp_path, SCRIPT)
    assert (done.stdout, done.stderr) == ("done\n", "")
    records = ledger_records(ledger)
    assert [r.label for r in records] == ["fit", "fetch"]
    assert [r.purpose for r in records] == ["search", None]
    assert all(r.status == "ok" and r.final for r in records)
    assert records[1].duration_s >= 0.01


def test_a_script_that_fails_keeps_its_traceback(ledger: Path, tmp_path: Path) -> None:
    """The window that the error ended is in the ledger, and the exit code is 1."""
    code = "import jupyter_green as jg\n@jg.metered()\ndef work(): 1 / 0\nwork()\n"
    done = script(tmp_path, code)
    assert done.returncode == 1
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")
    (record,) = ledger_records(ledger)
    assert (record.status, record.error) == ("error", "ZeroDivisionError")


def test_a_meter_finds_the_devices(ledger: Path) -> None:
    """Simulated ones here, by the settings; nothing is written."""
    with jg.Meter() as meter:
        assert [d.about.kind for d in meter.devices] == ["gpu", "cpu", "dram"]
        record = meter.end(meter.begin("train"))
    assert record.final
    assert [d.method for d in record.devices] == ["simulated"] * 3
    assert record.pue.value == 1.0
    assert not ledger.exists()


def test_a_meter_of_given_devices() -> None:
    """Only they are read; a provisional record comes at once."""
    with jg.Meter(devices=[quick_device(50.0)]) as meter:
        window = meter.begin()
        time.sleep(0.05)
        record = meter.end(window, wait=False)
    (device,) = record.devices
    assert device.energy_j == pytest.approx(50.0 * record.duration_s, rel=0.01)


def test_a_location_that_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs the grams, not the joules."""
    monkeypatch.setenv("JUPYTER_GREEN_COUNTRY", "Atlantis")
    with jg.Meter(devices=[quick_device()]) as meter:
        record = meter.end(meter.begin())
    assert record.energy_j is not None
    assert record.co2e_g is None


def test_windows_overlap_and_end_once() -> None:
    """Any order of ends will do, but each window has one."""
    with jg.Meter(devices=[quick_device()]) as meter:
        first, second = meter.begin("a"), meter.begin("b")
        meter.end(first)
        meter.end(second)
        with pytest.raises(MeterError, match="is not open here"):
            meter.end(first)
        with pytest.raises(MeterError, match="there is no purpose 'fun'"):
            meter.begin(purpose="fun")
        unfinished = meter.begin("c")
    assert unfinished.record.status == "interrupted"
    assert "overlap" in second.record.flags


def test_a_window_whose_body_raises() -> None:
    """The error passes through, and its name is in the record."""
    with jg.Meter(devices=[quick_device()]) as meter:
        with pytest.raises(KeyError), meter.window() as failed:
            raise KeyError("k")
        with pytest.raises(KeyboardInterrupt), meter.window() as interrupted:
            raise KeyboardInterrupt
    assert (failed.record.status, failed.record.error) == ("error", "KeyError")
    assert interrupted.record.status == "interrupted"


def test_metered_functions_are_as_before(session: Session, ledger: Path) -> None:
    """Name, documentation, arguments and value are the function's own."""

    @jg.metered(session=session)
    def add(a: int, *, b: int = 2) -> int:
        """Add."""
        return a + b

    assert (add.__name__, add.__doc__) == ("add", "Add.")
    assert [add(1), add(1, b=1)] == [3, 2]
    kept: Any = add
    assert [w.record.status for w in kept.windows] == ["ok", "ok"]
    session.close()
    (first, second) = ledger_records(ledger)
    assert first.label.endswith("add")
    assert first.id != second.id
    assert first.session == session.id


def test_a_metered_function_that_raises(session: Session) -> None:
    """Its window is kept, also of a coroutine that is cancelled."""

    @jg.metered("bad", session=session)
    def bad() -> None:
        raise ValueError("x")

    @jg.metered("slow", session=session)
    async def slow() -> None:
        await asyncio.sleep(60)

    async def cancel() -> None:
        task = asyncio.create_task(slow())
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(ValueError, match="x"):
        bad()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel())
    windows = [f.windows[-1].record for f in (bad, slow)]  # type: ignore[attr-defined]
    assert [(r.status, r.error) for r in windows] == [
        ("error", "ValueError"),
        ("error", "CancelledError"),
    ]


def test_metered_calls_nest_and_recur(session: Session) -> None:
    """An inner call is part of the outer one."""

    @jg.metered(session=session)
    def down(n: int) -> int:
        return 0 if n == 0 else 1 + down(n - 1)

    assert down(2) == 2
    outer, middle, inner = (w.record for w in down.windows)  # type: ignore[attr-defined]
    assert (middle.parent, inner.parent) == (outer.id, middle.id)
    assert outer.parent is None


NESTED = """
import jupyter_green as jg

@jg.metered("inner")
def inner(): pass

@jg.metered("outer")
def outer(): inner()

outer()
"""


def test_metered_functions_share_a_session(ledger: Path, tmp_path: Path) -> None:
    """One that calls another contains it, so that totals count the energy once."""
    done = script(tmp_path, NESTED)
    assert (done.returncode, done.stderr) == (0, "")
    records = {record.label: record for record in ledger_records(ledger)}
    assert records["inner"].parent == records["outer"].id
    assert len(list(ledger.glob("*.jsonl"))) == 1


def test_a_metered_function_in_a_metered_cell(ledger: Path) -> None:
    """The cell contains it: both are in the notebook's session."""
    with open_shell(load=True) as shell:
        shell.run(f"%%energy -l cell\n{NESTED}")
        shell.extension.session.settle()
        shell.extension.session.ledger.flush()
        records = {record.label: record for record in ledger_records(ledger)}
    assert records["outer"].parent == records["cell"].id
    assert records["inner"].parent == records["outer"].id


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("ledger = 'file'", "file cannot be written"),
        ("pue = 0.5", "the setting pue cannot be 0.5"),
        ("country = 'Atlantis'", "no CO2e"),
    ],
)
def test_a_metered_function_runs_in_any_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, told: str
) -> None:
    """What is wrong with metering is logged once."""
    monkeypatch.delenv("JUPYTER_GREEN_LEDGER")
    (tmp_path / "file").write_text("")
    (tmp_path / "jupyter_green.toml").write_text(settings)
    done = script(tmp_path, NESTED + "outer(); print('done')")
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "Traceback" not in done.stderr
    assert told in done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == len(set(lines)) <= 2


def test_a_purpose_that_is_none() -> None:
    """It is refused where the function is defined."""
    with pytest.raises(MeterError, match="there is no purpose 'fun'"):
        jg.metered(purpose="fun")


def test_coroutines_side_by_side_are_not_nested(session: Session) -> None:
    """Neither contains the other, and the flags say that they overlap."""

    @jg.metered(session=session)
    async def wait(seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def both() -> None:
        await asyncio.gather(wait(0.02), wait(0.06))

    asyncio.run(both())
    records = [w.record for w in wait.windows]  # type: ignore[attr-defined]
    assert [r.status for r in records] == ["ok", "ok"]
    assert records[1].parent is None
    assert "overlap" in records[1].flags


def test_threads_meter_apart(session: Session) -> None:
    """A call on another thread has no parent here."""

    @jg.metered(session=session)
    def work() -> None:
        pass

    with session.meter.window("main"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    (window,) = work.windows  # type: ignore[attr-defined]
    assert window.record.parent is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork: this is Windows")
def test_a_forked_child_writes_a_ledger_of_its_own(
    ledger: Path, tmp_path: Path
) -> None:
    """Both processes' calls are on record, in two files."""
    done = script(
        tmp_path,
        "import os, time\n"
        "import jupyter_green as jg\n"
        "@jg.metered()\n"
        "def work(): pass\n"
        "work()\n"
        "pid, begun = os.fork(), time.monotonic()\n"
        "work()\n"
        "if pid:\n"
        "    os.waitpid(pid, 0)\n"
        "    print(time.monotonic() - begun)\n",
    )
    assert done.returncode == 0
    assert float(done.stdout) < 5
    records = ledger_records(ledger)
    assert [r.status for r in records] == ["ok"] * 3
    assert len(list(ledger.glob("*.jsonl"))) == 2
