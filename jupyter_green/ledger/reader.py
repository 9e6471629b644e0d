"""Read a ledger: every good line counts, every bad one is reported.

Files are read line by line, so memory holds records and never a file, and nothing in
a file can make reading fail.  Imports `records` and the ledger's own modules.

    >>> read_ledger([Path("/nowhere")]).records
    ()
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic

import msgspec

from jupyter_green.ledger.contexts import Contexts
from jupyter_green.ledger.folder import SUFFIX
from jupyter_green.ledger.lines import (
    LINES_VERSION,
    BaselineLine,
    Line,
    SessionLine,
    SlimLine,
    SlimRecord,
)
from jupyter_green.ledger.merge import IsAlive, Merger, R
from jupyter_green.ledger.processes import is_alive as process_is_alive
from jupyter_green.records import SCHEMA_VERSION, Baseline, Record

MAX_LINE = 64 * 2**20  # bytes; a longer line is no line of ours
MAX_PROBLEMS = 1000  # kept in detail; all are counted
MAX_WHY = 200
LINES_PER_PROGRESS = 4096

FileKey = tuple[int, int | str]
Progress = Callable[[int, int], None]  # bytes read, bytes in all


@dataclass(frozen=True, slots=True)
class LedgerProblem:
    """A line, or a file from there on, that could not be used.

    Attributes:
        file: The file or folder.
        line: The line's number from 1; 0 for the file or folder as a whole.
        why: The cause.
    """

    file: Path
    line: int
    why: str

    def __str__(self) -> str:
        """Return it as one line for people."""
        where = f"{self.file}, line {self.line}" if self.line else str(self.file)
        return f"{where}: {self.why}"


@dataclass(frozen=True, slots=True)
class Ledger(Generic[R]):
    """What a ledger holds.

    Attributes:
        records: One for each run, oldest first, tags applied, orphans closed.
        problems: What could not be used, at most `MAX_PROBLEMS` of it.
        problem_count: All of it.
        torn: Lines that a running process is just writing.
        duplicates: Records found in several files and counted once.
        files: Files read.
        sessions: The processes that wrote them.
        baselines: The measurements of idle power.
    """

    records: tuple[R, ...]
    problems: tuple[LedgerProblem, ...] = ()
    problem_count: int = 0
    torn: int = 0
    duplicates: int = 0
    files: int = 0
    sessions: tuple[SessionLine, ...] = ()
    baselines: tuple[Baseline, ...] = ()

    @property
    def running(self) -> tuple[R, ...]:
        """The records of runs that are not over."""
        return tuple(record for record in self.records if record.status == "running")

    @property
    def is_complete(self) -> bool:
        """Whether every file and folder could be read to its end."""
        return all(problem.line for problem in self.problems)


def read_ledger(
    folders: Sequence[Path],
    *,
    since: datetime | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
    is_alive: IsAlive = process_is_alive,
) -> Ledger[Record]:
    """Read all records of some folders; a folder that is not there holds none.

    Args:
        folders: Folders of ``.jsonl`` files, or such files.
        since: Leave out records that began earlier.
        now: The time by which silent processes of other hosts count as dead.
        progress: Called now and then with bytes read and bytes in all.
        is_alive: Says whether a session's process runs; None: it cannot be seen here.
    """
    merger: Merger[Record] = Merger(now or datetime.now(UTC), is_alive)
    scan = Scan(msgspec.json.Decoder(Line), merger, progress)
    return scan.read(folders, since)


def read_slim(
    folders: Sequence[Path],
    *,
    since: datetime | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
    is_alive: IsAlive = process_is_alive,
) -> Ledger[SlimRecord]:
    """Read only what totals need, in a fraction of the time and memory."""
    merger: Merger[SlimRecord] = Merger(now or datetime.now(UTC), is_alive)
    scan = Scan(msgspec.json.Decoder(SlimLine), merger, progress)
    return scan.read(folders, since)


class Scan(Generic[R]):
    """One reading of some files, in steps."""

    def __init__(
        self,
        decoder: msgspec.json.Decoder[Any],
        merger: Merger[R],
        progress: Progress | None,
    ) -> None:
        self._decoder = decoder
        self._merger: Merger[R] = merger
        self._progress = progress
        self._problems: list[LedgerProblem] = []
        self._problem_count = 0
        self._torn = 0
        self._baselines: dict[str, Baseline] = {}
        self._done = self._size = 0

    def read(self, folders: Sequence[Path], since: datetime | None) -> Ledger[R]:
        """Find and read all files, and return what was read."""
        files = self.find(folders)
        self.read_files(files)
        return self.result(files, since)

    def find(self, folders: Sequence[Path]) -> list[tuple[Path, int]]:
        """Return all files, each once, and their sizes."""
        return list(
            dict(
                entry
                for folder in dict.fromkeys(folders)
                for entry in self._files(folder)
            ).values()
        )

    def read_files(self, files: Sequence[tuple[Path, int]]) -> None:
        """Read files from `find`."""
        self._size = sum(size for _, size in files)
        for path, _ in files:
            self._merger.begin_file()
            try:
                with path.open("rb") as stream:
                    self._read_file(path, stream.readline)
            except OSError as err:
                self._report(path, 0, f"cannot be read: {err.strerror}")
        if self._progress:
            self._progress(self._done, self._done)

    def result(
        self, files: Sequence[tuple[Path, int]], since: datetime | None
    ) -> Ledger[R]:
        """Return what was read."""
        return Ledger(
            records=tuple(self._merger.records(since)),
            problems=tuple(self._problems),
            problem_count=self._problem_count,
            torn=self._torn,
            duplicates=self._merger.duplicates,
            files=len(files),
            sessions=tuple(self._merger.sessions.values()),
            baselines=tuple(self._baselines.values()),
        )

    def _files(self, folder: Path) -> Iterator[tuple[FileKey, tuple[Path, int]]]:
        """Yield identity, path and size of each file: links lead to one file once."""
        try:
            if folder.suffix == SUFFIX and folder.is_file():
                paths = [folder]
            else:
                paths = sorted(
                    Path(entry.path)
                    for entry in os.scandir(folder)
                    if entry.name.endswith(SUFFIX)
                )
        except FileNotFoundError:
            return
        except (OSError, ValueError) as err:
            self._report(folder, 0, f"cannot be read: {err}")
            return
        for path in paths:
            try:
                info = path.stat()
            except OSError as err:
                self._report(path, 0, f"cannot be read: {err.strerror}")
                continue
            if stat.S_ISREG(info.st_mode):
                # Some file systems number no files; a path must do there.
                key = (info.st_dev, info.st_ino or str(path.resolve()))
                yield key, (path, info.st_size)
            else:
                self._report(path, 0, "is no plain file")

    def _read_file(self, path: Path, readline: Callable[[int], bytes]) -> None:
        decode, take = self._decoder.decode, self._merger.take
        contexts = Contexts()
        number = 0
        is_newer = False
        while chunk := readline(MAX_LINE):
            number += 1
            self._done += len(chunk)
            if self._progress and number % LINES_PER_PROGRESS == 0:
                self._progress(self._done, max(self._size, self._done))
            if len(chunk) == MAX_LINE and not chunk.endswith(b"\n"):
                self._report(path, number, f"the line is longer than {MAX_LINE} bytes")
                self._skip_line(readline)
                continue
            try:
                line = contexts.take(decode(chunk))
            except (msgspec.MsgspecError, ValueError, RecursionError) as err:
                self._take_bad(path, number, chunk, err)
                continue
            if contexts.problem:
                self._report(path, number, contexts.problem)
            take(line)
            if type(line) is BaselineLine:
                self._baselines[line.baseline.measured_at] = line.baseline
            elif not is_newer and (why := why_newer(line)):
                is_newer = True
                self._report(path, number, why)

    def _skip_line(self, readline: Callable[[int], bytes]) -> None:
        while (chunk := readline(MAX_LINE)) and not chunk.endswith(b"\n"):
            self._done += len(chunk)
        self._done += len(chunk)

    def _take_bad(self, path: Path, number: int, chunk: bytes, err: Exception) -> None:
        if not chunk.strip():
            return  # an empty line follows one that was torn and written again
        if not chunk.endswith(b"\n"):
            if self._merger.is_writing(_modified(path)):
                self._torn += 1
                return
            why = f"the last line is torn: {err}"
        else:
            why = why_bad(chunk, err)
        self._report(path, number, why)

    def _report(self, path: Path, line: int, why: str) -> None:
        self._problem_count += 1
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(LedgerProblem(path, line, why[:MAX_WHY]))


def _modified(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return None


def why_bad(chunk: bytes, err: Exception) -> str:
    """Say why a line cannot be used."""
    return "holds NUL bytes" if b"\0" in chunk else f"is no ledger line: {err}"


def why_newer(line: Any) -> str:
    """Say that a line is of a newer form than is known here; empty if it is not."""
    record = getattr(line, "record", None)
    version = getattr(line if record is None else record, "schema_version", 0)
    newest = LINES_VERSION if record is None else SCHEMA_VERSION
    if version <= newest:
        return ""
    known = f"schema version {version} is newer than {newest}"
    return f"{known}; what is known of it is used"
