"""Which figures a report has: its facts as the plain series that `figures` draws."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np

from jupyter_green.ledger.shares import EPOCH
from jupyter_green.report.appendix.facts import Appendix, RunFacts
from jupyter_green.report.appendix.work import Work
from jupyter_green.report.compose.page import Page
from jupyter_green.report.compose.words import PURPOSES, word
from jupyter_green.report.figures import (
    Bar,
    Course,
    Curve,
    Curves,
    Plot,
    Purposes,
    Run,
)
from jupyter_green.units import j_from_kwh

MOST_RUNS = 2000  # of a line; more are not seen on a column's width
MOST_CURVES = 3  # each has a panel of its own: more fill a page


def plots(facts: Appendix, work: Work) -> tuple[Plot, ...]:
    """Return what is drawn, without names where the facts have none.

    Args:
        facts: What the report states.
        work: The runs behind it; only their times and figures are taken.
    """
    page = Page(facts)  # one unit of energy and one of mass for all of a report
    purposes = replace(_purposes(facts), unit=page.energy)
    course = replace(_course(work), unit=page.energy, mass=page.mass)
    return (purposes, course, _curves(facts))


def _purposes(facts: Appendix) -> Purposes:
    return Purposes(
        bars=tuple(
            Bar(
                purpose=word(PURPOSES, part.key),
                energy_j=_joules(part.amount.energy_it_kwh),
                uncertainty_j=_joules(part.amount.energy_uncertainty_kwh),
                failed=part.key == "failed",
            )
            for part in facts.by_purpose
        )
    )


def _course(work: Work) -> Course:
    """Return the runs in time; of very many, neighbours that ended well together."""
    dated = np.flatnonzero(work.run["is_dated"])
    failed = dated[work.run["is_failed"][dated]]
    well = dated[~work.run["is_failed"][dated]]
    well = well[np.argsort(work.run["begin_us"][well], kind="stable")]
    length = max(1, math.ceil(len(well) / MOST_RUNS))
    groups = [well[at : at + length] for at in range(0, len(well), length)]
    groups += [failed[at : at + 1] for at in range(len(failed))]
    first_failed = len(groups) - len(failed)
    return Course(
        runs=tuple(
            _run(work, group, is_failed=number >= first_failed)
            for number, group in enumerate(groups)
        )
    )


def _run(work: Work, group: Any, *, is_failed: bool) -> Run:
    """Return the runs of a group as one."""
    begin = work.run["begin_us"][group]
    end = begin + work.run["length_us"][group]
    return Run(
        start=EPOCH + timedelta(microseconds=int(begin.min())),
        end=EPOCH + timedelta(microseconds=int(end.max())),
        energy_j=_known(work.run_energy_j[group]),
        co2e_g=_known(work.run_co2e_g[group]),
        failed=is_failed,
    )


def _curves(facts: Appendix) -> Curves:
    return Curves(
        curves=tuple(
            Curve(_title(run), run.curve_t_s, run.curve_power_w)
            for run in [r for r in facts.largest_runs if r.curve_t_s][:MOST_CURVES]
        )
    )


def _title(run: RunFacts) -> str:
    return run.label or run.cell or run.key


def _joules(kwh: float | None) -> float | None:
    return None if kwh is None else j_from_kwh(kwh)


def _known(figures: Any) -> float | None:
    """Return the sum of those that are known; None if none is."""
    known = figures[~np.isnan(figures)]
    return float(known.sum()) if len(known) else None
