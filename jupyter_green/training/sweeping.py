"""Try batch sizes, precisions and numbers of threads, and choose by measurement.

    found = jg.sweep(step, batch_sizes=[16, 64, 256], precision=["fp32", "bf16"])
    found                   # a table: energy and time per sample, with intervals
    found.choice.settings   # {'batch_size': 256, 'precision': 'bf16'}

The candidates take turns, in another order each time, so that what drifts meanwhile
(temperature, other load) meets all of them.  Imports `api`, `report`, `session`.
"""

from __future__ import annotations

import itertools
import math
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from jupyter_green.api import shared_session
from jupyter_green.errors import TrainingError
from jupyter_green.meter import Window
from jupyter_green.records import Record
from jupyter_green.report.compare import common_error, spread_of
from jupyter_green.report.contrast import contrast
from jupyter_green.report.work import number
from jupyter_green.session import Session
from jupyter_green.training.swept import Sweep, Tried

Choose = Literal["energy", "time", "weight"]

LEAST_REPEATS = 2
MOST_CALLS = 1_000_000


@dataclass(slots=True)
class _Candidate:
    settings: dict[str, Any]
    calls: int = 1
    windows: list[tuple[Window, float]] = field(default_factory=list)
    error: str = ""

    @property
    def runs(self) -> list[tuple[Record, float]]:
        """The records with the samples of each, as well as they are known by now."""
        return [(window.record, samples) for window, samples in self.windows]


def sweep(  # noqa: PLR0913 - all but the step by name
    step: Callable[..., Any],
    *,
    batch_sizes: Sequence[int] | None = None,
    precision: Sequence[str] | None = None,
    threads: Sequence[int] | None = None,
    repeats: int = 5,
    choose: Choose = "energy",
    weight: float = 0.5,
    warm_ups: int = 1,
    least_s: float = 0.2,
    label: str = "sweep",
    purpose: str = "search",
    seed: int = 0,
    session: Session | None = None,
) -> Sweep:
    """Measure energy and time per sample of each combination, and choose one.

        def step(batch_size, precision):
            ...                       # one training or inference step
            return batch_size         # samples that it went through

    Args:
        step: Called with what is given below, by name: ``batch_size``, ``precision``,
            ``threads``.  Returns the samples it went through; None: the batch size, or
            1 without one.
        batch_sizes: Batch sizes to try.
        precision: Precisions to try, as the step understands them.
        threads: Numbers of threads to try; the step sets them.
        repeats: Runs of each, in turns; at least 2.
        choose: By ``energy`` or ``time`` for a sample, or by a ``weight`` of both:
            ``weight E / E_best + (1 - weight) T / T_best``, in the manner of Zeus (You,
            Chung, Chowdhury, NSDI 2023, https://www.usenix.org/conference/nsdi23).
        weight: How much energy counts, 0 to 1; only for ``weight``.
        warm_ups: Calls before the first run of each, not counted.
        least_s: A run repeats the step until about this many seconds are over, so that
            counters resolve it.
        label: Label of the records, before the settings.
        purpose: One of `records.PURPOSES`.
        seed: Of the order of turns.
        session: Where records go; None: the notebook's session or the script's own.

    A candidate whose step raises (out of memory, say) is left out and says why.

    Raises:
        TrainingError: There is nothing to try, a number makes no sense, or no candidate
            could be measured.
    """
    grid = {
        name: _listed(name, values)
        for name, values in (
            ("batch_size", batch_sizes),
            ("precision", precision),
            ("threads", threads),
        )
        if values is not None
    }
    share = _checked(grid, repeats, choose, weight)
    used = session or shared_session()
    candidates = [
        _Candidate(dict(zip(grid, values, strict=True)))
        for values in itertools.product(*grid.values())
    ]
    with whole(used, label, purpose):
        for candidate in candidates:
            _try(candidate, lambda c: _warm_up(step, c, warm_ups, least_s))
        turns = random.Random(seed)  # noqa: S311 - an order, no secret
        for _ in range(repeats):
            for candidate in turns.sample(candidates, len(candidates)):
                if not candidate.error:
                    _try(candidate, lambda c: _run(step, c, used, label, purpose))
    # Slow counters may still refine the last runs.
    used.settle()
    return _found(candidates, share, choose, repeats)


