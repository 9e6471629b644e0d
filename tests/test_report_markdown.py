"""Markdown of a page, read by a real parser: the same words, no markup of others."""

# ruff: noqa: RUF001 - letters that look like others are the subject here

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest
import report_pages as pages
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from wcwidth import wcswidth

from jupyter_green.report.document import (
    Block,
    Bullets,
    Code,
    Column,
    Document,
    Figure,
    Inlines,
    Link,
    Paragraph,
    Quote,
    Section,
    Strong,
    Table,
    Text,
    Value,
)
from jupyter_green.report.render import markdown
from jupyter_green.report.render.escape import tidy

ANY_TEXT = st.text(max_size=60) | st.sampled_from(pages.TRICKS)
ANY_PART = st.one_of(
    ANY_TEXT.map(Text),
    ANY_TEXT.map(Strong),
    ANY_TEXT.map(Code),
    st.tuples(ANY_TEXT, ANY_TEXT).map(lambda pair: Link(*pair)),
)
PARSER = MarkdownIt("gfm-like", {"linkify": False, "html": True})


def page(*blocks: Block, **more: object) -> Document:
    """Return a page of one section."""
    section = Section(title="All", label="all", blocks=blocks)
    return Document(title="Title", sections=(section,), **more)  # type: ignore[arg-type]


def tokens(text: str) -> list[Token]:
    """Return all tokens of a text, those within lines among them."""
    found = []
    for token in PARSER.parse(text):
        found.append(token)
        found += token.children or []
    return found


def shown(text: str) -> str:
    """Return the words that a reader sees."""
    kept = {"text", "code_inline", "fence", "text_special"}
    parts = [
        token.content if token.type in kept else " "
        for token in tokens(text)
        if token.type in kept or token.type in ("softbreak", "inline")
    ]
    return "".join(parts)


def squeezed(text: str) -> str:
    """Return the letters of a text without what isolates or separates them."""
    return re.sub("[\\s\u2068\u2069]", "", text)


@settings(deadline=None)  # machines that do other work too are slow
@given(st.lists(ANY_PART, max_size=4).map(tuple), ANY_TEXT)
def test_any_text_in_a_paragraph_is_words_only(parts: Inlines, lead: str):
    """No tag, no picture, no foreign block, whatever it says."""
    text = markdown.render(page(Paragraph(parts=parts, lead=lead)))
    kinds = {token.type for token in tokens(text)}
    assert not kinds & {"html_block", "html_inline", "image", "hr", "code_block"}
    assert not kinds & {"blockquote_open", "bullet_list_open", "ordered_list_open"}
    assert not kinds & {"table_open", "fence", "s_open"}
    assert sum(token.type == "heading_open" for token in tokens(text)) == 2


@settings(deadline=None)  # machines that do other work too are slow
@given(ANY_TEXT)
def test_a_short_text_is_read_as_it_was_written(given_text: str):
    """Escapes are seen in the file, not by the reader."""
    wanted = tidy(given_text)
    if max(map(len, wanted.split(" "))) > 60 or "CO2" in wanted:
        return
    for part in (Text(given_text), Strong(given_text), Code(given_text)):
        text = markdown.render(page(Paragraph(parts=(Text("x "), part, Text(" y")))))
        assert squeezed(shown(text)).endswith(squeezed(f"x{wanted}y"))


@settings(deadline=None)  # machines that do other work too are slow
@given(
    st.integers(1, 7).flatmap(
        lambda n: st.lists(
            st.lists(ANY_PART.map(lambda part: (part,)), min_size=n, max_size=n),
            min_size=1,
            max_size=4,
        )
    )
)
def test_any_text_in_a_cell_leaves_the_table_as_it_is(rows: list[list[Inlines]]):
    """The same number of rows and cells, and no wider than a page."""
    columns = tuple(Column(title=f"c{i}") for i in range(len(rows[0])))
    table = Table(
        label="t", caption="C.", columns=columns, rows=tuple(map(tuple, rows))
    )
    text = markdown.render(page(table))
    found = tokens(text)
    tables = sum(token.type == "table_open" for token in found)
    cells = sum(token.type == "td_open" for token in found)
    # Parts repeat the first column.
    assert tables >= 1
    assert cells == len(rows) * (len(columns) + tables - 1)
    for line in text.splitlines():
        if line.startswith("|"):
            assert len(line) <= 100
            assert wcswidth(line) <= 100


