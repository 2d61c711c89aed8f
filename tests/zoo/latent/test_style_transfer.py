"""Style transfer by adaptive instance norm: what is kept of the content, what is taken of the style."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from genbench.errors import BadInput
from zoo import MODELS
from zoo.contracts import DataSpec
from zoo.data import open_data
from zoo.latent.style_transfer import StyleTransfer, fit_style_transfer, statistics


def shapes(split, count):
    """Pictures of coloured shapes at half their resolution."""
    return F.avg_pool2d(torch.from_numpy(open_data("shapes", split).x[:count]).float() / 255, 2)


@pytest.fixture(scope="module")
def images():
    return shapes("train", 300)


@pytest.fixture(scope="module")
def model(images):
    return fit_style_transfer(images, seed=0, steps=400, batch=8).requires_grad_(False)


@pytest.fixture(scope="module")
def pair():
    return shapes("test", 64).chunk(2)


def gap(model, x, y):
    """Mean squared difference of the statistics of all stages."""
    stages = zip(model.encode(x), model.encode(y), strict=True)
    parts = [(ours, theirs) for a, b in stages for ours, theirs in zip(statistics(a), statistics(b), strict=True)]
    return sum(float((ours - theirs).square().mean()) for ours, theirs in parts)


def squares(x, y):
    return float((x - y).square().mean())


def given(model, *arguments):
    """What the decoder is given."""
    seen = []
    hook = model.decoder.register_forward_pre_hook(lambda _m, args: seen.append(args[0]))
    model.transfer(*arguments)
    hook.remove()
    return seen[0]


def test_without_style_the_content_is_reconstructed(model, images, pair):
    content, style = pair
    drawn = model.transfer(content, style, 0.0)
    assert squares(drawn, content) < 0.5 * squares(images.mean(0).expand_as(content), content)
    assert squares(drawn, content) < 0.35 * squares(drawn.roll(1, 0), content)


def test_the_drawn_image_has_the_statistics_of_the_style(model, pair):
    content, style = pair
    drawn = model.transfer(content, style)
    assert gap(model, drawn, style) < 0.25 * gap(model, content, style)
    assert gap(model, drawn, style) < 0.25 * gap(model, drawn, style.roll(1, 0))


def test_the_drawn_image_has_the_content(model, pair):
    """Encoded again, it is nearer to what was asked for than to any other row's."""
    content, style = pair
    target, found = given(model, content, style), model.encode(model.transfer(content, style))[-1]
    assert squares(found, target) < 0.5 * squares(found, target.roll(1, 0))


def test_more_alpha_is_more_style(model, pair):
    content, style = pair
    gaps = [gap(model, model.transfer(content, style, alpha), style) for alpha in (0.0, 0.5, 1.0)]
    assert gaps[0] > gaps[1] > gaps[2]


def test_the_decoder_is_given_normalised_content_with_the_statistics_of_the_style(model, pair):
    content, style = pair
    target, plain = given(model, content, style), model.encode(content)[-1]
    varies = statistics(plain)[1] > 1e-2  # a constant has no deviation to scale
    assert int(varies.sum()) > 100
    for ours, theirs in zip(statistics(target), statistics(model.encode(style)[-1]), strict=True):
        assert torch.allclose(ours[varies], theirs[varies], atol=1e-3)
    mean, deviation = (part[:, :, None, None] for part in statistics(plain))
    wanted_mean, wanted = (part[:, :, None, None] for part in statistics(model.encode(style)[-1]))
    expected = (plain - mean) / deviation * wanted + wanted_mean
    assert torch.allclose(target, expected, atol=1e-4)
    assert torch.allclose(given(model, content, style, 0.25), 0.75 * plain + 0.25 * expected, atol=1e-4)
    assert torch.equal(given(model, content, style, 0.0), plain)


def test_an_image_in_its_own_style_is_itself(model, pair):
    content, style = pair
    assert torch.allclose(model.transfer(content, content), model.transfer(content, style, 0.0), atol=1e-4)


def test_statistics_have_the_number_of_positions_as_divisor():
    x = torch.tensor([[[[1.0, 3.0], [5.0, 7.0]], [[2.0, 2.0], [2.0, 2.0]]]])
    mean, deviation = statistics(x)
    assert mean.tolist() == [[4.0, 2.0]]
    assert deviation[0, 0] == pytest.approx(5**0.5)
    assert deviation[0, 1] == pytest.approx(1e-4)


def test_losses_are_what_the_transfer_misses(model, pair):
    content, style = (part[:4] for part in pair)
    drawn = model.decoder(given(model, content, style)) / 2 + 0.5  # not clipped
    content_loss, style_loss = model.losses(content, style)
    assert float(style_loss) == pytest.approx(gap(model, drawn, style), rel=1e-3)
    missed = squares(model.encode(drawn)[-1], given(model, content, style))
    assert float(content_loss) == pytest.approx(missed, rel=1e-3)


def test_sizes_need_not_be_those_of_the_training_images(model):
    drawn = model.transfer(torch.rand(2, 3, 32, 24), torch.rand(2, 3, 16, 40))
    assert drawn.shape == (2, 3, 32, 24)
    assert 0 <= float(drawn.min()) <= float(drawn.max()) <= 1


def test_a_trained_critic_can_encode_and_stays_as_it_is(images, pair):
    torch.manual_seed(1)
    critic = MODELS.get("stylegan2").make(DataSpec("shapes", (3, 16, 16)), {"channels": (8, 8, 8)}).critic
    encoder = nn.Sequential(critic.first, critic.blocks[0])
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    model = fit_style_transfer(images, encoder, seed=0, steps=2, batch=4)
    assert all(torch.equal(before[name], tensor) for name, tensor in encoder.state_dict().items())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.encoder.state_dict().items())
    assert all(weight.requires_grad for weight in critic.parameters())
    assert not any(weight.requires_grad for weight in model.encoder.parameters())
    drawn = model.transfer(*pair)
    assert drawn.shape == pair[0].shape
    drawn.sum().backward()
    assert all(weight.grad is not None for weight in model.decoder.parameters())


def test_the_encoder_is_frozen_once_it_is_learned(images):
    model = fit_style_transfer(images, seed=0, steps=2, batch=2)
    assert not model.encoder.training
    assert not any(weight.requires_grad for weight in model.encoder.parameters())
    assert all(weight.requires_grad for weight in model.decoder.parameters())


def test_it_depends_on_its_seed_alone(images):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = fit_style_transfer(images, seed=3, steps=2, batch=2)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(2)
    again, other = (fit_style_transfer(images, seed=seed, steps=2, batch=2) for seed in (3, 4))
    same, differs = (
        [torch.equal(*rows) for rows in zip(first.parameters(), net.parameters(), strict=True)]
        for net in (again, other)
    )
    assert all(same)
    assert not all(differs)


def test_an_untrained_decoder_fails_these_tests(model, images, pair):
    content, style = pair
    untrained = StyleTransfer(model.encoder, fit_style_transfer(images, seed=1, steps=0).decoder).requires_grad_(False)
    drawn = untrained.transfer(content, style)
    assert gap(untrained, drawn, style) > 0.25 * gap(untrained, content, style)
    assert squares(untrained.transfer(content, style, 0.0), content) > 0.5 * squares(
        content.mean(0).expand_as(content), content
    )


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_other_alphas_are_refused(model, pair, alpha):
    with pytest.raises(BadInput, match="alpha out of range; expected 0 to 1"):
        model.transfer(*pair, alpha)
