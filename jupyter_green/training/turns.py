"""Run a few variants of some work in turns and compare them.

    found = jg.trials({"plain": plain, "pruned": pruned}, repeats=5, score=accuracy)
    found                        # the comparison: energy, time, quality, verdicts
    found.plot("accuracy")       # quality against energy, with the Pareto front

`sweep` tries settings of one step and chooses; this compares whole pieces of work, and
their quality with them.  Both let their candidates take turns, in another order each
time, so that what drifts meanwhile (temperature, other load) meets all of them alike.
Imports `api`, `report`, `session`.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from jupyter_green.api import shared_session
from jupyter_green.errors import TrainingError
from jupyter_green.meter import Window
from jupyter_green.report.compare import compare
from jupyter_green.report.comparison import Comparison
from jupyter_green.report.contrast import DETECT
from jupyter_green.report.work import number
from jupyter_green.session import Session
from jupyter_green.training.sweeping import whole

LEAST_VARIANTS = 2
LEAST_REPEATS = 2

Variant = Callable[[int], Any]
Score = Callable[[Any], Mapping[str, Any]]


def trials(  # noqa: PLR0913 - all but the variants by name
    variants: Mapping[str, Variant],
    *,
    repeats: int = 5,
    score: Score | None = None,
    warm_ups: int = 1,
    label: str = "trials",
    purpose: str | None = None,
    detect: float = DETECT,
    seed: int = 0,
    session: Session | None = None,
) -> Comparison:
    """Measure variants of some work in turns and return their comparison.

        def pruned(turn):
            return train(pruned_model(seed=turn))

        def accuracy(model):
            return {"accuracy": model.score(x_test, y_test)}

        jg.trials({"plain": plain, "pruned": pruned}, score=accuracy)

    Each run is a record, a part of one record of the whole.  Its label is *label*, a
    colon and the variant's name: `compare` finds it again in the ledger.

    Args:
        variants: Functions by name; the first is the reference.  Each is called with
            the number of the turn, from 0: a seed that all variants of a turn share.
        repeats: Runs of each, in turns; at least 2.
        score: Called with what a run returned, when its window is over, so that
            nothing of it is metered as the variant's; returns numbers by name, such as
            an ``accuracy``.  ``samples`` and the like give energy per sample.
        warm_ups: Calls of each before the first turn, with turn 0, not counted.
        label: Label of the records, before the names.
        purpose: One of `records.PURPOSES`; None: that of the window around, if any.
        detect: The relative difference that the number of repeats is given for.
        seed: Of the order in each turn.
        session: Where records go; None: the notebook's session or the script's own.

    What a variant or the score raises ends the trials; the record of a variant's run
    says so.

    Raises:
        TrainingError: There are fewer than two variants or repeats, a variant is no
            function of a turn, or the score gives no finite numbers by name.
        CompareError: The energy of a variant was not measured.
    """
    _check_variants(variants)
    if len(variants) < LEAST_VARIANTS:
        raise TrainingError(
            "there is nothing to compare", remedy="Give two variants or more"
        )
    if repeats < LEAST_REPEATS:
        raise TrainingError(
            f"{repeats} runs of each show no interval", remedy="Give 2 or more"
        )
    used = session or shared_session()
    around = used.meter.innermost
    if purpose is None and around is not None:
        purpose = around.record.purpose
    windows: dict[str, list[Window]] = {name: [] for name in variants}
    order = random.Random(seed)  # noqa: S311 - an order, no secret
    with whole(used, label, purpose):
        for variant in variants.values():
            for _ in range(warm_ups):
                variant(0)
        for turn in range(repeats):
            for name in order.sample(list(variants), len(variants)):
                window = used.begin(f"{label}: {name}", purpose=purpose, is_part=True)
                windows[name].append(window)
                _run(partial(variants[name], turn), window, score, used)
    # Slow counters may still refine the last runs.
    used.settle()
    return compare(
        {name: [window.record for window in own] for name, own in windows.items()},
        detect=detect,
    )


def _check_variants(variants: Any) -> None:
    """Say how variants are given, before anything is metered.

    Raises:
        TrainingError: They are no functions of a turn, by name.
    """
    if not isinstance(variants, Mapping):
        raise TrainingError(
            "the variants have no names",
            remedy='Give functions by name: {"plain": plain, "pruned": pruned}',
        )
    for name, variant in variants.items():
        try:
            inspect.signature(variant).bind(0)
        except TypeError as err:
            raise TrainingError(
                f"{name!r} cannot be called with the number of a turn",
                why=str(err),
                remedy="Give a function of it, such as `def plain(turn): ...`",
            ) from err
        except ValueError:  # of a function in C nobody knows
            continue


def _run(
    variant: Callable[[], Any], window: Window, score: Score | None, session: Session
) -> None:
    """Run a variant in its window, and score what it returned."""
    try:
        result = variant()
    except BaseException as err:
        stopped = isinstance(err, KeyboardInterrupt)
        session.meter.end(
            window,
            wait=False,
            status="interrupted" if stopped else "error",
            error=type(err).__name__,
        )
        raise
    failed: list[BaseException] = []

    def scored() -> dict[str, Any]:
        # The run itself went well and its record has to be written in any case.
        try:
            return {"metrics": _numbers(score(result) if score else {})}
        except BaseException as err:  # noqa: BLE001 - raised below
            failed.append(err)
            return {}

    session.meter.end(window, wait=False, afterwards=scored)
    if failed:
        raise failed[0]


def _numbers(scores: Any) -> dict[str, float]:
    """Return the scores as numbers.

    Raises:
        TrainingError: One of them is none, or they have no names.
    """
    if not isinstance(scores, Mapping):
        raise TrainingError(
            f"the score has no name: {scores!r:.60}",
            remedy='Return numbers by name, such as {"accuracy": 0.9}',
        )
    found = {}
    for name, value in scores.items():
        try:
            found[name] = number(value)
        except (TypeError, ValueError) as err:
            raise TrainingError(
                f"the score {name} cannot be {value!r:.60}", why=str(err)
            ) from err
    return found
