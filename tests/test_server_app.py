"""The endpoints in a real Jupyter server that asks who comes."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from green_servers import *  # noqa: F403 - fixtures, of this file only
from green_servers import Fetch, answered, at, write
from jupyter_server.auth import Authorizer
from ledger_samples import device, record, running, write_lines
from servers import API, message, on_loop, until
from tornado.httpclient import HTTPClientError

from jupyter_green.ledger import ledger_totals
from jupyter_green.ledger.lines import EndLine, SessionLine, StartLine
from jupyter_green.ledger.processes import new_session
from jupyter_green.server.jobs import MAX_WAITING, Progress
from jupyter_green.server.lease import GRACE_S
from jupyter_green.server.reports import Made
from jupyter_green.server.state import GreenServer
from jupyter_green.session.provenance import host_id

GETS = ("host", "budgets", "power", "totals", "records", "locations", "idle", "doctor")
POSTS = ("tag", "location", "report", "doctor")


class Reader(Authorizer):
    """Lets everybody look and nobody write."""

    def is_authorized(
        self, handler: Any, user: Any, action: str, resource: str
    ) -> bool:
        """Say who may."""
        del handler, user
        return resource != "jupyter_green" or action == "read"


class Nobody(Authorizer):
    """Lets nobody do anything with this extension."""

    def is_authorized(
        self, handler: Any, user: Any, action: str, resource: str
    ) -> bool:
        """Say who may."""
        del handler, user, action
        return resource != "jupyter_green"


# Who may.


@pytest.mark.parametrize("path", GETS)
@pytest.mark.parametrize("token", ["", "token wrong"])
@on_loop
async def test_nobody_looks_who_does_not_say_who_he_is(
    ask: Fetch, path: str, token: str
):
    """Nobody looks who does not say who he is."""
    status, told = await ask(path, headers={"Authorization": token})
    assert status == 403
    assert set(told) == {"message", "reason", "remedy"}


@pytest.mark.parametrize("path", POSTS)
@on_loop
async def test_nobody_writes_who_does_not_say_who_he_is(ask: Fetch, path: str):
    """Nobody writes who does not say who he is."""
    status, _ = await ask(path, {}, headers={"Authorization": ""})
    assert status == 403


@on_loop
async def test_nobody_opens_the_stream_who_does_not_say_who_he_is(
    connect: Fetch, green: GreenServer
):
    """Nobody opens the stream who does not say who he is."""
    with pytest.raises(HTTPClientError) as caught:
        await connect(headers={"Authorization": ""})
    assert caught.value.code == 403
    assert not green.is_watching


@on_loop
async def test_a_page_elsewhere_does_not_open_the_stream(
    connect: Fetch, jp_fetch: Fetch, jp_serverapp: Any
):
    """A page elsewhere does not open the stream."""
    headers = await _cookies(jp_fetch, jp_serverapp.identity_provider.token)
    headers["Host"] = f"127.0.0.1:{jp_serverapp.port}"
    await connect(headers=dict(headers))
    with pytest.raises(HTTPClientError) as caught:
        await connect(headers=headers | {"Origin": "http://evil.example"})
    assert caught.value.code == 403


async def _cookies(jp_fetch: Fetch, token: str) -> dict[str, str]:
    """Log in as a browser does; return what it has from then on."""
    response = await jp_fetch(
        "login", params={"token": token}, headers={"Authorization": ""},
        follow_redirects=False, raise_error=False,
    )  # fmt: skip
    jar = [c.split(";")[0] for c in response.headers.get_list("Set-Cookie")]
    return {"Authorization": "", "Cookie": "; ".join(jar)}


@on_loop
async def test_a_browser_that_is_logged_in_writes_only_with_the_word_against_forgery(
    ask: Fetch, jp_fetch: Fetch, jp_serverapp: Any
):
    """A browser that is logged in writes only with the word against forgery."""
    headers = await _cookies(jp_fetch, jp_serverapp.identity_provider.token)
    assert (await ask("totals", headers=dict(headers)))[0] == 200
    body = {"country": "FRA"}
    status, told = await ask("location", body, headers=dict(headers))
    assert status == 403
    assert "xsrf" in told["reason"].lower()
    headers["Cookie"] += "; _xsrf=word"
    status, told = await ask(
        "location", body, headers=headers | {"X-XSRFToken": "word"}
    )
    assert status == 200, told


@pytest.mark.parametrize("jp_server_config", [Reader], indirect=True)
@on_loop
async def test_who_may_only_look_writes_nothing(ask: Fetch, connect: Fetch):
    """Who may only look writes nothing."""
    assert (await ask("host"))[0] == 200
    for path in POSTS:
        assert (await ask(path, {}))[0] == 403
    assert (await message(await connect(), "hello"))["interval_s"] == 1.0


@pytest.mark.parametrize("jp_server_config", [Nobody], indirect=True)
@on_loop
async def test_who_may_nothing_does_not_even_look(ask: Fetch, connect: Fetch):
    """Who may nothing does not even look."""
    for path in GETS:
        assert (await ask(path, params={"path": "x.ipynb"}))[0] == 403
    with pytest.raises(HTTPClientError) as caught:
        await connect()
    assert caught.value.code == 403


# What is activity.


@on_loop
async def test_watching_is_no_activity_of_server_or_kernel(
    ask: Fetch, jp_fetch: Fetch, connect: Fetch, jp_serverapp: Any
):
    """Watching is no activity of server or kernel."""
    kernel = json.loads(
        (await jp_fetch("api", "kernels", method="POST", body="{}")).body
    )["id"]
    manager = jp_serverapp.kernel_manager
    await connect("api", "kernels", kernel, "channels")
    await until(lambda: manager.get_kernel(kernel).execution_state == "idle")
    await asyncio.sleep(1.0)
    before = (
        jp_serverapp.web_app.settings["api_last_activity"],
        manager.get_kernel(kernel).last_activity,
        manager.last_kernel_activity,
        jp_serverapp.web_app.last_activity(),
    )
    stream = await connect()
    await message(stream, "power")
    for path in GETS:
        status, told = await ask(path, params={"path": "x.ipynb"})
        assert status == 200, (path, told)
    await ask("doctor", {})
    await ask("location", {"country": "FRA"})
    stream.write_message('{"type":"visible","visible":false}')
    stream.close()
    after = (
        jp_serverapp.web_app.settings["api_last_activity"],
        manager.get_kernel(kernel).last_activity,
        manager.last_kernel_activity,
        jp_serverapp.web_app.last_activity(),
    )
    assert after == before
    await manager.shutdown_all()


# Live power.


@on_loop
async def test_power_flows_while_a_stream_is_open_and_stops_seconds_after(
    connect: Fetch, green: GreenServer
):
    """Power flows while a stream is open and stops seconds after."""
    assert green.power.found is None  # nothing is looked for before somebody asks
    stream = await connect()
    begun_s = time.monotonic()
    told = [await message(stream, "power") for _ in range(3)]
    assert time.monotonic() - begun_s < 5.0
    apart = [b["t"] - a["t"] for a, b in pairwise(told)]
    assert apart == pytest.approx([1.0, 1.0], abs=0.3)
    assert set(told[0]["power_w"]) == {
        "simulated-gpu-0", "simulated-package-0", "simulated-dram-0"
    }  # fmt: skip
    # The simulated GPU swings by 120 W around 220 W.
    assert all(95 < one["power_w"]["simulated-gpu-0"] < 345 for one in told)
    assert told[0]["total_w"] == pytest.approx(sum(told[0]["power_w"].values()))
    stream.close()
    closed_s = time.monotonic()
    await until(lambda: not green.power.is_sampling)
    assert time.monotonic() - closed_s < GRACE_S + 2.0
    await until(lambda: not green.is_watching)
    last = green.power.last
    await asyncio.sleep(1.5)
    assert green.power.last == last


@on_loop
async def test_a_stream_that_nobody_sees_holds_no_lease_and_still_tells_records(
    connect: Fetch, green: GreenServer, ledger: Path
):
    """A stream that nobody sees holds no lease and still tells records."""
    stream = await connect()
    await until(lambda: green.power.is_sampling)
    stream.write_message('{"type":"visible","visible":false}')
    await until(lambda: not green.power.is_sampling)
    await asyncio.sleep(0.5)
    write(ledger, record("unseen"))
    assert (await message(stream, "record"))["record"]["id"] == "unseen"
    stream.write_message('{"type":"visible","visible":true}')
    await until(lambda: green.power.is_sampling)
    await message(stream, "power")
    stream.close()


@on_loop
async def test_several_clients_see_the_same_numbers(
    connect: Fetch, ask: Fetch, green: GreenServer
):
    """Several clients see the same numbers."""
    one, other = await connect(), await connect()
    first = await message(one, "power")
    second = await message(other, "power")
    assert first == second
    _, polled = await ask("power", params={"since": str(first["t"] - 0.001)})
    del first["type"]
    assert polled["samples"][0] == first
    one.close()
    await asyncio.sleep(GRACE_S + 1.0)
    assert green.power.is_sampling  # the other one still watches
    await message(other, "power")
    other.close()


@on_loop
async def test_a_client_that_polls_gets_only_what_is_new(
    ask: Fetch, green: GreenServer
):
    """A client that polls gets only what is new."""
    _, first = await ask("power")
    assert first["samples"] == []
    assert first["sampling"] is True
    await until(lambda: len(green.power.since(0.0)) >= 2)
    _, second = await ask("power", params={"since": "0"})
    newest = second["samples"][-1]["t"]
    assert newest <= second["now"]
    _, third = await ask("power", params={"since": repr(newest)})
    assert all(sample["t"] > newest for sample in third["samples"])


@pytest.mark.parametrize(
    "text",
    ["no json", '{"type":"other"}', '{"type":"visible","visible":"yes"}', "x" * 5000],
    ids=["no-json", "unknown", "wrong-type", "long"],
)
@on_loop
async def test_a_client_that_says_nonsense_is_closed(
    connect: Fetch, green: GreenServer, text: str
):
    """A client that says nonsense is closed."""
    stream = await connect()
    await message(stream, "hello")
    stream.write_message(text)
    await until(lambda: len(green.hub) == 0)
    await until(lambda: not green.leases.is_held)


# The ledger.


@on_loop
async def test_totals_are_those_of_the_ledger_in_every_scope(
    ask: Fetch, ledger: Path, jp_root_dir: Path
):
    """Totals are those of the ledger in every scope."""
    mine, other = str(jp_root_dir / "a" / "x.ipynb"), str(jp_root_dir / "y.ipynb")
    write(
        ledger,
        record("r1", notebook=mine, started_at=at(5), session="s1"),
        record("r2", notebook=mine, started_at=at(500_000), status="error"),
        record("r3", notebook=other, started_at=at(9), devices=(device(700.0),)),
        record("r4", notebook="/elsewhere/z.ipynb", started_at=at(600_000)),
        record("r5", notebook=mine, started_at=at(400_000), devices=(device(None),)),
    )
    wanted = ledger_totals([ledger])
    for scope, runs, energy_j in (
        ("all", 5, wanted.totals.total.energy_j),
        ("notebook", 3, 200.0),
        ("project", 3, 200.0),
    ):
        params = {"scope": scope, "path": "a/x.ipynb"}
        status, told = await ask("totals", params=params)
        assert (status, told["state"]) == (200, "ready")
        assert told["runs"] == runs
        assert told["energy_j"] == pytest.approx(energy_j)
    assert told["failed_runs"] == 1
    assert told["unmeasured_runs"] == 1
    assert told["methods"] == {"counter": pytest.approx(200.0)}
    # 360 g/kWh and no overhead.
    assert told["co2e_g"] == pytest.approx(200.0 / 3.6e6 * 360.0)


@on_loop
async def test_today_begins_at_the_browsers_midnight(ask: Fetch, ledger: Path):
    """Today begins at the browsers midnight."""
    now = datetime.now(UTC)
    # So far ahead of UTC that there it is one o'clock now.
    offset_min = (60 - (now.hour * 60 + now.minute)) % (24 * 60)
    offset_min -= 24 * 60 if offset_min > 14 * 60 else 0
    write(
        ledger,
        record("new", started_at=at(1800), devices=(device(30.0),)),
        record("old", started_at=at(2 * 3600), devices=(device(500.0),)),
    )
    params = {"scope": "today", "utc_offset_min": str(offset_min)}
    _, told = await ask("totals", params=params)
    assert (told["runs"], told["energy_j"]) == (1, pytest.approx(30.0))


@on_loop
async def test_a_finished_cell_is_told_within_half_a_second(
    connect: Fetch, ask: Fetch, ledger: Path, jp_root_dir: Path
):
    """A finished cell is told within half a second."""
    stream = await connect()
    await ask("totals")
    await message(stream, "totals")
    begun_s = time.monotonic()
    path = str(jp_root_dir / "a" / "x.ipynb")
    write(ledger, record("r1", notebook=path, curve=None))
    told = await message(stream, "record")
    assert time.monotonic() - begun_s < 0.5
    assert told["record"]["id"] == "r1"
    assert told["path"] == "a/x.ipynb"
    await message(stream, "totals")
    stream.close()


@on_loop
async def test_running_cells_are_told_each_second_with_whose_host_they_run_on(
    connect: Fetch, ledger: Path
):
    """Running cells are told each second with whose host they run on."""
    session = new_session(host=host_id())
    there = SessionLine(id="there", at=at(5), pid=1, boot_id="other", host="other")
    begun = running("here", started_at=at(2), label="train", cell_id="c7")
    write_lines(ledger / "a.jsonl", session, StartLine(begun))
    write_lines(ledger / "b.jsonl", there, StartLine(running("far", started_at=at(1))))
    stream = await connect()
    first = (await message(stream, "running"))["windows"]
    told_s = time.monotonic()
    second = (await message(stream, "running"))["windows"]
    assert time.monotonic() - told_s < 1.5
    by_id = {w["id"]: w for w in second}
    assert set(by_id) == {"here", "far"}
    assert by_id["here"]["label"] == "train"
    assert by_id["here"]["cell_id"] == "c7"
    assert by_id["far"]["host_id"] == begun.host.id  # type: ignore[union-attr]
    assert by_id["here"]["energy_j"] is None  # its devices are not this host's
    lengths = [{w["id"]: w["duration_s"] for w in ws}["here"] for ws in (first, second)]
    assert lengths[1] > lengths[0] > 1.9
    write_lines(ledger / "a.jsonl", session, StartLine(begun), EndLine(record("here")))
    while len((await message(stream, "running"))["windows"]) > 1:
        pass
    stream.close()


@on_loop
async def test_whoever_comes_later_is_told_that_nothing_runs_any_more(connect: Fetch):
    """It may show a cell that has ended while its line was cut."""
    one = await connect()
    assert (await message(one, "running"))["windows"] == []
    await asyncio.sleep(1.5)
    other = await connect()
    assert (await message(other, "running"))["windows"] == []


@on_loop
async def test_records_come_newest_first_in_pages(
    ask: Fetch, ledger: Path, jp_root_dir: Path
):
    """Records come newest first in pages."""
    path = str(jp_root_dir / "x.ipynb")
    made = [
        record(f"r{n}", notebook=path, started_at=at(1000 - n), session=f"s{n % 3}")
        for n in range(25)
    ]
    write(ledger, *made, record("else", notebook="y.ipynb"))
    await answered(ask, "totals")
    seen: list[str] = []
    before = ""
    for _ in range(10):
        params = {"path": "x.ipynb", "limit": "10", "before": before}
        _, told = await ask("records", params=params)
        seen += [r["id"] for r in told["records"]]
        before = told["records"][-1]["started_at"]
        if not told["more"]:
            break
    assert seen == [f"r{n}" for n in reversed(range(25))]
    assert told["state"] == "ready"


@on_loop
async def test_a_notebook_without_records_has_none(ask: Fetch):
    """A notebook without records has none."""
    assert await ask("records", params={"path": "x.ipynb"}) == (
        200, {"records": [], "more": False, "state": "ready"}
    )  # fmt: skip
    _, told = await ask("totals", params={"scope": "notebook", "path": "x.ipynb"})
    assert (told["runs"], told["energy_j"]) == (0, None)


@on_loop
async def test_a_request_cannot_name_a_ledger(ask: Fetch, ledger: Path, tmp_path: Path):
    """A request cannot name a ledger."""
    write(ledger, record("mine"))
    write(tmp_path / "hers", record("r1"), record("r2"), name="b")
    for path in ("totals", "records", "host"):
        params = {"path": "x.ipynb", "ledger": str(tmp_path / "hers")}
        _, told = await ask(path, params=params)
        assert "hers" not in json.dumps(told)
    _, told = await ask("totals", params={"ledger": str(tmp_path / "hers")})
    assert told["runs"] == 1
    body = {"record": "r1", "purpose": "final", "ledger": str(tmp_path / "hers")}
    status, told = await ask("tag", body)
    assert status == 400
    assert "ledger" in told["reason"]


@pytest.mark.parametrize(
    "path", ["../x.ipynb", "a/../../etc/x.ipynb", "..%2fx", "a\0b"]
)
@on_loop
async def test_a_path_out_of_the_servers_folder_is_refused(ask: Fetch, path: str):
    """A path out of the servers folder is refused."""
    given = path.replace("%2f", "/")
    for endpoint in ("host", "totals", "records"):
        status, told = await ask(endpoint, params={"path": given, "scope": "project"})
        assert status == 403
        assert told["remedy"]
    status, _ = await ask("location", {"path": given, "country": "FRA"})
    assert status == 403


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("records", {}),
        ("records", {"path": "x", "limit": "0"}),
        ("records", {"path": "x", "limit": "many"}),
        ("totals", {"scope": "galaxy"}),
        ("power", {"since": "yesterday"}),
        ("idle", {"minutes": "-1"}),
        ("totals", {"path": "x" * 5000}),
    ],
)
@on_loop
async def test_a_request_of_another_form_is_told_what_is_wrong(
    ask: Fetch, path: str, params: dict[str, str]
):
    """A request of another form is told what is wrong."""
    status, told = await ask(path, params=params)
    assert status == 400
    assert told["message"]
    assert told["reason"]
    assert told["remedy"]


@on_loop
async def test_a_body_that_is_no_json_is_told_so(jp_fetch: Fetch):
    """A body that is no json is told so."""
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch(API, "tag", method="POST", body="{" * 3000)
    assert caught.value.code == 400


@on_loop
async def test_a_tag_is_written_to_the_ledger_and_told_to_all(
    ask: Fetch, connect: Fetch, ledger: Path
):
    """A tag is written to the ledger and told to all."""
    write(ledger, record("r1"))
    stream = await connect()
    await message(stream, "totals")
    # The open stream has begun to read the ledger: the answer may say so at first.
    before = {"state": "reading"}
    for _ in range(100):
        _, before = await ask("totals")
        if before["state"] == "ready":
            break
        await asyncio.sleep(0.05)
    status, told = await ask(
        "tag", {"record": "r1", "purpose": "final", "label": "<b>"}
    )
    assert status == 200
    assert (told["record"]["purpose"], told["record"]["label"]) == ("final", "<b>")
    pushed = await message(stream, "record")
    assert pushed["record"]["purpose"] == "final"
    assert ledger_totals([ledger], by="purpose").totals.rows[0].key == "final"
    _, after = await ask("totals")
    assert after["energy_j"] == before["energy_j"]
    stream.close()


@on_loop
async def test_what_cannot_be_tagged_is_said(ask: Fetch, ledger: Path):
    """What cannot be tagged is said."""
    write(ledger, record("r1"))
    assert (await ask("tag", {"record": "r1"}))[0] == 409
    assert (await ask("tag", {"record": "none", "label": "x"}))[0] == 410
    status, told = await ask("tag", {"record": "r1", "purpose": "fun"})
    assert status == 400
    assert "fun" in told["reason"]


@on_loop
async def test_a_ledger_that_is_forgotten_while_it_is_searched_is_searched_anew(
    ask: Fetch, green: GreenServer, ledger: Path, monkeypatch: pytest.MonkeyPatch
):
    """Whoever tags a record just then is not told that the server failed."""
    write(ledger, record("r1"))
    assert (await ask("host"))[0] == 200
    (view,) = green._views.values()
    read = view.refresh

    def refresh() -> Any:
        green._views.pop(view.folder, view).close()
        return read()

    monkeypatch.setattr(view, "refresh", refresh)
    status, told = await ask("tag", {"record": "r1", "purpose": "final"})
    assert (status, told["record"]["purpose"]) == (200, "final")
    assert view not in green._views.values()


@on_loop
async def test_a_renamed_notebook_keeps_its_records(
    ask: Fetch,
    jp_fetch: Fetch,
    jp_create_notebook: Fetch,
    ledger: Path,
    jp_root_dir: Path,
):
    """A renamed notebook keeps its records."""
    jp_create_notebook("Untitled.ipynb")
    old = str(jp_root_dir / "Untitled.ipynb")
    write(ledger, record("r1", notebook=old, started_at=at(60), session="k1"))
    await jp_fetch(
        "api", "contents", "Untitled.ipynb",
        method="PATCH", body=json.dumps({"path": "paper.ipynb"}),
    )  # fmt: skip
    await asyncio.sleep(0.3)

    async def ids(path: str) -> list[str]:
        _, told = await ask("records", params={"path": path})
        return [r["id"] for r in told["records"]]

    assert await ids("paper.ipynb") == ["r1"]
    # Another notebook takes the old name: what the first kernel still writes under it
    # is the renamed notebook's, what a new kernel writes is the new notebook's.
    jp_create_notebook("Untitled.ipynb")
    write(
        ledger,
        record("r1", notebook=old, started_at=at(60), session="k1"),
        record("r2", notebook=old, started_at=at(-1), session="k1"),
        record("r3", notebook=old, started_at=at(-2), session="k2"),
    )
    await asyncio.sleep(0.6)
    assert await ids("paper.ipynb") == ["r2", "r1"]
    assert await ids("Untitled.ipynb") == ["r3"]


@on_loop
async def test_a_report_too_many_is_refused_for_now_and_not_for_good(
    jp_fetch: Fetch, green: GreenServer
):
    """With when to come back: 410 would say that it never will be there."""
    go = threading.Event()

    def work(_: Progress) -> Made:
        go.wait(20)
        return Made(files=())

    jobs = [green.jobs.begin(work) for _ in range(MAX_WAITING)]
    body = json.dumps({"scope": "all", "formats": ["json"]})
    refused = await jp_fetch(API, "report", method="POST", body=body, raise_error=False)
    assert refused.code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert "too many reports" in json.loads(refused.body)["message"]
    go.set()
    await until(lambda: all(green.jobs.get(j.job).state == "done" for j in jobs))
    taken = await jp_fetch(API, "report", method="POST", body=body)
    assert json.loads(taken.body)["job"]


@on_loop
async def test_names_of_notebooks_are_looked_up_off_the_event_loop(
    connect: Fetch,
    green: GreenServer,
    ledger: Path,
    jp_root_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """A disk that hangs then delays what is told, and nobody's other requests."""
    threads: list[int] = []
    known = green.renames.current

    def current(path: str, began_s: float) -> str:
        threads.append(threading.get_ident())
        return known(path, began_s)

    monkeypatch.setattr(green.renames, "current", current)
    stream = await connect()
    await message(stream, "totals")
    mine = str(jp_root_dir / "x.ipynb")
    going = running("r2", notebook=mine, started_at=at(1))
    write_lines(
        ledger / "a.jsonl",
        SessionLine(id="s", at=at(2), pid=1, host="elsewhere"),
        EndLine(record("r1", notebook=mine)),
        StartLine(going),
    )
    assert (await message(stream, "record"))["path"] == "x.ipynb"
    told = await message(stream, "running")
    assert [w["path"] for w in told["windows"]] == ["x.ipynb"]
    assert len(threads) >= 2
    assert threading.get_ident() not in threads


