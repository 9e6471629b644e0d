"""Budgets: how much energy or CO2e a notebook, a label or a project may use.

What a budget is, how far it is used, and where it is kept: ``budgets.json`` beside the
ledger's files, so that all kernels, the shell and the panel see the same ones
(docs/decisions/0006).  Imports `ledger`, `settings`, `units`, `errors` and `report`.

    >>> parse_amount("50 Wh")
    (180000.0, None)
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from jupyter_green.errors import BudgetError, LedgerError
from jupyter_green.ledger import ledger_totals, parse_since
from jupyter_green.ledger.lines import parse_time, utc_text
from jupyter_green.ledger.sums import AnyRecord, Row
from jupyter_green.ledger.totals import NAMELESS, By
from jupyter_green.records import Record
from jupyter_green.report.format import (
    format_co2e,
    format_duration,
    format_energy,
    format_percent,
)
from jupyter_green.report.tables import Table
from jupyter_green.settings import Resolved
from jupyter_green.units import J_PER_WH

FILE_NAME = "budgets.json"
LOCK_NAME = "budgets.lock"
LOCK_S = 5.0  # an edit takes milliseconds
NEAR = 0.8
MOST = 1e20  # joules or grams: about what the world's electricity is in a year

Scope = Literal["notebook", "label", "project"]
State = Literal["within", "near", "spent"]

ENERGY_UNITS = {"j": 1.0, "wh": J_PER_WH}
MASS_UNITS = {"g": 1.0, "t": 1e6}
# As in SI, where a small m is a thousandth and a large one a million.
PREFIXES = {"": 1.0, "m": 1e-3, "k": 1e3, "K": 1e3, "M": 1e6}
# Commas part thousands; a comma for a point is no amount, lest 1,5 be read as 15.
_AMOUNT = re.compile(
    r"\s*((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(e[+-]?\d+)?"
    r"\s*([mkKM]?)(j|wh|g|t)\s*(co2e?)?\s*",
    re.IGNORECASE | re.ASCII,
)


class Budget(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An amount that some work may use.  One of the two amounts is given.

    Attributes:
        scope: ``notebook``, ``label`` or ``project``.
        name: The notebook's path, the label, or the project's folder.
        energy_j: Joules.
        co2e_g: Grams CO2e.
        stop: Interrupt the running cell when it is used up.
        since: UTC time from which work counts; empty: all of it.
    """

    scope: Scope
    name: str
    energy_j: float | None = None
    co2e_g: float | None = None
    stop: bool = False
    since: str = ""

    @property
    def limit(self) -> float:
        """The amount, in joules or grams."""
        return self.energy_j if self.energy_j is not None else self.co2e_g or 0.0

    @property
    def amount(self) -> str:
        """The amount for people."""
        return self.shown(self.limit)

    @property
    def about(self) -> str:
        """What it is for, in words."""
        name = Path(self.name).name if self.scope != "label" else self.name
        return f"{self.scope} {name}"

    def shown(self, value: float) -> str:
        """Return joules or grams for people, whichever this budget is of."""
        if self.energy_j is not None:
            return format_energy(value)
        return f"{format_co2e(value)} CO2e"

    def covers(self, record: AnyRecord, ledger: Path) -> bool:
        """Say whether a record's work counts, in the ledger that has it."""
        return self._is_in_time(record) and self.is_of(
            record.label, record.notebook, ledger
        )

    def is_of(self, label: str, notebook: str, ledger: Path) -> bool:
        """Say whether it is for work of some label and notebook, whenever that was.

        Whoever asks gets the same answer: it does not depend on the working folder.

        Args:
            label: The label; empty: none.
            notebook: The notebook's path as records have it; empty: none.
            ledger: The ledger's folder.  Where a notebook's whole path is not known, as
                with scripts, work is the project's if the ledger lies in it.
        """
        if self.scope == "label":
            return label == self.name
        if self.scope == "notebook":
            return notebook == self.name
        place = notebook if os.path.isabs(notebook) else str(ledger)  # noqa: PTH117
        return _is_below(place, self.name)

    def _is_in_time(self, record: AnyRecord) -> bool:
        began = parse_time(record.started_at)
        if not self.since or began is None:
            return True
        try:
            # Of the project file it can be a span such as 7d.
            return began >= parse_since(self.since)
        except LedgerError:
            return True  # `progress_of` tells of it

    def used_by(self, record: Record) -> float:
        """Return what a record used of it, in joules or grams; 0 if not measured."""
        value = record.energy_j if self.energy_j is not None else record.co2e_g
        return value or 0.0


