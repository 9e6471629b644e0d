"""Recognise the process that writes a ledger file, and tell whether it still runs.

A process number alone is used again by the next process, and it means nothing on
another host or in another container; so the session's line holds what tells them apart.
Imports the session's line only; psutil where the system has no ``/proc``.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

from jupyter_green.ledger.lines import SessionLine, utc_text

PROC = Path("/proc")
# Where psutil gives a wall-clock start, a clock step moves it a little.
START_TOLERANCE_S = 2.0


def new_session(
    *,
    session_id: str | None = None,
    host: str = "",
    versions: Mapping[str, str] | None = None,
    heartbeat_s: float = 10.0,
) -> SessionLine:
    """Return the line that describes this process.

    Args:
        session_id: Identifier of the kernel session; None: a new random one.
        host: Hash of the machine's identity, as in `records.Host`.
        versions: Versions of the software that matters.
        heartbeat_s: Seconds between the heartbeats that the session will write.
    """
    return SessionLine(
        id=session_id or uuid.uuid4().hex,
        at=utc_text(),
        pid=os.getpid(),
        process_started=process_started(os.getpid()),
        boot_id=boot_id(),
        pid_namespace=pid_namespace(),
        host=host,
        heartbeat_s=heartbeat_s,
        versions=dict(versions or {}),
        argv0=Path(sys.argv[0]).name if sys.argv else "",
    )


def is_alive(session: SessionLine) -> bool | None:
    """Say whether the session's process runs; None where that cannot be seen here."""
    here = (boot_id(), pid_namespace())
    if here != (session.boot_id, session.pid_namespace):
        return None
    started = process_started(session.pid)
    if started is None or session.process_started is None:
        return started is not None
    return abs(started - session.process_started) <= START_TOLERANCE_S


def boot_id(proc: Path = PROC) -> str:
    """Return an identifier of the running system's boot, unique among hosts."""
    try:
        return (proc / "sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, ValueError):
        # Start time and hardware address together, since neither is unique alone.
        import psutil  # noqa: PLC0415 - only where there is no /proc

        return f"{uuid.getnode():012x}-{round(psutil.boot_time() / 60)}"


def pid_namespace(proc: Path = PROC) -> str:
    """Return the name of this process's PID name space; empty where there is none."""
    try:
        return str((proc / "self/ns/pid").readlink())
    except OSError:
        return ""


def process_started(pid: int, proc: Path = PROC) -> float | None:
    """Return when a process started, in seconds of its system's clock; None: gone.

    On Linux this is time since boot, which no clock step changes.
    """
    if not (proc / "self").exists():
        return _process_started_by_psutil(pid)
    try:
        # The program's name in parentheses may itself hold blanks and parentheses.
        fields = (proc / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
        state, ticks = fields[0], int(fields[19])
    except (OSError, ValueError, IndexError):
        return None
    # A zombie has ended: it only waits for its parent to ask.
    return None if state in (b"Z", b"X") else ticks / os.sysconf("SC_CLK_TCK")


def _process_started_by_psutil(pid: int) -> float | None:
    import psutil  # noqa: PLC0415 - only where there is no /proc

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.create_time()
    except (psutil.Error, OverflowError, ValueError):
        return None
