"""The registered ``%%energy`` and ``%energy``.

The cell form is here for help, completion and errors: a cell that can be metered never
reaches it, see `magics.cells`.  The line form executes its statement as ``%time`` does.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from jupyter_green.magics.arguments import (
    WrongOptionsError,
    build_parser,
    parse_line,
    parse_statement,
)
from jupyter_green.magics.cells import CellMeter

_ABOUT = """Meter a cell or a statement: energy, duration, mean power and CO2e.

    %%energy [-l LABEL] [-p PURPOSE] [-r N] [-o NAME] [-q] [-v]
    first line of the cell
    ...

    %energy [options] STATEMENT

The cell behaves exactly as without the line above it.  Below it stands the energy with
its 95 % interval, and by device how it was found: ``counter`` (an energy counter),
``integrated`` (power readings), ``estimated`` (a model) or ``simulated``.

"""


def documentation() -> str:
    """Return the help of the magics: what they do, and each option."""
    return _ABOUT + build_parser().format_help()


def cell_magic(line: str, cell: str) -> None:
    """Answer for a cell that cannot be metered.

    Raises:
        UsageError: The options are wrong, or there is nothing to meter.
    """
    try:
        parse_line(line)
    except WrongOptionsError as err:
        raise UsageError(f"%%energy: {err}. See %%energy? for the options") from err
    if not cell.strip():
        raise UsageError("%%energy: there is no code under the line to meter")
    raise UsageError("%%energy must be the first line of a cell")


def line_magic(line: str, shell: InteractiveShell, cells: CellMeter) -> Any:
    """Execute one statement and meter it; return its value.

    Raises:
        UsageError: The options are wrong or there is no statement.
    """
    __tracebackhide__ = True
    try:
        request = parse_statement(line)
    except WrongOptionsError as err:
        raise UsageError(f"%energy: {err}. See %energy? for the options") from err
    run = _compiled(shell, request.statement)
    return cells.meter_call(run, request)


def _compiled(shell: InteractiveShell, statement: str) -> Callable[[], Any]:
    """Compile a statement in the shell's manner; its value is that of an expression."""
    source = shell.transform_cell(statement)
    tree = shell.transform_ast(ast.parse(source))
    compiler, namespace = shell.compile, shell.user_ns
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
        expression = compile(
            ast.Expression(tree.body[0].value), "<energy>", "eval", compiler.flags
        )
        return lambda: eval(expression, namespace)  # noqa: S307 - the user's own code
    program = compile(tree, "<energy>", "exec", compiler.flags)
    return lambda: exec(program, namespace)  # noqa: S102 - the user's own code
