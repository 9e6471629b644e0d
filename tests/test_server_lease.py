"""Who watches, by a clock that the test turns."""

from __future__ import annotations

import pytest

from jupyter_green.server.lease import GRACE_S, POLL_S, Leases


class Turned:
    """Seconds that the test sets."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


@pytest.fixture
def clock() -> Turned:
    """Give a clock that the test turns."""
    return Turned()


def test_nobody_holds_a_lease_at_first(clock: Turned):
    """Nobody holds a lease at first."""
    assert not Leases(clock).is_held


def test_an_open_stream_holds_for_days(clock: Turned):
    """An open stream holds for days."""
    leases = Leases(clock)
    leases.hold("stream")
    clock.now_s += 3 * 86_400
    assert leases.is_held


def test_a_closed_stream_holds_for_a_reload_and_no_longer(clock: Turned):
    """A closed stream holds for a reload and no longer."""
    leases = Leases(clock)
    leases.hold("stream")
    leases.drop("stream")
    clock.now_s += 0.9 * GRACE_S
    assert leases.is_held
    clock.now_s += 0.2 * GRACE_S
    assert not leases.is_held


def test_the_last_of_several_streams_counts(clock: Turned):
    """The last of several streams counts."""
    leases = Leases(clock)
    leases.hold("a")
    leases.hold("b")
    leases.drop("a")
    clock.now_s += 60.0
    assert leases.is_held
    leases.drop("b")
    clock.now_s += 60.0
    assert not leases.is_held


def test_a_client_that_polls_holds_for_ten_seconds(clock: Turned):
    """A client that polls holds for ten seconds."""
    leases = Leases(clock)
    for _ in range(3):
        leases.renew("poll")
        clock.now_s += 0.9 * POLL_S
        assert leases.is_held
    clock.now_s += 0.2 * POLL_S
    assert not leases.is_held
    assert POLL_S == 10.0  # the contract with clients


def test_dropping_what_was_never_held_begins_no_grace(clock: Turned):
    """Dropping what was never held begins no grace."""
    leases = Leases(clock)
    leases.drop("hidden from the start")
    assert not leases.is_held


def test_clients_without_end_are_not_remembered_without_end(clock: Turned):
    """Clients without end are not remembered without end."""
    leases = Leases(clock)
    for number in range(5000):
        leases.renew(number)
    assert len(leases._until_s) <= 1000
    clock.now_s += POLL_S
    assert not leases.is_held
    assert not leases._until_s
