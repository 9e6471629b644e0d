"""Put lines into one file of the ledger, and keep those that the disk refuses.

Used by the writer's thread only.  Imports the ledger's lines and `errors`.

A line is one ``os.write`` on a file opened for appending, so that lines of several
threads or processes never mix.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path

from jupyter_green.errors import LedgerError
from jupyter_green.ledger.contexts import abridge
from jupyter_green.ledger.folder import file_name
from jupyter_green.ledger.lines import (
    ContextLine,
    EndLine,
    HeartbeatLine,
    Line,
    SessionLine,
    StartLine,
    encode_line,
)
from jupyter_green.records import Record

logger = logging.getLogger(__name__)

WriteCall = Callable[[int, bytes], int]
Key = tuple[str, str]  # kind of line and record id
Kept = tuple[bytes, ContextLine | None]  # a line, and what has to stand before it

KNOWN_CONTEXTS = 100  # of a file; a context that comes again later is written again
OPEN_RUNS = 10_000  # whose starts are remembered
FOLDER_MODE = 0o700
FILE_MODE = 0o600
REMEDIES = {
    errno.ENOSPC: "Free some space; what is unsaved is written then",
    errno.EDQUOT: "Free some of your quota; what is unsaved is written then",
    errno.EACCES: "Make the folder writable, or set `ledger` to another one",
    errno.EROFS: "Set `ledger` to a folder that can be written",
    errno.ENOTDIR: "Set `ledger` to a folder; a file stands in its way",
    errno.EEXIST: "Set `ledger` to a folder; a file stands in its way",
}


class Sink:
    """One session's file, opened on the first line.

    Args:
        folder: The ledger's folder; made if it is not there.
        session: The file's first line.
        write: Stands for `os.write`.
        kept_lines: How many refused lines are kept.
        on_problem: Called once with a sentence for the user.

    Attributes:
        problem: What keeps lines from being written now; empty if nothing does.
        kept: The refused lines, oldest first.
        lost: Lines that were refused when no more could be kept.
    """

    def __init__(
        self,
        folder: Path,
        session: SessionLine,
        *,
        write: WriteCall,
        kept_lines: int,
        on_problem: Callable[[str], None] | None,
    ) -> None:
        self.session = session
        self.path = folder / file_name(session)
        self.problem = ""
        self.kept: dict[Key, Kept] = {}
        self.lost = 0
        self._write_call = write
        self._kept_lines = kept_lines
        self._on_problem = on_problem
        self._fd: int | None = None
        self._has_session = False
        self._written: set[str] = set()  # contexts that stand in the file
        self._started: dict[str, Record] = {}  # runs without an end
        self._is_torn = False  # the file ends in the middle of a line

    def save(self, line: Line) -> None:
        """Append a line, after those that were refused before; never raises."""
        try:
            entry = self._entry(line)
        # Whatever a value holds that JSON cannot: the cell must not see it.
        except Exception as err:  # noqa: BLE001
            self._tell(f"a {type(line).__name__} could not be encoded: {err}")
            return
        self._keep(line, entry)
        self.save_kept()

    def save_kept(self) -> None:
        """Append all lines that are not saved yet; stop at the first failure."""
        while self.kept:
            key, (data, context) = next(iter(self.kept.items()))
            try:
                self._append(data, context)
            except (OSError, ValueError) as err:  # a path can be no path at all
                self._tell(self._sentence(err))
                return
            del self.kept[key]
            self.problem = ""

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            try:
                os.close(fd)
            except OSError as err:  # network disks tell of a full disk here
                self._tell(self._sentence(err))

    def _entry(self, line: Line) -> Kept:
        """Return a line's short form and its context, if it has any."""
        if not isinstance(line, StartLine | HeartbeatLine | EndLine):
            return encode_line(line), None
        if isinstance(line, HeartbeatLine):
            context, short = abridge(line, self._started.get(line.record))
            return encode_line(short), context
        if isinstance(line, StartLine):
            if len(self._started) >= OPEN_RUNS:
                del self._started[next(iter(self._started))]
            self._started[line.record.id] = line.record
        else:
            self._started.pop(line.record.id, None)
        context, short = abridge(line)
        return encode_line(short), context

    def _keep(self, line: Line, entry: Kept) -> None:
        key = _key(line, self.lost + len(self.kept))
        if isinstance(line, EndLine):
            # The end holds all that start and heartbeats say.
            for kind in ("HeartbeatLine", "StartLine"):
                self.kept.pop((kind, line.record.id), None)
        self.kept.pop(key, None)
        self.kept[key] = entry
        while len(self.kept) > self._kept_lines:
            del self.kept[next(iter(self.kept))]
            self.lost += 1

    def _append(self, data: bytes, context: ContextLine | None) -> None:
        if self._fd is not None and os.fstat(self._fd).st_nlink == 0:
            self.close()  # somebody removed the file: lines would go nowhere
        if self._fd is None:
            self._open()
        if not self._has_session:
            self._put(encode_line(self.session))
            self._has_session = True
        if context is not None and context.id not in self._written:
            self._put(encode_line(context))
            if len(self._written) >= KNOWN_CONTEXTS:
                self._written.clear()
            self._written.add(context.id)
        self._put(data)

    def _open(self) -> None:
        self.path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._fd = os.open(self.path, flags, FILE_MODE)
        self._written.clear()  # who knows what has been done to the file meanwhile
        if os.fstat(self._fd).st_size == 0:
            self._is_torn = self._has_session = False

    def _put(self, data: bytes) -> None:
        if self._fd is None:  # pragma: no cover - opened by every caller
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        # After half a line the next one begins with a line end: one line is lost, not
        # two, and the refused one is written again as a whole.
        whole = b"\n" + data if self._is_torn else data
        written = self._write_call(self._fd, whole)
        self._is_torn = written < len(whole) and (self._is_torn or written > 0)
        if written < len(whole):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _sentence(self, err: OSError | ValueError) -> str:
        number = err.errno if isinstance(err, OSError) else None
        error = LedgerError(
            f"The ledger {self.path.parent} cannot be written",
            why=os.strerror(number) if number else str(err),
            remedy=REMEDIES.get(number or 0, "Set `ledger` to another folder"),
        )
        return str(error)

    def _tell(self, sentence: str) -> None:
        self.problem = sentence
        if self._on_problem is not None:
            told, self._on_problem = self._on_problem, None
            try:
                told(sentence)
            # The thread must live on, whatever a caller's function does.
            except Exception:
                logger.exception("the ledger's on_problem failed")


def _key(line: Line, number: int) -> Key:
    kind = type(line).__name__
    if isinstance(line, StartLine | EndLine):
        return kind, line.record.id
    if isinstance(line, HeartbeatLine):
        return kind, line.record
    return kind, str(number)
