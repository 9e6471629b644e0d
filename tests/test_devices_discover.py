"""All backends are asked, and none stands in the way of another."""

import pytest
from fakes.clock import FakeClock

from jupyter_green.devices import discover
from jupyter_green.devices.device import About, Found, Problem
from jupyter_green.devices.discover import Backends
from jupyter_green.devices.simulated import SimulatedDevice
from jupyter_green.settings import Settings


def found(*kinds: str, problems: tuple[Problem, ...] = ()) -> Found:
    """Return one device of each kind."""
    abouts = [About(id=f"{kind}-0", kind=kind, method="simulated") for kind in kinds]
    return Found(tuple(SimulatedDevice(about, 1.0) for about in abouts), problems)


def failing() -> Found:
    """Fail as a vendor's library may."""
    raise SystemError("segment")


def backends(*counters: Found) -> Backends:
    """Return backends that find what is given."""
    return Backends(
        counters={f"b{i}": lambda f=f: f for i, f in enumerate(counters)},
        cpu=lambda: found("cpu"),
        ram=lambda: found("ram"),
        simulated=lambda: found("gpu", "cpu", "dram"),
    )


@pytest.mark.parametrize(
    ("counters", "settings", "kinds"),
    [
        ((), {}, "cpu ram"),
        ((found("gpu"),), {}, "gpu cpu ram"),
        ((found("gpu"), found("cpu")), {}, "gpu cpu ram"),
        ((found("cpu", "dram"),), {}, "cpu dram"),
        ((found("dram"),), {}, "dram cpu"),
        ((found("gpu"),), {"estimate_cpu": False}, "gpu ram"),
        ((found("gpu"),), {"estimate_ram": False}, "gpu cpu"),
        ((found("gpu"),), {"simulated": True}, "gpu cpu dram"),
    ],
)
def test_estimates_fill_in_for_counters_only(
    counters: tuple[Found, ...], settings: dict[str, bool], kinds: str
):
    """Nothing is billed twice, and nothing real beside the simulated."""
    result = discover(Settings(**settings), backends=backends(*counters))
    assert [d.about.kind for d in result.devices] == kinds.split()


def test_a_failing_backend_is_a_problem_and_stops_no_other():
    """Whatever a vendor's library raises."""
    problem = Problem("gpu", "what", "why")
    all_backends = backends(found("gpu", problems=(problem,)))._replace(cpu=failing)
    result = discover(Settings(), backends=all_backends)
    assert [d.about.kind for d in result.devices] == ["gpu", "ram"]
    assert result.problems[0] == problem
    assert result.problems[1].severity == "broken"
    assert result.problems[1].why == "SystemError: segment"


def test_this_machine_can_be_discovered():
    """Whatever there is: each kind is measured, estimated or explained."""
    result = discover(Settings(), environment={})
    kinds = {device.about.kind for device in result.devices}
    assert {"cpu", "dram"} <= kinds or {"cpu", "ram"} <= kinds
    ids = [device.about.id for device in result.devices]
    assert len(set(ids)) == len(ids)


def test_simulated_devices_need_no_hardware():
    """The real set of backends, simulated."""
    result = discover(Settings(simulated=True), clock=FakeClock())
    assert {d.about.method for d in result.devices} == {"simulated"}
    assert result.problems == ()
