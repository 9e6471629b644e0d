"""Find what codecarbon assumes for this machine without making anybody wait.

The answer is kept in the user's cache, by processor, threads, memory and codecarbon's
version.  Without it, a child process looks it up while the kernel goes on.  Imports
`codecarbon_power` for its value only.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

from jupyter_green.devices.codecarbon_power import PowerModel

TIMEOUT_S = 60.0
# codecarbon's own figure for an unknown processor (codecarbon.core.cpu).
GENERIC_W_PER_THREAD = 4.0
# Green Algorithms' figure for memory (Lannelongue et al. 2021,
# doi 10.1002/advs.202100707).
GREEN_ALGORITHMS_W_PER_GB = 0.3725

Ask = Callable[[], PowerModel]


def ask_codecarbon() -> PowerModel:
    """Return what codecarbon says, asked in a child process (about 2 s).

    Raises:
        OSError: The child cannot be started.
        subprocess.SubprocessError: It failed or took longer than `TIMEOUT_S`.
        ValueError: It did not print what it should.
    """
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_green.devices.codecarbon_power"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=TIMEOUT_S,
        check=True,
    )
    return _from_json(done.stdout)


def default_cache() -> Path:
    """Return the folder for what can be looked up again."""
    import platformdirs  # noqa: PLC0415  (jupyter-core brings it)

    return Path(platformdirs.user_cache_dir("jupyter_green", appauthor=False))


class PowerLookup:
    """codecarbon's figures for this machine, from the cache or a child process.

    Args:
        cache: Folder to keep the answer in; None: that of the user.
        ask: How to get the answer; called in a thread of its own, once.
    """

    def __init__(self, cache: Path | None = None, ask: Ask = ask_codecarbon) -> None:
        self._ask = ask
        self._file = (cache or default_cache()) / f"power-{_machine_key()}.json"
        self._ready = threading.Event()
        self._model: PowerModel | None = None
        self._pid = os.getpid()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look it up, unless that is done or under way in this process."""
        if self._ready.is_set():
            return
        if self._thread is None:
            self._from_cache()
        if not self._ready.is_set() and (
            self._thread is None or self._pid != os.getpid()
        ):
            # A forked child has the thread's object but not the thread.
            self._pid = os.getpid()
            self._ready = threading.Event()
            self._thread = threading.Thread(
                target=self._look_up, name="jupyter_green power lookup", daemon=True
            )
            self._thread.start()

    def result(self, timeout_s: float) -> PowerModel | None:
        """Return the answer, or None if there is none within *timeout_s* seconds."""
        if not self._ready.is_set():
            self.start()
            self._ready.wait(timeout_s)
        return self._model

    def _from_cache(self) -> None:
        try:
            self._model = _from_json(self._file.read_bytes())
        except (OSError, ValueError):
            return
        self._ready.set()

    def _look_up(self) -> None:
        try:
            self._model = self._ask()
        except (OSError, subprocess.SubprocessError, ValueError):
            self._model = _generic()
        else:
            self._keep(self._model)
        self._ready.set()

    def _keep(self, model: PowerModel) -> None:
        """Write the answer whole or not at all; a read-only home is no fault."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._file.parent)
            with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123
                json.dump(asdict(model), file)
            Path(name).replace(self._file)
        except OSError:
            return


def _generic() -> PowerModel:
    """Return codecarbon's rule for an unknown processor, where it cannot be asked."""
    memory_gb = _memory_gb()
    return PowerModel(
        cpu_model=platform.processor() or platform.machine(),
        tdp_w=GENERIC_W_PER_THREAD * (os.cpu_count() or 1),
        is_generic=True,
        ram_w=GREEN_ALGORITHMS_W_PER_GB * memory_gb,
        ram_gb=memory_gb,
        source="codecarbon did not answer",
    )


def _from_json(text: bytes) -> PowerModel:
    values = json.loads(text)
    try:
        model = PowerModel(**values)
        # A file of another hand: types are checked by using them as what they are.
        return replace(
            model,
            tdp_w=float(model.tdp_w),
            ram_w=float(model.ram_w),
            ram_gb=float(model.ram_gb),
        )
    except TypeError as err:
        raise ValueError(f"not a power model: {err}") from err


def _machine_key() -> str:
    """Return a short name for what the answer depends on."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        release = version("codecarbon")
    except PackageNotFoundError:
        release = "none"
    parts = (_cpu_text(), os.cpu_count(), round(_memory_gb()), release)
    return sha256(repr(parts).encode()).hexdigest()[:16]


def _cpu_text() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            head = file.read(4096)
    except OSError:
        return platform.processor()
    return next((x for x in head.splitlines() if x.startswith("model name")), "")


def _memory_gb() -> float:
    """Return the memory in 2^30 bytes."""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    import psutil  # noqa: PLC0415  (only where the system does not say)

    return float(psutil.virtual_memory().total) / 2**30
