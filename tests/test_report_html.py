"""HTML of a page, read by a real parser: well-formed, accessible, alone."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import PurePosixPath

import pytest
import report_pages as pages
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_green.report.document import (
    Block,
    Code,
    Document,
    Figure,
    Link,
    Paragraph,
    Quote,
    Section,
    Strong,
    Text,
)
from jupyter_green.report.render import html
from jupyter_green.report.render.escape import tidy

ANY_TEXT = st.text(max_size=80) | st.sampled_from(pages.TRICKS)
VOID = {"meta", "img", "br", "link"}


class Reader(HTMLParser):
    """Collects elements and words, and checks that elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and its attributes."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that it is the last one opened."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect words, but for the styles."""
        if "style" not in self.open:
            self.words.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of each element of that name."""
        return [attributes for name, attributes in self.elements if name == tag]


def page(*blocks: Block) -> Document:
    """Return a page of one section."""
    section = Section(title="All", label="all", blocks=blocks)
    return Document(title="Title", sections=(section,))


def squeezed(text: str) -> str:
    """Return *text* without blanks."""
    return "".join(text.split())


@settings(deadline=None)  # machines that do other work too are slow
@given(ANY_TEXT)
def test_any_text_is_read_as_it_was_written(given_text: str):
    """In each place; and it makes no element."""
    plain = Reader(html.render(page(Paragraph(parts=(Text("x"), Strong("x"))))))
    parts = (Text(given_text), Strong(given_text), Code(given_text))
    reader = Reader(html.render(page(Paragraph(parts=parts, lead=given_text))))
    read, wanted = squeezed("".join(reader.words)), squeezed(tidy(given_text))
    if len(wanted) > 3900:  # shortened
        wanted = wanted[:1000]
    assert read.count(wanted) >= 4
    allowed = {name for name, _ in plain.elements} | {"code", "bdi", "sub"}
    assert {name for name, _ in reader.elements} <= allowed


@settings(deadline=None)  # machines that do other work too are slow
@given(ANY_TEXT, ANY_TEXT)
def test_a_link_opens_addresses_of_the_web_only(text: str, url: str):
    """No script, no file, whatever the address says."""
    reader = Reader(html.render(page(Paragraph(parts=(Link(text, url),)))))
    for link in reader.named("a"):
        assert (link["href"] or "").startswith(("http:", "https:", "mailto:"))


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "//["]
)
def test_an_address_that_runs_is_words(url: str):
    """It is shown, not linked."""
    text = html.render(page(Paragraph(parts=(Link("w", url),))))
    assert Reader(text).named("a") == []
    assert squeezed(url) in squeezed("".join(Reader(text).words))


@pytest.mark.parametrize("make", [pages.ordinary, pages.hostile, pages.long_tables])
def test_a_page_is_well_formed_and_needs_nothing_else(make):  # noqa: ANN001 - of pages
    """No script, no address that is loaded, no foreign style."""
    text = html.render(make(), {"fig-purpose.svg": b"<svg/>"})
    reader = Reader(text)
    names = {name for name, _ in reader.elements}
    assert not names & {"script", "link", "iframe", "object", "embed", "form", "base"}
    for _, attributes in reader.elements:
        assert not any(name.startswith("on") for name in attributes)
        assert "style" not in attributes
    assert all((p["src"] or "").startswith("data:") for p in reader.named("img"))
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    for wanted in ("prefers-color-scheme: dark", "@media print"):
        assert wanted in style


def test_a_screen_reader_finds_its_way():
    """Language, headings, heads and captions of tables, words for pictures."""
    picture = {"fig-purpose.svg": b"<svg/>"}
    reader = Reader(html.render(pages.ordinary(), picture))
    assert reader.named("html") == [{"lang": "en"}]
    assert len(reader.named("h1")) == 1
    assert len(reader.named("h2")) == len(pages.ordinary().sections) + 1
    tables = len(reader.named("table"))
    assert tables == len(reader.named("caption")) == 2
    assert {th.get("scope") for th in reader.named("th")} == {"row", "col"}
    assert [img["alt"] for img in reader.named("img")] == [
        "Bars: final 1.9 kWh, search 0.8 kWh, failed 0.4 kWh."
    ]
    ids = [a["id"] for _, a in reader.elements if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {a["href"] for a in reader.named("a")}
    assert {t[1:] for t in targets if t and t.startswith("#")} <= set(ids)


def test_numbers_and_references_are_those_of_the_page():
    """Values as they are, CO2 with its subscript, citations as links."""
    text = html.render(pages.ordinary())
    assert '<span class="value">3.12 ± 0.16 kWh</span>' in text
    assert "CO<sub>2</sub>e" in text
    assert '<a href="#table-totals">Table 2</a>' in text
    assert '[<a href="#reference-1">1</a>, <a href="#reference-2">2</a>]' in text
    assert '<td class="number">not measured</td>' in text


def test_a_picture_is_inside_as_data_the_sharper_first():
    """A PNG where there is no SVG; words where there is none."""
    figure = Figure(label="f", caption=(), name="f", alt="Rising.")
    section = Section(title="S", label="s", blocks=(figure,))
    files = {"f": (PurePosixPath("f.png"), PurePosixPath("f.svg"))}
    document = Document(title="T", sections=(section,), figures=files)
    both = html.render(document, {"f.png": b"png", "f.svg": b"svg"})
    assert 'src="data:image/svg+xml;base64,c3Zn"' in both
    assert "data:image/png;base64,cG5n" in html.render(document, {"f.png": b"png"})
    assert "was not drawn.) Rising." in html.render(document)


def test_text_to_be_copied_keeps_its_lines():
    """And its indents."""
    text = html.render(page(Quote(title="T", text="a\n  <b>\n\nc")))
    assert re.search(r"<pre>a\n  &lt;b&gt;\n\nc</pre>", text)


def test_right_to_left_words_are_isolated():
    """They do not turn what stands beside them."""
    assert "<bdi>שלום</bdi>" in html.render(page(Paragraph(parts=(Text("שלום"),))))
