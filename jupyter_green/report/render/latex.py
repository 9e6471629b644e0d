r"""A page as LaTeX that compiles where it is put: a fragment, its numbers, its sources.

    files = render(document, LatexOptions(caption="below"))

gives the texts of

- ``energy-appendix.tex``, for ``\input``: needs no package; uses
  booktabs, graphicx, hyperref and natbib where the paper loads them;
- ``energy-macros.tex``: each `Value` as a macro, such as ``\JGEnergyIt``, for headings,
  the abstract and mathematics, too; the fragment reads it, and the preamble may;
- ``energy.bib``: the cited entries, for ``\bibliography{refs,energy}``;
- ``energy-standalone.tex``: compiles by itself.

All are ASCII.  Where the files lie in a folder, the paper says
``\newcommand{\jgpath}{folder/}`` before it reads the first.  What the classes demand
was found by compiling, which a test does in each.

Pure: `jupyter_green.report.render.compile` runs TeX.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from jupyter_green.report.document import (
    Bullets,
    Cite,
    Code,
    Column,
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
    all_values,
    plain,
    whole,
)
from jupyter_green.report.render import layout
from jupyter_green.report.render.escape import (
    LONGEST_TEXT,
    latex,
    latex_code,
    transliterated,
    unbreakable,
    with_subscripts,
)
from jupyter_green.report.render.references import (
    address,
    bibliography,
    cited,
    in_short,
)

FRAGMENT = "energy-appendix.tex"
MACROS = "energy-macros.tex"
BIBLIOGRAPHY = "energy.bib"
STANDALONE = "energy-standalone.tex"

LONGEST_CELL = 160  # characters; six lines of a narrow column
_LONGEST_LISTED = 80  # characters of a caption in a list of tables
MOST_ROWS = 40  # of a table; 50 fit the venues' pages, 55 do not
MOST_PARTS = 6  # of a table
_FLUSHED = 3  # parts of a table in a row, after which TeX must not hold them back
# The narrowest column and page among the classes, in em of \footnotesize: 12 pt article
# in two columns and in one.
_NARROW_EM, _WIDE_EM = 23.0, 39.0
_GAP = 0.012  # half of the space between two columns, of the width
_GAP_EM = 1.0  # the same for columns of their natural width: 2 \tabcolsep of 4 pt
# Drawn 3.25 in wide: more would blow up the letters in them.
_FIGURE, _WIDE_FIGURE = "3.5in", "4.5in"
_CAPTION = 1.3  # height of a caption's line in lines of a table
_BOLD = 1.16  # width of Computer Modern bold extended over the upright

# Number, uncertainty and unit of a value, for siunitx.
_QUANTITY = re.compile(r"(-?\d+(?:\.\d+)?)(?: ± (\d+(?:\.\d+)?))? (\S+)")
_SI_UNITS = {
    **{unit: unit for unit in ("MWh", "kWh", "Wh", "MJ", "kJ", "J", "mJ")},
    **{unit: unit for unit in ("MW", "kW", "W", "mW", "t", "kg", "g", "mg", "h", "s")},
    "µg": r"\micro\gram",
    "%": r"\percent",
}
# A blank between a number and its unit, and after a plus-minus, is not broken.
_TIE = re.compile(r"(?<=[0-9]) (?=[A-Za-zµ%])|(?<=±) ")
_FILE = re.compile(r"[A-Za-z0-9./_-]+")
_PREFIX = re.compile(r"[A-Za-z]+")
_LABEL_PREFIX = re.compile(r"[A-Za-z0-9:-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class LatexOptions:
    r"""What an author may choose.

    Attributes:
        heading: Of the page: ``section``, ``subsection``, or ``none`` where the paper
            has one of its own.
        caption: Of tables: ``above`` (most classes) or ``below`` (ACL).
        label_prefix: Before each label: ``\ref{tab:jg-totals}``.
        macro_prefix: Before each macro's name: letters.
        siunitx: Print quantities with the package siunitx, which the paper loads.
        cite: Cite; otherwise authors, years and addresses stand in the text.
        columns: Of the standalone paper: 1 or 2.
    """

    heading: Literal["section", "subsection", "none"] = "section"
    caption: Literal["above", "below"] = "above"
    label_prefix: str = "jg-"
    macro_prefix: str = "JG"
    siunitx: bool = False
    cite: bool = True
    columns: Literal[1, 2] = 1

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.macro_prefix):
            raise ValueError(f"not letters only: {self.macro_prefix!r}")
        if not _LABEL_PREFIX.fullmatch(self.label_prefix):
            raise ValueError(f"not a label's beginning: {self.label_prefix!r}")


DEFAULTS = LatexOptions()


def render(document: Document, options: LatexOptions = DEFAULTS) -> dict[str, str]:
    """Return the text of each file by its name.

    Raises:
        ValueError: The page is not whole (`document.problems`).
    """
    files = {
        FRAGMENT: fragment(document, options),
        MACROS: macros(document, options),
        STANDALONE: standalone(document, options),
    }
    if options.cite:
        files[BIBLIOGRAPHY] = bibliography(cited(document))
    return files


def macros(document: Document, options: LatexOptions = DEFAULTS) -> str:
    r"""Return the numbers' macros.

    A macro holds text, expands wherever it stands, and gives plain words to bookmarks.
    The file may be read twice; a name that the paper has already is an error, since a
    wrong number would not be seen.
    """
    prefix = options.macro_prefix
    lines = [
        _definition(f"{prefix}{name}", value.text, options)
        for name, value in all_values(whole(document)).items()
    ]
    return "\n".join(
        [
            "% Numbers of the energy appendix, written by jupyter_green.",
            rf"% In the text: \{prefix}Name{{}}. Reading this file twice is harmless.",
            rf"\ifdefined\{prefix}numbersread\else%",
            rf"\newcommand{{\{prefix}numbersread}}{{}}%",
            _HELPERS,
            *lines,
            r"\fi%",
            "",
        ]
    )


def fragment(document: Document, options: LatexOptions = DEFAULTS) -> str:
    r"""Return the page for ``\input``."""
    return _Writer(whole(document), options).fragment()


def standalone(document: Document, options: LatexOptions = DEFAULTS) -> str:
    """Return a paper that holds nothing but the page."""
    two = "twocolumn," if options.columns == 2 else ""  # noqa: PLR2004 - columns
    sources = options.cite and bool(cited(document))
    name = BIBLIOGRAPHY.removesuffix(".bib")
    return "\n".join(
        [
            "% The energy appendix as a paper of its own, written by jupyter_green.",
            rf"\documentclass[10pt,{two}a4paper]{{article}}",
            r"\newcommand{\jgload}[2][]{\IfFileExists{#2.sty}{\usepackage[#1]{#2}}{}}",
            r"\usepackage[T1]{fontenc}",
            r"\jgload{lmodern}",
            r"\jgload[margin=22mm]{geometry}",
            r"\jgload{booktabs}",
            r"\jgload{graphicx}",
            *([r"\usepackage{siunitx}"] if options.siunitx else []),
            r"\jgload[hidelinks]{hyperref}",
            r"\begin{document}",
            rf"\input{{{FRAGMENT.removesuffix('.tex')}}}",
            *([r"\bibliographystyle{unsrt}"] if sources else []),
            *([rf"\bibliography{{{name}}}"] if sources else []),
            r"\end{document}",
            "",
        ]
    )


# Defined where they are missing, by both files; each line ends in % so that none of
# them leaves a blank in the paper.
_HELPERS = r"""
\providecommand{\jgpath}{}%
\providecommand{\jgpdf}[2]{%
\ifdefined\texorpdfstring\texorpdfstring{#1}{#2}\else#1\fi}%
\providecommand{\jgvalue}[2]{\ifmmode\mbox{#1}\else\jgpdf{#1}{#2}\fi}%
""".strip()
# \jgpdf: its second text is for bookmarks, which take no commands.  \jgb, \jgc: a break
# after a mark, and within a name.  \jgleft, \jgright: the sides of a cell.
_HEAD = r"""
\providecommand{\jgcotwo}{\jgpdf{CO\textsubscript{2}}{CO2}}%
\providecommand{\jgb}{\penalty0\hskip0pt\relax}%
\providecommand{\jgc}{\penalty100\hskip0pt\relax}%
\providecommand{\jgcite}[1]{\ifdefined\citep\citep{#1}\else\cite{#1}\fi}%
\providecommand{\jgdescription}[1]{\ifdefined\Description\Description{#1}\fi}%
\providecommand{\jgleft}{\raggedright\hspace{0pt}}%
\providecommand{\jgright}{\raggedleft\hspace{0pt}}%
\providecommand{\jggraphic}[2]{\begingroup
\dimen0=\linewidth\ifdim\dimen0>#1\dimen0=#1\relax\fi
\edef\jgwidth{\the\dimen0}%
\ifdefined\includegraphics\includegraphics[width=\jgwidth]{\jgpath#2}%
\else\fbox{\texttt{#2}}\fi\endgroup}%
\ifdefined\midrule
\let\jgtop\toprule\let\jgmid\midrule\let\jgbottom\bottomrule
\else
\def\jgtop{\hline\noalign{\vskip 2pt}}%
\def\jgmid{\noalign{\vskip 2pt}\hline\noalign{\vskip 2pt}}%
\def\jgbottom{\noalign{\vskip 2pt}\hline}%
\fi
""".strip()


def _definition(name: str, text: str, options: LatexOptions) -> str:
    words = transliterated(text).replace("±", "+-").replace("µ", "u")
    bookmark = re.sub(r"[^A-Za-z0-9 .,:;()+*/=-]", "", words)
    if options.siunitx and (found := _QUANTITY.fullmatch(text)):
        number, uncertainty, unit = found.groups()
        if unit in _SI_UNITS:
            number += f" +- {uncertainty}" if uncertainty else ""
            quantity = (
                rf"\SI[separate-uncertainty=true]{{{number}}}{{{_SI_UNITS[unit]}}}"
            )
            return rf"\newcommand{{\{name}}}{{\jgpdf{{{quantity}}}{{{bookmark}}}}}%"
    return rf"\newcommand{{\{name}}}{{\jgvalue{{{_value(text)}}}{{{bookmark}}}}}%"


def _value(text: str) -> str:
    pieces = _TIE.sub("\0", text).split("\0")
    shown = "~".join(latex(piece, breakable=False) for piece in pieces)
    return with_subscripts(shown, r"CO\textsubscript{2}")


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the fragment of one page."""

    document: Document
    options: LatexOptions

    def fragment(self) -> str:
        parts = [
            "% The energy appendix, written by jupyter_green.",
            rf"% In the paper: \input{{{FRAGMENT.removesuffix('.tex')}}}"
            + (r", \bibliography{...,energy}." if self.options.cite else "."),
            _HELPERS,
            _HEAD,
            rf"\input{{\jgpath {MACROS.removesuffix('.tex')}}}%",
            *self._heading(),
            # Long names in narrow columns: wide blanks rather than overfull lines.
            r"\begingroup\tolerance=9999\emergencystretch=5em\relax",
        ]
        for section in self.document.sections:
            parts += ["", *self._section(section)]
        # The package balance, which acmart loads, loses floats that are still waiting
        # at the paper's end.
        end = r"\par\endgroup\ifdefined\balance\clearpage\fi"
        return "\n".join([*parts, end, ""])

    def _heading(self) -> Iterator[str]:
        label = rf"\label{{{self._label('section', self.document.label)}}}"
        if self.options.heading != "none":
            yield rf"\{self.options.heading}{{{_title(self.document.title)}}}%"
        yield f"{label}%"

    def _section(self, section: Section) -> Iterator[str]:
        title = _title(section.title)
        if self._numbers_sections:
            label = self._label("section", section.label)
            yield rf"\subsection{{{title}}}\label{{{label}}}"
        else:
            yield rf"\par\medskip\noindent\textbf{{{title}}}\par\nobreak\smallskip"
        for block in section.blocks:
            yield from self._block(block)

    @property
    def _numbers_sections(self) -> bool:
        # Deeper headings run into the text in IEEEtran and llncs.
        return self.options.heading == "section"

    def _label(self, kind: str, label: str) -> str:
        short = {"section": "sec", "table": "tab", "figure": "fig"}[kind]
        return f"{short}:{self.options.label_prefix}{label}"

    def _block(self, block: object) -> Iterator[str]:
        match block:
            case Paragraph():
                lead = rf"\textbf{{{_text(block.lead)}}} " if block.lead else ""
                indent = r"\par\medskip\noindent" if block.lead else r"\par"
                yield rf"{indent} {lead}{self._inlines(block.parts)}\par"
            case Bullets():
                yield from self._bullets(block)
            case Table():
                yield from self._table(block)
            case Figure():
                yield from self._figure(block)
            case Quote():
                yield from _quote(block)

    def _bullets(self, block: Bullets) -> Iterator[str]:
        if not block.items:
            return
        yield r"\begin{itemize}"
        # The group keeps a bracket in the text from being the item's label.
        yield from (rf"\item {{}}{self._inlines(item)}" for item in block.items)
        yield r"\end{itemize}"

    # Parts of a line.

    def _inlines(self, parts: Inlines, longest: int = LONGEST_TEXT) -> str:
        return "".join(self._inline(part, longest) for part in parts)

    def _inline(self, part: Inline, longest: int) -> str:  # noqa: PLR0911 - a table
        match part:
            case Text():
                return _text(part.text, longest)
            case Strong():
                return rf"\textbf{{{_text(part.text, longest)}}}"
            case Code():
                return rf"\texttt{{{latex_code(part.text, longest=longest)}}}"
            case Value():
                return rf"\{self.options.macro_prefix}{part.macro}{{}}"
            case Cite():
                return self._cite(part)
            case Ref():
                return self._ref(part)
            case Link():
                url = rf"\texttt{{{latex_code(part.url, longest=longest)}}}"
                same = part.text == part.url
                return url if same else f"{_text(part.text, longest)} ({url})"

    def _cite(self, part: Cite) -> str:
        if self.options.cite:
            return rf"\jgcite{{{','.join(part.keys)}}}"
        entries = {entry.key: entry for entry in self.document.references}
        said = []
        for key in part.keys:
            where = address(entries[key]).removeprefix("https://doi.org/")
            code = rf", \texttt{{{latex_code(where)}}}" if where else ""
            said.append(f"{_text(in_short(entries[key]))}{code}")
        return f"({'; '.join(said)})"

    def _ref(self, part: Ref) -> str:
        titles = {s.label: s.title for s in self.document.sections}
        is_bold = part.kind == "section" and not self._numbers_sections
        if is_bold and part.label in titles:
            return f"``{_text(titles[part.label])}''"
        return rf"{part.kind.capitalize()}~\ref{{{self._label(part.kind, part.label)}}}"

    # Floats.

    def _figure(self, block: Figure) -> Iterator[str]:
        files = self.document.figures.get(block.name, ())
        file = next((str(path) for path in files if path.suffix == ".pdf"), "")
        if file and not _FILE.fullmatch(file):
            raise ValueError(f"a figure's file has a name that TeX may misread: {file}")
        kind = "figure*" if block.wide else "figure"
        yield rf"\begin{{{kind}}}[!htbp]\centering"
        if file:
            width = _WIDE_FIGURE if block.wide else _FIGURE
            yield rf"\jggraphic{{{width}}}{{{file}}}%"
        else:
            yield r"\fbox{The figure was not drawn.}%"
        yield rf"\jgdescription{{{_text(block.alt, breakable=False)}}}%"
        label = self._label("figure", block.label)
        yield rf"\caption{{{self._inlines(block.caption)}}}\label{{{label}}}%"
        yield rf"\end{{{kind}}}"

    def _table(self, block: Table) -> Iterator[str]:
        parts = self._parts(block)
        if len(parts) >= _FLUSHED:
            yield r"\clearpage"
        for number, part in enumerate(parts[:MOST_PARTS]):
            left_out = sum(len(p.table.rows) for p in parts[MOST_PARTS:])
            is_last = number == min(len(parts), MOST_PARTS) - 1
            yield from self._float(
                part,
                label=block.label if number == 0 else f"{block.label}-{number + 1}",
                continues=block.label if number else "",
                note=block.note if is_last else (),
                left_out=left_out if is_last else 0,
            )
            if number % _FLUSHED == _FLUSHED - 1:
                yield r"\clearpage"

    def _parts(self, block: Table) -> list[_Part]:
        """Return the table in parts, none of them too wide or too long for a page.

        A table that one column of the page cannot hold stands across both.
        """
        narrow = [] if block.wide else list(self._laid_out(block, _NARROW_EM))
        if len(narrow) == 1:
            return narrow
        wide = list(self._laid_out(block, _WIDE_EM))
        return narrow if narrow and len(narrow) <= len(wide) else wide

    def _laid_out(self, block: Table, room: float) -> Iterator[_Part]:
        columns = self._extents(block)
        is_wide = room == _WIDE_EM
        if not is_wide and not _fits(columns, room):
            return
        heads = layout.heads(block)
        for kept in layout.column_groups(columns, room, 2 * _GAP * room, heads):
            table = layout.with_columns(block, kept)
            yield from self._row_parts(table, [columns[i] for i in kept], room, is_wide)

    def _row_parts(
        self, table: Table, columns: list[layout.Extent], room: float, is_wide: bool
    ) -> Iterator[_Part]:
        if self._unbroken(table) + _GAP_EM * (len(columns) - 1) <= room:
            widths = None
        else:
            # A first column and one other may need more than there is: the other's
            # words are broken then.
            inner = _inner(room, len(columns))
            found = layout.widths(table, columns, inner)
            widths = found or [inner / len(columns)] * len(columns)
        heights = [_height(self._cells(row), widths) for row in table.rows]
        around = _lines(_em(transliterated(table.caption)), room)
        around += _lines(self._extent(table.note).natural, room)
        # A line of each is in the forty already.
        most = max(MOST_ROWS / 2, MOST_ROWS - max(0.0, _CAPTION * around - 2))
        slices = list(layout.row_groups(heights, most))
        for rows in slices:
            yield _Part(
                table=table,
                rows=table.rows[rows],
                total=table.total if rows == slices[-1] else None,
                widths=widths,
                is_wide=is_wide,
            )

    def _cells(self, row: tuple[Inlines, ...]) -> list[layout.Extent]:
        return [self._extent(cell) for cell in row]

    def _unbroken(self, table: Table) -> float:
        """Return the width of the columns if each head and cell stands in one line."""
        heads = [_BOLD * _em(transliterated(column.title)) for column in table.columns]
        rows = [*table.rows, *([table.total] if table.total is not None else [])]
        cells = [[self._extent(cell).natural for cell in row] for row in rows]
        widest: list[float] = [max(c) for c in zip(heads, *cells, strict=True)]
        return sum(widest)

    def _extents(self, table: Table) -> list[layout.Extent]:
        heads = list(map(_head_extent, table.columns))
        rows = [*table.rows, *([table.total] if table.total is not None else [])]
        cells = [
            [
                self._extent(cell, column)
                for cell, column in zip(row, table.columns, strict=True)
            ]
            for row in rows
        ]
        return layout.extents([heads, *cells])

    def _extent(self, cell: Inlines, column: Column | None = None) -> layout.Extent:
        least, natural = 1.0, 0.0
        for part in cell:
            text, pieces = self._measured(part)
            bold = _BOLD if isinstance(part, Strong) else 1.0
            natural += bold * _em(text)
            least = max(least, bold * max(map(_em, pieces), default=0.0))
        if column is not None and column.align == "right" and not _has_digit(cell):
            natural = least  # "not measured" may stand in two lines
        return layout.Extent(least=least, natural=max(natural, least))

    def _measured(self, part: Inline) -> tuple[str, list[str]]:
        """Return what a part prints, about, and the pieces it can be broken into."""
        match part:
            case Value():
                return part.text, _TIE.sub("\N{NO-BREAK SPACE}", part.text).split(" ")
            case Cite():
                # Authors and years take more than numbers do.
                words = "Surname et al., 2024; " * len(part.keys)
                return words, ["Surname"]
            case Ref():
                words = f"{part.kind} 10"
                return words, [words]
            case Code():
                text = transliterated(part.text)[:LONGEST_CELL]
                return "0" * len(text), [
                    "0" * len(piece) for piece in unbreakable(text, is_code=True)
                ]
            case Link():
                text = f"{part.text} ({part.url})"
                return text, unbreakable(text, is_code=True)
            case _:
                text = transliterated(part.text)[:LONGEST_CELL]
                return text, unbreakable(text)

    def _float(
        self, part: _Part, *, label: str, continues: str, note: Inlines, left_out: int
    ) -> Iterator[str]:
        kind = "table*" if part.is_wide else "table"
        caption, listed = part.table.caption, ""
        if len(caption) > _LONGEST_LISTED:
            listed = f"[{{{_text(caption, _LONGEST_LISTED)}}}]"
        caption = _text(caption)
        if continues:
            first = rf"Table~\ref{{{self._label('table', continues)}}}"
            caption = f"{caption.rstrip('.')} (continued from {first})."
        label = self._label("table", label)
        head = rf"\caption{listed}{{{caption}}}\label{{{label}}}%"
        yield rf"\begin{{{kind}}}[!htbp]\centering"
        if self.options.caption == "above":
            yield head
            yield r"\par\smallskip"
        yield r"\footnotesize"
        yield from self._tabular(part)
        if left_out:
            yield rf"\par\smallskip{{\raggedright {left_out} further rows are in the "
            yield r"JSON form of this report.\par}"
        if note:
            side = r"\raggedright" if part.widths is not None else r"\centering"
            yield rf"\par\smallskip{{{side} {self._inlines(note)}\par}}"
        if self.options.caption == "below":
            yield head
        yield rf"\end{{{kind}}}"

    def _tabular(self, part: _Part) -> Iterator[str]:
        columns = part.table.columns
        if part.widths is None:
            yield r"\setlength{\tabcolsep}{0.5em}"
            spec = "".join(column.align[0] for column in columns)
        else:
            total = sum(part.widths)
            free = 1 - 2 * _GAP * (len(columns) - 1)
            yield rf"\setlength{{\tabcolsep}}{{{_GAP}\linewidth}}"
            spec = "".join(
                rf"p{{{math.floor(free * width / total * 1e4) / 1e4:.4f}\linewidth}}"
                for width in part.widths
            )
        heads: list[Inlines] = [(Strong(column.title),) for column in columns]
        yield rf"\begin{{tabular}}{{@{{}}{spec}@{{}}}}\jgtop"
        yield rf"{self._row(part, heads)}\jgmid"
        yield from (self._row(part, row) for row in part.rows)
        if not part.rows:
            span = rf"\multicolumn{{{len(columns)}}}{{@{{}}l@{{}}}}"
            yield rf"{span}{{none}}\tabularnewline"
        if part.total is not None:
            yield rf"\jgmid {self._row(part, part.total)}"
        yield r"\jgbottom\end{tabular}"

    def _row(self, part: _Part, row: Sequence[Inlines]) -> str:
        cells = []
        for column, cell in zip(part.table.columns, row, strict=True):
            # The group keeps a bracket from being an argument of the line before.
            side = rf"\jg{column.align} " if part.widths is not None else "{}"
            cells.append(f"{side}{self._inlines(cell, LONGEST_CELL)}")
        return rf"{' & '.join(cells)}\tabularnewline"


@dataclass(frozen=True, slots=True)
class _Part:
    """What stands in one float.

    Attributes:
        table: The whole, or some of its columns.
        rows: Some of its rows.
        total: Its last row, in the last part.
        widths: Of its columns in em; None: as wide as they are.
        is_wide: Whether it spans both columns of the page.
    """

    table: Table
    rows: tuple[tuple[Inlines, ...], ...]
    total: tuple[Inlines, ...] | None
    widths: list[float] | None
    is_wide: bool


def _has_digit(cell: Inlines) -> bool:
    return any(c.isdigit() for c in plain(cell))


def _head_extent(column: Column) -> layout.Extent:
    least = _BOLD * max(map(_em, unbreakable(column.title)), default=1.0)
    natural = _BOLD * _em(transliterated(column.title))
    # The heads of numbers may stand in two lines before words have to.
    return layout.Extent(least, least if column.align == "right" else natural)


def _inner(room: float, columns: int) -> float:
    """Return what the gaps leave of the width."""
    return room * (1 - 2 * _GAP * (columns - 1))


def _fits(columns: Sequence[layout.Extent], room: float) -> bool:
    return sum(column.least for column in columns) <= _inner(room, len(columns))


def _height(cells: Sequence[layout.Extent], widths: Sequence[float] | None) -> float:
    """Return the lines of a row, rather too many than too few."""
    if widths is None:
        return 1.0
    return max(
        _lines(cell.natural, width) for cell, width in zip(cells, widths, strict=True)
    )


def _lines(natural: float, width: float) -> float:
    """Return the lines that a text takes, ragged on one side."""
    return 1.0 if natural <= width else math.ceil(1.2 * natural / width)


# Widths of Computer Modern at 8 pt in em (cmr8.tfm), the widest of the usual fonts;
# each class is as wide as its widest usual member.
_WIDTHS = (
    (0.43, frozenset("ijltfrs.,:;'!|I()[]/-` \N{NO-BREAK SPACE}")),
    (0.54, frozenset("0123456789aceovxyz*+=")),
    (1.0, frozenset("mwMW@%&")),
)


def _em(text: str) -> float:
    return sum(map(_em_of, text))


def _em_of(c: str) -> float:
    for width, members in _WIDTHS:
        if c in members:
            return width
    return 0.6 if c.islower() else 0.8


def _text(text: str, longest: int = LONGEST_TEXT, *, breakable: bool = True) -> str:
    shown = latex(text, longest=longest, breakable=breakable)
    return with_subscripts(shown, r"\jgcotwo{}")


def _title(text: str) -> str:
    shown = _text(text)
    bookmark = re.sub(r"[^A-Za-z0-9 .,:;()/-]", "", transliterated(text))
    return shown if shown == bookmark else rf"\jgpdf{{{shown}}}{{{bookmark}}}"


def _quote(block: Quote) -> Iterator[str]:
    """Yield text that is to be copied: line by line, in typewriter."""
    yield rf"\par\medskip\noindent\textbf{{{_text(block.title)}}}"
    yield r"\begin{quote}\footnotesize\ttfamily\raggedright"
    for line in block.text.splitlines():
        indent = r"\ " * min(len(line) - len(line.lstrip(" ")), 12)
        yield rf"\leavevmode {indent}{latex_code(line.strip())}\par"
    yield r"\end{quote}"


def figure_files(document: Document) -> tuple[str, ...]:
    """Return the files that the fragment includes."""
    drawn = (
        path
        for section in document.sections
        for block in section.blocks
        if isinstance(block, Figure)
        for path in document.figures.get(block.name, ())
    )
    return tuple(str(path) for path in drawn if path.suffix == ".pdf")
