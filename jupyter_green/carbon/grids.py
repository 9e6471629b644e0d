"""Read codecarbon's files of grid intensities, without importing codecarbon.

Each value keeps its year, kind, source and licence; the arithmetic is codecarbon's
(`codecarbon.core.emissions`), which a contract test holds it to.  Imports `records`
and `errors`.

    >>> national("FRA").kind
    'lifecycle'
"""

from __future__ import annotations

import unicodedata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from jupyter_green.errors import LocationError
from jupyter_green.records import Intensity

# The international avoirdupois pound is 0.45359237 kg exactly, so 1 lb/MWh is that
# many g/kWh.
G_PER_KWH_FROM_LB_PER_MWH = 0.45359237

# g/kWh by fuel, https://github.com/responsibleproblemsolving/energy-usage, as
# codecarbon applies them to the Canadian mix: combustion only.
_COMBUSTION_G_PER_KWH = {
    "coal": 995.725971,
    "petroleum": 816.6885263,
    "naturalGas": 743.8415916,
}
_CANADIAN_CODES = {
    "alberta": "ab",
    "british columbia": "bc",
    "manitoba": "mb",
    "new brunswick": "nb",
    "newfoundland and labrador": "nl",
    "northwest territories": "nt",
    "nova scotia": "ns",
    "nunavut": "nu",
    "ontario": "on",
    "prince edward island": "pe",
    "quebec": "qc",
    "saskatchewan": "sk",
    "yukon": "yt",
}
_NORDIC = {"SWE": "SE", "NOR": "NO", "FIN": "FI"}
_CHINESE_SUFFIXES = ("autonomous region", "municipality", "province")


class Region(Struct, frozen=True):
    """A region with a value of its own: the keys it goes by, and the value."""

    keys: tuple[str, ...]
    intensity: Intensity


def read_text(name: str) -> str:
    """Return the text of a file in codecarbon's data folder.

    Raises:
        LocationError: codecarbon or the file is not there.
    """
    spec = find_spec("codecarbon")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    try:
        return (Path(folders[0]) / "data" / name).read_text(encoding="utf-8-sig")
    except (IndexError, OSError) as err:
        raise LocationError(
            "codecarbon's intensity data cannot be read",
            why=str(err) if isinstance(err, OSError) else "it is not installed",
            remedy="Reinstall codecarbon, or state an intensity",
        ) from err


def region_key(text: str) -> str:
    """Return *text* in lower case, without accents and superfluous spaces."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    key = " ".join(plain.lower().split())
    for suffix in _CHINESE_SUFFIXES:
        key = key.removesuffix(" " + suffix)
    return key


def country_names() -> dict[str, str]:
    """Return the English name of each country in the data, by alpha-3 code."""
    return {code: row["country_name"] for code, row in _world().items()}


def national(alpha3: str) -> Intensity | None:
    """Return the value of a country, or None if the data have none."""
    row = _world().get(alpha3)
    if row is None or row.get("carbon_intensity") is None:
        return None
    return Intensity(
        g_per_kwh=row["carbon_intensity"],
        zone=alpha3,
        source="Ember via Our World in Data, as shipped by codecarbon",
        year=row["year"],
        kind="lifecycle",
        licence="CC BY 4.0",
    )


def regions(alpha3: str) -> tuple[Region, ...]:
    """Return the regions of a country that have values of their own."""
    if alpha3 == "USA":
        return _american()
    if alpha3 == "CAN":
        return _canadian()
    if alpha3 == "CHN":
        return _chinese()
    if alpha3 in _NORDIC:
        return _nordic(alpha3)
    return ()


def _american() -> tuple[Region, ...]:
    data = _read("private_infra/2023/usa_emissions.json")
    return tuple(
        Region(
            (name, row["regionCode"].lower()),
            Intensity(
                g_per_kwh=row["emissions"] * G_PER_KWH_FROM_LB_PER_MWH,
                zone=f"USA/{name}",
                source=data["_source"]["name"],
                year=data["_source"]["year"],
                kind="direct",
                licence="public domain (US federal)",
                note="emissions of power plants in the state; not comparable with "
                "lifecycle values",
            ),
        )
        for name, row in data.items()
        if not name.startswith("_") and name != "usa"
    )


def _canadian() -> tuple[Region, ...]:
    data = _read("private_infra/2023/canada_energy_mix.json")
    return tuple(
        Region(
            (name, _CANADIAN_CODES.get(name, name)),
            Intensity(
                g_per_kwh=sum(
                    mix[fuel] / mix["total"] * factor
                    for fuel, factor in _COMBUSTION_G_PER_KWH.items()
                ),
                zone=f"CAN/{name}",
                source="provincial energy mix in codecarbon, its origin not stated",
                kind="direct",
                note="combustion of coal, oil and gas only; not comparable with "
                "lifecycle values",
            ),
        )
        for name, mix in data.items()
    )


def _chinese() -> tuple[Region, ...]:
    data = _read("private_infra/2023/china_provincial_emissions.json")
    return tuple(
        Region(
            (*row["names"], code.lower()),
            Intensity(
                g_per_kwh=row["emission_factor"],
                zone=f"CHN/{row['names'][0]}",
                source="Ministry of Ecology and Environment and National Bureau of "
                "Statistics of China, announcement 2025 no. 47, via codecarbon",
                year=row["year"],
                kind="co2-only",
                note="CO2 only; not comparable with lifecycle values",
            ),
        )
        for code, row in data["data"].items()
    )


def _nordic(alpha3: str) -> tuple[Region, ...]:
    data = _read("private_infra/nordic_emissions.json")
    return tuple(
        Region(
            (zone.lower(),),
            Intensity(
                g_per_kwh=row["emission_factor"],
                zone=f"{alpha3}/{zone}",
                source="Khepri v1.3 (doi:10.5281/zenodo.22285397) via codecarbon",
                year=row["year"],
                kind="lifecycle",
                note="a lower bound: generation without a known factor counts as 0",
            )
            if "coverage" in row
            else Intensity(
                g_per_kwh=row["emission_factor"],
                zone=f"{alpha3}/{zone}",
                source="codecarbon, its origin not stated",
                year=row["year"],
            ),
        )
        for zone, row in data["data"].items()
        if zone.startswith(_NORDIC[alpha3])
    )


def _world() -> dict[str, Any]:
    return _read("private_infra/global_energy_mix.json")


def _read(name: str) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(read_text(name))
    return decoded
