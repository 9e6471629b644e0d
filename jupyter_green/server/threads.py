"""Work that may take time, done on threads so that the event loop never waits.

For files and settings; ledgers, devices and appendices have threads of their own.
Imports nothing of the project.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

WORKERS = 4


class Threads:
    """A few threads for what looks at the disk."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="jupyter-green-io")

    async def call(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do what may take time on a thread, and return what it returns."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, work, *arguments)

    def begin(self, work: Callable[..., object], *arguments: Any) -> None:
        """Do it on a thread; nobody waits for it."""
        self._pool.submit(work, *arguments)

    def close(self) -> None:
        """Take no more; what has not begun is left."""
        self._pool.shutdown(wait=False, cancel_futures=True)