# Settings of a folder.


@on_loop
async def test_the_location_is_written_beside_the_notebook_with_comments_kept(
    ask: Fetch, jp_root_dir: Path
):
    """The location is written beside the notebook with comments kept."""
    (jp_root_dir / "p").mkdir()
    status, told = await ask("location", {"path": "p/x.ipynb", "country": "France"})
    assert status == 200
    assert told["intensity"]["zone"] == "FRA"
    assert told["intensity"]["assumed"] is False
    file = jp_root_dir / "p" / "jupyter_green.toml"
    assert told["origin"] == told["project_file"] == str(file)
    file.write_text('# ours\ncountry = "FRA"  # till May\n\n[report]\ntitle = "T"\n')
    body = {"path": "p/sub/x.ipynb", "cloud": "gcp:europe-west1", "pue": 1.1}
    status, told = await ask("location", body)
    assert status == 200
    text = file.read_text()
    assert "# ours" in text
    assert "country" not in text  # of the old place nothing is kept
    assert told["cloud"] == "gcp:europe-west1"
    assert told["pue"] == 1.1
    _, host = await ask("host", params={"path": "p/sub/x.ipynb"})
    assert host["location"] == told
    assert host["project_file"] == str(file)
    _, elsewhere = await ask("host")
    assert elsewhere["location"]["intensity"]["assumed"] is True


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"country": "Atlantis"},
        {"pue": 0.5},
        {"intensity_g_per_kwh": -1},
        {"country": "FRA", "nonsense": 1},
    ],
)
@on_loop
async def test_a_location_that_is_none_changes_no_file(
    ask: Fetch, jp_root_dir: Path, body: dict[str, Any]
):
    """A location that is none changes no file."""
    status, told = await ask("location", {"path": "x.ipynb", **body})
    assert status == 400
    assert told["message"]
    assert not (jp_root_dir / "jupyter_green.toml").exists()


