"""Every step of a flow: it can be undone, and its log-determinant is that of autograd's Jacobian."""

import math
from functools import partial

import pytest
import torch
from torch.autograd.functional import jacobian

from zoo.flow.coupling import BOUND, Coupling, MaskedCoupling, ZeroConv, bounded, checkerboard, halves
from zoo.flow.multiscale import MultiScale, Split
from zoo.flow.norms import ActNorm, BatchNorm, learning
from zoo.flow.realnvp import ResidualNet, fully_connected
from zoo.flow.steps import Chain, InvertibleConv, Logit, Squeeze

SHAPE = (4, 4, 2)  # few numbers, sides that differ


def shaken(step, scale=0.3):
    """Return ``step`` in float64 with weights and statistics that are not those of the start."""
    step = step.double()
    for part in step.modules():
        if isinstance(part, BatchNorm):
            part.mean.normal_()
            part.variance.uniform_(0.3, 3)
    for weight in step.parameters():
        weight.data += scale * torch.randn_like(weight)
    return step


def single(step):
    """Return ``step`` as a map of one row."""
    return lambda row: step(row[None])[0][0].flatten()


def masked(mask, channels=SHAPE[0]):
    net = ResidualNet(channels, 5, 2) if mask.ndim == 4 else fully_connected(channels, 5, 2)
    return MaskedCoupling(mask, net)


def two_scales(learned):
    first = Chain(Logit(), Squeeze(), ActNorm(16), InvertibleConv(16), Coupling(16, 5))
    return MultiScale([first, Chain(ActNorm(8), Coupling(8, 5))], [Split((16, 2, 1), learned)], (8, 2, 1))


STEPS = {
    "logit": lambda: Logit(),
    "squeeze": lambda: Squeeze(),
    "1x1": lambda: InvertibleConv(4),
    "actnorm": lambda: ActNorm(4),
    "batchnorm": lambda: BatchNorm(4, 0.9),
    "affine": lambda: Coupling(4, 6),
    "additive": lambda: Coupling(4, 6, affine=False),
    "odd": lambda: Chain(Coupling(4, 6), InvertibleConv(4)),
    "checkerboard": lambda: masked(checkerboard(4, 2, 0)),
    "other checkerboard": lambda: masked(checkerboard(4, 2, 1)),
    "channels": lambda: masked(halves(SHAPE, 1)),
    "other channels": lambda: masked(halves(SHAPE, 0)),
    "scales": lambda: two_scales(learned=False),
    "scales with priors": lambda: two_scales(learned=True),
}


@pytest.fixture(params=STEPS)
def step(request):
    torch.manual_seed(len(request.param))
    return shaken(STEPS[request.param]())


def data(n=3, shape=SHAPE):
    return torch.rand(n, *shape, dtype=torch.float64) * 0.98 + 0.01


def test_a_step_can_be_undone(step):
    x = data()
    y, _ = step(x)
    assert not torch.allclose(y.flatten(), x.flatten())
    assert torch.allclose(step.inverse(y), x, atol=1e-10)
    assert torch.allclose(step(step.inverse(y))[0], y, atol=1e-10)


def test_a_step_can_be_undone_in_32_bits(step):
    step, x = step.float(), data().float()
    assert torch.allclose(step.inverse(step(x)[0]), x, atol=1e-4)


def test_the_log_determinant_is_that_of_the_jacobian(step):
    x = data()
    _, log_det = step(x)
    assert log_det.shape == (3,)
    for row, found in zip(x, log_det, strict=True):
        matrix = jacobian(single(step), row).reshape(row.numel(), row.numel())
        assert float(found.detach()) == pytest.approx(float(torch.linalg.slogdet(matrix)[1]), abs=1e-8)


def test_the_log_determinants_of_these_steps_are_not_all_zero():
    """Else the test above would pass with none."""
    torch.manual_seed(0)
    for name in set(STEPS) - {"squeeze", "additive"}:
        assert float(shaken(STEPS[name]())(data())[1].detach().abs().min()) > 1e-3, name


