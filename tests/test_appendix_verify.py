"""A report can be checked: its form is fixed, each figure follows from the records."""

import json
import math
from typing import Any

import jsonschema
import msgspec
import pytest
from appendix_ledgers import FRANCE, UNHURRIED, at, ledgers
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_samples import device, record
from msgspec.structs import replace

from jupyter_green.cli import main
from jupyter_green.errors import LedgerError
from jupyter_green.records import Record
from jupyter_green.report.appendix.anonymous import anonymize
from jupyter_green.report.appendix.author import AuthorFacts, Options, Scope
from jupyter_green.report.appendix.build import build
from jupyter_green.report.appendix.canonical import (
    Report,
    canonical,
    json_schema,
    read_report,
    report_json,
    seal,
    sha256,
)
from jupyter_green.report.appendix.diff import diff
from jupyter_green.report.appendix.facts import Appendix
from jupyter_green.report.appendix.leaves import leaves
from jupyter_green.report.appendix.origin import Source
from jupyter_green.report.appendix.plausibility import implausible
from jupyter_green.report.appendix.verify import verify

RUNS = [
    record(
        str(number),
        label=f"run {number % 2}",
        started_at=at(60.0 * number),
        notebook="/home/jane/train.ipynb",
        cell_id="c1",
        devices=(
            device(100.0 + number, power_limit_w=700.0, idle_power_w=2.0),
            device(30.0, id="package-0", kind="cpu", name="Xeon"),
        ),
        purpose=("final", "search", None)[number % 3],
        status="error" if number == 4 else "ok",
        intensity=FRANCE,
        versions={"python": "3.11.2"},
    )
    for number in range(6)
]


def numbers(plain: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the places of all numbers in plain values."""
    if isinstance(plain, bool) or plain is None or isinstance(plain, str):
        return []
    if isinstance(plain, (int, float)):
        return [place]
    pairs = plain.items() if isinstance(plain, dict) else enumerate(plain)
    return [found for key, each in pairs for found in numbers(each, (*place, key))]


def changed(facts: Appendix, place: tuple[Any, ...], factor: float) -> Appendix:
    """Return facts with one number changed."""
    plain = json.loads(msgspec.json.encode(facts))
    inside = plain
    for key in place[:-1]:
        inside = inside[key]
    value = inside[place[-1]]
    inside[place[-1]] = (
        value + 1 if isinstance(value, int) else (value * factor if value else 1.0)
    )
    return msgspec.convert(plain, Appendix)


@UNHURRIED
@given(ledgers())
def test_the_canonical_form_is_stable(records: list[Record]) -> None:
    """Written, read and written again it is the same, and so is its hash."""
    facts = build(records)
    data = report_json(seal(facts))
    again = read_report(data)
    assert canonical(again.appendix) == canonical(facts)
    assert again.sha256 == sha256(again.appendix) == sha256(facts)
    assert report_json(again) == data
    text = canonical(facts).decode()
    assert "NaN" not in text
    assert (
        json.dumps(
            json.loads(text), sort_keys=True, ensure_ascii=False, separators=(",", ":")
        )
        == text
    )


@settings(UNHURRIED, max_examples=10)
@given(ledgers(most=6))
def test_the_json_is_valid_by_its_schema(records: list[Record]) -> None:
    """As JSON Schema 2020-12, with units in the keys."""
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    plain = json.loads(report_json(seal(build(records))))
    jsonschema.Draft202012Validator(schema).validate(plain)
    assert plain["appendix"]["schema_version"] == 1
    assert "energy_it_kwh" in plain["appendix"]["totals"]["amount"]


def test_the_schema_can_be_had_in_the_shell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`jupyter green schema --report` prints that of the file."""
    assert main(["schema", "--report"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(json_schema()))


def test_texts_that_are_no_utf8_are_written_all_the_same() -> None:
    """A lone surrogate in a comment does not cost the report."""
    facts = build([], AuthorFacts(comments="x\ud800y"))
    assert "x?y" in canonical(facts).decode("utf-8")
    assert read_report(report_json(seal(facts))).sha256 == sha256(facts)


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"appendix":{},"sha256":""}'])
def test_what_is_no_report_is_refused(data: bytes) -> None:
    """With a sentence and a remedy."""
    with pytest.raises(LedgerError, match=r"no energy report.*energy-report\.json"):
        read_report(data)


def test_a_report_of_a_newer_version_is_refused() -> None:
    """Its figures could mean something else."""
    newer = replace(build([]), schema_version=99)
    with pytest.raises(LedgerError, match="version 99"):
        read_report(report_json(seal(newer)))


@UNHURRIED
@given(ledgers())
def test_a_true_report_has_no_differences(records: list[Record]) -> None:
    """Whatever the ledger, with names or without."""
    facts = build(records)
    found = verify(seal(facts), records)
    assert [d for d in found if d.kind != "implausible"] == []
    hidden = anonymize(facts)
    found = verify(seal(hidden), records)
    assert [d for d in found if d.kind != "implausible"] == []


FACTS = build(RUNS)
SKIPPED = {"author", "comparisons", "options", "schema_version"}


@UNHURRIED
@given(
    st.sampled_from(
        [
            place
            for place in numbers(msgspec.to_builtins(FACTS))
            if place[0] not in SKIPPED
        ]
    ),
    st.sampled_from((1.000001, 0.9, 2.0)),
)
def test_any_single_changed_number_is_found(
    place: tuple[Any, ...], factor: float
) -> None:
    """Also where the hash was made anew; where it was not, the hash tells."""
    wrong = changed(FACTS, place, factor)
    assert verify(seal(wrong), RUNS, source=Source()), place
    stale = verify(Report(appendix=wrong, sha256=sha256(FACTS)), RUNS)
    assert stale[0].kind == "hash"


def test_a_record_that_is_missing_or_tagged_since_is_found() -> None:
    """The first difference is in the totals, with both figures."""
    first = verify(seal(FACTS), RUNS[:-1])[0]
    assert first.place.startswith("totals.")
    found = {d.place: d for d in verify(seal(FACTS), RUNS[:-1])}
    runs = found["totals.amount.runs"]
    assert (runs.stated, runs.found) == (6, 5)
    assert "the report says 6, the records give 5" in str(runs)
    tagged = [replace(r, purpose="final") for r in RUNS]
    assert any(d.place.startswith("by_purpose") for d in verify(seal(FACTS), tagged))


def test_what_cannot_be_true_is_said() -> None:
    """More than power limit x time: the ledger itself is wrong."""
    hot = [record(devices=(device(1e5, power_limit_w=700.0),))]
    found = verify(seal(build(hot)), hot)
    assert [d.kind for d in found] == ["implausible"]
    assert "1e+04 W" in found[0].text


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("totals", "amount", "energy_it_kwh"), -1.0, "the energy is negative"),
        (("totals", "amount", "co2e_kg"), -1.0, "the CO2e is negative"),
        (("compute", "gpu_hours"), 1e3, "GPU-hours are more than 1 GPUs x"),
        (("totals", "components", 0, "energy_kwh"), 1.0, "components do not add up"),
        (("by_purpose", 0, "amount", "energy_it_kwh"), 1.0, "purposes do not add up"),
        (("totals", "supplies", 0, "pue"), 1.5, "energy x PUE is not the facility"),
        (("totals", "supplies", 0, "co2e_kg"), 9.0, "x intensity is not the CO2e"),
        (("compute", "devices", 0, "energy_kwh"), 9.0, "more than its power limit"),
    ],
)
def test_a_report_that_contradicts_itself_is_told_without_the_ledger(
    place: tuple[Any, ...], value: float, words: str
) -> None:
    """Sums, products and limits are looked at in the report alone."""
    plain = json.loads(msgspec.json.encode(FACTS))
    inside = plain
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    sentences = list(implausible(msgspec.convert(plain, Appendix)))
    assert any(words in sentence for sentence in sentences), sentences
    assert list(implausible(FACTS)) == []


