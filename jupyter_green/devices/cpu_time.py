"""Read how busy the processors are, and how much of that is this process tree's.

The share of a kernel in the processor's energy is its CPU time over all busy CPU time.
Linux is read through ``/proc`` and the clocks of the processes, elsewhere through
``psutil``.  Imports the seam's clock only.

    >>> times = CpuTimes()
    >>> times.read().own_s <= times.read().own_s
    True
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jupyter_green.devices.counting import ForkSafeLock
from jupyter_green.devices.device import Clock
from jupyter_green.units import NS_PER_S, s_from_ns

# Fields of the line "cpu" in /proc/stat that are work (proc_stat(5)): user, nice,
# system, irq, softirq.  Guests are within user; stolen time is another machine's.
_BUSY_FIELDS = (0, 1, 2, 5, 6)
_CLOCK_SCHED = 2  # CPUCLOCK_SCHED of Linux's posix-timers.h


class HostTimes(NamedTuple):
    """CPU seconds, cumulative; only differences have a meaning.

    Attributes:
        t_ns: Monotonic nanoseconds.
        busy_s: Seconds that all processors of the host worked.  Linux counts ticks of
            10 ms, so short differences are coarse.
        capacity_s: Seconds that they could have worked.
        own_s: Seconds of this process and its descendants, ended ones included; exact
            to microseconds on Linux.
    """

    t_ns: int
    busy_s: float
    capacity_s: float
    own_s: float


class CpuTimes:
    """The CPU seconds of the host and of the process that reads them.

    `HostTimes.own_s` never falls, but stands still for a while after a descendant has
    left the tree without being waited for (a daemon): its time is lost from sight.

    Args:
        clock: Monotonic nanoseconds.
        proc: Folder of Linux's process information; where it is missing, ``psutil``
            is asked.
    """

    def __init__(
        self, clock: Clock = time.monotonic_ns, proc: str | Path = "/proc"
    ) -> None:
        self._clock = clock
        self._proc = str(proc)
        self._has_proc = sys.platform == "linux" and os.path.exists(f"{proc}/stat")  # noqa: PTH110
        self._pid = os.getpid()
        self._own_s = 0.0
        self._lock = ForkSafeLock()

    def read(self) -> HostTimes:
        """Return the CPU seconds now; some 0.1 ms on Linux, more with many children."""
        with self._lock:
            if self._pid != os.getpid():
                # A forked child starts with no CPU time of its own.
                self._pid, self._own_s = os.getpid(), 0.0
            before = self._clock()
            if self._has_proc:
                busy_s, own_s = _linux_busy_s(self._proc), _linux_own_s(self._proc)
                processors = os.sysconf("SC_NPROCESSORS_ONLN")
            else:
                busy_s, own_s, processors = _psutil_times()
            t_ns = (before + self._clock()) // 2
            self._own_s = max(self._own_s, own_s)
            return HostTimes(t_ns, busy_s, processors * s_from_ns(t_ns), self._own_s)


def tree_pids(proc: str | Path = "/proc") -> frozenset[int]:
    """Return the ids of this process and its living descendants."""
    if sys.platform == "linux" and os.path.exists(f"{proc}/stat"):  # noqa: PTH110
        return frozenset((os.getpid(), *_descendants(str(proc), os.getpid())))
    import psutil  # noqa: PLC0415  (24 ms, and not needed on Linux)

    me = psutil.Process()
    return frozenset((me.pid, *(child.pid for child in me.children(recursive=True))))


def _linux_busy_s(proc: str) -> float:
    # Plain open and split: this runs at every reading.
    with open(f"{proc}/stat", "rb") as file:  # noqa: PTH123
        fields = file.readline().split()[1:]
    ticks = sum(int(fields[i]) for i in _BUSY_FIELDS)
    return ticks / os.sysconf("SC_CLK_TCK")


def _linux_own_s(proc: str) -> float:
    import resource  # noqa: PLC0415  (not on Windows)

    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    own_s = time.process_time() + ended.ru_utime + ended.ru_stime
    try:
        # Raises at once where there is no child, which is the rule in a kernel.
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return own_s
    return own_s + sum(_process_s(proc, pid) for pid in _descendants(proc, os.getpid()))


def _descendants(proc: str, pid: int) -> Iterator[int]:
    for child in _children(proc, pid):
        yield child
        yield from _descendants(proc, child)


def _children(proc: str, pid: int) -> Iterator[int]:
    try:
        threads = os.listdir(f"{proc}/{pid}/task")  # noqa: PTH208
    except OSError:  # it has ended meanwhile
        return
    for thread in threads:
        try:
            with open(f"{proc}/{pid}/task/{thread}/children", "rb") as file:  # noqa: PTH123
                yield from map(int, file.read().split())
        except OSError:
            continue


def _process_s(proc: str, pid: int) -> float:
    """Return CPU seconds of a process and of the children it has waited for."""
    try:
        # The CPU clock of any process, in nanoseconds (clock_getcpuclockid(3)).
        running_ns = time.clock_gettime_ns((~pid << 3) | _CLOCK_SCHED)
        with open(f"{proc}/{pid}/stat", "rb") as file:  # noqa: PTH123
            # The name may hold spaces and parentheses: fields count from the last one.
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    # cutime and cstime: fields 16 and 17 of proc_pid_stat(5); state is field 3.
    waited_ticks = int(fields[13]) + int(fields[14])
    return running_ns / NS_PER_S + waited_ticks / os.sysconf("SC_CLK_TCK")


def _psutil_times() -> tuple[float, float, int]:
    import psutil  # noqa: PLC0415  (24 ms, and not needed on Linux)

    host = psutil.cpu_times()
    idle_s = host.idle + getattr(host, "iowait", 0.0) + getattr(host, "steal", 0.0)
    # Linux counts guests within user too.
    guests_s = getattr(host, "guest", 0.0) + getattr(host, "guest_nice", 0.0)
    busy_s = sum(host) - idle_s - guests_s
    own_s = time.process_time()
    me = psutil.Process()
    for process in me.children(recursive=True):
        try:
            own_s += sum(process.cpu_times()[:2])
        except psutil.Error:
            continue
    ended = me.cpu_times()
    own_s += getattr(ended, "children_user", 0.0)
    own_s += getattr(ended, "children_system", 0.0)
    return busy_s, own_s, psutil.cpu_count() or 1
