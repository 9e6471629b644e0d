"""Reports in the background: progress, files, and what goes wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from servers import until

from jupyter_green.errors import SettingsError
from jupyter_green.server.jobs import (
    MAX_WAITING,
    BusyError,
    Job,
    Jobs,
    JobsError,
    Progress,
)
from jupyter_green.server.reports import Made


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on a loop of its own."""
    asyncio.run(test)


def test_progress_and_files_are_told():
    """As they come, and at the end."""

    async def check() -> None:
        told: list[Job] = []
        jobs = Jobs(lambda file: f"named/{file.name}", told.append)

        def work(progress: Progress) -> Made:
            progress(0.5, "half")
            return Made(files=(Path("/x/a.tex"), Path("/x/b.md")), warnings=("w",))

        name = jobs.begin(work).job
        await until(lambda: jobs.get(name).state == "done")
        assert jobs.get(name).files == ("named/a.tex", "named/b.md")
        assert jobs.get(name).warnings == ("w",)
        assert [(j.state, j.fraction, j.text) for j in told] == [
            ("running", 0.5, "half"),
            ("done", 1.0, ""),
        ]
        jobs.close()

    run(check())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("err", "message"),
    [
        (SettingsError("no such venue", why="w", remedy="r"), "no such venue"),
        (ZeroDivisionError("oops"), "the report failed"),
    ],
)
def test_what_goes_wrong_is_told_as_what_why_and_what_to_do(
    err: Exception, message: str
):
    """Both what a user can mend and what is our fault."""

    async def check() -> None:
        jobs = Jobs(lambda file: file.name)

        def work(_: Progress) -> Made:
            raise err

        name = jobs.begin(work).job
        await until(lambda: jobs.get(name).state == "failed")
        problem = jobs.get(name).problem
        assert problem is not None
        assert problem.message == message
        assert problem.reason
        assert problem.remedy
        jobs.close()

    run(check())


def test_a_file_that_the_browser_cannot_name_is_not_told():
    """It stands outside of the server's root."""

    async def check() -> None:
        jobs = Jobs(lambda file: None if file.name == "out" else file.name)
        name = jobs.begin(lambda _: Made(files=(Path("in"), Path("out")))).job
        await until(lambda: jobs.get(name).state == "done")
        assert jobs.get(name).files == ("in",)
        jobs.close()

    run(check())


def test_one_report_is_made_at_a_time_and_only_so_many_wait():
    """More of them are refused."""

    async def check() -> None:
        jobs = Jobs(lambda file: file.name)
        go = threading.Event()
        running: list[int] = []

        def work(_: Progress) -> Made:
            running.append(1)
            go.wait(10)
            return Made(files=())

        names = [jobs.begin(work).job for _ in range(MAX_WAITING)]
        await until(lambda: running)
        await asyncio.sleep(0.1)
        assert len(running) == 1
        with pytest.raises(BusyError):
            jobs.begin(work)
        go.set()
        await until(lambda: all(jobs.get(n).state == "done" for n in names))
        jobs.begin(work)
        jobs.close()

    run(check())


def test_a_name_that_nobody_was_given_is_no_report():
    """Also one of long ago."""
    with pytest.raises(JobsError):
        Jobs(lambda file: file.name).get("0" * 32)
