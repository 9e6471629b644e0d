"""Threads, forks, exits and many kernels: no window is lost and none counted twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fakes.clock import FakeClock

from jupyter_green.devices.device import About
from jupyter_green.devices.simulated import SimulatedDevice
from jupyter_green.ledger import read_ledger
from jupyter_green.meter import Meter
from jupyter_green.records import Record

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

SESSION = """
import os, sys, time
from jupyter_green.session import Session
from jupyter_green.settings import resolve_settings

def opened():
    settings = {"ledger": sys.argv[1], "simulated": True, "heartbeat_s": 0.2}
    return Session(resolve_settings(settings))

"""


def slow_gpu(power_w: float = 300.0, **more: Any) -> SimulatedDevice:
    """Return a GPU whose counter moves every 100 ms."""
    known = About(
        id="gpu-0",
        kind="gpu",
        method="counter",
        resolution_j=1e-3,
        update_period_s=0.1,
        power_limit_w=400.0,
    )
    return SimulatedDevice(known, power_w, period_s=0.1, samples_s=0.02, **more)


def package(power_w: float = 100.0, **more: Any) -> SimulatedDevice:
    """Return a processor package."""
    known = About(id="package-0", kind="cpu", method="counter", resolution_j=1e-6)
    return SimulatedDevice(known, power_w, **more)


def run(folder: Path, code: str, *, session: str = SESSION) -> tuple[int, str, float]:
    """Run a script with a session; return its status, what it said, and its exit's s.

    The script prints the monotonic time when its own work is done.
    """
    done = subprocess.run(
        [sys.executable, "-c", session + textwrap.dedent(code), str(folder / "ledger")],
        capture_output=True,
        check=False,
        text=True,
        cwd=folder,
        timeout=60,
    )
    lines = done.stdout.split()
    exit_s = time.monotonic() - float(lines[-1]) if lines else 0.0
    return done.returncode, done.stderr, exit_s


def records(folder: Path) -> list[Record]:
    """Return what the ledger holds, of a process that is over."""
    ledger = read_ledger([folder / "ledger"], is_alive=lambda _: False)
    assert ledger.problems == ()
    return list(ledger.records)


# The end of an interpreter


def test_an_interpreter_that_exits_loses_no_open_window(tmp_path: Path) -> None:
    """It leaves at once with status 0; the ledger has the window as interrupted."""
    status, said, exit_s = run(
        tmp_path,
        """
        session = opened()
        session.begin("left open")
        time.sleep(0.4)
        print(time.monotonic(), flush=True)
        """,
    )
    assert (status, said) == (0, "")
    assert exit_s < 8.0  # `settle` would wait for 10 s
    (record,) = records(tmp_path)
    assert (record.label, record.status, record.final) == (
        "left open",
        "interrupted",
        True,
    )
    assert record.energy_j is not None
    assert 0.4 <= record.duration_s < 4.0


def test_an_exit_right_after_a_cell_waits_for_its_last_tick(tmp_path: Path) -> None:
    """Provisional records are settled and written before the interpreter is gone."""
    status, said, exit_s = run(
        tmp_path,
        """
        session = opened()
        for number in range(5):
            window = session.begin(f"cell {number}")
            time.sleep(0.05)
            record = session.meter.end(window, wait=False)
        assert not record.final
        print(time.monotonic(), flush=True)
        """,
    )
    assert (status, said) == (0, "")
    assert exit_s < 8.0  # `settle` would wait for 10 s
    assert [(r.label, r.final) for r in records(tmp_path)] == [
        (f"cell {number}", True) for number in range(5)
    ]


def test_an_exit_from_within_a_metered_function_is_kept(tmp_path: Path) -> None:
    """SystemExit goes on with its status, and the record names it."""
    status, said, _ = run(
        tmp_path,
        """
        from jupyter_green import metered

        @metered("leaves", session=opened())
        def leave():
            time.sleep(0.2)
            print(time.monotonic(), flush=True)
            sys.exit(3)

        leave()
        """,
    )
    assert (status, said) == (3, "")
    (record,) = records(tmp_path)
    assert (record.status, record.error) == ("error", "SystemExit")
    assert record.energy_j is not None


def test_a_process_that_is_cut_off_is_closed_from_its_last_heartbeat(
    tmp_path: Path,
) -> None:
    """os._exit in a metered function: killed, with its last heartbeat's figures."""
    status, said, _ = run(
        tmp_path,
        """
        from jupyter_green import metered

        @metered("cut off", session=opened())
        def leave():
            time.sleep(0.8)
            os._exit(7)

        leave()
        """,
    )
    assert (status, said) == (7, "")
    (record,) = records(tmp_path)
    assert record.status == "killed"
    assert 0.2 <= record.duration_s <= 0.8
    assert record.energy_j is not None
    assert record.energy_j > 0


