"""Sum records, with an uncertainty that does not average bias away.

For one device the random parts of its records add in quadrature, and the rest of their
uncertainty, calibration or model, which all of them share, adds linearly; devices err
independently, and estimates by one model together.  Imports `records`, `units` and the
ledger's lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from jupyter_green.ledger.lines import SlimDevice, SlimRecord
from jupyter_green.records import DeviceRecord, Record, error_source, split_error
from jupyter_green.units import co2e_g

AnyRecord = Record | SlimRecord
AnyDevice = DeviceRecord | SlimDevice
DeviceKey = tuple[str, str]  # host and device: one piece of hardware
K = TypeVar("K")

FAILED = frozenset({"error", "interrupted", "killed"})
COUNTED = (
    "runs",
    "failed",
    "running",
    "provisional",
    "unmeasured",
    "partly",
    "without_intensity",
    "duration_s",
)


@dataclass(frozen=True, slots=True)
class Row:
    """The sum of some records.

    Attributes:
        key: What they have in common; empty for the grand total.
        runs: Number of records.
        failed_runs: Those that ended by an error, an interrupt or a kill.
        running_runs: Those that are not over; their energy so far is included.
        provisional_runs: Those whose figures may still be refined.
        unmeasured_runs: Those without any energy figure; they add nothing.
        partly_measured_runs: Those in which some device has no figure.
        without_intensity_runs: Those with energy but without carbon intensity.
        duration_s: Sum of their durations in seconds.
        energy_j: Sum of their joules; None if none was measured.
        uncertainty_j: Half-width (95 %) of that; None if any figure came without.
        energy_by_method_j: That sum by method.
        co2e_g: Grams of CO2e, each record by its own intensity and PUE; None if none.
    """

    key: str
    runs: int
    failed_runs: int
    running_runs: int
    provisional_runs: int
    unmeasured_runs: int
    partly_measured_runs: int
    without_intensity_runs: int
    duration_s: float
    energy_j: float | None
    uncertainty_j: float | None
    energy_by_method_j: dict[str, float]
    co2e_g: float | None


@dataclass(slots=True)
class Sum:
    """A sum in the making; `Row` is what becomes of it."""

    runs: int = 0
    failed: int = 0
    running: int = 0
    provisional: int = 0
    unmeasured: int = 0
    partly: int = 0
    without_intensity: int = 0
    duration_s: float = 0.0
    co2e_g: float | None = None
    by_method: dict[str, float] = field(default_factory=dict)
    # For each device the squares of random parts; for each source the common ones.
    random_j2: dict[DeviceKey, float] = field(default_factory=dict)
    common_j: dict[DeviceKey, float] = field(default_factory=dict)
    is_uncertainty_unknown: bool = False

    @classmethod
    def of(cls, parts: Iterable[Sum]) -> Sum:
        """Return the sum of sums that share no record."""
        whole = cls()
        for part in parts:
            for name in COUNTED:
                setattr(whole, name, getattr(whole, name) + getattr(part, name))
            if part.co2e_g is not None:
                whole.co2e_g = (whole.co2e_g or 0.0) + part.co2e_g
            whole.is_uncertainty_unknown |= part.is_uncertainty_unknown
            _add_all(whole.by_method, part.by_method)
            _add_all(whole.random_j2, part.random_j2)
            _add_all(whole.common_j, part.common_j)
        return whole

    def add(self, record: AnyRecord, devices: tuple[AnyDevice, ...]) -> None:
        """Add some devices of a record."""
        self.runs += 1
        self.duration_s += record.duration_s
        if record.status in FAILED:
            self.failed += 1
        elif record.status == "running":
            self.running += 1
        elif not record.final:
            self.provisional += 1
        measured = [d for d in devices if d.energy_j is not None]
        if not measured:
            self.unmeasured += 1
            return
        self.partly += len(measured) < len(devices)
        energy_j = self._add_devices(host_id(record), measured)
        if record.intensity is None:
            self.without_intensity += 1
        else:
            grams = co2e_g(energy_j, record.intensity.g_per_kwh, record.pue.value)
            self.co2e_g = (self.co2e_g or 0.0) + grams

    def _add_devices(self, host: str, devices: Sequence[AnyDevice]) -> float:
        by_method, random_j2, common_j = self.by_method, self.random_j2, self.common_j
        sum_j = 0.0
        for device in devices:
            energy_j = device.energy_j or 0.0
            sum_j += energy_j
            by_method[device.method] = by_method.get(device.method, 0.0) + energy_j
            whole = device.uncertainty_j
            if whole is None:
                self.is_uncertainty_unknown = True
                continue
            random, common = split_error(whole, device.uncertainty_random_j)
            key = (host, device.id)
            random_j2[key] = random_j2.get(key, 0.0) + random * random
            source = error_source(host, device.id, device.method)
            common_j[source] = common_j.get(source, 0.0) + common
        return sum_j

    def row(self, key: str) -> Row:
        """Return the sum as a frozen value."""
        is_known = self.by_method and not self.is_uncertainty_unknown
        variance = sum(self.random_j2.values())
        variance += sum(common * common for common in self.common_j.values())
        return Row(
            key=key,
            runs=self.runs,
            failed_runs=self.failed,
            running_runs=self.running,
            provisional_runs=self.provisional,
            unmeasured_runs=self.unmeasured,
            partly_measured_runs=self.partly,
            without_intensity_runs=self.without_intensity,
            duration_s=self.duration_s,
            energy_j=sum(self.by_method.values()) if self.by_method else None,
            uncertainty_j=math.sqrt(variance) if is_known else None,
            energy_by_method_j=dict(sorted(self.by_method.items())),
            co2e_g=self.co2e_g,
        )


def _add_all(whole: dict[K, float], part: dict[K, float]) -> None:
    for key, value in part.items():
        whole[key] = whole.get(key, 0.0) + value


def host_id(record: AnyRecord) -> str:
    """Return the hash of the machine that a record is from; empty if unknown."""
    return record.host.id if record.host else ""
