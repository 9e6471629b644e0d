"""Everything behind the endpoints, wired.

A `GreenServer` lives on the event loop.  What may take time is done on threads: reading
devices (`power`), ledgers (`ledgers`), files and settings (a small pool).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from jupyter_green._version import __version__
from jupyter_green.config import settings_in_force
from jupyter_green.devices import discover
from jupyter_green.devices.device import Found
from jupyter_green.errors import BudgetError, JupyterGreenError, LedgerError
from jupyter_green.ledger import LedgerWriter, new_session
from jupyter_green.ledger.lines import parse_time
from jupyter_green.ledger.processes import boot_id
from jupyter_green.records import Record
from jupyter_green.report.budgets import Budget
from jupyter_green.report.overview import doctor_text
from jupyter_green.server import findings, places, reports, scopes
from jupyter_green.server.budgets import (
    MOST_BUDGETS,
    Place,
    StatedBudgets,
    bearing,
    budget_answer,
    of_others,
    scope_of,
)
from jupyter_green.server.history import Drawn, PowerPoint
from jupyter_green.server.hub import Client, Hub, message
from jupyter_green.server.idle import (
    IdleAnswer,
    KernelAt,
    idle_kernels,
    process_exists,
    process_tree,
)
from jupyter_green.server.jobs import Job, Jobs
from jupyter_green.server.lease import Leases
from jupyter_green.server.ledgers import LedgerView, News
from jupyter_green.server.paths import PathError, Rename, Renames, ServerRoot
from jupyter_green.server.places import FindSettings, FolderSettings
from jupyter_green.server.power import INTERVAL_S, LivePower
from jupyter_green.server.scopes import Scope
from jupyter_green.server.windows import window
from jupyter_green.server.wire import (
    BudgetsAnswer,
    HostAnswer,
    HostId,
    IdleQuery,
    LedgerAnswer,
    Location,
    LocationBody,
    PathQuery,
    PowerQuery,
    RecordsQuery,
    ReportBody,
    State,
    TagBody,
    TotalsAnswer,
    TotalsQuery,
)
from jupyter_green.session import provenance
from jupyter_green.settings import Resolved

T = TypeVar("T")
About = tuple[LedgerAnswer, Location, tuple[str, ...]]

# A finished cell is told within this time and the time to read its line.
FOLLOW_S = 0.2
# While a run goes on, its figures are told at least this often.
RUNNING_S = 1.0
# A ledger that nobody has asked for is forgotten.
FORGET_S = 600.0
MOST_LEDGERS = 8
TRIES = 3
# The devices of a host are usually found in a second; answers wait no longer.
FIND_S = 5.0
FLUSH_S = 5.0


def find_settings(folder: Path) -> Resolved:
    """Return the settings in force for a folder, as every door resolves them."""
    return settings_in_force(folder=folder)


class GoneError(JupyterGreenError):
    """What a request is about is not there, or no more."""


class GreenServer:
    """What the endpoints ask.  All methods are called on the event loop.

    Args:
        root: The folder that the server shows.
        renames: File in which renames are kept.
        find_devices: Finds the devices of this host for the root's settings.
        find_settings: Resolves the settings of a folder.
        kernels: Lists the kernels of the server; None: it has none.
        maker: Writes appendices.
        clock: Monotonic seconds, for leases.
        follow_s: Seconds between looks at the ledger while somebody watches.
    """

    def __init__(
        self,
        root: Path,
        *,
        renames: Path,
        find_devices: Callable[[Resolved], Found] | None = None,
        find_settings: FindSettings = find_settings,
        kernels: Callable[[], Awaitable[Sequence[KernelAt]]] | None = None,
        maker: reports.Maker | None = None,
        clock: Callable[[], float] = time.monotonic,
        follow_s: float = FOLLOW_S,
    ) -> None:
        self.root = ServerRoot(root)
        self.leases = Leases(clock)
        self.hub = Hub()
        self.renames = Renames(renames)
        self.settings = FolderSettings(find_settings)
        self.host_id = provenance.host_id()
        self.boot_id = boot_id()
        self._find_devices = find_devices or _discover
        self.power = LivePower(self._find, tell=self._told_power, warn=self._warned)
        self._kernels = kernels
        self.jobs = Jobs(self._name_file, self._told_job)
        self._maker = maker or reports.Maker()
        self._clock = clock
        self._follow_s = follow_s
        self._views: dict[Path, LedgerView] = {}
        self._writers: dict[Path, LedgerWriter] = {}
        self._making_writer = threading.Lock()
        self._io = ThreadPoolExecutor(4, thread_name_prefix="jupyter-green-io")
        self._watching: asyncio.Task[None] | None = None
        self._stated = StatedBudgets(self._settings, clock)
        self._telling: set[asyncio.Task[None]] = set()
        self._in_order = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running_told_s = float("-inf")
        self._was_running = False
        self._locations: bytes = b""
        self._told_about: tuple[Resolved, About] | None = None
        self._is_closed = False

    # What clients ask.

    async def host(self, query: PathQuery) -> HostAnswer:
        """Return host, devices, findings, ledger and location."""
        folder = places.folder_of(self.root, query.path)
        resolved = await self._settings(folder)
        found = await self._found()
        snapshot = await self._view(places.ledger_of(resolved)).fresh()
        ledger, location, formats = await self._about(resolved)
        if snapshot.is_ready:
            ledger = msgspec.structs.replace(ledger, runs=snapshot.runs, state="ready")
        is_named = resolved.values.store_host_name
        return HostAnswer(
            version=__version__,
            state="reading" if found is None else "ready",
            host=HostId(
                id=self.host_id,
                boot_id=self.boot_id,
                name=socket.gethostname() if is_named else None,
            ),
            devices=findings.device_answers(found) if found else (),
            findings=findings.findings(found) if found else (),
            ledger=ledger,
            location=location,
            report_formats=formats,
            project_file=location.project_file,
        )

    async def live(self, query: PowerQuery) -> dict[str, Any]:
        """Return the history of the power, and renew the client's lease."""
        self.leases.renew(("poll", query.client))
        self.watch()
        return {
            "now": time.time(),
            "interval_s": INTERVAL_S,
            "samples": self.power.since(query.since),
            "sampling": True,
        }

    async def totals(self, query: TotalsQuery) -> TotalsAnswer:
        """Return the totals of a scope."""
        view, scope = await self._scope(query.scope, query.path, query.utc_offset_min)
        answer = await view.totals(scope)
        snapshot = view.snapshot
        state: State = "ready" if answer.is_current else "reading"
        if answer.value is None:
            return TotalsAnswer(
                state=state,
                scope=query.scope,
                problems=snapshot.problems,
                problem_count=snapshot.problem_count,
            )
        found, ends = answer.value.totals, answer.value.co2e_range
        total = found.total
        return TotalsAnswer(
            state=state,
            scope=query.scope,
            energy_j=total.energy_j,
            uncertainty_j=total.uncertainty_j,
            co2e_g=total.co2e_g,
            co2e_low_g=ends.low_g if ends else None,
            co2e_high_g=ends.high_g if ends else None,
            duration_s=total.duration_s,
            runs=total.runs,
            failed_runs=total.failed_runs,
            running_runs=total.running_runs,
            provisional_runs=total.provisional_runs,
            unmeasured_runs=total.unmeasured_runs,
            partly_measured_runs=total.partly_measured_runs,
            runs_without_co2e=total.without_intensity_runs,
            methods=total.energy_by_method_j,
            shared_runs=found.shared_runs,
            nested_runs=found.nested_runs,
            problems=snapshot.problems,
            problem_count=snapshot.problem_count,
        )

    async def budgets(self, query: PathQuery) -> BudgetsAnswer:
        """Return the budgets that bear on a notebook, and how far they are used."""
        folder = places.folder_of(self.root, query.path)
        resolved = await self._settings(folder)
        self._stated.note(folder, resolved)
        place = Place(
            root=self.root,
            path=query.path,
            project=places.project_folder(resolved, folder),
            ledger=places.ledger_of(resolved),
        )
        view = self._view(place.ledger)
        try:
            found = await self._call(bearing, place, resolved, self.renames)
        except BudgetError as err:
            return BudgetsAnswer(state="ready", problems=(str(err),))
        labels = frozenset(b.name for b in found if b.scope == "label")
        if labels:
            used_in = await view.notebooks_of(labels)
            if used_in.value is None:
                return BudgetsAnswer(state="reading")
            others = of_others(found, place, used_in.value)
            found = [b for b in found if b.scope != "label" or b.name not in others]
        return await self._progress(view, place, found)

    async def _progress(
        self, view: LedgerView, place: Place, found: Sequence[Budget]
    ) -> BudgetsAnswer:
        now = datetime.now(UTC)
        scoped, problems = [], []
        for budget in found[:MOST_BUDGETS]:
            try:
                scoped.append((budget, scope_of(budget, place, now)))
            except LedgerError as err:
                problems.append(f"The budget for {budget.about}: {err}")
        await view.fresh()
        sums = await asyncio.gather(*(view.totals(scope) for _, scope in scoped))
        return BudgetsAnswer(
            state="ready" if all(s.is_current for s in sums) else "reading",
            budgets=tuple(
                budget_answer(budget, s.value.totals.total, self.root)
                for (budget, _), s in zip(scoped, sums, strict=True)
                if s.value is not None
            ),
            problems=tuple(problems),
            left_out=max(0, len(found) - MOST_BUDGETS),
        )

    async def records(self, query: RecordsQuery) -> dict[str, Any]:
        """Return a page of a notebook's records, newest first."""
        view, scope = await self._scope("notebook", query.path, 0)
        answer = await view.page(scope, query.limit, query.before)
        page = answer.value
        return {
            "records": page.records if page else (),
            "more": page.has_more if page else False,
            "state": "ready" if answer.is_current else "reading",
        }

    async def tag(self, body: TagBody) -> dict[str, Any]:
        """Give a record a purpose or a label; return it as it is now.

        Raises:
            GoneError: There is no such record.
            LedgerError: There is nothing to write, or it cannot be written.
        """
        if body.purpose is None and body.label is None:
            raise LedgerError(
                "there is nothing to tag", remedy="Give a purpose or a label"
            )
        views = [await self._view_of(body.path), *self._views.values()]
        for folder in dict.fromkeys(view.folder for view in views):
            if await self._record(folder, body.record) is not None:
                break
        else:
            raise GoneError(
                "there is no such record",
                why="the ledger has none of this id",
                remedy="Reload the page",
            )
        await self._call(self._write_tag, folder, body)
        record = await self._record(folder, body.record)
        if record is None:
            raise GoneError("the record is gone", remedy="Reload the page")
        return {"record": record.to_dict() | {"curve": None}}

    async def set_location(self, body: LocationBody) -> Any:
        """Write a location into the project file; return the location then in force."""
        await self._call(places.say_location, self.root, body)
        self.settings.forget()
        folder = places.folder_of(self.root, body.path)
        resolved = await self._settings(folder)
        self.hub.say("totals")
        return await self._call(places.location_of, resolved)

    async def locations(self) -> bytes:
        """Return the places that the data knows, as JSON."""
        if not self._locations:
            found = await self._call(places.all_locations)
            self._locations = msgspec.json.encode(found)
        return self._locations

    async def doctor(self, *, anew: bool) -> dict[str, Any]:
        """Return what can be measured here; *anew*: look for devices again."""
        if anew:
            self.settings.forget()
            found = await self._call(self.power.look_again)
        else:
            found = await self._found() or Found((), ())
        tried = await self._call(findings.tried, found)
        return {"text": doctor_text(tried), "findings": findings.findings(tried)}

    async def report(self, body: ReportBody) -> dict[str, str]:
        """Begin to write an appendix below the server's root; return the job's name.

        Raises:
            PathError: It would stand outside of the root.
            ReportError: A format is not known, or the notebook is not named.
            BusyError: Too many reports are waiting.
        """
        folder = places.folder_of(self.root, body.path)
        resolved = await self._settings(folder)
        order = await self._call(reports.order, self.root, self.renames, resolved, body)
        job = self.jobs.begin(lambda progress: self._maker.make(order, progress))
        return {"job": job.job}

    async def idle(self, query: IdleQuery) -> IdleAnswer:
        """Return the kernels that hold a GPU's memory and run nothing."""
        kernels = await self._kernels() if self._kernels else ()
        found = await self._found() or Found((), ())

        def look() -> IdleAnswer:
            return idle_kernels(
                kernels,
                found.devices,
                idle_s=60.0 * query.minutes,
                tree=process_tree,
                exists=process_exists,
                drawn=self._drawn_in,
                power_w=self._power_now_w,
            )

        return await self._call(look)

    # Streams.

    def opened(self, client: Client) -> None:
        """Take a stream that somebody sees."""
        self.hub.add(client)
        self.leases.hold(client)
        client.send(
            message(
                "hello",
                interval_s=INTERVAL_S,
                host_id=self.host_id,
                boot_id=self.boot_id,
            )
        )
        # It is told what runs, and also that nothing does any more.
        self._running_told_s = float("-inf")
        self._was_running = True
        self.watch()

    def shown(self, client: Client, *, is_visible: bool) -> None:
        """Note whether somebody sees a client: only then it holds a lease."""
        client.is_visible = is_visible
        if is_visible:
            self.leases.hold(client)
        else:
            self.leases.drop(client)
        self.watch()

    def closed(self, client: Client) -> None:
        """Forget a stream."""
        self.hub.remove(client)
        self.leases.drop(client)

    def renamed(self, old: str, new: str) -> None:
        """Note that the browser gave a file or folder another name."""
        try:
            paths = self.root.os_path(old), self.root.os_path(new)
        except PathError:
            return  # a contents manager of another kind
        rename = Rename(time.time(), str(paths[0]), str(paths[1]))
        self._io.submit(self.renames.add, rename)
        self.hub.say("totals")

    # While somebody watches.

    def watch(self) -> None:
        """Sample and follow from now on, until nobody watches."""
        self._loop = asyncio.get_running_loop()
        if self._is_closed:
            return
        if self.leases.is_held:
            self.power.resume()
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())

    @property
    def is_watching(self) -> bool:
        """Whether anything is read for clients now."""
        return self._watching is not None and not self._watching.done()

    async def _watch(self) -> None:
        while not self._is_closed:
            if not self.leases.is_held:
                self.power.pause()
                if not len(self.hub):
                    return
            if len(self.hub):
                await self._follow()
            await asyncio.sleep(self._follow_s)

    async def _follow(self) -> None:
        # A broken settings file: whoever asks for figures is told.
        with contextlib.suppress(JupyterGreenError):
            await self._view_of("")
        now = self._clock()
        for folder, view in list(self._views.items()):
            if now - view.asked_s > FORGET_S:
                self._views.pop(folder).close()
            else:
                view.refresh()
        if await self._stated.have_changed():
            self.hub.say("totals")
        is_due = now - self._running_told_s >= RUNNING_S
        running = [r for view in self._views.values() for r in view.snapshot.running]
        # That nothing runs is known once all has been read.
        is_read = all(view.snapshot.is_ready for view in self._views.values())
        if is_due and (running or (self._was_running and is_read)):
            await self._tell_running(running)

    async def _tell_running(self, running: list[Record]) -> None:
        self._running_told_s = self._clock()
        self._was_running = bool(running)
        paths = await self._browser_paths(running)
        now = datetime.now(UTC)
        found = self.power.found or Found((), ())
        devices = [device.about.id for device in found.devices]
        windows = [
            window(
                record,
                now,
                path,
                host_id=self.host_id,
                devices=devices,
                drawn_since=self._drawn_since,
            )
            for record, path in zip(running, paths, strict=True)
        ]
        self.hub.say("running", windows=windows)

    def _told_power(self, point: PowerPoint) -> None:
        """Pass a point on; called on the sampler's thread."""
        self._on_loop(
            lambda: self.hub.say(
                "power",
                only_visible=True,
                t=point.t,
                power_w=point.power_w,
                total_w=point.total_w,
            )
        )

    def _told_job(self, job: Job) -> None:
        if job.state in {"done", "failed"}:
            files = job.files if job.state == "done" else None
            self.hub.say(
                "report",
                job=job.job,
                files=files,
                warnings=job.warnings,
                problem=job.problem,
            )
        else:
            self.hub.say("progress", job=job.job, fraction=job.fraction, text=job.text)

    def _name_file(self, file: Path) -> str | None:
        return self.root.api_path(Path(os.path.realpath(file)))

    def _warned(self, text: str) -> None:
        """Pass a device's fault on; called on the sampler's thread."""
        self._on_loop(
            lambda: self.hub.say(
                "problem", message=text, reason="", remedy="Run the doctor"
            )
        )

    def _on_loop(self, call: Callable[[], None]) -> None:
        loop = self._loop
        if loop is None or loop.is_closed() or self._is_closed:
            return
        try:
            loop.call_soon_threadsafe(call)
        except RuntimeError:
            return  # it was closed just now

    def _told_news(self, news: News) -> None:
        if news.is_running_changed:
            self._running_told_s = float("-inf")
        if not len(self.hub) or self._is_closed:
            return
        telling = asyncio.get_running_loop().create_task(self._tell_news(news))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _tell_news(self, news: News) -> None:
        # One after the other: a later word on a record is not overtaken.
        async with self._in_order:
            await self._say_news(news)

    async def _say_news(self, news: News) -> None:
        paths = await self._browser_paths(news.records)
        for record, path in zip(news.records, paths, strict=True):
            bare = msgspec.structs.replace(record, curve=None)
            self.hub.say("record", record=bare, path=path)
        if news.is_changed or news.is_budgets_changed:
            self.hub.say("totals")
        for text in news.problems[:10]:
            self.hub.say(
                "problem",
                message="a part of the ledger cannot be read",
                reason=text,
                remedy="The rest counts; `jupyter green records` says more",
            )

    def _drawn_since(self, device: str, since_s: float) -> Drawn | None:
        return self._drawn_in(device, time.time() - since_s)

    def _drawn_in(self, device: str, last_s: float) -> Drawn | None:
        return self.power.drawn(device, time.monotonic_ns() - round(last_s * 1e9))

    def _power_now_w(self, device: str) -> float | None:
        last = self.power.last
        if last is None or time.time() - last.t > 3 * INTERVAL_S:
            return None
        return last.power_w.get(device)

    async def _browser_paths(self, records: Sequence[Record]) -> list[str | None]:
        """Return how the browser names each record's notebook now."""
        if not records:
            return []
        return await self._call(lambda: [self._browser_path(r) for r in records])

    def _browser_path(self, record: Record) -> str | None:
        """Return the path from the root; None: it is elsewhere.  Looks at the disk."""
        if not record.notebook:
            return None
        began = parse_time(record.started_at)
        whole = os.path.join(self.root.folder, record.notebook)  # noqa: PTH118
        now = self.renames.current(whole, began.timestamp() if began else 0.0)
        return self.root.api_path(Path(now))

    # What all of these need.

    def _find(self) -> Found:
        return self._find_devices(self.settings.of(self.root.folder))

    async def _scope(
        self, kind: str, path: str, utc_offset_min: int
    ) -> tuple[LedgerView, Scope]:
        folder = places.folder_of(self.root, path)
        resolved = await self._settings(folder)
        view = self._view(places.ledger_of(resolved))
        if kind == "all":
            return view, scopes.of_all()
        if kind == "today":
            return view, scopes.of_today(datetime.now(UTC), utc_offset_min)
        if kind == "project":
            project = places.project_folder(resolved, folder)
            return view, scopes.of_project(self.root, project)
        whole = str(self.root.os_path(path))
        return view, await self._call(
            lambda: scopes.of_notebook(self.root, self.renames.names(whole))
        )

    async def _settings(self, folder: Path) -> Resolved:
        known = self.settings.known(folder)
        if known is not None:
            return known
        return await self._call(self.settings.of, folder)

    async def _view_of(self, path: str) -> LedgerView:
        folder = places.folder_of(self.root, path)
        resolved = await self._settings(folder)
        return self._view(places.ledger_of(resolved))

    def _view(self, folder: Path) -> LedgerView:
        view = self._views.get(folder)
        if view is None:
            while len(self._views) >= MOST_LEDGERS:
                oldest = min(self._views.values(), key=lambda v: v.asked_s)
                self._views.pop(oldest.folder).close()
            view = LedgerView(folder, tell=self._told_news)
            self._views[folder] = view
        view.asked_s = self._clock()
        return view

    async def _record(self, folder: Path, identifier: str) -> Record | None:
        """Return a record; a ledger that is forgotten meanwhile is read anew."""
        for _ in range(TRIES):
            view = self._view(folder)
            record = await view.record(identifier)
            if record is not None or self._views.get(folder) is view:
                return record
        return None

    async def _about(self, resolved: Resolved) -> About:
        """Return what follows from settings, found anew whenever they are read."""
        if self._told_about is None or self._told_about[0] is not resolved:
            self._told_about = resolved, await self._call(_about, resolved)
        return self._told_about[1]

    async def _found(self) -> Found | None:
        if self.power.found is None:
            await self._call(self.power.wait_ready, FIND_S)
        return self.power.found

    def _write_tag(self, folder: Path, body: TagBody) -> None:
        with self._making_writer:
            writer = self._writers.get(folder)
            if writer is None:
                writer = LedgerWriter(folder, new_session(host=self.host_id))
                self._writers[folder] = writer
        writer.tag([body.record], purpose=body.purpose, label=body.label)
        if not writer.flush(FLUSH_S):
            raise LedgerError(
                "the tag was not written",
                why=writer.problem or "the disk does not answer",
                remedy="It is tried again with the next tag",
            )

    async def _call(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do what may take time on a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._io, work, *arguments)

    async def close(self) -> None:
        """Stop everything; nothing of it keeps the server from ending."""
        self._is_closed = True
        if self._watching:
            self._watching.cancel()
        for telling in self._telling:
            telling.cancel()
        self.jobs.close()
        for view in self._views.values():
            view.close()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._close)

    def _close(self) -> None:
        self._maker.close()
        self.power.close()
        for writer in self._writers.values():
            writer.close()
        self._io.shutdown(wait=False, cancel_futures=True)


def _discover(resolved: Resolved) -> Found:
    return discover(resolved.values)


def _about(resolved: Resolved) -> About:
    folder = places.ledger_of(resolved)
    problem = _unreadable(folder)
    ledger = LedgerAnswer(
        folder=str(folder),
        readable=problem is None,
        problem=problem,
        runs=None,
        state="reading",
    )
    return ledger, places.location_of(resolved), reports.formats()


def _unreadable(folder: Path) -> str | None:
    """Return why a ledger cannot be read; None: it can, or there is none yet."""
    try:
        with os.scandir(folder) as entries:
            next(iter(entries), None)
    except FileNotFoundError:
        return None
    except OSError as err:
        return f"{folder}: {err.strerror or err}"
    return None
