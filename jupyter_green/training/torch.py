"""Energy per so many optimiser steps for plain PyTorch loops, by the optimiser's hook.

    from jupyter_green.training.torch import meter_steps
    with meter_steps(optimizer, every=100) as rounds:
        train(model, optimizer)          # the loop is left as it is
    print(rounds.records)

For epochs, `jupyter_green.epochs` around the loop is all that is needed.  Needs torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_green.errors import TrainingError
from jupyter_green.training.rounds import Followed, Rounds


class StopTraining(Exception):  # noqa: N818 - as StopIteration: an end, no error
    """Early stopping says that the loop is to end; `meter_steps` catches it."""


@contextmanager
def meter_steps(
    optimizer: Any, *, every: int, total: int | None = None, **options: Any
) -> Iterator[Rounds]:
    """Meter each *every* steps of an optimiser as a part of the window around them.

    Early stopping leaves the ``with`` statement at once.

    Args:
        optimizer: A `torch.optim.Optimizer`.
        every: Steps to one record.
        total: Steps in all, if that is known, for the forecast.
        options: As for `rounds.Followed`: ``label``, ``stop``, ``purpose`` ...

    Yields:
        The rounds: ``records``, ``log``, ``forecast``.

    Raises:
        TrainingError: The optimiser has no hooks for its steps (torch before 2.1), or
            *every* is no number of steps.
    """
    register = getattr(optimizer, "register_step_post_hook", None)
    if register is None:
        raise TrainingError(
            f"a {type(optimizer).__name__} does not tell of its steps",
            remedy="Give an optimiser of torch 2.1 or later, or use jg.epochs",
        )
    followed = Followed(steps=every, **options)
    followed.start(None, total)

    def after(*_: Any, **__: Any) -> None:
        if followed.step_ends():
            raise StopTraining
        followed.step_begins()

    handle = register(after)
    status = "ok"
    try:
        followed.step_begins()
        yield followed.rounds
    except StopTraining:
        pass
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    except BaseException:
        status = "error"
        raise
    finally:
        handle.remove()
        followed.ends(status)
