"""Measure this tool, zeus and codecarbon in one run, in real time: `make accuracy`.

Each tool meters windows in a process of its own in which a stand-in takes the place of
``pynvml`` before the tool is imported: a GPU whose power, and so whose energy, is known
exactly at every moment, with a counter that moves every 100 ms.  A tool that is not
installed is named as not measured.  No hardware, some minutes of waiting.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import logging
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from fakes.live_nvml import LiveGpu, Square, stand_in

TOOLS = ("zeus", "codecarbon", "jupyter_green")
IDLE_W, BUSY_W = 60.0, 300.0
OWN, WAVE, BURSTS, RUN_ALL = (
    "the cell's own load",
    "another's square wave",
    "another's bursts",
    "Run All",
)
OTHERS = {
    WAVE: Square(BUSY_W - IDLE_W, 1.0, 0.5),
    BURSTS: Square(BUSY_W - IDLE_W, 0.2, 0.02),
}
# Windows of each length; no multiples of the loads' periods: over a whole period the
# phase hides all errors.
COUNTS = {0.005: 20, 0.053: 16, 0.23: 10, 1.07: 5, 5.3: 2}
CELLS, CELL_S = 24, (0.02, 0.5)
GAP_S = (0.1, 0.4)
LEARNING_S = 1.5
FLOOR_PERCENT = 1e-2
TIMEOUT_S = 400.0


class Found(NamedTuple):
    """One window.

    Attributes:
        load: Whose load it was.
        length_s: The length meant; 0: of Run All.
        truth_j: Joules between the end of "begin" and the beginning of "end".
        found_j: What the tool says.
        half_j: Half-width of its interval; None: it states none.
    """

    load: str
    length_s: float
    truth_j: float
    found_j: float
    half_j: float | None


class Tool(NamedTuple):
    """How to meter with a tool.

    Attributes:
        begin: Opens a window.
        end: Closes it.
        results: Returns joules, and the half-width if there is one, of all windows.
    """

    begin: Callable[[], Any]
    end: Callable[[], Any]
    results: Callable[[], list[tuple[float, float | None]]]


def ours() -> Tool:
    """Return this tool: what its final records say."""
    from jupyter_green.devices import nvml  # noqa: PLC0415 - after the stand-in
    from jupyter_green.meter import Meter, Window  # noqa: PLC0415 - likewise

    meter = Meter(nvml.find().devices)
    windows: list[Window] = []

    def results() -> list[tuple[float, float | None]]:
        meter.settle()
        devices = [window.record.devices[0] for window in windows]
        return [(d.energy_j or 0.0, d.uncertainty_random_j) for d in devices]

    return Tool(
        lambda: windows.append(meter.begin()),
        lambda: meter.end(windows[-1], wait=False),
        results,
    )


def zeus() -> Tool:
    """Return zeus's windows."""
    from zeus.monitor import ZeusMonitor  # noqa: PLC0415 - after the stand-in

    monitor = ZeusMonitor(gpu_indices=[0], cpu_indices=[])
    found: list[tuple[float, float | None]] = []

    def end() -> None:
        measured = monitor.end_window("w", sync_execution=False)
        found.append((float(measured.gpu_energy[0]), None))

    return Tool(
        lambda: monitor.begin_window("w", sync_execution=False), end, lambda: found
    )


def codecarbon() -> Tool:
    """Return codecarbon's tasks."""
    from codecarbon import OfflineEmissionsTracker  # noqa: PLC0415 - likewise

    tracker = OfflineEmissionsTracker(
        country_iso_code="USA", output_dir=tempfile.mkdtemp(), log_level="critical"
    )
    found: list[tuple[float, float | None]] = []

    def end() -> None:
        found.append((float(tracker.stop_task().gpu_energy) * 3.6e6, None))

    return Tool(tracker.start_task, end, lambda: found)


