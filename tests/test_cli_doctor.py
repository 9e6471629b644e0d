"""``jupyter green doctor`` and ``jupyter green settings``."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import pytest
from fakes.powercap import Powercap
from shells import isolate, quick_device

from jupyter_green.cli import doctor, main
from jupyter_green.devices import estimate, rapl
from jupyter_green.devices.codecarbon_power import PowerModel
from jupyter_green.devices.device import About, Found, Problem
from jupyter_green.devices.power_lookup import PowerLookup
from jupyter_green.devices.rapl_problems import forbidden
from jupyter_green.devices.simulated import SimulatedDevice
from jupyter_green.settings import PROJECT_FILE, Settings


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a user without settings, and no hardware."""
    return isolate(tmp_path, monkeypatch)


def diagnose(found: Found, *arguments: str) -> int:
    """Run the doctor on a machine that has what was *found*."""
    parser = argparse.ArgumentParser()
    doctor.add_parsers(parser.add_subparsers())
    options = parser.parse_args(["doctor", *arguments])
    return doctor.run_doctor(options, find_devices=lambda _: found)


def test_simulated(capsys: pytest.CaptureFixture[str]) -> None:
    """Each device is named with its method, resolution and calibration."""
    assert main(["doctor", "--simulated"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "What is measured here, or estimated"
    assert lines[1] == "  gpu 0  simulated GPU"
    assert "SIMULATED: no hardware is read" in lines[2]
    for detail in ("resolution 1", "moves every 100 ms", "calibration ± 5"):
        assert detail in lines[2]
    assert len(lines) == 7


def test_simulated_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The same, for programs."""
    assert main(["doctor", "--simulated", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [device["kind"] for device in told["devices"]] == ["gpu", "cpu", "dram"]
    assert told["devices"][0]["method"] == "simulated"
    assert told["devices"][0]["resolution_j"] == 1e-3
    assert told["problems"] == []


def test_nothing_found(capsys: pytest.CaptureFixture[str]) -> None:
    """That is 1, and the reasons are given."""
    problem = Problem("gpu", "there is no NVIDIA driver", "no GPU", "install it")
    assert diagnose(Found((), (problem,))) == 1
    out = capsys.readouterr().out
    assert out.splitlines()[1] == "  nothing"
    assert "gpu  [missing] there is no NVIDIA driver" in out
    assert "why:  no GPU" in out
    assert "do:   install it" in out
    assert diagnose(Found((), (problem,)), "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["devices"] == []
    assert told["problems"][0]["severity"] == "missing"


def test_a_device_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """It is found and cannot be read: that is said, and is 1."""
    about = About(id="gpu-x", kind="gpu", method="simulated", name="a GPU")
    failing = SimulatedDevice(about, 100.0, fails_s=(0.0, float("inf")))
    assert diagnose(Found((quick_device(), failing), ())) == 1
    out = capsys.readouterr().out
    assert "gpu 0  [broken] gpu-x: the simulated device does not answer" in out


def test_forbidden_counters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The files, the commands that open them, and what that risks are all named."""
    path = Powercap(tmp_path).zone("intel-rapl:0", "package-0", 1_000_000)
    problem = forbidden(["package-0"], [path])
    assert diagnose(Found((quick_device(),), (problem,))) == 0
    out = capsys.readouterr().out
    assert "rapl  [forbidden] package-0" in out
    assert f"sudo chmod a+r {path}" in out
    assert "udevadm trigger" in out
    assert "risk: " in out
    assert "PLATYPUS" in out


def test_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Readable counters are named as measured, and nothing is left to do."""
    powercap = Powercap(tmp_path)
    powercap.zone("intel-rapl:0", "package-0", 1_000_000)
    powercap.zone("intel-rapl:0:0", "dram", 1_000_000)
    assert diagnose(rapl.find(powercap.root, cpuinfo=powercap.cpuinfo)) == 0
    out = capsys.readouterr().out
    assert out.count("measured by an energy counter") == 2
    assert "what to do" not in out


def test_estimates_are_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a new machine the doctor waits for codecarbon, and names the processor."""

    def ask() -> PowerModel:
        time.sleep(0.3)  # codecarbon takes about a second
        return PowerModel("A new processor", 65.0, False, 5.0, 16.0, "a test")

    found = estimate.find(PowerLookup(tmp_path / "cache", ask=ask))
    assert diagnose(found) == 0
    out = capsys.readouterr().out
    assert "A new processor" in out
    assert "[broken]" not in out


def test_settings_say_where_they_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each setting has its value and its origin."""
    (tmp_path / PROJECT_FILE).write_text('country = "FRA"\n')
    config = tmp_path / "config"
    config.mkdir()
    (config / "jupyter_green_config.py").write_text("c.JupyterGreen.pue = 1.2\n")
    monkeypatch.setenv("JUPYTER_GREEN_SAMPLING_S", "0.2")
    assert main(["settings", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    project = str(tmp_path / PROJECT_FILE)
    assert told["country"] == {"value": "FRA", "from": project}
    assert told["pue"] == {"value": 1.2, "from": "Jupyter configuration"}
    assert told["sampling_s"] == {"value": 0.2, "from": "environment"}
    assert told["card"] == {"value": True, "from": "default"}
    assert main(["settings"]) == 0
    out = capsys.readouterr().out
    assert f"Project file: {project}" in out
    for name in Settings.__struct_fields__:
        assert name in out


def test_a_token_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is printed can be sent to others."""
    monkeypatch.setenv("JUPYTER_GREEN_ELECTRICITYMAPS_TOKEN", "s3cret")
    for arguments in (["settings"], ["settings", "--json"], ["doctor", "--json"]):
        assert main(arguments) == 0
        assert "s3cret" not in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["doctor", "settings"])
def test_a_setting_that_cannot_be(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It gives 2 and names the value and where it stands."""
    monkeypatch.setenv("JUPYTER_GREEN_PUE", "0.5")
    assert main([verb]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"jupyter green {verb}: the setting pue cannot be 0.5")
    assert "environment" in err
