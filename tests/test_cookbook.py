"""The cookbook runs, and what it says is what its records say.

Each notebook is executed once, on whatever this machine can meter.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
from PIL import Image

from jupyter_green.ledger import read_ledger
from jupyter_green.records import DeviceRecord, Record
from jupyter_green.report.compare import compare
from jupyter_green.report.comparison import Comparison

COOKBOOK = Path(__file__).parents[1] / "examples" / "cookbook"
RECIPES = sorted(COOKBOOK.glob("[0-9]*.ipynb"))
WITHOUT_TRIALS = "11_region_and_hour"
NOT_HERE = "comes with `pip install --group cookbook`"
# Two cores that others use too take their time; one cell has `cook.LONGEST_CELL_S`.
LONGEST_S = 900
# A number with a unit, a percentage or a factor would be a claim.
CLAIM = re.compile(
    r"\d[\d.,]*\s*(?:%|percent|[kmµ]?J\b|k?Wh\b|[km]?W\b|m?s\b|[km]?g\b|times|x\b)",
    re.IGNORECASE,
)
USED = r"used ([\d.]+)"
VERDICT = re.compile(
    r"(?<!\*)\*([a-z][a-z ]*?)(?: with \d+ and \d+ runs| in \d+ turns)?\*(?!\*)"
)


class Kitchen:
    """Executes recipes into one folder, each at most once."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self._done: dict[str, Any] = {}

    @property
    def ledger(self) -> Path:
        """The ledger's folder."""
        return self.output / "ledger"

    def notebook(self, name: str) -> Any:
        """Return the executed notebook."""
        from cook import cook  # noqa: PLC0415 - on the tests' own path

        if name not in self._done:
            path = cook(COOKBOOK / f"{name}.ipynb", self.output)
            self._done[name] = nbformat.read(path, as_version=4)
        return self._done[name]

    def records(self, name: str) -> list[Record]:
        """Return what a recipe left in the ledger."""
        self.notebook(name)
        found = read_ledger([self.ledger])
        assert found.problems == ()
        return [r for r in found.records if r.notebook == f"{name}.ipynb"]


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Kitchen:
    """Give a kitchen in an empty folder."""
    pytest.importorskip("torch", reason=NOT_HERE)
    pytest.importorskip("optuna", reason=NOT_HERE)
    return Kitchen(tmp_path_factory.mktemp("cookbook"))


def recipe_names() -> list[str]:
    """Return the notebooks' names."""
    return [path.stem for path in RECIPES]


