"""From nothing to a metered cell in the panel, as a user goes."""

from __future__ import annotations

import re

from conftest import PICTURES, Lab  # type: ignore[attr-defined]
from playwright.sync_api import Page, expect

WATTS = re.compile(r"^[\d.]+ k?W$")
ENERGY = re.compile(r"^[\d.]+ ± [\d.]+\sm?(J|Wh)$")
SPIN = """\
import time
end = time.perf_counter() + 1.5
while time.perf_counter() < end:
    pass"""


def open_notebook(page: Page, lab: Lab, name: str) -> None:
    """Open a notebook with the panel beside it; return when its kernel is ready."""
    page.goto(lab.address(name))
    expect(page.locator("[data-green=meter-all]")).to_be_enabled(timeout=60_000)


def run_cell(page: Page, number: int) -> None:
    """Run a cell by the keyboard."""
    cell = page.locator(".jp-CodeCell").nth(number)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def test_watts_are_there_before_any_kernel_has_loaded_anything(
    page: Page, lab: Lab
) -> None:
    """The panel opens with the page, shows live power and says what is simulated."""
    lab.write("power.ipynb", "1 + 1")
    open_notebook(page, lab, "power.ipynb")
    total = page.locator("[data-green=total-power]")
    expect(total).to_have_text(WATTS)
    first = total.inner_text()
    expect(total).not_to_have_text(first)
    expect(page.locator(".jp-GreenNow")).to_contain_text("simulated")
    expect(page.locator("[data-green=status]")).to_have_text(WATTS)
    notice = page.locator("[data-green-notice=not-loaded]")
    expect(notice).to_contain_text("%load_ext jupyter_green")
    expect(page.locator(".jp-GreenChart canvas")).to_be_visible()


def test_one_click_meters_every_cell_from_then_on(page: Page, lab: Lab) -> None:
    """A run is shown while it runs, then its cost; totals and a badge follow."""
    lab.write("cells.ipynb", SPIN, "raise ValueError('no')")
    open_notebook(page, lab, "cells.ipynb")
    meter = page.locator("[data-green=meter-all]")
    meter.click()
    expect(meter).to_have_attribute("aria-pressed", "true")
    run_cell(page, 0)
    expect(page.locator("[data-green-running=cell-0]")).to_contain_text("import time")
    row = page.locator("[data-green-cell=cell-0]")
    expect(row.locator("[data-green=energy]")).to_have_text(ENERGY)
    expect(row).to_contain_text("In [1]")
    expect(page.locator(".jp-GreenBadge").first).to_contain_text("J")
    sums = page.locator("[data-green-scope=notebook] [data-green=energy]")
    expect(sums).to_have_text(ENERGY)

    run_cell(page, 1)
    failed = page.locator("[data-green-cell=cell-1]")
    expect(failed).to_contain_text("failed: ValueError")
    PICTURES.mkdir(exist_ok=True)
    page.locator(".jp-GreenPanel").screenshot(path=PICTURES / "first-steps.png")

    run_cell(page, 0)
    expect(row).to_contain_text("2 runs")
    row.locator("select").select_option("final")
    page.reload()
    expect(row.locator("select")).to_have_value("final")
    failed.locator("button.jp-GreenCell-title").click()
    expect(page.locator(".jp-CodeCell").nth(1)).to_have_class(
        re.compile("jp-mod-active")
    )


def test_a_deleted_cell_stays_counted(page: Page, lab: Lab) -> None:
    """Its row stays, says so, and leads nowhere; names in it are text."""
    lab.write(
        "deleted.ipynb",
        "%load_ext jupyter_green",
        "%%energy --label '<img src=x onerror=alert(1)>'\n1 + 1",
    )
    open_notebook(page, lab, "deleted.ipynb")
    run_cell(page, 0)
    expect(page.locator("[data-green-notice=not-loaded]")).to_have_count(0)
    run_cell(page, 1)
    row = page.locator("[data-green-cell=cell-1]")
    expect(row).to_contain_text("<img src=x onerror=alert(1)>")
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect(row).to_contain_text("deleted")
    expect(row.locator("button.jp-GreenCell-title")).to_have_count(0)
    expect(page.locator(".jp-GreenPanel img")).to_have_count(0)
