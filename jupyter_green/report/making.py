"""Make a report: what all doors call, so that each gives the same bytes.

    written = make_report(ReportRequest(formats=("latex",)), resolved)

reads ledgers and notebooks, builds the facts, removes names, composes the page, renders
it and writes the files.  The same records, settings and day give the same bytes: the
day is that of ``SOURCE_DATE_EPOCH`` where that is set.  Heavy modules are imported for
the formats that need them.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from jupyter_green.errors import (
    JupyterGreenError,
    ReportError,
    SettingsError,
)
from jupyter_green.report.appendix.anonymous import Anonymiser
from jupyter_green.report.appendix.author import Options
from jupyter_green.report.appendix.build import facts_of, prepare
from jupyter_green.report.appendix.canonical import Report, report_json, seal
from jupyter_green.report.appendix.facts import Appendix
from jupyter_green.report.appendix.project_file import BoampsTask, read_project
from jupyter_green.report.appendix.reading import stated as with_origin
from jupyter_green.report.appendix.rows import csv_lines, rows
from jupyter_green.report.appendix.work import Work
from jupyter_green.report.compose.units import count
from jupyter_green.report.document import Document
from jupyter_green.report.files import replace_file, write_files
from jupyter_green.report.gathering import Progress, gather, machine_secrets
from jupyter_green.report.request import (
    ALL,
    ReportRequest,
    check_request,
    command_of,
    formats_of,
)
from jupyter_green.settings import Resolved

JSON_FILE = "energy-report.json"
CSV_FILE = "energy-runs.csv"
MARKDOWN_FILE = "energy-appendix.md"
HTML_FILE = "energy-appendix.html"
CARD_FILE = "energy-model-card.md"
BOAMPS_FILE = "energy-boamps.json"
ANSWERS_FILE = "energy-answers.md"
CHECKLIST_FILE = "energy-neurips-item-8.tex"
FORM_FILE = "energy-compute-form.csv"
PDF_FILE = "energy-standalone.pdf"
PICTURES = {"markdown": "svg", "html": "svg", "latex": "pdf"}


@dataclass(frozen=True, slots=True)
class Written:
    """What was made.

    Attributes:
        folder: Where the files are.
        files: All files of the report by name.
        changed: Those that were not there like this.
        warnings: What to know, as sentences.
        problems: How many lines or files could not be read.
        facts: What the report states.
        sha256: Hash of its canonical JSON.
    """

    folder: Path
    files: tuple[str, ...]
    changed: tuple[str, ...]
    warnings: tuple[str, ...]
    problems: int
    facts: Appendix
    sha256: str

    def __str__(self) -> str:
        """Return what was made, for people: the folder, its files, the scope."""
        is_anonymous = self.facts.options.is_anonymous
        names = (
            "names are removed for review; --camera-ready shows them"
            if is_anonymous
            else "names are shown (camera-ready)"
        )
        lines = [
            f"{self.folder}: {', '.join(self.files)}",
            f"{count(self.facts.totals.amount.runs, 'run')}; {names}",
        ]
        if not self.changed:
            lines.append("Nothing has changed since it was written.")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Made:
    """The files of a report before they are written.

    Attributes:
        files: Their content by name.
        warnings: What to know, as sentences.
        problems: How many lines or files could not be read.
        report: The facts with their hash.
        markdown: Makes the page for another file, given where the figures lie from
            there; None: it goes into none.
    """

    files: dict[str, bytes]
    warnings: tuple[str, ...]
    problems: int
    report: Report
    markdown: Callable[[str], str] | None = None


def _patched(into: str, block: Callable[[str], str], folder: Path) -> bytes:
    """Return the file *into* with the page between its marks.

    Raises:
        ReportError: It cannot be read, is no text, or its marks are no pair.
    """
    from jupyter_green.report.render.markdown import patch  # noqa: PLC0415

    path = Path(into).expanduser()
    try:
        text = path.read_bytes().decode() if path.exists() else ""
        where = os.path.relpath(folder.resolve(), path.resolve().parent)
        return patch(text, block(Path(where).as_posix())).encode()
    except (OSError, ValueError) as err:
        why = err.strerror if isinstance(err, OSError) else str(err)
        raise ReportError(
            f"the page cannot be put into {into}",
            why=why or "",
            remedy="It has to be text with one pair of marks in their order, or none",
        ) from err


def make_report(
    request: ReportRequest,
    resolved: Resolved,
    *,
    ledger: Path | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Written:
    """Make a report and write its files.

    Args:
        request: What is asked for.
        resolved: The settings in force, with the authors' table.
        ledger: The ledger to read where the request names none; None: by the settings.
        now: The time of the report; None: now, or that of ``SOURCE_DATE_EPOCH``.
        progress: Called with what is done and the part of all, 0 to 1.

    Raises:
        JupyterGreenError: The request cannot be met; nothing is written then.
    """
    with _without_collector():
        made = render_report(
            request, resolved, ledger=ledger, now=now, progress=progress
        )
    folder = Path(request.output).expanduser()
    into = _patched(request.into, made.markdown, folder) if made.markdown else None
    changed = write_files(folder, made.files, force=request.force)
    if into is not None and replace_file(Path(request.into).expanduser(), into):
        changed = (*changed, request.into)
    if progress:
        progress("written", 1.0)
    return Written(
        folder=folder,
        files=tuple(made.files),
        changed=changed,
        warnings=made.warnings,
        problems=made.problems,
        facts=made.report.appendix,
        sha256=made.report.sha256,
    )


@contextmanager
def _without_collector() -> Iterator[None]:
    """Hold the collector of reference cycles back.

    A hundred thousand records are millions of objects without a cycle among them; it
    would look through them again and again, for a quarter of all the time.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def render_report(
    request: ReportRequest,
    resolved: Resolved,
    *,
    ledger: Path | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Made:
    """Make a report's files and write nothing; arguments as in `make_report`.

    Raises:
        JupyterGreenError: The request cannot be met.
    """
    tell = progress or (lambda _what, _part: None)
    check_request(request)
    _latex_options(request)
    project = read_project(resolved.tables, str(resolved.project_file or ""))
    gathered = gather(request, resolved, ledger=ledger, progress=tell)
    collected, warnings = gathered.collected, [*gathered.warnings]
    options = Options(scope=gathered.scope, top=request.top)
    tell("building", 0.5)
    work = prepare(collected.records, project.author, options)
    origin = with_origin(
        collected, created_at=_created_at(now), command=command_of(request)
    )
    facts = facts_of(
        work, options, origin.source, comparisons=_comparisons(request, work)
    )
    anonymiser = None
    if not request.camera_ready:
        anonymiser = Anonymiser(
            facts, machine_secrets(), keeps_commit=request.keep_commit
        )
    report = seal(anonymiser.facts() if anonymiser else facts)
    tell("composing", 0.65)

    def table() -> Iterator[str]:
        found = rows(work, facts)
        return csv_lines(map(anonymiser.row, found) if anonymiser else found)

    task = project.boamps
    if anonymiser:
        task = _without_names(task, anonymiser)
    maker = _Maker(request, report, work, task, table)
    files: dict[str, bytes] = {}
    wanted = formats_of(request)
    for number, name in enumerate(wanted):
        tell(name, 0.65 + 0.3 * number / len(wanted))
        files.update(maker.make(name))
    warnings += maker.warnings
    if not facts.totals.amount.runs:
        warnings.append("No run is in scope: the report has nothing to state.")
    tell("writing", 0.97)
    problems = collected.source.file_problems
    markdown = maker.block if request.into else None
    told = tuple(dict.fromkeys(warnings))
    return Made(files, told, problems, report, markdown)


def _comparisons(request: ReportRequest, work: Work) -> list[dict[str, Any]]:
    """Compare what the request names, among the records in scope.

    Raises:
        CompareError: One names fewer than two, or something that was not measured.
    """
    if not request.compare:
        return []
    from jupyter_green.report.compare import (  # noqa: PLC0415 - seldom asked for
        compare,
        comparisons_to_dict,
        groups_of,
        select,
    )

    records = [placed.record for placed in work.selection.in_scope]
    of_label = partial(select, records)
    return comparisons_to_dict(
        compare(groups_of(labels, of_label)) for labels in request.compare
    )


def _without_names(task: BoampsTask, anonymiser: Anonymiser) -> BoampsTask:
    """Return a task whose texts name nobody; an owner of data is left out."""

    def scrubbed(value: Any) -> Any:
        if isinstance(value, str):
            return anonymiser.text(value)
        if isinstance(value, dict):
            kept = {k: v for k, v in value.items() if k not in {"owner", "source_uri"}}
            return {name: scrubbed(each) for name, each in kept.items()}
        if isinstance(value, list | tuple):
            return [scrubbed(each) for each in value]
        return value

    return msgspec.convert(scrubbed(msgspec.to_builtins(task)), BoampsTask)


def _created_at(now: datetime | None) -> str:
    if now is None:
        epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
        is_set = epoch.isdecimal()
        now = datetime.fromtimestamp(int(epoch), UTC) if is_set else datetime.now(UTC)
    text = now.astimezone(UTC).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")


def _latex_options(request: ReportRequest) -> Any:
    from jupyter_green.report.render.latex import LatexOptions  # noqa: PLC0415

    try:
        return LatexOptions(
            heading=request.heading,  # type: ignore[arg-type]
            caption=request.caption,  # type: ignore[arg-type]
            label_prefix=request.label_prefix,
            macro_prefix=request.macro_prefix,
            siunitx=request.siunitx,
            cite=request.cite,
            columns=request.columns,  # type: ignore[arg-type]
        )
    except ValueError as err:
        raise ReportError("LaTeX cannot be written like that", why=str(err)) from err


class _Maker:
    """Makes the files of each format from one set of facts."""

    def __init__(
        self,
        request: ReportRequest,
        report: Report,
        work: Work,
        task: BoampsTask,
        table: Callable[[], Iterator[str]],
    ) -> None:
        self._request = request
        self._report = report
        self._work = work
        self._drawn: dict[str, bytes] | None = None
        self._task = task
        self._table = table
        self.warnings: list[str] = []

    def make(self, name: str) -> dict[str, bytes]:
        """Return the files of one format."""
        makers: Mapping[str, Callable[[], Mapping[str, str | bytes]]] = {
            "markdown": self._markdown,
            "latex": self._latex,
            "html": self._html,
            "json": self._json,
            "csv": self._csv,
            "model-card": self._model_card,
            "boamps": self._boamps,
            "answers": self._answers,
        }
        return {
            file: data if isinstance(data, bytes) else data.encode()
            for file, data in makers[name]().items()
        }

    def _document(self, files: Mapping[str, bytes]) -> Document:
        from jupyter_green.report.compose import compose  # noqa: PLC0415

        figures: dict[str, tuple[PurePosixPath, ...]] = {}
        for path in map(PurePosixPath, sorted(files)):
            figures[path.stem] = (*figures.get(path.stem, ()), path)
        return compose(
            self._report.appendix, figures=figures, report_sha256=self._report.sha256
        )

    def _pictures(self, kind: str) -> dict[str, bytes]:
        """Return the figures of one kind; all kinds that are needed are drawn once."""
        if not self._request.figures:
            return {}
        if self._drawn is None:
            from jupyter_green.report.figures import draw  # noqa: PLC0415 - matplotlib
            from jupyter_green.report.plotting import plots  # noqa: PLC0415

            wanted = formats_of(self._request)
            kinds = dict.fromkeys(PICTURES[name] for name in wanted if name in PICTURES)
            self._drawn = draw(*plots(self._report.appendix, self._work), kinds=kinds)
        return {n: data for n, data in self._drawn.items() if n.endswith(f".{kind}")}

    def _markdown(self) -> Mapping[str, str | bytes]:
        from jupyter_green.report.render import markdown  # noqa: PLC0415

        pictures = self._pictures("svg")
        return {MARKDOWN_FILE: markdown.render(self._document(pictures)), **pictures}

    def block(self, folder: str) -> str:
        """Return the Markdown page for a file that sees the figures in *folder*."""
        from jupyter_green.report.render import markdown  # noqa: PLC0415

        document = self._document(self._pictures("svg"))
        return markdown.block(document, folder=folder)

    def _latex(self) -> Mapping[str, str | bytes]:
        from jupyter_green.report.answers import answers_latex  # noqa: PLC0415
        from jupyter_green.report.render import latex  # noqa: PLC0415

        pictures = self._pictures("pdf")
        options = _latex_options(self._request)
        texts = latex.render(self._document(pictures), options)
        files: dict[str, str | bytes] = {**texts, **pictures}
        if self._request.pdf:
            files.update(self._compiled(files))
        checklist = answers_latex(self._report.appendix, self._request.label_prefix)
        return {**files, CHECKLIST_FILE: checklist}

    def _compiled(self, files: Mapping[str, str | bytes]) -> dict[str, bytes]:
        """Return the PDF; without TeX, or where it fails, a warning and nothing."""
        from jupyter_green.report.render.compile import compile_pdf  # noqa: PLC0415

        try:
            done = compile_pdf(files)
        except JupyterGreenError as err:
            self.warnings.append(str(err))
            return {}
        if done.pdf is None:
            self.warnings.append(f"TeX gave no PDF: {'; '.join(done.errors[:3])}")
            return {}
        if not done.is_clean:
            found = [*done.errors, *done.undefined, *done.cut]
            found += [line for line, _ in done.overfull]
            self.warnings.append(f"TeX complains: {'; '.join(found[:3])}")
        return {PDF_FILE: done.pdf}

    def _html(self) -> Mapping[str, str | bytes]:
        from jupyter_green.report.render import html  # noqa: PLC0415

        pictures = self._pictures("svg")
        return {HTML_FILE: html.render(self._document(pictures), pictures)}

    def _json(self) -> Mapping[str, str | bytes]:
        return {JSON_FILE: report_json(self._report)}

    def _csv(self) -> Mapping[str, str | bytes]:
        return {CSV_FILE: "".join(self._table())}

    def _model_card(self) -> Mapping[str, str | bytes]:
        from jupyter_green.report.model_card import model_card  # noqa: PLC0415

        return {CARD_FILE: model_card(self._report.appendix)}

    def _boamps(self) -> Mapping[str, str | bytes]:
        from jupyter_green.report.boamps import boamps_json  # noqa: PLC0415

        try:
            text = boamps_json(
                self._report.appendix,
                self._task,
                report_sha256=self._report.sha256,
            )
        except SettingsError as err:
            # Who asks for everything gets the rest; who asks for this gets the error.
            if ALL not in self._request.formats:
                raise
            self.warnings.append(f"No {BOAMPS_FILE}: {err}")
            return {}
        return {BOAMPS_FILE: text}

    def _answers(self) -> Mapping[str, str | bytes]:
        from jupyter_green.report.answers import (  # noqa: PLC0415
            answers_latex,
            answers_markdown,
            compute_form_csv,
        )

        facts = self._report.appendix
        return {
            ANSWERS_FILE: answers_markdown(facts),
            CHECKLIST_FILE: answers_latex(facts, self._request.label_prefix),
            FORM_FILE: compute_form_csv(facts),
        }
