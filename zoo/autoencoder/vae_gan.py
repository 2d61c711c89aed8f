"""VAE-GAN: likeness as a critic sees it, not pixel by pixel (Larsen et al. 2016, arXiv:1512.09300).

The decoder of a VAE is the generator of a GAN, and log p(x | z) is of the critic's features, N(features of x, I). With

    prior     KL(q(z | x) || p(z))
    features  |f(x) - f(decoded z)|^2 / 2
    critic    the cross-entropy by which the critic tells x from images of both q(z | x) and p(z)

each network descends its own loss, all at the same point (algorithm 1):

    encoder   prior + features       it does not learn to convince the critic
    decoder   gamma features + adversarial
    critic    critic                 it does not learn to make images alike

There is no likelihood of pixels any more, nor a bound on one.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.autoencoder.coding import CodingModel
from zoo.autoencoder.networks import (
    SMALLEST,
    NetworkConfig,
    Shape,
    doubled,
    downward,
    make_decoder,
    make_encoder,
)
from zoo.autoencoder.posterior import WIDEST, DiagonalGaussian
from zoo.contracts import Batch, DataSpec, Draw, ModelInfo, Preset, Run
from zoo.descent import OPTIMIZERS
from zoo.losses import get_loss
from zoo.model import evaluating, frozen

EQUILIBRIUM = 0.68  # cross-entropy of a critic that cannot tell, some ln 2


class VAEGANConfig(NetworkConfig):
    """Settings of the VAE-GAN; ``lr`` and ``optimizer`` are of all three networks, ``norm`` of all but the critic.

    Attributes:
        channels: of encoder and decoder at half the full side; doubled with every halving.
        critic_channels: of the critic.
        depth: halvings of the critic after which its features are compared; few: colours and edges, many: parts.
        gamma: weight of the features for the decoder, beside that of convincing the critic.
        loss: what the decoder has against the critic: "minimax", as in the paper, or "non-saturating".
        margin: the critic rests while either of its cross-entropies, on real images and on fakes, is below .68 by more
            than this, the decoder while one is above by more; both move where both would rest. None: all always move.
    """

    network: Literal["conv"] = "conv"
    norm: Literal["none", "gn", "in", "ln", "bn"] = "bn"
    optimizer: Literal["adam", "adamax", "adagrad", "rmsprop"] = "rmsprop"
    lr: float = Field(5e-4, gt=0)
    critic_channels: int = Field(16, ge=1)
    depth: int = Field(1, ge=1)
    gamma: float = Field(0.2, ge=0)
    loss: Literal["minimax", "non-saturating"] = "non-saturating"
    margin: float | None = Field(0.4, gt=0)


class VAEGAN(CodingModel):
    """Square images of 8, 16, 32 ... pixels.

    Attributes:
        critic: images in [-1, 1] to logits.
    """

    info: ClassVar = ModelInfo(
        name="vae-gan",
        title="VAE-GAN",
        paper="Larsen et al. 2016, arXiv:1512.09300",
        summary="a VAE whose images are compared, and judged, by a critic",
        family="autoencoder",
    )
    config: VAEGANConfig
    config_type: ClassVar = VAEGANConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits32", steps=2, batch=8, config={"channels": 4, "latent": 4, "critic_channels": 4}),
        "small": Preset("digits32", steps=2500, batch=48, config={"lr_decay": "linear", "up": "bilinear"}),
        "paper": Preset(
            "torchvision:CelebA@64",
            steps=150_000,
            batch=64,
            config={
                "latent": 128,
                "channels": 64,
                "critic_channels": 32,
                "depth": 3,
                "lr": 3e-4,
                "loss": "minimax",
                "gamma": 1e-5,
            },
            is_tested=False,
            source="repository",
            gpus=1,
        ),
    }
    variants: ClassVar = {"ungated": {"margin": None}, "transposed": {"up": "transposed"}}

    def __init__(self, config: VAEGANConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.encoder = make_encoder(config, spec.shape, 2 * config.latent)
        self.decoder = make_decoder(config, spec.shape)
        self.critic = FeatureCritic(spec.shape, config.critic_channels, config.depth)
        self.loss = get_loss(config.loss)

    # ------------------------------------------------------------------------------------------- training

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return one optimizer for each network."""
        make, config = OPTIMIZERS[self.config.optimizer], self.config
        networks = {"decoder": self.decoder, "encoder": self.encoder, "critic": self.critic}
        return {
            name: make(network.parameters(), lr=config.lr, weight_decay=config.weight_decay)  # type: ignore[call-arg]
            for name, network in networks.items()
        }

    def train_step(self, draw: Draw, run: Run) -> dict[str, Tensor]:
        """Do one update of every network that does not rest."""
        with run.autocast():
            losses = self.losses(draw(run.batch), run)
        for network in self.moving(run.mean(losses["real"]), run.mean(losses["fake"])):
            run.descend(network, losses[network])
        return losses

    def losses(self, batch: Batch, run: Run) -> dict[str, Tensor]:
        """Return what each network descends, by its name, and the parts of that.

        None has a gradient for another network, nor do the weights of one matter to those that follow it in the order
        of ``moving``: all gradients are at the same point.
        """
        x, posterior, gamma = batch.x, self._posterior(batch.x), self.config.gamma
        code = posterior.draw()
        z = code.detach().requires_grad_()  # no gradient of the adversarial loss goes further
        fakes = self.decoder(torch.cat([z, self.prior(len(z), None)])).tanh()
        with frozen(self.critic):
            seen = self.critic.features(fakes)
            features = unlikeness(seen[: len(x)], self.critic.features(x))
            adversarial = self.loss.generator(self.critic.judge(seen))
        (slope,) = torch.autograd.grad(features, z, retain_graph=True)
        prior = posterior.kl().sum(1).mean()
        real, fake = F.softplus(-self.critic(x)).mean(), F.softplus(self.critic(fakes.detach())).mean()
        return {
            "decoder": gamma * features + adversarial,
            "encoder": prior + features.detach() + (slope * (code - z.detach())).sum(),  # of first order in the code
            "critic": real + fake,
            "prior": prior,
            "features": features,
            "adversarial": adversarial,
            "real": real,
            "fake": fake,
        }

    def moving(self, real: Tensor, fake: Tensor) -> tuple[str, ...]:
        """Return the networks to be updated, of the critic's cross-entropies on real images and on fakes."""
        margin = self.config.margin
        if margin is None:
            return "decoder", "encoder", "critic"
        strays = torch.stack([real, fake]) - EQUILIBRIUM
        wins, loses = bool(strays.min() < -margin), bool(strays.max() > margin)
        if wins == loses:
            return "decoder", "encoder", "critic"
        return ("decoder", "encoder") if wins else ("encoder", "critic")

    def _posterior(self, x: Tensor) -> DiagonalGaussian:
        mean, log_variance = self.encoder(x).float().chunk(2, dim=1)
        return DiagonalGaussian(mean, log_variance.clamp(-WIDEST, WIDEST))

    # ------------------------------------------------------------------------------------------- capabilities

    def code(self, x: Tensor) -> Tensor:
        """Return the means of the posteriors."""
        return self._posterior(x).mean

    def picture(self, outputs: Tensor) -> Tensor:
        """Return the decoder's images in [0, 1]."""
        return self.to_unit(outputs.tanh())

    def prior(self, n: int, generator: torch.Generator | None, truncation: float | None = None) -> Tensor:
        """Return n codes float32 [n, latent] of N(0, t^2 I), t = ``truncation``, the temperature."""
        return self.temperature(truncation) * torch.randn(n, self.config.latent, generator=generator).to(self.device)

    def criticise(self, x: Tensor, labels: Any = None) -> Tensor:
        """Return logits [n] of images in [0, 1], higher for real."""
        self.pick_labels(len(x), labels, None)
        with evaluating(self.critic):
            return self.critic(self.from_unit(x.to(self.device)))


class FeatureCritic(nn.Module):
    """Images [n, c, s, s] in [-1, 1] to features, and these to logits; nothing mixes images.

    Args:
        shape: of the images.
        channels: at s / 2; doubled with every halving.
        depth: halvings before the features.
    """

    def __init__(self, shape: Shape, channels: int, depth: int) -> None:
        super().__init__()
        widths = doubled(channels, shape[-1])
        if depth > len(widths):
            raise BadInput(
                f"model 'vae-gan': depth too large; expected at most the {len(widths)} halvings of such images, got "
                f"{depth}. Lower it."
            )
        blocks = downward(shape[0], widths)
        self.features = blocks[:depth]
        last = nn.Linear(widths[-1] * SMALLEST**2, 1)
        self.judge = nn.Sequential(*blocks[depth:], nn.Flatten(), last, nn.Flatten(0))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [n]."""
        return self.judge(self.features(x))


def unlikeness(found: Tensor, wanted: Tensor) -> Tensor:
    """Return -log N(wanted; found, I) but for its constant, in nats: summed over features, mean over images."""
    return 0.5 * (found - wanted).square().flatten(1).sum(1).mean()
