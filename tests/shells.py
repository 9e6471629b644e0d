"""Fresh IPython shells for tests, with simulated or given devices and no history."""

from __future__ import annotations

import asyncio
import atexit
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from IPython.core.async_helpers import get_asyncio_loop
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from traitlets.config import Config

from jupyter_green.devices.device import About, Found
from jupyter_green.devices.simulated import SimulatedDevice
from jupyter_green.ledger import read_ledger
from jupyter_green.magics import ATTRIBUTE, Extension
from jupyter_green.records import Record
from jupyter_green.settings import Settings, resolve_settings

LOAD = "%load_ext jupyter_green"


def isolate(folder: Path, monkeypatch: pytest.MonkeyPatch, **more: str) -> Path:
    """Point every folder that Jupyter and IPython know below *folder*."""
    ledger = folder / "ledger"
    environment = {
        "HOME": str(folder),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "0",
        "JUPYTER_GREEN_SIMULATED": "1",
        "JUPYTER_GREEN_LEDGER": str(ledger),
        **more,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    return ledger


@dataclass
class Ran:
    """What one cell left behind."""

    result: ExecutionResult
    out: str
    err: str

    @property
    def text(self) -> str:
        """What was printed, without our own lines and without times."""
        return without_ours(self.out + self.err)


class Shell:
    """A shell and what it prints."""

    def __init__(self, ip: InteractiveShell) -> None:
        self.ip = ip

    def run(self, cell: str, *, store_history: bool = True, **options: Any) -> Ran:
        """Run a cell as a person would."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            result = self.ip.run_cell(cell, store_history=store_history, **options)
        return Ran(result, out.getvalue(), err.getvalue())

    @property
    def extension(self) -> Extension:
        """The extension, once it is loaded."""
        loaded = getattr(self.ip, ATTRIBUTE)
        assert isinstance(loaded, Extension)
        return loaded

    @property
    def records(self) -> list[Record]:
        """The final records of this session, oldest first."""
        self.extension.session.meter.settle()
        return list(self.extension.session.records)


@contextmanager
def open_shell(*, load: bool = False) -> Iterator[Shell]:
    """Give a fresh shell; the extension is taken out of it at the end."""
    InteractiveShell.clear_instance()
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    ip = InteractiveShell.instance(config=config)
    shell = Shell(ip)
    try:
        if load:
            shell.run(LOAD)
        yield shell
    finally:
        _end_tasks()
        ip.extension_manager.unload_extension("jupyter_green")
        extension = getattr(ip, ATTRIBUTE, None)
        if extension is not None:
            extension.unregister()
        # At exit it would only collect garbage, which takes longer than a test.
        atexit.unregister(ip.atexit_operations)
        InteractiveShell.clear_instance()


def _end_tasks() -> None:
    """End what an interrupted await left on IPython's one event loop.

    Otherwise it goes on in the next shell's first await, and its end takes that shell's
    display hook away: so it is in IPython alone, too.
    """
    loop = get_asyncio_loop()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def load_with(shell: Shell, *devices: Any, **settings: Any) -> Extension:
    """Load the extension into *shell* with *devices* instead of discovery."""

    def find(_: Settings) -> Found:
        return Found(tuple(devices), ())

    extension = Extension(
        shell.ip,
        resolve_settings({"ledger": str(Path.cwd() / "ledger"), **settings}),
        find_devices=find,
    )
    extension.register()
    setattr(shell.ip, ATTRIBUTE, extension)
    return extension


def quick_device(power_w: float = 100.0, name: str = "cpu-0") -> SimulatedDevice:
    """Return a device without an update period: its records are final at once."""
    about = About(id=name, kind="cpu", method="simulated", resolution_j=1e-6)
    return SimulatedDevice(about, power_w)


def ledger_records(folder: Path) -> list[Record]:
    """Return what the ledger in *folder* holds."""
    return list(read_ledger([folder]).records)


def without_ours(text: str) -> str:
    """Take our report and all times out of *text*."""
    kept = [
        x
        for x in text.splitlines()
        if not ("SIMULATED" in x or x.endswith("# without"))
    ]
    text = "\n".join(kept).strip()
    return re.sub(r"\d[\d.e+-]* ?(ns|[µμum]?s)\b", "TIME", text)
