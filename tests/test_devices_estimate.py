"""Estimates follow codecarbon's model, say how uncertain they are, and never block."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.devices import estimate, power_lookup
from jupyter_green.devices.codecarbon_power import PowerModel
from jupyter_green.devices.cpu_time import HostTimes
from jupyter_green.devices.estimate import EstimatedCpu, EstimatedRam
from jupyter_green.devices.power_lookup import PowerLookup
from jupyter_green.errors import DeviceError
from jupyter_green.meter import Meter
from jupyter_green.records import Record

MODEL = PowerModel(
    cpu_model="Test CPU",
    tdp_w=100.0,
    is_generic=False,
    ram_w=20.0,
    ram_gb=64.0,
    source="codecarbon 3",
)


class FakeTimes:
    """A machine of four processors whose load is told."""

    def __init__(self) -> None:
        self.now = HostTimes(0, 0.0, 0.0, 0.0)

    def __call__(self) -> HostTimes:
        """Return the times."""
        return self.now

    def run(self, seconds: float, *, own: float, others: float = 0.0) -> None:
        """Let time pass with so many processors busy; Linux sees ticks of 10 ms."""
        now = self.now
        busy_s = now.busy_s + (own + others) * seconds
        self.now = HostTimes(
            now.t_ns + round(seconds * 1e9),
            busy_s,
            now.capacity_s + 4 * seconds,
            now.own_s + own * seconds,
        )


@pytest.fixture
def lookup(tmp_path: Path) -> PowerLookup:
    """A lookup that knows the answer."""
    found = PowerLookup(tmp_path, ask=lambda: MODEL)
    assert found.result(10.0) == MODEL
    return found


@pytest.mark.parametrize(("own", "watts"), [(0, 10.0), (2, 21.25), (4, 100.0)])
def test_power_follows_the_cube_of_the_load(
    lookup: PowerLookup, own: float, watts: float
):
    """TDP x (0.1 + 0.9 load^3): idle, half and full load of a 100 W processor."""
    times = FakeTimes()
    cpu = EstimatedCpu(lookup, times)
    assert cpu.read().energy_j == 0.0
    times.run(2.0, own=own)
    assert cpu.read().energy_j == pytest.approx(2 * watts)


def test_the_load_of_others_counts_too(lookup: PowerLookup):
    """The model is of the whole machine."""
    times = FakeTimes()
    cpu = EstimatedCpu(lookup, times)
    cpu.read()
    times.run(1.0, own=1.0, others=1.0)
    assert cpu.read().energy_j == pytest.approx(21.25)


def test_a_short_cell_is_seen_though_linux_counted_no_tick(lookup: PowerLookup):
    """5 ms of four busy processors: the host's counter has not moved yet."""
    times = FakeTimes()
    cpu = EstimatedCpu(lookup, times)
    cpu.read()
    times.run(1.0, own=0.0)
    idle = cpu.read().energy_j
    busy_s = times.now.busy_s
    times.run(0.005, own=4.0)
    times.now = times.now._replace(busy_s=busy_s)
    assert cpu.read().energy_j - idle == pytest.approx(0.5)


@given(
    steps=st.lists(
        st.tuples(st.floats(0.001, 2), st.floats(0, 4), st.floats(0, 4)), max_size=30
    )
)
def test_the_interval_spans_idle_to_tdp(steps: list[tuple[float, float, float]]):
    """Whatever the load, both ends of what is possible are within the bound."""
    times, seconds = FakeTimes(), 0.0
    cpu = EstimatedCpu(Known(), times)
    last = cpu.read()
    for length, own, others in steps:
        times.run(length, own=own, others=others)
        seconds += length
        now = cpu.read()
        assert now.energy_j >= last.energy_j
        assert now.bound_j >= last.bound_j
        last = now
    slack = 1e-6 * (1 + seconds)
    assert last.energy_j - last.bound_j <= 10 * seconds + slack
    assert last.energy_j + last.bound_j >= 100 * seconds - slack


class Known(PowerLookup):
    """A lookup without files or threads."""

    def __init__(self) -> None:
        self.asked = 0

    def start(self) -> None:
        """Do nothing."""

    def result(self, timeout_s: float) -> PowerModel:
        """Return the answer."""
        del timeout_s
        return MODEL


