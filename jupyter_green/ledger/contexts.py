"""Write once what many records have alike, and put it back when they are read.

A session's records agree in host, software, commit, intensity, devices and more: four
fifths of their text.  `abridge` moves that into a context, and `Contexts` restores it,
so that everything beyond a file's lines deals with complete records only.
Imports `records` and the ledger's lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from jupyter_green.ledger.lines import (
    ContextLine,
    Detail,
    EndLine,
    HeartbeatLine,
    SlimContextLine,
    SlimDevice,
    SlimRecord,
    StartLine,
)
from jupyter_green.records import Curve, DeviceRecord, Record

LOST = "context-lost"
UNKNOWN = "unknown"
ID_LENGTH = 16  # characters: contexts of one file are few
NO_FIGURES = dict.fromkeys(("energy_j", "uncertainty_j", "uncertainty_random_j"))
COMMON = (
    "session",
    "notebook",
    "intensity",
    "pue",
    "baseline",
    "host",
    "git",
    "versions",
)
SLIM_COMMON = ("notebook", "intensity", "pue", "host")

AnyContext = ContextLine | SlimContextLine
Referring = StartLine[Any] | EndLine[Any] | HeartbeatLine[Any]


def abridge(line: Referring, start: Record | None = None) -> tuple[ContextLine, Any]:
    """Return a line in its short form, and the context that it refers to.

    Args:
        line: A line that is complete.
        start: The record with which the run of a heartbeat began, if it is known.
    """
    short: Any
    curve = ""
    if isinstance(line, HeartbeatLine):
        devices, record = line.devices, start
        short = replace(line, devices=())
    else:
        record = line.record
        devices = line.record.devices
        # What is the default itself, not only equal to it, is not written.
        blank = Record(id="", duration_s=0.0, devices=())
        left = {name: getattr(blank, name) for name in COMMON}
        if record.curve is not None:
            curve = _text(record.curve)
            left["curve"] = None if curve else record.curve
        short = type(line)(replace(line.record, devices=(), **left))
    context = _context(record, devices)
    details = tuple(_detail(device) for device in devices)
    return context, replace(
        short,
        context=context.id,
        energy_j=tuple(d.energy_j for d in devices),
        uncertainty_j=tuple(d.uncertainty_j for d in devices),
        uncertainty_random_j=tuple(d.uncertainty_random_j for d in devices),
        details=details if any(detail != Detail() for detail in details) else (),
        curve=curve,
    )


class Contexts:
    """The contexts of one file, in the order of its lines.

    Attributes:
        problem: Why the last line could not be filled in; empty if it could, or if that
            has been said of its context.
        used: The context of the last line, if it has one that fits.
    """

    def __init__(self) -> None:
        self.problem = ""
        self.used: AnyContext | None = None
        self._known: dict[str, AnyContext] = {}
        self._lost: set[str] = set()

    def take(self, line: Any) -> Any:
        """Return a line in its complete form; a context is kept and returned."""
        self.problem, self.used = "", None
        kind = type(line)
        if kind is ContextLine or kind is SlimContextLine:
            self._known[line.id] = line
            return line
        if not getattr(line, "context", ""):
            return line
        context = self._known.get(line.context)
        if context is not None and _fits(line, context):
            self.used = context
        elif line.context not in self._lost:
            self._lost.add(line.context)
            self.problem = (
                f"context {line.context} is missing: "
                "host, devices and carbon intensity of its runs are not known"
            )
        return complete(line, self.used)


def complete(line: Any, context: AnyContext | None) -> Any:
    """Return a line in its complete form.

    Args:
        line: Any line.
        context: What `Contexts.used` was for it.
    """
    if not getattr(line, "context", ""):
        return line
    return _lost(line) if context is None else _filled(line, context)


def _fits(line: Any, context: AnyContext) -> bool:
    figures = (line.energy_j, line.uncertainty_j, line.uncertainty_random_j)
    return all(len(column) == len(context.devices) for column in figures)


def _context(record: Record | None, devices: Sequence[DeviceRecord]) -> ContextLine:
    common = {name: getattr(record, name) for name in COMMON} if record else {}
    context = ContextLine(
        id="",
        devices=tuple(
            replace(
                d,
                **NO_FIGURES,
                coverage=1.0,
                share=None,
                busy_s=None,
                reason="",
                flags=(),
            )
            for d in devices
        ),
        **common,
    )
    digest = hashlib.sha256(msgspec.json.encode(context)).hexdigest()
    return replace(context, id=digest[:ID_LENGTH])


def _detail(device: DeviceRecord) -> Detail:
    return Detail(
        coverage=None if device.coverage == 1.0 else device.coverage,
        share=device.share,
        busy_s=device.busy_s,
        reason=device.reason,
        flags=device.flags,
    )


def _filled(line: Any, context: Any) -> Any:
    """Return a line completed by its context."""
    figures = zip(
        line.energy_j, line.uncertainty_j, line.uncertainty_random_j, strict=True
    )
    if type(context) is SlimContextLine:
        devices: tuple[Any, ...] = tuple(
            SlimDevice(
                id=about.id,
                method=about.method,
                energy_j=energy_j,
                uncertainty_j=uncertainty_j,
                uncertainty_random_j=random_j,
                name=about.name,
            )
            for about, (energy_j, uncertainty_j, random_j) in zip(
                context.devices, figures, strict=True
            )
        )
        names: Any = SLIM_COMMON
    else:
        devices = _whole_devices(context.devices, figures, line.details)
        names = COMMON
    common = {name: getattr(context, name) for name in names}
    return _complete(line, devices, common)


def _whole_devices(
    abouts: Sequence[DeviceRecord], figures: Any, details: Sequence[Detail]
) -> tuple[DeviceRecord, ...]:
    if len(details) != len(abouts):
        details = (Detail(),) * len(abouts)
    return tuple(
        replace(
            about,
            energy_j=energy_j,
            uncertainty_j=uncertainty_j,
            uncertainty_random_j=random_j,
            coverage=1.0 if detail.coverage is None else detail.coverage,
            share=detail.share,
            busy_s=detail.busy_s,
            reason=detail.reason,
            flags=detail.flags,
        )
        for about, (energy_j, uncertainty_j, random_j), detail in zip(
            abouts, figures, details, strict=True
        )
    )


def _complete(line: Any, devices: tuple[Any, ...], common: dict[str, Any]) -> Any:
    if type(line) is HeartbeatLine:
        return HeartbeatLine(
            record=line.record,
            at=line.at,
            duration_s=line.duration_s,
            devices=devices,
        )
    if line.curve and type(line.record) is Record:
        common["curve"] = _curve(line.curve)
    return type(line)(record=replace(line.record, devices=devices, **common))


def _text(curve: Curve) -> str:
    """Return a curve as text; empty if it has none that says the same."""
    if len(curve.t_s) != len(curve.power_w):
        return ""
    steps = zip(curve.t_s, curve.power_w, strict=True)
    return " ".join(f"{t_s!r} {power_w!r}" for t_s, power_w in steps)


def _curve(text: str) -> Curve | None:
    try:
        numbers = [float(word) for word in text.split()]
    except ValueError:
        return None
    if len(numbers) % 2:
        return None
    return Curve(t_s=tuple(numbers[::2]), power_w=tuple(numbers[1::2]))


def _lost(line: Any) -> Any:
    """Return what a line says without its context: joules of nobody knows what."""
    is_slim = type(line) is not HeartbeatLine and type(line.record) is SlimRecord
    count = len(line.energy_j)

    def given(values: Sequence[float | None], place: int) -> float | None:
        return values[place] if place < len(values) else None

    devices: list[Any] = []
    for place in range(count):
        known: dict[str, Any] = {
            "id": f"{UNKNOWN}-{place}",
            "method": UNKNOWN,
            "energy_j": line.energy_j[place],
            "uncertainty_j": given(line.uncertainty_j, place),
            "uncertainty_random_j": given(line.uncertainty_random_j, place),
        }
        devices.append(
            SlimDevice(**known)
            if is_slim
            else DeviceRecord(**known, kind=UNKNOWN, index=place)
        )
    if type(line) is HeartbeatLine:
        return _complete(line, tuple(devices), {})
    flags = (*line.record.flags, LOST)
    return _complete(line, tuple(devices), {"flags": flags})
