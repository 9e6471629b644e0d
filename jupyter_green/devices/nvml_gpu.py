"""One NVIDIA GPU behind NVML, and the library that answers for it.

`nvml` finds them; this file reads them.  Who uses a GPU is asked only on demand, since
process lists cost more than a counter.  Imports the seam and `errors`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jupyter_green.devices import nvml_errors
from jupyter_green.devices.counting import ForkSafeLock, Growth
from jupyter_green.devices.device import (
    About,
    Busy,
    Clock,
    Counter,
    Gauge,
    Occupancy,
)
from jupyter_green.units import J_PER_MJ

POWER_AVERAGE = 185  # NVML_FI_DEV_POWER_AVERAGE
POWER_INSTANT = 186  # NVML_FI_DEV_POWER_INSTANT
TOTAL_POWER_SAMPLES = 0  # NVML_TOTAL_POWER_SAMPLES
GPU_UTILISATION_SAMPLES = 1  # NVML_GPU_UTILIZATION_SAMPLES
PERCENT = 1e-2
MOST_PERCENT = 100
W_PER_MW = 1e-3
NS_PER_US = 1000
CLOCKS_APART_NS = 1_000_000  # the error of turning one clock into the other


class Library:
    """NVML, initialised once in each process and never shut down.

    A forked child initialises anew.  Handles are looked up by UUID again after that,
    and after other code in the process has shut NVML down.

    Args:
        module: ``pynvml`` or what stands for it.
    """

    def __init__(self, module: Any) -> None:
        self.module = module
        self.error: type[Exception] = module.NVMLError
        self._pid: int | None = None
        self._handles: dict[str, Any] = {}

    def start(self) -> None:
        """Initialise NVML for this process.

        Raises:
            NVMLError: As ``module.NVMLError``: there is no driver, or it is broken.
        """
        self.module.nvmlInit()
        self._handles = {}
        self._pid = os.getpid()

    def ask(self, uuid: str, function: str, *args: Any) -> Any:
        """Return ``module.function(handle of uuid, *args)``.

        Raises:
            NVMLError: As ``module.NVMLError``.
        """
        if self._pid != os.getpid():
            self.start()
        try:
            return getattr(self.module, function)(self._handle(uuid), *args)
        except self.error as err:
            if getattr(err, "value", None) != nvml_errors.UNINITIALIZED:
                raise
        self.start()
        return getattr(self.module, function)(self._handle(uuid), *args)

    def try_ask(self, uuid: str, function: str, *args: Any) -> Any:
        """Return what `ask` returns, or None where NVML gives an error."""
        try:
            return self.ask(uuid, function, *args)
        except self.error:
            return None

    def _handle(self, uuid: str) -> Any:
        handle = self._handles.get(uuid)
        if handle is None:
            handle = self.module.nvmlDeviceGetHandleByUUID(uuid)
            self._handles[uuid] = handle
        return handle


# A way of reading: what it asks, in joules or watts.
Ask = Callable[[Library, str], float]


def energy_j(library: Library, uuid: str) -> float:
    """Return the energy counter in joules."""
    counter_mj = library.ask(uuid, "nvmlDeviceGetTotalEnergyConsumption")
    return float(counter_mj) * J_PER_MJ


def power_usage_w(library: Library, uuid: str) -> float:
    """Return ``nvmlDeviceGetPowerUsage`` in watts."""
    return float(library.ask(uuid, "nvmlDeviceGetPowerUsage")) * W_PER_MW


def power_field_w(field: int) -> Ask:
    """Return a way to read the power field *field* in watts."""

    def ask(library: Library, uuid: str) -> float:
        value = library.ask(uuid, "nvmlDeviceGetFieldValues", [field])[0]
        if value.nvmlReturn:
            raise library.error(value.nvmlReturn)
        return float(value.value.uiVal) * W_PER_MW

    return ask


class NvmlGpu:
    """A GPU, or the board behind a MIG slice.

    Args:
        library: NVML.
        about: What it is; its id is the UUID.
        ask: How to read it.
        averaging_s: None where *ask* gives joules; else the trailing window in seconds
            that its watts are a mean of.
        clock: Monotonic nanoseconds.
    """

    def __init__(
        self,
        library: Library,
        about: About,
        ask: Ask,
        *,
        averaging_s: float | None = None,
        clock: Clock = time.monotonic_ns,
    ) -> None:
        self._library = library
        self._about = about
        self._ask = ask
        self._averaging_s = averaging_s
        self._clock = clock
        self._subject = f"gpu {about.index}"
        self._growth = Growth(self._subject)
        self._seen_us = 0
        self._keeps_samples = True
        self._keeps_busy_samples = self._tells_busy = about.scope != "mig-parent"
        self._lock = ForkSafeLock()

    @property
    def about(self) -> About:
        """What it is."""
        return self._about

    def read(self) -> Counter | Gauge:
        """Return joules since the first reading, or watts.

        Raises:
            DeviceError: NVML gave an error this time.
            DeviceLostError: The GPU is lost, or its counter was reset: what is being
                measured has no figure.  After a reset later readings go on.
        """
        # The lock keeps the order of the counter's values; NVML itself is thread-safe.
        with self._lock:
            before = self._clock()
            try:
                value = self._ask(self._library, self._about.id)
            except self._library.error as err:
                raise nvml_errors.device_error(self._subject, err) from err
            t_ns = (before + self._clock()) // 2
            if self._averaging_s is not None:
                return Gauge(t_ns, value, self._averaging_s)
            return Counter(t_ns, self._growth.add(value))

    @property
    def has_power_history(self) -> bool:
        """Whether NVML keeps power samples of the last seconds."""
        return self._keeps_samples

    def powers(self, since_ns: int) -> Sequence[Gauge]:
        """Return NVML's buffered power samples newer than *since_ns*, oldest first.

        Where NVML keeps none, the instant power now; empty if that is missing too.
        """
        if self._keeps_samples:
            try:
                samples = self._samples(TOTAL_POWER_SAMPLES, since_ns)
            except self._library.error as err:
                code = getattr(err, "value", None)
                self._keeps_samples = code not in nvml_errors.UNSUPPORTED
                return []
            return [Gauge(t_ns, value * W_PER_MW) for t_ns, value in samples]
        try:
            power_w = power_field_w(POWER_INSTANT)(self._library, self._about.id)
        except self._library.error:
            return []
        return [Gauge(self._clock(), power_w)]

    @property
    def has_busy_history(self) -> bool:
        """Whether NVML keeps samples of the utilisation."""
        return self._keeps_busy_samples

    def busy(self, since_ns: int) -> Sequence[Busy]:
        """Return NVML's utilisation samples newer than *since_ns*, oldest first.

        Where NVML keeps none, the utilisation now; empty if that is missing too, as on
        a GPU that is cut into MIG instances.  It is the percentage of the last sampling
        period, 1/6 to 1 s by product, in which one or more kernels were executing
        (nvmlUtilization_t, NVML API reference).
        """
        if self._keeps_busy_samples:
            try:
                samples = self._samples(GPU_UTILISATION_SAMPLES, since_ns)
            except self._library.error as err:
                code = getattr(err, "value", None)
                self._keeps_busy_samples = code not in nvml_errors.UNSUPPORTED
                samples = []
            return [Busy(t, v * PERCENT) for t, v in samples if v <= MOST_PERCENT]
        if not self._tells_busy:
            return []
        try:
            rates = self._library.ask(self._about.id, "nvmlDeviceGetUtilizationRates")
        except self._library.error as err:
            code = getattr(err, "value", None)
            self._tells_busy = code not in nvml_errors.UNSUPPORTED
            return []
        return [Busy(self._clock(), int(rates.gpu) * PERCENT)]

    def _samples(self, kind: int, since_ns: int) -> list[tuple[int, int]]:
        """Return monotonic nanoseconds and values of a buffer of samples.

        Raises:
            NVMLError: As ``library.error``.
        """
        now_ns = self._clock()
        offset_ns = time.time_ns() - now_ns
        since_us = max(0, (since_ns + offset_ns) // NS_PER_US)
        samples = self._library.ask(
            self._about.id, "nvmlDeviceGetSamples", kind, since_us
        )[1]
        # NVML stamps samples with the wall clock, in microseconds.  Those from before
        # it was put back seem to come from the future.
        stamped = [(int(s.timeStamp) * NS_PER_US - offset_ns, s) for s in samples]
        return [
            (t_ns, s.sampleValue.uiVal)
            for t_ns, s in stamped
            if t_ns <= now_ns + CLOCKS_APART_NS
        ]

    def occupancy(self, own_pids: frozenset[int]) -> Occupancy | None:
        """Return who used the GPU lately, or None where that cannot be known.

        Containers hide processes, so an empty list proves nothing, and one without
        *own_pids* does not prove that this process is not there.  NVML says nothing
        about the processes of a MIG instance's parent.
        """
        if self._about.scope == "mig-parent":
            return None
        pids = self._pids()
        if not pids:
            return None
        if pids <= own_pids:
            return Occupancy(own=1.0, basis="sole-process", foreign=False)
        own = self._share(own_pids) if pids & own_pids else None
        return Occupancy(own=own, basis="gpu-utilisation", foreign=True)

    def memory_bytes(self) -> Mapping[int, int | None] | None:
        """Return bytes of the GPU's memory by process; None where NVML does not tell.

        A process that computes and draws is in both of NVML's lists with one figure.
        """
        if self._about.scope == "mig-parent":
            return None
        lists = self._processes()
        if all(found is None for found in lists):
            return None
        held: dict[int, int | None] = {}
        for process in (p for found in lists for p in found or ()):
            held[int(process.pid)] = getattr(process, "usedGpuMemory", None)
        return held

    def _pids(self) -> frozenset[int]:
        lists = self._processes()
        return frozenset(int(process.pid) for found in lists for process in found or ())

    def _processes(self) -> list[Any]:
        names = (
            "nvmlDeviceGetComputeRunningProcesses",
            "nvmlDeviceGetGraphicsRunningProcesses",
        )
        return [self._library.try_ask(self._about.id, name) for name in names]

    def _share(self, own_pids: frozenset[int]) -> float | None:
        """Return our fraction of the busy time that NVML sampled since last asked."""
        samples = self._library.try_ask(
            self._about.id, "nvmlDeviceGetProcessUtilization", self._seen_us
        )
        samples = [s for s in samples or () if s.timeStamp > self._seen_us]
        if not samples:
            return None
        self._seen_us = max(int(s.timeStamp) for s in samples)
        busy = sum(int(s.smUtil) for s in samples)
        own = sum(int(s.smUtil) for s in samples if s.pid in own_pids)
        return own / busy if busy else None


def is_readable(library: Library, uuid: str, ask: Ask) -> bool:
    """Tell whether the GPU answers to this way of reading.

    Raises:
        NVMLError: As ``library.error``: an error other than "not supported".
    """
    try:
        ask(library, uuid)
    except library.error as err:
        if getattr(err, "value", None) in nvml_errors.UNSUPPORTED:
            return False
        raise
    return True
