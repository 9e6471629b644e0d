"""Make one record of all lines that speak of it, in whatever files they stand.

The newest word counts: a final end before a provisional one, an end before heartbeats.
A start without an end is an orphan: it runs, or it was killed and is closed from its
last heartbeat.  Copies of a file change nothing.  Imports the ledger's lines only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import msgspec

from jupyter_green.ledger.lines import (
    EndLine,
    HeartbeatLine,
    SessionLine,
    SlimRecord,
    StartLine,
    TagLine,
    parse_time,
)
from jupyter_green.records import Record

R = TypeVar("R", Record, SlimRecord)

FROM_HEARTBEAT = "closed-from-heartbeat"
NO_HEARTBEAT = "killed before the first heartbeat"
SIGNS_MISSED = (
    3  # heartbeats that a process elsewhere may miss before it counts as dead
)
HEARTBEAT_S = 10.0  # of a file whose session's line is lost
BEGIN = datetime.min.replace(tzinfo=UTC)

SessionKey = tuple[str, int]
IsAlive = Callable[[SessionLine], bool | None]


class Merger(Generic[R]):
    """Collect lines and give records.

    Args:
        now: The time by which a silent process of another host counts as dead.
        is_alive: Says whether a session's process runs; None: it cannot be seen here.

    Attributes:
        now: That time.
        sessions: The sessions by id.
        duplicates: Records that stood, ended, in more than one file.
    """

    def __init__(self, now: datetime, is_alive: IsAlive) -> None:
        self.sessions: dict[str, SessionLine] = {}
        self.duplicates = 0
        self.now = now
        self._ask = is_alive
        self._answers: dict[SessionKey, bool | None] = {}
        self._ended: dict[str, R] = {}
        self._ended_here: set[str] = set()
        self._started: dict[str, tuple[R, SessionLine | None]] = {}
        self._beats: dict[str, HeartbeatLine[Any]] = {}
        self._tags: dict[tuple[str, str], tuple[datetime, str]] = {}
        self._session: SessionLine | None = None

    def begin_file(self) -> None:
        """Note that the next lines come from another file."""
        self._session = None
        self._ended_here.clear()

    def take(self, line: Any) -> None:
        """Take one decoded line of the current file."""
        kind = type(line)
        if kind is EndLine:
            self._take_end(line.record)
        elif kind is StartLine:
            record = line.record
            if record.id not in self._ended:
                self._started.setdefault(record.id, (record, self._session))
        elif kind is HeartbeatLine:
            self._take_beat(line)
        elif kind is TagLine:
            self._take_tag(line)
        elif kind is SessionLine:
            self._session = self.sessions[line.id] = line

    def is_writing(self, modified: datetime | None) -> bool:
        """Say whether the current file's process may be in the middle of a line."""
        return self._is_running(self._session, modified)

    @property
    def tags(self) -> dict[tuple[str, str], str]:
        """The newest word on each record's purpose and label."""
        return {key: value for key, (_, value) in self._tags.items()}

    def records(self, since: datetime | None) -> list[R]:
        """Return all records that began at *since* or later, oldest first."""
        found: list[tuple[datetime, int, R]] = []
        for record in self._all():
            began = parse_time(record.started_at)
            # A record that does not say when it began cannot be left out.
            if since is None or began is None or began >= since:
                found.append((began or BEGIN, len(found), self._tagged(record)))
        found.sort(key=_order)
        return [record for *_, record in found]

    def _all(self) -> Iterable[R]:
        yield from self._ended.values()
        yield from self._open()

    def _open(self) -> Iterable[R]:
        """Yield the runs without an end: running, or killed and closed."""
        for identifier, (record, session) in self._started.items():
            beat = self._beats.get(identifier)
            last_sign = beat.at if beat else record.started_at
            if self._is_running(session, parse_time(last_sign)):
                yield _running(record, beat)
            else:
                yield _killed(record, beat)

    def _take_end(self, record: R) -> None:
        identifier = record.id
        before = self._ended.get(identifier)
        if before is None:
            self._started.pop(identifier, None)
            self._beats.pop(identifier, None)
        elif identifier not in self._ended_here:
            self.duplicates += 1
        self._ended_here.add(identifier)
        # A stale copy can hold the provisional end of what is final elsewhere.
        if before is None or record.final or not before.final:
            self._keep(record)

    def _keep(self, record: R) -> None:
        """Keep what is known best of an ended run."""
        self._ended[record.id] = record

    def _take_beat(self, line: HeartbeatLine[Any]) -> None:
        before = self._beats.get(line.record)
        if line.record not in self._ended and (
            before is None or line.duration_s >= before.duration_s
        ):
            self._beats[line.record] = line

    def _take_tag(self, line: TagLine) -> None:
        time = parse_time(line.at) or BEGIN
        for name, value in (("purpose", line.purpose), ("label", line.label)):
            if value is None:
                continue
            for identifier in line.records:
                key = (identifier, name)
                if key not in self._tags or self._tags[key][0] <= time:
                    self._tags[key] = (time, value)

    def _tagged(self, record: R) -> R:
        if not self._tags:
            return record
        given = {
            name: self._tags[record.id, name][1]
            for name in ("purpose", "label")
            if (record.id, name) in self._tags
        }
        return msgspec.structs.replace(record, **given) if given else record

    def _is_running(self, session: SessionLine | None, seen: datetime | None) -> bool:
        if session is not None:
            key = (session.id, session.pid)
            if key not in self._answers:
                self._answers[key] = self._ask(session)
            answer = self._answers[key]
            if answer is not None:
                return answer
        silence_s = SIGNS_MISSED * (session.heartbeat_s if session else HEARTBEAT_S)
        return seen is not None and self.now - seen < timedelta(seconds=silence_s)


def _order(entry: tuple[datetime, int, Any]) -> tuple[datetime, int]:
    return entry[:2]


def _running(start: R, beat: HeartbeatLine[Any] | None) -> R:
    so_far = {"duration_s": beat.duration_s, "devices": beat.devices} if beat else {}
    return msgspec.structs.replace(start, status="running", final=False, **so_far)


def _killed(start: R, beat: HeartbeatLine[Any] | None) -> R:
    if beat is not None:
        return msgspec.structs.replace(
            start,
            status="killed",
            final=True,
            ended_at=beat.at,
            duration_s=beat.duration_s,
            devices=beat.devices,
            flags=(*start.flags, FROM_HEARTBEAT),
        )
    return msgspec.structs.replace(
        start,
        status="killed",
        final=True,
        ended_at=start.started_at,
        duration_s=0.0,
        devices=tuple(_unmeasured(device) for device in start.devices),
        flags=(*start.flags, FROM_HEARTBEAT, NO_HEARTBEAT.replace(" ", "-")),
    )


def _unmeasured(device: Any) -> Any:
    nothing = dict.fromkeys(("energy_j", "uncertainty_j", "uncertainty_random_j"))
    # The slim form has no reason, since totals print none.
    reason = {"reason": NO_HEARTBEAT} if hasattr(device, "reason") else {}
    return msgspec.structs.replace(device, **nothing, **reason)
