"""Trials let variants take turns, store each run, and compare them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shells import isolate, quick_device

import jupyter_green as jg
from jupyter_green.devices.device import Found
from jupyter_green.errors import TrainingError
from jupyter_green.ledger import read_ledger
from jupyter_green.records import Record
from jupyter_green.session import Session
from jupyter_green.settings import resolve_settings


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Give a session with one simulated device of constant power."""
    isolate(tmp_path, monkeypatch)
    opened = Session(
        resolve_settings({"ledger": str(tmp_path / "ledger")}),
        find_devices=lambda _: Found((quick_device(),), ()),
    )
    try:
        yield opened
    finally:
        opened.close()


def stored(session: Session) -> list[Record]:
    """Return what the ledger has."""
    session.settle()
    session.ledger.flush()
    return list(read_ledger([session.folder]).records)


def sleeps(seconds: float) -> Any:
    """Return work that takes so long and returns its turn."""

    def work(turn: int) -> int:
        time.sleep(seconds)
        return turn

    return work


def test_a_variant_of_half_the_time_is_found_to_need_half_the_energy(
    session: Session,
):
    """Power is constant, so energies stand as the times do; 5 of each will do."""
    found = jg.trials({"slow": sleeps(0.08), "quick": sleeps(0.04)}, session=session)
    told = found.contrast("energy_j", "quick")
    assert told.verdict == "better"
    assert told.ratio == pytest.approx(0.5, rel=0.1)
    assert [c.runs for c in found.candidates] == [5, 5]
    assert found.reference.label == "slow"


def test_variants_take_turns_and_share_the_seed_of_a_turn(session: Session):
    """Each runs once in a turn, the order differs, warm-ups come before."""
    calls: list[tuple[str, int]] = []
    names = "abc"
    jg.trials(
        {n: lambda turn, n=n: calls.append((n, turn)) for n in names},  # type: ignore[misc]
        repeats=6, warm_ups=1, session=session,
    )  # fmt: skip
    assert calls[:3] == [("a", 0), ("b", 0), ("c", 0)]
    turns = [calls[i : i + 3] for i in range(3, 21, 3)]
    assert [{turn for _, turn in each} for each in turns] == [{i} for i in range(6)]
    assert all({name for name, _ in each} == {*names} for each in turns)
    assert len({tuple(name for name, _ in each) for each in turns}) > 1


def test_each_run_is_a_record_with_its_label_score_and_purpose(session: Session):
    """Parts of one record of the whole; the ledger gives the same comparison."""
    found = jg.trials(
        {"plain": sleeps(0.01), "pruned": sleeps(0.01)},
        score=lambda turn: {"accuracy": 0.5 + turn / 10, "samples": 4},
        repeats=3, label="pruning", purpose="ablation", session=session,
    )  # fmt: skip
    records = stored(session)
    (whole,) = (r for r in records if r.parent is None)
    assert (whole.label, whole.purpose) == ("pruning", "ablation")
    for name, candidate in zip(("plain", "pruned"), found.candidates, strict=True):
        parts = [r for r in records if r.label == f"pruning: {name}"]
        assert {r.id for r in parts} == {*candidate.records}
        assert {r.parent for r in parts} == {whole.id}
        assert {r.purpose for r in parts} == {"ablation"}
        assert sorted(r.metrics["accuracy"] for r in parts) == [0.5, 0.6, 0.7]
        assert {r.metrics["samples"] for r in parts} == {4.0}
    again = jg.compare("pruning: plain", "pruning: pruned", ledger=session.folder)
    ours, theirs = found.contrasts[0], again.contrasts[0]
    assert (ours.ratio, ours.low, ours.verdict) == (
        theirs.ratio, theirs.low, theirs.verdict,
    )  # fmt: skip


def test_scoring_is_not_metered_as_the_variants(session: Session):
    """A score of 100 ms stays out of a window of 20 ms."""

    def score(turn: int) -> dict[str, float]:
        time.sleep(0.1)
        return {"accuracy": float(turn)}

    found = jg.trials(
        {"a": sleeps(0.02), "b": sleeps(0.02)}, score=score, repeats=2, session=session
    )
    assert all(c.quantities["duration_s"].mean < 0.08 for c in found.candidates)


def test_inside_a_window_the_runs_are_parts_of_that_one(session: Session):
    """No second window is opened around them, and its purpose is theirs."""
    with session.meter.window("the cell", purpose="final") as cell:
        jg.trials({"a": sleeps(0.01), "b": sleeps(0.01)}, repeats=2, session=session)
    records = stored(session)
    assert len(records) == 5
    assert {r.parent for r in records} == {None, cell.record.id}
    assert {r.purpose for r in records} == {"final"}


def test_a_variant_that_fails_ends_the_trials_and_its_record_says_why(
    session: Session,
):
    """The error is the user's own; nothing stays open."""

    def fails(turn: int) -> None:
        if turn == 1:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        jg.trials({"well": sleeps(0.01), "badly": fails}, session=session)
    assert session.meter.open_windows == ()
    (failed,) = (r for r in stored(session) if r.status == "error" and r.parent)
    assert (failed.label, failed.error) == ("trials: badly", "ZeroDivisionError")


@pytest.mark.parametrize("value", ["good", float("nan"), [1, 2]])
def test_a_score_that_is_no_number_is_refused_and_the_run_kept(
    value: Any, session: Session
):
    """The run ended well, whatever its score is."""
    with pytest.raises(TrainingError, match="the score accuracy cannot be"):
        jg.trials(
            {"a": sleeps(0.01), "b": sleeps(0.01)},
            score=lambda _: {"accuracy": value},
            session=session,
        )
    (run,) = (r for r in stored(session) if r.parent)
    assert run.status == "ok"
    assert run.energy_j is not None


def test_an_interrupt_ends_the_trials(session: Session):
    """It is the user's, and the run's record says so."""

    def stop(turn: int) -> None:
        raise KeyboardInterrupt(turn)

    with pytest.raises(KeyboardInterrupt):
        jg.trials({"a": stop, "b": stop}, warm_ups=0, session=session)
    assert session.meter.open_windows == ()
    (run,) = (r for r in stored(session) if r.parent)
    assert run.status == "interrupted"


@pytest.mark.parametrize(
    ("names", "repeats", "said"),
    [("a", 5, "nothing to compare"), ("ab", 1, "no interval")],
)
def test_trials_that_show_nothing_are_refused(names: str, repeats: int, said: str):
    """Before anything runs."""
    with pytest.raises(TrainingError, match=said):
        jg.trials({n: lambda turn: 1 / 0 * turn for n in names}, repeats=repeats)


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        ([len, len], "have no names"),
        ({"a": lambda turn: turn, "b": 3}, "'b' cannot be called"),
        ({"a": lambda: 0, "b": lambda: 1}, r"'a' cannot be .*def plain\(turn\)"),
    ],
)
def test_what_is_no_function_of_a_turn_is_told_before_anything_runs(
    variants: Any, said: str
):
    """As a newcomer may give it."""
    with pytest.raises(TrainingError, match=said):
        jg.trials(variants, repeats=2)


def test_a_score_without_a_name_is_refused(session: Session):
    """With what to return instead."""
    with pytest.raises(TrainingError, match=r"no name: 0\.9\. Return"):
        jg.trials(
            {"a": sleeps(0.01), "b": sleeps(0.01)},
            score=lambda _: 0.9,  # type: ignore[arg-type,return-value]
            session=session,
        )
