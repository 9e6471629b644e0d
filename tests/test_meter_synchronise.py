"""Waiting for asynchronous GPU work, with stand-ins for the libraries."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from jupyter_green.devices.device import About
from jupyter_green.devices.simulated import SimulatedDevice
from jupyter_green.meter import Meter
from jupyter_green.meter.synchronise import synchronise


def module(name: str, **content: Any) -> ModuleType:
    """Make a loaded module."""
    made = ModuleType(name)
    vars(made).update(content)
    return made


def torch(done: list[str], *, initialised: bool) -> ModuleType:
    """Make a torch with two GPUs."""
    cuda = SimpleNamespace(
        is_available=lambda: True,
        is_initialized=lambda: initialised,
        device_count=lambda: 2,
        synchronize=lambda index: done.append(f"gpu {index}"),
    )
    return module("torch", cuda=cuda)


def test_torch_is_waited_for_on_each_of_its_gpus() -> None:
    """Work may run on any visible GPU, not only on the current one."""
    done: list[str] = []
    assert synchronise({"torch": torch(done, initialised=True)}) == []
    assert done == ["gpu 0", "gpu 1"]


def test_a_torch_that_has_not_touched_the_gpu_is_left_alone() -> None:
    """Synchronising would make a context that costs memory and power."""
    done: list[str] = []
    synchronise({"torch": torch(done, initialised=False)})
    assert done == []


def test_a_torch_that_is_still_being_imported_is_left_alone() -> None:
    """A cell that imports torch ends up here with half a module."""
    assert synchronise({"torch": module("torch")}) == []


def test_jax_is_waited_for_only_if_its_backends_are_there() -> None:
    """Asking jax for devices would take hold of all GPUs."""
    done: list[str] = []

    class Value:
        def __add__(self, _: object) -> Value:
            return self

        def block_until_ready(self) -> None:
            done.append("ready")

    gpu, cpu = SimpleNamespace(platform="gpu"), SimpleNamespace(platform="cpu")
    jax = module("jax", local_devices=lambda: [gpu, cpu], device_put=lambda *_: Value())
    for started in (False, True):
        bridge = module("bridge", backends_are_initialized=lambda s=started: s)
        synchronise({"jax": jax, "jax._src.xla_bridge": bridge})
    assert done == ["ready"]


def test_cupy_is_waited_for_on_each_gpu() -> None:
    """Each device is made current and synchronised."""
    done: list[str] = []

    class Device:
        def __init__(self, index: int) -> None:
            self.index = index

        def __enter__(self) -> None:
            done.append(f"use {self.index}")

        def __exit__(self, *_: object) -> None:
            done.append(f"leave {self.index}")

    runtime = SimpleNamespace(
        getDeviceCount=lambda: 1, deviceSynchronize=lambda: done.append("wait")
    )
    cupy = module("cupy", cuda=SimpleNamespace(runtime=runtime, Device=Device))
    assert synchronise({"cupy": cupy}) == []
    assert done == ["use 0", "wait", "leave 0"]


def test_a_gpu_in_error_is_one_warning_and_breaks_no_window() -> None:
    """The error belongs to the user's next call; metering only says it once."""
    warnings: list[str] = []
    about = About(id="cpu-0", kind="cpu", method="counter", resolution_j=1e-6)
    with Meter(
        [SimulatedDevice(about, 1.0)],
        on_problem=warnings.append,
        synchronise=lambda: ["torch could not be synchronised: CUDA error"],
    ) as meter:
        for _ in range(2):
            assert meter.end(meter.begin()).energy_j == pytest.approx(0.0, abs=0.1)
    assert warnings == ["torch could not be synchronised: CUDA error"]


def test_the_wait_is_outside_the_first_reading_and_inside_the_last() -> None:
    """Earlier work is not charged to the window, and its own work is."""
    order: list[str] = []

    class Noted(SimulatedDevice):
        def read(self) -> Any:
            order.append("read")
            return super().read()

    def wait() -> list[str]:
        order.append("wait")
        return []

    about = About(id="cpu-0", kind="cpu", method="counter", resolution_j=1e-6)
    with Meter([Noted(about, 1.0)], interval_s=60.0, synchronise=wait) as meter:
        meter.end(meter.begin())
    assert order == ["wait", "read", "wait", "read"]
