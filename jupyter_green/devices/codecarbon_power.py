"""Ask codecarbon what this machine's processor and memory draw; print it as JSON.

Run in a process of its own (``python -m jupyter_green.devices.codecarbon_power``):
codecarbon and pandas take 1.8 s to import, which no cell shall wait for.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PowerModel:
    """What codecarbon assumes for a machine.

    Attributes:
        cpu_model: The processor, as it names itself.
        tdp_w: Thermal design power of all its sockets in watts.
        is_generic: True where codecarbon does not know the processor and takes 4 W
            for each thread.
        ram_w: Power of the memory in watts.
        ram_gb: Memory in 2^30 bytes.
        source: Where the figures come from.
    """

    cpu_model: str
    tdp_w: float
    is_generic: bool
    ram_w: float
    ram_gb: float
    source: str


def ask() -> PowerModel:
    """Return codecarbon's figures for this machine."""
    # Here, so that this module's dataclass costs its importers nothing.
    from importlib.metadata import version  # noqa: PLC0415

    from codecarbon.core.cpu import DEFAULT_POWER_PER_CORE, TDP  # noqa: PLC0415
    from codecarbon.core.util import count_cpus, count_physical_cpus  # noqa: PLC0415
    from codecarbon.external.ram import RAM  # noqa: PLC0415

    # codecarbon's functions have no types, or say int where they give None.
    found: Any = TDP()  # type: ignore[no-untyped-call]
    sockets = count_physical_cpus()  # type: ignore[no-untyped-call]
    generic_w = float(count_cpus() * DEFAULT_POWER_PER_CORE)
    is_generic = found.tdp is None or float(found.tdp) == generic_w
    # The registry has watts for one socket; threads are counted over all of them.
    tdp_w = generic_w if is_generic else float(found.tdp) * sockets
    ram = RAM()
    return PowerModel(
        cpu_model=str(found.model),
        tdp_w=tdp_w,
        is_generic=is_generic,
        ram_w=float(ram.total_power().W),
        ram_gb=float(ram.machine_memory_GB),
        source=f"codecarbon {version('codecarbon')}",
    )


def main() -> None:
    """Print the figures of `ask` as one line of JSON."""
    logging.disable(logging.CRITICAL)
    with contextlib.redirect_stdout(io.StringIO()):  # libraries of others print
        model = ask()
    sys.stdout.write(json.dumps(asdict(model)) + "\n")


if __name__ == "__main__":
    main()
