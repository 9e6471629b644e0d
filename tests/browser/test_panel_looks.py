"""How the panel looks and is reached: themes, narrow, many cells, by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from labs import Lab, command, open_notebook, panel, row
from ledger_samples import INTENSITY, SESSION, device, record, write_lines
from playwright.sync_api import Locator, Page, expect

from jupyter_green.ledger.lines import EndLine, utc_text
from jupyter_green.report.budgets import Budget, store_budget

# The least contrast of text that WCAG 2.2 asks for (1.4.3, level AA), and in a theme of
# high contrast (1.4.6, AAA).
THEMES = {
    "JupyterLab Light": ("light", 4.5),
    "JupyterLab Dark": ("dark", 4.5),
    "JupyterLab Dark High Contrast": ("high-contrast", 7.0),
}
# Texts whose contrast with what lies behind them is too low; formula: WCAG 2.2,
# relative luminance.  Disabled controls are exempt there.
FAINT = """
(root, least) => {
  const canvas = document.createElement('canvas');
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  const rgba = colour => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [R, G, B]) =>
    [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
  const behind = node => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      layers.push(rgba(getComputedStyle(at).backgroundColor));
      if (layers[layers.length - 1][3] === 1) break;
    }
    return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const light = colour => {
    const [r, g, b] = colour.slice(0, 3).map(c => {
      const s = c / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const seen = node.checkVisibility() && walker.currentNode.data.trim();
    if (!seen || node.closest(':disabled') || node.closest('option')) continue;
    const ground = behind(node);
    const ink = over(rgba(getComputedStyle(node).color), ground);
    const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < least) faint.push([walker.currentNode.data, contrast.toFixed(2)]);
  }
  return faint;
}
"""
# Elements whose text is cut without a tip that tells the whole, or that stand out.
CUT = """
root => {
  const edge = root.getBoundingClientRect().right + 0.5;
  const cut = [];
  for (const node of root.querySelectorAll('*')) {
    if (!node.checkVisibility() || node.closest('canvas, svg, .u-wrap')) continue;
    const style = getComputedStyle(node);
    const long = node.scrollWidth > node.clientWidth + 1;
    const hides = style.overflowX !== 'visible' && long;
    const tip = node.closest('[title]');
    if (hides && node.textContent.trim() && !tip) cut.push(node.textContent);
    if (node.getBoundingClientRect().right > edge) cut.push(`out: ${node.textContent}`);
  }
  return cut;
}
"""
NAMELESS = """
root => [...root.querySelectorAll(
    'button, select, input, [role=img], [role=meter]')]
  .filter(n => n.checkVisibility())
  .filter(n => !n.getAttribute('aria-label') && !n.textContent.trim())
  .filter(n => !n.labels?.length)
  .map(n => n.outerHTML)
"""
MANY = 60
LONG = "a name that is far too long for a narrow panel"


@pytest.fixture(scope="module")
def study(lab: Lab) -> str:
    """A notebook with many metered cells, whose records stand in the ledger.

    It draws 268 kJ in all, which are 27 g: budgets are within, near and over.
    """
    name = "study/many cells.ipynb"
    lab.write(name, *(f"step_{n}(learning_rate=1e-{n % 7})" for n in range(MANY)))
    # Runs on this very host: else the panel says that the kernel is elsewhere.
    host = lab.ask("host")["host"]["id"]
    begin = datetime.now(UTC) - timedelta(hours=3)
    # Runs of one session are one notebook's: no other test may use the same.
    session = msgspec.structs.replace(SESSION, id="of-many-cells", at=utc_text(begin))
    lines = []
    for n in range(MANY):
        start = begin + timedelta(minutes=2 * n)
        energy_j = 3.7 * 1.17**n
        failed = n % 23 == 7
        made = record(
            f"many{n}",
            notebook=str(lab.folder / name),
            cell_id=f"cell-{n}",
            execution_count=n + 1,
            label={3: LONG, 5: "unmetered", 6: "baseline"}.get(n, ""),
            purpose=("final", "search", "")[n % 3],
            status="error" if failed else "ok",
            error="ZeroDivisionError" if failed else "",
            started_at=utc_text(start),
            ended_at=utc_text(start + timedelta(seconds=1.5 * n)),
            duration_s=0.04 + 1.5 * n,
            devices=(device(energy_j, uncertainty_j=0.04 * energy_j),)
            if n != 5
            else (device(None),),
            host=type(record().host)(id=host),
            intensity=INTENSITY,
            session=session.id,
        )
        lines.append(EndLine(made))
    write_lines(lab.ledger / "2026-many.jsonl", session, *lines)
    folder = str(lab.folder / "study")
    for scope, called, energy_j, co2e_g, stop in (
        ("notebook", f"{folder}/many cells.ipynb", 324e3, None, True),
        ("project", folder, None, 20.0, False),
        ("label", LONG, 3.6e3, None, False),
        ("label", "unmetered", 3.6e6, None, True),
        ("label", "baseline", None, 500.0, False),
    ):
        store_budget(
            lab.ledger,
            Budget(
                scope=scope,
                name=called,
                energy_j=energy_j,
                co2e_g=co2e_g,
                stop=stop,
            ),
        )
    return name


@pytest.mark.parametrize("theme", THEMES)
def test_all_text_is_readable_in_each_theme(
    page: Page,
    lab: Lab,
    study: str,
    theme: str,
    picture: Callable[[Page, str], None],
) -> None:
    """The contrast is what WCAG asks for, in the panel, at badges and below."""
    name, least = THEMES[theme]
    open_notebook(page, lab, study, f"theme-{name}")
    page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
        theme,
    )
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
    expect(page.locator("[data-green-cell]")).to_have_count(MANY)
    expect(page.locator("[data-green=total-power]")).to_contain_text("W")
    expect(page.locator("[data-green-budget]")).to_have_count(4)
    for place in (panel(page), page.locator(".jp-GreenBadge").first):
        expect(place).to_be_visible()
        assert readable(place, least) == []
    picture(page, name)
    page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
        "JupyterLab Light",
    )
    expect(page.locator("body")).to_have_attribute(
        "data-jp-theme-name", "JupyterLab Light"
    )


def readable(place: Locator, least: float) -> list[list[str]]:
    """Return the texts that are not, once the theme's style sheet is there."""
    for _ in range(40):
        faint: list[list[str]] = place.evaluate(FAINT, least)
        if not faint:
            break
        place.page.wait_for_timeout(250)
    return faint


