"""NVIDIA GPUs are found, read in the best way, and their errors explained."""

import os

import pytest
from fakes.clock import FakeClock
from fakes.nvml import FakeGpu, FakeNvml, FakeNvmlError

from jupyter_green.devices import nvml, nvml_errors
from jupyter_green.devices.device import Counter, Gauge, Occupancy, Occupied
from jupyter_green.errors import DeviceError, DeviceLostError

NO_ENERGY = {"nvmlDeviceGetTotalEnergyConsumption": 3}
LOST = (2, 6, 11, 15, 16, 28)


def found_in(library: FakeNvml, *, clock: FakeClock | None = None, **environment: str):
    """Return what is found behind the library."""
    return nvml.find(library, environment, clock or FakeClock())


def test_a_counter_is_read_in_joules_from_its_first_reading():
    """5 mJ more on the counter are 5 mJ."""
    gpu, clock = FakeGpu("GPU-a"), FakeClock()
    found = found_in(FakeNvml(gpu), clock=clock)
    (device,) = found.devices
    assert device.about.id == "GPU-a"
    assert (device.about.method, device.about.resolution_j) == ("counter", 0.001)
    assert (device.about.scope, device.about.power_limit_w) == ("device", 700.0)
    assert found.problems == ()
    assert device.read() == Counter(clock.ns, 0.0)
    gpu.energy_mj += 5
    clock.advance(0.1)
    assert device.read() == Counter(clock.ns, pytest.approx(0.005))


def test_the_stamp_is_the_middle_of_the_call():
    """A slow driver shifts a reading by half of its delay."""
    times = iter([0, 0, 0, 100, 150])
    gpu = FakeGpu("GPU-a")
    (device,) = nvml.find(FakeNvml(gpu), {}, lambda: next(times, 0)).devices
    assert [device.read().t_ns, device.read().t_ns] == [0, 50]


def test_consumer_boards_are_less_certain():
    """Nobody verified their sensors."""
    names = ("NVIDIA GeForce RTX 4090", "NVIDIA TITAN V", "NVIDIA RTX A6000")
    gpus = [FakeGpu(f"GPU-{i}", name) for i, name in enumerate(names)]
    found = found_in(FakeNvml(*gpus))
    assert [d.about.calibration for d in found.devices] == [0.10, 0.10, 0.05]


@pytest.mark.parametrize(
    ("capability", "fields", "errors", "power_w", "averaging_s"),
    [
        ((9, 0), {186: 310_000, 185: 290_000}, {}, 310.0, 0.025),
        ((8, 9), {186: 310_000}, {}, 310.0, 0.1),
        ((8, 9), {}, {}, 300.0, 1.0),
        ((8, 0), {}, {}, 300.0, 0.025),
        ((7, 5), {}, {}, 300.0, 0.1),
        ((6, 0), {}, {"nvmlDeviceGetFieldValues": 13}, 300.0, 0.01),
        ((3, 7), {}, {"nvmlDeviceGetFieldValues": 13}, 300.0, 0.1),
        ((8, 6), {185: 290_000}, {"nvmlDeviceGetPowerUsage": 3}, 290.0, 1.0),
        ((9, 0), {}, {"nvmlDeviceGetCudaComputeCapability": 999}, 300.0, 1.0),
    ],
)
def test_without_a_counter_power_is_read_with_its_window(
    capability: tuple[int, int],
    fields: dict[int, int],
    errors: dict[str, int],
    power_w: float,
    averaging_s: float,
):
    """The instantaneous field first, and the window that the generation has."""
    gpu = FakeGpu(
        "GPU-a", capability=capability, field_mw=fields, errors=NO_ENERGY | errors
    )
    (device,) = found_in(FakeNvml(gpu)).devices
    reading = device.read()
    assert isinstance(reading, Gauge)
    assert (reading.power_w, reading.averaging_s) == (power_w, averaging_s)
    assert device.about.method == "integrated"
    assert device.about.resolution_j is None
    assert device.about.max_interval_s >= averaging_s


