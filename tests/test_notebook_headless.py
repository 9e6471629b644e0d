"""A notebook of awkward cells, headless: the same with metering as without it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import papermill
import pytest
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter
from papermill.exceptions import PapermillExecutionError
from shells import LOAD, isolate, ledger_records

from jupyter_green.report.card import MIME_TYPE

AWKWARD = Path(__file__).parent / "data" / "awkward.ipynb"
# What differs between two runs of one cell anyhow.
VARYING = [
    (r"\x1b\[[\d;]*m", ""),
    (r"0x[0-9a-f]{6,}", "ADDRESS"),
    (r"\S*ipykernel_\d+\S*", "FILE"),
    (r"\b\d{4,}\.py", "FILE"),
    (r"\d[\d.e+-]* ?(ns|[µμum]?s)\b( ± \d[\d.e+-]* ?(ns|[µμum]?s))?", "TIME"),
    # The line of %%energy, or the comment in its place, as context of an error.
    (r"(?m)^ +1( # without| )?$\n?", ""),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a folder of its own to everything Jupyter."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        path = tmp_path_factory.mktemp("headless")
        isolate(path, monkeypatch)
        yield path


def prepared(way: str) -> Any:
    """Return the awkward notebook for a way of running it, one cell put in front."""
    notebook = nbformat.read(AWKWARD, as_version=4)
    first = {"without": "pass", "on": f"{LOAD}\n%green on"}.get(way, LOAD)
    for cell in notebook.cells:
        if cell.cell_type == "code" and way in ("without", "each"):
            cell.source = above(way, cell.source)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(first))
    return notebook


def above(way: str, source: str) -> str:
    """Put ``%%energy`` over a cell, or a comment where that keeps lines comparable."""
    if way == "each":
        return f"%%energy\n{source}"
    is_special = source.startswith((" ", "%%", ">>>"))
    return source if is_special else f"# without\n{source}"


@pytest.fixture(scope="module")
def executed(folder: Path) -> dict[str, Any]:
    """Run the notebook in each way."""
    found = {}
    for way in ("without", "each", "on", "without on"):
        notebook = prepared(way)
        if way == "without on":
            notebook.cells[0].source = "pass\npass"
        nbclient.NotebookClient(
            notebook, timeout=60, resources={"metadata": {"path": str(folder)}}
        ).execute()
        (folder / "written.txt").unlink()
        found[way] = notebook
    return found


def is_ours(output: Any) -> bool:
    """Say whether an output is our report."""
    return MIME_TYPE in output.get("data", {})


def compared(cell: Any) -> list[Any]:
    """Return outputs without ours, without what varies, neighbouring streams joined."""
    joined: list[Any] = []
    for output in cell.outputs:
        if is_ours(output):
            continue
        same = joined and output.output_type == "stream" == joined[-1]["output_type"]
        if same and joined[-1]["name"] == output["name"]:
            joined[-1]["text"] += output["text"]
        else:
            joined.append(dict(output))
    # How the two streams interleave is a matter of threads.
    joined.sort(key=lambda o: o.get("name", ""))
    return [plain(output) for output in joined]


def plain(value: Any) -> Any:
    """Take out of all texts in *value* what varies from run to run."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, str):
        for pattern, replacement in VARYING:
            value = re.sub(pattern, replacement, value)
    return value


def pairs(executed: dict[str, Any], way: str, reference: str) -> Iterator[Any]:
    """Yield the code cells of two runs side by side."""
    cells = zip(executed[way].cells, executed[reference].cells, strict=True)
    return (pair for pair in cells if pair[0].cell_type == "code")


@pytest.mark.parametrize(
    ("way", "reference"), [("each", "without"), ("on", "without on")]
)
def test_same_outputs(executed: dict[str, Any], way: str, reference: str) -> None:
    """Cell by cell the outputs, counts and errors are those without metering."""
    cells = list(pairs(executed, way, reference))[1:]
    assert len(cells) > 50
    for metered, unmetered in cells:
        assert compared(metered) == compared(unmetered), metered.source
        assert metered.execution_count == unmetered.execution_count


