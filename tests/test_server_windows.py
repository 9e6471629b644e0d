"""A running cell's energy so far: what was told, and what the host drew since."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ledger_samples import HOST, INTENSITY, device, running

from jupyter_green.records import Record
from jupyter_green.server.history import Drawn
from jupyter_green.server.windows import window
from jupyter_green.server.wire import WindowAnswer

NOW = datetime(2026, 6, 1, 11, 0, 25, tzinfo=UTC)  # 25 s after the run's begin


def shown(record: Record, **changes: Any) -> WindowAnswer:
    """Return the window on the record's own host, where each device draws 50 W."""
    told_s = 25.0 - record.duration_s
    known: dict[str, Any] = {
        "host_id": HOST.id,
        "devices": ["GPU-0", "package-0"],
        "drawn_since": lambda _device, _since_s: Drawn(50.0 * told_s, told_s),
    }
    return window(record, NOW, "a.ipynb", **known | changes)


def test_what_was_drawn_since_the_last_heartbeat_is_added():
    """Told: 400 J in 20 s; drawn: 250 J in the 5 s since."""
    now = shown(running(duration_s=20.0, devices=(device(400.0),)))
    assert now.energy_j == pytest.approx(650.0)
    assert now.basis == "kernel and host"
    assert now.duration_s == now.known_s == pytest.approx(25.0)
    # 360 g/kWh, no overhead.
    assert now.co2e_g == pytest.approx(650.0 / 3.6e6 * INTENSITY.g_per_kwh)


def test_before_the_first_heartbeat_the_host_alone_tells():
    """A run that began while somebody watched."""
    now = shown(running())
    assert now.energy_j == pytest.approx(1250.0)
    assert now.known_s == pytest.approx(25.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"host_id": "another"},
        {"drawn_since": lambda *_: None},
        {"drawn_since": lambda *_: Drawn(1.0, 2.0)},
    ],
    ids=["another host", "not sampled", "sampled for a part only"],
)
def test_otherwise_only_what_the_kernel_told_is_shown(changes: dict[str, Any]):
    """And of when it is."""
    told = shown(running(duration_s=20.0, devices=(device(400.0),)), **changes)
    assert told.energy_j == pytest.approx(400.0)
    assert told.known_s == pytest.approx(20.0)
    assert told.basis == "kernel"
    assert told.duration_s == pytest.approx(25.0)
    silent = shown(running(), **changes)
    assert (silent.energy_j, silent.known_s, silent.co2e_g) == (None, None, None)


def test_a_run_that_has_not_told_its_devices_has_the_hosts():
    """Two devices of 50 W each for 25 s; and it is said that the host says so."""
    now = shown(running(devices=()))
    assert now.energy_j == pytest.approx(2500.0)
    assert now.basis == "host"
    assert shown(running(devices=()), devices=[]).energy_j is None


def test_one_device_that_is_not_known_makes_the_sum_unknown():
    """Half of the devices are not shown as all of them."""

    def drawn(identifier: str, _since_s: float) -> Drawn | None:
        return Drawn(1000.0, 25.0) if identifier == "GPU-0123456789" else None

    both = running(devices=(device(None), device(None, id="package-0")))
    assert shown(both, drawn_since=drawn).energy_j is None


def test_a_run_without_a_readable_begin_is_shown_as_told():
    """A foreign ledger may say anything."""
    odd = running(started_at="soon", duration_s=3.0, devices=(device(30.0),))
    assert (shown(odd).duration_s, shown(odd).energy_j) == (3.0, 30.0)
