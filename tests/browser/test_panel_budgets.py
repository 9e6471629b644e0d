"""Budgets in the panel: set in a notebook, used up by its cells and by others' work."""

from __future__ import annotations

import time
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
)
from ledger_samples import SESSION, device, record, write_lines
from playwright.sync_api import Locator, Page, expect

from jupyter_green.ledger.lines import EndLine, utc_text
from jupyter_green.report.budgets import Budget, drop_budget, store_budget

# The amount is known when the first cell has run: it stands in a file.
SET = "amount = open('{file}').read()\n%green budget {{amount}} J {options}"
CLEAR = "%green budget --clear"
TOASTS = ".Toastify__toast"


def budget(page: Page, scope: str = "notebook") -> Locator:
    """Return what the panel shows of a budget."""
    return page.locator(f"[data-green-budget={scope}]")


def used_j(lab: Lab, name: str, runs: int = 1) -> float:
    """Return what so many runs of a notebook have used, once that is final."""
    while True:
        told = lab.ask(f"records?path={name}")["records"]
        if len(told) == runs and all(record["final"] for record in told):
            found: float = lab.ask(f"totals?scope=notebook&path={name}")["energy_j"]
            return found
        time.sleep(0.2)


def test_a_budget_fills_as_cells_run_until_it_is_spent(
    page: Page, lab: Lab, picture: Callable[[Page, str], None]
) -> None:
    """Within, nearly spent, spent; taken away it is gone; its kernel warns, once."""
    name, file = "limits/budget.ipynb", lab.home / "amount.txt"
    spin = "%%energy -q\n" + SPIN.format(seconds=0.5)
    set_it = SET.format(file=file, options="")
    lab.write(name, "%load_ext jupyter_green", spin, set_it, spin, CLEAR)
    open_notebook(page, lab, name, "budget")
    run_cell(page, 0)
    run_cell(page, 1)
    expect(sum_of(page, "notebook")).to_contain_text("J")
    expect(page.locator("[data-green-section=budgets]")).to_have_count(0)

    used = used_j(lab, name)
    file.write_text(repr(used / 0.5))
    run_cell(page, 2)
    expect(budget(page)).to_contain_text("This notebook")
    expect(budget(page).locator("[data-green=part]")).to_have_text("50 %")
    expect(budget(page).locator("[data-green=state]")).to_have_count(0)
    meter = budget(page).get_by_role("meter")
    expect(meter).to_have_accessible_name("Budget: This notebook")
    expect(meter).to_have_attribute("aria-valuenow", "50")

    file.write_text(repr(used / 0.85))
    run_cell(page, 2)
    expect(budget(page)).to_contain_text("nearly spent")
    expect(budget(page).locator("[data-green=part]")).to_have_text("85 %")
    run_cell(page, 3)
    expect(budget(page).locator("[data-green=state]")).to_have_text("spent")
    expect(meter).to_have_attribute("aria-valuenow", "100")
    part = 100 * used_j(lab, name, runs=2) / (used / 0.85)
    shown = budget(page).locator("[data-green=part]")
    expect(shown).to_have_text(f"{part:.0f} %")
    output = notebook(page).locator(".jp-CodeCell").nth(3)
    expect(output).to_contain_text("is spent")
    # The kernel has said so: the panel does not say it a second time.
    expect(page.locator(TOASTS)).to_have_count(0)
    page.wait_for_timeout(500)  # the bar grows to its length
    picture(page, "budget-spent")

    page.reload()
    expect(budget(page).locator("[data-green=state]")).to_have_text("spent")
    run_cell(page, 4)
    expect(budget(page)).to_have_count(0)
    expect(page.locator(TOASTS)).to_have_count(0)


def test_a_budget_that_stops_cells_says_so_and_stops_one(page: Page, lab: Lab) -> None:
    """The cell that spends it is interrupted, and what it cost is in the panel."""
    name, file = "limits/stopping.ipynb", lab.home / "stopping.txt"
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
    lab.write("limits/watching.ipynb", "1 + 1")
    open_notebook(page, lab, "limits/watching.ipynb", "watching")
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
    drop_budget(lab.ledger, "label", label)
    expect(budget(page, "label")).to_have_count(0)


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
