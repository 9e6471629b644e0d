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

from jupyter_green.records import (
    Baseline,
    DeviceRecord,
    Git,
    Host,
    Intensity,
    Pue,
    Record,
    Share,
)

# 2: what many lines have alike stands in a context; 1: each line is complete.
LINES_VERSION = 2

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
        schema_version: Version of the form of this file's lines, `LINES_VERSION`.
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
    schema_version: int = msgspec.field(default_factory=lambda: LINES_VERSION)


class ContextLine(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag="context",
    tag_field="type",
):
    """What the records of many runs have alike; lines behind it refer to it by its id.

    It holds for the file in which it stands.

    Attributes:
        id: Hash of all the rest, so that equal contexts have equal ids.
        devices: The devices, without figures, in the order of the figures.
        session: As in `Record`, and so are the following ones.
        notebook: See there.
        intensity: See there.
        pue: See there.
        baseline: See there.
        host: See there.
        git: See there.
        versions: See there.
        schema_version: Version of the form of the lines that refer to it.
    """

    id: str
    devices: tuple[DeviceRecord, ...]
    session: str = ""
    notebook: str = ""
    intensity: Intensity | None = None
    pue: Pue = Pue()
    baseline: Baseline | None = None
    host: Host | None = None
    git: Git | None = None
    versions: dict[str, str] = {}
    schema_version: int = msgspec.field(default_factory=lambda: LINES_VERSION)


class Detail(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run says of a device beside its figures; see `DeviceRecord`.

    Attributes:
        coverage: None: 1.
        share: See there.
        reason: See there.
        flags: See there.
        busy_s: See there.
    """

    coverage: float | None = None
    share: Share | None = None
    busy_s: float | None = None
    reason: str = ""
    flags: tuple[str, ...] = ()


class _Referring(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line that may refer to a context.

    Attributes:
        context: Id of the context; empty: the line is complete by itself.
        energy_j: Joules of each device of the context.
        uncertainty_j: As in `DeviceRecord`, for each.
        uncertainty_random_j: Likewise.
        details: What else is to be said of each; none if there is nothing.
        curve: The record's curve as text, time and power by turns: engines that read
            many lines skip a text, where they would convert each number.
    """

    context: str = ""
    energy_j: tuple[float | None, ...] = ()
    uncertainty_j: tuple[float | None, ...] = ()
    uncertainty_random_j: tuple[float | None, ...] = ()
    details: tuple[Detail, ...] = ()
    curve: str = ""


class StartLine(_Referring, Generic[R], frozen=True, tag="start", tag_field="type"):
    """A run began; its record has the status ``running``.

    Attributes:
        record: The record, without what stands in the context.
    """

    record: R


class HeartbeatLine(
    _Referring,
    Generic[D],
    frozen=True,
    kw_only=True,
    tag="heartbeat",
    tag_field="type",
):
    """A run goes on.

    Attributes:
        record: Id of the run's record.
        at: UTC time of the figures.
        duration_s: Seconds since the run's start.
        devices: Energy so far, device by device, unless there is a context.
    """

    record: str
    at: str
    duration_s: float
    devices: tuple[D, ...] = ()


class EndLine(_Referring, Generic[R], frozen=True, tag="end", tag_field="type"):
    """A run ended; the last such line of a record counts.

    Attributes:
        record: The record, without what stands in the context.
    """

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


class SlimContextLine(
    Struct, frozen=True, kw_only=True, gc=False, tag="context", tag_field="type"
):
    """What totals need of a `ContextLine`."""

    id: str
    devices: tuple[SlimDevice, ...]
    notebook: str = ""
    intensity: SlimIntensity | None = None
    pue: Pue = Pue()
    host: SlimHost | None = None
    schema_version: int = 1


Line = (
    SessionLine
    | ContextLine
    | StartLine[Record]
    | HeartbeatLine[DeviceRecord]
    | EndLine[Record]
    | TagLine
    | BaselineLine
)
SlimLine = (
    SessionLine
    | SlimContextLine
    | StartLine[SlimRecord]
    | HeartbeatLine[SlimDevice]
    | EndLine[SlimRecord]
    | TagLine
    | BaselineLine
)


def encode_line(line: Line) -> bytes:
    """Return a line as it stands in a file, line end included.

    A line that is complete by itself stays so; `contexts.abridge` makes short ones.
    """
    return msgspec.json.encode(line) + b"\n"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of any line of a ledger."""
    schema: dict[str, Any] = msgspec.json.schema(Line)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"a line of a jupyter_green ledger, schema version {LINES_VERSION}",
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
