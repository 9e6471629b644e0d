"""Epochs or steps of a training as windows inside the window around them.

What the loop and all callbacks share.  Metering never stops a training: what fails
leaves one line in the log.  Imports `api`, `meter`, `session`, `records`, `report`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_green.api import shared_session
from jupyter_green.errors import JupyterGreenError, TrainingError
from jupyter_green.meter import Window
from jupyter_green.records import Record
from jupyter_green.report.work import number
from jupyter_green.session import Session
from jupyter_green.training.early_stopping import EarlyStopping
from jupyter_green.training.forecasts import Forecast, forecast

logger = logging.getLogger(__name__)

# The forecast is told once, when it has an interval worth the name.
TOLD_AFTER = 4
# So many rounds without the quality that early stopping looks at are told.
MOST_BLIND = 3
# More windows than this are not kept; the ledger has their records.
MOST_KEPT = 100_000

Stop = EarlyStopping | Callable[[Record], bool]


class Rounds:
    """Meter rounds, one after the other.

    Args:
        name: What a round is: ``epoch``, ``step``.  It is counted in the metric of
            that name, from 1.
        label: Label of the rounds; empty: that of the window around them and *name*.
        total: How many there will be, if it is known: needed for a forecast.
        stop: Says when to stop: an `EarlyStopping`, or a function of a round's record.
        tell: Write the forecast once to the output.
        purpose: One of `records.PURPOSES`; None: that of the window around.
        session: Where records go; None: the notebook's session or the script's own.

    Attributes:
        should_stop: Whether *stop* said so.
    """

    def __init__(
        self,
        name: str = "epoch",
        *,
        label: str = "",
        total: int | None = None,
        stop: Stop | None = None,
        tell: bool = True,
        purpose: str | None = None,
        session: Session | None = None,
    ) -> None:
        self.name = name
        self.total = total
        self.should_stop = False
        self._label = label
        self._stop = stop
        self._tell = tell
        self._purpose = purpose
        self._session = session
        self._windows: list[Window] = []
        self._outer: Window | None = None
        self._open: Window | None = None
        self._count = 0
        self._metrics: dict[str, float] = {}
        self._has_failed = False
        self._blind = 0

    @property
    def is_running(self) -> bool:
        """Whether a round or the whole has begun and not ended."""
        return self._open is not None or self._outer is not None

    @property
    def may_stop(self) -> bool:
        """Whether anything may say that it is time to stop."""
        return self._stop is not None

    @property
    def records(self) -> tuple[Record, ...]:
        """The records of the rounds that are over; slow counters may still refine."""
        return tuple(window.record for window in self._windows)

    @property
    def enclosing(self) -> Record | None:
        """The record of the window around the rounds, as far as it is known."""
        around = self._windows[0].parent if self._windows else self._outer
        return around.record if around else None

    @property
    def energy_j(self) -> float | None:
        """Joules of all rounds so far; None if none has a figure."""
        known = [r.energy_j for r in self.records if r.energy_j is not None]
        return sum(known) if known else None

    def log(self, **metrics: Any) -> None:
        """Store numbers with the round that runs; the newest of a name counts.

        Raises:
            TrainingError: Something is not one finite number.
        """
        for name, value in metrics.items():
            try:
                self._metrics[name] = number(value)
            except (TypeError, ValueError) as err:
                raise TrainingError(
                    f"the metric {name} cannot be {value!r:.60}", why=str(err)
                ) from err

    def forecast(self, total: int | None = None) -> Forecast:
        """Return what the whole training will use.

        Args:
            total: Rounds in all; None: as was said at the beginning.

        Raises:
            TrainingError: Nobody said how many there are, or nothing is measured.
        """
        total = self.total if total is None else total
        if total is None:
            raise TrainingError(
                "nobody said how many rounds there will be",
                remedy="Give total=N",
            )
        return forecast(self.records, total, name=self.name)

    def begin(self) -> None:
        """Begin a round; one that still runs is ended first."""
        self.finish()
        self._try(self._begin)

    def finish(
        self,
        metrics: Mapping[str, float] | None = None,
        *,
        status: str = "ok",
        flags: tuple[str, ...] = (),
    ) -> None:
        """End the round that runs, if one does, and ask whether to stop.

        Args:
            metrics: More numbers of it, as `finite` gives them.
            status: ``ok``, ``error`` or ``interrupted``.
            flags: Remarks on the round; with some, nobody asks whether to stop.
        """
        if self._open is None:
            return
        # The count is ours, whatever a framework logs under that name.
        self._metrics = {
            **self._metrics,
            **(metrics or {}),
            self.name: float(self._count),
        }
        window, self._open = self._open, None
        self._try(lambda: self._finish(window, status, flags))

    def close(self, *, status: str = "ok") -> None:
        """End everything that runs."""
        self.finish(status=status, flags=() if status == "ok" else ("left-early",))
        outer, self._outer = self._outer, None
        if outer is not None:
            self._try(lambda: self._meter_end(outer, status=status))

    def skip(self, count: int) -> None:
        """Count the rounds that a resumed training has behind it."""
        self._count = max(0, count)

    def _begin(self) -> None:
        session = self._session = self._session or shared_session()
        around = session.meter.innermost
        if around is None and self._outer is None:
            # Nobody meters this training as a whole: then it is done here.
            label = self._label or f"{self.name}s"
            around = self._outer = session.begin(
                label, purpose=self._purpose, is_part=True
            )
        label = self._label
        purpose = self._purpose
        if around is not None:
            label = label or f"{around.record.label} {self.name}".strip()
            purpose = purpose or around.record.purpose
        self._count += 1
        self._metrics = {self.name: float(self._count)}
        self._open = session.begin(label or self.name, purpose=purpose, is_part=True)

    def _finish(self, window: Window, status: str, flags: tuple[str, ...]) -> None:
        self._meter_end(
            window,
            status=status,
            metrics=dict(self._metrics),
            flags=(*window.record.flags, *flags),
        )
        if len(self._windows) < MOST_KEPT:
            self._windows.append(window)
        if status == "ok" and not flags:
            self._ask(window.record)
            self._tell_forecast()

    def _meter_end(self, window: Window, **known: Any) -> None:
        if self._session is not None and window.is_open:
            self._session.meter.end(window, wait=False, **known)

    def _ask(self, record: Record) -> None:
        if isinstance(self._stop, EarlyStopping):
            quality = record.metrics.get(self._stop.metric)
            self._tell_blindness(record, has_quality=quality is not None)
            if quality is not None and self._stop.update(quality, record.energy_j):
                self.should_stop = True
                self._write(f"stopping after {self.name} {self._count}: "
                            f"{self._stop.reason}")  # fmt: skip
        elif self._stop is not None and self._stop(record):
            self.should_stop = True

    def _tell_blindness(self, record: Record, *, has_quality: bool) -> None:
        """Say once that early stopping sees nothing: a slip in the metric's name."""
        self._blind = -1 if has_quality or self._blind < 0 else self._blind + 1
        if self._blind == MOST_BLIND and isinstance(self._stop, EarlyStopping):
            there = ", ".join(sorted({*record.metrics} - {self.name})) or "none"
            self._warn(
                f"early stopping looks at {self._stop.metric!r}, which no {self.name} "
                f"has logged so far; logged are: {there}"
            )

    def _tell_forecast(self) -> None:
        total = self.total
        done = len(self._windows)
        if self._tell and total and done == TOLD_AFTER and total > TOLD_AFTER:
            self._write(str(self.forecast()))

    def _write(self, text: str) -> None:
        if self._tell:
            sys.stdout.write(f"jupyter_green: {text}\n")

    def _try(self, call: Callable[[], None]) -> None:
        """Do something that must not stop the training, whatever happens."""
        try:
            call()
        except TrainingError as err:
            self._warn(str(err))
        except JupyterGreenError as err:
            self._warn(f"{self.name}s are not metered: {err}")
        # Metering never stops a training that may have run for days.
        except Exception as err:  # noqa: BLE001
            self._warn(f"{self.name}s are not metered: {type(err).__name__}: {err}")

    def _warn(self, text: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            logger.warning(text)


class Followed:
    """What all callbacks share: epochs, or so many steps, as rounds.

    Args:
        steps: None: a record for each epoch; N: one for each N training steps.
        label: Label of the records; empty: that of the window around and what they are.
        stop: When to stop: an `EarlyStopping`, or a function of a round's record.
        tell: Write one line with the forecast after the fourth round.
        purpose: One of `records.PURPOSES`; None: that of the window around.
        session: Where records go; None: the notebook's session or the script's own.

    Attributes:
        rounds: The rounds: ``rounds.records``, ``rounds.forecast()``.

    Raises:
        TrainingError: *steps* is no number of steps.
    """

    def __init__(
        self,
        *,
        steps: int | None = None,
        label: str = "",
        stop: Stop | None = None,
        tell: bool = True,
        purpose: str | None = None,
        session: Session | None = None,
    ) -> None:
        if steps is not None and steps < 1:
            raise TrainingError(f"a record cannot be of {steps} steps")
        self._steps = steps
        self._in_round = 0
        self._options: dict[str, Any] = {
            "label": label,
            "stop": stop,
            "tell": tell,
            "purpose": purpose,
            "session": session,
        }
        self.rounds = self._new(None)

    def start(self, epochs: int | None, steps: int | None = None) -> None:
        """Begin anew: a training of so many epochs or steps begins."""
        self.rounds.close(status="interrupted")
        total = epochs
        if self._steps is not None:
            total = None if steps is None else -(-steps // self._steps)
        self.rounds = self._new(total)
        self._in_round = 0

    def resume(self, epochs: int, steps: int) -> None:
        """Count what a resumed training has behind it, in rounds of either kind."""
        behind = epochs if self._steps is None else steps // self._steps
        self.rounds.skip(behind)

    def epoch_begins(self) -> None:
        """Take the beginning of an epoch."""
        if self._steps is None:
            self.rounds.begin()

    def epoch_ends(self, metrics: Mapping[str, Any] | None = None) -> bool:
        """Take the end of an epoch; return whether to stop."""
        if self._steps is None:
            self.rounds.finish(finite(metrics))
        return self.rounds.should_stop

    def step_begins(self) -> None:
        """Take the beginning of a training step."""
        if self._steps is not None and self._in_round == 0:
            self.rounds.begin()

    def step_ends(self, metrics: Mapping[str, Any] | None = None) -> bool:
        """Take the end of a training step; return whether to stop."""
        if self._steps is not None:
            self._in_round += 1
            if self._in_round == self._steps:
                self._in_round = 0
                self.rounds.finish({**finite(metrics), "steps": float(self._steps)})
        return self.rounds.should_stop

    def ends(self, status: str = "ok") -> None:
        """Take the end of the training."""
        rest = {"steps": float(self._in_round)} if self._in_round else None
        if status == "ok":
            # What came after the last step is no round of steps.
            is_rest = self._steps is not None and not self._in_round
            self.rounds.finish(rest, flags=("left-early",) if is_rest else ())
        self._in_round = 0
        self.rounds.close(status=status)

    def _new(self, total: int | None) -> Rounds:
        name = "epoch" if self._steps is None else "step"
        return Rounds(name, total=total, **self._options)


def finite(metrics: Mapping[str, Any] | None) -> dict[str, float]:
    """Return what of a framework's metrics is one finite number."""
    found = {}
    for name, value in (metrics or {}).items():
        try:
            found[str(name)] = number(value)
        except (TypeError, ValueError):
            continue
    return found
