"""Tables as text, HTML and Markdown, and the table of totals."""

import math
from dataclasses import replace

import pytest
from ledger_samples import device, record

from jupyter_green.ledger import LedgerProblem, totals
from jupyter_green.ledger.since import parse_since
from jupyter_green.report.tables import (
    Table,
    render_html,
    render_markdown,
    render_text,
)
from jupyter_green.report.totals import totals_json, totals_table

EVIL = "<script>alert('x')</script> | a\nb \x1b[31m*"
# An hour after the samples: what overlaps on a device is charged once.
LATER = "2026-06-01T12:00:00Z"


def test_text_is_aligned_and_keeps_its_digits() -> None:
    """Numbers stay as they were formatted."""
    table = Table("T", ("label", "energy"), (("a", "1.10 J"), ("b", "20 J")), ("n",))
    right = replace(table, numeric=("energy",))
    assert render_text(table).splitlines() == [
        "T",
        "label    energy",
        "-------  --------",
        "a        1.10 J",
        "b        20 J",
        "n",
    ]
    assert render_text(right).splitlines()[3] == "a          1.10 J"
    assert render_text(Table("", (), (), ("nothing",))) == "nothing"


def test_nothing_breaks_out_of_a_form() -> None:
    """Users' text is escaped in titles, heads, cells and notes."""
    table = Table(EVIL, (EVIL,), ((EVIL,),), (EVIL,))
    text, page = render_text(table), render_html(table)
    markdown = render_markdown(table)
    assert "\x1b" not in text + page + markdown
    assert "<script" not in page + markdown
    assert page.count("&lt;script&gt;") == 4
    assert markdown.count(r"\|") == 4
    cells = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(cells) == 3


def test_prices_are_no_formulas() -> None:
    """Jupyter and GitHub set what stands between two dollar signs as mathematics."""
    table = Table("", ("label",), (("$5 or $6",),), ("a $x$",))
    assert render_markdown(table).count(r"\$") == 4
    assert render_text(table).count(r"\$") == 0


def test_totals_name_methods_and_what_they_leave_out() -> None:
    """Below the table stands what has to be known of it."""
    cpu = {"id": "package-0", "method": "estimated"}
    records = [
        record("0", label="train", devices=(device(75.0), device(25.0, **cpu))),
        record("1", devices=(device(None),), status="error"),
        record("2", parent="0"),
        record("3", status="running", intensity=None, started_at=LATER),
    ]
    table = totals_table(totals(records, by="label"))
    assert table.columns[0] == "label"
    rows = {row[0]: row for row in table.rows}
    assert rows["train"][4:] == ("100 ± 7 J", "counter 75 %, estimated 25 %", "10.0 mg")
    assert rows["no label"][1:] == (
        "2",
        "1",
        "20.0 s",
        "100 ± 5 J",
        "counter 100 %",
        "no intensity",
    )
    assert table.rows[-1][0] == "total"
    assert table.notes == (
        "1 run is not measured; the sums leave it out.",
        "1 run is still running; its energy so far is included.",
        "1 run is without carbon intensity, so without CO2e.",
        "1 run is part of another run and not counted again.",
    )
    unmeasured = totals_table(totals(records[1:2]))
    assert unmeasured.rows == (
        ("total", "1", "1", "10.0 s", "not measured", "", "not measured"),
    )


def test_simulated_figures_say_so() -> None:
    """No total hides that no hardware was read."""
    made_up = record(devices=(device(method="simulated"),))
    assert "SIMULATED" in totals_table(totals([made_up])).notes[0]


def test_an_empty_ledger_gives_a_sentence() -> None:
    """It says what to do, or from when on nothing was found."""
    assert "%%energy" in render_text(totals_table(totals([])))
    since = parse_since("2026-01-01")
    assert "2026-01-01" in render_text(totals_table(totals([], since=since)))
    assert "by day (UTC)" not in render_text(totals_table(totals([], by="day")))
    assert totals_table(totals([record()], by="day")).title == "Totals by day (UTC)"


def test_problems_stand_below(tmp_path: object) -> None:
    """A few are named, the rest is counted."""
    problems = [LedgerProblem(tmp_path, n, "bad") for n in range(1, 9)]
    notes = totals_table(totals([record()]), problems).notes
    assert notes[0] == f"Not read: {tmp_path}, line 1: bad"
    assert notes[-1] == "... and 3 more that were not read."


def test_json_has_units_and_no_infinity() -> None:
    """Keys carry units, and what overflows is null."""
    absurd = record(devices=(device(1e308, uncertainty_j=1e308),) * 2)
    other = record("2", started_at=LATER)
    built = totals_json(totals([absurd, other], by="label"), (), 7)
    assert built["total"]["energy_j"] is None
    assert built["problem_count"] == 7
    assert {"duration_s", "uncertainty_j", "co2e_g"} <= built["rows"][0].keys()
    assert all(
        math.isfinite(v) for v in built["total"].values() if isinstance(v, float)
    )


@pytest.mark.parametrize(
    ("energy_j", "shown"), [(0.0, "< 5 J"), (-1.0, "-1 ± 5 J"), (6.0, "6 ± 5 J")]
)
def test_odd_energies_have_methods(energy_j: float, shown: str) -> None:
    """Zero and negative figures, possible near the detection limit, are shown."""
    table = totals_table(totals([record(devices=(device(energy_j),))]))
    assert table.rows[0][4] == shown
    assert table.rows[0][5].startswith("counter")
