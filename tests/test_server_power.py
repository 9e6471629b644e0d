"""The one sampler of the server: what it says where it has nothing to sample."""

from __future__ import annotations

import pytest

from jupyter_green.devices.device import Found
from jupyter_green.errors import JupyterGreenError, SettingsError
from jupyter_green.server.findings import device_answers, findings
from jupyter_green.server.power import LivePower


@pytest.mark.parametrize(
    ("err", "reason", "remedy"),
    [
        (
            SettingsError("idle_w is no number", why="it is 'x'", remedy="Mend it"),
            "idle_w is no number: it is 'x'",
            "Mend it",
        ),
        (
            OSError("the bus is gone"),
            "OSError: the bus is gone",
            "Please report this with the server's log",
        ),
    ],
)
def test_a_search_that_failed_is_told_and_is_not_a_machine_without_devices(
    err: Exception, reason: str, remedy: str
):
    """The panel shows why, and what to do."""
    warned: list[str] = []

    def find() -> Found:
        raise err

    power = LivePower(find, warn=warned.append)
    assert power.wait_ready(10.0)
    assert power.found is not None
    assert power.found.devices == device_answers(power.found) == ()
    (told,) = findings(power.found)
    assert told.title == "devices: the search for devices failed"
    assert (told.severity, told.reason, told.remedy) == ("warning", reason, remedy)
    assert len(warned) == 1
    power.close()


def test_a_search_after_the_remedy_takes_the_place_of_the_one_that_failed():
    """As the button of the doctor does."""
    answers: list[Found | Exception] = [JupyterGreenError("closed"), Found((), ())]

    def find() -> Found:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    power = LivePower(find)
    power.wait_ready(10.0)
    power.look_again()
    assert power.found == Found((), ())
    power.close()
