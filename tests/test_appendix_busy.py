"""GPU-hours busy and GPUs' memory in the facts of an appendix."""

from __future__ import annotations

import math
from typing import Any

import pytest
from appendix_ledgers import HOSTS, at
from ledger_samples import device, lines_of, record, short, write_lines

from jupyter_green.ledger import new_session, read_ledger
from jupyter_green.ledger.lines import EndLine
from jupyter_green.records import Record
from jupyter_green.report.appendix.author import AuthorFacts
from jupyter_green.report.appendix.build import build
from jupyter_green.report.appendix.facts import Appendix

H200: dict[str, Any] = {"id": "GPU-0", "kind": "gpu", "name": "NVIDIA H200"}


def run(
    identifier: str, begin_s: float, length_s: float, *busy_s: float | None, **more: Any
) -> Record:
    """Return a run with a GPU for each busy time."""
    return record(
        identifier,
        duration_s=length_s,
        started_at=at(begin_s),
        ended_at=at(begin_s + length_s),
        devices=tuple(
            device(1000.0, busy_s=busy, **{**H200, "id": f"GPU-{i}"}, **more)
            for i, busy in enumerate(busy_s)
        ),
        host=HOSTS[0],
    )


def codes(facts: Appendix) -> set[str]:
    """Return the codes of the flags."""
    return {flag.code for flag in facts.flags}


def test_busy_hours_are_the_sum_over_runs_and_gpus() -> None:
    """An hour on two GPUs, busy 30 and 15 minutes, and another on one, all busy."""
    facts = build([run("a", 0, 3600, 1800.0, 900.0), run("b", 7200, 3600, 3600.0)])
    assert facts.compute.gpu_hours == pytest.approx(3.0)
    assert facts.compute.gpu_hours_busy == pytest.approx(1.75)
    assert facts.totals.amount.gpu_hours_busy == pytest.approx(1.75)
    assert "gpu-busy-not-recorded" not in codes(facts)


def test_an_idle_gpu_is_busy_for_no_time_which_is_known() -> None:
    """0 is a figure here, unlike None."""
    assert build([run("a", 0, 3600, 0.0)]).compute.gpu_hours_busy == 0.0


def test_busy_time_that_two_runs_shared_is_counted_once() -> None:
    """Two kernels see the same GPU busy for half of the same hour: half an hour."""
    facts = build([run("a", 0, 3600, 1800.0), run("b", 0, 3600, 1800.0)])
    assert facts.compute.gpu_hours == pytest.approx(1.0)
    assert facts.compute.gpu_hours_busy == pytest.approx(0.5)


def test_busy_hours_are_not_recorded_where_too_many_runs_do_not_tell() -> None:
    """Ten minutes of an hour are more than the 5 % that short cells may take."""
    told = run("a", 0, 3000, 1500.0)
    facts = build([told, run("b", 4000, 600, None)])
    assert facts.compute.gpu_hours_busy is None
    assert facts.totals.amount.gpu_hours_busy is None
    assert "gpu-busy-not-recorded" in codes(facts)
    short_cell = run("c", 4000, 0.1, None)
    busy = build([told, short_cell]).compute.gpu_hours_busy
    assert busy == pytest.approx(1500 / 3600)


@pytest.mark.parametrize("busy_s", [math.nan, -5.0, math.inf])
def test_an_impossible_busy_time_never_exceeds_the_run(busy_s: float) -> None:
    """A damaged line gives no figure, or at most the time of the run."""
    busy = build([run("a", 0, 3600, busy_s)]).compute.gpu_hours_busy
    assert busy is None or 0.0 <= busy <= 1.0


def test_memory_is_the_product_names_then_the_drivers_then_the_authors() -> None:
    """An H200's name does not say it; its driver does."""

    def memory(author: AuthorFacts | None = None, **about: Any) -> tuple[Any, str]:
        one = record(devices=(device(1.0, **{**H200, **about}),))
        facts = build([one], author=author or AuthorFacts())
        (found,) = facts.compute.devices
        return found.memory_gb, found.memory_source

    stated = AuthorFacts(gpu_memory_gb=141.0)
    assert memory(name="NVIDIA A100-SXM4-80GB", memory_gb=85.9) == (80, "product name")
    assert memory(memory_gb=150.8) == (150.8, "driver")
    assert memory(stated, memory_gb=150.8) == (150.8, "driver")
    assert memory(stated) == (141.0, "authors")
    assert memory() == (None, "")


def test_busy_time_and_memory_come_back_from_the_ledger(tmp_path: Any) -> None:
    """One context serves runs that differ in their busy time only."""
    runs = [
        run(f"{i:032x}", i * 100, 60, busy, memory_gb=150.8)
        for i, busy in enumerate((12.5, None, 0.0))
    ]
    ends = short(*(EndLine(one) for one in runs))
    write_lines(tmp_path / "a.jsonl", new_session(host="h"), *ends)
    assert [line["type"] for line in lines_of(tmp_path)].count("context") == 1
    read = {r.id: r.devices[0] for r in read_ledger([tmp_path]).records}
    assert [read[one.id].busy_s for one in runs] == [12.5, None, 0.0]
    assert {device.memory_gb for device in read.values()} == {150.8}
