"""A page as Markdown that reads well on any Git host: CommonMark with pipe tables.

No raw HTML, lines and tables of at most `WIDTH` columns, numbers aligned right.  A
table that is too wide abbreviates its words, with the full ones in a list below it,
and then stands in parts that repeat what names the rows.  Figures are
pictures beside the file.

    text = render(document, folder="paper/energy")
    readme = patch(readme, block(document))

Pure.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote, urlsplit

from jupyter_green.report.document import (
    Block,
    Bullets,
    Cite,
    Code,
    Document,
    Figure,
    Inline,
    Inlines,
    Link,
    Paragraph,
    Quote,
    Ref,
    Section,
    Strong,
    Table,
    Text,
    Value,
    plain,
    whole,
)
from jupyter_green.report.render import layout, numbering
from jupyter_green.report.render.escape import (
    LONGEST_TEXT,
    UNBROKEN_BLANK,
    markdown,
    markdown_code,
    markdown_line_start,
    shorten,
    shorten_words,
    tidy,
    with_subscripts,
)
from jupyter_green.report.render.references import in_words

WIDTH = 100  # columns of a fixed-width font
START, END = "<!-- jupyter-green:start -->", "<!-- jupyter-green:end -->"

# Columns of words are abbreviated to the first of these, then to the second.
_LONG_CELL, _SHORT_CELL = 40, 24
_SCHEMES = ("http", "https", "mailto")
_PICTURES = (".svg", ".png")  # the first that is there


def render(document: Document, *, folder: str = "", heading: int = 1) -> str:
    """Return the page.

    Args:
        document: The page.
        folder: Where the figures lie, relative to the text's file.
        heading: Level of the page's heading; that of its sections is one more.

    Raises:
        ValueError: The page is not whole (`document.problems`).
    """
    writer = _Writer(
        whole(document), numbering.count(document), PurePosixPath(folder), heading
    )
    return writer.page()


def block(document: Document, *, folder: str = "", heading: int = 2) -> str:
    """Return the page with the marks between which `patch` puts it."""
    return f"{START}\n\n{render(document, folder=folder, heading=heading)}\n{END}\n"


def patch(text: str, block: str) -> str:
    """Return *text*, such as a README's, with *block* in place of the one it has.

    What stands between the marks is replaced, all else is left as it is.  Without
    marks the block is added at the end.

    Raises:
        ValueError: The marks are not one pair in their order, so that it is not known
            what may be replaced.
    """
    ends = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    starts = [i for i, line in enumerate(lines) if line.strip() == START]
    stops = [i for i, line in enumerate(lines) if line.strip() == END]
    body = block.strip("\n").removeprefix(START).removesuffix(END).strip("\n")
    new = ends.join([START, "", *body.splitlines(), "", END, ""])
    if not starts and not stops:
        gap = "" if not text else ends if text.endswith("\n") else ends * 2
        return f"{text}{gap}{new}"
    if len(starts) != 1 or len(stops) != 1 or starts > stops:
        raise ValueError(f"not one {START} before one {END}")
    return "".join([*lines[: starts[0]], new, *lines[stops[0] + 1 :]])


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes one page."""

    document: Document
    numbers: numbering.Numbers
    folder: PurePosixPath
    heading: int

    def page(self) -> str:
        parts = [self._heading(self.document.title, 0)]
        for section in self.document.sections:
            parts += self._section(section)
        if self.document.references:
            parts += [self._heading("References", 1), self._references()]
        text = "\n\n".join(part for part in parts if part) + "\n"
        return text.replace(UNBROKEN_BLANK, " ")

    def _heading(self, title: str, depth: int) -> str:
        return f"{'#' * min(self.heading + depth, 6)} {_words(title).strip()}"

    def _section(self, section: Section) -> Iterator[str]:
        number = self.numbers.labels["section", section.label]
        yield self._heading(f"{number}. {section.title}", 1)
        for part in section.blocks:
            yield from self._block(part)

    def _block(self, part: Block) -> Iterator[str]:
        match part:
            case Paragraph():
                lead = f"**{_words(part.lead).strip()}** " if part.lead.strip() else ""
                yield _filled(f"{lead}{self._inlines(part.parts)}")
            case Bullets():
                yield "\n".join(
                    _filled(self._inlines(item), first="- ", indent="  ")
                    for item in part.items
                )
            case Table():
                yield from self._table(part)
            case Figure():
                yield from self._figure(part)
            case Quote():
                yield _filled(f"**{_words(part.title).strip()}**")
                yield _fenced(part.text)

    # Parts of a line.

    def _inlines(self, parts: Inlines) -> str:
        return "".join(map(self._inline, parts))

    def _inline(self, part: Inline) -> str:
        match part:
            case Text() | Value():
                return _words(part.text)
            case Strong():
                # Blanks inside the marks would leave them as they are.
                words = _words(part.text)
                bare = words.strip()
                return words.replace(bare, f"**{bare}**", 1) if bare else words
            case Code():
                return markdown_code(part.text)
            case Cite():
                return f"\\{self.numbers.marks(part)[:-1]}\\]"
            case Ref():
                return self._ref(part)
            case Link():
                return _link(part)

    def _ref(self, part: Ref) -> str:
        words = self.numbers.words(part)
        if part.kind != "section" or part.label == self.document.label:
            return words
        section = next(s for s in self.document.sections if s.label == part.label)
        number = self.numbers.labels["section", section.label]
        return f"[{words}](#{slug(f'{number}. {section.title}')})"

    # Blocks.

    def _references(self) -> str:
        entries = {entry.key: entry for entry in self.document.references}
        return "\n".join(
            _filled(self._inlines(in_words(entries[key])), first=f"{n}. ", indent="   ")
            for key, n in self.numbers.keys.items()
        )

    def _figure(self, part: Figure) -> Iterator[str]:
        number = self.numbers.labels["figure", part.label]
        files = self.document.figures.get(part.name, ())
        for suffix in _PICTURES:
            if file := next((f for f in files if f.suffix == suffix), None):
                path = quote(str(self.folder / file))
                yield f"![{_words(shorten(part.alt, LONGEST_TEXT)).strip()}]({path})"
                break
        else:
            yield "(The figure was not drawn.)"
        yield _filled(f"**Figure {number}.** {self._inlines(part.caption)}")

    def _table(self, part: Table) -> Iterator[str]:
        number = self.numbers.labels["table", part.label]
        caption = f"**Table {number}.** {_words(part.caption)}"
        notes: list[str] = []
        grids = list(self._grids(part, notes))
        for i, grid in enumerate(grids, start=1):
            count = f" (Part {i} of {len(grids)}.)" if len(grids) > 1 else ""
            yield _filled(f"{caption}{count}")
            yield grid
        if notes:
            yield "\n".join(
                _filled(text, first=f"- {_mark(n)} ", indent="  ")
                for n, text in enumerate(notes)
            )
        if part.note:
            yield _filled(self._inlines(part.note))

    def _grids(self, table: Table, notes: list[str]) -> Iterator[str]:
        """Yield the table in parts; *notes* receives what does not fit into cells."""
        rows = [*table.rows, *([table.total] if table.total is not None else [])]
        if not rows:
            none: tuple[Inlines, ...] = ((Text("none"),),)
            rows = [none + ((),) * (len(table.columns) - 1)]
        heads: tuple[Inlines, ...] = tuple((Text(c.title),) for c in table.columns)
        cells = [
            [(self._inlines(cell).strip(), cell) for cell in row]
            for row in (heads, *rows)
        ]
        natural = [
            max(_LEAST_CELL, *(_width(text) for text, _ in column))
            for column in zip(*cells, strict=True)
        ]
        groups = [tuple(range(len(natural)))]
        for longest in (WIDTH, _LONG_CELL, _SHORT_CELL):
            limits = [
                width if column.align == "right" else min(width, longest)
                for width, column in zip(natural, table.columns, strict=True)
            ]
            if _line_width(limits) <= WIDTH:
                break
        else:
            limits = [min(width, _LONG_CELL) for width in natural]
            extents = [layout.Extent(width, width) for width in limits]
            room = WIDTH - _line_width([]) - _GAP
            groups = layout.column_groups(extents, room, _GAP, layout.heads(table))
        grid = [
            [
                text
                if _width(text) <= limit
                else _abbreviated(text, cell, limit, notes)
                for (text, cell), limit in zip(row, limits, strict=True)
            ]
            for row in cells
        ]
        for group in groups:
            kept = [[row[i] for i in group] for row in grid]
            yield _grid(kept, [table.columns[i].align for i in group])


