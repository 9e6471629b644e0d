"""Read each device once and say which do not answer: what `doctor` asks.

Imports the seam and `errors`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

from jupyter_green.devices.device import Deferred, Device, Problem
from jupyter_green.errors import DeviceError, DevicePendingError

# codecarbon's table is looked up once per machine, in about a second; who asks what
# can be measured wants that answer, and not that it is being looked for.
PATIENCE_S = 30.0
POLL_S = 0.05


def failures(
    devices: Iterable[Device], *, patience_s: float = PATIENCE_S
) -> tuple[Problem, ...]:
    """Read each device and return what stands against it; takes the readings' time.

    Devices whose figures come later (`Deferred`) are waited for, so that their names
    are complete afterwards.

    Args:
        devices: What to read.
        patience_s: Seconds to wait for one device's figures.
    """
    found = []
    for device in devices:
        try:
            _await_figures(device, patience_s)
            device.read()
        except DeviceError as err:
            about = device.about
            subject = f"{about.kind} {about.index}"
            found.append(Problem(subject, err.what, err.why, err.remedy, "", "broken"))
    return tuple(found)


def _await_figures(device: Device, patience_s: float) -> None:
    if not isinstance(device, Deferred):
        return
    # The first reading only begins an estimate's integral: the second has a figure.
    with suppress(DevicePendingError):
        device.read()
    deadline_s = time.monotonic() + patience_s
    while device.is_pending and time.monotonic() < deadline_s:
        time.sleep(POLL_S)