def test_a_gpu_without_any_sensor_is_reported_and_hides_no_other():
    """A virtual GPU has neither energy nor power."""
    mute = FakeGpu("GPU-a", errors=NO_ENERGY | {"nvmlDeviceGetPowerUsage": 3})
    found = found_in(FakeNvml(mute, FakeGpu("GPU-b")))
    assert [d.about.id for d in found.devices] == ["GPU-b"]
    assert "neither energy nor power" in found.problems[0].what


@pytest.mark.parametrize("code", [*nvml_errors.MEANINGS, 12345])
def test_each_error_code_of_a_reading_says_what_and_is_not_zero(code: int):
    """What went wrong names the GPU; a lost GPU is told from a passing error."""
    gpu = FakeGpu("GPU-a")
    (device,) = found_in(FakeNvml(gpu)).devices
    device.read()
    gpu.errors["nvmlDeviceGetTotalEnergyConsumption"] = code
    with pytest.raises(DeviceError, match=r"^gpu 0: ") as caught:
        device.read()
    assert isinstance(caught.value, DeviceLostError) == (code in LOST)
    assert caught.value.__cause__.value == code
    gpu.errors.clear()
    gpu.energy_mj += 1000
    assert device.read().energy_j == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("code", "severity"),
    [
        (12, "missing"),
        (9, "missing"),
        (4, "forbidden"),
        (18, "broken"),
        (999, "broken"),
    ],
)
def test_a_driver_that_does_not_start_is_one_problem(code: int, severity: str):
    """No driver, no permission and a half-done update are different answers."""
    found = found_in(FakeNvml(init_error=code))
    assert found.devices == ()
    (problem,) = found.problems
    assert (problem.severity, bool(problem.remedy)) == (severity, True)


def test_a_driver_without_gpus_says_so():
    """As in a container to which none was passed."""
    (problem,) = found_in(FakeNvml()).problems
    assert problem.severity == "missing"


def test_a_gpu_that_is_lost_from_the_start_hides_no_other():
    """The numbering of the others stays."""
    lost = FakeGpu("GPU-a", errors={"nvmlDeviceGetHandleByIndex": 15})
    found = found_in(FakeNvml(lost, FakeGpu("GPU-b")))
    assert [d.about.id for d in found.devices] == ["GPU-b"]
    assert found.problems[0].subject == "gpu 0"
    assert "lost" in found.problems[0].what


def test_a_gpu_that_fails_while_it_is_examined_hides_no_other():
    """A timeout is no reason to give up the second GPU."""
    slow = FakeGpu("GPU-a", errors={"nvmlDeviceGetTotalEnergyConsumption": 10})
    found = found_in(FakeNvml(slow, FakeGpu("GPU-b")))
    assert [d.about.id for d in found.devices] == ["GPU-b"]
    assert found.problems[0].severity == "broken"


def test_a_counter_that_falls_voids_the_window_and_goes_on():
    """The driver was reloaded: no negative energy and no wrap."""
    gpu = FakeGpu("GPU-a")
    (device,) = found_in(FakeNvml(gpu)).devices
    device.read()
    gpu.energy_mj = 100
    with pytest.raises(DeviceLostError, match="counter was reset"):
        device.read()
    gpu.energy_mj = 2100
    assert device.read().energy_j == 2.0


def test_a_shutdown_by_other_code_is_mended():
    """Another tracker in the kernel called nvmlShutdown once too often."""
    library = FakeNvml(FakeGpu("GPU-a"))
    (device,) = found_in(library).devices
    library.is_shut = True
    assert device.read().energy_j == 0.0
    assert library.inits == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_starts_nvml_anew():
    """A process pool reads the GPU through a library of its own."""
    library = FakeNvml(FakeGpu("GPU-a"))
    (device,) = found_in(library).devices
    device.read()
    pid = os.fork()
    if not pid:
        device.read()
        device.read()
        os._exit(library.inits)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 2
    assert library.inits == 1


def test_the_visible_gpus_count_in_the_order_of_the_variable():
    """The others are named, not forgotten."""
    gpus = [FakeGpu(f"GPU-{i}") for i in range(3)]
    found = found_in(FakeNvml(*gpus), CUDA_VISIBLE_DEVICES="2,0")
    assert [(d.about.id, d.about.index) for d in found.devices] == [
        ("GPU-2", 0),
        ("GPU-0", 1),
    ]
    (note,) = found.problems
    assert note.severity == "note"
    assert note.what.startswith("GPU 1 ")


