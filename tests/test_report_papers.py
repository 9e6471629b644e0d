"""Real reports in real papers: what a ledger gives compiles in each venue's class."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import msgspec
import pytest
from report_samples import HOSTILE, project
from test_report_latex_compiles import (
    ELSEVIERS_FOOT,
    OWN,
    PAPERS,
    SENTENCES,
    needs_tex,
    pictures,
)

from jupyter_green.records import Record
from jupyter_green.report.appendix.author import AuthorFacts
from jupyter_green.report.appendix.build import build
from jupyter_green.report.compose import compose
from jupyter_green.report.document import Document
from jupyter_green.report.figures import paths
from jupyter_green.report.render import latex
from jupyter_green.report.render.compile import Compiled, compile_pdf
from jupyter_green.report.render.latex import LatexOptions


def hostile() -> list[Record]:
    """Return runs whose labels, notebooks and hardware are attacks and odd letters."""
    return [
        msgspec.structs.replace(
            record, label=name, notebook=f"{name}.ipynb", cell_id=name
        )
        for record, name in zip(project(len(HOSTILE)), HOSTILE, strict=True)
    ]


def many() -> list[Record]:
    """Return more experiments than a table holds, and no GPU."""
    return [
        msgspec.structs.replace(
            record, label=f"experiment {number}", devices=record.devices[1:]
        )
        for number, record in enumerate(project(70))
    ]


MAKE: dict[str, Callable[[], list[Record]]] = {
    "project": project,
    "hostile": hostile,
    "many": many,
    "nothing": list,
}


@cache
def page(kind: str) -> Document:
    """Return the page of one kind of ledger, with figures."""
    author = AuthorFacts(
        parameters=110e6, limitations=(r"100 % of \it \emph{all} & more_",)
    )
    return compose(
        build(MAKE[kind](), author),
        figures=paths(pictures()),
        report_sha256="ab" * 32,
    )


def paper(name: str, kind: str) -> Compiled:
    """Return the paper in the class *name* with the report of *kind* in it."""
    texts = {
        "paper.tex": r"\input{energy-macros}"
        r"\newcommand{\paperabstract}{We used \JGEnergyIT{} and \JGGPUHours.}"
        rf"\newcommand{{\paperbody}}{{{SENTENCES}\cite{{own}} \JGCarbonMid{{}} CO2e, "
        r"\JGReportedShare{} and \JGQuality, see Appendix~\ref{sec:jg-energy}.}",
        "refs.bib": OWN,
        PAPERS[name].name: PAPERS[name].read_text("utf-8"),
    }
    below = "below" if name == "acl" else "above"
    files = latex.render(page(kind), LatexOptions(caption=below))
    # A page without citations has no file of sources; papers name it all the same.
    files.setdefault(latex.BIBLIOGRAPHY, "")
    return compile_pdf({**files, **pictures(), **texts}, PAPERS[name].name)


@needs_tex
@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("name", sorted(PAPERS))
def test_a_report_compiles_unchanged_in(name: str, kind: str) -> None:
    """No error, no open reference or citation, nothing too wide or too long."""
    found = paper(name, kind)
    assert found.errors == ()
    assert found.undefined == ()
    assert found.cut == ()
    assert not [line for line, _ in found.overfull if ELSEVIERS_FOOT not in line]
    assert found.pdf is not None
