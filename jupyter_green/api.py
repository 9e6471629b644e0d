"""The Python door: `Meter` for any script, and `metered` for functions.

    with Meter() as meter:                 # finds the devices of this machine
        with meter.window("train") as window:
            train()
    print(window.record)

`Meter` writes no ledger; its records are the caller's.  `metered` writes the ledger, as
``%%energy`` does.
"""

from __future__ import annotations

import atexit
import functools
import inspect
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, ParamSpec, TypeVar, cast

import msgspec

from jupyter_green import carbon
from jupyter_green.config import settings_in_force
from jupyter_green.devices import discover
from jupyter_green.devices.cpu_time import CpuTimes, tree_pids
from jupyter_green.devices.device import Device
from jupyter_green.errors import LocationError, MeterError
from jupyter_green.meter import Meter as BareMeter
from jupyter_green.meter import Window
from jupyter_green.records import PURPOSES, Record
from jupyter_green.session import Session, current_session

logger = logging.getLogger(__name__)

KEPT_WINDOWS = 1000

P = ParamSpec("P")
R = TypeVar("R")


class Meter(BareMeter):
    """Meter windows on the devices of this machine, with CO2e by the settings.

    Args:
        devices: What to read; None: whatever is found here.
        options: Arguments of `meter.Meter`, such as ``journal`` or ``clock``.
    """

    def __init__(self, devices: Iterable[Device] | None = None, **options: Any) -> None:
        settings = settings_in_force().values
        if devices is None and "sampler" not in options:
            devices = discover(settings).devices
        try:
            intensity = carbon.find(settings)
        except LocationError:
            # A location that cannot be found costs the grams, not the joules.
            intensity = None
        pue = carbon.stated_pue(settings)

        def enrich(record: Record) -> Record:
            return msgspec.structs.replace(record, intensity=intensity, pue=pue)

        if "sampler" not in options:
            options.setdefault("host_times", CpuTimes().read)
            options.setdefault("own_pids", tree_pids)
            options.setdefault("interval_s", settings.sampling_s)
        options.setdefault("enrich", enrich)
        options.setdefault("heartbeat_s", settings.heartbeat_s)
        super().__init__(devices or (), **options)


def metered(
    label: str = "",
    *,
    purpose: str | None = None,
    session: Session | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Meter every call of a function and write it to the ledger.

    The windows of a function's last 1,000 calls stand in its attribute ``windows``,
    newest last, also of calls that raised: ``train.windows[-1].record``.  Coroutine
    functions are metered from call to return.  Where metering fails, the function runs
    all the same and the log has one warning.

    Args:
        label: A name for the work; default: the function's.
        purpose: One of `records.PURPOSES`.
        session: A session to use; None: the notebook's, or one that all metered
            functions of a script share, opened at the first call.

    Raises:
        MeterError: The purpose is not one of `records.PURPOSES`.
    """
    if purpose is not None and purpose not in PURPOSES:
        raise MeterError(
            f"there is no purpose {purpose!r}",
            remedy=f"Choose one of {', '.join(PURPOSES)}",
        )

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        name = label or function.__qualname__
        kept: deque[Window] = deque(maxlen=KEPT_WINDOWS)

        @contextmanager
        def call() -> Iterator[None]:
            with ExitStack() as stack:
                try:
                    used = session or _shared_session()
                    window = used.meter.window(name, purpose=purpose)
                    kept.append(stack.enter_context(window))
                # The user's function runs in any case.
                except Exception as err:  # noqa: BLE001
                    _warn(f"{name} is not metered: {err}")
                yield
            _tell_warnings()

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                with call():
                    return await function(*args, **kwargs)

            wrapped: Any = run_async
        else:

            @functools.wraps(function)
            def run(*args: P.args, **kwargs: P.kwargs) -> R:
                with call():
                    return function(*args, **kwargs)

            wrapped = run
        wrapped.windows = kept
        return cast("Callable[P, R]", wrapped)

    return decorate


_opening = threading.Lock()
_own: list[Session] = []


def _shared_session() -> Session:
    """Return the process's session; its calls nest, so that none is charged twice."""
    with _opening:
        found = current_session()
        if found is None:
            found = Session(settings_in_force())
            _own[:] = [found]
        return found


@atexit.register
def _tell_warnings() -> None:
    """Log what went wrong in a session that no other door looks after."""
    for session in _own:
        for text in session.take_warnings():
            _warn(text)


@functools.cache
def _warn(text: str) -> None:
    logger.warning(text)
