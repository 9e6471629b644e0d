"""Wait for work that a cell gave to a GPU and did not wait for.

torch, jax and cupy return before the GPU is done: without this, that work's energy
would land in a later cell.  Only a library that is loaded and has begun to use its GPU
is asked; nothing is imported and no GPU context is made.  Imports nothing of the
project.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any


def synchronise(modules: Mapping[str, ModuleType] | None = None) -> list[str]:
    """Wait for all asynchronous GPU work of this process.

    Args:
        modules: Loaded modules by name; None: those of the interpreter.

    Returns:
        One line for each library that failed; its work may end after the window.
    """
    loaded = sys.modules if modules is None else modules
    failures = []
    for name, wait in _WAITS.items():
        module = loaded.get(name)
        if module is None:
            continue
        try:
            wait(module, loaded)
        # A GPU in error raises here what it would raise in the user's next call: that
        # call shall say it, not the metering.
        except Exception as err:  # noqa: BLE001
            failures.append(f"{name} could not be synchronised: {err}")
    return failures


def has_gpu_context(modules: Mapping[str, ModuleType] | None = None) -> bool:
    """Say whether a loaded library of this process has begun to use a GPU."""
    loaded = sys.modules if modules is None else modules
    torch, bridge = loaded.get("torch"), loaded.get("jax._src.xla_bridge")
    cuda: Any = getattr(torch, "cuda", None)
    jax_began: Any = getattr(bridge, "backends_are_initialized", None)
    return bool(
        (cuda and cuda.is_initialized())
        or (jax_began and jax_began())
        or "cupy" in loaded
    )


def _wait_for_torch(torch: Any, _: Mapping[str, ModuleType]) -> None:
    # A module that is still being imported has no `cuda` yet.
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_available() or not cuda.is_initialized():
        return
    for index in range(cuda.device_count()):
        cuda.synchronize(index)


def _wait_for_jax(jax: Any, modules: Mapping[str, ModuleType]) -> None:
    bridge: Any = modules.get("jax._src.xla_bridge")
    if bridge is None or not bridge.backends_are_initialized():
        # Asking for its devices would take hold of the GPUs.
        return
    for device in jax.local_devices():
        if device.platform in ("gpu", "cuda", "rocm"):
            # A device runs its work in order: the last one done is all done.
            (jax.device_put(0.0, device) + 0).block_until_ready()


def _wait_for_cupy(cupy: Any, _: Mapping[str, ModuleType]) -> None:
    runtime = cupy.cuda.runtime
    for index in range(runtime.getDeviceCount()):
        with cupy.cuda.Device(index):
            runtime.deviceSynchronize()


_WAITS: Mapping[str, Callable[[Any, Mapping[str, ModuleType]], None]] = {
    "torch": _wait_for_torch,
    "jax": _wait_for_jax,
    "cupy": _wait_for_cupy,
}
