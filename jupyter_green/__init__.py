"""What a notebook's computing costs in energy and CO2, measured per cell.

    import jupyter_green as jg
    with jg.Meter() as meter:
        with meter.window("train") as window:
            ...
    print(window.record.energy_j)

Names are imported when they are used, so that ``%load_ext jupyter_green`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jupyter_green._version import __version__

if TYPE_CHECKING:
    from jupyter_green.api import Meter, compare, metered, report
    from jupyter_green.errors import JupyterGreenError
    from jupyter_green.magics import load_ipython_extension, unload_ipython_extension
    from jupyter_green.meter import Window
    from jupyter_green.records import DeviceRecord, Record
    from jupyter_green.training import EarlyStopping, epochs, sweep, trials

_HOMES = {
    "DeviceRecord": "records",
    "EarlyStopping": "training",
    "JupyterGreenError": "errors",
    "Meter": "api",
    "Record": "records",
    "Window": "meter",
    "compare": "api",
    "epochs": "training",
    "load_ipython_extension": "magics",
    "metered": "api",
    "report": "api",
    "sweep": "training",
    "trials": "training",
    "unload_ipython_extension": "magics",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Tell Jupyter Server where the extension is; nobody else calls this."""
    from jupyter_green.server.app import GreenApp  # noqa: PLC0415 - the server's only

    return [{"module": "jupyter_green.server.app", "app": GreenApp}]


__all__ = [
    "DeviceRecord",
    "EarlyStopping",
    "JupyterGreenError",
    "Meter",
    "Record",
    "Window",
    "__version__",
    "compare",
    "epochs",
    "load_ipython_extension",
    "metered",
    "report",
    "sweep",
    "trials",
    "unload_ipython_extension",
]
