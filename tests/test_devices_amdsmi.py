"""AMD GPUs behind a stand-in for ``amdsmi``."""

from pathlib import Path
from typing import Any

import pytest
from fakes.clock import FakeClock

from jupyter_green.devices import amdsmi
from jupyter_green.devices.device import Found
from jupyter_green.errors import DeviceError, DeviceLostError

UNIT_UJ = 15.259


class FakeAmdsmi:
    """The functions of ``amdsmi`` that are asked; a handle is a position."""

    class AmdSmiException(Exception):  # noqa: N818  (the vendor's name)
        """As the vendor calls it."""

    def __init__(self, *counts: int, key: str = "energy_accumulator") -> None:
        self.counts = list(counts)
        self.key = key
        self.failing: set[str] = set()

    def amdsmi_init(self) -> None:
        """Initialise, or fail as told."""
        self._check("init")

    def amdsmi_get_processor_handles(self) -> list[int]:
        """Return the handles."""
        return list(range(len(self.counts)))

    def amdsmi_get_energy_count(self, handle: int) -> dict[str, float]:
        """Return the accumulator and its unit in microjoules."""
        self._check(f"energy {handle}")
        return {self.key: self.counts[handle], "counter_resolution": UNIT_UJ}

    def amdsmi_get_gpu_device_uuid(self, handle: int) -> str:
        """Return the identifier."""
        return f"uuid-{handle}"

    def amdsmi_get_gpu_asic_info(self, handle: int) -> dict[str, Any]:
        """Return the name."""
        self._check(f"asic {handle}")
        return {"market_name": "AMD Instinct MI300X"}

    def amdsmi_get_power_cap_info(self, handle: int) -> dict[str, Any]:
        """Return the limit in microwatts."""
        self._check(f"cap {handle}")
        return {"power_cap": 750_000_000}

    class AmdSmiMemoryType:
        """As the vendor's enumeration."""

        VRAM = 0

    def amdsmi_get_gpu_memory_total(self, handle: int, kind: int) -> int:
        """Return bytes of the GPU's own memory."""
        self._check(f"memory {handle}")
        assert kind == self.AmdSmiMemoryType.VRAM
        return 206_141_652_992

    def _check(self, what: str) -> None:
        if what in self.failing:
            raise self.AmdSmiException(f"Error code:\n\t{what}")


def found_in(library: FakeAmdsmi, clock: FakeClock | None = None) -> Found:
    """Return what is found behind the library."""
    return amdsmi.find(library, clock=clock or FakeClock())


@pytest.mark.parametrize("key", ["energy_accumulator", "power"])
def test_the_accumulator_counts_in_the_unit_that_it_returns(key: str):
    """Before ROCm 6.4 the key was ``power``."""
    library = FakeAmdsmi(10_000_000, key=key)
    (device,) = found_in(library).devices
    about = device.about
    assert (about.id, about.name, about.power_limit_w) == (
        "uuid-0",
        "AMD Instinct MI300X",
        750.0,
    )
    device.read()
    library.counts[0] += 1_000_000
    assert device.read().energy_j == pytest.approx(UNIT_UJ)


def test_the_second_die_is_not_counted_as_a_gpu_of_no_energy():
    """The first die of an MI250X counts for both."""
    found = found_in(FakeAmdsmi(10_000_000, 0))
    assert [d.about.id for d in found.devices] == ["uuid-0"]
    assert found.problems[0].severity == "note"


def test_a_counter_that_stands_still_is_an_error_and_not_zero():
    """MI210: frozen within a process; a short stand-still is only the period."""
    clock = FakeClock()
    library = FakeAmdsmi(10_000_000)
    (device,) = found_in(library, clock).devices
    device.read()
    clock.advance(9.0)
    device.read()
    clock.advance(2.0)
    with pytest.raises(DeviceError, match="stands still"):
        device.read()
    library.counts[0] += 1
    assert device.read().energy_j > 0


def test_errors_are_translated():
    """A failing call fails one reading; a fall of the counter voids the window."""
    library = FakeAmdsmi(10_000_000)
    (device,) = found_in(library).devices
    device.read()
    library.failing.add("energy 0")
    with pytest.raises(DeviceError, match="Error code: energy 0"):
        device.read()
    library.failing.clear()
    library.counts[0] = 1
    with pytest.raises(DeviceLostError, match="counter was reset"):
        device.read()


def test_one_failing_gpu_hides_no_other_and_names_are_optional():
    """What cannot be asked is left out of the description."""
    library = FakeAmdsmi(1, 1)
    library.failing |= {"energy 0", "asic 1", "cap 1"}
    found = found_in(library)
    assert [(d.about.name, d.about.power_limit_w) for d in found.devices] == [
        ("AMD GPU", None)
    ]
    assert found.problems[0].subject == "amd gpu 0"


def test_a_library_that_does_not_start_is_one_problem():
    """For example without the right groups."""
    library = FakeAmdsmi(1)
    library.failing.add("init")
    (problem,) = found_in(library).problems
    assert "render" in problem.remedy


def test_without_the_driver_nothing_is_imported_and_nothing_said(tmp_path: Path):
    """Machines without AMD GPUs hear nothing of AMD."""
    assert amdsmi.find(kernel_module=tmp_path / "amdgpu") == Found((), ())


def test_a_driver_without_its_library_is_explained_quietly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The package prints and raises KeyError where ROCm is missing; or it is absent."""
    found = amdsmi.find(kernel_module=tmp_path)
    if not found.devices:
        assert found.problems[0].subject == "amd gpu"
    assert capsys.readouterr().out == ""


def test_memory_is_told_where_amdsmi_knows_it() -> None:
    """In 10^9 bytes; None, and still measured, where that call fails."""
    library = FakeAmdsmi(5, 5)
    library.failing.add("memory 1")
    first, second = found_in(library).devices
    assert (first.about.memory_gb, second.about.memory_gb) == (206.1, None)
