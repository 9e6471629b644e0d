"""Which figures a report has: its facts as the plain series that `figures` draws."""

from __future__ import annotations

import math
from datetime import timedelta

from jupyter_green.ledger.shares import EPOCH
from jupyter_green.report.appendix.facts import Appendix, RunFacts
from jupyter_green.report.appendix.work import Work
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

MOST_CURVES = 3  # each has a panel of its own: more fill a page


def plots(facts: Appendix, work: Work) -> tuple[Plot, ...]:
    """Return what is drawn, without names where the facts have none.

    Args:
        facts: What the report states.
        work: The runs behind it; only their times and figures are taken.
    """
    return (_purposes(facts), _course(work), _curves(facts))


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
    run = work.run
    columns = (
        run["begin_us"].tolist(),
        run["length_us"].tolist(),
        run["is_dated"].tolist(),
        work.run_energy_j.tolist(),
        work.run_co2e_g.tolist(),
        run["is_failed"].tolist(),
    )
    return Course(
        runs=tuple(
            Run(
                start=EPOCH + timedelta(microseconds=begin),
                end=EPOCH + timedelta(microseconds=begin + length),
                energy_j=_known(energy_j),
                co2e_g=_known(co2e_g),
                failed=bool(failed),
            )
            for begin, length, is_dated, energy_j, co2e_g, failed in zip(
                *columns, strict=True
            )
            if is_dated
        )
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


def _known(figure: float) -> float | None:
    return None if math.isnan(figure) else figure
