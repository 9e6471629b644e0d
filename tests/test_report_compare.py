"""Comparisons of records say what differs, how well that is known, and what doubts."""

from __future__ import annotations

import json
import math
import random
import re
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_samples import HOST, INTENSITY, device, record

from jupyter_green.errors import CompareError
from jupyter_green.records import Host, Record, Repeats
from jupyter_green.report.compare import (
    common_error,
    compare,
    comparisons_to_dict,
    select,
)
from jupyter_green.report.compare_figure import (
    Point,
    figure,
    pareto_front,
    png,
)
from jupyter_green.report.comparison import Comparison
from jupyter_green.report.compose.contrasts import compared
from jupyter_green.report.palette import COLOURS, MARKERS, lightness

mpl.use("Agg")


def runs(mean_j: float, count: int = 5, seed: int = 1, **changes: Any) -> list[Record]:
    """Return records whose energies spread by 2 %; 4 % calibration."""
    rng = random.Random(seed)
    found = []
    for i in range(count):
        energy_j = mean_j * math.exp(rng.gauss(0.0, 0.02))
        gpu = device(
            energy_j,
            uncertainty_j=energy_j * 0.05,
            uncertainty_random_j=energy_j * 0.03,
        )
        known = {
            "devices": (gpu,),
            "started_at": f"2026-06-01T11:{i:02d}:{seed:02d}Z",
            **changes,
        }
        found.append(record(f"{mean_j:g}-{seed}-{i}", **known))
    return found


def test_half_the_energy_is_better_and_the_ratio_says_half():
    """With the interval around it."""
    found = compare({"plain": runs(100.0), "pruned": runs(50.0, seed=2)})
    energy = found.contrast("energy_j", "pruned")
    assert energy.verdict == "better"
    assert energy.low is not None
    assert energy.high is not None
    assert energy.low < 0.5 < energy.high
    assert energy.high - energy.low < 0.05


def test_calibration_cancels_on_one_device_and_only_there():
    """4 % of one board move both alike; of two boards they add in quadrature."""
    here = runs(100.0)
    there = [
        msgspec.structs.replace(r, host=Host(id="other")) for r in runs(100.0, seed=2)
    ]
    assert common_error(here, runs(60.0, seed=2)) == pytest.approx(0.0, abs=1e-9)
    # ln(1.04) for each of the two boards.
    expected = math.hypot(math.log(1.04), math.log(1.04))
    assert common_error(here, there) == pytest.approx(expected)
    by_model = [
        msgspec.structs.replace(
            r,
            devices=tuple(
                msgspec.structs.replace(d, method="estimated") for d in r.devices
            ),
        )
        for r in here
    ]
    assert common_error(here, by_model) == pytest.approx(expected)


def test_two_devices_in_other_proportions_cancel_only_in_part():
    """100 J of a board that may be 4 % off, against 50 J of it and 50 J of another."""
    one = [record("a", devices=(_exact("g0", 100.0),))]
    two = [record("b", devices=(_exact("g0", 50.0), _exact("g1", 50.0)))]
    expected = math.hypot(
        math.log(1.02) - math.log(1.04),  # g0: 2 J of 100, before 4 J of 100
        math.log(1.02),  # g1
    )
    assert common_error(one, two) == pytest.approx(expected)


def _exact(identifier: str, energy_j: float) -> Any:
    return device(
        energy_j,
        id=identifier,
        uncertainty_j=0.04 * energy_j,
        uncertainty_random_j=0.0,
    )


def test_other_hardware_limits_and_methods_are_compared_with_a_warning():
    """Each is named with what each candidate has."""
    plain = runs(100.0)
    other = [
        msgspec.structs.replace(
            r,
            host=Host(id="ffff0000" * 4),
            devices=(
                device(90.0, id="GPU-9", method="integrated", power_limit_w=300.0),
            ),
        )
        for r in runs(90.0, seed=2)
    ]
    text = " ".join(compare({"a": plain, "b": other}).warnings)
    for word in (
        "machines",
        "devices",
        "methods",
        "power limits",
        "300 W",
        "integrated",
    ):
        assert word in text
    assert compare({"a": plain, "b": runs(90.0, seed=2)}).warnings == ()


