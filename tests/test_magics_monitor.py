"""``%green monitor``: the live view without a panel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from kernels import Kernel, open_kernel
from shells import Shell, isolate, load_with, open_shell, quick_device

from jupyter_green.devices.device import Counter, Gauge
from jupyter_green.devices.simulated import SimulatedDevice
from jupyter_green.errors import DeviceError
from jupyter_green.magics.monitor import Monitor, Watch
from jupyter_green.records import DeviceRecord, Record
from jupyter_green.report.monitor import (
    DevicePower,
    Moment,
    Used,
    View,
    monitor_html,
    monitor_text,
)

PATIENCE_S = 10.0
HOSTILE = '<script>alert("x")</script>'


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Give a shell with the extension."""
    isolate(tmp_path, monkeypatch)
    with open_shell(load=True) as opened:
        yield opened


def until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def view(label: str = "fit") -> View:
    """Return a view with a bit of everything."""
    device = DeviceRecord(
        id="g", kind="gpu", method="counter", energy_j=50.0, uncertainty_j=2.0,
        uncertainty_random_j=1.0,
    )  # fmt: skip
    return View(
        devices=(
            DevicePower("gpu 0", "counter", 250.0, detail=label),
            DevicePower("cpu 0", "estimated", 30.5),
            DevicePower("dram 0", "counter", None),
        ),
        moments=(
            Moment(0.0, (100.0, 20.0, None)),
            Moment(1.0, (250.0, 30.5, None), metered=True),
        ),
        running=(Record(id="r", duration_s=2.0, devices=(device,), label=label),),
        used=(Used("this session", 7200.0, 100.0, 0.9, 3),),
        state="resting",
    )


def test_missing_is_not_zero() -> None:
    """The total is that of the devices that could be read, the others say so."""
    text = monitor_text(view())
    # 250 W and 30.5 W; the third is unknown.
    assert "now: 280 W" in text or "now: 281 W" in text
    assert "dram 0 not measured" in text
    assert "this session: 2.000 ± 0.028 Wh, 900 mg CO2e (3 runs)" in text


def test_nothing_is_known() -> None:
    """Without any device the power is not measured."""
    assert "now: power not measured" in monitor_text(View(devices=()))


def test_markup_of_users_is_text() -> None:
    """What users wrote in labels appears as text and makes no element."""
    parser = _Text()
    parser.feed(monitor_html(view(HOSTILE)))
    assert "script" not in parser.tags
    assert any(HOSTILE in words for words in parser.words)


def test_a_terminal_gets_text(shell: Shell) -> None:
    """A shell without a kernel prints one view."""
    ran = shell.run("%green monitor")
    assert ran.result.success, ran.err
    assert "gpu 0" in ran.out
    assert "simulated" in ran.out


def test_watts_are_joules_over_seconds(shell: Shell) -> None:
    """The watts shown are the device's joules between two looks over their seconds."""
    session = shell.ip._jupyter_green.session  # type: ignore[attr-defined]
    watch = Watch(session)
    watch.look()
    device = session.meter.sampler.devices[0]
    before = device.read()
    time.sleep(0.5)
    seen = watch.look()
    after = device.read()
    mean_w = (after.energy_j - before.energy_j) / ((after.t_ns - before.t_ns) / 1e9)
    assert seen.devices[0].power_w == pytest.approx(mean_w, rel=0.2)


def test_a_device_that_answers_again_makes_no_peak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its joules are those of all the time since it last answered: 100 W all along."""

    class Failing(SimulatedDevice):
        fails = False

        def read(self) -> Counter | Gauge:
            if self.fails:
                raise DeviceError("cpu 0: no answer")
            return super().read()

    isolate(tmp_path, monkeypatch)
    device = Failing(quick_device().about, 100.0)
    with open_shell() as opened:
        watch = Watch(load_with(opened, device).session)
        watch.look()
        time.sleep(0.1)
        watch.look()
        device.fails = True
        time.sleep(0.4)
        assert watch.look().devices[0].power_w is None
        device.fails = False
        time.sleep(0.1)
        seen = watch.look()
    assert seen.devices[0].power_w == pytest.approx(100.0, rel=0.01)


def test_a_running_window_is_shown(shell: Shell) -> None:
    """An open window is shown with its energy so far."""
    session = shell.ip._jupyter_green.session  # type: ignore[attr-defined]
    window = session.begin("long")
    time.sleep(0.2)
    seen = Watch(session).look()
    session.meter.end(window)
    assert [r.label for r in seen.running] == ["long"]
    assert (seen.running[0].energy_j or 0.0) > 0


def test_it_rests_when_nobody_works(shell: Shell) -> None:
    """Some time after the last cell nothing more is sent, until a cell begins."""
    session = shell.ip._jupyter_green.session  # type: ignore[attr-defined]
    shown: list[str] = []
    live = Monitor(Watch(session), shown.append, interval_s=0.02, rest_after_s=0.2)
    until(lambda: bool(shown) and "resting" in shown[-1])
    resting = len(shown)
    time.sleep(0.3)
    assert len(shown) == resting
    live.work_begins()
    until(lambda: len(shown) > resting + 3)
    live.stop()
    live.join(PATIENCE_S)
    assert "stopped" in shown[-1]
    assert not live.is_alive


def test_widget_in_a_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a kernel a widget is shown, it changes while a cell runs, and off ends it."""
    isolate(tmp_path, monkeypatch)
    with open_kernel() as kernel:
        values = _values_while(kernel)
    assert len(set(values)) > 1
    assert any("simulated" in value for value in values)


def _values_while(kernel: Kernel) -> list[str]:
    kernel.run("%load_ext jupyter_green")
    opened = kernel.run("%green monitor")
    assert opened.status == "ok"
    views = [
        message["content"]["data"]["state"]["value"]
        for message in opened.messages
        if message["msg_type"] == "comm_open"
        and "value" in message["content"]["data"]["state"]
    ]
    busy = kernel.run("%%energy -q\nimport time; time.sleep(3)")
    views += [
        message["content"]["data"]["state"]["value"]
        for message in busy.messages
        if message["msg_type"] == "comm_msg"
        and "value" in message["content"]["data"].get("state", {})
    ]
    assert kernel.run("%green monitor off").status == "ok"
    left = kernel.run("import threading; [t.name for t in threading.enumerate()]")
    assert "jupyter-green-monitor" not in str(left.outputs)
    return views
