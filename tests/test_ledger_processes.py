"""Recognising the process behind a session."""

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil

from jupyter_green.ledger.processes import (
    boot_id,
    is_alive,
    new_session,
    pid_namespace,
    process_started,
)


def test_this_process_is_alive_and_another_start_time_is_another_process() -> None:
    """A number used again does not bring a dead process back."""
    session = new_session(session_id="s", host="h", versions={"a": "1"})
    assert (session.id, session.host, session.versions) == ("s", "h", {"a": "1"})
    assert session.process_started is not None
    assert is_alive(session) is True
    before = session.process_started - 100
    assert is_alive(msgspec.structs.replace(session, process_started=before)) is False
    assert is_alive(msgspec.structs.replace(session, process_started=None)) is True
    assert is_alive(msgspec.structs.replace(session, pid=2**22 + 1)) is False


def test_another_boot_or_container_cannot_be_seen() -> None:
    """There the number says nothing."""
    session = new_session()
    assert is_alive(msgspec.structs.replace(session, boot_id="other")) is None
    assert is_alive(msgspec.structs.replace(session, pid_namespace="pid:[1]")) is None


def test_a_zombie_has_ended() -> None:
    """A process that nobody waited for is dead."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 20
    while process_started(process.pid) is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process_started(process.pid) is None
    process.wait()


def test_without_proc_psutil_answers(tmp_path: Path) -> None:
    """Systems without /proc are served as well."""
    assert boot_id(tmp_path) == boot_id(tmp_path) != boot_id()
    assert pid_namespace(tmp_path) == ""
    expected = psutil.Process().create_time()
    assert process_started(os.getpid(), tmp_path) == expected
    assert process_started(2**22 + 1, tmp_path) is None
