"""A clock that stands still until it is told to go on."""


class FakeClock:
    """Monotonic nanoseconds under the test's control."""

    def __init__(self, start_s: float = 1000.0) -> None:
        self.ns = round(start_s * 1e9)

    def __call__(self) -> int:
        """Return the time in nanoseconds."""
        return self.ns

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self.ns += round(seconds * 1e9)
