"""A real Jupyter server in this process that asks who comes: fixtures, and its ledger.

Whoever imports these takes all, with ``*``: they need pytest-jupyter's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ledger_samples import write_lines
from pytest_jupyter.jupyter_server import *  # noqa: F403 - fixtures
from servers import API, until
from traitlets.config import Config

from jupyter_green.ledger.lines import EndLine, utc_text
from jupyter_green.ledger.processes import new_session
from jupyter_green.records import Record
from jupyter_green.server.state import GreenServer

Fetch = Callable[..., Any]


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a ledger of its own, and simulated devices."""
    folder = tmp_path / "ledger"
    monkeypatch.setenv("JUPYTER_GREEN_LEDGER", str(folder))
    monkeypatch.setenv("JUPYTER_GREEN_SIMULATED", "1")
    return folder


@pytest.fixture
def jp_server_config(ledger: Path, request: pytest.FixtureRequest) -> Config:
    """Enable the extension, and let nobody in who does not say who he is."""
    del ledger
    extensions = {"jupyter_green": True, "jupyter_server_terminals": False}
    config = Config({"ServerApp": {"jpserver_extensions": extensions}})
    config.ServerApp.allow_unauthenticated_access = False
    if authorizer := getattr(request, "param", None):
        config.ServerApp.authorizer_class = authorizer
    return config


@pytest.fixture
def green(jp_serverapp: Any) -> GreenServer:
    """Return what is behind the endpoints."""
    found: GreenServer = jp_serverapp.extension_manager.extension_points[
        "jupyter_green"
    ].app.green
    return found


@pytest.fixture
def ask(jp_fetch: Fetch) -> Fetch:
    """Ask an endpoint; return status and answer."""

    async def fetch(path: str, body: Any = None, **named: Any) -> tuple[int, Any]:
        if body is not None:
            named |= {"method": "POST", "body": json.dumps(body)}
        response = await jp_fetch(API, path, raise_error=False, **named)
        return response.code, json.loads(response.body)

    return fetch


@pytest.fixture
def connect(
    jp_ws_fetch: Fetch, jp_asyncio_loop: asyncio.AbstractEventLoop
) -> Iterator[Fetch]:
    """Open streams; close at the end those that are open."""
    opened: list[Any] = []

    async def fetch(*path: str, **named: Any) -> Any:
        opened.append(await jp_ws_fetch(*(path or (API, "stream")), **named))
        return opened[-1]

    async def close_all() -> None:
        for stream in opened:
            stream.close()
            await until(lambda s=stream: s.protocol is None)

    yield fetch
    jp_asyncio_loop.run_until_complete(close_all())


def at(ago_s: float) -> str:
    """Return the time some seconds ago."""
    return utc_text(datetime.now(UTC) - timedelta(seconds=ago_s))


def write(ledger: Path, *records: Record, name: str = "a") -> None:
    """Write a file of finished records."""
    lines = [EndLine(r) for r in records]
    write_lines(ledger / f"{name}.jsonl", new_session(), *lines)


async def answered(ask: Fetch, what: str, /, **params: str) -> Any:
    """Return an answer once it is of the whole ledger; other programs may be busy."""
    told = None
    for _ in range(200):
        status, told = await ask(what, params=params)
        assert status == 200, told
        if told["state"] == "ready":
            return told
        await asyncio.sleep(0.05)
    raise AssertionError(f"the ledger was not read in time: {told}")
