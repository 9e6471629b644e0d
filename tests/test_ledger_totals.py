"""Adding up: each joule once, bias never averaged away, missing never 0."""

import itertools
import math
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_samples import HOST, INTENSITY, device
from ledger_samples import record as sample

from jupyter_green.errors import LedgerError
from jupyter_green.ledger import GROUPINGS, totals
from jupyter_green.records import Host, Pue, Record

SLOTS = itertools.count()
CPU = {"id": "package-0", "kind": "cpu", "name": "Xeon", "method": "estimated"}


def record(identifier: str, **changes: Any) -> Record:
    """Return a record of 10 s, half a minute after the last one."""
    minute, half = divmod(next(SLOTS) % 2880, 2)
    time = f"{minute // 60:02}:{minute % 60:02}:{half * 30:02}"
    return sample(identifier, **{"started_at": f"2026-06-01T{time}Z", **changes})


def test_common_errors_add_linearly_and_random_ones_in_quadrature() -> None:
    """Three times 100 J ± 5 J (3 J random, 4 J common) is ± sqrt(3*3² + (3*4)²)."""
    total = totals([record(str(n)) for n in range(3)]).total
    assert total.energy_j == pytest.approx(300.0)
    assert total.uncertainty_j == pytest.approx(math.sqrt(27 + 144))
    # WHEN another device is there THEN it errs independently: + 5²
    more = [record(str(n)) for n in range(3)]
    more.append(record("3", devices=(device(50.0, **CPU),)))
    assert totals(more).total.uncertainty_j == pytest.approx(math.sqrt(171 + 25))
    # WHEN the same id is on another host THEN it is another device
    elsewhere = record("3", host=Host(id="other"))
    apart = totals([record("0"), record("1"), elsewhere]).total.uncertainty_j
    assert apart == pytest.approx(math.sqrt(2 * 9 + 8 * 8 + 25))


def test_calibration_does_not_average_away() -> None:
    """A thousand records keep the relative error of the device's calibration."""
    energy_j, random_j = 100.0, 10.0
    whole_j = math.hypot(random_j, 0.05 * energy_j)
    cell = device(
        energy_j, uncertainty_j=whole_j, uncertainty_random_j=random_j, calibration=0.05
    )
    records = [record(str(n), devices=(cell,)) for n in range(1000)]
    total = totals(records).total
    expected = math.hypot(math.sqrt(1000) * random_j, 0.05 * 1000 * energy_j)
    assert total.uncertainty_j == pytest.approx(expected)


def test_a_model_errs_on_all_machines_alike() -> None:
    """A hundred nodes by a model that may be 60 % off: the sum may be 60 % off."""
    guessed = device(
        100.0,
        **{**CPU, "id": "estimated-cpu"},
        uncertainty_j=60.0,
        uncertainty_random_j=0.0,
    )
    nodes = [
        record(str(n), devices=(guessed,), host=Host(id=f"node{n}")) for n in range(100)
    ]
    total = totals(nodes).total
    assert (total.energy_j, total.uncertainty_j) == (10_000.0, pytest.approx(6000.0))
    # WHEN there is another model for memory THEN it errs independently
    memory = device(
        100.0,
        id="estimated-ram",
        kind="ram",
        method="estimated",
        uncertainty_j=50.0,
        uncertainty_random_j=0.0,
    )
    both = record("both", devices=(guessed, memory))
    assert both.uncertainty_j == pytest.approx(math.hypot(60.0, 50.0))
    assert totals([both]).total.uncertainty_j == pytest.approx(both.uncertainty_j)


def test_a_record_has_no_interval_where_one_of_its_figures_has_none() -> None:
    """Like the sum of it: what is not known is not 0."""
    unknown = device(50.0, **CPU, uncertainty_j=None, uncertainty_random_j=None)
    assert record("0", devices=(device(), unknown)).uncertainty_j is None
    unmeasured = device(None, **CPU, uncertainty_j=None, uncertainty_random_j=None)
    assert record("0", devices=(device(), unmeasured)).uncertainty_j == 5.0


def test_an_unstated_uncertainty_is_not_taken_for_none() -> None:
    """Without a random part all of it is common; without any the sum has none."""
    common = device(uncertainty_random_j=None)
    pair = [record("0", devices=(common,)), record("1", devices=(common,))]
    assert totals(pair).total.uncertainty_j == pytest.approx(10.0)
    unknown = device(uncertainty_j=None, uncertainty_random_j=None)
    mixed = totals([record("0"), record("1", devices=(unknown,))]).total
    assert (mixed.energy_j, mixed.uncertainty_j) == (200.0, None)


