"""What some runs took together, and parts that add up to a whole.

Units stand in the names.  None means that nothing is known, never 0.  Imports `records`
for the fields of an intensity.

    >>> Amount(runs=1, failed_runs=0, run_time_s=60.0, gpu_hours=0.0).energy_it_kwh
"""

from __future__ import annotations

from msgspec import Struct


class Amount(Struct, frozen=True, kw_only=True):
    """What some runs took.

    Every figure is a sum over the runs, each joule and each GPU's second counted once:
    runs inside other runs are left out, and runs that cover the same time on a device
    share it.  So amounts of parts add up to the amount of the whole, but for
    uncertainties, which do not add.

    Attributes:
        runs: Number of runs.
        failed_runs: Those that ended by an error, an interrupt or a kill.
        unmeasured_runs: Those without any energy figure; they add time, no energy.
        partly_measured_runs: Those in which some device has no figure.
        without_intensity_runs: Those with energy but no carbon intensity: no CO2e.
        run_time_s: Sum of the runs' own durations in seconds.
        gpu_hours: Hours that GPUs were allocated to the runs, busy or not: for each
            GPU the time in which a run had it, times that two runs shared split evenly.
        gpu_hours_busy: Hours in which they executed kernels, of any process, as their
            driver samples it; None: not recorded for 95 % of the GPU-hours.
        energy_it_kwh: Energy of the metered components in kWh, before PUE, by whatever
            method; `energy_by_method_kwh` tells them apart.
        energy_uncertainty_kwh: Half-width (95 %) of that: random parts of one device
            in quadrature, its calibration linearly, devices independently, estimates
            by one model linearly; None where any figure came without one.
        energy_by_method_kwh: kWh by ``counter``, ``integrated``, ``estimated``,
            ``simulated``.
        energy_by_kind_kwh: kWh by ``gpu``, ``cpu``, ``dram``, ``ram``, ``soc``,
            ``machine``.
        energy_facility_kwh: kWh of the facility: each run's energy times its PUE, once.
        co2e_kg: kg CO2e, location-based: each run's facility energy times its
            intensity; None where no run has an intensity.
        co2e_low_kg: Lower corner of what is known about energy, PUE and intensity.
        co2e_high_kg: Upper corner.
    """

    runs: int
    failed_runs: int
    run_time_s: float
    gpu_hours: float
    unmeasured_runs: int = 0
    partly_measured_runs: int = 0
    without_intensity_runs: int = 0
    gpu_hours_busy: float | None = None
    energy_it_kwh: float | None = None
    energy_uncertainty_kwh: float | None = None
    energy_by_method_kwh: dict[str, float] = {}
    energy_by_kind_kwh: dict[str, float] = {}
    energy_facility_kwh: float | None = None
    co2e_kg: float | None = None
    co2e_low_kg: float | None = None
    co2e_high_kg: float | None = None


class Part(Struct, frozen=True, kw_only=True):
    """One of several parts of the work; all parts of a list add up to the total.

    Attributes:
        key: What its runs have in common.  By purpose: one of `records.PURPOSES`,
            ``failed`` or ``untagged``.
        amount: What it took.
        energy_fraction: Its fraction of all energy; None where none was measured.
        gpu_hours_fraction: Its fraction of all GPU-hours; None without GPUs.
    """

    key: str
    amount: Amount
    energy_fraction: float | None = None
    gpu_hours_fraction: float | None = None


class Spread(Struct, frozen=True, kw_only=True):
    """Mean and spread over the runs that ended well and have a figure.

    Attributes:
        n: Number of these runs.
        mean: Their mean; None without runs.
        sd: Sample standard deviation; None below two runs.
    """

    n: int
    mean: float | None = None
    sd: float | None = None


class Experiment(Struct, frozen=True, kw_only=True):
    """Runs that belong together: those of one label, or of one cell.

    Attributes:
        key: The label, or notebook and cell where there is none.
        label: The label; empty: told apart by cell.
        notebook: Path of the notebook; empty: none or several.
        cell: Id of the cell, or what else names it; empty: none or several.
        purposes: Purposes of its runs, ``untagged`` among them.
        amount: What all its runs took.
        energy_kwh: IT energy of one run in kWh, over its finished runs.
        duration_s: Seconds of one run.
        gpu_hours: GPU-hours of one run.
        co2e_kg: kg CO2e of one run.
        hardware: Product names of the devices its runs used, as ``2 x NVIDIA H100``.
        is_same_hardware: Whether all its runs used the same devices' products.
        repeated_runs: Runs that are repeats of a cell, each of several executions.
        energy_fraction: Its fraction of all energy.
    """

    key: str
    amount: Amount
    energy_kwh: Spread
    duration_s: Spread
    gpu_hours: Spread
    co2e_kg: Spread
    label: str = ""
    notebook: str = ""
    cell: str = ""
    purposes: tuple[str, ...] = ()
    hardware: tuple[str, ...] = ()
    is_same_hardware: bool = True
    repeated_runs: int = 0
    energy_fraction: float | None = None


class Listing(Struct, frozen=True, kw_only=True):
    """The largest experiments, and the sum of all others.

    Attributes:
        rows: Largest energy first, those without energy by GPU-hours and time.
        other_count: How many are not listed.
        other: What these took together; None: all are listed.
    """

    rows: tuple[Experiment, ...] = ()
    other_count: int = 0
    other: Amount | None = None


class Supply(Struct, frozen=True, kw_only=True):
    """Energy of one PUE and one carbon intensity, and the CO2e that follows.

    ``energy_it_kwh x pue = energy_facility_kwh``, and that times ``g_per_kwh / 1000``
    is ``co2e_kg``, from unrounded values.

    Attributes:
        energy_it_kwh: Energy of the components in kWh.
        runs: Runs with energy of this supply.
        pue: Power usage effectiveness.
        pue_source: Where it comes from.
        pue_low: Lower end of its range; None: no range is stated.
        pue_high: Upper end.
        energy_facility_kwh: Energy of the facility in kWh.
        g_per_kwh: Carbon intensity in g CO2e per kWh; None: not known, so no CO2e.
        low_g_per_kwh: Lower end of its range; None: no range is stated.
        high_g_per_kwh: Upper end.
        zone: What it is the intensity of.
        year: Year of its data.
        source: Where it comes from.
        licence: Licence of that source.
        kind: ``lifecycle``, ``direct``, ``co2-only``, ``consumption``, ``unstated``.
        is_assumed: True where nobody stated a location and a default was taken.
        is_by_author: True where the authors' figure fills in or replaces a record's.
        note: What to know about it.
        co2e_kg: kg CO2e.
        co2e_low_kg: Lower corner of energy, PUE and intensity.
        co2e_high_kg: Upper corner.
    """

    energy_it_kwh: float
    runs: int
    pue: float
    pue_source: str
    energy_facility_kwh: float
    pue_low: float | None = None
    pue_high: float | None = None
    g_per_kwh: float | None = None
    low_g_per_kwh: float | None = None
    high_g_per_kwh: float | None = None
    zone: str = ""
    year: int | None = None
    source: str = ""
    licence: str = ""
    kind: str = "unstated"
    is_assumed: bool = False
    is_by_author: bool = False
    note: str = ""
    co2e_kg: float | None = None
    co2e_low_kg: float | None = None
    co2e_high_kg: float | None = None
