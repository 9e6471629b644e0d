"""What metering costs, in figures: `make bench`.  Simulated devices, no network.

Each figure stands beside its target; tests do not measure time, this does.  The peers
that are installed are timed in the same run.  ``--json FILE`` keeps the figures.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from kernels import Kernel, open_kernel
from ledger_samples import device, record
from msgspec import structs

from jupyter_green._version import __version__
from jupyter_green.devices import simulated
from jupyter_green.devices.cpu_time import CpuTimes
from jupyter_green.devices.device import About
from jupyter_green.devices.simulated import SimulatedDevice, Wave
from jupyter_green.ledger import new_session
from jupyter_green.ledger.contexts import abridge
from jupyter_green.ledger.lines import EndLine, encode_line
from jupyter_green.meter import Meter
from jupyter_green.records import Baseline, Curve, Git, Record, Share
from jupyter_green.report.tables import Table, render_text
from jupyter_green.sampler import Sampler

MS = 1e3
RECORDS = 100_000
TOTALS_RUNS = 5
FRESH_PROCESSES = 5
CELLS = 60
SAMPLING_S = 5.0
IDLE_S = 3.0
PEER = "begin + end by "

# Run in fresh processes, each printing one figure.
LOADING = """
import time
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config)
shell.run_cell("1 + 1")
begun = time.perf_counter()
shell.run_line_magic("load_ext", "jupyter_green")
print(time.perf_counter() - begun)
"""
ZEUS = """
import logging, statistics, time, warnings
warnings.simplefilter("ignore")
from zeus.monitor import ZeusMonitor
begun = time.perf_counter()
monitor = ZeusMonitor()
times = []
for _ in range(50):
    begun = time.perf_counter()
    monitor.begin_window("w", sync_execution=False)
    monitor.end_window("w", sync_execution=False)
    times.append(time.perf_counter() - begun)
read = len(monitor.gpu_indices) + len(monitor.cpu_indices)
print(times[0], statistics.median(times), read)
"""
OURS = """
import statistics, time
from jupyter_green.devices import discover
from jupyter_green.devices.cpu_time import CpuTimes
from jupyter_green.meter import Meter
from jupyter_green.records import Baseline, Curve, Git, Record, Share
from jupyter_green.settings import Settings
times = []
with Meter(discover(Settings()).devices, host_times=CpuTimes().read) as meter:
    time.sleep(1.5)
    for _ in range(50):
        begun = time.perf_counter()
        meter.end(meter.begin(), wait=False)
        times.append(time.perf_counter() - begun)
    print(times[0], statistics.median(times), len(meter.devices))
"""
CODECARBON = """
import logging, statistics, tempfile, time
from codecarbon import OfflineEmissionsTracker
logging.disable(logging.CRITICAL)
tracker = OfflineEmissionsTracker(
    country_iso_code="USA", output_dir=tempfile.mkdtemp(), log_level="critical"
)
times = []
for _ in range(20):
    begun = time.perf_counter()
    tracker.start_task()
    tracker.stop_task()
    times.append(time.perf_counter() - begun)
