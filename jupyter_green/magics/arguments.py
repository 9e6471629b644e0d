"""The options of ``%%energy`` and ``%energy``, and how a cell asks for them.

Pure: a cell's text goes in, a `Request` or None comes out.  The input transformer, the
events and the registered magic all ask here, so that they cannot disagree.
"""

from __future__ import annotations

import argparse
import io
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from keyword import iskeyword
from typing import Any, NoReturn

from IPython.core.inputtransformer2 import (
    classic_prompt,
    ipython_prompt,
    leading_indent,
)

from jupyter_green.records import PURPOSES

NAME = "energy"
# Options that take a value, for the line form, whose end is the statement.
VALUED = frozenset(
    {
        "-l", "--label", "-p", "--purpose", "-r", "--repeats", "-o", "--output",
        "-m", "--metric",
    }
)  # fmt: skip
METRIC = frozenset({"-m", "--metric"})
OPTIONS = ("label", "purpose", "repeats", "output", "metric", "quiet", "verbose")
PREFIX = "%%" + NAME
# Cell magics that run their body as a cell of the shell: an ``%%energy`` under them
# means the whole.  Under any other magic it is that language's own text.
TRANSPARENT = frozenset({"%%time", "%%timeit", "%%capture", "%%prun"})
MOST_REPEATS = 10_000
# What the shell does to the first lines of a cell; below ``%%energy`` they stand there.
CLEAN: tuple[Callable[[list[str]], list[str]], ...] = (
    leading_indent,
    classic_prompt,
    ipython_prompt,
)


# A metric whose expression is not quoted as a shell's word would be.
_METRIC = re.compile(r"[^\W\d]\w*=(?![=\"'])")


class WrongOptionsError(ValueError):
    """The options cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a cell asks for.

    Attributes:
        label: A name for the work.
        purpose: One of `records.PURPOSES`, or None: untagged.
        repeats: How often the cell is executed; None: once, without statistics.
        output: The variable that gets the record; empty: none.
        metrics: Names, each with the expression that is evaluated after the cell.
        quiet: Show nothing.
        verbose: Show one line for each device too.
        statement: What stands behind the options of the line form.
        asked: The cell asks by itself; False: it is metered as every cell is.
    """

    label: str = ""
    purpose: str | None = None
    repeats: int | None = None
    output: str = ""
    metrics: tuple[tuple[str, str], ...] = ()
    quiet: bool = False
    verbose: bool = False
    statement: str = ""
    asked: bool = True


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise WrongOptionsError(message)


