"""A real JupyterLab and a real Chromium, on simulated devices.

The server has a home, a ledger and notebooks of its own, and asks for a token.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

TOKEN = "a-token-for-tests"  # noqa: S105 - of a server that lives for a minute
PATIENCE_S = 60.0
ROOT = Path(__file__).parents[2]
BUILT = ROOT / "jupyter_green" / "labextension" / "package.json"
# Screenshots of the panel, kept as artifacts.
PICTURES = ROOT / "labextension" / "screenshots"
NO_NEWS = {"fetchNews": "false", "checkForUpdates": False}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab.

    Attributes:
        url: Its address, with a slash at the end.
        folder: Its root folder.
    """

    url: str
    folder: Path

    def write(self, name: str, *sources: str) -> None:
        """Write a notebook with one code cell for each source; its id is ``cell-N``."""
        cells = [
            nbformat.v4.new_code_cell(source, id=f"cell-{number}")
            for number, source in enumerate(sources)
        ]
        notebook = nbformat.v4.new_notebook(cells=cells)
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python"}
        nbformat.write(notebook, self.folder / name)

    def address(self, name: str) -> str:
        """Return the address that opens a notebook with the panel beside it.

        In a workspace of its own: else the notebooks of other tests are opened, too.
        """
        workspace = f"lab/workspaces/{Path(name).stem}"
        return f"{self.url}{workspace}/tree/{name}?token={TOKEN}"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab on simulated devices."""
    if not BUILT.is_file():
        pytest.fail("the panel is not built: run `make panel`")
    home = tmp_path_factory.mktemp("home")
    folder = home / "work"
    folder.mkdir()
    write_settings(home, "@jupyterlab/apputils-extension", "notification", NO_NEWS)
    write_settings(home, "jupyter-green", "plugin", {"openAtStart": True})
    port = free_port()
    log = (home / "server.log").open("wb")
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    options = [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}",
        f"--IdentityProvider.token={TOKEN}",
        "--ServerApp.base_url=/user/me/",
        "--LabApp.expose_app_in_browser=True",
    ]
    server = subprocess.Popen(
        [*command, *options],
        env=environment(home),
        cwd=folder,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        url = f"http://127.0.0.1:{port}/user/me/"
        wait_for(url, server)
        yield Lab(url=url, folder=folder)
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program,
            # Root has no sandbox; containers have little /dev/shm.
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own; at its end the console has shown no error."""
    expect.set_options(timeout=30_000)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def write_settings(home: Path, extension: str, plugin: str, values: object) -> None:
    """Write a user's settings of one plugin."""
    folder = home / "config" / "lab" / "user-settings" / extension
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{plugin}.jupyterlab-settings"
    file.write_text(json.dumps(values), "utf-8")


def environment(home: Path) -> dict[str, str]:
    """Return variables for a server without the user's settings."""
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_GREEN_SIMULATED": "1",
    }


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Return once the server listens."""
    address = urlsplit(url)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with socket.create_connection((address.hostname, address.port), timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the server did not start; exit status {server.poll()}")