@pytest.mark.parametrize("mask", [halves((2,), 0), halves((2,), 1), halves((5,), 1)])
def test_points_are_coupled_too(mask):
    torch.manual_seed(0)
    step, x = shaken(masked(mask, mask.shape[1])), torch.randn(4, mask.shape[1], dtype=torch.float64)
    y, log_det = step(x)
    assert torch.allclose(step.inverse(y), x, atol=1e-10)
    assert torch.equal(y[:, mask[0] == 1], x[:, mask[0] == 1])
    expected = torch.linalg.slogdet(jacobian(single(step), x[0]))[1]
    assert float(log_det[0].detach()) == pytest.approx(float(expected), abs=1e-10)


def test_rows_are_independent(step):
    x = data(4)
    (whole, log_det), (alone, log_det_alone) = step(x), step(x[2:3])
    assert torch.allclose(whole[2:3], alone, atol=1e-12)
    assert torch.allclose(log_det[2:3], log_det_alone, atol=1e-12)


def test_latents_have_gradients_through_the_inverse(step):
    y = step(data())[0].detach().requires_grad_()
    (slope,) = torch.autograd.grad(step.inverse(y).square().sum(), y)
    assert bool(slope.isfinite().all())
    assert float(slope.abs().max()) > 0


# --------------------------------------------------------------------------------------------- single steps


def test_factors_make_the_dense_convolution():
    torch.manual_seed(0)
    step = shaken(InvertibleConv(6))
    lower, upper = step.factors()
    dense = step.permutation @ lower @ upper
    x = data(2, (6, 3, 5))
    y, log_det = step(x)
    assert torch.allclose(y, torch.einsum("ij,njhw->nihw", dense, x))
    assert torch.allclose(log_det, 15 * torch.linalg.slogdet(dense)[1].expand(2))
    assert torch.allclose(step.inverse(y), torch.einsum("ij,njhw->nihw", torch.linalg.inv(dense), y))
    assert torch.equal(lower.diagonal(), torch.ones(6).double())
    assert torch.equal(lower.triu(1), torch.zeros(6, 6).double())
    assert torch.equal(upper.tril(-1), torch.zeros(6, 6).double())


def test_a_convolution_starts_as_a_rotation():
    torch.manual_seed(0)
    step = InvertibleConv(7).double()
    lower, upper = step.factors()
    dense = step.permutation @ lower @ upper
    assert torch.allclose(dense @ dense.T, torch.eye(7).double(), atol=1e-5)
    assert float(step(data(1, (7, 2, 2)))[1].detach()) == pytest.approx(0, abs=1e-5)
    assert not torch.allclose(dense.abs(), torch.eye(7).double(), atol=0.1)


@pytest.mark.parametrize(
    "step", [Coupling(4, 6), Coupling(5, 6, affine=False), masked(checkerboard(4, 2, 1)), masked(halves(SHAPE, 0))]
)
def test_a_coupling_starts_as_the_identity(step):
    x = data(3, (5, 4, 2) if isinstance(step, Coupling) and not step.affine else SHAPE).float()
    y, log_det = step(x)
    assert torch.equal(y, x)
    assert torch.equal(log_det, torch.zeros(3))


def test_a_coupling_is_what_the_paper_says():
    """y_a = x_a, y_b = x_b exp(s(x_a)) + t(x_a), with a network that gives constants."""
    step = Coupling(4, 3).double()
    step.net[-1].conv.bias.data.copy_(torch.tensor([0.5, -0.25, 3.0, 4.0]))
    x = data()
    y, log_det = step(x)
    log_scale = bounded(torch.tensor([0.5, -0.25]).double())
    assert torch.equal(y[:, :2], x[:, :2])
    expected = x[:, 2:] * log_scale.exp().view(2, 1, 1) + torch.tensor([3.0, 4.0]).double().view(2, 1, 1)
    assert torch.allclose(y[:, 2:], expected)
    assert torch.allclose(log_det, (8 * log_scale.sum()).expand(3))


