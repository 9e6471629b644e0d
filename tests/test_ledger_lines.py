"""Form of the lines, their schema, and how sessions name their files."""

from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import msgspec
import pytest
from ledger_samples import SESSION, device, lines_of, record, running

from jupyter_green.errors import LedgerError
from jupyter_green.ledger import LedgerWriter, ledger_folder, new_session, parse_since
from jupyter_green.ledger.folder import default_folder, file_name
from jupyter_green.ledger.lines import json_schema, parse_time, utc_text
from jupyter_green.records import Baseline


def test_real_lines_are_valid_by_the_published_schema(tmp_path: Path) -> None:
    """Every kind of line that the writer writes validates, and wrong ones do not."""
    writer = LedgerWriter(tmp_path, new_session(versions={"python": "3.11"}))
    writer.start(running())
    writer.heartbeat("r1", 3.5, (device(),))
    writer.end(record())
    writer.tag(["r1"], purpose="final", label="x")
    writer.baseline(
        Baseline(
            measured_at="2026-06-01T10:00:00Z",
            duration_s=30.0,
            state="idle",
            power_w={"GPU-0123456789": 70.0},
            uncertainty_w={"GPU-0123456789": 0.5},
        )
    )
    assert writer.close()
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    lines = lines_of(tmp_path)
    assert [line["type"] for line in lines] == [
        "session",
        "context",
        "start",
        "heartbeat",
        "end",
        "tag",
        "baseline",
    ]
    for line in lines:
        validator.validate(line)
    assert not validator.is_valid({"type": "end"})
    assert not validator.is_valid({**lines[3], "duration_s": "long"})


def test_a_file_is_named_by_time_host_and_session() -> None:
    """Names sort by time and take only plain characters from identifiers."""
    assert file_name(SESSION) == "20260601T100000Z-h057h057-5e55109c.jsonl"
    odd = msgspec.structs.replace(SESSION, id="../../etc", host="", at=utc_text())
    assert file_name(odd).endswith("Z-00000000-etc.jsonl")
    assert "/" not in file_name(odd)


def test_the_folder_is_the_users_data_directory_unless_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a setting the ledger stands in Jupyter's data directory."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    assert default_folder() == tmp_path / "jupyter_green" / "ledger"
    assert ledger_folder(None) == default_folder()
    assert ledger_folder("~/x") == Path.home() / "x"


def test_times_are_utc_and_nonsense_is_none() -> None:
    """Times with and without zone are understood; what is no time is None."""
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    for text in ("2026-06-01T12:00:00Z", "2026-06-01T14:00+02:00", "2026-06-01T12:00"):
        assert parse_time(text) == noon
    assert utc_text(noon) == "2026-06-01T12:00:00.000000Z"
    for text in ("", "yesterday", "0001-01-01T00:00:00+14:00", "2026-13-01"):
        assert parse_time(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7d", "2026-05-25T12:00:00+00:00"),
        ("24h", "2026-05-31T12:00:00+00:00"),
        ("90min", "2026-06-01T10:30:00+00:00"),
        (" 2w ", "2026-05-18T12:00:00+00:00"),
        ("2026-05-01", "2026-05-01T00:00:00+00:00"),
        ("2026-05-01T10:00+02:00", "2026-05-01T08:00:00+00:00"),
        ("99999999d", "0001-01-01T00:00:00+00:00"),
    ],
)
def test_since_is_a_time_or_a_span(text: str, expected: str) -> None:
    """Dates, times and spans are understood."""
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert parse_since(text, now).isoformat() == expected


@pytest.mark.parametrize("text", ["", "soon", "7", "d", "-3d", "7y"])
def test_since_that_is_no_time_is_refused(text: str) -> None:
    """The error says what to give instead."""
    with pytest.raises(LedgerError, match="like 7d"):
        parse_since(text)