# Forks


@needs_fork
def test_a_forked_child_leaves_its_parents_window_alone(tmp_path: Path) -> None:
    """The child runs out of the ``with`` and exits: one record, the parent's."""
    status, said, _ = run(
        tmp_path,
        """
        session = opened()
        with session.meter.window("work", wait=True):
            time.sleep(0.1)
            pid = os.fork()
            if pid:
                assert os.waitpid(pid, 0)[1] == 5 << 8
                time.sleep(0.3)
            else:
                sys.exit(5)  # through the with statement and all that runs at exit
        print(time.monotonic(), flush=True)
        """,
    )
    assert (status, said) == (0, "")
    (record,) = records(tmp_path)
    assert (record.label, record.status, record.final) == ("work", "ok", True)
    assert record.duration_s > 0.4
    assert len(list((tmp_path / "ledger").iterdir())) == 1


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_never_hangs_on_what_its_parent_was_doing() -> None:
    """Forked at any moment, it may end the parent's window and meter its own."""
    with Meter([slow_gpu(), package()], interval_s=0.001) as meter:
        for number in range(40):
            window = meter.begin("parent")
            time.sleep(0.001 * random.Random(number).random() * 5)
            pid = os.fork()
            if not pid:
                try:
                    is_left = meter.end(window).status == "running"
                    own = meter.begin("child")
                    time.sleep(0.01)
                    record = meter.end(own, wait=False)
                    is_own = record.parent == window.id and bool(record.energy_j)
                    meter.close()
                    os._exit(0 if is_left and is_own else 1)
                finally:
                    os._exit(2)
            assert exit_status(pid, 20.0) == 0
            record = meter.end(window, wait=False)
            assert (record.status, meter.open_windows) == ("ok", ())


def exit_status(pid: int, timeout_s: float) -> int:
    """Return a child's exit status; a child that hangs is ended and fails the test."""
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    raise AssertionError("the child hangs")


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_window_in_a_forked_child_is_within_its_parents_window() -> None:
    """What the child meters is part of the window it was forked in: charged once."""
    reader, writer = os.pipe()
    with Meter([package(50.0)]) as meter:
        around = meter.begin("around")
        pid = os.fork()
        if not pid:  # pragma: no cover - another process
            record = meter.end(meter.begin("child"))
            os.write(writer, str(record.parent).encode())
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        meter.end(around)
        after = meter.end(meter.begin("after"))
    assert os.read(reader, 100).decode() == around.id
    assert after.parent is None
    os.close(reader)
    os.close(writer)


@needs_fork
def test_a_process_pool_in_a_window_is_the_windows_work(tmp_path: Path) -> None:
    """A pool's processes write nothing, hang nowhere, and their time is the cell's."""
    status, said, _ = run(
        tmp_path,
        """
        import multiprocessing

        def work(number):
            end_s = time.process_time() + 0.05
            while time.process_time() < end_s:
                pass
            return number * number

        session = opened()
        with session.meter.window("pool", wait=True):
            with multiprocessing.get_context("fork").Pool(2) as pool:
                assert pool.map(work, range(8)) == [n * n for n in range(8)]
        print(time.monotonic(), flush=True)
        """,
    )
    assert (status, said) == (0, "")
    (record,) = records(tmp_path)
    assert record.status == "ok"
    cpu = next(device for device in record.devices if device.kind == "cpu")
    assert cpu.share is not None
    assert cpu.share.fraction > 0.02  # of a machine that others use too
    assert len(list((tmp_path / "ledger").iterdir())) == 1


