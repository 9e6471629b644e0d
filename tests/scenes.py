"""Loads whose energy is known exactly, and what a slow counter shows of them.

Shared by the tests of the edges and by `accuracy.py`, which makes docs/accuracy.md's
table and picture anew.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable

from jupyter_green.meter.edges import Power, Tick

PERIOD_S, SAMPLE_S = 0.1, 0.02
IDLE_W, BUSY_W = 60.0, 300.0


class Load:
    """Power in steps, with its exact integral."""

    def __init__(self, points: list[tuple[float, float]]) -> None:
        self.times = [t_s for t_s, _ in points]
        self.watts = [power_w for _, power_w in points]
        self.joules = [0.0]
        for i in range(1, len(points)):
            step_s = self.times[i] - self.times[i - 1]
            self.joules.append(self.joules[-1] + self.watts[i - 1] * step_s)

    def power_w(self, t_s: float) -> float:
        """Return the power at a moment."""
        return self.watts[bisect_right(self.times, t_s) - 1]

    def energy_j(self, t_s: float) -> float:
        """Return the energy since the start."""
        i = bisect_right(self.times, t_s) - 1
        return self.joules[i] + self.watts[i] * (t_s - self.times[i])


Scene = tuple[Load, float, float]
Kind = Callable[[random.Random, float], Scene]


def own_cell(rng: random.Random, length_s: float) -> Scene:
    """Idle, the cell's own load, idle."""
    start_s = 5.0 + rng.random()
    end_s = start_s + length_s
    points = [(0.0, IDLE_W), (start_s, BUSY_W), (end_s, IDLE_W)]
    return Load(points), start_s, end_s


def other_load(rng: random.Random, length_s: float) -> Scene:
    """Another process's square wave, at a random phase."""
    phase_s, points = rng.random(), [(0.0, IDLE_W)]
    for k in range(40):
        points += [(k + phase_s, BUSY_W), (k + 0.5 + phase_s, IDLE_W)]
    start_s = 5.0 + 3 * rng.random()
    return Load(points), start_s, start_s + length_s


def bursts(rng: random.Random, length_s: float) -> Scene:
    """Another process's bursts of 20 ms each 0.2 s, at a random phase."""
    phase_s, points = 0.2 * rng.random(), [(0.0, IDLE_W)]
    for k in range(120):
        begin_s = 0.2 * k + phase_s
        points += [(begin_s, BUSY_W), (begin_s + 0.02, IDLE_W)]
    start_s = 5.0 + 3 * rng.random()
    return Load(points), start_s, start_s + length_s


def run_all(rng: random.Random, _: float) -> Scene:
    """One of several cells right after each other, of random length and power."""
    t_s, points = 5.0 + rng.random(), [(0.0, IDLE_W)]
    for _i in range(8):
        points.append((t_s, rng.uniform(IDLE_W, 2 * BUSY_W - IDLE_W)))
        t_s += rng.uniform(0.02, 0.5)
    i = rng.randrange(3, 6)
    return Load(points), points[i][0], points[i + 1][0]


def observe(
    scene: Scene, rng: random.Random, error_s: float = 0.0003
) -> tuple[list[Tick], list[Power]]:
    """Return what a counter and a power history show of a scene."""
    load, start_s, end_s = scene
    phase_s, offset_s = rng.random() * PERIOD_S, rng.random() * SAMPLE_S
    first = math.floor((start_s - 1 - phase_s) / PERIOD_S)
    ticks: list[Tick] = []
    while not ticks or ticks[-1].t_s < end_s:
        t_s = phase_s + first * PERIOD_S
        seen_s = t_s + rng.gauss(0, error_s)
        ticks.append(Tick(seen_s, round(load.energy_j(t_s), 3), error_s))
        first += 1
    count = math.floor((start_s - 1 - offset_s) / SAMPLE_S)
    powers: list[Power] = []
    while (t_s := offset_s + count * SAMPLE_S) <= ticks[-1].t_s:
        powers.append(Power(t_s, round(load.power_w(t_s), 3)))
        count += 1
    return ticks, powers


def difference_j(scene: Scene, rng: random.Random) -> float:
    """Return the plain difference of two readings of the counter."""
    load, start_s, end_s = scene
    phase_s = rng.random() * PERIOD_S

    def seen_j(t_s: float) -> float:
        ticks = math.floor((t_s - phase_s) / PERIOD_S)
        return load.energy_j(ticks * PERIOD_S + phase_s)

    return seen_j(end_s) - seen_j(start_s)
