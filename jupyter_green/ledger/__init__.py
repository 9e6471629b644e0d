"""The ledger: a folder of append-only JSON Lines, the only thing processes share.

`lines` says what a line is, `writer` appends them, `reader` makes records of them and
`totals` adds the records up.  `follow` tells what is new in it; a kernel does not need
that, so it is imported from there.  Imports `records`, `units` and `errors` from below.
"""

from jupyter_green.ledger.folder import default_folder, ledger_folder
from jupyter_green.ledger.large import LedgerTotals, ledger_totals
from jupyter_green.ledger.processes import new_session
from jupyter_green.ledger.reader import Ledger, LedgerProblem, read_ledger, read_slim
from jupyter_green.ledger.since import parse_since
from jupyter_green.ledger.totals import GROUPINGS, Totals, totals
from jupyter_green.ledger.writer import LedgerWriter

__all__ = [
    "GROUPINGS",
    "Ledger",
    "LedgerProblem",
    "LedgerTotals",
    "LedgerWriter",
    "Totals",
    "default_folder",
    "ledger_folder",
    "ledger_totals",
    "new_session",
    "parse_since",
    "read_ledger",
    "read_slim",
    "totals",
]
