"""CoGAN: what the two domains share, and that nothing else passes between them."""

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from bare import BareRun, deal
from torch import nn

from genbench.errors import BadInput, UnknownName
from zoo import MODELS
from zoo.contracts import Batch, DataSpec
from zoo.data import open_data
from zoo.deck import Deck, describe
from zoo.gan.cogan import CoGAN

SPEC = DataSpec("domains", (1, 16, 16), partner_shape=(3, 16, 16))
ALIKE = DataSpec("domains", (1, 16, 16), partner_shape=(1, 16, 16))


def make(spec=SPEC, **settings):
    torch.manual_seed(0)
    return CoGAN.make(spec, {"channels": 4, "latent": 8} | settings)


def batch(n=6, spec=SPEC):
    return Batch(torch.rand(n, *spec.shape) * 2 - 1, partner=torch.rand(n, *spec.partner_shape) * 2 - 1)


def private(net, domain):
    """Names of the parameters that only one domain has."""
    part = "last" if hasattr(net, "pair") else "first"
    return {name for name, _ in net.named_parameters() if name.startswith(f"{part}.{domain}.")}


def test_generators_differ_in_the_last_layer_and_critics_in_the_first():
    model = make()
    for net, (a, b) in ((model.generator, (8 * 16, 8 * 48)), (model.critic, (8 * 8, 8 * 24))):
        weights = {name: weight.numel() for name, weight in net.named_parameters()}
        for domain, count in enumerate((4 * 16 * SPEC.shape[0], 4 * 16 * SPEC.partner_shape[0])):
            owned = {name: weights[name] for name in private(net, domain)}
            assert len(owned) == 2
            assert max(owned.values()) == count
        assert sum(weights.values()) > 2 * (a + b)


def test_shared_layers_are_one_object_a_private_layer_is_another():
    model = make(ALIKE)
    assert model.generator.last[0][0].weight is not model.generator.last[1][0].weight
    assert not torch.equal(model.generator.last[0][0].weight, model.generator.last[1][0].weight)
    counts = [sum(weight.numel() for weight in net.parameters()) for net in (model.generator, model.critic)]
    single = MODELS.get("dcgan").make(DataSpec("one", (1, 16, 16)), {"channels": 4, "latent": 8})
    alone = [sum(weight.numel() for weight in net.parameters()) for net in (single.generator, single.critic)]
    assert [two - one for two, one in zip(counts, alone, strict=True)] == [4 * 16 + 1, 4 * 16 + 4]


@pytest.mark.parametrize("domain", [0, 1])
def test_a_domain_reaches_what_is_shared_and_its_own_layer(domain):
    model, x = make(), batch()
    logits = model.critic(model.generator(torch.randn(6, 8), domain), domain)
    logits.sum().backward()
    for net in (model.generator, model.critic):
        untouched = {name for name, weight in net.named_parameters() if weight.grad is None}
        assert untouched == private(net, 1 - domain)
    assert model.critic((x.x, x.partner)[domain], domain).shape == (6,)


def test_one_latent_has_the_same_features_in_both_domains():
    model, z, seen = make(), torch.randn(4, 8), []
    for last in model.generator.last:
        last.register_forward_hook(lambda _m, given, _o: seen.append(given[0]))
    first, second = model.generator.pair(z)
    assert torch.equal(seen[0], seen[1])
    assert torch.allclose(first, model.generator(z, 0))
    assert torch.allclose(second, model.generator(z, 1))
    assert (first.shape, second.shape) == ((4, 1, 16, 16), (4, 3, 16, 16))


def swapped(model):
    """Return a copy whose two domains have changed places."""
    other = deepcopy(model)
    for net in (other.generator, other.average):
        net.last = nn.ModuleList(reversed(net.last))
    other.critic.first = nn.ModuleList(reversed(other.critic.first))
    return other


def test_the_domains_are_alike():
    """Swapping data and private layers changes no loss."""
    model, seen = make(ALIKE), batch(spec=ALIKE)
    mirror = swapped(model)

    def losses(this, examples):
        torch.manual_seed(2)
        run = BareRun(this, 6)
        logs = this.train_critic(examples, run) | this.train_generator(run)
        return {name: float(value.detach()) for name, value in logs.items()}

    assert losses(model, seen) == pytest.approx(losses(mirror, Batch(seen.partner, partner=seen.x)), abs=1e-6)


def test_losses_are_means_over_the_domains_with_one_latent():
    model, seen = make(critic_norm="none"), batch()
    before, run = deepcopy(model), BareRun(model, 6)
    torch.manual_seed(2)
    logged = float(model.train_critic(seen, run)["critic"].detach())
    torch.manual_seed(2)
    with torch.no_grad():
        fakes = before.generator.pair(before.prior(6, None))
        each = [
            F.softplus(-before.critic(real, i)).mean() + F.softplus(before.critic(fake, i)).mean()
            for i, (real, fake) in enumerate(zip((seen.x, seen.partner), fakes, strict=True))
        ]
    assert logged == pytest.approx(float(sum(each)) / 2, abs=1e-6)
    between = deepcopy(model)
    torch.manual_seed(3)
    logged = float(model.train_generator(run)["generator"].detach())
    torch.manual_seed(3)
    with torch.no_grad():
        fakes = between.generator.pair(between.prior(6, None))
        each = [F.softplus(-between.critic(fake, i)).mean() for i, fake in enumerate(fakes)]
    assert logged == pytest.approx(float(sum(each)) / 2, abs=1e-6)


