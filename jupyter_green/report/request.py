"""What somebody asks a report to be, and the shell's command that says the same.

Light, for the doors' options and the panel; `report.making` makes the report.  Imports
`errors` only.

    >>> command_of(ReportRequest(formats=("latex",), since="7d"))
    'jupyter green report --format latex --since 7d'
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from jupyter_green.errors import ReportError

FORMATS = (
    "markdown",
    "latex",
    "html",
    "json",
    "csv",
    "model-card",
    "boamps",
    "answers",
)
ALL = "all"
OUTPUT = "energy-report"


class ReportRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody asks for; the defaults are those of every door.

    Attributes:
        formats: Of `FORMATS`, or ``all``.
        output: Folder to write to.
        ledgers: Folders of ledgers; empty: the one in force.
        notebooks: Notebooks in scope; a file's own outputs are read too.
        project: Folder of the notebooks in scope; empty: any.
        since: A date, time or span from which runs count.
        until: Until when they may have begun; a date is included.
        labels: Labels in scope, where ``*`` stands for anything.
        purposes: Purposes in scope, ``untagged`` among them.
        compare: Comparisons, each of labels or ids of records, the first of them as the
            reference.
        session: Only records of this session, where no notebook can be named.
        everything: All records, also where it is asked in a notebook.
        pdf: Compile the LaTeX, where TeX is found.
        camera_ready: Show names; otherwise they are removed for review.
        keep_commit: Show commits in an anonymous report too.
        force: Write over files that this tool did not write.
        siunitx: LaTeX quantities by the package siunitx.
        heading: ``section``, ``subsection`` or ``none``.
        caption: Table captions ``above`` or ``below``.
        label_prefix: Before each LaTeX label.
        macro_prefix: Before each macro's name.
        cite: Cite; otherwise sources stand in the text.
        columns: Of the standalone LaTeX: 1 or 2.
        figures: Draw figures.
        top: How many experiments and cells are listed.
        into: A Markdown file, such as a README, that gets the page between its marks
            ``<!-- jupyter-green:start -->`` and ``end``; empty: none.
    """

    formats: tuple[str, ...] = ("markdown",)
    output: str = OUTPUT
    ledgers: tuple[str, ...] = ()
    notebooks: tuple[str, ...] = ()
    project: str = ""
    since: str = ""
    until: str = ""
    labels: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    compare: tuple[tuple[str, ...], ...] = ()
    session: str = ""
    everything: bool = False
    pdf: bool = False
    camera_ready: bool = False
    keep_commit: bool = False
    force: bool = False
    siunitx: bool = False
    heading: str = "section"
    caption: str = "above"
    label_prefix: str = "jg-"
    macro_prefix: str = "JG"
    cite: bool = True
    columns: int = 1
    figures: bool = True
    top: int = 40
    into: str = ""


def formats_of(request: ReportRequest) -> tuple[str, ...]:
    """Return the formats asked for, each once."""
    if ALL in request.formats:
        return FORMATS
    return tuple(dict.fromkeys(request.formats))


def check_request(request: ReportRequest) -> None:
    """Refuse what no report can be.

    Raises:
        ReportError: An option has a value that it cannot have.
    """
    for name in request.formats:
        if name not in (*FORMATS, ALL):
            raise ReportError(
                f"there is no format {name!r}",
                remedy=f"Choose from {', '.join((*FORMATS, ALL))}",
            )
    if not request.formats:
        raise ReportError("no format is asked for")
    if request.pdf and "latex" not in formats_of(request):
        raise ReportError(
            "a PDF is compiled from LaTeX", remedy="Add the format latex, or all"
        )
    if request.into and "markdown" not in formats_of(request):
        raise ReportError(
            "what goes into another file is Markdown",
            remedy="Add the format markdown, or all",
        )
    choices: Mapping[str, tuple[object, ...]] = {
        "heading": ("section", "subsection", "none"),
        "caption": ("above", "below"),
        "columns": (1, 2),
    }
    for name, allowed in choices.items():
        value = getattr(request, name)
        if value not in allowed:
            raise ReportError(
                f"the option {name} cannot be {value!r}",
                remedy=f"Choose from {', '.join(map(str, allowed))}",
            )
    if request.top < 1:
        raise ReportError(f"a list cannot have {request.top} rows")


def command_of(request: ReportRequest) -> str:
    """Return the shell's command for a request, whatever door it came through.

    Where the files go and whether others are written over changes no byte of them: it
    is left out.
    """
    defaults = ReportRequest()
    words = ["jupyter", "green", "report"]
    words += ["--format", *request.formats]
    for name in ("notebooks", "labels", "purposes"):
        if values := getattr(request, name):
            option = {"notebooks": "notebook", "labels": "label", "purposes": "purpose"}
            words += [f"--{option[name]}", *values]
    for labels in request.compare:
        words += ["--compare", *labels]
    for folder in request.ledgers:
        words += ["--ledger", folder]
    for name in (
        *("project", "since", "until", "heading", "caption"),
        *("label_prefix", "macro_prefix", "columns", "top"),
    ):
        if (value := getattr(request, name)) != getattr(defaults, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    for name in ("pdf", "camera_ready", "keep_commit", "siunitx"):
        if getattr(request, name):
            words.append(f"--{name.replace('_', '-')}")
    words += [] if request.cite else ["--no-cite"]
    words += [] if request.figures else ["--no-figures"]
    return shlex.join(words)


def request_schema() -> dict[str, Any]:
    """Return the JSON Schema of a `ReportRequest`, for the panel."""
    schema: dict[str, Any] = msgspec.json.schema(ReportRequest)
    return schema