print(times[0], statistics.median(times), len(tracker._hardware))
"""


@dataclass(frozen=True)
class Figure:
    """One measurement.

    Attributes:
        what: What was measured.
        value: The figure; None if it could not be had.
        unit: Its unit.
        target: The most that it should be; None: it stands for comparison.
        note: How, or why not.
    """

    what: str
    value: float | None
    unit: str = "ms"
    target: float | None = None
    note: str = ""

    def row(self) -> tuple[str, ...]:
        """Return the cells of its row."""
        value = "-" if self.value is None else f"{self.value:.3g} {self.unit}"
        target = "" if self.target is None else f"< {self.target:g} {self.unit}"
        verdict = ""
        if self.value is not None and self.target is not None:
            verdict = "met" if self.value < self.target else "MISSED"
        return self.what, value, target, verdict, self.note


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    parser.add_argument(
        "--large",
        action="store_true",
        help="also total a million records (1 GB, some minutes)",
    )
    parser.add_argument("--picture", type=Path, help="file for a picture of the peers")
    options = parser.parse_args()
    figures = []
    measures = [loading, windows, cells, sampling, idling, totals, peers]
    if options.large:
        measures.append(large_totals)
    for measure in measures:
        sys.stderr.write(f"{measure.__name__} ...\n")
        figures += measure()
    table = Table(
        title=f"What jupyter_green {__version__} costs",
        columns=("what", "figure", "target", "", "how"),
        rows=tuple(figure.row() for figure in figures),
        notes=(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}",),
    )
    sys.stdout.write(render_text(table) + "\n")
    if options.picture:
        draw(figures, options.picture)
    if options.json:
        options.json.write_text(json.dumps([vars(f) for f in figures], indent=1))


def draw(figures: list[Figure], path: Path) -> None:
    """Draw what a window costs here and with the peers of the same run."""
    import matplotlib as mpl  # noqa: PLC0415 - only for the picture

    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - likewise

    measured = [
        (f.what.removeprefix(PEER), f.value)
        for f in figures
        if f.what.startswith(PEER) and f.value is not None
    ]
    names, values = zip(*measured, strict=True)
    shades = ["#2e9e5b" if name == "jupyter_green" else "0.6" for name in names]
    figure, axis = plt.subplots(figsize=(6, 1.0 + 0.4 * len(names)), layout="tight")
    bars = axis.barh(names, values, color=shades, edgecolor="0.2")
    axis.bar_label(bars, fmt=" %.2g ms")
    axis.margins(x=0.15)
    axis.invert_yaxis()
    axis.set_xlabel("begin and end of a window, median, ms")
    figure.savefig(path, dpi=150)


def loading() -> Iterator[Figure]:
    """Time ``%load_ext`` in fresh processes."""
    code = LOADING
    fresh([sys.executable, "-c", code])  # files into the system's cache
    times = [fresh([sys.executable, "-c", code])[0] for _ in range(FRESH_PROCESSES)]
    how = f"on a running IPython; median of {FRESH_PROCESSES} fresh processes"
    yield Figure(
        "%load_ext jupyter_green", MS * statistics.median(times), "ms", 60, how
    )


def windows() -> Iterator[Figure]:
    """Time begin and end on three simulated devices, without waiting."""
    with Meter(simulated.find().devices, host_times=CpuTimes().read) as meter:
        time.sleep(1.5)
        begun_s = time.perf_counter()
        meter.end(meter.begin(), wait=False)
        first_s = time.perf_counter() - begun_s
        times = [
            timed(lambda: meter.end(meter.begin(), wait=False)) for _ in range(200)
        ]
        meter.settle()
    yield Figure(
        "begin + end of a window",
        MS * statistics.median(times),
        "ms",
        1.5,
        "provisional; median of 200; target: what zeus takes",
    )
    yield Figure("the first of them", MS * first_s)


def cells() -> Iterator[Figure]:
    """Time what metering adds to a cell that does nothing, by the kernel's stamps."""
    with home() as environment, pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with open_kernel() as kernel:
            plain_s = cell_s(kernel, "pass")
            process = psutil.Process(kernel.manager.provisioner.pid)
            before = process.memory_info().rss
            kernel.run("%load_ext jupyter_green")
            unasked_s = cell_s(kernel, "pass")
            metered_s = cell_s(kernel, "%%energy\npass")
            headless_s = cell_s(kernel, "%%energy\npass", cell_id="")
            kernel.run("%green on")
            silent_s = cell_s(kernel, "pass")
            grown_mb = (process.memory_info().rss - before) / 2**20
    how = f"busy to idle in a kernel; median of {CELLS}; plain: {MS * plain_s:.2f} ms"
    yield Figure(
        "added to `pass` by %%energy", MS * (metered_s - plain_s), "ms", 10, how
    )
    yield Figure(
        "the same, headless",
        MS * (headless_s - plain_s),
        note="nbclient, papermill: waits for the final figure",
    )
    yield Figure("added to `pass` by %green on", MS * (silent_s - plain_s), "ms", 10)
    yield Figure("added to an unmetered cell", MS * (unasked_s - plain_s))
    yield Figure("memory of extension and records", grown_mb, "MiB")


def cell_s(kernel: Kernel, code: str, *, cell_id: str = "c") -> float:
    """Return the median time from busy to idle, by the stamps of the messages."""
    times = []
    for _ in range(CELLS):
        asked = kernel.send(code, cell_id=cell_id)
        stamps: dict[str, datetime] = {}
        while "idle" not in stamps:
            message = kernel.client.get_iopub_msg(timeout=10)
            is_ours = message["parent_header"].get("msg_id") == asked
            if is_ours and message["msg_type"] == "status":
                state = message["content"]["execution_state"]
                stamps[state] = message["header"]["date"]
        kernel.client.get_shell_msg(timeout=10)
        times.append((stamps["idle"] - stamps["busy"]).total_seconds())
    return statistics.median(times)


