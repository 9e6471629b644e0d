"""Windows: metered stretches of time, each the difference of two samples."""

from jupyter_green.meter.meter import Journal, Meter
from jupyter_green.meter.window import WallClock, Window

__all__ = ["Journal", "Meter", "WallClock", "Window"]
