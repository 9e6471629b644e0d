"""Frozen values that describe metered work, and their JSON form.

A `Record` is what one window became: joules by device with method, uncertainty and
coverage, and everything needed to derive grams.  Inputs are stored and outputs are
derived: there is no CO2 field, only `Record.co2e_g`.  Missing is None, never 0.

Imports `units` only.

    >>> record = Record(id="r1", duration_s=2.0, devices=(DeviceRecord(
    ...     id="GPU-1", kind="gpu", method="counter", energy_j=100.0,
    ...     uncertainty_j=5.0, uncertainty_random_j=1.0),))
    >>> record.energy_j, record.power_w
    (100.0, 50.0)
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct

from jupyter_green.units import J_PER_KWH, co2e_g

SCHEMA_VERSION = 1

Kind = Literal["gpu", "cpu", "dram", "ram", "soc", "machine"]
Method = Literal["counter", "integrated", "estimated", "simulated"]
Scope = Literal["device", "shared", "mig-parent"]
Status = Literal["running", "ok", "error", "interrupted", "killed"]
Purpose = Literal["final", "search", "ablation", "development", "inference", "other"]
IntensityKind = Literal["lifecycle", "direct", "co2-only", "consumption", "unstated"]

PURPOSES: tuple[str, ...] = get_args(Purpose)
ESTIMATED = "estimated"


class Share(Struct, frozen=True, kw_only=True):
    """Energy in joules attributed to this kernel, beside the device's total.

    Attributes:
        energy_j: Joules attributed to the kernel and its child processes.
        fraction: The fraction of the device's energy that this is.
        basis: How it was attributed: ``cpu-time`` (CPU time of the kernel tree over
            all busy CPU time), ``sole-process`` or ``gpu-utilisation``.
    """

    energy_j: float
    fraction: float
    basis: str


class DeviceRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Energy of one device in one window, in joules.

    Attributes:
        id: Stable identifier: the GPU's UUID, or host-wide name such as ``package-0``.
        kind: ``gpu``, ``cpu`` (a package), ``dram``, ``ram`` (estimated), ...
        method: ``counter`` (difference of an energy counter), ``integrated`` (from
            power readings), ``estimated`` (from a model) or ``simulated``.
        energy_j: Gross joules of the whole device; None where not measured.
        uncertainty_j: Half-width of a 95 % interval, calibration included.
        uncertainty_random_j: The part without calibration; it averages away.
        index: Position among the devices of this kind.
        name: The product's name, for people.
        scope: ``device``: whole and alone as far as is known; ``shared``: others use
            it too; ``mig-parent``: the whole board behind a MIG slice.
        coverage: Fraction of the window that readings cover, 0 to 1.
        calibration: Relative half-width (95 %) of the error common to all windows.
        resolution_j: Joules below which a difference cannot be told from nothing.
        idle_power_w: Idle power in watts from the baseline, if one was measured.
        idle_uncertainty_w: Half-width (95 %) of the idle power.
        share: The part attributed to this kernel, if it can be known.
        power_limit_w: The device's power limit in watts, if it has one.
        memory_gb: A GPU's memory in 10^9 bytes, as its driver says; None: not known.
        busy_s: Seconds of the window in which a GPU executed kernels, of any process;
            known to the driver's sampling period, 1/6 to 1 s; None: not known.
        reason: Why there is no figure, where `energy_j` is None.
        flags: Remarks on quality, such as ``below-resolution`` or ``shared``.
    """

    id: str
    kind: str
    method: str
    energy_j: float | None
    uncertainty_j: float | None
    uncertainty_random_j: float | None
    index: int = 0
    name: str = ""
    scope: str = "device"
    coverage: float = 1.0
    calibration: float = 0.0
    resolution_j: float | None = None
    idle_power_w: float | None = None
    idle_uncertainty_w: float | None = None
    share: Share | None = None
    power_limit_w: float | None = None
    memory_gb: float | None = None
    busy_s: float | None = None
    reason: str = ""
    flags: tuple[str, ...] = ()


