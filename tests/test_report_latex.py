"""The LaTeX of a page as text: nothing in it is TeX's but what we wrote."""

# ruff: noqa: RUF001 - letters that look like others are the subject here

from __future__ import annotations

import re
import string
from pathlib import PurePosixPath

import pytest
import report_pages as pages
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_green.report.document import (
    Cite,
    Column,
    Document,
    Figure,
    Paragraph,
    Ref,
    Reference,
    Section,
    Table,
    Text,
    Value,
    problems,
)
from jupyter_green.report.render import layout
from jupyter_green.report.render.escape import (
    LONGEST_WORD,
    bibtex,
    latex,
    latex_code,
    shorten,
    tidy,
    transliterated,
)
from jupyter_green.report.render.latex import LatexOptions, fragment, macros, render
from jupyter_green.report.render.references import bibliography

# All that the escapers may write with a backslash: accents, letters, marks.
COMMAND = re.compile(
    r"""\\(?:
    (?:textbackslash|textbraceleft|textbraceright|textasciitilde|textasciicircum
    |textless|textgreater|textbar|ldots|jgb|jgc|char[0-9]+
    |ss|ae|AE|oe|OE|o|O|aa|AA|l|L|i|j|[uvHrcdb](?=\{))(?:\{\}|\ |(?![A-Za-z]))
    |ensuremath\{(?:[_^][0-9]|\^\\circ|-|\\[A-Za-z]+)\}
    |["'`^~=.](?=\{)|[&%\#_]|-)""",
    re.VERBOSE,
)
ANY_TEXT = st.text(max_size=80) | st.sampled_from(pages.TRICKS)


def active(shown: str) -> str:
    """Return what TeX would take as more than letters in an escaped text."""
    rest = COMMAND.sub("", shown)
    depth = 0
    for c in rest:
        depth += {"{": 1, "}": -1}.get(c, 0)
        assert depth >= 0, "a group is closed that was not opened"
    assert depth == 0, "a group is left open"
    return "".join(c for c in rest if c in "\\$&#%^_~")


@settings(deadline=None)  # machines that do other work too are slow
@given(ANY_TEXT)
def test_no_text_has_a_character_that_tex_acts_on(text: str):
    """Whatever the text: only letters and known commands, in balanced groups."""
    for escaper in (latex, latex_code):
        shown = escaper(text)
        assert shown.isascii()
        assert not set(shown) - set(string.printable)
        assert "\n" not in shown
        assert active(shown) == ""
    # Accents stand in groups, whose braces BibTeX counts.
    in_bib = bibtex(text).replace(r"{\penalty0\hskip0pt}", "")
    assert active(in_bib) == ""
    assert in_bib.count("{") == in_bib.count("}")


@settings(deadline=None)  # machines that do other work too are slow
@given(st.text(string.ascii_letters + string.digits + " ", max_size=60))
def test_plain_words_are_left_as_they_are(text: str):
    """Breaks aside, nothing is changed that needs no change."""
    shown = re.sub(r"\\jg[bc] |\\-", "", latex(text))
    if all(len(word) <= LONGEST_WORD for word in text.split()):
        assert shown == text.replace("  ", " ").replace("  ", " ") or "  " in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50 % of a_b & #1", r"50 \% of a\_b \& \#1"),
        ("naïve Łódź", r"na\"{\i}ve \L{}\'{o}d\'{z}"),
        (
            "α Ω Α ς",
            r"\ensuremath{\alpha} \ensuremath{\Omega} A \ensuremath{\varsigma}",
        ),
        ("± µ °", r"\ensuremath{\pm} \ensuremath{\mu} \ensuremath{^\circ}"),
        ("-- '' !`", r"-{}- '{}' !{}\`{}"),
        ("北京 模型", "BeiJing MoXing"),
        ("🚀 fast", ":rocket: fast"),
        ("Москва", "Moskva"),
    ],
)
def test_letters_that_tex_lacks_are_written_by_sound_or_name(text: str, expected: str):
    """A reader of the paper can still tell the labels apart."""
    assert latex(text) == expected


def test_control_and_direction_characters_are_named_or_dropped():
    """None reaches a page, where it could reorder what is read."""
    assert tidy("a\x07b\u202ec\u200bd\ud800e") == "a[U+0007]bcd[U+D800]e"
    assert transliterated("\ue000") == "[U+E000]"


