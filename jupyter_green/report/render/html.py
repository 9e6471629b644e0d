"""A page as one HTML file that needs nothing else: no script, no address, no font.

Styles and pictures are inside; colours follow the reader's light or dark scheme, and a
printed page has none.  It is written for screen readers, too: one heading for each
section, heads and captions of tables, words for pictures.  Links open only addresses of
the web.

    text = render(document, {"fig-purpose.svg": picture})

Pure.  The few elements are joined here; a template would hide where each is escaped.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

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
    whole,
)
from jupyter_green.report.render import numbering
from jupyter_green.report.render.escape import (
    LONGEST_TEXT,
    is_right_to_left,
    shorten,
    tidy,
    with_subscripts,
)
from jupyter_green.report.render.references import in_words

# The first that is there: letters in it stay sharp.
_PICTURES = {".svg": "image/svg+xml", ".png": "image/png"}
_SCHEMES = ("http", "https", "mailto")

# Nothing is loaded, and nothing runs, whatever stands in the texts.
_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src '
    "'none'; img-src data:; style-src 'unsafe-inline'\">"
)
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f23; --faint: #57606a; --line: #d0d7de;
  --paper: #fff; --tint: #f6f8fa; --link: #0a5ca8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --faint: #9da7b1;
  --line: #3d444d; --paper: #12161b; --tint: #1c2128; --link: #79b8ff; } }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 1.5rem; }
h2 { font-size: 1.2rem; margin: 2.25rem 0 .6rem; }
p, li, td, th, figcaption, caption { overflow-wrap: anywhere; }
a { color: var(--link); }
code, pre { font: .875em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: 6px;
  padding: .75rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.table { overflow-x: auto; margin: 1.25rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .875rem;
  border-bottom: 2px solid var(--ink); font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
  min-width: 3rem; font-weight: inherit; }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-weight: 600; border-top: 2px solid var(--ink);
  border-bottom: 1px solid var(--ink); vertical-align: bottom; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
tfoot > tr > * { border-top: 1px solid var(--ink); }
.number { text-align: right; overflow-wrap: normal; }
.note, figcaption { color: var(--faint); font-size: .875rem; margin: .5rem 0 0; }
figure { margin: 1.5rem 0; }
.value { white-space: nowrap; }
img { width: 34rem; max-width: 100%; height: auto; background: #fff;
  border-radius: 4px; }
@media print { :root { color-scheme: light; --ink: #000; --faint: #333; --line: #999;
  --paper: #fff; --tint: #fff; --link: #000; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; }
  h2 { break-after: avoid; } tr, figure, pre { break-inside: avoid; }
  thead { display: table-header-group; } .table { overflow: visible; }
  a { text-decoration: none; } }
""".strip()


