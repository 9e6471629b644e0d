"""The sampler: readings of devices become joules that only grow."""

from jupyter_green.sampler.history import History, power_between
from jupyter_green.sampler.sample import (
    Edge,
    HostTimes,
    Level,
    Power,
    Sample,
    Tick,
    mean_power_w,
)
from jupyter_green.sampler.sampler import PATIENCE, Awaited, Sampler
from jupyter_green.sampler.track import SLOW_PERIOD_S

__all__ = [
    "PATIENCE",
    "SLOW_PERIOD_S",
    "Awaited",
    "Edge",
    "History",
    "HostTimes",
    "Level",
    "Power",
    "Sample",
    "Sampler",
    "Tick",
    "mean_power_w",
    "power_between",
]
