"""Remove from texts what tells who and where the authors are.

Known secrets (hosts, users, institutions ...) wherever they stand, and what looks like
an address, a path or coordinates.  Pure; imports nothing of the package.

    >>> Scrubber(["jane"])("jane's run in /home/jane/work on 10.0.0.7")
    "[removed]'s run in [removed] on [removed]"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

REMOVED = "[removed]"
SHORTEST = 2  # characters of a secret
# From here on a secret is one inside other words too: `gpunode07` in `xgpunode07b`.
UNMISTAKABLE = 6
# Names that systems give and that tell nobody.
NOBODY = frozenset(
    {
        *("root", "user", "users", "ubuntu", "jovyan", "admin", "home", "work", "data"),
        *("shared", "public", "project", "projects", "scratch", "tmp", "localhost"),
        *("runner", "default", "guest", "student", "notebook", "notebooks"),
    }
)
_HOMES = r"(?:home\d*|users?|scratch\d*|u)"
_USER = re.compile(rf"(?:^|[/\\]){_HOMES}[/\\]([^/\\]+)", re.IGNORECASE)
_TEXT = r"[^\s\"'<>|]"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_FORGES = r"(?:github|gitlab|bitbucket|codeberg|huggingface)"
_GROUPS = r"[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,5}"
_PATTERNS = (
    # E-mail, and `user@host` of ssh and git.
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*(?::[\w./~-]+)?",
    # Repositories: venues forbid links that lead to the authors.
    rf"(?:[a-z+]+://)?(?:[\w-]+\.)*{_FORGES}\.[a-z]+[/:]{_TEXT}+",
    rf"(?:ssh|git|file|ftp|sftp|smb|s3|gs)(?:\+ssh)?://{_TEXT}+",
    # IPv6 and hardware addresses, then IPv4.
    r"(?<![\w:])(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}(?![\w:])",
    rf"(?<![\w:]){_GROUPS}::(?:{_GROUPS})?(?![\w:])",
    rf"(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\.?\d)",
    # A board's own number, as drivers name it in their errors.
    r"(?<!\w)(?:GPU|MIG)-[0-9a-f]{8}(?:-[0-9a-f]{4,12})+(?:/\d+)*",
    # Latitude and longitude.
    r"-?\d{1,2}\.\d{2,}°?\s*[NS]?\s*[,;/ ]\s*-?\d{1,3}\.\d{2,}°?\s*[EW]?",
    # Paths: `~name/..`, `C:\..`, `\\server\..`, `/one/two..`.
    rf"~\w*[/\\]{_TEXT}*",
    rf"(?<!\w)[a-z]:[\\/]{_TEXT}+",
    rf"\\\\[\w.-]+\\{_TEXT}+",
    rf"(?<![\w.:/])/(?:[^\s/\"'<>|]+/)+{_TEXT}*",
)
_LOOKS_SECRET = re.compile("|".join(f"(?:{p})" for p in _PATTERNS), re.IGNORECASE)


def users_in(paths: Iterable[str]) -> set[str]:
    """Return the names of people in paths of home folders."""
    return {
        name
        for path in paths
        for name in _USER.findall(path)
        if name.lower() not in NOBODY
    }


class Scrubber:
    """Remove secrets from texts.

    Args:
        secrets: What must not stand in any text.
        aliases: What stands in place of a text that is itself a secret, such as a
            notebook's path.
    """

    def __init__(
        self, secrets: Iterable[str], aliases: Mapping[str, str] | None = None
    ) -> None:
        self._aliases = dict(aliases or {})
        words = {secret.strip() for secret in secrets} | set(self._aliases)
        usable = sorted(
            (w for w in words if len(w) >= SHORTEST and w.lower() not in NOBODY),
            key=lambda word: (-len(word), word),
        )
        self._known = (
            re.compile("|".join(map(_pattern, usable)), re.IGNORECASE)
            if usable
            else None
        )
        self._lower = {name.lower(): alias for name, alias in self._aliases.items()}
        self._done: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        found = self._done.get(text)
        if found is None:
            found = self._done[text] = self._scrubbed(text)
        return found

    def alias(self, name: str) -> str:
        """Return what stands in place of a name, or the name scrubbed."""
        return self._aliases.get(name) or self(name)

    def known(self, text: str) -> str:
        """Return the text without what is known to be secret, whatever else it holds.

        A version such as 1.2.3.4 looks like an address and is none.
        """
        return self._known.sub(self._replacement, text) if self._known else text

    def _scrubbed(self, text: str) -> str:
        return _LOOKS_SECRET.sub(REMOVED, self.known(text)) if text else text

    def _replacement(self, match: re.Match[str]) -> str:
        return self._lower.get(match[0].lower(), REMOVED)


def _pattern(secret: str) -> str:
    escaped = re.escape(secret)
    if len(secret) >= UNMISTAKABLE:
        return escaped
    return rf"(?<![^\W_]){escaped}(?![^\W_])"
