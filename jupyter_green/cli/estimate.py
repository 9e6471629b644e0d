"""``jupyter green estimate``: what work cost that was not metered.

Reads options, asks `carbon`, prints.  Exit codes: 0 done, 2 wrong use or impossible
input.  Imports `carbon`, `config`, `records`, `report.format` and `units`.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import msgspec

from jupyter_green.carbon import (
    STATED,
    Estimate,
    EstimateInput,
    accelerators,
    estimate,
    find,
    relocate,
    stated_pue,
)
from jupyter_green.config import settings_in_force
from jupyter_green.records import Intensity, Pue
from jupyter_green.report.format import format_co2e, format_energy
from jupyter_green.settings import Settings
from jupyter_green.units import G_PER_KG, j_from_kwh

EXIT_OK = 0

_EPILOG = """\
examples:
  jupyter green estimate --gpu A100-SXM4-80GB --count 8 --hours 24 --country FRA
  jupyter green estimate --power 400 --gpu-hours 82432 --pue 1.1 --intensity 385
  jupyter green estimate --cpu-cores 12 --cpu-power-per-core 7.5 --memory-gb 64 \\
      --hours 12 --cloud gcp:europe-west1 --json

exit codes: 0 done, 2 wrong use or impossible input
"""


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],
) -> None:
    """Register ``estimate`` with its options."""
    parser = subparsers.add_parser(
        "estimate",
        help="estimate energy and CO2e of work that was not metered",
        description="Estimate energy and CO2e of work that was not metered. "
        "Figures are plain numbers in the unit named.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    add_work_options(parser.add_argument_group("the work"))
    add_place_options(parser.add_argument_group("the place"))
    parser.add_argument("--json", action="store_true", help="print JSON, unrounded")
    parser.add_argument(
        "--list-gpus",
        action="store_true",
        help="list the accelerators with board power and source, and stop",
    )


def run(args: argparse.Namespace) -> int:
    """Carry out ``estimate`` and return the exit code.

    Raises:
        JupyterGreenError: The input is impossible or the place is unknown; the caller
            prints it and gives exit code 2.
    """
    if args.list_gpus:
        _print_accelerators(as_json=args.json)
        return EXIT_OK
    given, notes = estimate_input(args)
    result = estimate(given)
    result = msgspec.structs.replace(result, warnings=(*notes, *result.warnings))
    for warning in result.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    sys.stdout.write(_as_json(given, result) if args.json else estimate_text(result))
    return EXIT_OK


def add_work_options(group: argparse._ArgumentGroup) -> None:
    """Add the options that say what the work was."""
    group.add_argument("--gpu", metavar="NAME", help="accelerator, for its board power")
    options: tuple[tuple[tuple[str, ...], str, str], ...] = (
        (("--power",), "W", "mean power of one accelerator; wins over --gpu"),
        (("--hours",), "H", "wall-clock hours"),
        (("--gpu-hours",), "H", "hours of all GPUs together (else count x hours)"),
        (
            ("--utilisation", "--utilization"),
            "0..1",
            "fraction of their power that GPU and processor draw; not for memory",
        ),
        (("--cpu-cores",), "N", "processor cores in all"),
        (("--cpu-power-per-core",), "W", "power of one core under full load"),
        (("--memory-gb",), "GB", "memory in all"),
        (("--memory-power-per-gb",), "W", "power of a gigabyte (default 0.3725)"),
        (("--energy-kwh",), "KWH", "energy of the IT equipment, where it is known"),
    )
    group.add_argument("--count", metavar="N", type=_whole, help="number of GPUs")
    for names, metavar, text in options:
        group.add_argument(*names, metavar=metavar, type=plain_number, help=text)


def add_place_options(group: argparse._ArgumentGroup) -> None:
    """Add the options that say where it was done."""
    group.add_argument("--country", help="ISO code (FRA, FR) or English name")
    group.add_argument("--region", help="state, province or bidding zone")
    group.add_argument("--cloud", metavar="PROVIDER:REGION", help="aws:us-east-1, ...")
    group.add_argument(
        "--intensity",
        metavar="G/KWH",
        type=plain_number,
        help="carbon intensity in g CO2e per kWh; wins over the place",
    )
    group.add_argument(
        "--pue",
        type=plain_number,
        help="power usage effectiveness (default: from the settings, else 1)",
    )


def plain_number(text: str) -> float:
    """Read a number for argparse, with an error that helps."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a plain number: leave out units, commas and spaces, and "
            "write a point before decimals"
        ) from None


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def estimate_input(args: argparse.Namespace) -> tuple[EstimateInput, list[str]]:
    """Return the calculator's input, and warnings about options that do not count."""
    settings = settings_in_force().values
    intensity, notes = _intensity(args, settings)
    given = EstimateInput(
        intensity=intensity,
        pue=stated_pue(settings) if args.pue is None else _stated_here(args.pue),
        gpu=args.gpu,
        power_w=args.power,
        count=args.count,
        hours=args.hours,
        gpu_hours=args.gpu_hours,
        utilisation=args.utilisation,
        cpu_cores=args.cpu_cores,
        cpu_power_per_core_w=args.cpu_power_per_core,
        memory_gb=args.memory_gb,
        memory_power_per_gb_w=args.memory_power_per_gb,
        energy_kwh=args.energy_kwh,
    )
    return given, notes