def test_no_machines_or_boards_identity_is_in_a_comparison():
    """Comparisons go into anonymous reports, and a board's UUID tells whose it is."""
    groups = {
        name: [
            record(
                f"{name}{n}",
                host=Host(id=f"{name}1234567" * 4),
                devices=(device(id=f"GPU-{name}-{board}", name="H100"),),
            )
            for n in range(2)
        ]
        for name, board in (("a", "1f9e"), ("b", "2f9e"))
    }
    found = compare(groups)
    text = found.to_json() + str(found)
    assert "1234567" not in text
    assert "f9e" not in text
    machines, devices = found.warnings[:2]
    assert "(a: machine no. 1; b: machine no. 2)" in machines
    assert "(a: gpu H100 no. 1; b: gpu H100 no. 2)" in devices


def test_work_that_is_counted_gives_joules_per_unit():
    """100 J for 1,000 samples and 50 J for 250: more per sample."""
    many = runs(100.0, metrics={"samples": 1000.0})
    few = runs(50.0, seed=2, metrics={"samples": 250.0})
    found = compare({"many": many, "few": few})
    assert found.reference.quantities["energy_j_per_sample"].mean == pytest.approx(
        0.1, rel=0.05
    )
    assert found.contrast("energy_j", "few").verdict == "better"
    assert found.contrast("energy_j_per_sample", "few").verdict == "worse"


def test_qualities_are_compared_by_difference_and_per_kilowatt_hour():
    """Twice the energy for the same accuracy is half the accuracy per kWh."""
    rng = random.Random(5)
    small = [
        msgspec.structs.replace(r, metrics={"accuracy": 0.9 + rng.gauss(0, 0.001)})
        for r in runs(3.6e6)
    ]
    large = [
        msgspec.structs.replace(r, metrics={"accuracy": 0.9 + rng.gauss(0, 0.001)})
        for r in runs(7.2e6, seed=2)
    ]
    found = compare({"small": small, "large": large})
    assert found.contrast("accuracy", "large").verdict == "not distinguishable"
    assert found.reference.quantities["accuracy_per_kwh"].mean == pytest.approx(
        0.9, rel=0.05
    )
    per_kwh = found.contrast("accuracy_per_kwh", "large")
    assert per_kwh.verdict == "worse"
    assert per_kwh.ratio == pytest.approx(0.5, rel=0.05)


def test_a_quality_that_never_varies_is_said_to_tell_nothing_of_other_seeds():
    """Five runs with one seed are one of its accuracies, five times."""

    def made(seed: int, *accuracies: float) -> list[Record]:
        return [
            msgspec.structs.replace(r, metrics={"accuracy": accuracy})
            for r, accuracy in zip(runs(100.0, seed=seed), accuracies, strict=True)
        ]

    same, other = made(1, *[0.9] * 5), made(2, *[0.8] * 5)
    varied = made(2, 0.8, 0.81, 0.79, 0.8, 0.82)
    assert "accuracy is the same in every run" in str(compare({"a": same, "b": other}))
    assert "the same in every run" not in str(compare({"a": same, "b": varied}))
    assert "the same in every run" not in str(
        compare({"a": same, "b": made(3, *[0.9] * 5)})
    )


def test_large_figures_are_rounded_to_what_is_known_of_them_too():
    """172,609 with a half-width of some ten thousand has two known digits or three."""
    groups = [
        [
            msgspec.structs.replace(r, metrics={"accuracy": 0.9})
            for r in runs(mean_j, seed=seed)
        ]
        for seed, mean_j in enumerate((18.0, 36.0), start=1)
    ]
    shown = str(compare({"small": groups[0], "large": groups[1]}))
    assert re.search(r" \d{3},\d00 ± \d{1,2},\d00/kWh", shown), shown


