"""Add records up, each joule once.

A record inside another one of the ledger is part of it and is not added; records that
otherwise cover the same time on a device share its energy.  What cannot be known is
counted beside the sum, never added as 0.  Imports `records`, `errors` and the ledger's
own modules.

    >>> from jupyter_green.records import Record
    >>> totals([Record(id="r1", duration_s=2.0, devices=())]).total.unmeasured_runs
    1
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Container, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar, get_args

from jupyter_green.errors import LedgerError
from jupyter_green.ledger.lines import parse_time, utc_text
from jupyter_green.ledger.shares import charged_once
from jupyter_green.ledger.sums import (
    AnyDevice,
    AnyRecord,
    DeviceKey,
    Row,
    Sum,
    host_id,
)

K = TypeVar("K", bound=Hashable)
By = Literal["notebook", "label", "purpose", "device", "day", "host"]
GROUPINGS: tuple[str, ...] = get_args(By)
NO_DEVICE: DeviceKey = ("", "")
NAMELESS = {
    "notebook": "no notebook",
    "label": "no label",
    "purpose": "untagged",
    "day": "no date",
}
SHORT_ID = 12  # characters, enough for GPU-1234abcd


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of a ledger.

    Attributes:
        by: What the rows are told apart by; None: no rows.
        since: UTC time from which records count; None: all.
        rows: Largest energy first; days in their order.
        total: The grand total.
        nested_runs: Records left out because they are part of another one.
        shared_runs: Records that cover the same time on a device as another one.
        shared_j: Joules that several records measured and that the sums hold once:
            the difference to the plain sum.
    """

    by: str | None
    since: str | None
    rows: tuple[Row, ...]
    total: Row
    nested_runs: int
    shared_runs: int = 0
    shared_j: float = 0.0


@dataclass(frozen=True, slots=True)
class ChargedOnce:
    """Records that can be added up without counting a joule twice.

    Attributes:
        records: The records, with their part where they overlap.
        nested_runs: As in `Totals`.
        shared_runs: As in `Totals`.
        shared_j: As in `Totals`.
    """

    records: Collection[AnyRecord]
    nested_runs: int
    shared_runs: int = 0
    shared_j: float = 0.0


def totals(
    records: Collection[AnyRecord],
    by: By | str | None = None,
    since: datetime | None = None,
) -> Totals:
    """Add up records.

    Args:
        records: Records with different ids.
        by: What to tell rows apart by, one of `GROUPINGS`.
        since: Leave out records that began earlier.

    Raises:
        LedgerError: *by* is none of `GROUPINGS`.
    """
    check_grouping(by)
    if since is not None:
        records = [r for r in records if _began_by(r, since)]
    once = charge_once(records)
    counted = once.records
    sums: dict[Any, Sum] = {}
    for record in counted:
        for key, devices in _parts(record, by):
            row = sums.get(key)
            if row is None:
                row = sums[key] = Sum()
            row.add(record, devices)
    if by == "device":
        # A run stands in the row of each of its devices, so rows give no grand total.
        names = device_names(
            (host_id(r), ((d.id, d.name) for d in r.devices)) for r in counted
        )
        grand = Sum()
        for record in counted:
            grand.add(record, record.devices)
    else:
        names = {key: key for key in sums}
        grand = Sum.of(sums.values())
    return finish(
        by=by,
        since=since,
        sums=[(names[key], row) for key, row in sums.items()],
        grand=grand,
        nested_runs=once.nested_runs,
        shared=(once.shared_runs, once.shared_j),
    )


def charge_once(records: Collection[AnyRecord]) -> ChargedOnce:
    """Return what of some records is to be added: nested ones out, overlaps reduced."""
    covered = _covered(records)
    counted = [r for r in records if r.id not in covered] if covered else records
    nested_runs = len(records) - len(counted)
    shared = charged_once(counted)
    if not shared:
        return ChargedOnce(counted, nested_runs)
    shared_j = _energy(r for r in counted if r.id in shared)
    shared_j -= _energy(shared.values())
    reduced = [shared.get(r.id, r) for r in counted]
    return ChargedOnce(reduced, nested_runs, len(shared), shared_j)


