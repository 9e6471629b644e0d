"""Where a ledger stands and how its files are called.

Imports the session's line only.

    >>> ledger_folder("/tmp/paper-ledger").as_posix()
    '/tmp/paper-ledger'
"""

from __future__ import annotations

from pathlib import Path

from jupyter_green.ledger.lines import SessionLine

SUFFIX = ".jsonl"
SHORT_ID = 8  # characters of an identifier in a file's name


def default_folder() -> Path:
    """Return the ledger in the user's Jupyter data directory; it need not exist."""
    from jupyter_core.paths import (  # noqa: PLC0415 - costs more than all of this
        jupyter_data_dir,
    )

    return Path(jupyter_data_dir()) / "jupyter_green" / "ledger"


def ledger_folder(setting: str | None) -> Path:
    """Return the folder that the setting ``ledger`` names, or the default."""
    return Path(setting).expanduser() if setting else default_folder()


def file_name(session: SessionLine) -> str:
    """Return the name of a session's file: UTC stamp, host and session."""
    stamp = "".join(c for c in session.at.partition(".")[0] if c.isalnum())
    parts = (stamp.removesuffix("Z") + "Z", _short(session.host), _short(session.id))
    return "-".join(parts) + SUFFIX


def _short(identifier: str) -> str:
    # An identifier may come from anywhere; a file's name takes only plain characters.
    plain = "".join(c for c in identifier if c.isascii() and c.isalnum())
    return plain[:SHORT_ID] or "0" * SHORT_ID
