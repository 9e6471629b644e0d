"""Find NVIDIA GPUs through NVML, and the best way to read each.

The energy counter counts millijoules of the whole board since the driver was loaded
(Volta and newer).  Where it is missing, power is read and the sampler integrates it.
``CUDA_VISIBLE_DEVICES`` selects what counts.  The module ``pynvml`` (of the package
``nvidia-ml-py``) is an argument, imported when none is given.  Imports the seam.

    found = find()
    found.devices[0].read()
"""

from __future__ import annotations

import importlib
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from jupyter_green.devices import nvml_errors
from jupyter_green.devices.cuda_visible import Selection, select
from jupyter_green.devices.device import About, Clock, Device, Found, Problem
from jupyter_green.devices.nvml_gpu import (
    POWER_AVERAGE,
    POWER_INSTANT,
    W_PER_MW,
    Ask,
    Library,
    NvmlGpu,
    energy_j,
    is_readable,
    power_field_w,
    power_usage_w,
)
from jupyter_green.errors import DeviceError
from jupyter_green.units import J_PER_MJ, gb_from_bytes

# Seconds between changes of the counter: 20 to 100 ms are reported (PETSc, Zeus); the
# sampler may measure it.
COUNTER_PERIOD_S = 0.1
# Relative, 95 %, of boards against meters (Yang et al., arXiv 2312.02741): NVIDIA
# states 5 %; consumer boards are not verified.
CALIBRATION = 0.05
CALIBRATION_CONSUMER = 0.10
_CONSUMER = re.compile(r"GeForce|TITAN|\bGT\b|\bGTX\b", re.IGNORECASE)
# A gauge read less often than this has lost the shape of the power.  No less, even
# where the sensor is faster: 5 to 20 readings a second are what NVML bears well.
GAUGE_INTERVAL_S = 0.25


class _Sensor(NamedTuple):
    """The power sensor of a generation, in seconds (Yang et al., table of results).

    Attributes:
        period_s: Between changes of the value.
        instant_s: Window of the instantaneous power.
        usage_s: Window of ``nvmlDeviceGetPowerUsage``.
    """

    period_s: float
    instant_s: float
    usage_s: float


# From the newest to the oldest; the first one that the compute capability reaches.
_SENSORS: tuple[tuple[tuple[int, int], _Sensor], ...] = (
    ((9, 0), _Sensor(0.1, 0.025, 1.0)),  # Hopper; Blackwell is not in the table
    ((8, 6), _Sensor(0.1, 0.1, 1.0)),  # Ampere GA10x, Ada
    ((8, 0), _Sensor(0.1, 0.025, 0.025)),  # GA100
    ((7, 5), _Sensor(0.1, 0.1, 0.1)),  # Turing
    ((6, 0), _Sensor(0.02, 0.01, 0.01)),  # Pascal, Volta
    ((0, 0), _Sensor(0.1, 0.1, 0.1)),  # Kepler and Maxwell lag by about 0.1 s
)
_SENSOR_UNKNOWN = _Sensor(0.1, 0.1, 1.0)


def find(
    pynvml: Any = None,
    environment: Mapping[str, str] | None = None,
    clock: Clock = time.monotonic_ns,
) -> Found:
    """Return the visible NVIDIA GPUs, and what stands against measuring others.

    NVML is initialised and stays so.

    Args:
        pynvml: The module, or what stands for it.
        environment: Where ``CUDA_VISIBLE_DEVICES`` is; None: that of the process.
        clock: Monotonic nanoseconds.
    """
    environment = os.environ if environment is None else environment
    try:
        # 10 to 30 ms, and not needed in every process.
        library = Library(pynvml or importlib.import_module("pynvml"))
    except ImportError as err:
        remedy = "pip install nvidia-ml-py"
        problem = Problem("gpu", "pynvml cannot be imported", str(err), remedy)
        return Found((), (problem,))
    try:
        library.start()
        count = int(library.module.nvmlDeviceGetCount())
    except library.error as err:
        return Found((), (nvml_errors.problem("gpu", err),))
    if not count:
        return Found((), (_no_gpu(),))
    uuids, problems = _uuids(library, count)
    chosen = _chosen(library, uuids, environment)
    devices: list[Device] = []
    for index, i in enumerate(chosen.indices):
        if not uuids[i]:
            continue  # its problem is listed
        try:
            devices.append(_gpu(library, uuids[i], index, clock))
        except library.error as err:
            problems.append(nvml_errors.problem(f"gpu {i}", err))
        except DeviceError as err:
            problems.append(Problem(f"gpu {i}", err.what, err.why))
    problems += _notes(library, uuids, chosen, environment)
    return Found(tuple(devices), tuple(problems))


def _no_gpu() -> Problem:
    return Problem(
        "gpu",
        "the NVIDIA driver shows no GPU",
        "none is installed, or none is passed into this container",
        "nvidia-smi -L; in a container: docker run --gpus all ...",
    )


