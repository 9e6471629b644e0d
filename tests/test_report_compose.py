"""The page of a report: whole, rounded alike, the same figures in every format."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import gpu, project

from jupyter_green.records import PURPOSES, Record
from jupyter_green.report.appendix import boundary, flags, quality
from jupyter_green.report.appendix.author import AuthorFacts, Options
from jupyter_green.report.appendix.build import build
from jupyter_green.report.appendix.canonical import canonical
from jupyter_green.report.appendix.facts import Appendix, Flag
from jupyter_green.report.compose import compose, words
from jupyter_green.report.compose.limitations import WORDINGS, worded
from jupyter_green.report.compose.page import Page
from jupyter_green.report.compose.units import (
    Unit,
    energy_unit,
    mass_unit,
    percent,
)
from jupyter_green.report.compose.values import QUOTABLE
from jupyter_green.report.document import Document, Value, all_values, inlines, problems
from jupyter_green.report.render import latex, markdown

FULL = AuthorFacts(
    model="TinyNet",
    parameters=110e6,
    flops=1e18,
    cloud_provider="own hardware",
    storage_gb=200.0,
    embodied_kg_per_gpu=164.0,
    lifetime_h=35_040.0,
    embodied_source="vendor",
    functional_unit="1,000 queries",
    functional_units=50.0,
    water_site_l_per_kwh=(0.4, 1.8),
    water_source_l_per_kwh=(1.0, 3.7),
    price_per_gpu_hour=2.5,
    price_per_kwh=0.25,
    currency="EUR",
    market_based_g_per_kwh=0.0,
    wall_factor=1.3,
    limitations=("Network was not metered.",),
    comments="none",
    impact="less waste",
)


def page_of(records: list[Record], **author: Any) -> tuple[Appendix, Document]:
    """Return facts and page of some records."""
    facts = build(records, AuthorFacts(**author))
    return facts, compose(facts, report_sha256="ab" * 32)


def test_the_sections_stand_in_their_order() -> None:
    """Compute before energy before carbon; optional ones only if stated."""
    _, page = page_of(project(), **msgspec.structs.asdict(FULL))
    assert [section.label for section in page.sections] == [
        *("statement", "boundary", "compute", "totals", "purpose", "experiments"),
        *("method", "uncertainty", "optional", "limitations", "provenance"),
    ]
    _, page = page_of(project())
    assert "optional" not in {section.label for section in page.sections}


@pytest.mark.parametrize("runs", [0, 1, 2, 30])
@pytest.mark.parametrize("author", [AuthorFacts(), FULL])
def test_a_page_is_whole(runs: int, author: AuthorFacts) -> None:
    """Every reference and citation has its target, every macro one text."""
    page = compose(build(project(runs), author))
    assert problems(page) == ()
    assert set(page.values) == set(QUOTABLE)
    cited = {key for part in inlines(page) for key in getattr(part, "keys", ())}
    assert cited == {entry.key for entry in page.references}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, *PURPOSES]),
            st.sampled_from(["ok", "error", "killed", "interrupted"]),
            st.one_of(st.none(), st.floats(1e-3, 1e9)),
            st.one_of(st.none(), st.floats(0, 0.9)),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_any_ledger_gives_a_whole_page_with_the_same_figures(rows: list[Any]) -> None:
    """What Markdown and LaTeX print of a value is its text, whatever was measured."""
    records = []
    for base, row in zip(project(len(rows)), rows, strict=True):
        purpose, status, energy_j, relative, has_place = row
        device = msgspec.structs.replace(
            base.devices[0],
            energy_j=energy_j,
            uncertainty_j=None
            if energy_j is None or relative is None
            else relative * energy_j,
            uncertainty_random_j=None,
        )
        records.append(
            msgspec.structs.replace(
                base,
                purpose=purpose,
                status=status,
                devices=(device,),
                intensity=base.intensity if has_place else None,
            )
        )
    page = compose(build(records))
    assert problems(page) == ()
    # A full stop behind digits at a line's beginning is escaped.
    text = " ".join(markdown.render(page).split()).replace("\\.", ".")
    macros = latex.macros(page)
    for part in inlines(page):
        if isinstance(part, Value):
            shown = part.text.replace("CO2e", "CO\u2082e").replace("<", "&lt;")
            assert shown in text or part.text in text
    for name, value in all_values(page).items():
        (line,) = re.findall(rf"\\newcommand{{\\JG{name}}}{{(.*)}}%", macros)
        # The macro has the text twice: for the page, and plain for bookmarks.
        numbers = re.findall(r"[\d.]+", value.text.replace("CO2e", ""))
        assert re.findall(r"[\d.]+", line.replace("CO2e", ""))[-len(numbers) :] == (
            numbers or re.findall(r"[\d.]+", line)
        )


def test_the_json_has_the_figures_that_the_page_prints() -> None:
    """Each printed total is the JSON's, rounded; derived here from the JSON alone."""
    facts, page = page_of(project())
    plain = json.loads(canonical(facts))
    amount = plain["totals"]["amount"]
    values = {name: value.text for name, value in page.values.items()}
    kwh, width = amount["energy_it_kwh"], amount["energy_uncertainty_kwh"]
    shown = re.fullmatch(r"([\d.]+) ± ([\d.]+) kWh", values["EnergyIT"])
    assert shown
    assert float(shown[1]) == pytest.approx(kwh, abs=0.06)
    assert float(shown[2]) == pytest.approx(width, abs=0.06)
    assert float(values["CarbonMid"].split()[0]) == pytest.approx(
        kwh * 1.2 * 56.04 / 1000, abs=0.006
    )
    assert float(values["GPUHours"].split()[0]) == pytest.approx(
        amount["gpu_hours"], abs=0.06
    )
    assert values["Runs"] == str(amount["runs"])
    parts = [part["amount"]["runs"] for part in plain["by_purpose"]]
    assert sum(parts) == amount["runs"]
    assert values["RunsFinal"] == str(
        next(
            part["amount"]["runs"]
            for part in plain["by_purpose"]
            if part["key"] == "final"
        )
    )


