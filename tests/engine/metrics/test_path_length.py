"""Path lengths against closed forms: of linear and quadratic decoders, and on the circle."""

import math
from typing import ClassVar

import numpy as np
import pytest
import torch
from scipy.stats import mstats

from genbench.contracts import Features
from genbench.errors import BadInput
from genbench.metrics.path_length import path_length
from genbench.stats.pair import Pair

ALL = {"lowest": 0.0, "highest": 100.0}  # nothing is left out, so that the mean is that of the closed form


class SquaredDifference:
    """Mean over pixels and colours of the squared difference."""

    name, batch_size = "squared", 50
    facts: ClassVar = {"measure": "squared"}

    def __init__(self):
        self.seen = []

    def __call__(self, first, second):
        self.seen.append(first.copy())
        return np.square(first.astype(np.float64) - second).mean((1, 2, 3)).astype(np.float32)


class Model:
    """Latents of two numbers; ``curve`` makes the two pixels of a grey image of them."""

    geometry = "gaussian"

    def __init__(self, curve=lambda z: 0.05 * z):
        self.curve = curve

    def prior(self, n, generator):
        return torch.randn(n, 2, generator=generator)

    def decode(self, z, labels=None):
        return self.curve(z)[:, None, None, :]


class Circle(Model):
    geometry = "sphere"

    def prior(self, n, generator):
        angle = 2 * math.pi * torch.rand(n, generator=generator)
        return torch.stack([angle.cos(), angle.sin()], 1)


class Styled(Model):
    """w is 3 z; an image shows the mean of its styles."""

    num_ws, w_average = 4, torch.zeros(2)

    def mapping(self, z, labels=None):
        return 3 * z

    def synthesis(self, ws):
        assert ws.shape[1:] == (4, 2)
        return self.decode(ws.mean(1))


def measured(model, measure=None, count=3000, seed=0, **parameters):
    fake = Features({}, tuple(map(str, range(count))))
    return path_length(Pair(fake, fake, seed=seed, measure=measure or SquaredDifference(), model=model), **parameters)


def close(found, expected):
    return abs(found.value - expected) < 4 * found.stderr


def test_of_a_linear_decoder_straight_paths_are_as_long_as_its_matrix_says():
    found = measured(Model(), interpolation="lerp", **ALL)
    assert close(found, 0.05**2 * 2)  # E |z' - z|^2 / 2 pixels = 2
    assert 0 < found.stderr < 0.05 * found.value
    assert found.details["step_ratio"] == pytest.approx(1, abs=1e-3)
    assert found.warnings == ()


def test_on_a_circle_the_speed_of_a_bent_path_is_its_angle():
    found = measured(Circle(lambda z: 0.1 * z), **ALL)
    assert found.details["interpolation"] == "slerp"
    assert close(found, 0.1**2 * math.pi**2 / 3 / 2)  # the angle is even in [0, pi]
    assert close(measured(Circle(lambda z: 0.1 * z), interpolation="lerp", **ALL), 0.1**2 * 2 / 2)


def test_lengths_of_latents_go_in_proportion_along_a_bent_path():
    class Radii(Circle):
        def prior(self, n, generator):
            return super().prior(n, generator) * torch.randint(1, 3, (n, 1), generator=generator)

    found = measured(Radii(lambda z: 0.1 * z.norm(dim=1, keepdim=True).expand(-1, 2)), **ALL)
    assert close(found, 0.1**2 * 0.5)  # half of the paths go from 1 to 2 or back


def test_where_on_the_path_one_looks_matters():
    def square(z):
        return 0.01 * z**2

    options = {"interpolation": "lerp", "epsilon": 1e-3, **ALL}
    assert close(measured(Model(square), endpoints="full", **options), 0.01**2 * 8)
    assert close(measured(Model(square), endpoints="end", **options), 0.01**2 * 16)


def test_in_w_paths_are_straight_between_styles():
    found = measured(Styled(lambda z: 0.02 * z), space="w", **ALL)
    assert found.details["interpolation"] == "lerp"
    assert close(found, 0.02**2 * 9 * 2)


def test_the_smallest_and_largest_percent_are_left_out_by_the_rules_of_stylegan():
    measure = SquaredDifference()
    found = measured(Model(), measure, count=1000)
    kept = np.sort(_lengths(count=1000))[9:991]  # "lower" of 1 % and "higher" of 99 % of 1,000 are numbers 9 and 990
    assert found.value == pytest.approx(kept.mean(), rel=1e-6)
    assert found.details["discarded"] == pytest.approx(0.018)
    assert found.stderr == pytest.approx(float(mstats.trimmed_stde(_lengths(count=1000), (0.009, 0.009))), rel=1e-6)
    assert found.details["median"] == pytest.approx(np.median(_lengths(count=1000)))


