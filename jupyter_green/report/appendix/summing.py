"""The sums of a report: components, idle energy, parts by purpose, the split.

Imports `work`, `adding` and the values they fill; numpy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jupyter_green.records import PURPOSES
from jupyter_green.report.appendix.adding import Adder, fraction, parts, supplies
from jupyter_green.report.appendix.amounts import Amount, Part
from jupyter_green.report.appendix.devices import hashed_device
from jupyter_green.report.appendix.evidence import Contribution, Uncertainty
from jupyter_green.report.appendix.hardware import DeviceFacts
from jupyter_green.report.appendix.quality import MEASURING
from jupyter_green.report.appendix.sections import (
    Component,
    Idle,
    ReportedSplit,
    Totals,
)
from jupyter_green.report.appendix.selection import UNTAGGED
from jupyter_green.report.appendix.work import Work
from jupyter_green.units import G_PER_KG, J_PER_KWH

FAILED_PART = "failed"
BASIS = {"counter": "measured"}
MAX_CONTRIBUTIONS = 40
MODELLED = ("estimated",)
SIMULATED = ("simulated",)


def whole(work: Work, adder: Adder) -> Amount:
    """Return what all runs took."""
    return adder.amounts(np.zeros(len(work.records), dtype=np.int64), 1)[0]


def totals(work: Work, adder: Adder, amount: Amount) -> Totals:
    """Return the sums of all runs; *amount* is what `whole` said."""
    found = supplies(work, adder)
    by_method = amount.energy_by_method_kwh
    modelled = _sum_of(by_method, MODELLED)
    simulated = _sum_of(by_method, SIMULATED)
    # What lost its context says no method: nobody knows that it was measured.
    measured = _sum_of(by_method, MEASURING)
    market = work.author.market_based_g_per_kwh
    facility_kwh = amount.energy_facility_kwh
    return Totals(
        amount=amount,
        components=_components(work, adder),
        energy_measured_kwh=measured,
        energy_modelled_kwh=modelled,
        energy_simulated_kwh=simulated,
        supplies=found,
        idle=_idle(work),
        range_covers=_range_covers(work, amount),
        market_based_kg=None
        if market is None or facility_kwh is None
        else facility_kwh * market / G_PER_KG,
        without_intensity_kwh=math.fsum(
            supply.energy_it_kwh for supply in found if supply.g_per_kwh is None
        ),
    )


def by_purpose(work: Work, adder: Adder) -> tuple[Part, ...]:
    """Return the parts by purpose; what failed is a part of its own."""
    failed = work.run["is_failed"]
    return _parts(adder, _purposes(work, failed))


def failed_parts(work: Work, adder: Adder) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Return the failed runs by status and by tag."""
    failed = work.run["is_failed"].tolist()
    status = [
        record.status if is_failed else ""
        for record, is_failed in zip(work.records, failed, strict=True)
    ]
    tags = [
        record.purpose or UNTAGGED if is_failed else ""
        for record, is_failed in zip(work.records, failed, strict=True)
    ]
    return _parts(adder, status), _parts(adder, tags)


def reported_split(work: Work, adder: Adder, amount: Amount) -> ReportedSplit:
    """Return the work behind the paper's results against all, if the tags allow it.

    A run that failed is behind no result, whatever its tag; a run without a tag that
    did not fail may be, so that nothing is said of a split while there is one.
    """
    purposes = work.author.reported_purposes
    keys = _purposes(work, work.run["is_failed"])
    group = np.array(
        [0 if key == UNTAGGED else 1 if key in purposes else 2 for key in keys],
        dtype=np.int64,
    )
    untagged, reported, other = adder.amounts(group, 3)
    missing = []
    if not work.records:
        missing.append("no-runs")
    if untagged.runs:
        missing.append("untagged-runs")
    if not reported.runs and work.records:
        missing.append("no-reported-runs")
    known = ReportedSplit(
        is_known=not missing,
        missing=tuple(missing),
        untagged_runs=untagged.runs,
        untagged_gpu_hours=untagged.gpu_hours,
        untagged_kwh=untagged.energy_it_kwh,
        purposes=purposes,
    )
    if missing:
        return known
    return ReportedSplit(
        is_known=True,
        purposes=purposes,
        reported=reported,
        other=other,
        gpu_hours_fraction=fraction(reported.gpu_hours, amount.gpu_hours),
        energy_fraction=fraction(reported.energy_it_kwh, amount.energy_it_kwh),
        time_fraction=fraction(reported.run_time_s, amount.run_time_s),
    )


