"""Intensities of places: values, identity, and names as people write them."""

import subprocess
import sys
import warnings

import pytest

from jupyter_green.carbon import (
    find,
    grids,
    places,
    relocate,
    stated_pue,
    world_average,
)
from jupyter_green.errors import LocationError
from jupyter_green.records import Intensity, Pue
from jupyter_green.settings import Settings


def _found(**settings: object) -> Intensity:
    return find(Settings(**settings))


@pytest.mark.parametrize(
    ("country", "region", "g_per_kwh", "kind", "year"),
    [
        # Results of codecarbon 3.3.2 for 1 kWh.
        ("FRA", None, 56.04, "lifecycle", 2023),
        ("DEU", None, 380.95, "lifecycle", 2023),
        ("USA", None, 369.47, "lifecycle", 2023),
        ("CAN", None, 170.04, "lifecycle", 2023),
        ("CAN", "quebec", 3.94, "direct", None),
        ("CHN", "beijing", 555.4, "co2-only", 2023),
        ("SWE", "SE3", 27.0, "lifecycle", 2025),
    ],
)
def test_known_places(
    country: str, region: str | None, g_per_kwh: float, kind: str, year: int | None
):
    """Value, kind and year are those of the data set that the place comes from."""
    found = _found(country=country, region=region)

    assert found.g_per_kwh == pytest.approx(g_per_kwh, abs=0.005)
    assert (found.kind, found.year) == (kind, year)
    assert not found.assumed


def _codecarbon_g(alpha3: str, region: str | None) -> float:
    from codecarbon.core.emissions import Emissions  # noqa: PLC0415 - 0.5 s
    from codecarbon.core.units import Energy  # noqa: PLC0415
    from codecarbon.external.geography import GeoMetadata  # noqa: PLC0415
    from codecarbon.input import DataSource  # noqa: PLC0415

    geo = GeoMetadata(country_iso_code=alpha3, region=region)
    emissions = Emissions(DataSource())
    return 1000 * emissions.get_private_infra_emissions(Energy.from_energy(1.0), geo)


def _every_place() -> list[tuple[str, str | None]]:
    countries: list[tuple[str, str | None]] = [(c, None) for c in grids.country_names()]
    regional = ("USA", "CAN", "CHN", "SWE", "NOR", "FIN")
    return countries + [(c, r.keys[0]) for c in regional for r in grids.regions(c)]


def test_contract_with_codecarbon():
    """Each of our values is what codecarbon itself gives for one kilowatt-hour."""
    with warnings.catch_warnings():
        # pandas and codecarbon warn of their own future while being imported.
        warnings.simplefilter("ignore")
        expected = {place: _codecarbon_g(*place) for place in _every_place()}

    assert len(expected) > 213 + 51 + 13 + 30
    for (country, region), g_per_kwh in expected.items():
        ours = _found(country=country, region=region).g_per_kwh
        assert ours == pytest.approx(g_per_kwh, rel=1e-12), (country, region)


