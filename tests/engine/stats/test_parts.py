"""What each side adds to a standard error: nothing is lost, and the effects are those of the images."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.metrics import METRICS
from genbench.stats.jackknife import blocks
from genbench.stats.pair import Pair
from genbench.stats.parts import Part, join_parts, part_across, part_of_deletions, part_of_influences, part_of_mean

SPLIT = (
    "fd",
    "fd-infinity",
    "fd-class",
    "sfd",
    "kd",
    "cmmd",
    "precision",
    "recall",
    "density",
    "coverage",
    "p-precision",
    "p-recall",
    "mind",
    "fld",
    "nn",
)


def draw(rng, count, shift=0.0, width=5):
    rows = (rng.standard_normal((count, width)) + shift).astype(np.float32)
    return Features({"pooled": rows, "spatial": 2 * rows, "logits": rows}, labels=np.arange(count) % 2)


@pytest.mark.parametrize("count", [20, 150], ids=["few images", "many images"])
@pytest.mark.parametrize("name", SPLIT)
def test_the_parts_sum_to_the_squared_error(rng, name, count):
    estimate = METRICS.get(name).compute(Pair(draw(rng, count), draw(rng, count, 0.3), draw(rng, count), seed=3))
    assert set(estimate.parts) == {"real", "fake"}
    total = sum(variance for variance, _ in estimate.parts.values())
    assert total == pytest.approx(estimate.stderr**2, rel=1e-9)
    assert all(variance >= 0 for variance, _ in estimate.parts.values())


def test_of_subsets_of_1000_too(rng):
    estimate = METRICS.get("kd-subsets").compute(Pair(draw(rng, 1010), draw(rng, 1020, 0.3)))
    assert sum(variance for variance, _ in estimate.parts.values()) == pytest.approx(estimate.stderr**2, rel=1e-9)


@pytest.mark.parametrize("value", [0, 1])
def test_of_a_share_at_the_edge_too(rng, value):
    real = draw(rng, 40)
    estimate = METRICS.get("precision").compute(Pair(real, real if value else draw(rng, 40, 99.0)))
    assert estimate.value == value
    assert sum(variance for variance, _ in estimate.parts.values()) == pytest.approx(estimate.stderr**2, rel=1e-9)


@pytest.mark.parametrize("name", ["fd", "kd", "precision", "recall", "density", "coverage"])
def test_effects_say_how_a_lighter_block_of_the_reference_moves_the_score(rng, name):
    """Take a block of real images away: the score moves as the sum of their effects says, to first order."""
    real, fake = draw(rng, 400), draw(rng, 400, 0.6)
    estimate = METRICS.get(name).compute(Pair(real, fake, seed=1))
    effects = estimate.parts["real"][1]
    ids = blocks(400, 1, "real")
    moved, told = [], []
    for block in range(20):
        kept = Features({layer: rows[ids != block] for layer, rows in real.layers.items()})
        moved.append(METRICS.get(name).compute(Pair(kept, fake, seed=1)).value - estimate.value)
        is_by_image = len(effects) == 400
        told.append(-effects[ids == block].sum() if is_by_image else effects[block])
    assert np.corrcoef(moved, told)[0, 1] > 0.95
    assert np.polyfit(told, moved, 1)[0] == pytest.approx(1, abs=0.2)


def test_parts_of_means(rng):
    values = rng.standard_normal(30)
    assert part_of_mean(values).variance == pytest.approx(values.var(ddof=1) / 30)
    assert part_of_influences(values, 60).variance == pytest.approx(values.var() / 60)
    leave = np.array([(values.sum() - value) / 29 for value in values])
    assert part_of_deletions(leave).variance == pytest.approx(values.var(ddof=1) / 30)
    assert part_of_mean(values).degrees == 29


def test_of_what_hangs_on_the_other_set_noise_is_taken_out(rng):
    shared, noise = rng.standard_normal(20), rng.standard_normal((50, 20))
    part = part_across(shared + 3 * noise)
    assert part.variance < part.effects @ part.effects
    assert part_across(np.broadcast_to(shared, (50, 20))).variance == pytest.approx(part_of_deletions(shared).variance)


def test_a_sum_over_other_images_joins():
    parts = [Part(1.0, np.ones(3)), Part(2.0, np.ones(2))]
    joined = join_parts(parts).scaled(0.5)
    assert joined.variance == pytest.approx(0.75)
    assert joined.effects == pytest.approx(np.full(5, 0.5))
