"""Random ledgers for the tests of the appendix."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from ledger_samples import device, record

from jupyter_green.records import (
    PURPOSES,
    Git,
    Host,
    Intensity,
    Pue,
    Record,
)

# Reports take milliseconds, but not on a machine that does other work.
UNHURRIED = settings(deadline=None, max_examples=50)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
FRANCE = Intensity(
    g_per_kwh=56.0,
    zone="FRA",
    source="Ember",
    year=2024,
    kind="lifecycle",
    licence="CC BY 4.0",
    low_g_per_kwh=50.0,
    high_g_per_kwh=60.0,
)
POLAND = Intensity(g_per_kwh=660.0, zone="POL", source="Ember", year=2023)
WORLD = Intensity(g_per_kwh=458.29, zone="world", source="Ember", assumed=True)
HOSTS = (Host(id="a" * 16, system="Linux"), Host(id="b" * 16, name="node07"), None)
KINDS: tuple[dict[str, Any], ...] = (
    {"id": "GPU-0", "kind": "gpu", "name": "NVIDIA A100-SXM4-80GB"},
    {"id": "GPU-1", "kind": "gpu", "name": "NVIDIA A100-SXM4-80GB"},
    {"id": "package-0", "kind": "cpu", "name": "Xeon", "method": "counter"},
    {"id": "ram", "kind": "ram", "name": "", "method": "estimated"},
)
figures = st.one_of(st.none(), st.floats(0.0, 1e6), st.just(0.0))


@st.composite
def devices(draw: st.DrawFn) -> tuple[Any, ...]:
    """Return some devices, some of them without a figure or without uncertainty."""
    chosen = draw(st.lists(st.sampled_from(KINDS), unique_by=lambda k: k["id"]))
    built = []
    for kind in chosen:
        energy_j = draw(figures)
        known: dict[str, Any] = {"uncertainty_j": None, "uncertainty_random_j": None}
        if energy_j is not None and draw(st.integers(0, 9)):
            random_j = draw(st.floats(0.0, 0.1)) * energy_j
            common_j = draw(st.floats(0.0, 0.1)) * energy_j
            known["uncertainty_j"] = (random_j**2 + common_j**2) ** 0.5
            known["uncertainty_random_j"] = random_j
        idle_w = draw(st.sampled_from((None, 20.0)))
        built.append(device(energy_j, idle_power_w=idle_w, **{**kind, **known}))
    return tuple(built)


def at(begin_s: float) -> str:
    """Return the UTC time so many seconds after noon."""
    return (NOON + timedelta(seconds=begin_s)).isoformat().replace("+00:00", "Z")


@st.composite
def ledgers(draw: st.DrawFn, most: int = 12) -> list[Record]:
    """Return records that overlap, nest, fail and lack figures."""
    count = draw(st.integers(0, most))
    found: list[Record] = []
    for number in range(count):
        length_s = draw(st.sampled_from((0.0, 0.001, 1.0, 10.0, 61.5, 600.0)))
        begin_s = draw(st.integers(0, 1500)) + draw(st.sampled_from((0.0, 0.0005)))
        is_dated = draw(st.integers(0, 9)) > 0
        before = [each.id for each in found]
        parent = draw(st.sampled_from((None, None, *before)))
        found.append(
            record(
                f"r{number}",
                duration_s=length_s,
                started_at=at(begin_s) if is_dated else "",
                ended_at=at(begin_s + length_s) if is_dated else "",
                devices=draw(devices()),
                status=draw(
                    st.sampled_from(("ok", "ok", "error", "interrupted", "killed"))
                ),
                purpose=draw(st.sampled_from((None, *PURPOSES))),
                label=draw(st.sampled_from(("", "train", "tune", "évaluation"))),
                notebook=draw(st.sampled_from(("", "/home/jane/a.ipynb", "b.ipynb"))),
                cell_id=draw(st.sampled_from(("", "c1", "c2"))),
                session=draw(st.sampled_from(("s1", "s2"))),
                host=draw(st.sampled_from(HOSTS)),
                intensity=draw(st.sampled_from((None, FRANCE, POLAND, WORLD))),
                pue=draw(st.sampled_from((Pue(), Pue(value=1.3, source="centre")))),
                parent=parent,
                git=draw(st.sampled_from((None, Git(commit="c" * 40, dirty=True)))),
                versions={"python": "3.11.2", "jupyter_green": "0.1"},
            )
        )
    return found
