"""``%green VERB``: the verbs of the shell's ``jupyter green``, in the notebook.

How they are read stands in `magics.verb_lines`, what they do in `magics.verbs`: both
are loaded when the first one is used, so that ``%load_ext`` stays quick.
"""

from __future__ import annotations

import shlex
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from jupyter_green.errors import JupyterGreenError
from jupyter_green.magics.cells import CellMeter
from jupyter_green.magics.display import warn
from jupyter_green.session import Session

if TYPE_CHECKING:
    from jupyter_green.magics.verbs import Verbs

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
                                      paper

`%green VERB -h` has all options of a verb.
"""


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
        if words in (["-h"], ["--help"]):
            sys.stdout.write(HELP)
            return
        from jupyter_green.magics import verb_lines  # noqa: PLC0415 - see above

        try:
            options = verb_lines.parse(words)
        except verb_lines.HelpShown:
            return
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
        from jupyter_green.magics import verb_lines  # noqa: PLC0415 - see above

        return verb_lines.complete(words)
