"""A report as a list of single facts, each with its place: to compare two reports.

Rows of lists are found by what names them, not by their position, so that a new first
row does not change all others.  Imports nothing of the package but the facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from jupyter_green.report.appendix.facts import Appendix

Leaf = str | float | int | bool | None
# Tables whose keys are words of records.
WORDED = (".reasons", ".flags")
# What names a row: the first of these whose keys it has.
NAMES = (
    ("kind", "method"),
    ("kind", "name", "memory_gb"),
    ("code", "values"),
    ("key",),
    ("aspect",),
    ("device",),
    ("commit",),
    ("path",),
    ("sha256",),
    ("zone", "source", "g_per_kwh", "pue"),
    ("method",),
    ("name",),
    ("at",),
)


def leaves(facts: Appendix, *, by_position: bool = False) -> dict[str, Leaf]:
    """Return every single fact by its place, such as ``totals.amount.gpu_hours``.

    Args:
        facts: The report.
        by_position: Number rows in place of naming them: where names were removed.
    """
    return dict(_walk("", msgspec.to_builtins(facts), by_position=by_position))


def _walk(place: str, value: Any, *, by_position: bool) -> Iterator[tuple[str, Leaf]]:
    if isinstance(value, Mapping):
        if by_position and place.endswith(WORDED):
            value = [list(pair) for pair in value.items()]
            yield from _walk(place, value, by_position=True)
            return
        for key in sorted(value):
            inner = f"{place}.{key}" if place else str(key)
            yield from _walk(inner, value[key], by_position=by_position)
    elif isinstance(value, (list, tuple)):
        seen: dict[str, int] = {}
        for number, each in enumerate(value):
            name = str(number) if by_position else _name(each, number)
            seen[name] = seen.get(name, 0) + 1
            again = f" ({seen[name]})" if seen[name] > 1 else ""
            inner = f"{place}[{name}{again}]"
            yield from _walk(inner, each, by_position=by_position)
    else:
        yield place, value


def _name(row: Any, number: int) -> str:
    if not isinstance(row, Mapping):
        return str(number)
    for names in NAMES:
        if set(names) <= set(row):
            return " ".join(filter(None, (_word(row[name]) for name in names)))
    return str(number)


def _word(value: Any) -> str:
    if isinstance(value, Mapping):
        # A flag's texts tell it from another of its code; its numbers may change.
        return " ".join(v for v in value.values() if isinstance(v, str))
    return "" if value is None else str(value)


def are_equal(one: Leaf, other: Leaf, relative: float) -> bool:
    """Say whether two facts are the same, numbers within a relative tolerance."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return abs(one - other) <= relative * max(abs(one), abs(other))
    return one == other
