"""Follow a ledger for the clients, on a thread of its own.

The event loop never waits for the ledger: it asks, waits a moment, and otherwise
answers with what is known so far and says that it is still reading.  A view is made for
each folder that the settings name, and forgotten when nobody has asked for a while.
Imports `ledger`, `records`, `budgets` and `scopes`.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from jupyter_green.ledger.follow import Changes, LedgerFollower
from jupyter_green.ledger.lines import SlimRecord, parse_time
from jupyter_green.ledger.rolling import Range, RollingTotals
from jupyter_green.ledger.totals import Totals
from jupyter_green.records import Record
from jupyter_green.server.budgets import MOST_BUDGETS, stamp
from jupyter_green.server.scopes import Group, Scope

T = TypeVar("T")

# An answer waits no longer for the ledger; then it is what is known so far.
PATIENCE_S = 0.02
# What was read less than this ago is the present, for a client that polls.
FRESH_S = 0.5
# One step on the thread takes so long: others' questions come in between.
STEP_S = 0.01
STEP_BYTES = (2**16, 2**21)
# The interpreter runs one thread at a time: long work lets the event loop go first.
REST_S = 1e-4
REST_ROWS = 64
# More news than this at once is told as "ask again".
MAX_PUSHED = 100
KEPT_PROBLEMS = 100
KEPT_SCOPES = 24 + MOST_BUDGETS
KEPT_LABELS = 1000
CURVE = ("curve",)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known of a ledger at one moment.

    Attributes:
        is_ready: Whether it was read to its end at least once.
        version: Grows with each change.
        runs: How many runs are known.
        running: Those that go on.
        problems: The newest of what could not be read.
        problem_count: All of it.
        fault: Why the folder cannot be followed at all; empty if it can.
    """

    is_ready: bool = False
    version: int = 0
    runs: int = 0
    running: tuple[Record, ...] = ()
    problems: tuple[str, ...] = ()
    problem_count: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """What a step of reading has brought.

    Attributes:
        records: New and changed records, unless there are too many to tell each.
        is_changed: Whether totals are others now.
        is_running_changed: Whether the runs that go on are others, or have told more.
        is_budgets_changed: Whether budgets were set, changed or taken away.
        problems: What could not be read.
    """

    records: tuple[Record, ...] = ()
    is_changed: bool = False
    is_running_changed: bool = False
    is_budgets_changed: bool = False
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """An answer, and whether it is of the whole ledger as it is now."""

    value: T | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class ScopeTotals:
    """Totals of a scope."""

    totals: Totals
    co2e_range: Range | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, newest first, as JSON, and whether there are older ones."""

    records: tuple[msgspec.Raw, ...]
    has_more: bool


class LedgerView:
    """One ledger, followed.

    All but the constructor is called on the event loop.

    Args:
        folder: The ledger.
        tell: Called on the event loop with news.
        follower: Reads the ledger; None: as it stands in *folder*.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        folder: Path,
        *,
        tell: Callable[[News], None] = lambda _: None,
        follower: LedgerFollower | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self.asked_s = clock()
        self.snapshot = Snapshot()
        self._tell = tell
        self._clock = clock
        if follower is None:
            follower = LedgerFollower([folder])
        self._reader = _Reader(follower, folder)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="jupyter-green-ledger")
        self._polling: asyncio.Task[None] | None = None
        self._read_s = float("-inf")
        self._totals: OrderedDict[tuple[str, ...], tuple[int, ScopeTotals]] = (
            OrderedDict()
        )
        self._summing: dict[tuple[str, ...], asyncio.Task[None]] = {}
        self._is_closed = False

    def refresh(self) -> asyncio.Task[None]:
        """Read what is new, on the thread; a reading that goes on is not doubled."""
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())
        return self._polling

    async def fresh(self, patience_s: float = PATIENCE_S) -> Snapshot:
        """Return what is known, read anew if that is quick."""
        self.asked_s = self._clock()
        if self.asked_s - self._read_s > FRESH_S and not self._is_closed:
            is_under_way = self._polling is not None and not self._polling.done()
            task = self.refresh()
            # Whoever asks first waits a moment; a long reading is not waited for.
            if not is_under_way:
                await asyncio.wait({task}, timeout=patience_s)
        return self.snapshot

    async def totals(self, scope: Scope) -> Answer[ScopeTotals]:
        """Return the totals of a scope."""
        snapshot = await self.fresh()
        known = self._totals.get(scope.key)
        if known and known[0] == snapshot.version:
            return Answer(known[1], snapshot.is_ready)
        if snapshot.is_ready and not self._is_closed:
            task = self._summing.get(scope.key)
            if task is None:
                task = asyncio.create_task(self._sum(scope))
                self._summing[scope.key] = task
            done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
            known = self._totals.get(scope.key)
            if done and known:
                return Answer(known[1], is_current=True)
            task.add_done_callback(lambda _: self._tell(News(is_changed=True)))
        return Answer(known[1] if known else None, is_current=False)

    async def page(self, scope: Scope, limit: int, before: str) -> Answer[Page]:
        """Return the newest *limit* records of a scope that began before a time."""
        snapshot = await self.fresh()
        if not snapshot.is_ready or self._is_closed:
            return Answer(None, is_current=False)
        before_s = _seconds(before) if before else float("inf")
        return await self._soon(self._reader.page, scope, limit, before_s)

    async def notebooks_of(
        self, labels: frozenset[str]
    ) -> Answer[dict[str, frozenset[str]]]:
        """Return the notebooks whose runs have each of some labels."""
        snapshot = await self.fresh()
        if not snapshot.is_ready or self._is_closed:
            return Answer(None, is_current=False)
        return await self._soon(self._reader.notebooks_of, labels)

    async def record(self, identifier: str) -> Record | None:
        """Return a record by its id; waits for the ledger as long as it takes.

        None: there is none, or the view was closed meanwhile.
        """
        self.asked_s = self._clock()
        await self.refresh()
        if self._is_closed:
            return None
        work = self._call(self._reader.record, identifier)
        await asyncio.wait({work})
        return None if work.cancelled() else work.result()

    def close(self) -> None:
        """Follow no more."""
        self._is_closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _poll(self) -> None:
        while not self._is_closed:
            try:
                changes, news = await self._call(self._reader.step)
            except (RuntimeError, asyncio.CancelledError):
                return  # closed meanwhile
            self._note(changes, news)
            if not changes.behind:
                return

    def _note(self, changes: Changes, news: News) -> None:
        old = self.snapshot
        is_ready = (old.is_ready and not changes.is_reset) or not changes.behind
        problems = (*old.problems, *changes.problems)[-KEPT_PROBLEMS:]
        self.snapshot = replace(
            old,
            is_ready=is_ready,
            version=old.version + (news.is_changed or is_ready != old.is_ready),
            runs=self._reader.runs,
            running=changes.running,
            problems=() if changes.is_reset else problems,
            problem_count=old.problem_count + len(changes.problems),
        )
        self._read_s = self._clock()
        if not old.is_ready:
            # What was there before anybody looked is no news.
            news = replace(news, records=(), is_changed=is_ready)
        if news != News():
            self._tell(news)

    async def _sum(self, scope: Scope) -> None:
        version = self.snapshot.version
        try:
            found = await self._call(self._reader.totals, scope)
        except (RuntimeError, asyncio.CancelledError):
            return
        finally:
            self._summing.pop(scope.key, None)
        self._totals[scope.key] = (version, found)
        self._totals.move_to_end(scope.key)
        while len(self._totals) > KEPT_SCOPES:
            self._totals.popitem(last=False)

    async def _soon(self, work: Callable[..., T], *arguments: Any) -> Answer[T]:
        """Do something on the thread; what takes long is told to be asked again."""
        doing = self._call(work, *arguments)
        done, _ = await asyncio.wait({doing}, timeout=PATIENCE_S)
        if done and not doing.cancelled():
            return Answer(doing.result(), is_current=True)
        doing.add_done_callback(_forget)
        doing.add_done_callback(lambda _: self._tell(News(is_changed=True)))
        return Answer(None, is_current=False)

    def _call(self, work: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)


