"""Runs that go on: what the kernel told last, and what the host drew since.

A kernel writes a run's figures about every ten seconds.  Between them the server's own
sampler may know what the same devices drew; only on the kernel's own host, and only
while it was sampling.  Pure; imports `records`, `history`, `ledger` and `wire`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from jupyter_green.ledger.lines import parse_time
from jupyter_green.records import Record
from jupyter_green.server.history import Drawn
from jupyter_green.server.wire import Basis, WindowAnswer
from jupyter_green.units import co2e_g

# So much of the time since the kernel told may not be covered by the sampler, at the
# begin and at the end together: it samples once a second.
JOIN_S = 2.5

# Joules by device and the seconds they are of, since a moment in seconds since 1970.
DrawnSince = Callable[[str, float], Drawn | None]


def window(
    record: Record,
    now: datetime,
    path: str | None,
    *,
    host_id: str,
    devices: Sequence[str],
    drawn_since: DrawnSince,
) -> WindowAnswer:
    """Return a running record as the panel shows it.

    Args:
        record: The run as the ledger has it.
        now: The present.
        path: Its notebook from the server's root, if it stands there.
        host_id: This host's hash: runs of others are shown as they told.
        devices: This host's devices: those of a run that has not told its own, since
            a kernel inherits the server's environment.
        drawn_since: What this host's devices drew.
    """
    began = parse_time(record.started_at)
    elapsed_s = record.duration_s
    if began is not None:
        elapsed_s = max(elapsed_s, (now - began).total_seconds())
    energy_j, known_s = record.energy_j, record.duration_s or None
    basis: Basis | None = "kernel"
    if energy_j is None:
        known_s = basis = None
    is_here = record.host is not None and record.host.id == host_id
    if is_here and began is not None:
        told_until_s = began.timestamp() + record.duration_s
        ids = [device.id for device in record.devices] or devices
        more = _more(ids, now.timestamp(), told_until_s, drawn_since)
        if more is not None:
            basis = "host" if energy_j is None else "kernel and host"
            energy_j = (energy_j or 0.0) + more.energy_j
            known_s = record.duration_s + more.covered_s
    grams = None
    if energy_j is not None and record.intensity is not None:
        grams = co2e_g(energy_j, record.intensity.g_per_kwh, record.pue.value)
    return WindowAnswer(
        id=record.id,
        label=record.label,
        notebook=record.notebook,
        path=path,
        cell_id=record.cell_id,
        execution_count=record.execution_count,
        started_at=record.started_at,
        duration_s=elapsed_s,
        energy_j=energy_j,
        co2e_g=grams,
        known_s=known_s,
        basis=basis,
        host_id=record.host.id if record.host else "",
        session=record.session,
    )


def _more(
    devices: Sequence[str], now_s: float, since_s: float, drawn_since: DrawnSince
) -> Drawn | None:
    """Return what all devices of a run drew since it told; None if any is unknown."""
    sum_j, covered_s = 0.0, 0.0
    for device in devices:
        drawn = drawn_since(device, since_s)
        if drawn is None or now_s - since_s - drawn.covered_s > JOIN_S:
            return None
        sum_j += drawn.energy_j
        covered_s = drawn.covered_s
    return Drawn(sum_j, covered_s) if devices else None
