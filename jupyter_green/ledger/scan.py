"""Let DuckDB read the lines of large ledgers: columns of numbers for plain end lines.

A plain line is one as this package writes it.  A file that holds anything else, such
as garbage, tags, unusual times or a run without an end, is named as odd and left to
`reader`, which knows what to do.  A number in quotes passes for a number here, and
fields that totals do not use are not looked at; `reader` would refuse such a line.

Imports the ledger's queries only; DuckDB and numpy when used.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from jupyter_green.ledger.lines import SlimDevice, SlimHost, SlimIntensity
from jupyter_green.ledger.queries import (
    CONTEXT,
    CONTEXTS,
    COUNTS,
    DEVICES,
    END,
    ODD,
    PATTERNS,
    RECORDS,
    REFERENCES,
    START,
    batch_query,
)
from jupyter_green.records import Pue

BATCH_BYTES = 128 * 2**20  # of text, read at once
MAX_OBJECT = 2 * 2**20  # bytes; DuckDB holds twice that several times
MEMORY_LIMIT = "300MB"
MAX_THREADS = 2  # more would wait for one another: each needs memory to write
GLOB = frozenset("*?[]{}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """What many records have in common; the rest of them is numbers.

    Attributes:
        status: The records' status.
        final: Whether they are final.
        host: The machine's id and name; None if there is none.
        devices: Id, method and name of each device; names only where needed.
        key: What tells rows apart: a label, a notebook ...
    """

    status: str
    final: bool
    host: tuple[str, str] | None
    devices: tuple[tuple[str, str, str], ...]
    key: str


@dataclass(slots=True)
class Columns:
    """The end lines of some files, in the order in which they stand there.

    Attributes:
        patterns: The patterns that `of_record["pattern"]` numbers.
        of_record: An array for each column, an entry for each line.
        of_device: Likewise with an entry for each device of each line.
        odd: Files that must be read otherwise; their lines are not among the arrays.
    """

    patterns: list[Pattern]
    of_record: dict[str, Any]
    of_device: dict[str, Any]
    odd: frozenset[Path]


def is_available() -> bool:
    """Say whether DuckDB can be imported."""
    try:
        import duckdb  # noqa: F401, PLC0415 - large, and not needed for small ledgers
        import numpy as np  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


def is_among(ids: Any, known: Any) -> Any:
    """Return which of some identifiers are known; numpy's own way is much slower."""
    import numpy as np  # noqa: PLC0415

    if not len(ids) or not len(known):
        return np.zeros(len(ids), dtype=bool)
    ordered = np.sort(known)
    place = np.minimum(np.searchsorted(ordered, ids), len(ordered) - 1)
    return ordered[place] == ids


