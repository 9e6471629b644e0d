"""Execute the recipes one after the other, and rank them.

    python examples/cookbook/cook.py cookbook-output [01_pruning ...]

They share one ledger below the folder that is named, and nothing else: none of this
counts among the user's own work.  One after the other, so that none meters another's.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = Path(__file__).parent
LONGEST_CELL_S = 600


def recipes(names: Iterable[str] = ()) -> list[Path]:
    """Return the notebooks, or those that are named."""
    wanted = set(names)
    found = sorted(HERE.glob("[0-9]*.ipynb"))
    return [path for path in found if not wanted or path.stem in wanted]


def environment(output: Path) -> dict[str, str]:
    """Return the variables that a kernel gets: a ledger of the cookbook's own."""
    return {**os.environ, "JUPYTER_GREEN_LEDGER": str(output.resolve() / "ledger")}


def cook(path: Path, output: Path) -> Path:
    """Execute a notebook and return the executed one, which is kept if it fails too.

    Raises:
        CellExecutionError: A cell raised something it was not expected to.
    """
    notebook = nbformat.read(path, as_version=4)
    # As a front end would say it.
    variables = {**environment(output), "JUPYTER_GREEN_NOTEBOOK": path.name}
    client = NotebookClient(notebook, timeout=LONGEST_CELL_S, kernel_name="python3")
    client.resources = {"metadata": {"path": str(HERE)}}
    output.mkdir(parents=True, exist_ok=True)
    executed = output / path.name
    try:
        # What kernels say to a terminal goes to a file.
        with (output / "kernels.log").open("ab") as log:
            client.execute(env=variables, stderr=log)
    finally:
        nbformat.write(notebook, executed)
    return executed


def main(arguments: list[str]) -> int:
    """Cook all, or what is named, and write the ranking."""
    from ranking import write_ranking  # noqa: PLC0415 - only after the arguments

    if not arguments:
        sys.stderr.write(f"{__doc__}")
        return 2
    output = Path(arguments[0])
    begin_s = time.monotonic()
    for path in recipes(arguments[1:]):
        start_s = time.monotonic()
        sys.stdout.write(f"{path.stem:32}")
        sys.stdout.flush()
        try:
            cook(path, output)
        except CellExecutionError as err:
            sys.stdout.write(f"failed; see {output / path.name}\n")
            sys.stderr.write(f"{err}\n")
            return 1
        sys.stdout.write(f"{time.monotonic() - start_s:5.0f} s\n")
    for written in write_ranking(output / "ledger", output):
        sys.stdout.write(f"{written}\n")
    sys.stdout.write(f"{time.monotonic() - begin_s:.0f} s in all\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
