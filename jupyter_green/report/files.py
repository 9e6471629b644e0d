"""Write a report's files: all or none, and never over what somebody else wrote.

A manifest beside the files holds the hash of each as it was written.  A file that is
there and is not as the manifest says belongs to somebody: it is another tool's, or an
author has edited it.  Imports `errors` only.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_files(folder, {"a.txt": b"one"})
    ('a.txt',)
    >>> write_files(folder, {"a.txt": b"two"})
    ('a.txt',)
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from jupyter_green.errors import ReportError

MANIFEST = "energy-manifest.json"
SHOWN = 8
MODE = 0o644


def write_files(
    folder: Path, files: Mapping[str, bytes], *, force: bool = False
) -> tuple[str, ...]:
    """Write files and return the names of those that changed.

    Each is written beside its place and moved there whole.

    Args:
        folder: Where to write; made if it is not there.
        files: Their content by name.
        force: Write over files that this tool did not write.

    Raises:
        ReportError: Somebody else's file is in the way, or the disk refuses.
    """
    known = _manifest(folder)
    changed = [name for name in files if not _is_same(folder / name, files[name])]
    foreign = [name for name in changed if _is_foreign(folder / name, known.get(name))]
    if foreign and not force:
        more = len(foreign) - SHOWN
        names = ", ".join(foreign[:SHOWN]) + (f" and {more} more" if more > 0 else "")
        raise ReportError(
            f"files in {folder} are in the way: {names}",
            why="this tool did not write them, or they were edited since",
            remedy="Move them, choose another folder with -o, or give --force",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in changed:
            _write(folder / name, files[name])
        hashes = known | {name: _sha256(data) for name, data in files.items()}
        manifest = json.dumps(
            {"tool": "jupyter_green", "files": hashes}, indent=1, sort_keys=True
        )
        if not _is_same(folder / MANIFEST, f"{manifest}\n".encode()):
            _write(folder / MANIFEST, f"{manifest}\n".encode())
    except OSError as err:
        raise ReportError(
            f"cannot write to {folder}", why=err.strerror or str(err)
        ) from err
    return tuple(changed)


def replace_file(path: Path, content: bytes) -> bool:
    """Write a file whole, through links; return whether that changed it.

    Raises:
        ReportError: The disk refuses.
    """
    if _is_same(path, content):
        return False
    try:
        target = path.resolve()
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else MODE
        _write(target, content, mode)
    except OSError as err:
        raise ReportError(
            f"cannot write to {path}", why=err.strerror or str(err)
        ) from err
    return True


def edited(folder: Path) -> tuple[str, ...]:
    """Return the names of files of a report that are not as they were written.

    Files that are gone are none of them; nor is any where there is no manifest.
    """
    return tuple(
        name
        for name, digest in sorted(_manifest(folder).items())
        if "/" not in name and _is_foreign(folder / name, digest)
    )


def _manifest(folder: Path) -> dict[str, str]:
    """Return the hashes of what was written before; nothing where they are unknown."""
    try:
        known = json.loads((folder / MANIFEST).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {str(name): str(digest) for name, digest in known.items()}


def _is_same(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def _is_foreign(path: Path, digest: str | None) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False  # nothing is there
    if not stat.S_ISREG(mode) or digest is None:
        return True
    try:
        return _sha256(path.read_bytes()) != digest
    except OSError:
        return True


def _write(path: Path, data: bytes, mode: int = MODE) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        # What mkstemp makes is for nobody else; a report is for co-authors.
        temporary.chmod(mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
