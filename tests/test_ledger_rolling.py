"""Rolling totals come to what `totals` says of the same records, however they came."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.ledger import rolling, totals
from jupyter_green.ledger.lines import (
    SlimDevice,
    SlimHost,
    SlimIntensity,
    SlimRecord,
    utc_text,
)
from jupyter_green.ledger.rolling import RollingTotals

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def run(
    number: int,
    at_s: float,
    length_s: float,
    energy_j: float | None = 10.0,
    **more: Any,
) -> SlimRecord:
    """Return a run of one counter, with a tenth of its energy as uncertainty."""
    device = SlimDevice(
        id="gpu",
        method="counter",
        energy_j=energy_j,
        uncertainty_j=None if energy_j is None else 0.1 * energy_j,
        uncertainty_random_j=None if energy_j is None else 0.05 * energy_j,
    )
    given_: dict[str, Any] = {
        "id": f"r{number}",
        "duration_s": length_s,
        "devices": (device,),
        "started_at": utc_text(BEGIN + timedelta(seconds=at_s)),
        "host": SlimHost(id="h"),
        "intensity": SlimIntensity(g_per_kwh=100.0),
    }
    return SlimRecord(**given_ | more)


def check(filled: RollingTotals, rows: list[SlimRecord]) -> None:
    """Raise unless the totals are those of the rows, but for the order of adding."""
    got, wanted = filled.totals(), totals(rows)
    assert got.nested_runs == wanted.nested_runs
    assert got.shared_runs == wanted.shared_runs
    assert got.shared_j == pytest.approx(wanted.shared_j, abs=1e-6)
    for name in wanted.total.__slots__:
        one, other = getattr(got.total, name), getattr(wanted.total, name)
        if isinstance(other, float | dict):
            assert one == pytest.approx(other, rel=1e-9), name
        else:
            assert one == other, name


def of(rows: list[SlimRecord]) -> RollingTotals:
    """Return totals that were filled with all of some runs."""
    ids = {row.id for row in rows}
    made = RollingTotals(ids.__contains__)
    made.fill(rows)
    return made


@pytest.fixture(autouse=True)
def short_tails(monkeypatch: pytest.MonkeyPatch):
    """Cut early, so that a few dozen records do it."""
    monkeypatch.setattr(rolling, "LONGEST_TAIL", 8)
    monkeypatch.setattr(rolling, "SHORTEST_TAIL", 3)


@st.composite
def ledgers(draw: st.DrawFn) -> list[SlimRecord]:
    """Draw runs in a row; some overlap, nest, go on or lack figures."""
    rows: list[SlimRecord] = []
    at_s = 0.0
    for number in range(draw(st.integers(0, 40))):
        at_s += draw(st.sampled_from([0.0, 0.001, 0.5, 1.0, 5.0]))
        more: dict[str, Any] = {}
        if rows and draw(st.integers(0, 4)) == 0:
            more["parent"] = draw(st.sampled_from(rows)).id
        if draw(st.integers(0, 9)) == 0:
            more["parent"] = "unknown"
        if draw(st.integers(0, 9)) == 0:
            more |= {"status": "running", "final": False}
        if draw(st.integers(0, 9)) == 0:
            more["started_at"] = "when?"
        if draw(st.integers(0, 5)) == 0:
            more["host"] = draw(st.sampled_from([None, SlimHost(id="other")]))
        length_s = draw(st.sampled_from([0.0, 0.001, 0.5, 1.0, 1.5, 20.0]))
        energy_j = draw(st.sampled_from([None, 0.0, 3.0, 10.0]))
        rows.append(run(number, at_s, length_s, energy_j, **more))
    return rows


@given(ledgers(), st.randoms(use_true_random=False))
def test_the_order_in_which_records_are_filled_in_changes_nothing(
    rows: list[SlimRecord], chance: random.Random
):
    """The order in which records are filled in changes nothing."""
    mixed = list(rows)
    chance.shuffle(mixed)
    check(of(mixed), rows)


@given(ledgers(), st.integers(0, 40), st.randoms(use_true_random=False))
def test_records_that_come_later_are_added_or_ask_for_a_new_filling(
    rows: list[SlimRecord], known: int, chance: random.Random
):
    """Records that come later are added or ask for a new filling."""
    later = rows[known:]
    chance.shuffle(later)
    present = rows[:known]
    ids = {row.id for row in present}
    made = RollingTotals(ids.__contains__)
    made.fill(present)
    for row in later:
        present = [*present, row]
        ids.add(row.id)
        if not made.put(row):
            made.fill(present)
        check(made, present)


@given(ledgers(), st.data())
def test_records_that_change_are_counted_as_they_are_now(
    rows: list[SlimRecord], data: st.DataObject
):
    """Records that change are counted as they are now."""
    made = of(rows)
    for _ in range(5 if rows else 0):
        at = data.draw(st.integers(0, len(rows) - 1))
        old = rows[at]
        energy_j = data.draw(st.sampled_from([None, 1.0, 99.0]))
        new = run(int(old.id[1:]), 0.0, old.duration_s, energy_j)
        changed = {"devices": new.devices, "status": "ok", "final": True}
        rows[at] = SlimRecord(
            **{f: getattr(old, f) for f in old.__struct_fields__} | changed
        )
        if not made.put(rows[at]):
            made.fill(rows)
        check(made, rows)


@given(ledgers(), st.integers(0, 40), st.data())
def test_the_sum_of_some_of_the_runs_is_their_row_of_all_of_the_runs(
    rows: list[SlimRecord], known: int, data: st.DataObject
):
    """What others share with them is theirs in part, as in the totals by label."""
    labels = st.sampled_from(["train", "test"])
    rows = [msgspec.structs.replace(row, label=data.draw(labels)) for row in rows]
    ids = {row.id for row in rows[:known]}
    made = RollingTotals(ids.__contains__, counts=lambda row: row.label == "train")
    made.fill(rows[:known])
    for number, row in enumerate(rows[known:], known):
        ids.add(row.id)
        if not made.put(row):
            made.fill(rows[: number + 1])
    wanted = {row.key: row for row in totals(rows, by="label").rows}.get("train")
    got = made.totals().total
    if wanted is None:
        assert (got.runs, got.energy_j) == (0, None)
        return
    assert (got.runs, got.unmeasured_runs) == (wanted.runs, wanted.unmeasured_runs)
    for one, other in ((got.energy_j, wanted.energy_j), (got.co2e_g, wanted.co2e_g)):
        assert one == (None if other is None else pytest.approx(other, rel=1e-9))


def test_of_the_past_only_the_sum_is_kept():
    """Of the past only the sum is kept."""
    rows = [run(number, 2.0 * number, 1.0) for number in range(1000)]
    made = of(rows)
    assert len(made) < 2 * 8
    assert made.totals().total.energy_j == pytest.approx(10_000.0)


def test_a_run_that_goes_on_is_not_cut_off():
    """A run that goes on is not cut off."""
    rows = [run(0, 0.0, 0.5, status="running", final=False)]
    rows += [run(number, 2.0 * number, 1.0) for number in range(1, 100)]
    made = of(rows)
    assert len(made) == 100
    # It ends, and has covered all of the others: they share its energy.
    ended = run(0, 0.0, 300.0, 5000.0)
    assert made.put(ended)
    check(made, [ended, *rows[1:]])
    assert made.totals().shared_runs == 100


def test_the_range_of_the_grams_is_that_of_the_intensities():
    """The range of the grams is that of the intensities."""
    ranged = SlimIntensity(g_per_kwh=100.0, low_g_per_kwh=50.0, high_g_per_kwh=200.0)
    plain = [run(1, 0.0, 1.0, 3.6e6), run(2, 5.0, 1.0, 3.6e6)]
    assert of(plain).co2e_range is None
    mixed = of([plain[0], run(2, 5.0, 1.0, 3.6e6, intensity=ranged)])
    assert mixed.co2e_range is not None
    # 1 kWh at 100 g each, and the second one from 50 to 200 g.
    assert mixed.co2e_range.low_g == pytest.approx(150.0)
    assert mixed.co2e_range.high_g == pytest.approx(300.0)
