"""One row for each execution: the table ``energy-runs.csv``."""

from __future__ import annotations

from msgspec import Struct


class Row(Struct, frozen=True, kw_only=True):
    """One execution; units stand in the names, None is an empty cell.

    Attributes:
        id: The record's id.
        started_at: UTC start, ISO 8601.
        ended_at: UTC end.
        duration_s: Seconds by the monotonic clock.
        status: ``ok``, ``error``, ``interrupted``, ``killed`` or ``running``.
        error: Name of the exception's class.
        purpose: The tag; empty: untagged.
        label: The label.
        notebook: The notebook.
        cell_id: The cell.
        execution_count: The ``n`` of ``In[n]``.
        counted: False for a run inside another one, which has its energy already:
            summing the counted rows gives the totals.
        machine: Key of the machine.
        devices: Keys of the devices, separated by spaces.
        gpu_hours: GPU-hours allocated, shared time split.
        energy_j: Charged joules of all components; empty: not measured.
        energy_uncertainty_j: Half-width (95 %).
        energy_recorded_j: Joules as recorded, before what overlaps was charged once.
        gpu_j: Charged joules of GPUs.
        cpu_j: Of processors.
        memory_j: Of memory, ``dram`` and ``ram``.
        other_j: Of all other kinds.
        methods: Methods, separated by spaces.
        pue: Power usage effectiveness.
        intensity_g_per_kwh: Carbon intensity.
        intensity_zone: What it is the intensity of.
        co2e_g: Grams of CO2e, location-based.
        git_commit: The commit.
        git_dirty: Whether there were changes.
        python: Version of Python.
        flags: Remarks, separated by spaces.
    """

    id: str
    started_at: str
    ended_at: str
    duration_s: float
    status: str
    error: str
    purpose: str
    label: str
    notebook: str
    cell_id: str
    execution_count: int | None
    counted: bool
    machine: str
    devices: str
    gpu_hours: float
    energy_j: float | None
    energy_uncertainty_j: float | None
    energy_recorded_j: float | None
    gpu_j: float | None
    cpu_j: float | None
    memory_j: float | None
    other_j: float | None
    methods: str
    pue: float
    intensity_g_per_kwh: float | None
    intensity_zone: str
    co2e_g: float | None
    git_commit: str
    git_dirty: bool | None
    python: str
    flags: str
