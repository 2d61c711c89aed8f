"""Transport on a line: exact fractions, closed forms, and the effect of one point by moving mass to it."""

import numpy as np
import pytest

from genbench.stats.transport import Coupling, potential
from tests.reference.set_distances import transport_on_line


def cost(x, y):
    x, y = (np.sort(np.asarray(rows, float), axis=0) for rows in (x, y))
    return Coupling(len(x), len(y)).cost(x, y)


@pytest.mark.parametrize(("n", "m"), [(5, 5), (6, 4), (7, 3), (1, 4), (12, 18)])
def test_equals_the_integral_over_quantiles_in_exact_fractions(rng, n, m):
    x, y = rng.normal(size=(n, 3)), rng.normal(1, 2, size=(m, 3))
    expected = [transport_on_line(x[:, b], y[:, b]) for b in range(3)]
    np.testing.assert_allclose(cost(x, y), expected, rtol=1e-12)
    np.testing.assert_allclose(cost(y, x), expected, rtol=1e-12)


def test_a_shift_costs_its_square_and_a_set_costs_nothing_to_itself(rng):
    x = rng.normal(size=(20, 1))
    assert cost(x, x + 3) == pytest.approx(9)
    assert cost(x, x) == 0
    assert cost(np.repeat(x, 3, axis=0), x) == pytest.approx(0)


def test_every_step_carries_mass_once():
    i, j, mass = Coupling(6, 4).steps
    assert mass.sum() == pytest.approx(1)
    np.testing.assert_allclose(np.bincount(i, mass), np.full(6, 1 / 6))
    np.testing.assert_allclose(np.bincount(j, mass), np.full(4, 1 / 4))


@pytest.mark.parametrize(("n", "m"), [(9, 9), (9, 6), (5, 11)])
def test_the_potential_is_the_slope_of_the_cost_when_mass_moves_between_points(rng, n, m):
    """Copying points approximates weights: k copies of each, and one point's copies counted once more or less."""
    x, y = np.sort(rng.normal(size=(n, 1)), axis=0), np.sort(rng.normal(0.5, 2, size=(m, 1)), axis=0)
    rises, copies = potential(x, y)[:, 0], 400

    def with_more(up, down):
        counts = np.full(n, copies)
        counts[up] += 1
        counts[down] -= 1
        return cost(np.repeat(x, counts, axis=0), y)[0]

    for up, down in ((0, n - 1), (n // 2, 1), (n - 1, n // 2)):
        slope = (with_more(up, down) - with_more(down, up)) / 2 * n * copies
        assert slope == pytest.approx(rises[up] - rises[down], rel=1e-6, abs=1e-9)
