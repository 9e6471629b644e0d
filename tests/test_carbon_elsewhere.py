"""The same work in other places and at other hours, from data with year and kind."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.error import UsageError
from shells import isolate, load_with, open_shell, quick_device

from jupyter_green.carbon import elsewhere, find, world_average
from jupyter_green.carbon.elsewhere import (
    ForecastAnswer,
    Hour,
    ask_forecast,
    fetch_forecast,
    greenest,
    places,
)
from jupyter_green.cli import main
from jupyter_green.errors import LocationError
from jupyter_green.records import Pue
from jupyter_green.report.elsewhere import comparable, when_table, where_table
from jupyter_green.settings import Settings

NOW = datetime(2026, 6, 1, 11, 30, tzinfo=UTC)


def test_every_place_has_a_value_a_kind_and_its_group_and_they_are_sorted():
    """Countries, regions and cloud regions of all three providers."""
    found = places()
    values = [place.intensity.g_per_kwh for place in found]
    assert values == sorted(values)
    assert min(values) > 0
    assert {place.group for place in found} == {"country", "region", "cloud"}
    providers = {p.name.partition(":")[0] for p in found if p.group == "cloud"}
    assert providers == {"aws", "azure", "gcp"}
    assert all(place.intensity.kind and place.intensity.source for place in found)
    assert [p for p in places("cloud") if p.group != "cloud"] == []


def test_a_place_has_the_value_that_a_record_there_would_have():
    """Whether it is looked up for a record or listed."""
    by_name = {place.name: place.intensity for place in places()}
    assert by_name["France"] == find(Settings(country="FRA"))
    assert by_name["USA/california"] == find(
        Settings(country="USA", region="california")
    )
    assert by_name["gcp:europe-west1"] == find(Settings(cloud="gcp:europe-west1"))


def test_kinds_that_count_something_else_are_not_ranked_with_the_others():
    """States of the USA are direct: not beside lifecycle values."""
    found = comparable(places(), world_average())
    assert {place.intensity.kind for place in found} == {"lifecycle"}
    california = find(Settings(country="USA", region="california"))
    direct = comparable(places(), california)
    assert {place.intensity.kind for place in direct} == {"direct"}


def test_googles_operational_values_are_not_ranked_as_life_cycles():
    """Montreal's 2 g/kWh would be first of all; Canada's grid stands for it there."""
    montreal = "gcp:northamerica-northeast1"
    ranked = {p.name: p.intensity for p in comparable(places(), world_average())}
    assert montreal not in ranked
    assert ranked[f"{montreal}, grid of CAN"] == find(Settings(country="CAN"))
    own = find(Settings(cloud=montreal))
    # https://github.com/GoogleCloudPlatform/region-carbon-info, data/yearly/2023.csv.
    assert (own.g_per_kwh, own.kind, own.year) == (2.0, "direct", 2023)
    direct = {p.name for p in comparable(places(), own)}
    assert {montreal, "USA/california"} <= direct


def test_the_table_has_the_grams_both_ends_and_here():
    """1 kWh: the grams are the intensity."""
    here = find(Settings(country="DEU"))
    found = comparable(places("country"), here)
    table = where_table(found, here, 3.6e6, Pue())
    names = [row[0] for row in table.rows]
    assert len(names) == 21
    assert "here: DEU" in names
    assert names[0] == found[0].name
    assert names[-1] == found[-1].name
    here_row = table.rows[names.index("here: DEU")]
    assert here_row[2] == f"{here.g_per_kwh:.0f} g"
    assert here_row[3] == "1.00 x"
    assert here_row[4:] == ("lifecycle", str(here.year))
    assert any("marginal" in note for note in table.notes)
    everything = where_table(found, here, 3.6e6, Pue(), everything=True)
    assert len(everything.rows) == len(found) + 1


def hours(*values: float) -> list[Hour]:
    """Return hours from 11:00 on."""
    first = NOW.replace(minute=0)
    return [
        Hour(at=first + timedelta(hours=i), g_per_kwh=v) for i, v in enumerate(values)
    ]


def test_the_greenest_start_is_that_of_the_cleanest_hours_together():
    """Two hours: 100 and 50 from 12:00 are cleaner than 50 and 300 from 13:00."""
    starts = greenest(hours(400, 100, 50, 300), 2.0, NOW)
    assert starts[0].at == NOW.replace(hour=12, minute=0)
    assert starts[0].g_per_kwh == pytest.approx(75.0)
    now = next(start for start in starts if start.at == NOW)
    # Half an hour of 400, one of 100, half of 50.
    assert now.g_per_kwh == pytest.approx((0.5 * 400 + 100 + 0.5 * 50) / 2)
    assert len(starts) == 3


def test_work_longer_than_the_forecast_has_no_start():
    """Nothing is made up for the hours after it."""
    assert greenest(hours(100, 100), 3.0, NOW) == []
    ahead = elsewhere.Ahead(zone="DE", hours=tuple(hours(1.0)))
    assert any("shorter" in note for note in when_table(ahead, [], NOW, 3.0).notes)


def test_a_gap_in_the_forecast_is_no_time_to_work_in():
    """The hour that is missing may be the dirtiest."""
    known = hours(100, 100, 100, 100)
    del known[2]
    starts = greenest(known, 2.0, NOW)
    assert starts == []


@given(
    st.lists(st.floats(1, 1000), min_size=2, max_size=24),
    st.floats(0.1, 10.0),
)
def test_no_start_is_cleaner_than_the_cleanest_hour(
    values: list[float], duration_h: float
):
    """Nor dirtier than the dirtiest; the first is the best."""
    starts = greenest(hours(*values), duration_h, NOW)
    means = [start.g_per_kwh for start in starts]
    assert means == sorted(means)
    assert all(min(values) - 1e-9 <= mean <= max(values) + 1e-9 for mean in means)


@pytest.fixture
def service() -> Iterator[tuple[str, dict[str, str]]]:
    """Give a real server that answers as Electricity Maps does, and what it saw."""
    seen: dict[str, str] = {}
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    points = [
        {
            "carbonIntensity": 300 - 100 * (i == 5),
            "datetime": (begin + timedelta(hours=i)).isoformat(),
        }
        for i in range(24)
    ]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.update(dict(urllib.parse.parse_qsl(self.path.partition("?")[2])))
            seen["token"] = self.headers["auth-token"]
            wrong = seen["token"] != RIGHT
            self.send_response(401 if wrong else 200)
            self.end_headers()
            if not wrong:
                answer = {"zone": "FR", "forecast": points, "updatedAt": "x"}
                self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/forecast", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


RIGHT, WRONG = "right", "wrong"


def with_token(text: str, country: str | None = "FRA") -> Settings:
    """Return settings with a token and a place."""
    return Settings(country=country, electricitymaps_token=text)


def test_the_service_is_asked_with_place_and_token(
    service: tuple[str, dict[str, str]],
):
    """And its answer is read as it is."""
    url, seen = service

    def fetch(query: Mapping[str, str], token: str) -> ForecastAnswer:
        return fetch_forecast(query, token, url=url)

    ahead = ask_forecast(with_token(RIGHT), fetch=fetch)
    assert (ahead.zone, len(ahead.hours)) == ("FR", 24)
    assert seen == {"countryCode": "FR", "horizonHours": "24", "token": "right"}
    best = greenest(ahead.hours, 1.0, datetime.now(UTC))[0]
    assert best.g_per_kwh == pytest.approx(200.0)
    with pytest.raises(LocationError, match="token is refused"):
        ask_forecast(with_token(WRONG), fetch=fetch)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(country="FRA"), "no Electricity Maps token"),
        (with_token(RIGHT, None), "no country or cloud region"),
    ],
)
def test_without_token_or_place_nothing_is_asked(settings: Settings, said: str):
    """And the text says what is missing."""

    def fetch(query: Mapping[str, str], token: str) -> ForecastAnswer:
        pytest.fail(f"{query} {token}")

    with pytest.raises(LocationError, match=said):
        ask_forecast(settings, fetch=fetch)


@pytest.mark.parametrize(
    "points",
    [
        (),
        (elsewhere._Point(float("nan"), "2026-01-01T00:00Z"),),
        (elsewhere._Point(5000.0, "2026-01-01T00:00Z"),),
        (elsewhere._Point(100.0, "tomorrow"),),
    ],
)
def test_an_answer_that_cannot_be_is_no_forecast(points: tuple[elsewhere._Point, ...]):
    """It is refused as a whole."""
    with pytest.raises(LocationError, match="could not be read"):
        ask_forecast(
            with_token(RIGHT), fetch=lambda *_: ForecastAnswer(forecast=points)
        )


def test_the_doors_show_where_and_say_what_when_needs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """In the notebook and in the shell; both say that averages are not marginal."""
    isolate(tmp_path, monkeypatch, JUPYTER_GREEN_COUNTRY="FRA")
    with open_shell() as shell:
        load_with(shell, quick_device(), country="FRA")
        with pytest.raises(UsageError, match="nothing is measured yet"):
            shell.extension.green.run("where")
        shell.run("%%energy -q -l train\nimport time; time.sleep(0.05)")
        ran = shell.run("%green where --in cloud --label train")
        assert "here: FRA" in ran.out
        assert "gcp:" in ran.out
        assert "marginal" in ran.out
        with pytest.raises(UsageError, match="no energy of 'nosuch'"):
            shell.extension.green.run("where --label nosuch")
        with pytest.raises(UsageError, match="no energy of ''"):
            shell.extension.green.run('where --label ""')
        with pytest.raises(UsageError, match="no Electricity Maps token"):
            shell.extension.green.run("when --hours 2")
    assert main(["where", "--energy", "2 kWh", "--json", "--every-kind"]) == 0
    built = json.loads(capsys.readouterr().out)
    assert built["energy_j"] == pytest.approx(7.2e6)
    assert len({place["kind"] for place in built["places"]}) > 1
    assert "marginal" in built["note"]
    # Without quotes, as `budget` takes it.
    assert main(["where", "--energy", "2", "kWh", "--in", "country", "--all"]) == 0
    assert "Norway" in capsys.readouterr().out
    assert main(["where", "--energy", "2 kg"]) == 2
    assert main(["when"]) == 2
    assert "token" in capsys.readouterr().err


def test_the_shell_gives_the_hours_ahead_as_json(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    """Cleanest first, and each hour of the forecast."""
    isolate(tmp_path, monkeypatch)
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    known = tuple(
        Hour(at=begin + timedelta(hours=i), g_per_kwh=v)
        for i, v in enumerate((400.0, 100.0, 300.0))
    )
    ahead = elsewhere.Ahead(zone="DE", hours=known)
    monkeypatch.setattr("jupyter_green.cli.deciding.ask_forecast", lambda _: ahead)
    assert main(["when", "--json"]) == 0
    built = json.loads(capsys.readouterr().out)
    assert built["starts"][0]["at"] == (begin + timedelta(hours=1)).isoformat()
    assert 0.0 <= built["starts"][0]["wait_h"] <= 1.0
    assert [hour["g_per_kwh"] for hour in built["hours"]] == [400.0, 100.0, 300.0]
    assert "marginal" in built["note"]
