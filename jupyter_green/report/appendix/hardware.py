"""The machines and devices of a report, and what was read from each.

Imports nothing of the package.
"""

from __future__ import annotations

from msgspec import Struct


class MethodUse(Struct, frozen=True, kw_only=True):
    """How far one method gave a device's figures.

    Attributes:
        method: ``counter``, ``integrated``, ``estimated`` or ``simulated``.
        runs: Runs with a figure by it.
        energy_kwh: Their energy on this device, charged once.
    """

    method: str
    runs: int
    energy_kwh: float


class DeviceFacts(Struct, frozen=True, kw_only=True):
    """One device that runs had.

    Attributes:
        key: Its name in this report: ``device 1`` ...
        machine: Key of the machine it is in.
        hashed_id: 12 hexadecimal digits of SHA-256 over the machine's hash and the
            device's own id (a GPU's UUID); empty in an anonymous report.
        kind: ``gpu``, ``cpu``, ``dram``, ``ram``, ``soc``, ``machine``.
        name: The product's name; may be empty.
        memory_gb: A GPU's memory in 10^9 bytes; None: not known.
        memory_source: ``product name``, ``driver`` or ``authors``.
        power_limit_w: Highest power limit in watts; None: none is known.
        power_limit_low_w: Lowest, where it was changed on the way.
        scope: ``device``, ``shared`` or ``mig-parent``: the widest of all runs.
        methods: Methods of its figures, largest energy first.
        runs: Runs that had it.
        unmeasured_runs: Those without a figure of it.
        reasons: Why not, with the number of runs, most frequent first.
        allocated_h: Hours in which some run had it, each once.
        energy_kwh: Energy in kWh, charged once; None: not measured.
        energy_uncertainty_kwh: Half-width (95 %); None: not known.
        energy_random_kwh: The part of it that averages away.
        energy_common_kwh: The part that all runs share: calibration or model.
        calibration: Largest relative half-width (95 %) that its runs state for it.
        coverage: Fraction of the runs' time that readings cover, 0 to 1; runs without a
            figure count as 0.
        resolution_j: Coarsest resolution in joules; None: not stated.
        idle_power_w: Idle power of its baseline in watts, mean over the runs that have
            one; None: no baseline.
        mean_power_w: Energy over allocated time, over the runs with a figure.
        flags: Remarks of the records on it, with the number of runs.
    """

    key: str
    machine: str
    kind: str
    runs: int
    allocated_h: float
    hashed_id: str = ""
    name: str = ""
    memory_gb: float | None = None
    memory_source: str = ""
    power_limit_w: float | None = None
    power_limit_low_w: float | None = None
    scope: str = "device"
    methods: tuple[MethodUse, ...] = ()
    unmeasured_runs: int = 0
    reasons: dict[str, int] = {}
    energy_kwh: float | None = None
    energy_uncertainty_kwh: float | None = None
    energy_random_kwh: float | None = None
    energy_common_kwh: float | None = None
    calibration: float | None = None
    coverage: float = 0.0
    resolution_j: float | None = None
    idle_power_w: float | None = None
    mean_power_w: float | None = None
    flags: dict[str, int] = {}


class DeviceGroup(Struct, frozen=True, kw_only=True):
    """Equal devices, counted.

    Attributes:
        kind: As in `DeviceFacts`.
        name: The product's name.
        count: How many there are.
        memory_gb: Memory of one of them.
        power_limit_w: Highest power limit of one of them.
        machines: In how many machines.
        allocated_h: Hours of all of them together.
        energy_kwh: Energy of all of them; None: not measured.
        methods: Methods of their figures.
    """

    kind: str
    name: str
    count: int
    machines: int
    allocated_h: float
    memory_gb: float | None = None
    power_limit_w: float | None = None
    energy_kwh: float | None = None
    methods: tuple[str, ...] = ()


class MachineFacts(Struct, frozen=True, kw_only=True):
    """One machine.

    Attributes:
        key: Its name in this report: ``machine 1`` ...
        hashed_id: Hash of its identity; empty: unknown, or an anonymous report.
        host_name: Its name, where it was stored; empty in an anonymous report.
        system: Operating system, release and architecture.
        cpu_model: Model of the processor.
        cpu_count: Logical processors; None: not known.
        memory_gb: Installed memory in 10^9 bytes; None: not known.
        runs: Runs on it.
        wall_time_s: Time in which at least one of them ran, in seconds.
        gpus: Number of GPUs its runs had.
    """

    key: str
    runs: int
    wall_time_s: float
    hashed_id: str = ""
    host_name: str = ""
    system: str = ""
    cpu_model: str = ""
    cpu_count: int | None = None
    memory_gb: float | None = None
    gpus: int = 0


class Software(Struct, frozen=True, kw_only=True):
    """Versions of one package.

    Attributes:
        name: Its name.
        versions: Each version, with the number of runs that had it loaded.
    """

    name: str
    versions: dict[str, int]


class Compute(Struct, frozen=True, kw_only=True):
    """What the work ran on.

    Attributes:
        machines: All machines, most time first.
        devices: Devices, GPUs first, largest energy first; at most some hundred.
        other_devices: How many are not listed; `groups` counts them.
        groups: Equal devices together, GPUs first.
        gpus: Number of GPUs.
        gpu_hours: GPU-hours allocated; see `amounts.Amount`.
        gpu_hours_busy: GPU-hours in which they computed; see `amounts.Amount`.
        run_time_s: Sum of all runs' durations in seconds.
        wall_time_s: Time in which at least one run ran, in seconds; runs of an unknown
            machine or time are taken to stand alone.  GPU-hours are at most GPUs x it.
        software: Versions, ``python`` first.
    """

    machines: tuple[MachineFacts, ...]
    devices: tuple[DeviceFacts, ...]
    groups: tuple[DeviceGroup, ...]
    gpus: int
    gpu_hours: float
    run_time_s: float
    wall_time_s: float
    other_devices: int = 0
    gpu_hours_busy: float | None = None
    software: tuple[Software, ...] = ()
