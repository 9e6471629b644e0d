"""Settings and where they come from: option, project file, configuration, default."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_green.config import read_jupyter_config
from jupyter_green.errors import SettingsError
from jupyter_green.settings import find_project_file, resolve, resolve_settings


def write_project(folder: Path, text: str) -> Path:
    """Write a project file."""
    path = folder / "jupyter_green.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_option_wins_over_the_project_file_and_that_over_jupyter(
    tmp_path: Path,
) -> None:
    """Each source wins over the weaker ones, and the origin says which it was."""
    path = write_project(tmp_path, "pue = 1.2\nheartbeat_s = 5\n")
    resolved = resolve_settings(
        {"pue": 1.3},
        folder=tmp_path,
        jupyter_config={"pue": 1.1, "heartbeat_s": 7, "sampling_s": 0.5},
    )
    assert resolved.values.pue == 1.3
    assert resolved.values.heartbeat_s == 5.0
    assert resolved.values.sampling_s == 0.5
    assert resolved.origins["pue"] == "option"
    assert resolved.origins["heartbeat_s"] == str(path)
    assert resolved.origins["sampling_s"] == "Jupyter configuration"
    assert resolved.origins["country"] == "default"


def test_the_nearest_project_file_above_counts(tmp_path: Path) -> None:
    """A notebook deep in a project finds the file of its nearest ancestor."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    write_project(tmp_path, "pue = 1.5\n")
    nearest = write_project(tmp_path / "a", "pue = 1.4\n")
    assert find_project_file(deep) == nearest


def test_a_relative_ledger_in_the_project_file_is_meant_from_there(
    tmp_path: Path,
) -> None:
    """The ledger stands next to the paper, wherever the kernel was started."""
    (tmp_path / "notebooks").mkdir()
    write_project(tmp_path, 'ledger = "energy"\n')
    resolved = resolve_settings(folder=tmp_path / "notebooks")
    assert resolved.values.ledger == str(tmp_path / "energy")


def test_a_stronger_country_replaces_a_weaker_cloud_region() -> None:
    """Place is one thing: who states the country states the place."""
    settings = resolve(
        {"country": "FRA"},
        jupyter_config={"cloud": "gcp:europe-west1", "intensity_g_per_kwh": 20.0},
    )
    assert settings.country == "FRA"
    assert settings.cloud is None
    assert settings.intensity_g_per_kwh is None


def test_environment_variables_are_options_with_words_for_truth() -> None:
    """Launchers set variables; yes, on, true and 1 all mean true."""
    for word in ("1", "true", "YES", "on"):
        assert resolve(environment={"JUPYTER_GREEN_SIMULATED": word}).simulated
    for word in ("0", "false", "No", "off"):
        assert not resolve(environment={"JUPYTER_GREEN_SIMULATED": word}).simulated


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"pue": 0.8}, "at least 1"),
        ({"pue": "nan"}, "cannot be nan"),
        ({"pue": "high"}, "cannot be 'high'"),
        ({"intensity_g_per_kwh": -1}, "cannot be -1"),
        ({"contry": "FRA"}, "Did you mean 'country'"),
        ({"sampling_s": 0}, "seconds between readings"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(
    given: dict[str, object], says: str
) -> None:
    """The error names the setting, the reason and where it was found."""
    with pytest.raises(SettingsError, match=says) as caught:
        resolve(given)
    assert "option" in str(caught.value)


def test_a_project_file_that_is_no_toml_is_named_in_the_error(tmp_path: Path) -> None:
    """The user learns which file to mend."""
    path = write_project(tmp_path, "pue = = 1\n")
    with pytest.raises(SettingsError, match="cannot read") as caught:
        resolve_settings(folder=tmp_path)
    assert str(path) in str(caught.value)


def test_tables_of_the_project_file_are_kept_for_their_readers(tmp_path: Path) -> None:
    """A table is not a setting; the report reads its own."""
    write_project(tmp_path, '[report]\nparameters = "7e9"\n')
    assert resolve_settings(folder=tmp_path).tables == {"report": {"parameters": "7e9"}}


def test_jupyter_configuration_is_read_from_python_and_json(tmp_path: Path) -> None:
    """Both forms count, and the user's folder wins over the system's."""
    user, system = tmp_path / "user", tmp_path / "system"
    user.mkdir()
    system.mkdir()
    (system / "jupyter_green_config.json").write_text(
        '{"JupyterGreen": {"country": "DEU", "pue": 1.2}}', encoding="utf-8"
    )
    (user / "jupyter_green_config.py").write_text(
        'c.JupyterGreen.country = "FRA"\n', encoding="utf-8"
    )
    found = read_jupyter_config([str(user), str(system)])
    assert found == {"country": "FRA", "pue": 1.2}


def test_a_broken_configuration_file_is_named_in_the_error(tmp_path: Path) -> None:
    """The user's own program may raise anything."""
    (tmp_path / "jupyter_green_config.py").write_text("1 / 0\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="ZeroDivisionError"):
        read_jupyter_config([str(tmp_path)])
