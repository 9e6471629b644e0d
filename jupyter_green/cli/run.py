"""``jupyter green run -- CMD``: meter any command."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_green.config import settings_in_force
from jupyter_green.errors import JupyterGreenError
from jupyter_green.records import PURPOSES
from jupyter_green.report.card import line
from jupyter_green.session import Session

NOT_EXECUTABLE, NOT_FOUND = 126, 127  # the codes of env(1) and the shells
LONGEST_LABEL = 60
# A terminal sends these to all of its foreground: the command has them already.
FROM_KEYS = {getattr(signal, name, None) for name in ("SIGINT", "SIGQUIT")}


def add_parser(verbs: Any) -> None:
    """Register the verb."""
    parser = verbs.add_parser(
        "run",
        help="meter a command; its exit code and signals are passed on",
        usage="jupyter green run [-l LABEL] [-p PURPOSE] [-q] [-v] -- COMMAND ...",
    )
    parser.add_argument("-l", "--label", default="", help="default: the command")
    parser.add_argument("-p", "--purpose", choices=PURPOSES)
    parser.add_argument("--ledger", help="folder of the ledger")
    parser.add_argument("-q", "--quiet", action="store_true", help="warnings only")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument(
        "--simulated", action="store_true", default=None, help="simulated devices"
    )
    parser.add_argument("command", nargs=argparse.REMAINDER)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command, meter it, and return its exit code.

    Raises:
        JupyterGreenError: There is no command.
    """
    command = options.command[options.command[:1] == ["--"] :]
    if not command:
        raise JupyterGreenError(
            "there is no command to run", remedy="jupyter green run -- python train.py"
        )
    with _signals_for_this_thread():
        session = Session(
            settings_in_force(
                {"ledger": options.ledger, "simulated": options.simulated}
            )
        )
        label = options.label or shlex.join(command)[:LONGEST_LABEL]
        window = _begin(session, label, options.purpose)
    code, error = _execute(command)
    if window is not None:
        record = session.meter.end(
            window,
            wait=True,
            status="ok" if code == 0 else _status(code),
            error=error,
        )
        if not options.quiet:
            text = line(record, verbose=options.verbose)
            sys.stderr.write(f"jupyter green: {text}\n")
    session.close()
    for warning in session.take_warnings():
        sys.stderr.write(f"jupyter green: {warning}\n")
    return code


def _begin(session: Session, label: str, purpose: str | None) -> Any:
    try:
        return session.begin(label, purpose=purpose)
    # The command runs in any case.
    except Exception as err:  # noqa: BLE001
        sys.stderr.write(f"jupyter green: not metered: {err}\n")
        return None


def _status(code: int) -> str:
    ends = {128 + signal.SIGINT, 128 + signal.SIGTERM, 128 + signal.SIGHUP}
    if code == 128 + signal.SIGKILL:
        return "killed"
    return "interrupted" if code in ends else "error"


def _execute(command: list[str]) -> tuple[int, str]:
    """Run the command; return its exit code, and why it is not 0."""
    with _forwarding() as forward_to:
        try:
            process = subprocess.Popen(command)  # noqa: S603 - the user's own command
        except FileNotFoundError:
            sys.stderr.write(f"jupyter green: {command[0]}: command not found\n")
            return NOT_FOUND, "command not found"
        except OSError as err:
            sys.stderr.write(f"jupyter green: {command[0]}: {err.strerror}\n")
            return NOT_EXECUTABLE, "command cannot be executed"
        forward_to(process)
        code = process.wait()
    if code < 0:
        return 128 - code, f"ended by signal {-code}"
    return code, f"exit code {code}" if code else ""


@contextmanager
def _signals_for_this_thread() -> Iterator[None]:
    """Keep signals from the threads that are started meanwhile.

    A signal that the system hands to another thread does not wake this one from
    waiting for the command, and would be passed on only after its end.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _forwarding() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Pass signals on to the process that is named, also those from before its start.

    What this process was told to ignore (``nohup``) is ignored by the command too.
    """
    running: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def forward(number: int, _: object) -> None:
        if number in FROM_KEYS and _shares_terminal():
            return
        for process in running:
            process.send_signal(number)
        if not running:
            early.append(number)

    def forward_to(process: subprocess.Popen[bytes]) -> None:
        running.append(process)
        for number in early:
            process.send_signal(number)

    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    heard = [n for n in numbers if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, forward) for number in heard}
    try:
        yield forward_to
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _shares_terminal() -> bool:
    """Say whether a key such as Ctrl-C signals this process and its command alike."""
    if not hasattr(os, "ctermid"):
        return True  # the console of Windows does
    try:
        terminal = os.open(os.ctermid(), os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