def uncertainty(
    work: Work, adder: Adder, amount: Amount, devices: tuple[DeviceFacts, ...]
) -> Uncertainty:
    """Return the total's uncertainty and what each device adds to it."""
    unknown_kwh = adder.unknown_j() / J_PER_KWH
    known = [
        (device, device.energy_random_kwh, device.energy_common_kwh)
        for device in devices
        if device.energy_random_kwh is not None and device.energy_common_kwh is not None
    ]
    if not adder.is_any_known:
        return Uncertainty(unknown_kwh=unknown_kwh)
    random_j, common_j, variances_j2 = adder.error_parts()
    random, common = random_j / J_PER_KWH, common_j / J_PER_KWH
    variance_j2 = random_j**2 + common_j**2
    number = {hashed_device(*each): at for at, each in enumerate(work.devices)}
    contributions = [
        Contribution(
            device=device.key,
            random_kwh=random_kwh,
            common_kwh=common_kwh,
            combined_kwh=math.hypot(random_kwh, common_kwh),
            variance_fraction=float(variances_j2[number[device.hashed_id]])
            / variance_j2
            if variance_j2
            else 0.0,
        )
        for device, random_kwh, common_kwh in known
    ]
    contributions.sort(key=lambda each: (-each.combined_kwh, each.device))
    return Uncertainty(
        random_kwh=random,
        common_kwh=common,
        combined_kwh=amount.energy_uncertainty_kwh,
        relative=fraction(amount.energy_uncertainty_kwh, amount.energy_it_kwh),
        unknown_kwh=unknown_kwh,
        contributions=tuple(contributions[:MAX_CONTRIBUTIONS]),
    )


def _purposes(work: Work, failed: Any) -> list[str]:
    return [
        FAILED_PART if is_failed else record.purpose or UNTAGGED
        for record, is_failed in zip(work.records, failed.tolist(), strict=True)
    ]


def _parts(adder: Adder, keys: list[str]) -> tuple[Part, ...]:
    """Return parts in the order of the purposes; runs of an empty key are left out."""
    names = sorted({*keys} - {""}, key=_part_rank)
    number = {name: at for at, name in enumerate(names)}
    group = np.array([number.get(key, len(names)) for key in keys], dtype=np.int64)
    amounts = adder.amounts(group, len(names) + 1)[: len(names)]
    return parts(names, amounts)


def _part_rank(key: str) -> tuple[int, str]:
    order = (*PURPOSES, "", FAILED_PART, UNTAGGED)
    return (order.index(key) if key in order else len(PURPOSES), key)


def _sum_of(by_method: dict[str, float], methods: Any) -> float | None:
    known = [by_method[name] for name in sorted(methods) if name in by_method]
    return math.fsum(known) if known else None


def _components(work: Work, adder: Adder) -> tuple[Component, ...]:
    entry = work.entry
    wide = max(len(work.methods), 1)
    on = entry["kind"] * wide + entry["method"]
    count = max(len(work.kinds) * wide, 1)
    energies = adder.energies(on, count)
    found = []
    for at, energy in enumerate(energies):
        if not energy:
            continue
        some = (on == at) & work.is_measured
        kind, method = work.kinds[at // wide], work.methods[at % wide]
        found.append(
            Component(
                kind=kind,
                method=method,
                basis=BASIS.get(method, method),
                devices=len(np.bincount(entry["device"][some]).nonzero()[0]),
                runs=work.count_runs(some),
                energy_kwh=energy["energy_it_kwh"],
                energy_uncertainty_kwh=energy["energy_uncertainty_kwh"],
            )
        )
    found.sort(key=lambda each: (-each.energy_kwh, each.kind, each.method))
    return tuple(found)


def _idle(work: Work) -> Idle | None:
    entry = work.entry
    some = work.is_measured & ~np.isnan(entry["idle_w"])
    if not some.any():
        return None
    owner = entry["owner"][some]
    # Idle power of common time is shared as the energy is.
    time_s = work.run["length_us"][owner] / 1e6 * entry["part"][some]
    gross_j = float(work.energy_j[some].sum())
    idle_j = float((entry["idle_w"][some] * time_s).sum())
    return Idle(
        runs=work.count_runs(some),
        gross_kwh=gross_j / J_PER_KWH,
        idle_kwh=idle_j / J_PER_KWH,
        net_kwh=(gross_j - idle_j) / J_PER_KWH,
        idle_fraction=fraction(idle_j, gross_j),
    )


def _range_covers(work: Work, amount: Amount) -> tuple[str, ...]:
    if amount.co2e_low_kg is None:
        return ()
    used = np.unique(work.run["terms"][~np.isnan(work.run_co2e_g)]).tolist()
    terms = [work.terms[at] for at in used]
    covers = []
    if amount.energy_uncertainty_kwh is not None:
        covers.append("energy")
    if all(each.has_pue_range for each in terms):
        covers.append("pue")
    if all(each.has_intensity_range for each in terms):
        covers.append("intensity")
    return tuple(covers)
