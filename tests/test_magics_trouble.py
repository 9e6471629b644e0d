"""Whatever fails in metering, the cell runs, and one warning says what is wrong."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from shells import LOAD, Shell, isolate, load_with, open_shell, quick_device

from jupyter_green.devices.device import About, Found
from jupyter_green.devices.simulated import SimulatedDevice
from jupyter_green.magics import ATTRIBUTE, Extension
from jupyter_green.settings import Settings, resolve_settings


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Give a shell without the extension."""
    isolate(tmp_path, monkeypatch)
    with open_shell() as opened:
        yield opened


class Broken:
    """A device whose driver raises what it likes."""

    about = About(id="gpu-broken", kind="gpu", method="counter", resolution_j=1e-3)

    def read(self) -> object:
        """Fail."""
        raise MemoryError("driver fault 0x51")


def test_a_device_that_raises(shell: Shell) -> None:
    """A failing device is not measured; the others are; one warning names it."""
    load_with(shell, Broken(), quick_device())
    first, second = shell.run("%%energy\n6 * 7"), shell.run("%%energy\n6 * 7")
    assert (first.result.result, second.result.result) == (42, 42)
    assert first.err == "jupyter_green: gpu-broken: driver fault 0x51\n"
    assert second.err == ""
    assert "gpu not measured" in first.out
    gpu, cpu = shell.records[0].devices
    assert gpu.energy_j is None
    assert cpu.energy_j is not None


def test_only_a_device_that_raises(shell: Shell) -> None:
    """Where nothing can be read the energy is not measured, never 0."""
    load_with(shell, Broken())
    ran = shell.run("%%energy\n6 * 7")
    assert ran.result.result == 42
    assert "energy not measured" in ran.out
    assert shell.records[0].energy_j is None
    assert "0 J" not in ran.out


def test_a_device_lost_within_a_cell(shell: Shell) -> None:
    """A device lost meanwhile costs its own figure only."""
    about = About(id="gpu-0", kind="gpu", method="counter", resolution_j=1e-3)
    lost = SimulatedDevice(about, 100.0, epoch_ns=time.monotonic_ns(), lost_at_s=0.3)
    load_with(shell, lost, quick_device())
    ran = shell.run("%%energy\nimport time; time.sleep(0.5); 42")
    assert ran.result.result == 42
    assert ran.err.count("jupyter_green:") == 1
    assert "lost" in ran.err


def find_nothing(_: Settings) -> Found:
    """Fail as a broken installation does."""
    raise RuntimeError("no driver library")


def extend(shell: Shell, find: object, **settings: object) -> None:
    """Load the extension with a discovery of one's own."""
    extension = Extension(
        shell.ip,
        resolve_settings(settings),
        find_devices=find,  # type: ignore[arg-type]
    )
    extension.register()
    setattr(shell.ip, ATTRIBUTE, extension)


def test_discovery_that_fails(shell: Shell) -> None:
    """A cell that asked says it is not metered and why; silence stays silent."""
    extend(shell, find_nothing)
    ran = shell.run("%%energy\n6 * 7")
    assert ran.result.result == 42
    assert ran.err.count("jupyter_green:") == 1
    assert "RuntimeError: no driver library" in ran.err
    shell.run("%green on")
    assert [shell.run("1").err for _ in range(3)] == ["", "", ""]
    assert shell.run("y = %energy 3").err.count("not metered") == 1
    assert shell.ip.user_ns["y"] == 3
    assert shell.run("%%energy -r 3\n4").result.result == 4


def test_discovery_that_hangs(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first cell waits for devices that do not answer."""
    monkeypatch.setattr("jupyter_green.session.READY_TIMEOUT_S", 0.3)
    release = threading.Event()

    def find(_: Settings) -> Found:
        release.wait(20)
        return Found((), ())

    extend(shell, find)
    began_s = time.monotonic()
    assert "not found in time" in shell.run("%%energy\n1").err
    waited_s = time.monotonic() - began_s
    began_s = time.monotonic()
    assert shell.run("%%energy\n1").result.result == 1
    assert time.monotonic() - began_s < 0.2 < waited_s
    release.set()


def test_interrupt_while_devices_are_sought(shell: Shell) -> None:
    """An interrupt before the cell has begun stops the cell, as it would without us."""

    def find(_: Settings) -> Found:
        time.sleep(1)
        return Found((), ())

    extend(shell, find)
    main = threading.main_thread().ident
    assert main is not None
    threading.Timer(0.3, signal.pthread_kill, [main, signal.SIGINT]).start()
    ran = shell.run("%%energy\nran = True")
    assert isinstance(ran.result.error_in_exec, KeyboardInterrupt)
    assert "ran" not in shell.ip.user_ns
    assert shell.run("%%energy\nran = True").result.success


@pytest.mark.parametrize("kind", ["a file", "below a file", "/dev/full/x"])
def test_ledger_that_cannot_be_written(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The cell runs, is shown, and one warning says that nothing is kept."""
    Path("file").write_text("in the way")
    places = {"a file": "file", "below a file": "file/ledger", "/dev/full/x": kind}
    monkeypatch.setenv("JUPYTER_GREEN_LEDGER", places[kind])
    shell.run(LOAD)
    warnings = ""
    for _ in range(3):
        ran = shell.run("%%energy\nimport time; time.sleep(0.1); 42")
        assert ran.result.result == 42
        assert "SIMULATED" in ran.out
        warnings += ran.err
    assert warnings.count("jupyter_green:") == 1
    assert len(warnings.splitlines()) == 1
    assert places[kind] in warnings


def test_broken_project_file(shell: Shell) -> None:
    """A mistake in the settings gives one warning, and the rest still counts."""
    Path("jupyter_green.toml").write_text("country = 'FRA\n")
    ran = shell.run(LOAD)
    assert ran.result.success
    assert ran.err.count("jupyter_green:") == 1
    assert "jupyter_green.toml" in ran.err
    assert "SIMULATED" in shell.run("%%energy\n1").out


@pytest.mark.parametrize(
    ("name", "value"), [("PUE", "0.2"), ("SAMPLING_S", "soon"), ("COUNTRY", "Atlantis")]
)
def test_wrong_setting(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A value that cannot be used gives one warning and the cell is metered."""
    monkeypatch.setenv(f"JUPYTER_GREEN_{name}", value)
    err = shell.run(LOAD).err + shell.run("%%energy\n1").err
    assert err.count("jupyter_green:") == 1
    assert value in err
    assert len(shell.records) == 1


def test_working_folder_removed(shell: Shell, tmp_path: Path) -> None:
    """Loading and metering work where the working folder is gone."""
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    shell.run(LOAD)
    assert shell.run("%%energy\n1").result.result == 1
    os.chdir(tmp_path)
