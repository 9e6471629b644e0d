"""Devices and findings as the panel shows them."""

from __future__ import annotations

from fakes.nvml import FakeGpu, FakeNvml

from jupyter_green.devices import nvml
from jupyter_green.devices.device import About, Found, Problem
from jupyter_green.devices.simulated import SimulatedDevice
from jupyter_green.devices.trial import failures
from jupyter_green.server.findings import device_answers, findings, tried

NO_GPU = Problem("gpu", "there is no NVIDIA driver", "none installed", "install it")
NO_RAPL = Problem("rapl", "the counters are closed", "permissions", "chmod", "a risk")
GUESS = Problem("cpu", "cpu energy is estimated", "no counter", severity="note")


def estimate() -> SimulatedDevice:
    """Return a processor that is estimated."""
    about = About(id="cpu-0", kind="cpu", method="estimated", name="EPYC")
    return SimulatedDevice(about, 50.0)


def test_what_is_read_has_its_method_and_what_is_not_has_why_and_what_to_do():
    """A device that can be read, and a kind of device of which nothing can."""
    gpu, missing = device_answers(Found(nvml.find(_one(), {}).devices, (NO_RAPL,)))
    assert (gpu.method, gpu.id, gpu.power_limit_w) == ("counter", "GPU-a", 700.0)
    assert (gpu.reason, gpu.remedy) == (None, None)
    assert (missing.method, missing.kind) == ("none", "cpu")
    assert missing.reason == "the counters are closed: permissions"
    assert missing.remedy == "chmod"


def test_an_estimate_says_why_it_is_one_and_is_not_listed_as_missing():
    """The closed counter stands among the findings only."""
    found = Found((estimate(),), (NO_GPU, NO_RAPL, GUESS))
    cpu, gpu = device_answers(found)
    assert (cpu.method, cpu.reason) == (
        "estimated",
        "cpu energy is estimated: no counter",
    )
    assert (gpu.kind, gpu.method, gpu.remedy) == ("gpu", "none", "install it")
    assert [f.severity for f in findings(found)] == [
        "ok",
        "missing",
        "missing",
        "warning",
    ]


def test_a_single_gpu_that_fails_is_listed_beside_one_that_is_read():
    """Each GPU has an entry of its own."""
    lost = Problem("gpu 1", "the GPU is lost", "it fell off the bus", "", "", "broken")
    ok, failed = device_answers(Found(nvml.find(_one(), {}).devices, (lost,)))
    assert (ok.index, ok.method) == (0, "counter")
    assert (failed.index, failed.method, failed.remedy) == (1, "none", None)
    assert failed.reason == "the GPU is lost: it fell off the bus"


def test_a_device_that_fails_a_trial_reading_is_a_finding():
    """It was found, and it does not answer."""
    gone = SimulatedDevice(estimate().about, 50.0, lost_at_s=0.0)
    assert failures([estimate()]) == ()
    (problem,) = failures([gone])
    assert (problem.subject, problem.severity) == ("cpu 0", "broken")
    last = findings(tried(Found((gone,), ())))[-1]
    assert (last.severity, "lost" in last.title) == ("warning", True)


def test_what_a_remedy_risks_is_told():
    """Opening the counters lets others watch too."""
    (finding,) = findings(Found((), (NO_RAPL,)))
    assert (finding.remedy, finding.risk) == ("chmod", "a risk")


def _one() -> FakeNvml:
    return FakeNvml(FakeGpu("GPU-a"))
