"""Read devices on demand, and in the background while something is metered.

Counters pass through and gauges are integrated, so that everything behind the sampler
only subtracts.  Between windows nothing runs: a background thread reads only while
somebody holds the sampler, and sleeps without a timer otherwise.

Imports `devices`, `units` and the other modules of this package.
"""

from __future__ import annotations

import logging
import math
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from jupyter_green.devices.device import Clock, Device, Worked
from jupyter_green.sampler.busy import BusyTime
from jupyter_green.sampler.history import History
from jupyter_green.sampler.sample import Edge, HostTimes, Sample
from jupyter_green.sampler.track import Track
from jupyter_green.units import NS_PER_S, s_from_ns

logger = logging.getLogger(__name__)

# While a tick is looked for, polls stand this far apart, or more where they are slow.
HUNT_NS = 500_000
CALLS_APART = 4
# Before the period is known every moment may be the one: polls stand farther apart.
SEARCH_NS = 2_000_000
# A history of the power grows by a reading each 10 to 20 ms.
HISTORY_NS = 10_000_000
# A tick that has not come after so many periods will not be waited for.
PATIENCE = 1.5
# So many periods make an unknown period well known.
LEARNING = 10
LONGEST_REST_NS = NS_PER_S // 2
# A figure that a lookup gives later is asked for this often, and for so long.
PENDING_NS = NS_PER_S // 20
LONGEST_PENDING_NS = 90 * NS_PER_S
# A reading that has not come back after so many seconds is not waited for.
HANGING_S = 5.0
# The same fault with other figures in it is the same fault.
_FIGURES = re.compile(r"\d+")


class Awaited:
    """An edge that becomes known with the next tick of a slow counter.

    Attributes:
        t_ns: The moment.
        edge: What is known around it; None until then, or if it never will be.
        is_done: Whether *edge* is final.
        look_ns: Of a reading that has no figure yet: when to look for it next; None:
            a tick is awaited.
    """

    def __init__(self, t_ns: int, until_ns: int) -> None:
        self.t_ns = t_ns
        self.until_ns = until_ns
        self.edge: Edge | None = None
        self.is_done = False
        self.look_ns: int | None = None


