"""A real kernel, spoken to as a front end does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty
from typing import Any

import msgspec
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from jupyter_green.records import Record
from jupyter_green.report.card import MIME_TYPE

PATIENCE_S = 60.0


@dataclass
class Answer:
    """What came back for one request."""

    reply: dict[str, Any] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    is_idle: bool = False

    @property
    def status(self) -> str:
        """Status in the reply: ``ok``, ``error`` or ``aborted``."""
        return str(self.reply["status"])

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """Everything shown, but our own reports."""
        kinds = ("stream", "display_data", "execute_result", "error")
        return [
            {"type": m["msg_type"], **m["content"]}
            for m in self.messages
            if m["msg_type"] in kinds and MIME_TYPE not in m["content"].get("data", {})
        ]

    @property
    def reports(self) -> list[dict[str, Any]]:
        """Our own messages: type, display id and record."""
        return [as_report(m) for m in self.messages if is_report(m)]

    @property
    def record(self) -> Record:
        """The record that was shown first."""
        record = self.reports[0]["record"]
        assert isinstance(record, Record)
        return record


def is_report(message: dict[str, Any]) -> bool:
    """Say whether a message carries a record."""
    return MIME_TYPE in message["content"].get("data", {})


def as_report(message: dict[str, Any]) -> dict[str, Any]:
    """Return type, display id and record of a message."""
    content = message["content"]
    return {
        "type": message["msg_type"],
        "display_id": content["transient"]["display_id"],
        "record": msgspec.convert(content["data"][MIME_TYPE], Record),
    }


class Kernel:
    """A kernel and its client."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client
        self._answers: dict[str, Answer] = {}

    def run(self, code: str, **options: Any) -> Answer:
        """Execute a cell and wait for all that comes back."""
        return self.wait(self.send(code, **options))

    def send(
        self,
        code: str,
        *,
        subshell_id: str | None = None,
        cell_id: str = "",
        **options: Any,
    ) -> str:
        """Ask for an execution; return the message's id."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
            **options,
        }
        message = self.client.session.msg("execute_request", content)
        message["header"]["subshell_id"] = subshell_id
        message["metadata"] = {"cellId": cell_id} if cell_id else {}
        self.client.shell_channel.send(message)
        identifier = str(message["header"]["msg_id"])
        self._answers[identifier] = Answer()
        return identifier

    def wait(self, identifier: str) -> Answer:
        """Wait until a request is answered and the kernel is idle again."""
        answer = self._answers[identifier]
        self.until(lambda: bool(answer.reply) and answer.is_idle)
        return answer

    def until_running(self, identifier: str) -> None:
        """Wait until a cell has begun, and a little longer."""
        answer = self._answers[identifier]
        self.until(lambda: any(m["msg_type"] == "stream" for m in answer.messages))
        time.sleep(0.3)

    def late_reports(self, answer: Answer) -> list[dict[str, Any]]:
        """Return reports on the same display that came later, under any parent."""
        identifier = answer.reports[0]["display_id"]

        def found() -> list[dict[str, Any]]:
            every = [m for a in self._answers.values() for m in a.messages]
            reports = [as_report(m) for m in every if is_report(m)]
            return [r for r in reports if r["display_id"] == identifier][1:]

        self.until(lambda: bool(found()), patience_s=5.0)
        return found()

    def control(self, kind: str, **content: Any) -> dict[str, Any]:
        """Ask on the control channel."""
        message = self.client.session.msg(kind, content)
        self.client.control_channel.send(message)
        reply = self.client.control_channel.get_msg(timeout=PATIENCE_S)
        found: dict[str, Any] = reply["content"]
        return found

    def until(self, is_done: Any, *, patience_s: float = PATIENCE_S) -> None:
        """Take in messages until *is_done*."""
        deadline_s = time.monotonic() + patience_s
        while not is_done():
            assert time.monotonic() < deadline_s, "the kernel did not answer in time"
            self._take(self.client.iopub_channel, "iopub")
            self._take(self.client.shell_channel, "shell")

    def _take(self, channel: Any, name: str) -> None:
        try:
            message = channel.get_msg(timeout=0.02)
        except Empty:
            return
        parent = message["parent_header"].get("msg_id", "")
        answer = self._answers.setdefault(parent, Answer())
        if name == "shell":
            answer.reply = message["content"]
        elif message["msg_type"] == "status":
            answer.is_idle = message["content"]["execution_state"] == "idle"
        else:
            answer.messages.append(message)


@contextmanager
def open_kernel() -> Iterator[Kernel]:
    """Start a kernel in the environment as it is; stop it at the end."""
    manager = KernelManager()
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE_S)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
