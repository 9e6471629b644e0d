"""Epochs as parts of the window around them, early stopping and forecasts."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.lib.pretty import pretty
from ledger_samples import device, record
from shells import Shell, isolate, ledger_records, load_with, open_shell, quick_device

import jupyter_green as jg
from jupyter_green.devices.device import Found
from jupyter_green.devices.simulated import Wave
from jupyter_green.errors import TrainingError
from jupyter_green.ledger import read_ledger, totals
from jupyter_green.records import Record
from jupyter_green.session import Session
from jupyter_green.settings import resolve_settings
from jupyter_green.training import EarlyStopping, forecast


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Give a session with one simulated device of 100 W."""
    isolate(tmp_path, monkeypatch)
    opened = Session(
        resolve_settings({"ledger": str(tmp_path / "ledger")}),
        find_devices=lambda _: Found((quick_device(),), ()),
    )
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Give a shell with a device whose power swings."""
    isolate(tmp_path, monkeypatch)
    with open_shell() as opened:
        load_with(opened, quick_device(Wave(100.0, 50.0, 0.3)))  # type: ignore[arg-type]
        yield opened


def stored(session: Session) -> list[Record]:
    """Return what the ledger has, oldest first."""
    session.settle()
    session.ledger.flush()
    return list(read_ledger([session.folder]).records)


def test_epochs_are_children_of_the_cell_and_add_up_to_it(shell: Shell):
    """Within the uncertainty of both and what lies between them."""
    shell.run(
        "%%energy -q -l train\nimport jupyter_green as jg, time\n"
        "run = jg.epochs(range(6))\n"
        "for epoch in run:\n    time.sleep(0.08)\n    run.log(loss=1 / (epoch + 1))"
    )
    *children, cell = shell.records
    assert [r.parent for r in children] == [cell.id] * 6
    assert [r.label for r in children] == ["train epoch"] * 6
    assert [r.metrics["epoch"] for r in children] == [1, 2, 3, 4, 5, 6]
    assert children[3].metrics["loss"] == 0.25
    assert cell.energy_j is not None
    parts_j = sum(r.energy_j or math.nan for r in children)
    # Between the epochs lies time of ours, at 150 W at most.
    between_s = cell.duration_s - sum(r.duration_s for r in children)
    random_j = math.hypot(*(r.uncertainty_random_j or 0.0 for r in (*children, cell)))
    assert cell.energy_j - parts_j + random_j >= 0.0
    assert cell.energy_j - parts_j <= 150.0 * between_s + random_j
    assert between_s < 0.2 * cell.duration_s


def test_totals_count_epochs_once(shell: Shell):
    """They are parts of the cell."""
    shell.run("import jupyter_green as jg")
    shell.run("%%energy -q\nfor epoch in jg.epochs([1, 2]):\n    pass")
    shell.extension.session.ledger.flush()
    found = totals(ledger_records(shell.extension.session.folder))
    assert (found.total.runs, found.nested_runs) == (1, 2)


def test_where_nothing_is_metered_the_whole_training_becomes_a_record(
    session: Session,
):
    """With the epochs inside it."""
    run = jg.epochs(range(3), session=session, label="fit", purpose="search")
    assert list(run) == [0, 1, 2]
    *children, whole = sorted(stored(session), key=lambda r: r.parent is None)
    assert whole.label == "fit"
    assert {r.parent for r in children} == {whole.id}
    assert {r.purpose for r in (*children, whole)} == {"search"}
    assert run.enclosing is not None
    assert run.enclosing.id == whole.id


def test_a_loop_that_is_left_keeps_what_it_used(session: Session):
    """By a break: the round says so, and the window around is closed."""
    run = jg.epochs(range(10), session=session)
    for epoch in run:
        if epoch == 2:
            break
    records = stored(session)
    assert len(records) == 4
    assert [r.flags for r in run.records] == [(), (), ("left-early",)]
    assert session.meter.open_windows == ()


def test_an_error_in_the_loop_ends_its_round(session: Session):
    """And goes on to the user as it was."""
    run = jg.epochs(range(10), session=session)

    def train() -> None:
        for _ in run:
            raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        train()
    assert session.meter.open_windows == ()
    assert len(run.records) == 1


def test_a_failed_training_outside_of_metered_cells_leaves_nothing_open(shell: Shell):
    """A framework that tells of no error: the failed cell's end does."""
    shell.run("from jupyter_green.training.rounds import Rounds; rounds = Rounds()")
    shell.run("rounds.begin(); 1 / 0")
    assert shell.extension.session.meter.open_windows == ()
    shell.run("%%energy -q\n1 + 1")
    assert [r.parent for r in shell.records if not r.flags] == [None]
    assert len(shell.records) == 3


