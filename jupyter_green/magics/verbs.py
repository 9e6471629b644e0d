"""What the verbs of ``%green`` do; loaded when the first one is used."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from IPython.core.interactiveshell import InteractiveShell

from jupyter_green import carbon
from jupyter_green.devices.device import About, Found
from jupyter_green.devices.trial import failures
from jupyter_green.ledger import (
    LedgerProblem,
    ledger_totals,
    parse_since,
    read_ledger,
    totals,
)
from jupyter_green.magics.cells import CellMeter
from jupyter_green.magics.deciding import Deciding
from jupyter_green.magics.monitor import Monitor, show_widget, text_now
from jupyter_green.records import Intensity, Record
from jupyter_green.report.card import line
from jupyter_green.report.format import format_duration, format_power
from jupyter_green.report.listing import records_table
from jupyter_green.report.overview import (
    doctor_tables,
    location_table,
    settings_table,
)
from jupyter_green.report.tables import Table, render_html, render_text
from jupyter_green.report.totals import totals_table
from jupyter_green.session import Session

FLUSH_TIMEOUT_S = 5.0


class Verbs:
    """The verbs of one shell.

    Args:
        shell: Where their answers are shown.
        session: What they are about.
        cells: Meters the cells.
    """

    def __init__(
        self, shell: InteractiveShell, session: Session, cells: CellMeter
    ) -> None:
        self._shell = shell
        self._session = session
        self._cells = cells
        self._verbs: Mapping[str, Callable[[argparse.Namespace], None]] = {
            "on": self._on,
            "off": self._off,
            "totals": self._totals,
            "records": self._records,
            "status": self._status,
            "doctor": self._doctor,
            "settings": self._settings,
            "baseline": self._baseline,
            "location": self._location,
            "report": self._report,
            "monitor": self._monitor,
            **Deciding(shell, session).verbs,
        }
        self._live: Monitor | None = None

    def run(self, options: argparse.Namespace) -> None:
        """Run the verb that *options* name.

        Raises:
            JupyterGreenError: It cannot be done; the text says why.
        """
        self._verbs[options.verb](options)

    def close(self) -> None:
        """End what is still shown."""
        if self._live is None:
            return
        live, self._live = self._live, None
        for event, call in _calls(live):
            self._shell.events.unregister(event, call)
        live.stop()
        live.join(FLUSH_TIMEOUT_S)

    def _monitor(self, options: argparse.Namespace) -> None:
        self.close()
        if options.off:
            return
        # Only a kernel has somewhere to put a widget.
        if not hasattr(self._shell, "kernel"):
            print(text_now(self._session))  # noqa: T201 - the answer
            return
        self._live = show_widget(self._session)
        for event, call in _calls(self._live):
            self._shell.events.register(event, call)

    def _on(self, _: argparse.Namespace) -> None:
        self._cells.meter_all = True
        print("Every cell is metered from now on, silently; `%green totals` has it.")  # noqa: T201 - the answer

    def _off(self, _: argparse.Namespace) -> None:
        self._cells.meter_all = False
        print("Only cells with %%energy are metered from now on.")  # noqa: T201

    def _totals(self, options: argparse.Namespace) -> None:
        since = parse_since(options.since) if options.since else None
        if options.session:
            records, problems = self._read(options, since)
            found = totals(records, by=options.by, since=since)
        else:
            self._write_out()
            all_found = ledger_totals(
                [self._session.folder], by=options.by, since=since
            )
            found, problems = all_found.totals, all_found.problems
        self._show(totals_table(found, problems, self._session.budgets.refresh()))

    def _records(self, options: argparse.Namespace) -> None:
        since = parse_since(options.since) if options.since else None
        records, _ = self._read(options, since)
        self._show(records_table(records))

    def _read(
        self, options: argparse.Namespace, since: datetime | None
    ) -> tuple[list[Record], Sequence[LedgerProblem]]:
        self._write_out()
        session = self._session
        ledger = read_ledger([session.folder], since=since)
        mine = session.id if options.session else None
        records = [r for r in ledger.records if mine is None or r.session == mine]
        return records, ledger.problems

    def _write_out(self) -> None:
        """Bring everything that was metered into the ledger."""
        self._session.settle()
        self._session.ledger.flush(FLUSH_TIMEOUT_S)

    def _status(self, _: argparse.Namespace) -> None:
        session = self._session
        session.settle()
        last = session.records[-1] if session.records else None
        devices = ", ".join(_named(device.about) for device in session.devices)
        every = self._cells.meter_all
        rows = (
            ("metered", "every cell" if every else "cells with %%energy"),
            ("devices", devices or "none: `%green doctor` says why"),
            ("ledger", str(session.folder)),
            ("this session", _counted(len(session.records))),
            ("last record", line(last).splitlines()[0] if last else "none yet"),
            ("intensity", _intensity(session.intensity)),
        )
        self._show(Table(title="Status", columns=("what", "value"), rows=rows))

    def _doctor(self, _: argparse.Namespace) -> None:
        devices, problems = self._session.devices, self._session.problems
        found = Found(devices, (*problems, *failures(devices)))
        for table in doctor_tables(found):
            self._show(table)

    def _settings(self, _: argparse.Namespace) -> None:
        self._show(settings_table(self._session.resolved))

    def _baseline(self, options: argparse.Namespace) -> None:
        baseline = self._session.measure_baseline(options.seconds)
        rows = tuple(
            (identifier, format_power(power_w, baseline.uncertainty_w[identifier]))
            for identifier, power_w in baseline.power_w.items()
        )
        note = f"over {format_duration(baseline.duration_s)}; {baseline.state}"
        columns = ("device", "power (95 % interval)")
        self._show(Table(title="Idle power", columns=columns, rows=rows, notes=(note,)))

    def _location(self, options: argparse.Namespace) -> None:
        session = self._session
        stated = {
            "country": options.country,
            "region": options.region,
            "cloud": options.cloud,
            "intensity_g_per_kwh": options.intensity,
        }
        if any(value is not None for value in stated.values()):
            session.set_location(stated)
        pue = carbon.stated_pue(session.settings)
        self._show(location_table(session.intensity, pue))

    def _report(self, options: argparse.Namespace) -> None:
        from jupyter_green.magics.reporting import report  # noqa: PLC0415 - large

        report(options, self._shell, self._session)

    def _show(self, table: Table) -> None:
        data = {"text/plain": render_text(table), "text/html": render_html(table)}
        self._shell.display_pub.publish(data)


def _calls(live: Monitor) -> tuple[tuple[str, Callable[..., None]], ...]:
    return ("pre_execute", live.work_begins), ("post_execute", live.work_ends)


def _named(about: About) -> str:
    return f"{about.kind} {about.index} ({about.method})"


def _counted(records: int) -> str:
    return "1 record" if records == 1 else f"{records} records"


def _intensity(intensity: Intensity | None) -> str:
    if intensity is None:
        return "none: grams are not given"
    return f"{intensity.g_per_kwh:g} g CO2e/kWh, {intensity.zone}"
