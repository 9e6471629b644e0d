"""The panel in Notebook 7, as ``jupyter notebook`` starts it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import labs
import pytest
from conftest import Pages
from labs import SPIN, TOKEN, Lab, meter_all, panel, row, run_cell, sum_of
from playwright.sync_api import Browser, Page, expect


@pytest.fixture
def notebook7(python: Path, browser: Browser, tmp_path: Path) -> Iterator[Lab]:
    """A Notebook 7."""
    del browser
    labs.write_settings(tmp_path, "jupyter-green", "plugin", {"openAtStart": True})
    with labs.server(python, tmp_path, app="notebook") as running:
        yield running


def test_notebook_7_has_the_panel(notebook7: Lab, pages: Pages, page: Page) -> None:
    """Power, a metered cell, its badge and the sums; without a status bar."""
    # Notebook 7.6 says so without the panel, too.
    pages.allowed.append("notebook_core")
    notebook7.write("seven.ipynb", SPIN.format(seconds=0.5), "1 / 0")
    page.goto(f"{notebook7.url}notebooks/seven.ipynb?token={TOKEN}")
    expect(panel(page)).to_be_visible()
    total = page.locator("[data-green=total-power]")
    expect(total).to_have_text(re.compile(r"^[\d.]+ W$"))
    expect(total).not_to_have_text(total.inner_text())
    meter_all(page)
    run_cell(page, 0)
    expect(row(page, 0).locator("[data-green=energy]")).to_have_text(re.compile("J$"))
    expect(page.locator(".jp-GreenBadge")).to_have_count(1)
    run_cell(page, 1)
    expect(row(page, 1)).to_contain_text("failed: ZeroDivisionError")
    expect(sum_of(page, "notebook")).to_have_text(re.compile("J$"))
    page.reload()
    expect(row(page, 1)).to_contain_text("failed: ZeroDivisionError")
    page.locator("[data-green=export]").click()
    expect(page.locator(".jp-Dialog")).to_contain_text("Export")
    page.locator(".jp-Dialog").get_by_role("button", name="Cancel").click()
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    page.context.close()