@pytest.mark.parametrize("make", [pages.ordinary, pages.hostile, pages.long_tables])
def test_lines_of_a_page_have_at_most_100_columns(make):  # noqa: ANN001 - of pages
    """But for words that cannot be broken, addresses and text to be copied."""
    text = re.sub(r"(?s)(`{3,})text\n.*?\n\1", "", markdown.render(make()))
    for line in text.splitlines():
        if not line.startswith(("#", "![")):
            longest = max(map(len, line.split(" ")))
            assert len(line) <= max(100, longest + len("- (ah) ")), line


def test_a_table_shows_numbers_on_the_right_and_its_source_below():
    """As its columns say."""
    text = markdown.render(pages.ordinary())
    assert "| Component        | Basis     |    Energy (kWh) | Share |" in text
    assert "| ---------------- | --------- | --------------: | ----: |" in text
    assert "| GPU              | measured  |     2.71 ± 0.14 |  87 % |" in text
    assert "Source: counters and models" in text


def test_what_a_cell_cannot_hold_stands_below_the_table():
    """Nothing is lost by an abbreviation."""
    long = "several words " * 20
    columns = (Column(title="Name"), Column(title="Why"))
    table = Table(
        label="t", caption="C.", columns=columns, rows=(pages.cells("a", long),)
    )
    text = markdown.render(page(table))
    assert "… (a) |" in text
    assert squeezed(f"(a) {long}") in squeezed(shown(text))


def test_a_table_of_many_columns_stands_in_parts():
    """Each with the names of the rows."""
    text = markdown.render(pages.long_tables())
    assert "**Table 3.** Fourteen columns. (Part 1 of 3.)" in text
    assert text.count("| run 11 |") == 3


def test_rows_that_two_columns_name_keep_both_in_each_part():
    """A verdict beside an experiment, without its quantity, would say nothing."""
    names = ("experiment", "quantity", "a", "b", "c")
    rows = tuple(
        pages.cells("pruned", quantity, *("0.123 (0.100 to 0.145) " * 2,) * 3)
        for quantity in ("energy", "time")
    )
    columns = tuple(Column(title=name, align="right") for name in names)
    table = Table(label="t", caption="C.", columns=columns, rows=rows)
    text = markdown.render(page(table))
    parts = [line for line in text.splitlines() if "experiment" in line]
    assert len(parts) > 1
    assert all("quantity" in line for line in parts)


def test_references_and_citations_have_their_numbers():
    """Sections are linked, as Git hosts give them addresses."""
    text = markdown.render(pages.ordinary())
    assert "are in Table 2 and Figure 1" in text
    assert "[Section 2](#2-compute)" in text
    assert "\\[1, 2\\]" in text
    assert "1. Alexandre Lacoste, Alexandra Luccioni" in text
    assert "(https://doi.org/10.1002/advs.202100707)" in text


@pytest.mark.parametrize(
    ("title", "address"),
    [
        ("2. Compute", "2-compute"),
        ("CO2e & Co.", "coe--co"),
        ("Größe (kWh)", "größe-kwh"),
        ("a_b 100 %", "a_b-100-"),
    ],
)
def test_a_headings_address_is_githubs(title: str, address: str):
    """Letters, digits, hyphens and underscores are kept; blanks are hyphens."""
    assert markdown.slug(title) == address


def test_a_figure_is_a_picture_beside_the_file():
    """SVG first, in the folder that the caller names."""
    text = markdown.render(pages.ordinary(), folder="paper/my energy")
    assert "](paper/my%20energy/fig-purpose.svg)" in text
    png = {"f": (PurePosixPath("f.pdf"), PurePosixPath("f.png"))}
    figure = Figure(label="f", caption=(Text("C"),), name="f", alt="A ] b")
    assert "![A \\] b](f.png)" in markdown.render(page(figure, figures=png))
    assert "was not drawn" in markdown.render(page(figure))


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//[", "file:///etc/passwd"]
)
def test_only_addresses_of_the_web_are_linked(url: str):
    """Others are shown as they are."""
    text = markdown.render(page(Paragraph(parts=(Link("words", url),))))
    assert not any(token.type == "link_open" for token in tokens(text))
    assert squeezed(url) in squeezed(shown(text))