MAKERS = {"zeus": zeus, "codecarbon": codecarbon, "jupyter_green": ours}


def meter_loads(name: str, load: str, counts: dict[float, int]) -> list[Found]:
    """Meter windows under one load with one tool; runs in a process of its own."""
    import pynvml  # noqa: PLC0415 - the real one, for its constants

    rng = random.Random(f"{load}")
    gpu = LiveGpu(IDLE_W, OTHERS.get(load), phase_ns=rng.randrange(10**8))
    sys.modules["pynvml"] = stand_in(gpu, pynvml)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    tool = MAKERS[name]()
    tool.begin()
    tool.end()  # the first call of each tool prepares
    time.sleep(LEARNING_S)
    lengths = [length_s for length_s, count in counts.items() for _ in range(count)]
    if load == RUN_ALL:
        lengths = [rng.uniform(*CELL_S) for _ in range(CELLS)]
    rng.shuffle(lengths)
    truths = []
    for length_s in lengths:
        time.sleep(rng.uniform(*GAP_S) if load != RUN_ALL else 0.0)
        tool.begin()
        if load == OWN:
            gpu.set_power(BUSY_W)
        elif load == RUN_ALL:
            gpu.set_power(rng.uniform(IDLE_W, 2 * BUSY_W - IDLE_W))
        begun_ns = gpu.clock()
        time.sleep(length_s)
        ended_ns = gpu.set_power(IDLE_W) if load == OWN else gpu.clock()
        tool.end()
        truths.append(gpu.energy_j(ended_ns) - gpu.energy_j(begun_ns))
    return [
        Found(load, 0.0 if load == RUN_ALL else length_s, truth_j, *result)
        for length_s, truth_j, result in zip(
            lengths, truths, tool.results()[1:], strict=True
        )
    ]


def in_process(name: str, load: str, scale: float) -> list[Found]:
    """Run `meter_loads` in a fresh process.

    Raises:
        RuntimeError: It failed; the last line of its errors says why.
    """
    with tempfile.TemporaryDirectory() as home:
        # codecarbon asks NVML only where this program can be run.
        program = Path(home, "nvidia-smi")
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        done = subprocess.run(
            [
                *(sys.executable, __file__),
                *("--tool", name, "--load", load, "--scale", str(scale)),
            ],
            capture_output=True,
            check=False,
            env={
                **os.environ,
                "HOME": home,
                "CUDA_VISIBLE_DEVICES": "0",
                "PATH": f"{home}:{os.environ['PATH']}",
            },
            text=True,
            timeout=TIMEOUT_S,
        )
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no reason"])[-1])
    found = [Found(*row) for row in json.loads(done.stdout.strip().splitlines()[-1])]
    if not any(window.found_j for window in found):
        raise RuntimeError("it reads nothing of the GPU")
    return found


class Row(NamedTuple):
    """A tool's errors in windows of one length under one load, relative to the truth.

    Attributes:
        median: Median error.
        worst: Largest error.
        held: Windows whose truth lies in the stated interval.
        count: All windows.
    """

    median: float
    worst: float
    held: int
    count: int


Results = dict[tuple[str, float], dict[str, Row]]


def summed(found: dict[str, list[Found]]) -> Results:
    """Return the rows by load and length, and by tool."""
    rows: Results = {}
    for tool, windows in found.items():
        for key in dict.fromkeys((w.load, w.length_s) for w in windows):
            some = [w for w in windows if (w.load, w.length_s) == key]
            errors = [abs(w.found_j - w.truth_j) / w.truth_j for w in some]
            held = sum(
                w.half_j is not None and abs(w.found_j - w.truth_j) <= w.half_j
                for w in some
            )
            row = Row(statistics.median(errors), max(errors), held, len(some))
            rows.setdefault(key, {})[tool] = row
    order = [OWN, WAVE, BURSTS, RUN_ALL]
    return dict(sorted(rows.items(), key=lambda pair: (order.index(pair[0][0]), pair)))