@settings(deadline=None)  # machines that do other work too are slow
@given(st.text(max_size=300), st.integers(20, 100))
def test_a_shortened_text_fits_and_tells_itself_apart(text: str, longest: int):
    """The hash differs where only the part left out does."""
    short = shorten(text, longest)
    assert len(short) <= longest
    long = "x" * 500
    assert shorten(f"{long}a{long}", longest) != shorten(f"{long}b{long}", longest)


def test_a_long_name_may_be_broken_after_its_marks():
    """Between letters only if nothing else helps, as the other mark says."""
    assert latex_code("runs/2026/train") == r"runs/\jgb 2026/\jgb train"
    assert latex("3fa9c1d2e5b7a8c90d1e") == r"3fa9c\jgc 1d2e5\jgc b7a8c\jgc 90d1e"
    assert latex("location-based figures") == r"location-\jgb based figures"


def test_each_value_is_a_macro_of_letters_and_stands_in_the_text_by_it():
    """The body of a paper quotes the same numbers as its appendix."""
    page = pages.ordinary()
    text = macros(page)
    names = re.findall(r"\\newcommand\{\\(JG\w+)\}", text)
    assert {"JGEnergyIt", "JGGPUHours", "JGCarbonIntensity"} <= set(names)
    assert all(name.isalpha() for name in names)
    assert len(names) == len(set(names))
    shown = fragment(page)
    assert r"\JGEnergyIt{}" in shown
    assert "3.12" not in shown, "the number stands in one file only"


def test_the_macros_prefix_and_the_labels_are_the_authors():
    """Two appendices do not collide in one paper."""
    options = LatexOptions(macro_prefix="Own", label_prefix="own:")
    files = render(pages.ordinary(), options)
    assert r"\newcommand{\OwnEnergyIt}" in files["energy-macros.tex"]
    assert r"\label{tab:own:totals}" in files["energy-appendix.tex"]
    assert "JG" not in files["energy-appendix.tex"]


@pytest.mark.parametrize("given", [{"macro_prefix": "J2"}, {"label_prefix": "a{b"}])
def test_a_prefix_that_tex_would_misread_is_refused(given: dict[str, str]):
    """Before a file is written."""
    with pytest.raises(ValueError, match="not "):
        LatexOptions(**given)


def test_siunitx_prints_quantities_where_it_knows_the_unit():
    """Other texts stay texts."""
    text = macros(pages.ordinary(), LatexOptions(siunitx=True))
    assert r"{\jgpdf{\SI[separate-uncertainty=true]{3.12 +- 0.16}{kWh}}" in text
    assert r"\jgvalue{not measured}" in text


def test_only_cited_entries_are_in_the_bibliography():
    """An uncited entry would be printed by no style."""
    page = pages.ordinary()
    unused = Reference(key="unused", entry="misc", fields={"title": "Unused"})
    more = Document(
        title=page.title,
        sections=page.sections,
        values=page.values,
        references=(*page.references, unused),
        figures=page.figures,
    )
    text = render(more)["energy.bib"]
    assert "@article{lannelongue2021green," in text
    assert 'author = {Lannelongue, Lo{\\"{\\i}}c and' in text
    assert "author = {{NVIDIA Corporation}}" in text
    assert "unused" not in text


def test_without_citations_authors_years_and_addresses_stand_in_the_text():
    """For a paper that has no room in its bibliography."""
    files = render(pages.ordinary(), LatexOptions(cite=False))
    assert "energy.bib" not in files
    shown = re.sub(r"\\jg[bc] ", "", files["energy-appendix.tex"])
    assert "(Lacoste et al. 2019" in shown
    assert "10.1002/advs.202100707" in shown


def test_an_address_that_tex_would_misread_stands_in_the_note():
    """A percent sign in a field would be a comment in some styles."""
    entry = Reference(key="k", entry="misc", fields={"url": "a.org/%20b"})
    assert "url =" not in bibliography([entry])
    assert r"a.org/\%20b" in bibliography([entry])


@pytest.mark.parametrize("key", ["a b", "a,b", "a{b", "", "ä"])
def test_a_key_that_bibtex_would_misread_is_refused(key: str):
    """Keys are ours, so a wrong one is a fault of the page."""
    with pytest.raises(ValueError, match="not a BibTeX entry"):
        bibliography([Reference(key=key, entry="misc", fields={})])


