"""What the panel says where something is missing, foreign or elsewhere."""

from __future__ import annotations

from pathlib import Path

import labs
import pytest
from conftest import Pages
from labs import Lab, command, open_notebook, panel, row, run_cell
from ledger_samples import HOST, SESSION, record, running, write_lines
from playwright.sync_api import Page, expect

from jupyter_green.ledger.lines import EndLine, StartLine, utc_text


def notice(page: Page, name: str):
    """Return what the panel says of a state."""
    return page.locator(f"[data-green-notice={name}]")


def test_without_a_notebook_the_panel_says_so(page: Page, lab: Lab) -> None:
    """Power is shown all the same; nothing can be metered."""
    page.goto(f"{lab.url}lab/workspaces/nothing?token={labs.TOKEN}")
    expect(notice(page, "no-notebook")).to_be_visible()
    expect(page.locator("[data-green=total-power]")).to_contain_text("W")
    expect(page.locator("[data-green=meter-all]")).to_be_disabled()


def test_a_kernel_of_another_language_is_named(page: Page, lab: Lab) -> None:
    """Its cells are not metered, and the panel does not offer it."""
    lab.write("echo.ipynb", "hello", kernel="echo")
    page.goto(lab.address("echo.ipynb"))
    expect(notice(page, "kernel-foreign")).to_contain_text("echo")
    expect(page.locator("[data-green=meter-all]")).to_be_disabled()


def test_a_notebook_without_a_kernel_is_told_apart(page: Page, lab: Lab) -> None:
    """When its kernel is shut down, what it metered stays."""
    lab.write("ended.ipynb", "%load_ext jupyter_green", "%%energy\n1")
    open_notebook(page, lab, "ended.ipynb")
    run_cell(page, 0)
    run_cell(page, 1)
    expect(row(page, 1)).to_be_visible()
    command(page, "kernelmenu:shutdown")
    expect(notice(page, "no-kernel")).to_be_visible()
    expect(page.locator("[data-green=meter-all]")).to_be_disabled()
    expect(row(page, 1)).to_be_visible()


def test_power_of_this_host_is_not_that_of_a_kernel_elsewhere(
    page: Page, lab: Lab
) -> None:
    """A run on another host is told as such, and its energy is only its own word."""
    name = "elsewhere.ipynb"
    lab.write(name, "1", "2")
    now = utc_text()
    about = {"notebook": str(lab.folder / name), "host": HOST, "session": SESSION.id}
    done = record("far1", **about, cell_id="cell-0", started_at=now, ended_at=now)
    goes = running("far2", **about, cell_id="cell-1", started_at=now)
    # Written by a kernel that shares the disk: nobody here can see its process.
    told = type(SESSION)(
        id=SESSION.id, at=now, pid=4711, host=HOST.id, boot_id="another"
    )
    lines = (told, EndLine(done), StartLine(goes))
    write_lines(lab.ledger / "2026-elsewhere.jsonl", *lines)
    open_notebook(page, lab, name)
    expect(notice(page, "kernel-remote")).to_contain_text("another host")
    expect(page.locator(".jp-GreenNow")).to_contain_text("on the server")
    expect(row(page, 0).locator("[data-green=energy]")).to_have_text("100 ± 5 J")
    far = page.locator("[data-green-running=cell-1]")
    expect(far.locator(".jp-GreenCell-energy")).to_have_text("…")


def test_a_ledger_that_cannot_be_read_is_named(page: Page, lab: Lab) -> None:
    """The project says where its ledger is, and there is a file."""
    lab.write("broken/ledgerless.ipynb", "1")
    folder = lab.folder / "broken"
    (folder / "jupyter_green.toml").write_text('ledger = "no-folder"\n', "utf-8")
    (folder / "no-folder").write_text("a file", "utf-8")
    page.goto(lab.address("broken/ledgerless.ipynb"))
    expect(notice(page, "ledger-unreadable")).to_contain_text("no-folder")


def test_a_settings_file_that_is_broken_is_named_until_it_is_mended(
    pages: Pages, lab: Lab
) -> None:
    """The server has answered: its power is shown all the same."""
    pages.allowed.append("jupyter-green/api/")
    lab.write("torn/plan.ipynb", "1")
    file = lab.folder / "torn" / "jupyter_green.toml"
    file.write_text("country = ", "utf-8")
    page = pages.open()
    page.goto(lab.address("torn/plan.ipynb"))
    expect(notice(page, "problem")).to_contain_text("jupyter_green.toml")
    expect(page.locator("[data-green=total-power]")).to_contain_text("W")
    file.write_text('country = "FRA"\n', "utf-8")
    expect(notice(page, "problem")).to_have_count(0)
    expect(page.locator("[data-green=location]")).to_contain_text("FRA")


