"""The facts of an appendix: parts add up, nothing is counted twice, nothing is 0."""

import math
import random
import time
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from appendix_ledgers import FRANCE, POLAND, UNHURRIED, at, ledgers
from hypothesis import given
from hypothesis import strategies as st
from ledger_samples import device, record

from jupyter_green.ledger import totals
from jupyter_green.records import SCHEMA_VERSION, Git, Host, Pue, Record, Repeats
from jupyter_green.report.answers import answers
from jupyter_green.report.appendix.author import AuthorFacts, Options, Scope
from jupyter_green.report.appendix.build import build, facts_of, prepare
from jupyter_green.report.appendix.canonical import canonical
from jupyter_green.report.appendix.facts import Amount, Appendix
from jupyter_green.report.appendix.rows import rows
from jupyter_green.report.compose import compose

ADDITIVE = (
    "runs",
    "failed_runs",
    "unmeasured_runs",
    "partly_measured_runs",
    "without_intensity_runs",
    "run_time_s",
    "gpu_hours",
    "energy_it_kwh",
    "energy_facility_kwh",
    "co2e_kg",
)
CPU: dict[str, Any] = {"id": "package-0", "kind": "cpu", "name": "Xeon"}
RAM: dict[str, Any] = {"id": "ram", "kind": "ram", "name": "", "method": "estimated"}
DRAM: dict[str, Any] = {"id": "dram-0", "kind": "dram", "name": ""}


def near(value: float) -> Any:
    """Return what a sum of floats may give for *value*."""
    return pytest.approx(value, rel=1e-9, abs=1e-15)


def codes(facts: Appendix) -> dict[str, int]:
    """Return the flags' codes and counts."""
    return {flag.code: flag.count for flag in facts.flags}


def assert_adds_up(parts: Iterable[Amount], whole: Amount) -> None:
    """Check that parts add up to the whole, and that unknown parts are unknown."""
    parts = list(parts)
    for name in ADDITIVE:
        known = [v for p in parts if (v := getattr(p, name)) is not None]
        expected = getattr(whole, name)
        if expected is None:
            assert known == [], name
        else:
            assert math.fsum(known) == near(expected), name
    for names in ("energy_by_method_kwh", "energy_by_kind_kwh"):
        for key, kwh in getattr(whole, names).items():
            sums = [getattr(p, names).get(key, 0.0) for p in parts]
            assert math.fsum(sums) == near(kwh)


@UNHURRIED
@given(ledgers(), st.sampled_from((1, 2, 40)))
def test_parts_sum_to_totals(records: list[Record], top: int) -> None:
    """By purpose, experiment, cell, notebook, component and supply."""
    facts = build(records, options=Options(top=top))
    whole = facts.totals.amount
    assert_adds_up((part.amount for part in facts.by_purpose), whole)
    for listing in (facts.by_experiment, facts.by_cell):
        assert len(listing.rows) <= top
        others = [listing.other] if listing.other else []
        assert_adds_up([*(row.amount for row in listing.rows), *others], whole)
    if not facts.extent.other_notebooks:
        assert_adds_up((use.amount for use in facts.extent.notebook_uses), whole)
    energy = whole.energy_it_kwh or 0.0
    sums = facts.totals
    assert math.fsum(c.energy_kwh for c in sums.components) == near(energy)
    assert math.fsum(s.energy_it_kwh for s in sums.supplies) == near(energy)
    by_basis = (
        sums.energy_measured_kwh,
        sums.energy_modelled_kwh,
        sums.energy_simulated_kwh,
    )
    assert math.fsum(kwh for kwh in by_basis if kwh is not None) == near(energy)
    devices = [d.energy_kwh for d in facts.compute.devices if d.energy_kwh is not None]
    assert math.fsum(devices) == near(energy)
    failed = sum(part.amount.runs for part in facts.failed_by_status)
    assert failed == whole.failed_runs
    assert failed == sum(part.amount.runs for part in facts.failed_by_purpose)


