"""Make a record of estimated work, so that a total can hold what nobody metered.

Its method is ``estimated`` and its flag `ADDED`; the calculator's assumptions that a
reader must know are flags too.  Imports `estimates`, `records` and `units`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from jupyter_green.carbon.estimates import Estimate, EstimateInput
from jupyter_green.errors import EstimateError
from jupyter_green.records import DeviceRecord, Record
from jupyter_green.units import j_from_kwh

ADDED = "added"  # the report calls such runs not metered
BOARD_POWER = "board-power-assumed"
FULL_LOAD = "full-load-assumed"
ENERGY_STATED = "energy-stated"
MOST_DEVICES = 100_000  # each is an entry of the record
S_PER_H = 3600.0


def record_by_hand(
    given: EstimateInput,
    result: Estimate,
    *,
    identifier: str,
    started_at: datetime,
    label: str = "",
    purpose: str | None = None,
    notebook: str = "",
    relative_uncertainty: float | None = None,
) -> Record:
    """Return the record of estimated work.

    Accelerators get an entry each, so that hours of use are those of the input.

    Args:
        given: What was estimated from.
        result: What came out.
        identifier: Id of the record.
        started_at: When the work began.
        label: A name for the work.
        purpose: One of `records.PURPOSES`, or None.
        notebook: The notebook it belongs to.
        relative_uncertainty: Half-width (95 %) that the author states for the energy,
            as a fraction of it; None: not stated.

    Raises:
        EstimateError: There are more accelerators than a record can hold.
    """
    duration_s = _hours(given, result) * S_PER_H
    flags = _flags(given, result)
    devices = _devices(given, result, relative_uncertainty, flags)
    ended_at = started_at + timedelta(seconds=duration_s)
    return Record(
        id=identifier,
        duration_s=duration_s,
        devices=devices,
        started_at=_text(started_at),
        ended_at=_text(ended_at),
        label=label,
        purpose=purpose,
        notebook=notebook,
        intensity=result.intensity,
        pue=result.pue,
        flags=flags,
    )


def _hours(given: EstimateInput, result: Estimate) -> float:
    if result.gpu_hours is not None:
        return result.gpu_hours / (given.count or 1)
    return given.hours or 0.0


def _flags(given: EstimateInput, result: Estimate) -> tuple[str, ...]:
    is_stated = given.energy_kwh is not None
    takes_board = result.gpu_power_w is not None and given.power_w is None
    nominal = takes_board or given.cpu_cores is not None
    found = (
        (True, ADDED),
        (is_stated, ENERGY_STATED),
        (takes_board and not is_stated, BOARD_POWER),
        (nominal and given.utilisation is None and not is_stated, FULL_LOAD),
    )
    return tuple(flag for is_so, flag in found if is_so)


def _devices(
    given: EstimateInput,
    result: Estimate,
    relative_uncertainty: float | None,
    flags: tuple[str, ...],
) -> tuple[DeviceRecord, ...]:
    count = given.count or 1
    if result.gpu_kwh is not None and count > MOST_DEVICES:
        raise EstimateError(
            f"{count} accelerators are too many for one record",
            remedy=f"Add the work in parts of at most {MOST_DEVICES} each",
        )
    name = result.gpu_name or "accelerator"
    parts: list[tuple[str, str, int, float]] = []
    if result.gpu_kwh is not None:
        parts += [("gpu", name, at, result.gpu_kwh / count) for at in range(count)]
    if result.cpu_kwh is not None:
        parts.append(("cpu", f"{given.cpu_cores:g} processor cores", 0, result.cpu_kwh))
    if result.memory_kwh is not None:
        parts.append(("ram", f"{given.memory_gb:g} GB memory", 0, result.memory_kwh))
    whole = sum(kwh for *_, kwh in parts)
    # A stated energy wins over the model; the model then only says how it is divided.
    scale = result.energy_it_kwh / whole if whole else 1.0
    if not whole:
        parts = [("machine", "IT equipment", 0, result.energy_it_kwh)]
    return tuple(
        _device(kind, name, index, scale * kwh, relative_uncertainty, flags)
        for kind, name, index, kwh in parts
    )


def _device(
    kind: str,
    name: str,
    index: int,
    energy_kwh: float,
    relative_uncertainty: float | None,
    flags: tuple[str, ...],
) -> DeviceRecord:
    energy_j = j_from_kwh(energy_kwh)
    known = relative_uncertainty
    return DeviceRecord(
        id=f"{ADDED}:{name}:{index}",
        kind=kind,
        method="estimated",
        energy_j=energy_j,
        uncertainty_j=None if known is None else known * energy_j,
        # All that is stated is common to the model: it does not average away.
        uncertainty_random_j=None if known is None else 0.0,
        calibration=known or 0.0,
        index=index,
        name=name,
        flags=flags,
    )


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
