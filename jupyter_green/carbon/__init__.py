"""From energy to carbon: intensities of electricity, and the calculator.

`find` gives the yearly intensity of the place in the settings, `LiveIntensity` the
present one where a token asks for it, `estimate` the cost of work that was not metered.
Imports `records`, `settings`, `units` and `errors` only.

    >>> from jupyter_green.settings import Settings
    >>> find(Settings(country="FRA")).kind
    'lifecycle'
"""

from jupyter_green.carbon.accelerators import Accelerator, Match, accelerators, match
from jupyter_green.carbon.calculator import estimate
from jupyter_green.carbon.estimates import Estimate, EstimateInput
from jupyter_green.carbon.intensity import (
    STATED,
    find,
    relocate,
    stated_pue,
    world_average,
)
from jupyter_green.carbon.live import LiveIntensity
from jupyter_green.carbon.software_intensity import embodied_share_g, sci

__all__ = [
    "STATED",
    "Accelerator",
    "Estimate",
    "EstimateInput",
    "LiveIntensity",
    "Match",
    "accelerators",
    "embodied_share_g",
    "estimate",
    "find",
    "match",
    "relocate",
    "sci",
    "stated_pue",
    "world_average",
]
