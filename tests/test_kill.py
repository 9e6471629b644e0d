"""A kernel that is killed in the middle of a cell: what was metered is not lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from kernels import open_kernel
from shells import LOAD, isolate, ledger_records

from jupyter_green.devices import simulated

PROGRAM = Path(sys.executable).with_name("jupyter-green")
HEARTBEAT_S = 0.5
# A heartbeat comes with the first background reading after it is due, and a busy
# machine wakes threads late.
LATE_S = 0.6
LONG_CELL = """%%energy -l long -p search
import time
print(time.monotonic(), flush=True)
time.sleep(60)
"""

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="no SIGKILL: this is Windows"
)


class Killed(NamedTuple):
    """How long the killed cell ran, by the clock that all processes share."""

    begun_s: float
    ended_s: float


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a ledger that gets a heartbeat every half second."""
    return isolate(tmp_path, monkeypatch, JUPYTER_GREEN_HEARTBEAT_S=str(HEARTBEAT_S))


@pytest.fixture
def killed(ledger: Path) -> Killed:
    """Kill a kernel in the middle of its second metered cell."""
    with open_kernel() as kernel:
        assert kernel.run(LOAD).status == "ok"
        assert kernel.run("%%energy -l short\nsum(range(1000))").status == "ok"
        cell = kernel.send(LONG_CELL)
        kernel.until_running(cell)
        time.sleep(3.2 * HEARTBEAT_S)
        os.kill(kernel.manager.provisioner.pid, signal.SIGKILL)
        ended_s = time.monotonic()
    assert ledger.is_dir()
    (shown,) = kernel._answers[cell].outputs
    return Killed(float(shown["text"]), ended_s)


def truth_j(begun_s: float, duration_s: float) -> float:
    """Return what the simulated devices used: it follows from the clock alone."""
    times = [round(begun_s * 1e9), round((begun_s + duration_s) * 1e9)]
    devices = simulated.find(lambda: times[0]).devices
    first = sum(device.read().energy_j for device in devices)
    devices = simulated.find(lambda: times[1]).devices
    return sum(device.read().energy_j for device in devices) - first


def green(*arguments: str) -> Any:
    """Return what a verb prints as JSON."""
    done = subprocess.run(
        [PROGRAM, *arguments, "--json"], capture_output=True, check=True, text=True
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_the_run_is_reported_as_killed(killed: Killed) -> None:
    """Its energy and duration up to the last heartbeat are in records and totals."""
    records = {record["label"]: record for record in green("records")}
    assert records["short"]["status"] == "ok"
    record = records["long"]
    assert record["status"] == "killed"
    assert record["purpose"] == "search"
    assert "closed-from-heartbeat" in record["flags"]
    ran_s = killed.ended_s - killed.begun_s
    duration_s = record["duration_s"]
    assert ran_s - HEARTBEAT_S - LATE_S < duration_s < ran_s + LATE_S
    energy_j = sum(device["energy_j"] for device in record["devices"])
    step_j = 0.1 * 340.0  # the GPU's counter moves every 0.1 s
    truth = truth_j(killed.begun_s, duration_s)
    assert energy_j == pytest.approx(truth, rel=0.02, abs=step_j)
    total = green("totals")["total"]
    assert total["runs"] == 2
    short_j = sum(device["energy_j"] for device in records["short"]["devices"])
    assert total["energy_j"] == pytest.approx(energy_j + short_j)


@pytest.mark.usefixtures("killed")
def test_the_next_kernel_goes_on(ledger: Path) -> None:
    """It writes a file of its own and counts what was lost with the one before."""
    with open_kernel() as kernel:
        assert kernel.run(LOAD).status == "ok"
        assert kernel.run("%%energy -l after\n1 + 1").status == "ok"
        (shown,) = kernel.run("%green totals").outputs
        table = shown["data"]["text/plain"].splitlines()
        (total,) = [line.split() for line in table if line.startswith("total")]
        assert total[1:3] == ["3", "1"]  # runs, of which failed
    statuses = {r.label: r.status for r in ledger_records(ledger)}
    assert statuses == {"short": "ok", "long": "killed", "after": "ok"}
    assert len(list(ledger.glob("*.jsonl"))) == 2


@pytest.mark.usefixtures("ledger")
def test_a_killed_command_is_reported_too() -> None:
    """``jupyter green run`` leaves the same traces when it is killed itself."""
    with subprocess.Popen(
        [PROGRAM, "run", "-l", "command", "--", "sleep", "60"], start_new_session=True
    ) as process:
        time.sleep(4 * HEARTBEAT_S)
        os.killpg(process.pid, signal.SIGKILL)
    (record,) = green("records")
    assert (record["label"], record["status"]) == ("command", "killed")
    assert record["duration_s"] > 0
