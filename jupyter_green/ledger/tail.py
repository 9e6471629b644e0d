"""Read what a growing file has gained, and notice when it is no longer the same file.

Imports the ledger's reader only.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from jupyter_green.ledger.reader import MAX_LINE

PRINT_BYTES = 4096  # of a file's begin and before the offset, to know it again

Numbered = tuple[int, int, bytes]  # line from 1, offset in bytes, the line


class Tail:
    """How far a file has been read.

    Args:
        path: The file.

    Attributes:
        path: The file.
        offset: Bytes that have been read.
        line: Lines that have been read.
        torn: The beginning of a line, behind the offset, that has no end yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.line = 0
        self.torn = b""
        self._state: tuple[int, ...] | None = None
        self._print = b""
        self._is_open = False  # the last line was whole and had no line end

    def is_new(self, info: os.stat_result) -> bool:
        """Say whether the file may hold anything that has not been read."""
        return _state(info) != self._state

    def is_void(self, info: os.stat_result) -> bool:
        """Say whether what has been read of the file stands there no more.

        A file that grew in place, or was replaced by one that begins alike, is the
        same: some tools that copy ledgers write a new file each time.

        Raises:
            OSError: The file cannot be read.
        """
        if info.st_size < self.offset:
            return True
        if not self.offset or not self.is_new(info):
            return False
        with self.path.open("rb") as stream:
            return _print(stream, self.offset) != self._print

    def lines(self, info: os.stat_result, max_bytes: int) -> Iterator[Numbered]:
        """Yield lines that have not been read; one longer than `MAX_LINE` is empty.

        Args:
            info: The file's state before reading.
            max_bytes: Stop behind the line in which so many are reached.

        Raises:
            OSError: The file cannot be read.
        """
        stop = self.offset + max_bytes
        self._state, self.torn = None, b""
        with self.path.open("rb") as stream:
            stream.seek(self.offset)
            while self.offset < stop:
                chunk = stream.readline(MAX_LINE)
                size, is_ended = len(chunk), chunk.endswith(b"\n")
                if size == MAX_LINE and not is_ended:
                    rest, is_ended = _to_line_end(stream)
                    chunk, size = b"", size + rest
                if not is_ended and not _is_json(chunk):
                    self.torn = chunk
                    self._state = _state(info)
                    break
                is_rest, self._is_open = self._is_open, not is_ended
                begin = self.offset
                self.offset += size
                self.line += not is_rest
                yield self.line, begin, chunk
            self._print = _print(stream, self.offset)

    def line_at(self, offset: int, size: int) -> bytes:
        """Return a line again.

        Raises:
            OSError: The file cannot be read.
        """
        with self.path.open("rb") as stream:
            stream.seek(offset)
            return stream.read(size)


def _state(info: os.stat_result) -> tuple[int, ...]:
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns


def _print(stream: BinaryIO, offset: int) -> bytes:
    """Return a mark of what stands at the file's begin and before an offset."""
    length = min(offset, PRINT_BYTES)
    stream.seek(0)
    known = hashlib.sha256(stream.read(length))
    stream.seek(offset - length)
    known.update(stream.read(length))
    return known.digest()


def _to_line_end(stream: BinaryIO) -> tuple[int, bool]:
    size = 0
    while chunk := stream.readline(MAX_LINE):
        size += len(chunk)
        if chunk.endswith(b"\n"):
            return size, True
    return size, False


def _is_json(chunk: bytes) -> bool:
    """Say whether a line without its end is whole: no part of an object is one."""
    try:
        msgspec.json.decode(chunk, type=msgspec.Raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True