def test_a_lower_loss_is_better_and_a_word_of_the_user_goes_before():
    """Names such as loss and error tell; anything else can be said."""

    def made(seed: int, loss: float, f: float) -> list[Record]:
        return [
            msgspec.structs.replace(
                r, metrics={"val_loss": loss + i / 100, "f": f + i / 99}
            )
            for i, r in enumerate(runs(100.0, seed=seed))
        ]

    a, b = made(1, 2.0, 1.0), made(2, 1.0, 2.0)
    assert compare({"a": a, "b": b}).contrast("val_loss", "b").verdict == "better"
    found = compare(
        {"a": a, "b": b}, lower_is_better=["f"], higher_is_better=["val_loss"]
    )
    assert found.contrast("val_loss", "b").verdict == "worse"
    assert found.contrast("f", "b").verdict == "worse"


def test_the_software_carbon_intensity_is_that_of_the_standard():
    """1 kWh at 360 g/kWh and 40 g of making, over 1,000 inferences: 0.4 g each."""
    known = {"metrics": {"inferences": 1000.0}, "devices": (device(3.6e6),)}
    found = compare(
        {"a": [record("a", **known)], "b": [record("b", **known)]}, embodied_g=40.0
    )
    assert found.reference.quantities["sci_g_per_inference"].mean == pytest.approx(0.4)


def test_calibration_stays_in_the_software_carbon_intensity_where_shares_differ():
    """100 and 300 J at 360 g/kWh are 10 and 30 mg; 10 mg of hardware come to each.

    So 1/2 and 3/4 of the grams come from a meter that may be 4 % off, and its error
    moves them by ln(1 + 0.04 x 3/4) - ln(1 + 0.04 / 2), though it is one device.
    """
    groups = {
        name: [
            record(f"{name}{n}", metrics={"inferences": 1.0}, devices=(_exact("g", j),))
            for n in range(5)
        ]
        for name, j in (("a", 100.0), ("b", 300.0))
    }
    found = compare(groups, embodied_g=0.01)
    told = found.contrast("sci_g_per_inference", "b")
    assert told.ratio == pytest.approx(2.0)
    assert told.common == pytest.approx(math.log(1.03) - math.log(1.02))
    assert found.contrast("energy_j_per_inference", "b").common == pytest.approx(0.0)


def test_figures_for_a_unit_show_the_calibration_that_the_energy_has():
    """10 samples of 100 J, 4 % off at most: 10 J for each, and 4 % of that."""
    known = {"metrics": {"samples": 10.0, "accuracy": 0.5}}
    for count in (1, 4):
        groups = {
            name: [
                record(f"{name}{n}", devices=(_exact("g", 100.0),), **known)
                for n in range(count)
            ]
            for name in "ab"
        }
        text = str(compare(groups))
        assert "100 ± 4 J" in text
        assert "10.0 ± 0.4 J" in text
        # 0.5 / (100 J / 3.6e6 J/kWh) = 18,000 for a kWh, and 4 % of that.
        assert "18,000 ± 720/kWh" in text


def test_metrics_called_as_our_own_figures_take_nobodys_place():
    """Neither the energy's nor each other's."""
    mine = {"energy_j": 1.0, "duration_s": 2.0, "f1": 0.5, "f1_per_kwh": 7.0}
    groups = {
        name: [record(f"{name}{n}", metrics=mine) for n in range(2)] for name in "ab"
    }
    found = compare(groups)
    keys = [quantity.key for quantity in found.quantities]
    assert len(keys) == len({*keys})
    assert found.reference.quantities["energy_j"].mean == 100.0
    assert found.reference.quantities["f1_per_kwh"].mean == 7.0
    by_name = {q.name: q.key for q in found.quantities if not q.is_ratio}
    assert found.reference.quantities[by_name["energy_j"]].mean == 1.0
    assert "f1_per_kwh_per_kwh" not in keys


