"""The JSON of a report: one way to write it, its SHA-256, its schema.

The canonical form has sorted keys, no space, UTF-8, Python's shortest digits that give
the same number back, no NaN and no infinity.  The file is an envelope of the facts and
the SHA-256 of their canonical form.  Imports the facts.

    >>> from jupyter_green.report.appendix.build import build
    >>> report = seal(build([]))
    >>> read_report(report_json(report)).sha256 == report.sha256
    True
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
from msgspec import Struct

from jupyter_green.errors import LedgerError
from jupyter_green.report.appendix.facts import APPENDIX_VERSION, Appendix

FORMAT = "jupyter_green transparency appendix"


class Report(Struct, frozen=True, kw_only=True):
    """What ``energy-report.json`` holds.

    Attributes:
        appendix: The facts.
        sha256: SHA-256 of the canonical form of the facts, in hexadecimal digits.
        format: What the file is.
    """

    appendix: Appendix
    sha256: str
    format: str = msgspec.field(default_factory=lambda: FORMAT)


def canonical(facts: Appendix) -> bytes:
    """Return the canonical form of the facts.

    Raises:
        ValueError: A figure is NaN or infinite, which JSON cannot say.
    """
    # Through the typed form once, so that 1 and 1.0 are written alike.
    plain = msgspec.to_builtins(msgspec.convert(_clean(facts), Appendix))
    return _dumps(plain).encode()


def sha256(facts: Appendix) -> str:
    """Return the SHA-256 of the canonical form, in hexadecimal digits."""
    return hashlib.sha256(canonical(facts)).hexdigest()


def seal(facts: Appendix) -> Report:
    """Return the facts with their hash."""
    return Report(appendix=facts, sha256=sha256(facts))


def report_json(report: Report) -> bytes:
    """Return the file's bytes: sorted keys, indented, with a line end."""
    plain = {
        "format": report.format,
        "sha256": report.sha256,
        "appendix": json.loads(canonical(report.appendix)),
    }
    text = json.dumps(
        plain, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1
    )
    return (text + "\n").encode()


def read_report(data: bytes | str) -> Report:
    """Read a report's JSON; keys of newer versions are ignored.

    Raises:
        LedgerError: It is no report, or of a version that this one cannot read.
    """
    try:
        report = msgspec.json.decode(data, type=Report)
    except (msgspec.MsgspecError, ValueError, RecursionError) as err:
        raise LedgerError(
            "this is no energy report",
            why=str(err),
            remedy="Give the energy-report.json that `jupyter green report` wrote",
        ) from err
    version = report.appendix.schema_version
    if report.format != FORMAT or version > APPENDIX_VERSION:
        raise LedgerError(
            "this energy report cannot be read",
            why=f"it is {report.format!r}, version {version}; "
            f"version {APPENDIX_VERSION} is known",
            remedy="Update jupyter_green",
        )
    return report


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a report."""
    schema: dict[str, Any] = msgspec.json.schema(Report)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{FORMAT}, schema version {APPENDIX_VERSION}",
        **schema,
    }


def _dumps(plain: Any) -> str:
    return json.dumps(
        plain,
        sort_keys=True,
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
    )


def _clean(facts: Appendix) -> Any:
    """Return plain values that UTF-8 can carry, and no negative zero."""
    return _cleaned(msgspec.to_builtins(facts))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return value + 0.0
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(each) for each in value]
    return value