@UNHURRIED
@given(ledgers())
def test_energy_x_pue_x_intensity_is_co2e(records: list[Record]) -> None:
    """From unrounded values, for each supply and for their sum."""
    facts = build(records)
    grams = 0.0
    for supply in facts.totals.supplies:
        facility_kwh = supply.energy_it_kwh * supply.pue
        assert supply.energy_facility_kwh == near(facility_kwh)
        if supply.g_per_kwh is None:
            assert supply.co2e_kg is None
            continue
        assert supply.co2e_kg == near(facility_kwh * supply.g_per_kwh / 1000)
        grams += facility_kwh * supply.g_per_kwh
    kg = facts.totals.amount.co2e_kg
    assert (kg or 0.0) == near(grams / 1000)
    if kg is not None and facts.totals.amount.co2e_low_kg is not None:
        assert facts.totals.amount.co2e_low_kg <= kg * (1 + 1e-12)
        assert (facts.totals.amount.co2e_high_kg or 0.0) >= kg * (1 - 1e-12)


@UNHURRIED
@given(ledgers())
def test_gpu_hours_do_not_exceed_devices_x_wall_time(records: list[Record]) -> None:
    """A GPU's second is allocated once, however many runs have it."""
    compute = build(records).compute
    most_h = compute.gpus * compute.wall_time_s / 3600
    assert compute.gpu_hours <= most_h * (1 + 1e-9)
    for each in compute.devices:
        assert each.allocated_h * 3600 <= compute.wall_time_s * (1 + 1e-9)
    hours = [d.allocated_h for d in compute.devices if d.kind == "gpu"]
    assert math.fsum(hours) == near(compute.gpu_hours)


@UNHURRIED
@given(ledgers())
def test_totals_are_those_of_the_ledger(records: list[Record]) -> None:
    """`jupyter green totals` and the report say the same."""
    expected, facts = totals(records), build(records)
    row, amount = expected.total, facts.totals.amount
    assert (amount.runs, amount.failed_runs) == (row.runs, row.failed_runs)
    assert amount.unmeasured_runs == row.unmeasured_runs
    assert amount.partly_measured_runs == row.partly_measured_runs
    assert amount.without_intensity_runs == row.without_intensity_runs
    assert amount.run_time_s == near(row.duration_s)
    assert facts.extent.sharing.nested_runs == expected.nested_runs
    assert facts.extent.sharing.shared_runs == expected.shared_runs
    for kwh, joules in (
        (amount.energy_it_kwh, row.energy_j),
        (amount.energy_uncertainty_kwh, row.uncertainty_j),
        (facts.uncertainty.combined_kwh, row.uncertainty_j),
    ):
        if joules is None:
            assert kwh is None
        else:
            assert kwh == near(joules / 3.6e6)
    if row.co2e_g is None:
        assert amount.co2e_kg is None
    else:
        assert amount.co2e_kg == near(row.co2e_g / 1000)


@UNHURRIED
@given(ledgers(), st.randoms())
def test_neither_order_nor_copies_change_a_report(
    records: list[Record], chance: random.Random
) -> None:
    """A ledger merged with itself equals itself, to the last digit."""
    twice = [*records, *records]
    chance.shuffle(twice)
    assert canonical(build(twice)) == canonical(build(records))


@UNHURRIED
@given(ledgers())
def test_what_is_not_measured_is_never_zero(records: list[Record]) -> None:
    """No energy figure comes of records that have none."""
    bare = [
        record(
            r.id,
            devices=tuple(
                device(None, id=d.id, kind=d.kind, reason="no permission")
                for d in r.devices
            ),
            duration_s=r.duration_s,
        )
        for r in records
    ]
    facts = build(bare)
    amount = facts.totals.amount
    assert amount.energy_it_kwh is None
    assert amount.co2e_kg is None
    assert amount.energy_facility_kwh is None
    assert amount.unmeasured_runs == len(bare)
    assert facts.totals.components == facts.totals.supplies == ()
    for part in facts.by_purpose:
        assert part.energy_fraction is None
    for each in facts.compute.devices:
        assert each.energy_kwh is None
        assert each.reasons == {"no permission": each.unmeasured_runs}
    assert facts.quality.level == 0


def test_nothing_gives_a_sensible_report() -> None:
    """An empty ledger says so and claims nothing."""
    facts = build([])
    assert codes(facts) == {"no-records": 0}
    assert facts.totals.amount.energy_it_kwh is None
    assert facts.reported.missing == ("no-runs",)
    assert facts.timeline == facts.largest_runs == facts.by_purpose == ()
    assert canonical(facts)


