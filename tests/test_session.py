"""One process's metering: baseline, location, warnings, and that all is written."""

from __future__ import annotations

import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ledger_samples import lines_of
from shells import isolate, ledger_records, quick_device

from jupyter_green.devices.device import About, Device, Found
from jupyter_green.devices.simulated import SimulatedDevice
from jupyter_green.errors import JupyterGreenError, LocationError, SettingsError
from jupyter_green.session import Finder, Session, provenance
from jupyter_green.settings import Settings, resolve_settings

Opener = Callable[..., Session]


def finder(*devices: Device) -> Finder:
    """Return a discovery that finds these."""
    return lambda _: Found(devices, ())


def failing(_: Settings) -> Found:
    """Fail as a broken installation would."""
    raise RuntimeError("no such library")


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a ledger of its own."""
    return isolate(tmp_path, monkeypatch)


@pytest.fixture
def session(ledger: Path) -> Iterator[Opener]:
    """Open sessions on given devices; close them at the end."""
    opened: list[Session] = []

    def open_session(find_devices: Finder | None = None, **settings: Any) -> Session:
        found = Session(
            resolve_settings({"ledger": str(ledger), **settings}),
            find_devices=find_devices or finder(quick_device()),
        )
        opened.append(found)
        return found

    yield open_session
    for one in opened:
        one.close()


def meter_once(session: Session, **known: Any) -> Any:
    """Meter a moment; return the final record."""
    window = session.begin("work", **known)
    time.sleep(0.02)
    return session.meter.end(window)


def test_a_record_has_what_the_session_knows(session: Opener) -> None:
    """Session, host, intensity, PUE, versions and commit are filled in."""
    one = session(country="FRA", pue=1.2)
    record = meter_once(one, purpose="final")
    assert record.session == one.id
    assert record.host.id
    assert record.host.name == ""
    assert record.intensity.zone == "FRA"
    assert record.pue.value == 1.2
    assert record.versions["python"]
    assert record.co2e_g > 0
    assert list(one.records) == [record]


def test_a_baseline_gives_net_energy(session: Opener, ledger: Path) -> None:
    """Net is what is above idle, and has an uncertainty of its own."""
    one = session()
    baseline = one.measure_baseline(0.1, wait=lambda _: time.sleep(0.01))
    assert baseline.power_w["cpu-0"] == pytest.approx(100.0, rel=1e-3)
    record = meter_once(one)
    assert record.baseline == baseline
    assert record.devices[0].idle_power_w == baseline.power_w["cpu-0"]
    assert record.energy_j == pytest.approx(100.0 * record.duration_s, rel=1e-2)
    limit_j = 1e-2 * record.energy_j
    assert record.energy_net_j == pytest.approx(0.0, abs=limit_j)
    assert record.uncertainty_net_j >= record.uncertainty_j
    one.close()
    (line,) = [x for x in lines_of(ledger) if x["type"] == "baseline"]
    assert line["baseline"]["power_w"] == baseline.power_w


def test_no_baseline_while_something_is_metered(session: Opener) -> None:
    """The machine is not idle then, and the error says what to do."""
    one = session()
    window = one.begin("work")
    with pytest.raises(JupyterGreenError, match="a cell of its own"):
        one.measure_baseline(0.1)
    one.meter.end(window)
    assert one.baseline is None


def test_no_baseline_without_devices(session: Opener) -> None:
    """There is nothing to measure, which is said."""
    with pytest.raises(JupyterGreenError, match="no device gave an idle power"):
        session(finder()).measure_baseline(0.1, wait=lambda _: None)


def test_a_location_counts_from_then_on(session: Opener) -> None:
    """Records before it keep what they have; the settings say where it came from."""
    one = session()
    before = meter_once(one)
    assert before.intensity.assumed
    one.set_location({"country": "NOR", "region": None})
    after = meter_once(one)
    assert (before.intensity.zone, after.intensity.zone) == ("world", "NOR")
    assert one.settings.country == "NOR"
    assert one.resolved.origins["country"] == "%green location"


@pytest.mark.parametrize(
    ("stated", "error"),
    [
        ({"country": "Atlantis"}, LocationError),
        ({"intensity_g_per_kwh": -1}, SettingsError),
        ({"planet": "Mars"}, SettingsError),
    ],
)
def test_a_location_that_cannot_be_changes_nothing(
    session: Opener, stated: dict[str, Any], error: type[Exception]
) -> None:
    """The one before stays in force."""
    one = session(country="FRA")
    with pytest.raises(error):
        one.set_location(stated)
    assert one.settings.country == "FRA"
    assert one.intensity is not None
    assert one.intensity.zone == "FRA"


def test_a_location_that_is_not_found_costs_grams_only(session: Opener) -> None:
    """The joules are there, and one warning says why there are no grams."""
    one = session(country="Atlantis")
    for _ in range(2):
        record = meter_once(one)
        assert record.energy_j > 0
        assert (record.intensity, record.co2e_g) == (None, None)
    (warning,) = one.take_warnings()
    assert "Atlantis" in warning


def test_a_warning_is_given_once(session: Opener) -> None:
    """However often it comes, before or after it was taken."""
    one = session()
    for text in ("a", "a", "b"):
        one.warn(text)
    assert one.take_warnings() == ["a", "b"]
    one.warn("a")
    assert one.take_warnings() == []


def test_a_failing_device_gives_one_warning(session: Opener) -> None:
    """Its record says "not measured", the others have their figures."""
    about = About(id="gpu-x", kind="gpu", method="simulated")
    broken = SimulatedDevice(about, 1.0, fails_s=(0.0, float("inf")))
    one = session(finder(quick_device(), broken))
    for _ in range(3):
        record = meter_once(one)
        assert record.devices[0].energy_j > 0
        assert record.devices[1].energy_j is None
        assert record.devices[1].reason
    (warning,) = one.take_warnings()
    assert "gpu-x: the simulated device does not answer" in warning


def test_discovery_that_fails_says_so(session: Opener) -> None:
    """Whoever asks for the meter learns why there is none; closing still works."""
    one = session(failing)
    for _ in range(2):
        with pytest.raises(JupyterGreenError, match="RuntimeError: no such library"):
            one.begin("work")
    assert one.devices == ()
    one.settle()


def test_discovery_that_hangs_is_waited_for_once(session: Opener) -> None:
    """The first cell waits so long, the next ones do not."""
    answer_at_s = time.monotonic() + 0.6

    def slow(_: Settings) -> Found:
        time.sleep(max(0.0, answer_at_s - time.monotonic()))
        return Found((quick_device(),), ())

    one = session(slow)
    one._patience_s = 0.01
    for _ in range(2):
        with pytest.raises(JupyterGreenError, match="not found in time"):
            one.begin("work")
    assert time.monotonic() < answer_at_s
    one._ready.wait(5.0)
    assert meter_once(one).energy_j > 0


def test_closing_writes_everything(session: Opener, ledger: Path) -> None:
    """Open windows are ended as interrupted, and all that ended is final."""
    about = About(
        id="slow",
        kind="gpu",
        method="simulated",
        resolution_j=1e-3,
        update_period_s=0.1,
    )
    one = session(finder(SimulatedDevice(about, 100.0, period_s=0.1)))
    ended = one.begin("ended")
    one.begin("open")
    one.meter.end(ended, wait=False)
    one.close()
    one.close()
    records = {record.label: record for record in ledger_records(ledger)}
    assert records["ended"].status == "ok"
    assert records["open"].status == "interrupted"
    assert all(record.final for record in records.values())


def test_a_session_without_work_leaves_no_file(session: Opener, ledger: Path) -> None:
    """Loading the extension alone writes nothing."""
    session().close()
    assert not ledger.exists()


@pytest.mark.parametrize("stored", [True, False])
def test_the_notebooks_path_is_stored_if_wanted(ledger: Path, *, stored: bool) -> None:
    """A setting names it, or keeps it out."""
    settings = {
        "ledger": str(ledger),
        "notebook": "a.ipynb",
        "store_notebook_path": stored,
        "store_host_name": stored,
    }
    one = Session(resolve_settings(settings), find_devices=finder(quick_device()))
    record = meter_once(one)
    one.close()
    assert record.notebook == ("a.ipynb" if stored else "")
    assert bool(record.host.name) is stored


def test_versions_that_are_no_plain_text_are_stored_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
):
    """The version of torch is a subclass of str, which the JSON encoder refuses."""

    class TorchVersion(str):
        __slots__ = ()

    provenance._version.cache_clear()
    stand_in = types.ModuleType("torch")
    stand_in.__version__ = TorchVersion("2.13.0+cpu")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", stand_in)
    try:
        found = provenance.software_versions(["torch"])
        assert type(found["torch"]) is str
        assert b"2.13.0+cpu" in msgspec.json.encode(found)
    finally:
        provenance._version.cache_clear()
