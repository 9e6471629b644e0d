"""From nothing to metered cells in the panel, as a user goes."""

from __future__ import annotations

import re
from collections.abc import Callable

from labs import (
    SPIN,
    Lab,
    meter_all,
    notebook,
    open_notebook,
    panel,
    row,
    run_cell,
    sum_of,
    text,
)
from playwright.sync_api import Page, expect

WATTS = re.compile(r"^[\d.]+ k?W$")
ENERGY = re.compile(r"^[\d.]+ ± [\d.]+\sm?(J|Wh)$")
GRAMS = re.compile(r"^[\d.]+ m?g$")


def test_watts_are_there_before_any_kernel_has_loaded_anything(
    page: Page, lab: Lab, picture: Callable[[Page, str], None]
) -> None:
    """The panel opens with the page, shows live power and says what is simulated."""
    lab.write("power.ipynb", "1 + 1")
    open_notebook(page, lab, "power.ipynb")
    total = page.locator("[data-green=total-power]")
    expect(total).to_have_text(WATTS)
    first = total.inner_text()
    expect(total).not_to_have_text(first)
    expect(page.locator(".jp-GreenNow")).to_contain_text("simulated")
    devices = page.locator("[data-green-device]")
    expect(devices).to_have_count(3)
    for device in devices.all():
        expect(device.locator(".jp-GreenDevice-power")).to_have_text(WATTS)
        expect(device.locator(".jp-GreenDevice-method")).to_have_text("simulated")
    expect(page.locator("[data-green=status]")).to_contain_text("W")
    notice = page.locator("[data-green-notice=not-loaded]")
    expect(notice).to_contain_text("%load_ext jupyter_green")
    expect(page.locator(".jp-GreenChart canvas")).to_be_visible()
    picture(page, "empty")


def test_one_click_meters_every_cell_from_then_on(
    page: Page, lab: Lab, picture: Callable[[Page, str], None]
) -> None:
    """A run is shown while it runs, then its cost; totals and a badge follow."""
    lab.write("cells.ipynb", SPIN.format(seconds=4), "raise ValueError('no')")
    open_notebook(page, lab, "cells.ipynb")
    meter_all(page)
    total = page.locator("[data-green=total-power]")
    run_cell(page, 0)
    running = page.locator("[data-green-running=cell-0]")
    expect(running).to_contain_text("import time")
    expect(running.locator(".jp-GreenCell-energy")).to_have_text(re.compile("J$"))
    # The cell holds the interpreter's lock; the watts move all the same.
    before = total.inner_text()
    expect(total).not_to_have_text(before)
    expect(running).to_be_visible()
    picture(page, "running")
    cell = row(page, 0)
    expect(cell.locator("[data-green=energy]")).to_have_text(ENERGY)
    expect(cell).to_contain_text("In [1]")
    expect(running).to_have_count(0)
    badge = notebook(page).locator(".jp-GreenBadge")
    expect(badge).to_have_count(1)
    expect(badge).to_contain_text("simulated")
    expect(sum_of(page, "notebook")).to_have_text(ENERGY)
    expect(sum_of(page, "notebook", "co2e")).to_have_text(GRAMS)
    once = text(sum_of(page, "notebook"))

    run_cell(page, 1)
    expect(row(page, 1)).to_contain_text("failed: ValueError")
    expect(page.locator("[data-green=remarks]")).to_contain_text("failed run")
    run_cell(page, 0)
    expect(cell).to_contain_text("2 runs")
    expect(sum_of(page, "notebook")).not_to_have_text(once)
    # Newest first, and the failed one leads to its cell.
    expect(page.locator("[data-green-cell]").first).to_have_attribute(
        "data-green-cell", "cell-0"
    )
    row(page, 1).locator("button.jp-GreenCell-title").click()
    expect(notebook(page).locator(".jp-CodeCell").nth(1)).to_have_class(
        re.compile("jp-mod-active")
    )
    page.locator(".jp-GreenSelect[aria-label='Sort cells']").select_option("position")
    expect(page.locator("[data-green-cell]").last).to_have_attribute(
        "data-green-cell", "cell-1"
    )


def test_a_purpose_is_changed_in_place_and_stays(page: Page, lab: Lab) -> None:
    """The menu writes to the ledger: a reload, and the command line, know of it."""
    lab.write("purpose.ipynb", "%load_ext jupyter_green\n%green on", "2 + 2")
    open_notebook(page, lab, "purpose.ipynb")
    run_cell(page, 0)
    expect(page.locator("[data-green-notice=not-loaded]")).to_have_count(0)
    run_cell(page, 1)
    menu = row(page, 1).locator("select")
    with page.expect_response("**/jupyter-green/api/tag*") as told:
        menu.select_option("final")
    assert told.value.ok
    expect(menu).to_have_value("final")
    page.reload()
    expect(menu).to_have_value("final")
    (record,) = [
        each
        for each in lab.ask("records?path=purpose.ipynb&limit=9")["records"]
        if each["cell_id"] == "cell-1"
    ]
    assert record["purpose"] == "final"


def test_a_deleted_cell_stays_counted(page: Page, lab: Lab) -> None:
    """Its row stays, says so, and leads nowhere."""
    lab.write("deleted.ipynb", "%load_ext jupyter_green", "%%energy\n1 + 1")
    open_notebook(page, lab, "deleted.ipynb")
    run_cell(page, 0)
    expect(page.locator("[data-green-notice=not-loaded]")).to_have_count(0)
    run_cell(page, 1)
    expect(row(page, 1).locator("[data-green=energy]")).to_be_visible()
    expect(sum_of(page, "notebook")).to_have_text(ENERGY)
    counted = text(sum_of(page, "notebook"))
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect(row(page, 1)).to_contain_text("deleted")
    expect(row(page, 1).locator("button.jp-GreenCell-title")).to_have_count(0)
    expect(sum_of(page, "notebook")).to_have_text(counted)
    expect(panel(page)).to_contain_text("deleted")
