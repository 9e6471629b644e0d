"""Read the RAPL energy counters of Intel and AMD processors through Linux powercap.

Zones are chosen by what their ``name`` file says: ``package-N`` and the ``dram`` below
it.  ``psys``, ``core`` and ``uncore`` overlap the packages and are left out, and so is
``intel-rapl-mmio`` where it repeats ``intel-rapl``
(https://docs.kernel.org/power/powercap/powercap.html).  Permissions are explained,
never changed.  Imports the seam and `errors`.

    found = find()
    found.devices[0].read().energy_j
"""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Iterable
from pathlib import Path

from jupyter_green.devices import powercap, rapl_problems
from jupyter_green.devices.counting import ForkSafeLock, Unwrap
from jupyter_green.devices.device import About, Clock, Counter, Device, Found, Problem
from jupyter_green.errors import DeviceError, DeviceLostError
from jupyter_green.units import J_PER_UJ

ROOT = "/sys/class/powercap"
CPUINFO = "/proc/cpuinfo"

# The energy unit of most Intel parts is 2^-14 J (Intel SDM, MSR_RAPL_POWER_UNIT).
RESOLUTION_J = 61e-6
UPDATE_PERIOD_S = 1e-3  # Intel SDM, "updated every ~1 msec"
# Watts assumed where no limit is stated: above the largest packages sold (500 W), so
# that a wrap is never missed for thinking too low of a processor.
POWER_MAX_W = {"cpu": 600.0, "dram": 150.0}
# The short-term limit (PL2) is 1.25 to 2 times the power that the zone states.
BURST = 2.0
MAX_INTERVAL_S = 30.0
# Relative, 95 %: 5 % for Intel, 10 to 20 % for AMD (docs/method.md).
CALIBRATION = {"GenuineIntel": 0.05}
CALIBRATION_OTHER = 0.15
# Threadripper 1950X shows one package twice
# (https://github.com/mlco2/codecarbon/issues/1274).
MIRROR_J = 1.0
MIRROR_RELATIVE = 1e-6
MIRROR_LEAST_J = 1000.0

_GONE = (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ESTALE)


class RaplZone:
    """The energy counter of one processor package or of its memory.

    Args:
        about: What it is; the resolution and intervals included.
        path: Its ``energy_uj``.
        range_uj: Its ``max_energy_range_uj``.
        power_max_w: The most watts it can draw, bursts included.
        clock: Monotonic nanoseconds.
    """

    def __init__(
        self,
        about: About,
        path: Path,
        *,
        range_uj: int,
        power_max_w: float,
        clock: Clock = time.monotonic_ns,
    ) -> None:
        self._about = about
        self._path = path
        self._range_uj = range_uj
        self._clock = clock
        self._reading = powercap.Reading(path)
        self._unwrap = Unwrap(about.id, range_uj, power_max_w)
        self._lock = ForkSafeLock()

    @property
    def about(self) -> About:
        """What it is."""
        return self._about

    def raw_uj(self) -> int:
        """Return the bare counter in microjoules.

        Raises:
            DeviceError: It cannot be read, or is no number within its range.
            DeviceLostError: The zone is gone.
        """
        try:
            value = self._reading.value()
        except OSError as err:
            raise _translated(self._about.id, self._path, err) from err
        except ValueError as err:
            raise DeviceError(
                f"{self._about.id}: {self._path} is no number", why=str(err)
            ) from err
        if not 0 <= value <= self._range_uj:
            raise DeviceError(
                f"{self._about.id}: {self._path} is out of its range",
                why=f"{value} is not in 0 to {self._range_uj}",
            )
        return value

    def read(self) -> Counter:
        """Return joules since the first reading.

        `Counter.bound_j` grows where readings came so late that the counter may have
        wrapped unseen: by the energy of the wraps that were possible.  The joules
        themselves hold the fewest wraps that agree with the readings.

        Raises:
            DeviceError: It cannot be read this time.
            DeviceLostError: The zone is gone, or its counter was reset.
        """
        with self._lock:
            before = self._clock()
            raw_uj = self.raw_uj()
            t_ns = (before + self._clock()) // 2
            done = self._unwrap.add(t_ns, raw_uj)
        return Counter(t_ns, done.energy_j, done.missed_j)


def _translated(name: str, path: Path, err: OSError) -> DeviceError:
    if err.errno in _GONE:
        return DeviceLostError(f"{name}: {path} is gone", why=err.strerror or str(err))
    return DeviceError(
        f"{name}: {path} cannot be read",
        why=err.strerror or str(err),
        remedy="`jupyter green doctor` says how to open it"
        if isinstance(err, PermissionError)
        else "",
    )


