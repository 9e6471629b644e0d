"""Find the devices of this machine, from every backend, whatever the others do.

Imports the backends only when asked for them.

    found = discover(Settings())
    [device.about.name for device in found.devices]
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from jupyter_green.devices.device import Clock, Device, Found, Problem
from jupyter_green.settings import Settings

Find = Callable[[], Found]


class Backends(NamedTuple):
    """Where devices come from.

    Attributes:
        counters: What reads hardware, by name.
        cpu: What estimates the processors.
        ram: What estimates the memory.
        simulated: What needs no hardware.
    """

    counters: Mapping[str, Find]
    cpu: Find
    ram: Find
    simulated: Find


def discover(
    settings: Settings,
    *,
    environment: Mapping[str, str] | None = None,
    clock: Clock = time.monotonic_ns,
    backends: Backends | None = None,
) -> Found:
    """Return what can be measured or estimated here, and why the rest cannot.

    Estimates take the place of counters that cannot be read, never beside them.

    Args:
        settings: ``simulated``, ``estimate_cpu`` and ``estimate_ram`` count here.
        environment: Where ``CUDA_VISIBLE_DEVICES`` is; None: that of the process.
        clock: Monotonic nanoseconds.
        backends: Where devices come from; None: all of this package.
    """
    backends = backends or _all(environment, clock)
    if settings.simulated:
        return _guarded("simulated", backends.simulated)
    devices: list[Device] = []
    problems: list[Problem] = []
    for found in _found(settings, backends, devices):
        devices += found.devices
        problems += found.problems
    return Found(tuple(devices), tuple(problems))


def _found(
    settings: Settings, backends: Backends, devices: list[Device]
) -> Iterator[Found]:
    """Yield what each backend finds; *devices* fills up meanwhile."""
    for name, find in backends.counters.items():
        yield _guarded(name, find)
    kinds = {device.about.kind for device in devices}
    if settings.estimate_cpu and "cpu" not in kinds:
        yield _guarded("cpu", backends.cpu)
    if settings.estimate_ram and "dram" not in kinds:
        yield _guarded("ram", backends.ram)


def _guarded(name: str, find: Find) -> Found:
    try:
        return find()
    except Exception as err:  # noqa: BLE001  (a vendor's library may raise anything)
        problem = Problem(
            name,
            f"the backend {name} failed",
            f"{type(err).__name__}: {err}",
            "Please report this with the output of `jupyter green doctor`",
            severity="broken",
        )
        return Found((), (problem,))


def _all(environment: Mapping[str, str] | None, clock: Clock) -> Backends:
    # Here, so that importing the package loads no backend.
    from jupyter_green.devices import (  # noqa: PLC0415
        amdsmi,
        apple,
        estimate,
        nvml,
        power_lookup,
        rapl,
        simulated,
    )

    lookups: list[power_lookup.PowerLookup] = []

    def lookup() -> power_lookup.PowerLookup:
        """Return one lookup for both estimates, made only if one is wanted."""
        if not lookups:
            lookups.append(power_lookup.PowerLookup())
        return lookups[0]

    return Backends(
        counters={
            "nvml": lambda: nvml.find(environment=environment, clock=clock),
            "amdsmi": lambda: amdsmi.find(clock=clock),
            "apple": lambda: apple.find(clock=clock),
            "rapl": lambda: rapl.find(clock=clock),
        },
        cpu=lambda: estimate.find_cpu(lookup(), clock),
        ram=lambda: estimate.find_ram(lookup(), clock),
        simulated=lambda: simulated.find(clock),
    )
