"""A stand-in for the module ``pynvml``: one GPU in real time whose energy is known.

The counter moves every 100 ms and the power buffer has a sample each 20 ms, of a load
that is the sum of what the program sets and of another's function of time.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

S = 1_000_000_000
PERIOD_NS, SAMPLE_NS = S // 10, S // 50
KEPT_SAMPLES = 120
UUID = "GPU-00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Square:
    """Another program's power above idle, on for a part of each period.

    Attributes:
        power_w: Watts while it is on.
        period_s: From one beginning to the next.
        on_s: How long it is on.
    """

    power_w: float
    period_s: float
    on_s: float

    def watts(self, t_s: float) -> float:
        """Return watts at a moment."""
        return self.power_w if t_s % self.period_s < self.on_s else 0.0

    def joules(self, t_s: float) -> float:
        """Return the integral from 0."""
        whole, rest_s = divmod(t_s, self.period_s)
        return self.power_w * (whole * self.on_s + min(rest_s, self.on_s))


class LiveGpu:
    """Power over real time, with its exact integral.

    Args:
        idle_w: Watts until the program sets others.
        other: What another program adds.
        phase_ns: When the counter moves, within its period.
        clock: Monotonic nanoseconds.
    """

    def __init__(
        self,
        idle_w: float,
        other: Square | None = None,
        *,
        phase_ns: int = 0,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.clock = clock
        self.epoch_ns = clock()
        self._other = other or Square(0.0, 1.0, 1.0)
        self._phase_ns = phase_ns
        self._times, self._watts, self._joules = [self.epoch_ns], [idle_w], [0.0]

    def set_power(self, power_w: float) -> int:
        """Draw other watts from now on; return the monotonic moment."""
        t_ns = self.clock()
        joules = self._joules[-1] + self._watts[-1] * (t_ns - self._times[-1]) / S
        # The lists are read from other threads by position: the times come last.
        self._watts.append(power_w)
        self._joules.append(joules)
        self._times.append(t_ns)
        return t_ns

    def power_w(self, t_ns: int) -> float:
        """Return watts at a moment."""
        own_w = self._watts[bisect_right(self._times, t_ns) - 1]
        return own_w + self._other.watts((t_ns - self.epoch_ns) / S)

    def energy_j(self, t_ns: int) -> float:
        """Return joules since the beginning."""
        t_ns = max(t_ns, self.epoch_ns)
        at = bisect_right(self._times, t_ns) - 1
        own_j = self._joules[at] + self._watts[at] * (t_ns - self._times[at]) / S
        return own_j + self._other.joules((t_ns - self.epoch_ns) / S)

    def counter_mj(self) -> int:
        """Return what the counter shows now."""
        now_ns = self.clock() - self._phase_ns
        return int(self.energy_j(now_ns - now_ns % PERIOD_NS + self._phase_ns) * 1e3)

    def samples(self, since_ns: int) -> list[tuple[int, int]]:
        """Return (moment, milliwatts) of the buffer's samples after a moment."""
        last_ns = self.clock() // SAMPLE_NS * SAMPLE_NS
        first_ns = max(last_ns - (KEPT_SAMPLES - 1) * SAMPLE_NS, self.epoch_ns)
        return [
            (t_ns, int(self.power_w(t_ns) * 1e3))
            for t_ns in range(first_ns, last_ns + 1, SAMPLE_NS)
            if t_ns > since_ns
        ]


def stand_in(gpu: LiveGpu, pynvml: ModuleType) -> ModuleType:
    """Return *pynvml* with its constants and errors, and functions that read *gpu*.

    What the GPU does not tell is "not supported", as on a real one.
    """
    module = ModuleType("pynvml")
    module.__dict__.update(pynvml.__dict__)

    def refuse(*_: Any) -> Any:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    def samples(_: Any, kind: int, since_us: int) -> Any:
        if kind != pynvml.NVML_TOTAL_POWER_SAMPLES:
            refuse()
        offset_ns = time.time_ns() - gpu.clock()
        return 1, [
            SimpleNamespace(
                timeStamp=(t_ns + offset_ns) // 1000,
                sampleValue=SimpleNamespace(uiVal=power_mw),
            )
            for t_ns, power_mw in gpu.samples(since_us * 1000 - offset_ns)
        ]

    def power_mw(*_: Any) -> int:
        return int(gpu.power_w(gpu.clock()) * 1e3)

    answers: dict[str, Callable[..., Any]] = {
        "nvmlInit": lambda *_: None,
        "nvmlShutdown": lambda *_: None,
        "nvmlDeviceGetCount": lambda *_: 1,
        "nvmlDeviceGetHandleByIndex": lambda *_: gpu,
        "nvmlDeviceGetHandleByUUID": lambda *_: gpu,
        "nvmlDeviceGetUUID": lambda *_: UUID,
        "nvmlDeviceGetName": lambda *_: "Stand-in GPU",
        "nvmlDeviceGetIndex": lambda *_: 0,
        "nvmlDeviceGetArchitecture": lambda *_: pynvml.NVML_DEVICE_ARCH_HOPPER,
        "nvmlDeviceGetTotalEnergyConsumption": lambda *_: gpu.counter_mj(),
        "nvmlDeviceGetPowerUsage": power_mw,
        "nvmlDeviceGetEnforcedPowerLimit": lambda *_: 700_000,
        "nvmlDeviceGetPowerManagementLimit": lambda *_: 700_000,
        "nvmlDeviceGetTemperature": lambda *_: 40,
        "nvmlDeviceGetMemoryInfo": lambda *_: SimpleNamespace(
            total=85_520_809_984, used=0, free=85_520_809_984
        ),
        "nvmlDeviceGetUtilizationRates": lambda *_: SimpleNamespace(gpu=0, memory=0),
        "nvmlDeviceGetComputeMode": lambda *_: 0,
        "nvmlDeviceGetComputeRunningProcesses": lambda *_: [],
        "nvmlDeviceGetGraphicsRunningProcesses": lambda *_: [],
        "nvmlDeviceGetSamples": samples,
    }
    for name, value in list(module.__dict__.items()):
        if name.startswith("nvml") and callable(value):
            setattr(module, name, answers.get(name, refuse))
    return module