def _uuids(library: Library, count: int) -> tuple[list[str], list[Problem]]:
    """Return the UUID of each GPU, empty where it does not answer."""
    uuids, problems = [], []
    for i in range(count):
        try:
            handle = library.module.nvmlDeviceGetHandleByIndex(i)
            uuids.append(str(library.module.nvmlDeviceGetUUID(handle)))
        except library.error as err:
            uuids.append("")
            problems.append(nvml_errors.problem(f"gpu {i}", err))
    return uuids, problems


def _chosen(
    library: Library, uuids: list[str], environment: Mapping[str, str]
) -> Selection:
    value = environment.get("CUDA_VISIBLE_DEVICES")
    parents = dict(_mig_parents(library, uuids)) if value and "MIG-" in value else {}
    return select(value, uuids, parents)


def _mig_parents(library: Library, uuids: list[str]) -> Iterator[tuple[str, int]]:
    """Yield the UUID of each MIG instance with the position of its GPU."""
    for i, uuid in enumerate(uuids):
        count = library.try_ask(uuid, "nvmlDeviceGetMaxMigDeviceCount") or 0
        for k in range(count):
            mig = library.try_ask(uuid, "nvmlDeviceGetMigDeviceHandleByIndex", k)
            if mig is not None:
                yield str(library.module.nvmlDeviceGetUUID(mig)), i


def _gpu(library: Library, uuid: str, index: int, clock: Clock) -> NvmlGpu:
    """Return the GPU, read in the best way that it offers.

    Raises:
        DeviceError: It offers neither energy nor power.
        NVMLError: As ``library.error``: it gives another error.
    """
    name = str(library.try_ask(uuid, "nvmlDeviceGetName") or "NVIDIA GPU")
    limit_mw = library.try_ask(uuid, "nvmlDeviceGetEnforcedPowerLimit")
    memory = library.try_ask(uuid, "nvmlDeviceGetMemoryInfo")
    mig = library.try_ask(uuid, "nvmlDeviceGetMigMode")
    about = About(
        id=uuid,
        kind="gpu",
        method="counter",
        index=index,
        name=name,
        scope="mig-parent" if mig and mig[0] else "device",
        calibration=CALIBRATION_CONSUMER if _CONSUMER.search(name) else CALIBRATION,
        resolution_j=J_PER_MJ,
        update_period_s=COUNTER_PERIOD_S,
        power_limit_w=limit_mw * W_PER_MW if limit_mw else None,
        memory_gb=gb_from_bytes(int(memory.total)) if memory else None,
    )
    if is_readable(library, uuid, energy_j):
        return NvmlGpu(library, about, energy_j, clock=clock)
    ask, sensor, averaging_s = _power(library, uuid)
    about = replace(
        about,
        method="integrated",
        resolution_j=None,
        update_period_s=sensor.period_s,
        max_interval_s=max(averaging_s, GAUGE_INTERVAL_S),
    )
    return NvmlGpu(library, about, ask, averaging_s=averaging_s, clock=clock)


def _power(library: Library, uuid: str) -> tuple[Ask, _Sensor, float]:
    """Return the power reading with the shortest window, and that window in seconds."""
    capability = library.try_ask(uuid, "nvmlDeviceGetCudaComputeCapability")
    sensor = _SENSOR_UNKNOWN
    if capability:
        reached = tuple(int(part) for part in capability)
        sensor = next(s for least, s in _SENSORS if reached >= least)
    ways = (
        (power_field_w(POWER_INSTANT), sensor.instant_s),
        (power_usage_w, sensor.usage_s),
        (power_field_w(POWER_AVERAGE), 1.0),
    )
    for ask, averaging_s in ways:
        if is_readable(library, uuid, ask):
            return ask, sensor, averaging_s
    raise DeviceError(
        "this GPU offers neither energy nor power",
        why="virtual GPUs and some laptop GPUs have no power sensor",
    )


def _notes(
    library: Library,
    uuids: list[str],
    chosen: Selection,
    environment: Mapping[str, str],
) -> list[Problem]:
    """Return what to know about the choice of GPUs."""
    notes = []
    value = environment.get("CUDA_VISIBLE_DEVICES")
    hidden = [str(i) for i in range(len(uuids)) if i not in chosen.indices]
    if hidden:
        why = f"CUDA_VISIBLE_DEVICES is {value!r}"
        notes.append(
            Problem(
                "gpu",
                f"GPU {', '.join(hidden)} (nvidia-smi's numbers) not counted",
                f"{why}: {chosen.ended}" if chosen.ended else why,
                severity="note",
            )
        )
    names = {str(library.try_ask(uuid, "nvmlDeviceGetName")) for uuid in uuids if uuid}
    order = environment.get("CUDA_DEVICE_ORDER", "FASTEST_FIRST")
    if chosen.by_number and len(names) > 1 and order != "PCI_BUS_ID":
        notes.append(
            Problem(
                "gpu",
                "the numbers in CUDA_VISIBLE_DEVICES may mean other GPUs than counted",
                "CUDA numbers different GPUs by speed, NVML by PCI address",
                "export CUDA_DEVICE_ORDER=PCI_BUS_ID, or name GPUs by UUID",
                severity="note",
            )
        )
    return notes
