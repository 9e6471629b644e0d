"""``%load_ext jupyter_green``: the notebook's door.

Loading registers magics, events and one input transformer, and prepares a session in
the background.  Unloading takes all of it back.
"""

from __future__ import annotations

import os
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import MAGIC_NO_VAR_EXPAND_ATTR

from jupyter_green.config import settings_in_force
from jupyter_green.errors import SettingsError
from jupyter_green.magics import arguments, energy
from jupyter_green.magics.cells import CellMeter
from jupyter_green.magics.display import warn
from jupyter_green.magics.green import HELP, GreenMagic
from jupyter_green.records import PURPOSES, Record
from jupyter_green.session import Session
from jupyter_green.session.provenance import notebook_path
from jupyter_green.settings import Resolved, resolve_settings

ATTRIBUTE = "_jupyter_green"


class Extension:
    """What is registered in one shell.

    Args:
        shell: The shell.
        resolved: The settings in force.
    """

    def __init__(self, shell: InteractiveShell, resolved: Resolved) -> None:
        self.shell = shell
        self.session = Session(
            resolved,
            notebook=lambda: notebook_path(os.environ, shell.user_ns),
            on_final=self._final,
        )
        self.cells = CellMeter(shell, lambda: self.session)
        self.cells.meter_all = resolved.values.meter_all
        self.green = GreenMagic(shell, self)

    def register(self) -> None:
        """Put everything in place."""
        shell = self.shell

        register = shell.magics_manager.register_function

        def energy_line(line: str) -> Any:
            __tracebackhide__ = True
            return energy.line_magic(line, shell, self.cells)

        def energy_cell(line: str, cell: str) -> None:
            __tracebackhide__ = True
            energy.cell_magic(line, cell)

        # Braces and dollars in a statement are the user's own.
        setattr(energy_line, MAGIC_NO_VAR_EXPAND_ATTR, True)
        energy_line.__doc__ = energy_cell.__doc__ = energy.documentation()
        register(energy_line, "line", "energy")
        register(energy_cell, "cell", "energy")

        def green_line(line: str) -> None:
            __tracebackhide__ = True
            self.green.run(line)

        green_line.__doc__ = HELP
        register(green_line, "line", "green")
        shell.set_hook("complete_command", self.green.complete, str_key="%green")
        shell.set_hook("complete_command", _complete_energy, str_key="%%energy")
        shell.set_hook("complete_command", _complete_energy, str_key="%energy")
        shell.input_transformers_cleanup.append(arguments.strip_energy)
        shell.ast_transformers.append(self.cells)
        shell.events.register("pre_run_cell", self.cells.pre_run_cell)
        shell.events.register("post_run_cell", self.cells.post_run_cell)

    def unregister(self) -> None:
        """Take everything back; the ledger is written to its end."""
        shell = self.shell
        shell.input_transformers_cleanup.remove(arguments.strip_energy)
        shell.ast_transformers.remove(self.cells)
        shell.events.unregister("pre_run_cell", self.cells.pre_run_cell)
        shell.events.unregister("post_run_cell", self.cells.post_run_cell)
        for kind, name in (("line", "energy"), ("cell", "energy"), ("line", "green")):
            shell.magics_manager.magics[kind].pop(name, None)
        self.session.close()

    def _final(self, record: Record) -> None:
        self.cells.final(record)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Load the extension into *shell*; loading it again changes nothing."""
    if getattr(shell, ATTRIBUTE, None) is not None:
        return
    try:
        resolved = settings_in_force()
    except (SettingsError, OSError) as err:
        # A typing error in a settings file must not stop a notebook.
        warn([f"{err}. The defaults are used"])
        resolved = resolve_settings()
    extension = Extension(shell, resolved)
    extension.register()
    setattr(shell, ATTRIBUTE, extension)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the extension out of *shell*."""
    extension: Extension | None = getattr(shell, ATTRIBUTE, None)
    if extension is not None:
        extension.unregister()
        delattr(shell, ATTRIBUTE)


def _complete_energy(_: Any, event: Any) -> list[str]:
    """Complete options and purposes of ``%%energy``."""
    words = event.line.split()
    if words[-1:] in (["-p"], ["--purpose"]) or words[-2:-1] in (["-p"], ["--purpose"]):
        return list(PURPOSES)
    return [f"--{name}" for name in arguments.OPTIONS]


__all__ = [
    "Extension",
    "load_ipython_extension",
    "unload_ipython_extension",
]
