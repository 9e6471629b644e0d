"""Where the figures come from, and how they can be checked."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_green.report.appendix.facts import GitState
from jupyter_green.report.compose.page import Page, cells, inline, listed, paragraph
from jupyter_green.report.compose.units import count
from jupyter_green.report.document import (
    Block,
    Bullets,
    Code,
    Column,
    Inlines,
    Section,
    Table,
)

HONESTY = (
    "Hashes prove integrity, not honesty: they show that this report follows from "
    "these records, and not that the records are complete or true."
)
SHORT_COMMIT = 12
SHORT_HASH = 16
SHOWN_COMMITS = 8
SHOWN_FILES = 30


def provenance(page: Page) -> Section:
    """Return the section."""
    blocks: list[Block] = [Bullets(items=tuple(_items(page)))]
    files = page.facts.provenance.files
    if files:
        blocks.append(_files(page))
    blocks.append(paragraph(HONESTY))
    return Section(title="Provenance", label="provenance", blocks=tuple(blocks))


def _items(page: Page) -> Iterator[Inlines]:
    origin = page.facts.provenance
    made = f" on {origin.created_at[:10]}" if origin.created_at else ""
    yield inline(f"Written by jupyter_green {origin.tool_version}{made}.")
    if origin.command:
        yield inline("Made anew by: ", Code(origin.command), ".")
    yield inline(
        f"{count(origin.records, 'record')} in scope; SHA-256 over the sorted hashes "
        "of all: ",
        Code(origin.records_sha256 or "none"),
        ".",
    )
    if page.report_sha256:
        yield inline(
            "SHA-256 of the report's canonical JSON (energy-report.json): ",
            Code(page.report_sha256),
            ". It is checked by ",
            Code("jupyter green verify energy-report.json"),
            ", which computes every figure anew from the ledger.",
        )
    if origin.duplicates:
        yield inline(
            f"{count(origin.duplicates, 'record')} stood in several files and "
            f"{'counts' if origin.duplicates == 1 else 'count'} once."
        )
    yield from _versions(page)
    if page.facts.options.is_anonymous:
        yield inline(
            "Names of hosts, users, paths, repositories, clusters, institutions and "
            "authors are removed, and notebooks renamed, for review."
        )


def _versions(page: Page) -> Iterator[Inlines]:
    origin = page.facts.provenance
    commits = tuple(state for state in origin.git if state.commit)
    if commits:
        yield inline("Commits of the code: ", *_commits(commits), ".")
    elif not page.facts.options.is_anonymous:
        yield inline("No run is of a known commit of the code.")
    if origin.data:
        yield inline("Data on electricity: ", "; ".join(origin.data), ".")
    versions = [
        ("Python", origin.python_versions),
        ("schema of records", origin.record_versions),
    ]
    said = []
    for name, found in versions:
        numbers = [f"{text} ({count(runs, 'run')})" for text, runs in found.items()]
        if numbers:
            said.append(f"{name} {listed(numbers)}")
    if said:
        yield inline(f"Versions: {'; '.join(said)}.")


def _commits(commits: tuple[GitState, ...]) -> Iterator[Code | str]:
    for number, state in enumerate(commits[:SHOWN_COMMITS]):
        yield ", " if number else ""
        yield Code(state.commit[:SHORT_COMMIT])
        dirty = f", {state.dirty_runs} with changes" if state.dirty_runs else ""
        yield f" ({count(state.runs, 'run')}{dirty})"
    more = len(commits) - SHOWN_COMMITS
    if more > 0:
        yield f" and {more} more"


def _files(page: Page) -> Table:
    origin = page.facts.provenance
    rest = len(origin.files) - SHOWN_FILES
    return Table(
        label="files",
        caption="Files that were read.",
        columns=(
            Column(title="file", weight=1.2),
            Column(title="kind"),
            Column(title="bytes", align="right"),
            Column(title="SHA-256, first digits"),
        ),
        rows=tuple(
            cells(
                Code(file.name),
                file.kind,
                f"{file.size_bytes:,}",
                Code(file.sha256[:SHORT_HASH]),
            )
            for file in origin.files[:SHOWN_FILES]
        ),
        note=inline(
            "Over all files: ",
            Code(origin.files_sha256),
            f". {count(rest, 'more file')} not listed." if rest > 0 else ".",
        ),
        wide=True,
    )
