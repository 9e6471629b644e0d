"""The present carbon intensity from Electricity Maps, where a token asks for it.

The only module of the package that calls the network, and only after the user has set a
token and a location.  `LiveIntensity.current` answers at once from what is cached;
`LiveIntensity.refresh` asks the network and belongs in a background thread.  Every
failure gives the yearly value with a note that says so.  Imports `intensity`, `places`,
`records` and `settings`.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from jupyter_green.carbon.intensity import find
from jupyter_green.carbon.places import alpha2, cloud_region, country
from jupyter_green.records import Intensity
from jupyter_green.settings import Settings

URL = "https://api.electricitymaps.com/v3/carbon-intensity/latest"
TIMEOUT_S = 5.0
# The grid's values are published hourly.
MAX_AGE_S = 3600.0
# After a failure (bad token, no network), no further try for this long.
RETRY_AFTER_S = 300.0
MAX_ANSWER_BYTES = 65_536
# Above the dirtiest hour of any zone; more is an error of the answer.
MAX_G_PER_KWH = 3000.0
T = TypeVar("T")
_BIDDING_ZONES = {"SWE": "SE", "NOR": "NO"}


class Answer(Struct, frozen=True, rename="camel"):
    """The part of the service's answer that is used.

    Attributes:
        carbon_intensity: g CO2e per kWh.
        zone: The service's name of the grid.
        datetime: The hour that the value is for.
        emission_factor_type: ``lifecycle`` or ``direct``.
        is_estimated: The service modelled the value.
    """

    carbon_intensity: float
    zone: str = ""
    datetime: str = ""
    emission_factor_type: str = ""
    is_estimated: bool = False


class Fetch(Protocol):
    """Ask the service once.

    Raises:
        OSError: The service cannot be reached or refuses.
        ValueError: The answer cannot be read.
    """

    def __call__(self, query: Mapping[str, str], token: str) -> Answer:
        """Return the answer to *query*."""
        ...


class _State(Struct, frozen=True):
    """What is known: replaced as a whole, so that readers need no lock."""

    tried_at_s: float | None = None
    live: Intensity | None = None
    problem: str = "not asked for yet"


def fetch_latest(query: Mapping[str, str], token: str, *, url: str = URL) -> Answer:
    """Ask Electricity Maps once, waiting `TIMEOUT_S` seconds at most for each answer.

    Args:
        query: Names the place.
        token: Identifies the user.
        url: The service.

    Raises:
        OSError: The service cannot be reached or refuses.
        ValueError: The answer cannot be read.
    """
    return ask_service(url, query, token, Answer, "carbonIntensity")


def ask_service(
    url: str,
    query: Mapping[str, str],
    token: str,
    answer_type: type[T],
    wanted: str,
    *,
    most_bytes: int = MAX_ANSWER_BYTES,
) -> T:
    """Ask one address of Electricity Maps once.

    Args:
        url: The address: a constant of the package, or a test's own server.
        query: Names the place.
        token: Identifies the user.
        answer_type: What the answer is read as.
        wanted: What is missed in an answer that cannot be read.
        most_bytes: Of the answer, that are read.

    Raises:
        OSError: The service cannot be reached or refuses.
        ValueError: The answer cannot be read.
    """
    # Imported here: most sessions never ask, and these cost 30 ms.
    from http.client import HTTPException  # noqa: PLC0415
    from urllib.parse import urlencode  # noqa: PLC0415
    from urllib.request import Request, urlopen  # noqa: PLC0415

    request = Request(  # noqa: S310 - the address is an https constant
        f"{url}?{urlencode(query)}", headers={"auth-token": token}
    )
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
            body = answer.read(most_bytes)
    except HTTPException as err:
        raise ConnectionError("the answer broke off") from err
    try:
        return msgspec.json.decode(body, type=answer_type)
    except msgspec.MsgspecError as err:
        raise ValueError(f"no usable {wanted} in the answer") from err


class LiveIntensity:
    """The present intensity of the place in the settings, or the yearly one.

    Without a token, without a location, or with an intensity stated by the user, this
    is `find` and the network is never asked.

    Args:
        settings: Location and token.
        fetch: Asks the service once.
        clock: Monotonic seconds.

    Raises:
        LocationError: The location is not in the data.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        fetch: Fetch = fetch_latest,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._yearly = find(settings)
        self._token = settings.electricitymaps_token or ""
        asked = place_query(settings) if self._token else ({}, "")
        self._query, self._lost_region = asked
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._state = _State()

    @property
    def asks_network(self) -> bool:
        """Whether `refresh` would ever call the service."""
        return bool(self._token and self._query)

    def current(self) -> Intensity:
        """Return the cached live value or the yearly one, at once."""
        if not self.asks_network:
            return self._yearly
        state = self._state
        if state.live and self._age_s(state) < MAX_AGE_S:
            return state.live
        problem = "older than an hour" if state.live else state.problem
        note = f"live value not available ({problem}); yearly average used"
        return replace(
            self._yearly, note="; ".join(filter(None, (note, self._yearly.note)))
        )

    def refresh(self) -> Intensity:
        """Ask the service unless a value or a failure is recent; may block."""
        if self.asks_network:
            with self._lock:
                if self._is_due():
                    self._state = self._ask()
        return self.current()

    def refresh_soon(self) -> threading.Thread | None:
        """Start `refresh` in a background thread if it is due; return at once."""
        if not self.asks_network or self._lock.locked() or not self._is_due():
            return None
        thread = threading.Thread(
            target=self.refresh, name="jupyter-green-intensity", daemon=True
        )
        thread.start()
        return thread

    def _is_due(self) -> bool:
        keep_s = MAX_AGE_S if self._state.live else RETRY_AFTER_S
        return self._age_s(self._state) >= keep_s

    def _ask(self) -> _State:
        try:
            answer = self._fetch(self._query, self._token)
            live = _live(answer, self._query, self._lost_region)
        except (OSError, ValueError) as err:
            return _State(self._clock(), None, problem_of(err))
        return _State(self._clock(), live)

    def _age_s(self, state: _State) -> float:
        if state.tried_at_s is None:
            return math.inf
        return self._clock() - state.tried_at_s


