"""The open streams, and what is said on them.

Imports `wire` values only by their JSON form.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec


class Client(Protocol):
    """An open stream."""

    is_visible: bool

    def send(self, text: str) -> None:
        """Send one message; a client that does not keep up is closed."""
        ...

    def __hash__(self) -> int: ...


class Hub:
    """Say the same to all."""

    def __init__(self) -> None:
        self._clients: set[Client] = set()

    def __len__(self) -> int:
        """Return how many streams are open."""
        return len(self._clients)

    def add(self, client: Client) -> None:
        """Say it to this one too."""
        self._clients.add(client)

    def remove(self, client: Client) -> None:
        """Say nothing more to this one."""
        self._clients.discard(client)

    def say(self, kind: str, *, only_visible: bool = False, **fields: Any) -> None:
        """Say something to all, or to those whom somebody sees."""
        chosen = [c for c in self._clients if c.is_visible or not only_visible]
        if not chosen:
            return
        text = message(kind, **fields)
        for client in chosen:
            client.send(text)


def message(kind: str, **fields: Any) -> str:
    """Return a message as JSON."""
    return msgspec.json.encode({"type": kind, **fields}).decode()
