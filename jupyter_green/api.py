"""The Python door: `Meter` for any script, `metered` for functions, and `compare`.

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
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import msgspec

from jupyter_green import carbon
from jupyter_green.config import settings_in_force
from jupyter_green.devices import discover
from jupyter_green.devices.cpu_time import CpuTimes, tree_pids
from jupyter_green.devices.device import Device
from jupyter_green.errors import LocationError, MeterError
from jupyter_green.ledger import ledger_folder, parse_since, read_ledger
from jupyter_green.meter import Meter as BareMeter
from jupyter_green.meter import Window
from jupyter_green.records import PURPOSES, Record
from jupyter_green.report.arguments import request_of
from jupyter_green.report.compare import compare as compare_records
from jupyter_green.report.compare import groups_of, select
from jupyter_green.report.comparison import Comparison
from jupyter_green.report.contrast import DETECT
from jupyter_green.report.request import ReportRequest
from jupyter_green.session import Session, current_session

logger = logging.getLogger(__name__)

KEPT_WINDOWS = 1000
BAR_AFTER_S = 1.0  # what takes less needs no bar

if TYPE_CHECKING:
    from jupyter_green.report.gathering import Progress
    from jupyter_green.report.making import Written

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
                    used = session or shared_session()
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


def compare(
    *what: Any,
    since: str | None = None,
    ledger: str | Path | None = None,
    detect: float = DETECT,
    embodied_g: float | None = None,
    lower_is_better: Iterable[str] = (),
    higher_is_better: Iterable[str] = (),
    **named: Any,
) -> Comparison:
    """Compare pieces of work: energy, time, CO2e and the metrics given with them.

        jg.compare("plain", "pruned")                    # labels in the ledger
        jg.compare(before.record, after.record)          # records
        jg.compare(plain=[w.record for w in a], pruned=[w.record for w in b])

    The first is the reference.  The result shows itself as a table; it has
    ``contrast``, ``plot``, ``to_dict``, ``to_json`` and ``to_markdown``.

    Args:
        what: Labels, ids of records, records, windows, or lists of these two.
        since: Leave out what began earlier: a date, a time, ``24h``, ``7d``.
        ledger: Folder of the ledger; None: the one in force.
        detect: The relative difference that the number of repeats is given for.
        embodied_g: Grams CO2e of the hardware's making that fall to one run, for the
            Software Carbon Intensity.
        lower_is_better: Metrics of which less is better, beside ``loss`` and the like.
        higher_is_better: Metrics of which more is better in spite of their names.
        named: Further ones, under names of your own.

    Raises:
        CompareError: There are fewer than two, or one of them has nothing measured.
        LedgerError: *since* is no time.
    """
    read: list[Sequence[Record]] = []

    def find(name: str) -> Sequence[Record]:
        if not read:
            read.append(_ledger_records(ledger, since))
        return select(read[0], name)

    groups = groups_of(what, find)
    for name, thing in named.items():
        (records,) = groups_of([thing], find).values()
        groups[name] = records
    return compare_records(
        groups,
        detect=detect,
        embodied_g=embodied_g,
        lower_is_better=lower_is_better,
        higher_is_better=higher_is_better,
    )


def _ledger_records(ledger: str | Path | None, since: str | None) -> Sequence[Record]:
    session = current_session()
    if session is not None:
        session.settle()
        session.ledger.flush()
    if ledger is not None:
        folder = Path(ledger).expanduser()
    elif session is not None:
        folder = session.folder
    else:
        folder = ledger_folder(settings_in_force().values.ledger)
    return read_ledger([folder], since=parse_since(since) if since else None).records


def report(*formats: str, progress: bool | None = None, **options: Any) -> Written:
    """Write the transparency appendix of what was metered.

        jg.report()                                         # Markdown
        jg.report("latex", "json", output="paper/energy", pdf=True)
        jg.report("all", project=".", since="2026-01-01", camera_ready=True)

    In a notebook it is about that notebook, unless a notebook, project or ledger is
    named or *everything* is asked for; elsewhere about the whole ledger.  Names of
    hosts, users and paths are removed unless *camera_ready* asks for them.

    Args:
        formats: Of ``markdown`` (default), ``latex``, ``html``, ``json``, ``csv``,
            ``model-card``, ``boamps``, ``answers``, or ``all``.
        progress: Show a bar; None: on a terminal or in a notebook, if it takes long.
        options: The fields of `report.request.ReportRequest`, such as ``output``,
            ``notebook``, ``project``, ``ledger``, ``since``, ``until``, ``label``,
            ``pdf``, ``camera_ready``, ``force``.

    Returns:
        The folder, its files, what changed, warnings and the facts.

    Raises:
        ReportError: An option is unknown or unusable, or somebody else's file is in
            the way; nothing is written then.
        JupyterGreenError: A ledger, a setting or a time cannot be used.
    """
    return report_of(request_of(formats, options), progress=progress)


def report_of(
    request: ReportRequest,
    *,
    session: Session | None = None,
    progress: bool | None = None,
) -> Written:
    """Write the report that *request* asks for; as `report`, for the other doors.

    Args:
        request: What is asked for.
        session: The notebook's; None: the one of this process, if there is one.
        progress: As in `report`.

    Raises:
        JupyterGreenError: It cannot be made; nothing is written then.
    """
    from jupyter_green.report.making import make_report  # noqa: PLC0415 - large

    session = session or current_session()
    ledger = None
    if session is not None:
        session.settle()
        session.ledger.flush()
        ledger = session.folder
        request = _about_notebook(request, session)
    resolved = settings_in_force(folder=_project_folder(request))
    with _told(progress) as tell:
        return make_report(request, resolved, ledger=ledger, progress=tell)


def _about_notebook(request: ReportRequest, session: Session) -> ReportRequest:
    """Add the session's notebook where nothing else says what a report is about."""
    given = (request.notebooks, request.project, request.ledgers, request.everything)
    if any(given):
        return request
    if session.notebook:
        return msgspec.structs.replace(request, notebooks=(session.notebook,))
    return msgspec.structs.replace(request, session=session.id)


def _project_folder(request: ReportRequest) -> Path | None:
    """Return where the project file is looked for; None: the working folder."""
    if request.project:
        return Path(request.project).expanduser().resolve()
    files = (Path(name).expanduser() for name in request.notebooks)
    return next((path.resolve().parent for path in files if path.is_file()), None)


@contextmanager
def _told(wanted: bool | None) -> Iterator[Progress | None]:
    """Show a bar after a second, where somebody can see it."""
    if wanted is None:
        wanted = sys.stderr.isatty() or current_session() is not None
    if not wanted:
        yield None
        return
    from tqdm import tqdm  # noqa: PLC0415 - only for those who watch

    with tqdm(total=100, delay=BAR_AFTER_S, leave=False, unit="%") as bar:

        def progress(what: str, part: float) -> None:
            bar.update(round(100 * part) - bar.n)
            if not str(bar.desc).startswith(what):
                # By itself it shows the bar at once, whatever the delay is.
                is_due = bar.format_dict["elapsed"] >= BAR_AFTER_S
                bar.set_description(what, refresh=is_due)

        yield progress


_opening = threading.Lock()
_own: list[Session] = []


def shared_session() -> Session:
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
