"""A window and the clock that stamps it.  Imports `records`, `sampler`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jupyter_green.records import Record
from jupyter_green.sampler import Sample


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


class Window:
    """A stretch of time being metered.

    Attributes:
        record: The newest state of its record.
        begin: The sample at its start.
        end: The sample at its end; None while it is open.
        parent: The window of the same thread that was open when it began.
    """

    def __init__(self, record: Record, begin: Sample, parent: Window | None) -> None:
        self.record = record
        self.begin = begin
        self.parent = parent
        self.end: Sample | None = None
        self._final = threading.Event()

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

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the record is final; return whether it is."""
        return self._final.wait(timeout_s)

    def update(self, record: Record) -> None:
        """Put the newest state of the record in place."""
        self.record = record
        if record.final:
            self._final.set()
