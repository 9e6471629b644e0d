"""Machines, devices and software of the runs.

Imports `work`, `adding` and `hardware`; numpy.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from msgspec.structs import replace

from jupyter_green.records import Host
from jupyter_green.report.appendix.adding import Adder
from jupyter_green.report.appendix.devices import DeviceList, most_first
from jupyter_green.report.appendix.hardware import (
    Compute,
    DeviceFacts,
    DeviceGroup,
    MachineFacts,
    Software,
)
from jupyter_green.report.appendix.work import US_PER_H, Work, split_time

US_PER_S = 1e6


def wall_time_s(run: dict[str, Any]) -> float:
    """Return the seconds in which at least one run ran.

    A run of an unknown machine or time is taken to stand alone.
    """
    placed = run["is_placed"]
    begin, length = run["begin_us"][placed], run["length_us"][placed]
    together = split_time(begin, begin + length).sum() if placed.any() else 0.0
    return float(together + run["length_us"][~placed].sum()) / US_PER_S


def describe(work: Work, adder: Adder) -> Compute:
    """Return what the work ran on."""
    machines, machine_keys = _machines(work)
    devices = DeviceList(work, adder, machine_keys).facts()
    gpus = sum(device.kind == "gpu" for device in devices)
    return Compute(
        machines=machines,
        devices=devices,
        groups=tuple(_groups(devices)),
        gpus=gpus,
        gpu_hours=float(work.run_gpu_us.sum()) / US_PER_H,
        gpu_hours_busy=work.gpu_hours_busy(np.zeros_like(work.entry["owner"]), 1)[0],
        run_time_s=float(work.run["duration_s"].sum()),
        wall_time_s=wall_time_s(work.run),
        software=_software(work),
    )


def _machines(work: Work) -> tuple[tuple[MachineFacts, ...], list[str]]:
    """Return the machines, most time first, and their keys by number of host."""
    described: dict[str, Host] = {}
    for record in work.records:
        if record.host:
            described[record.host.id] = record.host  # the newest word counts
    gpus: Counter[str] = Counter(
        work.devices[at][0]
        for at in np.unique(work.entry["device"][work.entry["is_gpu"]]).tolist()
    )
    found = []
    for number, host in enumerate(work.hosts):
        runs = work.run["host"] == number
        if not runs.any():
            continue
        here = {name: column[runs] for name, column in work.run.items()}
        known = described.get(host)
        found.append(
            (
                number,
                MachineFacts(
                    key="",
                    runs=int(runs.sum()),
                    wall_time_s=wall_time_s(here),
                    hashed_id=host,
                    host_name=known.name if known else "",
                    system=known.system if known else "",
                    cpu_model=known.cpu_model if known else "",
                    cpu_count=(known and known.cpu_count) or None,
                    memory_gb=(known and known.memory_gb) or None,
                    gpus=gpus[host],
                ),
            )
        )
    found.sort(key=lambda pair: (-pair[1].wall_time_s, pair[1].hashed_id))
    keys = [""] * len(work.hosts)
    named = []
    for place, (number, facts) in enumerate(found, 1):
        keys[number] = f"machine {place}" if facts.hashed_id else "unknown machine"
        named.append(replace(facts, key=keys[number]))
    return tuple(named), keys


def _groups(devices: Iterable[DeviceFacts]) -> list[DeviceGroup]:
    together: dict[tuple[str, str, float | None], list[DeviceFacts]] = {}
    for device in devices:
        key = (device.kind, device.name, device.memory_gb)
        together.setdefault(key, []).append(device)
    return [
        DeviceGroup(
            kind=kind,
            name=name,
            count=len(equal),
            machines=len({device.machine for device in equal}),
            allocated_h=math.fsum(device.allocated_h for device in equal),
            memory_gb=memory_gb,
            power_limit_w=max(
                (d.power_limit_w for d in equal if d.power_limit_w is not None),
                default=None,
            ),
            energy_kwh=math.fsum(known)
            if (known := [d.energy_kwh for d in equal if d.energy_kwh is not None])
            else None,
            methods=tuple(sorted({use.method for d in equal for use in d.methods})),
        )
        for (kind, name, memory_gb), equal in together.items()
    ]


def _software(work: Work) -> tuple[Software, ...]:
    # Runs of one session have the same versions.
    alike = Counter(tuple(record.versions.items()) for record in work.records)
    together: dict[str, Counter[str]] = {}
    for versions, runs in alike.items():
        for name, version in versions:
            together.setdefault(name, Counter())[version] += runs
    order = sorted(together, key=lambda name: (name != "python", name.lower(), name))
    return tuple(
        Software(name=name, versions=dict(most_first(together[name]))) for name in order
    )
