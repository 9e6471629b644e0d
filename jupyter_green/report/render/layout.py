"""Make a table fit a width: measure its columns, split it by columns and by rows.

A renderer gives the extents, in characters or in widths of a font, and the room; what
comes back is the same table or several, each of which fits.  The columns that name the
rows, mostly the first alone, are repeated in each part.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from jupyter_green.report.document import Inlines, Table, plain

MOST_HEADS = 2  # columns that name rows; more would leave no room for others


@dataclass(frozen=True, slots=True)
class Extent:
    """How wide a cell or column must be, and how wide it would like to be."""

    least: float
    natural: float


def extents(cells: Sequence[Sequence[Extent]]) -> list[Extent]:
    """Return the extent of each column from those of its cells, row by row."""
    return [
        Extent(
            least=max(cell.least for cell in column),
            natural=max(cell.natural for cell in column),
        )
        for column in zip(*cells, strict=True)
    ]


def widths(table: Table, columns: Sequence[Extent], room: float) -> list[float] | None:
    """Return the columns' widths, which sum to at most *room*; None: it does not fit.

    Numbers get what they need first; columns of words share what is left by their
    weights.
    """
    least = [min(column.least, column.natural) for column in columns]
    left = room - sum(least)
    if left < 0:
        return None
    found = list(least)
    for turn in ("right", "left"):
        wanted = {
            i: (columns[i].natural - found[i]) * (spec.weight or 1.0)
            for i, spec in enumerate(table.columns)
            if spec.align == turn and columns[i].natural > found[i]
        }
        left -= _share_out(found, columns, wanted, left)
    return found


def _share_out(
    found: list[float],
    columns: Sequence[Extent],
    wanted: dict[int, float],
    left: float,
) -> float:
    """Widen the columns in *wanted* by up to *left*; return how much they took."""
    taken, total = 0.0, sum(wanted.values())
    for i, share in wanted.items():
        more = min(columns[i].natural - found[i], left * share / total)
        found[i] += more
        taken += more
    return taken


def heads(table: Table) -> int:
    """Return how many columns name the rows: two where one names several alike."""
    for count in range(1, min(MOST_HEADS, len(table.columns) - 1) + 1):
        names = [tuple(plain(cell) for cell in row[:count]) for row in table.rows]
        if len({*names}) == len(names):
            return count
    return 1


def column_groups(
    columns: Sequence[Extent], room: float, gap: float, heads: int = 1
) -> list[tuple[int, ...]]:
    """Return which columns stand in each part: the first in all, the others once.

    Args:
        columns: Their extents.
        room: The width of a part.
        gap: The width between two columns.
        heads: How many name the rows and stand in all parts; where they leave no
            room for one of the others, the first alone does.
    """
    taken = sum(column.least + gap for column in columns[:heads]) - gap
    rest = max((column.least for column in columns[heads:]), default=0.0)
    if taken + gap + rest > room:
        heads, taken = 1, columns[0].least
    named = tuple(range(heads))
    groups: list[tuple[int, ...]] = []
    group, used = named, taken
    for i, column in enumerate(columns[heads:], start=heads):
        if len(group) > heads and used + gap + column.least > room:
            groups.append(group)
            group, used = named, taken
        group = (*group, i)
        used += gap + column.least
    return [*groups, group]


def with_columns(table: Table, kept: Sequence[int]) -> Table:
    """Return the table with the columns of these positions."""

    def picked(row: tuple[Inlines, ...]) -> tuple[Inlines, ...]:
        return tuple(row[i] for i in kept)

    return replace(
        table,
        columns=tuple(table.columns[i] for i in kept),
        rows=tuple(map(picked, table.rows)),
        total=picked(table.total) if table.total is not None else None,
    )


def row_groups(heights: Sequence[float], most: float) -> Iterator[slice]:
    """Yield slices of rows whose heights sum to at most *most*; one row at least.

    >>> [(s.start, s.stop) for s in row_groups([1, 1, 3, 1], 3)]
    [(0, 2), (2, 3), (3, 4)]
    """
    start, used = 0, 0.0
    for i, height in enumerate(heights):
        if i > start and used + height > most:
            yield slice(start, i)
            start, used = i, 0.0
        used += height
    yield slice(start, len(heights))