class Progress(Struct, frozen=True, kw_only=True):
    """How far a budget is used.

    Attributes:
        budget: The budget.
        used: Joules or grams, as the budget has them.
        fraction: Of the budget; more than 1 where it is exceeded.
        state: ``within``, ``near`` (80 %) or ``spent``.
        duration_s: Seconds of the work that counts.
        unmeasured_runs: Runs without a figure, in grams also those without a carbon
            intensity: they used something, too.
    """

    budget: Budget
    used: float
    fraction: float
    state: State
    duration_s: float
    unmeasured_runs: int

    def __str__(self) -> str:
        """Return it as one sentence."""
        told = f"Budget of {self.budget.amount} for {self.budget.about}: "
        told += f"{self.budget.shown(self.used)} used, {format_percent(self.fraction)}"
        return f"{told} ({self.state})." if self.state != "within" else f"{told}."


def parse_amount(text: str) -> tuple[float | None, float | None]:
    """Return joules or grams of ``50 Wh``, ``2.5 kWh``, ``100 g``, ``1 kg CO2e``.

    Small and large letters are alike but for m: ``mJ`` is a thousandth of a joule, as
    it is printed here, and ``MJ`` a million.

    Raises:
        BudgetError: It is no amount of either, not above 0, or more than `MOST`.
    """
    found, why = _AMOUNT.fullmatch(text), ""
    if found is not None:
        number, power, prefix, unit, gas = found.groups()
        value = float(number.replace(",", "") + (power or "")) * PREFIXES[prefix]
        unit = unit.lower()
        value *= MASS_UNITS.get(unit) or ENERGY_UNITS[unit]
        if value > MOST:
            why = "the world's electricity of a year is about 1e20 J"
        elif value > 0.0 and unit in MASS_UNITS:
            return None, value
        elif value > 0.0 and not gas:
            return value, None
    raise BudgetError(
        f"{text!r} is no amount of energy or CO2e",
        why=why,
        remedy="Write 50 Wh, 2 kWh, 3.6 MJ, 100 g or 1 kg CO2e; a decimal point for a "
        "comma",
    )


def budgets_in_force(folder: Path, resolved: Resolved) -> list[Budget]:
    """Return the budgets beside a ledger and that of the project file.

    What the project file states counts before what was set for the same project.

    Args:
        folder: The ledger's folder.
        resolved: The settings, with what else the project file says.

    Raises:
        BudgetError: They cannot be read, or one of them is none.
    """
    kept = read_budgets(folder)
    table, file = resolved.tables.get("budget"), resolved.project_file
    if not isinstance(table, dict) or file is None:
        return kept
    stated = _of_project(table, str(file.resolve().parent))
    return [b for b in kept if _key(b) != _key(stated)] + [stated]


def read_budgets(folder: Path) -> list[Budget]:
    """Return the budgets that were set, from beside a ledger.

    Args:
        folder: The ledger's folder.

    Raises:
        BudgetError: The file cannot be read, or a budget in it is none.
    """
    path = folder / FILE_NAME
    budgets: list[Budget] = []
    try:
        budgets = msgspec.json.decode(path.read_bytes(), type=list[Budget])
    except (FileNotFoundError, NotADirectoryError):  # a ledger can be one file
        pass
    except (OSError, msgspec.MsgspecError) as err:
        raise BudgetError(
            f"the budgets in {path} cannot be read",
            why=str(err),
            remedy="Mend the file or remove it",
        ) from err
    for budget in budgets:
        if not budget.limit > 0.0:
            raise BudgetError(
                f"the budgets in {path} cannot be read",
                why=f"that for {budget.about} has no amount above 0",
                remedy="Mend the file or remove it",
            )
    return budgets


def store_budget(folder: Path, budget: Budget) -> None:
    """Keep a budget; one for the same work is replaced.

    Raises:
        BudgetError: The file cannot be read or written, or others keep it locked.
    """
    with _alone(folder):
        others = [b for b in read_budgets(folder) if _key(b) != _key(budget)]
        _write(folder, [*others, budget])


def drop_budget(folder: Path, scope: Scope, name: str) -> bool:
    """Forget a budget; return whether there was one.

    Raises:
        BudgetError: The file cannot be read or written, or others keep it locked.
    """
    if (scope, name) not in map(_key, read_budgets(folder)):
        return False  # nothing is written, not even a lock
    with _alone(folder):
        known = read_budgets(folder)
        kept = [b for b in known if _key(b) != (scope, name)]
        _write(folder, kept)
    return len(kept) < len(known)


