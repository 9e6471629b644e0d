"""What authors state in jupyter_green.toml, and the file that `init` writes."""

import argparse
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_green.cli import project
from jupyter_green.devices.device import Found
from jupyter_green.errors import SettingsError
from jupyter_green.report.appendix.author import AuthorFacts
from jupyter_green.report.appendix.project_file import (
    BoampsAlgorithm,
    BoampsDataset,
    BoampsTask,
    ProjectFacts,
    read_project,
)
from jupyter_green.report.appendix.starter import starter
from jupyter_green.settings import Settings, resolve_settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a user without settings."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    for name in ("COUNTRY", "PUE", "LEDGER"):
        monkeypatch.delenv(f"JUPYTER_GREEN_{name}", raising=False)
    folder = tmp_path / "paper"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def read(text: str) -> ProjectFacts:
    """Read the tables of a file's text."""
    tables = {k: v for k, v in tomllib.loads(text).items() if isinstance(v, dict)}
    return read_project(tables, "paper.toml")


def init(*arguments: str) -> int:
    """Run the verb on a machine without devices."""
    parser = argparse.ArgumentParser()
    project.add_parsers(parser.add_subparsers(required=True))
    options = parser.parse_args(["init", *arguments])
    return project.run_init(options, find_devices=lambda _: Found((), ()))


def test_nothing_stated_is_nothing_known() -> None:
    """No table, an empty one, and tables of other readers."""
    assert read("") == read("[report]") == read("[budget]\nkwh = 3") == ProjectFacts()


def test_every_kind_of_value_arrives() -> None:
    """Whole numbers serve as numbers, a single text as a list of one."""
    facts = read(
        "[report]\nparameters = 7\nauthors = ['A', 'B']\nlimitations = 'one'\n"
        "water_site_l_per_kwh = [0.4, 2]\nis_public = false\n"
        "[report.boamps]\ntask_stage = 'training'\n"
        "[[report.boamps.datasets]]\ndata_usage = 'input'\ndata_type = 'image'\n"
    )
    assert facts.author == AuthorFacts(
        parameters=7.0,
        authors=("A", "B"),
        limitations=("one",),
        water_site_l_per_kwh=(0.4, 2.0),
        is_public=False,
    )
    assert facts.boamps == BoampsTask(
        task_stage="training",
        datasets=(BoampsDataset(data_usage="input", data_type="image"),),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[report]\nparamters = 7", "'paramters'.*paper.toml.*mean 'parameters'"),
        ("[report]\nzzz = 7", "'zzz'.*`jupyter green init`"),
        ("[reports]\nx = 1", r"no table \[reports\].*paper.toml"),
        ("[project]\nx = 1", r"no table \[project\].*go to \[report\]"),
        ("[report]\nparameters = 'many'", "parameters cannot be 'many'"),
        ("[report]\npue = 0.9", "pue cannot be 0.9.*at least 1"),
        ("[report]\nflops = -1.0", "flops cannot be -1.*negative"),
        ("[report]\nflops = nan", "flops cannot be nan"),
        ("[report]\nintensity_g_per_kwh = 56000", "cannot be 56000.*coal"),
        ("[report]\npue = 1.5\npue_high = 1.2", "pue, pue_high are not in order"),
        ("[report]\nwater_site_l_per_kwh = [2, 1]", "not in order"),
        ("[report]\nreported_purposes = ['best']", "cannot hold 'best'.*final, "),
        ("[report]\ntraining_type = 'tuning'", "Choose one of pre-training"),
        ("[report]\nboamps = 3", "report.boamps must be a table"),
        ("[report.boamps]\ntask_stag = 'x'", "boamps.task_stag.*mean 'task_stage'"),
        ("[report.boamps.datasets]\nowner = 'x'", "must be a list of tables"),
        (
            "[[report.boamps.datasets]]\ndata_type = 'images'",
            "data_type cannot be 'images'.*image, video",
        ),
    ],
)
def test_a_mistake_names_the_key_the_file_and_the_remedy(
    text: str, message: str
) -> None:
    """Unknown keys, wrong types, impossible numbers, ends in the wrong order."""
    with pytest.raises(SettingsError, match=f"(?s){message}"):
        read(text)


def test_an_untouched_file_states_nothing() -> None:
    """All keys are comments: settings and facts stay at their defaults."""
    text = starter({})
    content = tomllib.loads(text)
    assert content == {"report": {}}


def test_every_line_of_the_file_is_valid_once_its_mark_is_taken_off(
    tmp_path: Path,
) -> None:
    """The examples are usable, and every key of every reader is there."""
    text = re.sub(r"(?m)^# (?=\[|[a-z_]+ = )", "", starter({}))
    content = tomllib.loads(text)
    boamps: dict[str, Any] = content["report"]["boamps"]
    assert set(content["report"]) == {*AuthorFacts.__struct_fields__, "boamps"}
    assert set(boamps) == set(BoampsTask.__struct_fields__)
    assert set(boamps["datasets"][0]) == set(BoampsDataset.__struct_fields__)
    assert set(boamps["algorithms"][0]) == set(BoampsAlgorithm.__struct_fields__)
    facts = read_project({"report": content["report"]})
    assert facts.author.pue == 1.2
    assert msgspec.to_builtins(facts.boamps)["task_stage"] == "training"
    # Place and cloud exclude each other by their order only; each is a known setting.
    (tmp_path / "jupyter_green.toml").write_text(text)
    assert resolve_settings(folder=tmp_path).values != Settings()


def test_init_fills_in_what_can_be_found_out(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git's remote without its password, the author, the settings in force."""
    monkeypatch.setenv("JUPYTER_GREEN_COUNTRY", "FRA")
    for arguments in (
        ["init", "-q"],
        ["config", "user.name", 'Ada "\\ Lovelace'],
        ["remote", "add", "origin", "https://ada:secret@example.org/x.git"],
    ):
        subprocess.run(["git", *arguments], check=True)
    assert init() == 0
    assert "country, remotes, authors, nodes" in capsys.readouterr().out
    text = (home / "jupyter_green.toml").read_text()
    assert "secret" not in text
    content = tomllib.loads(text)
    assert content["country"] == "FRA"
    assert read_project({"report": content["report"]}).author == AuthorFacts(
        authors=('Ada "\\ Lovelace',), remotes=("https://example.org/x.git",), nodes=1
    )


def test_init_never_changes_a_file(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It can be printed instead."""
    path = home / "jupyter_green.toml"
    path.write_text("# mine\n")
    with pytest.raises(SettingsError, match="already"):
        init()
    assert path.read_text() == "# mine\n"
    assert init("--print") == 0
    assert capsys.readouterr().out.startswith("# Settings of jupyter_green")
    with pytest.raises(SettingsError, match="cannot write"):
        init(str(home / "nowhere"))
