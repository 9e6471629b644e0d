"""Budgets: amounts, what counts, the warning at 80 % and the end of a cell."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.error import UsageError
from kernels import open_kernel
from ledger_samples import record, write_lines
from shells import (
    Shell,
    isolate,
    ledger_records,
    load_with,
    open_shell,
    quick_device,
)

from jupyter_green.cli import main
from jupyter_green.errors import BudgetError
from jupyter_green.ledger.lines import EndLine, utc_text
from jupyter_green.report.budgets import (
    Budget,
    budgets_in_force,
    drop_budget,
    parse_amount,
    progress,
    progress_of,
    read_budgets,
    store_budget,
)
from jupyter_green.session.budget_watch import interrupt_main
from jupyter_green.settings import resolve_settings

PATIENCE_S = 10.0


def until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Give a shell with one simulated device of 100 W and a notebook's name."""
    isolate(tmp_path, monkeypatch)
    with open_shell() as opened:
        load_with(opened, quick_device(), notebook=str(tmp_path / "a.ipynb"))
        yield opened


@pytest.mark.parametrize(
    ("text", "energy_j", "co2e_g"),
    [
        ("50 Wh", 180_000.0, None),
        ("2 kWh", 7.2e6, None),
        ("2kwh", 7.2e6, None),
        ("3.6 MJ", 3.6e6, None),
        ("1 MWh", 3.6e9, None),
        ("1,500 J", 1500.0, None),
        ("1e3 J", 1000.0, None),
        ("100 g", None, 100.0),
        ("100 gCO2e", None, 100.0),
        ("1 kg CO2", None, 1000.0),
        ("5 mg CO2e", None, 0.005),
        ("350 mJ", 0.35, None),
        ("500 mWh", 1800.0, None),
        ("2 Mg", None, 2e6),
        (".5 t", None, 5e5),
    ],
)
def test_amounts_are_read_as_people_write_them(
    text: str, energy_j: float | None, co2e_g: float | None
):
    """Energy or CO2e."""
    found = parse_amount(text)
    assert found == (
        energy_j if energy_j is None else pytest.approx(energy_j),
        co2e_g if co2e_g is None else pytest.approx(co2e_g),
    )


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "50",
            "Wh",
            "0 Wh",
            "-1 Wh",
            "5 W",
            "5 Wh CO2e",
            "1.2.3 J",
            "1e999 J",
            "1e300 MWh",
        ),
        *("1,5 kWh", "1.500,5 Wh", "1,50,000 J", ", J"),
    ],
)
def test_what_is_no_amount_is_refused(text: str):
    """With what is one."""
    with pytest.raises(BudgetError, match="Write 50 Wh"):
        parse_amount(text)


@given(st.floats(1e-6, 1e6), st.floats(0.0, 1e7))
def test_the_state_of_a_budget_follows_from_the_part_that_is_used(
    limit: float, used: float
):
    """Below 80 %, from there on, from all of it on."""
    found = progress(Budget(scope="label", name="a", energy_j=limit), used)
    expected = "within" if used / limit < 0.8 else "near"
    assert found.state == ("spent" if used >= limit else expected)


def test_a_budget_covers_its_work_and_no_other():
    """By notebook, label, folder and time."""
    of_label = Budget(scope="label", name="train", energy_j=1.0)
    of_notebook = Budget(scope="notebook", name="/p/a.ipynb", energy_j=1.0)
    of_project = Budget(scope="project", name="/p", energy_j=1.0)
    cell = record("r", label="train", notebook="/p/a.ipynb")
    other = record("r", label="test", notebook="/pp/a.ipynb")
    for budget in (of_label, of_notebook, of_project):
        assert budget.covers(cell, Path("/l"))
        assert not budget.covers(other, Path("/l"))
    later = Budget(scope="label", name="train", energy_j=1.0, since="2027-01-01T00Z")
    assert not later.covers(cell, Path("/l"))


