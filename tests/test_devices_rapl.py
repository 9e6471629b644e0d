"""RAPL zones are chosen, unwrapped and explained."""

import gc
import os
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.powercap import Powercap

from jupyter_green.devices import rapl
from jupyter_green.errors import DeviceError, DeviceLostError

LOW_J = 1_000_000  # microjoules


@pytest.fixture
def powercap(tmp_path: Path):
    """An empty powercap class and a cpuinfo of an Intel processor."""
    return Powercap(tmp_path)


def found_in(powercap: Powercap, clock: FakeClock | None = None):
    """Return what is found in the tree."""
    return rapl.find(
        powercap.root, cpuinfo=powercap.cpuinfo, clock=clock or FakeClock()
    )


@contextmanager
def ordinary_user():
    """Give up root's right to read everything, for a while."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_packages_and_memory_are_chosen_by_name(powercap: Powercap):
    """Psys, core and uncore overlap the packages: none of them counts."""
    powercap.zone("intel-rapl:0", "package-0", 5_000_000_000, limit_w=205)
    powercap.zone("intel-rapl:0:0", "core", 1)
    powercap.zone("intel-rapl:0:1", "dram", 7_000_000_000)
    powercap.zone("intel-rapl:1", "package-1", 6_000_000_000)
    powercap.zone("intel-rapl:1:0", "uncore", 1)
    powercap.zone("intel-rapl:1:1", "dram", 8_000_000_000)
    powercap.zone("intel-rapl:2", "psys", 9_000_000_000)
    found = found_in(powercap)
    assert [(d.about.id, d.about.kind, d.about.index) for d in found.devices] == [
        ("package-0", "cpu", 0),
        ("package-1", "cpu", 1),
        ("dram-0", "dram", 0),
        ("dram-1", "dram", 1),
    ]
    assert found.problems == ()
    package = found.devices[0].about
    assert package.name == "Test CPU"
    assert (package.method, package.calibration) == ("counter", 0.05)
    assert (package.power_limit_w, package.max_interval_s) == (205, 30.0)


def test_dies_of_one_package_are_devices_of_their_own(powercap: Powercap):
    """Multi-die processors name their zones after package and die."""
    powercap.zone("intel-rapl:0", "package-0-die-0", 5_000_000_000)
    powercap.zone("intel-rapl:0:0", "dram", 1_500_000_000)
    powercap.zone("intel-rapl:1", "package-0-die-1", 6_000_000_000)
    ids = [d.about.id for d in found_in(powercap).devices]
    assert ids == ["package-0-die-0", "package-0-die-1", "dram-0-die-0"]


def test_the_mmio_copy_of_a_package_is_left_out(powercap: Powercap):
    """The same package through another interface is not a second package."""
    powercap.zone("intel-rapl-mmio:0", "package-0", 5_100_000_000)
    counter = powercap.zone("intel-rapl:0", "package-0", 5_000_000_000)
    (device,) = found_in(powercap).devices
    device.read()
    counter.write_text("5003000000\n")
    assert device.read().energy_j == 3.0


def test_the_mmio_copy_serves_where_the_first_is_unreadable(powercap: Powercap):
    """A second way to the same figure is taken if the first gives none."""
    powercap.zone("intel-rapl-mmio:0", "package-0", 5_100_000_000)
    powercap.zone("intel-rapl:0", "package-0", 0).write_text("")
    found = found_in(powercap)
    assert len(found.devices) == 1
    assert found.problems == ()


def test_a_mirrored_package_is_dropped_and_said(powercap: Powercap):
    """Threadripper 1950X shows one meter as two packages."""
    powercap.zone("intel-rapl:0", "package-0", 68_000_100_000)
    powercap.zone("intel-rapl:1", "package-1", 68_000_500_000)
    found = found_in(powercap)
    assert [d.about.id for d in found.devices] == ["package-0"]
    (problem,) = found.problems
    assert problem.subject == "rapl package-1"
    assert problem.severity == "note"


def test_packages_with_low_or_different_counts_are_not_mirrors(powercap: Powercap):
    """Shortly after boot equal counts prove nothing."""
    powercap.zone("intel-rapl:0", "package-0", LOW_J)
    powercap.zone("intel-rapl:1", "package-1", LOW_J)
    powercap.zone("intel-rapl:2", "package-2", 5_000_000_000)
    powercap.zone("intel-rapl:3", "package-3", 5_002_000_000)
    found = found_in(powercap)
    assert len(found.devices) == 4
    assert found.problems == ()


def test_memory_nested_under_a_bind_mount_is_found(powercap: Powercap):
    """A container may show the control type's folder only."""
    powercap.zone("intel-rapl:0", "package-0", 5_000_000_000)
    powercap.zone("intel-rapl:0:0", "dram", 7_000_000_000)
    found = rapl.find(powercap.root / "intel-rapl", cpuinfo=powercap.cpuinfo)
    assert [d.about.id for d in found.devices] == ["package-0", "dram-0"]


