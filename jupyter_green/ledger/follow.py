"""Follow a ledger while others write it: each poll reads only what has grown.

`LedgerFollower` is for whoever shows a ledger live, such as the server.  A poll asks
the file system for sizes, reads the new tails, and says which records are new or have
changed.  However it polls, what it has told comes to what `read_ledger` says of the
same files.

Imports `records` and the ledger's own modules; nothing of Jupyter.

    >>> follower = LedgerFollower([Path("/nowhere")])
    >>> follower.poll().ended, len(follower)
    ((), 0)
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from jupyter_green.ledger.contexts import AnyContext, Contexts, complete
from jupyter_green.ledger.folder import SUFFIX
from jupyter_green.ledger.lines import (
    Line,
    SessionLine,
    SlimDevice,
    SlimHost,
    SlimIntensity,
    SlimRecord,
    TagLine,
    parse_time,
)
from jupyter_green.ledger.merge import BEGIN, IsAlive, Merger, SessionKey
from jupyter_green.ledger.processes import is_alive as process_is_alive
from jupyter_green.ledger.reader import (
    MAX_WHY,
    why_bad,
    why_newer,
)
from jupyter_green.ledger.tail import Tail
from jupyter_green.ledger.totals import Totals, totals
from jupyter_green.records import Record

POLL_BYTES = 4 * 2**20  # read by one poll at most: a fraction of a second
MAX_TOLD = 1000  # problems that one poll tells

T = TypeVar("T")
Found = dict[Path, os.stat_result]
# File, offset and size of a line, and its context.


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a line stands.

    One is kept for each record, and it is no part of a ring: the garbage collector,
    which stops all threads, need not look at it.

    Attributes:
        tail: The file.
        offset: Bytes before the line.
        size: Bytes of the line.
        context: What the line refers to.
    """

    tail: Any
    offset: int
    size: int
    context: Any


@dataclass(frozen=True, slots=True)
class Changes:
    """What a poll has found.

    Attributes:
        ended: Records of runs that are over, new or different from what was told
            before: refined, tagged, or closed because their process was killed.
        running: All runs that go on, with their energy so far.  A run that was told as
            killed can be among them again, if its process was only silent.
        problems: What could not be used, one line each, each told once.
        behind: Bytes that are there and not read yet; poll again at once.  While it is
            not 0, `running` is what it was and no run is closed.
        is_reset: Whether what was told before is void, since a file was removed, cut or
            rewritten: all records are told anew, in this poll and the following ones.
    """

    ended: tuple[Record, ...] = ()
    running: tuple[Record, ...] = ()
    problems: tuple[str, ...] = ()
    behind: int = 0
    is_reset: bool = False


