"""Read codecarbon's ``emissions.csv`` into records that say what it does not say.

The file holds kWh by processor, GPU and memory, kg and the machine, a row for each run.
It does not hold whether a figure was measured or modelled, any uncertainty, the zone of
its time stamps, the source of its carbon intensity, or how a run ended.  So every
record is flagged `IMPORTED`, its method is ``estimated`` with `METHOD_UNSTATED`, its
uncertainty None, and it is never called measured.  Column names as in codecarbon 2.x
and 3.x (``codecarbon/output_methods/emissions_data.py``).  Imports `records`, `units`
and `errors`.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

from jupyter_green.errors import EstimateError
from jupyter_green.records import DeviceRecord, Host, Intensity, Pue, Record
from jupyter_green.units import G_PER_KG, j_from_kwh

IMPORTED = "imported"
METHOD_UNSTATED = "method-unstated"
ZONE_UNSTATED = "time-zone-unstated"
STATUS_UNSTATED = "status-unstated"
SPLIT_EVENLY = "split-evenly"
PUE_UNSTATED = "pue-unstated"
PROCESS_ONLY = "process-tracking"
REQUIRED = ("timestamp", "duration", "cpu_energy", "gpu_energy", "ram_energy")
PARTS = (("gpu", "gpu_energy"), ("cpu", "cpu_energy"), ("ram", "ram_energy"))
MOST_GPUS = 4096


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file gave.

    Attributes:
        records: One for each run or task.
        repeated: Rows that an earlier state of the same run had left.
        warnings: What to know of them, as sentences.
    """

    records: tuple[Record, ...]
    repeated: int
    warnings: tuple[str, ...]


def read_rows(
    lines: Iterable[str], *, zone: tzinfo | None = None, purpose: str | None = None
) -> Imported:
    """Return the records of a file.

    The same row gives the same id wherever it is read, so that importing it again adds
    nothing.  Rows of one run (codecarbon writes one at each flush, each with the sums
    so far) give one record: the longest.

    Args:
        lines: The file's lines.
        zone: The time zone of its stamps; None: taken as UTC, and flagged.
        purpose: One of `records.PURPOSES` for all of them.

    Raises:
        EstimateError: The file is none of codecarbon's, or a row has no figures.
    """
    try:
        reader = csv.DictReader(lines)
        names = reader.fieldnames or ()
        missing = [name for name in REQUIRED if name not in names]
        if missing:
            raise EstimateError(
                "this is no emissions.csv of codecarbon",
                why=f"it has no column {', '.join(missing)}",
            )
        longest: dict[tuple[str, str], tuple[int, float, Mapping[str, str]]] = {}
        count = 0
        for number, row in enumerate(reader, start=2):
            count += 1
            key = (row.get("run_id") or f"row {number}", row.get("task_name") or "")
            duration_s = _number(row, "duration", number)
            if key not in longest or longest[key][1] <= duration_s:
                longest[key] = (number, duration_s, row)
    except (csv.Error, UnicodeDecodeError) as err:
        raise EstimateError("the file cannot be read as CSV", why=str(err)) from err
    records = tuple(
        _record(row, number, key, zone, purpose)
        for key, (number, _, row) in longest.items()
    )
    return Imported(records, count - len(records), tuple(_warnings(records)))


def _record(
    row: Mapping[str, str],
    number: int,
    key: tuple[str, str],
    zone: tzinfo | None,
    purpose: str | None,
) -> Record:
    duration_s = _number(row, "duration", number)
    ended_at = _time(row["timestamp"], zone, number)
    pue, pue_flags = _pue(row, number)
    # A later state of a run has its id, and takes its place in the ledger.
    identity = key if row.get("run_id") else (*key, row["timestamp"], row["duration"])
    digest = hashlib.sha256("\x1f".join(("codecarbon", *identity)).encode())
    process = (row.get("tracking_mode") or "").strip() == "process"
    flags = (
        IMPORTED,
        METHOD_UNSTATED,
        STATUS_UNSTATED,
        *((ZONE_UNSTATED,) if zone is None and ended_at.tzinfo is None else ()),
        *pue_flags,
        *((PROCESS_ONLY,) if process else ()),
    )
    if ended_at.tzinfo is None:
        ended_at = ended_at.replace(tzinfo=zone or UTC)
    ended_at = ended_at.astimezone(UTC)
    version = (row.get("codecarbon_version") or "").strip()
    python = (row.get("python_version") or "").strip()
    versions = {"codecarbon": version, "python": python}
    return Record(
        id=digest.hexdigest()[:32],
        duration_s=duration_s,
        devices=_devices(row, number, pue),
        started_at=_text(ended_at - timedelta(seconds=duration_s)),
        ended_at=_text(ended_at),
        label=(row.get("task_name") or row.get("project_name") or "").strip(),
        purpose=purpose,
        intensity=_intensity(row, number, version),
        pue=Pue(value=pue, source="codecarbon's emissions.csv") if pue > 1 else Pue(),
        host=_host(row),
        versions={name: text for name, text in versions.items() if text},
        flags=flags,
    )


