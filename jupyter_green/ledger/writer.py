"""Append a session's lines to its file, without ever making the user's cell wait.

Lines go into a queue and a daemon thread writes them: a network disk that hangs stops
that thread and nothing else.  The thread sleeps on the queue, so an idle session causes
no wake-up.  Trouble with the disk is told once; what could not be written is kept and
tried again with the next line.  Imports `records` and the ledger's own modules.

    >>> import tempfile
    >>> from jupyter_green.ledger.processes import new_session
    >>> writer = LedgerWriter(Path(tempfile.mkdtemp()), new_session())
    >>> writer.end(Record(id="r1", duration_s=1.0, devices=()))
    >>> writer.flush(timeout_s=5.0), writer.path.exists()
    (True, True)
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from jupyter_green.ledger.lines import (
    BaselineLine,
    EndLine,
    HeartbeatLine,
    Line,
    SessionLine,
    StartLine,
    TagLine,
    utc_text,
)
from jupyter_green.ledger.processes import new_session
from jupyter_green.ledger.sink import Sink, WriteCall
from jupyter_green.records import Baseline, DeviceRecord, Record

KEPT_LINES = 1000  # unsaved lines kept in memory while the disk refuses them
EXIT_TIMEOUT_S = 5.0  # an interpreter's exit waits no longer for a hanging disk

Told = Callable[[str], None]
Item = Line | threading.Event | None  # an event marks a flush, None the end


class LedgerWriter:
    """Hand lines to a background thread that appends them to the session's file.

    No method raises for the disk's sake: the ledger never breaks a cell.  After a fork
    the child writes a file of its own.

    Args:
        folder: The ledger's folder; made on the first write.
        session: The line that describes this process, from `processes.new_session`.
        on_problem: Called once, from the background thread, with a sentence for the
            user when the ledger cannot be written.
        write: Replaces `os.write`, so that tests can play a failing disk.
        kept_lines: How many unsaved lines are kept in memory at most.
    """

    def __init__(
        self,
        folder: Path,
        session: SessionLine,
        *,
        on_problem: Told | None = None,
        write: WriteCall = os.write,
        kept_lines: int = KEPT_LINES,
    ) -> None:
        self._folder = folder
        self._session = session
        self._on_problem = on_problem
        self._write = write
        self._kept_lines = kept_lines
        self._channels: dict[int, _Channel] = {}

    @property
    def path(self) -> Path:
        """The file of this process; it exists from the first line on."""
        return self._channel().sink.path

    @property
    def session(self) -> SessionLine:
        """The line that describes this process."""
        return self._channel().sink.session

    @property
    def problem(self) -> str:
        """What keeps the ledger from being written now; empty if nothing does."""
        return self._channel().sink.problem

    @property
    def unsaved(self) -> int:
        """How many lines wait in memory for the disk to recover."""
        return len(self._channel().sink.kept)

    def start(self, record: Record) -> None:
        """Note that a run began; *record* has the status ``running``."""
        self._channel().put(StartLine(record))

    def heartbeat(
        self,
        record_id: str,
        duration_s: float,
        devices: Sequence[DeviceRecord],
        *,
        at: str | None = None,
    ) -> None:
        """Note a run's energy so far, for the case that it is killed."""
        self._channel().put(
            HeartbeatLine(
                record=record_id,
                at=at or utc_text(),
                duration_s=duration_s,
                devices=tuple(devices),
            )
        )

    def end(self, record: Record) -> None:
        """Note a run's record; of several for one run the last one counts."""
        self._channel().put(EndLine(record))

    def tag(
        self,
        record_ids: Sequence[str],
        *,
        purpose: str | None = None,
        label: str | None = None,
        at: str | None = None,
    ) -> None:
        """Give records a purpose or a label afterwards; None leaves it unchanged."""
        self._channel().put(
            TagLine(
                records=tuple(record_ids),
                at=at or utc_text(),
                purpose=purpose,
                label=label,
            )
        )

    def baseline(self, baseline: Baseline) -> None:
        """Note a measurement of idle power."""
        self._channel().put(BaselineLine(baseline))

    def flush(self, timeout_s: float = EXIT_TIMEOUT_S) -> bool:
        """Wait until all lines given so far are written; False if they are not.

        Lines that an earlier problem left unsaved are tried once more.
        """
        return self._channel().flush(timeout_s)

    def close(self, timeout_s: float = EXIT_TIMEOUT_S) -> bool:
        """Flush and end the background thread; a later line starts it anew."""
        channel = self._channels.pop(os.getpid(), None)
        return channel is None or channel.close(timeout_s)

    def _channel(self) -> _Channel:
        pid = os.getpid()
        channel = self._channels.get(pid)
        if channel is None:
            # After a fork the parent's thread, locks and file are not ours to use.
            fresh = _Channel(
                Sink(
                    self._folder,
                    self._session_of(pid),
                    write=self._write,
                    kept_lines=self._kept_lines,
                    on_problem=self._on_problem,
                )
            )
            channel = self._channels.setdefault(pid, fresh)
            if channel is fresh:
                # Also called at the interpreter's exit.
                weakref.finalize(self, _Channel.close, channel, EXIT_TIMEOUT_S)
        return channel

    def _session_of(self, pid: int) -> SessionLine:
        if pid == self._session.pid:
            return self._session
        given = self._session
        return new_session(
            host=given.host, versions=given.versions, heartbeat_s=given.heartbeat_s
        )


@dataclass(slots=True)
class _Channel:
    """A queue and the thread that empties it, both of one process."""

    sink: Sink
    pid: int = field(default_factory=os.getpid)
    queue: SimpleQueue[Item] = field(default_factory=SimpleQueue)
    # Reentrant, since a signal handler may meter something too.
    lock: threading.RLock = field(default_factory=threading.RLock)
    thread: threading.Thread | None = None

    def put(self, item: Item) -> None:
        with self.lock:
            self.queue.put(item)
            if self.thread is None:
                self._start()

    def flush(self, timeout_s: float) -> bool:
        if self.thread in {None, threading.current_thread()}:
            # Nobody waits for himself: `on_problem` and the collector may call here.
            return not self.sink.kept
        done = threading.Event()
        self.put(done)
        return done.wait(timeout_s) and not self.sink.kept

    def close(self, timeout_s: float) -> bool:
        if self.pid != os.getpid():
            return True  # the parent's: its thread is not here
        saved = self.flush(timeout_s)
        with self.lock:
            self.queue.put(None)
            # Whoever comes late gets a queue of its own, behind no end mark.
            thread = self.thread
            self.queue, self.thread = SimpleQueue(), None
        if saved and thread not in {None, threading.current_thread()}:
            thread.join(timeout_s)  # it only closes the file
        return saved

    def _start(self) -> None:
        thread = threading.Thread(
            target=_drain,
            args=(self.sink, self.queue),
            name="jupyter_green ledger",
            daemon=True,
        )
        try:
            # At exit a thread would be stopped before it has written anything.
            is_ending = not threading.main_thread().is_alive()
            if not is_ending:
                thread.start()
        except RuntimeError:  # newer interpreters refuse threads at exit
            is_ending = True
        if is_ending:
            self.queue.put(None)
            _drain(self.sink, self.queue)
        else:
            self.thread = thread


def _drain(sink: Sink, queue: SimpleQueue[Item]) -> None:
    while (item := queue.get()) is not None:
        if isinstance(item, threading.Event):
            sink.save_kept()
            item.set()
        else:
            sink.save(item)
    sink.close()