def set_budget(
    folder: Path,
    *,
    amount: str,
    work: tuple[Scope, str],
    stop: bool = False,
    since: str | None = None,
) -> Budget:
    """Read an amount and keep it as the budget of some work.

    Args:
        folder: The ledger's folder.
        amount: ``50 Wh`` or ``100 g``.
        work: Scope and name.
        stop: Interrupt the running cell when it is spent.
        since: Count from then on; None: everything.

    Raises:
        BudgetError: The amount or the name is none, or it cannot be stored.
        LedgerError: *since* is no time.
    """
    energy_j, co2e_g = parse_amount(amount)
    scope, name = work
    if name == NAMELESS.get(scope):
        raise BudgetError(
            f"a budget for the {scope} {name!r} could not be followed",
            why=f"totals name runs with no {scope} so",
            remedy=f"Give the runs another {scope}",
        )
    budget = Budget(
        scope=scope,
        name=name,
        energy_j=energy_j,
        co2e_g=co2e_g,
        stop=stop,
        # A span such as 7d is meant from now: its beginning is stored.
        since=utc_text(parse_since(since)) if since else "",
    )
    store_budget(folder, budget)
    return budget


def progress_of(folder: Path, budgets: Sequence[Budget]) -> list[Progress]:
    """Return how far each budget is used, by the totals of the ledger.

    Totals count every joule once, so nested and overlapping runs do not use it twice.

    Raises:
        LedgerError: A budget's *since* is no time.
    """
    rows: dict[tuple[str, str], tuple[Row, ...]] = {}
    found = []
    for budget in budgets:
        by: By = "label" if budget.scope == "label" else "notebook"
        key = (by, budget.since)
        if key not in rows:
            since = parse_since(budget.since) if budget.since else None
            rows[key] = ledger_totals([folder], by=by, since=since).totals.rows
        mine = [row for row in rows[key] if _is_row_of(budget, by, row, folder)]
        used = sum(
            (row.energy_j if budget.energy_j is not None else row.co2e_g) or 0.0
            for row in mine
        )
        found.append(
            progress(
                budget,
                used,
                duration_s=sum(row.duration_s for row in mine),
                unmeasured_runs=sum(_unknown_runs(budget, row) for row in mine),
            )
        )
    return found


def progress(
    budget: Budget, used: float, *, duration_s: float = 0.0, unmeasured_runs: int = 0
) -> Progress:
    """Return how far a budget is used by *used* joules or grams."""
    fraction = used / budget.limit
    state: State = "within"
    if fraction >= 1.0:
        state = "spent"
    elif fraction >= NEAR:
        state = "near"
    return Progress(
        budget=budget,
        used=used,
        fraction=fraction,
        state=state,
        duration_s=duration_s,
        unmeasured_runs=unmeasured_runs,
    )


def without_notebook(found: Sequence[Progress], here: str = "") -> list[Budget]:
    """Return the budgets of notebooks at whose path is no file.

    Looks at the disk.

    Args:
        found: Those in question.
        here: The notebook that asks.  Its kernel goes on under the name that it
            started with, and so does its budget.
    """
    budgets = (e.budget for e in found if e.budget.scope == "notebook")
    return [
        b
        for b in budgets
        if b.name != here and os.path.isabs(b.name) and not os.path.exists(b.name)  # noqa: PTH110, PTH117
    ]


def budgets_table(found: Sequence[Progress], gone: Sequence[Budget] = ()) -> Table:
    """Return the budgets as a table.

    Args:
        found: The budgets, and how far they are used.
        gone: Those of them whose notebook is gone: it may have another name by now.
    """
    if not found:
        note = "There is no budget. Set one: %green budget 50 Wh"
        return Table(title="", columns=(), rows=(), notes=(note,))
    figures = ("budget", "used", "part", "time")
    unmeasured = sum(entry.unmeasured_runs for entry in found)
    notes = ["Failed and interrupted runs count: their energy was used."]
    if unmeasured:
        notes.append(f"{unmeasured} runs were not measured and are not in it.")
    notes += map(_rename_note, gone)
    return Table(
        title="Budgets",
        columns=("for", *figures, "state", "when it is spent"),
        rows=tuple(
            (
                entry.budget.about,
                entry.budget.amount,
                entry.budget.shown(entry.used),
                format_percent(entry.fraction),
                format_duration(entry.duration_s),
                entry.state,
                "the cell is interrupted" if entry.budget.stop else "a warning",
            )
            for entry in found
        ),
        notes=tuple(notes),
        numeric=figures,
    )


