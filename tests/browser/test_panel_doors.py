"""The panel's dialogs and settings: export, location, doctor, idle, switches."""

from __future__ import annotations

import json
import re
import tomllib

from labs import (
    SPIN,
    TOKEN,
    Lab,
    meter_all,
    notebook,
    open_notebook,
    panel,
    row,
    run_cell,
    sum_of,
)
from playwright.sync_api import Page, Route, expect


def dialog(page: Page):
    """Return the dialog in front."""
    return page.locator(".jp-Dialog")


def test_an_appendix_is_written_beside_the_notebook_and_opened(
    page: Page, lab: Lab
) -> None:
    """The dialog offers formats; the files say what the panel says, and open."""
    lab.write("study/paper.ipynb", SPIN.format(seconds=0.3))
    open_notebook(page, lab, "study/paper.ipynb")
    meter_all(page)
    run_cell(page, 0)
    expect(row(page, 0).locator("[data-green=energy]")).to_have_text(re.compile("J$"))
    expect(row(page, 0)).not_to_contain_text("provisional")
    page.locator("[data-green=export]").click()
    expect(dialog(page).locator("input[name=anonymous]")).to_be_checked()
    dialog(page).locator("input[name=json]").check()
    dialog(page).get_by_role("button", name="Export").click()
    preview = page.locator(".jp-MarkdownViewer")
    expect(preview).to_contain_text("SIMULATED")
    folder = lab.folder / "study" / "energy-report"
    report = json.loads((folder / "energy-report.json").read_text("utf-8"))
    assert report
    text = (folder / "energy-appendix.md").read_text("utf-8")
    assert "SIMULATED" in text
    # Anonymous: the notebook's name is not in it.
    assert "paper.ipynb" not in text


def test_a_location_is_set_in_the_project_file(page: Page, lab: Lab) -> None:
    """The intensity in force changes at once; the file keeps its comments."""
    lab.write("place/here.ipynb", "1")
    file = lab.folder / "place" / "jupyter_green.toml"
    file.write_text("# ours\npue = 1.0\n", "utf-8")
    open_notebook(page, lab, "place/here.ipynb")
    place = page.locator("[data-green=location]")
    expect(place).to_contain_text("no location set")
    place.get_by_role("button").click()
    dialog(page).locator("select[name=country]").select_option(label="France")
    dialog(page).locator("input[name=pue]").fill("1.3")
    dialog(page).get_by_role("button", name="Set").click()
    expect(place).to_contain_text("PUE 1.3")
    expect(place).not_to_contain_text("no location set")
    written = file.read_text("utf-8")
    assert "# ours" in written
    values = tomllib.loads(written)
    assert (values["country"], values["pue"]) == ("FRA", 1.3)
    page.reload()
    expect(place).to_contain_text("PUE 1.3")


def test_the_doctor_says_what_can_be_measured(page: Page, lab: Lab) -> None:
    """A dialog with findings, which Escape closes."""
    lab.write("doctor.ipynb", "1")
    open_notebook(page, lab, "doctor.ipynb")
    page.locator("[data-green=doctor]").click()
    told = lab.ask("doctor")["findings"]
    assert told
    expect(dialog(page).locator(".jp-GreenFindings > li")).to_have_count(len(told))
    # After a remedy: the server looks for devices anew.
    with page.expect_response("**/jupyter-green/api/doctor*") as looked:
        dialog(page).get_by_role("button", name="Look again").click()
    assert (looked.value.request.method, looked.value.status) == ("POST", 200)
    expect(dialog(page).locator(".jp-GreenFindings > li")).to_have_count(len(told))
    dialog(page).press("Escape")
    expect(dialog(page)).to_have_count(0)


def test_badges_and_status_item_are_switched_off_in_the_settings(
    page: Page, lab: Lab
) -> None:
    """The button leads to the settings editor; a switch works at once, both ways."""
    lab.write("switches.ipynb", "1 + 1")
    open_notebook(page, lab, "switches.ipynb")
    meter_all(page)
    run_cell(page, 0)
    badge = page.locator(".jp-GreenBadge")
    status = page.locator("[data-green=status]")
    expect(badge).to_have_count(1)
    expect(status).to_be_visible()
    page.locator("[data-green=settings]").click()
    editor = page.locator(".jp-SettingsPanel")
    for name, shown in (("Badges at cells", badge), ("Status bar", status)):
        box = editor.get_by_label(name, exact=False).first
        box.uncheck()
        expect(shown.locator("visible=true")).to_have_count(0)
    for name in ("Badges at cells", "Status bar"):
        editor.get_by_label(name, exact=False).first.check()
    expect(status).to_be_visible()
    expect(badge).to_have_count(1)


def test_idle_waste_is_shown_and_ended(page: Page, lab: Lab) -> None:
    """A stand-in says that the kernel holds a GPU; the button ends the real kernel."""
    lab.write("idle.ipynb", "1")
    kernels: list[str] = []

    def idle(route: Route) -> None:
        held = {
            "id": "simulated-gpu-0",
            "memory_bytes": 3 * 2**30,
            "energy_j": 252_000.0,
            "power_w": 70.0,
        }
        told = [
            {
                "kernel_id": kernel,
                "name": "python3",
                "path": "idle.ipynb",
                "idle_s": 3600.0,
                "devices": [held],
                "energy_j": 252_000.0,
                "reason": None,
            }
            for kernel in kernels
        ]
        route.fulfill(json={"kernels": told, "reason": None})

    page.route("**/jupyter-green/api/idle*", idle)
    open_notebook(page, lab, "idle.ipynb")
    expect(page.locator("[data-green-section=idle]")).to_have_count(0)
    sessions = page.request.get(f"{lab.url}api/sessions?token={TOKEN}").json()
    kernels += [s["kernel"]["id"] for s in sessions if s["path"] == "idle.ipynb"]
    assert len(kernels) == 1
    page.evaluate("void window.jupyterapp.commands.execute('jupyter-green:refresh')")
    idling = page.locator(f"[data-green-idle='{kernels[0]}']")
    expect(idling).to_contain_text("3.22 GB")
    expect(idling).to_contain_text("70.0 Wh")
    idling.get_by_role("button").click()
    expect(dialog(page)).to_contain_text("idle.ipynb")
    kernel = kernels.pop()
    with page.expect_response(f"**/api/kernels/{kernel}*") as ended:
        dialog(page).get_by_role("button", name="Shut down").click()
    assert ended.value.status == 204
    expect(idling).to_have_count(0)
    assert panel(page).is_visible()
    assert notebook(page).is_visible()
    assert sum_of(page, "today").count() <= 1
