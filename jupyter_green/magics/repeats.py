"""Repeat a cell without executing it: its tree becomes the body of a loop.

The shell transforms a cell's source tree before it compiles it.  A loop put in there
keeps everything the shell does by itself: ``await``, line numbers, ``Out``, errors.
"""

from __future__ import annotations

import ast
import builtins
import math
import statistics
import warnings
from collections.abc import Callable, Iterator, Sequence

from jupyter_green.records import Repeats
from jupyter_green.sampler import Sample

# Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom
# (NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.2).
T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
T95_LARGE = 1.96


class Repeater:
    """Count the runs of one cell, mark their ends, and carry the last value out.

    It is reachable from the loop under a name among the builtins while the cell runs,
    so that the user's namespace stays as it is.

    Args:
        runs: How often the body runs.
        sample: Reads the devices.
        name: A name that no program uses.

    Attributes:
        marks: A sample from before the first run and one from after each full run.
    """

    def __init__(self, runs: int, sample: Callable[[], Sample], name: str) -> None:
        self.runs = runs
        self.name = name
        self.marks: list[Sample] = []
        self._sample = sample
        self._value: object = None

    def __iter__(self) -> Iterator[tuple[()]]:
        self.marks.append(self._sample())
        for _ in range(self.runs):
            # An empty target unpacks this and binds nothing.
            yield ()
            self.marks.append(self._sample())

    def keep(self, value: object) -> None:
        """Keep the value of the cell's last expression."""
        self._value = value

    def take(self) -> object:
        """Return the last value and let go of it."""
        value, self._value = self._value, None
        return value

    def install(self) -> None:
        """Make it reachable from the loop."""
        setattr(builtins, self.name, self)

    def remove(self) -> None:
        """Undo `install`."""
        vars(builtins).pop(self.name, None)


def loop(
    tree: ast.Module, name: str, *, interactivity: str = "last_expr"
) -> ast.Module:
    """Return *tree* with its body in a loop over the `Repeater` called *name*.

    The value of a last expression is shown once, after the loop.  A tree that does not
    compile by itself (a ``break`` outside a loop, say) is returned as it is, so that
    the shell reports its error and not ours.
    """
    if not tree.body or not _compiles(tree):
        return tree
    head, body = _split_future(tree.body)
    if not body:
        return tree
    last = body[-1]
    tail: list[ast.stmt] = []
    if isinstance(last, ast.Expr):
        kept = _call(name, "keep", [last.value])
        body = [*body[:-1], ast.copy_location(ast.Expr(kept), last)]
        tail = [ast.Expr(_call(name, "take", []))]
    elif interactivity == "last_expr_or_assign":
        tail = [ast.Expr(ast.Name(target, ast.Load())) for target in _assigned(last)]
    repeated = ast.For(
        target=ast.Tuple([], ast.Store()),
        iter=ast.Name(name, ast.Load()),
        body=body,
        orelse=[],
        type_comment=None,
    )
    ast.copy_location(repeated, body[0])
    for node in tail:
        ast.copy_location(node, last)
    new = ast.Module([*head, repeated, *tail], tree.type_ignores)
    return ast.fix_missing_locations(new)


def summarise(
    energies_j: Sequence[float | None], durations_s: Sequence[float]
) -> Repeats:
    """Return mean, spread and 95 % interval of the runs after the first."""
    kept = tuple(energies_j[1:])
    known = [energy for energy in kept if energy is not None]
    count = len(known)
    stdev_j = statistics.stdev(known) if count > 1 else None
    return Repeats(
        runs=len(energies_j),
        dropped=min(1, len(energies_j)),
        energy_j=kept,
        duration_s=tuple(durations_s[1:]),
        mean_j=statistics.fmean(known) if known else None,
        stdev_j=stdev_j,
        interval_j=None
        if stdev_j is None
        else student_t95(count - 1) * stdev_j / math.sqrt(count),
    )


def student_t95(degrees: int) -> float:
    """Return the two-sided 95 % quantile of Student's t."""
    return T95[degrees - 1] if degrees <= len(T95) else T95_LARGE + 2.4 / degrees


def _compiles(tree: ast.Module) -> bool:
    try:
        # The shell compiles it again: warnings of the compiler come from there, once.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(
                tree,
                "<cell>",
                "exec",
                ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
                dont_inherit=True,
            )
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def _split_future(body: list[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """Split off imports from ``__future__``, which cannot stand in a loop.

    Before the last of them nothing else can stand but a docstring.
    """
    count = 0
    for position, node in enumerate(body, start=1):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            count = position
    return body[:count], body[count:]


def _assigned(last: ast.stmt) -> list[str]:
    """Return the name whose value the shell shows after an assignment, if any."""
    targets: list[ast.expr] = []
    if isinstance(last, ast.Assign) and len(last.targets) == 1:
        targets = last.targets
    elif isinstance(last, ast.AugAssign | ast.AnnAssign):
        targets = [last.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _call(name: str, method: str, arguments: list[ast.expr]) -> ast.Call:
    owner = ast.Name(name, ast.Load())
    return ast.Call(ast.Attribute(owner, method, ast.Load()), arguments, [])
