"""``%green VERB``: the verbs of the shell's ``jupyter green``, in the notebook.

Read and complete here; what the verbs do stands in `magics.verbs`, loaded when the
first one is used, so that ``%load_ext`` stays quick.
"""

from __future__ import annotations

import argparse
import shlex
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from jupyter_green.errors import JupyterGreenError
from jupyter_green.ledger import GROUPINGS
from jupyter_green.magics.cells import CellMeter
from jupyter_green.magics.display import warn
from jupyter_green.options import (
    add_budget_options,
    add_compare_options,
    add_when_options,
    add_where_options,
    completions,
)
from jupyter_green.report.arguments import COMPLETIONS, add_report_options
from jupyter_green.report.request import ALL, FORMATS
from jupyter_green.session import Session

if TYPE_CHECKING:
    from jupyter_green.magics.verbs import Verbs

BASELINE_S = 30.0
VERBS = (
    "on",
    "off",
    "totals",
    "records",
    "status",
    "doctor",
    "settings",
    "baseline",
    "location",
    "monitor",
    "compare",
    "budget",
    "where",
    "when",
    "report",
)

HELP = """Meter, look and set: one verb each.

    %green on | off                   meter every cell, silently; stop that
    %green totals [--by WHAT] [--since WHEN] [--session]
                                      energy and CO2e so far, from the ledger;
                                      WHAT: notebook, label, purpose, device, day, host
    %green records [--since WHEN] [--session]
                                      every metered piece of work, one line each
    %green status                     what is metered now and where it is written
    %green doctor                     what can be measured here, what not, the remedy
    %green settings                   each setting with where it came from
    %green baseline [SECONDS]         measure idle power (30 s); records then give net
    %green location [COUNTRY [REGION]] [--cloud PROVIDER:REGION] [--intensity G_PER_KWH]
                                      show or set the place whose electricity counts
    %green monitor [off]              watch watts, cells and sums live; stop that
    %green compare LABEL LABEL ... [--plot [METRIC]] [--since WHEN] [--session]
                                      which costs less, and whether that can be told
    %green budget [AMOUNT] [--label LABEL | --project] [--stop] [--since WHEN] [--clear]
                                      how much may be used: 50 Wh, 2 kWh, 100 g (CO2e)
    %green where [--in country|region|cloud] [--label LABEL | --energy AMOUNT] [--all]
                                      the same work's CO2e in other places
    %green when [--hours H]           the greenest hours ahead (Electricity Maps token)
    %green report [--format FORMAT ...] [-o DIR] [--pdf] [--camera-ready] ...
                                      the transparency appendix of this notebook, for a
                                      paper; `jupyter green report -h` has all options
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"%green: {message}. See %green? for the verbs")


class GreenMagic:
    """Read the line, run the verb.

    Args:
        shell: The shell.
        session: What the verbs are about.
        cells: Meters the cells.
    """

    def __init__(
        self, shell: InteractiveShell, session: Session, cells: CellMeter
    ) -> None:
        self._shell = shell
        self._session = session
        self._cells = cells

    @cached_property
    def _verbs(self) -> Verbs:
        from jupyter_green.magics.verbs import Verbs  # noqa: PLC0415 - see above

        return Verbs(self._shell, self._session, self._cells)

    def run(self, line: str) -> None:
        """Run one verb; `HELP` is what the shell shows as its documentation.

        Raises:
            UsageError: There is no such verb or option, or it cannot be done.
        """
        try:
            words = shlex.split(line)
        except ValueError as err:
            raise UsageError(f"%green: {err}") from err
        if not words:
            raise UsageError(f"%green: give a verb\n\n{HELP}")
        options = _build_parser().parse_args(words)
        try:
            self._verbs.run(options)
        except JupyterGreenError as err:
            raise UsageError(f"%green {options.verb}: {err}") from err
        warn(self._session.take_warnings())

    def close(self) -> None:
        """End what a verb left running."""
        verbs = vars(self).get("_verbs")
        if verbs is not None:
            verbs.close()

    def complete(self, _: Any, event: Any) -> list[str]:
        """Complete verbs, and the options of those that have some."""
        words = event.line[: event.line.rfind(event.symbol)].split()[1:]
        if not words:
            return list(VERBS)
        if words[-1] == "--by":
            return list(GROUPINGS)
        if words[-1] == "--format":
            return [*FORMATS, ALL]
        return {
            "totals": ["--by", "--since", "--session"],
            "records": ["--since", "--session"],
            "location": ["--cloud", "--intensity"],
            "monitor": ["off"],
            "report": list(COMPLETIONS),
        }.get(words[0], [*completions(words[0])])


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="%green", add_help=False)
    commands = parser.add_subparsers(
        dest="verb", required=True, metavar="VERB", parser_class=_Parser
    )
    added = {name: commands.add_parser(name, add_help=False) for name in VERBS}
    added["totals"].add_argument("--by", choices=GROUPINGS)
    for name in ("totals", "records"):
        added[name].add_argument("--since")
        added[name].add_argument("--session", action="store_true")
    added["baseline"].add_argument(
        "seconds", nargs="?", type=_seconds, default=BASELINE_S
    )
    added["location"].add_argument("country", nargs="?")
    added["location"].add_argument("region", nargs="?")
    added["location"].add_argument("--cloud")
    added["location"].add_argument("--intensity", type=float)
    added["monitor"].add_argument("off", nargs="?", choices=("off",))
    add_compare_options(added["compare"])
    add_budget_options(added["budget"])
    add_where_options(added["where"])
    add_when_options(added["when"])
    add_report_options(added["report"])
    added["compare"].add_argument("--session", action="store_true")
    added["compare"].add_argument("--plot", nargs="?", const="", metavar="METRIC")
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1.0 <= seconds <= 3600.0:  # noqa: PLR2004 - a second to an hour
        raise argparse.ArgumentTypeError(f"{text!r}: give 1 to 3600 seconds")
    return seconds