# Threads and depth


class Order:
    """A journal that keeps the order of what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def started(self, record: Record) -> None:
        """Keep a start."""
        self.heard.append((record.id, "start"))

    def progressed(self, record: Record) -> None:
        """Keep a heartbeat."""
        self.heard.append((record.id, "heartbeat"))

    def ended(self, record: Record) -> None:
        """Keep an end."""
        self.heard.append((record.id, "end"))


def test_fifty_threads_meter_at_once() -> None:
    """Each window has the parent of its own thread, and no heartbeat follows an end."""
    failures: list[BaseException] = []
    found: list[tuple[Record, Record]] = []
    order, said = Order(), list[str]()

    def work(meter: Meter) -> None:
        try:
            for _ in range(3):
                outer = meter.begin("outer")
                inner = meter.begin("inner")
                time.sleep(0.02)
                inner_record = meter.end(inner, wait=False)
                found.append((inner_record, meter.end(outer, wait=False)))
        # What a thread raises would not reach the test.
        except BaseException as err:  # noqa: BLE001
            failures.append(err)

    with Meter(
        [slow_gpu(), package()],
        journal=order,
        heartbeat_s=0.001,
        interval_s=0.005,
        on_problem=said.append,
    ) as meter:
        threads = [threading.Thread(target=work, args=[meter]) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert meter.settle()
        assert (meter.open_windows, meter._beats, meter._settling) == ((), {}, {})
        assert meter.sampler._holders == 0
    assert failures == []
    assert said == []
    assert len(found) == 150
    for inner, outer in found:
        assert (inner.parent, outer.parent) == (outer.id, None)
        assert inner.flags == outer.flags == ()
        assert inner.duration_s <= outer.duration_s
        # A thread may be kept waiting between its reading and its window: the interval
        # says so.  100 W of the wrong window would be off by its whole length.
        (_, processor) = inner.devices
        assert processor.energy_j is not None
        assert processor.uncertainty_random_j is not None
        off_j = abs(processor.energy_j - 100 * inner.duration_s)
        assert off_j <= 2.0 + processor.uncertainty_random_j
        # 100 W, with half a second of waiting among fifty threads.
        assert processor.uncertainty_random_j <= 100 * (inner.duration_s + 0.5)
    ended: set[str] = set()
    for identifier, kind in order.heard:
        assert kind == "end" or identifier not in ended
        if kind == "end":
            ended.add(identifier)
    assert len(ended) == 300


def test_a_thousand_nested_windows_of_a_slow_counter_become_final() -> None:
    """A tick settles them all: a few seconds, not a tick each, which would be 100 s."""
    begun_s = time.monotonic()
    with Meter([slow_gpu(100.0)]) as meter:
        windows = [meter.begin(str(depth)) for depth in range(1000)]
        time.sleep(0.2)
        for window in reversed(windows):
            meter.end(window, wait=False)
        assert meter.settle(40)
    took_s = time.monotonic() - begun_s
    assert took_s < 50  # far more than it needs: others may keep the machine busy
    assert all(window.record.final for window in windows)
    for outer, inner in pairwise(windows):
        assert inner.record.parent == outer.id
        assert inner.record.duration_s <= outer.record.duration_s
    middle = windows[500].record
    assert middle.energy_j == pytest.approx(100 * middle.duration_s, abs=11)


# Many kernels


@needs_fork
def test_fifty_kernels_write_one_ledger_at_once(tmp_path: Path) -> None:
    """Each has its session: all records are found, whole, and none twice."""
    status, said, _ = run(
        tmp_path,
        """
        def kernel(number):
            session = opened()
            for cell in range(2):
                with session.meter.window(f"{number}-{cell}"):
                    time.sleep(0.3)
            with session.meter.window(f"{number}-last"):
                sys.exit(0)

        # Forked before anything is opened, as kernels of their own, but loaded once.
        pids = []
        for number in range(50):
            pids.append(os.fork())
            if not pids[-1]:
                kernel(number)
        for pid in pids:
            assert os.waitpid(pid, 0)[1] == 0, pid
        print(time.monotonic(), flush=True)
        """,
    )
    assert (status, said) == (0, "")
    found = records(tmp_path)
    assert len(list((tmp_path / "ledger").iterdir())) == 50
    assert len({record.session for record in found}) == 50
    expected = {f"{n}-{cell}" for n in range(50) for cell in (0, 1, "last")}
    assert {record.label for record in found} == expected
    assert len(found) == 150
    assert all(record.final and record.energy_j is not None for record in found)
    assert Counter(r.status for r in found) == {"ok": 100, "error": 50}


# Long and idle


def held(thing: object, seen: set[int] | None = None) -> int:
    """Return how many values are kept in the containers of an object."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, str | bytes | int | float | type):
        return 0
    seen.add(id(thing))
    if isinstance(thing, dict):
        inside: list[object] = list(thing.values())
    elif isinstance(thing, list | tuple | set) or hasattr(thing, "maxlen"):
        inside = list(thing)  # type: ignore[call-overload]
    elif type(thing).__module__.startswith("jupyter_green"):
        slots = getattr(type(thing), "__slots__", ())
        inside = [getattr(thing, name, None) for name in slots]
        inside += list(getattr(thing, "__dict__", {}).values())
        return sum(held(one, seen) for one in inside)
    else:
        return 0
    return len(inside) + sum(held(one, seen) for one in inside)


