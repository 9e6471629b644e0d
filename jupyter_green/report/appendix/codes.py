"""The codes of all limitations, most important first.

What a code counts, and what numbers come with it, stands beside it.  Imports nothing.
"""

from __future__ import annotations

CODES = (
    "no-records",
    "implausible-energy",  # more than power limit x time: device, limit_w, mean_w
    "negative-energy",
    "impossible-figures",  # not finite or absurd; taken as not measured
    "simulated-energy",  # kwh
    "estimated-energy",  # kwh, fraction
    "not-metered-runs",  # added by hand or imported: no meter saw them
    "not-measured-runs",  # left out of all sums of energy
    "partly-measured-runs",
    "killed-runs",  # closed from their last heartbeat
    "killed-before-first-heartbeat",
    "running-runs",
    "provisional-runs",
    "untagged-runs",
    "no-reported-runs",
    "unrecorded-work",  # gpu_hours that the authors state beside the ledger
    "uncertainty-unknown",  # kwh
    "incomplete-coverage",  # lowest: of a device's time
    "shared-device",
    "mig-parent",
    "charged-once",  # kwh that several runs measured
    "nested-runs",
    "file-problems",
    "conflicting-records",
    "no-intensity",  # kwh without CO2e
    "assumed-intensity",  # kwh
    "several-intensities",
    "mixed-intensity-kinds",  # direct and lifecycle factors are not comparable
    "old-intensity-data",  # year
    "intensity-range-unknown",
    "intensity-by-authors",
    "pue-is-one",  # kwh without cooling and losses of the building
    "several-pues",
    "component-energy",  # not the wall: meters there read 20 to 37 % more
    "gpu-busy-not-recorded",
    "gpu-memory-unknown",
    "no-baseline",
    "between-runs",  # hours of sessions that were not metered
    "several-machines",
    "unknown-machine",
    "undated-runs",
    "clock-disagrees",
    "time-zones",  # stamps not in UTC: converted
    "no-time-zone",  # stamps without zone: taken as UTC
    "repeated-cells",
    "several-python-versions",
    "several-tool-versions",
    "several-record-versions",
    "newer-record-version",
    "uncommitted-changes",
    "no-git",
    "many-commits",
    "embodied-not-included",
    "record-remark",  # flag: a remark of a record or device, passed on
)