_GAP = len(" | ")
_LEAST_CELL = len("--:")


def _line_width(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * len(widths) + 1


def _grid(rows: Sequence[Sequence[str]], aligns: Sequence[str]) -> str:
    widths = [
        max(_LEAST_CELL, *map(_width, column)) for column in zip(*rows, strict=True)
    ]
    rule = [
        f"{'-' * (width - 1)}:" if align == "right" else "-" * width
        for width, align in zip(widths, aligns, strict=True)
    ]
    lines = [_row(rows[0], widths, aligns), f"| {' | '.join(rule)} |"]
    return "\n".join([*lines, *(_row(row, widths, aligns) for row in rows[1:])])


def _row(cells: Sequence[str], widths: Sequence[int], aligns: Sequence[str]) -> str:
    padded = []
    for cell, width, align in zip(cells, widths, aligns, strict=True):
        blanks = " " * (width - _width(cell))
        padded.append(f"{blanks}{cell}" if align == "right" else f"{cell}{blanks}")
    return f"| {' | '.join(padded)} |"


def _abbreviated(text: str, cell: Inlines, limit: int, notes: list[str]) -> str:
    """Return the beginning of a cell with the mark of the note that has all of it."""
    if text not in notes:
        notes.append(text)
    mark = f"… {_mark(notes.index(text))}"
    words = tidy(plain(cell)).strip()
    for end in range(min(limit, len(words)), 0, -1):
        short = f"{_words(words[:end].rstrip())}{mark}"
        if _width(short) <= limit:
            return short
    return mark


def _mark(number: int) -> str:
    """Return a note's mark: (a) to (z), then (aa); numbers are for citations."""
    letters = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(ord("a") + digit) + letters
    return f"({letters})"


def _width(text: str) -> int:
    """Return the columns a text takes, in an editor that counts letters, too."""
    from wcwidth import wcswidth  # noqa: PLC0415 - its tables take a while

    return max(len(text), wcswidth(text))


def _words(text: str) -> str:
    short = shorten(shorten_words(tidy(text)), LONGEST_TEXT)
    return markdown(with_subscripts(short, "CO₂"))


def _filled(text: str, first: str = "", indent: str = "") -> str:
    """Return *text* in lines of at most `WIDTH`, none of which begins a block."""
    room = WIDTH - len(first or indent) - 1  # one for a line's escape
    lines = textwrap.wrap(
        text.strip(), room, break_long_words=False, break_on_hyphens=False
    )
    escaped = [markdown_line_start(line) for line in lines] or [""]
    return "\n".join([f"{first}{escaped[0]}", *(f"{indent}{x}" for x in escaped[1:])])


def _link(part: Link) -> str:
    words = _words(part.text).strip()
    address = quote(part.url, safe=":/?=&+,;@~#%-._")
    if part.text == part.url:
        words = words.replace("\\:", ":")  # a link within a link is none
    if _scheme(address) in _SCHEMES and len(address) <= WIDTH:
        return f"[{words}]({address.replace('&', '&amp;')})"
    if part.text == part.url:
        return words
    return f"{words} ({markdown_code(part.url)})"


def _scheme(address: str) -> str:
    try:
        return urlsplit(address).scheme
    except ValueError:  # such as "//[", which is no address
        return ""


def _fenced(text: str) -> str:
    lines = [_kept(line) for line in text.splitlines()]
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def _kept(line: str) -> str:
    indent = " " * (len(line) - len(line.lstrip(" ")))
    return f"{indent}{shorten(tidy(line), LONGEST_TEXT).strip()}".rstrip()


def slug(title: str) -> str:
    """Return the address that Git hosts give a heading within its page."""
    shown = with_subscripts(tidy(title), "CO₂").strip().lower()
    kept = "".join(
        c
        for c in shown
        if c in " -" or unicodedata.category(c) in ("Nd", "Pc") or c.isalpha()
    )
    return kept.replace(" ", "-")
