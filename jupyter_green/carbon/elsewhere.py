"""The same work in other places, and at other hours: what the grid's average says.

`places` has every country, region and cloud region of the intensity data, with year and
kind.  `ask_forecast` asks Electricity Maps for the hours ahead, where a token is set.
Both speak of averages: what moving one more job changes is the marginal effect, which
no yearly average and no forecast of an average tells.  Imports `intensity`, `places`,
`grids`, `live`, `records`, `settings` and `errors`.

    >>> min(places("country"), key=lambda p: p.intensity.g_per_kwh).group
    'country'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol, get_args

from msgspec import Struct

from jupyter_green.carbon import grids
from jupyter_green.carbon.intensity import grid_of_cloud, of_cloud
from jupyter_green.carbon.live import (
    MAX_G_PER_KWH,
    ask_service,
    place_query,
    problem_of,
)
from jupyter_green.carbon.places import CloudRegion, cloud_regions
from jupyter_green.errors import LocationError
from jupyter_green.records import Intensity
from jupyter_green.settings import Settings

Group = Literal["country", "region", "cloud"]
GROUPS: tuple[str, ...] = get_args(Group)
# Countries whose regions have values of their own.
WITH_REGIONS = ("USA", "CAN", "CHN", "SWE", "NOR", "FIN")

NOT_MARGINAL = (
    "These are averages of a grid. What one more job there changes is the marginal "
    "effect, which may be quite different: they do not tell it."
)
FORECAST_URL = "https://api.electricitymaps.com/v3/carbon-intensity/forecast"
HORIZON_H = 24
MAX_FORECAST_BYTES = 262_144


class Place(Struct, frozen=True, kw_only=True):
    """A place and its electricity.

    Attributes:
        name: For people: ``France``, ``USA/california``, ``gcp:europe-west1``.
        group: ``country``, ``region`` or ``cloud``.
        intensity: Its carbon intensity, with year, kind and source.
    """

    name: str
    group: Group
    intensity: Intensity


class Hour(Struct, frozen=True, kw_only=True):
    """An hour to come.

    Attributes:
        at: Its beginning, UTC.
        g_per_kwh: The intensity that is forecast.
    """

    at: datetime
    g_per_kwh: float


class Ahead(Struct, frozen=True, kw_only=True):
    """The hours to come in one place.

    Attributes:
        zone: The service's name of the grid.
        hours: In the order of time.
        note: What has to be known of them.
    """

    zone: str
    hours: tuple[Hour, ...]
    note: str = ""


class Start(Struct, frozen=True, kw_only=True):
    """A moment to begin at.

    Attributes:
        at: UTC.
        g_per_kwh: Mean of the hours that the work would take.
    """

    at: datetime
    g_per_kwh: float


class _Point(Struct, frozen=True, rename="camel"):
    carbon_intensity: float
    datetime: str


class ForecastAnswer(Struct, frozen=True, rename="camel"):
    """The part of the service's answer that is used."""

    forecast: tuple[_Point, ...]
    zone: str = ""


class FetchForecast(Protocol):
    """Ask the service once.

    Raises:
        OSError: The service cannot be reached or refuses.
        ValueError: The answer cannot be read.
    """

    def __call__(self, query: Mapping[str, str], token: str) -> ForecastAnswer:
        """Return the answer to *query*."""
        ...


def places(*groups: Group) -> list[Place]:
    """Return all places of the intensity data, cleanest first.

    Args:
        groups: Which of ``country``, ``region`` and ``cloud``; none: all.
    """
    found: list[Place] = []
    if not groups or "country" in groups:
        found += _countries()
    if not groups or "region" in groups:
        found += [
            Place(
                name=region.intensity.zone, group="region", intensity=region.intensity
            )
            for alpha3 in WITH_REGIONS
            for region in grids.regions(alpha3)
        ]
    if not groups or "cloud" in groups:
        found += _clouds()
    # No electricity has a lifecycle without emissions: a 0 is a gap in the data.
    known = [place for place in found if place.intensity.g_per_kwh > 0.0]
    return sorted(known, key=lambda place: (place.intensity.g_per_kwh, place.name))


def _countries() -> list[Place]:
    return [
        Place(name=name, group="country", intensity=value)
        for alpha3, name in grids.country_names().items()
        if (value := grids.national(alpha3)) is not None
    ]


