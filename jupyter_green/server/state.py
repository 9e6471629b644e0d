"""Everything behind the endpoints, wired.

A `GreenServer` lives on the event loop.  What may take time is done on threads: reading
devices (`power`), ledgers (`ledgers`), files and settings (`threads`).  Imports the
parts, `config`, `devices`, `ledger` and `session`; they do not import this.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from jupyter_green.config import settings_in_force
from jupyter_green.devices import discover
from jupyter_green.devices.device import Found
from jupyter_green.ledger.processes import boot_id
from jupyter_green.server.appendices import Appendices
from jupyter_green.server.budget_use import BudgetUse
from jupyter_green.server.budgets import StatedBudgets
from jupyter_green.server.figures import LedgerFigures
from jupyter_green.server.folders import Folders
from jupyter_green.server.host import Host, ListKernels
from jupyter_green.server.hub import Hub
from jupyter_green.server.jobs import Jobs
from jupyter_green.server.lease import Leases
from jupyter_green.server.locations import Locations
from jupyter_green.server.news import LedgerNews
from jupyter_green.server.paths import Renames, ServerRoot
from jupyter_green.server.places import FindSettings, FolderSettings
from jupyter_green.server.power import LivePower
from jupyter_green.server.reports import Maker
from jupyter_green.server.running import RunningRuns
from jupyter_green.server.tags import Tags
from jupyter_green.server.telling import Telling
from jupyter_green.server.threads import Threads
from jupyter_green.server.views import LedgerViews
from jupyter_green.server.watch import FOLLOW_S, LedgerWatch, Watch
from jupyter_green.session import provenance
from jupyter_green.settings import Resolved


def find_settings(folder: Path) -> Resolved:
    """Return the settings in force for a folder, as every door resolves them."""
    return settings_in_force(folder=folder)


def find_devices(resolved: Resolved) -> Found:
    """Return the devices of this host that settings leave."""
    return discover(resolved.values)


class GreenServer:
    """What the endpoints ask, each its part.  Used on the event loop.

    Args:
        root: The folder that the server shows.
        renames: File in which renames are kept.
        find_devices: Finds the devices of this host for the root's settings.
        find_settings: Resolves the settings of a folder.
        kernels: Lists the kernels of the server; None: it has none.
        maker: Writes appendices.
        clock: Monotonic seconds, for leases.
        follow_s: Seconds between looks at the ledger while somebody watches.

    Attributes:
        host: This host, its devices and kernels.
        figures: Totals and records.
        budgets: Budgets and their use.
        tags: Purposes and labels.
        locations: Places, known and said.
        appendices: Orders of appendices.
        jobs: What became of them.
        watch: Streams and polls, and what is read for them.
        power: Live power.
        hub: The open streams.
        leases: Who watches.
        renames: What was renamed.
    """

    def __init__(
        self,
        root: Path,
        *,
        renames: Path,
        find_devices: Callable[[Resolved], Found] = find_devices,
        find_settings: FindSettings = find_settings,
        kernels: ListKernels | None = None,
        maker: Maker | None = None,
        clock: Callable[[], float] = time.monotonic,
        follow_s: float = FOLLOW_S,
    ) -> None:
        host_id, this_boot = provenance.host_id(), boot_id()
        self._threads = threads = Threads()
        self._maker = maker or Maker()
        self.leases = Leases(clock)
        self.hub = Hub()
        self.renames = Renames(renames)
        self._folders = folders = Folders(
            ServerRoot(root), self.renames, FolderSettings(find_settings), threads
        )
        self._telling = Telling(self.hub)
        self.power = LivePower(
            lambda: find_devices(folders.settings.of(folders.root.folder)),
            tell=self._telling.power,
            warn=self._telling.fault,
        )
        running = RunningRuns(self.hub, folders, self.power, host_id, clock)
        self._news = LedgerNews(self.hub, folders, running)
        self._views = views = LedgerViews(self._news.tell, clock)
        stated = StatedBudgets(folders.settings_of, clock)
        self.host = Host(
            host_id, this_boot, folders, views, self.power, threads, kernels
        )
        self.figures = LedgerFigures(folders, views, threads)
        self.budgets = BudgetUse(folders, views, stated, threads)
        self.tags = Tags(folders, views, threads, host_id)
        self.locations = Locations(folders, self.hub, threads)
        self.jobs = Jobs(folders.name_file, self._telling.job)
        self.appendices = Appendices(folders, self.jobs, self._maker, threads)
        self.watch = Watch(
            self.leases,
            self.hub,
            self.power,
            self._telling,
            LedgerWatch(self.hub, folders, views, stated, running),
            hello={"host_id": host_id, "boot_id": this_boot},
            follow_s=follow_s,
        )

    @property
    def is_watching(self) -> bool:
        """Whether anything is read for clients now."""
        return self.watch.is_on

    def renamed(self, old: str, new: str) -> None:
        """Note that the browser gave a file or folder another name."""
        if self._folders.renamed(old, new):
            self.hub.say("totals")

    async def close(self) -> None:
        """Stop everything; nothing of it keeps the server from ending."""
        self.watch.close()
        self._telling.close()
        self._news.close()
        self.jobs.close()
        self._views.close()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._close)

    def _close(self) -> None:
        self._maker.close()
        self.power.close()
        self.tags.close()
        self._threads.close()