def test_a_budget_since_some_days_ago_covers_what_began_since_then():
    """As a project file may say it; a stamp of another zone is the same moment."""
    ledger = Path("/l")

    def covers(since: str, started_at: str) -> bool:
        budget = Budget(scope="label", name="train", energy_j=1.0, since=since)
        run = record("r", label="train", started_at=started_at)
        return budget.covers(run, ledger)

    assert covers("7d", utc_text())
    assert not covers("7d", "2020-01-01T00:00Z")
    assert covers("2026-06-01T12:00+02:00", "2026-06-01T10:30:00Z")
    assert not covers("2026-06-01T12:00+02:00", "2026-06-01T09:30Z")


def test_work_without_carbon_intensity_is_told_beside_a_budget_of_grams(tmp_path: Path):
    """Its joules are known, its grams are not, and 0 they are not."""
    folder = tmp_path / "ledger"
    runs = [record("a", label="train"), record("b", label="train", intensity=None)]
    write_lines(folder / "a.jsonl", *(EndLine(run) for run in runs))
    energy, grams = (
        progress_of(folder, [Budget(scope="label", name="train", **limit)])[0]
        for limit in ({"energy_j": 1e6}, {"co2e_g": 1e6})
    )
    assert (energy.unmeasured_runs, grams.unmeasured_runs) == (0, 1)


def test_a_budget_is_replaced_and_taken_away(tmp_path: Path):
    """One for each piece of work."""
    folder = tmp_path / "ledger"
    first = Budget(scope="label", name="a", energy_j=1.0)
    store_budget(folder, first)
    store_budget(folder, Budget(scope="label", name="b", co2e_g=2.0, stop=True))
    store_budget(folder, Budget(scope="label", name="a", energy_j=3.0))
    assert sorted(b.limit for b in read_budgets(folder)) == [2.0, 3.0]
    assert drop_budget(folder, "label", "a")
    assert not drop_budget(folder, "label", "a")
    assert [b.name for b in read_budgets(folder)] == ["b"]


def test_two_processes_that_set_budgets_at_once_lose_none(tmp_path: Path):
    """Each of them sets forty and takes every second one away."""
    program = """
import sys
from pathlib import Path
from jupyter_green.report.budgets import Budget, drop_budget, store_budget
folder, who = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for n in range(40):
    store_budget(folder, Budget(scope="label", name=f"{who}{n}", energy_j=1.0))
    if n % 2:
        assert drop_budget(folder, "label", f"{who}{n}")
"""
    with ExitStack() as opened:
        running = [
            opened.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", program, str(tmp_path), who],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for who in "ab"
        ]
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in running:
            assert process.wait(60) == 0
    kept = {b.name for b in read_budgets(tmp_path)}
    assert kept == {f"{who}{n}" for who in "ab" for n in range(0, 40, 2)}


def test_who_keeps_the_budgets_locked_is_told_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A lock of the system's own: it is free once that process has ended."""
    fcntl = pytest.importorskip("fcntl", reason="POSIX locks")
    monkeypatch.setattr("jupyter_green.report.budgets.LOCK_S", 0.2)
    first = Budget(scope="label", name="a", energy_j=1.0)
    store_budget(tmp_path, first)
    with (tmp_path / "budgets.lock").open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BudgetError, match=r"budgets\.lock locked for 0\.2 s"):
            store_budget(tmp_path, Budget(scope="label", name="b", energy_j=1.0))
        with pytest.raises(BudgetError, match="cannot be changed now"):
            drop_budget(tmp_path, "label", "a")
        assert not drop_budget(tmp_path, "label", "b")
        assert read_budgets(tmp_path) == [first]
    assert drop_budget(tmp_path, "label", "a")


def test_where_no_lock_can_be_had_a_budget_is_kept_all_the_same(tmp_path: Path):
    """And where nothing can be written, that is the error."""
    (tmp_path / "budgets.lock").mkdir()
    store_budget(tmp_path, Budget(scope="label", name="a", energy_j=1.0))
    assert [b.name for b in read_budgets(tmp_path)] == ["a"]
    with pytest.raises(BudgetError, match="cannot be written"):
        store_budget(tmp_path / "budgets.json", read_budgets(tmp_path)[0])