def test_what_a_user_calls_as_we_do_is_printed_as_the_users_own_number():
    """Neither as joules nor as grams, and huge numbers with a power of ten."""
    metrics = {"energy_j": 3.0, "sci_g_per_run": 2.0, "flops": 1e300}
    found = compare({
        "a": runs(100.0, metrics=metrics), "b": runs(100.0, seed=2, metrics=metrics)
    })  # fmt: skip
    # 3 of the user's unit over 100 J, within 1 %, are 3 x 3.6e6 / 100 for a kWh.
    assert re.search(r"10[789],\d00 ± [\d,]+/kWh", str(found))
    assert "1e+300" in str(found)
    assert "SCI: " not in str(found)
    assert max(map(len, str(found).splitlines())) < 400


def test_the_appendix_compares_nothing_of_energy_between_machines():
    """Nor what is made of it; and an interval's end that is not 1 does not read 1."""
    board = device(name="other board", id="g2")
    groups = {
        "a": runs(100.0, metrics={"samples": 10.0, "accuracy": 0.5}),
        "b": [
            record(
                f"b{n}", devices=(board,), metrics={"samples": 10.0, "accuracy": 0.5}
            )
            for n in range(5)
        ],
    }
    table = compared(compare(groups).to_dict(), 1)
    said = {str(row[1]): str(row[4]) for row in table.rows}
    for name in ("energy", "energy per sample", "accuracy per kWh"):
        (verdict,) = [said[cell] for cell in said if f"'{name}'" in cell]
        assert "different hardware" in verdict, name
    close = {
        name: [
            record(f"{name}{n}", devices=(_exact("g", j + 0.01 * n),)) for n in range(5)
        ]
        for name, j in (("a", 100.0), ("b", 99.95))
    }
    verdict = compare(close).contrast("energy_j", "b")
    assert verdict.high is not None
    assert verdict.verdict == "better"
    (energy, *_) = compared(compare(close).to_dict(), 1).rows
    assert f"to {verdict.high:.5f})" in str(energy[3])


def test_each_kept_repeat_of_a_cell_is_a_run_and_its_quality_counts_once():
    """A cell with -r 6 has five runs, of which the last was evaluated."""
    repeats = Repeats(
        runs=6, dropped=1, energy_j=(10.0, 10.1, 9.9, None, 10.2),
        duration_s=(1.0,) * 5, mean_j=10.05, stdev_j=0.1, interval_j=0.2,
    )  # fmt: skip
    cell = record("r", repeats=repeats, metrics={"accuracy": 0.9, "samples": 100.0})
    found = compare({"a": [cell], "b": runs(20.0)})
    quantities = found.reference.quantities
    assert found.reference.runs == 4
    assert quantities["energy_j"].mean == pytest.approx((10 + 10.1 + 9.9 + 10.2) / 4)
    assert quantities["accuracy"].runs == 1
    assert quantities["energy_j_per_sample"].runs == 4
    assert found.contrast("energy_j", "b").low is not None


