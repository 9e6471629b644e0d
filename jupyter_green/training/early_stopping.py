"""Stop a training when its quality no longer pays for the energy.

The rule looks at marginal quality per joule: what the last epochs gained for what they
used, against what all epochs before gained for what they used.  It is a rule, not a
theorem: a training may recover after a plateau.  Pure; imports `errors` and
`report.work`.

    >>> stop = EarlyStopping("accuracy", patience=2)
    >>> [stop.update(q, 100.0) for q in (0.5, 0.8, 0.9, 0.901, 0.901)]
    [False, False, False, False, True]
"""

from __future__ import annotations

import math
from typing import NamedTuple

from jupyter_green.errors import TrainingError
from jupyter_green.report.work import is_lower_better

J_PER_KJ = 1000.0
LEAST_SHARE = 0.05


class Round(NamedTuple):
    """What one epoch brought.

    Attributes:
        quality: Its quality.
        energy_j: What it used.
    """

    quality: float
    energy_j: float


class EarlyStopping:
    """Say when to stop, by marginal quality per joule.

    Of the last *patience* epochs the gain of the best quality is divided by their
    energy.  The training stops when that is below *least_gain_per_kj*, or, where none
    is given, below *least_share* of the same quotient over all epochs after the first.

    Args:
        metric: Name of the quality, as it is logged: ``accuracy``, ``val_loss``.
        patience: Epochs that are looked at together.
        least_gain_per_kj: Quality for a kilojoule that is worth going on for.
        least_share: Fraction of the average gain for a joule that is.
        least_rounds: Epochs before which it never stops.
        lower_is_better: None: by the metric's name (``loss``, ``error`` ...).

    Attributes:
        rounds: What it was told.
        reason: Why it stopped; empty while it did not.

    Raises:
        TrainingError: A number makes no sense.
    """

    def __init__(
        self,
        metric: str,
        *,
        patience: int = 2,
        least_gain_per_kj: float | None = None,
        least_share: float = LEAST_SHARE,
        least_rounds: int = 3,
        lower_is_better: bool | None = None,
    ) -> None:
        if patience < 1 or least_rounds < 1:
            raise TrainingError(
                "early stopping needs at least one epoch to look at",
                remedy="Give a patience and least_rounds of 1 or more",
            )
        if least_share < 0.0 or (least_gain_per_kj or 0.0) < 0.0:
            raise TrainingError("a gain to go on for cannot be negative")
        self.metric = metric
        self.patience = patience
        self.least_gain_per_kj = least_gain_per_kj
        self.least_share = least_share
        self.least_rounds = least_rounds
        lower = is_lower_better(metric) if lower_is_better is None else lower_is_better
        self._sign = -1.0 if lower else 1.0
        self.rounds: list[Round] = []
        self.reason = ""

    def update(self, quality: float, energy_j: float | None) -> bool:
        """Take an epoch's quality and energy in joules; return whether to stop.

        An epoch without a figure counts as it is: without energy nothing is decided.
        """
        if energy_j is None or not math.isfinite(quality) or energy_j <= 0.0:
            return False
        self.rounds.append(Round(quality, energy_j))
        if len(self.rounds) <= max(self.patience, self.least_rounds - 1):
            return False
        marginal = self.marginal_per_kj
        worth = self.worth_per_kj
        if marginal is None or worth is None or marginal > worth:
            return False
        self.reason = (
            f"the last {self.patience} epochs gained {marginal:.3g} {self.metric} per "
            f"kJ; {worth:.3g} would have been worth going on"
        )
        return True

    @property
    def marginal_per_kj(self) -> float | None:
        """Gain of the best quality per kJ in the last epochs; None: too few."""
        if len(self.rounds) <= self.patience:
            return None
        return self._gain_per_kj(len(self.rounds) - self.patience)

    @property
    def average_per_kj(self) -> float | None:
        """Gain of the best quality per kJ in all epochs after the first."""
        return self._gain_per_kj(1) if len(self.rounds) > 1 else None

    @property
    def worth_per_kj(self) -> float | None:
        """The gain per kJ below which it stops."""
        if self.least_gain_per_kj is not None:
            return self.least_gain_per_kj
        average = self.average_per_kj
        return None if average is None else self.least_share * average

    def _gain_per_kj(self, start: int) -> float:
        before = max(self._sign * r.quality for r in self.rounds[:start])
        after = max(self._sign * r.quality for r in self.rounds)
        energy_j = sum(r.energy_j for r in self.rounds[start:])
        return (after - before) / (energy_j / J_PER_KJ)
