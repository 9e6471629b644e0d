"""Energy per epoch or step for Keras 3, on any of its backends.

    from jupyter_green.training.keras import EnergyCallback
    model.fit(x, y, epochs=20, callbacks=[EnergyCallback()])

Keras does not tell its callbacks of an error: then the open epoch ends with the cell.
Needs ``pip install jupyter-green[keras]`` and a backend.
"""

from __future__ import annotations

from typing import Any

try:
    from keras.callbacks import Callback
except ImportError as err:
    raise ImportError(
        "Keras or its backend is not installed: pip install 'jupyter-green[keras]'"
    ) from err

from jupyter_green.training.rounds import Followed


class EnergyCallback(Followed, Callback):  # type: ignore[misc]
    """Meter what `Model.fit` does; see `rounds.Followed` for the arguments.

    The logs of an epoch (``accuracy``, ``val_loss`` ...) are stored with its record.
    """

    def __init__(self, **options: Any) -> None:
        Callback.__init__(self)
        Followed.__init__(self, **options)
        self._is_begun = False

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin."""
        del logs
        self._is_begun = False
        epochs, steps = self.params.get("epochs"), self.params.get("steps")
        self.start(epochs, epochs * steps if epochs and steps else None)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begin an epoch."""
        del logs
        if epoch and not self._is_begun:
            # The training goes on from an earlier one: `fit(initial_epoch=...)`.
            epochs, steps = self.params.get("epochs"), self.params.get("steps")
            left = epochs - epoch if epochs else None
            self.start(left, left * steps if left and steps else None)
            self.resume(epoch, epoch * (steps or 0))
        self._is_begun = True
        self.epoch_begins()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Begin a step."""
        del batch, logs
        self.step_begins()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """End a step."""
        del batch
        if self.step_ends(logs):
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """End an epoch, its validation included."""
        del epoch
        if self.epoch_ends(logs):
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """End."""
        del logs
        self.ends()