def _clouds() -> list[Place]:
    found = []
    for region in cloud_regions():
        try:
            value = of_cloud(region)
        except LocationError:
            continue  # its country has no value
        name = f"{region.provider}:{region.region}"
        found.append(Place(name=name, group="cloud", intensity=value))
        if region.g_per_kwh is not None:
            # The provider's own value is of another kind than those of countries:
            # beside these stands the region's grid.
            found += _grids(name, region)
    return found


def _grids(name: str, region: CloudRegion) -> list[Place]:
    try:
        value = grid_of_cloud(region)
    except LocationError:
        return []
    name = f"{name}, grid of {value.zone}"
    return [Place(name=name, group="cloud", intensity=value)]


def fetch_forecast(
    query: Mapping[str, str], token: str, *, url: str = FORECAST_URL
) -> ForecastAnswer:
    """Ask Electricity Maps once for the hours ahead.

    Args:
        query: Names the place.
        token: Identifies the user.
        url: The service.

    Raises:
        OSError: The service cannot be reached or refuses.
        ValueError: The answer cannot be read.
    """
    asked = {**query, "horizonHours": str(HORIZON_H)}
    return ask_service(
        url, asked, token, ForecastAnswer, "forecast", most_bytes=MAX_FORECAST_BYTES
    )


def ask_forecast(settings: Settings, *, fetch: FetchForecast = fetch_forecast) -> Ahead:
    """Return the intensity of the hours ahead, by Electricity Maps.

    Args:
        settings: Location and token.
        fetch: Asks the service once.

    Raises:
        LocationError: There is no token or no location, or the service gives nothing.
    """
    if not settings.electricitymaps_token:
        raise LocationError(
            "the hours ahead are not known",
            why="there is no Electricity Maps token, and no other source is asked",
            remedy="Set electricitymaps_token (JUPYTER_GREEN_ELECTRICITYMAPS_TOKEN)",
        )
    query, lost_region = place_query(settings)
    if not query:
        raise LocationError(
            "the hours ahead are not known",
            why="no country or cloud region is set",
            remedy="Set one: `%green location FRA`",
        )
    try:
        answer = fetch(query, settings.electricitymaps_token)
        hours = _hours(answer)
    except (OSError, ValueError) as err:
        raise LocationError(
            "Electricity Maps gave no forecast",
            why=problem_of(err),
            remedy="A forecast may need another plan than the present value",
        ) from err
    note = f"of the whole country, not of {lost_region}" if lost_region else ""
    zone = answer.zone or next(iter(query.values()))
    return Ahead(zone=zone, hours=hours, note=note)


def _hours(answer: ForecastAnswer) -> tuple[Hour, ...]:
    """Return the hours of an answer, in order.

    Raises:
        ValueError: There is none, or a value cannot be.
    """
    hours = []
    for point in answer.forecast:
        if not 0.0 <= point.carbon_intensity <= MAX_G_PER_KWH:  # NaN fails too
            raise ValueError(f"implausible value {point.carbon_intensity:g} g/kWh")
        at = datetime.fromisoformat(point.datetime)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        hours.append(Hour(at=at, g_per_kwh=point.carbon_intensity))
    if not hours:
        raise ValueError("the forecast is empty")
    return tuple(sorted(hours, key=lambda hour: hour.at))


def greenest(hours: Sequence[Hour], duration_h: float, now: datetime) -> list[Start]:
    """Return when to begin work of *duration_h* hours, cleanest first.

    The work may begin now or at any full hour from which the forecast covers all of it;
    each hour counts by how much of it the work takes.

    Args:
        hours: In the order of time.
        duration_h: Length of the work.
        now: UTC.
    """
    if not hours or duration_h <= 0.0:
        return []
    end = hours[-1].at + timedelta(hours=1)
    length = timedelta(hours=duration_h)
    moments = [max(now, hours[0].at), *(h.at for h in hours if h.at > now)]
    starts = []
    for begin in moments:
        if begin + length > end:
            continue
        covered_s = weighed = 0.0
        for hour in hours:
            first = max(begin, hour.at)
            last = min(begin + length, hour.at + timedelta(hours=1))
            part_s = max(0.0, (last - first).total_seconds())
            covered_s += part_s
            weighed += part_s * hour.g_per_kwh
        # A gap in the forecast: nothing is known of that time.
        if covered_s >= 0.999 * length.total_seconds():
            starts.append(Start(at=begin, g_per_kwh=weighed / covered_s))
    return sorted(starts, key=lambda start: (start.g_per_kwh, start.at))
