"""Small records, lines and ledgers for the tests of the ledger."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from jupyter_green.ledger.contexts import abridge
from jupyter_green.ledger.lines import (
    EndLine,
    HeartbeatLine,
    Line,
    SessionLine,
    StartLine,
    encode_line,
)
from jupyter_green.records import DeviceRecord, Host, Intensity, Record

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SESSION = SessionLine(
    id="5e55109c0ffee", at="2026-06-01T10:00:00Z", pid=4711, host="h057" * 8
)
HOST = Host(id="h057" * 8, system="Linux x86_64")
INTENSITY = Intensity(g_per_kwh=360.0, zone="WORLD", source="test", year=2024)


def device(energy_j: float | None = 100.0, **changes: Any) -> DeviceRecord:
    """Return a GPU's 100 J ± 5 J, 3 J of it random and 4 J common."""
    known: dict[str, Any] = {
        "id": "GPU-0123456789",
        "kind": "gpu",
        "method": "counter",
        "energy_j": energy_j,
        "uncertainty_j": None if energy_j is None else 5.0,
        "uncertainty_random_j": None if energy_j is None else 3.0,
        "name": "H200",
        "calibration": 0.04,
    }
    return DeviceRecord(**{**known, **changes})


def record(identifier: str = "r1", **changes: Any) -> Record:
    """Return a finished record of 10 s."""
    known: dict[str, Any] = {
        "id": identifier,
        "duration_s": 10.0,
        "devices": (device(),),
        "started_at": "2026-06-01T11:00:00Z",
        "ended_at": "2026-06-01T11:00:10Z",
        "session": SESSION.id,
        "host": HOST,
        "intensity": INTENSITY,
    }
    return Record(**{**known, **changes})


def running(identifier: str = "r1", **changes: Any) -> Record:
    """Return the record of a run that just began."""
    return record(
        identifier,
        **{
            "status": "running",
            "duration_s": 0.0,
            "final": False,
            "ended_at": "",
            "devices": (device(None),),
            **changes,
        },
    )


def short(*lines: Line | bytes) -> list[Line | bytes]:
    """Return lines as the writer puts them into one file: contexts, and short lines."""
    written: set[str] = set()
    started: dict[str, Record] = {}
    given: list[Line | bytes] = []
    for line in lines:
        if not isinstance(line, StartLine | HeartbeatLine | EndLine):
            given.append(line)
            continue
        if isinstance(line, StartLine):
            started[line.record.id] = line.record
        beat_of = line.record if isinstance(line, HeartbeatLine) else ""
        context, brief = abridge(line, started.get(beat_of))
        if context.id not in written:
            written.add(context.id)
            given.append(context)
        given.append(brief)
    return given


def write_lines(path: Path, *lines: Line | bytes) -> Path:
    """Write lines, or raw bytes, to a file."""
    data = [line if isinstance(line, bytes) else encode_line(line) for line in lines]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(data))
    return path


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """Return all lines of a folder as plain values; each must be valid JSON."""
    return [
        msgspec.json.decode(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_bytes().splitlines()
        if line
    ]