def find(
    root: str | Path = ROOT,
    *,
    cpuinfo: str | Path = CPUINFO,
    clock: Clock = time.monotonic_ns,
) -> Found:
    """Return the packages and their memory that can be read, and what stands against.

    Args:
        root: Folder of the powercap class.
        cpuinfo: File that names the processor.
        clock: Monotonic nanoseconds.
    """
    root = Path(root)
    processor = powercap.processor(Path(cpuinfo))
    zones = list(powercap.zones(root))
    if not zones:
        masked = any(root.glob("intel-rapl*:*")) and not any(
            powercap.text(path) for path in root.glob("intel-rapl*:*/name")
        )
        virtual = "hypervisor" in processor.get("flags", "").split()
        return Found((), (rapl_problems.absent(root, masked=masked, virtual=virtual),))
    devices: list[RaplZone] = []
    problems: list[Problem] = []
    forbidden: list[powercap.Zone] = []
    for candidates in powercap.by_id(zones):
        device = _first_readable(candidates, processor, clock)
        zone = candidates[0]
        if isinstance(device, RaplZone):
            devices.append(device)
        elif isinstance(device.__cause__, PermissionError):
            forbidden.append(zone)
        else:
            problems.append(rapl_problems.broken(zone.id, zone.counter, device))
    if forbidden:
        names = [zone.id for zone in forbidden]
        paths = [zone.counter for zone in forbidden]
        problems.append(rapl_problems.forbidden(names, paths))
    kept, mirrored = _without_mirrors(devices)
    return Found(kept, (*problems, *mirrored))


def _first_readable(
    candidates: Iterable[powercap.Zone], processor: dict[str, str], clock: Clock
) -> RaplZone | Exception:
    """Return the first of several zones that count the same, or why none is read."""
    failures: list[Exception] = []
    for zone in candidates:
        try:
            device = _device(zone, processor, clock)
            device.raw_uj()
        except (DeviceError, ValueError) as err:
            failures.append(err)
        else:
            return device
    return failures[0]


def _without_mirrors(
    devices: Iterable[RaplZone],
) -> tuple[tuple[Device, ...], list[Problem]]:
    """Drop every device whose counter stands where that of an earlier one does.

    Two meters hold the same count of more than `MIRROR_LEAST_J` by chance about once
    in 10^5 machines.
    """
    kept: list[tuple[RaplZone, float]] = []
    problems = []
    for device in devices:
        energy_j = device.raw_uj() * J_PER_UJ
        for other, other_j in kept:
            nearest_j = max(MIRROR_J, MIRROR_RELATIVE * energy_j)
            if (
                device.about.kind == other.about.kind
                and min(energy_j, other_j) > MIRROR_LEAST_J
                and abs(energy_j - other_j) <= nearest_j
            ):
                problems.append(
                    rapl_problems.mirrored(device.about.id, other.about.id, energy_j)
                )
                break
        else:
            kept.append((device, energy_j))
    return tuple(device for device, _ in kept), problems


def _device(zone: powercap.Zone, processor: dict[str, str], clock: Clock) -> RaplZone:
    range_uj = int(powercap.text(zone.folder / "max_energy_range_uj"))
    if range_uj <= 0:
        raise DeviceError(f"{zone.id}: max_energy_range_uj is {range_uj}")
    stated = powercap.text(zone.folder / "constraint_0_max_power_uw")
    limit_w = int(stated) * J_PER_UJ if stated.isdigit() and int(stated) else None
    power_max_w = BURST * limit_w if limit_w else POWER_MAX_W[zone.kind]
    numbers = [int(n) for n in re.findall(r"\d+", zone.id)]
    model = processor.get("model name", "")
    about = About(
        id=zone.id,
        kind=zone.kind,
        method="counter",
        index=numbers[0],
        name=model if zone.kind == "cpu" else f"memory of {zone.package}",
        calibration=CALIBRATION.get(processor.get("vendor_id", ""), CALIBRATION_OTHER),
        resolution_j=RESOLUTION_J,
        update_period_s=UPDATE_PERIOD_S,
        max_interval_s=min(0.5 * range_uj * J_PER_UJ / power_max_w, MAX_INTERVAL_S),
        power_limit_w=limit_w,
    )
    return RaplZone(
        about,
        zone.counter,
        range_uj=range_uj,
        power_max_w=power_max_w,
        clock=clock,
    )
