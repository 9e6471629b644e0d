"""Evaluate the user's own numbers: ``-m accuracy=model.score(X, y)``.

A bad expression costs that number and leaves a warning; it never costs the cell.
Imports `report.work`.

    >>> evaluate([("n", "2 * k")], {"k": 3})
    ({'n': 6.0}, [])
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jupyter_green.report.work import number


def evaluate(
    metrics: Iterable[tuple[str, str]], names: dict[str, Any]
) -> tuple[dict[str, float], list[str]]:
    """Return numbers by name, and a sentence for each that could not be had.

    Args:
        metrics: Names with their expressions.
        names: The user's variables.
    """
    found: dict[str, float] = {}
    problems: list[str] = []
    for name, expression in metrics:
        try:
            # The user's own expression, as if it stood in the next cell.
            value = number(eval(expression, names))  # noqa: S307
        except KeyboardInterrupt:
            problems.append(f"the metric {name} was interrupted and is not stored")
            break
        # Whatever the user's code raises: the record stands without that number.
        except (Exception, SystemExit) as err:  # noqa: BLE001
            told = f"{type(err).__name__}: {err}".rstrip(": ")
            problems.append(f"the metric {name} is not stored: {expression}: {told}")
            continue
        found[name] = value
    return found, problems
