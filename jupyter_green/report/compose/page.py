"""The page in the making: facts, units, the values that bodies quote, what is cited.

Section modules take a `Page` and give a `Section`; the values and citations that they
use are collected here, so that a figure has one text wherever it stands.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from jupyter_green.report.appendix.facts import Appendix
from jupyter_green.report.compose.units import (
    Unit,
    energy_unit,
    hours_unit,
    mass_unit,
    time_unit,
)
from jupyter_green.report.document import (
    Cite,
    Inline,
    Inlines,
    Paragraph,
    Table,
    Text,
    Value,
)

NOT_STATED = "not stated"
NOT_MEASURED = "not measured"
NOT_RECORDED = "not recorded"
GPU_HOURS = "GPU-hours"
OF_GPUS = frozenset({GPU_HOURS, "GPUs"})  # columns that need GPUs
EMPTY = (Text(""),)  # a cell with nothing to say


@dataclass(slots=True)
class Page:
    """What all sections share.

    Attributes:
        facts: What the report states.
        figures: Names of the figures that are drawn.
        report_sha256: Hash of the report's canonical JSON, to be printed.
        values: The macros so far.
        cited: Keys of the references so far, in the order of citing.
    """

    facts: Appendix
    figures: Collection[str] = ()
    report_sha256: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    cited: dict[str, None] = field(default_factory=dict)

    @property
    def energy(self) -> Unit:
        """The unit of energy of the page's totals."""
        amount = self.facts.totals.amount
        return energy_unit(amount.energy_it_kwh, amount.energy_facility_kwh)

    @property
    def mass(self) -> Unit:
        """The unit of mass of the page's totals."""
        return mass_unit(self.facts.totals.amount.co2e_kg)

    @property
    def hours(self) -> Unit:
        """GPU-hours, as finely as the total asks for."""
        return hours_unit(self.facts.totals.amount.gpu_hours)

    @property
    def time(self) -> Unit:
        """The unit of time of the page's totals."""
        return time_unit(self.facts.compute.run_time_s)

    @property
    def not_metered_runs(self) -> int:
        """How many runs were added by hand or imported: nothing calls them metered."""
        flags = self.facts.flags
        return sum(flag.count for flag in flags if flag.code == "not-metered-runs")

    def value(self, macro: str, text: str) -> Value:
        """Name a figure: the same macro gives the same text."""
        return self.values.setdefault(macro, Value(text=text, macro=macro))

    def known(self, macro: str) -> Value:
        """Return a figure that `value` has named before.

        Raises:
            KeyError: It has not.
        """
        return self.values[macro]

    def cite(self, *keys: str) -> Cite:
        """Cite entries of the bibliography."""
        self.cited.update(dict.fromkeys(keys))
        return Cite(keys=keys)


def paragraph(*parts: Inline | str, lead: str = "") -> Paragraph:
    """Return a paragraph of parts, plain words among them."""
    return Paragraph(parts=inline(*parts), lead=lead)


def inline(*parts: Inline | str) -> Inlines:
    """Return parts, plain words among them."""
    return tuple(Text(part) if isinstance(part, str) else part for part in parts)


def cells(*texts: Inline | str) -> tuple[Inlines, ...]:
    """Return a table's row of one part for each cell."""
    return tuple(inline(text) for text in texts)


def trimmed(table: Table, page: Page) -> Table:
    """Return the table without columns that say nothing: empty, or of no GPU."""
    if not table.rows:
        return table
    kept = [
        at
        for at, column in enumerate(table.columns)
        if any(row[at] != EMPTY for row in table.rows)
        and (page.facts.compute.gpus or column.title not in OF_GPUS)
    ]
    return replace(
        table,
        columns=tuple(table.columns[at] for at in kept),
        rows=tuple(tuple(row[at] for at in kept) for row in table.rows),
        total=None if table.total is None else tuple(table.total[at] for at in kept),
    )


def listed(texts: Sequence[str], word: str = "and") -> str:
    """Return texts as a list in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    if len(texts) < 2:  # noqa: PLR2004 - nothing to join
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {word} {texts[-1]}"
