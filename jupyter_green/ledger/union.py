"""Put the ledgers of several machines and authors into one folder.

Lines are copied as they stand, each once: a folder that was copied before, or half of
it, adds nothing.  A session's lines stay in one file.  Lines of newer versions are
kept; what is no line at all is told and left behind.  Imports the ledger's own modules.

    >>> unite([], Path("/nowhere/of/all")).lines
    0
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from jupyter_green.errors import LedgerError
from jupyter_green.ledger.folder import SUFFIX, file_name
from jupyter_green.ledger.lines import SessionLine
from jupyter_green.ledger.reader import MAX_LINE, LedgerProblem, Progress

DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class United:
    """What a union did.

    Attributes:
        files: Files that the folder holds now.
        changed: Files that were written because something was new.
        lines: Lines that were new.
        repeated: Lines that stood in several files and are kept once.
        problems: What was no line, and stays behind.
    """

    files: int
    changed: int
    lines: int
    repeated: int
    problems: tuple[LedgerProblem, ...]


class _Any(msgspec.Struct):
    type: str


@dataclass(slots=True)
class _Part:
    """The lines of one session, or of a file whose session is not known."""

    target: Path
    seen: set[bytes] = field(default_factory=set)
    sources: list[Path] = field(default_factory=list)


def unite(
    folders: Sequence[Path], into: Path, progress: Progress | None = None
) -> United:
    """Write the lines of all *folders* to *into*; what stands there is kept.

    Files are written whole and moved into place, so a union that is interrupted leaves
    the folder as it was, file by file.

    Raises:
        LedgerError: A folder is not there, or *into* cannot be written.
    """
    problems: list[LedgerProblem] = []
    own = _files(into) if into.is_dir() else []
    sources = [(path, False) for path in own]
    taken = {_identity(path) for path in own}
    for folder in folders:
        for path in _files(folder):
            if _identity(path) not in taken:
                taken.add(_identity(path))
                sources.append((path, True))
    parts: dict[str, _Part] = {}
    for path, is_new in sources:
        session = _session_of(path)
        key = f"{session.id}:{session.pid}" if session else f"?{path.name}"
        part = parts.get(key)
        if part is None:
            name = file_name(session) if session else path.name
            target = into / name if is_new else path
            part = parts[key] = _Part(_free(target, parts.values()))
        part.sources.append(path)
    whole = sum(_size(path) for path, _ in sources)
    done = changed = new = repeated = 0
    for part in parts.values():
        added, again = _write(part, problems)
        done += sum(_size(path) for path in part.sources)
        changed += added > 0
        new += added
        repeated += again
        if progress:
            progress(min(done, whole), whole)
    return United(len(parts), changed, new, repeated, tuple(problems))


def _write(part: _Part, problems: list[LedgerProblem]) -> tuple[int, int]:
    """Write a part's file if something is new; return new and repeated lines."""
    sources, target = part.sources, part.target
    if sources == [target]:
        return 0, 0
    added = repeated = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".tmp")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as out:
                for path in sources:
                    is_own = path == target
                    for line in _lines(path, problems):
                        digest = hashlib.blake2b(
                            line, digest_size=DIGEST_BYTES
                        ).digest()
                        if digest in part.seen:
                            repeated += 1
                            continue
                        part.seen.add(digest)
                        out.write(line + b"\n")
                        added += not is_own
            if added:
                # What mkstemp makes is for nobody else; a ledger is for co-authors.
                mode = target.stat().st_mode if target.exists() else 0o644
                temporary.chmod(mode)
                temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as err:
        raise LedgerError(
            f"cannot write {target}", why=str(err.strerror or err)
        ) from err
    finally:
        part.seen.clear()
    return added, repeated


def _lines(path: Path, problems: list[LedgerProblem]) -> Any:
    decode = msgspec.json.Decoder(_Any).decode
    with path.open("rb") as stream:
        number = 0
        while chunk := stream.readline(MAX_LINE):
            number += 1
            line = chunk.strip()
            if not line:
                continue
            try:
                decode(line)
            except (msgspec.MsgspecError, ValueError, RecursionError) as err:
                problems.append(
                    LedgerProblem(path, number, f"is no ledger line: {err}")
                )
                continue
            yield line


def _session_of(path: Path) -> SessionLine | None:
    decode = msgspec.json.Decoder(SessionLine).decode
    with path.open("rb") as stream:
        first = stream.readline(MAX_LINE)
    try:
        return decode(first)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _files(folder: Path) -> list[Path]:
    try:
        if folder.is_file():
            return [folder]
        return sorted(
            Path(entry.path)
            for entry in os.scandir(folder)
            if entry.name.endswith(SUFFIX) and entry.is_file()
        )
    except OSError as err:
        raise LedgerError(
            f"cannot read the ledger {folder}", why=str(err.strerror or err)
        ) from err


def _identity(path: Path) -> str:
    return os.path.realpath(path)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _free(target: Path, parts: Any) -> Path:
    """Return *target*, numbered where another session has that name already."""
    taken = {part.target for part in parts}
    free, number = target, 2
    while free in taken or (free.exists() and free != target):
        free = target.with_stem(f"{target.stem}-{number}")
        number += 1
    return free
