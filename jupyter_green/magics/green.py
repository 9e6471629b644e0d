"""``%green VERB``: the verbs of the shell's ``jupyter green``, in the notebook."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from jupyter_green import carbon
from jupyter_green.devices.device import Found
from jupyter_green.errors import JupyterGreenError
from jupyter_green.ledger import GROUPINGS, parse_since, read_ledger, totals
from jupyter_green.magics.display import show_table, warn
from jupyter_green.report.card import line
from jupyter_green.report.format import format_duration, format_power
from jupyter_green.report.overview import (
    doctor_tables,
    location_table,
    settings_table,
)
from jupyter_green.report.tables import Table
from jupyter_green.report.totals import totals_table

if TYPE_CHECKING:
    from jupyter_green.magics import Extension

BASELINE_S = 30.0

HELP = """Meter, look and set: one verb each.

    %green on | off                   meter every cell, silently; stop that
    %green totals [--by WHAT] [--since WHEN] [--session]
                                      energy and CO2e so far, from the ledger;
                                      WHAT: notebook, label, purpose, device, day, host
    %green status                     what is metered now and where it is written
    %green doctor                     what can be measured here, what not, the remedy
    %green settings                   each setting with where it came from
    %green baseline [SECONDS]         measure idle power (30 s); records then give net
    %green location [COUNTRY [REGION]] [--cloud PROVIDER:REGION] [--intensity G_PER_KWH]
                                      show or set the place whose electricity counts
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"%green: {message}. See %green? for the verbs")


class GreenMagic:
    """The verbs of ``%green``.

    Args:
        shell: The shell.
        extension: What they are about.
    """

    def __init__(self, shell: InteractiveShell, extension: Extension) -> None:
        self._shell = shell
        self._extension = extension
        self._verbs: Mapping[str, Callable[[argparse.Namespace], None]] = {
            "on": self._on,
            "off": self._off,
            "totals": self._totals,
            "status": self._status,
            "doctor": self._doctor,
            "settings": self._settings,
            "baseline": self._baseline,
            "location": self._location,
        }

    def run(self, line: str) -> None:
        """Run one verb; `HELP` is what the shell shows as its documentation."""
        try:
            words = shlex.split(line)
        except ValueError as err:
            raise UsageError(f"%green: {err}") from err
        if not words:
            raise UsageError("%green: give a verb\n\n" + HELP)
        options = _build_parser(self._verbs).parse_args(words)
        try:
            self._verbs[options.verb](options)
        except JupyterGreenError as err:
            raise UsageError(f"%green {options.verb}: {err}") from err
        warn(self._extension.session.take_warnings())

    def complete(self, _: Any, event: Any) -> list[str]:
        """Complete verbs, and the groupings of totals."""
        words = event.line.split()
        if "totals" in words:
            return list(GROUPINGS) if words[-1] == "--by" else ["--by", "--since"]
        return list(self._verbs)

    def _on(self, _: argparse.Namespace) -> None:
        self._extension.cells.meter_all = True
        print("Every cell is metered from now on, silently; `%green totals` has it.")  # noqa: T201 - the answer

    def _off(self, _: argparse.Namespace) -> None:
        self._extension.cells.meter_all = False
        print("Only cells with %%energy are metered from now on.")  # noqa: T201

    def _totals(self, options: argparse.Namespace) -> None:
        session = self._extension.session
        session.meter.settle()
        session.ledger.flush(5.0)
        since = parse_since(options.since) if options.since else None
        ledger = read_ledger([session.folder], since=since)
        records = [
            r for r in ledger.records if not options.session or r.session == session.id
        ]
        show_table(totals_table(totals(records, by=options.by), ledger.problems))

    def _status(self, _: argparse.Namespace) -> None:
        session, cells = self._extension.session, self._extension.cells
        last = session.records[-1] if session.records else None
        rows = (
            ("metered", "every cell" if cells.meter_all else "cells with %%energy"),
            ("devices", ", ".join(_named(d.about) for d in session.meter.devices)),
            ("ledger", str(session.folder)),
            ("this session", f"{len(session.records)} records"),
            ("last record", line(last).splitlines()[0] if last else "none yet"),
            ("intensity", _intensity(session.intensity)),
        )
        show_table(Table(title="Status", columns=("what", "value"), rows=rows))

    def _doctor(self, _: argparse.Namespace) -> None:
        session = self._extension.session
        for table in doctor_tables(Found(session.meter.devices, session.problems)):
            show_table(table)

    def _settings(self, _: argparse.Namespace) -> None:
        show_table(settings_table(self._extension.session.resolved))

    def _baseline(self, options: argparse.Namespace) -> None:
        baseline = self._extension.session.measure_baseline(options.seconds)
        rows = tuple(
            (identifier, format_power(power_w, baseline.uncertainty_w[identifier]))
            for identifier, power_w in baseline.power_w.items()
        )
        note = f"over {format_duration(baseline.duration_s)}; {baseline.state}"
        show_table(
            Table(
                title="Idle power",
                columns=("device", "power (95 % interval)"),
                rows=rows,
                notes=(note,),
            )
        )

    def _location(self, options: argparse.Namespace) -> None:
        session = self._extension.session
        stated = {
            "country": options.country,
            "region": options.region,
            "cloud": options.cloud,
            "intensity_g_per_kwh": options.intensity,
        }
        if any(value is not None for value in stated.values()):
            session.set_location(stated)
        show_table(
            location_table(session.intensity, carbon.stated_pue(session.settings))
        )


def _build_parser(verbs: Mapping[str, object]) -> argparse.ArgumentParser:
    parser = _Parser(prog="%green", add_help=False)
    commands = parser.add_subparsers(
        dest="verb", required=True, metavar="VERB", parser_class=_Parser
    )
    added = {name: commands.add_parser(name, add_help=False) for name in verbs}
    added["totals"].add_argument("--by", choices=GROUPINGS)
    added["totals"].add_argument("--since")
    added["totals"].add_argument("--session", action="store_true")
    added["baseline"].add_argument(
        "seconds", nargs="?", type=_seconds, default=BASELINE_S
    )
    added["location"].add_argument("country", nargs="?")
    added["location"].add_argument("region", nargs="?")
    added["location"].add_argument("--cloud")
    added["location"].add_argument("--intensity", type=float)
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1.0 <= seconds <= 3600.0:  # noqa: PLR2004 - a second to an hour
        raise argparse.ArgumentTypeError(f"{text} s: give 1 to 3600 seconds")
    return seconds


def _named(about: Any) -> str:
    return f"{about.kind} {about.index} ({about.method})"


def _intensity(intensity: Any) -> str:
    if intensity is None:
        return "none: grams are not given"
    return f"{intensity.g_per_kwh:g} g CO2e/kWh, {intensity.zone}"
