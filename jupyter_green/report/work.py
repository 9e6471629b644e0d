"""What the names of metrics mean: counts of work, and places in a training.

Imports nothing of the project.
"""

from __future__ import annotations

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
