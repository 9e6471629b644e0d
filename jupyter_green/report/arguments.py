"""The options of `report`, which the shell and the notebook share.

Pure: options in, a `ReportRequest` out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from os import PathLike, fspath
from typing import Any

import msgspec

from jupyter_green.errors import ReportError
from jupyter_green.records import PURPOSES
from jupyter_green.report.request import ALL, FORMATS, OUTPUT, ReportRequest

# Fields that hold several texts: a single one serves too.
LISTS = ("formats", "ledgers", "notebooks", "labels", "purposes")
# What callers may say besides, as the shell does.
SINGULARS = {
    "format": "formats",
    "ledger": "ledgers",
    "notebook": "notebooks",
    "label": "labels",
    "purpose": "purposes",
}
COMPLETIONS = (
    *("--notebook", "--project", "--since", "--until", "--label", "--purpose"),
    *("--ledger", "--everything", "--output", "--format", "--pdf", "--camera-ready"),
    *("--keep-commit", "--force", "--siunitx", "--heading", "--caption"),
    *("--label-prefix", "--macro-prefix", "--columns", "--no-cite", "--no-figures"),
    *("--compare", "--top", "--into"),
)


def add_scope_options(parser: Any) -> None:
    """Add the options that say which records are meant."""
    add = parser.add_argument
    several: dict[str, Any] = {"nargs": "+", "action": "extend"}
    add("--notebook", metavar="PATH", help="notebooks in scope", **several)
    add("--project", metavar="DIR", help="notebooks in this folder and below")
    add("--since", metavar="WHEN", help="a date or time (UTC), or a span: 24h, 7d")
    add("--until", metavar="WHEN", help="likewise; a date alone includes that day")
    add(
        "--label",
        metavar="LABEL",
        help="labels in scope; `*` stands for anything",
        **several,
    )
    add(
        "--purpose",
        metavar="PURPOSE",
        choices=(*PURPOSES, "untagged"),
        help=f"purposes in scope: {', '.join((*PURPOSES, 'untagged'))}",
        **several,
    )
    add(
        "--ledger",
        metavar="DIR",
        action="append",
        help="folder of a ledger; may be given several times",
    )
    add(
        "--everything",
        action="store_true",
        help="all records of the ledger, not only those of the notebook it is asked in",
    )


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Add all options of `report`."""
    add_scope_options(parser.add_argument_group("what the report is about"))
    add = parser.add_argument_group("the report").add_argument
    add(
        "--format",
        metavar="FORMAT",
        nargs="+",
        action="extend",
        choices=(*FORMATS, ALL),
        help=f"{', '.join((*FORMATS, ALL))} (default: markdown)",
    )
    add(
        "-o",
        "--output",
        metavar="DIR",
        help=f"folder to write to (default: {OUTPUT})",
    )
    switches = (
        ("--camera-ready", "show names; by default they are removed for review"),
        ("--keep-commit", "show git commits in an anonymous report too"),
        ("--force", "write over files that this tool did not write"),
        ("--pdf", "compile the LaTeX, where TeX is found"),
        ("--siunitx", "LaTeX quantities by the package siunitx"),
    )
    for name, text in switches:
        add(name, action="store_true", help=text)
    add("--no-cite", dest="cite", action="store_false", help="sources in the text")
    add("--no-figures", dest="figures", action="store_false", help="no figures")
    add(
        "--heading",
        choices=("section", "subsection", "none"),
        help="of the LaTeX fragment (default: section)",
    )
    add(
        "--caption",
        choices=("above", "below"),
        help="where captions of LaTeX tables stand (default: above; ACL: below)",
    )
    add("--label-prefix", metavar="TEXT", help="before LaTeX labels (default: jg-)")
    add("--macro-prefix", metavar="TEXT", help="before macros' names (default: JG)")
    add(
        "--columns",
        type=int,
        choices=(1, 2),
        help="of the paper that compiles by itself (default: 1)",
    )
    add(
        "--compare",
        nargs="+",
        action="append",
        metavar="LABEL",
        help="compare these labels or records, the first as the reference; may be "
        "given several times",
    )
    add(
        "--into",
        metavar="README.md",
        help="also put the Markdown between the marks <!-- jupyter-green:start --> "
        "and <!-- jupyter-green:end --> of this file, at its end if it has none",
    )
    add("--top", type=int, metavar="N", help="experiments listed (default: 40)")


def request_from(options: argparse.Namespace) -> ReportRequest:
    """Return the request of parsed options.

    Raises:
        ReportError: An option has a value that it cannot have.
    """
    known = {*ReportRequest.__struct_fields__, *SINGULARS}
    given = {
        name: value
        for name, value in vars(options).items()
        if name in known and value is not None
    }
    return request_of((), given)


def request_of(formats: Iterable[str], options: Mapping[str, Any]) -> ReportRequest:
    """Return the request of keywords, such as ``notebook="a.ipynb"``.

    Raises:
        ReportError: A keyword is unknown or has a value that it cannot have.
    """
    values: dict[str, Any] = {}
    for name, value in options.items():
        field = SINGULARS.get(name, name)
        if field not in ReportRequest.__struct_fields__:
            names = (*ReportRequest.__struct_fields__, *SINGULARS)
            near = get_close_matches(name, names, n=1)
            raise ReportError(
                f"a report has no option {name!r}",
                remedy=f"Did you mean {near[0]!r}?" if near else "",
            )
        if value is None:
            continue
        if field == "compare":
            value = _comparisons(value)  # noqa: PLW2901 - the same, in its full form
        values[field] = _texts(value) if field in LISTS else _text(value)
    if first := tuple(formats):
        values["formats"] = (*first, *values.get("formats", ()))
    try:
        return msgspec.convert(values, ReportRequest)
    except msgspec.ValidationError as err:
        raise ReportError("an option cannot be used", why=str(err)) from err


def _comparisons(value: Any) -> Any:
    """Return lists of labels: one comparison may be given as the list that it is."""
    if isinstance(value, str):
        return ((value,),)
    if isinstance(value, Sequence) and all(isinstance(each, str) for each in value):
        return (value,) if value else ()
    return value


def _texts(value: Any) -> Sequence[Any]:
    if isinstance(value, str | PathLike):
        return (_text(value),)
    return tuple(_text(each) for each in value)


def _text(value: Any) -> Any:
    return fspath(value) if isinstance(value, PathLike) else value
