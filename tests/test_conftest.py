"""What is left out is said last, and costs a strict run its success."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SKIPPED = """
import pytest

@pytest.mark.skip(reason="no TeX: latexmk is not installed")
def test_page(): pass
"""
GPU = """
import pytest

@pytest.mark.gpu
@pytest.mark.skip(reason="no NVIDIA GPU: none here")
def test_gpu(): pass
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with this conftest and one test that passes."""
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = gpu: needs a GPU\n")
    (tmp_path / "test_fine.py").write_text("def test_fine(): pass\n")
    return tmp_path


def run(project: Path, *options: str) -> tuple[int, list[str]]:
    """Run the project's tests; return the exit code and the last lines."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=project,
        capture_output=True,
        check=False,
        text=True,
    )
    return done.returncode, done.stdout.splitlines()


def test_nothing_is_said_where_everything_ran(project: Path) -> None:
    """Then pytest's own closing line is the last."""
    code, lines = run(project, "--nothing-left-out")
    assert code == 0
    assert "1 passed" in lines[-1]


def test_what_was_skipped_stands_last_with_its_reason(project: Path) -> None:
    """A plain run succeeds, a strict one does not."""
    (project / "test_page.py").write_text(SKIPPED)
    code, lines = run(project)
    assert code == 0
    assert "1 passed, 1 skipped" in lines[-3]
    told = ["Left out here:", "  1 test: no TeX: latexmk is not installed"]
    assert lines[-2:] == told
    code, lines = run(project, "--nothing-left-out")
    assert code == 1
    assert lines[-1] == "FAILED: only GPU tests may be left out"


def test_gpu_tests_may_be_left_out(project: Path) -> None:
    """They are named all the same."""
    (project / "test_gpu.py").write_text(GPU)
    code, lines = run(project, "--nothing-left-out")
    assert code == 0
    assert lines[-1] == "  1 test: no NVIDIA GPU: none here"


def test_a_module_that_skips_itself_is_left_out_too(project: Path) -> None:
    """As `importorskip` does it."""
    (project / "test_module.py").write_text(
        'import pytest\npytest.skip("no browser", allow_module_level=True)\n'
    )
    code, lines = run(project, "--nothing-left-out")
    assert code == 1
    assert lines[-2] == "  1 test: no browser"
