"""What the panel costs in the browser, in figures: ``make bench-panel``.

A real JupyterLab on simulated devices and Debian's Chromium.  JupyterLab is started by
turns with the panel and without it; watts and cells are followed from the server's
stamp to the moment at which the page has changed; then the panel is left open, and the
browser's own counters say what its updates took.  Each figure stands beside its target.
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import labs
from labs import SPIN, Lab, command, meter_all, open_notebook, row, run_cell
from playwright.sync_api import Browser, CDPSession, Page, expect, sync_playwright

sys.path.insert(0, str(labs.ROOT / "tests"))

from bench import Figure

from jupyter_green.report.tables import Table, render_text

STATIC = labs.BUILT.parent
LIMIT_B = 150_000
STARTS = 11
SAMPLES = 30
CELLS = 10
HIDDEN_S = 20.0
WARM_UP_S = 20.0
# Runs in the page before any of its scripts.  Watches what comes and what is shown.
WATCH = """
(() => {
  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  const seen = { power: [], shown: [], rows: {}, frames: 0, restored: 0 };
  window.greenBench = seen;
  const Given = window.WebSocket;
  window.WebSocket = class extends Given {
    constructor(...args) {
      super(...args);
      if (!this.url.includes('jupyter-green')) return;
      this.addEventListener('message', event => {
        seen.frames += 1;
        const told = JSON.parse(event.data);
        if (told.type === 'power') seen.power.push([told.t, now()]);
      });
    }
  };
  const started = setInterval(() => {
    if (!window.jupyterapp) return;
    clearInterval(started);
    window.jupyterapp.restored.then(() => {
      performance.mark('jupyterlab-restored');
      seen.restored = performance.now();
    });
  }, 2);
  const look = () => {
    const total = document.querySelector('[data-green=total-power]');
    const text = total?.textContent ?? '';
    if (text !== seen.text) {
      seen.text = text;
      // On screen with the frame that is drawn next.
      requestAnimationFrame(() => seen.shown.push(now()));
    }
    for (const node of document.querySelectorAll('[data-green-cell]')) {
      const figure = node.textContent;
      const cell = node.dataset.greenCell;
      const known = seen.rows[cell] ??= {};
      if (known.text === undefined) known.at = now();
      known.text = figure;
    }
  };
  new MutationObserver(look).observe(document, {
    subtree: true, childList: true, characterData: true
  });
})();
"""


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of updates")
    options = parser.parse_args()
    program = labs.chromium()
    if program is None:
        sys.exit("there is no Chromium: apt-get install chromium")
    expect.set_options(timeout=labs.PATIENCE_MS)
    sizes = [len(gzip.compress(file.read_bytes())) for file in STATIC.glob("*.js")]
    figures = [Figure("bundle, gzip", sum(sizes) / 1e3, "kB", LIMIT_B / 1e3)]
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = labs.launch(playwright, program, "--enable-precise-memory-info")
        figures += starts(browser, Path(name))
        home = Path(name) / "panel"
        labs.write_settings(home, "jupyter-green", "plugin", {"openAtStart": True})
        with labs.server(Path(sys.executable), home) as lab:
            figures += latencies(browser, lab)
            figures += hidden(browser, lab)
            figures += updates(browser, lab, options.minutes)
        browser.close()
    rows = tuple(figure.row() for figure in figures)
    columns = ("what", "figure", "target", "", "how")
    note = f"{os.cpu_count()} processors, load {load:.1f} to {os.getloadavg()[0]:.1f}"
    table = Table(title="The panel", columns=columns, rows=rows, notes=(note,))
    sys.stdout.write(render_text(table) + "\n")


def starts(browser: Browser, folder: Path) -> Iterator[Figure]:
    """Yield how much later JupyterLab is there with the panel."""
    python = Path(sys.executable)
    with_home, without_home = folder / "with", folder / "without"
    # The panel is opened with the page: the most that it can cost.
    labs.write_settings(with_home, "jupyter-green", "plugin", {"openAtStart": True})
    labs.switch_off_panel(without_home)
    with (
        labs.server(python, with_home) as one,
        labs.server(python, without_home, labs.WITHOUT_EXTENSION) as other,
    ):
        taken: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
        for number in range(2 * (STARTS + 1)):
            has_it = number % 2 == 0
            time_s = start_s(browser, one if has_it else other, has_it=has_it)
            if number >= 2:  # the first of each fills the caches
                taken[has_it].append(time_s)
    for at, what in enumerate(("JupyterLab's start", "the same, processor time")):
        middle = {
            has: statistics.median(each[at] for each in taken[has]) for has in taken
        }
        how = f"median of {STARTS}: {middle[True]:.2f} s with, {middle[False]:.2f} s"
        more = middle[True] - middle[False]
        target = 0.1 if at == 0 else None
        yield Figure(f"{what}: later by", more, "s", target, f"{how} without")


def start_s(browser: Browser, lab: Lab, *, has_it: bool) -> tuple[float, float]:
    """Return seconds until JupyterLab is restored, and what the page's thread took."""
    page, session = opened(browser)
    page.goto(f"{lab.url}lab?token={labs.TOKEN}&reset")
    page.wait_for_function("window.greenBench.restored > 0")
    restored_s = page.evaluate("window.greenBench.restored") / 1e3
    busy_s = metrics(session)["TaskDuration"]
    is_there = page.evaluate("window.jupyterapp.hasPlugin('jupyter-green:plugin')")
    if is_there != has_it:
        raise RuntimeError(f"the panel is {'there' if is_there else 'missing'}")
    page.context.close()
    return restored_s, busy_s