@cache
def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the options; its help is the magic's documentation."""
    # What is not given is left to the defaults of `Request`.
    parser = _Parser(
        prog=PREFIX,
        add_help=False,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    add = parser.add_argument
    add("-l", "--label", help="a name for this work")
    add("-p", "--purpose", choices=PURPOSES, help="what it was for; default: untagged")
    add(
        "-r",
        "--repeats",
        type=_repeats,
        metavar="N",
        help="execute the cell N times, drop the first, give mean, spread and interval",
    )
    add("-o", "--output", type=_name, metavar="NAME", help="store the record")
    add(
        "-m",
        "--metric",
        dest="metrics",
        type=_metric,
        action="append",
        metavar="NAME=EXPRESSION",
        help="a number to store with the record, evaluated after the cell; may be "
        "given several times",
    )
    add("-q", "--quiet", action="store_true", help="show nothing")
    add("-v", "--verbose", action="store_true", help="show one line for each device")
    return parser


def parse_line(line: str = "") -> Request:
    """Read the options behind ``%%energy``.

    Raises:
        WrongOptionsError: An option is unknown or has a wrong value.
    """
    words = _words(line)
    options, rest = build_parser().parse_known_args(words)
    if rest:
        raise WrongOptionsError(f"unrecognized arguments: {' '.join(rest)}")
    return Request(**_known(options))


def parse_statement(line: str) -> Request:
    """Read the options of the line form; the rest of the line is the statement.

    Raises:
        WrongOptionsError: An option has a wrong value, or there is no statement.
    """
    parser = build_parser()
    options, rest = [], line.strip()
    while rest.startswith("-"):
        word, rest = _first_word(rest)
        if word == "--":
            # The statement itself begins with a minus sign.
            break
        options.append(word)
        if word in VALUED and rest:
            value, rest = _value_of(word, rest)
            options.append(value)
    known = _known(parser.parse_args(options))
    if not rest:
        raise WrongOptionsError("there is no statement to meter")
    return Request(**known, statement=rest)


def find_request(cell: str) -> Request | None:
    """Return what *cell* asks for, or None where it is not to be metered.

    A cell with wrong options, an empty body or a question mark is left to the
    registered magic, which answers with an error or help.

    Args:
        cell: The cell as the shell's own clean-up leaves it: no prompts, no indent.
    """
    # Only "\n" ends a line: a form feed is white space to Python.
    lines = [line for line in cell.split("\n") if line.strip()]
    for line in lines[:-1]:
        word, *rest = line.split(None, 1)
        if word == PREFIX:
            try:
                return parse_line(*rest)
            except WrongOptionsError:
                return None
        if word not in TRANSPARENT:
            return None
    return None


def strip_energy(lines: list[str]) -> list[str]:
    """Remove a leading ``%%energy`` line (an IPython input transformer).

    A blank line takes its place, so that tracebacks keep their line numbers; unless
    another cell magic follows, which must stand on the first line.
    """
    if not lines or lines[0].split(None, 1)[:1] != [PREFIX]:
        return lines
    if find_request("".join(lines)) is None:
        return lines
    rest = lines[1:]
    following = next((i for i, line in enumerate(rest) if line.strip()), 0)
    body = rest[following:]
    for clean in CLEAN:
        body = clean(body)
    if body[0].startswith("%%"):
        return body
    return ["\n", *rest[:following], *body]


# IPython leaves such transformers out where it asks whether a cell is complete.  The
# line must stand there: a terminal then waits for a blank line, as for any cell magic.
vars(strip_energy)["has_side_effects"] = True


def _repeats(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 2 <= number <= MOST_REPEATS:  # noqa: PLR2004 - the first run is dropped
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of repeats: give 2 to {MOST_REPEATS}, "
            "the first run is dropped"
        )
    return number


def _known(options: argparse.Namespace) -> dict[str, Any]:
    known = vars(options)
    if "metrics" in known:
        known["metrics"] = tuple(known["metrics"])
    return known


def _metric(text: str) -> tuple[str, str]:
    """Read ``NAME=EXPRESSION``; a name alone is a variable of that name."""
    name, sign, expression = text.partition("=")
    name, expression = name.strip(), expression.strip() if sign else name.strip()
    if not name.isidentifier() or iskeyword(name):
        raise argparse.ArgumentTypeError(
            f"{name!r} is no name of a metric: give NAME=EXPRESSION"
        )
    try:
        compile(expression, "<metric>", "eval")
    except (SyntaxError, ValueError) as err:
        raise argparse.ArgumentTypeError(
            f"{expression!r} is no expression ({err.args[0]}); quote it as a whole: "
            f"-m '{name}=...'"
        ) from err
    return name, expression


def _name(text: str) -> str:
    if not text.isidentifier() or iskeyword(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a variable name")
    return text


def _words(line: str) -> list[str]:
    words: list[str] = []
    rest = line.strip()
    while rest:
        word, rest = _value_of(words[-1] if words else "", rest)
        words.append(word)
    return words


def _value_of(option: str, text: str) -> tuple[str, str]:
    """Split off the word behind *option*.

    The expression of a metric is Python's: its own quotes stay, and blanks within
    brackets and quotes do not end it.  Where it begins with a quote, that is a shell's.
    """
    named = _METRIC.match(text) if option in METRIC else None
    if named is None:
        return _first_word(text)
    end = _end_of_expression(text, named.end())
    return text[:end], text[end:].lstrip()


def _end_of_expression(text: str, start: int) -> int:
    """Return where the first blank outside of brackets and quotes stands."""
    depth, quote, is_escaped = 0, "", False
    for place, sign in enumerate(text[start:], start=start):
        if is_escaped:
            is_escaped = False
        elif quote:
            is_escaped = sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif sign.isspace() and depth <= 0:
            return place
    return len(text)


def _first_word(text: str) -> tuple[str, str]:
    """Split off the first word, quotes respected, and leave the rest as it is."""
    stream = io.StringIO(text)
    lexer = shlex.shlex(stream, posix=True, punctuation_chars="")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        word = lexer.get_token() or ""
    except ValueError as err:
        raise WrongOptionsError(f"{err} in {text!r}") from err
    return word, text[stream.tell() :].lstrip()