def finish(
    *,
    by: str | None,
    since: datetime | None,
    sums: Iterable[tuple[str, Sum]],
    grand: Sum,
    nested_runs: int,
    shared: tuple[int, float],
) -> Totals:
    """Return sums, by their names, as totals; *shared* is the runs and joules."""
    rows = [row.row(name) for name, row in sums] if by else []
    rows.sort(key=_by_key if by == "day" else _by_energy)
    shared_runs, shared_j = shared
    return Totals(
        by=by,
        since=utc_text(since) if since else None,
        rows=tuple(rows),
        total=grand.row(""),
        nested_runs=nested_runs,
        shared_runs=shared_runs,
        shared_j=shared_j,
    )


def check_grouping(by: str | None) -> None:
    """Raise unless rows can be told apart by that.

    Raises:
        LedgerError: *by* is none of `GROUPINGS`.
    """
    if by is not None and by not in GROUPINGS:
        raise LedgerError(
            f"totals cannot be told apart by {by!r}",
            remedy=f"Choose one of {', '.join(GROUPINGS)}",
        )


def _began_by(record: AnyRecord, since: datetime) -> bool:
    began = parse_time(record.started_at)
    return began is None or began >= since


def _energy(records: Iterable[AnyRecord]) -> float:
    # Not fsum: absurd figures of a foreign ledger overflow it.
    return sum(d.energy_j or 0.0 for r in records for d in r.devices)


def _covered(records: Collection[AnyRecord]) -> set[str]:
    """Return ids of the records whose energy an enclosing one of these has already."""
    parents = {r.id: r.parent for r in records if r.parent is not None}
    if not parents:
        return set()
    measured = {r.id for r in records if any(d.energy_j is not None for d in r.devices)}
    return enclosed(parents, measured)


def enclosed(parents: Mapping[K, K], measured: Container[K]) -> set[K]:
    """Return what a measured run encloses, at whatever distance.

    Args:
        parents: Each nested run's parent, which need not be known itself.
        measured: The runs that have a figure of their own.
    """
    known: dict[K, bool] = {}
    for identifier in parents:
        path: list[K] = []
        on_path: set[K] = set()
        node = identifier
        # A chain that bites its own tail is cut where it does.
        while node not in known and node not in on_path and node in parents:
            path.append(node)
            on_path.add(node)
            node = parents[node]
        if node in on_path:
            known[node] = False
        for child in reversed(path):
            above = parents[child]
            if child not in known:
                known[child] = above in measured or known.get(above, False)
    return {identifier for identifier, is_covered in known.items() if is_covered}


def _parts(
    record: AnyRecord, by: str | None
) -> list[tuple[Any, tuple[AnyDevice, ...]]]:
    if by is None:
        return [("", record.devices)]
    if by != "device":
        return [(_key(record, by), record.devices)]
    host = host_id(record)
    if not record.devices:
        return [(NO_DEVICE, ())]
    return [((host, device.id), (device,)) for device in record.devices]


def device_names(
    runs: Iterable[tuple[str, Iterable[tuple[str, str]]]],
) -> dict[DeviceKey, str]:
    """Return names that tell devices apart: with host or whole id only where needed.

    Args:
        runs: Host, and id and name of each device, oldest first.
    """
    products: dict[DeviceKey, str] = {NO_DEVICE: ""}
    for host, devices in runs:
        for identifier, name in devices:
            key = (host, identifier)
            products[key] = products.get(key) or name
    short = {
        (host, identifier): f"{product} {identifier[:SHORT_ID]}".strip()
        for (host, identifier), product in products.items()
    }
    short[NO_DEVICE] = "no device"
    count = Counter(short.values())
    return {
        (host, identifier): name
        if count[name] == 1
        else f"{products[host, identifier]} {identifier} on {host[:SHORT_ID]}".strip()
        for (host, identifier), name in short.items()
    }


def _key(record: AnyRecord, by: str) -> str:
    host = (record.host.id, record.host.name) if record.host else None
    known = day_of(record) if by == "day" else getattr(record, by, None)
    return key_text(by, known if isinstance(known, str) else "", host)


def key_text(by: str | None, known: str, host: tuple[str, str] | None) -> str:
    """Return the name of the row of a run; *host* is the machine's id and name."""
    if by == "host":
        return (host and (host[1] or host[0][:SHORT_ID])) or "unknown host"
    return known or NAMELESS[by] if by else ""


def day_of(record: AnyRecord) -> str:
    """Return the UTC date on which a record began; empty if it is not known."""
    began = parse_time(record.started_at)
    return began.date().isoformat() if began else ""


def _by_key(row: Row) -> str:
    return row.key


def _by_energy(row: Row) -> tuple[float, str]:
    return (math.inf if row.energy_j is None else -row.energy_j, row.key)
