"""Which records count in a scope: a notebook's, today's, a project's, or all.

Runs of one kernel session in one notebook belong together: a kernel goes on under the
name that its notebook had when it started, so the session's first run says whose it is.
Pure; imports `ledger` and `paths`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath
from typing import NamedTuple

from jupyter_green.ledger.sums import AnyRecord
from jupyter_green.server.paths import Name, ServerRoot, exists

LARGEST_OFFSET_MIN = 14 * 60  # Kiritimati


class Group(NamedTuple):
    """The runs of one session in one notebook."""

    notebook: str
    session: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a total is of.

    Attributes:
        key: What tells scopes apart.
        has: Says whether a group counts, by the moment of its first run in seconds
            since 1970.
        since: Records that began earlier do not count; None: all do.
        counts: Of the rest, chooses whose sum it is once shared energy has been parted
            among all of them; None: all of them.
    """

    key: tuple[str, ...]
    has: Callable[[Group, float], bool]
    since: datetime | None = None
    counts: Callable[[AnyRecord], bool] | None = None


def of_all() -> Scope:
    """Return the scope that leaves out nothing."""
    return Scope(("all",), lambda _group, _first_s: True)


def of_today(now: datetime, utc_offset_min: int) -> Scope:
    """Return the scope of what began since midnight.

    Args:
        now: The present.
        utc_offset_min: Minutes by which the browser's clock is ahead of UTC.
    """
    limit = LARGEST_OFFSET_MIN
    offset = timedelta(minutes=max(-limit, min(limit, utc_offset_min)))
    local = now.astimezone(UTC) + offset
    since = local.replace(hour=0, minute=0, second=0, microsecond=0) - offset
    return Scope(("today", since.isoformat()), lambda _group, _first_s: True, since)


def of_notebook(root: ServerRoot, names: Sequence[Name]) -> Scope:
    """Return the scope of a notebook, under all names that it had."""
    spelt: list[tuple[frozenset[str], float, float]] = []
    for name in names:
        until_s = name.until_s
        path = Path(name.path)
        if until_s < float("inf") and not exists(path):
            # Nobody else has its name by now: a restarted kernel still writes it.
            until_s = float("inf")
        spelt.append((root.spellings(path), name.since_s, until_s))

    def has(group: Group, first_s: float) -> bool:
        return any(
            group.notebook in spellings and since_s <= first_s < until_s
            for spellings, since_s, until_s in spelt
        )

    key = (f"{sorted(s)} {a} {b}" for s, a, b in spelt)
    return Scope(("notebook", *key), has)


def of_project(root: ServerRoot, folder: Path) -> Scope:
    """Return the scope of all notebooks in a folder and below."""
    real = os.path.realpath(folder)
    below = root.api_path(folder)

    def has(group: Group, _first_s: float) -> bool:
        if not group.notebook:
            return False
        path = PurePath(group.notebook)
        if path.is_absolute():
            return path.is_relative_to(folder) or path.is_relative_to(real)
        return below is not None and (below == "." or path.is_relative_to(below))

    return Scope(("project", str(folder)), has)