@pytest.mark.parametrize("make", [lambda: Coupling(4, 6), lambda: masked(checkerboard(4, 2, 0))])
def test_no_scale_is_out_of_bounds(make):
    step = make().double()
    for weight in step.parameters():
        weight.data.normal_(0, 30)
    x = data(64)
    y, log_det = step(x)
    assert bool(y.isfinite().all())
    assert float(log_det.detach().abs().max()) <= BOUND * 16
    assert float(bounded(torch.tensor(1e-3))) == pytest.approx(1e-3, rel=1e-5)


def test_what_the_mask_hides_is_without_effect_on_the_network():
    torch.manual_seed(0)
    for mask in (checkerboard(4, 2, 0), checkerboard(4, 2, 1), halves(SHAPE, 0), halves(SHAPE, 1)):
        step, x = shaken(masked(mask)), data()
        changed = x + (1 - mask) * torch.rand_like(x)
        keeps = (mask == 1).expand_as(x)
        assert torch.equal(step(changed)[1], step(x)[1])
        assert torch.equal(step(x)[0][keeps], x[keeps])
        assert not torch.allclose(step(x)[0][~keeps], x[~keeps])


def test_masks_complete_each_other():
    assert checkerboard(3, 4, 1)[0, 0].tolist() == [[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]]
    assert torch.equal(checkerboard(3, 4, 0), 1 - checkerboard(3, 4, 1))
    assert halves((5, 2, 2), 1).flatten().tolist() == [1, 1, 1, 0, 0]
    assert torch.equal(halves((5, 2, 2), 0), 1 - halves((5, 2, 2), 1))
    assert halves((2,), 1).tolist() == [[1, 0]]


def test_halves_after_a_squeeze_are_no_checkerboard():
    """Else a coupling of channels would repeat one of checkerboards: half of the channels is one row of each square."""
    x = torch.arange(32.0).reshape(1, 2, 4, 4)
    y, log_det = Squeeze()(x)
    assert y.shape == (1, 8, 2, 2)
    assert torch.equal(log_det, torch.zeros(1))
    assert y[0, :, 0, 0].tolist() == [0, 16, 1, 17, 4, 20, 5, 21]
    assert torch.equal(y[0, :4].flatten().sort().values, x[0, :, ::2].flatten().sort().values)


def test_numbers_at_the_edge_have_a_logit():
    x = torch.tensor([[0.0, 1.0, 0.5]])
    y, log_det = Logit()(x)
    assert y[0].tolist() == pytest.approx([math.log(0.05 / 0.95), math.log(0.95 / 0.05), 0], abs=1e-6)
    slopes = [0.9 / (p * (1 - p)) for p in (0.05, 0.95, 0.5)]
    assert float(log_det) == pytest.approx(sum(map(math.log, slopes)), rel=1e-6)


def test_a_gain_multiplies_exponentially():
    layer = ZeroConv(2, 2)
    layer.conv.bias.data.fill_(1.0)
    layer.gain.data[1] = 0.5
    assert layer(torch.zeros(1, 2, 1, 1)).flatten().tolist() == pytest.approx([1, math.exp(1.5)])


# --------------------------------------------------------------------------------------------- norms


@pytest.mark.parametrize("make", [ActNorm, partial(BatchNorm, momentum=0.9)])
@pytest.mark.parametrize("shape", [(3,), (3, 4, 2)])
def test_the_first_batch_gets_mean_0_and_variance_1(make, shape):
    torch.manual_seed(0)
    norm, x = make(3).double(), torch.randn(50, *shape).double() * 7 + 3
    with learning(norm, lambda mean: mean):
        y, _ = norm(x)
    axes = [0, *range(2, x.ndim)]
    assert torch.allclose(y.mean(axes), torch.zeros(3).double(), atol=1e-6)
    assert torch.allclose(y.var(axes, correction=0), torch.ones(3).double(), atol=1e-4)


def test_every_step_is_started_by_what_reaches_it():
    norms = ActNorm(4), ActNorm(4)
    chain = Chain(norms[0], shaken(InvertibleConv(4)).float(), norms[1])
    with learning(chain, lambda mean: mean):
        y, _ = chain(data(64).float())
    assert torch.allclose(y.var((0, 2, 3), correction=0), torch.ones(4), atol=1e-3)