@pytest.mark.parametrize(
    ("change", "is_told"),
    [
        ({}, True),
        ({"order": "abbaababbaababba"}, True),  # within a turn, any order
        ({"order": "abababababababba"[::-1]}, True),
        ({"order": "aabbababbaabbaab"}, False),
        ({"order": "a" * 8 + "b" * 8}, False),
        ({"order": "ab" * 7}, False),  # seven turns are too few
        ({"order": "ab" * 8, "failed": 5}, False),
        ({"order": "ab" * 8, "repeated": True}, False),
    ],
)
def test_runs_that_took_turns_are_compared_within_them(
    change: dict[str, Any], is_told: bool
):
    """Eight turns and more, whoever took them; one missing run and they are none."""
    groups: dict[str, list[Record]] = {"a": [], "b": []}
    rng = random.Random(3)
    for i, name in enumerate(change.get("order", "ab" * 8)):
        # From turn to turn the machine needs 30 % more, and b 2 % less than a.
        energy_j = 1.3 ** (i // 2) * (98.0 if name == "b" else 100.0)
        energy_j *= math.exp(rng.gauss(0.0, 0.002))
        (one,) = runs(
            energy_j,
            count=1,
            started_at=f"2026-06-01T11:{i:02d}:00Z",
            status="error" if i == change.get("failed") else "ok",
        )
        if change.get("repeated"):
            twice = Repeats(
                runs=3,
                dropped=1,
                energy_j=(energy_j,) * 2,
                duration_s=(1.0,) * 2,
                mean_j=energy_j,
                stdev_j=0.0,
                interval_j=0.0,
            )
            one = msgspec.structs.replace(one, repeats=twice)
        groups[name].append(one)
    found = compare(groups)
    told = found.contrast("energy_j", "b")
    assert (told.turns is not None) == is_told
    assert ("took turns" in str(found)) == is_told
    # A steady rise makes the later one of each turn look worse: one warns of that.
    is_same = is_told and change.get("order", "ab" * 8) in ("ab" * 8, "ba" * 8)
    assert ("had the same order" in str(found)) == is_same
    if is_told:
        assert told.turns == 8
        assert told.verdict == "better"
        assert told.low is not None
        assert told.high is not None
        assert told.low < 0.98 < told.high


def test_failed_and_running_records_are_left_out_and_counted():
    """What they used is not what the work costs, and the note says that it was used."""
    bad = [record("x", status="error"), record("y", status="running")]
    found = compare({"a": [*runs(100.0), *bad], "b": runs(100.0, seed=2)})
    assert (found.reference.runs, found.reference.left_out) == (5, 2)
    assert any("2 of a" in note for note in found.notes)


def test_runs_in_blocks_are_told_and_runs_in_turns_are_not():
    """What drifts while one waits for the other is part of the difference."""
    first = runs(100.0)
    later = [
        msgspec.structs.replace(r, started_at=f"2026-06-01T15:{i:02d}:00Z")
        for i, r in enumerate(runs(100.0, seed=2))
    ]
    assert any("turns" in note for note in compare({"a": first, "b": later}).notes)
    in_turns = compare({"a": first, "b": runs(100.0, seed=2)})
    assert not any("turns" in note for note in in_turns.notes)


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({}, "at least two"),
        ({"a": [record("a")]}, "at least two"),
        ({"a": [record("a")], "b": []}, "no record"),
        ({"a": [record("a")], "b": [record("b", status="error")]}, "ended well"),
        ({"a": [record("a")], "b": [record("b", devices=(device(None),))]}, "measured"),
    ],
)
def test_what_cannot_be_compared_says_why(groups: dict[str, Any], said: str):
    """And what is missing."""
    with pytest.raises(CompareError, match=said):
        compare(groups)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"embodied_g": -1.0}, "-1 g cannot be"),
        ({"embodied_g": math.nan}, "nan g cannot be"),
        ({"lower_is_better": ["acuracy"]}, "no metric 'acuracy'.*There are: accuracy"),
        ({"higher_is_better": "acuracy"}, "no metric 'acuracy'"),
        (
            {"lower_is_better": ["accuracy"], "higher_is_better": ["accuracy"]},
            "both lower and higher",
        ),
    ],
)
def test_what_would_be_ignored_or_make_no_sense_is_refused(
    options: dict[str, Any], said: str
):
    """A slip in a metric's name among it."""
    groups = {
        "a": runs(100.0, metrics={"accuracy": 0.9}),
        "b": runs(50.0, seed=2, metrics={"accuracy": 0.8}),
    }
    with pytest.raises(CompareError, match=said):
        compare(groups, **options)