@pytest.mark.parametrize("longest", [40])
@pytest.mark.parametrize(
    "page", [pages.ordinary(), pages.hostile(), pages.long_tables()]
)
def test_no_table_has_more_rows_than_a_page_holds(page: Document, longest: int):
    """What is longer goes on in the next."""
    tables = re.findall(
        r"\\begin\{tabular\}.*?\\end\{tabular\}", fragment(page), re.DOTALL
    )
    assert tables
    for table in tables:
        rows = table.count(r"\tabularnewline") - 1
        assert rows <= longest + 1, "a total may be one more"


def test_rows_beyond_the_last_part_are_counted_and_referred_to():
    """Nobody takes the part for the whole."""
    shown = fragment(pages.long_tables())
    assert "further rows are in the JSON form" in " ".join(shown.split())


def test_widths_of_columns_never_exceed_the_line():
    """The gaps between them are counted."""
    shown = fragment(pages.hostile()) + fragment(pages.long_tables())
    specs = re.findall(
        r"\\begin\{tabular\}\{@\{\}((?:p\{[\d.]+\\linewidth\})+)@", shown
    )
    assert specs
    for spec in specs:
        parts = [float(x) for x in re.findall(r"p\{([\d.]+)", spec)]
        assert sum(parts) + 2 * 0.012 * (len(parts) - 1) <= 1.0


@settings(deadline=None)  # machines that do other work too are slow
@given(
    st.lists(
        st.tuples(st.floats(0.5, 30), st.floats(0, 60)).map(
            lambda pair: layout.Extent(pair[0], pair[0] + pair[1])
        ),
        min_size=1,
        max_size=12,
    ),
    st.floats(10, 120),
)
def test_columns_get_what_they_need_within_the_room(
    columns: list[layout.Extent], room: float
):
    """Or it is said that they do not fit."""
    table = Table(
        label="t",
        caption="",
        columns=tuple(
            Column(title="", align="right" if i % 2 else "left")
            for i in range(len(columns))
        ),
        rows=(),
    )
    widths = layout.widths(table, columns, room)
    needed = sum(column.least for column in columns)
    assert (widths is None) == (needed > room)
    if widths is not None:
        assert sum(widths) <= room * (1 + 1e-9)
        for width, column in zip(widths, columns, strict=True):
            assert column.least - 1e-9 <= width <= column.natural + 1e-9


@settings(deadline=None)  # machines that do other work too are slow
@given(st.lists(st.floats(0.5, 50), min_size=2, max_size=15), st.floats(5, 80))
def test_each_column_but_the_first_stands_in_one_part(least: list[float], room: float):
    """The first, which names the rows, stands in all."""
    extents = [layout.Extent(width, width) for width in least]
    groups = layout.column_groups(extents, room, 1.0)
    assert all(group[0] == 0 for group in groups)
    rest = [i for group in groups for i in group[1:]]
    assert rest == list(range(1, len(least)))
    for group in groups:
        if len(group) > 2:
            used = sum(least[i] for i in group) + len(group) - 1
            assert used <= room * (1 + 1e-9)


def test_a_page_that_is_not_whole_is_refused_with_all_its_faults():
    """A renderer never prints a reference to nothing."""
    table = Table(
        label="a b",
        caption="",
        columns=(Column(title="x"),),
        rows=(pages.cells("1", "2"),),
    )
    parts = (
        Ref("no", "table"),
        Cite(("none",)),
        Value("1", "A1"),
        Value("1", "B"),
        Value("2", "B"),
        Text("x"),
    )
    section = Section(title="S", label="s", blocks=(Paragraph(parts=parts), table))
    page = Document(title="T", sections=(section, section))
    faults = " ".join(problems(page))
    for word in ("'a b'", "'s'", "'no'", "'none'", "'A1'", "B stands for", "1 cells"):
        assert word in faults
    with pytest.raises(ValueError, match="there is no table 'no'"):
        render(page)


def test_a_figure_that_was_not_drawn_is_said_and_a_bad_name_is_refused():
    """A missing picture is no error of TeX's."""
    figure = Figure(label="f", caption=(), name="fig", alt="")
    section = Section(title="S", label="s", blocks=(figure,))
    assert "was not drawn" in fragment(Document(title="T", sections=(section,)))
    bad = {"fig": (PurePosixPath("a b$.pdf"),)}
    with pytest.raises(ValueError, match="TeX may misread"):
        fragment(Document(title="T", sections=(section,), figures=bad))
