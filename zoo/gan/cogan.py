"""CoGAN: two GANs that share what is common to two domains (Liu and Tuzel 2016, arXiv:1606.07536).

The generators differ in their last layer alone, the critics in their first: what an image shows is decided, and judged,
by shared weights, how it looks by private ones. Each critic sees one domain, no pair is ever shown; that one z makes
the same thing in both domains follows from the sharing. The loss is the mean of both domains', each with the same z.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from pydantic import NonNegativeFloat, PositiveFloat
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.contracts import Batch, DataSpec, ModelInfo, Preset, Run
from zoo.gan.dcgan import DCGAN, ConvCritic, ConvGenerator, DCGANConfig, refuse_other_sides, widths_of
from zoo.layers import DownBlock, UpConv, normal_
from zoo.layers.choice import chosen
from zoo.model import evaluating, frozen

DOMAINS = {"A": 0, "B": 1}
Domain = Literal["A", "B"]


class CoGANConfig(DCGANConfig):
    """Settings of CoGAN.

    Attributes:
        weight_decay: of Adam, in both networks.
        lr_inversion: learning rate of the search for the latent of a given image.
    """

    lr_generator: PositiveFloat = 1e-3  # at the critic's 2e-4 the critics win before the domains meet
    weight_decay: NonNegativeFloat = 0.0
    lr_inversion: PositiveFloat = 0.05


class CoGAN(DCGAN):
    """Two unpaired domains of square images of one size; ``x`` of a batch is domain A, ``partner`` domain B.

    Both networks take the domain, 0 or 1, where those of other models take labels.
    """

    info: ClassVar = ModelInfo(
        name="cogan",
        title="CoGAN",
        paper="Liu and Tuzel 2016, arXiv:1606.07536",
        summary="two GANs with shared layers draw the same thing in two domains, without pairs",
        family="gan",
    )
    config: CoGANConfig
    config_type: ClassVar = CoGANConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits_edge", steps=2, batch=8, config={"channels": 4, "latent": 16}),
        "small": Preset("digits_edge", steps=1500, batch=64, config={"up": "bilinear", "lr_critic": 5e-4}),
        "paper": Preset(
            "domains:mnist_edge@32",
            steps=25_000,
            batch=128,
            config={"latent": 100, "channels": 128, "lr_generator": 2e-4, "weight_decay": 5e-4},
            is_tested=False,
            gpus=1,
            source="repository",
        ),
    }

    def check(self, spec: DataSpec) -> None:
        """Take two domains of equally large square images that are not paired."""
        refuse_other_sides(self.info.name, spec)
        if spec.partner_shape is None or spec.partner_shape[1:] != spec.shape[1:]:
            got = "one domain" if spec.partner_shape is None else f"{list(spec.shape)} and {list(spec.partner_shape)}"
            raise BadInput(
                f"model 'cogan': cannot learn such data; expected two domains of images of one size, got {got} in "
                f"{spec.name!r}. Choose another data set."
            )
        if spec.is_paired:
            raise BadInput(
                f"model 'cogan': learns from unpaired domains; expected such data, got the pairs of {spec.name!r}. "
                "Choose another data set."
            )

    def make_generator(self) -> nn.Module:
        """Return DCGAN's generator with one last layer a domain."""
        config = self.config
        return CoupledGenerator(config.latent, config.channels, self.spec, up=config.up, norm=config.norm)

    def make_critic(self) -> nn.Module:
        """Return DCGAN's critic with one first layer a domain."""
        return CoupledCritic(self.config.channels, self.spec, norm=self.config.critic_norm)

    def generator_weights(self) -> list[dict[str, Any]]:
        """Return the weights, which decay."""
        return [group | {"weight_decay": self.config.weight_decay} for group in super().generator_weights()]

    def critic_weights(self) -> list[dict[str, Any]]:
        """Return the weights, which decay."""
        return [group | {"weight_decay": self.config.weight_decay} for group in super().critic_weights()]

    # ------------------------------------------------------------------------------------------- training

    def train_critic(self, batch: Batch, run: Run) -> dict[str, Tensor]:
        """Do one update of both critics; the domains are separate batches."""
        reals = [self.prepare(x, run) for x in (batch.x, batch.partner)]
        with torch.no_grad(), run.autocast():
            fakes = self.generator.pair(self.prior(run.batch, None))
        domains = list(enumerate(zip(reals, fakes, strict=True)))
        with self._autocast(run):
            loss = _mean([self.critic_loss(real, domain, fake, domain) for domain, (real, fake) in domains])
        terms = _means([self.critic_penalties(real, fake.float(), domain, run) for domain, (real, fake) in domains])
        run.descend("critic", loss + sum(terms.values()))
        lazy = _means([self.lazy_critic_penalties(real, domain, run) for domain, (real, _) in domains])
        if lazy:
            run.descend("critic", sum(lazy.values()))
        return {"critic": loss, **terms, **lazy}

    def train_generator(self, run: Run) -> dict[str, Tensor]:
        """Do one update of both generators, on the same latents, against the frozen critics."""
        with frozen(self.critic):
            with self._autocast(run):
                fakes = self.generator.pair(self.prior(run.batch, None))
                loss = _mean([self.loss.generator(self.critic(fake, domain)) for domain, fake in enumerate(fakes)])
            terms = self.generator_penalties(run)
            run.descend("generator", loss + sum(terms.values()))
        return {"generator": loss, **terms}

    # ------------------------------------------------------------------------------------------- capabilities

    @torch.no_grad()
    def sample_pair(
        self, n: int, generator: torch.Generator, *, z: Tensor | None = None, truncation: float | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return n images of domain A and of B, float32 [n, c, side, side] in [0, 1]; equal rows, equal latents."""
        z = self.prior(n, generator, truncation) if z is None else z
        with evaluating(self.average):
            first, second = (self.to_unit(x).float().cpu().clamp(0, 1) for x in self.average.pair(z))
        return first, second

    def translate(
        self,
        x: Tensor,
        src: Domain = "A",
        dst: Domain = "B",
        *,
        generator: torch.Generator | None = None,
        steps: int = 200,
    ) -> Tensor:
        """Return images of one domain as the other would show them: the latent is searched for, then drawn from.

        Adam on each image's own mean squared error, from a latent drawn from the prior (the authors use L-BFGS). Images
        that the generator cannot draw come out as the nearest that the search finds.

        Args:
            x: float32 [n, c, side, side] in [0, 1].
            src: domain of ``x``.
            dst: domain of the result.
            generator: of the first latents; None: seed 0.
            steps: of the search.

        Returns:
            float32 [n, c', side, side] in [0, 1].

        Raises:
            UnknownName: for another domain.  BadInput: if ``x`` has not the shape of its domain.
        """
        ours, theirs = (chosen("domain", name, DOMAINS) for name in (src, dst))
        expected = (self.spec.shape, self.spec.partner_shape)[ours]
        if tuple(x.shape[1:]) != expected:
            raise BadInput(
                f"model 'cogan': not an image of domain {src}; expected {['n', *expected]}, got {list(x.shape)}. "
                "Resize it."
            )
        draws = torch.Generator().manual_seed(0) if generator is None else generator
        z = self.prior(len(x), draws).requires_grad_()
        search, target = torch.optim.Adam([z], lr=self.config.lr_inversion), self.from_unit(x).to(z)
        with evaluating(self.average), torch.enable_grad():
            for _ in range(steps):
                gap = self.average(z, ours) - target
                (z.grad,) = torch.autograd.grad(gap.square().mean((1, 2, 3)).sum(), z)
                search.step()
        with torch.no_grad(), evaluating(self.average):
            return self.to_unit(self.average(z, theirs))


def _mean(values: list[Tensor]) -> Tensor:
    return torch.stack(values).mean()


def _means(terms: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: _mean([term[name] for term in terms]) for name in terms[0]}


class CoupledGenerator(ConvGenerator):
    """Latents [n, latent] to images of domain 0 or 1, in [-1, 1]; all layers but the last are shared."""

    def __init__(self, latent: int, channels: int, spec: DataSpec, *, up: str, norm: str) -> None:
        super().__init__(latent, channels, spec, up=up, norm=norm)
        width = widths_of(channels, spec.shape[-1])[-1]
        self.last = nn.ModuleList([self.last, normal_(UpConv(width, spec.partner_shape[0], mode=up))])

    def forward(self, z: Tensor, domain: int | None = None) -> Tensor:
        """Return images of one domain; of the first without."""
        return self.last[domain or 0](self.features(z)).tanh()

    def pair(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images of both domains."""
        features = self.features(z)
        first, second = (last(features).tanh() for last in self.last)
        return first, second


class CoupledCritic(ConvCritic):
    """Images of domain 0 or 1 to logits [n]; all layers but the first are shared."""

    def __init__(self, channels: int, spec: DataSpec, *, norm: str) -> None:
        super().__init__(channels, spec, norm=norm)
        width = widths_of(channels, spec.shape[-1])[-1]
        self.first = nn.ModuleList([self.first, normal_(DownBlock(spec.partner_shape[0], width, norm="none"))])

    def forward(self, x: Tensor, domain: int | None = None) -> Tensor:
        """Return logits [n]; domain 0 without."""
        return self.last(self.blocks(self.first[domain or 0](x))).flatten()