def latencies(browser: Browser, lab: Lab) -> Iterator[Figure]:
    """Yield how old watts and cells are when they are on screen."""
    page, _ = opened(browser)
    lab.write("latency.ipynb", *(f"{n}" for n in range(CELLS)))
    open_notebook(page, lab, "latency.ipynb")
    page.wait_for_function(f"window.greenBench.power.length > {SAMPLES}")
    seen = page.evaluate("window.greenBench")
    ages = []
    for sampled, came in seen["power"][2:]:
        later = [shown for shown in seen["shown"] if shown >= came]
        if later:
            ages.append(later[0] - sampled)
    yield aged("a sample of power until it is on screen", ages, 1.2)
    meter_all(page)
    ages = []
    for number in range(CELLS):
        run_cell(page, number)
        expect(row(page, number).locator("[data-green=energy]")).to_be_visible()
    shown = page.evaluate("window.greenBench.rows")
    for record in lab.ask(f"records?path=latency.ipynb&limit={2 * CELLS}")["records"]:
        ended = _seconds(record["ended_at"])
        ages.append(shown[record["cell_id"]]["at"] - ended)
    yield aged("a finished cell until it is listed", ages, 0.5)
    page.context.close()


def aged(what: str, ages_s: list[float], target_s: float) -> Figure:
    """Return the largest age."""
    middle = statistics.median(ages_s)
    how = f"worst of {len(ages_s)}, median {middle:.2f} s"
    return Figure(what, max(ages_s), "s", target_s, how)