def test_240_pixels_are_enough(
    page: Page, lab: Lab, study: str, picture: Callable[[Page, str], None]
) -> None:
    """Nothing is cut off without a tip, and nothing stands out at the side."""
    open_notebook(page, lab, study, "narrow")
    expect(page.locator("[data-green-cell]")).to_have_count(MANY)
    page.locator("[data-green=more-budgets]").click()
    expect(page.locator("[data-green-budget]")).to_have_count(5)
    # JupyterLab 4.6 itself stops at 250 pixels.
    panel(page).evaluate("n => { n.style.minWidth = 0; n.style.width = '240px'; }")
    assert panel(page).evaluate("n => n.offsetWidth") == 240
    assert panel(page).evaluate(CUT) == []
    assert panel(page).evaluate("n => n.scrollWidth <= n.clientWidth")
    picture(page, "narrow")


def test_many_cells_are_in_one_list(
    page: Page, lab: Lab, study: str, picture: Callable[[Page, str], None]
) -> None:
    """All of them, sorted as asked; figures stand below each other."""
    page.set_viewport_size({"width": 1400, "height": 1100})
    open_notebook(page, lab, study, "many")
    cells = page.locator("[data-green-cell]")
    expect(cells).to_have_count(MANY)
    page.get_by_label("Sort cells").select_option("energy")
    # The last one drew the most, by the formula above.
    expect(cells.first).to_have_attribute("data-green-cell", f"cell-{MANY - 1}")
    page.get_by_label("Sort cells").select_option("position")
    expect(cells.first).to_have_attribute("data-green-cell", "cell-0")
    edges = cells.locator("[data-green=energy]").evaluate_all(
        "all => all.map(n => Math.round(n.getBoundingClientRect().right))"
    )
    assert len(set(edges)) == 1
    row(page, 40).scroll_into_view_if_needed()
    picture(page, "many-cells")


def test_all_is_reached_by_keyboard_and_has_a_name(
    page: Page, lab: Lab, study: str
) -> None:
    """Tab goes through the actions in their order; Enter works; all is labelled."""
    open_notebook(page, lab, study, "keyboard")
    expect(page.locator("[data-green-cell]")).to_have_count(MANY)
    assert panel(page).evaluate(NAMELESS) == []
    expect(panel(page)).to_have_role("region")
    expect(panel(page)).to_have_accessible_name("Energy and CO₂e")
    # By the command palette, as somebody without a mouse opens it.
    command(page, "jupyter-green:open-panel")
    reached = []
    page.locator("[data-green=meter-all]").focus()
    for _ in range(12):
        reached.append(
            page.evaluate(
                """() => document.activeElement.dataset.green
                  || document.activeElement.textContent
                  || document.activeElement.getAttribute('aria-label')"""
            )
        )
        page.keyboard.press("Tab")
    assert reached[:3] == ["meter-all", "export", "settings"]
    named = {"Now", "doctor", "So far", "Budgets", "more-budgets", "Cells"}
    assert named <= set(reached)
    heading = page.get_by_role("button", name="So far", exact=True)
    heading.focus()
    page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-expanded", "false")
    expect(page.locator("[data-green-scope=all]")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.locator("[data-green-scope=all]")).to_be_visible()
    page.locator("[data-green=export]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".jp-Dialog")).to_be_visible()
    page.locator(".jp-Dialog").press("Escape")
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    # A focused control shows that it is.
    page.locator("[data-green=export]").focus()
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
