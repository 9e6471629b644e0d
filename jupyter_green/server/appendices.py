"""Appendices ordered from the browser: checked, and given to the jobs.

What an order is and how it is made is in `reports`, how jobs go on in `jobs`.  Imports
these, `folders`, `places`, `threads` and `wire`.
"""

from __future__ import annotations

from jupyter_green.server import reports
from jupyter_green.server.folders import Folders
from jupyter_green.server.jobs import Jobs
from jupyter_green.server.places import folder_of
from jupyter_green.server.threads import Threads
from jupyter_green.server.wire import ReportBody


class Appendices:
    """Takes orders.

    Args:
        folders: What holds in the server's folders.
        jobs: Where an order waits and is made.
        maker: Makes it.
        threads: Where an order is checked.
    """

    def __init__(
        self, folders: Folders, jobs: Jobs, maker: reports.Maker, threads: Threads
    ) -> None:
        self._folders = folders
        self._jobs = jobs
        self._maker = maker
        self._threads = threads

    async def begin(self, body: ReportBody) -> dict[str, str]:
        """Begin to write an appendix below the server's root; return the job's name.

        Raises:
            PathError: It would stand outside of the root.
            ReportError: A format is not known, or the notebook is not named.
            BusyError: Too many reports are waiting.
        """
        root, renames = self._folders.root, self._folders.renames
        resolved = await self._folders.settings_of(folder_of(root, body.path))
        order = await self._threads.call(reports.order, root, renames, resolved, body)
        job = self._jobs.begin(lambda progress: self._maker.make(order, progress))
        return {"job": job.job}