def test_actnorm_is_started_once_and_its_state_says_so():
    norm, first, second = ActNorm(3), torch.randn(20, 3) * 2, torch.randn(20, 3) * 5 + 1
    with learning(norm, lambda mean: mean):
        norm(first)
        before = [weight.clone() for weight in norm.parameters()]
        norm(second)
    assert all(torch.equal(old, new) for old, new in zip(before, norm.parameters(), strict=True))
    resumed = ActNorm(3)
    resumed.load_state_dict(norm.state_dict())
    with learning(resumed, lambda mean: mean):
        resumed(second)
    assert all(torch.equal(old, new) for old, new in zip(before, resumed.parameters(), strict=True))


@pytest.mark.parametrize("make", [ActNorm, partial(BatchNorm, momentum=0.9)])
def test_statistics_are_taken_in_learning_alone(make):
    norm = make(3).train()
    before = {name: tensor.clone() for name, tensor in norm.state_dict().items()}
    norm(torch.randn(20, 3) + 5)
    assert all(torch.equal(before[name], tensor) for name, tensor in norm.state_dict().items())


def test_running_means_are_plain_at_first_and_exponential_then():
    norm = BatchNorm(1, momentum=0.75)
    batches = [torch.randn(10, 1) * (1 + place) + place for place in range(6)]
    mean = variance = None
    with learning(norm, lambda value: value):
        for place, x in enumerate(batches):
            norm(x)
            share = max(1 / (place + 1), 0.25)
            mean = x.mean() if mean is None else (1 - share) * mean + share * x.mean()
            own = x.var(correction=0)
            variance = own if variance is None else (1 - share) * variance + share * own
    assert float(norm.mean) == pytest.approx(float(mean), rel=1e-5)
    assert float(norm.variance) == pytest.approx(float(variance), rel=1e-5)


@pytest.mark.parametrize("make", [ActNorm, partial(BatchNorm, momentum=0.9)])
def test_statistics_are_those_of_all_processes(make):
    """Two processes, played one after the other: the means of the first are known when the second asks."""
    torch.manual_seed(0)
    parts = torch.randn(40, 2) * 3 + 1, torch.randn(40, 2) - 4
    whole = torch.cat(parts)
    means = [torch.stack([part.mean(0) for part in parts]).mean(0), None]
    means[1] = torch.stack([(part - means[0]).square().mean(0) for part in parts]).mean(0)
    norm, asked = make(2), iter(means)
    with learning(norm, lambda _: next(asked)):
        norm(parts[0])
    y, _ = norm(whole)
    assert torch.allclose(y.mean(0), torch.zeros(2), atol=1e-5)
    assert torch.allclose(y.var(0, correction=0), torch.ones(2), atol=1e-4)


# --------------------------------------------------------------------------------------------- scales


def test_what_leaves_is_measured_against_its_prior():
    """log N(z; m, s) of the half that leaves is log N(e; 0, 1) of what is given out, plus its log-determinant."""
    torch.manual_seed(0)
    split, x = shaken(Split((6, 3, 2), learned=True)), torch.randn(5, 6, 3, 2).double()
    stays, leaves, log_det = split(x)
    assert torch.equal(stays, x[:, :3])
    mean, log_deviation = split.prior(stays).chunk(2, 1)
    prior = torch.distributions.Normal(mean, bounded(log_deviation).exp())
    expected = prior.log_prob(x[:, 3:]).flatten(1).sum(1)
    found = torch.distributions.Normal(0, 1).log_prob(leaves).flatten(1).sum(1) + log_det
    assert torch.allclose(found, expected)


def test_latents_are_all_the_numbers_once():
    x = data(2)
    plain = MultiScale([Chain(Squeeze()), Chain()], [Split((16, 2, 1), learned=False)], (8, 2, 1))
    z, log_det = plain(x)
    assert z.shape == (2, 32)
    assert torch.equal(z.sort(1).values, x.flatten(1).sort(1).values)
    assert torch.equal(log_det, torch.zeros(2).double())
    assert torch.equal(z[:, :16], Squeeze()(x)[0][:, 8:].flatten(1))
    assert plain.middle(x).shape == (2, 16, 2, 1)
