"""What the panel's server costs with a large ledger, in figures: `make bench`.

A real ``jupyter server`` in a process of its own, simulated devices, a ledger of
100,000 records.  Each endpoint is asked while the ledger is read for the first time,
when all is read, and while cells end; beside it Jupyter's own endpoint, which shows how
long the event loop is kept.  Each figure stands beside its target.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from bench import RECORDS, Figure, fill
from ledger_samples import device, record
from servers import API, Running, jupyter_server

from jupyter_green.ledger import new_session
from jupyter_green.ledger.lines import EndLine, encode_line, utc_text
from jupyter_green.report.budgets import Budget, store_budget
from jupyter_green.report.tables import Table, render_text

ASKED = 300
TARGET_S = 0.05
ENDPOINTS = {
    "host": "host",
    "power": "power",
    "totals, all": "totals?scope=all",
    "totals, notebook": "totals?scope=notebook&path=work/3.ipynb",
    "totals, project": "totals?scope=project&path=work/3.ipynb",
    "totals, today": "totals?scope=today",
    "budgets, three": "budgets?path=work/3.ipynb",
    "records, 100 newest": "records?path=work/3.ipynb&limit=100",
    "doctor": "doctor",
    "Jupyter's own status": "",
}


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="FILE", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ledger").mkdir()
        size_mb = fill(folder / "ledger", RECORDS) / 1e6
        for scope, called in (
            ("notebook", "work/3.ipynb"),
            ("project", str(folder / "root")),
            ("label", "train"),
        ):
            budget = Budget(scope=scope, name=called, energy_j=1e9)  # type: ignore[arg-type]
            store_budget(folder / "ledger", budget)
        figures = list(measured(folder, size_mb))
    rows = tuple(figure.row() for figure in figures)
    columns = ("what", "figure", "target", "", "how")
    title = f"The server with {RECORDS:,} records"
    load = f"{psutil.cpu_count()} processors, load {psutil.getloadavg()[0]:.1f}"
    table = Table(title=title, columns=columns, rows=rows, notes=(load,))
    sys.stdout.write(render_text(table) + "\n")
    if options.json:
        values = {figure.what: figure.value for figure in figures}
        options.json.write_text(json.dumps(values, indent=2) + "\n")


def measured(folder: Path, size_mb: float) -> Iterator[Figure]:
    """Yield all figures."""
    with jupyter_server(folder, JUPYTER_GREEN_SIMULATED="1") as server:
        process = psutil.Process(_pid(server))
        before_mb = process.memory_info().rss / 2**20
        begun_s = time.perf_counter()
        client = Client(server)
        client.ask("totals?scope=all")
        while_reading: dict[str, list[float]] = {name: [] for name in ENDPOINTS}
        while not _is_ready(client):
            for name, path in ENDPOINTS.items():
                while_reading[name].append(client.time_s(path))
        read_s = time.perf_counter() - begun_s
        yield Figure("first reading", read_s, "s", None, f"{size_mb:.0f} MB")
        for name, taken in while_reading.items():
            yield figure(f"{name}, while it is read", taken)
        for path in ENDPOINTS.values():
            while client.state(path) == "reading":
                time.sleep(0.05)
        for name, path in ENDPOINTS.items():
            yield figure(name, [client.time_s(path) for _ in range(ASKED)])
        yield from growing(folder / "ledger", client)
        after_mb = process.memory_info().rss / 2**20
        yield Figure("memory for the ledger", after_mb - before_mb, "MiB", 300.0, "rss")


def growing(ledger: Path, client: Client) -> Iterator[Figure]:
    """Ask while cells end, ten a second."""
    taken: dict[str, list[float]] = {name: [] for name in ENDPOINTS}
    session = new_session()
    file = ledger / "growing.jsonl"
    with file.open("wb") as stream:
        stream.write(encode_line(session))
        end_s = time.perf_counter() + 20.0
        number = 0
        while time.perf_counter() < end_s:
            number += 1
            made = record(
                f"new{number}",
                devices=(device(),),
                started_at=utc_text(),
                notebook="work/3.ipynb",
                session=session.id,
            )
            stream.write(encode_line(EndLine(made)))
            stream.flush()
            for name, path in ENDPOINTS.items():
                taken[name].append(client.time_s(path))
            time.sleep(0.05)
    for name, times in taken.items():
        yield figure(f"{name}, while cells end", times)


def figure(name: str, taken_s: list[float]) -> Figure:
    """Return the 99th percentile of some times."""
    ordered = sorted(taken_s)
    p99_s = ordered[math.ceil(0.99 * len(ordered)) - 1]
    middle_ms, worst_ms = 1e3 * statistics.median(ordered), 1e3 * ordered[-1]
    how = f"median {middle_ms:.1f} ms, worst {worst_ms:.1f} ms of {len(ordered)}"
    return Figure(f"{name}: p99", p99_s, "s", TARGET_S, how)


class Client:
    """Asks over one connection that stays open, as a browser does."""

    def __init__(self, server: Running) -> None:
        parts = urlsplit(server.url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port)
        self._base = parts.path
        self._headers = {"Authorization": f"token {server.token}"}

    def ask(self, path: str) -> bytes:
        """Return the answer."""
        url = f"{self._base}{API}/{path}" if path else f"{self._base}api/status"
        self._connection.request("GET", url, headers=self._headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{url}: {response.status} {body!r}")
        return body

    def time_s(self, path: str) -> float:
        """Return how long an answer took."""
        begun_s = time.perf_counter()
        self.ask(path)
        return time.perf_counter() - begun_s

    def state(self, path: str) -> str:
        """Return what an answer says of its own completeness."""
        told = json.loads(self.ask(path)).get("state", "ready")
        return str(told)


def _is_ready(client: Client) -> bool:
    told = json.loads(client.ask("host"))
    return bool(told["ledger"]["state"] == "ready")


def _pid(server: Running) -> int:
    port = urlsplit(server.url).port
    for connection in psutil.Process().children(recursive=True):
        for at in connection.net_connections(kind="tcp"):
            if at.laddr.port == port and at.status == psutil.CONN_LISTEN:
                return int(connection.pid)
    raise RuntimeError("the server's process is not found")


if __name__ == "__main__":
    main()