def test_what_a_project_file_states_counts_before_what_was_set(tmp_path: Path):
    """For the same project; budgets of other work stay beside it."""
    of_label = Budget(scope="label", name="a", energy_j=1.0)
    of_project = Budget(scope="project", name=str(tmp_path.resolve()), energy_j=2.0)
    store_budget(tmp_path / "ledger", of_label)
    store_budget(tmp_path / "ledger", of_project)
    (tmp_path / "jupyter_green.toml").write_text('[budget]\namount = "3 J"\n')
    for folder, limits in ((None, [1.0, 2.0]), (tmp_path, [1.0, 3.0])):
        resolved = resolve_settings(folder=folder)
        found = budgets_in_force(tmp_path / "ledger", resolved)
        assert [b.limit for b in found] == limits


@pytest.mark.parametrize(
    "content",
    [
        *("{", "[1]", '[{"scope": "galaxy", "name": "x"}]'),
        '[{"scope": "label", "name": "x", "energy_j": 0}]',
        '[{"scope": "label", "name": "x"}]',
    ],
)
def test_a_file_that_is_no_list_of_budgets_is_told(tmp_path: Path, content: str):
    """And where it stands."""
    (tmp_path / "budgets.json").write_text(content, encoding="utf-8")
    with pytest.raises(BudgetError, match=r"budgets\.json"):
        read_budgets(tmp_path)


def test_the_notebook_sets_and_shows_its_budget(shell: Shell):
    """In `%green budget` and below the totals."""
    ran = shell.run("%green budget 1 Wh")
    assert "notebook a.ipynb" in ran.out
    shell.run("%%energy -q\nimport time; time.sleep(0.05)")
    ran = shell.run("%green totals")
    assert "Budget of 1.00 Wh for notebook a.ipynb:" in ran.out
    assert "within" not in ran.out
    assert "There is no budget" in shell.run("%green budget --clear").out


def test_a_renamed_notebook_is_told_of_the_budget_of_its_old_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """With what to do, which ends it; a kernel that goes on keeps its budget."""
    isolate(tmp_path, monkeypatch)
    old, new = tmp_path / "old name.ipynb", tmp_path / "new.ipynb"
    other = tmp_path / "other.ipynb"
    old.write_text("{}")
    other.write_text("{}")
    assert main(["budget", "9 Wh", "--notebook", str(other)]) == 0
    note = "This machine has no notebook at the path of old name.ipynb."
    with open_shell() as shell:
        load_with(shell, quick_device(), notebook=str(old))
        assert note not in shell.run("%green budget 50 Wh --stop").text
        old.rename(new)
        assert note not in shell.run("%green budget").text
    capsys.readouterr()
    with open_shell() as shell:  # as its next kernel
        load_with(shell, quick_device(), notebook=str(new))
        told = " ".join(shell.run("%green budget").out.split())
        assert told.count("no notebook at") == 1
        assert note in told
        again = "%green budget 50.0 Wh --stop"
        assert again in told
        clear = "jupyter green budget --notebook 'old name.ipynb' --clear"
        assert clear in told
        shell.run(again)
        budgets = {
            Path(b.name).name: (b.energy_j, b.stop)
            for b in read_budgets(shell.extension.session.folder)
        }
        assert budgets["new.ipynb"] == budgets["old name.ipynb"] == (180_000.0, True)
        assert main(["budget"]) == 0
        assert note in " ".join(capsys.readouterr().out.split())
        assert main(shlex.split(clear)[2:]) == 0
        assert "no notebook at" not in capsys.readouterr().out
        assert "no notebook at" not in shell.run("%green budget").out


def test_a_warning_comes_once_at_80_percent(shell: Shell):
    """100 W for 0.82 s are 82 J of 100 J; the cell goes on."""
    shell.run("%green budget 100 J")
    ran = shell.run("%%energy -q\nimport time; time.sleep(0.82); 7")
    assert "80 % of the budget of 100 J for notebook a.ipynb is used" in ran.err
    assert ran.result.result == 7
    again = shell.run("%%energy -q\ntime.sleep(0.001)")
    assert "80 %" not in again.err
    spent = shell.run("%%energy -q\ntime.sleep(0.3); 8")
    assert "is spent" in spent.err
    assert spent.result.result == 8