def sampling() -> Iterator[Figure]:
    """Measure the processor time of reading ten devices ten times a second."""
    sampler = Sampler(many(), host_times=CpuTimes().read, interval_s=0.1)
    sampler.hold()
    time.sleep(1.0)
    cpu_s, wall_s = time.process_time(), time.monotonic()
    time.sleep(SAMPLING_S)
    part = (time.process_time() - cpu_s) / (time.monotonic() - wall_s)
    sampler.release()
    sampler.close()
    yield Figure(
        "10 Hz sampling, 8 GPUs, 2 packages",
        100 * part,
        "% of a core",
        0.5,
        "our own work: simulated devices answer at once",
    )
    sampler = Sampler(many(), host_times=CpuTimes().read)
    times = [timed(sampler.sample) for _ in range(200)]
    yield Figure("one sample of them", MS * statistics.median(times))


def idling() -> Iterator[Figure]:
    """Count the wake-ups of a process that meters nothing any more."""
    with Meter(many()) as meter:
        time.sleep(2.0)
        meter.end(meter.begin())
        time.sleep(0.5)
        before, cpu_s = switches(), time.process_time()
        time.sleep(IDLE_S)
        # The sleep itself ends with one.
        count = switches() - before - 1
        used_s = time.process_time() - cpu_s
    yield Figure(
        f"wake-ups in {IDLE_S:g} s of idleness",
        count,
        "times",
        1,
        "voluntary context switches of all threads",
    )
    yield Figure("processor time meanwhile", MS * used_s)


def totals() -> Iterator[Figure]:
    """Time ``jupyter green totals`` over a large ledger."""
    yield from totals_over(RECORDS, target_s=1.0)


def large_totals() -> Iterator[Figure]:
    """Time it over a very large one, which takes minutes to write."""
    yield from totals_over(10 * RECORDS, target_s=5.0)


