"""What a report covers: time, notebooks, sessions, and the boundary of its energy.

Imports `work` and the values it fills; numpy.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np

from jupyter_green.ledger.shares import EPOCH
from jupyter_green.report.appendix.amounts import Amount
from jupyter_green.report.appendix.hardware import Compute
from jupyter_green.report.appendix.listings import Lister
from jupyter_green.report.appendix.sections import Component, Extent, Sharing
from jupyter_green.report.appendix.work import Work
from jupyter_green.units import J_PER_KWH

# What energy of components never holds, and what it holds only where it was metered.
EXCLUDABLE = (
    "gpu",  # GPUs of the runs without a figure
    "cpu",
    "memory",
    "storage",
    "network",
    "mainboard-and-fans",
    "power-supply-losses",
    "cooling-and-building",  # where PUE is 1
    "between-runs",  # idle machines and cells that were not metered
    "embodied",
    "other-machines",  # laptops, log-in nodes, file servers
)
WALL = frozenset({"machine"})


def stamp(time_us: int) -> str:
    """Return microseconds since 1970 as UTC, ISO 8601, to the millisecond."""
    moment = EPOCH + timedelta(microseconds=time_us)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def extent(
    work: Work,
    amount: Amount,
    components: tuple[Component, ...],
    compute: Compute,
    lister: Lister,
) -> Extent:
    """Return what the report covers."""
    uses, others, notebooks = lister.notebooks()
    run, dated = work.run, work.run["is_dated"]
    begin, end = run["begin_us"][dated], (run["begin_us"] + run["length_us"])[dated]
    # Days in microseconds; two runs of one UTC day are one active day.
    days = np.unique(begin // (86_400 * 1_000_000))
    sessions = {record.session for record in work.records if record.session}
    sharing = _sharing(work)
    return Extent(
        executions=amount.runs,
        first_start=stamp(int(begin.min())) if len(begin) else "",
        last_end=stamp(int(end.max())) if len(end) else "",
        active_days=len(days),
        notebooks=notebooks,
        notebook_uses=uses,
        other_notebooks=others,
        sessions=len(sessions),
        between_runs_s=between_runs_s(work),
        undated_runs=int((~dated).sum()),
        included=tuple(sorted({f"{c.kind}:{c.method}" for c in components})),
        excluded=_excluded(work, components, compute),
        attribution=_attribution(compute, sharing),
        sharing=sharing,
    )


def between_runs_s(work: Work) -> float:
    """Return seconds within sessions, from first to last run, in which none ran."""
    run = work.run
    spans: dict[str, list[tuple[int, int]]] = {}
    begins = run["begin_us"].tolist()
    lengths = run["length_us"].tolist()
    dated = run["is_dated"].tolist()
    for record, begin, length, is_dated in zip(
        work.records, begins, lengths, dated, strict=True
    ):
        if is_dated and record.session:
            spans.setdefault(record.session, []).append((begin, begin + length))
    gaps = 0
    for of_session in spans.values():
        last = of_session[0][1]
        for begin, end in of_session:  # oldest first, as the records are
            gaps += max(0, begin - last)
            last = max(last, end)
    return gaps / 1e6


def _sharing(work: Work) -> Sharing:
    recorded, charged = work.entry["recorded_j"], work.entry["energy_j"]
    shared = work.shared_runs
    twice_j = float(np.nansum(recorded - charged)) if len(charged) else 0.0
    return Sharing(
        nested_runs=len(work.selection.nested),
        shared_runs=len(shared),
        shared_kwh=twice_j / J_PER_KWH,
        shared_sessions=len({work.records[at].session for at in shared}),
    )


def _excluded(
    work: Work, components: tuple[Component, ...], compute: Compute
) -> tuple[str, ...]:
    kinds = {component.kind for component in components}
    out: set[str] = {"between-runs", "other-machines"}
    # A meter at the wall sees all of a machine; so does a stated figure of it all.
    if not kinds & WALL:
        out |= {"storage", "network", "mainboard-and-fans", "power-supply-losses"}
        if not kinds & {"cpu", "soc"}:
            out.add("cpu")
        if not kinds & {"dram", "ram", "soc"}:
            out.add("memory")
        if any(d.kind == "gpu" and d.energy_kwh is None for d in compute.devices):
            out.add("gpu")
    if not work.terms or any(each.pue.value == 1.0 for each in work.terms):
        out.add("cooling-and-building")
    if work.author.embodied_kg_per_gpu is None:
        out.add("embodied")
    return tuple(code for code in EXCLUDABLE if code in out)


def _attribution(compute: Compute, sharing: Sharing) -> tuple[str, ...]:
    scopes: set[Any] = {device.scope for device in compute.devices}
    codes = ["whole-device"] if compute.devices else []
    if sharing.shared_runs:
        codes.append("charged-once")
    if "shared" in scopes:
        codes.append("shared-device")
    if "mig-parent" in scopes:
        codes.append("mig-parent")
    return tuple(codes)
