"""Idle waste: kernels that hold a GPU's memory and run nothing.

A kernel's processes are matched with those that the driver names.  What a GPU drew
meanwhile is known only for the time in which somebody watched, or between two such
times where the GPU has a counter.  Pure but for asking devices; imports `devices`,
`history`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from jupyter_green.devices.device import Device, Inhabited
from jupyter_green.server.history import Drawn

NO_GPU = "no GPU here tells which processes hold its memory"
OTHER_NUMBERS = (
    "the driver numbers processes in another way than this system: in a container, "
    "share the host's process numbers (docker run --pid=host)"
)
NOT_WATCHED = "nobody watched in that time, so that nothing was sampled"


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelAt:
    """A kernel as the server knows it.

    Attributes:
        id: The server's identifier.
        name: The name of its kind.
        path: Its notebook from the server's root; None: it has none.
        pid: Its process on this host; None: it runs elsewhere.
        is_busy: Whether it runs a cell.
        idle_s: Seconds since it did anything.
    """

    id: str
    name: str
    path: str | None
    pid: int | None
    is_busy: bool
    idle_s: float


class HeldDevice(Struct, frozen=True, kw_only=True):
    """A GPU of which a kernel holds memory.

    Attributes:
        memory_bytes: What the kernel holds; None: the driver does not tell.
        energy_j: What the whole GPU drew while the kernel idled; None: not known.
        covered_s: Seconds that `energy_j` is of.
        power_w: What it draws now.
    """

    id: str
    memory_bytes: int | None
    energy_j: float | None
    covered_s: float | None
    power_w: float | None


class IdleKernel(Struct, frozen=True, kw_only=True):
    """A kernel that idles on a GPU.

    Attributes:
        energy_j: What its GPUs drew while it idled, all of it, whoever used them.
        reason: Why `energy_j` is not known, or not of the whole time.
    """

    kernel_id: str
    name: str
    path: str | None
    idle_s: float
    devices: tuple[HeldDevice, ...]
    energy_j: float | None
    reason: str | None


class IdleAnswer(Struct, frozen=True, kw_only=True):
    """All of them, and why nothing can be known where that is so."""

    kernels: tuple[IdleKernel, ...]
    reason: str | None


def idle_kernels(
    kernels: Sequence[KernelAt],
    devices: Iterable[Device],
    *,
    idle_s: float,
    tree: Callable[[int], frozenset[int]],
    exists: Callable[[int], bool],
    drawn: Callable[[str, float], Drawn | None],
    power_w: Callable[[str], float | None],
) -> IdleAnswer:
    """Return the kernels that have idled for *idle_s* and hold memory of a GPU.

    Args:
        kernels: All kernels.
        devices: All devices.
        idle_s: Seconds without a cell.
        tree: Returns a process and all below it.
        exists: Says whether a process of that number runs here.
        drawn: Returns what a device drew in the last seconds.
        power_w: Returns what a device draws now.
    """
    held = {
        device.about.id: memory
        for device in devices
        if isinstance(device, Inhabited)
        and (memory := device.memory_bytes()) is not None
    }
    if not held:
        return IdleAnswer(kernels=(), reason=NO_GPU)
    pids = {pid for memory in held.values() for pid in memory}
    if pids and not any(map(exists, pids)):
        return IdleAnswer(kernels=(), reason=OTHER_NUMBERS)
    found = []
    for kernel in kernels:
        if kernel.is_busy or kernel.pid is None or kernel.idle_s < idle_s:
            continue
        own = tree(kernel.pid)
        on = {
            device: [memory[pid] for pid in own & memory.keys()]
            for device, memory in held.items()
            if own & memory.keys()
        }
        if on:
            found.append(_idle(kernel, on, drawn, power_w))
    found.sort(key=lambda kernel: -kernel.idle_s)
    return IdleAnswer(kernels=tuple(found), reason=None)


def _idle(
    kernel: KernelAt,
    on: dict[str, list[int | None]],
    drawn: Callable[[str, float], Drawn | None],
    power_w: Callable[[str], float | None],
) -> IdleKernel:
    devices = []
    for device, parts in on.items():
        told = [part for part in parts if part is not None]
        figure = drawn(device, kernel.idle_s)
        devices.append(
            HeldDevice(
                id=device,
                memory_bytes=sum(told) if told else None,
                energy_j=figure.energy_j if figure else None,
                covered_s=figure.covered_s if figure else None,
                power_w=power_w(device),
            )
        )
    energies = [d.energy_j for d in devices if d.energy_j is not None]
    covered_s = min((d.covered_s or 0.0 for d in devices), default=0.0)
    reason = None
    if len(energies) < len(devices):
        reason = NOT_WATCHED
    elif covered_s < 0.9 * kernel.idle_s:
        reason = f"known of the last {covered_s:.0f} s only: {NOT_WATCHED} before"
    return IdleKernel(
        kernel_id=kernel.id,
        name=kernel.name,
        path=kernel.path,
        idle_s=kernel.idle_s,
        devices=tuple(devices),
        energy_j=sum(energies) if energies else None,
        reason=reason,
    )


def process_tree(pid: int) -> frozenset[int]:
    """Return a process and all below it; none if it has ended."""
    import psutil  # noqa: PLC0415 - not needed before somebody asks

    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return frozenset()
    return frozenset((pid, *(child.pid for child in children)))


def process_exists(pid: int) -> bool:
    """Say whether a process of that number runs here."""
    import psutil  # noqa: PLC0415

    return bool(psutil.pid_exists(pid))