def test_a_spent_budget_interrupts_the_cell_and_keeps_its_record(shell: Shell):
    """20 J at 100 W are over after 0.2 s; the cell would take 30 s."""
    shell.run("%green budget 20 J --stop")
    began_s = time.monotonic()
    ran = shell.run("%%energy -l long -q\nimport time; time.sleep(30)")
    assert time.monotonic() - began_s < 15
    assert isinstance(ran.result.error_in_exec, KeyboardInterrupt)
    assert "the budget of 20.0 J for notebook a.ipynb is spent" in ran.err
    assert "its record kept" in ran.err
    (kept,) = shell.records
    assert (kept.status, kept.label) == ("interrupted", "long")
    assert "budget-spent" in kept.flags
    assert kept.energy_j is not None
    assert 20.0 <= kept.energy_j < 1000.0  # far from the 3 kJ of the whole


def test_that_it_is_near_is_told_before_that_it_is_spent(shell: Shell):
    """In the order in which it went: 80 % of 200 J at 100 W are 0.4 s earlier."""
    shell.run("%green budget 200 J --stop")
    ran = shell.run("%%energy -q\nimport time; time.sleep(30)")
    assert 0 <= ran.err.find("80 % of the budget") < ran.err.find("is spent: ")


def test_the_next_cell_does_not_begin_and_goes_on_when_the_budget_is_raised(
    shell: Shell,
):
    """Nothing of it runs."""
    shell.run("%green budget 5 J --stop")
    shell.run("%%energy -q\nimport time; time.sleep(0.08)")
    ran = shell.run("%%energy -q\nran = True")
    assert isinstance(ran.result.error_in_exec, KeyboardInterrupt)
    assert "ran" not in shell.ip.user_ns
    assert "is spent" in ran.err
    assert "The cell is not run" in ran.err
    shell.run("%green budget 1 kWh --stop")
    shell.run("%%energy -q\nran = True")
    assert shell.ip.user_ns["ran"]


def test_a_budget_of_a_label_stops_no_other_work(shell: Shell):
    """The unlabelled cell runs as ever."""
    shell.run("%green budget 1 J --label train --stop")
    ran = shell.run("%%energy -q\nimport time; time.sleep(0.1); 3")
    assert ran.result.result == 3
    ran = shell.run("%%energy -q -l train\ntime.sleep(20)")
    assert isinstance(ran.result.error_in_exec, KeyboardInterrupt)


def test_a_budget_of_grams_counts_grams(shell: Shell):
    """100 W at 3,000 g/kWh are 83 mg/s: 10 mg are over after 0.12 s."""
    shell.run("%green location --intensity 3000")
    shell.run("%green budget 10 mg --stop")
    ran = shell.run("%%energy -q\nimport time; time.sleep(20)")
    assert isinstance(ran.result.error_in_exec, KeyboardInterrupt)
    assert "10.0 mg CO2e" in ran.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('5 Wh --label ""', "an empty label"),
        ("5 Wh --label a --project", "not allowed with"),
        ("5 Wh --clear --label a", "both are asked for"),
        ("--stop", "there is none"),
        ("--since 7d --label a", "there is none"),
    ],
)
def test_what_a_budget_would_silently_leave_out_is_refused(
    shell: Shell, line: str, said: str
):
    """In the notebook; no budget is set, changed or taken away by it."""
    shell.run("%green budget 3 Wh --label a")
    with pytest.raises(UsageError, match=said):
        shell.extension.green.run(f"budget {line}")
    (kept,) = read_budgets(shell.extension.session.folder)
    assert (kept.scope, kept.name, kept.energy_j) == ("label", "a", 10_800.0)


