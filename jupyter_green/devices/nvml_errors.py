"""What each error code of NVML means: what, why and what to do.

The codes are NVML's binary interface (``nvmlReturn_t`` in ``nvml.h``) and do not
change.  Imports the seam and `errors`.
"""

from __future__ import annotations

from typing import NamedTuple

from jupyter_green.devices.device import Problem
from jupyter_green.errors import DeviceError, DeviceLostError

UNINITIALIZED = 1
NOT_SUPPORTED = 3
FUNCTION_NOT_FOUND = 13
# A vendor's "there is no such thing here", to which another way of reading answers.
UNSUPPORTED = (NOT_SUPPORTED, FUNCTION_NOT_FOUND)


class Meaning(NamedTuple):
    """What stands behind an error code.

    Attributes:
        what: What happened.
        why: The cause, if known.
        remedy: The step that would mend it.
        severity: As in `device.Problem`.
        is_lost: True where the GPU will not come back by itself.
    """

    what: str
    why: str = ""
    remedy: str = ""
    severity: str = "broken"
    is_lost: bool = False


_RESET = "sudo nvidia-smi --gpu-reset, or reboot"
_LOG = "sudo dmesg | grep -i -e NVRM -e Xid"
MEANINGS = {
    1: Meaning("NVML was shut down", "other code in this process called nvmlShutdown"),
    2: Meaning("NVML does not know this GPU", is_lost=True, remedy="nvidia-smi -L"),
    3: Meaning(
        "this GPU does not offer it",
        "the energy counter needs Volta or newer, and virtual GPUs have none",
        severity="missing",
    ),
    4: Meaning(
        "reading it is not permitted",
        "the device files of the driver are closed to this user",
        "ls -l /dev/nvidia*; in a container: docker run --gpus all ...",
        "forbidden",
    ),
    6: Meaning("NVML does not find this GPU", is_lost=True, remedy="nvidia-smi -L"),
    8: Meaning("the GPU lacks power", "an external power cable is loose or missing"),
    9: Meaning(
        "no NVIDIA driver is loaded",
        "there is no NVIDIA GPU, or its kernel module is not loaded",
        "nvidia-smi; sudo modprobe nvidia",
        "missing",
    ),
    10: Meaning("the GPU did not answer in time", remedy=_LOG),
    11: Meaning("the GPU's interrupts do not arrive", remedy=_LOG, is_lost=True),
    12: Meaning(
        "there is no NVIDIA driver",
        "libnvidia-ml.so.1 is not installed: no NVIDIA GPU, or a container without it",
        "With an NVIDIA GPU, install its driver; in a container: docker run --gpus all",
        "missing",
    ),
    13: Meaning(
        "the driver does not know this call",
        "it is older than this interface",
        "Update the NVIDIA driver",
        "missing",
    ),
    14: Meaning("the GPU's infoROM is corrupted", remedy="nvidia-smi -q"),
    15: Meaning(
        "the GPU is lost",
        "it fell off the bus or cannot be reached",
        f"{_LOG}; {_RESET}",
        is_lost=True,
    ),
    16: Meaning("the GPU must be reset", remedy=_RESET, is_lost=True),
    17: Meaning(
        "the operating system blocked the call", "a cgroup or sandbox closes the GPU"
    ),
    18: Meaning(
        "the NVIDIA library and kernel module have different versions",
        "the driver was updated while the old module is still loaded",
        "Reboot, or unload and load the nvidia kernel modules",
    ),
    20: Meaning("NVML ran out of memory"),
    23: Meaning("NVML ran out of resources"),
    27: Meaning("the GPU is not ready yet", "it is still starting"),
    28: Meaning("NVML does not find this GPU", is_lost=True, remedy="nvidia-smi -L"),
    999: Meaning("NVML met an unknown error", remedy=_LOG),
}


def meaning(err: Exception) -> Meaning:
    """Return what the ``NVMLError`` *err* means."""
    code = getattr(err, "value", None)
    known = MEANINGS.get(code) if isinstance(code, int) else None
    return known or Meaning(f"NVML failed with {err!s} (code {code})")


def device_error(subject: str, err: Exception) -> DeviceError:
    """Return the error of ours for the ``NVMLError`` *err*."""
    known = meaning(err)
    kind = DeviceLostError if known.is_lost else DeviceError
    return kind(f"{subject}: {known.what}", why=known.why, remedy=known.remedy)


def problem(subject: str, err: Exception) -> Problem:
    """Return the line for `doctor` about the ``NVMLError`` *err*."""
    known = meaning(err)
    return Problem(
        subject, known.what, known.why, known.remedy, severity=known.severity
    )
