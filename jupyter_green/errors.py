"""What can go wrong, each with what happened, why, and what to do.

Imports nothing of the project.  Callers that meter a user's work catch
`JupyterGreenError` and go on; only wrong use of a command reaches the user as an error.
"""

from __future__ import annotations


class JupyterGreenError(Exception):
    """Carry what happened, why, and the remedy; all three are shown.

    Args:
        what: What happened, a sentence without a full stop.
        why: The cause as far as it is known, or an empty string.
        remedy: What the user can do about it, or an empty string.
    """

    def __init__(self, what: str, *, why: str = "", remedy: str = "") -> None:
        self.what = what
        self.why = why
        self.remedy = remedy
        parts = (what, f": {why}" if why else "", f". {remedy}" if remedy else "")
        super().__init__("".join(parts))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the three parts, since keyword-only arguments need help."""
        return (_rebuild, (type(self), self.what, self.why, self.remedy))


def _rebuild(
    kind: type[JupyterGreenError], what: str, why: str, remedy: str
) -> JupyterGreenError:
    return kind(what, why=why, remedy=remedy)


class DeviceError(JupyterGreenError):
    """A device could not be read this time."""


class DevicePendingError(DeviceError):
    """A reading has no figure yet, and will have one (`devices.device.Deferred`)."""


class DeviceLostError(DeviceError):
    """A device is gone or its counter was reset; it will not come back by itself."""


class SettingsError(JupyterGreenError):
    """A setting has a value that cannot be used."""


class LocationError(JupyterGreenError):
    """A country, region or cloud region is not in the intensity data."""


class EstimateError(JupyterGreenError):
    """The input of the calculator is missing, contradictory or impossible."""


class LedgerError(JupyterGreenError):
    """The ledger cannot be written or found."""


class MeterError(JupyterGreenError):
    """A window was used in a way that has no meaning."""


class CompareError(JupyterGreenError):
    """Things cannot be compared: one is missing, or has nothing measured."""


class BudgetError(JupyterGreenError):
    """A budget is not one, or cannot be stored or read."""


class TrainingError(JupyterGreenError):
    """A training cannot be followed, stopped or swept as asked."""


class ReportError(JupyterGreenError):
    """A report cannot be written as asked."""


class TexError(JupyterGreenError):
    """TeX is missing, or did not end."""
