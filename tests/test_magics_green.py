"""``%green``: the verbs, and metering of every cell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.error import UsageError
from shells import Shell, isolate, load_with, open_shell, quick_device

from jupyter_green.magics.verb_lines import VERBS


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Give a shell with the extension."""
    isolate(tmp_path, monkeypatch)
    with open_shell(load=True) as opened:
        yield opened


def test_on_and_off(shell: Shell) -> None:
    """Between on and off every cell is metered and nothing is shown."""
    shell.run("0")
    assert "Every cell" in shell.run("%green on").out
    assert shell.run("1").out == "Out[4]: 1\n"
    shell.run("1 / 0")
    shell.run("%green totals")
    assert "SIMULATED" in shell.run("%%energy -l shown\n2").out
    assert "Only cells" in shell.run("%green off").out
    shell.run("3")
    assert [(r.label, r.status) for r in shell.records] == [
        ("", "ok"),
        ("", "error"),
        ("shown", "ok"),
    ]


def test_on_from_the_settings(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting ``meter_all`` meters from the start."""
    monkeypatch.setenv("JUPYTER_GREEN_METER_ALL", "yes")
    shell.run("%reload_ext jupyter_green")
    shell.run("1")
    assert len(shell.records) == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%green totals", ["Totals", "total       1", "SIMULATED"]),
        ("%green totals --by label", ["Totals by label", "fit"]),
        ("%green totals --by day --session", ["Totals by day"]),
        ("%green totals --since 1d", ["since"]),
        ("%green status", ["cells with %%energy", "gpu 0 (simulated)", "1 record"]),
        ("%green doctor", ["What is measured here", "simulated GPU"]),
        ("%green settings", ["simulated", "environment", "Project file"]),
        ("%green location", ["carbon intensity", "PUE"]),
        ("%green location FRA", ["FRA"]),
        ("%green location --intensity 50", ["50 g CO2e/kWh"]),
        ("%green baseline 1", ["Idle power", "simulated-gpu-0"]),
    ],
)
def test_verbs(shell: Shell, line: str, says: list[str]) -> None:
    """Each verb answers with a table."""
    shell.run("%%energy -q -l fit\nsum(range(1000))")
    ran = shell.run(line)
    assert ran.result.success, ran.err
    assert [part for part in says if part not in ran.out] == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%green", "totals"),
        ("%green total", "'total'"),
        ("%green totals --by moon", "moon"),
        ("%green totals --since never", "never"),
        ("%green baseline soon", "give 1 to 3600 seconds"),
        ("%green baseline 0", "give 1 to 3600 seconds"),
        ("%green location Atlantis", "Atlantis"),
        ("%green location --intensity -5", "intensity"),
        ("%green on off", "off"),
        ("%green 'open", "No closing quotation"),
    ],
)
def test_wrong_use(shell: Shell, line: str, says: str) -> None:
    """Wrong use is an error that says what to do, and no traceback."""
    ran = shell.run(line)
    assert isinstance(ran.result.error_in_exec, UsageError)
    assert says in ran.err
    assert "Traceback" not in ran.out + ran.err


def test_help(shell: Shell) -> None:
    """``%green?`` shows the verbs."""
    assert "%green baseline [SECONDS]" in shell.run("%green?").out


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help_of_its_own(verb: str, shell: Shell) -> None:
    """It is shown, nothing is done, and the kernel goes on."""
    ran = shell.run(f"%green {verb} --help")
    assert ran.result.success, ran.err
    assert ran.out.startswith(f"usage: %green {verb}")
    assert shell.run("1 + 1").result.result == 2


def test_help_of_all_verbs(shell: Shell) -> None:
    """``%green -h`` shows what ``%green?`` does, and names every verb."""
    out = shell.run("%green -h").out
    assert [verb for verb in VERBS if verb not in out] == []


def test_options_are_loaded_with_the_first_verb() -> None:
    """``%load_ext`` does not pay for them."""
    code = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell as S;"
        "s = S.instance(); s.run_line_magic('load_ext', 'jupyter_green');"
        "print([m for m in sys.modules if m in ("
        "'jupyter_green.options', 'jupyter_green.magics.verb_lines')])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[-1] == "[]"


def test_baseline_under_energy(shell: Shell) -> None:
    """Idle power cannot be measured while something is metered."""
    ran = shell.run("%%energy -q\n%green baseline 1")
    assert isinstance(ran.result.error_in_exec, UsageError)
    assert "cell of its own" in ran.err


def test_net_after_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a baseline records give energy above idle."""
    isolate(tmp_path, monkeypatch)
    with open_shell() as shell:
        load_with(shell, quick_device(100.0))
        shell.run("%green baseline 1")
        ran = shell.run("%%energy -v\nimport time; time.sleep(0.05)")
        (record,) = shell.records
        assert record.energy_net_j == pytest.approx(0.0, abs=0.5)
        assert "above idle" in ran.out


def test_totals_without_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger can be read where nothing can be metered."""
    isolate(tmp_path, monkeypatch)
    with open_shell() as shell:
        load_with(shell)
        shell.run("%%energy -q -l nothing\n1")
        assert "not measured" in shell.run("%green totals").out
        assert "none" in shell.run("%green status").out