class Sampler:
    """Read devices on demand, and in the background while it is held.

    Args:
        devices: What to read; an id occurs once.
        clock: Monotonic nanoseconds.
        host_times: Reads the CPU times of the machine and of this process tree.
        interval_s: Seconds between background readings.
        on_problem: Called once for each new fault with one line of text.
        asleep_ns: Reads the cumulative time of system suspend.
        counts_busy: Ask the drivers in the background how busy the devices are, for
            `busy_s`: a call or two for each device twice a second or less.
    """

    def __init__(
        self,
        devices: Iterable[Device],
        *,
        clock: Clock = time.monotonic_ns,
        host_times: Callable[[], HostTimes | None] = lambda: None,
        interval_s: float = 0.1,
        on_problem: Callable[[str], None] = logger.warning,
        asleep_ns: Callable[[], int] | None = None,
        counts_busy: bool = False,
    ) -> None:
        self.clock = clock
        self.interval_s = interval_s
        self.history = History()
        self._tracks = {device.about.id: Track(device) for device in devices}
        self._busy = {
            identifier: BusyTime(track.device)
            for identifier, track in self._tracks.items()
            if counts_busy and isinstance(track.device, Worked)
        }
        self._host_times = host_times
        self._on_problem = on_problem
        self._asleep_ns = asleep_ns or _suspended_ns
        self._lock = threading.Lock()
        self._wake = threading.Condition()
        self._listeners: list[Callable[[Sample], None]] = []
        self._holders = 0
        self._warned: set[str] = set()
        self._awaited: list[tuple[Track, Awaited]] = []
        self._edge_listeners: list[Callable[[], None]] = []
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        self._closed = False
        self._asked = ""
        self._urgent = 0
        self._is_hanging = False

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices, in the order given."""
        return tuple(track.device for track in self._tracks.values())

    def sample(
        self,
        *,
        at_end: bool = False,
        after_rest: bool = False,
        with_host: bool = True,
        moment_ns: int | None = None,
    ) -> Sample:
        """Read every device now.  Never raises for a device.

        Args:
            at_end: The moment meant is before the readings and not after them: fast
                counters are read next to it, slow ones are corrected for it.
            after_rest: Nothing was metered since the reading before: the power since
                then is that from before the work.
            with_host: Read the CPU times too, which cost as much as all counters.
            moment_ns: The moment meant, a little before the call; None: the call's.
        """
        self._own_process()
        called_ns = self.clock()
        self._urgent += 1  # a burst of polls makes way
        if self._hangs():
            self._urgent -= 1
            return self._last(called_ns)
        with self._lock:
            self._urgent -= 1
            begun_ns = self.clock()
            host = None
            # Nothing but the fast counters stands between here and the moment.
            if not at_end:
                self._note_sparse_powers()
            if with_host and not at_end:
                host = self._read_host_times()
            faults = self._read(self._reading_order(at_end), after_rest=after_rest)
            if moment_ns is None:
                moment_ns = begun_ns if at_end else self.clock()
            if with_host and at_end:
                host = self._read_host_times()
            levels = {i: t.level for i, t in self._tracks.items() if t.level}
            never = {
                i: t.first_fault for i, t in self._tracks.items() if t.level is None
            }
            asleep_ns = self._asleep_ns()
            done_ns = self.clock()
            # A figure that comes later would be a peak of power now.
            is_whole = not any(level.is_pending for level in levels.values())
            if self._holders and is_whole:
                self.history.add(begun_ns, sum(v.energy_j for v in levels.values()))
        self._report(faults)
        return Sample(moment_ns, levels, host, asleep_ns, done_ns - begun_ns, never)

    def recalled(self, sample: Sample) -> Sample:
        """Return a sample with the figures that its readings did not have then."""
        pending = [i for i, level in sample.levels.items() if level.is_pending]
        if not pending:
            return sample
        levels = dict(sample.levels)
        for identifier in pending:
            track = self._tracks[identifier]
            levels[identifier] = track.recalled(levels[identifier], sample.t_ns)
        return replace(sample, levels=levels)

    def busy_s(self, begin_ns: int, end_ns: int) -> dict[str, float]:
        """Return seconds in which devices executed kernels, where that is known.

        Nothing is known of them unless the sampler was built with *counts_busy*.
        Asks the drivers for what is new, which costs a call or two for each device.
        """
        if not self._busy or self._hangs():
            return {}
        with self._lock:
            for busy in self._busy.values():
                busy.note(self.clock())
            found = {i: b.between(begin_ns, end_ns) for i, b in self._busy.items()}
        return {i: seconds for i, seconds in found.items() if seconds is not None}

    def subscribe(self, listener: Callable[[Sample], None]) -> None:
        """Call *listener* on the background thread with each background sample."""
        self._listeners.append(listener)

    def await_edges(
        self, t_ns: int, *, patience: float | None = None, releases: bool = False
    ) -> dict[str, Awaited]:
        """Ask for what will be known around a moment, of each slow counter.

        The background thread looks for the counters' next ticks.

        Args:
            t_ns: The moment.
            patience: Periods of the counter after which nothing more is awaited; None:
                one and a half, or until its period should be known.
            releases: Give back one `hold` too: the thread wakes up once for both.
        """
        self._own_process()
        awaited = {}
        with self._wake:
            if releases:
                self._holders = max(0, self._holders - 1)
            if not self._start() or self._is_hanging:
                return {}
            for identifier, track in self._tracks.items():
                if track.is_pending:
                    request = Awaited(t_ns, t_ns + LONGEST_PENDING_NS)
                    request.look_ns = t_ns
                    awaited[identifier] = request
                    self._awaited.append((track, request))
                elif track.awaits:
                    if track.is_fast:
                        request = Awaited(t_ns, t_ns)
                        awaited[identifier] = request
                        self._awaited.append((track, request))
                        continue
                    learnt = not track.is_slow or track.clock.is_known
                    usual = PATIENCE if learnt else LEARNING
                    patience_ns = round((patience or usual) * track.clock.period_ns)
                    request = Awaited(t_ns, t_ns + patience_ns)
                    awaited[identifier] = request
                    self._awaited.append((track, request))
            if awaited or self._holders or releases:
                self._wake.notify_all()
        return awaited

    def edge(self, identifier: str, t_ns: int) -> Edge | None:
        """Return what is known by now around a moment, of one device.

        A thread that keeps the interpreter keeps polls away: what was seen later may
        tell when a fast counter stepped before.
        """
        with self._lock:
            return self._tracks[identifier].edge(t_ns)

    def learn(self) -> None:
        """Find out when the slow counters move, in the background."""
        periods = [t.clock.period_ns for t in self._tracks.values() if t.is_slow]
        if periods or any(t.is_fast for t in self._tracks.values()):
            ahead_ns = round(LEARNING * max(periods, default=0.0))
            self.await_edges(self.clock() + ahead_ns, patience=LEARNING)

    def on_edges(self, listener: Callable[[], None]) -> None:
        """Call *listener* on the background thread when awaited edges are done."""
        self._edge_listeners.append(listener)

    def hold(self, *, wakes: bool = True) -> None:
        """Read in the background until as many `release` as `hold` were called.

        Args:
            wakes: Begin now; False: with the next `await_edges`, so that the thread
                does not compete for the interpreter with a reading that comes first.
        """
        self._own_process()
        with self._wake:
            self._start()
            self._holders += 1
            if wakes:
                self._wake.notify_all()

    def release(self) -> None:
        """Give back one `hold`."""
        self._own_process()
        with self._wake:
            self._holders = max(0, self._holders - 1)
            self._wake.notify_all()

    def close(self) -> None:
        """Stop the background thread; further samples can still be taken."""
        self._own_process()
        with self._wake:
            self._closed = True
            thread, self._thread = self._thread, None
            self._wake.notify_all()
        if thread and thread is not threading.current_thread():
            thread.join(timeout=2.0)

    def _own_process(self) -> None:
        """Begin anew in a forked child.

        Its parent's threads are not there, and a lock that one of them held would
        never be given back.
        """
        if self._pid != os.getpid():
            self._pid, self._thread = os.getpid(), None
            self._lock, self._wake = threading.Lock(), threading.Condition()
            self._holders, self._awaited = 0, []
            self._is_hanging = False

    def _start(self) -> bool:
        """Start the background thread; return whether there is one."""
        if self._thread is None and not self._closed:
            thread = threading.Thread(
                target=self._run, name="jupyter-green-sampler", daemon=True
            )
            try:
                thread.start()
            except RuntimeError as err:  # no more threads, or the interpreter ends
                self.warn(
                    f"no readings in the background: {err}. Figures of short cells"
                    " and of GPUs without a counter are less certain"
                )
            else:
                self._thread = thread
        return self._thread is not None

    def _run(self) -> None:
        next_ns = self.clock() + round(self.interval_s * NS_PER_S)
        rested_ns = 0
        while True:
            with self._wake:
                if not (self._holders or self._awaited or self._closed):
                    # Nothing is metered: sleep without a timer until it is.
                    self._wake.wait()
                    next_ns = self.clock() + round(self.interval_s * NS_PER_S)
                if self._closed:
                    return
                now_ns = self.clock()
                if not self._holders:
                    # Only a tick is awaited.
                    next_ns = now_ns + round(self.interval_s * NS_PER_S)
                due_ns = max(rested_ns, min(next_ns, self._hunt_ns()))
                if due_ns > now_ns:
                    self._wake.wait(s_from_ns(due_ns - now_ns))
                    continue
            if next_ns <= now_ns:
                next_ns = now_ns + round(self.interval_s * NS_PER_S)
                self._tick()
            else:
                self._hunt()
            # Where readings are slow, half of the time is left to other threads'.
            done_ns = self.clock()
            rested_ns = done_ns + min(done_ns - now_ns, LONGEST_REST_NS)
            self._settle_edges()

    def _hunt_ns(self) -> float:
        """Return when an awaited tick is to be looked for next."""
        times = [float("inf")]
        for track, request in self._awaited:
            if request.look_ns is not None:
                times.append(request.look_ns)
                continue
            if track.is_fast:
                return -math.inf
            spacing_ns = max(_spacing_ns(track), CALLS_APART * track.quickest_ns)
            times.append(
                max(
                    track.clock.earliest_ns(request.t_ns),
                    track.polled_ns + spacing_ns,
                )
            )
        return min(times)

    def _hunt(self) -> None:
        """Poll the counters whose tick is awaited."""
        with self._lock:
            tracks = {id(t): t for t, a in self._awaited if a.look_ns is None}
            faults = self._read(t for t in tracks.values() if not t.is_fast)
        self._report(faults)
        if fast := [track for track in tracks.values() if track.is_fast]:
            self._burst(fast)

    def _burst(self, tracks: Sequence[Track]) -> None:
        """Poll fast counters back to back until each was seen to move twice.

        Until its period is known: a few times more.  A sample that is asked for goes
        first: then the burst ends, and what was seen has to do.
        """
        begun_ns = self.clock()
        faults: list[tuple[Track, str]] = []
        sought = {id(track): track.steps_sought for track in tracks}
        longest_ns = max(
            (sought[id(track)] + 0.5) * track.clock.period_ns for track in tracks
        )
        while not self._urgent and not faults:
            pending = [track for track in tracks if sought[id(track)] > 0]
            if not pending or self.clock() - begun_ns > longest_ns:
                break
            for track in pending:
                seen_ns = track.sighted_ns
                with self._lock:
                    faults += self._read([track])
                sought[id(track)] -= track.sighted_ns > seen_ns
            time.sleep(0)  # whoever waits for the interpreter goes on
        self._report(faults)

    def _read(
        self, tracks: Iterable[Track], *, after_rest: bool = False
    ) -> list[tuple[Track, str]]:
        faults = []
        for track in tracks:
            self._asked = track.device.about.id
            begun_ns = self.clock()
            if fault := track.read(after_rest=after_rest):
                faults.append((track, fault))
            track.note_call(begun_ns, self.clock())
        self._is_hanging = False
        return faults

    def _hangs(self) -> bool:
        """Say whether a reading on another thread does not come back."""
        timeout_s = 0.0 if self._is_hanging else HANGING_S
        self._is_hanging = not self._lock.acquire(timeout=timeout_s)
        if not self._is_hanging:
            self._lock.release()
        return self._is_hanging

    def _last(self, t_ns: int) -> Sample:
        """Return the levels of the last readings: one now does not come back."""
        fault = f"{self._asked} does not answer, so that nothing can be read"
        self.warn(
            f"{fault}: its driver hangs. Cells run on, unmetered until it answers"
        )
        levels = {
            identifier: replace(track.level, fault=fault)
            for identifier, track in self._tracks.items()
            if track.level
        }
        return Sample(t_ns, levels, None, self._asleep_ns())

    def _read_host_times(self) -> HostTimes | None:
        try:
            return self._host_times()
        # For example no more files can be opened: then the share is unknown.
        except Exception as err:  # noqa: BLE001
            self.warn(f"CPU times cannot be read: {err}. Your share is not known")
            return None

    def _note_sparse_powers(self) -> None:
        """Take the power now where the device keeps no history of it."""
        for track in self._tracks.values():
            if track.is_slow and not track.has_power_history:
                track.note_powers()

    def _settle_edges(self) -> None:
        """Hand over the edges whose tick has come, or will not come."""
        if not self._awaited:
            return
        now_ns = self.clock()
        done: list[Awaited] = []
        odd: list[tuple[Track, str]] = []
        with self._lock:
            for track, request in self._awaited:
                if request.look_ns is not None:
                    if track.is_pending and now_ns < request.until_ns:
                        request.look_ns = now_ns + PENDING_NS
                        continue
                elif track.is_fast:
                    # One burst it had: what it saw is all there will be.
                    request.edge = track.edge(request.t_ns)
                elif track.has_tick_after(request.t_ns):
                    track.note_powers()
                    request.edge = track.edge(request.t_ns)
                    odd.append((track, track.check()))
                elif now_ns < request.until_ns:
                    continue
                request.is_done = True
                done.append(request)
        self._report([(track, text) for track, text in odd if text])
        if done:
            with self._wake:
                self._awaited = [a for a in self._awaited if not a[1].is_done]
            self._call(self._edge_listeners)

    def _tick(self) -> None:
        sample = self.sample(with_host=False)
        for busy in self._busy.values():
            if busy.is_due(sample.t_ns):
                with self._lock:
                    busy.note(sample.t_ns)
        self._call(self._listeners, sample)

    def _call(self, listeners: Sequence[Callable[..., None]], *about: object) -> None:
        for listener in tuple(listeners):
            try:
                listener(*about)
            # A listener's failure must not end the sampling of the others.
            except Exception as err:
                logger.debug("a listener of the sampler failed", exc_info=True)
                told = f"{type(err).__name__}: {err}"
                self.warn(f"a listener of the sampler failed: {told}. Metering goes on")

    def _reading_order(self, at_end: bool) -> list[Track]:
        """Return the tracks with the fast counters next to the moment meant.

        The packages stand next to it: they draw more than their memory.
        """
        order = sorted(
            self._tracks.values(),
            key=lambda track: (not track.is_slow, track.device.about.kind == "cpu"),
        )
        return order[::-1] if at_end else order

    def warn(self, text: str, *, subject: str = "") -> None:
        """Report one line of text, once for each subject whatever figures it holds."""
        key = f"{subject} {_FIGURES.sub('#', text)}"
        if key in self._warned:
            return
        self._warned.add(key)
        try:
            self._on_problem(text)
        # The thread must live on, whatever a caller's function does.
        except Exception:
            logger.exception("the sampler's on_problem failed")

    def _report(self, faults: Sequence[tuple[Track, str]]) -> None:
        for track, fault in faults:
            self.warn(fault, subject=track.device.about.id)


def _spacing_ns(track: Track) -> int:
    """Return how far apart the polls stand that look for what is awaited."""
    if not track.is_slow:
        return HISTORY_NS
    return HUNT_NS if track.clock.is_known else SEARCH_NS


def _suspended_ns() -> int:
    """Return how long the system has been suspended since boot (Linux; else 0).

    CLOCK_BOOTTIME runs on during suspend, CLOCK_MONOTONIC does not: clock_gettime(2).
    """
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    if boottime is None:
        return 0
    return time.clock_gettime_ns(boottime) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