class Intensity(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Carbon intensity of electricity in g CO2e per kWh, with its identity.

    Attributes:
        g_per_kwh: The value.
        zone: What it is the value of, for example ``FRA``, ``USA/california``.
        source: The data set or person that states it.
        year: Year of the data; None where the source does not say.
        kind: ``lifecycle``, ``direct``, ``co2-only``, ``consumption``, ``unstated``.
        licence: Licence of the data set, for the credit.
        low_g_per_kwh: Lower end of a range, if the source gives one.
        high_g_per_kwh: Upper end of a range, if the source gives one.
        assumed: True where nobody stated a location and a default was taken.
        note: What to know about it, such as the stated fallback of a live value.
    """

    g_per_kwh: float
    zone: str
    source: str
    year: int | None = None
    kind: str = "unstated"
    licence: str = ""
    low_g_per_kwh: float | None = None
    high_g_per_kwh: float | None = None
    assumed: bool = False
    note: str = ""


class Pue(Struct, frozen=True, kw_only=True):
    """Power usage effectiveness: facility energy over energy of the IT equipment."""

    value: float = 1.0
    source: str = "IT equipment only"


class Baseline(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Idle power of each device in watts, measured while nothing of ours ran.

    Attributes:
        measured_at: UTC time of the end of the measurement.
        duration_s: Length of the measurement in seconds.
        state: What idle means here, such as ``kernel idle, no GPU context``.
        power_w: Mean power in watts by device id.
        uncertainty_w: Half-width (95 %) of that mean by device id.
    """

    measured_at: str
    duration_s: float
    state: str
    power_w: dict[str, float]
    uncertainty_w: dict[str, float]


class Repeats(Struct, frozen=True, kw_only=True):
    """Energy of the repeats of a cell in joules, the first run dropped.

    Attributes:
        runs: How many times the cell was executed.
        dropped: How many first runs are left out of the figures.
        energy_j: Joules of each kept run; None where not measured.
        duration_s: Seconds of each kept run.
        mean_j: Mean of the kept runs.
        stdev_j: Sample standard deviation.
        interval_j: Half-width of the 95 % interval of the mean (Student's t).
    """

    runs: int
    dropped: int
    energy_j: tuple[float | None, ...]
    duration_s: tuple[float, ...]
    mean_j: float | None
    stdev_j: float | None
    interval_j: float | None


class Curve(Struct, frozen=True, kw_only=True):
    """Mean power over the window in watts: one value for each step between times.

    Attributes:
        t_s: Ends of the steps in seconds since the window's start.
        power_w: Mean total power in watts in the step that ends there.
    """

    t_s: tuple[float, ...]
    power_w: tuple[float, ...]


class Host(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The machine; its name is stored only where the user asks for it.

    Attributes:
        id: Hash of the machine's identity; the same for all kernels of a host.
        system: Operating system and architecture.
        cpu_model: Model of the processor.
        cpu_count: Logical processors.
        memory_gb: Installed memory in 10^9 bytes.
        name: The host's name; empty by default.
    """

    id: str
    system: str = ""
    cpu_model: str = ""
    cpu_count: int = 0
    memory_gb: float = 0.0
    name: str = ""


class Git(Struct, frozen=True, kw_only=True):
    """The commit of the folder the work ran in, and whether it had changes."""

    commit: str
    dirty: bool | None


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One metered piece of work: a cell, a window, a command.

    Attributes:
        id: Unique identifier of the run.
        duration_s: Seconds by the monotonic clock.
        devices: One entry for each device.
        started_at: UTC start, ISO 8601.
        ended_at: UTC end, ISO 8601: the start plus the monotonic duration.
        status: ``running``, ``ok``, ``error``, ``interrupted`` or ``killed``.
        final: False while a slow counter may still refine the figures.
        label: The user's name for the work.
        purpose: One of `PURPOSES`, or None: untagged.
        parent: Id of the window of the same meter that encloses this one.
        session: Id of the kernel session or process.
        notebook: Path of the notebook, if known.
        cell_id: Id of the cell, if the front end gave one.
        execution_count: The ``n`` of ``In[n]``.
        source_sha256: Hash of the cell's source.
        error: Name of the exception's class where the status is ``error``.
        intensity: Carbon intensity used to derive grams; None: no CO2e.
        pue: Power usage effectiveness used to derive facility energy.
        baseline: The idle power that net figures refer to.
        repeats: Statistics where the cell was repeated.
        curve: Mean power over time.
        host: The machine.
        git: Commit of the working folder.
        versions: Versions of the software that matters.
        overhead_s: Seconds this tool itself took inside the window's calls.
        metrics: What the user said of the work in numbers, such as ``accuracy`` or
            the ``samples`` it went through; never an infinity.
        flags: Remarks on the record as a whole.
        schema_version: Version of this form.
    """

    id: str
    duration_s: float
    devices: tuple[DeviceRecord, ...]
    started_at: str = ""
    ended_at: str = ""
    # Fields with a factory are always written: a reader of one line needs them.
    status: str = msgspec.field(default_factory=lambda: "ok")
    final: bool = msgspec.field(default_factory=lambda: True)
    label: str = ""
    purpose: str | None = None
    parent: str | None = None
    session: str = ""
    notebook: str = ""
    cell_id: str = ""
    execution_count: int | None = None
    source_sha256: str = ""
    error: str = ""
    intensity: Intensity | None = None
    pue: Pue = Pue()
    baseline: Baseline | None = None
    repeats: Repeats | None = None
    curve: Curve | None = None
    host: Host | None = None
    git: Git | None = None
    versions: dict[str, str] = {}
    overhead_s: float | None = None
    metrics: dict[str, float] = {}
    flags: tuple[str, ...] = ()
    schema_version: int = msgspec.field(default_factory=lambda: SCHEMA_VERSION)

    @property
    def energy_j(self) -> float | None:
        """Gross joules of all devices that have a figure; None if none has.

        The sum can hold figures of several methods: `methods` names them, and every
        printer of this figure prints them too.
        """
        energies = [d.energy_j for d in self.devices if d.energy_j is not None]
        return sum(energies) if energies else None

    @property
    def uncertainty_j(self) -> float | None:
        """Half-width (95 %) of `energy_j`; None where a figure came without one.

        Devices err independently, and estimates by one model together.
        """
        measured = [d for d in self.devices if d.energy_j is not None]
        if not measured or any(d.uncertainty_j is None for d in measured):
            return None
        variance = 0.0
        together: dict[tuple[str, str], float] = {}
        for device in measured:
            random_j, common_j = split_error(
                device.uncertainty_j or 0.0, device.uncertainty_random_j
            )
            variance += random_j**2
            source = error_source("", device.id, device.method)
            together[source] = together.get(source, 0.0) + common_j
        return math.sqrt(variance + sum(common_j**2 for common_j in together.values()))

    @property
    def uncertainty_random_j(self) -> float | None:
        """Half-width (95 %) of `energy_j` without calibration."""
        return _quadrature(d.uncertainty_random_j for d in self.devices)

    @property
    def energy_net_j(self) -> float | None:
        """Joules above idle of the devices with a baseline; None if none has."""
        net = [
            d.energy_j - d.idle_power_w * self.duration_s
            for d in self.devices
            if d.energy_j is not None and d.idle_power_w is not None
        ]
        return sum(net) if net else None

    @property
    def uncertainty_net_j(self) -> float | None:
        """Half-width (95 %) of `energy_net_j` (idle power's error grows with time)."""
        return _quadrature(
            part
            for d in self.devices
            if d.energy_j is not None and d.idle_power_w is not None
            for part in (
                d.uncertainty_j,
                (d.idle_uncertainty_w or 0.0) * self.duration_s,
            )
        )

    @property
    def power_w(self) -> float | None:
        """Mean power in watts over the window."""
        if self.energy_j is None or self.duration_s <= 0:
            return None
        return self.energy_j / self.duration_s

    @property
    def co2e_g(self) -> float | None:
        """Grams of CO2e: energy x PUE x intensity, each stored beside it."""
        if self.energy_j is None or self.intensity is None:
            return None
        return co2e_g(self.energy_j, self.intensity.g_per_kwh, self.pue.value)

    @property
    def energy_kwh(self) -> float | None:
        """Kilowatt-hours of the IT equipment."""
        return None if self.energy_j is None else self.energy_j / J_PER_KWH

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods behind `energy_j`, in the order of the devices."""
        return tuple(
            dict.fromkeys(d.method for d in self.devices if d.energy_j is not None)
        )

    @property
    def key(self) -> str:
        """The first eight characters of the id, enough for people and `tag`."""
        return self.id[:8]

    def to_json(self) -> bytes:
        """Return the JSON form, one line without a line end."""
        return msgspec.json.encode(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form as plain values, for a MIME bundle."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    @classmethod
    def from_json(cls, line: bytes | str) -> Record:
        """Read the JSON form; unknown keys of newer versions are ignored.

        Raises:
            msgspec.ValidationError: A key has the wrong type or is missing.
            msgspec.DecodeError: The text is not JSON.
        """
        return msgspec.json.decode(line, type=cls)


def error_source(host: str, identifier: str, method: str) -> tuple[str, str]:
    """Return what the common error of a device's figures comes from.

    Common errors of one source add up; those of several are independent.  A sensor's
    calibration is its own.  An estimate's is that of its model, the same on all
    machines: a hundred nodes by one model are as uncertain, in proportion, as one.
    The device's id names the model, up to a colon.
    """
    if method == ESTIMATED:
        return "", identifier.partition(":")[0]
    return host, identifier


def split_error(whole: float, random: float | None) -> tuple[float, float]:
    """Return the random and the common part of a half-width.

    Where the random part is not stated, none of it is taken to average away.
    """
    known = random or 0.0
    return known, math.sqrt(max(0.0, whole * whole - known * known))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a `Record`."""
    schema: dict[str, Any] = msgspec.json.schema(Record)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"jupyter_green record, schema version {SCHEMA_VERSION}",
        **schema,
    }


def _quadrature(parts: Any) -> float | None:
    known = [part for part in parts if part is not None]
    return math.hypot(*known) if known else None
