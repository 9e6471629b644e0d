"""Live intensity: cache, fallback and what is never sent or said."""

import socket
import threading
from collections.abc import Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.error import HTTPError, URLError

import pytest
from msgspec.structs import replace

from jupyter_green.carbon import LiveIntensity, live
from jupyter_green.settings import Settings

TOKEN = "secret-token"  # noqa: S105 - not one
FRANCE = Settings(country="FRA", electricitymaps_token=TOKEN)


class _Service:
    """Answers or fails as told, and counts."""

    def __init__(self, *answers: live.Answer | Exception) -> None:
        self.answers = list(answers)
        self.queries: list[Mapping[str, str]] = []

    def __call__(self, query: Mapping[str, str], token: str) -> live.Answer:
        assert token == TOKEN
        self.queries.append(query)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


ANSWER = live.Answer(
    carbon_intensity=41.0,
    zone="FR",
    datetime="2026-11-22T10:00:00.000Z",
    emission_factor_type="lifecycle",
    is_estimated=True,
)


def test_current_never_asks():
    """Before the first refresh the yearly value is given, with the reason."""
    service = _Service()
    current = LiveIntensity(FRANCE, fetch=service).current()

    assert service.queries == []
    assert current.g_per_kwh == pytest.approx(56.04, abs=0.005)
    assert current.note == (
        "live value not available (not asked for yet); yearly average used"
    )


def test_refresh_asks_once_an_hour():
    """A value is kept for an hour, then given up and asked for again."""
    service = _Service(ANSWER, live.Answer(carbon_intensity=50.0))
    clock = _Clock()
    intensity = LiveIntensity(FRANCE, fetch=service, clock=clock)

    assert intensity.refresh().g_per_kwh == 41.0
    clock.now_s += 3599
    assert intensity.refresh().g_per_kwh == 41.0
    assert len(service.queries) == 1
    clock.now_s += 1
    assert "older than an hour" in intensity.current().note
    assert intensity.refresh().g_per_kwh == 50.0
    assert service.queries == [{"countryCode": "FR"}] * 2


def test_identity_of_a_live_value():
    """A live value says zone, hour, kind of factors and that it was estimated."""
    found = LiveIntensity(FRANCE, fetch=_Service(ANSWER)).refresh()

    assert (found.zone, found.kind, found.year) == ("FR", "consumption", 2026)
    assert found.note == (
        "hour 2026-11-22T10:00:00.000Z; lifecycle factors; estimated by the service"
    )


def test_direct_factors_are_told_from_those_that_count_a_life_cycle():
    """Or they would be ranked beside yearly life cycles."""
    direct = replace(ANSWER, emission_factor_type="direct")
    known = LiveIntensity(FRANCE, fetch=_Service(direct))
    assert known.refresh().kind == "direct"


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (TimeoutError(), "no answer within 5 s"),
        (URLError(TimeoutError()), "no answer within 5 s"),
        (URLError(OSError("unreachable")), "the service cannot be reached"),
        (ConnectionResetError(), "the service cannot be reached"),
        (HTTPError("u", 401, "no", Message(), None), "HTTP 401, the token is refused"),
        (HTTPError("u", 500, "no", Message(), None), "HTTP 500"),
        (ValueError(f"bad header {TOKEN}"), "the answer could not be read"),
        (live.Answer(carbon_intensity=-1.0), "the answer could not be read"),
        (live.Answer(carbon_intensity=float("nan")), "the answer could not be read"),
    ],
)
def test_failures_fall_back_and_say_so(failure: Exception | live.Answer, said: str):
    """Any failure gives the yearly value with a note, and no second try at once."""
    service = _Service(failure, ANSWER)
    clock = _Clock()
    intensity = LiveIntensity(FRANCE, fetch=service, clock=clock)

    found = intensity.refresh()

    assert found.zone == "FRA"
    assert found.note == f"live value not available ({said}); yearly average used"
    assert TOKEN not in found.note
    clock.now_s += 299
    assert intensity.refresh().zone == "FRA"
    clock.now_s += 1
    assert intensity.refresh().zone == "FR"


