"""Kernels that hold a GPU's memory and run nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from fakes.nvml import FakeGpu, FakeNvml

from jupyter_green.devices import nvml
from jupyter_green.devices.device import Device
from jupyter_green.devices.simulated import find as find_simulated
from jupyter_green.server.history import Drawn
from jupyter_green.server.idle import (
    NO_GPU,
    IdleAnswer,
    KernelAt,
    idle_kernels,
    process_exists,
    process_tree,
)

GIB = 2**30


def kernel(**changes: Any) -> KernelAt:
    """Return a kernel that has idled for an hour."""
    known = {
        "id": "k1",
        "name": "python3",
        "path": "a/x.ipynb",
        "pid": 100,
        "is_busy": False,
        "idle_s": 3600.0,
    }
    return KernelAt(**known | changes)


def gpus(*fakes: FakeGpu) -> tuple[Device, ...]:
    """Return GPUs behind a driver that is none."""
    return nvml.find(FakeNvml(*fakes), {}).devices


def look(kernels: list[KernelAt], devices: Any, **changes: Any) -> IdleAnswer:
    """Look for kernels that have idled for ten minutes."""
    known: dict[str, Any] = {
        "idle_s": 600.0,
        "tree": {100: frozenset({100, 101}), 200: frozenset({200})}.__getitem__,
        "exists": lambda _: True,
        "drawn": lambda _device, last_s: Drawn(70.0 * last_s, last_s),
        "power_w": lambda _: 70.0,
    }
    return idle_kernels(kernels, devices, **known | changes)


HOLDING = FakeGpu("GPU-a", compute=(101,), memory={101: 3 * GIB})


def test_a_kernel_that_idles_on_a_gpu_is_told_with_what_the_gpu_drew():
    """The memory is that of a child of the kernel: 70 W for an hour are 252 kJ."""
    answer = look([kernel()], gpus(HOLDING, FakeGpu("GPU-b", compute=(999,))))
    assert answer.reason is None
    (found,) = answer.kernels
    assert (found.kernel_id, found.path, found.idle_s) == ("k1", "a/x.ipynb", 3600.0)
    (held,) = found.devices
    assert (held.id, held.memory_bytes, held.power_w) == ("GPU-a", 3 * GIB, 70.0)
    assert found.energy_j == pytest.approx(252_000.0)
    assert found.reason is None


@pytest.mark.parametrize(
    "changes",
    [{"is_busy": True}, {"idle_s": 599.0}, {"pid": None}, {"pid": 200}],
    ids=["busy", "not long", "elsewhere", "without GPU"],
)
def test_other_kernels_are_not_told(changes: dict[str, Any]):
    """Busy ones, those that ran just now, remote ones, those without GPU memory."""
    assert look([kernel(**changes)], gpus(HOLDING)) == IdleAnswer(
        kernels=(), reason=None
    )


def test_what_was_drawn_while_nobody_watched_is_not_known():
    """No figure is made up, and the reason says why."""
    answer = look([kernel()], gpus(HOLDING), drawn=lambda *_: None)
    (found,) = answer.kernels
    assert found.energy_j is None
    assert found.devices[0].energy_j is None
    assert "nobody watched" in (found.reason or "")


def test_a_figure_of_a_part_of_the_time_says_of_which():
    """Two minutes of an hour were sampled."""
    drawn = Drawn(8400.0, 120.0)
    (found,) = look([kernel()], gpus(HOLDING), drawn=lambda *_: drawn).kernels
    assert found.energy_j == 8400.0
    assert found.devices[0].covered_s == 120.0
    assert "120 s" in (found.reason or "")


def test_a_driver_that_does_not_tell_how_much_is_held_leaves_that_open():
    """Windows drivers name processes and no bytes."""
    (found,) = look([kernel()], gpus(FakeGpu("GPU-a", compute=(100, 101)))).kernels
    assert found.devices[0].memory_bytes is None


def test_a_process_that_draws_and_computes_is_counted_once():
    """NVML has it in both of its lists."""
    both = FakeGpu("GPU-a", compute=(101,), graphics=(101,), memory={101: GIB})
    (found,) = look([kernel()], gpus(both)).kernels
    assert found.devices[0].memory_bytes == GIB


@pytest.mark.parametrize(
    "devices",
    [
        (),
        find_simulated().devices,
        gpus(FakeGpu("GPU-a", mig=("MIG-1",), compute=(101,))),
        gpus(
            FakeGpu(
                "GPU-a",
                errors={
                    "nvmlDeviceGetComputeRunningProcesses": 3,
                    "nvmlDeviceGetGraphicsRunningProcesses": 3,
                },
            )
        ),
    ],
    ids=["none", "simulated", "MIG", "not supported"],
)
def test_where_no_gpu_tells_its_processes_the_reason_is_said(devices: Any):
    """Nothing found is something else than nothing known."""
    assert look([kernel()], devices) == IdleAnswer(kernels=(), reason=NO_GPU)


def test_numbers_of_processes_that_mean_others_are_not_matched():
    """In a container the driver's numbers are the host's."""
    answer = look([kernel()], gpus(HOLDING), exists=lambda _: False)
    assert answer.kernels == ()
    assert "container" in (answer.reason or "")


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    """Start a process with a child."""
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=-1)\n"
        "print(child.pid, flush=True)\n"
        "input()\n"
        "child.kill(); child.wait()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=-1, stdout=-1, text=True
    ) as process:
        yield process
        process.communicate("\n", timeout=10)


def test_a_process_is_found_with_what_it_started(parent: subprocess.Popen[str]):
    """As data loaders are started by a kernel."""
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert process_tree(parent.pid) == {parent.pid, child}
    assert process_exists(child)
    assert process_tree(os.getpid()) >= {os.getpid(), parent.pid, child}


def test_a_process_that_has_ended_has_nothing_below_it():
    """Its number is not another's."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert process_tree(process.pid) == frozenset()
    assert not process_exists(process.pid)
