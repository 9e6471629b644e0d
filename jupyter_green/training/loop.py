"""``for epoch in jg.epochs(range(10))``: each epoch becomes a record.

The record of an epoch is a part of the record of the cell (or window) around the loop,
so totals count its energy once.  Imports `training.rounds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import Any, Generic, TypeVar

from jupyter_green.records import Record
from jupyter_green.session import Session
from jupyter_green.training.forecasts import Forecast
from jupyter_green.training.rounds import Rounds, Stop

T = TypeVar("T")


class Epochs(Generic[T]):
    """A loop whose rounds are metered; made by `epochs`.

    Fetching the next item belongs to the round before it, or, where early stopping has
    to decide first, to the window around the loop.  A loop that is left by
    ``break`` or by an error ends its round with the flag ``left-early``.
    """

    def __init__(self, items: Iterable[T], rounds: Rounds) -> None:
        self._items = items
        self._rounds = rounds

    def __iter__(self) -> Iterator[T]:
        rounds, items, status = self._rounds, iter(self._items), "ok"
        try:
            while True:
                if rounds.may_stop:
                    # Decided before the next item is taken, which would be lost.
                    rounds.finish()
                if rounds.should_stop:
                    break
                try:
                    item = next(items)
                except StopIteration:
                    break
                rounds.begin()
                yield item
        except GeneratorExit:
            # The loop was left: by a break, or by an error that the cell's record has.
            rounds.finish(flags=("left-early",))
            raise
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        except BaseException:
            status = "error"
            raise
        finally:
            rounds.close(status=status)

    def __len__(self) -> int:
        """Return the number of items, where they have one.

        Raises:
            TypeError: They have none, as Python's own iterators say it.
        """
        if not isinstance(self._items, Sized):
            raise TypeError("it is not known how many rounds the loop has")
        return len(self._items)

    def log(self, **metrics: Any) -> None:
        """Store numbers with the epoch that runs: ``run.log(accuracy=0.93)``.

        Raises:
            TrainingError: Something is not one finite number.
        """
        self._rounds.log(**metrics)

    @property
    def records(self) -> tuple[Record, ...]:
        """The records of the epochs that are over."""
        return self._rounds.records

    @property
    def enclosing(self) -> Record | None:
        """The record of the window around the loop, as far as it is known."""
        return self._rounds.enclosing

    @property
    def energy_j(self) -> float | None:
        """Joules of all epochs that are over."""
        return self._rounds.energy_j

    @property
    def stopped(self) -> bool:
        """Whether early stopping ended the loop."""
        return self._rounds.should_stop

    def forecast(self, total: int | None = None) -> Forecast:
        """Return energy, time and CO2e of the whole training, with intervals.

        Args:
            total: Epochs in all; None: as many as the loop has.

        Raises:
            TrainingError: Their number is not known, or nothing is measured yet.
        """
        return self._rounds.forecast(total)


def epochs(
    items: Iterable[T],
    *,
    name: str = "epoch",
    label: str = "",
    total: int | None = None,
    stop: Stop | None = None,
    tell: bool = True,
    purpose: str | None = None,
    session: Session | None = None,
) -> Epochs[T]:
    """Meter each round of a loop as a part of the window around it.

        run = jg.epochs(range(20), stop=jg.EarlyStopping("accuracy"))
        for epoch in run:
            train_one_epoch(model)
            run.log(accuracy=evaluate(model))
        run.records            # one for each epoch
        run.forecast(100)      # energy and CO2e of 100 epochs, with interval

    In a cell with ``%%energy`` the epochs are parts of that cell's record; where
    nothing is metered around the loop, a window around it is opened too.

    Args:
        items: What the loop goes through.
        name: What a round is; it is counted in the metric of that name.
        label: Label of the records; empty: the surrounding one's and *name*.
        total: How many there are, where *items* cannot tell.
        stop: When to stop: an `EarlyStopping`, or a function of an epoch's record.
        tell: Write one line with the forecast after the fourth epoch.
        purpose: One of `records.PURPOSES`; None: that of the window around.
        session: Where records go; None: the notebook's session or the script's own.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    rounds = Rounds(
        name,
        label=label,
        total=total,
        stop=stop,
        tell=tell,
        purpose=purpose,
        session=session,
    )
    return Epochs(items, rounds)
