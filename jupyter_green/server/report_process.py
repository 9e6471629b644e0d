"""The process that makes an appendix: an order comes in, lines of JSON go out.

python -m jupyter_green.server.report_process < order.json
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from jupyter_green.config import settings_in_force
from jupyter_green.errors import JupyterGreenError
from jupyter_green.report.making import make_report
from jupyter_green.server.jobs import Problem
from jupyter_green.server.reports import Order, Told


def main() -> int:
    """Make it; return 1 if that failed, with why as the last line."""
    # What libraries print belongs to the log, not between the lines.
    lines = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)

    def say(told: Told) -> None:
        lines.write(msgspec.json.encode(told) + b"\n")

    def progress(text: str, fraction: float) -> None:
        say(Told(fraction=fraction, text=text))

    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    try:
        resolved = settings_in_force(folder=Path(given.settings_folder))
        written = make_report(
            given.request, resolved, ledger=Path(given.ledger), progress=progress
        )
    except JupyterGreenError as err:
        problem = Problem(message=err.what, reason=err.why, remedy=err.remedy)
        say(Told(problem=problem))
        return 1
    say(
        Told(folder=str(written.folder), files=written.files, warnings=written.warnings)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