def render(document: Document, pictures: Mapping[str, bytes] | None = None) -> str:
    """Return the page.

    Args:
        document: The page.
        pictures: The figures' files by their names in `Document.figures`.

    Raises:
        ValueError: The page is not whole (`document.problems`).
    """
    numbers = numbering.count(whole(document))
    return _Writer(document, numbers, pictures or {}).page()


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes one page."""

    document: Document
    numbers: numbering.Numbers
    pictures: Mapping[str, bytes]

    def page(self) -> str:
        title = _words(self.document.title)
        plain = escape(tidy(self.document.title).strip())
        sections = [part for s in self.document.sections for part in self._section(s)]
        return "\n".join(
            [
                "<!DOCTYPE html>",
                '<html lang="en">',
                "<head>",
                '<meta charset="utf-8">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                _POLICY,
                f"<title>{plain}</title>",
                f"<style>\n{_STYLE}\n</style>",
                "</head>",
                "<body>",
                "<main>",
                f"<h1>{title}</h1>",
                *sections,
                *self._references(),
                "</main>",
                "</body>",
                "</html>",
                "",
            ]
        )

    def _section(self, section: Section) -> Iterator[str]:
        number = self.numbers.labels["section", section.label]
        name = f"section-{section.label}"
        yield f'<section id="{name}" aria-labelledby="{name}-title">'
        yield f'<h2 id="{name}-title">{number}. {_words(section.title)}</h2>'
        for block in section.blocks:
            yield from self._block(block)
        yield "</section>"

    def _block(self, block: Block) -> Iterator[str]:
        match block:
            case Paragraph():
                lead = f"<strong>{_words(block.lead)}</strong> " if block.lead else ""
                yield f"<p>{lead}{self._inlines(block.parts)}</p>"
            case Bullets():
                yield "<ul>"
                yield from (f"<li>{self._inlines(item)}</li>" for item in block.items)
                yield "</ul>"
            case Table():
                yield from self._table(block)
            case Figure():
                yield from self._figure(block)
            case Quote():
                yield f"<p><strong>{_words(block.title)}</strong></p>"
                lines = "\n".join(map(_line, block.text.splitlines()))
                yield f"<pre>{lines}</pre>"

    # Parts of a line.

    def _inlines(self, parts: Inlines) -> str:
        return "".join(map(self._inline, parts))

    def _inline(self, part: Inline) -> str:  # noqa: PLR0911 - a table
        match part:
            case Text():
                return _words(part.text)
            case Value():
                return f'<span class="value">{_words(part.text)}</span>'
            case Strong():
                return f"<strong>{_words(part.text)}</strong>"
            case Code():
                return f"<code>{_isolated(_short(part.text))}</code>"
            case Cite():
                return self._cite(part)
            case Ref():
                name = f"{part.kind}-{part.label}"
                words = escape(self.numbers.words(part))
                is_page = part.label == self.document.label and part.kind == "section"
                return words if is_page else f'<a href="#{name}">{words}</a>'
            case Link():
                return _link(part)

    def _cite(self, part: Cite) -> str:
        numbers = [self.numbers.keys[key] for key in part.keys]
        links = ", ".join(f'<a href="#reference-{n}">{n}</a>' for n in numbers)
        return f"[{links}]"

    # Blocks.

    def _references(self) -> Iterator[str]:
        if not self.document.references:
            return
        entries = {entry.key: entry for entry in self.document.references}
        yield '<section aria-labelledby="references-title">'
        yield '<h2 id="references-title">References</h2>'
        yield "<ol>"
        for key, number in self.numbers.keys.items():
            words = self._inlines(in_words(entries[key]))
            yield f'<li id="reference-{number}">{words}</li>'
        yield "</ol>"
        yield "</section>"

    def _figure(self, block: Figure) -> Iterator[str]:
        number = self.numbers.labels["figure", block.label]
        yield f'<figure id="figure-{block.label}">'
        yield self._picture(block)
        caption = self._inlines(block.caption)
        yield f"<figcaption><strong>Figure {number}.</strong> {caption}</figcaption>"
        yield "</figure>"

    def _picture(self, block: Figure) -> str:
        files = self.document.figures.get(block.name, ())
        for suffix, kind in _PICTURES.items():
            for file in files:
                picture = self.pictures.get(str(file))
                if file.suffix == suffix and picture is not None:
                    data = b64encode(picture).decode("ascii")
                    alt = escape(_short(block.alt).strip())
                    return f'<img alt="{alt}" src="data:{kind};base64,{data}">'
        return f"<p>(The figure was not drawn.) {_words(block.alt)}</p>"

    def _table(self, block: Table) -> Iterator[str]:
        number = self.numbers.labels["table", block.label]
        caption = f"<strong>Table {number}.</strong> {_words(block.caption)}"
        yield f'<div class="table" id="table-{block.label}">'
        yield f"<table>\n<caption>{caption}</caption>"
        heads = "".join(
            f'<th scope="col"{_side(column.align)}>{_words(column.title)}</th>'
            for column in block.columns
        )
        yield f"<thead><tr>{heads}</tr></thead>"
        yield "<tbody>"
        yield from (self._row(block, row) for row in block.rows)
        if not block.rows:
            yield f'<tr><td colspan="{len(block.columns)}">none</td></tr>'
        yield "</tbody>"
        if block.total is not None:
            yield f"<tfoot>{self._row(block, block.total)}</tfoot>"
        yield "</table>"
        if block.note:
            yield f'<p class="note">{self._inlines(block.note)}</p>'
        yield "</div>"

    def _row(self, block: Table, row: tuple[Inlines, ...]) -> str:
        cells = []
        for i, (column, cell) in enumerate(zip(block.columns, row, strict=True)):
            # The first cell names its row.
            element, scope = ("td", "") if i else ("th", ' scope="row"')
            side = _side(column.align)
            cells.append(f"<{element}{scope}{side}>{self._inlines(cell)}</{element}>")
        return f"<tr>{''.join(cells)}</tr>"


def _side(align: str) -> str:
    return ' class="number"' if align == "right" else ""


def _short(text: str) -> str:
    return shorten(tidy(text), LONGEST_TEXT)


def _words(text: str) -> str:
    return with_subscripts(_isolated(_short(text)), "CO<sub>2</sub>")


def _isolated(text: str) -> str:
    """Return *text* escaped; right-to-left letters do not reorder what is around."""
    return f"<bdi>{escape(text)}</bdi>" if is_right_to_left(text) else escape(text)


def _line(text: str) -> str:
    indent = " " * (len(text) - len(text.lstrip(" ")))
    return f"{indent}{_isolated(_short(text).strip())}"


def _link(part: Link) -> str:
    words = _words(part.text)
    try:
        scheme = urlsplit(part.url).scheme
    except ValueError:  # such as "//[", which is no address
        scheme = ""
    if scheme in _SCHEMES:
        return f'<a href="{escape(tidy(part.url))}" rel="noreferrer">{words}</a>'
    if part.text == part.url:
        return words
    return f"{words} (<code>{_isolated(_short(part.url))}</code>)"