def test_what_is_missing_is_counted_and_never_0() -> None:
    """Unmeasured, partly measured, running and provisional runs are told apart."""
    nothing = (device(None),)
    records = [
        record("0", devices=nothing),
        record("1", devices=()),
        record("2", devices=(device(), device(None, **CPU)), status="error"),
        record("3", status="running", final=False),
        record("4", final=False, intensity=None),
        record("5", status="killed", devices=nothing),
    ]
    total = totals(records).total
    assert (total.runs, total.failed_runs) == (6, 2)
    assert (total.unmeasured_runs, total.partly_measured_runs) == (3, 1)
    assert (total.running_runs, total.provisional_runs) == (1, 1)
    assert (total.energy_j, total.without_intensity_runs) == (300.0, 1)
    nothing_at_all = totals(records[:2]).total
    assert nothing_at_all.energy_j is None
    assert nothing_at_all.uncertainty_j is None
    assert nothing_at_all.co2e_g is None
    assert totals([]).total.runs == 0


def test_grams_come_from_each_records_own_intensity_and_pue() -> None:
    """100 J x 360 g/kWh is 0.01 g; PUE counts once."""
    records = [
        record("0"),
        record("1", pue=Pue(value=1.5, source="site")),
        record("2", intensity=msgspec.structs.replace(INTENSITY, g_per_kwh=720.0)),
        record("3", intensity=None),
    ]
    assert totals(records).total.co2e_g == pytest.approx(0.01 + 0.015 + 0.02)


def test_children_are_part_of_their_parent() -> None:
    """A nested run adds nothing, unless what encloses it was not measured."""
    records = [
        record("outer", devices=(device(300.0),)),
        record("inner", parent="outer"),
        record("innermost", parent="inner", devices=(device(10.0),)),
        record("orphan", parent="not in this ledger", devices=(device(7.0),)),
    ]
    summed = totals(records)
    assert (summed.total.energy_j, summed.total.runs) == (307.0, 2)
    assert summed.nested_runs == 2
    # WHEN the outer run was killed before it had a figure THEN the inner ones count
    records[0] = record("outer", devices=(device(None),), status="killed")
    summed = totals(records)
    assert (summed.total.energy_j, summed.nested_runs) == (107.0, 1)
    # WHEN the link between is unmeasured THEN the outermost one still covers
    records[0] = record("outer", devices=(device(300.0),))
    records[1] = record("inner", parent="outer", devices=())
    assert totals(records).total.energy_j == 307.0


def test_parents_in_a_ring_count_once() -> None:
    """A damaged ledger neither hangs nor loses the energy."""
    ring = [
        record("a", parent="c"),
        record("b", parent="a"),
        record("c", parent="b"),
        record("tail", parent="a"),
        record("own", parent="own", devices=(device(5.0),)),
    ]
    assert totals(ring).total.energy_j == 105.0


def test_rows_are_told_apart_by_what_is_asked_for() -> None:
    """Keys say what is unknown, and days are UTC."""
    records = [
        record("0", label="train", purpose="final", notebook="a.ipynb"),
        record("1", started_at="2026-06-02T01:00:00+02:00", host=None),
        record("2", started_at="", host=Host(id="x" * 32, name="gpu-box")),
    ]

    def keys(by: str) -> list[str]:
        return [row.key for row in totals(records, by=by).rows]

    assert keys("label") == ["no label", "train"]
    assert keys("purpose") == ["untagged", "final"]
    assert keys("notebook") == ["no notebook", "a.ipynb"]
    assert keys("day") == ["2026-06-01", "no date"]
    assert keys("host") == ["gpu-box", HOST.id[:12], "unknown host"]
    assert totals(records).rows == ()
    with pytest.raises(LedgerError, match="Choose one of notebook, label"):
        totals(records, by="mood")


def test_devices_of_the_same_name_are_told_apart() -> None:
    """Two hosts have a package-0 each; a device's name may come later."""
    records = [
        record("0", devices=(device(1.0, **{**CPU, "name": ""}), device())),
        record("1", devices=(device(2.0, **CPU),)),
        record("2", devices=(device(4.0, **CPU),), host=Host(id="other-host")),
        record("3", devices=()),
    ]
    summed = totals(records, by="device")
    assert {row.key: (row.energy_j, row.runs) for row in summed.rows} == {
        "H200 GPU-01234567": (100.0, 1),
        "Xeon package-0 on other-host": (4.0, 1),
        f"Xeon package-0 on {HOST.id[:12]}": (3.0, 2),
        "no device": (None, 1),
    }
    assert [row.key for row in summed.rows][-1] == "no device"
    assert summed.total.runs == 4


