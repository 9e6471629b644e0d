"""From the facts of a report to its page: words, tables and figures in their order.

`compose` takes an `Appendix` and gives a `Document`; it decides nothing about formats
and computes nothing but rounding.  One module for each section.  Compute comes first,
then energy, then carbon, as venues ask for them.  Imports `report.appendix` and
`report.document`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath

from jupyter_green.report.appendix.facts import Appendix
from jupyter_green.report.compose.boundary import boundary
from jupyter_green.report.compose.compute import compute
from jupyter_green.report.compose.experiments import experiments
from jupyter_green.report.compose.limitations import limitations
from jupyter_green.report.compose.method import method
from jupyter_green.report.compose.optional import optional
from jupyter_green.report.compose.page import Page
from jupyter_green.report.compose.provenance import provenance
from jupyter_green.report.compose.purposes import purposes
from jupyter_green.report.compose.references import cited
from jupyter_green.report.compose.statement import statement
from jupyter_green.report.compose.totals import totals
from jupyter_green.report.compose.uncertainty import uncertainty
from jupyter_green.report.compose.values import name_values
from jupyter_green.report.document import Document

TITLE = "Energy and Carbon Transparency"

__all__ = ["TITLE", "compose"]


def compose(
    facts: Appendix,
    *,
    figures: Mapping[str, Collection[PurePosixPath]] | None = None,
    report_sha256: str = "",
) -> Document:
    """Return the page.

    A report without any run is a page too: it says what was asked for and that nothing
    was found.

    Args:
        facts: What the report states.
        figures: Files of the figures that are drawn, by their name: ``fig-purpose``,
            ``fig-time``, ``fig-power``.
        report_sha256: Hash of the report's canonical JSON.
    """
    drawn = {name: tuple(files) for name, files in (figures or {}).items()}
    page = Page(
        facts=facts,
        figures={name.removeprefix("fig-") for name in drawn},
        report_sha256=report_sha256,
    )
    name_values(page)
    if facts.totals.amount.runs:
        sections = [
            statement(page),
            boundary(page),
            compute(page),
            totals(page),
            purposes(page),
            experiments(page),
            method(page),
            uncertainty(page),
            optional(page),
            limitations(page),
            provenance(page),
        ]
    else:
        sections = [statement(page), limitations(page), provenance(page)]
    return Document(
        title=TITLE,
        sections=tuple(section for section in sections if section is not None),
        values=dict(page.values),
        references=cited(page.cited),
        figures=drawn,
    )
