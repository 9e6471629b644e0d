"""Measure idle power once, quietly, when the kernel has been idle long enough.

One thread waits once for a quiet stretch after a cell; a cell that begins stops it, and
after one success it never comes again.  Imports `errors`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from jupyter_green.errors import JupyterGreenError

# Caches settle and clocks fall within a minute after a load.
QUIET_BEFORE_S = 60.0
MEASURE_S = 30.0


class _DisturbedError(Exception):
    """A cell began."""


class QuietBaseline:
    """Watch for a quiet stretch.

    Args:
        measure: Measures for some seconds, waiting by the function it is given.
        quiet_before_s: Seconds of idleness before the measurement.
        measure_s: Seconds of the measurement.
    """

    def __init__(
        self,
        measure: Callable[[float, Callable[[float], None]], object],
        *,
        quiet_before_s: float = QUIET_BEFORE_S,
        measure_s: float = MEASURE_S,
    ) -> None:
        self._measure = measure
        self._quiet_before_s = quiet_before_s
        self._measure_s = measure_s
        self._busy = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.is_done = False

    @property
    def is_watching(self) -> bool:
        """Whether a thread waits for quiet or measures."""
        return self._thread is not None and self._thread.is_alive()

    def work_begins(self) -> None:
        """Stop measuring: the kernel is not idle."""
        self._busy.set()

    def work_ends(self) -> None:
        """Wait for quiet, unless it was measured before."""
        with self._lock:
            if self.is_done:
                return
            self._busy.clear()
            if self.is_watching:
                return
            self._thread = threading.Thread(
                target=self._watch, name="jupyter-green-idle", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Measure no more."""
        self.is_done = True
        self._busy.set()

    def _watch(self) -> None:
        try:
            self._wait(self._quiet_before_s)
            self._measure(self._measure_s, self._wait)
            self.is_done = True
        except _DisturbedError:
            return
        except JupyterGreenError:
            # Nothing here has an idle power, and nobody asked: not worth a warning.
            self.is_done = True

    def _wait(self, seconds: float) -> None:
        if self._busy.wait(seconds):
            raise _DisturbedError
