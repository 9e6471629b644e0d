"""Budgets in the panel: set in a notebook, used up by its cells and by others' work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
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
from ledger_samples import SESSION, device, record, write_lines
from playwright.sync_api import Locator, Page, expect

from jupyter_green.ledger.lines import EndLine, utc_text
from jupyter_green.report.budgets import Budget, store_budget

# The amount is known when the first cell has run: it stands in a file.
SET = "amount = open('{file}').read()\n%green budget {{amount}} J {options}"
CLEAR = "%green budget --clear"
TOASTS = ".Toastify__toast"


def budget(page: Page, scope: str = "notebook") -> Locator:
    """Return what the panel shows of a budget."""
    return page.locator(f"[data-green-budget={scope}]")


def part(page: Page, scope: str = "notebook") -> float:
    """Return the percent of a budget that are used."""
    shown = text(budget(page, scope).locator("[data-green=part]"))
    return float(shown.removesuffix(" %"))


def used_j(lab: Lab, name: str) -> float:
    """Return what a notebook has used, once the figures of its cells are final."""
    while True:
        records = lab.ask(f"records?path={name}&limit=1")
        if records["records"] and records["records"][0]["final"]:
            found: float = lab.ask(f"totals?scope=notebook&path={name}")["energy_j"]
            return found


def test_a_budget_fills_as_cells_run_until_it_is_spent(
    page: Page, lab: Lab, picture: Callable[[Page, str], None]
) -> None:
    """Within, nearly spent, spent; taken away it is gone; its kernel warns, once."""
    name, file = "budget.ipynb", lab.home / "amount.txt"
    set_it = SET.format(file=file, options="")
    lab.write(name, SPIN.format(seconds=0.5), set_it, SPIN.format(seconds=0.5), CLEAR)
    open_notebook(page, lab, name, "budget")
    meter_all(page)
    run_cell(page, 0)
    expect(row(page, 0)).not_to_contain_text("provisional")
    expect(sum_of(page, "notebook")).to_contain_text("J")
    expect(page.locator("[data-green-section=budgets]")).to_have_count(0)

    used = used_j(lab, name)
    file.write_text(repr(used / 0.5))
    run_cell(page, 1)
    expect(budget(page)).to_contain_text("This notebook")
    # The cell that sets it is metered, too, and costs a little.
    assert 50 <= part(page) < 80
    expect(budget(page).locator("[data-green=state]")).to_have_count(0)
    meter = budget(page).get_by_role("meter")
    expect(meter).to_have_accessible_name("Budget: This notebook")
    assert 50 <= float(meter.get_attribute("aria-valuenow") or 0) < 80

    file.write_text(repr(used_j(lab, name) / 0.85))
    run_cell(page, 1)
    expect(budget(page)).to_contain_text("nearly spent")
    assert 85 <= part(page) < 100
    run_cell(page, 2)
    expect(budget(page).locator("[data-green=state]")).to_have_text("spent")
    assert part(page) > 100
    expect(meter).to_have_attribute("aria-valuenow", "100")
    output = notebook(page).locator(".jp-CodeCell").nth(2)
    expect(output).to_contain_text("is spent")
    # The kernel has said so: the panel does not say it a second time.
    expect(page.locator(TOASTS)).to_have_count(0)
    page.wait_for_timeout(500)  # the bar grows to its length
    picture(page, "budget-spent")

    page.reload()
    expect(budget(page).locator("[data-green=state]")).to_have_text("spent")
    run_cell(page, 3)
    expect(budget(page)).to_have_count(0)
    expect(page.locator(TOASTS)).to_have_count(0)


def test_a_budget_that_stops_cells_says_so_and_stops_one(page: Page, lab: Lab) -> None:
    """The cell that spends it is interrupted, and what it cost is in the panel."""
    name, file = "stopping.ipynb", lab.home / "stopping.txt"
    file.write_text("200")
    lab.write(name, SET.format(file=file, options="--stop"), SPIN.format(seconds=600))
    open_notebook(page, lab, name, "stopping")
    meter_all(page)
    run_cell(page, 0)
    expect(budget(page)).to_contain_text("stops cells")
    run_cell(page, 1)
    expect(budget(page).locator("[data-green=state]")).to_have_text("spent")
    expect(row(page, 1)).to_contain_text("interrupted")
    expect(page.locator(TOASTS)).to_have_count(0)


def test_work_elsewhere_that_uses_a_budget_up_is_told_once(
    page: Page, lab: Lab
) -> None:
    """No cell says it in the notebook in front; names are text whatever is in them."""
    label = "<img src=x onerror=alert(1)> shared"
    store_budget(lab.ledger, Budget(scope="label", name=label, energy_j=1000.0))
    lab.write("watching.ipynb", "1 + 1")
    open_notebook(page, lab, "watching.ipynb", "watching")
    expect(budget(page, "label")).to_contain_text(f"Label {label}")
    expect(budget(page, "label")).to_contain_text("0 of 1000 J")

    def run_elsewhere(number: int, energy_j: float) -> None:
        begin = datetime.now(UTC) - timedelta(minutes=5 - number)
        session = msgspec.structs.replace(SESSION, id=f"script{number}")
        ended = record(
            f"script{number}",
            label=label,
            session=session.id,
            started_at=utc_text(begin),
            devices=(device(energy_j),),
        )
        write_lines(lab.ledger / f"2026-script{number}.jsonl", session, EndLine(ended))

    run_elsewhere(1, 700.0)
    expect(budget(page, "label")).to_contain_text("70 %")
    expect(page.locator(TOASTS)).to_have_count(0)
    run_elsewhere(2, 150.0)
    toast = page.locator(TOASTS)
    expect(toast).to_have_count(1)
    expect(toast).to_contain_text("85 % of the budget of 1000 J is used")
    expect(page.locator(f"{TOASTS} img")).to_have_count(0)
    expect(budget(page, "label")).to_contain_text("nearly spent")
    toast.get_by_role("button", name="Show").click()
    expect(page.locator(TOASTS)).to_have_count(0)
    expect(panel(page)).to_be_visible()


def test_a_project_files_budget_is_shown_as_soon_as_it_is_written(
    page: Page, lab: Lab
) -> None:
    """And is gone with the file; in grams where it says grams."""
    lab.write("thesis/plan.ipynb", "1 + 1")
    open_notebook(page, lab, "thesis/plan.ipynb", "thesis")
    expect(budget(page, "project")).to_have_count(0)
    file = lab.folder / "thesis" / "jupyter_green.toml"
    file.write_text('country = "FRA"\n\n[budget]\namount = "2 kg CO2e"\n')
    expect(budget(page, "project")).to_contain_text("Project thesis")
    expect(budget(page, "project")).to_contain_text("of 2.00 kg CO₂e")
    file.unlink()
    expect(budget(page, "project")).to_have_count(0)
