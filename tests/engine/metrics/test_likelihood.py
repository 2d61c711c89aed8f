"""Bits per dimension of models whose likelihood is known exactly."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

from genbench.contracts import Features
from genbench.errors import BadInput
from genbench.metrics.likelihood import bits_per_dimension
from genbench.stats.pair import Pair

SHAPE = (3, 4, 5)
SIZE = math.prod(SHAPE)


class Model:
    """``formula`` gives the log probability of each value; it sums over an image."""

    kind, dequantisation, levels, image_shape = "exact", "none", 256, SHAPE

    def __init__(self, formula, **facts):
        self.formula = formula
        vars(self).update(facts)

    def log_prob(self, x, labels=None):
        assert x.dtype == torch.float32
        assert tuple(x.shape[1:]) == tuple(self.image_shape)
        return self.formula(x.double()).flatten(1).sum(1)


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 256, (70, 4, 5, 3)).astype(np.uint8)


def judged(model, pictures, seed=0, names=None, **parameters):
    real = Features({}, tuple(names or (f"{i:03d}" for i in range(len(pictures)))))
    pair = Pair(real, real, seed=seed, images={"real": lambda: iter(pictures)}, model=model)
    return bits_per_dimension(pair, **parameters)


def test_levels_that_are_all_alike_cost_eight_bits(pictures):
    found = judged(Model(lambda x: torch.full_like(x, -math.log(256))), pictures)
    assert found.value == pytest.approx(8, abs=1e-12)
    assert found.stderr == pytest.approx(0, abs=1e-12)
    assert found.warnings == ("log_prob is exact, of the grey levels themselves, without dequantisation",)
    assert found.details["dimensions"] == SIZE
    assert found.details["nats"] == pytest.approx(SIZE * math.log(256))


def test_an_even_density_costs_eight_bits(pictures):
    found = judged(Model(torch.zeros_like, dequantisation="uniform"), pictures)
    assert found.value == pytest.approx(8, abs=1e-12)
    assert found.details["nats"] == pytest.approx(0, abs=1e-9)
    assert found.details["dequantisation"] == "uniform"


def test_of_independent_levels_it_is_the_cross_entropy(pictures, rng):
    share = torch.from_numpy(rng.dirichlet(np.ones(256)))
    found = judged(Model(lambda x: share[(x * 255).round().long()].log()), pictures)
    bits = -np.log2(share.numpy())[pictures].mean((1, 2, 3))
    assert found.value == pytest.approx(bits.mean())
    assert found.stderr == pytest.approx(bits.std(ddof=1) / math.sqrt(70))
    assert found.details["quartiles"] == pytest.approx(np.quantile(bits, (0.25, 0.5, 0.75)))
    worst = np.argsort(-bits)[:5]
    assert list(found.details["least_likely"]) == [f"{i:03d}" for i in worst]
    assert found.parts["real"].variance == pytest.approx(found.stderr**2)


def test_a_wide_gaussian_costs_what_its_share_of_each_level_does(pictures):
    model = Model(torch.distributions.Normal(0.4, 0.3).log_prob, dequantisation="uniform")
    edges = norm.logcdf(np.arange(257) / 256, 0.4, 0.3)
    share = np.diff(np.exp(edges))
    exact = -np.log2(share)[pictures].mean()
    assert judged(model, pictures, draws=40).value == pytest.approx(exact, abs=1e-4)


def test_noise_fills_each_level_and_nothing_else(pictures):
    seen = []

    def listen(x):
        seen.append(x.numpy())
        return torch.zeros_like(x)

    judged(Model(listen, dequantisation="uniform"), pictures)
    noise = np.concatenate(seen).transpose(0, 2, 3, 1) * 256 - pictures
    assert -1e-4 < noise.min() < 0.01
    assert 0.99 < noise.max() < 1 + 1e-4
    assert noise.mean() == pytest.approx(0.5, abs=4 / math.sqrt(12 * noise.size))
    assert max(x.max() for x in seen) < 1


def test_noise_depends_on_the_seed_and_the_image_alone(pictures):
    model = Model(lambda x: -x * x, dequantisation="uniform")
    first, again, other = (judged(model, pictures, seed=seed).value for seed in (0, 0, 1))
    assert first == again
    assert first != other
    names = [f"{i:03d}" for i in reversed(range(len(pictures)))]
    backwards = judged(model, pictures[::-1], names=names)
    assert backwards.value == pytest.approx(first, rel=1e-12)


def test_fewer_levels_than_eight_bits(rng):
    levels = rng.integers(0, 17, (10, 4, 5, 1))
    pictures = np.repeat(np.floor(levels * 255 / 16 + 0.5).astype(np.uint8), 3, axis=3)
    share = torch.from_numpy(rng.dirichlet(np.ones(17)))
    facts = {"levels": 17, "image_shape": (1, 4, 5)}
    found = judged(Model(lambda x: share[(x * 16).round().long()].log(), **facts), pictures)
    assert found.value == pytest.approx(-np.log2(share.numpy())[levels].mean())
    assert judged(Model(torch.zeros_like, dequantisation="uniform", **facts), pictures).value == pytest.approx(
        math.log2(17)
    )


@pytest.mark.parametrize("levels", [2, 3, 17, 200, 255, 256])
def test_levels_in_eight_bits_are_read_back_however_halves_are_rounded(levels):
    """As round(255 k / (L - 1)), of which 127.5 may be either neighbour."""
    k = np.arange(levels)
    seen = []

    def listen(x):
        seen.append(x * (levels - 1))
        return torch.zeros_like(x)

    for greys in (np.floor(k * 255 / (levels - 1) + 0.5), np.ceil(k * 255 / (levels - 1) - 0.5)):
        row = np.repeat(greys.astype(np.uint8)[None, :, None], 3, axis=2)
        judged(Model(listen, levels=levels, image_shape=(1, 1, levels)), np.stack([row, row]))
        assert seen.pop()[1].flatten().tolist() == pytest.approx(k.tolist(), abs=1e-4)


@pytest.mark.parametrize("levels", [2, 17, 200])
@pytest.mark.parametrize("dequantisation", ["none", "uniform"])
def test_pictures_in_other_levels_are_refused_before_any_work(levels, dequantisation):
    """One pixel of the last of 70 pictures is a grey next to black."""
    pictures = np.zeros((70, 4, 5, 3), np.uint8)
    pictures[69, 1, 2] = 1 if levels < 200 else 2
    asked = []
    model = Model(lambda x: asked.append(x), levels=levels, dequantisation=dequantisation)
    with pytest.raises(BadInput, match=f"not in the model's {levels} grey levels; .*got [12] in '069'.*means nothing"):
        judged(model, pictures)
    assert asked == []


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("lower_bound", "bits/dim <= this: log_prob is a lower bound, of grey levels that uniform noise dequantises"),
        ("iw_estimate", "bits/dim <= this: log_prob is an importance-weighted estimate"),
        ("exact", "log_prob is exact, of grey levels that uniform noise dequantises"),
    ],
)
def test_what_the_number_is_stands_beside_it(pictures, kind, words):
    found = judged(Model(torch.zeros_like, dequantisation="uniform", kind=kind), pictures)
    assert found.warnings[0].startswith(words)
    assert found.details["is_bound"] == (kind != "exact")


def test_bounds_that_draw_are_repeated_and_leave_the_random_state_alone(pictures):
    model = Model(lambda x: -torch.rand_like(x), kind="lower_bound", dequantisation="variational")
    before = torch.get_rng_state()
    first, again = (judged(model, pictures).value for _ in range(2))
    assert first == again != judged(model, pictures, seed=1).value
    assert torch.equal(before, torch.get_rng_state())


def test_what_a_bound_draws_depends_on_the_seed_and_the_image_alone(pictures):
    """Fewer images, or in another order: each costs what it did."""
    model = Model(lambda x: -torch.rand_like(x), kind="iw_estimate")
    names = [f"{i:03d}" for i in range(70)]
    all_of_them, four = (
        judged(model, pictures[order], names=[names[i] for i in order]).details["least_likely"]
        for order in (np.arange(70), np.array([9, 3, 64, 50]))
    )
    two = judged(model, pictures[[50, 9]], names=["050", "009"]).details["least_likely"]
    assert two == {name: four[name] for name in two}
    worst = list(all_of_them)
    again = judged(model, pictures[[int(name) for name in worst]], names=worst).details["least_likely"]
    assert again == all_of_them


def test_errors_over_images_cover_what_a_bound_draws_and_draws_average_it(pictures):
    """Its bits vary by noise alone: over 25 seeds as the standard error says, and half as much with four draws."""
    model = Model(lambda x: -torch.rand_like(x[:, :1, :1, :1]), kind="iw_estimate")
    found, many = ([judged(model, pictures[:20], seed=seed, draws=draws) for seed in range(25)] for draws in (1, 4))
    error = np.mean([one.stderr for one in found])
    assert np.std([one.value for one in found], ddof=1) == pytest.approx(error, rel=0.45)
    assert np.std([one.value for one in many], ddof=1) == pytest.approx(error / 2, rel=0.45)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"kind": "likelihood"}, "kind to be one of exact"),
        ({"dequantisation": None}, "dequantisation to be uniform"),
        ({"levels": 1}, "levels to be"),
        ({"levels": 65536}, "levels to be"),
        ({"image_shape": (4, 5)}, "image_shape to be"),
        ({"kind": "exact", "dequantisation": "variational"}, "kind to be a bound"),
        ({"image_shape": (3, 5, 4)}, "expected 4x5"),
        ({"image_shape": (1, 4, 5)}, "has colours"),
    ],
)
def test_what_does_not_fit_is_refused(pictures, facts, words):
    with pytest.raises(BadInput, match=words):
        judged(Model(torch.zeros_like, **facts), pictures)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (lambda x: torch.full_like(x, -math.inf), "70 of 70 real images have probability 0"),
        (lambda x: x * math.nan, "NaN for 70 of 70"),
        (lambda x: x + 0.1, "a probability above 1"),
        (lambda x: x[:, :, 0, 0], "no number an image"),
    ],
    ids=["impossible", "NaN", "density as levels", "shape"],
)
def test_numbers_that_are_no_log_probability_are_refused(pictures, formula, words):
    model = Model(formula)
    if words == "no number an image":
        model.log_prob = lambda x: formula(x)
    with pytest.raises(BadInput, match=words):
        judged(model, pictures)
