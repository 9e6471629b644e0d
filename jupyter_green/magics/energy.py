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
    OPTIONS,
    WrongOptionsError,
    build_parser,
    parse_line,
    parse_statement,
)
from jupyter_green.magics.cells import CellMeter
from jupyter_green.records import PURPOSES

_ABOUT = """Meter a cell or a statement: energy, duration, mean power and CO2e.

    %%energy [-l LABEL] [-p PURPOSE] [-r N] [-o NAME] [-m NAME=EXPR] [-q] [-v]
    first line of the cell
    ...

    %energy [options] STATEMENT

The cell behaves exactly as without the line above it.  Below it stands the energy with
its 95 % interval, and by device how it was found: ``counter`` (an energy counter),
``integrated`` (power readings), ``estimated`` (a model) or ``simulated``.

``-m accuracy=model.score(X, y)`` stores a number of yours with the record, evaluated
when the cell is over and metered no more; ``-m samples=len(X)`` gives joules per sample
in ``%green compare``.  Quote it as a whole where it has blanks outside of brackets:
``-m 'mean=a / b'``.

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


def complete(_: Any, event: Any) -> list[str]:
    """Complete options, and the purposes behind ``-p`` (the shell calls this)."""
    words = event.line[: event.line.rfind(event.symbol)].split()
    if words[-1] in ("-p", "--purpose"):
        return list(PURPOSES)
    return [f"--{name}" for name in OPTIONS] if event.symbol.startswith("-") else []


def line_magic(
    line: str,
    shell: InteractiveShell,
    cells: CellMeter,
    local_ns: dict[str, Any] | None = None,
) -> Any:
    """Execute one statement and meter it; return its value.

    Raises:
        UsageError: The options are wrong or there is no statement.
    """
    __tracebackhide__ = True
    try:
        request = parse_statement(line)
    except WrongOptionsError as err:
        raise UsageError(f"%energy: {err}. See %energy? for the options") from err
    run = _compiled(shell, request.statement, local_ns)
    return cells.meter_call(run, request)


def _compiled(
    shell: InteractiveShell, statement: str, local_ns: dict[str, Any] | None
) -> Callable[[], Any]:
    """Compile in the shell's manner; the value is that of an expression at the end."""
    tree = shell.transform_ast(ast.parse(shell.transform_cell(statement)))
    flags, names = shell.compile.flags, shell.user_ns
    expression = None
    if tree.body and isinstance(last := tree.body[-1], ast.Expr):
        del tree.body[-1]
        expression = compile(ast.Expression(last.value), "<energy>", "eval", flags)
    program = compile(tree, "<energy>", "exec", flags) if tree.body else None

    def run() -> Any:
        __tracebackhide__ = True
        if program:
            exec(program, names, local_ns)  # noqa: S102 - the user's own code
        if expression:
            return eval(expression, names, local_ns)  # noqa: S307 - likewise
        return None

    return run
