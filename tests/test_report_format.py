"""Rounding and units of printed figures."""

import pytest

from jupyter_green.report.format import (
    format_co2e,
    format_duration,
    format_energy,
    format_percent,
    format_power,
)


@pytest.mark.parametrize(
    ("energy_j", "uncertainty_j", "expected"),
    [
        (None, None, "not measured"),
        (None, 1.0, "not measured"),
        (float("nan"), None, "not measured"),
        (0.0, None, "0 J"),
        (0.0, 0.0, "0 J"),
        (0.0123, None, "12.3 mJ"),
        (0.99999, None, "1.00 J"),
        (12.345, None, "12.3 J"),
        (1234.5, None, "1230 J"),
        (3599.99, None, "1.00 Wh"),
        (3600.0, None, "1.00 Wh"),
        (3.6e6, None, "1.00 kWh"),
        (3.6e9, None, "1.00 MWh"),
        (123.456, 2.345, "123.5 ± 2.3 J"),
        (123.456, 3.345, "123 ± 3 J"),
        (1234.5, 123.0, "1230 ± 120 J"),
        (0.25, 0.0123, "250 ± 12 mJ"),
        (7200.0, 360.0, "2.00 ± 0.10 Wh"),
        (0.0, 5.0, "< 5 J"),
        (0.5, 40.0, "< 40 J"),
        (-0.5, 40.0, "< 40 J"),
        (-8.0, 5.0, "-8 ± 5 J"),
        (2.0, 2.96, "2.0 ± 3.0 J"),
    ],
)
def test_energy_is_rounded_to_its_uncertainty(
    energy_j: float | None, uncertainty_j: float | None, expected: str
):
    """Energy has the decimals its uncertainty leaves, in the unit that fits."""
    assert format_energy(energy_j, uncertainty_j) == expected


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [
        (None, "not measured"),
        (0.0, "0 s"),
        (0.0000123, "12.3 µs"),
        (0.0123, "12.3 ms"),
        (1.234, "1.23 s"),
        (59.97, "1 min 00 s"),
        (125.4, "2 min 05 s"),
        (11520.0, "3 h 12 min"),
        (183600.0, "2 d 03 h"),
    ],
)
def test_duration_reads_as_people_say_it(duration_s: float | None, expected: str):
    """Durations use at most two units."""
    assert format_duration(duration_s) == expected


def test_mass_and_power_choose_their_units():
    """Grams go from µg to t, watts from mW to MW."""
    masses = [format_co2e(g) for g in (None, 2.5e-6, 2.5e-3, 2.5, 2500.0, 2.5e6)]
    assert masses == [
        "not measured",
        "2.50 µg",
        "2.50 mg",
        "2.50 g",
        "2.50 kg",
        "2.50 t",
    ]
    assert [format_power(w) for w in (0.5, 70.0, 1500.0, 2e6)] == [
        "500 mW",
        "70.0 W",
        "1.50 kW",
        "2.00 MW",
    ]
    assert format_power(70.0, 1.5) == "70.0 ± 1.5 W"


def test_a_small_part_is_neither_nothing_nor_everything():
    """Percentages never round a part to 0 or to 100."""
    shown = [format_percent(f) for f in (None, 0, 0.0001, 0.05, 0.5, 0.9999, 1)]
    assert shown == [
        "not measured",
        "0.0 %",
        "< 0.1 %",
        "5.0 %",
        "50 %",
        "> 99.9 %",
        "100 %",
    ]


def test_what_floats_leave_is_no_uncertainty():
    """A constant power of 20 W, averaged, is not known to fifteen digits."""
    assert format_power(20.0, 5e-15) == "20.0 W"
    assert format_power(20.0, 0.0) == "20.0 W"
    assert format_power(20.0, 5e-3) == "20.000 ± 0.005 W"