def test_memory_is_bounded_over_a_day() -> None:
    """Ten readings a second and a cell a minute: an hour keeps as much as ten do."""
    clock, said = FakeClock(), list[str]()
    gpu = slow_gpu(clock=clock, epoch_ns=clock.ns, fails_s=(100.0, 200.0))
    meter = Meter(
        [gpu, package(clock=clock)],
        clock=clock,
        heartbeat_s=10.0,
        on_problem=said.append,
    )
    sampler = meter.sampler
    sampler.close()  # its thread; the test plays its part

    def play(seconds: int) -> int:
        for second in range(seconds):
            if second % 60 == 0:
                window = meter.begin(f"cell {second}")
            for _ in range(10):
                clock.advance(0.1)
                sampler._tick()
                sampler._settle_edges()
            if second % 60 == 59:
                meter.end(window, wait=False)
        return held(meter)

    # An hour fills all but the coarsest steps of the history; those have an end too.
    history = sampler.history
    first, second = play(3600), play(3600)
    assert len(said) == 1
    assert second <= first * 1.05 + 2000
    assert second < 60_000
    sizes = [len(level) for level in history._levels]
    assert [level.maxlen for level in history._levels] == [1200] * 4
    assert sizes[:2] == [1200, 1200]
    assert (meter._beats, meter._settling, sampler._awaited) == ({}, {}, [])
    meter.close()


@linux_only
def test_nothing_wakes_up_while_nothing_is_metered() -> None:
    """The thread sleeps without a timer before, between and after windows."""
    with Meter([slow_gpu(), package()]) as meter:
        meter.end(meter.begin())
        thread = meter.sampler._thread
        assert thread is not None

        def switches() -> int:
            status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
            lines = dict(line.split(":", 1) for line in status.splitlines())
            return int(lines["voluntary_ctxt_switches"])

        deadline_s = time.monotonic() + 10
        while meter.sampler._awaited and time.monotonic() < deadline_s:
            time.sleep(0.05)  # it learns when the counter moves, once
        for _ in range(2):
            time.sleep(0.1)
            before = switches()
            time.sleep(1.0)
            assert switches() == before
            meter.end(meter.begin())
            assert switches() > before