def totals_over(count: int, target_s: float) -> Iterator[Figure]:
    """Write a ledger of full-size records and time the whole program over it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = fill(folder, count)
        program = Path(sys.executable).with_name("jupyter-green")
        command = [str(program), "totals", "--by", "notebook", "--ledger", name]
        took_s, peak_mb = zip(
            *(total(command, count) for _ in range(TOTALS_RUNS)), strict=True
        )
    yield Figure(
        f"totals over {count:,} records",
        min(took_s),
        "s",
        target_s,
        f"{size / 1e6:.0f} MB in 100 files, {size / count:.0f} bytes a record; "
        f"the whole program, best of {TOTALS_RUNS}, worst {max(took_s):.2f} s",
    )
    yield Figure("memory of that", max(peak_mb), "MB", 500)


def total(command: list[str], count: int) -> tuple[float, float]:
    """Run the verb and check what it says; return seconds, and MB at the most."""
    begun_s = time.perf_counter()
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
        text=True,
    ) as process:
        shown = process.stdout.read() if process.stdout else ""
        # Of this child alone: what `getrusage` says of children is the most of any.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if str(count) not in shown:
        raise RuntimeError(f"the totals are not of {count} records")
    return time.perf_counter() - begun_s, usage.ru_maxrss * 1024 / 1e6


def peers() -> Iterator[Figure]:
    """Time begin and end on this machine's own devices, ours and the peers'."""
    for name, module, code in (
        ("jupyter_green", "jupyter_green", OURS),
        ("zeus", "zeus", ZEUS),
        ("codecarbon", "codecarbon", CODECARBON),
    ):
        what = f"{PEER}{name}"
        if importlib.util.find_spec(module) is None:
            yield Figure(what, None, note="not installed")
            continue
        try:
            first_s, median_s, count = fresh([sys.executable, "-c", code])
        except RuntimeError as err:
            yield Figure(what, None, note=f"not possible here: {str(err)[:60]}")
            continue
        if not count:
            yield Figure(what, None, note="finds nothing to read here: no comparison")
            continue
        note = f"what it reads here: {count:.0f}; the first took {MS * first_s:.3g} ms"
        yield Figure(what, MS * median_s, note=note)


def many() -> list[SimulatedDevice]:
    """Return 8 GPUs and 2 packages."""
    return [
        SimulatedDevice(
            About(
                id=f"{kind}-{i}",
                kind=kind,
                method="simulated",
                index=i,
                resolution_j=1e-3,
                update_period_s=period_s,
                power_limit_w=700.0,
            ),
            Wave(300.0, 100.0, 7.0, i),
            period_s=period_s,
            samples_s=0.02 if kind == "gpu" else 0.0,
        )
        for kind, count, period_s in (("gpu", 8, 0.1), ("cpu", 2, 1e-3))
        for i in range(count)
    ]


def fill(folder: Path, count: int) -> int:
    """Write a ledger of ten notebooks in 100 sessions; return its size in bytes.

    Records are as large as real ones: three devices, a baseline, a curve of 12 points,
    host, commit and versions.
    """
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    chance = random.Random(1)
    size = 0
    for number in range(100):
        session = new_session(host="783d6cd5cfdd111e")
        whole = full_size(f"work/{number % 10}.ipynb", session.id)
        context, _ = abridge(EndLine(whole))
        path = folder / f"{number}.jsonl"
        with path.open("wb") as stream:
            stream.write(encode_line(session) + encode_line(context))
            for i in range(number, count, 100):
                at = (begun + timedelta(seconds=15 * i)).isoformat()
                one = structs.replace(
                    whole,
                    id=f"{i:032x}",
                    started_at=at.replace("+00:00", "Z"),
                    devices=tuple(
                        structs.replace(d, energy_j=chance.uniform(1.0, 1e4))
                        for d in whole.devices
                    ),
                )
                stream.write(encode_line(abridge(EndLine(one))[1]))
        size += path.stat().st_size
    return size


def full_size(notebook: str, session: str) -> Record:
    """Return a record with all that a metered cell's has."""
    gpu = device(
        uncertainty_j=5.123456789012,
        uncertainty_random_j=0.4567890123456,
        idle_power_w=70.12345678901,
        idle_uncertainty_w=0.512345678901,
        resolution_j=0.001,
        power_limit_w=700.0,
    )
    package = structs.replace(
        gpu,
        id="package-0",
        kind="cpu",
        name="AMD EPYC",
        share=Share(energy_j=37.1908929227, fraction=0.903502733341, basis="cpu-time"),
    )
    return record(
        devices=(gpu, package, structs.replace(gpu, id="dram-0", kind="dram")),
        duration_s=6.03132438,
        notebook=notebook,
        session=session,
        cell_id="0f0f0f0f-1234",
        source_sha256="5" * 64,
        curve=Curve(
            t_s=tuple(0.5 * (i + 1) for i in range(12)),
            power_w=tuple(382.36 - i for i in range(12)),
        ),
        baseline=Baseline(
            measured_at="2026-01-01T00:00:00.000Z",
            duration_s=30.0,
            state="kernel idle, without a GPU context of its own",
            power_w={"package-0": 70.12345678901},
            uncertainty_w={"package-0": 0.512345678901},
        ),
        git=Git(commit="b5c6d7" * 6, dirty=True),
        versions={"python": "3.11.7", "jupyter_green": "0.1.0", "ipython": "9.18.1"},
        overhead_s=0.001169747,
    )


def fresh(command: list[str]) -> list[float]:
    """Run a program with a home of its own; return the figures of its last line.

    Raises:
        RuntimeError: It failed; the last line of its errors says why.
    """
    with home() as environment:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            cwd=environment["HOME"],
            # Compiled modules are kept, as in any user's installation.
            env={**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": ""},
            text=True,
            timeout=60,
        )
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no reason"])[-1])
    return [float(word) for word in done.stdout.strip().splitlines()[-1].split()]


@contextmanager
def home() -> Iterator[dict[str, str]]:
    """Give the variables of a user without settings, with simulated devices."""
    with tempfile.TemporaryDirectory() as folder:
        yield {
            "HOME": folder,
            "IPYTHONDIR": f"{folder}/ipython",
            "JUPYTER_DATA_DIR": f"{folder}/data",
            "JUPYTER_RUNTIME_DIR": f"{folder}/runtime",
            "JUPYTER_GREEN_SIMULATED": "1",
            "JUPYTER_GREEN_LEDGER": f"{folder}/ledger",
        }


def timed(call: Callable[[], Any]) -> float:
    """Return the seconds that a call takes."""
    begun_s = time.perf_counter()
    call()
    return time.perf_counter() - begun_s


def switches() -> int:
    """Return the voluntary context switches of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


if __name__ == "__main__":
    main()