def _intensity(
    args: argparse.Namespace, settings: Settings
) -> tuple[Intensity, list[str]]:
    place = {"country": args.country, "region": args.region, "cloud": args.cloud}
    named = [f"--{name}" for name, value in place.items() if value]
    if args.intensity is not None:
        stated = Intensity(
            g_per_kwh=args.intensity,
            zone=STATED,
            source=STATED,
        )
        note = f"--intensity wins: {' and '.join(named)} not used"
        return stated, [note] if named else []
    intensity = find(relocate(settings, **place))
    others = [name for name in named if name != "--cloud"]
    note = f"--cloud wins: {' and '.join(others)} not used"
    return intensity, [note] if args.cloud and others else []


def _stated_here(pue: float) -> Pue:
    return Pue(value=pue, source="stated on the command line")


def _as_json(given: EstimateInput, result: Estimate) -> str:
    values = _plain(result)
    inputs = _plain(given)
    del inputs["intensity"], inputs["pue"]  # the result has them
    values["inputs"] = inputs
    return json.dumps(values, indent=2) + "\n"


def _plain(struct: msgspec.Struct) -> dict[str, Any]:
    """Return every field, defaults included, so that a reader sees what was used."""
    return {
        name: _plain(value) if isinstance(value, msgspec.Struct) else value
        for name, value in msgspec.structs.asdict(struct).items()
    }


def estimate_text(result: Estimate) -> str:
    """Return an estimate for people, with what it assumes."""
    origin = "stated" if result.energy_modelled_kwh != result.energy_it_kwh else ""
    rows = [("energy, IT equipment", _kwh(result.energy_it_kwh), origin)]
    parts = _parts(result)
    if not origin and len(parts) > 1:
        rows += parts
    pue, intensity = result.pue, result.intensity
    rows += [
        (
            "energy, facility",
            _kwh(result.energy_facility_kwh),
            f"PUE {pue.value:g}, {pue.source}",
        ),
        ("CO2e", format_co2e(result.co2e_kg * G_PER_KG), _identity(intensity)),
    ]
    if result.co2e_low_kg is not None and result.co2e_high_kg is not None:
        low, high = result.co2e_low_kg * G_PER_KG, result.co2e_high_kg * G_PER_KG
        rows.append(("CO2e, range", f"{format_co2e(low)} to {format_co2e(high)}", ""))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [
        f"{name:<{widths[0]}}  {value:>{widths[1]}}  {note}".rstrip()
        for name, value, note in rows
    ]
    lines += ["", "An estimate, not a measurement. It assumes:"]
    lines += [f"- {assumption}" for assumption in result.assumptions]
    if intensity.note and not intensity.assumed:
        lines.append(f"- intensity: {intensity.note}")
    return "\n".join(lines) + "\n"


def _parts(result: Estimate) -> list[tuple[str, str, str]]:
    parts = (
        ("accelerators", result.gpu_kwh),
        ("processor", result.cpu_kwh),
        ("memory", result.memory_kwh),
    )
    known = [(name, kwh) for name, kwh in parts if kwh is not None]
    total = result.energy_it_kwh
    return [
        (f"  {name}", _kwh(kwh), f"{100 * kwh / total:.1f} %" if total else "")
        for name, kwh in known
    ]


def _identity(intensity: Intensity) -> str:
    """Return what a reader needs to judge an intensity, on one line."""
    parts = (
        f"{intensity.g_per_kwh:.4g} g/kWh",
        intensity.zone,
        str(intensity.year or ""),
        "" if intensity.kind == "unstated" else intensity.kind,
        "" if intensity.source == intensity.zone else intensity.source,
    )
    return ", ".join(part for part in parts if part)


def _kwh(energy_kwh: float) -> str:
    return format_energy(j_from_kwh(energy_kwh))


def _print_accelerators(*, as_json: bool) -> None:
    table = accelerators()
    if as_json:
        rows = [msgspec.to_builtins(row) for row in table]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    from tabulate import tabulate  # noqa: PLC0415 - for this listing only

    sys.stdout.write(
        tabulate(
            [(r.name, r.vendor, r.power_w, r.form, r.year, r.source) for r in table],
            headers=("name", "vendor", "W", "form", "year", "source"),
        )
        + "\n"
    )