def test_memory_draws_a_constant_and_doubts_it():
    """The interval covers Green Algorithms' figure, and at least half of our own."""
    clock = FakeClock()
    ram = EstimatedRam(Known(), clock=clock)
    assert ram.read().energy_j == 0.0
    clock.advance(10.0)
    reading = ram.read()
    assert reading.energy_j == pytest.approx(200.0)
    assert reading.bound_j == pytest.approx(100.0)
    about = ram.about
    assert (about.kind, about.method, about.calibration) == ("ram", "estimated", 0.0)
    assert about.name == "64 GiB, 20 W by codecarbon 3"


def test_names_say_whether_the_processor_is_known(lookup: PowerLookup):
    """A generic figure is not sold as a processor's."""
    assert EstimatedCpu(lookup, FakeTimes()).about.name == (
        "Test CPU, TDP: 100 W by codecarbon 3"
    )
    generic = PowerModel("Odd CPU", 8.0, True, 10.0, 8.0, "codecarbon 3")
    assert "generic 4 W/thread: 8 W" in estimate._cpu_name(generic)


def test_nothing_is_lost_while_codecarbon_is_being_asked(tmp_path: Path):
    """Readings before the answer fail; the first one after it has everything."""
    go = threading.Event()

    def ask() -> PowerModel:
        go.wait(30)
        return MODEL

    slow = PowerLookup(tmp_path, ask=ask)
    times = FakeTimes()
    cpu = EstimatedCpu(slow, times)
    clock = FakeClock()
    ram = EstimatedRam(slow, clock=clock)
    assert "is being asked" in cpu.about.name
    assert "is being asked" in ram.about.name
    assert (cpu.read().energy_j, ram.read().energy_j) == (0.0, 0.0)
    times.run(1.0, own=4.0)
    clock.advance(1.0)
    for device in (cpu, ram):
        with pytest.raises(DeviceError, match="no figure yet"):
            device.read()
    go.set()
    assert slow.result(30) == MODEL
    times.run(1.0, own=4.0)
    clock.advance(1.0)
    assert cpu.read().energy_j == pytest.approx(200.0)
    assert ram.read().energy_j == pytest.approx(40.0)


def test_the_answer_is_kept_for_the_next_kernel(tmp_path: Path):
    """Codecarbon is asked once per machine."""
    PowerLookup(tmp_path, ask=lambda: MODEL).result(10)

    def ask() -> PowerModel:
        raise AssertionError("asked again")

    assert PowerLookup(tmp_path, ask=ask).result(0.0) == MODEL


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"tdp_w": 1}', "\xff"])
def test_a_broken_cache_is_asked_anew(tmp_path: Path, text: str):
    """A torn file costs two seconds, not the figure."""
    PowerLookup(tmp_path, ask=lambda: MODEL).result(10)
    (file,) = tmp_path.iterdir()
    file.write_bytes(text.encode("latin-1"))
    assert PowerLookup(tmp_path, ask=lambda: MODEL).result(10) == MODEL


def test_a_read_only_home_is_no_fault(tmp_path: Path):
    """The answer counts even if it cannot be kept."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert PowerLookup(blocked, ask=lambda: MODEL).result(10) == MODEL


@pytest.mark.parametrize("failure", [OSError, subprocess.SubprocessError, ValueError])
def test_without_codecarbon_its_rule_for_unknown_processors_holds(
    tmp_path: Path, failure: type[Exception]
):
    """Such an answer says so and is not kept."""

    def ask() -> PowerModel:
        raise failure

    model = PowerLookup(tmp_path, ask=ask).result(10)
    assert model.tdp_w == 4.0 * os.cpu_count()
    assert model.is_generic
    assert "did not answer" in model.source
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_asks_for_itself(tmp_path: Path):
    """The thread that was asking stayed in the parent."""
    go = threading.Event()

    def ask() -> PowerModel:
        if os.getpid() == parent:
            go.wait(30)
        return MODEL

    parent = os.getpid()
    lookup = PowerLookup(tmp_path, ask=ask)
    lookup.start()
    pid = os.fork()
    if not pid:
        os._exit(0 if lookup.result(10) == MODEL else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    go.set()
    lookup.result(10)


def test_both_estimates_are_found_and_labelled(lookup: PowerLookup):
    """They are notes: estimated, not measured."""
    found = estimate.find(lookup, clock=FakeClock())
    assert [d.about.kind for d in found.devices] == ["cpu", "ram"]
    assert {p.severity for p in found.problems} == {"note"}


def test_codecarbon_answers_in_a_process_of_its_own():
    """The real thing: one line of JSON, whatever else codecarbon prints."""
    model = power_lookup.ask_codecarbon()
    assert model.tdp_w > 0
    assert model.ram_w > 0
    assert model.source.startswith("codecarbon ")


def test_devices_do_not_import_what_is_slow():
    """A kernel that estimates has loaded neither codecarbon nor pandas."""
    code = (
        "import json, sys\n"
        "import jupyter_green.devices.estimate, jupyter_green.devices.nvml\n"
        "import jupyter_green.devices.amdsmi, jupyter_green.devices.apple\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"codecarbon", "pandas", "numpy", "pynvml", "psutil", "amdsmi"}


class SlowLookup:
    """A lookup that answers when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.go = threading.Event()
        self.lookup = PowerLookup(folder, ask=self.ask)

    def ask(self) -> PowerModel:
        """Wait, then answer."""
        self.go.wait(30)
        return MODEL

    def answer(self) -> None:
        """Let the answer come."""
        self.go.set()
        assert self.lookup.result(30) == MODEL


