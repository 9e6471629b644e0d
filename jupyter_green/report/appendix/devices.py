"""Each device of the runs: what it is, what it took, how that was read.

Imports `work`, `adding` and `hardware`; numpy.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from typing import Any

import numpy as np
from msgspec.structs import replace

from jupyter_green.records import DeviceRecord
from jupyter_green.report.appendix.adding import Adder
from jupyter_green.report.appendix.hardware import (
    DeviceFacts,
    MethodUse,
)
from jupyter_green.report.appendix.work import US_PER_H, Work, split_time
from jupyter_green.units import J_PER_KWH

HASH_DIGITS = 12
MAX_REASONS = 5
US_PER_S = 1e6
KINDS = ("gpu", "soc", "cpu", "dram", "ram", "machine")
SCOPES = ("device", "shared", "mig-parent")
# `NVIDIA A100-SXM4-80GB`: the product's own statement of its memory.
_MEMORY = re.compile(r"(?<![\d.])(\d+) ?GB\b", re.IGNORECASE)


def hashed_device(host: str, identifier: str) -> str:
    """Return what tells a device from all others and names neither it nor its host."""
    text = f"{host}:{identifier}".encode("utf-8", "replace")
    return hashlib.sha256(text).hexdigest()[:HASH_DIGITS]


class DeviceList:
    """Facts of each device, from columns for figures and records for words."""

    def __init__(self, work: Work, adder: Adder, machines: list[str]) -> None:
        self._work = work
        self._machines = machines
        self._host_number = {host: at for at, host in enumerate(work.hosts)}
        self._random, self._common = (
            part[0]
            for part in adder.device_parts(np.zeros_like(work.entry["owner"]), 1)
        )
        self._newest: dict[int, DeviceRecord] = {}
        self._scopes: dict[int, int] = {}
        self._limits: dict[int, set[float]] = {}
        self._words: dict[int, tuple[Counter[str], Counter[str]]] = {}
        self._calibration: dict[int, float] = {}
        self._resolution_j: dict[int, float] = {}
        self._read_words()

    def _read_words(self) -> None:
        at = iter(self._work.entry["device"].tolist())
        said: dict[int, tuple[Any, ...]] = {}
        for record in self._work.records:
            for device in record.devices:
                number = next(at)
                words = (
                    device.name,
                    device.calibration,
                    device.resolution_j,
                    device.power_limit_w,
                    device.memory_gb,
                    device.scope,
                )
                # Most entries of a device say what the one before said.
                if said.get(number) != words:
                    said[number] = words
                    self._take(number, device)
                if device.flags or device.energy_j is None:
                    remarks, reasons = self._words.setdefault(
                        number, (Counter(), Counter())
                    )
                    remarks.update(device.flags)
                    if device.energy_j is None:
                        reasons[device.reason or "not stated"] += 1

    def _take(self, number: int, device: DeviceRecord) -> None:
        before = self._newest.get(number)
        if before is None or device.name or not before.name:
            self._newest[number] = device
        # Not a number is never more than another one.
        if math.inf > device.calibration > self._calibration.get(number, -1.0):
            self._calibration[number] = device.calibration
        resolution_j = device.resolution_j
        if resolution_j is not None and math.isfinite(resolution_j):
            coarsest = max(self._resolution_j.get(number, 0.0), resolution_j)
            self._resolution_j[number] = coarsest
        limit_w = device.power_limit_w
        if limit_w is not None and math.isfinite(limit_w):
            self._limits.setdefault(number, set()).add(limit_w)
        if device.scope != "device":
            rank = SCOPES.index(device.scope) if device.scope in SCOPES else 1
            self._scopes[number] = max(self._scopes.get(number, 0), rank)

    def facts(self) -> tuple[DeviceFacts, ...]:
        """Return all devices that runs had, GPUs first, largest energy first."""
        entry = self._work.entry
        order = np.argsort(entry["device"], kind="stable")
        if not len(order):
            return ()
        ends = np.flatnonzero(np.diff(entry["device"][order])) + 1
        found = [
            self._device(int(entry["device"][some[0]]), some)
            for some in np.split(order, ends)
        ]
        found.sort(key=lambda pair: _rank(pair[0], pair[1]))
        return tuple(
            replace(facts, key=f"device {place}")
            for place, (facts, _) in enumerate(found, 1)
        )

    def _device(self, number: int, some: Any) -> tuple[DeviceFacts, str]:
        work, about = self._work, self._newest[number]
        host, identifier = work.devices[number]
        owner = work.entry["owner"][some]
        length_s = work.run["length_us"][owner] / US_PER_S
        measured = work.is_measured[some]
        energy_j = float(work.energy_j[some].sum())
        coverage = np.where(measured, np.nan_to_num(work.entry["coverage"][some]), 0.0)
        idle = work.entry["idle_w"][some]
        limits = sorted(self._limits.get(number, ()))
        flags, reasons = self._words.get(number, (Counter(), Counter()))
        random_j, common_j = float(self._random[number]), float(self._common[number])
        is_known = not np.isnan(work.entry["whole_j"][some][measured]).any()
        memory_gb, memory_source = self._memory(about)
        allocated_h = float(_allocated_us(work, some)) / US_PER_H
        facts = DeviceFacts(
            key="",
            machine=self._machines[self._host_number[host]],
            hashed_id=hashed_device(host, identifier),
            kind=about.kind,
            name=about.name,
            memory_gb=memory_gb,
            memory_source=memory_source,
            power_limit_w=limits[-1] if limits else None,
            power_limit_low_w=limits[0] if len(limits) > 1 else None,
            scope=SCOPES[self._scopes.get(number, 0)],
            methods=_methods(work, some),
            runs=len(_each_once(owner)),
            unmeasured_runs=int((~measured).sum()),
            reasons=dict(most_first(reasons)[:MAX_REASONS]),
            allocated_h=allocated_h,
            energy_kwh=energy_j / J_PER_KWH if measured.any() else None,
            energy_uncertainty_kwh=math.hypot(random_j, common_j) / J_PER_KWH
            if measured.any() and is_known
            else None,
            energy_random_kwh=random_j / J_PER_KWH if measured.any() else None,
            energy_common_kwh=common_j / J_PER_KWH if measured.any() else None,
            calibration=self._calibration.get(number),
            coverage=_weighted(coverage, length_s),
            resolution_j=self._resolution_j.get(number),
            idle_power_w=_idle(idle, length_s),
            mean_power_w=_mean_power(work, some),
            flags=dict(most_first(flags)),
        )
        return facts, f"{host}:{identifier}"

    def _memory(self, about: DeviceRecord) -> tuple[float | None, str]:
        if about.kind != "gpu":
            return None, ""
        if said := _MEMORY.search(about.name):
            return float(said[1]), "product name"
        if about.memory_gb is not None and 0 < about.memory_gb < math.inf:
            return about.memory_gb, "driver"
        stated = self._work.author.gpu_memory_gb
        return (stated, "authors") if stated is not None else (None, "")


def _rank(facts: DeviceFacts, identity: str) -> tuple[int, float, float, str]:
    kind = KINDS.index(facts.kind) if facts.kind in KINDS else len(KINDS)
    return (kind, -(facts.energy_kwh or 0.0), -facts.allocated_h, identity)


def _allocated_us(work: Work, some: Any) -> Any:
    owner = work.entry["owner"][some]
    runs = _each_once(owner)
    is_placed = work.run["is_placed"][runs]
    placed = runs[is_placed]
    together = 0.0
    if len(placed):
        starts = work.run["begin_us"][placed]
        together = split_time(starts, starts + work.run["length_us"][placed]).sum()
    return together + work.run["length_us"][runs[~is_placed]].sum()


def _each_once(ascending: Any) -> Any:
    return ascending[np.append(True, np.diff(ascending) != 0)]


def _methods(work: Work, some: Any) -> tuple[MethodUse, ...]:
    method = work.entry["method"][some]
    measured = work.is_measured[some]
    energy = work.energy_j[some]
    found = [
        MethodUse(
            method=name,
            runs=int(which.sum()),
            energy_kwh=float(energy[which].sum()) / J_PER_KWH,
        )
        for number, name in enumerate(work.methods)
        if (which := (method == number) & measured).any()
    ]
    return tuple(sorted(found, key=lambda use: (-use.energy_kwh, use.method)))


def _weighted(values: Any, weights: Any) -> float:
    whole = weights.sum()
    mean = (values * weights).sum() / whole if whole > 0 else values.mean()
    return float(min(max(mean, 0.0), 1.0))


def _idle(idle_w: Any, length_s: Any) -> float | None:
    known = ~np.isnan(idle_w)
    if not known.any():
        return None
    weights = length_s[known]
    if weights.sum() <= 0:
        return float(idle_w[known].mean())
    return float((idle_w[known] * weights).sum() / weights.sum())


def _mean_power(work: Work, some: Any) -> float | None:
    measured = some[work.is_measured[some]]
    if not len(measured):
        return None
    time_s = _allocated_us(work, measured) / US_PER_S
    return float(work.energy_j[measured].sum() / time_s) if time_s > 0 else None


def most_first(count: Counter[str]) -> list[tuple[str, int]]:
    """Return what was counted, most often first."""
    return sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))
