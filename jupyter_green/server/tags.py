"""Purposes and labels that a person gives to records, written into their ledger.

Imports `errors`, `ledger`, `folders`, `threads`, `views` and `wire`.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from jupyter_green.errors import JupyterGreenError, LedgerError
from jupyter_green.ledger import LedgerWriter, new_session
from jupyter_green.server.folders import Folders
from jupyter_green.server.threads import Threads
from jupyter_green.server.views import LedgerViews
from jupyter_green.server.wire import TagBody

FLUSH_S = 5.0


class GoneError(JupyterGreenError):
    """What a request is about is not there, or no more."""


class Tags:
    """Writes tags, with one writer for each ledger.

    Args:
        folders: What holds in the server's folders.
        views: The ledgers.
        threads: Where it is written.
        host_id: This host's hash.
    """

    def __init__(
        self, folders: Folders, views: LedgerViews, threads: Threads, host_id: str
    ) -> None:
        self._folders = folders
        self._views = views
        self._threads = threads
        self._host_id = host_id
        self._writers: dict[Path, LedgerWriter] = {}
        self._making_writer = threading.Lock()

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
        in_force = self._views.of(await self._folders.ledger_at(body.path))
        views = [in_force, *self._views.values()]
        for folder in dict.fromkeys(view.folder for view in views):
            if await self._views.record(folder, body.record) is not None:
                break
        else:
            raise GoneError(
                "there is no such record",
                why="the ledger has none of this id",
                remedy="Reload the page",
            )
        await self._threads.call(self._write, folder, body)
        record = await self._views.record(folder, body.record)
        if record is None:
            raise GoneError("the record is gone", remedy="Reload the page")
        return {"record": record.to_dict() | {"curve": None}}

    def close(self) -> None:
        """Write what is left, and no more; may take time."""
        for writer in self._writers.values():
            writer.close()

    def _write(self, folder: Path, body: TagBody) -> None:
        with self._making_writer:
            writer = self._writers.get(folder)
            if writer is None:
                writer = LedgerWriter(folder, new_session(host=self._host_id))
                self._writers[folder] = writer
        writer.tag([body.record], purpose=body.purpose, label=body.label)
        if not writer.flush(FLUSH_S):
            raise LedgerError(
                "the tag was not written",
                why=writer.problem or "the disk does not answer",
                remedy="It is tried again with the next tag",
            )
