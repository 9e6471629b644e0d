"""The stream of events: a WebSocket, whose being open and seen is the lease."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado import web
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from jupyter_green.server.handlers import RESOURCE
from jupyter_green.server.state import GreenServer
from jupyter_green.server.wire import Visible

# A client that is so many messages behind is not reading.
MAX_PENDING = 500
MAX_MESSAGE = 1024
POLICY_VIOLATION, TRY_AGAIN_LATER = 1008, 1013


class StreamHandler(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """One client's stream."""

    auth_resource = RESOURCE

    def initialize(self, green: GreenServer) -> None:
        """Take what is watched."""
        self.green = green
        self.is_visible = True
        self._pending = 0

    @ws_authenticated
    async def get(self, *arguments: Any, **named: Any) -> None:
        """Open the stream for whoever may read."""
        user = self.current_user
        may_read = await ensure_async(
            self.authorizer.is_authorized(self, user, "read", RESOURCE)
        )
        if not may_read:
            raise web.HTTPError(403)
        await super().get(*arguments, **named)

    def open(self, *arguments: Any, **named: Any) -> None:
        """Begin."""
        super().open(*arguments, **named)
        self.green.watch.opened(self)

    def on_message(self, message: str | bytes) -> None:
        """Note whether somebody sees this client."""
        if len(message) > MAX_MESSAGE:
            self.close(POLICY_VIOLATION, "the message is too long")
            return
        try:
            told = msgspec.json.decode(message, type=Visible)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self.close(POLICY_VIOLATION, "the message cannot be understood")
            return
        self.green.watch.shown(self, is_visible=told.visible)

    def on_close(self) -> None:
        """End."""
        self.green.watch.closed(self)

    def send(self, text: str) -> None:
        """Send a message; a client that does not read is closed."""
        if self._pending > MAX_PENDING:
            self.green.watch.closed(self)
            self.close(TRY_AGAIN_LATER, "too slow")
            return
        try:
            written = asyncio.ensure_future(self.write_message(text))
        except WebSocketClosedError:
            self.green.watch.closed(self)
            return
        self._pending += 1
        written.add_done_callback(self._written)

    def _written(self, written: asyncio.Future[None]) -> None:
        self._pending -= 1
        if not written.cancelled() and written.exception() is not None:
            self.green.watch.closed(self)  # it closed while this was under way
