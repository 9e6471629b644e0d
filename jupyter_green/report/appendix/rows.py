"""One row for each execution: the table ``energy-runs.csv``.

Imports `work` and the facts.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import astuple

from jupyter_green.records import ESTIMATED, Record, error_source
from jupyter_green.report.appendix.devices import hashed_device
from jupyter_green.report.appendix.facts import Appendix
from jupyter_green.report.appendix.selection import UNDATED
from jupyter_green.report.appendix.supply import Terms, terms
from jupyter_green.report.appendix.work import US_PER_H, Work
from jupyter_green.units import co2e_g

# A spreadsheet takes a cell that begins with these for a formula (OWASP).
LINES = 500  # of one piece
KNOWN = 20_000  # texts that are not looked at again
TRUTHS = {None: None, True: "true", False: "false"}
FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
KINDS = {"gpu": "gpu", "cpu": "cpu", "dram": "memory", "ram": "memory"}


class Row(Struct, frozen=True, kw_only=True):
    """One execution; units stand in the names, None is an empty cell.

    Attributes:
        id: The record's id.
        started_at: UTC start, ISO 8601.
        ended_at: UTC end.
        duration_s: Seconds by the monotonic clock.
        status: ``ok``, ``error``, ``interrupted``, ``killed`` or ``running``.
        error: Name of the exception's class.
        purpose: The tag; empty: untagged.
        label: The label.
        notebook: The notebook.
        cell_id: The cell.
        execution_count: The ``n`` of ``In[n]``.
        counted: False for a run inside another one, which has its energy already:
            summing the counted rows gives the totals.
        machine: Key of the machine.
        devices: Keys of the devices, separated by semicolons.
        gpu_hours: GPU-hours allocated, shared time split.
        gpu_hours_busy: Of them, those in which the GPUs computed; empty: not recorded.
        energy_j: Charged joules of all components; empty: not measured.
        energy_uncertainty_j: Half-width (95 %).
        energy_recorded_j: Joules as recorded, before what overlaps was charged once.
        gpu_j: Charged joules of GPUs.
        cpu_j: Of processors.
        memory_j: Of memory, ``dram`` and ``ram``.
        other_j: Of all other kinds.
        methods: Methods, separated by semicolons.
        pue: Power usage effectiveness.
        intensity_g_per_kwh: Carbon intensity.
        intensity_zone: What it is the intensity of.
        co2e_g: Grams of CO2e, location-based.
        git_commit: The commit.
        git_dirty: Whether there were changes.
        python: Version of Python.
        flags: Remarks, separated by semicolons.
    """

    id: str
    started_at: str
    ended_at: str
    duration_s: float
    status: str
    error: str
    purpose: str
    label: str
    notebook: str
    cell_id: str
    execution_count: int | None
    counted: bool
    machine: str
    devices: str
    gpu_hours: float
    gpu_hours_busy: float | None
    energy_j: float | None
    energy_uncertainty_j: float | None
    energy_recorded_j: float | None
    gpu_j: float | None
    cpu_j: float | None
    memory_j: float | None
    other_j: float | None
    methods: str
    pue: float
    intensity_g_per_kwh: float | None
    intensity_zone: str
    co2e_g: float | None
    git_commit: str
    git_dirty: bool | None
    python: str
    flags: str


def rows(work: Work, facts: Appendix) -> Iterator[Row]:
    """Yield a row for each record in scope, oldest first; names as in *facts*.

    Args:
        work: What `build.prepare` gave.
        facts: What `build.facts_of` made of it, not yet anonymous.
    """
    maker = _RowMaker(work, facts)
    counted = [
        (begin if is_dated else UNDATED, record.id, at)
        for at, (begin, is_dated, record) in enumerate(
            zip(
                work.run["begin_us"].tolist(),
                work.run["is_dated"].tolist(),
                work.records,
                strict=True,
            )
        )
    ]
    nested = [
        (placed.span[0] if placed.span else UNDATED, placed.record.id, -1 - at)
        for at, placed in enumerate(work.selection.nested)
    ]
    for _, _, at in sorted(counted + nested):
        if at >= 0:
            yield maker.counted(at)
        else:
            yield maker.nested(work.selection.nested[-1 - at].record)


def csv_lines(found: Iterable[Row]) -> Iterator[str]:
    """Yield the table in pieces of some lines; a hundred thousand need no memory.

    RFC 4180, with LF as line end.
    """
    names = Row.__struct_fields__
    kinds = [str(kind) for kind in Row.__annotations__.values()]
    texts = [at for at, kind in enumerate(kinds) if kind == "str"]
    truths = [at for at, kind in enumerate(kinds) if kind.startswith("bool")]
    lines: list[list[Any]] = [list(names)]
    known = _Guarded()
    for row in found:
        cells = list(astuple(row))
        for at in texts:
            cells[at] = known[cells[at]]
        for at in truths:
            cells[at] = TRUTHS[cells[at]]
        lines.append(cells)
        if len(lines) >= LINES:
            yield _written(lines)
            lines.clear()
            if len(known) > KNOWN:
                known.clear()
    yield _written(lines)


def csv_text(found: Iterable[Row]) -> str:
    """Return the whole table as comma-separated values."""
    return "".join(csv_lines(found))


class _RowMaker:
    def __init__(self, work: Work, facts: Appendix) -> None:
        self._work = work
        keys = {device.hashed_id: device.key for device in facts.compute.devices}
        self._device = [keys.get(hashed_device(*each), "") for each in work.devices]
        self._device_of = dict(zip(work.devices, self._device, strict=True))
        self._machine = {m.hashed_id: m.key for m in facts.compute.machines}
        count = np.bincount(work.entry["owner"], minlength=len(work.records))
        self._ends = list(pairwise(accumulate(count.tolist(), initial=0)))
        self._energy = work.entry["energy_j"].tolist()
        self._whole = work.entry["whole_j"].tolist()
        self._recorded = work.entry["recorded_j"].tolist()
        self._hours = (work.run_gpu_us / US_PER_H).tolist()
        self._busy = work.gpu_hours_busy(work.entry["owner"], len(work.records))
        self._terms = work.run["terms"].tolist()

    def counted(self, at: int) -> Row:
        work, record = self._work, self._work.records[at]
        first, end = self._ends[at]
        return self._row(
            record,
            self._energy[first:end],
            self._whole[first:end],
            self._recorded[first:end],
            work.terms[self._terms[at]],
            gpu_hours=self._hours[at],
            gpu_hours_busy=self._busy[at],
            is_counted=True,
        )

    def nested(self, record: Record) -> Row:
        energy = [_nan(device.energy_j) for device in record.devices]
        whole = [_nan(device.uncertainty_j) for device in record.devices]
        gpus = {device.id: device for device in record.devices if device.kind == "gpu"}
        busy = [device.busy_s for device in gpus.values()]
        told_s = [seconds for seconds in busy if seconds is not None]
        return self._row(
            record,
            energy,
            whole,
            energy,
            terms(record.intensity, record.pue, self._work.author),
            gpu_hours=len(gpus) * record.duration_s / 3600,
            gpu_hours_busy=sum(told_s) / 3600
            if told_s and len(told_s) == len(busy)
            else None,
            is_counted=False,
        )

    def _row(
        self,
        record: Record,
        energy: list[float],
        whole: list[float],
        recorded: list[float],
        on: Terms,
        *,
        gpu_hours: float,
        gpu_hours_busy: float | None,
        is_counted: bool,
    ) -> Row:
        host = record.host.id if record.host else ""
        by_kind: dict[str, float] = {}
        devices, methods, flags = [], [], list(record.flags)
        for device, energy_j in zip(record.devices, energy, strict=True):
            devices.append(self._device_of.get((host, device.id), ""))
            flags += device.flags
            if energy_j == energy_j:  # noqa: PLR0124 - not NaN
                kind = KINDS.get(device.kind, "other")
                by_kind[kind] = by_kind.get(kind, 0.0) + energy_j
                methods.append(device.method)
        charged = _sum(energy)
        intensity = on.intensity
        return Row(
            id=record.id,
            started_at=record.started_at,
            ended_at=record.ended_at,
            duration_s=record.duration_s,
            status=record.status,
            error=record.error,
            purpose=record.purpose or "",
            label=record.label,
            notebook=record.notebook,
            cell_id=record.cell_id,
            execution_count=record.execution_count,
            counted=is_counted,
            machine=self._machine.get(host, ""),
            devices=_listed(devices),
            gpu_hours=gpu_hours,
            gpu_hours_busy=gpu_hours_busy,
            energy_j=charged,
            energy_uncertainty_j=_uncertainty(record, energy, whole),
            energy_recorded_j=_sum(recorded),
            gpu_j=by_kind.get("gpu"),
            cpu_j=by_kind.get("cpu"),
            memory_j=by_kind.get("memory"),
            other_j=by_kind.get("other"),
            methods=_listed(methods),
            pue=on.pue.value,
            intensity_g_per_kwh=None if intensity is None else intensity.g_per_kwh,
            intensity_zone=intensity.zone if intensity else "",
            co2e_g=None
            if charged is None or intensity is None
            else co2e_g(charged, intensity.g_per_kwh, on.pue.value),
            git_commit=record.git.commit if record.git else "",
            git_dirty=record.git.dirty if record.git else None,
            python=record.versions.get("python", ""),
            flags=_listed(flags),
        )


def _nan(figure: float | None) -> float:
    return float("nan") if figure is None else figure


def _sum(figures: list[float]) -> float | None:
    known = [figure for figure in figures if figure == figure]  # noqa: PLR0124 - NaN
    return sum(known) if known else None


def _uncertainty(
    record: Record, energy: list[float], whole: list[float]
) -> float | None:
    squares = 0.0
    together: dict[tuple[str, str], float] = {}
    for device, energy_j, uncertainty_j in zip(
        record.devices, energy, whole, strict=True
    ):
        if energy_j != energy_j:  # noqa: PLR0124 - NaN
            continue
        if uncertainty_j != uncertainty_j:  # noqa: PLR0124 - NaN
            return None
        if device.method == ESTIMATED:
            source = error_source("", device.id, device.method)
            together[source] = together.get(source, 0.0) + uncertainty_j
        else:
            squares += uncertainty_j * uncertainty_j
    if all(energy_j != energy_j for energy_j in energy):  # noqa: PLR0124 - NaN
        return None
    return math.sqrt(squares + sum(each * each for each in together.values()))


def _listed(words: list[str]) -> str:
    return "; ".join(dict.fromkeys(filter(None, words))) if words else ""


class _Guarded(dict[str, str]):
    """Texts that were guarded before: most columns say the same again and again."""

    def __missing__(self, text: str) -> str:
        found = self[text] = guarded(text)
        return found


def _written(lines: list[list[Any]]) -> str:
    buffer = io.StringIO()
    # None becomes an empty cell, a float its shortest digits.
    csv.writer(buffer, lineterminator="\n").writerows(lines)
    return buffer.getvalue()


def guarded(text: str) -> str:
    """Return text that no spreadsheet takes for a formula, without control characters.

    An apostrophe in front of what would be one, as spreadsheets themselves write it.
    """
    if text.isascii() and text.isprintable() and text[:1] not in FORMULA:
        return text  # nearly all are; an empty one is
    text = text.encode("utf-8", "replace").decode()
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return f"'{text}" if text.startswith(FORMULA) else text