@on_loop
async def test_no_project_file_outside_of_the_servers_folder_is_changed(
    ask: Fetch, jp_root_dir: Path, tmp_path: Path
):
    """No project file outside of the servers folder is changed."""
    above = tmp_path / "jupyter_green.toml"
    above.write_text('country = "DEU"\n')
    status, told = await ask("location", {"path": "x.ipynb", "country": "FRA"})
    assert status == 403
    assert str(above) in told["message"]
    above.write_text("")
    outside = tmp_path / "outside"
    outside.mkdir()
    (jp_root_dir / "link").symlink_to(outside)
    status, _ = await ask("location", {"path": "link/x.ipynb", "country": "FRA"})
    assert status == 403
    target = outside / "real.toml"
    target.write_text('country = "DEU"\n')
    (jp_root_dir / "q").mkdir()
    (jp_root_dir / "q" / "jupyter_green.toml").symlink_to(target)
    status, _ = await ask("location", {"path": "q/x.ipynb", "country": "FRA"})
    assert status == 403
    assert target.read_text() == 'country = "DEU"\n'


@on_loop
async def test_a_project_with_a_ledger_of_its_own_is_read_there(
    ask: Fetch, ledger: Path, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    """A project with a ledger of its own is read there."""
    monkeypatch.delenv("JUPYTER_GREEN_LEDGER")
    project = jp_root_dir / "p"
    project.mkdir()
    (project / "jupyter_green.toml").write_text('ledger = "runs"\n')
    write(project / "runs", record("r1"), record("r2", started_at=at(50)))
    _, told = await ask("totals", params={"path": "p/x.ipynb"})
    assert told["runs"] == 2
    _, told = await ask("totals")
    assert told["runs"] == 0
    del ledger


@on_loop
async def test_a_broken_settings_file_is_told_and_does_not_stop_the_rest(
    ask: Fetch, jp_root_dir: Path
):
    """A broken settings file is told and does not stop the rest."""
    (jp_root_dir / "p").mkdir()
    (jp_root_dir / "p" / "jupyter_green.toml").write_text("country = ")
    status, told = await ask("host", params={"path": "p/x.ipynb"})
    assert status == 400
    assert "jupyter_green.toml" in told["message"]
    assert told["remedy"] == "Mend the file or remove it"
    assert (await ask("host"))[0] == 200


@on_loop
async def test_a_ledger_that_cannot_be_read_is_told(ask: Fetch, ledger: Path):
    """A ledger that cannot be read is told."""
    write_lines(ledger, b"this is a file and no folder")
    _, told = await ask("host")
    assert told["ledger"]["readable"] is False
    assert "ledger" in told["ledger"]["problem"]


@on_loop
async def test_the_places_that_the_data_knows_are_told(ask: Fetch):
    """The places that the data knows are told."""
    _, told = await ask("locations")
    countries = {c["code"]: c for c in told["countries"]}
    assert countries["FRA"]["name"] == "France"
    assert "california" in countries["USA"]["regions"]
    assert {c["provider"] for c in told["clouds"]} == {"aws", "azure", "gcp"}


@on_loop
async def test_the_doctor_says_what_the_command_says(ask: Fetch):
    """The doctor says what the command says."""
    _, told = await ask("doctor", {})
    assert "simulated GPU" in told["text"]
    assert [f["severity"] for f in told["findings"]] == ["ok"] * 3
    _, again = await ask("doctor")
    assert again == told
