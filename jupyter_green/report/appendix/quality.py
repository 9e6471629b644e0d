"""The quality label of a report: the minimum over four aspects.

The aspects and thresholds are Green500's idea of levels, fitted to what a notebook's
meter can know (the design's notes on the appendix have the table).  Imports the facts
it judges.

    Q3 integrating meter at the wall, Q2 hardware counters, Q1 sampled power, Q0 models
"""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_green.report.appendix.author import AuthorFacts
from jupyter_green.report.appendix.evidence import Aspect, Quality
from jupyter_green.report.appendix.hardware import DeviceFacts

COUNTER_COVERAGE = 0.99
SAMPLED_COVERAGE = 0.95
MEASURING = frozenset({"counter", "integrated"})
MEMORY = frozenset({"dram", "ram"})
PROCESSORS = frozenset({"cpu", "soc"})
# Marks of records that were not metered; `jupyter green add` and `import` set them.
NOT_METERED = ("added", "imported")


def judge(
    devices: Sequence[DeviceFacts], author: AuthorFacts, *, not_metered_runs: int
) -> Quality:
    """Return the label.

    Args:
        devices: All devices of the report.
        author: What the authors state.
        not_metered_runs: Runs that were added by hand or imported.
    """
    aspects = (
        _time(devices),
        _machines(devices, author, not_metered_runs),
        _subsystems(devices),
        _attribution(devices, author),
    )
    return Quality(level=min(aspect.level for aspect in aspects), aspects=aspects)


def _time(devices: Sequence[DeviceFacts]) -> Aspect:
    """Judge the type of reading and the time span, of the devices that are measured."""
    measured = [device for device in devices if is_measured(device)]
    if not measured:
        return Aspect(aspect="time", level=0, reasons=("nothing-measured",))
    coverage = min(device.coverage for device in measured)
    reasons = []
    is_counted = all(
        use.method == "counter" for device in measured for use in device.methods
    )
    if any(
        use.method not in MEASURING for device in measured for use in device.methods
    ):
        return Aspect(aspect="time", level=0, reasons=("partly-modelled",))
    if all(device.kind == "machine" for device in measured):
        if is_counted and coverage == 1.0:
            return Aspect(aspect="time", level=3, fraction=coverage)
        reasons.append("meter-not-all-the-time")
    else:
        reasons.append("no-integrating-meter")
    if is_counted and coverage >= COUNTER_COVERAGE:
        return Aspect(aspect="time", level=2, reasons=tuple(reasons), fraction=coverage)
    if not is_counted:
        reasons.append("sampled-power")
    if coverage < COUNTER_COVERAGE:
        reasons.append("incomplete-coverage")
    level = 1 if coverage >= SAMPLED_COVERAGE else 0
    return Aspect(aspect="time", level=level, reasons=tuple(reasons), fraction=coverage)


def _machines(
    devices: Sequence[DeviceFacts], author: AuthorFacts, not_metered_runs: int
) -> Aspect:
    """Judge which fraction of the machines' devices is measured."""
    gpus = [device for device in devices if device.kind == "gpu"]
    rest = [device for device in devices if device.kind in PROCESSORS | {"machine"}]
    metered = len({device.machine for device in devices})
    missing = {
        "runs-not-metered": not_metered_runs > 0,
        "nothing-measured": not any(map(is_measured, devices)),
        "some-gpus-not-measured": not all(map(is_measured, gpus)),
        "some-nodes-not-metered": (author.nodes or 0) > metered,
    }
    reasons = tuple(code for code, holds in missing.items() if holds)
    level, fraction = 0, None
    if reasons:
        if missing["some-nodes-not-metered"] and author.nodes:
            fraction = metered / author.nodes
    elif not rest or not all(map(is_measured, rest)):
        level, reasons = 1, ("processors-not-measured",)
    elif author.is_whole_machine_metered and author.nodes is not None:
        level, fraction = 3, 1.0
    else:
        level, reasons = 2, ("other-parts-of-nodes-not-known",)
    return Aspect(aspect="machines", level=level, reasons=reasons, fraction=fraction)


def _subsystems(devices: Sequence[DeviceFacts]) -> Aspect:
    """Judge which parts of a machine are measured, which modelled."""
    measured = {device.kind for device in devices if is_measured(device)}
    known = {device.kind for device in devices if device.energy_kwh is not None}
    if "machine" in measured:
        return Aspect(aspect="subsystems", level=3)
    if not measured:
        return Aspect(aspect="subsystems", level=0, reasons=("nothing-measured",))
    reasons = ["whole-node-not-measured"]
    has_gpu = any(device.kind == "gpu" for device in devices)
    is_gpu_measured = not has_gpu or "gpu" in measured
    # A system on a chip has processor, graphics and memory in one figure.
    is_all = "soc" in measured or ({"cpu", "dram"} <= measured)
    if is_gpu_measured and is_all:
        return Aspect(aspect="subsystems", level=2, reasons=tuple(reasons))
    if not measured & PROCESSORS:
        reasons.append("processor-not-measured")
    if "dram" not in measured:
        reasons.append("memory-not-measured")
    is_rest_modelled = bool(known & PROCESSORS) and bool(known & (MEMORY | {"soc"}))
    if not is_rest_modelled:
        reasons.append("rest-not-modelled")
    level = 1 if is_gpu_measured and is_rest_modelled else 0
    return Aspect(aspect="subsystems", level=level, reasons=tuple(reasons))


def _attribution(devices: Sequence[DeviceFacts], author: AuthorFacts) -> Aspect:
    """Judge where it was measured, and whether others used the devices too."""
    measured = [device for device in devices if is_measured(device)]
    if not measured:
        return Aspect(aspect="attribution", level=0, reasons=("nothing-measured",))
    is_shared = any(device.scope != "device" for device in measured)
    if is_shared or author.is_exclusive is False:
        return Aspect(aspect="attribution", level=1, reasons=("shared-devices",))
    if all(device.kind == "machine" for device in measured):
        return Aspect(aspect="attribution", level=3)
    return Aspect(aspect="attribution", level=2, reasons=("not-at-the-wall",))


def is_measured(device: DeviceFacts) -> bool:
    """Say whether a device has any figure by a sensor."""
    return any(use.method in MEASURING for use in device.methods)
