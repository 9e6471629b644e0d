"""Which records somebody means: by id, label, purpose, notebook, project or time.

The verbs that tag, report and merge choose records here, so that they cannot differ.
Pure but for looking up paths.  Imports `errors`, `records` and the ledger's lines.

    >>> chosen = Selection(labels=("train",))
    >>> [r.id for r in chosen.of([Record(id="r1", duration_s=1.0, devices=())]).records]
    []
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath

from jupyter_green.ledger.lines import parse_time
from jupyter_green.ledger.since import parse_since
from jupyter_green.records import Record

DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Selected:
    """What a selection found.

    Attributes:
        records: The records meant, in their order.
        warnings: What to know of the choice, as sentences.
    """

    records: tuple[Record, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Conditions that a record must all meet; an empty one asks for nothing.

    Attributes:
        ids: Whole ids of records.
        labels: Labels, any of which it has.
        purposes: Purposes, any of which it has; ``untagged`` for none.
        notebooks: Notebooks, in any of which it ran.
        project: Folder in which its notebook stands.
        since: It began then or later.
        until: It began earlier.
        session: Id of the session it belongs to.
    """

    ids: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    notebooks: tuple[str, ...] = ()
    project: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    session: str | None = None

    @property
    def is_everything(self) -> bool:
        """Whether there is no condition at all."""
        return self == Selection()

    def of(self, records: Iterable[Record]) -> Selected:
        """Return the records that meet all conditions."""
        found = [record for record in records if self._is_plainly_meant(record)]
        warnings: list[str] = []
        if self.notebooks:
            paths = sorted({r.notebook for r in found if r.notebook})
            meant: set[str] = set()
            for given in self.notebooks:
                matched = same_notebook(given, paths)
                if len(matched) > 1:
                    warnings.append(
                        f"{given} can be {_listed(matched)}: all of them are included."
                    )
                if not matched:
                    warnings.append(f"No record is of the notebook {given}.")
                meant.update(matched)
            found = [record for record in found if record.notebook in meant]
        if self.project is not None:
            folder = Path(self.project).expanduser().resolve()
            nameless = sum(not record.notebook for record in found)
            found = [r for r in found if r.notebook and _is_inside(r.notebook, folder)]
            if nameless:
                warnings.append(
                    f"{nameless} records name no notebook, so it is not known whether "
                    "they belong to the project: they are left out."
                )
        return Selected(tuple(found), tuple(warnings))

    def _is_plainly_meant(self, record: Record) -> bool:
        if self.ids and record.id not in self.ids:
            return False
        if self.labels and record.label not in self.labels:
            return False
        if self.purposes and (record.purpose or "untagged") not in self.purposes:
            return False
        if self.session is not None and record.session != self.session:
            return False
        return self._is_in_time(record)

    def _is_in_time(self, record: Record) -> bool:
        if self.since is None and self.until is None:
            return True
        began = parse_time(record.started_at)
        if began is None:
            return False
        if self.since is not None and began < self.since:
            return False
        return self.until is None or began < self.until


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


def same_notebook(given: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return which of the *known* paths are the notebook *given*.

    Front ends tell whole paths, paths from the server's root, or names: what is equal
    wins, then what leads to the same file, then what ends alike.
    """
    if given in known:
        return (given,)
    whole = Path(given).expanduser().resolve()
    same = tuple(path for path in known if Path(path) == whole)
    if same:
        return same
    return tuple(path for path in known if _ends_alike(whole, path, given))


def _ends_alike(whole: Path, path: str, given: str) -> bool:
    recorded, asked = PurePath(path).parts, PurePath(given).parts
    asked = tuple(part for part in asked if part not in {".", ".."})
    if not recorded or not asked:
        return False
    if PurePath(path).is_absolute():
        # Both say where the file is, unless only its end was given.
        return not PurePath(given).is_absolute() and recorded[-len(asked) :] == asked
    return whole.parts[-len(recorded) :] == recorded


def _is_inside(notebook: str, folder: Path) -> bool:
    path = Path(notebook).expanduser()
    if path.is_absolute():
        return path.is_relative_to(folder)
    # A path from the server's root: it is inside if some end of it leads to a file.
    parts = path.parts
    return any((folder / Path(*parts[at:])).is_file() for at in range(len(parts)))


def _listed(paths: Sequence[str]) -> str:
    return " or ".join(paths)