def test_an_unknown_entry_is_said():
    """CUDA stops at it without a word; we do not."""
    found = found_in(FakeNvml(FakeGpu("GPU-a")), CUDA_VISIBLE_DEVICES="5")
    assert found.devices == ()
    assert "'5' names no GPU" in found.problems[0].why


@pytest.mark.parametrize(("order", "notes"), [(None, 1), ("PCI_BUS_ID", 0)])
def test_numbers_of_different_gpus_are_doubtful(order: str | None, notes: int):
    """CUDA counts from the fastest, NVML along the bus."""
    gpus = FakeGpu("GPU-a", "NVIDIA A100"), FakeGpu("GPU-b", "NVIDIA T4")
    environment = {"CUDA_VISIBLE_DEVICES": "0,1"}
    if order:
        environment["CUDA_DEVICE_ORDER"] = order
    found = found_in(FakeNvml(*gpus), **environment)
    assert len(found.devices) == 2
    assert len(found.problems) == notes


def test_a_mig_slice_reads_its_parent_and_says_so():
    """There is no power of a slice, and no list of its processes."""
    gpus = FakeGpu("GPU-a"), FakeGpu("GPU-b", mig=("MIG-1", "MIG-2"), compute=(7,))
    found = found_in(FakeNvml(*gpus), CUDA_VISIBLE_DEVICES="MIG-2")
    (device,) = found.devices
    assert (device.about.id, device.about.scope) == ("GPU-b", "mig-parent")
    assert device.occupancy(frozenset({7})) is None


@pytest.mark.parametrize(
    ("gpu", "expected"),
    [
        (FakeGpu("GPU-a"), None),
        (FakeGpu("GPU-a", compute=(7,)), Occupancy(1.0, "sole-process", foreign=False)),
        (
            FakeGpu("GPU-a", compute=(7,), graphics=(8,)),
            Occupancy(1.0, "sole-process", foreign=False),
        ),
        (
            FakeGpu("GPU-a", compute=(7, 99)),
            Occupancy(None, "gpu-utilisation", foreign=True),
        ),
        (
            FakeGpu("GPU-a", compute=(7, 99), samples=((7, 30, 5), (99, 10, 6))),
            Occupancy(0.75, "gpu-utilisation", foreign=True),
        ),
        (
            FakeGpu("GPU-a", compute=(7, 99), samples=((7, 0, 5), (99, 0, 6))),
            Occupancy(None, "gpu-utilisation", foreign=True),
        ),
        (
            FakeGpu("GPU-a", compute=(99,), samples=((99, 10, 6),)),
            Occupancy(None, "gpu-utilisation", foreign=True),
        ),
        (
            FakeGpu("GPU-a", errors={"nvmlDeviceGetComputeRunningProcesses": 4}),
            None,
        ),
    ],
)
def test_who_uses_a_gpu(gpu: FakeGpu, expected: Occupancy | None):
    """Sole, shared, or not to be known; never guessed."""
    (device,) = found_in(FakeNvml(gpu)).devices
    assert isinstance(device, Occupied)
    assert device.occupancy(frozenset({7, 8})) == expected


def test_utilisation_is_asked_from_where_it_was_last_seen():
    """A share tells of lately, not of an hour ago."""
    gpu = FakeGpu("GPU-a", compute=(7, 99), samples=((7, 30, 5), (99, 10, 6)))
    (device,) = found_in(FakeNvml(gpu)).devices
    assert device.occupancy(frozenset({7})).own == 0.75
    gpu.samples = (*gpu.samples, (7, 10, 8), (99, 30, 9))
    assert device.occupancy(frozenset({7})).own == 0.25
    assert device.occupancy(frozenset({7})).own is None


def test_errors_without_a_code_are_explained_too():
    """Whatever a binding raises becomes a sentence."""
    assert "odd" in nvml_errors.meaning(ValueError("odd")).what
    assert nvml_errors.problem("gpu", FakeNvmlError(4)).severity == "forbidden"