def test_a_server_that_does_not_answer_at_first_is_asked_again(
    pages: Pages, lab: Lab
) -> None:
    """Nobody has to press a button for that."""
    pages.allowed.append("jupyter-green/api/host")
    lab.write("late.ipynb", "1")
    page = pages.open()
    page.route("**/jupyter-green/api/host*", lambda route: route.abort())
    page.goto(lab.address("late.ipynb"))
    expect(notice(page, "offline")).to_be_visible()
    page.unroute("**/jupyter-green/api/host*")
    expect(notice(page, "offline")).to_have_count(0)
    expect(page.locator("[data-green=total-power]")).to_contain_text("W")


def test_what_ends_while_nobody_sees_the_page_is_there_when_somebody_does(
    page: Page, lab: Lab
) -> None:
    """A hidden page asks nothing, and then for all that it has missed."""
    lab.write("hidden.ipynb", "1")
    open_notebook(page, lab, "hidden.ipynb")
    expect(page.locator("[data-green=total-power]")).to_contain_text("W")
    look = """hidden => {
      Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
      document.dispatchEvent(new Event('visibilitychange'));
    }"""
    page.evaluate(look, True)
    now = utc_text()
    session = type(SESSION)(id="unseen", at=now, pid=1, host=HOST.id)
    done = record(
        "unseen",
        notebook=str(lab.folder / "hidden.ipynb"),
        session=session.id,
        cell_id="cell-0",
        started_at=now,
    )
    write_lines(lab.ledger / "2026-unseen.jsonl", session, EndLine(done))
    page.wait_for_timeout(1500)
    expect(row(page, 0)).to_have_count(0)
    page.evaluate(look, False)
    expect(row(page, 0).locator("[data-green=energy]")).to_have_text("100 ± 5 J")


def test_without_the_server_extension_the_panel_says_what_to_do(
    python: Path, pages: Pages, tmp_path: Path
) -> None:
    """It is switched off; nothing else of JupyterLab suffers."""
    pages.allowed.append("jupyter-green/api/host")
    labs.write_settings(tmp_path, "jupyter-green", "plugin", {"openAtStart": True})
    with labs.server(python, tmp_path, labs.WITHOUT_EXTENSION) as lab:
        lab.write("alone.ipynb", "40 + 2")
        page = pages.open()
        page.goto(lab.address("alone.ipynb"))
        expect(notice(page, "server-missing")).to_contain_text(
            "jupyter server extension enable jupyter_green"
        )
        expect(page.locator("[data-green=status]")).to_be_hidden()
        expect(page.locator("[data-green=export]")).to_be_disabled()
        # The kernel is there all the same.
        expect(page.locator("[data-green=meter-all]")).to_be_enabled()
        run_cell(page, 0)
        expect(labs.notebook(page).locator(".jp-OutputArea")).to_contain_text("42")
        expect(panel(page)).not_to_contain_text("undefined")
        page.context.close()


@pytest.mark.parametrize("path", ["hostile<img src=x onerror=alert(1)>.ipynb"])
def test_names_and_labels_are_text(page: Page, lab: Lab, path: str) -> None:
    """No markup in a name, a label or an error becomes part of the page."""
    script = "<img src=x onerror='window.hacked=1'><script>window.hacked=2</script>"
    lab.write(
        path,
        "%load_ext jupyter_green",
        f'%%energy --label "{script}"\nraise ValueError("<b>bold</b>")',
        f'%%energy --label "{script}"\nimport time\ntime.sleep(3)',
    )
    open_notebook(page, lab, path.replace("<", "%3C").replace(">", "%3E"), "hostile")
    run_cell(page, 0)
    run_cell(page, 1)
    expect(row(page, 1)).to_contain_text(script)
    run_cell(page, 2)
    expect(page.locator("[data-green-running=cell-2]")).to_contain_text(script)
    expect(row(page, 2)).to_contain_text(script)
    expect(panel(page).locator("img, script")).to_have_count(0)
    expect(page.locator(".jp-GreenBadge img")).to_have_count(0)
    assert page.evaluate("window.hacked") is None