class LedgerFollower:
    """Remembers how far each file of some folders has been read, and what it holds.

    A poll that finds nothing new costs a listing of each folder and a ``stat`` of each
    file; one that does reads `POLL_BYTES` at most.  Of a record is kept what totals
    need and where its line stands, less than 2 kB; whole records are kept only of runs
    without an end.  Polls belong in a thread of their own, and no method may be called
    while another one runs.

    Args:
        folders: Folders of ``.jsonl`` files, or such files; they need not exist yet.
        clock: Gives the time by which silent processes of other hosts count as dead.
        is_alive: Says whether a session's process runs; None: it cannot be seen here.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        is_alive: IsAlive = process_is_alive,
    ) -> None:
        self._folders = tuple(dict.fromkeys(folders))
        self._clock = clock
        self._is_alive = is_alive
        self._decode = msgspec.json.Decoder(Line).decode
        self._problems: list[str] = []
        self._told: set[str] = set()  # of files and folders as a whole
        self._forget()

    def __len__(self) -> int:
        """Return how many records are known, running ones included."""
        return len(self._known.rows) + len(self._closed) + len(self._running)

    def poll(self, max_bytes: int = POLL_BYTES) -> Changes:
        """Read what is new.

        Args:
            max_bytes: Read no further than the line in which this many are reached.
        """
        self._problems = []
        found, unseen = self._find()
        is_reset = self._is_void(found, unseen)
        if is_reset:
            self._forget()
        behind = self._read(found, max_bytes)
        ended = self._changed()
        if not behind:
            ended += self._judge()
            self._report_torn(found)
        ended.sort(key=attrgetter("started_at", "id"))
        return Changes(
            ended=tuple(ended),
            running=self._running,
            problems=tuple(self._problems),
            behind=behind,
            is_reset=is_reset,
        )

    def totals(self, by: str | None = None, since: datetime | None = None) -> Totals:
        """Add up all records known, as `totals` does.

        Args:
            by: What to tell rows apart by, one of `GROUPINGS`.
            since: Leave out records that began earlier.

        Raises:
            LedgerError: *by* is none of `GROUPINGS`.
        """
        known = self._known
        rows = [known.tagged(row) for row in known.rows.values()]
        rows += map(known.slim, (*self._closed.values(), *self._running))
        if by == "device":
            # A device is called what its newest record calls it.
            rows.sort(key=lambda row: parse_time(row.started_at) or BEGIN)
        return totals(rows, by=by, since=since)

    def row(self, identifier: str) -> SlimRecord | None:
        """Return what totals need of a record; None if there is none."""
        row = self._known.rows.get(identifier)
        if row is not None:
            return row
        for record in (*self._running, *self._closed.values()):
            if record.id == identifier:
                return self._known.slim(record)
        return None

    def record(self, identifier: str) -> Record | None:
        """Return a record, read again from its file; None if there is none."""
        for record in (*self._running, *self._closed.values()):
            if record.id == identifier:
                return record
        place = self._known.places.get(identifier)
        return None if place is None else self._again(identifier, place)

    def _forget(self) -> None:
        self._tails: dict[Path, Tail] = {}
        self._sessions: dict[Path, SessionLine | None] = {}
        self._contexts: dict[Path, Contexts] = {}
        self._newer: set[Path] = set()
        self._torn_told: set[tuple[Path, int]] = set()
        self._known = _Known(self._clock(), self._is_alive)
        self._closed: dict[str, Record] = {}
        self._running: tuple[Record, ...] = ()

    def _find(self) -> tuple[Found, set[Path]]:
        """Return all files, each once, and the paths that could not be looked at."""
        found: Found = {}
        seen: set[tuple[int, int]] = set()
        unseen: set[Path] = set()
        for folder in self._folders:
            try:
                paths = list(_paths(folder))
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as err:
                unseen.add(folder)
                self._tell_once(f"{folder}: cannot be read: {err}")
                continue
            for path in paths:
                try:
                    info = path.stat()
                except FileNotFoundError:
                    continue  # removed just now, or a link that leads nowhere
                except OSError as err:
                    unseen.add(path)
                    self._tell_once(f"{path}: cannot be read: {err.strerror}")
                    continue
                if not stat.S_ISREG(info.st_mode):
                    self._tell_once(f"{path}: is no plain file")
                elif not info.st_ino or (info.st_dev, info.st_ino) not in seen:
                    seen.add((info.st_dev, info.st_ino))
                    found[path] = info
        return found, unseen

    def _is_void(self, found: Found, unseen: set[Path]) -> bool:
        for path, tail in self._tails.items():
            if path not in found:
                # A disk that does not answer has not lost its files.
                if not unseen & {path, path.parent}:
                    return True
                continue
            try:
                if tail.is_void(found[path]):
                    return True
            except OSError as err:
                self._tell_once(f"{path}: cannot be read: {err.strerror}")
        return False

    def _read(self, found: Found, max_bytes: int) -> int:
        """Read tails; return how many bytes are left."""
        behind = 0
        left = max_bytes
        for path, info in found.items():
            tail = self._tails.get(path)
            if tail is None:
                tail = self._tails[path] = Tail(path)
            if tail.is_new(info) and left > 0:
                begin = tail.offset
                try:
                    self._read_tail(tail, info, left)
                except OSError as err:
                    self._tell_once(f"{path}: cannot be read: {err.strerror}")
                    continue
                left -= tail.offset - begin
            if tail.is_new(info):
                behind += max(0, info.st_size - tail.offset)
        return behind

    def _read_tail(self, tail: Tail, info: os.stat_result, max_bytes: int) -> None:
        known, path = self._known, tail.path
        known.resume(self._sessions.get(path))
        contexts = self._contexts.setdefault(path, Contexts())
        for number, offset, chunk in tail.lines(info, max_bytes):
            if not chunk.strip():
                if not chunk:
                    self._report(path, number, "the line is too long to be one")
                continue
            try:
                line = contexts.take(self._decode(chunk))
            except (msgspec.MsgspecError, ValueError, RecursionError) as err:
                if (path, offset) not in self._torn_told:
                    self._report(path, number, why_bad(chunk, err))
                continue
            if contexts.problem:
                self._report(path, number, contexts.problem)
            known.place = Place(tail, offset, len(chunk), contexts.used)
            known.take(line)
            if path not in self._newer and (why := why_newer(line)):
                self._newer.add(path)
                self._report(path, number, why)
        self._sessions[path] = known.session

    def _changed(self) -> list[Record]:
        """Return ended records that are new or different, and take them as told."""
        known = self._known
        changed = dict(known.fresh)
        for identifier in known.retagged:
            place = known.places.get(identifier)
            if identifier not in changed and place is not None:
                record = self._again(identifier, place)
                if record is not None:
                    changed[identifier] = record
        known.fresh.clear()
        known.retagged.clear()
        return [known.tagged(record) for record in changed.values()]

    def _again(self, identifier: str, place: Place) -> Record | None:
        tail, offset, size = place.tail, place.offset, place.size
        context: AnyContext | None = place.context
        try:
            line = complete(self._decode(tail.line_at(offset, size)), context)
        except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as err:
            self._tell_once(f"{tail.path}: cannot be read again: {err}")
            return None
        record = getattr(line, "record", None)
        if not isinstance(record, Record) or record.id != identifier:
            return None  # the file was rewritten; the next poll sees that
        again: Record = self._known.tagged(record)
        return again

    def _judge(self) -> list[Record]:
        """Tell running from killed; return what was not told as killed before."""
        running: list[Record] = []
        closed: dict[str, Record] = {}
        for record in self._known.without_end(self._clock()):
            if record.status == "running":
                running.append(record)
            else:
                closed[record.id] = record
        news = [r for r in closed.values() if self._closed.get(r.id) != r]
        running.sort(key=attrgetter("started_at", "id"))
        self._running, self._closed = tuple(running), closed
        return news

    def _report_torn(self, found: Found) -> None:
        for path, tail in self._tails.items():
            mark = (path, tail.offset)
            if not tail.torn or path not in found or mark in self._torn_told:
                continue
            modified = datetime.fromtimestamp(found[path].st_mtime, UTC)
            self._known.resume(self._sessions.get(path))
            if not self._known.is_writing(modified):
                self._torn_told.add(mark)
                self._report(path, tail.line + 1, "the last line is torn")

    def _report(self, path: Path, line: int, why: str) -> None:
        if len(self._problems) < MAX_TOLD:
            self._problems.append(f"{path}, line {line}: {why[:MAX_WHY]}")

    def _tell_once(self, text: str) -> None:
        if text not in self._told and len(self._problems) < MAX_TOLD:
            self._told.add(text)
            self._problems.append(text)


class _Known(Merger[Record]):
    """Merges lines like any reader, and keeps little of each ended record.

    Attributes:
        rows: What totals need of each ended record, by id.
        places: Where the line of each stands.
        fresh: Ended records that have not been told.
        retagged: Ids whose purpose or label was given and has not been told.
        place: Where the next line stands.
    """

    place: Place

    def __init__(self, now: datetime, is_alive: IsAlive) -> None:
        super().__init__(now, is_alive)
        self.rows: dict[str, SlimRecord] = {}
        self.places: dict[str, Place] = {}
        self.fresh: dict[str, Record] = {}
        self.retagged: set[str] = set()
        self._ended: Any = self.rows  # of an ended run the merger asks `final` only
        self._same: dict[Any, Any] = {}

    def resume(self, session: SessionLine | None) -> None:
        """Go on with a file whose last session's line was this."""
        self.begin_file()
        self._session = session

    @property
    def session(self) -> SessionLine | None:
        """The last session's line of the current file."""
        return self._session

    def without_end(self, now: datetime) -> Iterable[Record]:
        """Yield runs without an end: running at that time, or killed."""
        self.now = now
        # A process that has ended stays so; others are asked again.
        dead: Mapping[SessionKey, bool | None] = self._answers
        self._answers = {key: answer for key, answer in dead.items() if answer is False}
        return (self.tagged(record) for record in self._open())

    def tagged(self, record: Any) -> Any:
        """Return a record with the newest word on its purpose and label."""
        return self._tagged(record)

    def slim(self, record: Record) -> SlimRecord:
        """Return what totals need of a record; what many have alike is one object."""
        same = self._once
        intensity, host = record.intensity, record.host
        return SlimRecord(
            id=record.id,
            duration_s=record.duration_s,
            devices=tuple(
                SlimDevice(
                    id=same(d.id),
                    method=same(d.method),
                    energy_j=d.energy_j,
                    uncertainty_j=d.uncertainty_j,
                    uncertainty_random_j=d.uncertainty_random_j,
                    name=same(d.name),
                )
                for d in record.devices
            ),
            started_at=record.started_at,
            # Totals look at it only where the begin is not known.
            ended_at="" if parse_time(record.started_at) else record.ended_at,
            status=same(record.status),
            final=record.final,
            label=same(record.label),
            purpose=same(record.purpose),
            parent=record.parent,
            notebook=same(record.notebook),
            intensity=None
            if intensity is None
            else same(
                SlimIntensity(
                    g_per_kwh=intensity.g_per_kwh,
                    low_g_per_kwh=intensity.low_g_per_kwh,
                    high_g_per_kwh=intensity.high_g_per_kwh,
                )
            ),
            pue=same(record.pue),
            host=None if host is None else same(SlimHost(id=host.id, name=host.name)),
        )

    def _keep(self, record: Record) -> None:
        self.rows[record.id] = self.slim(record)
        self.places[record.id] = self.place
        self.fresh[record.id] = record

    def _take_tag(self, line: TagLine) -> None:
        super()._take_tag(line)
        self.retagged.update(i for i in line.records if i in self.rows)

    def _once(self, value: T) -> T:
        same: T = self._same.setdefault(value, value)
        return same


def _paths(folder: Path) -> Iterator[Path]:
    if folder.suffix == SUFFIX and folder.is_file():
        yield folder
        return
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if entry.name.endswith(SUFFIX))
    yield from (folder / name for name in names)
