"""Carbon intensity of the place that the settings name, from data on this machine.

The order: an intensity stated by the user > cloud region > country and region > the
world average, labelled as assumed.  Nothing is asked of the network and no location is
guessed.  The values are codecarbon's, read from its data files: importing codecarbon
itself would start NVML and load pandas.  Imports `records`, `settings` and `errors`.

    >>> find(Settings(country="France")).zone
    'FRA'
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from msgspec.structs import replace

from jupyter_green.carbon import grids
from jupyter_green.carbon.places import CloudRegion, Country, cloud_region, country
from jupyter_green.errors import LocationError
from jupyter_green.records import Intensity, Pue
from jupyter_green.settings import Settings

STATED = "stated by the user"

_LOCATION = {
    "country": None,
    "region": None,
    "cloud": None,
    "intensity_g_per_kwh": None,
    "intensity_source": None,
}


def find(settings: Settings) -> Intensity:
    """Return the carbon intensity in g CO2e per kWh for the place in *settings*.

    Raises:
        LocationError: The country, region or cloud region is not in the data.
    """
    if settings.intensity_g_per_kwh is not None:
        return Intensity(
            g_per_kwh=settings.intensity_g_per_kwh,
            zone=STATED,
            source=settings.intensity_source or STATED,
        )
    if settings.cloud:
        return of_cloud(cloud_region(settings.cloud))
    if settings.country:
        return _of_country(country(settings.country), settings.region)
    if settings.region:
        raise LocationError(
            f"the region {settings.region!r} needs its country",
            remedy="Set the country too, such as USA",
        )
    return world_average()


def stated_pue(settings: Settings) -> Pue:
    """Return the PUE of *settings* with its source."""
    if settings.pue_source:
        return Pue(value=settings.pue, source=settings.pue_source)
    if settings.pue == Pue().value:
        return Pue()
    return Pue(value=settings.pue, source=STATED)


def relocate(settings: Settings, **location: Any) -> Settings:
    """Return *settings* for another place; nothing of the old place is kept.

    A more specific setting would otherwise win over the place just given: a country
    on the command line has to replace a cloud region in the project file.

    Args:
        settings: The settings in force.
        location: Any of ``country``, ``region``, ``cloud``, ``intensity_g_per_kwh``,
            ``intensity_source``; None counts as not given.
    """
    given = {name: value for name, value in location.items() if value is not None}
    if not given:
        return settings
    if set(given) == {"region"}:
        given["country"] = settings.country
    return replace(settings, **{**_LOCATION, **given})


def world_average() -> Intensity:
    """Return the intensity of the world's electricity, labelled as assumed."""
    # Our World in Data, owid-energy-data.csv (github.com/owid/energy-data at commit
    # e7897aed, read November 2026), row World 2025, column carbon_intensity_elec:
    # 458.290; 2024 is 471.080 there.  The data are Ember's, lifecycle, CC BY 4.0.
    return Intensity(
        g_per_kwh=458.29,
        zone="world",
        source="Ember via Our World in Data",
        year=2025,
        kind="lifecycle",
        licence="CC BY 4.0",
        assumed=True,
        note="no location is set: world average",
    )


def of_cloud(place: CloudRegion) -> Intensity:
    """Return the intensity of a cloud region: the provider's value, or its grid's.

    Raises:
        LocationError: The data have no value for its country.
    """
    zone = f"{place.provider}:{place.region}"
    if place.g_per_kwh is not None:
        return Intensity(
            g_per_kwh=place.g_per_kwh,
            zone=zone,
            source="Google Cloud region carbon data via codecarbon",
            year=place.year,
            # Google calls them "average operational gross emissions per unit of energy
            # from the grid" (github.com/GoogleCloudPlatform/region-carbon-info): no
            # grid of dams has a life cycle of the 2 g/kWh that Montreal has there.
            kind="direct",
            note=f"operational emissions of the grid in {place.place}, by Google; not "
            "comparable with lifecycle values",
        )
    grid = _of_country(country(place.country), place.subregion or None)
    note = f"{zone} publishes no value: the grid of its place, {place.place}"
    return replace(grid, note="; ".join(filter(None, (note, grid.note))))


def grid_of_cloud(place: CloudRegion) -> Intensity:
    """Return the intensity of the grid of a cloud region's country.

    Raises:
        LocationError: The data have no value for it.
    """
    return _of_country(country(place.country), None)


def _of_country(place: Country, region: str | None) -> Intensity:
    if region:
        regional = grids.regions(place.alpha3)
        if regional:
            return _of_region(place, region, regional)
    national = grids.national(place.alpha3)
    if national is None:
        raise LocationError(
            f"there is no value for {place.name}",
            why="it is not in codecarbon's data",
            remedy="Name a country whose grid is like it, or state an intensity",
        )
    if region:
        note = f"there are no values for regions of {place.name}: national value"
        return replace(national, note=note)
    return national


def _of_region(
    place: Country, region: str, regional: Iterable[grids.Region]
) -> Intensity:
    wanted = grids.region_key(region)
    for candidate in regional:
        if wanted in candidate.keys:
            return candidate.intensity
    names = [key for candidate in regional for key in candidate.keys]
    near = get_close_matches(wanted, names, n=3)
    guess = f"Did you mean {', '.join(near)}? " if near else ""
    raise LocationError(
        f"there is no region {region!r} of {place.name} in the data",
        remedy=f"{guess}Leave the region out for the national value",
    )
