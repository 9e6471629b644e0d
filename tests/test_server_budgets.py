"""Budgets as the panel gets them: which bear on a notebook, how far they are used."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from green_servers import *  # noqa: F403 - fixtures
from green_servers import Fetch, answered, at, write
from ledger_samples import device, record, running, write_lines
from servers import message, on_loop, until

from jupyter_green.config import settings_in_force
from jupyter_green.errors import BudgetError
from jupyter_green.ledger import new_session
from jupyter_green.ledger.follow import LedgerFollower
from jupyter_green.ledger.lines import EndLine, HeartbeatLine, StartLine
from jupyter_green.report.budgets import (
    Budget,
    budgets_in_force,
    drop_budget,
    progress_of,
    read_budgets,
    set_budget,
    store_budget,
)
from jupyter_green.server.state import GreenServer
from jupyter_green.session.budget_watch import BudgetWatch

PROJECT = '[budget]\namount = "1 kWh"\nstop = true\n'


def names(told: Any) -> list[tuple[str, str]]:
    """Return what the budgets of an answer are for."""
    return [(b["scope"], Path(b["name"]).name) for b in told["budgets"]]


def budget(scope: Any, name: object, energy_j: float | None = 1000.0, **more: Any):
    """Return a budget."""
    return Budget(scope=scope, name=str(name), energy_j=energy_j, **more)


@on_loop
async def test_a_notebook_has_its_own_budget_its_projects_and_its_labels(
    ask: Fetch, ledger: Path, jp_root_dir: Path
):
    """Those of other notebooks, projects and labels are none of its."""
    (jp_root_dir / "p").mkdir()
    (jp_root_dir / "p" / "jupyter_green.toml").write_text(PROJECT)
    mine, other = jp_root_dir / "p" / "x.ipynb", jp_root_dir / "q" / "y.ipynb"
    for one in (
        budget("notebook", mine),
        budget("notebook", other),
        budget("label", "train"),
        budget("label", "theirs"),
        budget("label", "nobody yet"),
        budget("project", jp_root_dir / "q"),
        budget("project", jp_root_dir / "pp"),
    ):
        store_budget(ledger, one)
    write(
        ledger,
        record("r1", notebook=str(mine), label="train"),
        record("r2", notebook=str(other), label="theirs"),
    )
    told = await answered(ask, "budgets", path="p/x.ipynb")
    assert names(told) == [
        ("notebook", "x.ipynb"),
        ("project", "p"),
        ("label", "nobody yet"),
        ("label", "train"),
    ]
    of_project = told["budgets"][1]
    assert of_project["stop"] is True
    assert of_project["limit"] == pytest.approx(3.6e6)
    assert of_project["path"] == "p"
    told = await answered(ask, "budgets", path="q/y.ipynb")
    assert names(told) == [
        ("notebook", "y.ipynb"),
        ("project", "q"),
        ("label", "nobody yet"),
        ("label", "theirs"),
    ]
    assert names(await answered(ask, "budgets")) == [
        ("label", "nobody yet"),
        ("label", "theirs"),
        ("label", "train"),
    ]


@on_loop
async def test_figures_are_those_of_the_command(
    ask: Fetch, ledger: Path, jp_root_dir: Path
):
    """Nested runs once, what overlaps in parts, work since a time, grams and joules."""
    mine, other = str(jp_root_dir / "x.ipynb"), str(jp_root_dir / "y.ipynb")
    write(
        ledger,
        # The second one is part of the first; the third overlaps the first by half.
        record("r1", notebook=mine, started_at=at(100), devices=(device(400.0),)),
        record("r2", notebook=mine, started_at=at(99), parent="r1", label="train"),
        record("r3", notebook=other, started_at=at(95), label="train"),
        record("r4", notebook=mine, started_at=at(500_000), label="train"),
        record("r5", notebook=mine, started_at=at(50), devices=(device(None),)),
        record("r6", notebook=mine, started_at=at(40), intensity=None),
        record("r7", notebook="", started_at=at(30), label="train"),
    )
    for one in (
        budget("notebook", mine, 500.0),
        budget("label", "train", 10_000.0, since=at(1000)),
        budget("project", jp_root_dir, None, co2e_g=0.05),
    ):
        store_budget(ledger, one)
    told = await answered(ask, "budgets", path="x.ipynb")
    resolved = settings_in_force(folder=jp_root_dir)
    wanted = progress_of(ledger, budgets_in_force(ledger, resolved))
    by_scope = {entry.budget.scope: entry for entry in wanted}
    assert len(told["budgets"]) == 3
    for shown in told["budgets"]:
        entry = by_scope[shown["scope"]]
        assert shown["used"] == pytest.approx(entry.used)
        assert shown["fraction"] == pytest.approx(entry.fraction)
        assert shown["state"] == entry.state
        lacking = shown["unmeasured_runs"]
        lacking += shown["runs_without_co2e"] if shown["unit"] == "gCO2e" else 0
        assert lacking == entry.unmeasured_runs
        assert shown["duration_s"] == pytest.approx(entry.duration_s)
    of_notebook, of_project, of_label = told["budgets"]
    # All of r4 and r6 (100 J each), and of r1 what is not r3's.
    assert 500.0 < of_notebook["used"] < 600.0
    assert (of_notebook["state"], of_notebook["unit"]) == ("spent", "J")
    assert of_project["unit"] == "gCO2e"
    assert of_project["runs_without_co2e"] == 1
    # r7 and a part of r3; r4 is older.
    assert 100.0 < of_label["used"] < 200.0


@pytest.mark.parametrize("is_ledger_below", [True, False])
@on_loop
async def test_kernel_shell_and_panel_count_the_same_work(
    ask: Fetch,
    ledger: Path,
    jp_root_dir: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    is_ledger_below: bool,
):
    """Every run uses another power of two, so a sum tells which runs are in it."""
    project = tmp_path if is_ledger_below else jp_root_dir / "p"
    (jp_root_dir / "p").mkdir()
    (project / "jupyter_green.toml").write_text(PROJECT)
    other = tmp_path_factory.mktemp("other")
    (other / "link").symlink_to(jp_root_dir / "p")
    mine = str(jp_root_dir / "p" / "x.ipynb")
    work = {
        1: {"notebook": mine},
        2: {"notebook": mine, "label": "train"},
        4: {"notebook": str(other / "x.ipynb")},
        8: {"notebook": str(other / "x.ipynb"), "label": "train"},
        16: {"notebook": ""},
        32: {"notebook": "", "label": "train"},
        64: {"notebook": str(other / "link" / "x.ipynb")},
        128: {"notebook": "x.ipynb"},  # of which folder nobody can tell
        256: {"notebook": str(project) + "x/x.ipynb"},
        512: {"notebook": mine + "\0"},
        1024: {"notebook": str(other / "x.ipynb\0")},
    }
    without_a_place = 16 + 32 + 128
    expected = {
        "notebook": 1 + 2,
        "label": 2 + 8 + 32,
        "project": 1 + 2 + 64 + 512 + (without_a_place if is_ledger_below else 0),
    }
    records = [
        record(
            f"r{n}", started_at=at(20 * n + 20), devices=(device(float(joules)),), **of
        )
        for n, (joules, of) in enumerate(work.items())
    ]
    store_budget(ledger, budget("notebook", mine))
    store_budget(ledger, budget("label", "train"))
    resolved = settings_in_force(folder=project)

    def in_force() -> list[Budget]:
        return budgets_in_force(ledger, resolved)

    said: list[str] = []
    kernel = BudgetWatch(ledger, read=in_force, flush=lambda: None, warn=said.append)
    kernel.refresh()
    monkeypatch.chdir(project)  # cells may go anywhere
    for one in records:
        kernel.started(one)
        kernel.ended(one)
    assert said == []
    assert {e.budget.scope: e.used for e in kernel._known} == expected
    monkeypatch.chdir(other)
    write(ledger, *records)
    found = progress_of(ledger, in_force())
    assert {e.budget.scope: e.used for e in found} == expected
    told = await answered(ask, "budgets", path="p/x.ipynb")
    assert {b["scope"]: b["used"] for b in told["budgets"]} == expected


def test_a_budget_for_what_totals_cannot_tell_from_no_label_is_refused(tmp_path: Path):
    """They name the row of runs without one so."""
    with pytest.raises(BudgetError, match="Give the runs another label"):
        set_budget(tmp_path, amount="5 Wh", work=("label", "no label"))
    assert read_budgets(tmp_path) == []


@on_loop
async def test_what_is_not_measured_is_no_zero(
    ask: Fetch, ledger: Path, jp_root_dir: Path
):
    """A notebook without a run has used nothing; one without figures nobody knows."""
    blind, idle = str(jp_root_dir / "blind.ipynb"), str(jp_root_dir / "idle.ipynb")
    going = str(jp_root_dir / "going.ipynb")
    for notebook in (blind, idle, going):
        store_budget(ledger, budget("notebook", notebook))
    lines = [
        EndLine(record("r1", notebook=blind, devices=(device(None),))),
        StartLine(running("r2", notebook=going, started_at=at(1))),
    ]
    write_lines(ledger / "a.jsonl", new_session(), *lines)
    (told,) = (await answered(ask, "budgets", path="blind.ipynb"))["budgets"]
    assert (told["used"], told["fraction"], told["state"]) == (None, None, None)
    assert told["unmeasured_runs"] == 1
    (told,) = (await answered(ask, "budgets", path="idle.ipynb"))["budgets"]
    assert (told["used"], told["state"], told["runs"]) == (0.0, "within", 0)
    (told,) = (await answered(ask, "budgets", path="going.ipynb"))["budgets"]
    assert (told["used"], told["state"], told["running_runs"]) == (0.0, "within", 1)


@on_loop
async def test_a_running_cell_counts_with_what_its_kernel_has_told(
    ask: Fetch, ledger: Path, jp_root_dir: Path
):
    """And its last word takes the place of that."""
    mine = str(jp_root_dir / "x.ipynb")
    store_budget(ledger, budget("notebook", mine, 80.0))
    session = new_session()
    begun = running("r1", notebook=mine, started_at=at(12))
    so_far = HeartbeatLine(
        record="r1", at=at(2), duration_s=10.0, devices=(device(60.0),)
    )
    lines: list[Any] = [session, StartLine(begun)]
    for line, used, state in (
        (so_far, 60.0, "within"),
        (EndLine(record("r1", notebook=mine)), 100.0, "spent"),
    ):
        lines.append(line)
        write_lines(ledger / "a.jsonl", *lines)
        await asyncio.sleep(0.6)  # younger readings are taken for the present
        (told,) = (await answered(ask, "budgets", path="x.ipynb"))["budgets"]
        assert (told["used"], told["state"]) == (used, state)


@on_loop
async def test_setting_and_taking_away_a_budget_is_told_at_once(
    ask: Fetch, connect: Fetch, ledger: Path, jp_root_dir: Path
):
    """On the stream, as "ask again"; a project file's too."""
    mine = str(jp_root_dir / "x.ipynb")
    write(ledger, record("r1", notebook=mine))
    stream = await connect()
    await message(stream, "totals")  # the ledger was read

    async def told_anew() -> list[tuple[str, str]]:
        await message(stream, "totals", timeout_s=6.0)
        return names(await answered(ask, "budgets", path="x.ipynb"))

    assert names(await answered(ask, "budgets", path="x.ipynb")) == []
    store_budget(ledger, budget("notebook", mine))
    assert await told_anew() == [("notebook", "x.ipynb")]
    store_budget(ledger, budget("notebook", mine, 50.0))
    assert await told_anew() == [("notebook", "x.ipynb")]
    told = await answered(ask, "budgets", path="x.ipynb")
    assert told["budgets"][0]["state"] == "spent"  # 100 J of 50 J
    drop_budget(ledger, "notebook", mine)
    assert await told_anew() == []
    (jp_root_dir / "jupyter_green.toml").write_text(PROJECT)
    assert await told_anew() == [("project", jp_root_dir.name)]


