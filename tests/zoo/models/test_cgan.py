"""The conditional GAN: that the class is heard, by both networks, and never mixed up."""

import pytest
import torch
import torch.nn.functional as F
from bare import BareRun, deal
from torch import nn

from genbench.errors import BadInput
from zoo import MODELS
from zoo.contracts import Batch, DataSpec
from zoo.gan.cgan import other_labels

CLASSES = 4
SPEC = DataSpec("noise", (3, 16, 16), class_shares=(0.4, 0.3, 0.2, 0.1))


def make(spec=SPEC, **settings):
    torch.manual_seed(0)
    return MODELS.get("cgan").make(spec, {"channels": 4, "latent": 8} | settings)


def noise(n=8, seed=1):
    return torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Painter(nn.Module):
    """Draws its label as a grey level, red as the sign of a generated image."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, z, labels):
        return painted(labels, red=-1.0) * self.weight


class Witness(nn.Module):
    """Remembers of each call whether the images are real, and which labels were drawn and told."""

    def __init__(self):
        super().__init__()
        self.weight, self.calls = nn.Parameter(torch.ones(())), []

    def forward(self, x, labels):
        drawn = (x[:, 1, 0, 0].detach() * CLASSES).round().long()
        self.calls.append((bool((x[:, 0] > 0).all()), drawn, labels))
        return x.mean((1, 2, 3)) * self.weight


def painted(labels, red=1.0):
    images = (labels / CLASSES)[:, None, None, None].expand(-1, 3, 16, 16).clone()
    images[:, 0] = red
    return images


def staged(**settings):
    """Return a model of the two, and a batch painted with its labels."""
    model = make(**settings)
    model.generator, model.critic = Painter(), Witness()
    labels = torch.randint(CLASSES, (32,))
    return model, BareRun(model, 32), Batch(painted(labels), labels)


def test_every_image_is_judged_with_its_own_label():
    model, run, batch = staged()
    model.train_critic(batch, run)
    model.train_generator(run)
    assert [is_real for is_real, _, _ in model.critic.calls] == [True, False, False]
    for _, drawn, told in model.critic.calls:
        assert torch.equal(drawn, told)
        assert told.dtype == torch.int64
    assert torch.equal(model.critic.calls[0][2], batch.labels)


def test_a_mismatch_is_a_real_image_with_a_wrong_label():
    model, run, batch = staged(mismatch=True)
    model.train_critic(batch, run)
    wrong = [(is_real, drawn, told) for is_real, drawn, told in model.critic.calls if not torch.equal(drawn, told)]
    assert len(model.critic.calls) == 3
    assert len(wrong) == 1
    is_real, drawn, told = wrong[0]
    assert is_real
    assert not (drawn == told).any()


def test_mismatches_are_half_of_the_fakes():
    model = make(mismatch=True, critic_norm="none")
    real, fake, labels = noise(), noise(seed=2), torch.arange(8) % CLASSES
    torch.manual_seed(3)
    loss = float(model.critic_loss(real, labels, fake, labels).detach())
    torch.manual_seed(3)
    wrong = other_labels(labels, CLASSES)
    with torch.no_grad():
        parts = [model.critic(real, labels), model.critic(fake, labels), model.critic(real, wrong)]
    true, false, mismatched = (F.softplus(sign * part).mean() for sign, part in zip((-1, 1, 1), parts, strict=True))
    assert loss == pytest.approx(float(true + (false + mismatched) / 2), abs=1e-6)


def test_wrong_labels_are_evenly_drawn_from_the_others():
    torch.manual_seed(0)
    labels = torch.full((9000,), 2)
    counts = torch.bincount(other_labels(labels, CLASSES), minlength=CLASSES)
    assert counts[2] == 0
    assert (counts[[0, 1, 3]] - 3000).abs().max() < 200


def test_the_label_is_one_hot_beside_z():
    generator = make().generator
    assert generator.stem[0].in_channels == 8 + CLASSES
    z, seen = torch.randn(2, 8), []
    generator.stem[0].register_forward_hook(lambda _m, given, _o: seen.append(given[0].flatten(1)))
    generator(z, torch.tensor([3, 0]))
    assert torch.equal(seen[0], torch.cat([z, torch.tensor([[0.0, 0, 0, 1], [1, 0, 0, 0]])], 1))


def test_the_label_is_constant_planes_beside_the_image():
    critic, x, seen = make().critic, noise(2), []
    critic.first.conv.register_forward_hook(lambda _m, given, _o: seen.append(given[0]))
    critic(x, torch.tensor([3, 0]))
    planes = seen[0][:, 3:]
    assert torch.equal(seen[0][:, :3], x)
    assert torch.equal(planes.amax((2, 3)), torch.tensor([[0.0, 0, 0, 1], [1, 0, 0, 0]]))
    assert torch.equal(planes.amax((2, 3)), planes.amin((2, 3)))


def test_the_label_changes_images_and_judgements():
    model = make()
    model.calibrate(torch.Generator().manual_seed(0))
    z = model.prior(1, torch.Generator().manual_seed(0))
    images = torch.cat([model.decode(z, label) for label in range(CLASSES)])
    logits = torch.stack([model.criticise(noise(3) / 2 + 0.5, label) for label in range(CLASSES)])
    for first in range(CLASSES):
        for second in range(first):
            assert float((images[first] - images[second]).detach().abs().max()) > 1e-3
            assert float((logits[first] - logits[second]).detach().abs().min()) > 1e-5


def test_labels_are_drawn_with_the_shares_of_the_data():
    counts = torch.bincount(make().pick_labels(20_000, None, torch.Generator().manual_seed(0)))
    assert (counts / 20_000 - torch.tensor(SPEC.class_shares)).abs().max() < 0.02


def test_data_without_classes_are_refused():
    with pytest.raises(BadInput, match="needs classes"):
        make(DataSpec("photographs", (3, 32, 32)))


def test_a_mismatch_needs_a_second_class():
    with pytest.raises(BadInput, match="needs a wrong label"):
        make(DataSpec("ones", (1, 32, 32), class_shares=(1.0,)), mismatch=True)


def test_a_critic_that_judges_asks_for_the_class():
    with pytest.raises(BadInput, match="expected labels"):
        make().criticise(noise(2) / 2 + 0.5)


@pytest.mark.slow
def test_it_learns_which_class_is_bright():
    """Dark and bright images: after a short training what is drawn is as bright as its class, before it is not."""
    torch.manual_seed(0)
    labels = torch.randint(2, (512,))
    x = ((labels * 1.2 - 0.6)[:, None, None, None] + 0.1 * torch.randn(512, 1, 16, 16)).clamp(-1, 1)
    model = make(DataSpec("grey", (1, 16, 16), class_shares=(0.5, 0.5)), channels=8, lr_generator=1e-3, lr_critic=1e-3)

    def brightness():
        z = model.prior(64, torch.Generator().manual_seed(0))
        with torch.no_grad():  # both classes in one batch: of one alone, batch norm takes what they differ in
            return [float(half.mean()) for half in model.generator(z, torch.arange(64) // 32).chunk(2)]

    before, run, draw = brightness(), BareRun(model, 64), deal(x, labels)
    for _ in range(150):
        model.train_step(draw, run)
    dark, bright = brightness()
    assert abs(before[1] - before[0]) < 0.2
    assert dark < -0.3
    assert bright > 0.3
