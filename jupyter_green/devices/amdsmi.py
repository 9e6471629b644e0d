"""Read AMD GPUs through ``amdsmi``: the energy accumulator.

Tested against stand-ins; not yet run on hardware.  Known defects of the source: the
counter is wrong on MI100 (https://github.com/ROCm/amdsmi/issues/38), stays frozen
within a process on MI210 (https://github.com/ROCm/rocm_smi_lib/issues/180), and the
second die of a module reads 0 while the first counts for both.  All GPUs count:
``HIP_VISIBLE_DEVICES`` is not read.  Imports the seam and `errors`; the module is an
argument, imported only where Linux has loaded ``amdgpu``.

    find().devices
"""

from __future__ import annotations

import contextlib
import importlib
import io
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_green.devices.counting import ForkSafeLock, Growth
from jupyter_green.devices.device import About, Clock, Counter, Found, Problem
from jupyter_green.errors import DeviceError
from jupyter_green.units import J_PER_UJ, NS_PER_S, gb_from_bytes

KERNEL_MODULE = "/sys/module/amdgpu"
# The nominal unit of the accumulator; the returned one is used.
RESOLUTION_UJ = 15.259
UPDATE_PERIOD_S = 1e-3  # SMU firmware period; not verified on hardware
CALIBRATION = 0.10  # not verified against a meter, as with consumer boards
# A board that draws any power moves its counter many times in this time.
FROZEN_S = 10.0
_UW_PER_W = 1e6


class AmdGpu:
    """An AMD GPU with an energy accumulator.

    Args:
        module: ``amdsmi``.
        handle: Its processor handle.
        about: What it is.
        clock: Monotonic nanoseconds.
    """

    def __init__(
        self,
        module: Any,
        handle: Any,
        about: About,
        *,
        clock: Clock = time.monotonic_ns,
    ) -> None:
        self._module = module
        self._handle = handle
        self._about = about
        self._clock = clock
        self._subject = f"gpu {about.index}"
        self._growth = Growth(self._subject)
        self._moved: tuple[int, float] | None = None  # (ns, joules) of the last change
        self._lock = ForkSafeLock()

    @property
    def about(self) -> About:
        """What it is."""
        return self._about

    def read(self) -> Counter:
        """Return joules since the first reading.

        Raises:
            DeviceError: amdsmi gave an error, or the counter has stood still for
                `FROZEN_S`, which no board that is on can do.
            DeviceLostError: The counter was reset.
        """
        with self._lock:
            before = self._clock()
            try:
                raw_j = energy_j(self._module, self._handle)
            except self._module.AmdSmiException as err:
                raise DeviceError(
                    f"{self._subject}: amdsmi gave an error",
                    why=" ".join(str(err).split()),
                ) from err
            t_ns = (before + self._clock()) // 2
            if self._moved is None or raw_j != self._moved[1]:
                self._moved = (t_ns, raw_j)
            elif t_ns - self._moved[0] > FROZEN_S * NS_PER_S:
                raise DeviceError(
                    f"{self._subject}: the energy counter stands still",
                    why="https://github.com/ROCm/rocm_smi_lib/issues/180",
                )
            return Counter(t_ns, self._growth.add(raw_j))


def energy_j(module: Any, handle: Any) -> float:
    """Return the accumulator in joules; its key was ``power`` before ROCm 6.4."""
    count = module.amdsmi_get_energy_count(handle)
    raw = (
        count["energy_accumulator"] if "energy_accumulator" in count else count["power"]
    )
    return float(raw) * float(count["counter_resolution"]) * J_PER_UJ