def test_contract_with_codecarbon_cloud_values():
    """Google's regions have codecarbon's values, misspelt names mended."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        from codecarbon.input import DataSource  # noqa: PLC0415 - 0.5 s

        table = DataSource().get_cloud_emissions_data()
    expected = dict(zip(table["region"], table["impact"], strict=True))
    expected["me-central1"] = expected.pop("me-cenrtal1")

    ours = {row.region: row.g_per_kwh for row in places.cloud_regions()}
    assert expected == {region: ours[region] for region in expected}


def test_importing_codecarbon_is_not_needed():
    """Finding an intensity loads neither codecarbon nor pandas: kernels ask for it."""
    code = (
        "import sys; from jupyter_green.carbon import find;"
        "from jupyter_green.settings import Settings;"
        "find(Settings(cloud='aws:us-east-1')); find(Settings(country='de'));"
        "print([m for m in ('codecarbon', 'pandas', 'requests') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert done.stdout.strip() == b"[]"


@pytest.mark.parametrize(
    ("written", "alpha3"),
    [
        ("FRA", "FRA"),
        ("fr", "FRA"),
        (" France ", "FRA"),
        ("germany", "DEU"),
        ("UK", "GBR"),
        ("USA", "USA"),
        ("us", "USA"),
        ("Côte d'Ivoire", "CIV"),
        ("South Korea", "KOR"),
        ("Korea, Republic of", "KOR"),
        ("Czech Republic", "CZE"),
    ],
)
def test_names_of_countries(written: str, alpha3: str):
    """A country goes by its codes and its English names, in any case."""
    assert alpha3 == _found(country=written).zone


def test_every_country_has_two_letters():
    """Live values are asked for by alpha-2 code, which finds the country too."""
    codes = {alpha3: places.alpha2(alpha3) for alpha3 in grids.country_names()}

    assert codes == {places.country(two).alpha3: two for two in codes.values()}


@pytest.mark.parametrize(
    ("country", "region", "zone"),
    [
        ("USA", "California", "USA/california"),
        ("USA", "CA", "USA/california"),
        ("CAN", "Québec", "CAN/quebec"),
        ("CAN", "ON", "CAN/ontario"),
        ("CHN", "Beijing Municipality", "CHN/beijing"),
        ("CHN", "CN-XJ", "CHN/xinjiang"),
        ("NOR", "no1", "NOR/NO1"),
    ],
)
def test_names_of_regions(country: str, region: str, zone: str):
    """A region goes by its name or code, with or without accents."""
    assert zone == _found(country=country, region=region).zone


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"country": "Frence"}, "France (FRA)"),
        ({"country": "Atlantis"}, "ISO 3166"),
        ({"country": "Liechtenstein"}, "state an intensity"),
        ({"country": "USA", "region": "Califronia"}, "california"),
        ({"country": "CAN", "region": "x"}, "national value"),
        ({"region": "california"}, "country"),
        ({"cloud": "gcp:europe-west11"}, "europe-west1"),
        ({"cloud": "aws:nowhere"}, "country"),
        ({"cloud": "us-east-1"}, "aws:us-east-1"),
        ({"cloud": "oracle:eu-frankfurt-1"}, "aws, azure, gcp"),
    ],
)
def test_unknown_places(settings: dict[str, str], said: str):
    """An unknown place is an error that says what to write instead."""
    with pytest.raises(LocationError) as caught:
        _found(**settings)

    assert said in str(caught.value)


def test_region_of_a_country_without_regional_data():
    """The national value is used, and its note says so."""
    found = _found(country="DEU", region="bavaria")

    assert found.zone == "DEU"
    assert "no values for regions of Germany" in found.note


@pytest.mark.parametrize(
    ("cloud", "zone", "g_per_kwh"),
    [
        # codecarbon's cloud/impact.csv for Google; the grid of the place for others.
        ("gcp:europe-west1", "gcp:europe-west1", 122),
        ("gcp:europe-west1-b", "gcp:europe-west1", 122),
        ("GCP:us-central1", "gcp:us-central1", 430),
        ("aws:eu-west-3", "FRA", 56.04),
        ("aws:eu-central-1a", "DEU", 380.95),
        ("azure:West Europe", "NLD", 267.62),
        ("azure:swedencentral", "SWE/SE3", 27.0),
        ("aws:ca-central-1", "CAN/quebec", 3.94),
    ],
)
def test_cloud_regions(cloud: str, zone: str, g_per_kwh: float):
    """A cloud region has its provider's value, or the grid of its place."""
    found = _found(cloud=cloud)

    assert (found.zone, found.g_per_kwh) == (zone, pytest.approx(g_per_kwh, abs=0.005))
    if not cloud.lower().startswith("gcp"):
        assert "publishes no value" in found.note


def test_every_cloud_region_has_a_value():
    """The table names places that the data have, each region once."""
    rows = places.cloud_regions()
    keys = [(row.provider, row.region) for row in rows]

    assert len(set(keys)) == len(keys)
    by_provider = {p: sum(row.provider == p for row in rows) for p, _ in keys}
    assert by_provider["aws"] >= 30
    assert by_provider["azure"] >= 40
    for row in rows:
        assert _found(cloud=f"{row.provider}:{row.region}").g_per_kwh > 0


def test_nothing_set_is_the_world_average():
    """Without a location the world average is taken and labelled as assumed."""
    found = _found()

    # OWID energy-data, World 2025, carbon_intensity_elec.
    assert (found.g_per_kwh, found.year, found.assumed) == (458.29, 2025, True)
    assert found == world_average()


def test_stated_intensity_wins():
    """A figure stated by the user is used before any place, with its source."""
    found = _found(intensity_g_per_kwh=32.0, intensity_source="RTE 2024", country="DEU")

    assert (found.g_per_kwh, found.source, found.kind) == (32.0, "RTE 2024", "unstated")
    assert _found(intensity_g_per_kwh=32.0).source == "stated by the user"


def test_cloud_wins_over_country():
    """A cloud region is more specific than a country."""
    assert _found(cloud="aws:eu-west-3", country="DEU").zone == "FRA"


def test_relocate_keeps_nothing_of_the_old_place():
    """A place given later replaces the whole older one, however specific that was."""
    old = Settings(cloud="aws:us-east-1", intensity_g_per_kwh=1.0, pue=1.2)

    assert find(relocate(old, country="FRA")).zone == "FRA"
    assert relocate(old, country="FRA").pue == 1.2
    assert relocate(old, country=None) == old
    assert relocate(Settings(country="USA"), region="ohio").country == "USA"


def test_stated_pue():
    """A PUE has its source; the default says what it leaves out."""
    assert stated_pue(Settings()) == Pue(value=1.0, source="IT equipment only")
    assert stated_pue(Settings(pue=1.2)).source == "stated by the user"
    assert stated_pue(Settings(pue=1.0, pue_source="a laptop")).source == "a laptop"


def test_missing_codecarbon_data():
    """A broken installation is an error with a remedy, not a traceback."""
    with pytest.raises(LocationError, match="Reinstall codecarbon"):
        grids.read_text("no-such-file.json")
