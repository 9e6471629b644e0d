"""The fragment in real papers: each venue's class, compiled and looked at."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
import report_pages as pages

from jupyter_green.errors import TexError
from jupyter_green.report import figures
from jupyter_green.report.document import Document, Paragraph, Section, Text
from jupyter_green.report.render import latex
from jupyter_green.report.render.compile import Compiled, compile_pdf, compiled
from jupyter_green.report.render.latex import LatexOptions

PAPERS = {path.stem: path for path in Path(__file__).parent.glob("data/tex/*.tex")}
MAKE: dict[str, Callable[[], Document]] = {
    "ordinary": pages.ordinary,
    "hostile": pages.hostile,
    "long": pages.long_tables,
}
OWN = "@article{own, author={Own, Ann}, title={Own}, journal={J}, year={2026}}\n"
SENTENCES = "We trained a model, which took its time; then we did it again. " * 24
# Written by the class itself below its first page, with and without the fragment.
ELSEVIERS_FOOT = "has occurred while \\output is active"

NEEDED = ("pdflatex", "bibtex", "kpsewhich", "pdftotext", "pdffonts")
CLASSES = ("acmart.cls", "IEEEtran.cls", "revtex4-2.cls", "elsarticle.cls", "llncs.cls")
FILES = (*CLASSES, "siunitx.sty", "algorithm.sty", "lmodern.sty", "sfrm1000.pfb")


def _lacking() -> str:
    """Return which program or file of TeX Live is not there."""
    if programs := [name for name in NEEDED if not shutil.which(name)]:
        return ", ".join(programs)
    found = subprocess.run(
        ["kpsewhich", *FILES], check=False, capture_output=True, encoding="utf-8"
    ).stdout
    return ", ".join(name for name in FILES if name not in found)


LACKING = _lacking()
needs_tex = pytest.mark.skipif(
    bool(LACKING), reason=f"TeX Live and poppler-utils lack {LACKING} (see .ci/run)"
)


@cache
def pictures() -> dict[str, bytes]:
    """Return the figures as PDF, as tall as those of a real project."""
    start = datetime(2026, 9, 1, tzinfo=UTC)
    day = timedelta(days=1)
    return figures.draw(
        figures.Purposes(tuple(figures.Bar(f"use {i}", 6e6, 3e5) for i in range(6))),
        figures.Course((figures.Run(start, start + day, 6e6, 700.0),)),
        figures.Curves(
            tuple(
                figures.Curve(f"train {i}", (1.0, 2.0), (200.0, 300.0))
                for i in range(4)
            )
        ),
        kinds=["pdf"],
    )


@cache
def paper(name: str, kind: str) -> Compiled:
    """Return the paper in the class *name* with the page *kind* in it."""
    has_numbers = kind == "ordinary"
    quoted = r"\JGEnergyIt{} and $E=\JGEnergyIt$, \JGCarbon" if has_numbers else ""
    heading = rf"\subsection{{It took {quoted}}}" if has_numbers else ""
    texts = {
        "paper.tex": r"\input{energy-macros}\input{energy-macros}"
        rf"\newcommand{{\paperabstract}}{{We report {quoted}.}}"
        rf"\newcommand{{\paperbody}}{{{SENTENCES}\cite{{own}} {heading}"
        r"Appendix~\ref{sec:jg-energy}.}",
        "refs.bib": OWN,
        PAPERS[name].name: PAPERS[name].read_text("utf-8"),
    }
    below = "below" if name == "acl" else "above"
    files = latex.render(MAKE[kind](), LatexOptions(caption=below))
    return compile_pdf({**files, **pictures(), **texts}, PAPERS[name].name)


def seen(pdf: bytes | None, folder: Path, *options: str) -> str:
    """Return the text of a PDF, as poppler reads it."""
    assert pdf is not None
    (folder / "paper.pdf").write_bytes(pdf)
    command = ["pdftotext", *options, "paper.pdf", "-"]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, encoding="utf-8"
    ).stdout


@needs_tex
@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("name", sorted(PAPERS))
def test_the_fragment_compiles_unchanged_in(name: str, kind: str):
    """No error, no open reference, nothing too wide or too long."""
    found = paper(name, kind)
    assert found.errors == ()
    assert found.undefined == ()
    assert found.cut == ()
    overfull = [line for line, _ in found.overfull if ELSEVIERS_FOOT not in line]
    assert overfull == [], "nothing sticks out, in tables or elsewhere"
    assert found.pdf is not None


WORD = re.compile(
    r'<word xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">(.*)<'
)
PAGE = re.compile(r'<page width="([\d.]+)" height="([\d.]+)">')


@needs_tex
@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("name", sorted(PAPERS))
def test_no_word_leaves_the_page_or_stands_on_another_in(
    name: str, kind: str, tmp_path: Path
):
    """The boxes of all words, as poppler finds them."""
    boxes = seen(paper(name, kind).pdf, tmp_path, "-bbox")
    for page in boxes.split("<page")[1:]:
        size = PAGE.match(f"<page{page.partition(chr(10))[0]}")
        assert size is not None
        width, height = map(float, size.groups())
        words = [tuple(map(float, m[:4])) for m in WORD.findall(page)]
        texts = [m[4] for m in WORD.findall(page)]
        margin = 15.0  # points; venues' margins are wider
        for text, (left, top, right, bottom) in zip(texts, words, strict=True):
            assert left > margin, text
            assert right < width - margin, text
            assert top > 0, text
            assert bottom < height, text
        assert _collisions(words, texts) == []


def _collisions(words: list[tuple[float, ...]], texts: list[str]) -> list[str]:
    """Return the words that lie on one line and on each other, by more than a bit."""
    found = []
    order = sorted(range(len(words)), key=lambda i: words[i][0])
    for place, i in enumerate(order):
        for j in order[place + 1 :]:
            if words[j][0] >= words[i][2]:
                break
            across = min(words[i][2], words[j][2]) - words[j][0]
            middle_i, middle_j = (words[k][1] + words[k][3] for k in (i, j))
            # Accents, sub- and superscripts stand above and below, not beside.
            same_line = abs(middle_i - middle_j) / 2 < 2.0
            # A letter alone may be the base of an accent that poppler reads apart.
            is_text = min(len(texts[i]), len(texts[j])) > 1
            if same_line and is_text and across > 2.0:
                found.append(f"{texts[i]!r} and {texts[j]!r}")
    return found


@needs_tex
@pytest.mark.parametrize("name", sorted(PAPERS))
def test_all_fonts_are_embedded_outlines_in(name: str, tmp_path: Path):
    """Venues refuse bitmaps, which are Type 3."""
    pdf = paper(name, "ordinary").pdf
    assert pdf is not None
    (tmp_path / "paper.pdf").write_bytes(pdf)
    table = subprocess.run(
        ["pdffonts", "paper.pdf"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        encoding="utf-8",
    ).stdout.splitlines()[2:]
    assert table
    assert [line for line in table if "Type 3" in line] == []
    assert [line for line in table if line.split()[-5] != "yes"] == [], "embedded"


@needs_tex
@pytest.mark.parametrize("name", sorted(PAPERS))
def test_what_was_written_can_be_read_in(name: str, tmp_path: Path):
    """Numbers from macros, names and references are in the text."""
    text = " ".join(seen(paper(name, "ordinary").pdf, tmp_path).split())
    assert "3.12 ± 0.16 kWh" in text
    assert "not measured" in text
    assert re.search(r"NVIDIA\s+H100", text)
    assert "the limits in" in text
    in_figures = ("use 5", "Date (UTC)", "train 3", "mean 250 W")
    if "graphicx" not in paper(name, "ordinary").log:
        in_figures = ("fig-purpose.pdf", "fig-time.pdf", "fig-power.pdf")
    for words in in_figures:
        assert words in text, "no figure is lost"
    assert "??" not in text, "every reference has its number"
    assert "[?]" not in text


@needs_tex
def test_labels_in_any_script_are_readable(tmp_path: Path):
    """Other scripts by their sound, attacks as they were written."""
    text = " ".join(seen(paper("neurips", "hostile").pdf, tmp_path).split())
    assert "BeiJing" in text
    assert "Privet mir" in text
    assert ":rocket:" in text
    assert "αβγ" in text.replace(" ", "")
    assert "[U+0007]" in text
    assert r"\input{/etc/passwd}" in text.replace(" ", "")
    assert "root:" not in text
    assert not Path("/tmp/owned").exists()  # noqa: S108 - what the attack would make


@needs_tex
@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("kind", MAKE)
def test_the_standalone_paper_compiles_by_itself(kind: str, columns: int):
    """With its bibliography, in one column and in two."""
    options = LatexOptions(columns=columns)
    files = {**latex.render(MAKE[kind](), options), **pictures()}
    found = compile_pdf(files)
    assert found.is_clean, (found.errors, found.overfull, found.undefined, found.cut)


@needs_tex
@pytest.mark.parametrize(
    "options",
    [
        LatexOptions(siunitx=True),
        LatexOptions(cite=False),
        LatexOptions(heading="subsection"),
        LatexOptions(heading="none", label_prefix="x:", macro_prefix="My"),
    ],
    ids=["siunitx", "no citations", "subsection", "names"],
)
def test_each_option_compiles(options: LatexOptions):
    """Whatever an author chooses."""
    files = {**latex.render(pages.ordinary(), options), **pictures()}
    found = compile_pdf(files)
    assert found.is_clean, (found.errors, found.overfull, found.undefined, found.cut)


@needs_tex
def test_the_fragment_lies_in_a_folder_that_the_paper_names():
    """One macro says where."""
    files = {**latex.render(pages.ordinary()), **pictures()}
    moved = {f"energy/{name}": content for name, content in files.items()}
    moved["paper.tex"] = (
        r"\documentclass{article}\usepackage{graphicx}\newcommand{\jgpath}{energy/}"
        r"\begin{document}\input{energy/energy-appendix}"
        r"\bibliographystyle{plain}\bibliography{energy/energy}\end{document}"
    )
    assert compile_pdf(moved, "paper.tex").is_clean


@needs_tex
def test_the_same_page_gives_the_same_pdf():
    """There is no date and no identity in it."""
    files = {**latex.render(pages.ordinary()), **pictures()}
    assert compile_pdf(files).pdf == compile_pdf(files).pdf


@needs_tex
def test_an_error_and_an_open_reference_are_told():
    """With their names."""
    found = compile_pdf(
        {
            "a.tex": r"\documentclass{article}\begin{document}\nosuch \ref{b} \cite{c}"
            r"\hbox to 9in{}\end{document}"
        },
        "a.tex",
    )
    assert found.errors == ("Undefined control sequence.",)
    assert set(found.undefined) == {"b", "c"}
    assert not found.is_clean


@needs_tex
def test_tex_cannot_read_outside_its_folder():
    """Sources are untrusted."""
    found = compile_pdf(
        {"a.tex": r"\documentclass{article}\begin{document}\input{/etc/passwd}"},
        "a.tex",
    )
    assert any("not found" in error for error in found.errors)
    assert found.pdf is None


@needs_tex
def test_tex_that_does_not_end_is_ended():
    """A loop costs no more than the limit."""
    loop = r"\documentclass{article}\begin{document}\def\a{\a}\a\end{document}"
    with pytest.raises(TexError, match="did not end within 2 s"):
        compile_pdf({"a.tex": loop}, "a.tex", timeout_s=2.0)


def test_without_tex_the_error_says_what_to_install():
    """Most machines have no TeX."""
    with pytest.raises(TexError, match="apt-get install texlive"):
        compile_pdf({"a.tex": ""}, "a.tex", which=lambda _: None)


def test_a_file_cannot_be_written_outside_of_the_folder():
    """Names are untrusted, too."""
    with pytest.raises(ValueError, match="not a name within a folder"):
        compile_pdf({"../a.tex": ""}, "../a.tex", which=lambda name: f"/bin/{name}")


def test_the_log_is_read_for_lines_that_stick_out_and_floats_that_are_cut():
    """In the words of LaTeX, natbib and BibTeX."""
    found = compiled(
        b"",
        "Overfull \\hbox (12.5pt too wide) in alignment at lines 3--9\n"
        "LaTeX Warning: Float too large for page by 3.0pt on input line 7.\n"
        "LaTeX Warning: Reference `tab:x' on page 1 undefined on input line 5.\n"
        "Package natbib Warning: Citation `k' on page 1 undefined on input line 6.\n",
        "Warning--empty year in k\nI couldn't open database file energy.bib\n",
    )
    assert [pt for _, pt in found.overfull] == [12.5]
    assert len(found.cut) == 1
    assert found.undefined == ("tab:x", "k")
    assert found.warnings == ("empty year in k",)
    assert found.errors == ("I couldn't open database file energy.bib",)


@needs_tex
def test_a_page_without_sources_and_numbers_compiles():
    """As of an empty ledger."""
    section = Section(
        title="All", label="all", blocks=(Paragraph(parts=(Text("Nothing."),)),)
    )
    found = compile_pdf(latex.render(Document(title="Energy", sections=(section,))))
    assert found.is_clean, found.errors
