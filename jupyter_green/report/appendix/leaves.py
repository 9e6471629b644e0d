"""A report as a list of single facts, each with its place: to compare two reports.

Rows of lists are found by what names them, not by their position, so that a new first
row does not change all others.  Imports nothing of the package but the facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from jupyter_green.report.appendix.facts import Appendix

Leaf = str | float | int | bool | None
# What names a row, first of these that it has.
NAMES = (
    ("kind", "method"),
    ("key",),
    ("aspect",),
    ("device",),
    ("code", "values.flag", "values.device"),
    ("commit",),
    ("path",),
    ("name", "kind"),
    ("name", "sha256"),
    ("method",),
    ("zone", "source", "g_per_kwh", "pue"),
    ("name",),
    ("at",),
)


def leaves(facts: Appendix) -> dict[str, Leaf]:
    """Return every single fact by its place, such as ``totals.amount.gpu_hours``."""
    return dict(_walk("", msgspec.to_builtins(facts)))


def _walk(place: str, value: Any) -> Iterator[tuple[str, Leaf]]:
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _walk(f"{place}.{key}" if place else str(key), value[key])
    elif isinstance(value, (list, tuple)):
        seen: dict[str, int] = {}
        for number, each in enumerate(value):
            name = _name(each, number)
            seen[name] = seen.get(name, 0) + 1
            again = f" ({seen[name]})" if seen[name] > 1 else ""
            yield from _walk(f"{place}[{name}{again}]", each)
    else:
        yield place, value


def _name(row: Any, number: int) -> str:
    if not isinstance(row, Mapping):
        return str(number)
    for names in NAMES:
        first = names[0]
        if first in row and ("values." in "".join(names) or set(names) <= set(row)):
            parts = [_at(row, name) for name in names]
            return " ".join(str(part) for part in parts if part not in (None, ""))
    return str(number)


def _at(row: Mapping[str, Any], name: str) -> Any:
    value: Any = row
    for step in name.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def are_equal(one: Leaf, other: Leaf, relative: float) -> bool:
    """Say whether two facts are the same, numbers within a relative tolerance."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return abs(one - other) <= relative * max(abs(one), abs(other))
    return one == other


def last_part(places: Sequence[str]) -> tuple[str, ...]:
    """Return the keys themselves, without where they stand."""
    return tuple(place.rpartition(".")[2] for place in places)
