"""What the report covers and what it adds up to.

Imports `amounts`.
"""

from __future__ import annotations

from msgspec import Struct

from jupyter_green.report.appendix.amounts import Amount, Supply


class NotebookUse(Struct, frozen=True, kw_only=True):
    """A notebook of the report; empty path: runs without one.

    Attributes:
        path: Path as recorded; ``notebook 1`` ... in an anonymous report.
        amount: What its runs took.
        cells: Number of different cells that ran.
    """

    path: str
    amount: Amount
    cells: int = 0


class Sharing(Struct, frozen=True, kw_only=True):
    """What was measured more than once and is charged once.

    Time of a device that several runs cover is split evenly among them, each with its
    mean power there; overlapping runs are together never charged less than the largest
    of them has measured.  A run inside another one is part of it.

    Attributes:
        nested_runs: Runs left out, since an enclosing run has their energy.
        shared_runs: Runs that cover the same time on a device as another one.
        shared_kwh: Energy that the plain sum would hold too often.
        shared_sessions: Sessions (kernels, scripts) that these runs belong to.
    """

    nested_runs: int = 0
    shared_runs: int = 0
    shared_kwh: float = 0.0
    shared_sessions: int = 0


class Extent(Struct, frozen=True, kw_only=True):
    """What the report covers.

    Attributes:
        first_start: UTC start of the first run, ISO 8601; empty: unknown.
        last_end: UTC end of the last run.
        active_days: UTC days on which a run began.
        executions: Runs that count: all but those inside others.
        notebooks: Number of notebooks.
        notebook_uses: The largest of them.
        other_notebooks: How many notebooks are not listed.
        sessions: Kernel sessions, scripts and commands.
        between_runs_s: Seconds within sessions, from first to last run, in which none
            ran: not metered.
        undated_runs: Runs whose start is not known.
        included: Codes of what the energy holds: kinds of device, with their methods,
            such as ``gpu:counter``.
        excluded: Codes of what it does not hold, of `boundary.EXCLUDABLE`.
        attribution: Codes of how energy falls to runs: ``whole-device``,
            ``charged-once``, ``shared-device``, ``mig-parent``.
        sharing: What was charged once.
    """

    executions: int
    first_start: str = ""
    last_end: str = ""
    active_days: int = 0
    notebooks: int = 0
    notebook_uses: tuple[NotebookUse, ...] = ()
    other_notebooks: int = 0
    sessions: int = 0
    between_runs_s: float = 0.0
    undated_runs: int = 0
    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    attribution: tuple[str, ...] = ()
    sharing: Sharing = Sharing()


class Component(Struct, frozen=True, kw_only=True):
    """Energy of one kind of device by one method; all of them add up to the total.

    Attributes:
        kind: ``gpu``, ``cpu`` ...
        method: ``counter``, ``integrated``, ``estimated``, ``simulated``.
        basis: ``measured`` (counter), ``integrated``, ``estimated``, ``simulated``.
        devices: Number of devices behind it.
        runs: Number of runs behind it.
        energy_kwh: Energy in kWh.
        energy_uncertainty_kwh: Half-width (95 %); None: not known.
    """

    kind: str
    method: str
    basis: str
    devices: int
    runs: int
    energy_kwh: float
    energy_uncertainty_kwh: float | None = None


class Idle(Struct, frozen=True, kw_only=True):
    """Idle and net energy of the devices whose idle power was measured.

    Attributes:
        runs: Runs with a baseline.
        gross_kwh: Their energy on these devices.
        idle_kwh: Idle power times their time there.
        net_kwh: The difference: energy above idle; may be negative within uncertainty.
        idle_fraction: Idle over gross; None where gross is 0.
    """

    runs: int
    gross_kwh: float
    idle_kwh: float
    net_kwh: float
    idle_fraction: float | None = None


class Totals(Struct, frozen=True, kw_only=True):
    """The sums.

    Attributes:
        amount: Everything that counts.
        components: Its energy by kind and method.
        energy_measured_kwh: Energy by counters and integrated power readings.
        energy_modelled_kwh: Energy by models (`estimated`).
        energy_simulated_kwh: Energy that comes from no hardware.
        supplies: Energy and CO2e by PUE and intensity, largest first; they add up.
        idle: Idle and net energy; None: no baseline was measured.
        range_covers: What the CO2e range covers: any of ``energy``, ``pue``,
            ``intensity``; what is not named has no stated uncertainty.
        market_based_kg: kg CO2e by contracts; None: not stated.
        without_intensity_kwh: IT energy that has no CO2e.
    """

    amount: Amount
    components: tuple[Component, ...] = ()
    energy_measured_kwh: float | None = None
    energy_modelled_kwh: float | None = None
    energy_simulated_kwh: float | None = None
    supplies: tuple[Supply, ...] = ()
    idle: Idle | None = None
    range_covers: tuple[str, ...] = ()
    market_based_kg: float | None = None
    without_intensity_kwh: float = 0.0


