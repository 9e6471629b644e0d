"""A page before it has a format: sections of paragraphs, tables, lists and figures.

The appendix is composed once, as a `Document`; every renderer (Markdown, LaTeX, HTML)
writes the same one, so that a figure cannot differ between formats.  Text is plain and
untrusted here: escaping is each renderer's work.  ``CO2`` in a text is set with a
subscript where the format has one.  Imports nothing of the package.

    >>> cost = Paragraph(parts=(Text("It took "), Value("3.1 kWh", "EnergyIt")))
    >>> totals = Section(title="Totals", label="totals", blocks=(cost,))
    >>> page = Document(title="Energy", sections=(totals,))
    >>> page.sections[0].blocks[0].parts[1].macro
    'EnergyIt'
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from msgspec import Struct


class Text(Struct, frozen=True, tag=True):
    """Plain words."""

    text: str


class Strong(Struct, frozen=True, tag=True):
    """Words that stand out."""

    text: str


class Code(Struct, frozen=True, tag=True):
    """A name, path, hash or command, set in a fixed-width face; may be broken."""

    text: str


class Value(Struct, frozen=True, tag=True):
    """A number with its unit, as it is printed everywhere.

    Attributes:
        text: The number as readers see it, such as ``3.12 ± 0.16 kWh``.
        macro: Name of the LaTeX macro that holds it, without prefix: letters only.
    """

    text: str
    macro: str


class Cite(Struct, frozen=True, tag=True):
    """A reference to entries of the bibliography, by their keys."""

    keys: tuple[str, ...]


class Ref(Struct, frozen=True, tag=True):
    """A reference to a section, table or figure of this document, by its label."""

    label: str
    kind: Literal["section", "table", "figure"]


class Link(Struct, frozen=True, tag=True):
    """Words with an address behind them; printed in full where paper cannot link."""

    text: str
    url: str


Inline = Text | Strong | Code | Value | Cite | Ref | Link
Inlines = tuple[Inline, ...]


class Paragraph(Struct, frozen=True, tag=True, kw_only=True):
    """A paragraph; *lead* is its first, bold words."""

    parts: Inlines
    lead: str = ""


class Bullets(Struct, frozen=True, tag=True, kw_only=True):
    """A list of short statements."""

    items: tuple[Inlines, ...]


class Column(Struct, frozen=True, kw_only=True):
    """A column of a table.

    Attributes:
        title: Its head, with the unit where all its numbers share one.
        align: ``left`` for words, ``right`` for numbers.
        weight: Share of the width, relative to the other columns, for words that
            wrap; None: as wide as its widest cell.
    """

    title: str
    align: Literal["left", "right"] = "left"
    weight: float | None = None


class Table(Struct, frozen=True, tag=True, kw_only=True):
    """A table; renderers split it where it is longer than a page.

    Attributes:
        label: For `Ref`; letters, digits and hyphens.
        caption: What it shows; a full sentence.
        columns: Its columns.
        rows: Cells, one tuple of inlines for each row and column.
        total: The last row, set apart from the others; None: there is none.
        note: Where the figures come from, printed below.
        wide: Whether it spans both columns of a two-column page.
    """

    label: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Inlines, ...], ...]
    total: tuple[Inlines, ...] | None = None
    note: Inlines = ()
    wide: bool = False


class Figure(Struct, frozen=True, tag=True, kw_only=True):
    """A picture beside the text.

    Attributes:
        label: For `Ref`; letters, digits and hyphens.
        caption: What it shows.
        name: File name without suffix, such as ``fig-purpose``; renderers add one.
        alt: What the picture says, for those who do not see it.
        wide: Whether it spans both columns of a two-column page.
    """

    label: str
    caption: Inlines
    name: str
    alt: str
    wide: bool = False


class Quote(Struct, frozen=True, tag=True, kw_only=True):
    """Text that is there to be copied elsewhere, kept as it is, such as an answer."""

    title: str
    text: str


Block = Paragraph | Bullets | Table | Figure | Quote


class Section(Struct, frozen=True, kw_only=True):
    """A heading with what stands under it."""

    title: str
    label: str
    blocks: tuple[Block, ...]


class Reference(Struct, frozen=True, kw_only=True):
    """An entry of the bibliography, in BibTeX's fields.

    Attributes:
        key: What `Cite` names.
        entry: ``article``, ``misc``, ``inproceedings``, ``techreport`` ...
        fields: BibTeX fields in their order, text not yet escaped.
    """

    key: str
    entry: str
    fields: dict[str, str]


class Document(Struct, frozen=True, kw_only=True):
    """The whole page.

    Attributes:
        title: Its title.
        sections: In their order.
        values: Every number that a paper's body may quote, macro name to text; holds at
            least the macros of all `Value` parts.
        references: The cited entries only.
        figures: Folder-relative files of the figures by their name, if drawn.
    """

    title: str
    sections: tuple[Section, ...]
    values: dict[str, Value] = {}
    references: tuple[Reference, ...] = ()
    figures: dict[str, tuple[PurePosixPath, ...]] = {}
