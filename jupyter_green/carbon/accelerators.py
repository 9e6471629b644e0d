"""Board powers of accelerators, each from a named source, found by name.

A board power is what the vendor specifies, never a measurement.  The table is
``accelerators.csv`` beside this module.  Imports `errors` only.

    >>> match("NVIDIA A100-SXM4-80GB").accelerator.power_w
    400.0
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from difflib import get_close_matches
from importlib.resources import files

from msgspec import Struct

from jupyter_green.errors import EstimateError

# Words that drivers and shops add to a name and that tell no two boards apart.
_FILLER = frozenset(
    (
        *("nvidia", "amd", "intel", "google"),
        *("tesla", "geforce", "instinct", "radeon", "rtx", "gtx"),
        *("gpu", "gpus", "card", "accelerator", "graphics", "tensor", "core"),
        *("data", "center", "cloud", "generation"),
    )
)
_GLUED = re.compile(r"^(?:nvidia|tesla|geforce|radeon|rtx|gtx)(?=[a-z]*\d)")
_MEMORY = re.compile(r"^(?:\d+gb?|hbm\d\w?|gddr\d\w?)$")


class Accelerator(Struct, frozen=True, kw_only=True):
    """One board, module or chip.

    Attributes:
        name: The product's name without the vendor.
        aliases: Other names, those of the driver among them.
        vendor: Who makes it.
        power_w: Specified power in watts (TDP, TBP), or as `source` says.
        form: ``PCIe``, ``SXM5``, ``OAM``, ``module``, ``chip`` ...
        year: Year of introduction.
        source: The document that states the power.
        note: What to know about the figure.
    """

    name: str
    aliases: tuple[str, ...]
    vendor: str
    power_w: float
    form: str
    year: int
    source: str
    note: str


class Match(Struct, frozen=True, kw_only=True):
    """The accelerator that a name stands for.

    Attributes:
        accelerator: The one taken: of several, the one with the highest power.
        others: The other accelerators that the name could mean.
    """

    accelerator: Accelerator
    others: tuple[Accelerator, ...] = ()


def accelerators() -> tuple[Accelerator, ...]:
    """Read the table of accelerators, in the order of the file."""
    path = files("jupyter_green.carbon") / "accelerators.csv"
    with path.open(encoding="utf-8") as file:
        return tuple(
            Accelerator(
                name=row["name"],
                aliases=tuple(filter(None, row["aliases"].split(";"))),
                vendor=row["vendor"],
                power_w=float(row["power_w"]),
                form=row["form"],
                year=int(row["year"]),
                source=row["source"],
                note=row["note"],
            )
            for row in csv.DictReader(file)
        )


def match(name: str) -> Match:
    """Return the accelerator called *name*, whatever its case, spaces and hyphens.

    A name that fits several (``A100``) gives the one with the highest power, so that
    the estimate is not too low; `Match.others` has the rest.

    Raises:
        EstimateError: No accelerator has such a name.
    """
    table = accelerators()
    words = _words(name)
    bare = [word for word in words if not _MEMORY.match(word)]
    # Memory tells some boards apart and is noise on others: with it, then without.
    for wanted in (words, bare) if bare else ():
        found = _fitting(wanted, table)
        if found:
            best = max(found, key=lambda row: row.power_w)
            return Match(
                accelerator=best, others=tuple(row for row in found if row is not best)
            )
    raise EstimateError(
        f"there is no accelerator {name!r} in the table",
        remedy=_remedy(name, table),
    )


def _fitting(words: list[str], table: Iterable[Accelerator]) -> list[Accelerator]:
    glued = "".join(words)
    exact: list[Accelerator] = []
    family: list[Accelerator] = []
    for row in table:
        names = [_words(n) for n in (row.name, *row.aliases)]
        if any("".join(n) == glued for n in names):
            exact.append(row)
        elif any(glued in _starts(n) or set(words) <= set(n) for n in names):
            family.append(row)
    return exact or family


def _words(name: str) -> list[str]:
    words = re.findall(r"[a-z0-9]+", name.lower())
    bare = [_GLUED.sub("", word) for word in words if word not in _FILLER]
    return bare or words


def _starts(words: list[str]) -> set[str]:
    """Return the glued beginnings of a name: a100, a100sxm4, a100sxm480gb."""
    return {"".join(words[:end]) for end in range(1, len(words) + 1)}


def _remedy(name: str, table: Iterable[Accelerator]) -> str:
    by_key = {"".join(_words(row.name)): row.name for row in table}
    near = get_close_matches("".join(_words(name)), by_key, n=3, cutoff=0.6)
    guess = f"Did you mean {', '.join(by_key[key] for key in near)}? " if near else ""
    return f"{guess}--list-gpus lists all; or give the power in watts with --power"
