"""Appendices from the panel: really made, below the server's root and nowhere else."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ledger_samples import record, write_lines

from jupyter_green.config import settings_in_force
from jupyter_green.errors import JupyterGreenError, ReportError
from jupyter_green.ledger import new_session
from jupyter_green.ledger.lines import EndLine
from jupyter_green.server import reports
from jupyter_green.server.paths import PathError, Rename, Renames, ServerRoot
from jupyter_green.server.reports import Maker, Order
from jupyter_green.server.wire import ReportBody

Ordering = Callable[..., Order]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a server's root with a notebook of two runs, and one of another notebook."""
    folder = tmp_path / "root"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "x.ipynb").write_text(
        '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    )
    ledger = tmp_path / "ledger"
    monkeypatch.setenv("JUPYTER_GREEN_LEDGER", str(ledger))
    mine = str(folder / "a" / "x.ipynb")
    runs = [
        record("r1", notebook=mine, purpose="final"),
        record("r2", notebook=mine, started_at="2026-06-01T11:30:00Z"),
        record("r3", notebook=str(folder / "y.ipynb"), started_at="2026-05-01T11:30Z"),
    ]
    write_lines(ledger / "a.jsonl", new_session(), *map(EndLine, runs))
    return folder


@pytest.fixture
def ordered(root: Path, tmp_path: Path) -> Ordering:
    """Return a function that checks an order."""

    def make(path: str = "a/x.ipynb", *formats: str, **named: Any) -> Order:
        server = ServerRoot(root)
        folder = server.os_path(path).parent
        renames = named.pop("renames", Renames(tmp_path / "renames.jsonl"))
        body = ReportBody(path=path, formats=formats or ("json",), **named)
        return reports.order(server, renames, settings_in_force(folder=folder), body)

    return make


def runs_of(files: tuple[Path, ...]) -> int:
    """Return how many runs a report counts."""
    (file,) = (f for f in files if f.suffix == ".json")
    told = json.loads(file.read_text())
    found: int = told["appendix"]["totals"]["amount"]["runs"]
    return found


def test_a_report_is_made_beside_the_notebook_with_its_progress(
    root: Path, ordered: Ordering
):
    """In a process of its own, as the command makes it."""
    told: list[tuple[float, str]] = []
    made = Maker().make(
        ordered("a/x.ipynb", "json", "markdown"), lambda f, t: told.append((f, t))
    )
    assert {f.parent for f in made.files} == {root.resolve() / "a" / "energy-report"}
    assert all(f.is_file() for f in made.files)
    assert {".json", ".md"} <= {f.suffix for f in made.files}
    assert runs_of(made.files) == 2
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert all(text for _, text in told)


@pytest.mark.parametrize(("scope", "runs"), [("project", 2), ("all", 3)])
def test_a_report_is_of_the_scope_that_was_asked_for(
    ordered: Ordering, scope: str, runs: int
):
    """The project is the notebook's folder where no file says otherwise."""
    made = Maker().make(ordered(scope=scope), lambda *_: None)
    assert runs_of(made.files) == runs


def test_a_report_of_a_renamed_notebook_has_its_runs_under_the_old_name(
    root: Path, ordered: Ordering, tmp_path: Path
):
    """Unless another notebook is called that now: then they are left out, and said."""
    old, new = root / "a" / "x.ipynb", root / "a" / "new.ipynb"
    renames = Renames(tmp_path / "renames.jsonl")
    renames.add(Rename(time.time(), str(old), str(new)))
    old.rename(new)
    given = ordered("a/new.ipynb", renames=renames)
    made = Maker().make(given, lambda *_: None)
    assert runs_of(made.files) == 2
    assert made.warnings == ()
    old.write_text(new.read_text())
    (left_out,) = ordered("a/new.ipynb", renames=renames).warnings
    assert "a/x.ipynb" in left_out


def test_an_anonymous_report_is_the_one_with_names_removed(ordered: Ordering):
    """And the other one is ready for print."""
    assert not ordered(anonymous=True).request.camera_ready
    assert ordered().request.camera_ready


def test_a_pdf_is_compiled_from_latex(ordered: Ordering):
    """Whoever asks for one gets its sources too."""
    request = ordered("a/x.ipynb", "pdf").request
    assert (request.pdf, request.formats) == (True, ("latex",))
    assert not ordered("a/x.ipynb", "latex").request.pdf


@pytest.mark.parametrize(
    "folder", ["..", "../other", "a/../../other", "link", "link/new", "/../etc", "a\0"]
)
def test_a_folder_outside_of_the_root_is_refused(
    root: Path, ordered: Ordering, tmp_path: Path, folder: str
):
    """By its parts, and by a link on the way."""
    (tmp_path / "other").mkdir()
    (root / "link").symlink_to(tmp_path / "other")
    with pytest.raises(PathError):
        ordered(folder=folder)


def test_a_link_beside_the_notebook_does_not_lead_a_report_out(
    root: Path, ordered: Ordering, tmp_path: Path
):
    """Neither as the folder nor as a file in it."""
    (tmp_path / "other").mkdir()
    report = root / "a" / "energy-report"
    report.symlink_to(tmp_path / "other")
    with pytest.raises(PathError):
        ordered()
    report.unlink()
    report.mkdir()
    victim = tmp_path / "other" / "victim.json"
    victim.write_text("precious")
    (report / "energy-report.json").symlink_to(victim)
    with pytest.raises(JupyterGreenError) as caught:
        Maker().make(ordered(), lambda *_: None)
    assert "--force" not in caught.value.remedy
    assert victim.read_text() == "precious"


@pytest.mark.parametrize(
    ("path", "formats", "named"),
    [("a/x.ipynb", ("docx",), {}), ("", ("json",), {"scope": "notebook"})],
)
def test_what_cannot_be_made_is_refused_at_once(
    ordered: Ordering, path: str, formats: tuple[str, ...], named: dict[str, Any]
):
    """Before any process is started."""
    with pytest.raises(ReportError):
        ordered(path, *formats, **named)


def test_a_process_that_dies_is_told_with_what_it_said(ordered: Ordering):
    """As one that the system killed for its memory."""
    dying = (sys.executable, "-c", "import sys; sys.exit('no memory')")
    with pytest.raises(ReportError) as caught:
        Maker(dying).make(ordered(), lambda *_: None)
    assert "no memory" in caught.value.why


def test_a_report_does_not_outlive_the_server(ordered: Ordering):
    """Closing ends its process, and none is started any more."""
    sleeping = (sys.executable, "-c", "import time; time.sleep(60)")
    maker = Maker(sleeping)
    given = ordered()
    failed: list[JupyterGreenError] = []

    def make() -> None:
        try:
            maker.make(given, lambda *_: None)
        except ReportError as err:
            failed.append(err)

    thread = threading.Thread(target=make)
    begun_s = time.monotonic()
    thread.start()
    while not maker._running:
        time.sleep(0.01)
    maker.close()
    thread.join(10)
    assert failed
    assert time.monotonic() - begun_s < 10
    with pytest.raises(ReportError):
        maker.make(given, lambda *_: None)