def test_an_error_of_the_items_is_the_rounds_error(session: Session):
    """A data loader that fails while the next batch is fetched."""

    def items() -> Iterator[int]:
        yield 1
        raise OSError("no disk")

    run = jg.epochs(items(), session=session)
    with pytest.raises(OSError, match="no disk"):
        list(run)
    assert [r.status for r in run.records] == ["error"]


def test_an_empty_loop_leaves_no_record(session: Session):
    """Nothing ran."""
    assert list(jg.epochs([], session=session)) == []
    assert stored(session) == []


def test_metering_that_fails_lets_the_training_run(
    session: Session, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    """With one warning, however many epochs there are."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no window")

    monkeypatch.setattr(session, "begin", broken)
    assert list(jg.epochs(range(3), session=session)) == [0, 1, 2]
    assert [r.message for r in caplog.records if "no window" in r.message] == [
        "epochs are not metered: RuntimeError: no window"
    ]


def test_a_metric_that_is_no_number_is_refused(session: Session):
    """It is the user's own call, so the user hears of it."""
    run = jg.epochs(range(1), session=session)
    for _ in run:
        with pytest.raises(TrainingError, match="accuracy"):
            run.log(accuracy="good")
        run.log(accuracy=0.5)
    assert run.records[0].metrics == {"epoch": 1.0, "accuracy": 0.5}


def test_the_loop_stops_when_quality_no_longer_pays(
    session: Session, capsys: pytest.CaptureFixture[str]
):
    """No item is taken that would be lost."""
    qualities = [0.5, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9]
    items = iter(range(7))
    run = jg.epochs(items, session=session, stop=EarlyStopping("accuracy"))
    for epoch in run:
        time.sleep(0.01)
        run.log(accuracy=qualities[epoch])
    assert run.stopped
    assert len(run.records) == 5
    assert next(items) == 5
    assert "stopping after epoch 5" in capsys.readouterr().out


def test_early_stopping_that_sees_nothing_is_told(
    session: Session, caplog: pytest.LogCaptureFixture
):
    """A slip in the metric's name would let the training run to its end unsaid."""
    run = jg.epochs(range(6), stop=EarlyStopping("acuracy"), session=session)
    for _ in run:
        run.log(accuracy=0.5, loss=1.0)
    (told,) = (r.message for r in caplog.records if "early stopping" in r.message)
    assert "'acuracy', which no epoch has logged so far" in told
    assert "logged are: accuracy, loss" in told
    caplog.clear()
    run = jg.epochs(range(6), stop=EarlyStopping("accuracy"), session=session)
    for epoch in run:
        if epoch == 2:  # evaluated from time to time
            run.log(accuracy=0.5)
    assert not caplog.records


def test_a_loop_of_unknown_length_has_none(session: Session):
    """As Python's iterators say it; what is round is called by its name."""
    with pytest.raises(TypeError, match="not known how many"):
        len(jg.epochs(iter(range(3)), session=session))
    run = jg.epochs(iter(range(3)), name="step", total=9, session=session)
    assert list(run) == [0, 1, 2]
    assert "forecast for 9 steps after 3: " in str(run.forecast())


def test_any_function_of_the_record_can_stop_the_loop(session: Session):
    """A limit on energy, for example."""
    run = jg.epochs(range(100), session=session, stop=lambda r: r.metrics["epoch"] >= 3)
    assert list(run) == [0, 1, 2]


def test_early_stopping_by_a_stated_worth():
    """1 kJ for each epoch; 0.01 for a kJ is worth it and 0.009 is not."""
    stop = EarlyStopping("accuracy", least_gain_per_kj=0.0095, patience=1)
    told = [stop.update(q, 1000.0) for q in (0.5, 0.6, 0.61, 0.62, 0.629)]
    assert told == [False, False, False, False, True]
    assert stop.marginal_per_kj == pytest.approx(0.009)
    assert "0.0095" in stop.reason


def test_early_stopping_of_a_loss_looks_downwards():
    """A falling loss is a gain."""
    stop = EarlyStopping("val_loss", patience=2)
    told = [stop.update(q, 50.0) for q in (3.0, 2.0, 1.5, 1.0, 1.0, 1.0)]
    assert told == [False, False, False, False, False, True]


def test_a_costly_gain_is_worth_less_than_a_cheap_one():
    """The same qualities: with ten times the energy at the end it stops earlier."""
    qualities = (0.5, 0.7, 0.8, 0.82, 0.84, 0.86)
    cheap = EarlyStopping("accuracy", least_share=0.15, patience=1)
    costly = EarlyStopping("accuracy", least_share=0.15, patience=1)
    assert not any(cheap.update(q, 100.0) for q in qualities)
    energies_j = (100.0, 100.0, 100.0, 1000.0)
    told = [costly.update(q, j) for q, j in zip(qualities, energies_j, strict=False)]
    assert told == [False, False, False, True]


def test_without_energy_nothing_is_decided():
    """What is not measured is not 0."""
    stop = EarlyStopping("accuracy")
    assert not any(stop.update(0.5, None) for _ in range(9))
    assert stop.rounds == []


@pytest.mark.parametrize("wrong", [{"patience": 0}, {"least_share": -1.0}])
def test_early_stopping_refuses_numbers_without_sense(wrong: dict[str, float]):
    """As they would stop at once or never."""
    with pytest.raises(TrainingError):
        EarlyStopping("accuracy", **wrong)  # type: ignore[arg-type]


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40))
def test_a_training_that_gains_nothing_is_stopped_after_its_patience(
    qualities: list[float],
):
    """Whatever came before: three equal best epochs in a row are the end."""
    stop = EarlyStopping("accuracy", patience=3)
    for quality in qualities:
        stop.update(quality, 10.0)
    best = max(r.quality for r in stop.rounds)
    assert any(stop.update(best, 10.0) for _ in range(4))