def test_one_record_by_hand() -> None:
    """3.6 MJ at PUE 1.3 in France: 1 kWh, 1.3 kWh, 72.8 g."""
    one = record(
        devices=(device(3.6e6, uncertainty_j=0.36e6, uncertainty_random_j=0.0),),
        duration_s=7200.0,
        intensity=FRANCE,
        pue=Pue(value=1.3, source="centre"),
        purpose="final",
    )
    facts = build([one])
    amount = facts.totals.amount
    assert amount.energy_it_kwh == near(1.0)
    assert amount.energy_uncertainty_kwh == near(0.1)
    assert amount.energy_facility_kwh == near(1.3)
    assert amount.co2e_kg == near(0.0728)
    assert amount.gpu_hours == near(2.0)
    # Corners: 0.9 kWh at 50 g/kWh, 1.1 kWh at 60 g/kWh; no range of the PUE is stated.
    assert amount.co2e_low_kg == near(0.9 * 1.3 * 0.050)
    assert amount.co2e_high_kg == near(1.1 * 1.3 * 0.060)
    assert facts.totals.range_covers == ("energy", "intensity")
    assert facts.reported.energy_fraction == near(1.0)
    assert facts.extent.first_start == "2026-06-01T11:00:00.000Z"
    assert facts.extent.last_end == "2026-06-01T13:00:00.000Z"


def test_random_parts_average_and_calibration_does_not() -> None:
    """Two runs of 100 J, 3 J random and 4 J common: sqrt(18) and 8, so 9.06 J."""
    runs = [record("a"), record("b", started_at="2026-06-01T12:00:00Z")]
    found = build(runs).uncertainty
    assert found.random_kwh == near(math.sqrt(18) / 3.6e6)
    assert found.common_kwh == near(8 / 3.6e6)
    assert found.combined_kwh == near(math.sqrt(18 + 64) / 3.6e6)
    assert found.relative == near(math.sqrt(82) / 200)
    assert [each.variance_fraction for each in found.contributions] == [near(1.0)]


def test_two_kernels_on_one_gpu_share_its_energy_and_its_hours() -> None:
    """Both measure 100 W for an hour: 0.1 kWh and one GPU-hour, half for each."""
    hour: dict[str, Any] = {
        "duration_s": 3600.0,
        "devices": (device(360e3),),
        "ended_at": "",
    }
    facts = build(
        [
            record("a", label="one", session="s1", **hour),
            record("b", label="two", session="s2", **hour),
        ]
    )
    amount = facts.totals.amount
    assert amount.energy_it_kwh == near(0.1)
    assert amount.gpu_hours == near(1.0)
    assert facts.compute.wall_time_s == near(3600)
    assert amount.run_time_s == near(7200)
    for row in facts.by_experiment.rows:
        assert row.amount.energy_it_kwh == near(0.05)
        assert row.amount.gpu_hours == near(0.5)
    sharing = facts.extent.sharing
    assert (sharing.shared_runs, sharing.shared_sessions) == (2, 2)
    assert sharing.shared_kwh == near(0.1)
    assert "charged-once" in facts.extent.attribution
    assert codes(facts)["charged-once"] == 2


def test_a_run_out_of_scope_still_shares_the_device() -> None:
    """Reports of two notebooks on one GPU add up to the report of both."""
    runs = [
        record("a", notebook="/p/a.ipynb", duration_s=10.0),
        record("b", notebook="/p/b.ipynb", duration_s=10.0),
        record("c", notebook="/p/b.ipynb", started_at="2026-06-01T15:00:00Z"),
    ]
    whole = build(runs).totals.amount.energy_it_kwh
    parts = [
        build(runs, options=Options(scope=Scope(notebooks=(name,))))
        for name in ("/p/a.ipynb", "/p/b.ipynb")
    ]
    kwh = [part.totals.amount.energy_it_kwh for part in parts]
    assert kwh == [near(50 / 3.6e6), near(150 / 3.6e6)]
    assert sum(each or 0.0 for each in kwh) == near(whole or 0.0)


def test_a_run_inside_another_counts_once_or_alone() -> None:
    """The inner run is part of the outer one, and whole where only it is in scope."""
    outer = record("o", label="cell")
    inner = record("i", label="train", parent="o", devices=(device(60.0),))
    facts = build([outer, inner])
    assert facts.totals.amount.energy_it_kwh == near(100 / 3.6e6)
    assert (facts.extent.executions, facts.extent.sharing.nested_runs) == (1, 1)
    alone = build([outer, inner], options=Options(scope=Scope(labels=("tr*",))))
    assert alone.totals.amount.energy_it_kwh == near(60 / 3.6e6)


