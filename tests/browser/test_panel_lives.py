"""What outlives a reload, a restart, a killed kernel, a new name, another browser."""

from __future__ import annotations

import json
import os
import re
import signal
from typing import Any

from conftest import Pages
from labs import (
    SPIN,
    Lab,
    command,
    meter_all,
    notebook,
    open_notebook,
    row,
    run_cell,
    sum_of,
    text,
)
from playwright.sync_api import Page, WebSocket, expect

ENERGY = re.compile(r"^[\d.]+ ± [\d.]+\sm?(J|Wh)$")
PID = "import os\nprint('pid', os.getpid())"


def pid_of(page: Page, cell: int) -> int:
    """Return the kernel's process, which a cell has printed."""
    output = notebook(page).locator(".jp-CodeCell").nth(cell).locator("pre").first
    expect(output).to_contain_text(re.compile(r"pid \d+"))
    return int(output.inner_text().split()[-1])


def test_a_reload_and_a_restart_keep_all_figures(page: Page, lab: Lab) -> None:
    """A restarted kernel has loaded nothing, and the panel says so."""
    lab.write("restart.ipynb", SPIN.format(seconds=0.3))
    open_notebook(page, lab, "restart.ipynb")
    meter_all(page)
    run_cell(page, 0)
    energy = row(page, 0).locator("[data-green=energy]")
    expect(energy).to_have_text(ENERGY)
    while not lab.ask("records?path=restart.ipynb&limit=1")["records"][0]["final"]:
        page.wait_for_timeout(100)
    expect(row(page, 0)).not_to_contain_text("provisional")
    cost = text(energy)

    page.reload()
    expect(energy).to_have_text(cost)
    expect(sum_of(page, "notebook")).to_have_text(cost)

    command(page, "notebook:restart-kernel")
    page.locator(".jp-Dialog button.jp-mod-accept").click()
    expect(page.locator("[data-green-notice=not-loaded]")).to_be_visible()
    expect(page.locator("[data-green=meter-all]")).to_have_attribute(
        "aria-pressed", "false"
    )
    expect(energy).to_have_text(cost)
    expect(sum_of(page, "notebook")).to_have_text(cost)
    meter_all(page)
    run_cell(page, 0)
    expect(row(page, 0)).to_contain_text("2 runs")


def test_a_killed_kernel_leaves_what_it_cost(page: Page, lab: Lab) -> None:
    """The cell that ran when the kernel was killed is shown as killed, and counted."""
    lab.write("killed.ipynb", PID, SPIN.format(seconds=600))
    open_notebook(page, lab, "killed.ipynb")
    meter_all(page)
    run_cell(page, 0)
    pid = pid_of(page, 0)
    run_cell(page, 1)
    running = page.locator("[data-green-running=cell-1]")
    expect(running).to_be_visible()
    expect(running.locator(".jp-GreenCell-energy")).to_have_text(re.compile("J$"))
    os.kill(pid, signal.SIGKILL)
    expect(running).to_have_count(0)
    expect(row(page, 1)).to_contain_text("killed")
    # JupyterLab says that the kernel died; the panel goes on.
    page.locator(".jp-Dialog button.jp-mod-accept").click()
    expect(page.locator("[data-green-notice=not-loaded]")).to_be_visible()
    meter_all(page)
    run_cell(page, 0)
    expect(row(page, 0)).to_contain_text("2 runs")


def test_a_renamed_notebook_keeps_its_runs(page: Page, lab: Lab) -> None:
    """Those under the old name and those that come are one notebook's."""
    lab.write("old name.ipynb", "1 + 1")
    open_notebook(page, lab, "old name.ipynb", "renamed")
    meter_all(page)
    run_cell(page, 0)
    expect(row(page, 0).locator("[data-green=energy]")).to_have_text(ENERGY)
    command(page, "docmanager:rename")
    page.locator(".jp-Dialog input").fill("new name.ipynb")
    page.keyboard.press("Enter")
    expect(page.locator(".lm-TabBar-tab.jp-mod-current")).to_contain_text("new name")
    expect(row(page, 0).locator("[data-green=energy]")).to_have_text(ENERGY)
    expect(sum_of(page, "notebook")).to_have_text(ENERGY)
    run_cell(page, 0)
    expect(row(page, 0)).to_contain_text("2 runs")
    page.goto(lab.address("new name.ipynb", "renamed"))
    expect(row(page, 0)).to_contain_text("2 runs")


def test_each_of_two_notebooks_has_its_own_cells(page: Page, lab: Lab) -> None:
    """The panel follows the notebook in front; today's sum is of both."""
    lab.write("one.ipynb", "'one'")
    lab.write("two.ipynb", "'two'", "%%energy --label 'second of two'\n2")
    open_notebook(page, lab, "one.ipynb", "both")
    meter_all(page)
    run_cell(page, 0)
    expect(row(page, 0)).to_contain_text("'one'")
    command(page, "docmanager:open", path="two.ipynb")
    expect(row(page, 0)).to_have_count(0)
    expect(page.locator("[data-green-notice=not-loaded]")).to_be_visible()
    meter_all(page)
    run_cell(page, 0)
    expect(row(page, 0)).to_contain_text("'two'")
    run_cell(page, 1)
    expect(row(page, 1)).to_contain_text("second of two")
    page.locator(".lm-TabBar-tab", has_text="one.ipynb").click()
    expect(row(page, 0)).to_contain_text("'one'")
    expect(row(page, 1)).to_have_count(0)
    expect(page.locator("[data-green=meter-all]")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_two_browsers_see_the_same_figures(pages: Pages, lab: Lab) -> None:
    """One sampler: each moment has the same watts in both, and so have all sums."""
    lab.write("shared.ipynb", SPIN.format(seconds=0.2))
    seen: list[dict[float, Any]] = [{}, {}]
    both = [pages.open(), pages.open()]
    for page, powers in zip(both, seen, strict=True):
        page.on("websocket", lambda socket, powers=powers: note_power(socket, powers))
        open_notebook(page, lab, "shared.ipynb", f"shared{both.index(page)}")
    first, second = both
    meter_all(first)
    run_cell(first, 0)
    expect(row(first, 0)).not_to_contain_text("provisional")
    expect(row(first, 0).locator("[data-green=energy]")).to_have_text(ENERGY)
    cost = text(row(first, 0).locator("[data-green=energy]"))
    expect(row(second, 0).locator("[data-green=energy]")).to_have_text(cost)
    for scope in ("notebook", "today", "project", "all"):
        expect(sum_of(first, scope)).to_have_text(ENERGY)
        known = text(sum_of(first, scope))
        expect(sum_of(second, scope)).to_have_text(known)
    total = second.locator("[data-green=total-power]")
    for _ in range(3):
        expect(total).not_to_have_text(total.inner_text())
    common = seen[0].keys() & seen[1].keys()
    assert len(common) >= 3
    assert all(seen[0][t] == seen[1][t] for t in common)


def note_power(socket: WebSocket, powers: dict[float, Any]) -> None:
    """Keep the watts that a page is told, by their time."""

    def keep(frame: str | bytes) -> None:
        told = json.loads(frame)
        if told["type"] == "power":
            powers[told["t"]] = told["power_w"]

    if "jupyter-green" in socket.url:
        socket.on("framereceived", keep)
