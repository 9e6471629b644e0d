"""The calculator: published examples, invariants, contradictions, accelerators."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jupyter_green.carbon import (
    Estimate,
    EstimateInput,
    accelerators,
    embodied_share_g,
    estimate,
    match,
    sci,
    world_average,
)
from jupyter_green.errors import EstimateError
from jupyter_green.records import Intensity, Pue

LB_KG = 0.45359237  # the international pound, exact


def _intensity(g_per_kwh: float, **more: Any) -> Intensity:
    return Intensity(g_per_kwh=g_per_kwh, zone="Z", source="test", **more)


def _estimate(g_per_kwh: float = 100.0, pue: float = 1.0, **more: Any) -> Estimate:
    """Estimate with a PUE and an intensity, which most tests do not care about."""
    more.setdefault("intensity", _intensity(g_per_kwh))
    source = "IT equipment only" if pue == 1.0 else "test"
    return estimate(EstimateInput(pue=Pue(value=pue, source=source), **more))


def _exactly(value: float) -> Any:
    """Equal but for the rounding of binary fractions."""
    return pytest.approx(value, rel=1e-12)


# The six examples of the publications named in each, at their full precision.


def test_llama1_7b():
    """Table 15 of arXiv 2302.13971: printed as 36 MWh and 14 t."""
    result = _estimate(385.0, 1.1, power_w=400.0, gpu_hours=82_432.0)

    assert result.energy_it_kwh == _exactly(82_432 * 0.4)
    assert result.energy_facility_kwh == _exactly(36_270.08)
    assert result.co2e_kg == _exactly(13_963.9808)
    assert (round(result.energy_facility_kwh, -3), round(result.co2e_kg, -3)) == (
        36_000,
        14_000,
    )
    assert result.warnings == ()


def test_patterson_gpt3():
    """Table 4 of arXiv 2104.10350: 10,000 chips for 14.8 days."""
    result = _estimate(429.0, 1.10, power_w=330.0, count=10_000, hours=14.8 * 24)

    assert result.energy_facility_kwh == _exactly(1_289_376.0)
    assert result.co2e_kg == _exactly(553_142.304)
    assert result.warnings == ()


def test_patterson_gpt3_from_the_printed_energy():
    """The printed 1,287 MWh contain PUE: alone they give 552.123 t."""
    result = _estimate(429.0, energy_kwh=1_287_000.0)

    assert result.co2e_kg == _exactly(552_123.0)


def test_patterson_gpt3_counting_pue_twice():
    """An energy that already contains PUE is noticed where the model shows it."""
    work = {"power_w": 330.0, "count": 10_000, "hours": 355.2}
    result = _estimate(429.0, 1.1, energy_kwh=1_287_000.0, **work)

    assert result.energy_facility_kwh == _exactly(1_415_700.0)
    assert result.energy_modelled_kwh == _exactly(1_172_160.0)
    assert any("counted twice" in warning for warning in result.warnings)


def test_bloom_dynamic():
    """Luccioni et al. 2022: no PUE."""
    result = _estimate(57.0, power_w=400.0, gpu_hours=1_082_990.0)

    assert result.energy_it_kwh == result.energy_facility_kwh == _exactly(433_196.0)
    assert result.co2e_kg == _exactly(24_692.172)


def test_strubell_tf_big():
    """Strubell et al. 2019 Table 3: 0.954 lb/kWh, printed as 201 kWh and 192 lb."""
    result = _estimate(0.954 * LB_KG * 1000, 1.58, power_w=1515.43, hours=84.0)

    assert result.energy_facility_kwh == pytest.approx(201.127870, abs=5e-7)
    assert result.co2e_kg == pytest.approx(87.033484, abs=5e-7)
    assert result.co2e_kg / LB_KG == pytest.approx(191.875988, abs=5e-7)


def test_green_algorithms_v1_us():
    """Green Algorithms v1: usage applies to cores, memory draws 0.3725 W/GB."""
    result = _estimate(
        475.9,
        1.67,
        hours=12.0,
        cpu_cores=12,
        cpu_power_per_core_w=7.5,
        memory_gb=64.0,
        utilisation=1.0,
    )

    assert result.energy_facility_kwh == _exactly(12 * (90 + 23.84) * 1.67 / 1000)
    assert result.energy_facility_kwh == pytest.approx(2.281354, abs=5e-7)
    assert 1000 * result.co2e_kg == pytest.approx(1085.696178, abs=5e-7)
    assert result.memory_kwh is not None
    share = result.memory_kwh / result.energy_it_kwh
    assert 100 * share == pytest.approx(20.941673, abs=5e-7)
    # What the tool prints beside it: trees, kilometres by car, Paris to London.
    grams = 1000 * result.co2e_kg
    assert grams / 950 == pytest.approx(1.142838, abs=5e-7)
    assert grams / 251 == pytest.approx(4.325483, abs=5e-7)
    assert grams / 50_000 == pytest.approx(0.02171392, abs=5e-9)


def test_sci_eshoppen_database():
    """SCI case studies, eshoppen.md: 14.2416 g there, from the rounded M."""
    embodied_g = embodied_share_g(
        1433.12,
        reserved_hours=1,
        lifetime_hours=35_040,
        reserved_parts=2,
        total_parts=16,
    )

    assert embodied_g == pytest.approx(5.112443, abs=5e-7)
    assert sci(0.0096, 951, embodied_g, 1) == pytest.approx(14.242043, abs=5e-7)
    assert sci(0.0096, 951, 5.112, 1) == _exactly(14.2416)


def test_sci_needs_a_functional_unit():
    """Division by no unit is refused."""
    with pytest.raises(EstimateError):
        sci(1.0, 1.0, 1.0, 0.0)


# Invariants.

_AMOUNT = st.floats(min_value=0.001, max_value=1e5)
_WORK = st.fixed_dictionaries(
    {"hours": _AMOUNT, "power_w": _AMOUNT},
    optional={
        "count": st.integers(1, 10_000),
        "utilisation": st.floats(0.0, 1.0),
        "memory_gb": _AMOUNT,
    },
)


@given(work=_WORK, g_per_kwh=st.floats(0, 2000), pue=st.floats(1, 3))
def test_chain(work: dict[str, Any], g_per_kwh: float, pue: float):
    """Facility energy is IT energy by PUE, CO2e is that by intensity, parts add up."""
    result = _estimate(g_per_kwh, pue, **work)

    assert result.energy_facility_kwh == _exactly(result.energy_it_kwh * pue)
    assert result.co2e_kg == _exactly(result.energy_facility_kwh * g_per_kwh / 1000)
    parts = [result.gpu_kwh, result.cpu_kwh, result.memory_kwh]
    assert result.energy_it_kwh == _exactly(sum(p for p in parts if p is not None))


@given(work=_WORK, factor=st.floats(1.0, 100.0))
def test_linear_in_hours(work: dict[str, Any], factor: float):
    """Twice the hours are twice the energy."""
    once = _estimate(**work)
    more = _estimate(**{**work, "hours": work["hours"] * factor})

    assert more.energy_it_kwh == _exactly(once.energy_it_kwh * factor)


@given(
    work=_WORK,
    name=st.sampled_from(["hours", "power_w", "memory_gb", "count"]),
    more=st.integers(1, 1000),
)
def test_more_never_gives_less(work: dict[str, Any], name: str, more: int):
    """No input makes the result smaller by growing."""
    start = work.get(name, 1)
    less = _estimate(**{**work, name: start})

    assert _estimate(**{**work, name: start + more}).co2e_kg >= less.co2e_kg


@given(energy_kwh=st.floats(0, 1e9), pue=st.floats(1, 2))
def test_known_energy(energy_kwh: float, pue: float):
    """A known energy is taken as it is, and PUE is applied once."""
    result = _estimate(100.0, pue, energy_kwh=energy_kwh)

    assert result.energy_it_kwh == energy_kwh
    assert result.energy_facility_kwh == energy_kwh * pue
    assert result.gpu_kwh is None


def test_range_of_the_intensity():
    """A range of the intensity becomes a range of the result."""
    grid = _intensity(100.0, low_g_per_kwh=90.0, high_g_per_kwh=120.0)
    result = _estimate(energy_kwh=10.0, intensity=grid)

    assert (result.co2e_low_kg, result.co2e_high_kg) == (_exactly(0.9), _exactly(1.2))
    assert _estimate(energy_kwh=10.0).co2e_low_kg is None


def test_utilisation_is_not_for_memory():
    """Utilisation scales GPU and processor; memory draws the same whatever its load."""
    work = {
        "power_w": 100.0,
        "hours": 10.0,
        "cpu_cores": 10,
        "cpu_power_per_core_w": 10.0,
        "memory_gb": 100.0,
        "memory_power_per_gb_w": 1.0,
    }
    result = _estimate(**work, utilisation=0.25)

    assert (result.gpu_kwh, result.cpu_kwh, result.memory_kwh) == (0.25, 0.25, 1.0)
    assert any("not to memory" in text for text in result.assumptions)


# Assumptions and contradictions.


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ({"gpu": "A100", "hours": 1.0}, "A100 PCIe 40GB (250 W)"),
        ({"gpu": "T4", "hours": 1.0}, "board power of 70 W"),
        ({"gpu": "T4", "hours": 1.0}, "utilisation 1"),
        ({"gpu": "K80", "hours": 1.0}, "two GPUs"),
        ({"power_w": 9.0, "hours": 1.0, "memory_gb": 1.0}, "0.3725 W/GB"),
        (
            {"power_w": 9.0, "gpu_hours": 80.0, "count": 8, "memory_gb": 1.0},
            "ran for 10 h",
        ),
        ({"energy_kwh": 1.0}, "before PUE"),
        ({"energy_kwh": 1.0}, "IT equipment only"),
        ({"energy_kwh": 1.0, "intensity": world_average()}, "world average"),
    ],
)
def test_assumptions_are_said(work: dict[str, Any], said: str):
    """Whatever is taken without being stated is in the result."""
    assert any(said in text for text in _estimate(**work).assumptions)


GPU = {"power_w": 300.0, "hours": 10.0}


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ({**GPU, "gpu": "A100 SXM4 80GB"}, "board power of A100 SXM4 80GB is 400 W"),
        ({**GPU, "count": 8, "gpu_hours": 90.0}, "8 x 10 h are 80"),
        ({**GPU, "energy_kwh": 4.0}, "give 3 kWh"),
        ({"energy_kwh": 4.0, "hours": 2.0}, "not used"),
        ({"energy_kwh": 4.0, "power_w": 200.0}, "not used"),
        ({"memory_gb": 8.0, "hours": 1.0, "count": 2}, "the count has no effect"),
        ({**GPU, "cpu_power_per_core_w": 8.0}, "no CPU cores"),
        ({**GPU, "memory_power_per_gb_w": 0.4}, "no memory"),
        ({**GPU, "power_w": 3200.0}, "power of them all"),
        ({**GPU, "cpu_cores": 8, "cpu_power_per_core_w": 95.0}, "the processor"),
        ({**GPU, "memory_gb": 8, "memory_power_per_gb_w": 9.0}, "much for memory"),
        ({**GPU, "hours": 0.0}, "0 h"),
        ({**GPU, "hours": 1e5}, "ten years"),
        ({**GPU, "power_w": 0.0}, "0 W"),
        ({**GPU, "utilisation": 0.0}, "utilisation is 0"),
        ({"energy_kwh": 0.0}, "0 kWh"),
        ({**GPU, "g_per_kwh": 0.385}, "kg/kWh"),
        ({**GPU, "g_per_kwh": 1600.0}, "more than any grid"),
        ({**GPU, "pue": 2.6}, "very high"),
    ],
)
def test_warnings(work: dict[str, Any], said: str):
    """Contradictory and implausible input is used, with a clear warning."""
    result = _estimate(**work)

    assert [text for text in result.warnings if said in text]


@pytest.mark.parametrize(
    "work",
    [
        {**GPU, "gpu": "A100 SXM4 80GB", "power_w": 390.0},
        {**GPU, "count": 8, "gpu_hours": 80.0},
        {**GPU, "energy_kwh": 3.0},
        {**GPU, "energy_kwh": 3.0, "pue": 1.5},
        {"hours": 3.0, "cpu_cores": 8, "cpu_power_per_core_w": 8.0},
    ],
)
def test_no_warning_without_reason(work: dict[str, Any]):
    """Input that agrees with itself is not commented on."""
    assert _estimate(**{"pue": 1.2, **work}).warnings == ()


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ({}, "not enough"),
        ({"hours": 1.0}, "no power is given"),
        ({"power_w": 1.0}, "hours are missing"),
        ({"gpu_hours": 1.0, "memory_gb": 1.0}, "without a GPU"),
        ({"cpu_cores": 4, "hours": 1.0}, "power of a processor core"),
        ({**GPU, "utilisation": 85.0}, "give 0.85"),
        ({**GPU, "utilisation": 101.0}, "fraction"),
        ({**GPU, "utilisation": -0.1}, "utilisation"),
        ({**GPU, "utilisation": float("nan")}, "not a number"),
        ({**GPU, "hours": -1.0}, "hours"),
        ({**GPU, "hours": float("inf")}, "finite"),
        ({**GPU, "power_w": float("nan")}, "power"),
        ({**GPU, "count": 0}, "at least 1"),
        ({**GPU, "pue": 0.9}, "at least 1"),
        ({**GPU, "g_per_kwh": -5.0}, "intensity"),
        ({**GPU, "g_per_kwh": float("nan")}, "intensity"),
        ({"gpu": "B9000", "hours": 1.0}, "no accelerator"),
    ],
)
def test_impossible_input(work: dict[str, Any], said: str):
    """What no machine can do is refused, with the reason."""
    with pytest.raises(EstimateError, match=said):
        _estimate(**work)


# The table of accelerators.

TABLE = accelerators()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_accelerator_rows(row: Any):
    """Each row is complete and plausible, and its names find it alone."""
    assert 5 <= row.power_w <= 2700
    assert 2012 <= row.year <= 2026
    assert row.vendor in {"NVIDIA", "AMD", "Google", "Intel"}
    assert row.form
    assert row.source
    for name in (row.name, *row.aliases, f"{row.vendor} {row.name}".upper()):
        assert match(name).accelerator == row, name
        assert match(name).others == ()


def test_accelerator_table_is_large():
    """The table has the sixty rows that were asked for, from K80 to B300."""
    assert len(TABLE) >= 60
    assert len({row.name for row in TABLE}) == len(TABLE)
    assert {"K80", "B300", "MI300X", "TPU v4", "Gaudi 3"} <= {row.name for row in TABLE}


@pytest.mark.parametrize(
    ("name", "power_w"),
    [
        # Names that NVML gives, and powers of the vendors' data sheets.
        ("NVIDIA A100-SXM4-80GB", 400),
        ("NVIDIA A100-PCIE-40GB", 250),
        ("NVIDIA A100 80GB PCIe", 300),
        ("NVIDIA H100 80GB HBM3", 700),
        ("NVIDIA H100 PCIe", 350),
        ("NVIDIA H100 NVL", 400),
        ("NVIDIA H200", 700),
        ("NVIDIA GH200 480GB", 1000),
        ("NVIDIA L40S", 350),
        ("NVIDIA L4", 72),
        ("Tesla T4", 70),
        ("Tesla V100-SXM2-16GB", 300),
        ("Tesla P100-PCIE-16GB", 250),
        ("NVIDIA GeForce RTX 3090", 350),
        ("NVIDIA GeForce RTX 3090 Ti", 450),
        ("NVIDIA RTX A6000", 300),
        ("NVIDIA RTX 6000 Ada Generation", 300),
        # As people write.
        ("a100 sxm4 80gb", 400),
        ("rtx4090", 450),
        ("3090", 350),
        ("v100s", 250),
        ("AMD Instinct MI250X", 560),
        ("mi-300x", 750),
        ("tpuv3", 450),
        ("gaudi2", 600),
    ],
)
def test_names_of_accelerators(name: str, power_w: float):
    """Case, spaces, hyphens and vendors' additions do not matter."""
    assert match(name).accelerator.power_w == power_w


def test_ambiguous_name_takes_the_highest_power():
    """A family's name gives its strongest board, and the others are named."""
    found = match("H100")

    assert found.accelerator.power_w == 700
    assert {row.name for row in found.others} == {"H100 PCIe", "H100 NVL"}


@pytest.mark.parametrize(
    "name", ["", "GPU", "RTX 4090 Laptop GPU", "RTX 4090 D", "A1", "40", "80GB"]
)
def test_other_boards_are_not_mistaken(name: str):
    """A name that is not in the table gives no other board's power."""
    with pytest.raises(EstimateError, match="--power"):
        match(name)


def test_close_names_are_suggested():
    """A slip of the keyboard gets the right name as an answer."""
    with pytest.raises(EstimateError, match="RTX 4090"):
        match("RTX 4099")


def test_input_is_not_changed():
    """Input and result are values; the input's fields stay as given."""
    given_input = EstimateInput(
        intensity=_intensity(1.0), power_w=1.0, gpu_hours=8.0, memory_gb=1.0
    )
    copy = replace(given_input)
    estimate(given_input)

    assert given_input == copy
