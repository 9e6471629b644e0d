"""The folder that the server shows: settings in force, and names of notebooks in it.

The disk is looked at on threads.  Imports `ledger`, `records`, `settings`, `paths`,
`places` and `threads`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from jupyter_green.ledger.lines import parse_time
from jupyter_green.records import Record
from jupyter_green.server.paths import PathError, Rename, Renames, ServerRoot
from jupyter_green.server.places import FolderSettings, folder_of, ledger_of
from jupyter_green.server.threads import Threads
from jupyter_green.settings import Resolved


class Folders:
    """What holds in the folders below the server's root.

    Args:
        root: The folder that the server shows.
        renames: What was renamed in it.
        settings: The settings in force by folder.
        threads: Where the disk is looked at.
    """

    def __init__(
        self,
        root: ServerRoot,
        renames: Renames,
        settings: FolderSettings,
        threads: Threads,
    ) -> None:
        self.root = root
        self.renames = renames
        self.settings = settings
        self._threads = threads

    async def settings_of(self, folder: Path) -> Resolved:
        """Return the settings in force in a folder.

        Raises:
            SettingsError: A source has an unknown name or an unusable value.
        """
        known = self.settings.known(folder)
        if known is not None:
            return known
        return await self._threads.call(self.settings.of, folder)

    async def ledger_at(self, path: str) -> Path:
        """Return the folder of the ledger in force for a notebook.

        Raises:
            PathError: The path leads out of the root.
            SettingsError: The settings cannot be used.
        """
        return ledger_of(await self.settings_of(folder_of(self.root, path)))

    def renamed(self, old: str, new: str) -> bool:
        """Note that the browser gave a file or folder another name; say if it is one.

        A contents manager of another kind has names that are no paths: these are left.
        """
        try:
            paths = self.root.os_path(old), self.root.os_path(new)
        except PathError:
            return False
        rename = Rename(time.time(), str(paths[0]), str(paths[1]))
        self._threads.begin(self.renames.add, rename)
        return True

    def name_file(self, file: Path) -> str | None:
        """Return what the browser calls a written file; None: it stands elsewhere."""
        return self.root.api_path(Path(os.path.realpath(file)))

    async def browser_paths(self, records: Sequence[Record]) -> list[str | None]:
        """Return how the browser names each record's notebook now."""
        if not records:
            return []
        return await self._threads.call(self._browser_paths, records)

    def _browser_paths(self, records: Sequence[Record]) -> list[str | None]:
        return [self._browser_path(record) for record in records]

    def _browser_path(self, record: Record) -> str | None:
        """Return the path from the root; None: it is elsewhere.  Looks at the disk."""
        if not record.notebook:
            return None
        began = parse_time(record.started_at)
        whole = os.path.join(self.root.folder, record.notebook)  # noqa: PTH118
        now = self.renames.current(whole, began.timestamp() if began else 0.0)
        return self.root.api_path(Path(now))
