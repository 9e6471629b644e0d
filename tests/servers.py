"""Jupyter servers for tests: one in this process, and one as a user starts it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

API = "jupyter-green/api"
CONFIG = Path(__file__).parent.parent / "jupyter-config" / "server-config"


def on_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an asynchronous test on the loop of pytest-jupyter's server.

    The plugin itself would give every test of the suite a server to clean up.
    """
    told = inspect.signature(test)

    @functools.wraps(test)
    def run(jp_asyncio_loop: asyncio.AbstractEventLoop, **fixtures: Any) -> None:
        jp_asyncio_loop.run_until_complete(test(**fixtures))

    loop = inspect.Parameter("jp_asyncio_loop", inspect.Parameter.KEYWORD_ONLY)
    fixtures = [p.replace(kind=p.KEYWORD_ONLY) for p in told.parameters.values()]
    run.__signature__ = told.replace(parameters=[loop, *fixtures])  # type: ignore[attr-defined]
    return run


async def until(is_so: Callable[[], Any], timeout_s: float = 10.0) -> Any:
    """Wait until something is so; return it."""
    end_s = time.monotonic() + timeout_s
    while not (found := is_so()):
        if time.monotonic() > end_s:
            raise AssertionError("it did not come to be so in time")
        await asyncio.sleep(0.02)
    return found


async def message(stream: Any, kind: str, timeout_s: float = 10.0) -> dict[str, Any]:
    """Return the next message of a kind."""
    end_s = time.monotonic() + timeout_s
    while True:
        left_s = end_s - time.monotonic()
        text = await asyncio.wait_for(stream.read_message(), max(0.01, left_s))
        if text is None:
            raise AssertionError(f"the stream ended: {stream.close_reason}")
        told: dict[str, Any] = json.loads(text)
        if told["type"] == kind:
            return told


@dataclass(frozen=True)
class Running:
    """A server in a process of its own."""

    url: str
    token: str
    root: Path

    def ask(
        self, path: str, *, token: str | None = None, body: Any = None
    ) -> tuple[int, dict[str, Any]]:
        """Return status and answer; *token*: another one than the right one."""
        given = self.token if token is None else token
        headers = {"Authorization": f"token {given}"} if given else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{API}/{path}", data, headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as err:
            with err:
                return err.code, json.loads(err.read())


@contextlib.contextmanager
def jupyter_server(folder: Path, **environment: str) -> Iterator[Running]:
    """Start ``jupyter server`` with a token and a base URL, as it is installed."""
    root, config = folder / "root", folder / "etc" / "jupyter_server_config.d"
    root.mkdir(parents=True)
    config.mkdir(parents=True)
    (config / "jupyter_green.json").write_bytes(
        (CONFIG / "jupyter_green.json").read_bytes()
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = "a-token"  # noqa: S105
    told = {
        "JUPYTER_CONFIG_PATH": str(folder / "etc"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_GREEN_LEDGER": str(folder / "ledger"),
    }
    command = [
        *(sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser"),
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root}",
        "--ServerApp.base_url=/user/ada/",
        "--ServerApp.allow_unauthenticated_access=False",
        f"--IdentityProvider.token={token}",
    ]
    log = folder / "server.log"
    with (
        log.open("wb") as stream,
        subprocess.Popen(
            command, stdout=stream, stderr=stream, env=os.environ | told | environment
        ) as process,
    ):
        running = Running(f"http://127.0.0.1:{port}/user/ada/", token, root)
        try:
            _wait(running, process, log)
            yield running
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait(running: Running, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        try:
            running.ask("power")
        except (OSError, ValueError):
            if process.poll() is not None:
                break
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the server did not start: {log.read_text()[-2000:]}")