def test_failed_runs_are_a_part_of_their_own() -> None:
    """Whatever their tag: an interrupted final run is behind no result."""
    runs = [
        record("a", purpose="final"),
        record("b", purpose="final", status="error", started_at=at(0)),
        record("c", purpose=None, status="killed", started_at=at(60)),
        record("d", purpose="search", started_at=at(120)),
    ]
    facts = build(runs)
    parts = {part.key: part.amount.runs for part in facts.by_purpose}
    assert parts == {"final": 1, "search": 1, "failed": 2}
    assert [p.key for p in facts.failed_by_status] == ["error", "killed"]
    assert [p.key for p in facts.failed_by_purpose] == ["final", "untagged"]
    # The killed run has no tag, but it is known to be behind no result.
    assert facts.reported.is_known
    assert facts.reported.energy_fraction == near(0.25)
    assert facts.reported.other is not None
    assert facts.reported.other.runs == 3
    assert codes(facts)["killed-runs"] == 1


def test_a_split_is_never_invented() -> None:
    """With untagged work, or without reported work, there is none."""
    untagged = build([record("a", purpose="final"), record("b", started_at=at(0))])
    assert untagged.reported.missing == ("untagged-runs",)
    assert untagged.reported.untagged_runs == 1
    assert untagged.reported.untagged_kwh == near(100 / 3.6e6)
    assert untagged.reported.energy_fraction is None
    assert untagged.reported.reported is None
    search = build([record("a", purpose="search")])
    assert search.reported.missing == ("no-reported-runs",)
    both = AuthorFacts(reported_purposes=("final", "search"))
    assert build([record("a", purpose="search")], both).reported.is_known


def test_experiments_have_mean_and_spread_over_finished_runs() -> None:
    """100, 140 and 120 J: mean 120, sd 20; the failed run is in the sum only."""
    runs = [
        record(
            str(number),
            label="seeds",
            started_at=at(60 * number),
            devices=(device(energy_j),),
            status="error" if number == 3 else "ok",
            repeats=Repeats(
                runs=6,
                dropped=1,
                energy_j=(1.0,),
                duration_s=(1.0,),
                mean_j=1.0,
                stdev_j=None,
                interval_j=None,
            )
            if number == 0
            else None,
        )
        for number, energy_j in enumerate((100.0, 140.0, 120.0, 7.0))
    ]
    (row,) = build(runs).by_experiment.rows
    assert (row.amount.runs, row.energy_kwh.n, row.repeated_runs) == (4, 3, 1)
    assert row.energy_kwh.mean == near(120 / 3.6e6)
    assert row.energy_kwh.sd == near(20 / 3.6e6)
    assert row.amount.energy_it_kwh == near(367 / 3.6e6)
    assert row.is_same_hardware
    assert row.hardware == ("H200",)


def test_the_largest_are_listed_and_the_others_summed() -> None:
    """Sixty labels of 1 to 60 J: the largest forty, and 210 J of twenty others."""
    runs = [
        record(str(n), label=f"e{n:02}", started_at=at(60 * n), devices=(device(n),))
        for n in range(1, 61)
    ]
    listing = build(runs).by_experiment
    assert [row.key for row in listing.rows[:2]] == ["e60", "e59"]
    assert (len(listing.rows), listing.other_count) == (40, 20)
    assert listing.other is not None
    assert listing.other.energy_it_kwh == near(sum(range(1, 21)) / 3.6e6)


def test_authors_fill_in_what_records_lack() -> None:
    """Their PUE and intensity count where the record has a default, or everywhere."""
    author = AuthorFacts(pue=1.5, pue_source="operator", intensity_g_per_kwh=100.0)
    assumed = record("a", intensity=None)
    known = record(
        "b", started_at=at(0), intensity=POLAND, pue=Pue(value=2.0, source="centre")
    )
    facts = build([assumed, known], author)
    terms = {(s.pue, s.g_per_kwh, s.is_by_author) for s in facts.totals.supplies}
    assert terms == {(1.5, 100.0, True), (2.0, 660.0, False)}
    everywhere = AuthorFacts(pue=1.5, intensity_g_per_kwh=100.0, replaces_recorded=True)
    (supply,) = build([assumed, known], everywhere).totals.supplies
    assert supply.co2e_kg == near(200 / 3.6e6 * 1.5 * 0.1)