def test_measured_and_estimated_are_named_where_they_are_added() -> None:
    """The statement says which part is which; the table has both in its total."""
    _, page = page_of(project())
    text = " ".join(markdown.render(page).split())
    assert re.search(r"[\d.]+ % measured or integrated from power readings and", text)
    assert "estimated by models" in text
    assert "| measured + estimated" in markdown.render(page)


def test_no_split_is_invented_without_tags() -> None:
    """One untagged run is enough; its energy is reported as untagged."""
    records = project(6)
    records[2] = msgspec.structs.replace(records[2], purpose=None)
    _, page = page_of(records)
    text = " ".join(markdown.render(page).split())
    assert "1 run has no purpose" in text
    assert "a split is never invented" in text
    assert page.values["ReportedShare"].text == "not tagged"
    assert page.values["RunsUntagged"].text == "1"
    _, page = page_of(project(6))
    assert re.fullmatch(r"[\d.]+ %", page.values["ReportedShare"].text)


def test_limitations_cannot_be_switched_off_and_authors_add_theirs() -> None:
    """Every flag of the facts is a sentence on the page."""
    facts, page = page_of(project(), limitations=("Network was not metered.",))
    section = next(s for s in page.sections if s.label == "limitations")
    text = markdown.render(
        Document(title="x", sections=(section,), references=page.references)
    )
    text = " ".join(text.split())
    assert len(facts.flags) > 5
    context = Page(facts=facts)
    for flag in facts.flags:
        start = worded(flag, context)[:40]
        assert start.split(" ")[-2] in text
    assert "Network was not metered." in text


def test_every_code_of_the_facts_has_words() -> None:
    """A code that is added without words would reach readers as it is."""
    page = Page(facts=build(project(2)))
    for code in flags.CODES:
        assert code in WORDINGS, code
        said = worded(Flag(code=code, count=2), page)
        assert said.endswith("."), said
        assert "None" not in said
    assert set(boundary.EXCLUDABLE) == set(words.EXCLUDED)
    source = Path(quality.__file__).read_text()
    reasons = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', source))
    assert reasons <= set(words.REASONS), reasons - set(words.REASONS)
    assert set(words.PURPOSES) == {*PURPOSES, "failed", "untagged"}
    assert worded(Flag(code="brand-new", count=3), page).startswith("brand new (3)")


def test_simulated_figures_are_said_first() -> None:
    """Nobody can take them for measurements."""
    records = [
        msgspec.structs.replace(
            record,
            devices=tuple(
                msgspec.structs.replace(device, method="simulated")
                for device in record.devices
            ),
        )
        for record in project(3)
    ]
    _, page = page_of(records)
    text = markdown.render(page)
    assert text.index("SIMULATED") < text.index("The metered work of")


