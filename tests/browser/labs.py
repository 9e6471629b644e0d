"""JupyterLab and Notebook as a user starts them, and what a user does in a browser.

For the browser tests, the panel's benchmark and its picture.  Each server has a home, a
ledger and notebooks of its own, simulated devices, a token and a base URL.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Locator, Page, Playwright, expect

TOKEN = "a-token-for-tests"  # noqa: S105 - of a server that lives for a minute
START_S = 120.0
# Of one expectation: other work may keep both cores busy.
PATIENCE_MS = 60_000
ROOT = Path(__file__).parents[2]
BUILT = ROOT / "jupyter_green" / "labextension" / "static" / "style.js"
NO_NEWS = {"fetchNews": "false", "checkForUpdates": False}
# A language that nobody meters.
ECHO = Path(__file__).parent / "echo_kernel.py"

# An option of the server: its extension is not loaded.
WITHOUT_EXTENSION = "--ServerApp.jpserver_extensions={'jupyter_green': False}"
SPIN = """\
import time
end = time.perf_counter() + {seconds}
while time.perf_counter() < end:
    pass"""


@dataclass(frozen=True)
class Lab:
    """A running server.

    Attributes:
        url: Its address, with a slash at the end.
        home: Its user's home, with settings and data.
        folder: Its root folder.
        ledger: Where its kernels write records.
    """

    url: str
    home: Path
    folder: Path
    ledger: Path

    def write(self, name: str, *sources: str, kernel: str = "python3") -> None:
        """Write a notebook with one code cell for each source; its id is ``cell-N``."""
        cells = [
            nbformat.v4.new_code_cell(source, id=f"cell-{number}")
            for number, source in enumerate(sources)
        ]
        notebook = nbformat.v4.new_notebook(cells=cells)
        notebook.metadata["kernelspec"] = {"name": kernel, "display_name": kernel}
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)

    def address(self, name: str, workspace: str = "") -> str:
        """Return the address that opens a notebook with the panel beside it.

        In a workspace of its own: else the notebooks of other tests are opened, too.
        """
        workspace = workspace or Path(name).stem
        return f"{self.url}lab/workspaces/{workspace}/tree/{name}?token={TOKEN}"

    def ask(self, path: str) -> Any:
        """Return what the panel's server answers."""
        headers = {"Authorization": f"token {TOKEN}"}
        address = f"{self.url}jupyter-green/api/{path}"
        request = urllib.request.Request(address, headers=headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return json.loads(response.read())


def build_wheel(folder: Path) -> Path:
    """Build the wheel of this tree, its panel built before; return its file."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    into = ["--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([*pip, *into], check=True, capture_output=True)
    (wheel,) = folder.glob("jupyter_green-*.whl")
    return wheel


def install(wheel: Path, environment: Path) -> Path:
    """Install the wheel and Jupyter, from where pip finds packages; return Python."""
    venv.create(environment, symlinks=True, with_pip=False)
    python = environment / "bin" / "python"
    # Bytecode is made for what is imported only: that is the smaller part.
    quick = ["--quiet", "--no-compile", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", *quick]
    subprocess.run([*pip, str(wheel), "jupyterlab", "notebook"], check=True)
    return python


@contextlib.contextmanager
def server(
    python: Path, home: Path, *options: str, app: str = "lab", **variables: str
) -> Iterator[Lab]:
    """Start ``jupyter lab`` or another app; give it once it answers.

    Args:
        python: Of the environment that has Jupyter and the panel.
        home: A folder for settings, data, notebooks and the ledger.
        options: More options of the command.
        app: What follows ``jupyter`` on the command line.
        variables: More of the server's environment.
    """
    ledger = home / "data" / "jupyter_green" / "ledger"
    lab = Lab(url="", home=home, folder=home / "work", ledger=ledger)
    lab.folder.mkdir(parents=True, exist_ok=True)
    write_settings(home, "@jupyterlab/apputils-extension", "notification", NO_NEWS)
    port = free_port()
    lab = replace(lab, url=f"http://127.0.0.1:{port}/user/me/")
    command = [
        *(str(python), "-m", "jupyter", app, "--no-browser", "--allow-root"),
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={lab.folder}",
        f"--IdentityProvider.token={TOKEN}",
        "--ServerApp.base_url=/user/me/",
        *options,
    ]
    if app == "lab":
        command.append("--LabApp.expose_app_in_browser=True")
    log = home / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            env=environment(python, lab) | variables,
            cwd=lab.folder,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(lab, process, log)
            yield lab
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def environment(python: Path, lab: Lab) -> dict[str, str]:
    """Return variables for a server without the settings of who runs the tests."""
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "HOME": str(lab.home),
        "PATH": f"{python.parent}:/usr/bin:/bin",
        "JUPYTER_CONFIG_DIR": str(lab.home / "config"),
        "JUPYTER_DATA_DIR": str(lab.home / "data"),
        "JUPYTER_RUNTIME_DIR": str(lab.home / "runtime"),
        "JUPYTER_GREEN_SIMULATED": "1",
    }


def _wait(lab: Lab, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the server answers."""
    until = time.monotonic() + START_S
    address = f"{lab.url}api?token={TOKEN}"
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server did not start: {log.read_text()[-2000:]}")


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


def switch_off_panel(home: Path) -> None:
    """Do what ``jupyter labextension disable --level=user jupyter-green`` does."""
    file = home / "config" / "labconfig" / "page_config.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    values = {"disabledExtensions": {"jupyter-green": True}}
    file.write_text(json.dumps(values), "utf-8")


def add_echo_kernel(python: Path, home: Path) -> None:
    """Give the server a kernel of a language called Echo."""
    folder = home / "data" / "kernels" / "echo"
    folder.mkdir(parents=True)
    argv = [str(python), str(ECHO), "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Echo", "language": "echo"}
    (folder / "kernel.json").write_text(json.dumps(spec), "utf-8")


def chromium() -> str | None:
    """Return Debian's Chromium, if it is there."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def launch(playwright: Playwright, program: str, *arguments: str) -> Browser:
    """Start Chromium."""
    return playwright.chromium.launch(
        executable_path=program,
        # Root has no sandbox; containers have little /dev/shm.
        args=["--no-sandbox", "--disable-dev-shm-usage", *arguments],
    )


def open_notebook(page: Page, lab: Lab, name: str, workspace: str = "") -> None:
    """Open a notebook with the panel beside it; return when its kernel is ready."""
    page.goto(lab.address(name, workspace))
    expect(page.locator("[data-green=meter-all]")).to_be_enabled()


def meter_all(page: Page) -> None:
    """Press the button that meters every cell."""
    button = page.locator("[data-green=meter-all]")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")


def run_cell(page: Page, number: int) -> None:
    """Run a cell of the notebook in front by the keyboard."""
    cell = notebook(page).locator(".jp-CodeCell").nth(number)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def notebook(page: Page) -> Locator:
    """Return the notebook in front."""
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")


def row(page: Page, number: int) -> Locator:
    """Return what the panel says of a cell."""
    return page.locator(f"[data-green-cell=cell-{number}]")


def sum_of(page: Page, scope: str, what: str = "energy") -> Locator:
    """Return a figure of the panel's sums."""
    return page.locator(f"[data-green-scope={scope}] [data-green={what}]")


def resize_panel(page: Page, width: int) -> None:
    """Give the side panel a width by dragging its edge."""
    area = page.locator("#jp-right-stack").bounding_box()
    assert area is not None
    y = area["y"] + area["height"] / 2
    page.mouse.move(area["x"] - 3, y)
    page.mouse.down()
    page.mouse.move(area["x"] - 3 + area["width"] - width, y, steps=4)
    page.mouse.up()


def text(place: Locator) -> str:
    """Return the text of a place once it is there, also what a narrow panel hides."""
    expect(place).not_to_be_empty()
    return place.text_content() or ""


def panel(page: Page) -> Locator:
    """Return the panel."""
    return page.locator(".jp-GreenPanel")


def command(page: Page, name: str, **arguments: str) -> None:
    """Run one of JupyterLab's commands, as a menu does."""
    page.evaluate(
        "([name, args]) => void window.jupyterapp.commands.execute(name, args)",
        [name, arguments],
    )
