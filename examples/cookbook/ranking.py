"""Rank the strategies by the energy they were measured to save.

    python examples/cookbook/ranking.py cookbook-output/ledger cookbook-output

Every figure of the page is computed from the ledger's records; `STRATEGIES` says only
which label is compared with which.
"""

from __future__ import annotations

import html
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from jupyter_green.carbon.elsewhere import NOT_MARGINAL, places
from jupyter_green.ledger import read_ledger
from jupyter_green.records import Record
from jupyter_green.report.compare import compare, select
from jupyter_green.report.compare_tables import ratio_text, verdict_text
from jupyter_green.report.comparison import Comparison, Contrast
from jupyter_green.report.contrast import LEVEL, VERDICT_LEVEL
from jupyter_green.report.elsewhere import comparable
from jupyter_green.report.format import format_co2e, format_energy, format_percent
from jupyter_green.report.palette import BLACK, BLUE, VERMILION
from jupyter_green.report.tables import Table, render_html, render_markdown
from jupyter_green.units import co2e_g

QUALITY = "accuracy"


class Strategy(NamedTuple):
    """What one recipe compares.

    Attributes:
        name: For people.
        recipe: The notebook.
        label: What the labels of its records begin with.
        variant: What is ranked.
        reference: What it is compared with.
        work: What was metered.
    """

    name: str
    recipe: str
    label: str
    variant: str
    reference: str
    work: str = "training"


STRATEGIES = (
    Strategy(
        "Pruning, weights set to zero", "01_pruning",
        "pruning", "weights zeroed", "whole", "predicting",
    ),
    Strategy(
        "Pruning, neurons taken out", "01_pruning",
        "pruning", "neurons removed", "whole", "predicting",
    ),
    Strategy(
        "Quantization of a narrow network", "02_quantization",
        "quantization", "narrow, 8 bits", "narrow", "predicting",
    ),
    Strategy(
        "Quantization of a wide network", "02_quantization",
        "quantization", "wide, 8 bits", "wide", "predicting",
    ),
    Strategy(
        "Knowledge distillation", "03_distillation",
        "distillation", "student with teacher", "teacher", "predicting",
    ),
    Strategy(
        "A small network without a teacher", "03_distillation",
        "distillation", "student alone", "teacher", "predicting",
    ),
    Strategy(
        "Separable convolutions, training", "04_efficient_architecture",
        "architecture", "separable", "plain",
    ),
    Strategy(
        "Separable convolutions, predicting", "04_efficient_architecture",
        "architecture, predicting", "separable", "plain", "predicting",
    ),
    Strategy(
        "Search with two objectives", "05_search_with_two_objectives",
        "chosen by search", "frugal", "most accurate",
    ),
    Strategy(
        "Early stopping", "06_early_stopping",
        "early stopping", "stopped early", "all epochs",
    ),
    Strategy("Growing batches", "07_batch_size", "batch size", "growing", "small"),
    Strategy("Large batches", "07_batch_size", "batch size", "large", "small"),
    Strategy(
        "Mixed precision of convolutions", "08_mixed_precision",
        "precision", "convolutions, bf16", "convolutions",
    ),
    Strategy(
        "Mixed precision of a small network", "08_mixed_precision",
        "precision", "small, bf16", "small",
    ),
    Strategy(
        "Active learning", "09_active_learning",
        "active learning", "asked for", "all images",
    ),
    Strategy(
        "Fewer images, drawn at random", "09_active_learning",
        "active learning", "drawn at random", "all images",
    ),
    Strategy(
        "Transfer with few images", "10_transfer",
        "transfer", "transfer, few images", "scratch, all images",
    ),
    Strategy(
        "Few images from scratch", "10_transfer",
        "transfer", "scratch, few images", "scratch, all images",
    ),
    Strategy(
        "Shutting down idle kernels", "12_idle_kernels",
        "idle kernels", "shut down", "left idle", "training and waiting",
    ),
)  # fmt: skip
PLACE_LABEL = "region"  # of the work that recipe 11 takes elsewhere

INTRODUCTION = (
    "How much energy each strategy of the cookbook saved, by the records of one run on "
    "one machine. A figure is the energy of the strategy over that of what it is "
    "compared with, for the same work: below one it saves. Recipes differ in task: "
    "neighbours in this list were not measured against each other."
)


class Ranked(NamedTuple):
    """A strategy with what its records say."""

    strategy: Strategy
    comparison: Comparison

    @property
    def energy(self) -> Contrast:
        """Its energy against the reference's."""
        return self.comparison.contrast("energy_j", self.strategy.variant)

    @property
    def quality(self) -> Contrast:
        """Its quality against the reference's."""
        return self.comparison.contrast(QUALITY, self.strategy.variant)


def rank(records: Sequence[Record]) -> list[Ranked]:
    """Return the strategies that were measured, the largest saving first."""
    known = {record.label for record in records}
    ranked = [
        Ranked(strategy, compare(_groups(strategy, records)))
        for strategy in STRATEGIES
        if f"{strategy.label}: {strategy.variant}" in known
    ]
    # Those that no run can tell apart from their reference come after those that save
    # and before those that waste; within each, by the ratio.
    places_of = {"better": 0, "not distinguishable": 1, "not measured": 1, "worse": 2}
    return sorted(
        ranked, key=lambda r: (places_of[r.energy.verdict], r.energy.ratio or 1.0)
    )


def _groups(
    strategy: Strategy, records: Sequence[Record]
) -> dict[str, Sequence[Record]]:
    return {
        name: select(records, f"{strategy.label}: {name}")
        for name in (strategy.reference, strategy.variant)
    }