def test_what_authors_state_gives_embodied_water_sci_and_price() -> None:
    """One GPU-hour and one kWh, by hand."""
    author = AuthorFacts(
        embodied_kg_per_gpu=150.0,
        lifetime_h=30_000.0,
        functional_units=10.0,
        water_site_l_per_kwh=(0.4, 1.8),
        water_source_l_per_kwh=(3.0, 4.0),
        price_per_gpu_hour=2.5,
        price_per_kwh=0.3,
        wall_factor=1.25,
        flops=7.2e15,
        market_based_g_per_kwh=10.0,
    )
    one = record(duration_s=3600.0, devices=(device(3.6e6),), intensity=POLAND)
    facts = build([one], author)
    found = facts.optional
    assert found.embodied_kg == near(0.005)
    assert found.embodied_fraction == near(0.005 / 0.665)
    assert found.sci_g_per_unit == near(66.5)
    assert found.operational_g_per_unit == near(66.0)
    assert (found.water_low_l, found.water_high_l) == (near(3.4), near(5.8))
    assert (found.cost_compute, found.cost_energy) == (near(2.5), near(0.3))
    assert found.wall_kwh == near(1.25)
    assert found.flops_per_j == near(2e9)
    assert facts.totals.market_based_kg == near(0.01)
    assert all(
        value is None
        for value in (build([one]).optional.embodied_kg, build([]).optional.wall_kwh)
    )


def test_idle_energy_is_told_apart_where_a_baseline_was_measured() -> None:
    """20 W for 10 s of 500 J are 200 J, two fifths."""
    one = record(devices=(device(500.0, idle_power_w=20.0), device(50.0, **CPU)))
    idle = build([one]).totals.idle
    assert idle is not None
    assert idle.gross_kwh == near(500 / 3.6e6)
    assert idle.net_kwh == near(300 / 3.6e6)
    assert idle.idle_fraction == near(0.4)


@pytest.mark.parametrize(
    ("devices", "level", "weakest"),
    [
        # All by counters, on own devices: as good as it gets without a wall meter.
        ((device(), device(**CPU), device(**DRAM)), 2, ()),
        # Memory by a model.
        ((device(), device(**CPU), device(**RAM)), 1, ("subsystems",)),
        # Power readings in place of a counter.
        (
            (
                device(method="integrated"),
                device(**CPU),
                device(**DRAM),
            ),
            1,
            ("time",),
        ),
        # Somebody else's work on the GPU.
        (
            (
                device(scope="shared"),
                device(**CPU),
                device(**DRAM),
            ),
            1,
            ("attribution",),
        ),
        # The GPU alone, and nothing known of the rest.
        ((device(),), 0, ("subsystems",)),
        # A GPU that gave no figure.
        ((device(None), device(**CPU)), 0, ("machines", "subsystems")),
        # Models only.
        (
            (device(method="estimated"),),
            0,
            ("time", "machines", "subsystems", "attribution"),
        ),
        # The counter was read for nine tenths of the time.
        (
            (device(coverage=0.9), device(**CPU), device(**RAM)),
            0,
            ("time",),
        ),
    ],
)
def test_the_label_is_the_minimum_over_the_aspects(
    devices: tuple[Any, ...], level: int, weakest: tuple[str, ...]
) -> None:
    """Q2 counters everywhere, Q1 a modelled or shared part, Q0 models."""
    quality = build([record(devices=devices)]).quality
    assert quality.level == level == min(a.level for a in quality.aspects)
    if weakest:
        assert tuple(a.aspect for a in quality.aspects if a.level == level) == weakest


def test_a_meter_at_the_wall_gives_the_best_label() -> None:
    """All the time, alone, on all nodes as the authors say; not where one lacks."""
    meter = record(devices=(device(id="wall", kind="machine", name="PDU"),))
    known = AuthorFacts(nodes=1, is_whole_machine_metered=True)
    assert build([meter], known).quality.level == 3
    more = build([meter], AuthorFacts(nodes=4, is_whole_machine_metered=True)).quality
    assert more.level == 0
    (machines,) = (a for a in more.aspects if a.aspect == "machines")
    assert machines.reasons == ("some-nodes-not-metered",)
    assert machines.fraction == near(0.25)
    others = AuthorFacts(nodes=1, is_whole_machine_metered=True, is_exclusive=False)
    assert build([meter], others).quality.level == 1
    gaps = record(devices=(device(id="wall", kind="machine", coverage=0.995),))
    assert build([gaps], known).quality.level == 2
    assert "component-energy" not in codes(build([meter]))


