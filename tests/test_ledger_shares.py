"""Sharing: the energy of a device is charged once, whoever measured it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_samples import HOST, device, record

from jupyter_green.ledger import GROUPINGS, totals
from jupyter_green.records import Host, Record
from jupyter_green.report.totals import totals_json, totals_table

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
CPU: dict[str, Any] = {"id": "package-0", "kind": "cpu", "name": "Xeon"}


def run(name: str, begin_s: float, end_s: float, *watts: float, **more: Any) -> Record:
    """Return a record of a GPU, and of a processor if there are two figures."""
    length_s = end_s - begin_s
    given = zip(({}, CPU), watts, strict=False)
    return record(
        name,
        **{
            "started_at": (NOON + timedelta(seconds=begin_s)).isoformat(),
            "ended_at": (NOON + timedelta(seconds=end_s)).isoformat(),
            "duration_s": length_s,
            "devices": tuple(device(w * length_s, **what) for what, w in given),
            **more,
        },
    )


def sums(*records: Record) -> tuple[float | None, int, float]:
    """Return the grand total, how many runs overlap, and what is charged once."""
    summed = totals(records)
    return summed.total.energy_j, summed.shared_runs, pytest.approx(summed.shared_j)


@pytest.mark.parametrize(
    ("records", "total_j", "runs", "shared_j"),
    [
        # 100 W for 10 s, seen by both
        ([run("a", 0, 10, 100), run("b", 0, 10, 100)], 1000, 2, 1000),
        # 0 to 15 s at 100 W
        ([run("a", 0, 10, 100), run("b", 5, 15, 100)], 1500, 2, 500),
        # 0 to 20 s at 100 W; three cover 5 to 10 s
        (
            [run("a", 0, 10, 100), run("b", 5, 15, 100), run("c", 5, 20, 100)],
            2000,
            3,
            1500,
        ),
        # 5 s at 100 W, 5 s at the mean of 100 and 200 W, 5 s at 200 W
        ([run("a", 0, 10, 100), run("b", 5, 15, 200)], 2250, 2, 750),
        # an even split would give 600 J, less than what one has measured
        ([run("a", 0, 10, 100), run("b", 0, 10, 20)], 1000, 2, 200),
        # both devices: 1000 + 500 J
        ([run("a", 0, 10, 100, 50), run("b", 0, 10, 100, 50)], 1500, 2, 1500),
        # one of two devices is common to both
        ([run("a", 0, 10, 100, 50), run("b", 0, 10, 100)], 1500, 2, 1000),
    ],
)
def test_common_time_is_charged_once(
    records: list[Record], total_j: float, runs: int, shared_j: float
) -> None:
    """Figures by hand, in whatever order the records come."""
    assert sums(*records) == (pytest.approx(total_j), runs, shared_j)
    assert sums(*records[::-1]) == (pytest.approx(total_j), runs, shared_j)


def test_what_is_elsewhere_or_another_device_is_not_shared() -> None:
    """Another host, an unknown one, another board: all is added."""
    here = run("a", 0, 10, 100)
    other = (device(1000.0, id="GPU-other"),)
    for elsewhere in (
        run("b", 0, 10, 100, host=Host(id="other")),
        run("b", 0, 10, 100, host=None),
        run("b", 0, 10, devices=other),
        run("b", 0, 10, devices=(device(None),)),
        run("b", 0, 10, 100, started_at="", ended_at=""),
    ):
        assert sums(here, elsewhere)[1:] == (0, 0)
    unknown = [run(name, 0, 10, 100, host=None) for name in "ab"]
    assert sums(*unknown) == (2000, 0, 0)


@pytest.mark.parametrize(("overlap_s", "runs"), [(0.0, 0), (0.002, 0), (0.003, 2)])
def test_neighbours_do_not_overlap_by_rounding(overlap_s: float, runs: int) -> None:
    """Run All: each cell begins when the one before ends, to the millisecond."""
    cells = [run(str(n), n, n + 1 + overlap_s, 100) for n in range(2)]
    assert sums(*cells)[1] == runs
    # WHEN a third run overlaps them THEN they still do not overlap each other
    longer = run("longer", 0, 2 + overlap_s, 100)
    if not runs:
        assert sums(*cells, longer)[0] == pytest.approx(200, rel=2e-3)


def test_a_killed_run_and_one_without_a_start_share_too() -> None:
    """What counts is the time that the energy is known for."""
    killed = run("k", 0, 10, 100, status="killed", ended_at="")
    undated = run("u", 0, 10, 100, started_at="")
    assert sums(killed, run("a", 0, 20, 100)) == (pytest.approx(2000), 2, 1000)
    assert sums(undated, run("a", 5, 15, 100)) == (pytest.approx(1500), 2, 500)
    nothing = run("k", 0, 0, 100, status="killed", devices=(device(None),))
    assert sums(nothing, run("a", 0, 20, 100))[1] == 0


def test_children_are_left_out_before() -> None:
    """A nested run overlaps its parent and reduces nothing."""
    parent, child = run("p", 0, 10, 100), run("c", 2, 4, 100, parent="p")
    assert sums(parent, child) == (1000, 0, 0)


def test_the_report_says_so_and_the_records_stay() -> None:
    """Uncertainty is reduced with the energy; the note gives what is charged once."""
    records = [run("a", 0, 10, 100), run("b", 0, 10, 100)]
    before = list(records)
    summed = totals(records, by="label")
    assert records == before
    assert summed.total.uncertainty_j == pytest.approx((2 * 1.5**2 + 4**2) ** 0.5)
    note = (
        "2 runs overlap on a device; 1000 J measured more than once are charged once."
    )
    assert note in totals_table(summed).notes
    assert totals_json(summed)["shared_runs"] == 2
    assert totals_json(summed)["shared_j"] == pytest.approx(1000.0)


RUNS = st.lists(
    st.builds(
        lambda begin, length, gpu_w, cpu_w, host, label: run(
            "", begin, begin + length, gpu_w, cpu_w, host=host, label=label
        ),
        st.integers(0, 50),
        st.floats(0, 30),
        st.floats(0, 1e3),
        st.floats(0, 1e3),
        st.sampled_from([HOST, Host(id="other")]),
        st.sampled_from("xy"),
    ),
    max_size=12,
)


@given(RUNS, st.sampled_from(GROUPINGS))
def test_bounds_of_a_shared_sum(records: list[Record], by: str) -> None:
    """No more than the plain sum, no less than the largest, and rows add up."""
    named = [record(str(n), **_fields(r)) for n, r in enumerate(records)]
    summed = totals(named, by=by)
    energy_j = summed.total.energy_j or 0.0
    each = [r.energy_j or 0.0 for r in named]
    margin = 1e-9 * sum(each)
    assert max(each, default=0.0) - margin <= energy_j <= sum(each) + margin
    assert sum(r.energy_j or 0.0 for r in summed.rows) == pytest.approx(energy_j)
    assert energy_j + summed.shared_j == pytest.approx(sum(each))


def _fields(one: Record) -> dict[str, Any]:
    names = ("started_at", "ended_at", "duration_s", "devices", "host", "label")
    return {name: getattr(one, name) for name in names}
