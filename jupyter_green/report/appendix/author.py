"""What only the authors know, and which records a report is about.

The command line fills `AuthorFacts` from the table ``[report]`` of
``jupyter_green.toml``.  Every field may be missing; what is missing is asked for on the
page and never made up.  Imports nothing of the package.

    >>> AuthorFacts().reported_purposes
    ('final',)
"""

from __future__ import annotations

from msgspec import Struct


class AuthorFacts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts that no ledger holds, stated by the authors; None or empty: not stated.

    Attributes:
        model: Name of the model, as the paper calls it.
        parameters: Number of parameters of the model.
        flops: Floating-point operations of all training, in FLOP.
        flops_source: How they were counted.
        task: What the work is, such as ``image classification``.
        training_type: ``pre-training`` or ``fine-tuning``.
        dataset: Name of the data.
        dataset_licence: Its licence.
        is_public: Whether model and code are public.
        cluster: Name of the cluster; never in an anonymous report.
        institution: Who runs it; never in an anonymous report.
        authors: Names; never in an anonymous report.
        remotes: Addresses of the project's repositories; never in an anonymous report.
        cloud_provider: Name of the cloud provider, or ``own hardware``.
        location: Country or region of the machines, as readers should see it.
        withhold_location: Leave out zone and location and keep the intensity.
        nodes: Number of machines that the work used, metered or not.
        is_whole_machine_metered: True where a meter covers all of every node.
        is_exclusive: Whether nobody else used the machines meanwhile.
        gpu_memory_gb: Memory of one GPU in 10^9 bytes, where its name does not say it.
        storage_gb: Disk space that the work needed, in 10^9 bytes.
        pue: Power usage effectiveness; fills in where a record has the default of 1.
        pue_low: Lower end of its range.
        pue_high: Upper end of its range.
        pue_source: Where it comes from.
        intensity_g_per_kwh: Carbon intensity in g CO2e per kWh, location-based; fills
            in where a record has none or an assumed one.
        intensity_low_g_per_kwh: Lower end of its range.
        intensity_high_g_per_kwh: Upper end of its range.
        intensity_zone: What it is the intensity of.
        intensity_year: Year of the data.
        intensity_source: Where it comes from.
        intensity_licence: Licence of that source.
        intensity_kind: ``lifecycle``, ``direct``, ``co2-only``, ``consumption``.
        replaces_recorded: True: PUE and intensity above replace those of all records.
        market_based_g_per_kwh: Intensity by contracts, for a line of its own.
        market_based_source: The contract.
        wall_factor: Energy at the wall over the energy of the metered components, as
            measured by the authors; shown, never applied silently.
        wall_factor_source: How it was measured.
        reported_purposes: Purposes whose finished runs are in the paper.
        final_means: What the authors call final, in their words.
        unrecorded_gpu_hours: GPU-hours of the project that no ledger has.
        unrecorded_note: What that work was.
        seeds: Number of random seeds behind each reported figure.
        functional_unit: What is counted, such as ``1,000 queries``.
        functional_units: How many of them the reported work gave.
        embodied_kg_per_gpu: kg CO2e of making one GPU's share of a machine.
        embodied_source: Where that comes from.
        lifetime_h: Hours over which a machine's making is spread.
        water_site_l_per_kwh: Litres per kWh of IT energy used on the site: low, high.
        water_source_l_per_kwh: Litres per kWh of facility energy used by power plants:
            low, high.
        water_source: Where these come from.
        price_per_gpu_hour: Price of a GPU-hour.
        price_per_kwh: Price of a kWh of facility energy.
        currency: Their currency, such as ``EUR``.
        impact: What the authors say about the work's positive impact.
        limitations: Limitations in the authors' words, one paragraph each.
        comments: Anything else.
    """

    model: str = ""
    parameters: float | None = None
    flops: float | None = None
    flops_source: str = ""
    task: str = ""
    training_type: str = ""
    dataset: str = ""
    dataset_licence: str = ""
    is_public: bool | None = None
    cluster: str = ""
    institution: str = ""
    authors: tuple[str, ...] = ()
    remotes: tuple[str, ...] = ()
    cloud_provider: str = ""
    location: str = ""
    withhold_location: bool = False
    nodes: int | None = None
    is_whole_machine_metered: bool | None = None
    is_exclusive: bool | None = None
    gpu_memory_gb: float | None = None
    storage_gb: float | None = None
    pue: float | None = None
    pue_low: float | None = None
    pue_high: float | None = None
    pue_source: str = ""
    intensity_g_per_kwh: float | None = None
    intensity_low_g_per_kwh: float | None = None
    intensity_high_g_per_kwh: float | None = None
    intensity_zone: str = ""
    intensity_year: int | None = None
    intensity_source: str = ""
    intensity_licence: str = ""
    intensity_kind: str = "unstated"
    replaces_recorded: bool = False
    market_based_g_per_kwh: float | None = None
    market_based_source: str = ""
    wall_factor: float | None = None
    wall_factor_source: str = ""
    reported_purposes: tuple[str, ...] = ("final",)
    final_means: str = ""
    unrecorded_gpu_hours: float | None = None
    unrecorded_note: str = ""
    seeds: int | None = None
    functional_unit: str = ""
    functional_units: float | None = None
    embodied_kg_per_gpu: float | None = None
    embodied_source: str = ""
    lifetime_h: float | None = None
    water_site_l_per_kwh: tuple[float, float] | None = None
    water_source_l_per_kwh: tuple[float, float] | None = None
    water_source: str = ""
    price_per_gpu_hour: float | None = None
    price_per_kwh: float | None = None
    currency: str = ""
    impact: str = ""
    limitations: tuple[str, ...] = ()
    comments: str = ""


class Scope(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which records a report is about; all conditions hold together.

    Attributes:
        notebooks: Paths or file names; empty: all.
        project: Folder that holds the notebooks; empty: any.
        since: UTC time from which runs count, ISO 8601; empty: from the first.
        until: UTC time before which runs must have begun; empty: to the last.
        labels: Labels, where ``*`` stands for anything; empty: all.
        purposes: Purposes, ``untagged`` among them; empty: all.
        sessions: Ids of kernel sessions; empty: all.
    """

    notebooks: tuple[str, ...] = ()
    project: str = ""
    since: str = ""
    until: str = ""
    labels: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()


class Options(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a report is made.

    Attributes:
        scope: Which records it is about.
        top: How many experiments, cells and notebooks are listed; the rest is summed.
        top_runs: How many of the largest runs are listed with their power over time.
        is_anonymous: Whether names, paths and hosts were removed.
        keeps_commit: Whether an anonymous report keeps the git commits.
    """

    scope: Scope = Scope()
    top: int = 40
    top_runs: int = 6
    is_anonymous: bool = False
    keeps_commit: bool = False
