"""Search with two objectives, quality and energy: every trial is a record.

    import optuna
    from jupyter_green.training.search import two_objectives

    study = optuna.create_study(directions=["maximize", "minimize"])
    study.optimize(two_objectives(train_and_score), n_trials=30)
    study.best_trials        # the Pareto front: nothing is better in both

Works with any library whose trials have ``number`` and ``params``, as Optuna's do, and
imports none.  The search itself costs energy too: its trials have the purpose
``search``, so that totals and the appendix show it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyter_green.api import shared_session
from jupyter_green.errors import TrainingError
from jupyter_green.report.work import number
from jupyter_green.session import Session

SETTLE_S = 10.0


def two_objectives(
    function: Callable[[Any], Any],
    *,
    metric: str = "quality",
    label: str = "trial",
    purpose: str = "search",
    session: Session | None = None,
) -> Callable[[Any], tuple[float, float]]:
    """Return an objective that gives a trial's quality and its joules.

    Args:
        function: Called with the trial; returns its quality.
        metric: Name of the quality in the record.
        label: Label of the records.
        purpose: One of `records.PURPOSES`.
        session: Where records go; None: the notebook's session or the script's own.

    The record has the quality, the trial's number and those of its parameters that are
    numbers.  What the function raises goes on to the search, and the record says so.
    """

    def objective(trial: Any) -> tuple[float, float]:
        used = session or shared_session()
        window = used.begin(label, purpose=purpose, is_part=True)
        known: dict[str, float] = {"trial": float(trial.number)}
        status, error = "error", ""
        try:
            quality = number(function(trial))
            known[metric] = quality
            status = "ok"
        except KeyboardInterrupt:
            status, error = "interrupted", "KeyboardInterrupt"
            raise
        except BaseException as err:
            error = type(err).__name__
            raise
        finally:
            metrics = {**_numbers(trial), **known}
            used.meter.end(window, status=status, error=error, metrics=metrics)
        # A search decides by this figure: a slow counter is waited for.
        window.wait(SETTLE_S)
        energy_j = window.record.energy_j
        if energy_j is None:
            raise TrainingError(
                f"the energy of trial {trial.number} was not measured",
                why="; ".join(d.reason for d in window.record.devices if d.reason),
                remedy="`%green doctor` says what can be measured here",
            )
        return quality, energy_j

    return objective


def _numbers(trial: Any) -> dict[str, float]:
    """Return the trial's parameters that are numbers, and no truth values."""
    return {
        str(name): float(value)
        for name, value in getattr(trial, "params", {}).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
