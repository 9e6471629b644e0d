"""Paths: what the browser says, what stands on the disk, and what records say.

The browser names notebooks by paths from the server's root; kernels write into records
what they see, mostly whole paths.  A notebook that was renamed has its records under
its older names too, for as long as each was its name.  Imports `errors`.

    >>> ServerRoot(Path("/srv/lab")).os_path("a/b.ipynb").as_posix()
    '/srv/lab/a/b.ipynb'
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import msgspec
from msgspec import Struct

from jupyter_green.errors import JupyterGreenError

# A chain of renames longer than this is not followed.
MAX_NAMES = 100


class PathError(JupyterGreenError):
    """A path from the browser leads out of the server's root, or is none."""


class ServerRoot:
    """The folder that the server shows.

    Args:
        folder: Its path.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.abspath(folder))  # noqa: PTH100 - links stay

    def os_path(self, path: str) -> Path:
        """Return where the browser's *path* stands; links on the way stay as they are.

        Raises:
            PathError: It is no path, or leads out of the root by its parts.
        """
        parts = PurePosixPath(path.replace("\\", "/") if os.sep == "\\" else path).parts
        if parts and parts[0] in {"/", "//"}:
            parts = parts[1:]  # the browser's root is the server's
        if ".." in parts or "\0" in path or any(":" in p for p in parts[:1] if _DRIVES):
            raise PathError(
                "the path leads out of the server's folder",
                why="it has parts that go up",
                remedy="Give a path below the folder that the server shows",
            )
        return self.folder.joinpath(*parts)

    def inside(self, path: str) -> Path:
        """Return where *path* really stands, links followed, to write there.

        Raises:
            PathError: It leads out of the root, by its parts or by a link.
        """
        real = Path(os.path.realpath(self.os_path(path)))
        self.check_inside(real)
        return real

    def check_inside(self, real: Path) -> None:
        """Raise unless a path, its links followed, stands below the root.

        Raises:
            PathError: It does not.
        """
        root = os.path.realpath(self.folder)
        if not Path(os.path.realpath(real)).is_relative_to(root):
            raise PathError(
                "this place is outside of the server's folder",
                why="nothing is written outside of it, links included",
                remedy="Choose a folder below the one that the server shows",
            )

    def api_path(self, path: Path) -> str | None:
        """Return how the browser names a file; None: it is not below the root."""
        for root in (str(self.folder), os.path.realpath(self.folder)):
            if path.is_relative_to(root):
                return path.relative_to(root).as_posix()
        return None

    def spellings(self, path: Path) -> frozenset[str]:
        """Return how kernels may name a file: whole, links followed, from the root."""
        found = {str(path), os.path.realpath(path)}
        api = self.api_path(path)
        return frozenset(found | {api} if api else found)


_DRIVES = os.name == "nt"


def exists(path: str | Path) -> bool:
    """Say whether a file is there; one that may not be looked at is not."""
    # Before Python 3.14, `Path.exists` raises where a folder above is closed.
    return os.path.exists(path)  # noqa: PTH110


class Name(Struct, frozen=True):
    """A name that a notebook has or had.

    Attributes:
        path: The whole path.
        since_s: From when on, in seconds since 1970; minus infinity: always.
        until_s: Until when; infinity: it still has it.
    """

    path: str
    since_s: float = -math.inf
    until_s: float = math.inf


class Rename(Struct, frozen=True):
    """A file or folder got another name.

    Attributes:
        at: When, in seconds since 1970.
        old: The whole path before.
        new: The whole path after.
    """

    at: float
    old: str
    new: str


class Renames:
    """What was renamed, kept in a file so that a restarted server knows it.

    The file has one JSON object a line and is only appended to.  Renames that nothing
    told the server of, in a shell for example, are not known.

    Args:
        file: Where it is kept.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: list[Rename] | None = None
        self._lock = threading.Lock()

    def add(self, rename: Rename) -> None:
        """Keep a rename; a disk that refuses costs only what a restart forgets."""
        with self._lock:
            known = self._read()
            known.append(rename)
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                with self._file.open("ab") as stream:
                    stream.write(msgspec.json.encode(rename) + b"\n")
            except OSError:
                return

    def names(self, path: str) -> list[Name]:
        """Return the names of the notebook that is now at *path*, newest first."""
        with self._lock:
            known = sorted(self._read(), key=_at)
        found: list[Name] = []
        until_s = math.inf
        while len(found) < MAX_NAMES:
            arrived, left = _last(known, path, until_s)
            since_s = max(arrived.at if arrived else -math.inf, left)
            found.append(Name(path, since_s, until_s))
            if arrived is None or left > arrived.at:
                return found
            before = _moved(path, arrived.new, arrived.old)
            path, until_s = before or arrived.old, arrived.at
        return found

    def current(self, path: str, began_s: float) -> str:
        """Return what a notebook is called now that was at *path* at a moment.

        A kernel that was started again still writes the old name, although later than
        the rename: where no file has that name now, the rename counts all the same.
        """
        with self._lock:
            known = sorted(self._read(), key=_at)
        if not known:
            return path
        is_there = exists(path)
        for rename in known:
            moved = _moved(path, rename.old, rename.new)
            if moved is not None and (rename.at >= began_s or not is_there):
                path, is_there = moved, exists(moved)
        return path

    def _read(self) -> list[Rename]:
        if self._known is None:
            self._known = list(_read(self._file))
        return self._known


def _read(file: Path) -> Iterable[Rename]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=Rename)
        except msgspec.MsgspecError:
            continue  # torn by a crash


def _last(
    known: Iterable[Rename], path: str, until_s: float
) -> tuple[Rename | None, float]:
    """Return the last rename to *path*, and when something was renamed away from it."""
    arrived: Rename | None = None
    left = -math.inf
    for rename in known:
        if rename.at >= until_s:
            break
        if _moved(path, rename.new, rename.old) is not None:
            arrived = rename
        elif _moved(path, rename.old, rename.new) is not None:
            left = rename.at
    return arrived, left


def _moved(path: str, folder: str, to: str) -> str | None:
    """Return *path* with *folder* at its begin replaced; None: it is not below."""
    if path == folder:
        return to
    if path.startswith(folder.rstrip(os.sep) + os.sep):
        return to + path[len(folder.rstrip(os.sep)) :]
    return None


def _at(rename: Rename) -> float:
    return rename.at