def test_the_first_windows_on_a_machine_do_not_wait_for_codecarbon(tmp_path: Path):
    """They end provisional and become final, each with the energy of its own time."""
    slow, said, ended = SlowLookup(tmp_path), list[str](), list[Record]()

    class Journal:
        def started(self, record: Record) -> None:
            """Take no notice."""

        def progressed(self, record: Record) -> None:
            """Take no notice."""

        def ended(self, record: Record) -> None:
            ended.append(record)

    devices = estimate.find(slow.lookup).devices
    with Meter(
        devices, journal=Journal(), interval_s=0.02, on_problem=said.append
    ) as meter:
        outer = meter.begin("outer")
        windows = []
        for length_s in (0.05, 0.2):
            window = meter.begin()
            time.sleep(length_s)
            before_s = time.monotonic()
            provisional = meter.end(window, wait=False)
            assert time.monotonic() - before_s < 2.0  # the lookup would take 30
            assert not provisional.final
            for device in provisional.devices:
                assert device.energy_j is None
                assert "still being looked up" in device.reason
            windows.append(window)
        assert not meter.settle(0.2)
        slow.answer()
        time.sleep(0.1)
        last = meter.end(outer)
        assert meter.settle(20)
    for record in (*(window.record for window in windows), last):
        assert record.final
        cpu, ram = record.devices
        assert cpu.energy_j is not None
        # Anywhere from idle, 10 % of the TDP, to all of it.
        assert 9.0 < cpu.energy_j / record.duration_s < 101.0
        assert ram.energy_j == pytest.approx(20.0 * record.duration_s, rel=0.05)
        assert (cpu.reason, ram.reason, cpu.coverage) == ("", "", 1.0)
        assert "Test CPU" in cpu.name
    assert [r.final for r in ended if r.id == windows[0].id] == [False, True]
    inside_j = sum(w.record.devices[0].energy_j or 0.0 for w in windows)
    assert inside_j < (last.devices[0].energy_j or 0.0)
    assert said == []


def test_power_has_no_peak_when_the_tdp_becomes_known(tmp_path: Path):
    """The curve shows no figure that was due earlier as power of that moment."""
    slow = SlowLookup(tmp_path)
    with Meter(estimate.find(slow.lookup).devices, interval_s=0.01) as meter:
        window = meter.begin()
        time.sleep(0.5)
        slow.answer()
        time.sleep(0.2)
        record = meter.end(window)
    assert record.curve is not None
    # At most 120 W, but for readings that came late; the peak would be of 1,500 W.
    assert max(record.curve.power_w) < 600.0


def test_a_lookup_that_never_answers_leaves_a_reason_and_no_zero(tmp_path: Path):
    """The interpreter ends meanwhile: what is written says why there is no figure."""
    slow = SlowLookup(tmp_path)
    meter = Meter(estimate.find(slow.lookup).devices)
    window = meter.begin()
    record = meter.end(window, wait=False)
    meter.settle(0.1)
    assert record.energy_j is None
    assert {d.energy_j for d in window.record.devices} == {None}
    slow.answer()
    meter.close()
    assert window.record.final
    assert window.record.energy_j is not None
