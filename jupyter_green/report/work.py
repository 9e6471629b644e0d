"""What metrics are: one number each, whose name says what it means.

Imports nothing of the project.

    >>> is_lower_better("val_loss"), is_lower_better("accuracy")
    (True, False)
"""

from __future__ import annotations

import math
from typing import Any

# Metrics that count work: joules are given per one of them.
UNITS_OF_WORK = {
    "samples": "sample",
    "tokens": "token",
    "images": "image",
    "inferences": "inference",
    "predictions": "prediction",
    "requests": "request",
    "queries": "query",
    "items": "item",
    "rows": "row",
    "steps": "step",
    "epochs": "epoch",
}
# Metrics that say where in a training a record stands, and nothing of its quality.
POSITIONS = frozenset({"epoch", "step", "trial"})
# Words in a metric's name that mean: the less, the better.
LESS_IS_BETTER = frozenset(
    {
        "bytes",
        "error",
        "latency",
        "loss",
        "mae",
        "mse",
        "parameters",
        "params",
        "perplexity",
        "rmse",
        "seconds",
        "size",
    }
)


def is_lower_better(metric: str) -> bool:
    """Say whether less is better, as far as a metric's name tells."""
    words = metric.lower().replace("-", "_").replace("/", "_").split("_")
    return not LESS_IS_BETTER.isdisjoint(words)


def number(value: Any) -> float:
    """Return *value* as a float: numbers, and arrays and tensors that hold one.

    Raises:
        TypeError: It is no number.
        ValueError: It is not finite, or a text that is no number.
    """
    # NumPy, torch, TensorFlow and JAX have this for arrays with a single element.
    item = getattr(value, "item", None)
    plain = float(item() if callable(item) else value)
    if not math.isfinite(plain):
        raise ValueError(f"{plain} is not finite")
    return plain
