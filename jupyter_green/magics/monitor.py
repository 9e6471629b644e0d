"""``%green monitor``: a live view in the notebook, where there is no panel.

One thread of the kernel reads the devices and replaces one widget's HTML.  It shows
nothing while a cell holds the interpreter lock: the counters go on, and the watts are
then the mean of that time.  Every message of a kernel counts as its activity, so the
view rests when no cell has run for a while: an idle kernel can still be culled.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from jupyter_green.errors import JupyterGreenError
from jupyter_green.ledger import Totals, ledger_totals, totals
from jupyter_green.meter import Meter
from jupyter_green.report.monitor import (
    DevicePower,
    Moment,
    Used,
    View,
    monitor_html,
    monitor_text,
)
from jupyter_green.sampler import Sample, mean_power_w
from jupyter_green.session import Session
from jupyter_green.units import s_from_ns

INTERVAL_S = 1.0
REST_AFTER_S = 120.0
KEPT_S = 300.0
SHOWN_RECORDS = 5
# Reading a ledger takes long where it is large: not after every cell.
TOTALS_EVERY_S = 10.0


class Watch:
    """Turn readings into views: pure but for the session that it reads.

    Args:
        session: Whose devices, windows and ledger are shown.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._last: Sample | None = None
        self._moments: deque[Moment] = deque(maxlen=round(KEPT_S / INTERVAL_S))
        self._power_w: dict[str, float | None] = {}
        self._sums: list[Used] = []
        self._counted = -1
        self._counted_s = float("-inf")

    def look(self, *, state: str = "") -> View:
        """Read the devices and return what is to be shown."""
        meter = self._session.meter
        self._read(meter)
        windows = [w for w in meter.open_windows if w.parent is None]
        records = list(self._session.records)
        return View(
            devices=tuple(self._devices(meter)),
            moments=tuple(self._moments),
            running=tuple(meter.so_far(window) for window in windows),
            latest=tuple(reversed(records[-SHOWN_RECORDS:])),
            used=tuple(self._used()),
            state=state,
        )

    def _read(self, meter: Meter) -> None:
        sample, last = meter.sampler.sample(with_host=False), self._last
        self._last = sample
        if last is None or sample.t_ns <= last.t_ns:
            return
        self._power_w = {
            identifier: mean_power_w(
                last.levels.get(identifier), sample.levels.get(identifier)
            )
            for identifier in (device.about.id for device in meter.devices)
        }
        self._moments.append(
            Moment(
                t_s=s_from_ns(sample.t_ns),
                power_w=tuple(self._power_w.values()),
                metered=bool(meter.open_windows),
            )
        )

    def _devices(self, meter: Meter) -> list[DevicePower]:
        return [
            DevicePower(
                name=f"{device.about.kind} {device.about.index}",
                method=device.about.method,
                power_w=self._power_w.get(device.about.id),
                detail=device.about.name,
            )
            for device in meter.devices
        ]

    def _used(self) -> list[Used]:
        """Return the sums, made anew where the session has got more records."""
        count = len(self._session.records)
        now_s = time.monotonic()
        due = count != self._counted and now_s - self._counted_s > TOTALS_EVERY_S
        if due and not self._session.meter.open_windows:
            self._counted, self._counted_s = count, now_s
            records = list(self._session.records)
            ledger = ledger_totals([self._session.folder]).totals
            self._sums = [
                _used("this session", totals(records)),
                _used("this ledger", ledger),
            ]
        return self._sums


class Monitor:
    """Keep one display up to date, until it is stopped or nobody works any more.

    Args:
        watch: Makes the views.
        show: Replaces what is shown, with HTML; called on the monitor's thread.
        interval_s: Seconds between views.
        rest_after_s: Seconds after the last cell when the view rests.
    """

    def __init__(
        self,
        watch: Watch,
        show: Callable[[str], None],
        *,
        interval_s: float = INTERVAL_S,
        rest_after_s: float = REST_AFTER_S,
    ) -> None:
        self._watch = watch
        self._show = show
        self._interval_s = interval_s
        self._rest_after_s = rest_after_s
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._running_cells = 0
        self._active_s = time.monotonic()
        self._thread = threading.Thread(
            target=self._run, name="jupyter-green-monitor", daemon=True
        )
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it has not been stopped."""
        return self._thread.is_alive() and not self._stopped.is_set()

    def work_begins(self, *_: Any) -> None:
        """Show views again: a cell runs."""
        self._running_cells += 1
        self.resume()

    def work_ends(self, *_: Any) -> None:
        """Rest some time from now, unless another cell comes."""
        self._running_cells = max(0, self._running_cells - 1)
        self._active_s = time.monotonic()

    def resume(self, *_: Any) -> None:
        """Show views for a while."""
        self._active_s = time.monotonic()
        self._wake.set()

    def stop(self, *_: Any) -> None:
        """Show one last view and end."""
        self._stopped.set()
        self._wake.set()

    def join(self, timeout_s: float) -> None:
        """Wait until it has ended."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopped.is_set():
            idle_s = time.monotonic() - self._active_s
            if not self._running_cells and idle_s > self._rest_after_s:
                self._wake.clear()
                self._look(
                    "resting, so that an idle kernel stays idle; a cell wakes it"
                )
                self._wake.wait()
                continue
            self._look("")
            self._stopped.wait(self._interval_s)
        self._look("stopped")

    def _look(self, state: str) -> None:
        # Whatever fails here, the user's cells go on, and the next view may succeed.
        try:
            self._show(monitor_html(self._watch.look(state=state)))
        except JupyterGreenError as err:
            self._stopped.set()
            self._show(monitor_html(View(devices=(), state=str(err))))


def text_now(session: Session, *, seconds: float = INTERVAL_S) -> str:
    """Return one view as text, for a shell without widgets."""
    watch = Watch(session)
    watch.look()
    time.sleep(seconds)
    return monitor_text(watch.look())


def show_widget(session: Session) -> Monitor:
    """Display the widget with its buttons and return the monitor behind it.

    Raises:
        JupyterGreenError: ipywidgets cannot be used here.
    """
    try:
        import ipywidgets  # noqa: PLC0415 - takes a quarter of a second
        from IPython.display import display  # noqa: PLC0415 - only for widgets
    except ImportError as err:
        raise JupyterGreenError(
            "the live view cannot be shown",
            why=f"ipywidgets cannot be imported: {err}",
            remedy="pip install ipywidgets",
        ) from err
    view = ipywidgets.HTML(value=monitor_html(View(devices=(), state="looking ...")))
    stop = ipywidgets.Button(description="Stop", tooltip="End the live view")
    resume = ipywidgets.Button(description="Go on", tooltip="Show it again for a while")

    def show(html: str) -> None:
        view.value = html

    monitor = Monitor(Watch(session), show)
    stop.on_click(monitor.stop)
    resume.on_click(monitor.resume)
    display(ipywidgets.VBox([view, ipywidgets.HBox([stop, resume])]))
    return monitor


def _used(scope: str, sums: Totals) -> Used:
    total = sums.total
    return Used(
        scope=scope,
        energy_j=total.energy_j,
        uncertainty_j=total.uncertainty_j,
        co2e_g=total.co2e_g,
        runs=total.runs,
    )
