"""``%green report``: the transparency appendix of the notebook it is asked in.

Loaded when it is used; the options are those of the shell's verb.
"""

from __future__ import annotations

import argparse
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from jupyter_green import api
from jupyter_green.report.arguments import request_from
from jupyter_green.report.tables import Table, render_html, render_text
from jupyter_green.session import Session


def report(
    options: argparse.Namespace, shell: InteractiveShell, session: Session
) -> None:
    """Write the report and show where it is.

    Raises:
        JupyterGreenError: It cannot be made; nothing is written then.
    """
    written = api.report_of(request_from(options), session=session)
    folder = str(written.folder)
    rows = tuple((name, _state(name, written)) for name in written.files)
    table = Table(
        title=f"Energy report in {folder}",
        columns=("file", "state"),
        rows=rows,
        notes=(str(written).splitlines()[1], *written.warnings),
    )
    data = {"text/plain": render_text(table), "text/html": render_html(table)}
    shell.display_pub.publish(data)


def _state(name: str, written: Any) -> str:
    return "written" if name in written.changed else "unchanged"