def _rename_note(budget: Budget) -> str:
    """Say what to do about a budget whose notebook is gone."""
    name, stop = Path(budget.name).name, " --stop" if budget.stop else ""
    return (
        f"This machine has no notebook at the path of {name}. If it was renamed or "
        "moved, its new runs do not count here: set the budget anew in the notebook, "
        f"%green budget {budget.amount}{stop}, and take this one away in the old "
        f"folder, jupyter green budget --notebook {shlex.quote(name)} --clear."
    )


def budgets_json(found: Sequence[Progress]) -> list[dict[str, Any]]:
    """Return the budgets as plain values, for JSON and the panel."""
    return [
        {
            **msgspec.to_builtins(entry.budget),
            "used": entry.used,
            "unit": "J" if entry.budget.energy_j is not None else "gCO2e",
            "fraction": entry.fraction,
            "state": entry.state,
            "unmeasured_runs": entry.unmeasured_runs,
        }
        for entry in found
    ]


def _of_project(table: dict[str, Any], folder: str) -> Budget:
    """Read the table ``[budget]`` of the project in *folder*.

    It has ``amount``, ``stop`` and ``since``.

    Raises:
        BudgetError: A value is missing or wrong.
    """
    unknown = {*table} - {"amount", "stop", "since"}
    if unknown or not isinstance(table.get("amount"), str):
        raise BudgetError(
            "the table [budget] of jupyter_green.toml cannot be used",
            why=f"it has {', '.join(sorted(unknown))}" if unknown else "no amount",
            remedy='Write amount = "50 kWh", and perhaps stop = true',
        )
    energy_j, co2e_g = parse_amount(table["amount"])
    return Budget(
        scope="project",
        name=folder,
        energy_j=energy_j,
        co2e_g=co2e_g,
        stop=bool(table.get("stop", False)),
        since=str(table.get("since", "")),
    )


def _unknown_runs(budget: Budget, row: Row) -> int:
    """Return the runs of which it is not known what they used of a budget."""
    if budget.energy_j is not None:
        return row.unmeasured_runs
    # Without carbon intensity there are joules and no grams.
    return row.unmeasured_runs + row.without_intensity_runs


def _is_row_of(budget: Budget, by: By, row: Row, folder: Path) -> bool:
    """Say whether a row of the totals by label or by notebook counts for a budget."""
    name = "" if row.key == NAMELESS[by] else row.key
    label, notebook = (name, "") if by == "label" else ("", name)
    return budget.is_of(label, notebook, folder)


def _is_below(path: str, folder: str) -> bool:
    """Say whether a path leads into a folder, by its own name or by links on it."""
    plain = os.path.abspath(path)  # noqa: PTH100 - no links
    if Path(plain).is_relative_to(folder):
        return True
    # A project's folder is named without links, a notebook as its server names it.
    with suppress(ValueError):  # a zero byte, of a ledger from somewhere
        return Path(os.path.realpath(path)).is_relative_to(folder)
    return False


def _key(budget: Budget) -> tuple[str, str]:
    return budget.scope, budget.name


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep others from changing the budgets between a reading and a writing.

    Raises:
        BudgetError: Others have not come to an end with it in `LOCK_S`.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - seldom needed

    path = folder / LOCK_NAME
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Whoever may write in the folder may set budgets in it.
            mode = folder.stat().st_mode & 0o666
            held.enter_context(FileLock(path, timeout=LOCK_S, mode=mode))
        except Timeout as err:
            raise BudgetError(
                f"the budgets in {folder} cannot be changed now",
                why=f"another process has had {path} locked for {LOCK_S:g} s",
                remedy="Try again, or end that process",
            ) from err
        except OSError:
            # A disk without locks; where nothing can be written, `_write` tells it.
            pass
        yield


def _write(folder: Path, budgets: Sequence[Budget]) -> None:
    """Write the file as a whole, so that nobody reads half of it."""
    path = folder / FILE_NAME
    beside = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(list(budgets))))
        beside.replace(path)
    except OSError as err:
        raise BudgetError(f"{path} cannot be written", why=str(err)) from err
