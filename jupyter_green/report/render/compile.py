r"""Run TeX on a page's files and say what it found: the edge of the pure renderers.

    found = compile_pdf({**latex.render(document), "fig-time.pdf": picture})
    if found.pdf is not None:
        path.write_bytes(found.pdf)

pdfLaTeX and BibTeX run in a folder of their own, which is gone afterwards, without
shell escape (``\write18``), and read and write no file outside of it but TeX's own; the
sources are untrusted.  The PDF has no date in it: the same sources give the same
bytes.

latexmk would run the same two programs; tectonic is not used, as it downloads packages
without asking.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from jupyter_green.errors import TexError
from jupyter_green.report.render.latex import STANDALONE

TIMEOUT_S = 120.0  # for all runs; the page takes two seconds
_MOST_RUNS = 4  # references settle in three, floats may take one more
_RERUN = re.compile(
    r"Rerun to get|Label\(s\) may have changed|undefined (?:citations|references)"
)
_ERROR = re.compile(r"(?m)^(?:! (.+)|\S+?:\d+: (.+))$")
_OVERFULL = re.compile(r"(?m)^(Overfull \\hbox \(([\d.]+)pt too wide\).*)$")
_UNDEFINED = re.compile(
    r"(?:Reference|Citation) [`']([^']+)'(?: on page \S+)?\s+(?:on input line \d+\s+)?"
    r"undefined"
)
# Classes themselves overfill their pages by a point or two.
_CUT = re.compile(
    r"(?m)^(.*(?:Float too large for page|Missing character"
    r"|Overfull \\vbox \((?:[2-9]|\d{2,})\.).*)$"
)
_BIBTEX_WARNING = re.compile(r"(?m)^Warning--(.+)$")
_BIBTEX_ERROR = re.compile(r"(?m)^(.+---(?:line|while) .+|I (?:couldn't|found no) .+)$")
_REMEDY = "Install TeX Live (on Debian and Ubuntu: sudo apt-get install texlive)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What TeX made of the files, and what it complained of.

    Attributes:
        pdf: The document; None: there is none.
        errors: TeX's and BibTeX's.
        warnings: BibTeX's, such as a field that a style misses.
        overfull: Lines and tables that stick out, with how far in points.
        undefined: References and citations without a target.
        cut: What leaves the page's end, and characters that the font lacks.
        log: TeX's whole log of the last run.
    """

    pdf: bytes | None
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    overfull: tuple[tuple[str, float], ...]
    undefined: tuple[str, ...]
    cut: tuple[str, ...]
    log: str

    @property
    def is_clean(self) -> bool:
        """Whether there is a document and nothing to complain of."""
        found = (*self.errors, *self.overfull, *self.undefined, *self.cut)
        return self.pdf is not None and not found


def compile_pdf(
    files: Mapping[str, str | bytes],
    main: str = STANDALONE,
    *,
    timeout_s: float = TIMEOUT_S,
    which: Callable[[str], str | None] = shutil.which,
) -> Compiled:
    """Compile *main*, one of *files*, with pdfLaTeX and BibTeX.

    Args:
        files: Texts and pictures by their names, relative to the folder.
        main: The file to begin with.
        timeout_s: Seconds for each program.
        which: Finds a program.

    Raises:
        TexError: There is no pdfLaTeX, or it did not end in time.
        ValueError: A file's name leads out of the folder.
    """
    if not (pdflatex := which("pdflatex")):
        raise TexError(
            "The PDF was not made", why="pdflatex was not found", remedy=_REMEDY
        )
    bibtex = which("bibtex")
    job = main.removesuffix(".tex")
    with TemporaryDirectory(prefix="jupyter-green-tex-") as name:
        folder = Path(name)
        _write(folder, files)
        command = [pdflatex, "-no-shell-escape", "-interaction=nonstopmode"]
        command += ["-file-line-error", main]
        _run(command, folder, timeout_s)
        if bibtex and "\\bibdata" in _read(folder / f"{job}.aux"):
            _run([bibtex, job], folder, timeout_s)
        for _ in range(_MOST_RUNS - 1):
            _run(command, folder, timeout_s)
            if not _RERUN.search(_read(folder / f"{job}.log")):
                break
        pdf = folder / f"{job}.pdf"
        return compiled(
            pdf.read_bytes() if pdf.is_file() else None,
            _read(folder / f"{job}.log"),
            _read(folder / f"{job}.blg"),
        )


def compiled(pdf: bytes | None, log: str, bibtex_log: str = "") -> Compiled:
    """Return what the logs say; pure."""
    errors = [first or second for first, second in _ERROR.findall(log)]
    errors += _BIBTEX_ERROR.findall(bibtex_log)
    return Compiled(
        pdf=pdf,
        errors=tuple(errors),
        warnings=tuple(_BIBTEX_WARNING.findall(bibtex_log)),
        overfull=tuple((line, float(pt)) for line, pt in _OVERFULL.findall(log)),
        undefined=tuple(dict.fromkeys(_UNDEFINED.findall(log))),
        cut=tuple(_CUT.findall(log)),
        log=log,
    )


def _write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise ValueError(f"not a name within a folder: {name!r}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def _run(command: list[str], folder: Path, timeout_s: float) -> None:
    """Run a program of TeX; what it has to say stands in its log."""
    try:
        subprocess.run(  # noqa: S603 - a TeX program, with arguments of our own
            command,
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as err:
        raise TexError(
            "The PDF was not made",
            why=f"{Path(command[0]).name} did not end within {timeout_s:g} s",
            remedy="Compile the LaTeX files by hand to see where it stops",
        ) from err


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        # Only files in the folder and TeX's own: kpathsea's "paranoid".
        "openin_any": "p",
        "openout_any": "p",
        "shell_escape": "f",
        "TEXMFOUTPUT": str(folder),
        "SOURCE_DATE_EPOCH": "0",
        "FORCE_SOURCE_DATE": "1",
        "max_print_line": "10000",  # messages in one line each
    }


def _read(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.is_file() else ""
