"""The appendix's figures: what they show, and in which form."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.container import BarContainer

from jupyter_green.report import figures
from jupyter_green.report.compose.units import energy_unit
from jupyter_green.report.figures import (
    Bar,
    Course,
    Curve,
    Curves,
    Purposes,
    Run,
    course,
    draw,
)

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
BARS = Purposes(
    (
        Bar("final", 7.2e6, 3.6e5),
        Bar("search", 1.8e6),
        Bar("failed", 3.6e6, 1e5, failed=True),
        Bar("inference", None),
        Bar("$x_1^2$ \\alpha 北京 🚀 \x07", 0.0),
    )
)
RUNS = Course(
    (
        Run(START, START + HOUR, 3.6e6, 400.0),
        Run(START + 5 * HOUR, START + 6 * HOUR, 1.8e6, 200.0, failed=True),
    )
)
CURVES = Curves(
    tuple(Curve(f"cell {i} $a$", (10.0, 20.0), (100.0, 300.0)) for i in range(8))
)
ALL = (BARS, RUNS, CURVES)


def test_each_plot_gives_a_pdf_an_svg_and_a_png():
    """By the names that the page uses."""
    files = draw(*ALL)
    names = {"fig-purpose", "fig-time", "fig-power"}
    assert set(files) == {
        f"{n}.{kind}" for n in names for kind in ("pdf", "svg", "png")
    }
    assert files["fig-time.pdf"].startswith(b"%PDF-")
    assert files["fig-time.png"].startswith(b"\x89PNG")
    assert figures.paths(files)["fig-time"] == tuple(
        PurePosixPath(f"fig-time.{kind}") for kind in ("pdf", "png", "svg")
    )


def test_a_pdf_is_a_column_wide_and_has_truetype_fonts_only():
    """Type 3 fonts are refused by venues."""
    for name, content in draw(*ALL, kinds=["pdf"]).items():
        width = re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", content)
        assert width is not None, name
        assert float(width[1]) == pytest.approx(3.25 * 72, abs=0.1)
        assert b"/FontFile2" in content
        assert b"/Type3" not in content


def test_the_same_series_give_the_same_bytes_without_a_date():
    """A report that is made anew differs only where the work does."""
    first = draw(*ALL)
    assert draw(*ALL) == first
    for content in first.values():
        assert b"CreationDate" not in content
        assert b"dc:date" not in content


def test_an_svg_runs_nothing_and_loads_nothing():
    """Whatever the labels say."""
    label = '<script>alert(1)</script> & "x" ]]>'
    content = draw(Purposes((Bar(label, 1.0),)), kinds=["svg"])["fig-purpose.svg"]
    root = ET.fromstring(content)  # noqa: S314 - our own file
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert "script" not in tags
    for element in root.iter():
        for name, value in element.attrib.items():
            if name.endswith("href"):
                assert value.startswith("#")


def test_an_svg_is_small_and_its_lines_stay_where_they_are():
    """A Git host shows it; all hatches together are no thousands of curves."""
    bars = Purposes(tuple(Bar(f"purpose {i}", 1e6 * (i + 1), 2e5) for i in range(7)))
    for plot in (bars, RUNS, CURVES):
        ((name, content),) = draw(plot, kinds=["svg"]).items()
        assert len(content) < 64_000, name
        root = ET.fromstring(content)  # noqa: S314 - our own file
        assert root.get("width") == f"{3.25 * 72:g}pt"


def test_a_long_curve_keeps_its_energy_and_its_end():
    """However many steps were recorded, few are drawn."""
    rng = np.random.default_rng(7)
    ends = np.cumsum(rng.uniform(0.5, 1.5, 5000))
    power = rng.uniform(50.0, 700.0, 5000)
    steps = np.diff(np.concatenate([[0.0], ends]))
    shown_ends, shown = figures._merged(tuple(ends), tuple(power))
    assert len(shown) == figures.MOST_STEPS
    assert shown_ends[-1] == pytest.approx(ends[-1])
    widths = np.diff(np.concatenate([[0.0], shown_ends]))
    assert (widths * shown).sum() == pytest.approx((steps * power).sum())
    plot = Curves((Curve("a", tuple(ends), tuple(power)),))
    (content,) = draw(plot, kinds=["svg"]).values()
    assert len(content) < 64_000


def test_figures_have_the_units_of_the_page_beside_them():
    """A small part of a large whole reads in the unit of the whole."""
    axes = drawn(Purposes((Bar("final", 3.6e3, 1.8e2),), unit=energy_unit(1.0))).axes[0]
    assert axes.get_xlabel() == "Energy (kWh)"
    assert [text.get_text().strip() for text in axes.texts] == ["0.0010 ± 0.0001 kWh"]


def test_the_users_settings_of_matplotlib_are_neither_used_nor_changed():
    """A dark style of theirs does not reach the paper."""
    plain = draw(BARS, kinds=["png"])
    with mpl.rc_context({"axes.facecolor": "black", "font.size": 30.0}):
        before = dict(mpl.rcParams)
        assert draw(BARS, kinds=["png"]) == plain
        assert dict(mpl.rcParams) == before


def drawn(plot: figures.Plot):
    """Return the figure itself."""
    with figures._style():
        return figures._drawn(plot)


def test_bars_have_one_unit_their_uncertainty_and_a_hatch():
    """What is not measured has no bar, and says so."""
    axes = drawn(BARS).axes[0]
    bars = [bar for c in axes.containers if isinstance(c, BarContainer) for bar in c]
    widths = [bar.get_width() for bar in bars]
    assert widths == pytest.approx([2.0, 0.5, 1.0, 0.0])
    hatches = [bar.get_hatch() for bar in bars]
    assert len(set(hatches)) == len(hatches), "told apart without colour"
    texts = [text.get_text().strip() for text in axes.texts]
    assert texts == [
        "2.00 ± 0.10 kWh",
        "0.500 kWh",
        "1.000 ± 0.028 kWh",
        "not measured",
        "0 kWh",
    ]
    assert axes.get_xlabel() == "Energy (kWh)"
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert "BeiJing :rocket: [U+0007]" in labels[-1] or "#" in labels[-1]


def test_the_course_is_dotted_where_nothing_ran_and_marks_failures():
    """One panel for energy, one for CO2e, the dates in UTC."""
    energy, co2e = drawn(RUNS).axes
    solid = [line for line in energy.lines if line.get_linestyle() == "-"]
    gaps = [line for line in energy.lines if line.get_linestyle() == "--"]
    assert len(solid) == 2
    assert len(gaps) == 1, "the four hours between the runs"
    assert list(gaps[0].get_ydata()) == pytest.approx([1.0, 1.0])
    assert solid[-1].get_ydata()[-1] == pytest.approx(1.5)
    (mark,) = [line for line in energy.lines if line.get_marker() == "x"]
    assert list(mark.get_ydata()) == pytest.approx([1.5])
    assert energy.get_ylabel() == "Energy (kWh)"
    assert co2e.get_ylabel() == "CO₂e (kg)"
    assert co2e.get_xlabel() == "Date (UTC)"


def test_without_carbon_there_is_no_panel_for_it():
    """Not a flat line at 0."""
    runs = Course((Run(START, START + HOUR, 10.0, None),))
    assert len(drawn(runs).axes) == 1


def test_the_largest_runs_share_a_scale_and_show_their_mean():
    """Labels are text, not formulas."""
    axes = drawn(CURVES).axes
    assert len(axes) == figures.MOST_CURVES
    assert {panel.get_ylim() for panel in axes} == {(0.0, 330.0)}
    assert axes[0].get_title("left") == "cell 0 $a$"
    assert axes[0].get_title("right") == "mean 200 W"


@pytest.mark.parametrize(
    "plot",
    [
        Purposes(()),
        Purposes((Bar("a", None),)),
        Course(()),
        Course((Run(START, START, None),)),
        Curves(()),
        Curves((Curve("a", (), ()),)),
    ],
)
def test_without_data_there_is_no_figure(plot: figures.Plot):
    """An empty frame says nothing."""
    assert draw(plot) == {}


@pytest.mark.parametrize(
    "plot",
    [
        Purposes((Bar("a", 0.0),)),
        Course((Run(START, START, 5.0),)),
        Course((Run(START, START + HOUR, 0.0, 0.0),)),
        Curves((Curve("a", (0.0,), (0.0,)),)),
        Curves((Curve("a", (1e-9, 1e6), (1e-9, 1e6)),)),
        Purposes(tuple(Bar("x" * 10_000, 10.0**i) for i in range(-6, 12))),
    ],
)
def test_odd_series_are_drawn_without_a_warning(plot: figures.Plot):
    """Warnings are errors here."""
    assert len(draw(plot, kinds=["pdf"])) == 1


def test_a_hundred_thousand_runs_are_drawn_in_a_small_file():
    """With no more points than the width shows."""
    rng = random.Random(7)
    runs = []
    for i in range(100_000):
        start = START + timedelta(seconds=60 * i)
        length = timedelta(seconds=rng.uniform(0, 50))
        runs.append(Run(start, start + length, 100.0, 0.01, rng.random() < 0.1))
    files = draw(Course(tuple(runs)), kinds=["pdf"])
    assert len(files["fig-time.pdf"]) < 200_000


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1e6), st.floats(1e-3, 1e5) | st.just(0.0), st.floats(0, 1e9)
        ),
        min_size=1,
        max_size=30,
    )
)
def test_the_course_rises_to_the_sum_of_all_runs(
    runs: list[tuple[float, float, float]],
):
    """Whatever overlaps, and in whichever order."""
    starts, lengths, amounts = (np.array(part) for part in zip(*runs, strict=True))
    t, total, busy = course(starts, starts + lengths, amounts)
    assert total[-1] == pytest.approx(amounts.sum(), rel=1e-6, abs=1e-3)
    assert (np.diff(total) >= 0).all()
    assert (np.diff(t) >= 0).all()
    # Something runs exactly between a start and its end.
    for i, is_busy in enumerate(busy):
        if t[i + 1] > t[i]:
            middle = (t[i] + t[i + 1]) / 2
            inside = (starts <= middle) & (middle < starts + lengths)
            assert is_busy == inside.any()