def test_amd_is_less_certain_and_has_no_stated_limit(tmp_path: Path):
    """AMD's counters are believed to be modelled, and state no power."""
    powercap = Powercap(tmp_path, vendor="AuthenticAMD")
    powercap.zone("intel-rapl:0", "package-0", 1, range_uj=65_532_610_987)
    about = found_in(powercap).devices[0].about
    assert about.calibration == 0.15
    assert about.power_limit_w is None
    assert about.max_interval_s == 30.0


def test_a_wrap_between_two_readings_is_counted(powercap: Powercap):
    """A counter that starts again from 0 has gone on, not back."""
    clock = FakeClock()
    counter = powercap.zone("intel-rapl:0", "package-0", 99_000_000, range_uj=10**8)
    (device,) = found_in(powercap, clock).devices
    assert device.about.max_interval_s == pytest.approx(0.5 * 100 / 600)
    assert device.read() == (clock.ns, 0.0, 0.0)
    clock.advance(0.1)
    counter.write_text("3000000\n")
    assert device.read() == (clock.ns, pytest.approx(4.0), 0.0)


def test_a_late_reading_says_how_much_it_may_have_missed(powercap: Powercap):
    """A cell held the interpreter while the counter may have wrapped unseen."""
    clock = FakeClock()
    counter = powercap.zone("intel-rapl:0", "package-0", 0, range_uj=10**8, limit_w=100)
    (device,) = found_in(powercap, clock).devices
    device.read()
    clock.advance(2.0)  # at most 400 J: 40 J, or 3 wraps of 100 J more
    counter.write_text("40000000\n")
    reading = device.read()
    assert reading.energy_j == pytest.approx(40.0)
    assert reading.bound_j == pytest.approx(300.0)


def test_an_impossible_step_voids_the_window_only(powercap: Powercap):
    """A suspend resets the counter: no range is added, and later cells are fine."""
    clock = FakeClock()
    counter = powercap.zone("intel-rapl:0", "package-0", 9_000_000_000)
    (device,) = found_in(powercap, clock).devices
    device.read()
    clock.advance(0.1)
    counter.write_text("12\n")
    with pytest.raises(DeviceLostError, match="counter was reset"):
        device.read()
    clock.advance(0.1)
    counter.write_text("2000012\n")
    assert device.read().energy_j == 2.0


@pytest.mark.parametrize("text", ["", "garbage\n", "-5\n", "999999999999999\n"])
def test_what_is_no_count_is_an_error_and_not_zero(powercap: Powercap, text: str):
    """Garbage fails one reading; the next good one goes on."""
    counter = powercap.zone("intel-rapl:0", "package-0", 5_000_000_000)
    (device,) = found_in(powercap).devices
    device.read()
    counter.write_text(text)
    with pytest.raises(DeviceError) as caught:
        device.read()
    assert not isinstance(caught.value, DeviceLostError)
    counter.write_text("5001000000\n")
    assert device.read().energy_j == 1.0


