"""Make the README's picture of the panel: ``make pictures``.

    python docs/panel_picture.py docs/images/panel.png

A real JupyterLab opens the example notebook with the panel beside it, on simulated
devices, and runs the cells one after the other, as a user does; Chromium draws it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

import labs  # noqa: E402 - stands beside the browser tests
from labs import Lab, notebook  # noqa: E402

EXAMPLE = ROOT / "examples" / "01_meter_a_cell.ipynb"
# The cells that run, and those whose cost is waited for.
CELLS = ("load", "numpy", "sklearn", "await", "repeat")
METERED = CELLS[1:]
SHOWN = "sklearn"
PROJECT = """\
country = "FRA"

[budget]
amount = "3 Wh"
"""
SIZE = {"width": 1240, "height": 1010}
SCALE = 2
# The chart has something to show.
LEAST_S = 40.0


def main(file: Path) -> None:
    """Draw the picture."""
    program = labs.chromium()
    if program is None:
        sys.exit("Chromium is not installed")
    expect.set_options(timeout=120_000)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        home = Path(name)
        labs.write_settings(home, "jupyter-green", "plugin", {"openAtStart": True})
        folder = home / "work"
        folder.mkdir()
        shutil.copy(EXAMPLE, folder)
        (folder / "jupyter_green.toml").write_text(PROJECT, "utf-8")
        with labs.server(Path(sys.executable), home) as lab:
            browser = labs.launch(playwright, program)
            context = browser.new_context(viewport=SIZE, device_scale_factor=SCALE)
            page = context.new_page()
            draw(page, lab)
            file.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=file)
            browser.close()
    # Few colours: a third of the size, and nobody sees it.
    Image.open(file).convert("RGB").quantize(200).save(file, optimize=True)


def draw(page: Page, lab: Lab) -> None:
    """Run the cells and wait until all is shown."""
    page.goto(lab.address(EXAMPLE.name))
    expect(page.locator("[data-green=meter-all]")).to_be_enabled()
    page.evaluate("void window.jupyterapp.shell.collapseLeft()")
    labs.resize_panel(page, 350)
    for cell in CELLS:
        run(page, cell)
        if cell in METERED:
            row = page.locator(f"[data-green-cell={cell}]")
            expect(row.locator("[data-green=energy]")).to_contain_text("±")
            expect(row).not_to_contain_text("provisional")
    page.wait_for_timeout(1e3 * LEAST_S)
    at(page, SHOWN)
    page.mouse.move(5, 5)
    page.wait_for_timeout(1500)


def run(page: Page, cell: str) -> None:
    """Run a cell by its identifier."""
    at(page, cell)
    page.evaluate("void window.jupyterapp.commands.execute('notebook:run-cell')")


def at(page: Page, cell: str) -> None:
    """Make a cell the active one, and let it be seen."""
    page.evaluate(
        """async cell => {
          const { content } = window.jupyterapp.shell.currentWidget;
          const at = content.widgets.findIndex(w => w.model.id === cell);
          content.activeCellIndex = at;
          await content.scrollToItem(at, 'smart');
        }""",
        cell,
    )
    expect(notebook(page).locator(".jp-Cell.jp-mod-active")).to_be_visible()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
