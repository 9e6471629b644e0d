"""``%green monitor``: a live view in the notebook, where there is no panel.

One thread of the kernel reads the devices and replaces one widget's HTML.  It shows
nothing while a cell holds the interpreter lock: the counters go on, and the watts are
then the mean of that time.  Every message of a kernel counts as its activity, so the
view rests when no cell has run for a while: an idle kernel can still be culled.
"""

from __future__ import annotations

import logging
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
# So many views in a row that fail will not be followed by one that succeeds.
MOST_FAILURES = 3
# Reading a ledger takes long where it is large: not after every cell.
TOTALS_EVERY_S = 10.0
# What the view itself does, as it is told below it.
_LIVE = ""
_RESTING = "resting, so that an idle kernel stays idle; a cell wakes it"
_PAUSED = "paused; Go on shows it again"
_STOPPED = "stopped"

logger = logging.getLogger(__name__)


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
        windows = [w for w in meter.open_windows if w.parent is None]
        # One reading for both: each costs as much as all devices.
        sample = meter.sampler.sample(with_host=bool(windows))
        self._note(meter, sample)
        records = list(self._session.records)
        return View(
            devices=tuple(self._devices(meter)),
            moments=tuple(self._moments),
            running=tuple(meter.so_far(window, sample) for window in windows),
            latest=tuple(reversed(records[-SHOWN_RECORDS:])),
            used=tuple(self._used()),
            state=state,
        )

    def _note(self, meter: Meter, sample: Sample) -> None:
        last, self._last = self._last, sample
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

    It has one thread for all its life.  Paused or at rest, the thread waits without a
    timer.

    Args:
        watch: Makes the views.
        show: Replaces what is shown, with HTML; called on the monitor's thread.
        on_end: Called on that thread after the last view.
        interval_s: Seconds between views.
        rest_after_s: Seconds after the last cell when the view rests.
    """

    def __init__(
        self,
        watch: Watch,
        show: Callable[[str], None],
        *,
        on_end: Callable[[], None] = lambda: None,
        interval_s: float = INTERVAL_S,
        rest_after_s: float = REST_AFTER_S,
    ) -> None:
        self._watch = watch
        self._show = show
        self._on_end = on_end
        self._interval_s = interval_s
        self._rest_after_s = rest_after_s
        # Every state below is changed and read under it, so that no change is missed.
        self._changed = threading.Condition()
        self._is_stopped = self._is_paused = False
        self._running_cells = 0
        self._active_s = time.monotonic()
        self._failures = 0
        self._thread = threading.Thread(
            target=self._run, name="jupyter-green-monitor", daemon=True
        )
        self._thread.start()

    def work_begins(self, *_: Any) -> None:
        """Rest no more: a cell runs."""
        with self._changed:
            self._running_cells += 1
            self._changed.notify()

    def work_ends(self, *_: Any) -> None:
        """Rest some time from now, unless another cell comes."""
        with self._changed:
            self._running_cells = max(0, self._running_cells - 1)
            self._active_s = time.monotonic()

    def resume(self, *_: Any) -> None:
        """Show views for a while, also after `pause`."""
        with self._changed:
            self._is_paused = False
            self._failures = 0
            self._active_s = time.monotonic()
            self._changed.notify()

    def pause(self, *_: Any) -> None:
        """Show views no more until `resume`."""
        with self._changed:
            self._is_paused = True
            self._changed.notify()

    def stop(self) -> None:
        """Show one last view and end."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify()

    def join(self, timeout_s: float) -> None:
        """Wait until it has ended."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        shown = _LIVE
        self._look(shown)
        while (state := self._next(shown)) != _STOPPED:
            # Where it gave up, the reason stays until somebody presses a button.
            if state != _PAUSED or self._failures < MOST_FAILURES:
                self._look(state)
            shown = state
        if not self._failures:
            self._look(_STOPPED)
        self._guarded(self._on_end)

    def _next(self, shown: str) -> str:
        """Return the state of the next view, when it is due."""
        with self._changed:
            if shown == _LIVE:
                self._changed.wait_for(
                    lambda: self._state() in (_PAUSED, _STOPPED), self._interval_s
                )
            else:
                self._changed.wait_for(lambda: self._state() != shown)
            return self._state()

    def _state(self) -> str:
        if self._is_stopped:
            return _STOPPED
        if self._is_paused:
            return _PAUSED
        idle_s = time.monotonic() - self._active_s
        if not self._running_cells and idle_s > self._rest_after_s:
            return _RESTING
        return _LIVE

    def _look(self, state: str) -> None:
        try:
            self._show(monitor_html(self._watch.look(state=state)))
        # Whatever fails here, the user's cells go on, and the next view may succeed.
        except Exception as err:
            logger.debug("no view", exc_info=True)
            is_ours = isinstance(err, JupyterGreenError)
            self._failed(str(err) if is_ours else f"{type(err).__name__}: {err}")
        else:
            self._failures = 0

    def _failed(self, why: str) -> None:
        """Show why there is no view; after some failures in a row pause."""
        with self._changed:
            self._failures += 1
            if self._failures >= MOST_FAILURES:
                self._is_paused = True
                why = f"given up after {self._failures} views that failed: {why}"
        html = monitor_html(View(devices=(), state=why))
        self._guarded(lambda: self._show(html))

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        # The front end may be gone: then there is nobody to tell.
        except Exception:
            logger.debug("the view cannot be replaced", exc_info=True)


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
    stop = ipywidgets.Button(description="Stop", tooltip="Pause the live view")
    resume = ipywidgets.Button(description="Go on", tooltip="Show it again for a while")

    def show(html: str) -> None:
        view.value = html

    def end() -> None:
        stop.disabled = resume.disabled = True

    monitor = Monitor(Watch(session), show, on_end=end)
    stop.on_click(monitor.pause)
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
