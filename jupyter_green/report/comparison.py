"""What a comparison is: a value with forms for people, programs and the appendix.

Imports `report.contrast` and, when they are asked for, the tables and the figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct

from jupyter_green.report.contrast import LEVEL, POWER, VERDICT_LEVEL, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCHEMA_VERSION = 1

Better = Literal["lower", "higher"]


class Spread(Struct, frozen=True, kw_only=True):
    """Figures of one quantity over runs.

    Attributes:
        runs: How many there are.
        mean: Their mean.
        stdev: Sample standard deviation; None for a single one.
        low: Lower end of the 95 % interval of the mean (Student's t), without
            calibration; None for a single run.
        high: Its upper end.
    """

    runs: int
    mean: float
    stdev: float | None = None
    low: float | None = None
    high: float | None = None


class Quantity(Struct, frozen=True, kw_only=True):
    """Something that is compared.

    Attributes:
        key: Its name in JSON, with the unit: ``energy_j``, ``accuracy``.
        name: Its name for people.
        better: Whether ``lower`` or ``higher`` is better.
        is_ratio: Compared by ratio; False: by difference.
        unit: The unit that values are printed in, where no scale fits them.
    """

    key: str
    name: str
    better: Better
    is_ratio: bool = True
    unit: str = ""


class Candidate(Struct, frozen=True, kw_only=True):
    """One of the things compared.

    Attributes:
        label: Its name.
        records: Ids of the records it is made of.
        runs: Runs in them: the kept repeats of a repeated cell are one each.
        left_out: Records that failed, run still or have no figure.
        quantities: By key; absent where it is not known.
        methods: How the energy was found.
        devices: Names of the devices.
        uncertainty_j: Half-width (95 %) of the mean energy with calibration.
    """

    label: str
    records: tuple[str, ...]
    runs: int
    left_out: int
    quantities: dict[str, Spread]
    methods: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    uncertainty_j: float | None = None


class Contrast(Struct, frozen=True, kw_only=True):
    """One quantity of a candidate against the reference; see `contrast.Contrast`.

    Attributes:
        quantity: Key of the quantity.
        candidate: Label.
        reference: Label.
        ratio: Candidate over reference, of geometric means; None for differences.
        difference: Candidate minus reference; None for ratios.
        low: Lower end of the 95 % interval; None: one run each tells no interval.
        high: Its upper end.
        verdict: ``better``, ``worse``, ``not distinguishable`` or ``not measured``.
        common: Relative half-width from calibration that does not cancel.
        detect: The relative difference that `repeats_needed` is about.
        repeats_needed: Runs of each that would find it; None: not known, or none would.
        smallest_found: The relative difference that as many runs as these find.
        turns: Turns within which the two were compared; None: as independent groups.
    """

    quantity: str
    candidate: str
    reference: str
    ratio: float | None
    difference: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    common: float
    detect: float
    repeats_needed: int | None
    smallest_found: float | None
    turns: int | None = None


class Comparison(Struct, frozen=True, kw_only=True):
    """Several pieces of work side by side; the first is the reference.

    Attributes:
        candidates: The things compared, the reference first.
        quantities: What is compared, in the order of the table.
        contrasts: Each candidate against the reference, by quantity.
        warnings: What makes the comparison doubtful.
        notes: How it is to be read.
        level: Of the intervals.
        verdict_level: Of the intervals that verdicts ask for.
        power: Chance that `Contrast.repeats_needed` runs find the difference.
        schema_version: Version of this form.
    """

    candidates: tuple[Candidate, ...]
    quantities: tuple[Quantity, ...]
    contrasts: tuple[Contrast, ...]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    level: float = LEVEL
    verdict_level: float = VERDICT_LEVEL
    power: float = POWER
    schema_version: int = SCHEMA_VERSION

    @property
    def reference(self) -> Candidate:
        """The candidate that the others are compared with."""
        return self.candidates[0]

    def contrast(self, quantity: str, candidate: str) -> Contrast:
        """Return one contrast.

        Raises:
            KeyError: There is no such quantity or candidate, or it is the reference.
        """
        for entry in self.contrasts:
            if (entry.quantity, entry.candidate) == (quantity, candidate):
                return entry
        raise KeyError((quantity, candidate))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form as plain values, unrounded, units in the keys."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    def to_json(self) -> str:
        """Return the JSON form."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()

    def to_markdown(self) -> str:
        """Return the tables as Markdown."""
        from jupyter_green.report.compare_tables import (  # noqa: PLC0415 - shown only
            comparison_tables,
        )
        from jupyter_green.report.tables import render_markdown  # noqa: PLC0415

        return "\n\n".join(map(render_markdown, comparison_tables(self)))

    def plot(self, quality: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Draw quality against energy with the Pareto front; return the axes.

        Args:
            quality: A metric; None: the first there is, or the duration.
            ax: Where to draw; None: a new figure.

        Raises:
            CompareError: No candidate has both figures.
        """
        from jupyter_green.report.compare_figure import draw  # noqa: PLC0415 - slow

        return draw(self, quality, ax=ax)

    def __str__(self) -> str:
        """Return the tables as text."""
        from jupyter_green.report.compare_tables import (  # noqa: PLC0415 - shown only
            comparison_tables,
        )
        from jupyter_green.report.tables import render_text  # noqa: PLC0415

        return "\n\n".join(map(render_text, comparison_tables(self)))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show the tables in a terminal's IPython, which has no use for HTML."""
        del cycle  # it holds no other values that could hold it
        printer.text(str(self))

    def _repr_html_(self) -> str:
        from jupyter_green.report.compare_tables import (  # noqa: PLC0415 - shown only
            comparison_tables,
        )
        from jupyter_green.report.tables import render_html  # noqa: PLC0415

        return "".join(map(render_html, comparison_tables(self)))

    def _repr_markdown_(self) -> str:
        return self.to_markdown()
