"""Quantiles that intervals are made of, held to SciPy's."""

from __future__ import annotations

import math

import pytest

from jupyter_green.report.student import chi2_quantile, t_cdf, t_quantile

stats = pytest.importorskip("scipy.stats", reason="SciPy comes with scikit-learn")

DEGREES = (1.0, 1.5, 2.0, 3.3, 7.0, 30.0, 500.0, 1e5, math.inf)


@pytest.mark.parametrize("degrees", DEGREES)
@pytest.mark.parametrize("probability", [0.01, 0.4, 0.6, 0.9, 0.975, 0.995, 0.9995])
def test_t_quantiles_are_those_of_scipy(probability: float, degrees: float):
    """Within a billionth, down to fractional degrees and up to the normal limit."""
    expected = float(stats.t.ppf(probability, degrees))
    assert t_quantile(probability, degrees) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("t", [-40.0, -2.0, 0.0, 0.3, 5.0])
def test_t_probabilities_are_those_of_scipy(t: float):
    """On both sides of the middle."""
    assert t_cdf(t, 4.2) == pytest.approx(float(stats.t.cdf(t, 4.2)), rel=1e-9)


@pytest.mark.parametrize("degrees", [3.0, 4.0, 8.0, 20.0, 200.0])
def test_chi_squared_quantiles_are_within_two_percent_of_scipy(degrees: float):
    """At the probability that repeats are planned with."""
    expected = float(stats.chi2.ppf(0.2, degrees))
    assert chi2_quantile(0.2, degrees) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("p", "degrees"), [(0.0, 3.0), (1.0, 3.0), (0.5, 0.0)])
def test_impossible_quantiles_are_refused(p: float, degrees: float):
    """There is no such number."""
    with pytest.raises(ValueError, match="no quantile"):
        t_quantile(p, degrees)
