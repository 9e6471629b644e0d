"""The plain difference of two readings of a slow counter, where nothing better is."""

from __future__ import annotations

import random

import pytest

from jupyter_green.devices.device import About
from jupyter_green.meter.difference import device_record
from jupyter_green.sampler import Level, Sample
from jupyter_green.units import NS_PER_S

PERIOD_S = 0.1
GPU = About(
    id="gpu-0",
    kind="gpu",
    method="counter",
    resolution_j=1e-3,
    update_period_s=PERIOD_S,
)


def covered(before_w: float, inside_w: float, window_s: float) -> float:
    """Return how many of 2,000 intervals hold the truth: phases are drawn at random.

    A reading shows the energy up to the counter's last move, evenly spread over the
    period before it.  The load changes where the window begins, and stays.
    """
    rng = random.Random(1)
    held = 0
    for _ in range(2000):
        lags_s = rng.uniform(0.0, PERIOD_S), rng.uniform(0.0, PERIOD_S)
        shown_j = window_s * inside_w + before_w * lags_s[0] - inside_w * lags_s[1]
        first = Level(0, 0.0, before_w=before_w)
        end_ns = round(window_s * NS_PER_S)
        record = device_record(
            GPU,
            Sample(0, {"gpu-0": first}),
            Sample(end_ns, {"gpu-0": Level(end_ns, shown_j)}),
        )
        assert record.energy_j is not None
        assert record.uncertainty_j is not None
        held += abs(record.energy_j - inside_w * window_s) <= record.uncertainty_j
    return held / 2000


@pytest.mark.parametrize("window_s", [0.15, 0.2, 0.3, 0.5, 2.0, 20.0])
@pytest.mark.parametrize(
    ("before_w", "inside_w"), [(300.0, 300.0), (60.0, 300.0), (300.0, 60.0)]
)
def test_the_interval_holds_the_truth_whatever_the_load_did_before(
    before_w: float, inside_w: float, window_s: float
) -> None:
    """Steady, up from idle and down to it: at least 94 of 100."""
    assert covered(before_w, inside_w, window_s) >= 0.94
