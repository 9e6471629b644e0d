"""The server as a user starts it: a process, a token, a base URL, a real kernel."""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

import psutil
import pytest
from servers import API, Running, jupyter_server, message, until
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from jupyter_green.ledger import ledger_totals


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Start one for the tests of this file, with simulated devices."""
    folder = tmp_path_factory.mktemp("server")
    with jupyter_server(folder, JUPYTER_GREEN_SIMULATED="1") as running:
        yield running


def test_only_the_token_opens_the_endpoints(server: Running):
    """Under the base URL, and nowhere else."""
    assert server.ask("host")[0] == 200
    for token in ("", "another"):
        status, told = server.ask("host", token=token)
        assert status == 403
        assert set(told) == {"message", "reason", "remedy"}
        assert server.ask("tag", token=token, body={})[0] == 403


def test_the_extension_is_enabled_by_the_file_that_is_installed(server: Running):
    """The configuration of the package, not of the test."""
    config = Path(__file__).parent.parent / "jupyter-config" / "server-config"
    told = json.loads((config / "jupyter_green.json").read_text())
    assert told == {"ServerApp": {"jpserver_extensions": {"jupyter_green": True}}}
    _, host = server.ask("host")
    assert [d["method"] for d in host["devices"]] == ["simulated"] * 3


async def _open(server: Running, path: str) -> WebSocketClientConnection:
    url = server.url.replace("http", "ws", 1) + path
    headers = {"Authorization": f"token {server.token}"}
    return await websocket_connect(HTTPRequest(url, headers=headers))


async def _drain(channel: WebSocketClientConnection) -> None:
    while await channel.read_message() is not None:
        pass


async def _run(channel: WebSocketClientConnection, code: str) -> None:
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "username": "",
        "session": "test",
        "version": "5.3",
        "date": "",
    }
    content = {
        "code": code,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
    }
    told = {"channel": "shell", "header": header, "content": content}
    told |= {"parent_header": {}, "metadata": {"cellId": "cell-1"}}
    await channel.write_message(json.dumps(told))


def _post(server: Running, path: str, body: Any) -> Any:
    import urllib.request  # noqa: PLC0415

    request = urllib.request.Request(  # noqa: S310
        server.url + path,
        json.dumps(body).encode(),
        {"Authorization": f"token {server.token}"},
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310
        return json.loads(response.read())


def test_a_metered_cell_of_a_real_kernel_is_seen_running_and_finished(server: Running):
    """Live, with energy so far, and then in totals and records of its notebook."""
    session = {"path": "a.ipynb", "name": "a.ipynb", "type": "notebook"}
    kernel = _post(server, "api/sessions", session | {"kernel": {"name": "python3"}})
    kernel_id = kernel["kernel"]["id"]

    async def watch() -> tuple[list[dict[str, Any]], dict[str, Any]]:
        stream = await _open(server, f"{API}/stream")
        channel = await _open(server, f"api/kernels/{kernel_id}/channels")
        # A client that does not read stops the kernel's messages.
        reading = asyncio.create_task(_drain(channel))
        try:
            await message(stream, "power")
            await _run(channel, "%load_ext jupyter_green")
            await _run(channel, "%%energy --label nap\nimport time; time.sleep(5)")
            windows: list[dict[str, Any]] = []
            while len(windows) < 3:  # told each second
                windows += (await message(stream, "running", 30))["windows"]
            told = await message(stream, "record")
            while not told["record"].get("final", True):
                told = await message(stream, "record")
        finally:
            for one in (stream, channel):
                one.close()
                await until(lambda one=one: one.protocol is None)
            await reading
        return windows, told

    windows, told = asyncio.run(watch())
    assert {(w["label"], w["cell_id"], w["path"]) for w in windows} == {
        ("nap", "cell-1", "a.ipynb")
    }
    # The simulated devices draw 100 to 450 W; the kernel itself has not told yet.
    last = windows[-1]
    assert 100.0 < last["energy_j"] / last["known_s"] < 450.0
    assert told["path"] == "a.ipynb"
    made = told["record"]
    params = "scope=notebook&path=a.ipynb"
    _, totals = server.ask(f"totals?{params}")
    energy_j = sum(d["energy_j"] for d in made["devices"])
    assert (totals["runs"], totals["energy_j"]) == (1, pytest.approx(energy_j))
    _, page = server.ask("records?path=a.ipynb")
    assert page["records"][0]["id"] == made["id"]
    assert "curve" not in page["records"][0]
    ledger = Path(server.ask("host")[1]["ledger"]["folder"])
    assert ledger_totals([ledger]).totals.total.energy_j == pytest.approx(energy_j)
    _, idle = server.ask("idle?minutes=0")
    assert idle["kernels"] == []
    assert "no GPU" in idle["reason"]


def test_an_appendix_is_written_below_the_root_and_its_state_is_told(server: Running):
    """By the same endpoints that the panel asks."""
    body = {"path": "b.ipynb", "scope": "all", "formats": ["markdown"]}
    status, told = server.ask("report", body=body)
    assert status == 200
    end_s = time.monotonic() + 60
    while (job := server.ask(f"report/{told['job']}")[1])["state"] not in {
        "done",
        "failed",
    }:
        assert time.monotonic() < end_s
        time.sleep(0.1)
    assert job["problem"] is None
    assert "energy-report/energy-appendix.md" in job["files"]
    assert (server.root / "energy-report" / "energy-appendix.md").is_file()
    out = {**body, "folder": "../out"}
    assert server.ask("report", body=out)[0] == 403
    assert server.ask(f"report/{'0' * 32}")[0] == 410


def test_a_server_that_nobody_watches_does_nothing(server: Running):
    """Seconds after the last one has left its threads rest."""
    server.ask("power")
    (process,) = (p for p in psutil.process_iter(["cmdline"]) if _is_of(p, server.root))
    time.sleep(13)  # a poll's lease, and a little
    before = process.num_ctx_switches().voluntary
    used_s = sum(process.cpu_times()[:2])
    time.sleep(3)
    assert sum(process.cpu_times()[:2]) - used_s < 0.1
    # Jupyter's own timers wake it a few times a second.
    assert process.num_ctx_switches().voluntary - before < 60


def _is_of(process: psutil.Process, root: Path) -> bool:
    line = process.info["cmdline"] or []
    return f"--ServerApp.root_dir={root}" in line and process.pid != os.getpid()
