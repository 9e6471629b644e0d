"""Energy per iteration for scikit-learn's iterative estimators.

    from jupyter_green.training import sklearn as green
    green.partial_fit(SGDClassifier(), X, y, epochs=20, quality=accuracy)
    green.warm_start(RandomForestClassifier(), X, y, sizes=[50, 100, 200])
    GradientBoostingClassifier().fit(X, y, monitor=green.Monitor())
    LogisticRegression().set_callbacks(green.EnergyCallback()).fit(X, y)

The last is for scikit-learn 1.9 and later, and for estimators that take callbacks.
Needs ``pip install jupyter-green[sklearn]``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

try:
    from sklearn.base import is_classifier
    from sklearn.utils import gen_batches
except ImportError as err:
    raise ImportError(
        "scikit-learn is not installed: pip install 'jupyter-green[sklearn]'"
    ) from err

from jupyter_green.errors import TrainingError
from jupyter_green.training.loop import Epochs, epochs
from jupyter_green.training.rounds import Followed

Quality = Callable[[Any], Mapping[str, float]]

# What grows by warm starts, in the order in which it is looked for.
SIZES = ("n_estimators", "max_iter")


def partial_fit(
    estimator: Any,
    X: Any,  # noqa: N803 - as everywhere in scikit-learn
    y: Any = None,
    *,
    epochs: int,
    batch_size: int | None = None,
    quality: Quality | None = None,
    **options: Any,
) -> Epochs[int]:
    """Train by ``partial_fit``, a record for each pass over the data.

    Args:
        estimator: Has ``partial_fit``: `SGDClassifier`, `MLPClassifier` ...
        X: The data.
        y: The target.
        epochs: Passes over the data.
        batch_size: Rows to a call; None: all at once.
        quality: Called after each pass with the estimator; returns numbers by name,
            which are stored and which early stopping looks at.
        options: As for `jupyter_green.epochs`: ``stop``, ``label`` ...

    Returns:
        The loop that was run: ``records``, ``stopped``, ``forecast``.

    Raises:
        TrainingError: The estimator has no ``partial_fit``.
    """
    if not hasattr(estimator, "partial_fit"):
        raise TrainingError(
            f"{type(estimator).__name__} has no partial_fit",
            remedy="Use warm_start, or meter the whole fit with %%energy",
        )
    first: dict[str, Any] = {}
    if is_classifier(estimator):
        import numpy as np  # noqa: PLC0415 - loaded by scikit-learn anyway

        # Only the first call of a classifier needs all classes; more do no harm.
        first = {"classes": np.unique(y)}
    count = len(X) if hasattr(X, "__len__") and not hasattr(X, "tocsr") else X.shape[0]
    run = _epochs(range(epochs), **options)
    for _ in run:
        for rows in gen_batches(count, batch_size or count):
            target = () if y is None else (y[rows],)
            estimator.partial_fit(X[rows], *target, **first)
        run.log(samples=count, **(quality(estimator) if quality else {}))
    return run


def warm_start(
    estimator: Any,
    X: Any,  # noqa: N803 - as everywhere in scikit-learn
    y: Any = None,
    *,
    sizes: Iterable[int],
    attribute: str | None = None,
    quality: Quality | None = None,
    **options: Any,
) -> Epochs[int]:
    """Train by ``fit`` with ``warm_start``, a record for each size.

    Args:
        estimator: Has ``warm_start``: forests, boosting, `LogisticRegression` ...
        X: The data.
        y: The target.
        sizes: What the estimator grows to, rising: numbers of trees, iterations.
        attribute: What grows; None: the first of `SIZES` that it has.
        quality: Called after each size with the estimator; returns numbers by name.
        options: As for `jupyter_green.epochs`.

    Returns:
        The loop that was run: ``records``, ``stopped``, ``forecast``.

    Raises:
        TrainingError: The estimator cannot grow, or the sizes do not rise.
    """
    known = estimator.get_params()
    if attribute is None:
        attribute = next((name for name in SIZES if name in known), None)
    if "warm_start" not in known or attribute is None or attribute not in known:
        raise TrainingError(
            f"{type(estimator).__name__} cannot go on from where it stopped",
            remedy="Use partial_fit, or meter the whole fit with %%energy",
        )
    steps = list(sizes)
    if steps != sorted({*steps}) or not steps:
        raise TrainingError("the sizes have to rise", why=f"they are {steps}")
    estimator.set_params(warm_start=True)
    run = _epochs(steps, **options)
    for size in run:
        estimator.set_params(**{attribute: size})
        estimator.fit(X, y)
        run.log(**{attribute: size}, **(quality(estimator) if quality else {}))
    return run


# In `partial_fit` the word means a number, as in scikit-learn.
_epochs = epochs


class Monitor(Followed):
    """What gradient boosting's ``fit(X, y, monitor=...)`` calls after each tree.

    The training loss of a tree is stored as ``loss``; where rows are left out for each
    tree (``subsample``), their loss is ``oob_loss``.  The ensemble cannot predict yet.
    Without other options a record is one tree; see `rounds.Followed`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"steps": 1, **options})

    def __call__(self, iteration: int, estimator: Any, variables: Any) -> bool:
        """Take the end of an iteration; return whether to stop."""
        del variables
        is_first = iteration == 0 or not self.rounds.is_running
        if is_first:
            # The first tree has grown before anyone is told: it has no record.
            self.start(None, estimator.n_estimators - iteration - 1)
        stopped = False if is_first else self.step_ends(_losses(estimator, iteration))
        if stopped or iteration + 1 >= estimator.n_estimators:
            self.ends()
        else:
            self.step_begins()
        return stopped


def _losses(estimator: Any, iteration: int) -> dict[str, Any]:
    found = {"loss": estimator.train_score_[iteration]}
    if hasattr(estimator, "oob_scores_"):
        found["oob_loss"] = estimator.oob_scores_[iteration]
    return found


class EnergyCallback(Followed):
    """For ``set_callbacks`` of scikit-learn 1.9: a record for each iteration of a fit.

    An iteration is a task right below the fit itself: an iteration of a solver, a step
    of a pipeline, a candidate of a search in this process.  See `rounds.Followed` for
    the arguments; where scikit-learn hands out no fitted estimator there is no quality.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._is_copy = False

    def __getstate__(self) -> dict[str, Any]:
        """Return what a worker process gets: nothing, since the parent meters."""
        return {"_is_copy": True}

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin."""
        del estimator
        if not self._is_copy:
            self.start(context.max_subtasks or None)

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Begin an iteration."""
        del estimator
        if self._is_iteration(context):
            self.epoch_begins()

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        """End an iteration; return whether to stop."""
        del estimator
        return self.epoch_ends() if self._is_iteration(context) else False

    def teardown(self, estimator: Any, context: Any) -> None:
        """End."""
        del estimator, context
        if not self._is_copy:
            self.ends()

    def _is_iteration(self, context: Any) -> bool:
        parent = context.parent
        return not self._is_copy and parent is not None and parent.parent is None