def test_equal_gpus_that_were_read_alike_stand_in_one_row() -> None:
    """Eight boards of a node are one line of the method, not eight."""
    boards = tuple(
        msgspec.structs.replace(gpu(3.6e5, 1000.0), id=f"GPU-{number}")
        for number in range(8)
    )
    _, page = page_of(project(1, devices=boards))
    text = markdown.render(page)
    assert "devices 1 to 8: NVIDIA H100 80GB HBM3" in text


def test_work_that_was_added_by_hand_is_never_called_metered() -> None:
    """All of it, or some: the statement and the method say which."""
    added = project(2, seed=8, flags=("added",))
    _, page = page_of(added)
    text = markdown.render(page)
    assert "added by hand or imported and not metered, took" in text
    assert "metered in the kernel" not in text
    _, page = page_of([*added, *project(3)])
    text = " ".join(markdown.render(page).split())
    assert "2 of its runs added by hand or imported" in text
    assert "2 runs added by hand or imported were not metered. All other runs" in text


def test_the_optional_section_has_what_follows_from_stated_figures() -> None:
    """164 kg over 35,040 h are 4.68 g for a GPU-hour; SCI only with both parts."""
    facts, page = page_of(project(), **msgspec.structs.asdict(FULL))
    hours = facts.totals.amount.gpu_hours
    grams = hours * 164_000 / 35_040
    assert float(page.values["CarbonEmbodied"].text.split()[0]) == pytest.approx(
        grams, rel=0.01
    )
    assert page.values["CostCompute"].text == f"{2.5 * hours:,.2f} EUR"
    assert page.values["SCI"].text.endswith("g CO2e per 1,000 queries")
    text = " ".join(markdown.render(page).split())
    assert "Network was not metered." in text
    assert "less waste" in text
    _, page = page_of(project(), functional_unit="query", functional_units=10.0)
    assert page.values["SCI"].text == "not stated"
    assert "not the Software Carbon Intensity" in " ".join(
        markdown.render(page).split()
    )


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (3.117, 0.16, "3.12 ± 0.16 kWh"),
        (3.117, 0.31, "3.1 ± 0.3 kWh"),
        (3.117, None, "3.12 kWh"),
        (0.0441, None, "0.0441 kWh"),
        (1234.0, 57.0, "1230 ± 60 kWh"),
        (1.764, 0.991, "1.8 ± 1.0 kWh"),
        (0.001, 0.5, "< 0.5 kWh"),
        (None, None, "not measured"),
        (float("nan"), None, "not measured"),
        (2.0, 1e-15, "2.00 kWh"),
        (0.0, None, "0 kWh"),
    ],
)
def test_values_are_rounded_to_what_is_known(
    value: float | None, uncertainty: float | None, text: str
) -> None:
    """Two digits of an uncertainty that starts with 1 or 2, else one."""
    assert Unit("kWh", 1.0).of(value, uncertainty) == text


def test_a_table_has_one_unit_chosen_by_its_largest_figure() -> None:
    """Small rows read as bounds instead of changing the unit."""
    unit = energy_unit(2.5, 1e-9, None)
    assert unit.symbol == "kWh"
    assert unit.number(1e-9) == "< 0.0001"
    assert energy_unit(0.002).symbol == "Wh"
    assert energy_unit(5e-6).symbol == "J"
    assert energy_unit(2500.0).symbol == "MWh"
    assert energy_unit(None).symbol == "kWh"
    assert mass_unit(0.05).symbol == "g"
    assert [percent(f) for f in (0.5, 0.0004, 0.99999, 1.0, None)] == [
        *("50.0 %", "< 0.1 %", "> 99.9 %", "100.0 %", "not measured"),
    ]


def test_more_experiments_than_fit_are_summed_in_a_row() -> None:
    """The rows and the rest are all runs."""
    facts = build(project(24), options=Options(top=3))
    text = markdown.render(compose(facts))
    assert "9 others" in text


def test_the_documentation_lists_every_macro() -> None:
    """The table in docs/appendix.md is the one in the code."""
    text = (Path(__file__).parents[1] / "docs" / "appendix.md").read_text()
    listed = dict(re.findall(r"^\| `\\JG([A-Za-z]+)` \| (.+?) \|$", text, re.MULTILINE))
    assert listed == {name: quotable.meaning for name, quotable in QUOTABLE.items()}
