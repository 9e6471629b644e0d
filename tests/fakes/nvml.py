"""The functions of NVML that `jupyter_green.devices.nvml` asks, without a driver."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any


class FakeNvmlError(Exception):
    """What ``pynvml.NVMLError`` is: an error with a code."""

    def __init__(self, value: int) -> None:
        super().__init__(f"NVML error {value}")
        self.value = value


@dataclass
class FakeGpu:
    """A GPU that says what it is told to; `errors` maps a function to a code."""

    uuid: str
    name: str = "NVIDIA H100 80GB HBM3"
    energy_mj: int = 5_000_000
    power_mw: int = 300_000
    field_mw: dict[int, int] = field(default_factory=dict)
    capability: tuple[int, int] = (9, 0)
    limit_mw: int = 700_000
    memory_b: int = 85_520_809_984  # of a board that is sold as 80 GB
    mig: tuple[str, ...] | None = None
    # Utilisation: (microseconds of the wall clock, percent), and the present one.
    busy_samples: tuple[tuple[int, int], ...] = ()
    busy_percent: int = 0
    compute: tuple[int, ...] = ()
    graphics: tuple[int, ...] = ()
    memory: dict[int, int] = field(default_factory=dict)  # bytes by pid
    samples: tuple[tuple[int, int, int], ...] = ()  # (pid, smUtil, timeStamp)
    errors: dict[str, int] = field(default_factory=dict)


class FakeNvml:
    """Stands for the module ``pynvml``; a handle is the `FakeGpu` itself."""

    NVMLError = FakeNvmlError

    def __init__(self, *gpus: FakeGpu, init_error: int = 0) -> None:
        self.gpus = gpus
        self.init_error = init_error
        self.inits = 0
        self.is_shut = True

    def nvmlInit(self) -> None:  # noqa: N802
        """Initialise, or fail as told."""
        if self.init_error:
            raise FakeNvmlError(self.init_error)
        self.inits += 1
        self.is_shut = False

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        """Return the number of GPUs."""
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeGpu:  # noqa: N802
        """Return a handle."""
        return self._checked(self.gpus[index], "nvmlDeviceGetHandleByIndex")

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> FakeGpu:  # noqa: N802
        """Return a handle."""
        gpu = next(gpu for gpu in self.gpus if gpu.uuid == uuid)
        return self._checked(gpu, "nvmlDeviceGetHandleByUUID")

    def nvmlDeviceGetMigDeviceHandleByIndex(self, gpu: FakeGpu, k: int) -> FakeGpu:  # noqa: N802
        """Return the handle of a MIG instance."""
        if k >= len(gpu.mig or ()):
            raise FakeNvmlError(6)
        return FakeGpu((gpu.mig or ())[k])

    def nvmlDeviceGetFieldValues(self, gpu: FakeGpu, ids: list[int]) -> list[Any]:  # noqa: N802
        """Return power fields; one that the GPU lacks is "not supported"."""
        self._checked(gpu, "nvmlDeviceGetFieldValues")
        return [
            SimpleNamespace(
                nvmlReturn=0 if i in gpu.field_mw else 3,
                value=SimpleNamespace(uiVal=gpu.field_mw.get(i, 0)),
            )
            for i in ids
        ]

    def nvmlDeviceGetProcessUtilization(self, gpu: FakeGpu, seen: int) -> list[Any]:  # noqa: N802
        """Return the samples newer than *seen*, or "not found"."""
        new = [s for s in gpu.samples if s[2] > seen]
        if not new:
            raise FakeNvmlError(6)
        return [SimpleNamespace(pid=p, smUtil=u, timeStamp=t) for p, u, t in new]

    def nvmlDeviceGetSamples(self, gpu: FakeGpu, kind: int, since_us: int) -> Any:  # noqa: N802
        """Return buffered utilisation; of power, or of nothing, "not supported"."""
        self._checked(gpu, "nvmlDeviceGetSamples")
        if kind != 1 or not gpu.busy_samples:
            raise FakeNvmlError(3)
        return 1, [
            SimpleNamespace(timeStamp=t, sampleValue=SimpleNamespace(uiVal=value))
            for t, value in gpu.busy_samples
            if t > since_us
        ]

    def __getattr__(self, name: str) -> Any:
        """Return a function that asks one thing of a GPU."""

        def ask(gpu: FakeGpu) -> Any:
            return ANSWERS[name](self._checked(gpu, name))

        if name not in ANSWERS:
            raise AttributeError(name)
        return ask

    def _checked(self, gpu: FakeGpu, name: str) -> FakeGpu:
        if self.is_shut:
            raise FakeNvmlError(1)
        if name in gpu.errors:
            raise FakeNvmlError(gpu.errors[name])
        return gpu


def _mig_mode(gpu: FakeGpu) -> tuple[int, int]:
    if gpu.mig is None:
        raise FakeNvmlError(3)
    return 1, 1


def _processes(gpu: FakeGpu, pids: tuple[int, ...]) -> list[Any]:
    return [SimpleNamespace(pid=pid, usedGpuMemory=gpu.memory.get(pid)) for pid in pids]


ANSWERS = {
    "nvmlDeviceGetUUID": lambda gpu: gpu.uuid,
    "nvmlDeviceGetName": lambda gpu: gpu.name,
    "nvmlDeviceGetEnforcedPowerLimit": lambda gpu: gpu.limit_mw,
    "nvmlDeviceGetMemoryInfo": lambda gpu: SimpleNamespace(total=gpu.memory_b),
    "nvmlDeviceGetUtilizationRates": lambda gpu: SimpleNamespace(gpu=gpu.busy_percent),
    "nvmlDeviceGetMigMode": _mig_mode,
    "nvmlDeviceGetMaxMigDeviceCount": lambda gpu: 7 if gpu.mig else 0,
    "nvmlDeviceGetCudaComputeCapability": lambda gpu: gpu.capability,
    "nvmlDeviceGetTotalEnergyConsumption": lambda gpu: gpu.energy_mj,
    "nvmlDeviceGetPowerUsage": lambda gpu: gpu.power_mw,
    "nvmlDeviceGetComputeRunningProcesses": lambda gpu: _processes(gpu, gpu.compute),
    "nvmlDeviceGetGraphicsRunningProcesses": lambda gpu: _processes(gpu, gpu.graphics),
}
