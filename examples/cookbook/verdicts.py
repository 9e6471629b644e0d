"""Sentences about a comparison, with no figure but the records' own.

    tell(found, "accuracy")      # in a notebook

Every number and every "better" comes out of the comparison, so that the text is right
whichever way a run comes out.
"""

from __future__ import annotations

from IPython.display import Markdown

from jupyter_green.report.compare_tables import ratio_text, verdict_text
from jupyter_green.report.comparison import Comparison, Contrast
from jupyter_green.report.format import format_percent

# What to make of the two verdicts; both ways are worth knowing.
SAVES, WASTES = "It saves energy here", "It saves nothing here: it uses more"
QUALITIES = {
    "better": " and gains {quality}",
    "worse": " and costs {quality}",
    "not distinguishable": "; whether it changes {quality}, these runs cannot tell",
}


def tell(comparison: Comparison, quality: str = "accuracy") -> Markdown:
    """Return what the records say, as text below a cell."""
    return Markdown("\n".join([*_lines(comparison, quality), "", how(comparison)]))


def _lines(comparison: Comparison, quality: str) -> list[str]:
    return [
        f"- {sentence(comparison, candidate.label, quality)}"
        for candidate in comparison.candidates[1:]
    ]


def sentence(comparison: Comparison, candidate: str, quality: str = "accuracy") -> str:
    """Return what can be said of one candidate against the reference."""
    energy = comparison.contrast("energy_j", candidate)
    change = comparison.contrast(quality, candidate)
    return (
        f"**{candidate}** used {ratio_text(energy)} times the energy of "
        f"**{energy.reference}**: *{verdict_text(energy, comparison)}*. "
        f"Its {quality} differs by {ratio_text(change)}: "
        f"*{verdict_text(change, comparison)}*. "
        f"{conclusion(energy, change, quality)}"
    )


def conclusion(energy: Contrast, change: Contrast, quality: str) -> str:
    """Return what to make of two verdicts."""
    if energy.verdict in ("better", "worse") and change.verdict in QUALITIES:
        first = SAVES if energy.verdict == "better" else WASTES
        return f"{first}{QUALITIES[change.verdict].format(quality=quality)}."
    needed = energy.repeats_needed
    if needed is None:
        return "Whether it saves energy cannot be told from these runs."
    return (
        "These runs cannot tell whether it saves energy: to find a difference of "
        f"{format_percent(energy.detect)}, {needed} runs of each are asked for."
    )


def how(comparison: Comparison) -> str:
    """Return how the figures came about, as the records have it."""
    methods = {method for c in comparison.candidates for method in c.methods}
    runs = sorted({candidate.runs for candidate in comparison.candidates})
    return (
        f"<small>{' or '.join(map(str, runs))} runs of each, in turns; intervals of "
        f"{format_percent(comparison.level)}. "
        f"How the energy was found: {', '.join(sorted(methods))}.</small>"
    )