def test_a_notebook_without_a_name_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Not a budget for all notebooks that have none."""
    isolate(tmp_path, monkeypatch)
    with open_shell() as opened:
        load_with(opened, quick_device())
        with pytest.raises(UsageError, match="--label or --project"):
            opened.extension.green.run("budget 5 Wh")
        with pytest.raises(UsageError, match="no amount"):
            opened.extension.green.run("budget 5 parsecs --project")
        with pytest.raises(UsageError, match="no amount"):
            opened.extension.green.run("budget fifty")
        with pytest.raises(UsageError, match="no budget for label x"):
            opened.extension.green.run("budget --clear --label x")


def test_a_broken_file_of_budgets_costs_a_warning_and_no_cell(shell: Shell):
    """Metering goes on; the warning comes when it was read, which no cell waits for."""
    folder = shell.extension.session.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "budgets.json").write_text("{", encoding="utf-8")
    said = ""
    deadline_s = time.monotonic() + PATIENCE_S
    while "budgets are not watched" not in said and time.monotonic() < deadline_s:
        ran = shell.run("%%energy -q\n5")
        assert ran.result.result == 5
        said += ran.err
        time.sleep(0.05)
    assert said.count("budgets are not watched: the budgets in") == 1


def test_an_error_that_passes_leaves_the_budgets_in_force(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
):
    """What is spent stays so, what was taken away is gone, and it is tried again."""
    watch = shell.extension.session.budgets
    shell.run("%green budget 5 J --stop")
    shell.run("%green budget 5 J --label x --stop")
    shell.run("%%energy -q\nimport time; time.sleep(0.08)")

    def fail() -> None:
        raise OSError("the disk is away")

    flush = watch._flush
    watch._flush = fail
    kept = watch.refresh()
    assert {entry.budget.name: entry.state for entry in kept} == {
        "x": "within",
        str(Path.cwd() / "a.ipynb"): "spent",
    }
    ran = shell.run("%%energy -q\nran = True")
    assert isinstance(ran.result.error_in_exec, KeyboardInterrupt)
    assert (
        "budgets are not watched, but for those read before: the disk is a" in ran.err
    )
    # The new limit counts at once, with what was known to be used.
    shell.run("%green budget 1 kWh --stop")
    shell.run("%%energy -q\nran = True")
    assert shell.ip.user_ns["ran"]
    shell.run("%green budget --clear --label x")
    assert [entry.budget.scope for entry in watch.refresh()] == ["notebook"]
    # It mends: after a while a cell's end has it read again.
    watch._flush = flush
    monkeypatch.setattr(watch, "_due_s", time.monotonic())
    shell.run("%%energy -q\n1")
    until(lambda: time.monotonic() + 10 < watch._due_s)


def test_no_cell_waits_for_the_ledger(shell: Shell):
    """However long it takes to read, neither begin nor end of a cell wait."""
    watch = shell.extension.session.budgets
    shell.run("%green budget 1 kWh")
    readers: list[str] = []
    is_read = threading.Event()

    def slow() -> None:
        readers.append(threading.current_thread().name)
        is_read.wait(PATIENCE_S)

    watch._flush = slow
    watch._due_s = float("-inf")
    began_s = time.monotonic()
    shell.run("%%energy -q\n1")
    os.utime(watch._folder / "budgets.json", (1, 1))  # as if it was just written
    shell.run("%%energy -q\n1")
    assert time.monotonic() - began_s < PATIENCE_S / 2
    until(lambda: bool(readers))
    is_read.set()
    assert set(readers) == {"jupyter-green-budgets"}


def test_what_runs_is_not_counted_twice(shell: Shell):
    """The ledger has an open window's energy up to its last heartbeat."""
    session = shell.extension.session
    shell.run("%green budget 1 kWh")
    window = session.begin(cell_id="c")
    time.sleep(0.3)
    beat = session.meter.so_far(window)
    session.progressed(beat)
    (shown,) = session.budgets.refresh()
    assert shown.used == pytest.approx(beat.energy_j)
    (known,) = session.budgets._known
    assert known.used == pytest.approx(0.0, abs=1e-6)
    record = session.meter.end(window)
    (known,) = session.budgets._known
    assert known.used == pytest.approx(record.energy_j)


