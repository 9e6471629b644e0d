"""From nothing to a metered cell and an appendix in 60 seconds, on a quiet machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import labs
from labs import ROOT, Lab, meter_all, panel, run_cell
from playwright.sync_api import Page, expect

EXAMPLE = "01_meter_a_cell.ipynb"
LIMIT_S = 60.0
# What `make lab` writes into its environment.
ENERGY = re.compile(r"^[\d.]+ ± [\d.]+\s(J|Wh)$")
OPEN = {"jupyter-green:plugin": {"openAtStart": True}}


def test_the_path_from_nothing_to_an_appendix_takes_a_minute(
    python: Path,
    page: Page,
    tmp_path: Path,
    picture: Callable[[Page, str], None],
    record_property: Callable[[str, object], None],
) -> None:
    """Start as ``make lab`` does, meter a cell of the example, export, read it.

    The limit is stretched by the load of the machine, where there is more than its
    processors can carry.
    """
    settings = tmp_path / "settings"
    settings.mkdir()
    (settings / "overrides.json").write_text(json.dumps(OPEN), "utf-8")
    work = tmp_path / "work"
    work.mkdir()
    shutil.copy(ROOT / "examples" / EXAMPLE, work)
    begun_s = time.monotonic()
    option = f"--LabApp.app_settings_dir={settings}"
    with labs.server(python, tmp_path, option) as lab:
        meter(page, lab)
        metered_s = time.monotonic() - begun_s
        appendix = export(page, lab)
        done_s = time.monotonic() - begun_s
        picture(page, "sixty-seconds")
        page.context.close()
    record_property("seconds to the metered cell", round(metered_s, 1))
    record_property("seconds to the appendix", round(done_s, 1))
    sys.stdout.write(
        f"metered after {metered_s:.1f} s, exported after {done_s:.1f} s\n"
    )
    assert "SIMULATED" in appendix
    crowding = max(os.getloadavg()[0] / (os.cpu_count() or 1), 1.0)
    assert done_s < LIMIT_S * crowding


def meter(page: Page, lab: Lab) -> None:
    """Open the example, press the button, and run its first computation."""
    page.goto(lab.address(EXAMPLE))
    expect(panel(page)).to_be_visible()
    meter_all(page)
    run_cell(page, 1)
    told = page.locator("[data-green-cell=numpy] [data-green=energy]")
    expect(told).to_have_text(ENERGY)


def export(page: Page, lab: Lab) -> str:
    """Export the appendix in Markdown; return its text once it is shown."""
    page.locator("[data-green=export]").click()
    page.locator(".jp-Dialog").get_by_role("button", name="Export").click()
    expect(page.locator(".jp-MarkdownViewer")).to_contain_text("SIMULATED")
    return (lab.folder / "energy-report" / "energy-appendix.md").read_text("utf-8")
