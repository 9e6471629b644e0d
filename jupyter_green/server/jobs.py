"""Appendices made in the background, with their progress.

One at a time, on a thread: they take seconds and much memory.  Imports `errors`,
`paths` and `wire`.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from jupyter_green.errors import JupyterGreenError

logger = logging.getLogger(__name__)

KEPT_JOBS = 50
MAX_WAITING = 10

Progress = Callable[[float, str], None]


class Made(Protocol):
    """What a job has written."""

    @property
    def files(self) -> Sequence[Path]: ...  # noqa: D102 - whole paths
    @property
    def warnings(self) -> Sequence[str]: ...  # noqa: D102 - what to know of them


Work = Callable[[Progress], Made]


class JobsError(JupyterGreenError):
    """There is no job of that name."""


class BusyError(JupyterGreenError):
    """A job cannot be taken now; later it can."""


class Problem(Struct, frozen=True, kw_only=True):
    """Why something could not be done."""

    message: str
    reason: str = ""
    remedy: str = ""


class Job(Struct, frozen=True, kw_only=True):
    """What became of a job so far.

    Attributes:
        job: Its name.
        state: ``waiting``, ``running``, ``done`` or ``failed``.
        fraction: How much of it is done, from 0 to 1.
        text: What it does now.
        files: What it wrote, from the server's root.
        warnings: What to know of it, as sentences.
        problem: Why it failed.
    """

    job: str
    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    fraction: float = 0.0
    text: str = ""
    files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: Problem | None = None


class Jobs:
    """The jobs of a server; all methods are called on the event loop.

    Args:
        name_file: Turns a written file into what the browser calls it.
        tell: Called on the event loop whenever a job has changed.
    """

    def __init__(
        self,
        name_file: Callable[[Path], str | None],
        tell: Callable[[Job], None] = lambda _: None,
    ) -> None:
        self._name_file = name_file
        self._tell = tell
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="jupyter-green-report")

    def begin(self, work: Work) -> Job:
        """Take a job.

        Raises:
            BusyError: Too many are waiting.
        """
        if len(self._tasks) >= MAX_WAITING:
            raise BusyError(
                "there are too many reports waiting",
                remedy="Wait until one of them is ready",
            )
        job = Job(job=uuid.uuid4().hex)
        self._jobs[job.job] = job
        while len(self._jobs) > KEPT_JOBS:
            self._jobs.popitem(last=False)
        task = asyncio.create_task(self._run(job, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def get(self, name: str) -> Job:
        """Return what became of a job.

        Raises:
            JobsError: There is none of that name, or it is long done.
        """
        job = self._jobs.get(name)
        if job is None:
            raise JobsError("there is no such report", remedy="Ask for it anew")
        return job

    def close(self) -> None:
        """Take no more; what runs is left to end by itself."""
        for task in self._tasks:
            task.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, job: Job, work: Work) -> None:
        loop = asyncio.get_running_loop()

        def progress(fraction: float, text: str) -> None:
            told = Job(job=job.job, state="running", fraction=fraction, text=text)
            loop.call_soon_threadsafe(self._note, told)

        try:
            made = await loop.run_in_executor(self._pool, work, progress)
        except JupyterGreenError as err:
            self._fail(
                job, Problem(message=err.what, reason=err.why, remedy=err.remedy)
            )
            return
        except Exception as err:
            logger.exception("the report failed")
            why = f"{type(err).__name__}: {err}"
            remedy = "Please report this with the server's log"
            self._fail(
                job, Problem(message="the report failed", reason=why, remedy=remedy)
            )
            return
        names = tuple(name for f in made.files if (name := self._name_file(f)))
        done = Job(
            job=job.job,
            state="done",
            fraction=1.0,
            files=names,
            warnings=tuple(made.warnings),
        )
        self._note(done)

    def _fail(self, job: Job, problem: Problem) -> None:
        self._note(Job(job=job.job, state="failed", problem=problem))

    def _note(self, job: Job) -> None:
        known = self._jobs.get(job.job)
        if known is None or known.state in {"done", "failed"}:
            return  # a word of progress that comes late
        self._jobs[job.job] = job
        self._tell(job)