@pytest.mark.parametrize(
    "settings",
    [
        Settings(country="FRA"),
        Settings(electricitymaps_token=TOKEN),
        Settings(electricitymaps_token=TOKEN, intensity_g_per_kwh=30.0),
    ],
)
def test_network_is_not_asked(settings: Settings):
    """Without a token or a place, or with a stated figure, nothing is sent."""
    service = _Service()
    intensity = LiveIntensity(settings, fetch=service)

    assert not intensity.asks_network
    assert intensity.refresh() == intensity.current()
    assert intensity.refresh_soon() is None
    assert "live value" not in intensity.current().note


@pytest.mark.parametrize(
    ("settings", "query", "said"),
    [
        ({"country": "SWE", "region": "SE3"}, {"zone": "SE-SE3"}, ""),
        ({"country": "FIN", "region": "FI"}, {"countryCode": "FI"}, ""),
        ({"cloud": "aws:eu-central-1"}, {"countryCode": "DE"}, ""),
        (
            {"country": "USA", "region": "ohio"},
            {"countryCode": "US"},
            "of the whole country, not of ohio",
        ),
    ],
)
def test_places_in_the_services_words(
    settings: dict[str, str], query: dict[str, str], said: str
):
    """A place is asked for by zone or country, and a lost region is said."""
    service = _Service(live.Answer(carbon_intensity=10.0))
    found = LiveIntensity(
        Settings(**settings, electricitymaps_token=TOKEN), fetch=service
    ).refresh()

    assert service.queries == [query]
    assert found.note == said


def test_refresh_in_the_background():
    """A refresh may run in a thread; others read meanwhile without waiting."""
    asked, go = threading.Event(), threading.Event()

    def slow(query: Mapping[str, str], token: str) -> live.Answer:  # noqa: ARG001
        asked.set()
        go.wait(10)
        return ANSWER

    intensity = LiveIntensity(FRANCE, fetch=slow)
    thread = intensity.refresh_soon()
    assert thread is not None
    assert asked.wait(10)
    assert intensity.current().zone == "FRA"
    assert intensity.refresh_soon() is None
    go.set()
    thread.join(10)
    assert intensity.current().zone == "FR"


def _serve(body: bytes, seen: list[tuple[str, str | None]]) -> HTTPServer:
    class _Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers["auth-token"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.handle_request, daemon=True).start()
    return server


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"zone": "FR", "carbonIntensity": 41, "isEstimated": true}', 41.0),
        (b'{"error": "no such zone"}', None),
        (b"<html>", None),
    ],
)
def test_fetch_over_http(body: bytes, expected: float | None):
    """The token goes in a header; a body without a value is a ValueError."""
    seen: list[tuple[str, str | None]] = []
    server = _serve(body, seen)
    url = f"http://127.0.0.1:{server.server_port}/latest"
    try:
        if expected is None:
            with pytest.raises(ValueError, match="carbonIntensity"):
                live.fetch_latest({"countryCode": "FR"}, TOKEN, url=url)
        else:
            answer = live.fetch_latest({"countryCode": "FR"}, TOKEN, url=url)
            assert (answer.carbon_intensity, answer.is_estimated) == (expected, True)
    finally:
        server.server_close()
    assert seen == [("/latest?countryCode=FR", TOKEN)]


def test_fetch_from_something_that_is_no_web_server():
    """A garbled answer is an OSError, which the caller turns into the fallback."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def garble() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"garbage\r\n\r\n")

        threading.Thread(target=garble, daemon=True).start()
        port = server.getsockname()[1]
        url = f"http://127.0.0.1:{port}/latest"
        with pytest.raises(OSError, match="broke off"):
            live.fetch_latest({"countryCode": "FR"}, TOKEN, url=url)
