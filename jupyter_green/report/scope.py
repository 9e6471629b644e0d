"""Understand which records somebody means, in the words of the doors.

`tag` and `report` ask here, so that they mean the same by ``--notebook`` and
``--until``.  Looks up which recorded paths lead into a folder; else pure.

    >>> parse_until("2026-01-31").isoformat()
    '2026-02-01T00:00:00+00:00'
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from jupyter_green.ledger import parse_since
from jupyter_green.ledger.lines import utc_text
from jupyter_green.records import Record
from jupyter_green.report.appendix.author import Scope

DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}", re.ASCII)
NOWHERE = "\0"  # no notebook has this path


class Meant(NamedTuple):
    """What somebody means.

    Attributes:
        scope: The conditions.
        warnings: What to know of them, as sentences.
    """

    scope: Scope
    warnings: tuple[str, ...]


def scope_of(
    records: Iterable[Record],
    *,
    notebooks: Sequence[str] = (),
    project: str = "",
    since: str = "",
    until: str = "",
    labels: Sequence[str] = (),
    purposes: Sequence[str] = (),
) -> Meant:
    """Return the conditions that the words of a door mean.

    Args:
        records: All that were read: their notebooks are what paths can mean.
        notebooks: Paths or names of notebooks.
        project: Folder that holds them.
        since: A date, a time or a span such as ``7d``.
        until: Likewise; a date alone includes that day.
        labels: Labels, where ``*`` stands for anything.
        purposes: Purposes, ``untagged`` among them.

    Raises:
        LedgerError: A time is none.
    """
    warnings: list[str] = []
    known = sorted({record.notebook for record in records if record.notebook})
    meant: list[str] = []
    for given in notebooks:
        found = same_notebook(given, known)
        if len(found) > 1:
            paths = " or ".join(found)
            warnings.append(f"{given} can be {paths}: all of them are included.")
        if not found:
            warnings.append(f"No record is of the notebook {given}.")
        meant += found
    if project:
        folder = Path(project).expanduser().resolve()
        inside = [path for path in known if _is_inside(path, folder)]
        if not inside:
            warnings.append(f"No record is of a notebook in {project}.")
        meant = [path for path in meant if path in inside] if notebooks else inside
    is_told = bool(notebooks or project)
    return Meant(
        Scope(
            notebooks=tuple(dict.fromkeys(meant or [NOWHERE])) if is_told else (),
            since=utc_text(parse_since(since)) if since else "",
            until=utc_text(parse_until(until)) if until else "",
            labels=tuple(map(_pattern, labels)),
            purposes=tuple(purposes),
        ),
        tuple(warnings),
    )


def _pattern(label: str) -> str:
    """Return a label as a pattern in which nothing but ``*`` is special."""
    return label.replace("[", "[[]").replace("?", "[?]")


def parse_until(text: str, now: datetime | None = None) -> datetime:
    """Return the UTC time before which a record must have begun.

    A date alone includes that day; all else is as in `parse_since`.

    Raises:
        LedgerError: It is no time.
    """
    time = parse_since(text, now)
    if not DATE.fullmatch(text.strip()):
        return time
    try:
        return time + timedelta(days=1)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def same_notebook(given: str, known: Collection[str]) -> tuple[str, ...]:
    """Return which of the *known* paths are the notebook *given*.

    Front ends tell whole paths, paths from the server's root, or names: what is equal
    wins, then what leads to the same file, then what ends alike.
    """
    if given in known:
        return (given,)
    whole = Path(given).expanduser().resolve()
    same = tuple(path for path in known if Path(path) == whole)
    return same or tuple(path for path in known if _ends_alike(whole, path, given))


def _ends_alike(whole: Path, path: str, given: str) -> bool:
    recorded = PurePosixPath(path)
    asked = tuple(part for part in Path(given).parts if part not in {".", ".."})
    if not recorded.parts or not asked:
        return False
    if recorded.is_absolute():
        # Both say where the file is, unless only its end was given.
        return not Path(given).is_absolute() and recorded.parts[-len(asked) :] == asked
    return whole.parts[-len(recorded.parts) :] == recorded.parts


def _is_inside(notebook: str, folder: Path) -> bool:
    path = Path(notebook).expanduser()
    if path.is_absolute():
        return path.is_relative_to(folder)
    # A path from the server's root: it is inside if some end of it leads to a file.
    parts = path.parts
    return any((folder / Path(*parts[at:])).is_file() for at in range(len(parts)))
