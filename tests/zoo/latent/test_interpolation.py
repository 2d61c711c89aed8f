"""Ways between latents, on decoders of which what must come out is known."""

import math

import pytest
import torch

from genbench.errors import BadInput
from zoo.latent.interpolation import interpolate, interpolate_images, path, slerp


class Linear:
    """Shows its latent, two numbers, as the two pixels of an image, halved; labels make it brighter."""

    def __init__(self, geometry="gaussian"):
        self.geometry, self.decoded = geometry, 0

    def prior(self, n, generator):
        return torch.randn(n, 2, generator=generator)

    def decode(self, z, labels=None):
        self.decoded = max(self.decoded, len(z))
        return z.view(-1, 1, 1, 2) / 2 + (0 if labels is None else labels.view(-1, 1, 1, 1) / 10)

    def encode(self, x, labels=None):
        return (x - (0 if labels is None else labels.view(-1, 1, 1, 1) / 10)).flatten(1) * 2


def normal(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("geometry", ["gaussian", "sphere", "uniform"])
def test_the_ends_are_the_ends_exactly(geometry):
    a, b = normal(5, 7), normal(5, 7, 1)
    way = path(a, b, 6, geometry)
    assert way.shape == (5, 6, 7)
    assert torch.equal(way[:, 0], a)
    assert torch.equal(way[:, -1], b)


def test_a_right_angle_is_divided_evenly():
    a, b = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    angles = torch.linspace(0, math.pi / 2, 4)
    expected = 2 * torch.stack([angles.cos(), angles.sin()], 1)
    assert torch.allclose(path(a, b, 4, "gaussian")[0], expected, atol=1e-6)
    assert torch.allclose(path(a, b, 3, "uniform")[0, 1], torch.tensor([1.0, 1.0]))


def test_lengths_change_linearly_and_directions_in_even_angles():
    a, b = normal(20, 50), 3 * normal(20, 50, 1)
    way = path(a, b, 5, "gaussian")
    lengths = way.norm(dim=2)
    assert torch.allclose(lengths, torch.stack([torch.lerp(a.norm(dim=1), b.norm(dim=1), t / 4) for t in range(5)], 1))
    units = (way / lengths[..., None]).double()
    turns = torch.acos((units[:, 1:] * units[:, :-1]).sum(2).clamp(-1, 1))
    assert torch.allclose(turns, turns.mean(1, keepdim=True).expand_as(turns), atol=1e-4)
    assert float(turns.min()) > 0.1


def test_the_middle_of_a_straight_line_is_too_short_which_is_why_the_way_is_bent():
    a, b = normal(500, 400), normal(500, 400, 1)
    straight, bent = (path(a, b, 3, geometry)[:, 1].norm(dim=1).mean() for geometry in ("uniform", "gaussian"))
    assert float(straight) == pytest.approx(math.sqrt(200), rel=0.02)
    assert float(bent) == pytest.approx(math.sqrt(400), rel=0.02)


def test_between_two_codes_of_length_1_there_are_codes_of_length_1():
    a, b = (torch.nn.functional.normalize(normal(9, 4, seed)) for seed in (0, 1))
    assert torch.allclose(path(a, b, 9, "sphere").norm(dim=2), torch.ones(9, 9), atol=1e-5)


@pytest.mark.parametrize("factor", [1.0, 1.5, -1.0, 0.0])
def test_without_a_great_circle_the_way_is_straight(factor):
    a = normal(3, 6)
    way = path(a, factor * a, 5, "gaussian")
    assert bool(way.isfinite().all())
    assert torch.allclose(way, path(a, factor * a, 5, "uniform"), atol=1e-5)


def test_nearly_parallel_latents_are_no_danger():
    a = normal(3, 6)
    b = a + 1e-6 * normal(3, 6, 1)
    assert torch.allclose(slerp(a, b, 0.5), (a + b) / 2, atol=1e-5)


def test_rows_choose_between_the_two_by_themselves():
    a = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    b = torch.tensor([[0.0, 1.0], [3.0, 0.0]])
    found = slerp(a, b, 0.5)
    assert torch.allclose(found, torch.tensor([[math.sqrt(0.5), math.sqrt(0.5)], [2.0, 0.0]]))


def test_latents_may_have_any_shape():
    a, b = normal(2, 24), normal(2, 24, 1)
    shaped = path(a.view(2, 2, 3, 4), b.view(2, 2, 3, 4), 4, "gaussian")
    assert torch.equal(shaped.flatten(2), path(a, b, 4, "gaussian"))


def test_images_are_those_of_the_latents_on_the_way():
    model, a, b = Linear(), torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    images = interpolate(model, a, b, 3)
    assert images.shape == (1, 3, 1, 1, 2)
    assert torch.allclose(images.flatten(2)[0, 1], torch.tensor([math.sqrt(0.5), math.sqrt(0.5)]) / 2)
    assert torch.allclose(interpolate(Linear("uniform"), a, b, 3).flatten(2)[0, 1], torch.tensor([0.25, 0.25]))


def test_images_are_cut_to_their_range_and_decoded_a_few_at_a_time():
    model = Linear()
    images = interpolate(model, torch.full((20, 2), 9.0), torch.full((20, 2), -9.0), 5)
    assert (float(images.min()), float(images.max())) == (0, 1)
    assert model.decoded == 64


def test_each_row_keeps_its_class():
    a, b = torch.zeros(2, 2) + 0.2, torch.zeros(2, 2) + 0.4
    images = interpolate(Linear(), a, b, 3, labels=torch.tensor([1, 3]))
    assert torch.allclose(images[:, 1].flatten(1), torch.tensor([[0.25, 0.25], [0.45, 0.45]]))
    assert torch.allclose(interpolate(Linear(), a, b, 3, labels=2)[:, 0].flatten(), torch.full((4,), 0.3))


def test_real_images_are_the_ends_of_their_way():
    x_a, x_b = torch.rand(4, 1, 1, 2), torch.rand(4, 1, 1, 2)
    for labels in (None, torch.arange(4)):
        images = interpolate_images(Linear(), x_a, x_b, 4, labels)
        assert torch.allclose(images[:, 0], x_a, atol=1e-6)
        assert torch.allclose(images[:, -1], x_b, atol=1e-6)


def test_what_cannot_be_done_is_refused():
    class Decoder:
        geometry = "gaussian"
        prior, decode = Linear.prior, Linear.decode

    with pytest.raises(BadInput, match=r"no codes to go between.*Decoder"):
        interpolate_images(Decoder(), torch.rand(1, 1, 1, 2), torch.rand(1, 1, 1, 2), 3)
    with pytest.raises(BadInput, match=r"ends do not fit.*\[2, 3\] and \[1, 3\]"):
        path(torch.zeros(2, 3), torch.zeros(1, 3), 3, "gaussian")
    with pytest.raises(BadInput, match=r"too few steps.*got 1"):
        path(torch.zeros(2, 3), torch.zeros(2, 3), 1, "gaussian")
