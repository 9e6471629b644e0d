"""A window and the clock that stamps it.  Imports `records`, `sampler`."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jupyter_green.records import Record
from jupyter_green.sampler import Awaited, Edge, Sample

Awaitable = Mapping[str, Awaited]


@dataclass(frozen=True, slots=True)
class WallClock:
    """One pair of UTC and monotonic time, so that later clock steps change nothing."""

    utc: datetime
    monotonic_ns: int

    @classmethod
    def now(cls, clock: Callable[[], int] = time.monotonic_ns) -> WallClock:
        """Take the pair now."""
        return cls(datetime.now(UTC), clock())

    def stamp(self, t_ns: int) -> str:
        """Return the UTC time of a monotonic time as ISO 8601 with milliseconds."""
        moment = self.utc + timedelta(microseconds=(t_ns - self.monotonic_ns) / 1000)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_NEVER = Sample(0, {})  # until the window's first sample is taken


class Window:
    """A stretch of time being metered.

    Attributes:
        record: The newest state of its record.
        begin: The sample at its start.
        end: The sample at its end; None while it is open.
        edges: What is awaited around its start and its end, by device.
        parent: The window of the same thread that was open when it began.
        is_part: It ends with the window around it at the latest.
        pid: The process that began it: in a forked child it is only a copy.
    """

    def __init__(
        self, record: Record, parent: Window | None, *, is_part: bool = False
    ) -> None:
        self.record = record
        self.is_part = is_part
        self.begin = _NEVER
        self.parent = parent
        self.pid = os.getpid()
        self.end: Sample | None = None
        self.edges: tuple[Awaitable, Awaitable] = ({}, {})
        self._final = threading.Event()
        self._guard = threading.Lock()
        self._is_over = False

    def __repr__(self) -> str:
        return f"<Window {self.record.label!r} {self.record.status}>"

    @property
    def id(self) -> str:
        """The id of the record."""
        return self.record.id

    @property
    def is_open(self) -> bool:
        """Whether the window has not been ended."""
        return self.end is None

    def interrupt(self, stop: Callable[[], None]) -> bool:
        """Call *stop* if the window's work still goes on; return whether it was called.

        The work cannot end meanwhile: what comes after it is never stopped in its
        place.
        """
        with self._guard:
            if self._is_over or not self.is_open:
                return False
            stop()
            return True

    def work_ends(self) -> None:
        """Say that the work is over, and only its record remains to be made."""
        with self._guard:
            self._is_over = True

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will be learned of its end."""
        return all(awaited.is_done for awaited in self.edges[1].values())

    def known_edges(self, device: str) -> tuple[Edge | None, Edge | None]:
        """Return what is known of a slow counter around the start and the end."""
        first, last = (edges.get(device) for edges in self.edges)
        return (first.edge if first else None, last.edge if last else None)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the record is final; return whether it is."""
        return self._final.wait(timeout_s)

    def update(self, record: Record) -> None:
        """Put the newest state of the record in place."""
        self.record = record
        if record.final:
            self._final.set()