def test_every_cell_reports(executed: dict[str, Any]) -> None:
    """Every cell with ``%%energy`` shows one report, a failing one too."""
    for metered, _ in list(pairs(executed, "each", "without"))[1:]:
        reports = [o for o in metered.outputs if is_ours(o)]
        if metered.source == "%%energy\n%%nosuchmagic\nbody":
            continue
        assert len(reports) == 1, metered.source
        assert reports[0]["data"][MIME_TYPE]["final"]
        told = [o.get("text", o.output_type) for o in metered.outputs]
        # These two the shell tells by text alone.
        named = ("UsageError", "ExceptionGroup")
        failed = any(x == "error" or any(n in x for n in named) for x in told)
        status = reports[0]["data"][MIME_TYPE]["status"]
        # A value that cannot be shown fails later, and a cell in a cell by itself.
        odd = "no repr" in metered.source or "run_cell('1 / 0')" in metered.source
        assert (status != "ok") == failed or odd, metered.source


def test_silent_metering_shows_nothing(executed: dict[str, Any]) -> None:
    """``%green on`` leaves no trace in the notebook, and every cell in the ledger."""
    cells = [cell for cell, _ in pairs(executed, "on", "without on")]
    assert not any(is_ours(output) for cell in cells for output in cell.outputs)


def test_ledger_has_every_cell(executed: dict[str, Any], folder: Path) -> None:
    """The ledger has one record for each metered cell of both runs."""
    records = ledger_records(folder / "ledger")
    for way in ("each", "on"):
        counts = {
            cell.execution_count
            for cell in executed[way].cells[1:]
            if cell.cell_type == "code"
        }
        found = [
            {r.execution_count for r in records if r.session == session}
            for session in {r.session for r in records}
        ]
        assert any(counts <= numbers for numbers in found)


def notebook_of(*sources: str) -> Any:
    """Return a notebook of these cells."""
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(s) for s in sources]
    )


def test_failing_cell_stops_the_run(folder: Path) -> None:
    """The run stops at a metered cell that fails, with the error of that cell."""
    notebook = notebook_of(LOAD, "%%energy\n\n1 / 0", "never = 1")
    client = nbclient.NotebookClient(
        notebook, timeout=60, resources={"metadata": {"path": str(folder)}}
    )
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        client.execute()
    assert notebook.cells[2].execution_count is None
    assert any(is_ours(output) for output in notebook.cells[1].outputs)


@pytest.mark.filterwarnings("ignore")  # papermill's own, of its dependencies
def test_papermill_stops(folder: Path) -> None:
    """A run by papermill stops at a metered cell that fails, after its report."""
    path, written = folder / "in.ipynb", folder / "out.ipynb"
    nbformat.write(notebook_of(LOAD, "%%energy\n1 / 0", "never = 1"), path)
    with pytest.raises(PapermillExecutionError) as caught:
        papermill.execute_notebook(
            path, written, kernel_name="python3", progress_bar=False, cwd=str(folder)
        )
    assert (caught.value.ename, caught.value.exec_count) == ("ZeroDivisionError", 2)
    cells = nbformat.read(written, as_version=4).cells
    failed = next(c for c in cells if c.source.startswith("%%energy"))
    assert any(is_ours(output) for output in failed.outputs)


def test_html(folder: Path) -> None:
    """The page of nbconvert has the card, and a hostile label in it is text."""
    label = "<script>alert(1)</script>"
    notebook = notebook_of(LOAD, f"%%energy -l '{label}'\nimport time; time.sleep(3.3)")
    nbclient.NotebookClient(
        notebook, timeout=60, resources={"metadata": {"path": str(folder)}}
    ).execute()
    page, _ = HTMLExporter().from_notebook_node(notebook)
    shown = page[page.index("<body") :]
    assert label not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;</span>" in shown
    assert "SIMULATED" in shown
    assert "CO₂e at" in shown
    assert "power over time" in shown
