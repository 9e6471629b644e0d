"""The kernels that the server runs, as `idle` sees them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from jupyter_green.server.idle import KernelAt


async def list_kernels(kernel_manager: Any, session_manager: Any) -> list[KernelAt]:
    """Return all kernels; asking changes nothing of their activity.

    Args:
        kernel_manager: Jupyter Server's.
        session_manager: Jupyter Server's, which knows the notebooks.
    """
    paths: dict[str, str] = {}
    for session in await session_manager.list_sessions():
        kernel = session.get("kernel") or {}
        if session.get("type") == "notebook" and session.get("path"):
            paths[str(kernel.get("id"))] = session["path"]
    now = datetime.now(UTC)
    found = []
    for identifier in kernel_manager.list_kernel_ids():
        try:
            kernel = kernel_manager.get_kernel(identifier)
        except KeyError:
            continue  # it ended just now
        last = getattr(kernel, "last_activity", None)
        idle_s = (now - last).total_seconds() if isinstance(last, datetime) else 0.0
        # Only kernels that this host runs as processes have a number here.
        provisioner = getattr(kernel, "provisioner", None)
        pid = getattr(provisioner, "pid", None)
        found.append(
            KernelAt(
                id=identifier,
                name=str(getattr(kernel, "kernel_name", "")),
                path=paths.get(identifier),
                pid=pid if isinstance(pid, int) else None,
                is_busy=getattr(kernel, "execution_state", "") == "busy",
                idle_s=max(0.0, idle_s),
            )
        )
    return found
