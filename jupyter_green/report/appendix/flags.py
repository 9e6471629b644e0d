"""Limitations as codes with numbers: what readers have to know of a report.

They follow from the records and cannot be switched off.  The composer words them; a
code that it does not know is still shown.  Imports `work` and the facts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from jupyter_green.ledger.lines import parse_time
from jupyter_green.records import SCHEMA_VERSION, Record
from jupyter_green.report.appendix.amounts import Part
from jupyter_green.report.appendix.codes import CODES
from jupyter_green.report.appendix.evidence import Provenance
from jupyter_green.report.appendix.facts import Flag
from jupyter_green.report.appendix.hardware import Compute
from jupyter_green.report.appendix.plausibility import implausible_devices
from jupyter_green.report.appendix.quality import NOT_METERED, is_measured
from jupyter_green.report.appendix.sections import Extent, ReportedSplit, Totals
from jupyter_green.report.appendix.work import Work

# Where the wall clock and the monotonic one may disagree in a whole record.
CLOCK_TOLERANCE_S = 2.0
CLOCK_TOLERANCE = 0.01
OLD_DATA_YEARS = 3
MAX_FOREIGN = 20  # different remarks that are passed on as they are
# Remarks of records that have a code of their own above.
_TOLD = frozenset(
    {
        "closed-from-heartbeat",
        "killed-before-the-first-heartbeat",
        "shared",
        "mig-parent",
        "partial",
    }
)


def find_flags(
    work: Work,
    *,
    extent: Extent,
    compute: Compute,
    totals: Totals,
    reported: ReportedSplit,
    by_purpose: tuple[Part, ...],
    provenance: Provenance,
) -> tuple[Flag, ...]:
    """Return all flags in the order of `CODES`."""
    if not work.records:
        return (Flag(code="no-records"), *_of_files(work, provenance))
    found = [
        *_of_energy(work, totals, compute),
        *_of_runs(work, by_purpose, reported),
        *_of_sharing(compute, extent),
        *_of_files(work, provenance),
        *_of_carbon(work, totals, extent),
        *_of_machines(compute, extent),
        *_of_clocks(work),
        *_of_versions(provenance),
        *_remarks(work),
    ]
    order = {code: at for at, code in enumerate(CODES)}
    return tuple(sorted(found, key=lambda flag: order[flag.code]))


def not_metered(record: Record) -> bool:
    """Say whether a record was added by hand or imported, so that no meter saw it."""
    return any(flag.startswith(NOT_METERED) for flag in record.flags)


def _of_energy(work: Work, totals: Totals, compute: Compute) -> Iterator[Flag]:
    amount = totals.amount
    for device in implausible_devices(compute.devices):
        yield Flag(
            code="implausible-energy",
            count=device.runs,
            values={
                "device": device.key,
                "mean_power_w": device.mean_power_w or 0.0,
                "power_limit_w": device.power_limit_w or 0.0,
            },
        )
    yield from _some("negative-energy", int((work.energy_j < 0).sum()))
    yield from _some("impossible-figures", work.impossible)
    for code, kwh in (
        ("simulated-energy", totals.energy_simulated_kwh),
        ("estimated-energy", totals.energy_modelled_kwh),
    ):
        if kwh is not None:
            method = code.partition("-")[0]
            runs = max(
                (c.runs for c in totals.components if c.method == method), default=0
            )
            whole = amount.energy_it_kwh or 0.0
            share = kwh / whole if whole else 0.0
            yield Flag(code=code, count=runs, values={"kwh": kwh, "fraction": share})
    yield from _some("not-measured-runs", amount.unmeasured_runs)
    yield from _some("partly-measured-runs", amount.partly_measured_runs)
    unknown = work.is_measured & np.isnan(work.entry["whole_j"])
    if unknown.any():
        yield Flag(
            code="uncertainty-unknown",
            count=work.count_runs(unknown),
            values={"kwh": float(work.energy_j[unknown].sum()) / 3.6e6},
        )
    lowest = min((d.coverage for d in compute.devices), default=1.0)
    if lowest < 1.0:
        count = sum(d.coverage < 1.0 for d in compute.devices)
        yield Flag(code="incomplete-coverage", count=count, values={"lowest": lowest})
    if not any(d.kind == "machine" and is_measured(d) for d in compute.devices):
        yield Flag(code="component-energy", count=amount.runs)
    if totals.idle is None:
        yield Flag(code="no-baseline", count=amount.runs)


def _of_runs(
    work: Work, by_purpose: tuple[Part, ...], reported: ReportedSplit
) -> Iterator[Flag]:
    records = work.records
    status = Counter(record.status for record in records)
    yield from _some("killed-runs", status["killed"])
    yield from _some("running-runs", status["running"])
    provisional = sum(not r.final and r.status != "running" for r in records)
    yield from _some("provisional-runs", provisional)
    early = sum("killed-before-the-first-heartbeat" in r.flags for r in records)
    yield from _some("killed-before-first-heartbeat", early)
    yield from _some("not-metered-runs", sum(not_metered(r) for r in records))
    untagged = sum(p.amount.runs for p in by_purpose if p.key == "untagged")
    yield from _some("untagged-runs", untagged)
    if "no-reported-runs" in reported.missing:
        yield Flag(code="no-reported-runs", count=len(records))
    yield from _some("repeated-cells", sum(r.repeats is not None for r in records))
    hours = work.author.unrecorded_gpu_hours
    if hours:
        yield Flag(code="unrecorded-work", values={"gpu_hours": hours})


def _of_sharing(compute: Compute, extent: Extent) -> Iterator[Flag]:
    for scope, code in (("shared", "shared-device"), ("mig-parent", "mig-parent")):
        devices = [device for device in compute.devices if device.scope == scope]
        yield from _some(code, len(devices))
    sharing = extent.sharing
    if sharing.shared_runs:
        values: dict[str, float | int | str] = {
            "kwh": sharing.shared_kwh,
            "sessions": sharing.shared_sessions,
        }
        yield Flag(code="charged-once", count=sharing.shared_runs, values=values)
    yield from _some("nested-runs", sharing.nested_runs)


def _of_files(work: Work, provenance: Provenance) -> Iterator[Flag]:
    yield from _some("file-problems", provenance.file_problems)
    yield from _some("conflicting-records", work.selection.conflicts)


def _of_carbon(work: Work, totals: Totals, extent: Extent) -> Iterator[Flag]:
    supplies = totals.supplies
    if totals.without_intensity_kwh:
        yield Flag(
            code="no-intensity",
            count=totals.amount.without_intensity_runs,
            values={"kwh": totals.without_intensity_kwh},
        )
    known = [supply for supply in supplies if supply.g_per_kwh is not None]
    for code, some in (
        ("assumed-intensity", [s for s in known if s.is_assumed]),
        ("intensity-range-unknown", [s for s in known if s.low_g_per_kwh is None]),
        ("intensity-by-authors", [s for s in supplies if s.is_by_author]),
        ("pue-is-one", [s for s in supplies if s.pue == 1.0]),
    ):
        if some:
            values: dict[str, float | int | str] = {
                "kwh": sum(s.energy_it_kwh for s in some)
            }
            yield Flag(code=code, count=sum(s.runs for s in some), values=values)
    identities = {(s.g_per_kwh, s.zone, s.source, s.year) for s in known}
    if len(identities) > 1:
        yield Flag(code="several-intensities", count=len(identities))
    kinds = sorted({s.kind for s in known})
    if len(kinds) > 1:
        kinds_text = ", ".join(kinds)
        yield Flag(
            code="mixed-intensity-kinds", count=len(kinds), values={"kinds": kinds_text}
        )
    pues = {s.pue for s in supplies}
    if len(pues) > 1:
        yield Flag(code="several-pues", count=len(pues))
    years = [s.year for s in known if s.year is not None]
    last = parse_time(extent.last_end)
    if years and last and last.year - min(years) > OLD_DATA_YEARS:
        yield Flag(code="old-intensity-data", values={"year": min(years)})
    if work.author.embodied_kg_per_gpu is None:
        yield Flag(code="embodied-not-included")


def _of_machines(compute: Compute, extent: Extent) -> Iterator[Flag]:
    if compute.gpus and compute.gpu_hours_busy is None:
        yield Flag(code="gpu-busy-not-recorded", count=compute.gpus)
    unknown = [d for d in compute.devices if d.kind == "gpu" and d.memory_gb is None]
    yield from _some("gpu-memory-unknown", len(unknown))
    known = [machine for machine in compute.machines if machine.hashed_id]
    if len(known) > 1:
        yield Flag(code="several-machines", count=len(known))
    nameless = [m.runs for m in compute.machines if not m.hashed_id]
    yield from _some("unknown-machine", sum(nameless))
    yield from _some("undated-runs", extent.undated_runs)
    if extent.between_runs_s > 0:
        values: dict[str, float | int | str] = {"hours": extent.between_runs_s / 3600}
        yield Flag(code="between-runs", count=extent.sessions, values=values)


def _of_clocks(work: Work) -> Iterator[Flag]:
    disagree = elsewhere = without = 0
    for record in work.records:
        text = record.started_at
        if text and not text.endswith("Z"):
            tail = text[10:]
            if "+" in tail or "-" in tail:
                elsewhere += not tail.endswith("+00:00")
            else:
                without += 1
        disagree += _disagrees(record)
    yield from _some("clock-disagrees", disagree)
    yield from _some("time-zones", elsewhere)
    yield from _some("no-time-zone", without)


def _disagrees(record: Record) -> bool:
    """Say whether the stamps are further apart than the run lasted, or nearer."""
    begin, end = parse_time(record.started_at), parse_time(record.ended_at)
    if begin is None or end is None or record.status == "running":
        return False
    apart_s = (end - begin).total_seconds()
    tolerance_s = max(CLOCK_TOLERANCE_S, CLOCK_TOLERANCE * record.duration_s)
    return abs(apart_s - record.duration_s) > tolerance_s


def _of_versions(provenance: Provenance) -> Iterator[Flag]:
    for code, versions in (
        ("several-python-versions", provenance.python_versions),
        ("several-tool-versions", provenance.recorded_by),
        ("several-record-versions", provenance.record_versions),
    ):
        if len(versions) > 1:
            text = ", ".join(sorted(versions))
            yield Flag(code=code, count=len(versions), values={"versions": text})
    newer = [
        runs
        for version, runs in provenance.record_versions.items()
        if int(version) > SCHEMA_VERSION
    ]
    yield from _some("newer-record-version", sum(newer))
    commits = [state for state in provenance.git if state.commit]
    yield from _some("uncommitted-changes", sum(s.dirty_runs for s in commits))
    yield from _some("no-git", sum(s.runs for s in provenance.git if not s.commit))
    if len(commits) > 1:
        yield Flag(code="many-commits", count=len(commits))


def _remarks(work: Work) -> Iterator[Flag]:
    remarks: Counter[str] = Counter()
    for record in work.records:
        words: set[Any] = set(record.flags)
        for device in record.devices:
            if device.flags:
                words.update(device.flags)
        if words:
            remarks.update(words - _TOLD)
    common = sorted(remarks.items(), key=lambda pair: (-pair[1], pair[0]))
    for remark, count in common[:MAX_FOREIGN]:
        yield Flag(code="record-remark", count=count, values={"flag": remark})


def _some(code: str, count: int) -> Iterator[Flag]:
    if count:
        yield Flag(code=code, count=count)
