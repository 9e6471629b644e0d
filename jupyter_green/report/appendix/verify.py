"""Recompute a report from the records and say what is different.

Hashes prove integrity, not honesty: that the figures follow from these records, not
that the records are true.  Imports `build`, `anonymous`, `leaves` and the facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from jupyter_green.errors import LedgerError
from jupyter_green.records import Record
from jupyter_green.report.appendix.anonymous import Anonymiser
from jupyter_green.report.appendix.author import AuthorFacts, Scope
from jupyter_green.report.appendix.build import build
from jupyter_green.report.appendix.canonical import Report, sha256
from jupyter_green.report.appendix.facts import Appendix
from jupyter_green.report.appendix.leaves import Leaf, are_equal, leaves
from jupyter_green.report.appendix.origin import Source
from jupyter_green.report.appendix.plausibility import implausible
from jupyter_green.report.appendix.scrubbing import REMOVED

# The same sums on another processor: its vector units add in another order.
RELATIVE = 1e-9
# Facts of the report itself, which no record holds.
NOT_RECOMPUTED = (
    "comparisons[",
    "options.scope",
    "provenance.command",
    "provenance.created_at",
    "provenance.tool_version",
)
FIRST = ("sha256", "plausibility", "totals.", "compute.gpu_hours", "by_purpose")
# Other files with the same records: told after whatever figure is different.
LAST = "provenance.files"


class Difference(Struct, frozen=True, kw_only=True):
    """What is not as the report says.

    Attributes:
        place: Where, such as ``totals.amount.energy_it_kwh``.
        stated: What the report states; None: nothing.
        found: What the records give; None: nothing.
        kind: ``hash`` (the report was changed after it was written), ``implausible``,
            ``changed``, ``missing`` (not in the report) or ``extra`` (only there).
        text: For ``implausible``, what cannot be true.
    """

    place: str
    kind: str
    stated: Leaf = None
    found: Leaf = None
    text: str = ""

    def __str__(self) -> str:
        """Return it as one line for people."""
        if self.kind == "implausible":
            return f"implausible: {self.text}"
        if self.kind == "hash":
            return (
                f"{self.place}: stated {self.stated}, but the facts give {self.found}"
            )
        stated, found = (
            "nothing" if value is None else repr(value)
            for value in (self.stated, self.found)
        )
        return f"{self.place}: the report says {stated}, the records give {found}"


def verify(
    report: Report,
    records: Iterable[Record],
    *,
    author: AuthorFacts | None = None,
    source: Source | None = None,
    scope: Scope | None = None,
    secrets: Iterable[str] = (),
) -> tuple[Difference, ...]:
    """Return everything in which a report is not what the records give, worst first.

    Args:
        report: As it was read.
        records: All records of the ledgers.
        author: What the authors state; None: as in the report.
        source: The files of the ledgers; None: their hashes are not compared.
        scope: Which records it is about; what it leaves empty is as in the report.
        secrets: As given when the report was made anonymous.

    Raises:
        LedgerError: The report is anonymous and its scope names notebooks, which only
            *scope* can say.
    """
    stated = report.appendix
    found = [*_of_hash(report), *_of_plausibility(stated)]
    files = source or _as_stated(stated)
    again = _again(stated, records, author, files, scope, secrets)
    # Texts that were removed name no row.
    is_open = stated.options.is_anonymous
    before = leaves(stated, by_position=is_open)
    after = leaves(again, by_position=is_open)
    # The report lists only so many files.
    skipped = NOT_RECOMPUTED if source else (*NOT_RECOMPUTED, "provenance.files_sha")
    if author is None:
        skipped = (*skipped, "author.")
    for place in dict.fromkeys((*before, *after)):
        if place.startswith(skipped):
            continue
        if place not in after:
            kind = "extra"
        elif place not in before:
            kind = "missing"
        elif _is_same(before[place], after[place], is_open=is_open):
            continue
        else:
            kind = "changed"
        found.append(
            Difference(
                place=place,
                kind=kind,
                stated=before.get(place),
                found=after.get(place),
            )
        )
    return tuple(sorted(found, key=_rank))


def _as_stated(stated: Appendix) -> Source:
    origin = stated.provenance
    return Source(
        files=origin.files,
        file_problems=origin.file_problems,
        duplicates=origin.duplicates,
    )


def _again(
    stated: Appendix,
    records: Iterable[Record],
    author: AuthorFacts | None,
    source: Source,
    scope: Scope | None,
    secrets: Iterable[str],
) -> Appendix:
    options = stated.options
    used = _completed(scope or Scope(), options.scope)
    if REMOVED in (*used.notebooks, used.project):
        raise LedgerError(
            "an anonymous report does not say which notebooks it is about",
            remedy="Name them with --notebook or --project, as for `report`",
        )
    if any(REMOVED in label for label in used.labels):
        raise LedgerError(
            "names were removed from the labels that this report is about",
            remedy="Name the labels with --label, as for `report`",
        )
    facts = build(
        records,
        author or stated.author,
        replace(options, scope=used, is_anonymous=False, keeps_commit=False),
        source,
        comparisons=stated.comparisons,
    )
    if options.is_anonymous:
        return Anonymiser(facts, secrets, keeps_commit=options.keeps_commit).facts()
    return facts


def _completed(scope: Scope, stated: Scope) -> Scope:
    """Return a scope with what it leaves open as the report states it."""
    given = {name: getattr(scope, name) for name in Scope.__struct_fields__}
    return replace(stated, **{name: value for name, value in given.items() if value})


def _of_hash(report: Report) -> Iterator[Difference]:
    digest = sha256(report.appendix)
    if digest != report.sha256:
        yield Difference(
            place="sha256", kind="hash", stated=report.sha256, found=digest
        )


def _of_plausibility(stated: Appendix) -> Iterator[Difference]:
    for text in implausible(stated):
        yield Difference(place="plausibility", kind="implausible", text=text)


def _is_same(stated: Leaf, found: Leaf, *, is_open: bool) -> bool:
    if are_equal(stated, found, RELATIVE):
        return True
    if not (is_open and isinstance(stated, str) and isinstance(found, str)):
        return False
    # What was removed from the report can have been anything.
    if REMOVED not in stated:
        return False
    pattern = ".*".join(re.escape(part) for part in stated.split(REMOVED))
    return re.fullmatch(pattern, found, re.DOTALL) is not None


def _rank(difference: Difference) -> int:
    for rank, start in enumerate(FIRST):
        if difference.place.startswith(start):
            return rank
    return len(FIRST) + difference.place.startswith(LAST)
