"""``%green monitor``: the live view without a panel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from queue import Empty
from types import SimpleNamespace
from typing import Any

import pytest
from fakes.clock import FakeClock
from kernels import Kernel, open_kernel
from shells import Shell, isolate, load_with, open_shell, quick_device

from jupyter_green.devices.device import Counter, Gauge
from jupyter_green.devices.simulated import SimulatedDevice
from jupyter_green.errors import DeviceError, JupyterGreenError
from jupyter_green.magics.monitor import Monitor, Watch
from jupyter_green.meter import Meter
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
THREAD = "jupyter-green-monitor"
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


def names() -> list[str]:
    """Return the names of the threads that run."""
    return [thread.name for thread in threading.enumerate()]


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
    assert THREAD not in names()


def quiet_watch(**more: object) -> Watch:
    """Return a watch that looks at nothing."""

    class Quiet(Watch):
        def look(self, *, state: str = "") -> View:
            return View(devices=(), state=state, **more)

    return Quiet(SimpleNamespace())  # type: ignore[arg-type]


def test_a_cell_that_begins_while_the_view_goes_to_rest_wakes_it() -> None:
    """It comes between the look at the clock and the rest, and is not lost."""
    shown: list[str] = []
    cells: list[threading.Thread] = []

    class Limit(float):
        """Seconds; a cell begins when they are first found to be over."""

        def __lt__(self, idle_s: float) -> bool:
            is_over = idle_s > float(self)
            if is_over and not cells:
                cells.append(threading.Thread(target=live.work_begins))
                cells[0].start()
                cells[0].join(0.2)
            return is_over

        __hash__ = float.__hash__

    live = Monitor(
        quiet_watch(), shown.append, interval_s=0.01, rest_after_s=Limit(0.1)
    )
    until(lambda: bool(cells))
    before = len(shown)
    until(lambda: len(shown) > before + 3)
    live.stop()
    live.join(PATIENCE_S)
    assert THREAD not in names()


def test_go_on_goes_on_after_stop() -> None:
    """The buttons pause and resume; a cell alone does not undo what was pressed."""
    shown: list[str] = []
    live = Monitor(quiet_watch(), shown.append, interval_s=0.01)
    live.pause()
    until(lambda: bool(shown) and "paused" in shown[-1])
    paused = len(shown)
    live.work_begins()
    live.work_ends()
    time.sleep(0.1)
    assert len(shown) == paused
    live.resume()
    until(lambda: len(shown) > paused + 3)
    assert "paused" not in shown[-1]
    live.stop()
    live.join(PATIENCE_S)
    assert THREAD not in names()


class Troubled(Watch):
    """A watch whose first looks fail.

    Args:
        errors: What they raise, in order.
    """

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def look(self, *, state: str = "") -> View:
        """Fail, or look at nothing."""
        if self.errors:
            raise self.errors.pop(0)
        return View(devices=(), state=state or "all is well")


@pytest.mark.parametrize(
    "err",
    [JupyterGreenError("a device is gone"), ZeroDivisionError("a device is gone")],
)
def test_one_view_that_fails_says_why_and_the_next_one_comes(err: Exception) -> None:
    """Whatever is raised: no traceback of a thread, and no end."""
    shown: list[str] = []
    live = Monitor(Troubled(err), shown.append, interval_s=0.01)
    until(lambda: len(shown) > 2)
    live.stop()
    live.join(PATIENCE_S)
    assert "a device is gone" in shown[0]
    assert "all is well" in shown[1]
    assert "stopped" in shown[-1]


def test_views_that_fail_in_a_row_are_given_up_until_somebody_presses_go_on() -> None:
    """The reason stays to be read."""
    shown: list[str] = []
    watch = Troubled(*[OSError(f"number {i}") for i in range(5)])
    live = Monitor(watch, shown.append, interval_s=0.01)
    until(lambda: any("given up" in html for html in shown))
    time.sleep(0.1)
    assert len(shown) == 3
    assert "given up after 3 views that failed: OSError: number 2" in shown[-1]
    live.resume()
    until(lambda: "all is well" in shown[-1])
    live.stop()
    live.join(PATIENCE_S)


def test_a_reason_is_not_replaced_by_a_last_view() -> None:
    """What failed to the end is what is read at the end."""
    shown: list[str] = []
    watch = Troubled(*[OSError(f"number {i}") for i in range(5)])
    live = Monitor(watch, shown.append, interval_s=0.01)
    until(lambda: any("given up" in html for html in shown))
    live.stop()
    live.join(PATIENCE_S)
    assert "number 2" in shown[-1]
    assert len(watch.errors) == 2


def test_a_front_end_that_is_gone_ends_no_thread_by_an_error() -> None:
    """Neither the view nor the reason can be shown: it pauses, and can be ended."""
    calls: list[str] = []
    ended: list[bool] = []

    def show(html: str) -> None:
        calls.append(html)
        raise BrokenPipeError

    live = Monitor(
        quiet_watch(), show, on_end=lambda: ended.append(True), interval_s=0.01
    )
    until(lambda: len(calls) == 6)  # three views and their reasons
    time.sleep(0.1)
    assert len(calls) == 6
    live.stop()
    live.join(PATIENCE_S)
    assert ended == [True]


def test_a_view_reads_each_device_once() -> None:
    """Also with a window open, whose figures so far are of the same reading."""

    class Counting(SimulatedDevice):
        reads = 0

        def read(self) -> Counter | Gauge:
            self.reads += 1
            return super().read()

    clock = FakeClock()
    device = Counting(quick_device().about, 100.0, clock=clock)
    # An hour between background readings: nothing reads but what the test does.
    with Meter([device], clock=clock, interval_s=3600.0) as meter:
        session = SimpleNamespace(meter=meter, records=[], folder=Path())
        watch = Watch(session)  # type: ignore[arg-type]
        window = meter.begin("one")
        clock.advance(2)
        before = device.reads
        seen = watch.look()
        assert device.reads == before + 1
        meter.end(window)
    assert [record.energy_j for record in seen.running] == [pytest.approx(200.0)]


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


def test_the_buttons_in_a_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop pauses, Go on goes on, and both are greyed out when it is off."""
    isolate(tmp_path, monkeypatch)
    with open_kernel() as kernel:
        kernel.run("%load_ext jupyter_green")
        opened = kernel.run("%green monitor")
        buttons = {
            message["content"]["data"]["state"]["description"]: message["content"][
                "comm_id"
            ]
            for message in opened.messages
            if message["msg_type"] == "comm_open"
            and message["content"]["data"]["state"].get("description")
        }

        def click(name: str) -> None:
            content = {
                "comm_id": buttons[name],
                "data": {"method": "custom", "content": {"event": "click"}},
            }
            message = kernel.client.session.msg("comm_msg", content)
            kernel.client.shell_channel.send(message)

        def states() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            while True:
                try:
                    message = kernel.client.get_iopub_msg(timeout=0.1)
                except Empty:
                    return found
                if message["msg_type"] == "comm_msg":
                    found.append(message["content"]["data"].get("state", {}))

        def values() -> list[str]:
            return [state["value"] for state in states() if "value" in state]

        click("Stop")
        until(lambda: any("paused" in value for value in values()))
        time.sleep(1.5)
        assert values() == []
        click("Go on")
        until(lambda: any("paused" not in value for value in values()))
        off = kernel.run("%green monitor off")
        changes = [
            message["content"]["data"].get("state", {})
            for message in off.messages
            if message["msg_type"] == "comm_msg"
        ] + states()
    assert sum("disabled" in change and change["disabled"] for change in changes) == 2