@on_loop
async def test_a_cell_that_ends_is_added_without_reading_the_past_again(
    ask: Fetch,
    ledger: Path,
    jp_root_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """However many runs there were: the sums are kept."""
    mine = str(jp_root_dir / "x.ipynb")
    store_budget(ledger, budget("notebook", mine))
    store_budget(ledger, budget("label", "train"))
    past = [
        record(f"r{n}", notebook=mine, started_at=at(20_000 - 15 * n), label="train")
        for n in range(1200)
    ]
    write(ledger, *past)
    first = await answered(ask, "budgets", path="x.ipynb")
    assert first["budgets"][0]["used"] == pytest.approx(120_000.0)
    asked: list[str] = []
    row = LedgerFollower.row

    def counted(self: LedgerFollower, identifier: str) -> Any:
        asked.append(identifier)
        return row(self, identifier)

    monkeypatch.setattr(LedgerFollower, "row", counted)
    write(ledger, record("new", notebook=mine, started_at=at(60)), name="b")
    await asyncio.sleep(0.6)  # what was read less than half a second ago is the present
    second = await answered(ask, "budgets", path="x.ipynb")
    assert second["budgets"][0]["used"] == pytest.approx(120_100.0)
    assert second["budgets"][1]["used"] == pytest.approx(120_000.0)
    assert len(asked) < 10


@on_loop
async def test_a_budget_is_a_renamed_notebooks_until_another_has_its_name(
    ask: Fetch, green: GreenServer, ledger: Path, jp_root_dir: Path
):
    """Its kernel goes on under the old name, and so does the budget."""
    old, new = jp_root_dir / "old.ipynb", jp_root_dir / "new.ipynb"
    new.write_text("{}")
    store_budget(ledger, budget("notebook", old))
    write(ledger, record("r1", notebook=str(old), started_at=at(60)))
    green.renamed("old.ipynb", "new.ipynb")
    await asyncio.sleep(0.2)
    (told,) = (await answered(ask, "budgets", path="new.ipynb"))["budgets"]
    assert (Path(told["name"]).name, told["used"]) == ("old.ipynb", 100.0)
    old.write_text("{}")
    assert names(await answered(ask, "budgets", path="new.ipynb")) == []
    assert names(await answered(ask, "budgets", path="old.ipynb")) == [
        ("notebook", "old.ipynb")
    ]


@pytest.mark.parametrize("content", ["{", '[{"scope": "galaxy", "name": "x"}]'])
@on_loop
async def test_a_file_that_holds_no_budgets_is_told(
    ask: Fetch, ledger: Path, content: str
):
    """Instead of showing none."""
    write_lines(ledger / "budgets.json", content.encode())
    told = await answered(ask, "budgets")
    assert told["budgets"] == []
    assert "budgets.json" in told["problems"][0]
    assert (await ask("totals"))[0] == 200


@on_loop
async def test_one_budget_that_cannot_be_used_does_not_hide_the_others(
    ask: Fetch, ledger: Path, jp_root_dir: Path
):
    """A time that is none is told."""
    mine = str(jp_root_dir / "x.ipynb")
    store_budget(ledger, budget("notebook", mine))
    store_budget(ledger, budget("label", "train", since="yesterday"))
    store_budget(ledger, budget("label", "test", since="7d"))
    told = await answered(ask, "budgets", path="x.ipynb")
    assert names(told) == [("notebook", "x.ipynb"), ("label", "test")]
    assert "'yesterday' is no time" in told["problems"][0]
    assert told["problems"][0].startswith("The budget for label train")


@on_loop
async def test_of_very_many_budgets_the_first_are_shown_and_the_rest_is_counted(
    ask: Fetch, ledger: Path
):
    """Nobody reads more, and nobody waits for them."""
    for n in range(60):
        store_budget(ledger, budget("label", f"label {n:02}"))
    told = await answered(ask, "budgets")
    assert len(told["budgets"]) == 50
    assert told["left_out"] == 10


@pytest.mark.parametrize("path", ["../x.ipynb", "a/../../etc/passwd"])
@on_loop
async def test_budgets_of_a_path_out_of_the_root_are_refused(ask: Fetch, path: str):
    """As everywhere."""
    assert (await ask("budgets", params={"path": path}))[0] == 403


@on_loop
async def test_budgets_are_read_off_the_event_loop(
    ask: Fetch, ledger: Path, monkeypatch: pytest.MonkeyPatch
):
    """A disk that hangs delays this answer and nobody else's."""
    threads: set[int] = set()
    read = Path.read_bytes

    def slow(self: Path) -> bytes:
        if self.name == "budgets.json":
            threads.add(threading.get_ident())
            time.sleep(0.5)
        return read(self)

    store_budget(ledger, budget("label", "train"))
    await answered(ask, "budgets")
    monkeypatch.setattr(Path, "read_bytes", slow)
    asked = asyncio.create_task(ask("budgets"))
    begun_s = time.monotonic()
    await until(lambda: threads)
    assert (await ask("power"))[0] == 200
    assert time.monotonic() - begun_s < 0.4
    assert (await asked)[0] == 200
    assert threading.get_ident() not in threads
