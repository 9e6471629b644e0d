"""What goes on while somebody watches: devices are sampled and ledgers followed.

Whoever has an open stream or polls is counted by `lease`; once nobody does, all rests.
Imports `errors`, `budgets`, `folders`, `hub`, `lease`, `power`, `running`, `telling`,
`views` and `wire`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from jupyter_green.errors import JupyterGreenError
from jupyter_green.server.budgets import StatedBudgets
from jupyter_green.server.folders import Folders
from jupyter_green.server.hub import Client, Hub, message
from jupyter_green.server.lease import Leases
from jupyter_green.server.power import INTERVAL_S, LivePower
from jupyter_green.server.running import RunningRuns
from jupyter_green.server.telling import Telling
from jupyter_green.server.views import LedgerViews
from jupyter_green.server.wire import PowerQuery

# A finished cell is told within this time and the time to read its line.
FOLLOW_S = 0.2


class LedgerWatch:
    """Follows ledgers for the open streams, once for each look.

    Args:
        hub: The open streams.
        folders: What holds in the server's folders.
        views: The ledgers.
        stated: The budgets of project files.
        running: The runs that go on.
    """

    def __init__(
        self,
        hub: Hub,
        folders: Folders,
        views: LedgerViews,
        stated: StatedBudgets,
        running: RunningRuns,
    ) -> None:
        self._hub = hub
        self._folders = folders
        self._views = views
        self._stated = stated
        self._running = running

    def is_somebody_new(self) -> None:
        """Tell whoever came what runs, or that nothing does."""
        self._running.is_somebody_new()

    async def look(self) -> None:
        """Read what is new; tell what is not told by itself."""
        # A broken settings file: whoever asks for figures is told.
        with contextlib.suppress(JupyterGreenError):
            self._views.of(await self._folders.ledger_at(""))
        self._views.refresh()
        if await self._stated.have_changed():
            self._hub.say("totals")
        await self._running.look(self._views.values())


class Watch:
    """Who watches, and what is read for them.  Called on the event loop.

    Args:
        leases: Who watches.
        hub: The open streams.
        power: Samples the devices.
        telling: Passes on what the sampler says.
        ledgers: Follows the ledgers.
        hello: What a new stream is told of this host.
        follow_s: Seconds between looks at the ledgers.
    """

    def __init__(
        self,
        leases: Leases,
        hub: Hub,
        power: LivePower,
        telling: Telling,
        ledgers: LedgerWatch,
        *,
        hello: dict[str, Any],
        follow_s: float = FOLLOW_S,
    ) -> None:
        self._leases = leases
        self._hub = hub
        self._power = power
        self._telling = telling
        self._ledgers = ledgers
        self._hello = hello
        self._follow_s = follow_s
        self._watching: asyncio.Task[None] | None = None
        self._is_closed = False

    async def poll(self, query: PowerQuery) -> dict[str, Any]:
        """Return the history of the power, and renew the client's lease."""
        self._leases.renew(("poll", query.client))
        self.begin()
        return {
            "now": time.time(),
            "interval_s": INTERVAL_S,
            "samples": self._power.since(query.since),
            "sampling": True,
        }

    def opened(self, client: Client) -> None:
        """Take a stream that somebody sees."""
        self._hub.add(client)
        self._leases.hold(client)
        client.send(message("hello", interval_s=INTERVAL_S, **self._hello))
        self._ledgers.is_somebody_new()
        self.begin()

    def shown(self, client: Client, *, is_visible: bool) -> None:
        """Note whether somebody sees a client: only then it holds a lease."""
        client.is_visible = is_visible
        if is_visible:
            self._leases.hold(client)
        else:
            self._leases.drop(client)
        self.begin()

    def closed(self, client: Client) -> None:
        """Forget a stream."""
        self._hub.remove(client)
        self._leases.drop(client)

    def begin(self) -> None:
        """Sample and follow from now on, until nobody watches."""
        self._telling.use_running_loop()
        if self._is_closed:
            return
        if self._leases.is_held:
            self._power.resume()
        if not self.is_on:
            self._watching = asyncio.create_task(self._watch())

    @property
    def is_on(self) -> bool:
        """Whether anything is read for clients now."""
        return self._watching is not None and not self._watching.done()

    def close(self) -> None:
        """Read nothing more."""
        self._is_closed = True
        if self._watching:
            self._watching.cancel()

    async def _watch(self) -> None:
        while not self._is_closed:
            if not self._leases.is_held:
                self._power.pause()
                if not len(self._hub):
                    return
            if len(self._hub):
                await self._ledgers.look()
            await asyncio.sleep(self._follow_s)