def _lengths(count):
    """Return what the measure said of each path."""
    said = []

    class Listener(SquaredDifference):
        batch_size = 64

        def __call__(self, first, second):
            said.append(super().__call__(first, second).astype(np.float64))
            return said[-1].astype(np.float32)

    found = measured(Model(), Listener(), count=count)
    whole = [*said[1:9:2], *said[9:]]  # after a trial, four calls for 256 paths, each followed by one of half the step
    lengths = np.concatenate(whole) / found.details["epsilon"] ** 2
    assert len(lengths) == count
    return lengths


def test_a_path_depends_on_the_seed_and_its_number_alone():
    few, many, other = SquaredDifference(), SquaredDifference(), SquaredDifference()
    few.batch_size = 7
    measured(Model(), few, count=70)
    measured(Model(), many, count=130)
    measured(Model(), other, count=70, seed=1)
    starts = [np.concatenate(one.seen[1::2]) for one in (few, many, other)]
    np.testing.assert_allclose(starts[0][:64], starts[1][:64], rtol=1e-6)
    assert not np.allclose(starts[0][:64], starts[2][:64])


def test_more_paths_than_images_may_be_asked_for():
    assert measured(Model(), count=10, samples=100).details["paths"] == 100


def test_both_ends_of_a_step_are_of_one_class():
    class Conditional(Model):
        classes_seen: ClassVar = set()

        def sampled_labels(self, n, generator):
            return torch.randint(0, 3, (n,), generator=generator)

        def decode(self, z, labels=None):
            self.classes_seen |= set(labels.tolist())
            return super().decode(z) + 0.2 * labels[:, None, None, None]

    found = measured(Conditional(), interpolation="lerp", epsilon=1e-2, **ALL)
    assert Conditional.classes_seen == {0, 1, 2}
    assert close(found, 0.05**2 * 2)


def test_pictures_above_256_pixels_are_averaged_down():
    measure = SquaredDifference()

    class Large(Model):
        def decode(self, z, labels=None):
            return (0.05 * z)[:, None, None, :1].expand(-1, 3, 520, 600)

    measured(Large(), measure, count=2)
    assert measure.seen[1].shape == (2, 260, 300, 3)


def test_a_distance_that_is_not_quadratic_is_told():
    class Absolute(SquaredDifference):
        def __call__(self, first, second):
            return np.abs(first - second).mean((1, 2, 3))

    found = measured(Model(), Absolute())
    assert found.details["step_ratio"] == pytest.approx(0.5, rel=0.01)
    assert "not quadratic" in found.warnings[0]


def test_equal_latents_are_no_division_by_nothing():
    class Still(Model):
        def prior(self, n, generator):
            return torch.full((n, 2), 0.3)

    found = measured(Still())
    assert (found.value, found.stderr, found.details["step_ratio"]) == (0, 0, None)


def test_opposite_latents_take_the_straight_path():
    class Line(Model):
        def prior(self, n, generator):
            return torch.where(torch.rand(n, 1, generator=generator) < 0.5, -1.0, 1.0).expand(n, 2)

    assert close(measured(Line(), **ALL), 0.05**2 * 2)  # half of the paths go from -1 to 1 in both numbers


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        (lambda z: (128 + 20 * z).round() / 255, "whole grey levels"),
        (lambda z: (0.5 + 0.1 * z).half(), "expected float32"),
        (lambda z: 0.1 * z + 0.01 * torch.rand(z.shape), "function of its arguments"),
        (lambda z: z, "out of range"),
        (lambda z: z * math.nan, "out of range"),
    ],
    ids=["8-bit", "half", "noisy", "unscaled", "NaN"],
)
def test_models_without_a_derivative_are_refused(curve, words):
    with pytest.raises(BadInput, match=words):
        measured(Model(curve))


def test_a_measure_that_rounds_is_refused():
    class Rounding(SquaredDifference):
        def __call__(self, first, second):
            return super().__call__(np.rint(first * 255), np.rint(second * 255))

    with pytest.raises(BadInput, match="'squared' rounds images"):
        measured(Model(), Rounding())


def test_what_does_not_fit_is_refused():
    with pytest.raises(BadInput, match="no w"):
        measured(Model(), space="w")
    with pytest.raises(BadInput, match="nothing is kept"):
        measured(Model(), lowest=60.0, highest=40.0)
    model = Model()
    model.geometry = "torus"
    with pytest.raises(BadInput, match="torus"):
        measured(model)
    with pytest.raises(BadInput, match="judges a model by a measure"):
        path_length(Pair(Features({}), Features({})))