def table(ranked: Sequence[Ranked]) -> Table:
    """Return the ranking as a table."""
    methods = {m for r in ranked for c in r.comparison.candidates for m in c.methods}
    warnings = {text for r in ranked for text in r.comparison.warnings}
    how = (
        f"How the energy was found: {', '.join(sorted(methods))}. In brackets: "
        f"intervals of {format_percent(LEVEL)}; verdicts ask for "
        f"{format_percent(VERDICT_LEVEL)}."
    )
    return Table(
        title="",
        columns=(
            "strategy",
            "work",
            "against",
            "energy, times as much",
            "verdict",
            f"change of {QUALITY}",
            "verdict on it",
            "recipe",
        ),
        rows=tuple(
            (
                r.strategy.name,
                r.strategy.work,
                r.strategy.reference,
                ratio_text(r.energy),
                verdict_text(r.energy, r.comparison),
                ratio_text(r.quality),
                verdict_text(r.quality, r.comparison),
                r.strategy.recipe,
            )
            for r in ranked
        ),
        notes=(how, *sorted(warnings)),
    )


def elsewhere(records: Sequence[Record]) -> str:
    """Return what place and hour change, or nothing where recipe 11 was not run."""
    work = [record for record in records if record.label == PLACE_LABEL]
    if not work or work[-1].energy_j is None or work[-1].intensity is None:
        return ""
    record = work[-1]
    countries = comparable(places("country"), record.intensity)
    grams = [
        format_co2e(co2e_g(record.energy_j, p.intensity.g_per_kwh, record.pue.value))
        for p in (countries[0], countries[-1])
    ]
    return (
        "Region and time of day (11_region_and_hour) save no energy and are not in "
        f"the list. The {format_energy(record.energy_j)} of that recipe are "
        f"{grams[0]} CO2e in {countries[0].name} and {grams[1]} in "
        f"{countries[-1].name}, by yearly averages. {NOT_MARGINAL}"
    )


def picture(ranked: Sequence[Ranked], form: str) -> bytes:
    """Return the ranking as a drawing, ``svg`` or ``png``."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow
    from matplotlib.ticker import LogLocator, NullLocator  # noqa: PLC0415

    colours = {"better": BLUE, "worse": VERMILION}
    figure = Figure(figsize=(8.0, 0.34 * len(ranked) + 1.1), layout="constrained")
    axes = figure.add_subplot()
    for row, one in enumerate(ranked):
        energy = one.energy
        if energy.ratio is None:
            continue
        low = energy.ratio if energy.low is None else energy.low
        high = energy.ratio if energy.high is None else energy.high
        axes.errorbar(
            energy.ratio,
            row,
            xerr=[[energy.ratio - low], [high - energy.ratio]],
            fmt="o",
            color=colours.get(energy.verdict, BLACK),
            # A verdict is not told by colour alone.
            markerfacecolor=None if energy.verdict in colours else "white",
            capsize=3,
        )
    axes.axvline(1.0, color="#7f7f7f", linestyle="--", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks(range(len(ranked)), [one.strategy.name for one in ranked])
    axes.invert_yaxis()
    axes.set_xlabel("energy, times as much as without it (open: not distinguishable)")
    axes.grid(visible=True, axis="x", alpha=0.25)
    methods = {m for r in ranked for c in r.comparison.candidates for m in c.methods}
    axes.set_title(f"energy: {', '.join(sorted(methods))}", fontsize="medium")
    stream = io.BytesIO()
    metadata = {"Date": None} if form == "svg" else {"Software": None}
    figure.savefig(stream, format=form, metadata=metadata, dpi=150)
    return stream.getvalue()


STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto;
  padding: 0 1rem; color: #1a1a1a; background: white; }
table { border-collapse: collapse; width: 100%; font-size: 0.85rem; }
th, td { padding: 0.35rem 0.6rem; border-bottom: 1px solid #ddd; vertical-align: top; }
figure { margin: 1.5rem 0; } svg { max-width: 100%; height: auto; }
"""
TITLE = "What the strategies saved here"


def markdown(ranked: Sequence[Ranked], place: str) -> str:
    """Return the page as Markdown."""
    parts = (f"# {TITLE}", INTRODUCTION, render_markdown(table(ranked)), place)
    return "\n\n".join(part for part in parts if part) + "\n"


def page(ranked: Sequence[Ranked], place: str) -> str:
    """Return the page as HTML that needs no other file."""
    drawn = picture(ranked, "svg").decode()
    drawn = drawn[drawn.index("<svg") :]  # without the XML declaration
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{TITLE}</title>'
        f"<style>{STYLE}</style><h1>{TITLE}</h1><p>{INTRODUCTION}</p>"
        f"<figure>{drawn}</figure>{render_html(table(ranked))}"
        f"<p>{html.escape(place)}</p></html>\n"
    )


def write_ranking(ledger: Path, output: Path) -> Iterable[Path]:
    """Write the ranking as Markdown, as HTML and as a picture; return the paths."""
    records = read_ledger([ledger]).records
    ranked = rank(records)
    if not ranked:
        return []
    place = elsewhere(records)
    made = {
        "ranking.md": markdown(ranked, place).encode(),
        "ranking.html": page(ranked, place).encode(),
        "ranking.png": picture(ranked, "png"),
    }
    for name, data in made.items():
        (output / name).write_bytes(data)
    return [output / name for name in made]


if __name__ == "__main__":
    written = write_ranking(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.write("".join(f"{path}\n" for path in written))
