"""Devices: one file per interface, behind the seam of `device.Device`.

found = discover(Settings())
"""

from jupyter_green.devices.device import (
    About,
    Counter,
    Device,
    Found,
    Gauge,
    Occupancy,
    Occupied,
    Problem,
)
from jupyter_green.devices.discover import discover

__all__ = [
    "About",
    "Counter",
    "Device",
    "Found",
    "Gauge",
    "Occupancy",
    "Occupied",
    "Problem",
    "discover",
]
