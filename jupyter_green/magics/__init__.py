"""``%load_ext jupyter_green``: the notebook's door.

Loading registers magics, events and one input transformer, and prepares a session in
the background.  Unloading takes all of it back.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import (
    needs_local_scope,
    no_var_expand,
    output_can_be_silenced,
)

from jupyter_green.config import settings_in_force
from jupyter_green.errors import SettingsError
from jupyter_green.magics import arguments, energy
from jupyter_green.magics.cells import CellMeter
from jupyter_green.magics.display import warn
from jupyter_green.magics.green import HELP, GreenMagic
from jupyter_green.session import Finder, Session
from jupyter_green.session.budget_watch import interrupt_main
from jupyter_green.session.provenance import notebook_path
from jupyter_green.settings import Resolved, resolve_settings

ATTRIBUTE = "_jupyter_green"


class Extension:
    """What is registered in one shell.

    Args:
        shell: The shell.
        resolved: The settings in force.
        find_devices: Finds the devices; None: whatever is on this machine.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        resolved: Resolved,
        *,
        find_devices: Finder | None = None,
    ) -> None:
        self.shell = shell
        self.session = Session(
            resolved,
            notebook=lambda: notebook_path(os.environ, shell.user_ns),
            find_devices=find_devices,
            # By then there is one: no record comes before the first cell.
            on_final=lambda record: self.cells.final(record),  # noqa: PLW0108
        )
        self.session.budgets.stop = self._interrupt
        self.cells = CellMeter(shell, self.session)
        self.cells.meter_all = resolved.values.meter_all
        self.green = GreenMagic(shell, self.session, self.cells)

    def register(self) -> None:
        """Put everything in place."""
        shell, add = self.shell, self.shell.magics_manager.register_function
        energy_line, energy_cell, green_line = self._magics()
        add(energy_line, "line", "energy")
        add(energy_cell, "cell", "energy")
        add(green_line, "line", "green")
        for key, complete in self._completers().items():
            shell.set_hook("complete_command", complete, str_key=key)
        shell.input_transformers_cleanup.append(arguments.strip_energy)
        shell.events.register("pre_run_cell", self.cells.pre_run_cell)
        shell.events.register("post_run_cell", self.cells.post_run_cell)
        shell.events.register("pre_execute", self.cells.pre_execute)
        shell.events.register("post_execute", self.cells.post_execute)
        # Also of cells that are not metered: the kernel is idle between them.
        shell.events.register("pre_execute", self.session.idle.work_begins)
        shell.events.register("post_execute", self.session.idle.work_ends)

    def unregister(self) -> None:
        """Take everything back; the ledger is written to its end."""
        shell = self.shell
        self.green.close()
        shell.input_transformers_cleanup.remove(arguments.strip_energy)
        shell.events.unregister("pre_run_cell", self.cells.pre_run_cell)
        shell.events.unregister("post_run_cell", self.cells.post_run_cell)
        shell.events.unregister("pre_execute", self.cells.pre_execute)
        shell.events.unregister("post_execute", self.cells.post_execute)
        shell.events.unregister("pre_execute", self.session.idle.work_begins)
        shell.events.unregister("post_execute", self.session.idle.work_ends)
        for kind, name in (("line", "energy"), ("cell", "energy"), ("line", "green")):
            shell.magics_manager.magics[kind].pop(name, None)
        for key in self._completers():
            # There is no call to take a completer back.
            shell.strdispatchers["complete_command"].strs.pop(key, None)
        self.session.close()

    def _interrupt(self) -> None:
        """Interrupt the running cell (a budget's watch calls this, on its thread)."""
        interrupt_main()
        # While a cell awaits, the kernel's handler leaves word with the event loop,
        # which does not look before something else wakes it.
        loop = getattr(getattr(self.shell, "kernel", None), "io_loop", None)
        if loop is not None:
            loop.add_callback(_nothing)

    def _magics(self) -> tuple[Callable[..., Any], ...]:
        def energy_line(line: str, local_ns: dict[str, Any] | None = None) -> Any:
            __tracebackhide__ = True
            return energy.line_magic(line, self.shell, self.cells, local_ns)

        def energy_cell(line: str, cell: str) -> None:
            __tracebackhide__ = True
            energy.cell_magic(line, cell)

        def green_line(line: str) -> None:
            __tracebackhide__ = True
            self.green.run(line)

        energy_line.__doc__ = energy_cell.__doc__ = energy.documentation()
        green_line.__doc__ = HELP
        # As ``%time``: braces and dollars in a statement are the user's own, names of
        # the function around it can be used, and a semicolon keeps the value quiet.
        return (
            no_var_expand(needs_local_scope(output_can_be_silenced(energy_line))),
            no_var_expand(energy_cell),
            green_line,
        )

    def _completers(self) -> dict[str, Callable[..., list[str]]]:
        return {
            "%energy": energy.complete,
            "%%energy": energy.complete,
            "%green": self.green.complete,
        }


def _nothing() -> None:
    """Do nothing: being called is enough."""


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Load the extension into *shell*; loading it again changes nothing."""
    if getattr(shell, ATTRIBUTE, None) is not None:
        return
    extension = Extension(shell, _settings())
    extension.register()
    setattr(shell, ATTRIBUTE, extension)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the extension out of *shell*."""
    extension: Extension | None = getattr(shell, ATTRIBUTE, None)
    if extension is not None:
        extension.unregister()
        delattr(shell, ATTRIBUTE)


def _settings() -> Resolved:
    """Return the settings in force; a mistake in them must not stop a notebook."""
    try:
        return settings_in_force()
    except (SettingsError, OSError) as err:
        warn([f"{err}. The settings files are left out"])
    try:
        return resolve_settings(environment=os.environ)
    except SettingsError:
        return resolve_settings()


__all__ = [
    "Extension",
    "load_ipython_extension",
    "unload_ipython_extension",
]
