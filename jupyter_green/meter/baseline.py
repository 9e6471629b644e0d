"""Idle power: the mean and its uncertainty of blocks of time in which nothing ran.

Pure; imports `sampler`, `units`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise

from jupyter_green.sampler import Sample
from jupyter_green.units import s_from_ns

FEWEST_BLOCKS = 3
K95 = 1.96


def idle_powers(samples: Sequence[Sample]) -> Mapping[str, tuple[float, float]]:
    """Return by device id the mean power in watts and its half-width (95 %).

    The power of each block between samples is one value; neighbours are correlated, so
    ``u = s / sqrt(n_eff)`` with ``n_eff = n (1 - r1) / (1 + r1)``, r1 the correlation
    at lag one (Zieba 2010, effective number of observations).
    """
    ids = set(samples[0].levels) & set(samples[-1].levels) if samples else set()
    powers = {identifier: _blocks(identifier, samples) for identifier in sorted(ids)}
    return {
        identifier: (statistics.fmean(block), _half_width(block))
        for identifier, block in powers.items()
        if len(block) >= FEWEST_BLOCKS
    }


def _blocks(identifier: str, samples: Sequence[Sample]) -> list[float]:
    levels = [
        level
        for sample in samples
        if (level := sample.levels.get(identifier)) and not level.fault
    ]
    return [
        (after.energy_j - before.energy_j) / s_from_ns(after.t_ns - before.t_ns)
        for before, after in pairwise(levels)
        if after.t_ns > before.t_ns and after.epoch == before.epoch
    ]


def _half_width(block: Sequence[float]) -> float:
    count, mean = len(block), statistics.fmean(block)
    variance = statistics.pvariance(block, mean)
    if variance == 0.0:
        return 0.0
    lagged = sum((a - mean) * (b - mean) for a, b in pairwise(block))
    # Only positive correlation makes the mean worse than independent values would.
    r1 = min(0.95, max(0.0, lagged / (count * variance)))
    effective = max(2.0, count * (1 - r1) / (1 + r1))
    return K95 * statistics.stdev(block) / math.sqrt(effective)