def epoch(energy_j: float, number: int = 1, calibration: float = 0.0) -> Record:
    """Return the record of an epoch, without random error."""
    return record(
        f"e{number}",
        devices=(
            device(
                energy_j,
                uncertainty_j=calibration * energy_j,
                uncertainty_random_j=0.0,
            ),
        ),
        duration_s=energy_j / 10.0,
    )


def test_a_forecast_of_equal_epochs_is_their_multiple():
    """Ten epochs of 360 kJ at 360 g/kWh: 3.6 MJ, 360 g."""
    found = forecast([epoch(3.6e5) for _ in range(4)], 10)
    assert found.energy_j == pytest.approx(3.6e6)
    assert found.co2e_g == pytest.approx(360.0)
    assert found.duration_s == pytest.approx(3.6e5)
    assert (found.low_j, found.high_j) == pytest.approx((3.6e6, 3.6e6))
    assert "10 epochs after 4" in str(found)
    assert pretty(found) == str(found)  # as the last line of a cell


def test_the_first_epoch_warms_up_and_is_not_repeated():
    """It counts once, as what it was."""
    found = forecast([epoch(500.0), *(epoch(100.0) for _ in range(3))], 10)
    assert found.energy_j == pytest.approx(500.0 + 9 * 100.0)


def test_calibration_stays_in_a_forecast_in_proportion():
    """5 % of one device are 5 % of the whole."""
    found = forecast([epoch(100.0, calibration=0.05) for _ in range(4)], 10)
    assert found.high_j == pytest.approx(1050.0)


