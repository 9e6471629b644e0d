"""What readers have to know: worded from flags, and not to be switched off."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jupyter_green.report.appendix.facts import Flag
from jupyter_green.report.compose.page import Page, inline, paragraph
from jupyter_green.report.compose.units import count, percent, plain_number, time_unit
from jupyter_green.report.document import Block, Bullets, Section

Wording = Callable[[Flag, Page], str]
ALL = 1 - 1e-9  # sums in another order differ in their last digits


def limitations(page: Page) -> Section:
    """Return the section: the flags' sentences, then the authors' own words."""
    said = dict.fromkeys(worded(flag, page) for flag in page.facts.flags)
    blocks: list[Block] = []
    if said:
        blocks.append(Bullets(items=tuple(inline(sentence) for sentence in said)))
    else:
        blocks.append(paragraph("The records show no limitation besides the boundary."))
    blocks += [
        paragraph(text, lead="Stated by the authors.")
        for text in page.facts.author.limitations
    ]
    if page.facts.author.comments:
        blocks.append(paragraph(page.facts.author.comments, lead="Comments."))
    return Section(title="Limitations", label="limitations", blocks=tuple(blocks))


def worded(flag: Flag, page: Page) -> str:
    """Return a flag as a sentence; one that is not known is shown as it is."""
    wording = WORDINGS.get(flag.code)
    if wording is not None:
        return wording(flag, page)
    values = ", ".join(f"{key} {value}" for key, value in flag.values.items())
    number = f" ({flag.count})" if flag.count else ""
    return f"{flag.code.replace('-', ' ')}{number}{f': {values}' if values else ''}."


def _runs(flag: Flag, one: str, several: str) -> str:
    return f"{count(flag.count, 'run')} {one if flag.count == 1 else several}."


def _kwh(flag: Flag, page: Page) -> str:
    return page.energy.of(_number(flag, "kwh"))


def _is_all(flag: Flag, page: Page) -> bool:
    """Say whether a flag is of all the energy, so that no figure need be repeated."""
    whole = page.facts.totals.amount.energy_it_kwh
    kwh = _number(flag, "kwh")
    return whole is not None and kwh is not None and kwh >= ALL * whole


def _part(flag: Flag, page: Page, before: str, everything: str = "") -> str:
    return everything if _is_all(flag, page) else f"{before}{_kwh(flag, page)}"


def _number(flag: Flag, name: str) -> float | None:
    value = flag.values.get(name)
    return float(value) if isinstance(value, int | float) else None


def _hours(flag: Flag) -> str:
    seconds = (_number(flag, "hours") or 0.0) * 3600.0
    return time_unit(seconds).of(seconds)


def _said(one: str, several: str) -> Wording:
    """Return the wording of a flag that only counts runs."""
    return lambda flag, _: _runs(flag, one, several)


def _fixed(sentence: str) -> Wording:
    return lambda _flag, _page: sentence


def _remark(flag: Flag, _: Page) -> str:
    remark = str(flag.values.get("flag", ""))
    known = REMARKS.get(remark)
    where = count(flag.count, "run")
    return f"{known} ({where})." if known else f"Remark of {where}: {remark}."


WORDINGS: Mapping[str, Wording] = {
    "no-records": _fixed("No run is in scope: the report states nothing."),
    "implausible-energy": lambda f, _: (
        f"IMPLAUSIBLE: {f.values.get('device', 'a device')} has a mean power of "
        f"{plain_number(_number(f, 'mean_power_w'))} W, above its limit of "
        f"{plain_number(_number(f, 'power_limit_w'))} W. The figures need a check."
    ),
    "negative-energy": lambda f, _: (
        f"{count(f.count, 'figure')} of energy came out negative, within the error of "
        "what was read; they are added as they are."
    ),
    "impossible-figures": lambda f, _: (
        f"{count(f.count, 'recorded figure')} cannot be true (not finite, or absurd) "
        "and count as not measured."
    ),
    "simulated-energy": lambda f, page: (
        f"SIMULATED: {_kwh(f, page)} come from no hardware."
    ),
    "estimated-energy": lambda f, page: (
        "All of the energy is estimated by models and not measured."
        if _is_all(f, page)
        else f"{_kwh(f, page)} ({percent(_number(f, 'fraction'))} of the energy) are "
        "estimates by models and not measured."
    ),
    "not-metered-runs": _said(
        "was added by hand or imported: no meter of this tool saw it",
        "were added by hand or imported: no meter of this tool saw them",
    ),
    "not-measured-runs": _said(
        "has no energy figure; its time counts, its energy is missing in all sums",
        "have no energy figure; their time counts, their energy is missing in all sums",
    ),
    "partly-measured-runs": _said(
        "lacks the figure of some device, so its energy is too low",
        "lack the figure of some device, so their energy is too low",
    ),
    "killed-runs": _said(
        "was killed; it is closed from its last heartbeat, and its last seconds are "
        "missing",
        "were killed; they are closed from their last heartbeats, and their last "
        "seconds are missing",
    ),
    "killed-before-first-heartbeat": _said(
        "was killed before its first heartbeat and has neither time nor energy",
        "were killed before their first heartbeat and have neither time nor energy",
    ),
    "running-runs": _said(
        "was still going on; its energy so far is included",
        "were still going on; their energy so far is included",
    ),
    "provisional-runs": _said(
        "has figures that were still provisional",
        "have figures that were still provisional",
    ),
    "untagged-runs": _said(
        "has no purpose, so reported and other work cannot be told apart",
        "have no purpose, so reported and other work cannot be told apart",
    ),
    "no-reported-runs": _fixed(
        "No finished run is tagged as one behind the reported results."
    ),
    "unrecorded-work": lambda f, _: (
        f"{plain_number(_number(f, 'gpu_hours'))} GPU-hours that the authors state "
        "besides are in no ledger and in no figure."
    ),
    "uncertainty-unknown": lambda f, page: (
        f"{_kwh(f, page)} in {count(f.count, 'run')} came without an uncertainty."
    ),
    "incomplete-coverage": lambda f, _: (
        f"Readings of {count(f.count, 'device')} do not cover all of the runs' time; "
        f"the lowest covers {percent(_number(f, 'lowest'))}."
    ),
    "shared-device": lambda f, _: (
        f"{count(f.count, 'device')} "
        f"{'was' if f.count == 1 else 'were'} shared with other processes; their "
        "energy is included."
    ),
    "mig-parent": lambda f, _: (
        f"{count(f.count, 'device')} {'is a board' if f.count == 1 else 'are boards'} "
        "behind MIG slices; other slices' energy is included."
    ),
    "charged-once": lambda f, page: (
        f"{count(f.count, 'run')} used a device at the same time as others; "
        f"{_kwh(f, page)} measured more than once are charged once, split evenly in "
        "time."
    ),
    "nested-runs": _said(
        "lies inside another run and is not counted again",
        "lie inside other runs and are not counted again",
    ),
    "file-problems": lambda f, _: (
        f"{count(f.count, 'line or file', 'lines or files')} of the ledgers could not "
        "be read; what they held is missing."
    ),
    "conflicting-records": lambda f, _: (
        f"{count(f.count, 'record')} came with different contents; the final or "
        "tagged one counts."
    ),
    "no-intensity": lambda f, page: (
        f"{_kwh(f, page)} have no carbon intensity and are missing in all CO2e."
    ),
    "assumed-intensity": lambda f, page: (
        f"No place was stated{_part(f, page, ' for ')}: the carbon intensity is an "
        "assumed average and can be off several times."
    ),
    "several-intensities": lambda f, _: (
        f"CO2e was derived with {count(f.count, 'different intensity', 'intensities')}."
    ),
    "mixed-intensity-kinds": lambda f, _: (
        f"Intensities of kinds that cannot be compared ({f.values.get('kinds', '')}) "
        "stand in one sum."
    ),
    "old-intensity-data": lambda f, _: (
        f"The carbon intensity's data are of {f.values.get('year', 'earlier years')}, "
        "years before the work."
    ),
    "intensity-range-unknown": lambda f, page: (
        f"No range is stated for the carbon intensity{_part(f, page, ' of ')}; yearly "
        "averages of countries are off by some 10 %, another boundary by 10 to 40 %."
    ),
    "intensity-by-authors": lambda f, page: (
        f"PUE or carbon intensity{_part(f, page, ' of ')} are the authors' figures."
    ),
    "pue-is-one": lambda f, page: (
        f"{_part(f, page, '', 'All energy')} counts with a PUE of 1: IT equipment "
        "only, without cooling and losses of a building."
    ),
    "several-pues": lambda f, _: f"{f.count} different PUEs were used.",
    "component-energy": _fixed(
        "Energy is that of components, not at the wall: power supplies, mainboards, "
        "fans, storage and network are missing. In a published comparison components' "
        "figures were 20 to 37 % below those of a meter at the wall."
    ),
    "gpu-busy-not-recorded": _fixed(
        "GPU-hours are hours allocated; how busy the GPUs were is not recorded."
    ),
    "gpu-memory-unknown": lambda f, _: (
        f"The memory of {count(f.count, 'GPU')} is not known."
    ),
    "no-baseline": _fixed(
        "Idle power was not measured, so energy above idle is not known."
    ),
    "between-runs": lambda f, _: (
        f"{_hours(f)} within sessions were not metered: idle time and cells without "
        "metering."
    ),
    "several-machines": lambda f, _: (
        f"The work ran on {f.count} machines; figures of one experiment may come from "
        "different hardware."
    ),
    "unknown-machine": _said(
        "does not say on which machine it was; that it shared a device with another "
        "run could not be seen",
        "do not say on which machine they were; that they shared a device with others "
        "could not be seen",
    ),
    "undated-runs": _said("has no known start", "have no known start"),
    "clock-disagrees": _said(
        "has stamps further apart than it lasted, or nearer: the wall clock was "
        "changed or the machine slept; durations are of the monotonic clock",
        "have stamps further apart than they lasted, or nearer: the wall clock was "
        "changed or the machine slept; durations are of the monotonic clock",
    ),
    "time-zones": _said(
        "has stamps of another time zone, converted to UTC",
        "have stamps of other time zones, converted to UTC",
    ),
    "no-time-zone": _said(
        "has stamps without a time zone, taken as UTC",
        "have stamps without a time zone, taken as UTC",
    ),
    "repeated-cells": _said(
        "is several executions of a repeated cell", "are repeats of cells each"
    ),
    "several-python-versions": lambda f, _: (
        f"Several versions of Python were used: {f.values.get('versions', '')}."
    ),
    "several-tool-versions": lambda f, _: (
        f"Several versions of jupyter_green made the records: "
        f"{f.values.get('versions', '')}."
    ),
    "several-record-versions": lambda f, _: (
        f"The records have several schema versions: {f.values.get('versions', '')}."
    ),
    "newer-record-version": _said(
        "was written by a newer version of the tool; what is known of it is used",
        "were written by a newer version of the tool; what is known of them is used",
    ),
    "uncommitted-changes": _said(
        "was made with uncommitted changes in the working folder",
        "were made with uncommitted changes in the working folder",
    ),
    "no-git": _said(
        "is of no known commit of the code", "are of no known commit of the code"
    ),
    "many-commits": lambda f, _: (
        f"The runs are of {f.count} different commits of the code."
    ),
    "embodied-not-included": _fixed(
        "Making and disposing of the hardware is not included."
    ),
    "record-remark": _remark,
}
# Remarks of records and devices that need more than their name.
REMARKS: Mapping[str, str] = {
    "added": "Added by hand and estimated from hours and powers",
    "imported": "Imported from codecarbon's emissions.csv",
    "method-unstated": "How the energy was found is not stated; it may be a model's",
    "status-unstated": "How the run ended is not stated",
    "time-zone-unstated": "The time zone is not stated; taken as UTC",
    "split-evenly": "A sum over several GPUs, split evenly among them",
    "pue-unstated": "Whether the energy contains a PUE is not stated",
    "process-tracking": "Energy attributed to one process by the other tool",
    "board-power-assumed": "Estimated with the board's specified power",
    "full-load-assumed": "Estimated at full load all the time",
    "energy-stated": "The energy is the authors' own figure",
    "below-resolution": "A figure cannot be told from nothing",
    "wraps-possibly-missed": "A counter may have started anew unseen: a lower bound",
    "overlap": "The run outlived the one around it",
    "suspended": "The machine slept during the run",
}