def test_the_range_of_the_pue_widens_the_range_of_co2e() -> None:
    """1 kWh ± 10 %, PUE 1.1 to 1.5, 660 g/kWh without a range."""
    one = record(
        devices=(device(3.6e6, uncertainty_j=0.36e6, uncertainty_random_j=0.0),),
        intensity=POLAND,
    )
    facts = build([one], AuthorFacts(pue=1.3, pue_low=1.1, pue_high=1.5))
    assert facts.totals.amount.co2e_kg == near(1.3 * 0.66)
    assert facts.totals.amount.co2e_low_kg == near(0.9 * 1.1 * 0.66)
    assert facts.totals.amount.co2e_high_kg == near(1.1 * 1.5 * 0.66)
    assert facts.totals.range_covers == ("energy", "pue")
    codes_of = codes(facts)
    assert "intensity-range-unknown" in codes_of
    assert "pue-is-one" not in codes_of


def test_without_any_interval_there_is_no_range() -> None:
    """A range of unknown origin would be an invented one."""
    one = record(devices=(device(uncertainty_j=None),), intensity=POLAND)
    amount = build([one]).totals.amount
    assert amount.co2e_kg is not None
    assert amount.co2e_low_kg is amount.co2e_high_kg is None
    assert build([one]).totals.range_covers == ()


def test_impossible_terms_are_not_used() -> None:
    """A PUE of 0 is none; an intensity below 0 gives no CO2e."""
    odd = record(
        intensity=msgspec.structs.replace(POLAND, g_per_kwh=-5.0),
        pue=Pue(value=0.0, source="?"),
    )
    (supply,) = build([odd]).totals.supplies
    assert (supply.pue, supply.g_per_kwh, supply.co2e_kg) == (1.0, None, None)
    assert codes(build([odd]))["no-intensity"] == 1


def test_clocks_zones_and_versions_are_mentioned() -> None:
    """A clock put back, another time zone, two versions of Python and of the form."""
    runs = [
        record("a", ended_at="2026-06-01T09:00:00Z", versions={"python": "3.11.2"}),
        record(
            "b",
            started_at="2026-06-01T15:00:00+02:00",
            ended_at="2026-06-01T15:00:10+02:00",
            versions={"python": "3.12.1"},
            schema_version=SCHEMA_VERSION + 1,
        ),
        record("c", started_at="2026-06-02T15:00:00", ended_at=""),
        record("d", started_at="", ended_at="", host=None),
    ]
    facts = build(runs)
    expected = {
        "clock-disagrees": 1,
        "time-zones": 1,
        "no-time-zone": 1,
        "undated-runs": 1,
        "unknown-machine": 1,
        "several-python-versions": 2,
        "several-record-versions": 2,
        "newer-record-version": 1,
        "no-git": 4,
    }
    assert expected.items() <= codes(facts).items()
    # 15:00 at +02:00 is 13:00 UTC.
    assert facts.extent.last_end == "2026-06-02T15:00:10.000Z"
    assert facts.extent.active_days == 2


def test_the_limitations_say_what_the_figures_hide() -> None:
    """Models, simulation, missing uncertainty, absurd figures, uncommitted changes."""
    runs = [
        record(
            "a",
            devices=(
                device(uncertainty_j=None),
                device(40.0, **RAM),
                device(30.0, **{**CPU, "method": "simulated"}),
            ),
            git=Git(commit="d" * 40, dirty=True),
            flags=("suspended",),
        ),
        record("b", devices=(device(math.inf),), started_at=at(0)),
        record("c", status="running", final=False, started_at=at(99)),
    ]
    facts = build(runs)
    found = codes(facts)
    for code in (
        "estimated-energy",
        "simulated-energy",
        "uncertainty-unknown",
        "impossible-figures",
        "not-measured-runs",
        "running-runs",
        "uncommitted-changes",
        "component-energy",
        "pue-is-one",
        "embodied-not-included",
    ):
        assert code in found, code
    remarks = [f.values["flag"] for f in facts.flags if f.code == "record-remark"]
    assert remarks == ["suspended"]
    assert facts.totals.energy_modelled_kwh == near(40 / 3.6e6)
    assert facts.totals.energy_simulated_kwh == near(30 / 3.6e6)
    assert facts.totals.energy_measured_kwh == near(200 / 3.6e6)