def hidden(browser: Browser, lab: Lab) -> Iterator[Figure]:
    """Yield what a panel that nobody sees asks, hears and draws."""
    page, session = opened(browser)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    lab.write("hidden.ipynb", "1")
    open_notebook(page, lab, "hidden.ipynb")
    expect(page.locator("[data-green=total-power]")).to_contain_text("W")
    # The status item shows watts, too: a user who hides all has switched it off.
    page.evaluate(
        """async () => {
          const { serviceManager } = window.jupyterapp;
          const raw = JSON.stringify({ showStatusBar: false });
          await serviceManager.settings.save('jupyter-green:plugin', raw);
        }"""
    )
    command(page, "application:toggle-right-area")
    page.reload()
    expect(page.locator(".jp-CodeCell").first).to_be_visible()
    page.evaluate("window.jupyterapp.restored")
    if page.locator(".jp-GreenPanel").is_visible():
        command(page, "application:toggle-right-area")
    expect(page.locator(".jp-GreenPanel")).to_be_hidden()
    expect(page.locator("[data-green=status]")).to_be_hidden()
    page.wait_for_timeout(5_000)  # what was begun while it was shown comes to its end
    asked.clear()
    frames = page.evaluate("window.greenBench.frames")
    before = metrics(session)
    page.wait_for_timeout(1e3 * HIDDEN_S)
    after = metrics(session)
    ours = [url for url in asked if "jupyter-green" in url]
    heard = page.evaluate("window.greenBench.frames") - frames
    how = f"in {HIDDEN_S:.0f} s"
    yield Figure("hidden: requests", float(len(ours)), "", 1.0, how)
    yield Figure("hidden: messages", float(heard), "", 1.0, how)
    layouts = after["LayoutCount"] - before["LayoutCount"]
    yield Figure("hidden: layouts of the whole page", layouts, "", None, how)
    page.context.close()
    labs.write_settings(lab.home, "jupyter-green", "plugin", {"openAtStart": True})


def updates(browser: Browser, lab: Lab, minutes: float) -> Iterator[Figure]:
    """Yield what minutes of updates take: memory and the page's thread."""
    page, session = opened(browser)
    lab.write("updates.ipynb", SPIN.format(seconds=0.2), "1")
    open_notebook(page, lab, "updates.ipynb")
    meter_all(page)
    run_cell(page, 0)
    expect(row(page, 0)).not_to_contain_text("provisional")
    page.wait_for_timeout(1e3 * WARM_UP_S)
    heaps = [heap_mb(session)]
    shares: list[float] = []
    end_s = time.monotonic() + 60 * minutes
    while time.monotonic() < end_s:
        before, begun_s = metrics(session), time.monotonic()
        page.wait_for_timeout(1e3 * min(60.0, end_s - time.monotonic() + 1.0))
        busy_s = metrics(session)["TaskDuration"] - before["TaskDuration"]
        shares.append(100 * busy_s / (time.monotonic() - begun_s))
        heaps.append(heap_mb(session))
    how = f"{minutes:.0f} min of real time, watts once a second"
    yield Figure("updates: of one core", statistics.mean(shares), "%", 2.0, how)
    grown = heaps[-1] - heaps[0]
    ways = ", ".join(f"{heap:.1f}" for heap in heaps)
    yield Figure("updates: heap grew by", grown, "MB", 1.0, f"each minute: {ways}")
    # What the same page takes without the panel and the status item.
    command(page, "application:toggle-right-area")
    expect(page.locator(".jp-GreenPanel")).to_be_hidden()
    page.wait_for_timeout(3_000)
    before, begun_s = metrics(session), time.monotonic()
    page.wait_for_timeout(1e3 * min(60.0, 60 * minutes))
    busy_s = metrics(session)["TaskDuration"] - before["TaskDuration"]
    share = 100 * busy_s / (time.monotonic() - begun_s)
    yield Figure("JupyterLab alone, panel hidden", share, "%", None, "status item on")
    page.context.close()


def opened(browser: Browser) -> tuple[Page, CDPSession]:
    """Return a page that watches itself, and what asks the browser about it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(labs.PATIENCE_MS)
    page.add_init_script(WATCH)
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    return page, session


def metrics(session: CDPSession) -> dict[str, float]:
    """Return the browser's counters of a page."""
    told: Any = session.send("Performance.getMetrics")
    return {metric["name"]: metric["value"] for metric in told["metrics"]}


def heap_mb(session: CDPSession) -> float:
    """Return what scripts hold, after the garbage was collected."""
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    return metrics(session)["JSHeapUsedSize"] / 1e6


def _seconds(stamp: str) -> float:
    from datetime import datetime  # noqa: PLC0415

    return datetime.fromisoformat(stamp).timestamp()


if __name__ == "__main__":
    main()
