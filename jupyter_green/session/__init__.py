"""One process's metering, wired: settings, meter, carbon intensity and ledger.

Every door opens a session: the magics one for a kernel, ``jupyter green run`` one for a
command, `metered` one for a script.  What takes time (finding devices, reading the
intensity data) is prepared in the background, so that opening costs nothing.

Imports what stands below; knows no Jupyter.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from jupyter_green import carbon
from jupyter_green.devices import discover
from jupyter_green.devices.cpu_time import CpuTimes, tree_pids
from jupyter_green.devices.device import Device, Found, Problem
from jupyter_green.errors import JupyterGreenError
from jupyter_green.ledger import LedgerWriter, ledger_folder, new_session
from jupyter_green.meter import Meter, Window
from jupyter_green.meter.baseline import idle_powers
from jupyter_green.meter.synchronise import has_gpu_context
from jupyter_green.records import Baseline, Git, Host, Intensity, Record
from jupyter_green.report.budgets import budgets_in_force
from jupyter_green.sampler import Sample
from jupyter_green.session import provenance
from jupyter_green.session.budget_watch import BudgetWatch
from jupyter_green.session.idle import QuietBaseline
from jupyter_green.settings import Resolved, Settings, checked_settings

KEPT_RECORDS = 10_000
GIT_REFRESH_S = 60.0
BASELINE_BLOCK_S = 0.5
READY_TIMEOUT_S = 30.0

Finder = Callable[[Settings], Found]

_opened: list[Session] = []


class Session:
    """Everything that metering in one process needs.

    Args:
        resolved: The settings in force.
        notebook: Returns the notebook's path, if anything knows it.
        find_devices: Finds the devices for the settings.
        on_final: Called with the final state of each record, on any thread.
    """

    def __init__(
        self,
        resolved: Resolved,
        *,
        notebook: Callable[[], str] = lambda: "",
        find_devices: Finder | None = None,
        on_final: Callable[[Record], None] = lambda _: None,
    ) -> None:
        self.resolved = resolved
        self.id = uuid.uuid4().hex
        self.pid = os.getpid()
        self.folder = ledger_folder(resolved.values.ledger)
        self.records: deque[Record] = deque(maxlen=KEPT_RECORDS)
        self.baseline: Baseline | None = None
        self.idle = QuietBaseline(
            lambda seconds, wait: self.measure_baseline(seconds, wait=wait)
        )
        self._notebook = notebook
        self._find_devices = find_devices or discover
        self._on_final = on_final
        self._seen_warnings: set[str] = set()
        self._warnings: deque[str] = deque(maxlen=100)
        self._lock = threading.RLock()
        self._ready = threading.Event()
        self._patience_s = READY_TIMEOUT_S
        self._failure = ""
        self._found = Found((), ())
        self._meter: Meter | None = None
        self._place: carbon.LiveIntensity | None = None
        self._host: Host | None = None
        self._git: Git | None = None
        self._git_read_s = float("-inf")
        self.ledger = LedgerWriter(
            self.folder,
            session=new_session(
                session_id=self.id,
                host=provenance.host_id(),
                versions=provenance.software_versions(),
                heartbeat_s=self.settings.heartbeat_s,
            ),
            on_problem=self.warn,
        )
        self.budgets = BudgetWatch(
            self.folder,
            read=lambda: budgets_in_force(self.folder, self.resolved),
            flush=self.ledger.flush,
            warn=self.warn,
        )
        atexit.register(self.close)
        _opened.append(self)
        threading.Thread(
            target=self._prepare, name="jupyter-green-prepare", daemon=True
        ).start()

    @property
    def settings(self) -> Settings:
        """The values in force."""
        return self.resolved.values

    @property
    def devices(self) -> tuple[Device, ...]:
        """What is read; none if the devices could not be found."""
        self._wait()
        return self._found.devices

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What cannot be measured here, and why."""
        self._wait()
        return self._found.problems

    @property
    def notebook(self) -> str:
        """The notebook's path, as records have it; empty if it is not known."""
        return self._notebook_path()

    @property
    def intensity(self) -> Intensity | None:
        """The carbon intensity in force; live if a token asks for it."""
        self._wait()
        if self._place is None:
            return None
        self._place.refresh_soon()
        return self._place.current()

    @property
    def meter(self) -> Meter:
        """The meter; waits until the devices have been found."""
        if not self._wait():
            raise JupyterGreenError(
                "the devices were not found in time",
                remedy="Run `jupyter green doctor` to see which one does not answer",
            )
        if self._meter is None:
            raise JupyterGreenError("metering could not be prepared", why=self._failure)
        return self._meter

    def warn(self, text: str) -> None:
        """Keep one line of text for the door to show, each text once."""
        with self._lock:
            if text not in self._seen_warnings:
                self._seen_warnings.add(text)
                self._warnings.append(text)

    def take_warnings(self) -> list[str]:
        """Return warnings that were not taken before."""
        with self._lock:
            taken = list(self._warnings)
            self._warnings.clear()
        return taken

    def begin(self, label: str = "", **known: Any) -> Window:
        """Open a window; see `Meter.begin`."""
        return self.meter.begin(label, **known)

    def end_parts(self) -> None:
        """End what failed work left open on this thread; never raises, never waits."""
        if self._ready.is_set() and self._meter is not None:
            try:
                self._meter.end_parts()
            except JupyterGreenError as err:
                self.warn(f"a part is not ended: {err}")

    def measure_baseline(
        self, seconds: float, *, wait: Callable[[float], None] = time.sleep
    ) -> Baseline:
        """Measure idle power for *seconds*; later records give net figures too.

        Raises:
            JupyterGreenError: Work is being metered, or no device gave a figure.
        """
        meter = self.meter
        if meter.open_windows:
            raise JupyterGreenError(
                "idle power cannot be measured now",
                why="something is being metered, so the machine is not idle",
                remedy="Run `%green baseline` in a cell of its own, not under %%energy",
            )
        slow_s = max((d.about.update_period_s for d in meter.devices), default=0.0)
        block_s = max(BASELINE_BLOCK_S, 5 * slow_s)
        samples: list[Sample] = [meter.sampler.sample()]
        for _ in range(max(3, round(seconds / block_s))):
            wait(block_s)
            samples.append(meter.sampler.sample())
        powers = idle_powers(samples)
        if not powers:
            raise JupyterGreenError(
                "no device gave an idle power", remedy="Run `%green doctor`"
            )
        self.baseline = Baseline(
            measured_at=meter.wall.stamp(samples[-1].t_ns),
            duration_s=(samples[-1].t_ns - samples[0].t_ns) / 1e9,
            state=idle_state(),
            power_w={i: power_w for i, (power_w, _) in powers.items()},
            uncertainty_w={i: half_w for i, (_, half_w) in powers.items()},
        )
        meter.baseline_w = dict(powers)
        self.ledger.baseline(self.baseline)
        return self.baseline

    def set_location(self, stated: Mapping[str, Any]) -> None:
        """Use another location from now on, for this session only.

        Args:
            stated: Some of ``country``, ``region``, ``cloud``, ``intensity_g_per_kwh``;
                what is not among them counts as not set.

        Raises:
            LocationError: The intensity data does not have it.
            SettingsError: A value cannot be used.
        """
        settings = carbon.relocate(self.settings, **checked_settings(stated))
        self._place = carbon.LiveIntensity(settings)
        origins = {**self.resolved.origins, **dict.fromkeys(stated, "%green location")}
        self.resolved = replace(self.resolved, values=settings, origins=origins)

    def settle(self) -> None:
        """Wait until every ended window is final."""
        if self._wait() and self._meter is not None:
            self._meter.settle()

    def close(self) -> None:
        """End what is open, settle, and write what is not yet written."""
        atexit.unregister(self.close)
        if self in _opened:
            _opened.remove(self)
        # After a fork the windows are the parent's to end.
        if self.pid == os.getpid():
            self.idle.stop()
            if self._ready.is_set() and self._meter is not None:
                self._meter.close()
                self._meter.sampler.close()
            self.budgets.close()
        self.ledger.close()

    # The meter's journal: the ledger has every state, the door the final one.

    def started(self, record: Record) -> None:
        """Write the beginning of a run."""
        self.ledger.start(record)
        self.budgets.started(record)

    def progressed(self, record: Record) -> None:
        """Write the figures so far."""
        self.ledger.heartbeat(record.id, record.duration_s, record.devices)
        self.budgets.progressed(record)

    def ended(self, record: Record) -> None:
        """Write the end of a run, and again when it is final."""
        self.ledger.end(record)
        self.budgets.ended(record)
        if record.final:
            self.records.append(record)
            self._on_final(record)

    def enrich(self, record: Record) -> Record:
        """Add what the meter does not know."""
        self._refresh_git()
        return msgspec.structs.replace(
            record,
            session=self.id,
            intensity=self.intensity,
            pue=carbon.stated_pue(self.settings),
            notebook=self._notebook_path(),
            host=self._host,
            git=self._git,
            versions=provenance.software_versions(),
            baseline=self.baseline,
        )

    def _notebook_path(self) -> str:
        if not self.settings.store_notebook_path:
            return ""
        return self.settings.notebook or self._notebook()

    def _wait(self) -> bool:
        """Wait until the devices have been found; after one time-out no more."""
        ready = self._ready.wait(self._patience_s)
        if not ready:
            self._patience_s = 0.0
        return ready

    def _prepare(self) -> None:
        try:
            self._host = provenance.describe_host(
                with_name=self.settings.store_host_name
            )
            self._found = self._find_devices(self.settings)
            self._meter = Meter(
                self._found.devices,
                journal=self,
                enrich=self.enrich,
                heartbeat_s=self.settings.heartbeat_s,
                host_times=CpuTimes().read,
                own_pids=tree_pids,
                interval_s=self.settings.sampling_s,
                on_problem=self.warn,
            )
            self._meter.sampler.subscribe(self._look_at_budgets)
            self._prepare_intensity()
        # Whatever goes wrong here, the user's cells go on unmetered; `meter` says why.
        except Exception as err:  # noqa: BLE001
            self._failure = f"{type(err).__name__}: {err}"
        finally:
            self._ready.set()
        self._refresh_git()
        self.budgets.refresh_soon()

    def _look_at_budgets(self, sample: Sample) -> None:
        if self._meter is not None:
            self.budgets.look(self._meter.open_windows, sample)

    def _prepare_intensity(self) -> None:
        try:
            self._place = carbon.LiveIntensity(self.settings)
        except JupyterGreenError as err:
            # A location that cannot be found costs the grams, not the joules.
            self.warn(f"no CO2e: {err}")

    def _refresh_git(self) -> None:
        """Read the commit again now and then, away from the user's cell."""
        if time.monotonic() - self._git_read_s < GIT_REFRESH_S:
            return
        self._git_read_s = time.monotonic()

        def read() -> None:
            self._git = provenance.git_state(working_folder())

        if threading.current_thread().name == "jupyter-green-prepare":
            read()
        else:
            threading.Thread(target=read, daemon=True).start()


def idle_state() -> str:
    """Say what idle means now: a GPU context alone raises a GPU's idle power."""
    context = "with" if has_gpu_context() else "without"
    return f"kernel idle, {context} a GPU context of its own"


def current_session() -> Session | None:
    """Return the session of this process that was opened last and is not closed."""
    return next((s for s in reversed(_opened) if s.pid == os.getpid()), None)


def working_folder() -> Path:
    """Return the working folder, or the root where it has been removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path(os.sep)