def markdown_of(notebook: Any) -> str:
    """Return the text that a notebook's cells have made."""
    return "\n".join(
        output.data["text/markdown"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type in ("display_data", "execute_result")
        and "text/markdown" in output.data
    )


def runs(records: Sequence[Record], label: str) -> list[Record]:
    """Return the runs of a variant."""
    return [record for record in records if record.label == label]


def log_ratio(mine: Sequence[Record], theirs: Sequence[Record]) -> float:
    """Return ln(ratio) of the geometric means of two variants' energies."""

    def mean_log(of: Sequence[Record]) -> float:
        joules = [sum(d.energy_j or math.nan for d in r.devices) for r in of]
        return statistics.fmean(math.log(j) for j in joules)

    return mean_log(mine) - mean_log(theirs)


def quality_change(mine: Sequence[Record], theirs: Sequence[Record]) -> float:
    """Return the difference of mean accuracies."""
    of_mine, of_theirs = (
        statistics.fmean(r.metrics["accuracy"] for r in of) for of in (mine, theirs)
    )
    return of_mine - of_theirs


def is_printed_as(text: str, value: float) -> bool:
    """Say whether *text* is *value*, rounded to the decimals that it has."""
    decimals = len(text.partition(".")[2])
    return abs(float(text) - value) <= 0.5000001 * 10.0**-decimals


@pytest.mark.timeout(LONGEST_S)
@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_runs_from_top_to_bottom(name: str, kitchen: Kitchen):
    """No cell fails but those that say so, and nothing is written to stderr."""
    for cell in kitchen.notebook(name).cells:
        may_fail = "raises-exception" in cell.metadata.get("tags", [])
        for output in cell.get("outputs", []):
            if may_fail:
                continue
            assert output.output_type != "error"
            assert (output.output_type, output.get("name")) != ("stream", "stderr"), (
                output.get("text")
            )


@pytest.mark.timeout(LONGEST_S)
@pytest.mark.parametrize("name", recipe_names())
def test_every_record_of_a_recipe_has_its_label_and_a_figure(
    name: str, kitchen: Kitchen
):
    """And what was compared has its quality with it."""
    records = kitchen.records(name)
    assert records
    for record in records:
        assert record.label
        assert record.status == "ok"
        assert record.final
        assert record.energy_j is not None
    wholes = {r.id for r in records if r.parent is None}
    for record in records:
        if record.parent in wholes and ": " in record.label:
            assert 0.0 <= record.metrics["accuracy"] <= 1.0


@pytest.mark.timeout(LONGEST_S)
@pytest.mark.parametrize("name", [n for n in recipe_names() if n != WITHOUT_TRIALS])
def test_what_a_recipe_says_is_what_the_ledger_says(name: str, kitchen: Kitchen):
    """Ratio, verdict and change of each sentence, computed anew from the records."""
    from ranking import STRATEGIES  # noqa: PLC0415 - on the tests' own path

    records = kitchen.records(name)
    text = markdown_of(kitchen.notebook(name))
    mine = [s for s in STRATEGIES if s.recipe == name]
    assert mine
    for strategy in mine:
        groups = {
            variant: runs(records, f"{strategy.label}: {variant}")
            for variant in (strategy.reference, strategy.variant)
        }
        theirs, ours = groups.values()
        assert len(ours) == len(theirs) >= 5
        said = [
            line
            for line in text.splitlines()
            if line.startswith(f"- **{strategy.variant}** used ")
            and f"energy of **{strategy.reference}**" in line
        ]
        ratio = math.exp(log_ratio(ours, theirs))
        (line,) = (s for s in said if is_printed_as(number_in(s, USED), ratio))
        change = number_in(line, r"differs by ([+-][\d.]+)")
        assert is_printed_as(change, quality_change(ours, theirs))
        anew = compare(groups)
        assert VERDICT.findall(line) == [
            anew.contrast(quantity, strategy.variant).verdict
            for quantity in ("energy_j", "accuracy")
        ]
        assert_conclusion(line, anew, strategy.variant)
        assert f"{len(ours)} runs of each" in text


def number_in(text: str, pattern: str) -> str:
    """Return the number that *pattern* finds."""
    found = re.search(pattern, text)
    assert found, text
    return found[1]


def assert_conclusion(line: str, anew: Comparison, variant: str) -> None:
    """Check what is made of the verdicts, by the words alone."""
    verdict = anew.contrast("energy_j", variant).verdict
    assert ("It saves energy here" in line) == (verdict == "better")
    assert ("It saves nothing here" in line) == (verdict == "worse")
    assert ("whether it saves energy" in line.lower()) == (
        verdict == "not distinguishable"
    )


@pytest.mark.timeout(LONGEST_S * 2)
def test_the_ranking_is_computed_from_the_records(kitchen: Kitchen):
    """Every row: the ratio, the change, and the order of the rows."""
    from ranking import STRATEGIES, write_ranking  # noqa: PLC0415 - as above

    records = {name: kitchen.records(name) for name in recipe_names()}
    written = {p.name: p for p in write_ranking(kitchen.ledger, kitchen.output)}
    page = written["ranking.md"].read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("|")
    ][2:]
    by_name = {s.name: s for s in STRATEGIES}
    assert [row[0] for row in rows] != []
    assert {row[0] for row in rows} == {*by_name}
    order = []
    for name, work, against, ratio, verdict, change, _, recipe in rows:
        strategy = by_name[name]
        known = records[strategy.recipe]
        ours = runs(known, f"{strategy.label}: {strategy.variant}")
        theirs = runs(known, f"{strategy.label}: {strategy.reference}")
        assert (work, against) == (strategy.work, strategy.reference)
        assert recipe.replace("\\", "") == strategy.recipe
        expected = math.exp(log_ratio(ours, theirs))
        assert is_printed_as(ratio.split(" ")[0], expected)
        assert is_printed_as(change.split(" ")[0], quality_change(ours, theirs))
        low, high = re.findall(r"[\d.]+", ratio)[1:3]
        assert float(low) <= expected <= float(high)
        # Better only below one, worse only above, and said by the interval.
        group = {"better": 0, "worse": 2}.get(verdict, 1)
        assert not (group == 0 and float(high) >= 1.0)
        assert not (group == 2 and float(low) <= 1.0)
        order.append((group, expected))
    assert order == sorted(order)
    methods = {m for of in records.values() for r in of for m in r.methods}
    assert f"How the energy was found: {', '.join(sorted(methods))}" in page
    (work_record,) = runs(records[WITHOUT_TRIALS], "region")
    assert "Region and time of day" in page
    assert work_record.intensity is not None