def test_work_that_is_over_is_not_stopped_in_place_of_what_follows(shell: Shell):
    """From then on nobody is interrupted, though the window is still open."""
    session = shell.extension.session
    shell.run("%green budget 5 J --stop")
    stops: list[bool] = []
    session.budgets.stop = lambda: stops.append(True)
    session.budgets._looked_s = float("inf")  # only the test's own look counts
    window = session.begin()
    time.sleep(0.1)
    sample = session.meter.sampler.sample()
    assert session.budgets.why_stopped(window) == ""
    session.budgets._looked_s = 0.0
    session.budgets.look([window], sample)
    assert stops == []
    session.meter.end(window)


def test_an_interrupt_that_comes_too_late_interrupts_nothing(shell: Shell):
    """It was sent as the work ended: it reaches neither the record nor what follows."""
    session = shell.extension.session
    shell.run("%green budget 5 J --stop")
    sending = threading.Event()

    def stop() -> None:
        sending.set()
        time.sleep(0.2)  # the work ends meanwhile
        interrupt_main()

    session.budgets.stop = stop
    window = session.begin()
    assert sending.wait(PATIENCE_S)
    assert session.budgets.why_stopped(window) == ""
    for _ in range(100):
        time.sleep(0.001)
    record = session.meter.end(window)
    assert record.status == "ok"


def test_what_comes_right_after_a_cells_code_is_not_interrupted(shell: Shell):
    """Callbacks draw its figures then; a cell inside it does not end it."""
    shell.run("%green budget 5 J --stop")
    after: list[str] = []

    def draw() -> None:
        if not after:
            time.sleep(0.5)
            after.append("drawn")

    shell.ip.events.register("post_execute", draw)
    # Spent, but not looked at before the code is over.
    shell.extension.session.budgets._looked_s = time.monotonic() + 0.2
    ran = shell.run("%%energy -q\nimport time; time.sleep(0.1)")
    assert after == ["drawn"]
    assert ran.result.success
    assert "Traceback" not in ran.out + ran.err
    shell.run("%green budget 50 J --stop")
    inner = "get_ipython().run_cell('1')"
    ran = shell.run(f"%%energy -q\n{inner}\ntime.sleep(20)")
    assert isinstance(ran.result.error_in_exec, KeyboardInterrupt)


def test_a_line_that_is_stopped_says_why(shell: Shell):
    """As a cell does."""
    shell.run("%green budget 5 J --stop")
    ran = shell.run("import time\n%energy time.sleep(20)")
    assert isinstance(ran.result.error_in_exec, KeyboardInterrupt)
    assert "the budget of 5.00 J for notebook a.ipynb is spent" in ran.err
    (kept,) = shell.records
    assert "budget-spent" in kept.flags


def test_a_metered_function_that_is_stopped_says_why(shell: Shell):
    """Also in a cell that is not metered itself; its record is kept."""
    shell.run("%green budget 5 J --label fit --stop")
    shell.run(
        "import time, jupyter_green\nfit = jupyter_green.metered('fit')(time.sleep)"
    )
    ran = shell.run("fit(20)")
    assert isinstance(ran.result.error_in_exec, KeyboardInterrupt)
    assert "the budget of 5.00 J for label fit is spent" in ran.err
    (kept,) = shell.records
    assert (kept.label, kept.status) == ("fit", "interrupted")
    assert shell.run("7").result.result == 7


def test_an_interrupt_while_gpu_work_is_awaited_keeps_record_and_metering(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
):
    """A Ctrl-C at the end of a cell: its record is shown, the next cell is metered."""
    meter = shell.extension.session.meter
    calls: list[int] = []

    def wait() -> list[str]:
        calls.append(len(calls))
        if calls == [0, 1]:
            raise KeyboardInterrupt
        return []

    monkeypatch.setattr(meter, "_synchronise", wait)
    ran = shell.run("%%energy -l first\n1")
    assert ran.result.success
    assert "first" in ran.out
    assert "Traceback" not in ran.out + ran.err
    shell.run("%%energy -l second\n1")
    first, second = shell.records
    assert (first.label, first.status) == ("first", "interrupted")
    assert (second.label, second.status, second.parent) == ("second", "ok", None)


