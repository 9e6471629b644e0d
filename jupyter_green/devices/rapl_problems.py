"""Say why RAPL counters are missing, forbidden or broken, and what would mend it.

Words only: nothing is read here and no permission is ever changed.  Imports the seam.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jupyter_green.devices.device import Problem

# CVE-2020-8694 (Intel) and CVE-2020-12912 (AMD): https://platypusattack.com
RISK = (
    "Whoever may read these counters can observe what other programs compute, down to"
    " cryptographic keys (PLATYPUS, CVE-2020-8694, CVE-2020-12912): open them to a"
    " group rather than to all, and not on a machine shared with strangers"
)
_RULE = (
    'SUBSYSTEM=="powercap", ACTION=="add|change",'
    ' RUN+="/bin/chgrp -f powercap /sys%p/energy_uj",'
    ' RUN+="/bin/chmod -f g+r /sys%p/energy_uj"'
)


def forbidden(names: Sequence[str], paths: Sequence[Path]) -> Problem:
    """Explain counters that only root may read.

    Args:
        names: Ids of the devices concerned.
        paths: Their ``energy_uj`` files.
    """
    return Problem(
        subject="rapl",
        what=f"{', '.join(names)}: the counter is there but may not be read",
        why="Linux lets only root read energy_uj (mode 0400) since CVE-2020-8694",
        remedy=(
            "From the least privilege to the most:\n"
            "1. for a group, for good (log in again afterwards):\n"
            "   sudo groupadd -f powercap && sudo usermod -aG powercap $USER\n"
            f"   echo '{_RULE}' | sudo tee /etc/udev/rules.d/70-powercap.rules\n"
            "   sudo udevadm control --reload && sudo udevadm trigger"
            " --action=change --subsystem-match=powercap\n"
            "2. for every user, until the next boot:\n"
            f"   sudo chmod a+r {' '.join(map(str, paths))}"
        ),
        risk=RISK,
        severity="forbidden",
    )


def broken(name: str, path: Path, err: Exception) -> Problem:
    """Explain a counter that is there and allowed but gives no number."""
    return Problem(
        subject=f"rapl {name}",
        what=f"{path} gave no usable number",
        why=str(err),
        remedy=f"cat {path}; sudo dmesg | grep -i rapl",
        severity="broken",
    )


def mirrored(name: str, original: str, energy_j: float) -> Problem:
    """Explain a package that was left out because it repeats another one."""
    return Problem(
        subject=f"rapl {name}",
        what=f"{name} is not counted: it shows the counter of {original}",
        why=f"both stand at {energy_j:.0f} J; this processor shows one meter twice"
        " (https://github.com/mlco2/codecarbon/issues/1274)",
        severity="note",
    )


def absent(root: Path, *, masked: bool, virtual: bool) -> Problem:
    """Explain that there are no RAPL zones at all.

    Args:
        root: Folder of the powercap class.
        masked: Zones are listed but hold nothing, as in a container.
        virtual: The processor's flags say that it is a virtual machine's.
    """
    if masked:
        return Problem(
            subject="rapl",
            what=f"{root} lists zones that are empty",
            why="container engines hide them since CVE-2020-8694",
            remedy="docker run"
            " -v /sys/devices/virtual/powercap:/sys/devices/virtual/powercap:ro ...",
            risk=RISK,
            severity="forbidden",
        )
    if virtual:
        return Problem(
            subject="rapl",
            what="this machine shows no processor energy counter",
            why="it is a virtual machine, and hypervisors (most clouds, Colab, WSL2)"
            " do not pass the counters on",
        )
    return Problem(
        subject="rapl",
        what=f"there is no RAPL zone under {root}",
        why="macOS, Windows, ARM processors and most virtual machines have none; on"
        " bare metal the kernel module may not be loaded",
        remedy="sudo modprobe intel_rapl_msr",
    )