def place_query(settings: Settings) -> tuple[dict[str, str], str]:
    """Return how to name the place to the service, and a region that this leaves out.

    The query is empty if nothing is to be asked.
    """
    if settings.intensity_g_per_kwh is not None:
        return {}, ""
    if settings.cloud:
        place = cloud_region(settings.cloud)
        alpha3, region = place.country, place.subregion
    elif settings.country:
        alpha3, region = country(settings.country).alpha3, settings.region or ""
    else:
        return {}, ""
    if alpha3 in _BIDDING_ZONES and region:
        return {"zone": f"{_BIDDING_ZONES[alpha3]}-{region.upper()}"}, ""
    code = alpha2(alpha3)
    # Finland is one bidding zone: FI names the same grid.
    return {"countryCode": code}, "" if region.upper() == code else region


def _live(answer: Answer, query: Mapping[str, str], lost_region: str) -> Intensity:
    value = answer.carbon_intensity
    if not 0.0 <= value <= MAX_G_PER_KWH:  # NaN fails too
        raise ValueError(f"implausible value {value:g} g/kWh")
    asked = next(iter(query.values()))
    year = answer.datetime[:4]
    details = (
        f"hour {answer.datetime}" if answer.datetime else "",
        f"{answer.emission_factor_type} factors" if answer.emission_factor_type else "",
        "estimated by the service" if answer.is_estimated else "",
        f"of the whole country, not of {lost_region}" if lost_region else "",
    )
    return Intensity(
        g_per_kwh=value,
        zone=answer.zone or asked,
        source="Electricity Maps, live",
        year=int(year) if year.isdecimal() else None,
        # Flow-traced either way; but direct factors compare with no life cycles.
        kind="direct" if answer.emission_factor_type == "direct" else "consumption",
        note="; ".join(filter(None, details)),
    )


def problem_of(err: Exception) -> str:
    """Say what failed; never in the error's own words, which may hold the token."""
    from urllib.error import HTTPError, URLError  # noqa: PLC0415 - see fetch_latest

    if isinstance(err, HTTPError):
        refused = err.code in (401, 403)
        return f"HTTP {err.code}" + (", the token is refused" if refused else "")
    reason = err.reason if isinstance(err, URLError) else err
    if isinstance(reason, TimeoutError):
        return f"no answer within {TIMEOUT_S:g} s"
    if isinstance(reason, ValueError):
        return "the answer could not be read"
    return "the service cannot be reached"
