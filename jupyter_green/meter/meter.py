"""Meter pieces of work: a window is the difference of two samples.

    with Meter(devices=[...]) as meter:
        window = meter.begin("train")
        record = meter.end(window)

Windows nest and overlap freely, on any thread.  A record says by device what was
measured, how and how well; its states (running, provisional, final) go to a journal.

Imports `sampler`, `devices`, `records`, `units`, `errors`.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol, Self

import msgspec

from jupyter_green.devices.device import Device, Occupancy, Occupied
from jupyter_green.errors import MeterError
from jupyter_green.meter.difference import device_record, was_suspended
from jupyter_green.meter.edges import Habit
from jupyter_green.meter.synchronise import synchronise
from jupyter_green.meter.window import WallClock, Window
from jupyter_green.records import PURPOSES, Curve, DeviceRecord, Record
from jupyter_green.sampler import PATIENCE, Edge, Sample, Sampler, power_between
from jupyter_green.units import NS_PER_S, s_from_ns

CURVE_POINTS = 48
# Cells that follow each other this closely are one load with pauses.
LONGEST_BREAK_NS = NS_PER_S // 20
KEPT_BREAKS = 32
# Process lists cost more than a counter and tell nothing of shorter windows.
LEAST_OCCUPANCY_S = 0.2
# Utilisation is sampled each 1/6 to 1 s: a shorter window's is not known.
LEAST_BUSY_S = 0.3
# A curve of fewer points says nothing that the mean does not say.
CURVE_LEAST = 3
# A step of the curve holds a whole number of a slow counter's moves, which is one more
# or one less than its time: of so many moves that is a tenth.  docs/method.md says from
# which length on a cell has a curve.
CURVE_MOVES = 10
# Waiting for GPUs that have nothing to do takes less.
AT_ONCE_NS = NS_PER_S // 5000
# About what telling the journal takes.
JOURNAL_S = 0.0005


class Journal(Protocol):
    """Where the states of a record go."""

    def started(self, record: Record) -> None:
        """Take a record whose work begins."""

    def progressed(self, record: Record) -> None:
        """Take the figures so far of a record whose work goes on."""

    def ended(self, record: Record) -> None:
        """Take a record whose work ended; called again when it becomes final."""


class Meter:
    """Meter windows on a set of devices.

    Args:
        devices: What to read.
        sampler: A sampler to share instead of one of its own; it has the devices.
        journal: Takes every state of every record.
        enrich: Adds what the meter does not know (intensity, host, notebook ...).
        heartbeat_s: Seconds between `Journal.progressed` while a window is open.
        synchronise: Waits for asynchronous GPU work; returns what failed.
        own_pids: Returns the processes whose use of a shared device is the user's own.
        sampler_options: Arguments for the sampler it builds.
    """

    def __init__(
        self,
        devices: Iterable[Device] = (),
        *,
        sampler: Sampler | None = None,
        journal: Journal | None = None,
        enrich: Callable[[Record], Record] = lambda record: record,
        heartbeat_s: float = 10.0,
        own_pids: Callable[[], frozenset[int]] | None = None,
        synchronise: Callable[[], list[str]] = synchronise,
        **sampler_options: Any,
    ) -> None:
        self.sampler = sampler or Sampler(
            devices, **{"counts_busy": True, **sampler_options}
        )
        self._own_sampler = sampler is None
        self._journal = journal
        self._own_pids = own_pids
        self._synchronise = synchronise
        self._enrich = enrich
        self._heartbeat_ns = round(heartbeat_s * NS_PER_S)
        self.wall = WallClock.now(self.sampler.clock)
        self._lock = threading.RLock()
        self._open: dict[str, Window] = {}
        self._beats: dict[str, int] = {}
        self._settling: dict[str, Window] = {}
        self._breaks: deque[tuple[int, int]] = deque(maxlen=KEPT_BREAKS)
        self._habits = {d.about.id: Habit() for d in self.sampler.devices}
        self._last_end_ns: int | None = None
        self._stacks = threading.local()
        self._closed = False
        self._pid = os.getpid()
        self.baseline_w: dict[str, tuple[float, float]] = {}
        self.sampler.subscribe(self._on_sample)
        self.sampler.on_edges(self._finish_done)
        self.sampler.learn()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices it reads."""
        return self.sampler.devices

    @property
    def open_windows(self) -> tuple[Window, ...]:
        """The windows that were begun and not ended, oldest first."""
        self._own_process()
        with self._lock:
            return tuple(self._open.values())

    @property
    def innermost(self) -> Window | None:
        """This thread's window that the next one will be part of."""
        self._own_process()
        return self._innermost()

    def begin(
        self,
        label: str = "",
        *,
        purpose: str | None = None,
        is_part: bool = False,
        **known: Any,
    ) -> Window:
        """Open a window now.

        Args:
            label: A name for the work.
            purpose: One of `records.PURPOSES`, or None: untagged.
            is_part: End it with the window around it, should nobody do so before.
            known: Further fields of the record that are known now.

        Raises:
            MeterError: The purpose is not one of `records.PURPOSES`.
        """
        if purpose is not None and purpose not in PURPOSES:
            raise MeterError(
                f"there is no purpose {purpose!r}",
                remedy=f"Choose one of {', '.join(PURPOSES)}",
            )
        self._own_process()
        parent = self._innermost()
        identifier = uuid.uuid4().hex
        record = Record(
            id=identifier,
            duration_s=0.0,
            devices=(),
            started_at=self.wall.stamp(self.sampler.clock()),
            status="running",
            final=False,
            label=label,
            purpose=purpose,
            parent=parent.id if parent else None,
            **known,
        )
        window = Window(self._enrich(record), parent, is_part=is_part)
        is_held = False
        self._stack().append(window)
        try:
            if self._journal:
                self._journal.started(window.record)
            self._wait_for_gpus()
            self.sampler.hold(wakes=False)
            is_held = True
            # The window's own time begins with the last reading: nothing is done after
            # it that could as well be done before.
            rested = not self._open
            begin = self.sampler.sample(after_rest=rested)
            window.edges = (self.sampler.await_edges(begin.t_ns), {})
            with self._lock:
                self._note_break(begin.t_ns)
                self._open[identifier] = window
                self._beats[identifier] = begin.t_ns + self._heartbeat_ns
                window.begin = replace(begin, t_ns=self.sampler.clock())
        except BaseException as err:  # an interrupt: nobody will end this window
            if is_held:
                self.sampler.release()
            self._abandon(window, err)
            raise
        return window

    def end(
        self,
        window: Window,
        *,
        wait: bool = True,
        status: str = "ok",
        afterwards: Callable[[], Mapping[str, Any]] = dict,
        **known: Any,
    ) -> Record:
        """Close *window* and return its record.

        Args:
            window: An open window of this meter.
            wait: Wait for the final record (one update period of the slowest counter
                at most, and once on a machine for its processor's TDP); False: return
                a provisional one at once, the final record follows by itself.
            status: ``ok``, ``error`` or ``interrupted``.
            afterwards: Called when the window is over, so that nothing of it is
                metered; returns further fields of the record.
            known: Further fields of the record that are known now.

        A forked child leaves the window to its parent: there nothing happens.

        Raises:
            KeyboardInterrupt: The wait for GPU work was interrupted; the record is
                kept, as ``interrupted``.
            MeterError: The window was ended before or belongs to another meter.
        """
        self._own_process()
        if window.pid != self._pid:
            return window.record
        interrupt = None
        moment_ns = self.sampler.clock()
        try:
            window.work_ends()
            self.end_parts(window)
            moment_ns = self.sampler.clock()
            self._wait_for_gpus()
        except KeyboardInterrupt as err:
            # Waiting for what the work has queued can take long.  The work itself is
            # over: left open, the window would be around all that this thread does.
            interrupt, status = err, "interrupted"
            known = {**known, "error": type(err).__name__}
        if self.sampler.clock() - moment_ns > AT_ONCE_NS:
            moment_ns = self.sampler.clock()  # there was work to wait for
        end = self.sampler.sample(at_end=True, moment_ns=moment_ns)
        with self._lock:
            if self._open.pop(window.id, None) is None:
                raise MeterError(
                    f"the window {window.record.label!r} is not open here",
                    why="it was ended before, or another meter opened it",
                )
            self._beats.pop(window.id, None)
            window.end = end
            self._last_end_ns = end.t_ns
        self._unstack(window)
        if window.parent is not None and not window.parent.is_open:
            # It outlived the window around it: then neither contains the other.
            known = {
                "parent": None,
                "flags": (*window.record.flags, "overlap"),
                **known,
            }
        window.edges = (
            window.edges[0],
            self.sampler.await_edges(
                end.t_ns, patience=PATIENCE if wait else None, releases=True
            ),
        )
        known = {**known, **afterwards()}
        final = not window.edges[1]
        record = self._measured(window, end, status=status, final=final, **known)
        self._publish(window, record)
        if not final:
            with self._lock:
                self._settling[window.id] = window
            if wait and interrupt is None:
                self.settle()
        if interrupt is not None:
            raise interrupt
        return window.record

    def end_parts(self, around: Window | None = None) -> None:
        """End the parts that work which failed has left open on this thread.

        Args:
            around: Only those inside this window; None: all.
        """
        for part in reversed(self._stack()):
            if part is around:
                break  # what is inside it was begun after it
            if part.is_part and part.is_open and _is_within(part, around):
                flags = (*part.record.flags, "left-early")
                # Another thread may have ended it this moment.
                with suppress(MeterError):
                    self.end(part, wait=False, status="interrupted", flags=flags)

    @contextmanager
    def window(
        self, label: str = "", *, purpose: str | None = None, wait: bool = False
    ) -> Iterator[Window]:
        """Meter the body of a ``with`` statement, also when it raises."""
        window = self.begin(label, purpose=purpose)
        try:
            yield window
        except KeyboardInterrupt:
            self.end(window, wait=wait, status="interrupted", error="KeyboardInterrupt")
            raise
        except BaseException as err:
            self.end(window, wait=wait, status="error", error=type(err).__name__)
            raise
        else:
            self.end(window, wait=wait)

    def settle(self, timeout_s: float = 10.0) -> bool:
        """Wait until every ended window is final; return whether that came true."""
        # The deadline is a person's: real time, whatever clock the sampler has.
        deadline_s = time.monotonic() + timeout_s
        self._own_process()
        while True:
            with self._lock:
                waiting = list(self._settling.values())
            if not waiting:
                return True
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            if waiting[0].wait(left_s):
                # It is final, and being told to the journal this very moment.
                time.sleep(JOURNAL_S)

    def close(self) -> None:
        """End what is open as interrupted, settle, and stop the background thread."""
        if self._closed:
            return
        self._closed = True
        for window in self.open_windows:
            # Its own thread may have ended it meanwhile.
            with suppress(MeterError):
                self.end(window, wait=False, status="interrupted", error="meter closed")
        self.settle()
        if self._own_sampler:
            self.sampler.close()

    def so_far(self, window: Window, sample: Sample | None = None) -> Record:
        """Return the record of an open window as of now, status ``running``.

        Args:
            window: An open window of this meter.
            sample: A sample that was taken since it began; None: take one now.
        """
        if sample is None:
            sample = self.sampler.sample()
        return self._measured(window, sample, status="running")

    def _wait_for_gpus(self) -> None:
        for failure in self._synchronise():
            self.sampler.warn(failure)

    def _abandon(self, window: Window, err: BaseException) -> None:
        """End a window whose work never began."""
        with self._lock:
            self._open.pop(window.id, None)
            self._beats.pop(window.id, None)
        self._unstack(window)
        window.end = Sample(self.sampler.clock(), {})
        record = msgspec.structs.replace(
            window.record,
            ended_at=self.wall.stamp(window.end.t_ns),
            status="interrupted",
            final=True,
            error=type(err).__name__,
        )
        # What is on its way is the reason, not what may fail here too.
        with suppress(Exception):
            self._publish(window, record)

    def _note_break(self, begin_ns: int) -> None:
        """Remember the time since the last window's end if it is short."""
        if self._last_end_ns and begin_ns - self._last_end_ns < LONGEST_BREAK_NS:
            self._breaks.append((self._last_end_ns, begin_ns))

    def _on_sample(self, sample: Sample) -> None:
        with self._lock:
            due = [i for i, t_ns in self._beats.items() if t_ns <= sample.t_ns]
            for identifier in due:
                self._beats[identifier] = sample.t_ns + self._heartbeat_ns
            # A window inside another is part of it: its own end line will do.
            windows = [w for i in due if (w := self._open.get(i)) and not w.parent]
        for window in windows:
            record = self._measured(window, sample, status="running")
            with self._lock:
                if not window.is_open:
                    continue  # ended meanwhile: its end is the newer state
                window.update(record)
                if self._journal:
                    self._journal.progressed(record)

    def _finish_done(self) -> None:
        """Make the ended windows final whose edges are all known, or never will be."""
        with self._lock:
            done = [w for w in self._settling.values() if w.is_settled]
        for window in done:
            try:
                self._publish(window, self._finalised(window))
            finally:
                # Only now: who waits for it to settle may rely on the journal too.
                with self._lock:
                    self._settling.pop(window.id, None)

    def _finalised(self, window: Window) -> Record:
        if window.end is None:
            return window.record
        occupied = self._occupancies(window.record.duration_s)
        devices = self._devices(window, window.end, occupied, final=True)
        return msgspec.structs.replace(window.record, devices=devices, final=True)

    def _occupancies(self, duration_s: float) -> dict[str, Occupancy | None]:
        """Ask the devices that can tell who used them; not for every short cell."""
        if self._own_pids is None or duration_s < LEAST_OCCUPANCY_S:
            return {}
        try:
            own_pids = self._own_pids()
            return {
                device.about.id: device.occupancy(own_pids)
                for device in self.sampler.devices
                if isinstance(device, Occupied)
            }
        # Whatever fails here, the figure itself stands and has to become final.
        except Exception as err:  # noqa: BLE001
            self.sampler.warn(f"who uses the GPUs cannot be read: {err}")
            return {}

    def _devices(
        self,
        window: Window,
        end: Sample,
        occupied: Mapping[str, Occupancy | None] = MappingProxyType({}),
        *,
        final: bool = False,
    ) -> tuple[DeviceRecord, ...]:
        begin, end = self.sampler.recalled(window.begin), self.sampler.recalled(end)
        begin_ns, end_ns = begin.t_ns, end.t_ns
        is_long = end_ns - begin_ns >= LEAST_BUSY_S * NS_PER_S
        # Asking costs some calls: once for a window that ends, when all is known.
        asks = is_long and (final or window.is_open)
        busy_s = self.sampler.busy_s(begin_ns, end_ns) if asks else {}
        return tuple(
            device_record(
                device.about,
                begin,
                end,
                idle=self.baseline_w.get(device.about.id),
                ends=self._edges(window, device.about.id, final=final),
                breaks=tuple(self._breaks),
                occupancy=occupied.get(device.about.id),
                habit=self._habits[device.about.id],
                busy_s=busy_s.get(device.about.id),
                final=final,
            )
            for device in self.sampler.devices
        )

    def _edges(
        self, window: Window, identifier: str, *, final: bool
    ) -> tuple[Edge | None, Edge | None]:
        first, last = window.known_edges(identifier)
        begun = window.edges[0].get(identifier)
        if final and begun and begun.is_done and not first and last:
            first = self.sampler.edge(identifier, begun.t_ns)
        return first, last

    def _measured(
        self,
        window: Window,
        end: Sample,
        *,
        status: str,
        final: bool = False,
        **known: Any,
    ) -> Record:
        begin = window.begin
        duration_ns = max(0, end.t_ns - begin.t_ns)
        flags = known.pop("flags", window.record.flags)
        if was_suspended(begin, end):
            flags = (*flags, "suspended")
        return msgspec.structs.replace(
            window.record,
            duration_s=s_from_ns(duration_ns),
            ended_at=self.wall.stamp(begin.t_ns + duration_ns),
            devices=self._devices(window, end, final=final),
            status=status,
            final=final,
            curve=self._curve(begin, end),
            overhead_s=s_from_ns(begin.cost_ns + end.cost_ns),
            flags=flags,
            **known,
        )

    def _curve(self, begin: Sample, end: Sample) -> Curve | None:
        inner = self.sampler.history.between(begin.t_ns, end.t_ns)
        least_ns = max(
            (end.t_ns - begin.t_ns) // CURVE_POINTS,
            round(CURVE_MOVES * self._slowest_s(end) * NS_PER_S),
        )
        steps = tuple(power_between(inner, least_ns))
        if len(steps) < CURVE_LEAST:
            return None
        return Curve(
            t_s=tuple(round(s_from_ns(t_ns - begin.t_ns), 3) for t_ns, _ in steps),
            power_w=tuple(round(power_w, 2) for _, power_w in steps),
        )

    def _slowest_s(self, end: Sample) -> float:
        """Return the longest time between two moves of a counter in the curve.

        A gauge is integrated: its joules do not move in steps.  A device that could not
        be read up to the window's end adds nothing to the curve.
        """
        abouts = (device.about for device in self.devices)
        return max(
            (
                about.update_period_s
                for about in abouts
                if about.resolution_j is not None and about.id in end.levels
            ),
            default=0.0,
        )

    def _publish(self, window: Window, record: Record) -> None:
        window.update(record)
        if self._journal:
            self._journal.ended(record)

    def _own_process(self) -> None:
        """Begin anew in a forked child: what is open is its parent's to end.

        The windows of this thread stay those around what begins here.
        """
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._lock = threading.RLock()
            self._open, self._beats, self._settling = {}, {}, {}
            self._last_end_ns = None

    def _stack(self) -> list[Window]:
        if not hasattr(self._stacks, "windows"):
            self._stacks.windows = []
        stack: list[Window] = self._stacks.windows
        return stack

    def _innermost(self) -> Window | None:
        stack = self._stack()
        while stack and not stack[-1].is_open:
            stack.pop()
        return stack[-1] if stack else None

    def _unstack(self, window: Window) -> None:
        stack = self._stack()
        if window in stack:
            stack.remove(window)


def _is_within(window: Window, around: Window | None) -> bool:
    within: Window | None = window
    while within is not None and within is not around:
        within = within.parent
    return within is around
