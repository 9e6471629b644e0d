"""The package as delivered: names, version, contents, and what the README says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import entry_points, version
from itertools import chain
from pathlib import Path

import pytest

import jupyter_green as jg

ROOT = Path(__file__).parents[1]
NAMES = [
    "DeviceRecord",
    "EarlyStopping",
    "JupyterGreenError",
    "Meter",
    "Record",
    "Window",
    "__version__",
    "compare",
    "epochs",
    "load_ipython_extension",
    "metered",
    "report",
    "sweep",
    "trials",
    "unload_ipython_extension",
]


def tracked_files() -> Iterator[Path]:
    """Yield the text files that git has."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=False
    )
    if listed.returncode:
        pytest.fail("git cannot list the files: the tests run in a clone")
    for name in listed.stdout.decode().rstrip("\0").split("\0"):
        path = ROOT / name
        if path.is_file() and path.suffix not in {".pdf", ".png"}:
            yield path


def test_public_names_are_these() -> None:
    """Each can be had, and nothing else is promised."""
    assert sorted(jg.__all__) == NAMES
    for name in NAMES:
        assert getattr(jg, name) is not None
    assert set(NAMES) <= set(dir(jg))
    with pytest.raises(AttributeError, match="no attribute 'mettre'"):
        getattr(jg, "mettre")  # noqa: B009 - a name that type checkers refuse


def test_importing_loads_nothing_heavy() -> None:
    """Names are imported when they are used, vendors' libraries later still."""
    code = "import jupyter_green, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"IPython", "codecarbon", "matplotlib", "pandas", "pynvml", "traitlets"}
    assert heavy.isdisjoint(done.stdout.split())


def test_the_version_is_one() -> None:
    """The package, its metadata and the front end say the same."""
    front_end = json.loads((ROOT / "labextension" / "package.json").read_text("utf-8"))
    assert jg.__version__ == version("jupyter-green") == front_end["version"]


def test_the_program_is_found() -> None:
    """``jupyter green`` is ``jupyter-green`` on the path."""
    (program,) = entry_points(group="console_scripts", name="jupyter-green")
    assert callable(program.load())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, its panel built before."""
    if not (ROOT / "jupyter_green/labextension/static/style.js").is_file():
        pytest.fail("the panel is not built: run `make panel`")
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    into = ["--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([*pip, *into], check=True)
    (built,) = folder.glob("jupyter_green-*-py3-none-any.whl")
    return built


def test_the_wheel_holds_what_it_must(wheel: Path) -> None:
    """Sources, types, data and the panel are in it; tests and examples are not."""
    names = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "jupyter_green"
    files = {
        path.relative_to(ROOT).as_posix()
        for path in package.rglob("*")
        if path.suffix in {".py", ".csv", ".j2", ".typed"}
    }
    assert files <= names
    assert "jupyter_green/py.typed" in names
    assert "jupyter_green/carbon/accelerators.csv" in names
    folders = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert {f.partition("-")[0] for f in folders} == {"jupyter_green"}
    data = {name.partition(".data/data/")[2] for name in names}
    assert "etc/jupyter/jupyter_server_config.d/jupyter_green.json" in data
    panel = "share/jupyter/labextensions/jupyter-green"
    assert {f"{panel}/install.json", f"{panel}/package.json"} <= data
    assert any(re.fullmatch(rf"{panel}/static/remoteEntry\.\w+\.js", n) for n in data)
    assert not any(name.endswith((".map", "build_log.json")) for name in names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_installed_wheel_enables_panel_and_server(
    wheel: Path, tmp_path: Path
) -> None:
    """In an environment without Node.js, Jupyter lists both extensions as OK."""
    fresh = tmp_path / "fresh"
    venv.create(fresh, symlinks=True)
    (site_packages,) = fresh.glob("lib/python*/site-packages")
    # What it depends on comes from here; a path file does not bring the editable one.
    here = Path(pytest.__file__).parents[1]
    (site_packages / "dependencies.pth").write_text(f"{here}\n", "utf-8")
    python = str(fresh / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True)

    def output(*command: str) -> str:
        done = subprocess.run(
            [python, "-m", *command],
            capture_output=True,
            check=True,
            text=True,
            cwd=tmp_path,
            env=environment(tmp_path),
        )
        return re.sub(r"\x1b\[\d+m", "", done.stdout + done.stderr)

    panel = output("jupyterlab.labextensions", "list")
    assert re.search(rf"jupyter-green v{jg.__version__} enabled\s+OK", panel), panel
    assert str(fresh) in panel
    server = output("jupyter_server.extension.serverextension", "list")
    assert re.search(rf"jupyter_green {jg.__version__} +OK", server), server
    code = "import jupyter_green; print(jupyter_green.__file__)"
    done = subprocess.run(
        [python, "-c", code], capture_output=True, check=True, text=True, cwd=tmp_path
    )
    assert Path(done.stdout).is_relative_to(fresh)


def test_the_lock_file_names_no_host() -> None:
    """Packages of the front end are named by version and checksum only."""
    lock = (ROOT / "labextension" / "yarn.lock").read_text("utf-8")
    assert "checksum:" in lock
    assert "://" not in lock
    assert "__archiveUrl" not in lock


def test_every_ignored_rule_has_its_reason() -> None:
    """In the configuration of ruff each code stands on a line with a comment."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    ruff = tomllib.loads(text)["tool"]["ruff"]["lint"]
    per_file = chain.from_iterable(ruff["per-file-ignores"].values())
    for code in (*ruff["ignore"], *per_file):
        assert re.search(rf'^\s*"{code}",\s+# \S', text, re.MULTILINE), code


def test_the_readme_s_python_works(tmp_path: Path) -> None:
    """Its blocks run as they stand, on simulated devices."""
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", block],
            capture_output=True,
            check=False,
            text=True,
            cwd=tmp_path,
            env=environment(tmp_path),
        )
        assert done.stderr == ""
        assert "simulated" in done.stdout
        assert list(tmp_path.iterdir()) == []


def test_documents_link_to_files_that_are_there() -> None:
    """A relative link of a Markdown file leads somewhere."""
    documents = [path for path in tracked_files() if path.suffix == ".md"]
    assert documents
    for document in documents:
        text = document.read_text("utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if "://" not in target:
                assert (document.parent / target).exists(), (document.name, target)


def test_the_tree_names_no_place_of_its_makers() -> None:
    """No file holds a path of this checkout or home, or where packages come from."""
    here = [f"{folder}/" for folder in (ROOT, Path.home()) if folder.parts[1:]]
    sources = ["--" + "index-url", "extra-" + "index-url", "--" + "find-links"]
    for path in tracked_files():
        text = path.read_text("utf-8")
        found = [word for word in (*here, *sources) if word in text]
        assert not found, (path, found)


def environment(folder: Path) -> dict[str, str]:
    """Return variables for a process without the user's settings."""
    return {
        "HOME": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_GREEN_SIMULATED": "1",
        "PATH": "",
    }
