"""What the codes of the facts mean, for people.  Pure."""

from __future__ import annotations

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "gpu": "GPU",
    "cpu": "processor package",
    "dram": "memory (DRAM)",
    "ram": "memory (RAM)",
    "soc": "system on a chip",
    "machine": "whole machine",
}
# Energy of a kind of device, as in "energy of GPU boards".
KIND_ENERGY: Mapping[str, str] = {
    "gpu": "GPU boards",
    "cpu": "processor packages",
    "dram": "memory (DRAM)",
    "ram": "memory (RAM)",
    "soc": "systems on a chip",
    "machine": "whole machines",
}
BASES: Mapping[str, str] = {
    "counter": "measured by an energy counter",
    "integrated": "integrated from power readings",
    "estimated": "estimated by a model",
    "simulated": "SIMULATED: no hardware",
}
SHORT_BASES: Mapping[str, str] = {
    "counter": "measured",
    "integrated": "integrated",
    "estimated": "estimated",
    "simulated": "SIMULATED",
}
READINGS: Mapping[str, str] = {
    "counter": "counter",
    "integrated": "power readings",
    "estimated": "model",
    "simulated": "SIMULATED",
}
EXCLUDED: Mapping[str, str] = {
    "gpu": "GPUs that gave no figure",
    "cpu": "processors",
    "memory": "memory",
    "storage": "storage",
    "network": "network",
    "mainboard-and-fans": "mainboards and fans",
    "power-supply-losses": "losses of power supplies",
    "cooling-and-building": "cooling and the building",
    "between-runs": "time between metered runs",
    "embodied": "making and disposing of the hardware",
    "other-machines": "laptops, log-in nodes and file servers",
}
ATTRIBUTION: Mapping[str, str] = {
    "whole-device": "Each run is charged the whole energy of its devices while it ran, "
    "idle power included.",
    "charged-once": "Where several runs used one device at the same time, the energy "
    "of that time is split evenly among them and charged once.",
    "shared-device": "Some devices were shared with other users' processes, whose "
    "energy is included.",
    "mig-parent": "Some figures are of whole boards behind slices of them (MIG), and "
    "hold the energy of other slices.",
}
PURPOSES: Mapping[str, str] = {
    "final": "final",
    "search": "search",
    "ablation": "ablation",
    "development": "development",
    "inference": "inference",
    "other": "other",
    "failed": "failed (any tag)",
    "untagged": "untagged",
}
ASPECTS: Mapping[str, str] = {
    "time": "type of reading, time span",
    "machines": "fraction of the machines",
    "subsystems": "subsystems",
    "attribution": "point of measurement",
}
LEVELS: Mapping[int, str] = {
    3: "metered: an integrating meter for whole machines",
    2: "counters: hardware counters of all devices used",
    1: "sampled: power readings, the rest modelled",
    0: "estimated: models, or less than all was read",
}
REASONS: Mapping[str, str] = {
    "nothing-measured": "nothing was measured",
    "partly-modelled": "a measured device has figures from models too",
    "meter-not-all-the-time": "the meter did not cover all the time",
    "no-integrating-meter": "no integrating meter of whole machines",
    "sampled-power": "energy integrated from power readings",
    "incomplete-coverage": "readings do not cover all the time",
    "runs-not-metered": "some runs were added by hand or imported",
    "some-gpus-not-measured": "some GPUs gave no figure",
    "some-nodes-not-metered": "some machines were not metered",
    "processors-not-measured": "processors were not measured",
    "other-parts-of-nodes-not-known": "other parts of the machines are not known",
    "whole-node-not-measured": "not the whole machine",
    "processor-not-measured": "no processor was measured",
    "memory-not-measured": "memory was not measured",
    "rest-not-modelled": "and what is not measured is not modelled",
    "shared-devices": "devices were shared with others",
    "not-at-the-wall": "sensors of devices, not at the wall",
}
RANGE_COVERS: Mapping[str, str] = {
    "energy": "the uncertainty of the energy",
    "pue": "the range of the PUE",
    "intensity": "the range of the intensity",
}
INTENSITY_KINDS: Mapping[str, str] = {
    "lifecycle": "life cycle",
    "direct": "combustion only",
    "co2-only": "combustion, CO2 only",
    "consumption": "consumption, imports included",
    "unstated": "boundary not stated",
}
STATUSES: Mapping[str, str] = {
    "error": "ended by an error",
    "interrupted": "interrupted",
    "killed": "killed",
}


def word(words: Mapping[str, str], code: str) -> str:
    """Return what a code means; a code of a newer version is shown as it is."""
    return words.get(code, code.replace("-", " "))