def test_the_interval_of_a_forecast_holds_in_95_of_100_trainings():
    """1,000 trainings of 30 epochs, forecast after 6: the true sum is inside."""
    rng = random.Random(11)
    held = 0
    for _ in range(1000):
        energies_j = [rng.gauss(100.0, 8.0) for _ in range(30)]
        found = forecast([epoch(e) for e in energies_j[:6]], 30)
        assert found.low_j is not None
        assert found.high_j is not None
        held += found.low_j <= sum(energies_j) <= found.high_j
    assert held / 1000 == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("done", [10, 29, 30])
def test_calibration_leaves_room_below_what_is_measured_already(done: int):
    """A device that is 5 % off: 500 trainings, up to the last epoch and behind it."""
    rng = random.Random(12)
    held = 0
    for _ in range(500):
        energies_j = [rng.gauss(100.0, 3.0) for _ in range(30)]
        truly_j = sum(energies_j) * (1.0 + rng.gauss(0.0, 0.05 / 1.96))
        found = forecast([epoch(e, calibration=0.05) for e in energies_j[:done]], 30)
        assert found.low_j is not None
        assert found.high_j is not None
        assert found.low_g is not None
        assert found.co2e_g is not None
        assert found.low_g / found.co2e_g == pytest.approx(found.low_j / found.energy_j)
        held += found.low_j <= truly_j <= found.high_j
    # Four standard errors of 500 trials are 3.9 %.
    assert held / 500 == pytest.approx(0.95, abs=0.04)


def test_random_errors_of_finished_epochs_stay_in_the_forecast():
    """Four epochs of 10 J, each 5 J unsure: 40 J, 10 J unsure."""
    unsure = record(
        "a", devices=(device(10.0, uncertainty_j=5.0, uncertainty_random_j=5.0),)
    )
    found = forecast([unsure] * 4, 4)
    assert (found.low_j, found.high_j) == pytest.approx((30.0, 50.0))


def test_epochs_that_drift_together_tell_less_than_as_many_that_do_not():
    """The same twelve figures, sorted into slow and fast ones and well mixed."""
    slow, fast = [100.0, 101.0, 102.0] * 2, [110.0, 111.0, 112.0] * 2
    mixed = [e for pair in zip(slow, fast, strict=True) for e in pair]
    widths = []
    for energies_j in ([*slow, *fast], mixed):
        found = forecast([epoch(105.0), *map(epoch, energies_j)], 100)
        assert found.high_j is not None
        widths.append(found.high_j - found.energy_j)
    assert widths[0] > 1.5 * widths[1]


def test_one_epoch_gives_a_forecast_and_no_interval():
    """Nothing tells how epochs differ."""
    found = forecast([epoch(100.0)], 10)
    assert found.energy_j == pytest.approx(1000.0)
    assert found.low_j is None
    assert found.low_g is None


def test_epochs_that_grow_are_told():
    """A curriculum, or a memory that fills: the interval would be too narrow."""
    found = forecast([epoch(100.0 + 10.0 * i) for i in range(8)], 20)
    assert any("grows" in note for note in found.notes)
    rng = random.Random(2)
    even = forecast([epoch(rng.gauss(100.0, 5.0)) for _ in range(8)], 20)
    assert even.notes == ()


@pytest.mark.parametrize(
    ("records", "total", "said"),
    [
        ([], 5, "no epoch is done"),
        ([record("a", devices=(device(None),))], 5, "not measured"),
        ([epoch(1.0), epoch(1.0)], 1, "more than 1"),
    ],
)
def test_what_cannot_be_forecast_says_why(records: list[Record], total: int, said: str):
    """And no number is made up."""
    with pytest.raises(TrainingError, match=said):
        forecast(records, total)


def test_the_forecast_is_told_once_and_can_be_asked_for(
    session: Session, capsys: pytest.CaptureFixture[str]
):
    """After the fourth epoch; quiet where that is asked for."""
    run = jg.epochs(range(6), session=session)
    list(run)
    assert capsys.readouterr().out.count("forecast for 6 epochs after 4") == 1
    assert run.forecast(60).total == 60
    list(jg.epochs(range(6), session=session, tell=False))
    assert capsys.readouterr().out == ""
    unsized = jg.epochs(iter([1]), session=session)
    list(unsized)
    with pytest.raises(TrainingError, match="total=N"):
        unsized.forecast()
