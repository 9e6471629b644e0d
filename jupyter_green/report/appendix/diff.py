"""What changed between two reports: submission against camera-ready.

Imports `leaves` and the facts.
"""

from __future__ import annotations

from msgspec import Struct

from jupyter_green.report.appendix.facts import Appendix
from jupyter_green.report.appendix.leaves import Leaf, are_equal, leaves

# Numbers are computed alike from the same records: more than rounding is a change.
RELATIVE = 1e-9
# What differs between any two reports and says nothing of the work.
IGNORED = ("options.", "timeline[", "provenance.created_at", "provenance.command")


class Change(Struct, frozen=True, kw_only=True):
    """One fact that is not the same in both reports.

    Attributes:
        place: Where it stands, such as ``totals.amount.energy_it_kwh``.
        old: What it was; None: not there, or not measured.
        new: What it is.
        kind: ``changed``, ``added`` or ``removed``.
        relative: New by old minus 1, for numbers; None: not numbers, or old is 0.
    """

    place: str
    old: Leaf
    new: Leaf
    kind: str
    relative: float | None = None


def diff(old: Appendix, new: Appendix) -> tuple[Change, ...]:
    """Return what changed, the sums first, then in the order of the facts."""
    before, after = leaves(old), leaves(new)
    places = list(before) + [place for place in after if place not in before]
    changes = [
        change
        for place in places
        if not place.startswith(IGNORED)
        if (change := _change(place, before, after)) is not None
    ]
    changes.sort(key=lambda change: not change.place.startswith("totals.amount"))
    return tuple(changes)


def _change(
    place: str, before: dict[str, Leaf], after: dict[str, Leaf]
) -> Change | None:
    old, new = before.get(place), after.get(place)
    if place not in before or place not in after:
        kind = "added" if place in after else "removed"
        return Change(place=place, old=old, new=new, kind=kind)
    if are_equal(old, new, RELATIVE):
        return None
    return Change(
        place=place, old=old, new=new, kind="changed", relative=_relative(old, new)
    )


def _relative(old: Leaf, new: Leaf) -> float | None:
    for value in (old, new):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
    return new / old - 1.0 if old else None  # type: ignore[operator]
