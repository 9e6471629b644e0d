"""A page before it has a format: sections of paragraphs, tables, lists and figures.

The appendix is composed once, as a `Document`; every renderer (Markdown, LaTeX, HTML)
writes the same one, so that a figure cannot differ between formats.  Text is plain and
untrusted here: escaping is each renderer's work.  ``CO2`` in a text is set with a
subscript where the format has one, and words of any length may be broken or shortened
(see `jupyter_green.report.render`).  Imports nothing of the package.

    >>> cost = Paragraph(parts=(Text("It took "), Value("3.1 kWh", "EnergyIt")))
    >>> totals = Section(title="Totals", label="totals", blocks=(cost,))
    >>> page = Document(title="Energy", sections=(totals,))
    >>> page.sections[0].blocks[0].parts[1].macro
    'EnergyIt'
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Literal

from msgspec import Struct

_LABEL = re.compile(r"[A-Za-z0-9-]+")
_MACRO = re.compile(r"[A-Za-z]+")


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
    """A reference to a section, table or figure of this document, by its label.

    It is printed with its word: ``Table 3``, ``Section 2``.
    """

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
        values: Every number that a paper's body may quote, by macro name; those of all
            `Value` parts are added by `all_values`.
        references: The cited entries only.
        figures: Folder-relative files of the figures by their name, if drawn.
        label: For `Ref` to the whole page, kind ``section``.
    """

    title: str
    sections: tuple[Section, ...]
    values: dict[str, Value] = {}
    references: tuple[Reference, ...] = ()
    figures: dict[str, tuple[PurePosixPath, ...]] = {}
    label: str = "energy"


# What every renderer needs to know of a page.


def plain(parts: Iterable[Inline]) -> str:
    """Return the words of *parts* without their marks; citations are left out."""
    return "".join(_plain(part) for part in parts)


def _plain(part: Inline) -> str:
    match part:
        case Ref():
            return f"{part.kind} {part.label}"
        case Cite():
            return ""
        case _:
            return part.text


def blocks(document: Document) -> Iterator[Block]:
    """Yield all blocks in their order."""
    for section in document.sections:
        yield from section.blocks


def inlines(document: Document) -> Iterator[Inline]:
    """Yield all parts of all blocks in the order in which they are read."""
    for block in blocks(document):
        yield from _inlines(block)


def _inlines(block: Block) -> Iterator[Inline]:
    match block:
        case Paragraph():
            yield from block.parts
        case Bullets():
            for item in block.items:
                yield from item
        case Table():
            for row in (*block.rows, *([block.total] if block.total else [])):
                for cell in row:
                    yield from cell
            yield from block.note
        case Figure():
            yield from block.caption
        case Quote():
            return


def all_values(document: Document) -> dict[str, Value]:
    """Return every number by its macro's name, sorted by it."""
    found = {part.macro: part for part in inlines(document) if isinstance(part, Value)}
    return dict(sorted({**found, **document.values}.items()))


def problems(document: Document) -> tuple[str, ...]:
    """Return what is wrong with a page, in sentences; empty if all is well.

    A page is whole if its labels are unique and well-formed, every reference and
    citation has its target, every table is rectangular, and a macro's name consists of
    letters and stands for one text.
    """
    return tuple(
        dict.fromkeys(
            (
                *_problems_of_labels(document),
                *_problems_of_citations(document),
                *_problems_of_values(document),
                *_problems_of_tables(document),
            )
        )
    )


def whole(document: Document) -> Document:
    """Return the page if it is whole.

    Raises:
        ValueError: It is not; names every fault of `problems`.
    """
    if faults := problems(document):
        raise ValueError("; ".join(faults))
    return document


def _labels(document: Document) -> Iterator[tuple[str, str]]:
    yield "section", document.label
    for section in document.sections:
        yield "section", section.label
    for block in blocks(document):
        if isinstance(block, Table):
            yield "table", block.label
        elif isinstance(block, Figure):
            yield "figure", block.label


def _problems_of_labels(document: Document) -> Iterator[str]:
    labels = Counter(_labels(document))
    for (kind, label), count in labels.items():
        if not _LABEL.fullmatch(label):
            yield f"the label {label!r} of a {kind} is not letters, digits and hyphens"
        if count > 1:
            yield f"{count} {kind}s have the label {label!r}"
    for part in inlines(document):
        if isinstance(part, Ref) and (part.kind, part.label) not in labels:
            yield f"there is no {part.kind} {part.label!r} to refer to"


def _problems_of_citations(document: Document) -> Iterator[str]:
    keys = Counter(reference.key for reference in document.references)
    yield from (
        f"{n} references have the key {key!r}" for key, n in keys.items() if n > 1
    )
    for part in inlines(document):
        if isinstance(part, Cite):
            for key in part.keys:
                if key not in keys:
                    yield f"the citation {key!r} has no reference"


def _problems_of_values(document: Document) -> Iterator[str]:
    texts = {name: {value.text} for name, value in document.values.items()}
    for name, value in document.values.items():
        if name != value.macro:
            yield f"the value {value.macro!r} is listed as {name!r}"
    for part in inlines(document):
        if isinstance(part, Value):
            texts.setdefault(part.macro, set()).add(part.text)
    for name, said in texts.items():
        if not _MACRO.fullmatch(name):
            yield f"the macro's name {name!r} has other characters than letters"
        if len(said) > 1:
            yield f"the macro {name} stands for {', '.join(map(repr, sorted(said)))}"


def _problems_of_tables(document: Document) -> Iterator[str]:
    for block in blocks(document):
        if isinstance(block, Table):
            wanted = len(block.columns)
            rows = (*block.rows, *([block.total] if block.total else []))
            if not wanted or any(len(row) != wanted for row in rows):
                yield f"a row of the table {block.label!r} has not {wanted} cells"
