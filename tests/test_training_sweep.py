"""A sweep measures each candidate in turns and chooses as it was asked to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.lib.pretty import pretty
from shells import isolate, quick_device

import jupyter_green as jg
from jupyter_green.devices.device import Found
from jupyter_green.errors import TrainingError
from jupyter_green.ledger import read_ledger
from jupyter_green.session import Session
from jupyter_green.settings import resolve_settings

QUICK = {"least_s": 0.02, "repeats": 3}


class Load:
    """Power that the step sets: watts from a moment on, exactly integrated."""

    def __init__(self) -> None:
        self._at_s, self._watts, self._joules = time.monotonic_ns() / 1e9, 10.0, 0.0

    def set(self, watts: float) -> None:
        """Change the power from now on."""
        now_s = time.monotonic_ns() / 1e9
        self._joules = self.energy_j(now_s)
        self._at_s, self._watts = now_s, watts

    def power_w(self, t_s: float) -> float:
        """Return the power now."""
        del t_s
        return self._watts

    def energy_j(self, t_s: float) -> float:
        """Return joules up to now."""
        return self._joules + self._watts * (t_s - self._at_s)


@pytest.fixture
def load() -> Load:
    """Give the power that steps set."""
    return Load()


@pytest.fixture
def session(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Session]:
    """Give a session whose one device has that power."""
    isolate(tmp_path, monkeypatch)
    opened = Session(
        resolve_settings({"ledger": str(tmp_path / "ledger")}),
        find_devices=lambda _: Found((quick_device(load),), ()),  # type: ignore[arg-type]
    )
    try:
        yield opened
    finally:
        opened.close()


def test_the_choice_by_energy_and_by_time_differ_where_they_should(
    load: Load, session: Session
):
    """Eight threads: half the time at five times the power."""

    def step(threads: int) -> int:
        load.set(500.0 if threads == 8 else 100.0)
        time.sleep(0.01 if threads == 8 else 0.02)
        load.set(10.0)
        return 10

    options: dict[str, Any] = {**QUICK, "session": session, "threads": [1, 8]}
    assert jg.sweep(step, **options).choice.settings == {"threads": 1}
    assert jg.sweep(step, choose="time", **options).choice.settings == {"threads": 8}
    # Energies are 1 : 2.5, times 2 : 1: by 90 % time the fast one wins, by 90 %
    # energy the slow one.
    quick = jg.sweep(step, choose="weight", weight=0.1, **options)
    assert quick.choice.settings == {"threads": 8}
    frugal = jg.sweep(step, choose="weight", weight=0.9, **options)
    assert frugal.choice.settings == {"threads": 1}
    energy = quick.choice.energy_j_per_sample
    assert energy is not None
    # 500 W for 10 ms and ten samples, and a little of what a sleep takes too long.
    assert 0.5 <= energy.mean < 1.0
    assert energy.low is not None
    assert energy.low < energy.mean


def test_all_combinations_are_tried_in_turns_and_stored(session: Session):
    """As parts of one record of the whole, with the purpose search."""
    order: list[tuple[int, str]] = []

    def step(batch_size: int, precision: str) -> None:
        order.append((batch_size, precision))
        time.sleep(0.002)

    found = jg.sweep(
        step, batch_sizes=[1, 2], precision=["fp32", "bf16"], session=session,
        warm_ups=0, least_s=1e-6, repeats=4,
    )  # fmt: skip
    # After one call of each that tells the time: four turns of four.
    turns = [order[i : i + 4] for i in range(4, 20, 4)]
    assert all(len({*turn}) == 4 for turn in turns)
    assert len({tuple(turn) for turn in turns}) > 1
    assert len(found.candidates) == 4
    session.ledger.flush()
    records = read_ledger([session.folder]).records
    (whole,) = (r for r in records if r.parent is None)
    parts = [r for r in records if r.parent == whole.id]
    assert len(parts) == 16
    assert {r.purpose for r in records} == {"search"}
    assert {r.metrics["samples"] for r in parts} == {1.0, 2.0}


def test_equal_candidates_are_told_to_be_equal(load: Load, session: Session):
    """The choice is one of them, and the other is as good."""
    load.set(100.0)

    def step(precision: str) -> int:
        del precision
        time.sleep(0.005)
        return 1

    found = jg.sweep(step, precision=["a", "b"], session=session, **QUICK)
    (other,) = (c for c in found.candidates if c is not found.choice)
    assert other.is_as_good
    assert "not distinguishable from it" in str(found)
    # A terminal's IPython shows the same table, not the fields of the value.
    assert pretty(found) == str(found)
    assert "SIMULATED" in found._repr_html_()
    assert found.to_markdown().count("| ") > 4
    assert found.to_dict()["chosen"] == found.chosen


def test_a_candidate_that_fails_is_left_out_and_says_why(session: Session):
    """Out of memory with the large one; the small one is chosen."""

    def step(batch_size: int) -> int:
        if batch_size > 100:
            raise MemoryError("too large")
        time.sleep(0.002)
        return batch_size

    found = jg.sweep(step, batch_sizes=[10, 1000], session=session, **QUICK)
    assert found.choice.settings == {"batch_size": 10}
    assert found.candidates[1].error == "MemoryError: too large"
    assert "too large" in str(found)
    with pytest.raises(TrainingError, match="too large"):
        jg.sweep(step, batch_sizes=[1000], session=session, **QUICK)
    assert session.meter.open_windows == ()


def test_a_candidate_without_energy_says_so_too(load: Load, session: Session):
    """Below what the device resolves: it is no choice, and not the best with 0 J."""

    def step(threads: int) -> int:
        load.set(0.0 if threads == 1 else 50.0)
        time.sleep(0.002)
        load.set(0.0)
        return 1

    load.set(0.0)
    found = jg.sweep(step, threads=[1, 2], session=session, **QUICK)
    assert found.choice.settings == {"threads": 2}
    assert "no energy" in found.candidates[0].error
    assert "no energy" in str(found)


def test_an_interrupt_ends_the_sweep(session: Session):
    """It is the user's, and nothing stays open."""

    def step(batch_size: int) -> int:
        del batch_size
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jg.sweep(step, batch_sizes=[1], session=session)
    assert session.meter.open_windows == ()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "nothing to try"),
        ({"batch_sizes": []}, "nothing to try"),
        ({"batch_sizes": 16}, r"16 is no list .*batch_size"),
        ({"precision": "bf16"}, r"'bf16' is no list"),
        ({"batch_sizes": [1], "repeats": 1}, "no interval"),
        ({"batch_sizes": [1], "choose": "luck"}, "by 'luck'"),
        ({"batch_sizes": [1], "choose": "weight", "weight": 2.0}, "weight of 2"),
    ],
)
def test_a_sweep_of_nothing_says_so(options: dict[str, Any], said: str):
    """Before anything runs."""
    with pytest.raises(TrainingError, match=said):
        jg.sweep(lambda **_: 1, **options)


def test_a_step_without_samples_cannot_be_compared(session: Session):
    """Nothing can be divided by it."""
    with pytest.raises(TrainingError, match="no samples"):
        jg.sweep(lambda threads: 0 * threads, threads=[1], session=session, **QUICK)
