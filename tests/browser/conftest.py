"""A real JupyterLab in a fresh environment, and a real Chromium."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import labs
import pytest
from labs import Lab
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

HERE = Path(__file__).parent
# Pictures of the panel, kept as artifacts; ignored by git.
PICTURES = labs.ROOT / "labextension" / "screenshots"
# The first test waits for pip and for JupyterLab.
LONGEST_S = 600
# What JupyterLab's own parts say, whatever the panel does.
NOT_OURS = (
    "Could not restore the debugger state",  # the kernel was shut down meanwhile
    "Kernel is dead",  # likewise: the debugger asks a kernel that has ended
    "Comm not found for comm id",  # of widgets that another browser has opened
    "/api/contents/old%20name.ipynb?content=0",  # asks for what it has just renamed
)
# An environment with JupyterLab, Notebook and the panel's wheel, to save the minute
# that a fresh one takes while a test is written.
GIVEN = "JUPYTER_GREEN_TEST_ENVIRONMENT"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this folder time."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(LONGEST_S))


@dataclass
class Pages:
    """Opens pages, each in a browser of its own, and notes what their consoles say.

    Attributes:
        allowed: Errors in the console that contain one of these are expected.
    """

    browser: Browser
    allowed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, width: int = 1280, height: int = 900, scale: int = 1) -> Page:
        """Open a page with cookies and storage of its own."""
        size = {"width": width, "height": height}
        context = self.browser.new_context(viewport=size, device_scale_factor=scale)
        page = context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self._add(error.stack or str(error)))
        return page

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._add(f"{message.text} ({message.location.get('url', '')})")

    def _add(self, text: str) -> None:
        # What has passed through the panel's scripts is never excused.
        is_ours = "jupyter-green/static" in text
        known = (*NOT_OURS, *self.allowed)
        if is_ours or not any(part in text for part in known):
            self.errors.append(text)


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment that the wheel was installed into, with Jupyter."""
    if given := os.environ.get(GIVEN):
        return Path(given) / "bin" / "python"
    if not labs.BUILT.is_file():
        pytest.fail("the panel is not built: run `make panel`")
    wheel = labs.build_wheel(tmp_path_factory.mktemp("wheel"))
    try:
        return labs.install(wheel, tmp_path_factory.mktemp("fresh"))
    except subprocess.CalledProcessError as err:
        pytest.skip(f"pip cannot install JupyterLab here: {err}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    program = labs.chromium()
    if program is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    expect.set_options(timeout=labs.PATIENCE_MS)
    with sync_playwright() as playwright:
        started = labs.launch(playwright, program)
        yield started
        started.close()


@pytest.fixture(scope="session")
def lab(
    python: Path, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """A JupyterLab on simulated devices that opens the panel at start."""
    del browser  # without one, none of this is needed
    home = tmp_path_factory.mktemp("home")
    labs.write_settings(home, "jupyter-green", "plugin", {"openAtStart": True})
    labs.add_echo_kernel(python, home)
    with labs.server(python, home) as running:
        yield running


@pytest.fixture
def pages(browser: Browser) -> Iterator[Pages]:
    """Pages of their own; at their end no console has shown an error."""
    opened = Pages(browser)
    known = list(browser.contexts)
    yield opened
    for context in browser.contexts:
        if context not in known:
            context.close()
    assert opened.errors == []


@pytest.fixture
def page(pages: Pages) -> Page:
    """A page; at its end the console has shown no error."""
    page = pages.open()
    page.set_default_timeout(labs.PATIENCE_MS)
    return page


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """A function that keeps a picture of the panel."""
    PICTURES.mkdir(exist_ok=True)

    def take(page: Page, name: str) -> None:
        labs.panel(page).screenshot(path=PICTURES / f"{name}.png")

    return take
