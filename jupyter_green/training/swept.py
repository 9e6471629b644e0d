"""What a sweep found: a value that shows itself as a table.

Imports `report`.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from jupyter_green.report.comparison import Spread
from jupyter_green.report.format import format_duration, format_energy
from jupyter_green.report.tables import (
    Table,
    plain_text,
    render_html,
    render_markdown,
    render_text,
)

HOW_READ = (
    "{} runs of each, in turns; intervals are of 95 %, without calibration. Energy: {}."
)


class Tried(Struct, frozen=True, kw_only=True):
    """One candidate of a sweep.

    Attributes:
        settings: What was given to the step.
        records: Ids of its records, one for each repeat.
        energy_j_per_sample: Joules for a sample; None: not measured.
        duration_s_per_sample: Seconds for a sample; None: it failed.
        score: What was minimised: 1 is the best of each of the two.
        is_as_good: It cannot be told from the choice with this many repeats.
        error: Why it failed, if it did.
    """

    settings: dict[str, Any]
    records: tuple[str, ...] = ()
    energy_j_per_sample: Spread | None = None
    duration_s_per_sample: Spread | None = None
    score: float | None = None
    is_as_good: bool = False
    error: str = ""

    @property
    def name(self) -> str:
        """The settings in a few words."""
        return ", ".join(f"{key}={value}" for key, value in self.settings.items())


class Sweep(Struct, frozen=True, kw_only=True):
    """What a sweep found.

    Attributes:
        candidates: In the order in which they were given.
        chosen: Number of the choice among them.
        choose: What it was chosen by: ``energy``, ``time`` or ``weight``.
        weight: How much energy counts against time, 0 to 1.
        repeats: Runs of each.
        methods: How the energy was found.
    """

    candidates: tuple[Tried, ...]
    chosen: int
    choose: str
    weight: float
    repeats: int
    methods: tuple[str, ...]

    @property
    def choice(self) -> Tried:
        """The candidate with the lowest score."""
        return self.candidates[self.chosen]

    def table(self) -> Table:
        """Return one line for each candidate."""
        return _table(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form as plain values."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    def to_markdown(self) -> str:
        """Return the table as Markdown."""
        return render_markdown(self.table())

    def __str__(self) -> str:
        """Return the table as text."""
        return render_text(self.table())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show the table in a terminal's IPython, which has no use for HTML."""
        del cycle  # it holds no other values that could hold it
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return render_html(self.table())


def _table(found: Sweep) -> Table:
    names = list(found.candidates[0].settings)
    figures = ("energy per sample", "time per sample", "score")
    rows = []
    for number_, tried in enumerate(found.candidates):
        energy, duration = tried.energy_j_per_sample, tried.duration_s_per_sample
        remark = plain_text(tried.error)
        if number_ == found.chosen:
            remark = "chosen"
        elif tried.is_as_good:
            remark = "not distinguishable from it"
        rows.append(
            (
                *(str(tried.settings[name]) for name in names),
                format_energy(energy.mean, _half(energy))
                if energy
                else format_energy(None),
                format_duration(duration.mean if duration else None),
                "" if tried.score is None else f"{tried.score:.3f}",
                remark,
            )
        )
    by = found.choose
    if by == "weight":
        by = f"{found.weight:.0%} energy and {1 - found.weight:.0%} time"
    notes = [HOW_READ.format(found.repeats, ", ".join(found.methods))]
    if "simulated" in found.methods:
        notes.append("SIMULATED: these figures come from no hardware.")
    return Table(
        title=f"Sweep, chosen by {by}",
        columns=(*names, *figures, "choice"),
        rows=tuple(rows),
        notes=tuple(notes),
        numeric=figures,
    )


def _half(known: Spread) -> float | None:
    return None if known.high is None else known.high - known.mean