def test_a_record_is_not_compared_with_itself():
    """Neither a label that is named twice, nor one of its records beside it."""
    a, b = runs(100.0), runs(50.0, seed=2)
    with pytest.raises(CompareError, match="'x' and 'y' are the same work"):
        compare({"x": a, "y": [*b, a[3]]})


def test_a_difference_of_nothing_cannot_be_looked_for():
    """It would need all runs there are."""
    with pytest.raises(CompareError, match="cannot be looked for"):
        compare({"a": runs(1.0), "b": runs(2.0)}, detect=0.0)


def test_select_finds_labels_and_ids_and_leaves_parts_out():
    """A part of the same label is in its whole already."""
    records = [
        record("r-outer", label="train"),
        record("r-inner", label="train", parent="r-outer"),
        record("abcdef", label=""),
    ]
    assert [r.id for r in select(records, "train")] == ["r-outer"]
    assert [r.id for r in select(records, "abcd")] == ["abcdef"]
    with pytest.raises(CompareError, match=r"There are: train"):
        select(records, "trian")


def test_a_comparison_goes_through_json_and_into_the_appendix():
    """Nothing is lost and nothing is rounded."""
    found = compare({"plain": runs(100.0), "pruned": runs(50.0, seed=2)})
    assert msgspec.json.decode(found.to_json(), type=Comparison) == found
    (plain,) = comparisons_to_dict([found])
    assert json.dumps(plain) == json.dumps(json.loads(found.to_json()))
    assert plain["contrasts"][0]["candidate"] == "pruned"


def test_the_table_has_every_form_and_labels_cannot_break_out():
    """Text, HTML and Markdown have the same words."""
    found = compare({"plain": runs(100.0), "<b>|x": runs(50.0, seed=2)})
    html = found._repr_html_()
    for text in (str(found), html, found.to_markdown()):
        assert "better" in text
        assert "plain" in text
    assert "<b>" not in html
    assert "not distinguishable with 5 and 5 runs" in str(
        compare({"plain": runs(100.0), "same": runs(100.0, seed=2)})
    )


def test_the_table_says_how_many_runs_would_find_ten_percent():
    """Where nothing is decided; where calibration hides it, that none would."""
    few = str(compare({"plain": runs(100.0, 2), "same": runs(100.0, 2, seed=2)}))
    assert "runs each" in few
    decided = str(compare({"plain": runs(100.0), "pruned": runs(50.0, seed=2)}))
    assert "decided" in decided
    other = [
        msgspec.structs.replace(
            r, host=Host(id="other"), devices=(device(100.0, uncertainty_j=30.0),)
        )
        for r in runs(100.0, seed=2)
    ]
    hidden = str(compare({"plain": runs(100.0), "other": other}))
    assert "no number of runs: calibration hides it" in hidden


def test_figures_that_are_missing_are_not_measured_and_never_zero():
    """No intensity, no grams: the column says so."""
    found = compare({"a": runs(100.0, intensity=None), "b": runs(50.0, seed=2)})
    assert "co2e_g" not in found.reference.quantities
    assert found.contrast("co2e_g", "b").verdict == "not measured"
    assert "not measured" in str(found)


def test_the_plot_shows_every_candidate_and_the_front():
    """With axes that name unit, method and direction."""
    plain = runs(100.0, metrics={"accuracy": 0.9})
    small = runs(50.0, seed=2, metrics={"accuracy": 0.8})
    axes = compare({"plain": plain, "small": small}).plot()
    legend = axes.get_legend()
    assert legend is not None
    texts = {text.get_text() for text in legend.get_texts()}
    assert texts == {"plain", "small", "Pareto front"}
    assert axes.get_xlabel() == "energy / J (counter)"
    assert axes.get_ylabel() == "accuracy (higher is better)"
    mpl.pyplot.close(axes.figure)


