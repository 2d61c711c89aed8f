"""The two updates of an adversarial model: what each may touch."""

import math
from contextlib import nullcontext

import pytest
import torch

from genbench.errors import BadInput
from zoo import MODELS
from zoo.contracts import Batch, DataSpec

SPEC = DataSpec("noise", (1, 32, 32))


class Recorder:
    """A ``contracts.Run`` that takes plain steps and remembers what had gradients."""

    step, images, batch, progress = 0, 0, 4, 0.0

    def __init__(self, model):
        self.optimizers, self.model, self.touched = model.optimizers(), model, {}

    def autocast(self):
        return nullcontext()

    def descend(self, optimizer, loss):
        self.model.zero_grad()
        loss.backward()
        named = self.model.named_parameters()
        self.touched[optimizer] = {name.split(".")[0] for name, weight in named if weight.grad is not None}
        self.optimizers[optimizer].step()


@pytest.fixture
def model():
    torch.manual_seed(3)
    return MODELS.get("gan").make(SPEC, {"widths": (16,)})


def batch(n=4):
    return Batch(torch.rand(n, 1, 32, 32) * 2 - 1)


def test_each_update_reaches_its_own_network_alone(model):
    run = Recorder(model)
    model.train_step(lambda n: batch(n), run)
    assert run.touched == {"critic": {"critic"}, "generator": {"generator"}}


def test_the_critic_sees_fresh_examples_in_each_of_its_updates():
    torch.manual_seed(3)
    model = MODELS.get("gan").make(SPEC, {"widths": (16,), "critic_steps": 3})
    asked = []
    model.train_step(lambda n: (asked.append(n), batch(n))[1], Recorder(model))
    assert asked == [4, 4, 4]


def test_a_lazy_penalty_is_as_large_as_the_steps_it_stands_for(model):
    torch.manual_seed(0)
    lazy = MODELS.get("gan").make(SPEC, {"widths": (16,), "r1": 1.0, "r1_every": 4})
    lazy.critic.load_state_dict(model.critic.state_dict())
    real = batch().x
    run = Recorder(lazy)
    terms = [lazy.lazy_critic_penalties(real, None, run).get("r1") for run.step in range(5)]
    every = MODELS.get("gan").make(SPEC, {"widths": (16,), "r1": 1.0})
    every.critic.load_state_dict(model.critic.state_dict())
    once = every.critic_penalties(real, real, None, run)["r1"]
    assert [term is not None for term in terms] == [True, False, False, False, True]
    assert float(terms[0].detach()) == pytest.approx(4 * float(once.detach()), rel=1e-5)


def test_a_lazy_critic_has_its_adam_corrected():
    model = MODELS.get("gan").make(SPEC, {"r1": 1.0, "r1_every": 16, "beta1": 0.0, "beta2": 0.99})
    critic, generator = (model.optimizers()[name].param_groups[0] for name in ("critic", "generator"))
    assert critic["lr"] == pytest.approx(2e-4 * 16 / 17)
    assert critic["betas"] == pytest.approx((0.0, 0.99 ** (16 / 17)))
    assert generator["lr"] == 2e-4


def test_a_truncated_prior_is_the_truncated_normal(model):
    from scipy.stats import kstest, truncnorm

    z = model.prior(2000, torch.Generator().manual_seed(0), truncation=0.7).flatten().numpy()
    assert abs(z).max() <= 0.7
    assert kstest(z[:20000], truncnorm(-0.7, 0.7).cdf).pvalue > 1e-3
    wide = model.prior(4, torch.Generator().manual_seed(0), truncation=math.inf)
    assert torch.equal(wide, model.prior(4, torch.Generator().manual_seed(0)))


def test_a_uniform_prior_stays_in_its_range():
    model = MODELS.get("gan").make(SPEC, {"prior": "uniform"})
    z = model.prior(500, torch.Generator().manual_seed(0))
    assert float(z.abs().max()) <= 1
    assert float(z.mean()) == pytest.approx(0, abs=0.02)
    assert float(model.prior(500, torch.Generator().manual_seed(0), truncation=0.3).abs().max()) <= 0.3


def test_data_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match="cannot learn such data; expected square images"):
        MODELS.get("dcgan").make(DataSpec("odd", (3, 24, 24)))
