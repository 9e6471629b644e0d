"""Understand from when on somebody wants to see a ledger.

Imports `errors` and the ledger's lines.

    >>> parse_since("2026-01-31").isoformat()
    '2026-01-31T00:00:00+00:00'
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from jupyter_green.errors import LedgerError
from jupyter_green.ledger.lines import parse_time

UNITS_S = {"min": 60, "h": 3600, "d": 86_400, "w": 604_800}
AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(min|h|d|w)", re.ASCII)


def parse_since(text: str, now: datetime | None = None) -> datetime:
    """Return the UTC time that *text* means.

    Args:
        text: A date or a time by ISO 8601, UTC unless it says its zone, or a span
            before now: ``90min``, ``24h``, ``7d``, ``2w``.
        now: The present.

    Raises:
        LedgerError: It is none of these.
    """
    given = text.strip()
    time = parse_time(given)
    if time is not None:
        return time
    if ago := AGO.fullmatch(given):
        try:
            span = timedelta(seconds=float(ago[1]) * UNITS_S[ago[2]])
            return (now or datetime.now(UTC)) - span
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    raise LedgerError(
        f"{text!r} is no time",
        remedy="Give a date like 2026-01-31, a time, or a span like 7d or 24h",
    )
