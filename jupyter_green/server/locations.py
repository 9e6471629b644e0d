"""The places that the data knows, and the one that a person says.

How a project file is changed is in `places`.  Imports `folders`, `hub`, `places`,
`threads` and `wire`.
"""

from __future__ import annotations

import msgspec

from jupyter_green.server import places
from jupyter_green.server.folders import Folders
from jupyter_green.server.hub import Hub
from jupyter_green.server.threads import Threads
from jupyter_green.server.wire import Location, LocationBody


class Locations:
    """Locations, asked for and said.

    Args:
        folders: What holds in the server's folders.
        hub: Is told that sums are others.
        threads: Where files are read and written.
    """

    def __init__(self, folders: Folders, hub: Hub, threads: Threads) -> None:
        self._folders = folders
        self._hub = hub
        self._threads = threads
        self._known: bytes = b""

    async def known(self) -> bytes:
        """Return the places that the data knows, as JSON."""
        if not self._known:
            found = await self._threads.call(places.all_locations)
            self._known = msgspec.json.encode(found)
        return self._known

    async def say(self, body: LocationBody) -> Location:
        """Write a location into the project file; return the location then in force.

        Raises:
            BadRequestError: Nothing is said.
            LocationError: The place is not in the data.
            SettingsError: A value or a file cannot be used or written.
            PathError: The file stands outside of the server's folder.
        """
        root = self._folders.root
        await self._threads.call(places.say_location, root, body)
        self._folders.settings.forget()
        folder = places.folder_of(root, body.path)
        resolved = await self._folders.settings_of(folder)
        self._hub.say("totals")
        return await self._threads.call(places.location_of, resolved)
