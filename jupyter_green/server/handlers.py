"""The endpoints: each checks a request, asks `GreenServer`, and writes the answer.

Authenticated, authorised for the resource ``jupyter_green`` (``read`` for GET,
``write`` for POST), protected against forgery by Jupyter's own checks, never counted as
activity.  Only this module, `stream` and `app` know Jupyter.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from jupyter_green.errors import JupyterGreenError, LedgerError
from jupyter_green.server import wire
from jupyter_green.server.jobs import BusyError, JobsError
from jupyter_green.server.paths import PathError
from jupyter_green.server.state import GreenServer
from jupyter_green.server.tags import GoneError

logger = logging.getLogger(__name__)

RESOURCE = "jupyter_green"
STATUS = {
    PathError: HTTPStatus.FORBIDDEN,
    GoneError: HTTPStatus.GONE,
    JobsError: HTTPStatus.GONE,
    BusyError: HTTPStatus.TOO_MANY_REQUESTS,
    LedgerError: HTTPStatus.CONFLICT,
}
# A report takes seconds: by then there may be room for one more.
RETRY_AFTER_S = 10
REMEDIES = {
    HTTPStatus.FORBIDDEN: "Log in again, or ask whoever runs this server",
    HTTPStatus.UNAUTHORIZED: "Log in again",
}


class GreenHandler(APIHandler):
    """What all endpoints have in common."""

    auth_resource = RESOURCE
    _track_activity = False

    def initialize(self, green: GreenServer) -> None:
        """Take what is asked."""
        self.green = green

    def query(self, kind: type[Any]) -> Any:
        """Return the checked arguments of the request."""
        return wire.decode_query(self.request.query_arguments, kind)

    def body(self, kind: type[Any]) -> Any:
        """Return the checked body of the request."""
        return wire.decode_body(self.request.body, kind)

    def answer(self, value: Any) -> None:
        """Write a value as JSON; bytes are JSON already."""
        text = value if isinstance(value, bytes) else msgspec.json.encode(value)
        # Figures of the moment: nobody in between may keep them.
        self.set_header("Cache-Control", "no-store")
        self.finish(text)

    def write_error(self, status_code: int, **about: Any) -> None:
        """Write what, why and what to do as JSON."""
        err = about["exc_info"][1] if "exc_info" in about else None
        status = HTTPStatus(status_code)
        told = {
            "message": status.phrase,
            "reason": "",
            "remedy": REMEDIES.get(status, ""),
        }
        if isinstance(err, JupyterGreenError):
            kinds = STATUS.items()
            found = (code for kind, code in kinds if issubclass(type(err), kind))
            self.set_status(next(found, HTTPStatus.BAD_REQUEST))
            if isinstance(err, BusyError):
                self.set_header("Retry-After", str(RETRY_AFTER_S))
            told = {"message": err.what, "reason": err.why, "remedy": err.remedy}
        elif isinstance(err, web.HTTPError):
            told["reason"] = err.log_message or err.reason or ""
        elif err is not None:
            told["message"] = "the server failed"
            told["reason"] = f"{type(err).__name__}: {err}"
            told["remedy"] = "Please report this with the server's log"
        self.finish(msgspec.json.encode(told))

    def log_exception(self, *about: Any) -> None:
        """Log what is the server's fault; a user's mistake is told to the user."""
        if not isinstance(about[1], JupyterGreenError):
            super().log_exception(*about)


class HostHandler(GreenHandler):
    """Host, devices, findings, ledger, location."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer."""
        self.answer(await self.green.host.overview(self.query(wire.PathQuery)))


class PowerHandler(GreenHandler):
    """Live power; asking keeps the sampler running for a while."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer."""
        self.answer(await self.green.watch.poll(self.query(wire.PowerQuery)))


class TotalsHandler(GreenHandler):
    """Totals of a scope."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer."""
        self.answer(await self.green.figures.totals(self.query(wire.TotalsQuery)))


class BudgetsHandler(GreenHandler):
    """Budgets that bear on a notebook."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer."""
        self.answer(await self.green.budgets.budgets(self.query(wire.PathQuery)))


class RecordsHandler(GreenHandler):
    """Records of a notebook."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer."""
        self.answer(await self.green.figures.records(self.query(wire.RecordsQuery)))


class TagHandler(GreenHandler):
    """A person's word on a record."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Write it."""
        self.answer(await self.green.tags.tag(self.body(wire.TagBody)))


class LocationHandler(GreenHandler):
    """The location of a notebook's project."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Write it."""
        self.answer(await self.green.locations.say(self.body(wire.LocationBody)))


class LocationsHandler(GreenHandler):
    """The places that the data knows."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer."""
        self.answer(await self.green.locations.known())


class ReportHandler(GreenHandler):
    """An appendix to be written."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Begin to write it; the stream and `JobHandler` say what became of it."""
        self.answer(await self.green.appendices.begin(self.body(wire.ReportBody)))


class JobHandler(GreenHandler):
    """What became of an appendix."""

    @web.authenticated
    @authorized
    async def get(self, job: str) -> None:
        """Answer."""
        self.answer(self.green.jobs.get(job))


class IdleHandler(GreenHandler):
    """Kernels that hold a GPU's memory and run nothing."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer."""
        self.answer(await self.green.host.idle(self.query(wire.IdleQuery)))


class DoctorHandler(GreenHandler):
    """What can be measured here."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer from what was found."""
        self.answer(await self.green.host.doctor(anew=False))

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Look for devices anew, after a remedy."""
        self.answer(await self.green.host.doctor(anew=True))
