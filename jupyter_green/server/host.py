"""This host: what is measured here, what the doctor says, and which kernels idle.

Imports `devices`, `report.overview`, `findings`, `folders`, `idle`, `places`, `power`,
`reports`, `settings`, `threads`, `views` and `wire`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from jupyter_green._version import __version__
from jupyter_green.devices.device import Found
from jupyter_green.report.overview import doctor_text
from jupyter_green.server import findings, places, reports
from jupyter_green.server.folders import Folders
from jupyter_green.server.idle import (
    IdleAnswer,
    KernelAt,
    idle_kernels,
    process_exists,
    process_tree,
)
from jupyter_green.server.power import LivePower
from jupyter_green.server.threads import Threads
from jupyter_green.server.views import LedgerViews
from jupyter_green.server.wire import (
    HostAnswer,
    HostId,
    IdleQuery,
    LedgerAnswer,
    Location,
    PathQuery,
)
from jupyter_green.settings import Resolved

About = tuple[LedgerAnswer, Location, tuple[str, ...]]
ListKernels = Callable[[], Awaitable[Sequence[KernelAt]]]

# The devices of a host are usually found in a second; answers wait no longer.
FIND_S = 5.0


class Host:
    """What can be said of this host.

    Args:
        host_id: Its hash.
        boot_id: What tells its boots apart.
        folders: What holds in the server's folders.
        views: The ledgers.
        power: Its devices.
        threads: Where devices and files are looked at.
        kernels: Lists the kernels of the server; None: it has none.
    """

    def __init__(
        self,
        host_id: str,
        boot_id: str,
        folders: Folders,
        views: LedgerViews,
        power: LivePower,
        threads: Threads,
        kernels: ListKernels | None = None,
    ) -> None:
        self._host_id = host_id
        self._boot_id = boot_id
        self._folders = folders
        self._views = views
        self._power = power
        self._threads = threads
        self._kernels = kernels
        self._told_about: tuple[Resolved, About] | None = None

    async def overview(self, query: PathQuery) -> HostAnswer:
        """Return host, devices, findings, ledger and location."""
        folder = places.folder_of(self._folders.root, query.path)
        resolved = await self._folders.settings_of(folder)
        found = await self._found()
        snapshot = await self._views.of(places.ledger_of(resolved)).fresh()
        ledger, location, formats = await self._about(resolved)
        if snapshot.is_ready:
            ledger = msgspec.structs.replace(ledger, runs=snapshot.runs, state="ready")
        is_named = resolved.values.store_host_name
        return HostAnswer(
            version=__version__,
            state="reading" if found is None else "ready",
            host=HostId(
                id=self._host_id,
                boot_id=self._boot_id,
                name=socket.gethostname() if is_named else None,
            ),
            devices=findings.device_answers(found) if found else (),
            findings=findings.findings(found) if found else (),
            ledger=ledger,
            location=location,
            report_formats=formats,
            project_file=location.project_file,
        )

    async def doctor(self, *, anew: bool) -> dict[str, Any]:
        """Return what can be measured here; *anew*: look for devices again."""
        if anew:
            self._folders.settings.forget()
            found = await self._threads.call(self._power.look_again)
        else:
            found = await self._found() or Found((), ())
        tried = await self._threads.call(findings.tried, found)
        return {"text": doctor_text(tried), "findings": findings.findings(tried)}

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
                drawn=self._power.drawn_in,
                power_w=self._power.now_w,
            )

        return await self._threads.call(look)

    async def _about(self, resolved: Resolved) -> About:
        """Return what follows from settings, found anew whenever they are read."""
        if self._told_about is None or self._told_about[0] is not resolved:
            self._told_about = resolved, await self._threads.call(_about, resolved)
        return self._told_about[1]

    async def _found(self) -> Found | None:
        if self._power.found is None:
            await self._threads.call(self._power.wait_ready, FIND_S)
        return self._power.found


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
