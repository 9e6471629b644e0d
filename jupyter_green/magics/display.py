"""Show records in the shell: text, HTML card and the record itself as custom MIME data.

A provisional figure is replaced in place where the front end can do that; a terminal
cannot, so nothing is printed there twice.
"""

from __future__ import annotations

import sys
from typing import Any

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from jupyter_green.records import Record
from jupyter_green.report.card import MIME_TYPE, card, line


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
    """Say whether an output can be replaced later.

    A kernel's can, unless it is captured, or goes to a client that names no cells:
    nbclient and papermill stop listening when a cell is done.
    """
    request: dict[str, Any] = getattr(shell, "get_parent", dict)()
    names_cells = "cellId" in (request.get("metadata") or {})
    captured = isinstance(shell.display_pub, CapturingDisplayPublisher)
    return names_cells and not captured


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
        # This one to the end: a later cell under ``%%capture`` puts another in its
        # place, which would swallow the final figure.
        self._publisher = shell.display_pub
        self._id = display_id
        self._verbose = verbose
        self._html = html
        self._shown: Record | None = None

    def show(self, record: Record) -> None:
        """Publish the record, or replace what was published before."""
        if self._shown == record:
            return
        update, self._shown = self._shown is not None, record
        self._publisher.publish(
            bundle(record, verbose=self._verbose, html=self._html),
            metadata={},
            transient={"display_id": self._id},
            update=update,
        )


def warn(lines: list[str]) -> None:
    """Write warnings to the cell's error stream, one line each."""
    for text in lines:
        sys.stderr.write(f"jupyter_green: {text}\n")
