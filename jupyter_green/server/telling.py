"""What open streams are told of power, faults and jobs.

Devices are read on a thread: what it has to say is passed on to the event loop.
Imports `history`, `hub` and `jobs`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from jupyter_green.server.history import PowerPoint
from jupyter_green.server.hub import Hub
from jupyter_green.server.jobs import Job


class Telling:
    """Says on all streams what happened.

    Args:
        hub: The open streams.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False

    def use_running_loop(self) -> None:
        """Pass what threads say on to the loop that runs now."""
        self._loop = asyncio.get_running_loop()

    def power(self, point: PowerPoint) -> None:
        """Pass a point on; called on the sampler's thread."""
        self._on_loop(
            lambda: self._hub.say(
                "power",
                only_visible=True,
                t=point.t,
                power_w=point.power_w,
                total_w=point.total_w,
            )
        )

    def fault(self, text: str) -> None:
        """Pass a device's fault on; called on the sampler's thread."""
        self._on_loop(
            lambda: self._hub.say(
                "problem", message=text, reason="", remedy="Run the doctor"
            )
        )

    def job(self, job: Job) -> None:
        """Say how far an appendix is, or what became of it; called on the loop."""
        if job.state in {"done", "failed"}:
            files = job.files if job.state == "done" else None
            self._hub.say(
                "report",
                job=job.job,
                files=files,
                warnings=job.warnings,
                problem=job.problem,
            )
        else:
            self._hub.say("progress", job=job.job, fraction=job.fraction, text=job.text)

    def close(self) -> None:
        """Pass nothing more on from threads."""
        self._is_closed = True

    def _on_loop(self, call: Callable[[], None]) -> None:
        loop = self._loop
        if loop is None or loop.is_closed() or self._is_closed:
            return
        try:
            loop.call_soon_threadsafe(call)
        except RuntimeError:
            return  # it was closed just now