class Scan:
    """Reads files by DuckDB.

    Args:
        by: What totals are told apart by.
        told: Called with the bytes read so far.
    """

    def __init__(self, by: str | None, told: Callable[[int], None]) -> None:
        import duckdb  # noqa: PLC0415

        self._told = told
        self._batch = batch_query(by, MAX_OBJECT)
        self._database = duckdb.connect(
            config={
                "memory_limit": MEMORY_LIMIT,
                "threads": min(os.cpu_count() or 1, MAX_THREADS),
                "temp_directory": str(Path(tempfile.gettempdir(), "jupyter_green.tmp")),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._by = by
        self._patterns: dict[Pattern, int] = {}
        self._contexts: dict[str, _Context] = {}
        self._odd: set[Path] = set()

    def close(self) -> None:
        """Give back what DuckDB holds."""
        self._database.close()

    def ids(self, texts: Sequence[str]) -> Any:
        """Return the numbers that stand for identifiers, as an array."""
        query = "SELECT hash(to_json(x)::VARCHAR) AS id FROM (SELECT unnest($1) AS x)"
        return self._database.execute(query, [list(texts)]).fetchnumpy()["id"]

    def read(self, files: Sequence[tuple[Path, int]]) -> Columns:
        """Read files, given with their sizes."""
        import numpy as np  # noqa: PLC0415

        records: list[dict[str, Any]] = []
        devices: list[dict[str, Any]] = []
        started: list[dict[str, Any]] = []
        paths = [path for path, _ in files]
        self._odd.update(path for path in paths if GLOB & set(str(path)))
        done = 0
        for batch in _batches(files, self._odd):
            names = {os.path.abspath(path): paths.index(path) for path, _ in batch}  # noqa: PTH100 - as DuckDB names them
            self._read_batch(names, paths, records, devices, started)
            done += sum(size for _, size in batch)
            self._told(done)
        of_record, of_device = _joined(records), _joined(devices)
        begun = _joined(started)
        if begun:
            known = of_record["id"] if of_record else np.empty(0, dtype=np.uint64)
            is_open = ~is_among(begun["id"], known)
            self._odd.update(paths[n] for n in set(begun["file"][is_open].tolist()))
        if of_record and self._odd:
            odd = [n for n, path in enumerate(paths) if path in self._odd]
            kept = ~np.isin(of_record["file"], odd)
            on_kept = np.repeat(kept, of_record["devices"])
            of_record = {name: column[kept] for name, column in of_record.items()}
            of_device = {name: column[on_kept] for name, column in of_device.items()}
        return Columns(list(self._patterns), of_record, of_device, frozenset(self._odd))

    def _read_batch(
        self,
        names: dict[str, int],
        paths: Sequence[Path],
        records: list[dict[str, Any]],
        devices: list[dict[str, Any]],
        started: list[dict[str, Any]],
    ) -> None:
        import numpy as np  # noqa: PLC0415

        run = self._database.execute
        run(self._batch, {"files": list(names)})
        odd = "SELECT DISTINCT filename FROM batch WHERE kind = $1"
        self._odd.update(paths[names[name]] for (name,) in run(odd, [ODD]).fetchall())
        self._find_contexts(names, paths)
        query = "SELECT id, filename FROM batch WHERE kind = $1"
        begun = run(query, [START]).fetchnumpy()
        started.append({"id": begun["id"], "file": _numbers(begun, names)})
        found = run(RECORDS, [END]).fetchnumpy()
        counted = dict(run(COUNTS, [END]).fetchall())
        # Lines stand in the order of their files.
        found["file"] = np.repeat(
            np.fromiter(names.values(), dtype=np.int32, count=len(names)),
            [counted.get(name, 0) for name in names],
        )
        found = _plain(found)
        found["pattern"] = self._numbered(found, paths)
        del found["pattern_id"]
        records.append(found)
        devices.append(_plain(run(DEVICES, [END]).fetchnumpy()))

    def _find_contexts(self, names: dict[str, int], paths: Sequence[Path]) -> None:
        """Keep the contexts of a batch; files that do not keep to the form are odd."""
        run = self._database.execute
        first: dict[tuple[str, str], int] = {}
        for name, row, text in run(CONTEXTS, [CONTEXT]).fetchall():
            context = _context(text)
            if context is None or self._contexts.setdefault(context.id, context) != (
                context
            ):
                self._odd.add(paths[names[name]])
            else:
                first.setdefault((name, context.id), row)
        for name, text, row in run(REFERENCES).fetchall():
            key = (name, msgspec.json.decode(text))
            # `reader` knows what to do with a line whose context comes later or never.
            if first.get(key, row) >= row:
                self._odd.add(paths[names[name]])

    def _numbered(self, found: dict[str, Any], paths: Sequence[Path]) -> Any:
        """Return the number of each record's pattern; files of odd ones are odd.

        What a record has from its context is put into its columns.
        """
        import numpy as np  # noqa: PLC0415

        known: dict[int, tuple[int, bool, float, float]] = {}
        for identifier, text in self._database.execute(PATTERNS, [END]).fetchall():
            pattern, context = self._pattern(text)
            if pattern is None:
                rows = found["file"][found["pattern_id"] == identifier]
                self._odd.update(paths[n] for n in set(rows.tolist()))
                known[identifier] = (0, False, 0.0, 0.0)  # they will be left out
                continue
            number = self._patterns.setdefault(pattern, len(self._patterns))
            intensity = context and context.intensity
            known[identifier] = (
                number,
                context is not None,
                intensity.g_per_kwh if intensity else np.nan,
                context.pue.value if context and context.pue else 1.0,
            )
        unique, inverse = np.unique(found["pattern_id"], return_inverse=True)
        numbers, has_context, g_per_kwh, pue = (
            (
                np.array(column)[inverse]
                for column in zip(*(known[i] for i in unique.tolist()), strict=True)
            )
            if len(unique)
            else (np.empty(0, dtype=t) for t in (int, bool, float, float))
        )
        for name, column in (("g_per_kwh", g_per_kwh), ("pue", pue)):
            found[name] = np.where(has_context, column, found[name])
        return numbers.astype(np.int32)

    def _pattern(self, text: str) -> tuple[Pattern | None, _Context | None]:
        try:
            found = msgspec.json.decode(text, type=_Found)
        except msgspec.MsgspecError:
            return None, None
        if found.context is None:
            return _complete_pattern(found), None
        context = self._contexts.get(found.context)
        if context is None or found.count != len(context.devices):
            return None, None
        host, is_named = context.host, self._by == "device"
        key = context.notebook if self._by == "notebook" else found.key
        pattern = Pattern(
            status="ok" if found.status is None else found.status,
            final=found.final is not False,
            host=None if host is None else (host.id, host.name),
            devices=tuple(
                (d.id, d.method, d.name if is_named else "") for d in context.devices
            ),
            key=key or "",
        )
        return pattern, context


class _Context(msgspec.Struct, frozen=True):
    id: str
    devices: tuple[SlimDevice, ...]
    notebook: str | None = None
    intensity: SlimIntensity | None = None
    pue: Pue | None = None
    host: SlimHost | None = None


class _Device(msgspec.Struct):
    id: str
    method: str
    name: str | None = None


class _Stated(msgspec.Struct):
    devices: tuple[_Device, ...]
    host: str | None = None
    host_name: str | None = None


class _Found(msgspec.Struct):
    status: str | None = None
    final: bool | None = None
    key: str | None = None
    stated: _Stated | None = None
    context: str | None = None
    count: int = 0


def _context(text: str) -> _Context | None:
    try:
        return msgspec.json.decode(text, type=_Context)
    except msgspec.MsgspecError:
        return None


def _complete_pattern(found: _Found) -> Pattern | None:
    stated = found.stated
    if stated is None or (stated.host is None and stated.host_name is not None):
        return None
    host = None if stated.host is None else (stated.host, stated.host_name or "")
    return Pattern(
        status="ok" if found.status is None else found.status,
        final=found.final is not False,
        host=host,
        devices=tuple((d.id, d.method, d.name or "") for d in stated.devices),
        key=found.key or "",
    )


def _batches(
    files: Sequence[tuple[Path, int]], odd: set[Path]
) -> Iterator[list[tuple[Path, int]]]:
    batch: list[tuple[Path, int]] = []
    size = 0
    for path, bytes_ in files:
        if path in odd:
            continue
        if batch and size + bytes_ > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append((path, bytes_))
        size += bytes_
    if batch:
        yield batch


def _numbers(found: dict[str, Any], names: dict[str, int]) -> Any:
    import numpy as np  # noqa: PLC0415

    return np.array([names[name] for name in found["filename"]], dtype=np.int32)


def _plain(columns: dict[str, Any]) -> dict[str, Any]:
    """Return columns without masks: what is missing is NaN, or 0 where that is none."""
    import numpy as np  # noqa: PLC0415

    return {
        name: np.ma.filled(column, np.nan if column.dtype.kind == "f" else 0)
        for name, column in columns.items()
    }


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return columns joined; *parts* is emptied, so that memory holds them once."""
    import numpy as np  # noqa: PLC0415

    if not parts:
        return {}
    joined = {}
    for name in tuple(parts[0]):
        joined[name] = np.concatenate([part.pop(name) for part in parts])
    parts.clear()
    return joined
