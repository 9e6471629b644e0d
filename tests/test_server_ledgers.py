"""A ledger that is read in the background: nobody waits for it, and nothing is lost."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from ledger_samples import record, write_lines
from servers import until

from jupyter_green.ledger import new_session, totals
from jupyter_green.ledger.follow import Changes, LedgerFollower
from jupyter_green.ledger.lines import EndLine
from jupyter_green.server.ledgers import LedgerView, News
from jupyter_green.server.scopes import of_all

RUNS = 40


class SlowFollower(LedgerFollower):
    """A ledger on a disk that takes its time for each line."""

    def poll(self, max_bytes: int = 1) -> Changes:
        """Read one line."""
        del max_bytes
        time.sleep(0.02)
        return super().poll(1)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Write a ledger of some runs."""
    folder = tmp_path / "ledger"
    runs = (
        record(f"r{n}", started_at=f"2026-05-01T11:00:{n:02}Z") for n in range(RUNS)
    )
    write_lines(folder / "a.jsonl", new_session(), *map(EndLine, runs))
    return folder


def test_answers_do_not_wait_for_a_ledger_that_is_read(ledger: Path):
    """They say that they are not complete; at the end somebody says to ask again."""

    async def check() -> None:
        told: list[News] = []
        follower = SlowFollower([ledger])
        view = LedgerView(ledger, tell=told.append, follower=follower)
        begun_s = time.monotonic()
        slow = 0
        while not view.snapshot.is_ready:
            asked_s = time.monotonic()
            answer = await view.totals(of_all())
            page = await view.page(of_all(), 10, "")
            slow += time.monotonic() - asked_s > 0.1
            if not view.snapshot.is_ready:
                assert not answer.is_current
                assert not page.is_current
            await asyncio.sleep(0.01)
        assert time.monotonic() - begun_s > 0.5  # it was slow indeed
        assert slow <= 2  # on a busy machine anything can take so long
        assert told[-1].is_changed
        assert told[-1].records == ()  # what was there before is no news
        view.close()

    asyncio.run(check())


def test_when_all_is_read_the_answer_is_complete(ledger: Path):
    """And comes to what the whole ledger says."""

    async def check() -> None:
        view = LedgerView(ledger)
        await view.refresh()
        answer = await view.totals(of_all())
        for _ in range(100):
            if answer.is_current:
                break
            await asyncio.sleep(0.05)
            answer = await view.totals(of_all())
        assert answer.value is not None
        wanted = totals([record(f"r{n}") for n in range(1)]).total.energy_j or 0.0
        total = answer.value.totals.total
        assert total.runs == RUNS
        assert 0 < (total.energy_j or 0.0) <= RUNS * wanted
        view.close()

    asyncio.run(check())


def test_a_ledger_that_was_rewritten_is_read_anew(ledger: Path):
    """What it held before is forgotten."""

    async def check() -> None:
        view = LedgerView(ledger)
        await view.refresh()
        assert view.snapshot.runs == RUNS
        (ledger / "a.jsonl").unlink()
        write_lines(ledger / "b.jsonl", new_session(), EndLine(record("only")))
        await view.refresh()
        await until(lambda: view.snapshot.runs == 1)
        page = await view.page(of_all(), 10, "")
        assert page.value is not None
        assert len(page.value.records) == 1
        view.close()

    asyncio.run(check())


def test_a_record_of_a_ledger_that_is_forgotten_meanwhile_is_none(ledger: Path):
    """Nobody's request fails by it, whenever the view is closed."""

    async def check() -> None:
        closed = LedgerView(ledger)
        assert await closed.record("r1") is not None
        closed.close()
        assert await closed.record("r1") is None
        view = LedgerView(ledger, follower=SlowFollower([ledger]))
        asked = asyncio.create_task(view.record("r1"))
        await asyncio.sleep(0.1)
        view.close()
        assert await asked is None

    asyncio.run(check())
