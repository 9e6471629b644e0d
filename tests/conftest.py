"""For all tests: GPU tests need a GPU; what could not run is said last, with why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# How long an example takes says more about the machine than about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

BROWSER = Path(__file__).parent / "browser"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of ``make test STRICT=1``."""
    parser.addoption(
        "--nothing-left-out",
        action="store_true",
        help="fail if any test but those marked gpu is skipped",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the GPU tests where there is no GPU, and run the browser's tests last."""
    # Playwright keeps an event loop running in this thread, and beside it no shell of
    # the other tests could await anything.
    items.sort(key=lambda item: BROWSER in item.path.parents)
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked and (why := _why_no_gpu()):
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=f"no NVIDIA GPU: {why}"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Say below pytest's closing line what was left out; outermost, so written last."""
    yield
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if not skipped:
        return
    reporter.write_line("Left out here:")
    for (reason, _), count in Counter(map(_told, skipped)).items():
        tests = "1 test" if count == 1 else f"{count} tests"
        reporter.write_line(f"  {tests}: {reason}")
    is_strict = session.config.getoption("--nothing-left-out")
    if is_strict and not all(is_gpu for _, is_gpu in map(_told, skipped)):
        reporter.write_line("FAILED: only GPU tests may be left out", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _told(report: Any) -> tuple[str, bool]:
    """Return why a report says skipped, and whether it is of a GPU test."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    keywords = getattr(report, "keywords", {})  # a skipped module has none
    return str(reason).removeprefix("Skipped: "), "gpu" in keywords


def _why_no_gpu() -> str:
    import pynvml  # noqa: PLC0415 - only where GPU tests were collected

    try:
        pynvml.nvmlInit()
        count = pynvml.nvmlDeviceGetCount()
        pynvml.nvmlShutdown()
    except pynvml.NVMLError as err:
        return str(err)
    return "" if count else "the driver lists none"
