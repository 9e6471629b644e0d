"""Make docs/accuracy.md's table and picture anew: `make accuracy`.

Thousands of windows on simulated counters that move every 0.1 s, with power readings
each 20 ms: the plain difference of two readings, which other meters take, beside what
`meter.edges` makes of the same counter.  No hardware, some seconds.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

from scenes import Kind, bursts, difference_j, observe, other_load, own_cell, run_all

from jupyter_green.meter.edges import Habit, window_energy

# No multiples of the loads' periods: over a whole period the phase hides all errors.
LENGTHS_S = (0.005, 0.023, 0.053, 0.23, 1.07, 5.3)
FLOOR_PERCENT = 1e-3
KINDS: dict[str, Kind] = {
    "the cell's own load": own_cell,
    "another's square wave": other_load,
    "another's bursts": bursts,
    "Run All": run_all,
}
K95 = 1.96
MOST_RATIO = 100.0
PROMISED_PERCENT = 95.0


class Row(NamedTuple):
    """One length of window under one load."""

    kind: str
    length_s: float
    plain: float
    ours: float
    bias: float
    covered: float
    half_over_error: float


def measure(name: str, kind: Kind, length_s: float, count: int) -> Row:
    """Run *count* windows and return their errors, relative to the truth."""
    rng = random.Random(f"{name} {length_s}")
    plain, ours, signed, halves, covered = [], [], [], [], 0
    habit = Habit()
    for _ in range(count):
        scene = kind(rng, length_s)
        load, start_s, end_s = scene
        truth_j = load.energy_j(end_s) - load.energy_j(start_s)
        seen = observe(scene, rng)
        estimate = window_energy(*seen, start_s, end_s, prior_own=habit.prior_own)
        if estimate is None:
            raise RuntimeError("the ticks do not enclose the window")
        habit.learn(estimate.evidence)
        error_j = estimate.energy_j - truth_j
        plain.append(abs(difference_j(scene, rng) - truth_j) / truth_j)
        ours.append(abs(error_j) / truth_j)
        signed.append(error_j / truth_j)
        halves.append(K95 * estimate.error_j / truth_j)
        covered += abs(error_j) <= K95 * estimate.error_j
    median = statistics.median
    return Row(
        name,
        length_s,
        median(plain),
        median(ours),
        statistics.fmean(signed),
        covered / count,
        median(halves) / median(ours),
    )


def table(rows: list[Row]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| load | window | plain difference | here | bias | covered | half/error |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        length = "0.02-0.5 s" if row.kind == "Run All" else f"{row.length_s:g} s"
        lines.append(
            f"| {row.kind} | {length} | {row.plain:.1%} | {row.ours:.2%} | "
            f"{row.bias:+.2%} | {row.covered:.0%} | {_ratio(row.half_over_error)} |"
        )
    return "\n".join(lines)


def _ratio(value: float) -> str:
    # Under steady power the error is rounding alone: the ratio says nothing.
    return f"{value:.1f}" if value < MOST_RATIO else "-"


def draw(rows: list[Row], path: Path) -> None:
    """Draw median error and coverage against window length."""
    import matplotlib as mpl  # noqa: PLC0415 - only for the picture

    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - likewise

    figure, axes = plt.subplots(
        2,
        3,
        figsize=(9, 4.8),
        sharex=True,
        sharey="row",
        layout="tight",
        height_ratios=(2, 1),
    )
    for (upper, lower), name in zip(axes.T, list(KINDS)[:3], strict=True):
        chosen = [row for row in rows if row.kind == name]
        lengths = [row.length_s for row in chosen]
        plain = [max(FLOOR_PERCENT, 100 * row.plain) for row in chosen]
        ours = [max(FLOOR_PERCENT, 100 * row.ours) for row in chosen]
        upper.loglog(lengths, plain, "o--", color="0.45", label="plain difference")
        upper.loglog(lengths, ours, "s-", color="#2e9e5b", label="jupyter_green")
        upper.set_title(name, fontsize=10)
        upper.set_ylim(FLOOR_PERCENT / 2, 300)
        upper.grid(visible=True, alpha=0.3)
        covered = [100 * row.covered for row in chosen]
        lower.semilogx(lengths, covered, "s-", color="#2e9e5b")
        lower.axhline(PROMISED_PERCENT, color="0.45", linestyle=":")
        lower.set_ylim(80, 101)
        lower.set_xlabel("window, s")
        lower.grid(visible=True, alpha=0.3)
    axes[0][0].set_ylabel("median error, %")
    axes[1][0].set_ylabel("intervals that\nhold, of 100")
    axes[0][0].legend(fontsize=8)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=300, help="of each kind")
    parser.add_argument("--picture", type=Path, help="file for the picture")
    options = parser.parse_args()
    rows = [
        measure(name, kind, length_s, options.windows)
        for name, kind in KINDS.items()
        for length_s in (LENGTHS_S if name != "Run All" else (0.23,))
    ]
    sys.stdout.write(table(rows) + "\n")
    if options.picture:
        draw(rows, options.picture)


if __name__ == "__main__":
    main()