def test_a_zone_that_vanishes_is_lost(powercap: Powercap):
    """The kernel module was unloaded."""
    counter = powercap.zone("intel-rapl:0", "package-0", 5_000_000_000)
    (device,) = found_in(powercap).devices
    device.read()
    counter.write_text("")  # as sysfs does, the open file gives nothing any more
    counter.unlink()
    with pytest.raises(DeviceLostError, match="is gone"):
        device.read()


def test_counters_of_root_only_are_explained(
    powercap: Powercap, monkeypatch: pytest.MonkeyPatch
):
    """Mode 0400: the remedy and its risk are exact, and nothing reads as 0."""
    for folder, name in (("intel-rapl:0", "package-0"), ("intel-rapl:0:0", "dram")):
        counter = powercap.zone(folder, name, 5_000_000_000)
        counter.chmod(0o400 if not os.geteuid() else 0)
    monkeypatch.chdir(powercap.root)  # the folders above are closed to others
    cpuinfo = powercap.cpuinfo
    with ordinary_user():
        found = rapl.find(".", cpuinfo=cpuinfo)
    assert found.devices == ()
    (problem,) = found.problems
    assert problem.severity == "forbidden"
    assert problem.what.startswith("package-0, dram-0: ")
    assert "sudo chmod a+r intel-rapl:0/energy_uj" in problem.remedy
    assert problem.remedy.index("udev") < problem.remedy.index("sudo chmod a+r")
    assert "PLATYPUS" in problem.risk


def test_a_broken_zone_does_not_hide_the_others(powercap: Powercap):
    """One zone without a range is reported; the other counts."""
    broken = powercap.zone("intel-rapl:0", "package-0", 1)
    (broken.parent / "max_energy_range_uj").unlink()
    powercap.zone("intel-rapl:1", "package-1", 1, range_uj=1000)
    zero = powercap.zone("intel-rapl:2", "package-2", 1, range_uj=0)
    found = found_in(powercap)
    assert [d.about.id for d in found.devices] == ["package-1"]
    assert [p.severity for p in found.problems] == ["broken", "broken"]
    assert str(zero.parent.name) in found.problems[1].what


def test_a_machine_without_zones_says_why(powercap: Powercap, tmp_path: Path):
    """Absent, virtual and masked are three different answers."""
    assert "modprobe" in found_in(powercap).problems[0].remedy
    powercap.cpuinfo.write_text("flags : fpu hypervisor\n")
    assert "virtual machine" in found_in(powercap).problems[0].why
    (powercap.root / "intel-rapl:0").mkdir()
    masked = found_in(powercap).problems[0]
    assert (masked.severity, "docker run" in masked.remedy) == ("forbidden", True)
    nothing = rapl.find(tmp_path / "none", cpuinfo=tmp_path / "none")
    assert (nothing.devices, nothing.problems[0].severity) == ((), "missing")


def test_many_threads_read_one_zone_without_a_false_wrap(powercap: Powercap):
    """Readings are taken and unwrapped in one order."""
    counter = powercap.zone("intel-rapl:0", "package-0", 0)
    found = rapl.find(powercap.root, cpuinfo=powercap.cpuinfo)
    (device,) = found.devices
    device.read()
    results, stop = [], threading.Event()

    def keep_reading() -> None:
        last = 0.0
        while not stop.is_set():
            energy_j = device.read().energy_j
            results.append(energy_j >= last)
            last = energy_j

    threads = [threading.Thread(target=keep_reading) for _ in range(8)]
    for thread in threads:
        thread.start()
    # A file written in place as sysfs is never seen: overwrite without truncation.
    with counter.open("r+b", buffering=0) as file:
        for count in range(200):
            os.pwrite(file.fileno(), b"%09d\n" % (count * 1000), 0)
    stop.set()
    for thread in threads:
        thread.join()
    assert all(results)
    assert device.read().energy_j == pytest.approx(0.199)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")  # noqa: PTH112
def test_a_device_gives_its_descriptor_back(powercap: Powercap):
    """A dropped device leaves no file open."""
    powercap.zone("intel-rapl:0", "package-0", 1)
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    found = found_in(powercap)
    found.devices[0].read()
    assert len(os.listdir("/proc/self/fd")) == before + 1  # noqa: PTH208
    del found
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