def test_an_address_cannot_leave_its_link():
    """Brackets and blanks in it are percent-encoded."""
    link = Link("w", "https://e.org/a) <b> [c](d) &copy=1")
    text = markdown.render(page(Paragraph(parts=(link,))))
    targets = [t.attrs["href"] for t in tokens(text) if t.type == "link_open"]
    assert targets == ["https://e.org/a%29%20%3Cb%3E%20%5Bc%5D%28d%29%20&copy=1"]


def test_text_to_be_copied_is_kept_within_its_fence():
    """Backticks in it make the fence longer."""
    quote = Quote(title="T", text="a\n```\n  b | <i>\n````")
    fences = [t for t in tokens(markdown.render(page(quote))) if t.type == "fence"]
    assert [t.content for t in fences] == ["a\n```\n  b | <i>\n````\n"]


def test_right_to_left_labels_do_not_turn_their_neighbours():
    """They are isolated."""
    text = markdown.render(page(Paragraph(parts=(Text("שלום"), Value("1 J", "A")))))
    assert "\u2068שלום\u2069" in text


def test_a_list_that_begins_like_another_stays_one():
    """An item's text is not a list in the list."""
    items = tuple((Text(t),) for t in ("- a", "1. b", "+ c", "# d", "> e", "=f", "* g"))
    found = tokens(markdown.render(page(Bullets(items=items))))
    assert sum(t.type == "list_item_open" for t in found) == len(items)
    assert sum(t.type == "bullet_list_open" for t in found) == 1


@pytest.mark.parametrize("hazard", [">", "- x", "1. y", "# z", "+ q", "=", "* r"])
def test_a_line_is_not_broken_where_the_next_would_begin_a_block(hazard: str):
    """In words it is escaped; in code an escape would be seen, so it is not broken."""
    for width in range(70, 100):
        for part in (Text, Code):
            words = f"{'x ' * (width // 2)}{'y' * (width % 2)} {hazard} end"
            found = tokens(markdown.render(page(Paragraph(parts=(part(words),)))))
            kinds = [t.type for t in found if t.type.endswith("_open")]
            assert kinds == ["heading_open"] * 2 + ["paragraph_open"]


def test_a_number_at_the_beginning_of_a_line_is_left_as_it_is():
    """It is no list unless a blank follows its point."""
    text = markdown.render(page(Paragraph(parts=(Text("0.27 kWh and -3.5 W"),))))
    assert "\n0.27 kWh and -3.5 W\n" in text


README = "# Project\n\nText.\n\n{block}\n## More\n"


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_readme_is_changed_between_the_marks_only(ends: str):
    """In its own line ends, and as often as one likes."""
    old = f"{markdown.START}\nold\n{markdown.END}\n"
    readme = README.format(block=old).replace("\n", ends)
    block = markdown.block(pages.ordinary())
    new = markdown.patch(readme, block)
    assert new == README.format(block=block).replace("\n", ends)
    assert markdown.patch(new, block) == new


def test_a_readme_without_marks_gets_the_block_at_its_end():
    """Also an empty one, and one without a last line end."""
    block = markdown.block(pages.ordinary())
    assert markdown.patch("", block) == block
    assert markdown.patch("# A", block) == f"# A\n\n{block}"
    assert markdown.patch("# A\n", block) == f"# A\n\n{block}"
    twice = markdown.patch(markdown.patch("# A\n", block), block)
    assert twice == f"# A\n\n{block}"


@pytest.mark.parametrize(
    "marks",
    [
        [markdown.START],
        [markdown.END],
        [markdown.END, markdown.START],
        [markdown.START, markdown.START, markdown.END],
        [markdown.START, markdown.END, markdown.START, markdown.END],
    ],
)
def test_a_readme_with_broken_marks_is_left_alone(marks: list[str]):
    """What would be replaced is not clear."""
    with pytest.raises(ValueError, match="not one"):
        markdown.patch("\n".join(["# A", *marks, "text", ""]), "block")