@pytest.mark.parametrize("label", ["_hidden", r"$\nonsense{$", "模型 🌱", "a$b$c"])
@pytest.mark.filterwarnings("error")
def test_the_plot_has_any_label_in_its_legend(label: str):
    """Neither left out, nor a formula, nor boxes with a warning."""
    found = compare({
        "plain": runs(100.0, metrics={"accuracy": 0.9}),
        label: runs(50.0, seed=2, metrics={"accuracy": 0.8}),
    })  # fmt: skip
    shown = figure(found).axes[0].get_legend()
    assert shown is not None
    named = [text.get_text() for text in shown.get_texts()]
    assert len(named) == 3
    expected = {"模型 🌱": "MoXing :seedling:"}
    assert named[-1] == expected.get(label, label)
    assert png(found).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("quality", "shown"),
    [
        ("duration_s", "time / s (lower is better)"),
        ("co2e_g", "CO2e / g (lower is better)"),
        ("energy_j_per_sample", "energy per sample / J (lower is better)"),
        ("accuracy", "accuracy (higher is better)"),
        ("accuracy_per_kwh", "accuracy per kWh (higher is better)"),
    ],
)
def test_the_plots_axis_has_the_unit_of_what_it_shows(quality: str, shown: str):
    """The user's own numbers have none that we know."""
    known = {"metrics": {"accuracy": 0.9, "samples": 10.0}}
    found = compare({"a": runs(100.0, **known), "b": runs(50.0, seed=2, **known)})
    assert figure(found, quality).axes[0].get_ylabel() == shown


def test_the_plot_has_no_front_of_one_point_and_no_energy_below_zero():
    """Neither can be."""
    wild = [
        *runs(1.0, count=1, metrics={"accuracy": 0.9}),
        *runs(100.0, count=1, seed=3, metrics={"accuracy": 0.9}),
    ]
    better = runs(0.1, seed=2, metrics={"accuracy": 0.95})
    found = compare({"wild": wild, "better": better})
    low = found.candidates[0].quantities["energy_j"].low
    assert low is not None
    assert low < 0.0
    axes = figure(found, "accuracy").axes[0]
    named = [text.get_text() for text in axes.get_legend().get_texts()]  # type: ignore[union-attr]
    assert named == ["wild", "better"]
    bars = [path for c in axes.collections for path in c.get_paths()]  # type: ignore[attr-defined]
    assert min(path.vertices[:, 0].min() for path in bars) >= 0.0


def test_a_plot_of_what_nobody_measured_says_so():
    """With what there is instead."""
    found = compare({"a": runs(1.0), "b": runs(2.0, seed=2)})
    with pytest.raises(CompareError, match="no metric 'f1'"):
        found.plot("f1")


points = st.lists(
    st.builds(Point, st.just(""), st.floats(0, 1e3), st.floats(0, 1)), max_size=20
)


@given(points)
def test_the_front_is_what_nothing_beats(all_points: list[Point]):
    """By the definition, point by point."""

    def beaten(p: Point) -> bool:
        return any(
            q.energy <= p.energy
            and q.quality >= p.quality
            and (q.energy < p.energy or q.quality > p.quality)
            for q in all_points
        )

    expected = sorted(p for p in all_points if not beaten(p))
    assert sorted(pareto_front(all_points)) == expected


def test_series_can_be_told_apart_in_grey_and_by_shape():
    """Four colours 12 apart in lightness, then neighbours; no marker twice."""
    grey = [lightness(colour) for colour in COLOURS]
    first = grey[:4]
    assert min(abs(a - b) for a in first for b in first if a is not b) > 11
    assert min(abs(a - b) for a, b in pairwise(grey)) > 6
    assert len({*MARKERS}) == len(MARKERS) >= len(COLOURS)
    # The CIE's own values for pure colours: white 100, sRGB green 87.7.
    assert lightness("#ffffff") == pytest.approx(100.0)
    assert lightness("#00ff00") == pytest.approx(87.73, abs=0.02)


def test_the_samples_share_host_and_place():
    """Otherwise the tests above would compare something else."""
    assert all(r.host == HOST and r.intensity == INTENSITY for r in runs(1.0))
