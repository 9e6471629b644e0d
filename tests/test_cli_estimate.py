"""``jupyter green estimate``: options, output, errors."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_green.cli import estimate as command
from jupyter_green.errors import EstimateError, LocationError, SettingsError

LLAMA = ("--power=400", "--gpu-hours=82432", "--pue=1.1", "--intensity=385")


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder with no configuration of the developer's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("JUPYTER_NO_CONFIG", "1")
    for name in ("COUNTRY", "REGION", "CLOUD", "PUE", "INTENSITY_G_PER_KWH"):
        monkeypatch.delenv(f"JUPYTER_GREEN_{name}", raising=False)


def _run(*options: str) -> int:
    parser = argparse.ArgumentParser(prog="jupyter green")
    command.add_parser(parser.add_subparsers())
    args = parser.parse_args(["estimate", *options])
    code: int = args.run(args)
    return code


def _json(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert _run(*options, "--json") == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_json_is_not_rounded(capsys: pytest.CaptureFixture[str]):
    """The published LLaMA 7B example comes out at full precision."""
    result = _json(capsys, *LLAMA)

    assert result["energy_it_kwh"] == pytest.approx(32_972.8, rel=1e-12)
    assert result["energy_facility_kwh"] == pytest.approx(36_270.08, rel=1e-12)
    assert result["co2e_kg"] == pytest.approx(13_963.9808, rel=1e-12)
    assert result["pue"] == {"value": 1.1, "source": "stated on the command line"}
    assert result["inputs"]["gpu_hours"] == 82_432


def test_every_option_reaches_the_calculator(capsys: pytest.CaptureFixture[str]):
    """Each option is one input, under its own name."""
    result = _json(
        capsys,
        *("--gpu=T4", "--power=60", "--count=2", "--hours=3", "--gpu-hours=6"),
        *("--utilization=0.5", "--cpu-cores=4", "--cpu-power-per-core=8"),
        *("--memory-gb=16", "--memory-power-per-gb=0.4", "--energy-kwh=1"),
        *("--country=USA", "--region=ohio"),
    )

    assert result["inputs"] == {
        "gpu": "T4",
        "power_w": 60.0,
        "count": 2,
        "hours": 3.0,
        "gpu_hours": 6.0,
        "utilisation": 0.5,
        "cpu_cores": 4.0,
        "cpu_power_per_core_w": 8.0,
        "memory_gb": 16.0,
        "memory_power_per_gb_w": 0.4,
        "energy_kwh": 1.0,
    }
    assert result["intensity"]["zone"] == "USA/ohio"


def test_text(capsys: pytest.CaptureFixture[str]):
    """The text has energy, parts, CO2e, each factor's identity, and assumptions."""
    code = _run(
        *("--cpu-cores=12", "--cpu-power-per-core=7.5", "--memory-gb=64"),
        *("--hours=12", "--pue=1.67", "--intensity=475.9"),
    )
    out, err = capsys.readouterr()

    assert (code, err) == (0, "")
    # Lannelongue 2021, the calculator's example for the US: 2.28 kWh, 1.09 kg, 20.9 %.
    assert "2.28 kWh  PUE 1.67, stated on the command line" in out
    assert "1.09 kg  475.9 g/kWh, stated by the user\n" in out
    assert "286 Wh  20.9 %" in out
    assert "An estimate, not a measurement." in out
    assert "- memory draws 0.3725 W/GB" in out


def test_text_of_a_known_energy(capsys: pytest.CaptureFixture[str]):
    """A stated energy is called stated, and nothing set is called the world average."""
    _run("--energy-kwh=10")
    out = capsys.readouterr().out

    assert "10.0 kWh  stated" in out
    assert "458.3 g/kWh, world, 2025, lifecycle" in out
    assert "- no location is set: world average" in out
    assert "accelerators" not in out


def test_text_of_a_cloud_region(capsys: pytest.CaptureFixture[str]):
    """The note of an intensity is printed with it."""
    _run("--energy-kwh=10", "--cloud=aws:eu-west-3")

    assert "- intensity: aws:eu-west-3 publishes no value" in capsys.readouterr().out


def test_text_with_a_range(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """A range of the intensity is printed as a range of the result."""
    place = command.Intensity(
        g_per_kwh=100.0, zone="Z", source="s", low_g_per_kwh=90.0, high_g_per_kwh=110.0
    )
    monkeypatch.setattr(command, "find", lambda _settings: place)
    _run("--energy-kwh=10")

    assert "900 g to 1.10 kg" in capsys.readouterr().out


def test_warnings_go_to_stderr(capsys: pytest.CaptureFixture[str]):
    """Standard output stays JSON; warnings are beside it and in it."""
    assert _run("--power=400", "--hours=1", "--intensity=0.385", "--json") == 0
    out, err = capsys.readouterr()

    assert "warning: 0.385 g/kWh" in err
    assert "kg/kWh" in json.loads(out)["warnings"][0]


@pytest.mark.parametrize(
    ("options", "zone", "said"),
    [
        (("--intensity=50", "--country=FRA"), "stated by the user", "--country"),
        (("--cloud=gcp:us-west1", "--country=FRA"), "gcp:us-west1", "--cloud wins"),
    ],
)
def test_which_option_wins(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], zone: str, said: str
):
    """The more specific of two places wins, with a warning."""
    result = _json(capsys, "--energy-kwh=1", *options)

    assert result["intensity"]["zone"] == zone
    assert said in result["warnings"][0]


def test_options_override_settings(capsys: pytest.CaptureFixture[str]):
    """Settings count unless an option is given; a place replaces all of the older."""
    Path("jupyter_green.toml").write_text(
        'cloud = "aws:eu-central-1"\npue = 1.3\npue_source = "operator"\n', "utf-8"
    )

    settled = _json(capsys, "--energy-kwh=1")
    assert settled["intensity"]["zone"] == "DEU"
    assert settled["pue"] == {"value": 1.3, "source": "operator"}
    stated = _json(capsys, "--energy-kwh=1", "--country=FRA", "--pue=1.1")
    assert stated["intensity"]["zone"] == "FRA"
    assert stated["pue"]["value"] == 1.1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--power=400W",), "plain number"),
        (("--hours=1,000",), "plain number"),
        (("--count=2.5",), "whole number"),
        (("--frobnicate",), ""),
    ],
)
def test_wrong_use(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
):
    """What cannot be read as an option ends with code 2 and says why."""
    with pytest.raises(SystemExit) as caught:
        _run(*options)

    assert caught.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ((), EstimateError),
        (("--power=400", "--hours=nan"), EstimateError),
        (("--energy-kwh=1", "--pue=0.5"), EstimateError),
        (("--energy-kwh=1", "--country=Atlantis"), LocationError),
    ],
)
def test_impossible_input(options: tuple[str, ...], error: type[Exception]):
    """Errors with their remedies are left to the program, which gives code 2."""
    with pytest.raises(error):
        _run(*options)


def test_broken_settings():
    """A mistake in a settings file is said, not passed over."""
    Path("jupyter_green.toml").write_text("pue = 0.5\n", "utf-8")

    with pytest.raises(SettingsError, match="pue"):
        _run("--energy-kwh=1")


def test_list_of_accelerators(capsys: pytest.CaptureFixture[str]):
    """The table is listed with power and source, as text and as JSON."""
    assert _run("--list-gpus") == 0
    assert "NVIDIA A100 data sheet" in capsys.readouterr().out
    assert _run("--list-gpus", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"name": "T4", "power_w": 70.0}.items() <= next(
        row for row in rows if row["name"] == "T4"
    ).items()