def _devices(
    row: Mapping[str, str], number: int, pue: float
) -> tuple[DeviceRecord, ...]:
    devices: list[DeviceRecord] = []
    for kind, column in PARTS:
        # codecarbon multiplies the energy of every component by its PUE.
        energy_j = j_from_kwh(_number(row, column, number)) / pue
        count = _gpus(row) if kind == "gpu" else 1
        if kind == "gpu" and not count and not energy_j:
            continue
        count = max(count, 1)
        name = _device_name(row, kind)
        devices += [
            DeviceRecord(
                id=f"codecarbon:{name or kind}:{index}",
                kind=kind,
                method="estimated",
                energy_j=energy_j / count,
                uncertainty_j=None,
                uncertainty_random_j=None,
                index=index,
                name=name,
                flags=(METHOD_UNSTATED, *((SPLIT_EVENLY,) if count > 1 else ())),
            )
            for index in range(count)
        ]
    return tuple(devices)


def _device_name(row: Mapping[str, str], kind: str) -> str:
    if kind == "ram":
        return ""
    name = (row.get(f"{kind}_model") or "").strip()
    # GPUs read "4 x NVIDIA A100-SXM4-40GB".
    count, mark, model = name.partition(" x ")
    return model if kind == "gpu" and mark and count.isdigit() else name


def _gpus(row: Mapping[str, str]) -> int:
    try:
        count = float(row.get("gpu_count") or 0)
    except ValueError:
        return 0
    return round(count) if 0 <= count <= MOST_GPUS else 0


def _intensity(row: Mapping[str, str], number: int, version: str) -> Intensity | None:
    """Return the intensity that the file's own quotient gives; PUE cancels out."""
    if not (row.get("emissions") or "").strip():
        return None
    kwh = sum(_number(row, column, number) for _, column in PARTS)
    if kwh <= 0:
        return None
    grams = _number(row, "emissions", number) * G_PER_KG
    place = [
        text
        for name in ("country_iso_code", "region")
        if (text := (row.get(name) or "").strip())
    ]
    cloud = [
        text
        for name in ("cloud_provider", "cloud_region")
        if (text := (row.get(name) or "").strip())
    ]
    return Intensity(
        g_per_kwh=grams / kwh,
        zone=":".join(cloud) or "/".join(place) or "unstated",
        source=f"codecarbon {version}".strip(),
        note="emissions over energy of emissions.csv, which names no data set",
    )


def _pue(row: Mapping[str, str], number: int) -> tuple[float, tuple[str, ...]]:
    if not (row.get("pue") or "").strip():
        return 1.0, (PUE_UNSTATED,)
    pue = _number(row, "pue", number)
    if pue < 1.0:
        raise EstimateError(
            f"row {number} has a PUE of {pue:g}",
            why="it is facility energy over IT energy, at least 1",
        )
    return pue, ()


def _host(row: Mapping[str, str]) -> Host:
    # Its identity is not in the file: an empty id is that of no known machine.
    return Host(
        id="",
        system=(row.get("os") or "").strip(),
        cpu_model=(row.get("cpu_model") or "").strip(),
        cpu_count=_whole(row.get("cpu_count")),
        memory_gb=_positive(row.get("ram_total_size")),
    )


def _number(row: Mapping[str, str], name: str, number: int) -> float:
    text = (row.get(name) or "").strip()
    try:
        value = float(text or "nan")
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise EstimateError(
            f"row {number} has no usable {name}",
            why=f"it reads {text[:40]!r}",
            remedy="Mend the row or take it out",
        )
    return value


def _positive(text: str | None) -> float:
    try:
        value = float(text or 0)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and value > 0 else 0.0


def _whole(text: str | None) -> int:
    return round(_positive(text))


def _time(text: str, zone: tzinfo | None, number: int) -> datetime:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as err:
        raise EstimateError(
            f"row {number} has no usable timestamp", why=str(err)
        ) from err
    return time.replace(tzinfo=zone) if zone and time.tzinfo is None else time


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _warnings(records: Iterable[Record]) -> Iterable[str]:
    spans = sorted((r.started_at, r.ended_at) for r in records)
    overlaps = sum(later[0] < earlier[1] for earlier, later in pairwise(spans))
    if overlaps:
        yield (
            f"{overlaps} runs overlap the run before them in time. The file does not "
            "say on which machine a run was, so energy of the same machine may be "
            "counted twice."
        )
    if any(ZONE_UNSTATED in record.flags for record in records):
        yield "The file does not say the zone of its time stamps: taken as UTC."
