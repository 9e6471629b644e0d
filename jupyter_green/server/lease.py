"""Who watches: sampling goes on only while somebody holds a lease.

An open, visible stream holds one until it is dropped; a client that polls renews its
own with every request.  Imports nothing of the project.

    >>> now = [0.0]
    >>> leases = Leases(lambda: now[0])
    >>> leases.renew("poll", 10.0)
    >>> now[0] = 10.5
    >>> leases.is_held
    False
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable

# A page that is reloaded comes back within this time, and finds its curve without a
# gap.
GRACE_S = 2.0
# A client that polls has to ask again within this time.
POLL_S = 10.0
# Clients that poll have names; more of them than this share the last one's fate.
MAX_HOLDERS = 1000


class Leases:
    """Count who watches.

    Args:
        clock: Monotonic seconds.
        grace_s: How long a dropped lease still counts.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, grace_s: float = GRACE_S
    ) -> None:
        self._clock = clock
        self._grace_s = grace_s
        self._until_s: dict[Hashable, float] = {}

    def hold(self, who: Hashable) -> None:
        """Hold until dropped."""
        self._until_s[who] = math.inf

    def drop(self, who: Hashable) -> None:
        """Let a lease lapse after the grace; without one nothing happens."""
        if who in self._until_s:
            self._until_s[who] = self._clock() + self._grace_s

    def renew(self, who: Hashable, for_s: float = POLL_S) -> None:
        """Hold for some seconds from now."""
        if who in self._until_s or len(self._until_s) < MAX_HOLDERS:
            self._until_s[who] = self._clock() + for_s

    @property
    def is_held(self) -> bool:
        """Whether anybody watches now; forgets the leases that have lapsed."""
        now = self._clock()
        self._until_s = {w: until for w, until in self._until_s.items() if until > now}
        return bool(self._until_s)