def test_more_than_the_power_limit_is_called_implausible() -> None:
    """100 kJ in 10 s are 10 kW from a board of 700 W."""
    hot = record(devices=(device(1e5, power_limit_w=700.0),))
    (flag,) = (f for f in build([hot]).flags if f.code == "implausible-energy")
    assert flag.values["power_limit_w"] == 700.0
    assert flag.values["mean_power_w"] == near(1e4)
    assert "implausible-energy" not in codes(build([record()]))


def test_hardware_is_counted_by_product() -> None:
    """Two equal boards in one machine, a third in another."""
    board: dict[str, Any] = {"name": "NVIDIA A100-SXM4-80GB", "power_limit_w": 400.0}
    host = Host(id="f" * 16, cpu_model="EPYC", cpu_count=64, memory_gb=512.0)
    runs = [
        record(
            "a",
            host=host,
            devices=(device(id="GPU-0", **board), device(id="GPU-1", **board)),
            versions={"python": "3.11.2", "torch": "2.4"},
        ),
        record("b", host=Host(id="e" * 16), devices=(device(id="GPU-0", **board),)),
    ]
    compute = build(runs).compute
    (group,) = compute.groups
    assert (group.count, group.machines, group.memory_gb) == (3, 2, 80.0)
    assert group.power_limit_w == 400.0
    assert compute.gpus == 3
    assert compute.gpu_hours == near(30 / 3600)
    assert [s.name for s in compute.software] == ["python", "torch"]
    assert {m.cpu_model for m in compute.machines} == {"EPYC", ""}
    assert len({d.hashed_id for d in compute.devices}) == 3


def test_time_between_runs_of_a_session_is_not_metered() -> None:
    """Two runs of 10 s, a minute apart: 50 s in which nobody looked."""
    runs = [record("a", started_at=at(0)), record("b", started_at=at(60))]
    facts = build(runs)
    assert facts.extent.between_runs_s == near(50)
    assert facts.compute.wall_time_s == near(20)


@UNHURRIED
@given(ledgers())
def test_the_timeline_ends_with_the_totals(records: list[Record]) -> None:
    """It never falls, and its last point is the sum."""
    facts = build(records)
    energies = [point.energy_it_kwh for point in facts.timeline]
    assert energies == sorted(energies)
    if facts.timeline:
        last, amount = facts.timeline[-1], facts.totals.amount
        assert last.energy_it_kwh == near(amount.energy_it_kwh or 0.0)
        assert last.co2e_kg == near(amount.co2e_kg or 0.0)
        assert last.gpu_hours == near(amount.gpu_hours)


def test_a_long_timeline_is_thinned() -> None:
    """Two thousand runs give at most four hundred points, the last one among them."""
    runs = [record(f"{n:04}", started_at=at(20.0 * n)) for n in range(2000)]
    facts = build(runs)
    assert 100 <= len(facts.timeline) <= 400
    assert facts.timeline[-1].energy_it_kwh == near(2000 * 100 / 3.6e6)


@pytest.mark.parametrize(
    ("scope", "ids"),
    [
        (Scope(), "abcd"),
        (Scope(notebooks=("train.ipynb",)), "ab"),
        (Scope(notebooks=("/p/one/train.ipynb",)), "a"),
        (Scope(project="/p/one"), "a"),
        (Scope(since="2026-06-01T12:00:30Z"), "bcd"),
        (Scope(until="2026-06-01T12:00:30Z"), "ad"),
        (Scope(labels=("se*",)), "c"),
        (Scope(purposes=("untagged",)), "abd"),
        (Scope(purposes=("final",), labels=("x",)), ""),
        (Scope(sessions=("other",)), "b"),
    ],
)
def test_the_scope_selects(scope: Scope, ids: str) -> None:
    """By notebook, project, time, label and purpose; undated runs are in any time."""
    runs = [
        record("a", notebook="/p/one/train.ipynb", started_at=at(0)),
        record("b", notebook="/p/two/train.ipynb", started_at=at(60), session="other"),
        record("c", label="seed 1", purpose="final", started_at=at(120)),
        record("d", started_at="", ended_at=""),
    ]
    facts = build(runs, options=Options(scope=scope))
    assert facts.extent.executions == len(ids)
    assert sorted(run.key for run in facts.largest_runs) == sorted(ids)