def _listed(name: str, values: Any) -> list[Any]:
    """Return the values to try.

    Raises:
        TrainingError: It is a single one.
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TrainingError(
            f"{values!r} is no list of values for {name}",
            remedy=f"Give several: [{values!r}, ...]",
        )
    return list(values)


def _checked(
    grid: Mapping[str, Sequence[Any]], repeats: int, choose: str, weight: float
) -> float:
    """Return how much energy counts.

    Raises:
        TrainingError: Something makes no sense.
    """
    if not grid or not all(grid.values()):
        raise TrainingError(
            "there is nothing to try",
            remedy="Give batch_sizes, precision or threads",
        )
    if repeats < LEAST_REPEATS:
        raise TrainingError(
            f"{repeats} runs of each show no interval", remedy="Give 2 or more"
        )
    if choose not in get_args(Choose) or not 0.0 <= weight <= 1.0:
        raise TrainingError(
            f"nothing can be chosen by {choose!r} with a weight of {weight:g}",
            remedy="Choose by energy, time or weight; a weight is from 0 to 1",
        )
    return {"energy": 1.0, "time": 0.0}.get(choose, weight)


@contextmanager
def whole(session: Session, label: str, purpose: str | None) -> Iterator[None]:
    """Put a window around the sweep, unless there is one already."""
    if session.meter.innermost is not None:
        yield
        return
    with session.meter.window(label, purpose=purpose):
        yield


def _try(candidate: _Candidate, call: Callable[[_Candidate], None]) -> None:
    try:
        call(candidate)
    # Out of memory has a class of its own in each framework; the others go on.
    except Exception as err:  # noqa: BLE001
        candidate.error = f"{type(err).__name__}: {err}"[:200]


def _warm_up(
    step: Callable[..., Any], candidate: _Candidate, warm_ups: int, least_s: float
) -> None:
    for _ in range(warm_ups):
        step(**candidate.settings)
    start_s = time.monotonic()
    step(**candidate.settings)
    once_s = max(time.monotonic() - start_s, 1e-6)
    candidate.calls = min(MOST_CALLS, max(1, math.ceil(least_s / once_s)))


def _run(
    step: Callable[..., Any],
    candidate: _Candidate,
    session: Session,
    label: str,
    purpose: str,
) -> None:
    settings = candidate.settings
    words = ", ".join(f"{key}={value}" for key, value in settings.items())
    window = session.begin(f"{label} {words}", purpose=purpose, is_part=True)
    samples, status = 0.0, "error"
    try:
        for _ in range(candidate.calls):
            told = step(**settings)
            samples += settings.get("batch_size", 1) if told is None else number(told)
        status = "ok"
    finally:
        counts = {k: float(v) for k, v in settings.items() if isinstance(v, int)}
        metrics = {"samples": samples, **counts}
        session.meter.end(window, wait=False, status=status, metrics=metrics)
    if samples <= 0:
        raise TrainingError("the step went through no samples")
    candidate.windows.append((window, samples))


def _found(
    candidates: Sequence[_Candidate],
    share: float,
    choose: str,
    repeats: int,
) -> Sweep:
    usable = [c for c in candidates if not c.error and (_energies(c) or share == 0.0)]
    if not usable:
        why = next((c.error for c in candidates if c.error), "no energy was measured")
        raise TrainingError("no candidate could be measured", why=why)
    means_j = [statistics.fmean(found) for c in usable if (found := _energies(c))]
    best_j = min(means_j, default=0.0)
    best_s = min(statistics.fmean(_times(c)) for c in usable)
    scores = {id(c): _scores(c, share, best_j, best_s) for c in usable}
    chosen = min(usable, key=lambda c: statistics.fmean(scores[id(c)]))
    tried = []
    for candidate in candidates:
        if candidate not in usable:
            why = (
                candidate.error or "a run of it has no energy that could be told from 0"
            )
            tried.append(Tried(settings=candidate.settings, error=why))
            continue
        mine = scores[id(candidate)]
        told = contrast(
            scores[id(chosen)],
            mine,
            common=share * common_error(_records(chosen), _records(candidate)),
            in_turns=True,
        )
        energies_j = _energies(candidate)
        tried.append(
            Tried(
                settings=candidate.settings,
                records=tuple(record.id for record, _ in candidate.runs),
                energy_j_per_sample=spread_of(energies_j) if energies_j else None,
                duration_s_per_sample=spread_of(_times(candidate)),
                score=statistics.fmean(mine),
                is_as_good=candidate is not chosen
                and told.verdict == "not distinguishable",
            )
        )
    return Sweep(
        candidates=tuple(tried),
        chosen=candidates.index(chosen),
        choose=choose,
        weight=share,
        repeats=repeats,
        methods=tuple(
            dict.fromkeys(m for c in usable for r, _ in c.runs for m in r.methods)
        ),
    )


def _records(candidate: _Candidate) -> list[Record]:
    return [record for record, _ in candidate.runs]


def _energies(candidate: _Candidate) -> list[float]:
    """Return joules for a sample of each run, or nothing if one is not known."""
    found = [(record.energy_j, samples) for record, samples in candidate.runs]
    known = [energy_j / n for energy_j, n in found if energy_j is not None]
    return known if len(known) == len(found) and all(j > 0 for j in known) else []


def _times(candidate: _Candidate) -> list[float]:
    return [record.duration_s / samples for record, samples in candidate.runs]


def _scores(
    candidate: _Candidate, share: float, best_j: float, best_s: float
) -> list[float]:
    times_s = _times(candidate)
    energies_j = _energies(candidate) if share > 0.0 else [0.0] * len(times_s)
    return [
        (share * energy_j / best_j if share > 0.0 else 0.0)
        + (1.0 - share) * duration_s / best_s
        for energy_j, duration_s in zip(energies_j, times_s, strict=True)
    ]
