"""Tables and documents built from records: `build` then render.

``jupyter_green.report(...)`` is the Python door to the transparency appendix.  This
package has that name too, so that it can be called itself, whichever was first.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """A package that is also the door of its name."""

    def __call__(self, *formats: str, **options: Any) -> Any:
        """Make a report; see `jupyter_green.api.report`."""
        # By name: the door stands above this package, which knows nothing of it.
        return import_module("jupyter_green.api").report(*formats, **options)


sys.modules[__name__].__class__ = _CallablePackage
