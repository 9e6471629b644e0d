"""One sampler for all clients, on its own thread, which rests while nobody watches.

Finding the devices takes a second where a processor has to be looked up: that is done
on a thread too, at the first need.  Imports `devices`, `errors`, `sampler` and
`history`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from jupyter_green.devices.device import Clock, Device, Found, Problem, Traced
from jupyter_green.errors import JupyterGreenError
from jupyter_green.sampler import SLOW_PERIOD_S, Sample, Sampler
from jupyter_green.server.history import Drawn, PowerHistory, PowerPoint
from jupyter_green.units import NS_PER_S

INTERVAL_S = 1.0
# A gauge is read more often, so that its joules are right.
SHORTEST_S = 0.1
# A power older than this is not the present one.
RECENT_S = 3 * INTERVAL_S
# A background reading may come a little early.
NEARLY = 0.9

Told = Callable[[PowerPoint], None]


class LivePower:
    """Watts of this host, while somebody watches.

    Args:
        find: Finds the devices; called on a thread.
        tell: Called on the sampler's thread with each point.
        warn: Called on that thread with one line for each new fault.
        clock: Monotonic nanoseconds.
        wall: Seconds since 1970.
    """

    def __init__(
        self,
        find: Callable[[], Found],
        *,
        tell: Told = lambda _: None,
        warn: Callable[[str], None] = lambda _: None,
        clock: Clock = time.monotonic_ns,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._find = find
        self._tell = tell
        self._warn = warn
        self._clock = clock
        self._wall = wall
        self._lock = threading.Lock()
        self._history = PowerHistory()
        self._found: Found | None = None
        self._sampler: Sampler | None = None
        self._is_preparing = False
        self._is_wanted = False
        self._is_closed = False
        self._ready = threading.Event()
        self._told_ns = -NS_PER_S
        self._powers_ns: dict[str, int] = {}

    @property
    def found(self) -> Found | None:
        """The devices and what stands against others; None: still looking."""
        return self._found

    @property
    def is_sampling(self) -> bool:
        """Whether devices are being read."""
        return self._is_wanted and self._sampler is not None

    def prepare(self) -> None:
        """Begin to look for devices, unless that was done."""
        with self._lock:
            if self._is_preparing or self._is_closed:
                return
            self._is_preparing = True
        threading.Thread(
            target=self._prepare, name="jupyter-green-find", daemon=True
        ).start()

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait until the devices have been found, on a thread that may wait."""
        self.prepare()
        return self._ready.wait(timeout_s)

    def resume(self) -> None:
        """Sample from now on, as soon as there is something to sample."""
        self.prepare()
        with self._lock:
            if not self._is_wanted and not self._is_closed:
                self._is_wanted = True
                if self._sampler:
                    self._sampler.hold()
                    # The first step is a second long from now on.
                    threading.Thread(
                        target=self._sample, args=(self._sampler,), daemon=True
                    ).start()

    def pause(self) -> None:
        """Sample no more."""
        with self._lock:
            if self._is_wanted:
                self._is_wanted = False
                if self._sampler:
                    self._sampler.release()

    def look_again(self) -> Found:
        """Find the devices anew, after a remedy; takes its time and gives them.

        What was sampled before is forgotten: the devices may be others.
        """
        found = self._find()
        self._use(found)
        return found

    def since(self, t: float) -> list[PowerPoint]:
        """Return the points later than *t*, in seconds since 1970."""
        with self._lock:
            return self._history.since(t)

    @property
    def last(self) -> PowerPoint | None:
        """The newest point, if it is not older than what it could be."""
        with self._lock:
            return self._history.last

    def drawn(self, identifier: str, since_ns: int) -> Drawn | None:
        """Return what a device drew since a monotonic moment, as far as is known."""
        with self._lock:
            return self._history.drawn(identifier, since_ns)

    def drawn_in(self, identifier: str, last_s: float) -> Drawn | None:
        """Return what a device drew in the last seconds, as far as is known."""
        return self.drawn(identifier, self._clock() - round(last_s * NS_PER_S))

    def drawn_since(self, identifier: str, since_s: float) -> Drawn | None:
        """Return what a device drew since a moment in seconds since 1970."""
        return self.drawn_in(identifier, self._wall() - since_s)

    def now_w(self, identifier: str) -> float | None:
        """Return what a device draws now; None: nothing was read just now."""
        last = self.last
        if last is None or self._wall() - last.t > RECENT_S:
            return None
        return last.power_w.get(identifier)

    def close(self) -> None:
        """Stop for good."""
        self.pause()
        with self._lock:
            self._is_closed = True
            sampler, self._sampler = self._sampler, None
        if sampler:
            sampler.close()

    def _prepare(self) -> None:
        try:
            self._use(self._find())
        # A settings file may be broken: the server goes on, and says so where asked.
        except Exception as err:  # noqa: BLE001
            self._warn(f"the devices cannot be found: {err}")
            self._found = Found((), (_unfound(err),))
        finally:
            self._ready.set()

    def _use(self, found: Found) -> None:
        sampler = Sampler(
            found.devices,
            clock=self._clock,
            interval_s=_interval_s(found.devices),
            on_problem=self._warn,
        )
        sampler.subscribe(self._take)
        with self._lock:
            old, self._sampler = self._sampler, None if self._is_closed else sampler
            self._found = found
            self._history = PowerHistory()
            self._told_ns = -NS_PER_S
            is_wanted = self._is_wanted and not self._is_closed
            if is_wanted:
                sampler.hold()
        if is_wanted:
            self._sample(sampler)
        if old:
            old.close()

    def _sample(self, sampler: Sampler) -> None:
        self._take(sampler.sample(with_host=False))

    def _take(self, sample: Sample) -> None:
        with self._lock:
            if sample.t_ns - self._told_ns < NEARLY * INTERVAL_S * NS_PER_S:
                return
            self._told_ns = sample.t_ns
        told_w = self._told_w(sample)
        with self._lock:
            point = self._history.add(sample, self._wall(), told_w)
        if point:
            self._tell(point)

    def _told_w(self, sample: Sample) -> Mapping[str, float]:
        """Return the mean power readings of slow counters over the last step."""
        told = {}
        for device in self._sampler.devices if self._sampler else ():
            about = device.about
            is_slow = about.resolution_j is not None and (
                about.update_period_s > SLOW_PERIOD_S
            )
            if not is_slow or not isinstance(device, Traced):
                continue
            if not device.has_power_history:
                continue
            since_ns = self._powers_ns.get(about.id, 0)
            self._powers_ns[about.id] = sample.t_ns
            since_ns = max(since_ns, sample.t_ns - round(INTERVAL_S * NS_PER_S))
            readings = device.powers(since_ns)
            if readings:
                told[about.id] = sum(r.power_w for r in readings) / len(readings)
        return told


def _unfound(err: Exception) -> Problem:
    """Return why no device was found: the search itself failed."""
    what = "the search for devices failed"
    if isinstance(err, JupyterGreenError):
        why = f"{err.what}: {err.why}" if err.why else err.what
        return Problem("devices", what, why, err.remedy, "", "broken")
    why = f"{type(err).__name__}: {err}"
    remedy = "Please report this with the server's log"
    return Problem("devices", what, why, remedy, "", "broken")


def _interval_s(devices: tuple[Device, ...]) -> float:
    longest = [d.about.max_interval_s for d in devices if d.about.max_interval_s]
    return max(SHORTEST_S, min([INTERVAL_S, *longest]))
