"""RealNVP: its masks and scales, and that it learns points and digits."""

import pytest
import torch

from zoo import MODELS
from zoo.contracts import DataSpec
from zoo.data import open_data
from zoo.data.modes import mode_report
from zoo.flow.coupling import MaskedCoupling, checkerboard, halves
from zoo.flow.multiscale import Split
from zoo.flow.norms import BatchNorm
from zoo.flow.steps import Logit, Squeeze
from zoo.levels import spread
from zoo.runs import build, plan, start


def make(spec, **settings):
    torch.manual_seed(0)
    return MODELS.get("realnvp").make(spec, {"width": 8, "blocks": 1} | settings)


def parts(model, kind):
    return [part for part in model.modules() if isinstance(part, kind)]


def test_the_masks_are_those_of_the_paper():
    """Checkerboards that alternate, a squeeze, halves that alternate; four checkerboards at the last scale."""
    model = make(DataSpec("photographs", (3, 8, 8)))
    masks = [coupling.mask for coupling in parts(model, MaskedCoupling)]
    expected = [checkerboard(8, 8, place) for place in (0, 1, 0)]
    expected += [halves((12, 4, 4), place) for place in (0, 1, 0)]
    expected += [checkerboard(4, 4, place) for place in (0, 1, 0, 1)]
    assert len(masks) == len(expected)
    assert all(torch.equal(mask, wanted) for mask, wanted in zip(masks, expected, strict=True))
    kinds = [type(step) for step in model.flow.scales[0].steps]
    assert kinds == [Logit] + [MaskedCoupling, BatchNorm] * 3 + [Squeeze] + [MaskedCoupling, BatchNorm] * 3
    assert [split.leaving for split in parts(model, Split)] == [(6, 4, 4)]
    assert all(split.prior is None for split in parts(model, Split))


def test_every_number_is_moved_at_every_scale():
    """Masks complete each other, so that no number passes all couplings of a kind as it was."""
    model = make(DataSpec("photographs", (3, 8, 8)))
    for scale in model.flow.scales:
        for shape in {coupling.mask.shape for coupling in parts(scale, MaskedCoupling)}:
            masks = [part.mask for part in parts(scale, MaskedCoupling) if part.mask.shape == shape]
            assert bool((torch.stack(masks).prod(0) == 0).all())


def test_points_are_coupled_by_one_coordinate_after_the_other():
    model = make(DataSpec("points", (2,), levels=None), couplings=4)
    assert [part.mask.flatten().tolist() for part in parts(model, MaskedCoupling)] == [[0, 1], [1, 0]] * 2
    assert not parts(model, Logit)
    points = model.sample(5, torch.Generator().manual_seed(0))
    assert points.shape == (5, 2)
    assert torch.allclose(model.decode(model.encode(points)), points, atol=1e-5)
    assert torch.equal(model.features(points), model.encode(points))


def test_the_density_is_that_of_training_once_the_norms_have_settled():
    """Norms use running statistics in training too: the loss of an update is the density before the next."""
    model = make(DataSpec("digits8", (1, 8, 8), levels=17))
    x = torch.rand(32, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    model.train()
    first, _ = model.flow(x)
    assert torch.equal(first[:4], model.flow(x[:4])[0])
    model.eval()
    assert torch.equal(first, model.flow(x)[0])


@pytest.mark.slow
def test_it_learns_the_ring(tmp_path):
    """Eight narrow modes, which a normal distribution cannot tell from a disc."""
    from zoo import training

    recipe, examples = plan("realnvp", "ring", steps=300)
    start(recipe, tmp_path / "run")
    points = torch.from_numpy(open_data("ring8", "test").x)

    def report(model):
        drawn = model.sample(1000, torch.Generator().manual_seed(0)).numpy()
        return mode_report(drawn, examples.truth["centres"], 0.2)

    before = build(recipe)
    assert float(-before.log_prob(points).mean()) > 3.4
    assert report(before).share_high_quality < 0.25
    model = training.train(recipe, examples, tmp_path / "run", training.open_fabric("cpu")).model
    assert float(-model.log_prob(points).mean()) < 2.5
    assert report(model).covered == 8
    assert report(model).share_high_quality > 0.4


@pytest.mark.slow
def test_it_learns_digits_it_has_not_seen(tmp_path):
    from zoo import training

    recipe, examples = plan("realnvp", "small", steps=100)
    start(recipe, tmp_path / "run")
    k = torch.from_numpy(open_data("digits8", "test").x).long()

    def bits(model):
        nats = model.log_prob(spread(k, 17, torch.rand(k.shape, generator=torch.Generator().manual_seed(0))))
        return float(4.0875 - nats.mean() / 64 / torch.log(torch.tensor(2.0)))

    assert bits(build(recipe)) > 3.5
    model = training.train(recipe, examples, tmp_path / "run", training.open_fabric("cpu")).model
    assert bits(model) < 2.434