def test_penalties_are_of_both_domains():
    model, seen = make(critic_norm="none", r1=2.0), batch()
    before = deepcopy(model)
    logged = float(model.train_critic(seen, BareRun(model, 6))["r1"].detach())
    each = [
        float(before.critic_penalties(x, x, i, BareRun(before))["r1"].detach())
        for i, x in enumerate((seen.x, seen.partner))
    ]
    assert each[0] != each[1]
    assert logged == pytest.approx(sum(each) / 2, rel=1e-4)


def test_lazy_penalties_come_every_few_updates():
    model, seen = make(critic_norm="none", r1=2.0, r1_every=4), batch()
    logs = [model.train_critic(seen, BareRun(model, 6, step)) for step in range(5)]
    assert ["r1" in log for log in logs] == [True, False, False, False, True]


def test_each_update_moves_its_own_network_wholly():
    model = make()
    run = BareRun(model, 6)
    for update, net, other in (
        (lambda: model.train_critic(batch(), run), model.critic, model.generator),
        (lambda: model.train_generator(run), model.generator, model.critic),
    ):
        moved, still = ([weight.clone() for weight in one.parameters()] for one in (net, other))
        update()
        assert not any(torch.equal(old, new) for old, new in zip(moved, net.parameters(), strict=True))
        assert all(torch.equal(old, new) for old, new in zip(still, other.parameters(), strict=True))


def test_sampled_pairs_share_their_latent():
    model = make()
    model.calibrate(torch.Generator().manual_seed(0))
    first, second = model.sample_pair(5, torch.Generator().manual_seed(1))
    assert torch.equal(first, model.sample(5, torch.Generator().manual_seed(1)))
    z = model.prior(5, torch.Generator().manual_seed(1))
    again = model.sample_pair(5, torch.Generator(), z=z)
    assert torch.equal(second, again[1])
    for images in (first, second):
        assert 0 <= float(images.min()) <= float(images.max()) <= 1


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (DataSpec("one", (1, 32, 32)), "two domains of images of one size, got one domain"),
        (DataSpec("sizes", (1, 32, 32), partner_shape=(1, 16, 16)), "two domains of images of one size"),
        (DataSpec("pairs", (1, 32, 32), partner_shape=(1, 32, 32), is_paired=True), "unpaired domains"),
        (DataSpec("odd", (1, 24, 24), partner_shape=(1, 24, 24)), "square images"),
    ],
)
def test_other_data_are_refused(spec, message):
    with pytest.raises(BadInput, match=message):
        make(spec)


def test_the_default_data_are_no_pairs():
    """What comes together in a batch does not belong together: the partner is no edge picture of x."""
    from zoo.data.edges import edges

    examples = open_data("digits_edge")
    assert not describe(examples).is_paired
    dealt = Deck(examples, 0, "cpu").draw(64)
    own = torch.from_numpy(edges(((dealt.x + 1) * 127.5).round().byte().numpy())).float() / 127.5 - 1
    gaps = (dealt.partner - own).abs().mean((1, 2, 3))
    assert float(gaps.min()) > 0.05


class Coat(nn.Module):
    """A generator that is easily inverted: z is the picture, B is A in negative."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, z, domain=None):
        return (-1 if domain else 1) * (z.view(-1, 1, 16, 16) * self.weight).tanh()

    def pair(self, z):
        return self(z, 0), self(z, 1)


def test_translating_goes_through_the_latent_both_ways():
    model = make(ALIKE, latent=256, lr_inversion=0.1)
    model.average = Coat()
    x = torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1
    for src, dst in (("A", "B"), ("B", "A")):
        assert torch.allclose(model.translate(x, src, dst), 1 - x, atol=0.02)
        assert torch.allclose(model.translate(x, src, src), x, atol=0.02)
    assert not torch.allclose(model.translate(x, steps=1), 1 - x, atol=0.1)


def test_translating_changes_nothing_and_depends_on_the_generator_alone():
    model = make()
    x = torch.rand(3, 1, 16, 16)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.manual_seed(1)
    first = model.translate(x, steps=3)
    torch.manual_seed(2)
    assert torch.equal(first, model.translate(x, steps=3))
    assert not torch.equal(first, model.translate(x, steps=3, generator=torch.Generator().manual_seed(9)))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert first.shape == (3, 3, 16, 16)
    assert not first.requires_grad
    assert model.training


def test_a_translation_that_makes_no_sense_is_refused():
    model = make()
    with pytest.raises(BadInput, match="not an image of domain B"):
        model.translate(torch.rand(2, 1, 16, 16), "B", "A")
    with pytest.raises(UnknownName, match="expected one of A, B"):
        model.translate(torch.rand(2, 1, 16, 16), "A", "C")


def test_weights_decay_by_the_setting():
    groups = [one.param_groups[0] for one in make(weight_decay=5e-4).optimizers().values()]
    assert [group["weight_decay"] for group in groups] == [5e-4, 5e-4]


@pytest.mark.slow
def test_two_domains_that_differ_in_sign_come_out_as_pairs():
    """Bright or dark discs, and their negatives, unpaired: one latent must draw the same disc in both."""
    torch.manual_seed(0)
    level = torch.rand(1024) * 1.6 - 0.8
    middle = (torch.cartesian_prod(torch.arange(16.0), torch.arange(16.0)) - 7.5).norm(dim=1).view(16, 16) < 5
    x = torch.where(middle, level[:, None, None], torch.tensor(-1.0))[:, None]
    draw = deal(x, partner=-x)
    model = make(ALIKE, channels=8, latent=16, lr_generator=1e-3, lr_critic=1e-3)
    run = BareRun(model, 64)
    for _ in range(250):
        model.train_step(draw, run)
    with torch.no_grad():
        first, second = model.generator.pair(torch.randn(256, 16))
    own = (first + second).abs().mean()
    shuffled = (first + second.roll(1, 0)).abs().mean()
    assert float(own) < 0.6 * float(shuffled)
