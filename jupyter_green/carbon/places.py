"""Names of countries and cloud regions, as people write them.

Imports `errors` and `grids` (the data files).

    >>> country("de").alpha3, cloud_region("AWS:us-east-1").subregion
    ('DEU', 'virginia')
"""

from __future__ import annotations

import csv
import re
from difflib import get_close_matches
from importlib.resources import files

import msgspec
from msgspec import Struct

from jupyter_green.carbon import grids
from jupyter_green.errors import LocationError

# Common names that neither the data nor ISO 3166 has.
_COMMON = {
    "uk": "GBR",
    "great britain": "GBR",
    "england": "GBR",
    "scotland": "GBR",
    "wales": "GBR",
    "northern ireland": "GBR",
    "uae": "ARE",
    "america": "USA",
    "holland": "NLD",
    "ivory coast": "CIV",
    "burma": "MMR",
    "macedonia": "MKD",
    "el": "GRC",
}
# A zone within a region: europe-west1-b, us-east-1a.
_ZONE = {"gcp": re.compile(r"(?<=\d)-[a-z]$"), "aws": re.compile(r"(?<=\d)[a-z]$")}


# Google's files name their year, codecarbon's copy of one does not: what the region in
# Paris has tells it (data/yearly of github.com/GoogleCloudPlatform/region-carbon-info).
_TELLTALE = "europe-west9"
_YEARS = {71.0: 2022, 34.0: 2023, 16.3: 2024}


class Country(Struct, frozen=True):
    """A country: its ISO 3166 alpha-3 code and its English name."""

    alpha3: str
    name: str


class CloudRegion(Struct, frozen=True, kw_only=True):
    """A region of a cloud provider and the place of its machines.

    Attributes:
        provider: ``aws``, ``azure`` or ``gcp``.
        region: The provider's name of the region.
        country: ISO 3166 alpha-3 code.
        subregion: State, province or bidding zone, where it is known.
        place: The place, for people.
        g_per_kwh: The provider's own intensity, where it publishes one.
        year: Year of that.
    """

    provider: str
    region: str
    country: str
    subregion: str = ""
    place: str = ""
    g_per_kwh: float | None = None
    year: int | None = None


def country(text: str) -> Country:
    """Return the country that *text* names: alpha-3, alpha-2 or English name.

    Raises:
        LocationError: No country has that code or name.
    """
    names = grids.country_names()
    code = text.strip().upper()
    if code in names:
        return Country(code, names[code])
    key = grids.region_key(text)
    by_name = {grids.region_key(name): alpha3 for alpha3, name in names.items()}
    alpha3 = by_name.get(key) or _COMMON.get(key)
    if alpha3:
        return Country(alpha3, names[alpha3])
    found = _from_iso(text.strip())
    if found:
        return Country(found.alpha3, names.get(found.alpha3, found.name))
    near = get_close_matches(key, by_name, n=3)
    guess = ", ".join(f"{names[by_name[n]]} ({by_name[n]})" for n in near)
    raise LocationError(
        f"there is no country {text!r} in the data",
        remedy=(f"Did you mean {guess}? " if guess else "")
        + "Give an ISO 3166 code (FRA, FR) or the English name",
    )


def alpha2(alpha3: str) -> str:
    """Return the ISO 3166 alpha-2 code for *alpha3*, a code of the data."""
    import pycountry  # noqa: PLC0415 - 20 ms, needed for live values only

    return str(pycountry.countries.lookup(alpha3).alpha_2)


def cloud_region(text: str) -> CloudRegion:
    """Return the region that *text* names, such as ``gcp:europe-west1``.

    Raises:
        LocationError: The text has another form, or no such region is known.
    """
    provider, _, region = (part.strip() for part in text.lower().partition(":"))
    known = cloud_regions()
    providers = sorted({row.provider for row in known})
    if not region or provider not in providers:
        raise LocationError(
            f"{text!r} names no cloud region",
            why=f"expected PROVIDER:REGION with one of {', '.join(providers)}",
            remedy="Write gcp:europe-west1, aws:us-east-1 or azure:westeurope",
        )
    if provider == "azure":
        region = region.replace(" ", "")
    else:
        region = _ZONE[provider].sub("", region)
    by_name = {row.region: row for row in known if row.provider == provider}
    if region in by_name:
        return by_name[region]
    near = get_close_matches(region, by_name, n=3)
    raise LocationError(
        f"there is no region {region!r} of {provider} in the data",
        remedy=(f"Did you mean {', '.join(near)}? " if near else "")
        + "Or give the country it stands in",
    )


def cloud_regions() -> tuple[CloudRegion, ...]:
    """Return all known regions: Google's with its values, then our own table."""
    rows = list(csv.DictReader(grids.read_text("cloud/impact.csv").splitlines()))
    telling = (float(r["impact"]) for r in rows if r["region"] == _TELLTALE)
    year = next((_YEARS[value] for value in telling if value in _YEARS), None)
    google = [
        CloudRegion(
            provider=row["provider"],
            # The file has Doha's region misspelt as me-cenrtal1.
            region=row["region"].replace("cenrtal", "central"),
            country=row["countryIsoCode"],
            place=row["city"],
            g_per_kwh=float(row["impact"]),
            year=year,
        )
        for row in rows
    ]
    path = files("jupyter_green.carbon") / "cloud_regions.csv"
    with path.open(encoding="utf-8") as file:
        ours = [msgspec.convert(row, CloudRegion) for row in csv.DictReader(file)]
    return (*google, *ours)


def _from_iso(text: str) -> Country | None:
    import pycountry  # noqa: PLC0415 - 20 ms, needed for rare spellings only

    try:
        found = pycountry.countries.lookup(text)
    except LookupError:
        return None
    return Country(found.alpha_3, getattr(found, "common_name", found.name))
