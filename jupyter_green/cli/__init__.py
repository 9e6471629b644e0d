"""``jupyter green VERB``: the shell's door.

Exit codes: 0 done; 1 it could not be done or not wholly (a ledger with unreadable
lines, a device that fails); 2 wrong use; `run` passes on the code of its command.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jupyter_green._version import __version__
from jupyter_green.cli import (
    deciding,
    doctor,
    estimate,
    gather,
    ledger,
    project,
    report,
    run,
)
from jupyter_green.errors import JupyterGreenError

EXIT_CODES = """\
exit codes:
  0  done
  1  it could not be done, or not wholly
  2  wrong use
  run passes on the code of its command; 128 + N if signal N ended it,
  126 and 127 if the command cannot be executed or found
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    parser = argparse.ArgumentParser(
        prog="jupyter green",
        description="Energy and CO2 of computing: measure, look, estimate.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    doctor.add_parsers(verbs)
    ledger.add_parsers(verbs)
    gather.add_parsers(verbs)
    report.add_parsers(verbs)
    project.add_parsers(verbs)
    run.add_parser(verbs)
    estimate.add_parser(verbs)
    deciding.add_parsers(verbs)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except JupyterGreenError as err:
        sys.stderr.write(f"jupyter green {options.verb}: {err}\n")
        return 2
    except BrokenPipeError:
        # The reader has seen enough (`| head`): the rest is not wanted.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130
    return code


def entry() -> None:
    """Run as a program."""
    sys.exit(main())
