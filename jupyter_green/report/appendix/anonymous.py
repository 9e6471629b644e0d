"""Facts without names: what a double-blind submission may show.

Hosts, users, paths, remotes, cluster, institution, authors, addresses and coordinates
are removed, notebooks are numbered, labels are kept but scrubbed.  Numbers stay as they
are.  Imports `scrubbing`, `rows` and the facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from jupyter_green.report.appendix.author import AuthorFacts, Scope
from jupyter_green.report.appendix.facts import Appendix
from jupyter_green.report.appendix.listings import key_text
from jupyter_green.report.appendix.rows import Row
from jupyter_green.report.appendix.scrubbing import REMOVED, Scrubber, users_in

WITHHELD = "withheld"
LONG_STEM = 6  # characters of a file's name without its suffix
# Hashes, numbers and words of ours: nothing in them is anybody's.
_KEPT = frozenset(
    {
        *("sha256", "records_sha256", "files_sha256", "tool_version", "created_at"),
        *("first_start", "last_end", "started_at", "at", "currency"),
        *("key", "kind", "method", "methods", "basis", "scope", "aspect", "code"),
        *("status", "purpose", "purposes", "missing", "included", "excluded"),
        *("attribution", "range_covers", "memory_source", "device", "machine"),
        *("reported_purposes", "commit"),
    }
)
# Tables whose keys are words of records.
_SAID = frozenset({"reasons", "flags"})
_WORD = re.compile(r"[^\W_]{3,}")


class Anonymiser:
    """Remove names from the facts of one report, and alike from its rows.

    Args:
        facts: The facts with names.
        secrets: Other names that must not appear: of this machine, of its user.
        keeps_commit: Keep git commits.
    """

    def __init__(
        self,
        facts: Appendix,
        secrets: Iterable[str] = (),
        *,
        keeps_commit: bool = False,
    ) -> None:
        self._facts = facts
        self._keeps_commit = keeps_commit
        self._notebooks = _notebook_names(facts)
        known = set(secrets) | _secrets(facts)
        self._scrub = Scrubber(known, _with_file_names(self._notebooks))
        self._is_withheld = facts.author.withhold_location

    def facts(self) -> Appendix:
        """Return the facts without names."""
        facts = self._facts
        plain = msgspec.to_builtins(
            replace(
                facts,
                author=self._author(facts.author),
                provenance=self._provenance(),
                options=replace(
                    facts.options,
                    is_anonymous=True,
                    keeps_commit=self._keeps_commit,
                    scope=self._scope(facts.options.scope),
                ),
            )
        )
        self._unname_hardware(plain["compute"])
        self._unname_places(plain)
        for use in plain["extent"]["notebook_uses"]:
            use["path"] = self._notebook(use["path"])
        for listing in (plain["by_experiment"], plain["by_cell"]):
            for row in listing["rows"]:
                self._unname_row(row)
        for run in plain["largest_runs"]:
            run["notebook"] = self._notebook(run["notebook"])
        comparisons = [self._scrub_all(each) for each in plain.pop("comparisons")]
        scrubbed = {**self._scrubbed(plain), "comparisons": comparisons}
        return msgspec.convert(scrubbed, Appendix)

    def row(self, row: Row) -> Row:
        """Return a row of the table without names."""
        return replace(
            row,
            label=self._scrub(row.label),
            notebook=self._notebook(row.notebook),
            error=self._scrub(row.error),
            flags=self._scrub(row.flags),
            cell_id=self._scrub(row.cell_id),
            git_commit=row.git_commit if self._keeps_commit else "",
            intensity_zone=WITHHELD
            if self._is_withheld and row.intensity_zone
            else self._scrub(row.intensity_zone),
        )

    def text(self, text: str) -> str:
        """Return any other text without names."""
        return self._scrub(text)

    def _notebook(self, path: str) -> str:
        if not path:
            return ""
        if path not in self._notebooks:
            self._notebooks[path] = f"notebook {len(self._notebooks) + 1}"
        return self._notebooks[path]

    def _unname_row(self, row: dict[str, Any]) -> None:
        is_by_label = bool(row["label"]) and row["key"] == row["label"]
        row["label"] = self._scrub(row["label"])
        row["notebook"] = self._notebook(row["notebook"])
        row["cell"] = self._scrub(row["cell"])
        by_cell = ("", row["notebook"], row["cell"])
        row["key"] = key_text((row["label"], "", "") if is_by_label else by_cell)

    def _author(self, author: AuthorFacts) -> AuthorFacts:
        hidden: dict[str, Any] = {
            "cluster": "",
            "institution": "",
            "authors": (),
            "remotes": (),
        }
        if self._is_withheld:
            hidden |= {"location": WITHHELD, "intensity_zone": WITHHELD}
        return replace(author, **hidden)

    def _provenance(self) -> Any:
        origin = self._facts.provenance
        commits = origin.git
        if not self._keeps_commit:
            commits = tuple(
                replace(state, commit=f"commit {number}" if state.commit else "")
                for number, state in enumerate(commits, 1)
            )
        files = tuple(
            replace(file, name=f"file {number}")
            for number, file in enumerate(origin.files, 1)
        )
        return replace(origin, git=commits, files=files)

    def _scope(self, scope: Scope) -> Scope:
        return replace(
            scope,
            notebooks=tuple(REMOVED for _ in scope.notebooks),
            project=REMOVED if scope.project else "",
        )

    @staticmethod
    def _unname_hardware(compute: dict[str, Any]) -> None:
        for machine in compute["machines"]:
            machine["hashed_id"] = machine["host_name"] = ""
        for device in compute["devices"]:
            device["hashed_id"] = ""

    def _unname_places(self, plain: dict[str, Any]) -> None:
        if not self._is_withheld:
            return
        for supply in plain["totals"]["supplies"]:
            supply["zone"] = WITHHELD if supply["zone"] else ""
            supply["note"] = ""

    def _scrubbed(self, value: Any, name: str = "") -> Any:
        if isinstance(value, str):
            return value if name in _KEPT else self._scrub(value)
        if isinstance(value, dict):
            if name == "versions":
                return {self._scrub.known(key): each for key, each in value.items()}
            said = name in _SAID
            return {
                self._scrub(key) if said else key: self._scrubbed(each, key)
                for key, each in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self._scrubbed(each, name) for each in value]
        return value

    def _scrub_all(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._notebooks.get(value) or self._scrub(value)
        if isinstance(value, dict):
            return {key: self._scrub_all(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._scrub_all(each) for each in value]
        return value


def anonymize(
    facts: Appendix,
    secrets: Iterable[str] = (),
    *,
    camera_ready: bool = False,
    keeps_commit: bool = False,
) -> Appendix:
    """Return the facts without names; with them where *camera_ready* says so.

    Args:
        facts: The facts with names.
        secrets: Other names that must not appear.
        camera_ready: Keep everything.
        keeps_commit: Keep git commits.
    """
    if camera_ready:
        return facts
    return Anonymiser(facts, secrets, keeps_commit=keeps_commit).facts()


def _notebook_names(facts: Appendix) -> dict[str, str]:
    paths = [use.path for use in facts.extent.notebook_uses]
    paths += [
        row.notebook
        for listing in (facts.by_experiment, facts.by_cell)
        for row in listing.rows
    ]
    paths += [run.notebook for run in facts.largest_runs]
    known = dict.fromkeys(path for path in paths if path)
    return {path: f"notebook {number}" for number, path in enumerate(known, 1)}


def _with_file_names(notebooks: dict[str, str]) -> dict[str, str]:
    """Add the bare file names, under which labels and commands speak of notebooks."""
    names: dict[str, str] = {}
    for path, alias in notebooks.items():
        name = re.split(r"[/\\]", path)[-1]
        names.setdefault(name, alias)
        stem = name.removesuffix(".ipynb")
        # `exp-03` is a name; `training` may be a word like any other.
        if len(stem) >= LONG_STEM and not stem.isalpha():
            names.setdefault(stem, alias)
    return {**{k: v for k, v in names.items() if k}, **notebooks}


def _secrets(facts: Appendix) -> set[str]:
    author, scope = facts.author, facts.options.scope
    paths: Sequence[str] = (
        *(use.path for use in facts.extent.notebook_uses),
        *(row.notebook for row in facts.by_cell.rows),
        *(run.notebook for run in facts.largest_runs),
        *scope.notebooks,
        scope.project,
        facts.provenance.command,
        *(row.label for row in facts.by_experiment.rows),
    )
    hosts = {machine.host_name for machine in facts.compute.machines}
    found = {author.cluster, author.institution, *author.authors, *author.remotes}
    found |= hosts | {host.partition(".")[0] for host in hosts}
    found |= {machine.hashed_id for machine in facts.compute.machines}
    found |= users_in(paths)
    # A surname alone tells as much as the whole name, an owner as the whole address.
    for text in (*author.authors, *author.remotes):
        found |= {word for word in _WORD.findall(text) if word.lower() not in _COMMON}
    return found


_COMMON = frozenset(
    {
        *("https", "http", "git", "ssh", "www", "com", "org", "github", "gitlab"),
        *("bitbucket", "net", "edu", "huggingface", "and", "the", "for"),
    }
)
