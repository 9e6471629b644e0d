"""News of the ledgers, told to the open streams in the order in which it came.

Imports `folders`, `hub`, `ledgers` and `running`.
"""

from __future__ import annotations

import asyncio

import msgspec

from jupyter_green.server.folders import Folders
from jupyter_green.server.hub import Hub
from jupyter_green.server.ledgers import News
from jupyter_green.server.running import RunningRuns

# More problems than this at once are not told each.
MOST_PROBLEMS = 10


class LedgerNews:
    """Passes on what ledgers have gained.

    Args:
        hub: The open streams.
        folders: Says how the browser names notebooks.
        running: Is told when the runs that go on are others.
    """

    def __init__(self, hub: Hub, folders: Folders, running: RunningRuns) -> None:
        self._hub = hub
        self._folders = folders
        self._running = running
        self._telling: set[asyncio.Task[None]] = set()
        self._in_order = asyncio.Lock()
        self._is_closed = False

    def tell(self, news: News) -> None:
        """Tell it soon; called on the event loop."""
        if news.is_running_changed:
            self._running.have_changed()
        if not len(self._hub) or self._is_closed:
            return
        telling = asyncio.get_running_loop().create_task(self._tell(news))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    def close(self) -> None:
        """Tell no more."""
        self._is_closed = True
        for telling in self._telling:
            telling.cancel()

    async def _tell(self, news: News) -> None:
        # One after the other: a later word on a record is not overtaken.
        async with self._in_order:
            await self._say(news)

    async def _say(self, news: News) -> None:
        paths = await self._folders.browser_paths(news.records)
        for record, path in zip(news.records, paths, strict=True):
            bare = msgspec.structs.replace(record, curve=None)
            self._hub.say("record", record=bare, path=path)
        if news.is_changed or news.is_budgets_changed:
            self._hub.say("totals")
        for text in news.problems[:MOST_PROBLEMS]:
            self._hub.say(
                "problem",
                message="a part of the ledger cannot be read",
                reason=text,
                remedy="The rest counts; `jupyter green records` says more",
            )
