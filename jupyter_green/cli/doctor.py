"""``jupyter green doctor`` and ``jupyter green settings``."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from jupyter_green.config import settings_in_force
from jupyter_green.devices import discover
from jupyter_green.devices.device import Found
from jupyter_green.devices.trial import failures
from jupyter_green.report.overview import (
    doctor_json,
    doctor_text,
    location_table,
    settings_table,
)
from jupyter_green.report.tables import render_text
from jupyter_green.session import Finder

Subparsers = Any  # argparse's own class for them is private


def add_parsers(verbs: Subparsers) -> None:
    """Register both verbs."""
    doctor = verbs.add_parser(
        "doctor",
        help="what can be measured here, what is missing, and the exact remedy",
    )
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.add_argument(
        "--simulated", action="store_true", default=None, help="simulated devices"
    )
    doctor.set_defaults(run=run_doctor)
    settings = verbs.add_parser(
        "settings", help="each setting, its value and where it came from"
    )
    settings.add_argument("--json", action="store_true", help="print JSON")
    settings.set_defaults(run=run_settings)


def run_doctor(options: argparse.Namespace, *, find_devices: Finder = discover) -> int:
    """Print what is found; 1 if nothing can be measured or a device fails."""
    settings = settings_in_force({"simulated": options.simulated}).values
    found = find_devices(settings)
    broken = failures(found.devices)
    found = Found(found.devices, (*found.problems, *broken))
    text = json.dumps(doctor_json(found)) if options.json else doctor_text(found)
    sys.stdout.write(text + "\n")
    return 1 if broken or not found.devices else 0


def run_settings(options: argparse.Namespace) -> int:
    """Print the settings in force."""
    resolved = settings_in_force()
    if options.json:
        values = {
            name: {"value": getattr(resolved.values, name), "from": origin}
            for name, origin in resolved.origins.items()
            if name != "electricitymaps_token"
        }
        sys.stdout.write(json.dumps(values) + "\n")
    else:
        sys.stdout.write(render_text(settings_table(resolved)) + "\n")
    return 0


__all__ = ["add_parsers", "location_table", "run_doctor", "run_settings"]