def test_the_better_copy_of_a_run_counts() -> None:
    """The final one, and the tagged one, whichever is read first."""
    early = record("a", final=False, devices=(device(90.0),))
    late = record("a", purpose="final")
    for order in ([early, late], [late, early]):
        facts = build(order)
        assert facts.totals.amount.energy_it_kwh == near(100 / 3.6e6)
        assert facts.by_purpose[0].key == "final"
        assert codes(facts)["conflicting-records"] == 1


def test_work_added_by_hand_is_never_called_metered() -> None:
    """512 boards in one record: their hours count, their list is short, it is Q0."""
    boards = tuple(
        device(
            3.6e6,
            id=f"added:H100:{number}",
            name="H100",
            method="estimated",
            uncertainty_j=None,
            uncertainty_random_j=None,
        )
        for number in range(512)
    )
    added = record("a", devices=boards, duration_s=7200.0, host=None, flags=("added",))
    facts = build([added])
    assert facts.totals.amount.gpu_hours == near(1024)
    assert facts.totals.energy_modelled_kwh == near(512)
    assert facts.totals.energy_measured_kwh is None
    assert len(facts.compute.devices) + facts.compute.other_devices == 512
    assert len(facts.compute.devices) == 200
    (group,) = facts.compute.groups
    assert (group.count, facts.compute.gpus) == (512, 512)
    assert facts.quality.level == 0
    assert codes(facts)["not-metered-runs"] == 1
    assert "component-energy" in codes(facts)


def test_what_the_authors_say_of_all_boards_does_not_average_away() -> None:
    """Eight boards of 1 kWh, 20 % unsure: 8 kWh, 1.6 kWh unsure, in every place."""
    boards = tuple(
        device(
            3.6e6,
            id=f"added:H100:{number}",
            name="H100",
            method="estimated",
            uncertainty_j=0.2 * 3.6e6,
            uncertainty_random_j=0.0,
        )
        for number in range(8)
    )
    added = record("a", devices=boards, host=None, flags=("added",))
    metered = record("b", devices=(device(3.6e6, uncertainty_j=0.3 * 3.6e6),))
    work = prepare([added, metered])
    facts = facts_of(work)
    whole = math.hypot(1.6, 0.3)
    assert facts.totals.amount.energy_uncertainty_kwh == near(whole)
    parts = facts.uncertainty
    assert math.hypot(parts.random_kwh or 0, parts.common_kwh or 0) == near(whole)
    fractions = [each.variance_fraction for each in parts.contributions]
    assert sum(fractions) == near(1.0)
    assert max(fractions) == near(1.6**2 / whole**2 / 8)
    by_hand = next(row for row in rows(work, facts) if row.id == "a")
    assert by_hand.energy_uncertainty_j == near(1.6 * 3.6e6)
    assert "Estimates by one model err together" in str(compose(facts))


def test_energy_that_lost_its_method_is_not_called_measured() -> None:
    """Half of it counted, of the other half nobody knows."""
    lost = {"id": "unknown-0", "kind": "unknown", "method": "unknown"}
    facts = build(
        [record("a"), record("b", devices=(device(**lost),), host=None, started_at="")]
    )
    assert facts.totals.amount.energy_it_kwh == near(200 / 3.6e6)
    assert facts.totals.energy_measured_kwh == near(100 / 3.6e6)
    page = str(compose(facts))
    assert "50.0 % measured or integrated from power readings" in page
    assert "50.0 % by a method that is not recorded" in page
    (act,) = (each for each in answers(facts) if each.key == "ai-act-annex-xi")
    assert "known (measured)" not in act.text


def test_many_labels_devices_and_sessions_take_no_more_than_many_runs() -> None:
    """Five thousand of each: nothing grows with their product."""
    runs = [
        record(
            str(number),
            label=f"label {number}",
            notebook=f"/p/{number}.ipynb",
            session=f"s{number}",
            host=Host(id=f"{number % 500:016}"),
            started_at=at(5.0 * number),
            devices=(device(id=f"GPU-{number % 500}"),),
        )
        for number in range(5000)
    ]
    began = time.process_time()
    facts = build(runs)
    assert time.process_time() - began < 10.0
    assert facts.by_experiment.other_count == 4960
    assert len(canonical(facts)) < 1_000_000
