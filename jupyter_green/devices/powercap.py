"""The files of Linux's powercap class: which zones there are, and their numbers.

`rapl` makes devices of them.  Imports nothing of the project.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_FOLDER = re.compile(r"(intel-rapl(?:-mmio)?):(\d+)(?::(\d+))?")
_PACKAGE = re.compile(r"package-(\d+)(?:-die-(\d+))?")


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone that counts: its folder, and the id of the device it is."""

    folder: Path
    id: str
    kind: str
    package: str

    @property
    def counter(self) -> Path:
        """The file that counts."""
        return self.folder / "energy_uj"


class Reading:
    """A sysfs attribute held open: re-reading costs one system call, not three."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    def value(self) -> int:
        """Return the number in the file, from a fresh descriptor if the old fails."""
        if self._fd >= 0:
            try:
                return int(os.pread(self._fd, 64, 0))
            except (OSError, ValueError):
                self.close()
        self._fd = os.open(self._path, os.O_RDONLY)
        return int(os.pread(self._fd, 64, 0))

    def close(self) -> None:
        """Give the descriptor back."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def __del__(self) -> None:
        self.close()


def zones(root: Path) -> Iterator[Zone]:
    """Yield packages and memory, ``intel-rapl`` before ``intel-rapl-mmio``."""
    folders = {path.name: path for path in root.glob("intel-rapl*:*")}
    # A bind mount of the control type alone shows the memory inside the packages.
    for path in root.glob("intel-rapl*/*:*"):
        folders.setdefault(path.name, path)
    matches = [m for m in map(_FOLDER.fullmatch, folders) if m]
    matches.sort(key=lambda m: (m[1], int(m[2]), int(m[3] or -1)))
    names = {m[0]: text(folders[m[0]] / "name") for m in matches}
    for match in matches:
        package = _PACKAGE.fullmatch(names.get(f"{match[1]}:{match[2]}", ""))
        if package is None:
            continue
        if match[3] is None:
            yield Zone(folders[match[0]], package[0], "cpu", package[0])
        elif names[match[0]] == "dram":
            name = package[0].replace("package", "dram", 1)
            yield Zone(folders[match[0]], name, "dram", package[0])


def by_id(found: Iterable[Zone]) -> list[list[Zone]]:
    """Group the zones that count the same thing; packages come first."""
    groups: dict[str, list[Zone]] = {}
    for zone in sorted(found, key=lambda z: z.kind):
        groups.setdefault(zone.id, []).append(zone)
    return list(groups.values())


def text(path: Path) -> str:
    """Return what is in the file, or nothing where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def processor(cpuinfo: Path) -> dict[str, str]:
    """Return the fields of the first processor of ``/proc/cpuinfo``."""
    try:
        with cpuinfo.open(encoding="utf-8", errors="replace") as file:
            lines = file.read(4096).splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, colon, value in pairs if colon}
