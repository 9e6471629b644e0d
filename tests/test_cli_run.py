"""``jupyter green run``: real commands, their exit codes, signals and records."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from shells import isolate, ledger_records

from jupyter_green.records import Record

PROGRAM = Path(sys.executable).with_name("jupyter-green")
PATIENCE_S = 60

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="no POSIX signals: this is Windows"
)


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test simulated devices and a ledger of its own."""
    return isolate(tmp_path, monkeypatch)


def green(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run ``jupyter green run`` to its end."""
    return subprocess.run(
        [PROGRAM, "run", *arguments],
        input=given,
        capture_output=True,
        check=False,
        timeout=PATIENCE_S,
    )


@contextmanager
def started(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """Start a metered command away from any terminal; wait until it printed a line."""
    with subprocess.Popen(
        [PROGRAM, "run", "--", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def only(ledger: Path) -> Record:
    """Return the one record of the ledger."""
    (record,) = ledger_records(ledger)
    return record


@pytest.mark.parametrize(("code", "status"), [(0, "ok"), (3, "error")])
def test_exit_code_is_passed_on(ledger: Path, code: int, status: str) -> None:
    """The record has the status, and the command as its label."""
    done = green("--", "sh", "-c", f"exit {code}")
    assert done.returncode == code
    record = only(ledger)
    assert (record.status, record.final) == (status, True)
    assert record.error == ("exit code 3" if code else "")
    assert record.label == f"sh -c 'exit {code}'"
    assert record.energy_j
    assert record.energy_j > 0
    assert record.session


@pytest.mark.parametrize(
    ("name", "status"),
    [("KILL", "killed"), ("TERM", "interrupted"), ("SEGV", "error")],
)
def test_death_by_a_signal(ledger: Path, name: str, status: str) -> None:
    """It gives 128 + N, as in a shell."""
    number = getattr(signal, f"SIG{name}")
    assert green("--", "sh", "-c", f"kill -{name} $$").returncode == 128 + number
    record = only(ledger)
    assert (record.status, record.error) == (status, f"ended by signal {number}")


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP", "USR1"])
def test_signals_reach_the_command(ledger: Path, name: str) -> None:
    """A command that handles them ends as it likes."""
    script = f"trap 'echo got; exit 7' {name}; echo ready; while :; do sleep 0.05; done"
    with started(["sh", "-c", script]) as process:
        process.send_signal(getattr(signal, f"SIG{name}"))
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (7, "got\n")
    assert "Traceback" not in err
    assert only(ledger).error == "exit code 7"


def test_an_interrupt_ends_a_plain_command(ledger: Path) -> None:
    """A command that does not handle it is recorded as interrupted."""
    with started(["sh", "-c", "echo ready; exec sleep 60"]) as process:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (130, "")
    assert only(ledger).status == "interrupted"


def test_what_is_ignored_stays_ignored(ledger: Path) -> None:
    """Under ``nohup`` the command outlives the terminal."""
    inner = "import os, signal, sys; print(signal.getsignal(signal.SIGHUP), flush=True)"
    inner += "; os.kill(os.getppid(), signal.SIGHUP)"
    whole = shlex.join([str(PROGRAM), "run", "--", sys.executable, "-c", inner])
    done = subprocess.run(
        ["sh", "-c", f"trap '' HUP; exec {whole}"],
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE_S,
    )
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert only(ledger).status == "ok"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals: no openpty")
def test_a_key_signals_the_command_once(ledger: Path) -> None:
    """The terminal tells the command itself, so that nothing is passed on to it."""
    inner = (
        "import signal, sys, time\n"
        "got = []\n"
        "signal.signal(signal.SIGINT, lambda *_: got.append(1))\n"
        "print('ready', flush=True)\n"
        "while not got: time.sleep(0.02)\n"
        "time.sleep(0.3); print('got', len(got), flush=True)\n"
    )
    code = (
        "import os, pty, sys\n"
        "pid, terminal = pty.fork()\n"
        "if not pid: os.execv(sys.argv[1], sys.argv[1:])\n"
        "shown = b''\n"
        "while b'ready' not in shown: shown += os.read(terminal, 100)\n"
        "os.write(terminal, b'\\x03')\n"
        "try:\n"
        "    while part := os.read(terminal, 100): shown += part\n"
        "except OSError: pass\n"
        "print(shown.decode())\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    command = [PROGRAM, "run", "-q", "--", sys.executable, "-c", inner]
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE_S,
    )
    assert "got 1" in done.stdout
    assert done.returncode == 0
    assert only(ledger).status == "ok"


def test_a_command_that_is_not_there(ledger: Path) -> None:
    """It gives 127 and a sentence, and is on record as failed."""
    done = green("--", "no-such-command-here")
    assert done.returncode == 127
    assert b"no-such-command-here: command not found" in done.stderr
    assert (only(ledger).status, only(ledger).error) == ("error", "command not found")


def test_a_command_that_cannot_be_executed(ledger: Path, tmp_path: Path) -> None:
    """It gives 126 and the system's reason."""
    path = tmp_path / "text"
    path.write_text("no program")
    done = green("--", str(path))
    assert done.returncode == 126
    assert b"Permission denied" in done.stderr
    assert only(ledger).error == "command cannot be executed"


def test_streams_are_the_commands_own() -> None:
    """Bytes go in and out untouched; our line goes to the error stream."""
    given = bytes(range(256)) * 100
    done = green("--", "cat", given=given)
    assert done.stdout == given
    told = done.stderr.decode().splitlines()
    assert len(told) == 1
    assert told[0].startswith("jupyter green: cat:")
    assert "SIMULATED" in told[0]


def test_quiet_and_verbose() -> None:
    """``-q`` prints nothing, ``-v`` a line for each device as well."""
    assert green("-q", "--", "true").stderr == b""
    told = green("-v", "--", "true").stderr.decode()
    assert "simulated GPU" in told
    assert len(told.splitlines()) > 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--", "sh", "-c", 'echo "$@"', "x", "-l", "--", "-q"],
        ["sh", "-c", 'echo "$@"', "x", "-l", "--", "-q"],
    ],
)
def test_only_the_first_dashes_are_ours(arguments: list[str]) -> None:
    """What stands behind the command is the command's, with ``--`` before it or not."""
    assert green("-q", *arguments).stdout == b"-l -- -q\n"


def test_label_and_purpose(ledger: Path, tmp_path: Path) -> None:
    """They are on the record, which goes to the ledger that is named."""
    other = tmp_path / "other"
    done = green("-l", "fit", "-p", "final", "--ledger", str(other), "--", "true")
    assert done.returncode == 0
    assert (only(other).label, only(other).purpose) == ("fit", "final")
    assert not ledger.exists()


def test_wrong_use() -> None:
    """Nothing to run and an unknown purpose give 2, and say what to do."""
    nothing = green("--")
    assert nothing.returncode == 2
    assert b"jupyter green run -- python train.py" in nothing.stderr
    assert green("-p", "fun", "--", "true").returncode == 2


def test_a_ledger_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command runs with its own exit code; one warning says what is wrong."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JUPYTER_GREEN_LEDGER", str(tmp_path / "file"))
    done = green("-q", "--", "sh", "-c", "exit 3")
    assert done.returncode == 3
    (told,) = done.stderr.decode().splitlines()
    assert "cannot be written" in told
