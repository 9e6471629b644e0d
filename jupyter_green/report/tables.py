"""A table as a value, and its forms: text, HTML, Markdown.

Build, then render: who builds a table knows nothing of its form, and what users wrote
in labels cannot break out of any form.  Imports nothing of the project.

    >>> print(render_text(Table(title="Totals", columns=("label", "energy"),
    ...                         rows=(("train", "2.0 J"),))))
    Totals
    label    energy
    -------  --------
    train    2.0 J
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

# Characters that Markdown would read as markup inside a cell, or MathJax as its own.
MARKUP = re.compile(r"([\\`*_\[\]|~#$])")


@dataclass(frozen=True, slots=True)
class Table:
    """Cells of text under named columns.

    Attributes:
        title: What the table shows.
        columns: The names of the columns.
        rows: As many cells each as there are columns.
        notes: Sentences that belong below it.
        numeric: Names of the columns to be aligned right.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()


def render_text(table: Table) -> str:
    """Return the table for a terminal."""
    parts = (plain_text(table.title), _tabulated(table, "simple", plain_text))
    return "\n".join(part for part in (*parts, *map(plain_text, table.notes)) if part)


def render_html(table: Table) -> str:
    """Return the table as an HTML fragment; everything in it is escaped."""
    title = f"<p><strong>{_escaped(table.title)}</strong></p>" if table.title else ""
    notes = "".join(f"<p><small>{_escaped(note)}</small></p>" for note in table.notes)
    # tabulate escapes the cells of this format itself.
    cells = _tabulated(table, "html", plain_text)
    # Notebooks align cells right unless they say otherwise.
    for cell in ("td", "th"):
        cells = cells.replace(f"<{cell}>", f'<{cell} style="text-align: left;">')
    return f"<div>{title}{cells}{notes}</div>"


def render_markdown(table: Table) -> str:
    """Return the table as Markdown of GitHub and Jupyter."""
    title = f"**{_marked_down(table.title)}**" if table.title else ""
    blocks = (title, _tabulated(table, "pipe", _marked_down))
    notes = tuple(_marked_down(note) for note in table.notes)
    return "\n\n".join(block for block in (*blocks, *notes) if block)


def plain_text(text: str) -> str:
    """Return *text* on one line without characters that steer a terminal."""
    shown = " ".join(text.split())
    return "".join(
        c if unicodedata.category(c)[0] != "C" else "\N{REPLACEMENT CHARACTER}"
        for c in shown
    )


def _tabulated(table: Table, form: str, clean: Callable[[str], str]) -> str:
    from tabulate import tabulate  # noqa: PLC0415 - slow to import, seldom needed

    if not table.rows:
        return ""
    return tabulate(
        [[clean(cell) for cell in row] for row in table.rows],
        headers=[clean(column) for column in table.columns],
        tablefmt=form,
        disable_numparse=True,  # cells are finished: "1.10 J" keeps its zero
        colalign=[
            "right" if column in table.numeric else "left" for column in table.columns
        ],
    )


def _escaped(text: str) -> str:
    return html.escape(plain_text(text))


def _marked_down(text: str) -> str:
    return MARKUP.sub(r"\\\1", html.escape(plain_text(text), quote=False))
