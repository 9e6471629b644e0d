"""The ledgers that somebody asks for, kept open and forgotten again.

Imports `records` and `ledgers`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jupyter_green.records import Record
from jupyter_green.server.ledgers import LedgerView, News

# A ledger that nobody has asked for is forgotten.
FORGET_S = 600.0
MOST_LEDGERS = 8
TRIES = 3


class LedgerViews(dict[Path, LedgerView]):
    """Views by the folder of their ledger.  All methods are called on the event loop.

    Args:
        tell: Called with the news of any of them.
        clock: Monotonic seconds.
    """

    def __init__(
        self, tell: Callable[[News], None], clock: Callable[[], float]
    ) -> None:
        super().__init__()
        self._tell = tell
        self._clock = clock

    def of(self, folder: Path) -> LedgerView:
        """Return the view of a ledger; the one asked for longest ago makes room."""
        view = self.get(folder)
        if view is None:
            while len(self) >= MOST_LEDGERS:
                oldest = min(self.values(), key=lambda v: v.asked_s)
                self.pop(oldest.folder).close()
            view = LedgerView(folder, tell=self._tell)
            self[folder] = view
        view.asked_s = self._clock()
        return view

    async def record(self, folder: Path, identifier: str) -> Record | None:
        """Return a record; a ledger that is forgotten meanwhile is read anew."""
        for _ in range(TRIES):
            view = self.of(folder)
            record = await view.record(identifier)
            if record is not None or self.get(folder) is view:
                return record
        return None

    def refresh(self) -> None:
        """Read what is new in each; forget those that nobody asks for."""
        now = self._clock()
        for folder, view in list(self.items()):
            if now - view.asked_s > FORGET_S:
                self.pop(folder).close()
            else:
                view.refresh()

    def close(self) -> None:
        """Read no more."""
        for view in self.values():
            view.close()