@pytest.mark.timeout(LONGEST_S * 2)
def test_the_ranking_is_a_page_that_needs_no_other_file(kitchen: Kitchen):
    """The HTML has the same rows, the drawing in itself, and no script."""
    from ranking import STRATEGIES, write_ranking  # noqa: PLC0415 - as above

    for name in recipe_names():
        kitchen.notebook(name)
    written = {p.name: p for p in write_ranking(kitchen.ledger, kitchen.output)}
    page = written["ranking.html"].read_text(encoding="utf-8")
    for strategy in STRATEGIES:
        assert strategy.name in page
    assert "<svg" in page
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    with Image.open(written["ranking.png"]) as drawn:
        assert drawn.width > drawn.height > 500


def test_each_recipe_is_ranked_but_the_one_that_saves_no_energy():
    """And nothing is ranked that no recipe measures."""
    from ranking import STRATEGIES  # noqa: PLC0415 - as above

    assert {s.recipe for s in STRATEGIES} == {*recipe_names()} - {WITHOUT_TRIALS}
    assert len({s.name for s in STRATEGIES}) == len(STRATEGIES)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_committed_without_outputs_and_without_claims(path: Path):
    """Its fixed text has a claim to test, limits, and no number with a unit."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    text = ""
    for cell in notebook.cells:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
        if cell.cell_type == "markdown":
            text += cell.source + "\n"
    assert "**Claim:**" in text
    assert "## What the numbers do not say" in text
    assert not CLAIM.search(text), CLAIM.search(text)


def test_the_readme_lists_the_recipes():
    """Each by a link."""
    listed = (COOKBOOK / "README.md").read_text(encoding="utf-8")
    for name in recipe_names():
        assert f"({name}.ipynb)" in listed
    assert not CLAIM.search(re.sub(r"\([^)]*\)", "", listed))


def test_a_claim_is_recognised():
    """What the test above looks for."""
    for text in ("saves 40 %", "needs 3.2 J", "12 times less", "0.5 kWh", "2x"):
        assert CLAIM.search(text)
    for text in ("the digits five to nine", "CVPR 2018", "NeurIPS 2015, and"):
        assert not CLAIM.search(text)


@pytest.mark.parametrize(
    ("ours", "qualities", "said"),
    [
        ((5.0, 5.1, 4.9), (0.9, 0.91, 0.9), "It saves energy here; whether"),
        ((5.0, 5.1, 4.9), (0.1, 0.11, 0.1), "It saves energy here and costs accuracy."),
        ((20.0, 20.1, 19.9), (0.99, 0.99, 0.99), "It saves nothing here: it uses more"),
        ((10.0, 15.0, 7.0), (0.9, 0.91, 0.9), "cannot tell whether it saves energy"),
    ],
)
def test_sentences_follow_the_verdicts(
    ours: Sequence[float], qualities: Sequence[float], said: str
):
    """Whichever way a run comes out, the text is right."""
    from verdicts import sentence, tell  # noqa: PLC0415 - as above

    found = compare(
        {
            "plain": made((10.0, 10.1, 9.9), (0.9, 0.91, 0.9)),
            "other": made(ours, qualities),
        }
    )
    assert said in sentence(found, "other")
    assert sentence(found, "other") in tell(found).data
    assert "simulated" in tell(found).data


def made(energies_j: Sequence[float], qualities: Sequence[float]) -> list[Record]:
    """Return a record for each energy and quality."""
    return [
        Record(
            id=f"{number} {energy_j} {id(energies_j)}",
            duration_s=1.0,
            metrics={"accuracy": quality},
            devices=(
                DeviceRecord(
                    id="a",
                    kind="cpu",
                    method="simulated",
                    energy_j=energy_j,
                    uncertainty_j=0.0,
                    uncertainty_random_j=0.0,
                ),
            ),
        )
        for number, (energy_j, quality) in enumerate(
            zip(energies_j, qualities, strict=True)
        )
    ]
