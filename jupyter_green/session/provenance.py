"""Where and with what the work ran: host, commit, versions.

Each function reads one thing and takes its sources as arguments.  Imports `records`.
"""

from __future__ import annotations

import hashlib
import os
import platform
import socket
import sys
import uuid
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from jupyter_green._version import __version__
from jupyter_green.records import Git, Host

# Imported name -> distribution, of software whose version changes what a cell costs.
VERSIONED = {
    "cupy": "cupy",
    "IPython": "ipython",
    "ipykernel": "ipykernel",
    "jax": "jax",
    "keras": "keras",
    "lightning": "lightning",
    "numpy": "numpy",
    "pandas": "pandas",
    "sklearn": "scikit-learn",
    "tensorflow": "tensorflow",
    "torch": "torch",
    "transformers": "transformers",
    "xgboost": "xgboost",
}
MACHINE_ID = Path("/etc/machine-id")
CPU_INFO = Path("/proc/cpuinfo")
GIT_TIMEOUT_S = 3.0


def host_id(machine_id: Path = MACHINE_ID) -> str:
    """Return a hash that is the same for all processes of this machine.

    It tells machines apart and names none: 16 hexadecimal digits of SHA-256 over the
    system's machine id, or the hardware address where there is none, and host name.
    """
    try:
        identity = machine_id.read_text("ascii").strip()
    except (OSError, ValueError):
        identity = f"{uuid.getnode():012x}"
    # Containers of one image share a machine id; their host names differ.
    text = f"jupyter_green:{identity}:{socket.gethostname()}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def describe_host(*, with_name: bool = False) -> Host:
    """Return what a report says about the machine."""
    import psutil  # noqa: PLC0415 - not needed to load the extension

    return Host(
        id=host_id(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu_model=cpu_model(),
        cpu_count=os.cpu_count() or 0,
        memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
        name=socket.gethostname() if with_name else "",
    )


def cpu_model(cpu_info: Path = CPU_INFO) -> str:
    """Return the processor's model as the system names it; empty if unknown."""
    try:
        lines = cpu_info.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    names = (x.partition(":")[2].strip() for x in lines if x.startswith("model name"))
    return next(names, platform.processor())


def git_state(folder: Path) -> Git | None:
    """Return the commit of *folder* and whether tracked files differ; None: no git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return None
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return Git(commit=commit, dirty=None if status is None else bool(status))


def software_versions(loaded: Iterable[str] | None = None) -> dict[str, str]:
    """Return versions of Python, this tool and of what is loaded and matters."""
    names = set(sys.modules if loaded is None else loaded)
    found = {"python": platform.python_version(), "jupyter_green": __version__}
    for name, distribution in VERSIONED.items():
        if name in names and (number := _version(name, distribution)):
            found[distribution] = number
    return found


def notebook_path(
    environment: Mapping[str, str], namespace: Mapping[str, object]
) -> str:
    """Return the notebook's path as the front end tells it, or an empty string.

    jupyter_server sets ``JPY_SESSION_NAME``; VS Code puts a name into the user's
    namespace.
    """
    vscode = namespace.get("__vsc_ipynb_file__")
    if isinstance(vscode, str):
        return vscode
    return environment.get("JPY_SESSION_NAME", "")


@cache
def _version(name: str, distribution: str) -> str:
    stated = getattr(sys.modules.get(name), "__version__", None)
    if isinstance(stated, str):
        # torch's is a subclass of str, which JSON encoders refuse.
        return str(stated)
    # Reading metadata costs milliseconds, loading their reader ten.
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _git(folder: Path, *arguments: str) -> str | None:
    import subprocess  # noqa: PLC0415 - not needed to load the extension

    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            ["git", "-C", str(folder), "--no-optional-locks", *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