def find(
    amdsmi: Any = None,
    *,
    kernel_module: str | Path = KERNEL_MODULE,
    clock: Clock = time.monotonic_ns,
) -> Found:
    """Return the AMD GPUs, and what stands against measuring others.

    Args:
        amdsmi: The module, or what stands for it.
        kernel_module: Folder that exists where Linux has loaded the driver; without
            it nothing is imported and nothing said.
        clock: Monotonic nanoseconds.
    """
    if amdsmi is None:
        if not Path(kernel_module).exists():
            return Found((), ())
        try:
            # It prints, and raises KeyError where ROCm's library is missing.
            with contextlib.redirect_stdout(io.StringIO()):
                amdsmi = importlib.import_module("amdsmi")
        except (ImportError, KeyError, OSError, AttributeError) as err:
            return Found((), (_not_importable(err),))
    try:
        amdsmi.amdsmi_init()
        handles = amdsmi.amdsmi_get_processor_handles()
    except amdsmi.AmdSmiException as err:
        return Found((), (_problem("amd gpu", err),))
    devices: list[tuple[AmdGpu, float]] = []
    problems: list[Problem] = []
    for index, handle in enumerate(handles):
        try:
            raw_j = energy_j(amdsmi, handle)
            about = _about(amdsmi, handle, index)
        except amdsmi.AmdSmiException as err:
            problems.append(_problem(f"amd gpu {index}", err))
            continue
        devices.append((AmdGpu(amdsmi, handle, about, clock=clock), raw_j))
    is_counting = any(raw_j for _, raw_j in devices)
    problems += [
        _second_die(d.about.index) for d, raw_j in devices if is_counting and not raw_j
    ]
    kept = tuple(d for d, raw_j in devices if raw_j or not is_counting)
    return Found(kept, tuple(problems))


def _about(module: Any, handle: Any, index: int) -> About:
    asic = _optional(module, "amdsmi_get_gpu_asic_info", handle)
    cap = _optional(module, "amdsmi_get_power_cap_info", handle).get("power_cap")
    count = module.amdsmi_get_energy_count(handle)
    return About(
        id=str(module.amdsmi_get_gpu_device_uuid(handle)),
        kind="gpu",
        method="counter",
        index=index,
        name=str(asic.get("market_name", "AMD GPU")),
        calibration=CALIBRATION,
        resolution_j=float(count.get("counter_resolution", RESOLUTION_UJ)) * J_PER_UJ,
        update_period_s=UPDATE_PERIOD_S,
        power_limit_w=cap / _UW_PER_W if isinstance(cap, int) and cap else None,
        memory_gb=_memory_gb(module, handle),
    )


def _memory_gb(module: Any, handle: Any) -> float | None:
    """Return the GPU's own memory in 10^9 bytes; None where amdsmi does not say."""
    try:
        kind = module.AmdSmiMemoryType.VRAM
        total = module.amdsmi_get_gpu_memory_total(handle, kind)
    except (module.AmdSmiException, AttributeError):
        return None
    return gb_from_bytes(total) if isinstance(total, int) and total > 0 else None


def _optional(module: Any, function: str, handle: Any) -> Mapping[str, Any]:
    try:
        answer: Mapping[str, Any] = getattr(module, function)(handle)
    except module.AmdSmiException:
        return {}
    return answer


def _problem(subject: str, err: Exception) -> Problem:
    return Problem(
        subject,
        "amdsmi gave an error",
        " ".join(str(err).split()),
        "amd-smi monitor; the user must be in the groups render and video:"
        " sudo usermod -aG render,video $USER",
        severity="broken",
    )


def _second_die(index: int) -> Problem:
    return Problem(
        f"amd gpu {index}",
        f"GPU {index} is not counted: its counter reads 0",
        "it is the second die of a module whose first die counts for both",
        severity="note",
    )


def _not_importable(err: Exception) -> Problem:
    return Problem(
        "amd gpu",
        "there is an AMD GPU, but amdsmi cannot be imported",
        f"{type(err).__name__}: {err}",
        "Install ROCm's amd-smi-lib, then: pip install 'jupyter-green[amd]' with the"
        " version of amdsmi that equals ROCm's",
    )