def test_since_leaves_out_what_began_earlier() -> None:
    """A child counts where its parent began too early to be there."""
    records = [
        record("old", started_at="2026-05-01T00:00:00Z", devices=(device(500.0),)),
        record("child", parent="old"),
        record("undated", started_at=""),
    ]
    summed = totals(records, since=datetime(2026, 6, 1, tzinfo=UTC))
    assert (summed.total.energy_j, summed.since) == (
        200.0,
        "2026-06-01T00:00:00.000000Z",
    )


def devices() -> st.SearchStrategy[Any]:
    """Return a strategy for devices of two ids and methods, some unmeasured."""
    energy = st.none() | st.floats(0, 1e6)
    return st.builds(
        lambda number, energy_j, method, random, name: device(
            energy_j,
            id=f"GPU-{number}",
            method=method,
            name=name,
            uncertainty_j=None if energy_j is None else 0.1 * energy_j,
            uncertainty_random_j=None if energy_j is None else random * energy_j,
        ),
        st.integers(0, 1),
        energy,
        st.sampled_from(["counter", "estimated"]),
        st.floats(0, 0.1),
        st.sampled_from(["H200", "H100"]),
    )


def ledgers() -> st.SearchStrategy[list[Record]]:
    """Return a strategy for ledgers in which runs may enclose earlier ones."""
    one = st.builds(
        dict,
        devices=st.lists(devices(), max_size=2, unique_by=lambda d: d.id).map(tuple),
        duration_s=st.floats(0, 1e4),
        label=st.sampled_from(["", "a", "b"]),
        purpose=st.sampled_from([None, "final", "search"]),
        notebook=st.sampled_from(["", "x.ipynb"]),
        host=st.sampled_from([None, HOST, Host(id="other")]),
        status=st.sampled_from(["ok", "error", "killed", "running"]),
        intensity=st.sampled_from([None, INTENSITY]),
        started_at=st.sampled_from(
            ["", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
        ),
        parent=st.none() | st.integers(0, 20).map(str),
    )
    return st.lists(one, max_size=20).map(
        lambda all_of_it: [record(str(n), **given) for n, given in enumerate(all_of_it)]
    )


@given(ledgers(), st.sampled_from(GROUPINGS))
def test_rows_sum_to_the_grand_total(records: list[Record], by: str) -> None:
    """Whatever the rows are told apart by, nothing is lost or added."""
    summed = totals(records, by=by)
    rows, total = summed.rows, summed.total
    assert len({row.key for row in rows}) == len(rows)
    assert sum(row.energy_j or 0 for row in rows) == pytest.approx(total.energy_j or 0)
    assert sum(row.co2e_g or 0 for row in rows) == pytest.approx(total.co2e_g or 0)
    plain_j = totals(records).total.energy_j
    assert (total.energy_j or 0) == pytest.approx(plain_j or 0)
    for row in (*rows, total):
        by_method = sum(row.energy_by_method_j.values())
        assert by_method == pytest.approx(row.energy_j or 0)
        assert (row.energy_j is None) == (row.unmeasured_runs == row.runs)
    widths = [row.uncertainty_j or 0 for row in rows]
    # Rows may share a device: at worst their errors add, at best they are independent.
    assert (total.uncertainty_j or 0) <= sum(widths) * (1 + 1e-9) + 1e-9
    assert (total.uncertainty_j or 0) >= math.hypot(*widths) * (1 - 1e-9)
    methods = {d.method for r in records for d in r.devices}
    if by == "device":
        # A model errs on several devices alike.
        if "estimated" not in methods:
            assert (total.uncertainty_j or 0) == pytest.approx(math.hypot(*widths))
    else:
        for name in ("runs", "failed_runs", "running_runs", "unmeasured_runs"):
            assert sum(getattr(row, name) for row in rows) == getattr(total, name)
        assert sum(row.duration_s for row in rows) == pytest.approx(total.duration_s)
        assert total.runs + summed.nested_runs == len(records)


@given(ledgers())
def test_enclosed_runs_are_left_out_exactly(records: list[Record]) -> None:
    """Without rings, what counts is each run that no measured run encloses."""
    forest = [
        msgspec.structs.replace(
            r,
            parent=r.parent if r.parent and int(r.parent) < int(r.id) else None,
            started_at=f"{2000 + n}-01-01T00:00:00Z",
        )
        for n, r in enumerate(records)
    ]
    by_id = {r.id: r for r in forest}

    def is_enclosed(one: Record) -> bool:
        above = by_id.get(one.parent or "")
        return above is not None and (above.energy_j is not None or is_enclosed(above))

    expected = [r.energy_j or 0 for r in forest if not is_enclosed(r)]
    summed = totals(forest)
    assert summed.total.runs == len(expected)
    assert (summed.total.energy_j or 0) == pytest.approx(sum(expected))
