"""The example notebook runs, headless and simulated, as its text promises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from jupyter_green.ledger import read_ledger
from jupyter_green.records import Record
from jupyter_green.report.card import MIME_TYPE

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOK = EXAMPLES / "01_meter_a_cell.ipynb"

Cells = Mapping[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the ledger's folder."""
    return tmp_path_factory.mktemp("example") / "ledger"


@pytest.fixture(scope="module")
def cells(folder: Path) -> Cells:
    """Execute the notebook once and return its cells by id."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    settings = {
        "JUPYTER_GREEN_LEDGER": str(folder),
        "JUPYTER_GREEN_SIMULATED": "1",
        "JUPYTER_CONFIG_DIR": str(folder.parent / "config"),
    }
    # In its own context: the kernel inherits the variables, other tests do not.
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        client = NotebookClient(notebook, kernel_name="python3", timeout=120)
        client.execute(cwd=str(folder.parent))
    return {cell.id: cell for cell in notebook.cells}


@pytest.fixture(scope="module")
def records(cells: Cells, folder: Path) -> Mapping[str, Record]:
    """Return the records in the ledger by label."""
    assert cells
    ledger = read_ledger([folder])
    assert ledger.problems == ()
    return {record.label: record for record in ledger.records}


def test_every_metered_cell_is_in_the_ledger(records: Mapping[str, Record]) -> None:
    """Labels, purposes and statuses are those of the cells; each record is final."""
    assert {
        label: (record.status, record.purpose) for label, record in records.items()
    } == {
        "SVD of noise": ("ok", None),
        "random forest": ("ok", "final"),
        "search over depths": ("ok", "search"),
        "small SVD": ("ok", None),
        "descent, step too long": ("error", "development"),
        "eigenvalues": ("ok", None),
    }
    assert all(record.final for record in records.values())
    assert records["descent, step too long"].error == "FloatingPointError"


def test_every_figure_says_simulated(records: Mapping[str, Record]) -> None:
    """Nothing simulated can be taken for a measurement, and every cell has a figure."""
    for record in records.values():
        assert record.methods == ("simulated",)
        assert record.energy_j is not None
        assert record.energy_j > 0
        assert record.co2e_g is not None


def test_the_repeated_cell_has_statistics(records: Mapping[str, Record]) -> None:
    """Eight runs, the first dropped."""
    repeats = records["small SVD"].repeats
    assert repeats is not None
    assert (repeats.runs, repeats.dropped, len(repeats.energy_j)) == (8, 1, 7)


def test_outputs_are_those_of_the_cells(cells: Cells) -> None:
    """The value of a cell comes first, then its record as text, HTML and data."""
    assert set(outputs(cells["await"], "execute_result")[0]) == {"text/plain"}
    for name in ("numpy", "sklearn", "await", "repeat", "fail"):
        (shown,) = outputs(cells[name], "display_data")
        assert {"text/plain", "text/html", MIME_TYPE} <= set(shown)
        assert "simulated" in shown["text/plain"].lower()
        assert Record.from_json(json.dumps(shown[MIME_TYPE])).final


def test_the_failing_cell_fails(cells: Cells) -> None:
    """The error is the cell's own, on the line where it was raised."""
    (error,) = [o for o in cells["fail"].outputs if o.output_type == "error"]
    assert error.ename == "FloatingPointError"
    assert "line 7" in "\n".join(error.traceback)


def test_tables_are_shown(cells: Cells) -> None:
    """Totals and what can be measured stand at the notebook's end."""
    (totals,) = outputs(cells["totals"], "display_data")
    assert totals["text/plain"].startswith("Totals by label")
    assert "random forest" in totals["text/html"]
    doctor = outputs(cells["doctor"], "display_data")
    assert "simulated" in doctor[0]["text/plain"]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda p: p.name)
def test_examples_are_committed_without_outputs(path: Path) -> None:
    """Outputs belong to the machine that made them."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def outputs(cell: Any, kind: str) -> list[Any]:
    """Return the data of a cell's outputs of one kind."""
    return [output.data for output in cell.outputs if output.output_type == kind]