def test_differences_read_as_sentences() -> None:
    """One line each, for the shell."""
    wrong = changed(FACTS, ("totals", "amount", "runs"), 1.0)
    lines = [str(d) for d in verify(Report(appendix=wrong, sha256="0" * 64), RUNS)]
    assert lines[0].startswith(f"sha256: stated {'0' * 64}, but the facts give ")
    assert "totals.amount.runs: the report says 7, the records give 6" in lines
    hot = [record(devices=(device(1e5, power_limit_w=700.0),))]
    (line,) = map(str, verify(seal(build(hot)), hot))
    assert line.startswith("implausible: device 1 (H200)")


def test_an_anonymous_report_of_some_notebooks_needs_their_names() -> None:
    """Its scope says only that there was one."""
    scope = Scope(notebooks=("/home/jane/train.ipynb",))
    facts = anonymize(build(RUNS, options=Options(scope=scope)))
    with pytest.raises(LedgerError, match="--notebook"):
        verify(seal(facts), RUNS)
    assert verify(seal(facts), RUNS, scope=scope) == ()


def test_the_authors_facts_are_compared_where_they_are_given() -> None:
    """Their PUE in the project file is another one than in the report."""
    facts = build(RUNS, AuthorFacts(pue=1.2))
    assert verify(seal(facts), RUNS) == ()
    found = verify(seal(facts), RUNS, author=AuthorFacts(pue=1.4))
    assert "totals.amount.energy_facility_kwh" in {d.place for d in found}


def test_a_diff_tells_what_changed_between_two_reports() -> None:
    """Number, old, new and relative change; the sums first."""
    more = [*RUNS, record("new", label="run 9", started_at=at(900), intensity=FRANCE)]
    changes = diff(FACTS, build(more))
    by_place = {change.place: change for change in changes}
    assert changes[0].place.startswith("totals.amount")
    runs = by_place["totals.amount.runs"]
    assert (runs.old, runs.new, runs.kind) == (6, 7, "changed")
    assert runs.relative == pytest.approx(1 / 6)
    old_j = sum(r.energy_j or 0.0 for r in RUNS)
    energy = by_place["totals.amount.energy_it_kwh"]
    assert energy.relative == pytest.approx(100 / old_j)
    assert by_place["by_experiment.rows[run 9].amount.runs"].kind == "added"
    assert diff(FACTS, FACTS) == ()
    assert diff(FACTS, build(RUNS[::-1])) == ()


def test_a_new_largest_row_does_not_change_the_others() -> None:
    """Rows are told apart by name, not by position."""
    more = [
        *RUNS,
        record("new", label="big", devices=(device(1e6),), started_at=at(9e3)),
    ]
    places = {c.place for c in diff(FACTS, build(more))}
    assert "by_experiment.rows[run 0].amount.energy_it_kwh" not in places
    assert "by_experiment.rows[run 0].energy_fraction" in places


def test_every_fact_has_a_place_of_its_own() -> None:
    """No row hides another one of the same name."""
    plain = msgspec.to_builtins(FACTS)

    def count(value: Any) -> int:
        if isinstance(value, dict):
            return sum(map(count, value.values()))
        if isinstance(value, (list, tuple)):
            return sum(map(count, value))
        return 1

    found = leaves(FACTS)
    assert len(found) == count(plain)
    assert all(not isinstance(v, float) or math.isfinite(v) for v in found.values())