def table(rows: Results, left_out: dict[str, str]) -> str:
    """Return the rows as Markdown, and why a tool is not among them."""
    tools = [name for name in TOOLS if any(name in row for row in rows.values())]
    lines = [
        f"| load | window | {' | '.join(tools)} | its intervals hold |",
        f"| --- | ---: |{' ---: |' * (len(tools) + 1)}",
    ]
    for (load, length_s), row in rows.items():
        length = f"{length_s:g} s" if length_s else f"{CELL_S[0]:g} to {CELL_S[1]:g} s"
        errors = [_percent(row[name]) if name in row else "-" for name in tools]
        mine = row.get("jupyter_green")
        held = f"{mine.held} of {mine.count}" if mine else "-"
        lines.append(f"| {load} | {length} | {' | '.join(errors)} | {held} |")
    versions = ", ".join(f"{n} {importlib.metadata.version(n)}" for n in tools[:-1])
    lines += ["", f"Peers: {versions or 'none'}."]
    lines += [f"Not measured: {name} ({why})." for name, why in left_out.items()]
    return "\n".join(lines)


def _percent(row: Row) -> str:
    text = f"{row.median:.1%}" if row.median < 0.1 else f"{row.median:.0%}"
    return f"{'< 0.1%' if row.median < 0.0005 else text}, worst {row.worst:.1%}"


def draw(rows: Results, path: Path) -> None:
    """Draw each tool's median error against window length."""
    import matplotlib as mpl  # noqa: PLC0415 - only for the picture

    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - likewise

    figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), sharey=True, layout="tight")
    styles = {
        "zeus": {"marker": "o", "linestyle": "--", "color": "0.35"},
        "codecarbon": {"marker": "^", "linestyle": ":", "color": "#b5651d"},
        "jupyter_green": {"marker": "s", "linestyle": "-", "color": "#2e9e5b"},
    }
    for axis, load in zip(axes, (OWN, WAVE, BURSTS), strict=True):
        for tool, style in styles.items():
            points = [
                (length_s, max(FLOOR_PERCENT, 100 * row[tool].median))
                for (kind, length_s), row in rows.items()
                if kind == load and tool in row
            ]
            if points:
                lengths, errors = zip(*points, strict=True)
                axis.loglog(lengths, errors, label=tool, **style)
        axis.set_title(load, fontsize=10)
        axis.set_xlabel("window, s")
        axis.set_ylim(FLOOR_PERCENT / 2, 1000)
        axis.grid(visible=True, alpha=0.3)
    axes[0].set_ylabel("median error, %")
    axes[0].legend(fontsize=8)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Measure all tools, print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, help="file for the picture")
    parser.add_argument("--scale", type=float, default=1.0, help="times the windows")
    parser.add_argument("--tool", choices=TOOLS, help=argparse.SUPPRESS)
    parser.add_argument("--load", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.tool:
        counts = {s: max(1, round(n * options.scale)) for s, n in COUNTS.items()}
        found = meter_loads(options.tool, options.load, counts)
        sys.stdout.write("\n" + json.dumps(found) + "\n")
        return
    measured: dict[str, list[Found]] = {}
    left_out: dict[str, str] = {}
    for name in TOOLS:
        if importlib.util.find_spec(name) is None:
            left_out[name] = "not installed"
            continue
        for load in (OWN, WAVE, BURSTS, RUN_ALL):
            sys.stderr.write(f"{name}: {load} ...\n")
            try:
                measured.setdefault(name, []).extend(
                    in_process(name, load, options.scale)
                )
            except (RuntimeError, subprocess.TimeoutExpired) as err:
                left_out[name] = str(err)
    rows = summed({name: found for name, found in measured.items() if found})
    sys.stdout.write(table(rows, left_out) + "\n")
    if options.picture:
        draw(rows, options.picture)


if __name__ == "__main__":
    main()
