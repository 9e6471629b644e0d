"""What a line of the ledger is: tagged values and their JSON form.

Every line is one JSON object whose key ``type`` says what it holds.  Imports `records`
only.

    >>> encode_line(TagLine(records=("r1",), at="2026-01-01T00:00:00Z")).strip()
    b'{"type":"tag","records":["r1"],"at":"2026-01-01T00:00:00Z"}'
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from jupyter_green.records import SCHEMA_VERSION, Baseline, DeviceRecord, Pue, Record

R = TypeVar("R")
D = TypeVar("D")


class SessionLine(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="session",
    tag_field="type",
):
    """The first line of a file: which process writes it.

    Attributes:
        id: Identifier of the kernel session or process.
        at: UTC time at which the session began.
        pid: The process, as its own system numbers it.
        process_started: When the process started, by a clock of its system that only
            serves to recognise the process; None if unknown.
        boot_id: Identifier of the system's boot, unique among hosts; may be empty.
        pid_namespace: The name space in which `pid` counts (containers); may be empty.
        host: Hash of the machine's identity.
        heartbeat_s: Seconds between heartbeats.
        versions: Versions of the software that matters.
        argv0: The program's name.
        schema_version: Version of the form of this file's lines.
    """

    id: str
    at: str
    pid: int
    process_started: float | None = None
    boot_id: str = ""
    pid_namespace: str = ""
    host: str = ""
    heartbeat_s: float = 10.0
    versions: dict[str, str] = {}
    argv0: str = ""
    schema_version: int = msgspec.field(default_factory=lambda: SCHEMA_VERSION)


class StartLine(Struct, Generic[R], frozen=True, tag="start", tag_field="type"):
    """A run began; its record has the status ``running``."""

    record: R


class HeartbeatLine(
    Struct, Generic[D], frozen=True, kw_only=True, tag="heartbeat", tag_field="type"
):
    """A run goes on.

    Attributes:
        record: Id of the run's record.
        at: UTC time of the figures.
        duration_s: Seconds since the run's start.
        devices: Energy so far, device by device.
    """

    record: str
    at: str
    duration_s: float
    devices: tuple[D, ...]


class EndLine(Struct, Generic[R], frozen=True, tag="end", tag_field="type"):
    """A run ended; the last such line of a record counts."""

    record: R


class TagLine(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag="tag", tag_field="type"
):
    """A person's word on records, given afterwards; the newest one counts.

    Attributes:
        records: Ids of the records it is about.
        at: UTC time at which it was said.
        purpose: The new purpose; None: unchanged.
        label: The new label; None: unchanged.
    """

    records: tuple[str, ...]
    at: str
    purpose: str | None = None
    label: str | None = None


class BaselineLine(Struct, frozen=True, tag="baseline", tag_field="type"):
    """Idle power was measured."""

    baseline: Baseline


class SlimDevice(Struct, frozen=True, kw_only=True, gc=False):
    """What totals need of a `DeviceRecord`; decoding skips the rest."""

    id: str
    method: str
    energy_j: float | None
    uncertainty_j: float | None
    uncertainty_random_j: float | None
    name: str = ""


class SlimHost(Struct, frozen=True, kw_only=True, gc=False):
    """What totals need of a `Host`."""

    id: str
    name: str = ""


class SlimIntensity(Struct, frozen=True, kw_only=True, gc=False):
    """What totals need of an `Intensity`."""

    g_per_kwh: float
    low_g_per_kwh: float | None = None
    high_g_per_kwh: float | None = None


class SlimRecord(Struct, frozen=True, kw_only=True, gc=False):
    """What totals need of a `Record`."""

    id: str
    duration_s: float
    devices: tuple[SlimDevice, ...]
    started_at: str = ""
    ended_at: str = ""
    status: str = "ok"
    final: bool = True
    label: str = ""
    purpose: str | None = None
    parent: str | None = None
    notebook: str = ""
    intensity: SlimIntensity | None = None
    pue: Pue = Pue()
    host: SlimHost | None = None
    flags: tuple[str, ...] = ()
    schema_version: int = 1


Line = (
    SessionLine
    | StartLine[Record]
    | HeartbeatLine[DeviceRecord]
    | EndLine[Record]
    | TagLine
    | BaselineLine
)
SlimLine = (
    SessionLine
    | StartLine[SlimRecord]
    | HeartbeatLine[SlimDevice]
    | EndLine[SlimRecord]
    | TagLine
    | BaselineLine
)


def encode_line(line: Line) -> bytes:
    """Return a line as it stands in a file, line end included."""
    return msgspec.json.encode(line) + b"\n"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of any line of a ledger."""
    schema: dict[str, Any] = msgspec.json.schema(Line)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"a line of a jupyter_green ledger, schema version {SCHEMA_VERSION}",
        **schema,
    }


def utc_text(time: datetime | None = None) -> str:
    """Return a time (default: now) as the ledger writes it: UTC, ISO 8601, ``Z``."""
    time = datetime.now(UTC) if time is None else time.astimezone(UTC)
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime | None:
    """Return the time that ISO 8601 *text* says, or None; without zone it is UTC."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
