"""Paths from the browser, and the names that notebooks had."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from jupyter_green.server.paths import Name, PathError, Rename, Renames, ServerRoot
from jupyter_green.server.scopes import Group, of_notebook


@pytest.mark.parametrize(
    "path",
    ["../x.ipynb", "a/../../x.ipynb", "..", "a/..", "a\0b", "/../etc/passwd"],
)
def test_a_path_that_goes_up_is_refused(tmp_path: Path, path: str):
    """A path that goes up is refused."""
    with pytest.raises(PathError):
        ServerRoot(tmp_path).os_path(path)


@pytest.mark.parametrize(
    "path", ["a/b.ipynb", "/a/b.ipynb", "//a/b.ipynb", "a/./b.ipynb"]
)
def test_a_path_stands_below_the_root(tmp_path: Path, path: str):
    """A path stands below the root."""
    assert ServerRoot(tmp_path).os_path(path) == tmp_path / "a" / "b.ipynb"


def test_the_root_of_the_file_system_is_the_browsers_root(tmp_path: Path):
    """The root of the file system is the browsers root."""
    assert ServerRoot(tmp_path).os_path("/etc/passwd") == tmp_path / "etc" / "passwd"


def test_a_link_out_of_the_root_is_followed_by_nothing_that_writes(tmp_path: Path):
    """A link out of the root is followed by nothing that writes."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "link").symlink_to(outside)
    server = ServerRoot(root)
    with pytest.raises(PathError):
        server.inside("link/report.tex")
    with pytest.raises(PathError):
        server.inside("link")
    (root / "within").mkdir()
    (root / "alias").symlink_to(root / "within")
    assert server.inside("alias/x.tex") == (root / "within" / "x.tex").resolve()


def test_a_name_that_no_disk_takes_is_a_file_that_is_not_there(tmp_path: Path):
    """A ledger may hold any: it must not end what is told of the others."""
    renames = Renames(tmp_path / "renames.jsonl")
    renames.add(Rename(5.0, "/p/a.ipynb", "/p/b.ipynb"))
    strange = "/" + "x" * 5000
    assert renames.current(strange, 0.0) == strange
    names = of_notebook(ServerRoot(tmp_path), [Name(strange, until_s=5.0)])
    assert names.has(Group(strange, "s"), 1.0)


def test_a_folder_whose_name_begins_like_the_root_is_outside(tmp_path: Path):
    """A folder whose name begins like the root is outside."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root2").mkdir()
    with pytest.raises(PathError):
        ServerRoot(tmp_path / "root").check_inside(tmp_path / "root2" / "x")


def test_a_file_is_named_from_the_root_also_where_the_root_is_a_link(tmp_path: Path):
    """A file is named from the root also where the root is a link."""
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "shown").symlink_to(real)
    root = ServerRoot(tmp_path / "shown")
    assert root.api_path(real / "a" / "b.ipynb") == "a/b.ipynb"
    assert root.api_path(tmp_path / "shown" / "b.ipynb") == "b.ipynb"
    assert root.api_path(tmp_path / "b.ipynb") is None
    spelt = root.spellings(root.os_path("b.ipynb"))
    assert {str(real / "b.ipynb"), "b.ipynb"} < spelt


def renames(tmp_path: Path, *known: tuple[float, str, str]) -> Renames:
    """Return renames, written as the server writes them."""
    kept = Renames(tmp_path / "state" / "renames.jsonl")
    for at, old, new in known:
        kept.add(Rename(at, old, new))
    return kept


def test_a_notebook_has_its_older_names_for_as_long_as_it_had_them(tmp_path: Path):
    """A notebook has its older names for as long as it had them."""
    kept = renames(tmp_path, (10.0, "/r/a", "/r/b"), (20.0, "/r/b", "/r/c"))
    assert kept.names("/r/c") == [
        Name("/r/c", 20.0, math.inf),
        Name("/r/b", 10.0, 20.0),
        Name("/r/a", -math.inf, 10.0),
    ]


def test_who_takes_an_old_name_has_it_from_then_on_only(tmp_path: Path):
    """Who takes an old name has it from then on only."""
    kept = renames(tmp_path, (10.0, "/r/Untitled", "/r/paper"))
    assert kept.names("/r/Untitled") == [Name("/r/Untitled", 10.0, math.inf)]
    assert kept.names("/r/other") == [Name("/r/other")]


def test_a_folder_that_is_renamed_renames_what_is_in_it(tmp_path: Path):
    """A folder that is renamed renames what is in it."""
    kept = renames(tmp_path, (10.0, "/r/old", "/r/new"))
    assert kept.names("/r/new/a.ipynb")[1] == Name("/r/old/a.ipynb", -math.inf, 10.0)
    assert kept.names("/r/newer/a.ipynb") == [Name("/r/newer/a.ipynb")]


def test_names_that_go_round_come_to_an_end(tmp_path: Path):
    """Names that go round come to an end."""
    kept = renames(
        tmp_path, (10.0, "/r/a", "/r/b"), (20.0, "/r/b", "/r/a"), (30.0, "/r/a", "/r/b")
    )
    spans = [(n.path, n.since_s, n.until_s) for n in kept.names("/r/b")]
    assert spans == [
        ("/r/b", 30.0, math.inf),
        ("/r/a", 20.0, 30.0),
        ("/r/b", 10.0, 20.0),
        ("/r/a", -math.inf, 10.0),
    ]


def test_a_restarted_server_knows_the_renames_and_bears_a_torn_line(tmp_path: Path):
    """A restarted server knows the renames and bears a torn line."""
    renames(tmp_path, (10.0, "/r/a", "/r/b"))
    file = tmp_path / "state" / "renames.jsonl"
    with file.open("ab") as stream:
        stream.write(b'{"at": 20.0, "old"')
    again = Renames(file)
    assert [n.path for n in again.names("/r/b")] == ["/r/b", "/r/a"]


def test_a_run_under_an_old_name_is_of_the_notebook_as_it_is_called_now(tmp_path: Path):
    """A run under an old name is of the notebook as it is called now."""
    old, new = str(tmp_path / "a.ipynb"), str(tmp_path / "b.ipynb")
    Path(new).touch()
    kept = renames(tmp_path, (10.0, old, new))
    assert kept.current(old, 5.0) == new
    # The kernel was started again and still writes the old name.
    assert kept.current(old, 50.0) == new
    # Another notebook took the old name.
    Path(old).touch()
    assert kept.current(old, 50.0) == old
    assert kept.current(old, 5.0) == new
    assert kept.current(new, 50.0) == new
