"""Energy per epoch or step for the Trainer of Hugging Face Transformers.

    from jupyter_green.training.transformers import EnergyCallback
    Trainer(model, args, train_dataset=data, callbacks=[EnergyCallback()])

An evaluation at the end of each epoch is part of it, and its metrics are stored with
the record.  The Trainer does not tell its callbacks of an error: then the open epoch
ends with the cell.  Needs ``pip install jupyter-green[transformers]``.
"""

from __future__ import annotations

import math
from typing import Any

try:
    from transformers import TrainerCallback
except ImportError as err:
    raise ImportError(
        "Transformers is not installed: pip install 'jupyter-green[transformers]'"
    ) from err

from jupyter_green.training.rounds import Followed


class EnergyCallback(Followed, TrainerCallback):  # type: ignore[misc]
    """Meter what `Trainer.train` does; see `rounds.Followed` for the arguments."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._logs: dict[str, Any] = {}
        self._is_first = True

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begin."""
        del control
        self._is_first = args.local_process_index == 0
        if not self._is_first:
            return
        self._logs = {}
        behind = int(state.epoch or 0)
        epochs = math.ceil(state.num_train_epochs) - behind
        self.start(epochs, state.max_steps - state.global_step)
        self.resume(behind, state.global_step)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begin an epoch."""
        del args, state, control
        if self._is_first:
            self.epoch_begins()

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begin an optimiser step."""
        del args, state, control
        if self._is_first:
            self.step_begins()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """End an optimiser step."""
        del args, state
        if self._is_first and self.step_ends(self._logs):
            control.should_training_stop = True

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any
    ) -> None:
        """Keep the newest of each number that is logged."""
        del args, state, control
        self._logs.update(logs or {})

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """End an epoch, unless its evaluation is still to come."""
        del state
        if self._is_first and not _evaluates_epochs(args):
            self._end_epoch(control)

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any
    ) -> None:
        """End the epoch that was evaluated."""
        del state
        self._logs.update(metrics or {})
        if self._is_first and _evaluates_epochs(args):
            self._end_epoch(control)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """End."""
        del args, state, control
        if self._is_first:
            self.ends()

    def _end_epoch(self, control: Any) -> None:
        if self.epoch_ends(self._logs):
            control.should_training_stop = True


def _evaluates_epochs(args: Any) -> bool:
    """Say whether an evaluation follows each epoch; the option is text or an enum."""
    strategy = getattr(args, "eval_strategy", "no")
    return str(getattr(strategy, "value", strategy)) == "epoch"