class ReportedSplit(Struct, frozen=True, kw_only=True):
    """The work behind the paper's results against all work, from tags only.

    Attributes:
        is_known: Whether the tags allow the split; if not, all below is None.
        missing: Codes of why not: ``untagged-runs``, ``no-reported-runs``, ``no-runs``.
        untagged_runs: Runs without a tag that did not fail.
        untagged_gpu_hours: Their GPU-hours.
        untagged_kwh: Their energy; None: not measured.
        purposes: The purposes that count as reported, as the authors say.
        reported: Runs of these purposes that ended well.
        other: All others: failed, search, ablation, development ...
        gpu_hours_fraction: Reported GPU-hours over all; None without GPUs.
        energy_fraction: Reported energy over all; None where none was measured.
        time_fraction: Reported run time over all.
    """

    is_known: bool
    missing: tuple[str, ...] = ()
    untagged_runs: int = 0
    untagged_gpu_hours: float = 0.0
    untagged_kwh: float | None = None
    purposes: tuple[str, ...] = ()
    reported: Amount | None = None
    other: Amount | None = None
    gpu_hours_fraction: float | None = None
    energy_fraction: float | None = None
    time_fraction: float | None = None


class Optional(Struct, frozen=True, kw_only=True):
    """What follows from figures that the authors state; None where they do not.

    Attributes:
        embodied_kg: kg CO2e of making the GPUs, by GPU-hours over lifetime.
        embodied_fraction: Of embodied and operational CO2e together.
        water_low_l: Litres of water, on the site and for electricity, lower end.
        water_high_l: Upper end.
        sci_g_per_unit: Software Carbon Intensity (SCI 1.1.0) in g CO2e for each
            functional unit; None without embodied emissions or units.
        operational_g_per_unit: Without embodied emissions: not an SCI.
        energy_kwh_per_unit: Facility energy for each functional unit.
        cost_compute: Price of the GPU-hours, in `AuthorFacts.currency`.
        cost_energy: Price of the facility energy.
        wall_kwh: IT energy times the authors' wall factor.
        flops_per_j: The authors' FLOP over IT energy in joules.
    """

    embodied_kg: float | None = None
    embodied_fraction: float | None = None
    water_low_l: float | None = None
    water_high_l: float | None = None
    sci_g_per_unit: float | None = None
    operational_g_per_unit: float | None = None
    energy_kwh_per_unit: float | None = None
    cost_compute: float | None = None
    cost_energy: float | None = None
    wall_kwh: float | None = None
    flops_per_j: float | None = None


class Point(Struct, frozen=True, kw_only=True):
    """The sums so far at the end of a UTC time.

    Attributes:
        at: UTC time, ISO 8601.
        energy_it_kwh: kWh of all runs that began until then.
        co2e_kg: kg CO2e of these.
        gpu_hours: GPU-hours of these.
    """

    at: str
    energy_it_kwh: float
    co2e_kg: float
    gpu_hours: float


class RunFacts(Struct, frozen=True, kw_only=True):
    """One of the largest runs.

    Attributes:
        key: First characters of its id.
        label: Its label.
        notebook: Its notebook.
        cell: Its cell.
        purpose: ``untagged`` where it has none.
        status: How it ended.
        started_at: UTC start.
        duration_s: Its seconds.
        energy_kwh: Its charged energy.
        energy_uncertainty_kwh: Half-width (95 %).
        methods: Methods behind it.
        curve_t_s: Ends of the steps of its power curve in seconds; empty: none stored.
        curve_power_w: Mean power in each step in watts, as measured, before sharing.
    """

    key: str
    duration_s: float
    label: str = ""
    notebook: str = ""
    cell: str = ""
    purpose: str = ""
    status: str = ""
    started_at: str = ""
    energy_kwh: float | None = None
    energy_uncertainty_kwh: float | None = None
    methods: tuple[str, ...] = ()
    curve_t_s: tuple[float, ...] = ()
    curve_power_w: tuple[float, ...] = ()