class _Reader:
    """What happens on a view's thread."""

    def __init__(self, follower: LedgerFollower, folder: Path) -> None:
        self._follower = follower
        self._folder = folder
        self._budgets_stamp = stamp(folder)
        # Notebooks by label, of the labels that were asked for.
        self._notebooks: dict[str, set[str]] = {}
        self._groups: dict[Group, list[tuple[float, str]]] = {}
        self._group_of: dict[str, Group] = {}
        self._same: dict[Group, Group] = {}
        self._running: dict[str, Record] = {}
        self._step_bytes = STEP_BYTES[0]
        self._rolling: OrderedDict[tuple[str, ...], tuple[Scope, RollingTotals]] = (
            OrderedDict()
        )

    @property
    def runs(self) -> int:
        """How many runs are known."""
        return len(self._follower)

    def step(self) -> tuple[Changes, News]:
        """Read some of what is new."""
        begun_s = time.perf_counter()
        changes = self._follower.poll(self._step_bytes)
        took_s = time.perf_counter() - begun_s
        least, most = STEP_BYTES
        if took_s > STEP_S:
            self._step_bytes = max(least, self._step_bytes // 2)
        elif changes.behind and took_s < STEP_S / 2:
            self._step_bytes = min(most, self._step_bytes * 2)
        if changes.is_reset:
            self._groups.clear()
            self._group_of.clear()
            self._rolling.clear()
            self._notebooks.clear()
            self._running = {}
        running = {record.id: record for record in changes.running}
        fresh = [r for r in running.values() if self._running.get(r.id) != r]
        is_running_changed = bool(fresh) or running.keys() != self._running.keys()
        self._running = running
        for record in (*changes.ended, *fresh):
            self._take(record)
        is_many = len(changes.ended) > MAX_PUSHED
        before, self._budgets_stamp = self._budgets_stamp, stamp(self._folder)
        news = News(
            records=() if is_many else changes.ended,
            is_changed=bool(changes.ended or fresh or changes.is_reset),
            is_running_changed=is_running_changed,
            is_budgets_changed=before != self._budgets_stamp,
            problems=changes.problems,
        )
        return changes, news

    def totals(self, scope: Scope) -> ScopeTotals:
        """Return the totals of a scope."""
        entry = self._rolling.get(scope.key)
        if entry is None:
            rolling = RollingTotals(self._is_known, _rest, scope.counts)
            rolling.fill(self._rows(scope))
            entry = self._rolling[scope.key] = (scope, rolling)
        self._rolling.move_to_end(scope.key)
        while len(self._rolling) > KEPT_SCOPES:
            self._rolling.popitem(last=False)
        rolling = entry[1]
        return ScopeTotals(rolling.totals(), rolling.co2e_range)

    def page(self, scope: Scope, limit: int, before_s: float) -> Page:
        """Return the newest records of a scope that began before a moment."""
        lists = [
            reversed(runs[: bisect_left(runs, (before_s,))])
            for group, runs in self._groups.items()
            if scope.has(group, runs[0][0])
        ]
        found: list[msgspec.Raw] = []
        for _, identifier in heapq.merge(*lists, reverse=True):
            record = self._follower.record(identifier)
            if record is None or record.status == "running":
                continue
            if len(found) == limit:
                return Page(tuple(found), has_more=True)
            found.append(encode_record(record))
        return Page(tuple(found), has_more=False)

    def notebooks_of(self, labels: frozenset[str]) -> dict[str, frozenset[str]]:
        """Return the notebooks whose runs have each of some labels, or had it."""
        if len(self._notebooks) > KEPT_LABELS:
            self._notebooks.clear()
        missing = {label: set[str]() for label in labels - self._notebooks.keys()}
        if missing:
            for group, runs in self._groups.items():
                for number, (_, identifier) in enumerate(runs):
                    if number % REST_ROWS == 0:
                        _rest()
                    row = self._follower.row(identifier)
                    if row is not None and row.label in missing:
                        missing[row.label].add(group.notebook)
            self._notebooks |= missing
        return {label: frozenset(self._notebooks[label]) for label in labels}

    def record(self, identifier: str) -> Record | None:
        """Return a record."""
        return self._follower.record(identifier)

    def _is_known(self, identifier: str) -> bool:
        return identifier in self._group_of

    def _rows(self, scope: Scope) -> Iterator[SlimRecord]:
        since_s = scope.since.timestamp() if scope.since else float("-inf")
        for group, runs in self._groups.items():
            if not scope.has(group, runs[0][0]):
                continue
            # A record that does not say when it began cannot be left out.
            undated = bisect_left(runs, (UNDATED_S + 1.0,))
            first = bisect_left(runs, (since_s,))
            chosen: Iterable[tuple[float, str]] = runs
            if first > undated:
                chosen = (*runs[:undated], *runs[first:])
            for number, (_, identifier) in enumerate(chosen):
                if number % REST_ROWS == 0:
                    _rest()
                row = self._follower.row(identifier)
                if row is not None:
                    yield row

    def _take(self, record: Record) -> None:
        """Put a record into the index and into the sums that hold it."""
        began_s = _seconds(record.started_at)
        if record.label in self._notebooks:
            self._notebooks[record.label].add(record.notebook)
        group = self._group_of.get(record.id)
        if group is None:
            group = Group(record.notebook, record.session)
            group = self._same.setdefault(group, group)
            self._group_of[record.id] = group
            runs = self._groups.setdefault(group, [])
            first_s = runs[0][0] if runs else began_s
            insort(runs, (began_s, record.id))
            if runs[0][0] < first_s:
                # Whose runs these are may be another's now.
                self._rolling.clear()
        if not self._rolling:
            return
        row = self._follower.row(record.id)
        first_s = self._groups[group][0][0]
        for key, (scope, rolling) in list(self._rolling.items()):
            since_s = scope.since.timestamp() if scope.since else float("-inf")
            if not scope.has(group, first_s) or UNDATED_S < began_s < since_s:
                continue
            if row is None or not rolling.put(row):
                del self._rolling[key]


UNDATED_S = -1e12  # before all dates that can be said


def _rest() -> None:
    time.sleep(REST_S)


def encode_record(record: Record) -> msgspec.Raw:
    """Return a record as JSON, without its curve, with the figures that derive."""
    bare = msgspec.structs.replace(record, curve=None)
    return msgspec.Raw(msgspec.json.encode(bare))


def _seconds(text: str) -> float:
    time_ = parse_time(text)
    return UNDATED_S if time_ is None else time_.timestamp()


def _forget(work: asyncio.Future[Any]) -> None:
    if not work.cancelled():
        work.exception()
