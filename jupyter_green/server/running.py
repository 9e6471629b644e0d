"""The runs that go on, told to the open streams about once a second.

How one of them is shown is in `windows`.  Imports `devices`, `records`, `folders`,
`hub`, `ledgers`, `power` and `windows`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime

from jupyter_green.devices.device import Found
from jupyter_green.records import Record
from jupyter_green.server.folders import Folders
from jupyter_green.server.hub import Hub
from jupyter_green.server.ledgers import LedgerView
from jupyter_green.server.power import LivePower
from jupyter_green.server.windows import window

# While a run goes on, its figures are told at least this often.
RUNNING_S = 1.0
NEVER_S = float("-inf")


class RunningRuns:
    """Tells which runs go on, and what they have drawn so far.

    Args:
        hub: The open streams.
        folders: Says how the browser names their notebooks.
        power: Knows what this host's devices drew.
        host_id: This host's hash.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        hub: Hub,
        folders: Folders,
        power: LivePower,
        host_id: str,
        clock: Callable[[], float],
    ) -> None:
        self._hub = hub
        self._folders = folders
        self._power = power
        self._host_id = host_id
        self._clock = clock
        self._told_s = NEVER_S
        self._was_running = False

    def have_changed(self) -> None:
        """Tell them at the next look, however short ago they were told."""
        self._told_s = NEVER_S

    def is_somebody_new(self) -> None:
        """Tell at the next look what runs, and also that nothing does any more."""
        self._told_s = NEVER_S
        self._was_running = True

    async def look(self, views: Collection[LedgerView]) -> None:
        """Tell the runs that go on in these ledgers, if that is due."""
        is_due = self._clock() - self._told_s >= RUNNING_S
        running = [r for view in views for r in view.snapshot.running]
        # That nothing runs is known once all has been read.
        is_read = all(view.snapshot.is_ready for view in views)
        if is_due and (running or (self._was_running and is_read)):
            await self._tell(running)

    async def _tell(self, running: list[Record]) -> None:
        self._told_s = self._clock()
        self._was_running = bool(running)
        paths = await self._folders.browser_paths(running)
        now = datetime.now(UTC)
        found = self._power.found or Found((), ())
        devices = [device.about.id for device in found.devices]
        windows = [
            window(
                record,
                now,
                path,
                host_id=self._host_id,
                devices=devices,
                drawn_since=self._power.drawn_since,
            )
            for record, path in zip(running, paths, strict=True)
        ]
        self._hub.say("running", windows=windows)
