"""Read ``CUDA_VISIBLE_DEVICES`` as CUDA does: which GPUs may this process use?

Pure: the GPUs are handed in.  The rules are those of the CUDA programming guide
("Environment Variables") and of ``torch.cuda._parse_visible_devices``.  Imports
nothing of the project.

    >>> select("1", ("GPU-a", "GPU-b")).indices
    (1,)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

# CUDA reads an entry as C's strtoul does: leading digits count, the rest is ignored.
_NUMBER = re.compile(r"\s*([+-]?\d+)")
_OLD_MIG = re.compile(r"MIG-(GPU-[^/]+)/\d+/\d+")


class Selection(NamedTuple):
    """Which GPUs count.

    Attributes:
        indices: Positions in the list of all GPUs, in the order CUDA numbers them.
        by_number: True where the variable names GPUs by number, whose meaning depends
            on ``CUDA_DEVICE_ORDER``.
        ended: Why the list was not read to its end; empty if it was.
    """

    indices: tuple[int, ...]
    by_number: bool = False
    ended: str = ""


def select(
    value: str | None,
    uuids: Sequence[str],
    mig_parents: Mapping[str, int] | None = None,
) -> Selection:
    """Return the GPUs that ``CUDA_VISIBLE_DEVICES`` = *value* leaves visible.

    Args:
        value: The variable; None: not set, all GPUs.
        uuids: UUID of every GPU, in NVML's (PCI) order.
        mig_parents: UUID of every MIG instance -> position of its GPU.
    """
    if value is None:
        return Selection(tuple(range(len(uuids))))
    seen: list[str | int] = []
    indices: list[int] = []
    by_number = False
    for entry in value.split(",") if value.strip() else ():
        name = entry.strip()
        number = _NUMBER.match(name)
        by_number = by_number or number is not None
        if number and int(number[1]) < 0:
            break  # -1 is how people end the list, or ask for no GPU at all
        index = _index(name, uuids, mig_parents or {})
        if index is None:
            return Selection(
                tuple(indices), by_number, f"{name!r} names no GPU; CUDA stops there"
            )
        key = name if name.startswith("MIG-") else index
        if key in seen:
            return Selection((), by_number, f"{name!r} comes twice; CUDA shows no GPU")
        seen.append(key)
        if index not in indices:
            indices.append(index)
    return Selection(tuple(indices), by_number)


def _index(
    name: str, uuids: Sequence[str], mig_parents: Mapping[str, int]
) -> int | None:
    number = _NUMBER.match(name)
    if number:
        index = int(number[1])
        return index if index < len(uuids) else None
    old = _OLD_MIG.fullmatch(name)
    if old:
        name = old[1]
    if name.startswith("GPU-"):
        matches = [i for i, uuid in enumerate(uuids) if uuid.startswith(name)]
    elif name.startswith("MIG-"):
        parents = {i for uuid, i in mig_parents.items() if uuid.startswith(name)}
        matches = sorted(parents)
    else:
        return None
    return matches[0] if len(matches) == 1 else None
