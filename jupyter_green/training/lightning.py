"""Energy per epoch or step for Lightning (``lightning`` or ``pytorch_lightning``).

    from jupyter_green.training.lightning import EnergyCallback
    trainer = Trainer(callbacks=[EnergyCallback(stop=EarlyStopping("val_acc"))])

Validation that runs inside an epoch is part of it.  With several processes, one of each
machine meters all of that machine.  Needs ``pip install jupyter-green[lightning]``.
"""

from __future__ import annotations

import math
from typing import Any

try:
    from lightning.pytorch import Callback
except ImportError:
    try:
        from pytorch_lightning import Callback
    except ImportError as err:
        raise ImportError(
            "Lightning is not installed: pip install 'jupyter-green[lightning]'"
        ) from err

from jupyter_green.training.rounds import Followed


class EnergyCallback(Followed, Callback):  # type: ignore[misc]
    """Meter what `Trainer.fit` does; see `rounds.Followed` for the arguments.

    What is logged (``self.log``) is stored with the record of the epoch.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._is_first = True

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin."""
        del pl_module
        self._is_first = trainer.local_rank == 0
        if not self._is_first:
            return
        last = trainer.max_epochs
        epochs = None if last is None or last < 0 else last - trainer.current_epoch
        # A step is a batch here; an optimiser's may be of several.
        batches = trainer.num_training_batches
        behind = trainer.global_step * trainer.accumulate_grad_batches
        steps = None if epochs is None else _whole(epochs * batches)
        if trainer.max_steps >= 0:
            most = trainer.max_steps * trainer.accumulate_grad_batches - behind
            steps = most if steps is None else min(steps, most)
        self.start(epochs, steps)
        self.resume(trainer.current_epoch, behind)

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin an epoch."""
        del trainer, pl_module
        if self._is_first:
            self.epoch_begins()

    def on_train_batch_start(self, *_: Any, **__: Any) -> None:
        """Begin a step."""
        if self._is_first:
            self.step_begins()

    def on_train_batch_end(self, trainer: Any, *_: Any, **__: Any) -> None:
        """End a step."""
        if self._is_first and self.step_ends(trainer.callback_metrics):
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """End an epoch, its validation included."""
        del pl_module
        if self._is_first and self.epoch_ends(trainer.callback_metrics):
            trainer.should_stop = True

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """End."""
        del trainer, pl_module
        if self._is_first:
            self.ends()

    def on_exception(self, trainer: Any, pl_module: Any, exception: Any) -> None:
        """End what runs, since the training failed."""
        del trainer, pl_module
        stopped = isinstance(exception, KeyboardInterrupt)
        self.ends("interrupted" if stopped else "error")


def _whole(count: float) -> int | None:
    """Return a number of batches; None where a data set has no end."""
    return int(count) if math.isfinite(count) else None
