"""The facts of a transparency appendix: one frozen, versioned, unrounded value.

`build` makes it of records, `canonical` gives its JSON, everything printed is composed
of it.  Units stand in the names; None is "not measured" or "not stated", never 0; words
for people are the composer's.  Imports the other values of this package.

    >>> from msgspec import to_builtins
    >>> to_builtins(Flag(code="untagged-runs", count=3))["count"]
    3
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from jupyter_green.report.appendix.amounts import (
    Amount,
    Experiment,
    Listing,
    Part,
    Spread,
    Supply,
)
from jupyter_green.report.appendix.author import AuthorFacts, Options, Scope
from jupyter_green.report.appendix.evidence import (
    Aspect,
    Contribution,
    GitState,
    LedgerFile,
    Provenance,
    Quality,
    Uncertainty,
)
from jupyter_green.report.appendix.hardware import (
    Compute,
    DeviceFacts,
    DeviceGroup,
    MachineFacts,
    MethodUse,
    Software,
)
from jupyter_green.report.appendix.sections import (
    Component,
    Extent,
    Idle,
    NotebookUse,
    Optional,
    Point,
    ReportedSplit,
    RunFacts,
    Sharing,
    Totals,
)

APPENDIX_VERSION = 1

__all__ = [
    "APPENDIX_VERSION",
    "Amount",
    "Appendix",
    "Aspect",
    "AuthorFacts",
    "Component",
    "Compute",
    "Contribution",
    "DeviceFacts",
    "DeviceGroup",
    "Experiment",
    "Extent",
    "Flag",
    "GitState",
    "Idle",
    "LedgerFile",
    "Listing",
    "MachineFacts",
    "MethodUse",
    "NotebookUse",
    "Optional",
    "Options",
    "Part",
    "Point",
    "Provenance",
    "Quality",
    "ReportedSplit",
    "RunFacts",
    "Scope",
    "Sharing",
    "Software",
    "Spread",
    "Supply",
    "Totals",
    "Uncertainty",
]


class Flag(Struct, frozen=True, kw_only=True):
    """Something that readers have to know; the composer words it.

    Attributes:
        code: One of `codes.CODES`.
        count: How many runs (or what the code says) it concerns.
        values: Numbers and names that belong to it, units in their keys.
    """

    code: str
    count: int = 0
    values: dict[str, float | int | str] = {}


class Appendix(Struct, frozen=True, kw_only=True):
    """All facts of one report.

    Attributes:
        extent: What it covers.
        compute: What the work ran on.
        totals: Time, energy and CO2e.
        by_purpose: Parts by purpose in the order of `records.PURPOSES`, then ``failed``
            (whatever its tag) and ``untagged``; only those with runs.
        failed_by_status: The failed runs by ``error``, ``interrupted``, ``killed``.
        failed_by_purpose: The failed runs by their tag.
        reported: The split that NeurIPS and ARR ask for.
        by_experiment: By label, or by cell without one.
        by_cell: By notebook and cell.
        quality: The quality label.
        uncertainty: Of the total energy.
        optional: What follows from the authors' figures.
        comparisons: Comparisons of experiments, as `report.compare` makes them.
        timeline: Sums so far, over the project's time; at most some hundred points.
        largest_runs: With their power over time.
        flags: Limitations: what readers have to know, most important first.
        author: What the authors state.
        options: How the report was made.
        provenance: Where the figures come from.
        schema_version: Version of this form.
    """

    extent: Extent
    compute: Compute
    totals: Totals
    reported: ReportedSplit
    quality: Quality
    uncertainty: Uncertainty
    provenance: Provenance
    by_purpose: tuple[Part, ...] = ()
    failed_by_status: tuple[Part, ...] = ()
    failed_by_purpose: tuple[Part, ...] = ()
    by_experiment: Listing = Listing()
    by_cell: Listing = Listing()
    optional: Optional = Optional()
    comparisons: tuple[dict[str, Any], ...] = ()
    timeline: tuple[Point, ...] = ()
    largest_runs: tuple[RunFacts, ...] = ()
    flags: tuple[Flag, ...] = ()
    author: AuthorFacts = AuthorFacts()
    options: Options = Options()
    schema_version: int = msgspec.field(default_factory=lambda: APPENDIX_VERSION)