def test_in_a_kernel_a_spent_budget_stops_its_cell_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Also cells that end about when it is spent: each gets its reply, none follows."""
    ledger = isolate(tmp_path, monkeypatch)
    with open_kernel() as kernel:
        kernel.run("%load_ext jupyter_green\nimport time")
        assert kernel.run("%green budget 40 J --label long --stop").status == "ok"
        stopped = kernel.run("%%energy -l long\ntime.sleep(30)")
        assert stopped.status == "error"
        assert stopped.reply["ename"] == "KeyboardInterrupt"
        text = "".join(str(output.get("text")) for output in stopped.outputs)
        assert "the budget of 40.0 J for label long is spent" in text
        assert "The cell is interrupted, its record kept" in text
        assert stopped.record.label == "long"
        assert (stopped.record.energy_j or 0.0) > 40.0
        # A cell that awaits, on an event loop that nothing else wakes.
        kernel.run("%green budget 40 J --label awaits --stop")
        began_s = time.monotonic()
        awaiting = kernel.run(
            "%%energy -l awaits\nimport asyncio; await asyncio.sleep(60)"
        )
        assert time.monotonic() - began_s < 30
        assert awaiting.reply["ename"] == "CancelledError"
        assert awaiting.record.status == "interrupted"
        assert kernel.run("after = 7; after").status == "ok"
        for number in range(8):
            # The readings come ten times a second, looks at them five times.
            seconds = 0.1 + 0.02 * number
            kernel.run(f"%green budget 1 J --label short{number} --stop")
            ended = kernel.run(f"%%energy -q -l short{number}\ntime.sleep({seconds})")
            assert ended.status in ("ok", "error")
            assert kernel.run("after += 1; time.sleep(0.3); after").status == "ok"
        (shown,) = [o for o in kernel.run("after").outputs if "data" in o]
        assert shown["data"]["text/plain"] == "15"
    kept = [r for r in ledger_records(ledger) if r.label]
    assert len(kept) == 10
    assert {r.status for r in kept} <= {"ok", "interrupted"}
    assert "budget-spent" in kept[0].flags


def test_the_project_file_has_a_budget_for_all_in_its_folder(
    shell: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """In the shell, as text and as JSON, beside those that were set."""
    shell.run("%%energy -q\nimport time; time.sleep(0.1)")
    shell.extension.session.ledger.flush()
    (tmp_path / "jupyter_green.toml").write_text(
        '[budget]\namount = "20 J"\n', encoding="utf-8"
    )
    assert main(["budget", "1 kg", "--label", "train"]) == 0
    capsys.readouterr()
    assert main(["budget", "--json"]) == 0
    of_label, of_project = json.loads(capsys.readouterr().out)
    assert (of_label["unit"], of_label["co2e_g"]) == ("gCO2e", 1000.0)
    assert of_project["name"] == str(tmp_path)
    assert of_project["fraction"] == pytest.approx(0.5, rel=0.1)
    assert main(["totals"]) == 0
    assert f"Budget of 20.0 J for project {tmp_path.name}" in capsys.readouterr().out
    assert main(["totals", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["budgets"]) == 2
    assert main(["budget", "--clear", "--label", "train"]) == 0
    assert main(["budget", "5 J"]) == 2
    assert "--notebook FILE" in capsys.readouterr().err


def test_a_project_file_with_a_wrong_budget_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """With the words that are right."""
    isolate(tmp_path, monkeypatch)
    for content in ('[budget]\nlimit = "5 J"\n', "[budget]\namount = 5\n"):
        (tmp_path / "jupyter_green.toml").write_text(content, encoding="utf-8")
        assert main(["budget"]) == 2
        assert 'Write amount = "50 kWh"' in capsys.readouterr().err
