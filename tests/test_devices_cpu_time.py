"""CPU time of the host and of a process tree."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jupyter_green.devices.cpu_time import CpuTimes

BUSY = """import time
end = time.process_time() + 0.3
while time.process_time() < end: pass"""
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def work(seconds: float) -> None:
    """Use that much CPU time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


@pytest.mark.parametrize("proc", ["/proc", "/nowhere"], ids=["proc", "psutil"])
def test_own_work_is_counted(proc: str):
    """Both ways of reading see the work of this process, and at least it as busy."""
    times = CpuTimes(proc=proc)
    start = times.read()
    work(0.2)
    end = times.read()
    assert 0.2 <= end.own_s - start.own_s < 0.4
    assert end.busy_s - start.busy_s >= 0.1
    wall_s = (end.t_ns - start.t_ns) * 1e-9
    capacity_s = end.capacity_s - start.capacity_s
    assert capacity_s == pytest.approx(wall_s * round(capacity_s / wall_s))


@pytest.mark.parametrize("proc", ["/proc", "/nowhere"], ids=["proc", "psutil"])
def test_a_child_counts_while_it_runs_and_after_it_was_waited_for(proc: str):
    """Its time is neither lost nor counted twice when it ends."""
    times = CpuTimes(proc=proc)
    start = times.read().own_s
    code = f"{BUSY}\nprint(1, flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-S", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        child.stdout.readline()
        alive = times.read().own_s - start
        child.communicate(b"\n")
    ended = times.read().own_s - start
    assert alive >= 0.25
    assert alive - 0.05 <= ended < alive + 0.25


@linux_only
def test_a_grandchild_counts():
    """As under ``%%bash``."""
    times = CpuTimes()
    start = times.read().own_s
    code = f"{BUSY}\nprint(1, flush=True)\ninput()"
    with subprocess.Popen(
        ["/bin/sh", "-c", '"$0" -S -c "$1"; true', sys.executable, code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        child.stdout.readline()
        alive = times.read().own_s - start
        child.communicate(b"\n")
    assert alive >= 0.25


@linux_only
def test_time_never_goes_back_while_a_child_ends():
    """Between its last breath and its being waited for nothing is subtracted."""
    times = CpuTimes()
    readings = []
    with subprocess.Popen([sys.executable, "-S", "-c", BUSY]) as child:
        while child.poll() is None:
            readings.append(times.read().own_s)
    readings.append(times.read().own_s)
    assert readings == sorted(readings)


@linux_only
def test_a_process_that_ends_while_it_is_looked_at_is_no_fault(tmp_path: Path):
    """Children come and go between two system calls."""
    (tmp_path / "stat").write_text("cpu  100 0 50 900 0 5 5 3 0 0\n")
    task = tmp_path / str(os.getpid()) / "task" / "1"
    task.mkdir(parents=True)
    (task / "children").write_text("99999999 ")  # no process has this number
    (task.parent / "2").mkdir()  # a thread that has ended: no list of children
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=-1) as child:
        times = CpuTimes(proc=tmp_path).read()
        child.communicate(b"\n")
    assert times.busy_s == pytest.approx(160 / os.sysconf("SC_CLK_TCK"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_counts_its_own_time():
    """The parent's CPU time is not the child's."""
    times = CpuTimes()
    work(0.1)
    assert times.read().own_s >= 0.1
    pid = os.fork()
    if not pid:
        os._exit(0 if times.read().own_s < 0.1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
