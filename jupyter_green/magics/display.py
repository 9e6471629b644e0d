"""Show records in the shell: text, HTML card and the record itself as custom MIME data.

A provisional figure is replaced in place where the front end can do that; a terminal
cannot, so nothing is printed there twice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import publish_display_data

from jupyter_green.records import Record
from jupyter_green.report.card import MIME_TYPE, card, line
from jupyter_green.report.tables import Table, render_html, render_text

Publish = Callable[..., None]


def bundle(
    record: Record, *, verbose: bool = False, html: bool = True
) -> dict[str, Any]:
    """Return the MIME bundle of a record."""
    data: dict[str, Any] = {
        "text/plain": line(record, verbose=verbose),
        MIME_TYPE: record.to_dict(),
    }
    if html:
        data["text/html"] = card(record, verbose=verbose)
    return data


def can_update(shell: InteractiveShell) -> bool:
    """Say whether the front end replaces an output in place (a kernel's does)."""
    return hasattr(shell, "kernel")


class RecordDisplay:
    """One output that shows a record and follows its states.

    Args:
        shell: The shell whose output it is.
        display_id: Identifier of the output.
        verbose: Show one line for each device too.
        html: Show the card.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        display_id: str,
        *,
        verbose: bool = False,
        html: bool = True,
    ) -> None:
        self._shell = shell
        self._id = display_id
        self._verbose = verbose
        self._html = html
        self._shown: Record | None = None

    def show(self, record: Record) -> None:
        """Publish the record, or replace what was published before."""
        update = self._shown is not None
        if update and (self._shown == record or not can_update(self._shell)):
            return
        if self._shown and self._shown.final and not record.final:
            # The final state came first, from another thread.
            return
        self._shown = record
        publish_display_data(
            bundle(record, verbose=self._verbose, html=self._html),
            metadata={},
            transient={"display_id": self._id},
            update=update,
        )


def show_table(table: Table) -> None:
    """Publish a table as text and HTML."""
    publish_display_data(
        {"text/plain": render_text(table), "text/html": render_html(table)}
    )


def warn(lines: list[str]) -> None:
    """Write warnings to the cell's error stream, one line each."""
    for text in lines:
        sys.stderr.write(f"jupyter_green: {text}\n")
