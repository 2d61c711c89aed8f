"""What every adversarial model shares: a generator, a critic, and their two updates.

    critic:     n times: real batch, fresh fakes; loss.critic + penalties; step
    generator:  fresh fakes, critic frozen; loss.generator + penalties; step

A model file says what its networks are; the rest are settings.
"""

import math
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from typing import Any, ClassVar, Literal

import torch
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from genbench.errors import BadInput
from zoo.averaging import recalibrate
from zoo.contracts import Averages, Batch, DataSpec, Draw, Run
from zoo.losses import get_loss
from zoo.model import BelowOne, Config, Model, evaluating, frozen
from zoo.regularizers import GradNormalised, drift, gradient_penalty, orthogonal_penalty, r1, spectral_penalty

BatchNorm = nn.modules.batchnorm._BatchNorm
CALIBRATION_BATCH = 64


class AdversarialConfig(Config):
    """Settings that any adversarial model takes.

    Attributes:
        latent: width of the latent vector.
        prior: "normal" N(0, I) or "uniform" on [-1, 1].
        loss: a name in ``zoo.losses``.
        optimizer: "adam" or "rmsprop" (Adam's betas unused).
        lr_generator: learning rate of the generator.
        lr_critic: learning rate of the critic.
        beta1: of Adam.
        beta2: of Adam.
        critic_steps: updates of the critic, each on fresh real images, for one of the generator.
        r1: gamma of R1, gamma / 2 E |grad D(x)|^2 on real images (Mescheder et al. 2018, arXiv:1801.04406).
        r1_every: updates between two R1 terms, each then times as large and, above 1, with a step of its own (lazy
            regularisation, arXiv:1912.04958).
        gradient_penalty: lambda of WGAN-GP (Gulrajani et al. 2017, arXiv:1704.00028).
        drift: weight of E D(x)^2 on real images (Karras et al. 2018, arXiv:1710.10196).
        spectral_penalty: lambda / 2 sum sigma(W)^2 over the critic (Yoshida and Miyato 2017, arXiv:1705.10941).
        orthogonal: beta of the generator's orthogonal regularisation (Brock et al. 2019, arXiv:1809.11096).
        gradient_normalised: divide the critic by its gradient's norm (Wu et al. 2021, arXiv:2109.02235).
        average_half_life: examples after which an old weight counts half; None: 5 % of those seen so far.
    """

    latent: PositiveInt = 64
    prior: Literal["normal", "uniform"] = "normal"
    loss: str = "non-saturating"
    optimizer: Literal["adam", "rmsprop"] = "adam"
    lr_generator: PositiveFloat = 2e-4
    lr_critic: PositiveFloat = 2e-4
    beta1: BelowOne = 0.5
    beta2: BelowOne = 0.999
    critic_steps: PositiveInt = 1
    r1: NonNegativeFloat = 0.0
    r1_every: PositiveInt = 1
    gradient_penalty: NonNegativeFloat = 0.0
    drift: NonNegativeFloat = 0.0
    spectral_penalty: NonNegativeFloat = 0.0
    orthogonal: NonNegativeFloat = 0.0
    gradient_normalised: bool = False
    average_half_life: PositiveFloat | None = None


class AdversarialModel(Model):
    """A generator against a critic; subclasses build the two.

    Attributes:
        generator: (z, labels) -> x in [-1, 1].
        critic: (x, labels) -> logits [n].
        average: running average of the generator; it is what samples.
    """

    config: AdversarialConfig
    config_type: ClassVar[type[Config]] = AdversarialConfig
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "r1": {"r1": 1.0, "r1_every": 4},
        "gradnorm": {"gradient_normalised": True},
    }

    def __init__(self, config: AdversarialConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.check(spec)
        self._refuse_unlabelled(spec)
        self.loss = get_loss(config.loss)
        self.generator = self.make_generator()
        critic = self.make_critic()
        self._refuse_mixing(critic)
        self.critic: nn.Module = GradNormalised(critic) if config.gradient_normalised else critic
        self.average = deepcopy(self.generator).eval().requires_grad_(False)

    def check(self, spec: DataSpec) -> None:
        """Raise ``BadInput`` if the model cannot learn such data; by default it must be images, 32 x 32."""
        if len(spec.shape) != 3 or spec.shape[1:] != (32, 32):
            raise BadInput(
                f"model {self.info.name!r}: cannot learn such data; expected images of 32 x 32, got "
                f"{list(spec.shape)} of {spec.name!r}. Choose another data set."
            )

    def _refuse_unlabelled(self, spec: DataSpec) -> None:
        if self.is_conditional and not spec.classes:
            raise BadInput(
                f"model {self.info.name!r}: needs classes; expected a labelled data set, got {spec.name!r} without. "
                "Choose another one."
            )

    def _refuse_mixing(self, critic: nn.Module) -> None:
        """Raise ``BadInput`` if batch norm would mix the gradients that are asked of single images."""
        asked = [name for name in ("r1", "gradient_penalty", "gradient_normalised") if getattr(self.config, name)]
        if asked and any(isinstance(part, BatchNorm) for part in critic.modules()):
            raise BadInput(
                f"model {self.info.name!r}: {asked[0]} takes the gradient of each image alone; expected a critic "
                "without batch norm, got one with it. Set critic_norm=none."
            )

    @abstractmethod
    def make_generator(self) -> nn.Module:
        """Return the generator, (z float32 [n, latent], labels int64 [n] or None) -> [n, *shape] in [-1, 1]."""

    @abstractmethod
    def make_critic(self) -> nn.Module:
        """Return the critic, (x, labels) -> logits [n]; never a probability."""

    # ------------------------------------------------------------------------------------------- training

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return one optimizer for each network."""
        config = self.config
        lazy = config.r1_every / (config.r1_every + 1) if config.r1 and config.r1_every > 1 else 1.0
        return {
            "critic": self._optimizer(self.critic_weights(), lazy),
            "generator": self._optimizer(self.generator_weights(), 1.0),
        }

    def generator_weights(self) -> list[dict[str, Any]]:
        """Return the generator's parameter groups, each with its learning rate."""
        return [{"params": list(self.generator.parameters()), "lr": self.config.lr_generator}]

    def critic_weights(self) -> list[dict[str, Any]]:
        """Return the critic's parameter groups, each with its learning rate."""
        return [{"params": list(self.critic.parameters()), "lr": self.config.lr_critic}]

    def _optimizer(self, groups: list[dict[str, Any]], lazy: float) -> torch.optim.Optimizer:
        """Return the optimizer; ``lazy`` = k / (k + 1) where k updates take k + 1 steps (arXiv:1912.04958)."""
        config = self.config
        scaled = [group | {"lr": group["lr"] * lazy} for group in groups]
        if config.optimizer == "rmsprop":
            return torch.optim.RMSprop(scaled)
        return torch.optim.Adam(scaled, betas=(config.beta1**lazy, config.beta2**lazy), eps=1e-8)

    def train_step(self, draw: Draw, run: Run) -> dict[str, Tensor]:
        """Update the critic ``critic_steps`` times, each on fresh examples, then the generator once."""
        logs: dict[str, Tensor] = {}
        for _ in range(self.critic_steps(run)):
            logs |= self.train_critic(draw(run.batch), run)
        return logs | self.train_generator(run)

    def critic_steps(self, run: Run) -> int:
        """Return how often the critic is updated before the generator."""
        return self.config.critic_steps

    def train_critic(self, batch: Batch, run: Run) -> dict[str, Tensor]:
        """Do one update of the critic."""
        real, labels = self.prepare(batch.x, run), self._taken(batch.labels)
        with torch.no_grad(), run.autocast():
            fake, fake_labels = self.generate(run)
        with self._autocast(run):
            loss = self.critic_loss(real, labels, fake, fake_labels)
        terms = self.critic_penalties(real, fake.float(), labels, run)
        run.descend("critic", loss + sum(terms.values()))
        lazy = self.lazy_critic_penalties(real, labels, run)
        if lazy:
            run.descend("critic", sum(lazy.values()))
        self.after_critic_step()
        return {"critic": loss, **terms, **lazy}

    def critic_loss(self, real: Tensor, labels: Tensor | None, fake: Tensor, fake_labels: Tensor | None) -> Tensor:
        """Return what the critic descends, penalties apart; real and fake images are separate batches."""
        return self.loss.critic(self.critic(real, labels), self.critic(fake, fake_labels))

    def train_generator(self, run: Run) -> dict[str, Tensor]:
        """Do one update of the generator against the frozen critic."""
        with frozen(self.critic):
            with self._autocast(run):
                fake, labels = self.generate(run)
                loss = self.loss.generator(self.critic(fake, labels))
            terms = self.generator_penalties(run)
            run.descend("generator", loss + sum(terms.values()))
            lazy = self.lazy_generator_penalties(run)
            if lazy:
                run.descend("generator", sum(lazy.values()))
        return {"generator": loss, **terms, **lazy}

    def generate(self, run: Run) -> tuple[Tensor, Tensor | None]:
        """Return fresh fakes for an update and their labels."""
        labels = self.pick_labels(run.batch, None, None)
        return self.generator(self.prior(run.batch, None), labels), labels

    def prepare(self, x: Tensor, run: Run) -> Tensor:
        """Return real examples as the critic is to see them."""
        return x

    def critic_penalties(self, real: Tensor, fake: Tensor, labels: Tensor | None, run: Run) -> dict[str, Tensor]:
        """Return what is added to the critic's loss, in float32, by name."""
        config, terms = self.config, dict[str, Tensor]()

        def judge(x: Tensor) -> Tensor:
            return self.critic(x, labels)

        if config.r1 and config.r1_every == 1:
            terms["r1"] = r1(judge, real) * config.r1
        if config.gradient_penalty:
            terms["gradient penalty"] = gradient_penalty(judge, real, fake) * config.gradient_penalty
        if config.drift:
            terms["drift"] = drift(judge(real)) * config.drift
        if config.spectral_penalty:
            terms["spectral penalty"] = spectral_penalty(self.critic) * config.spectral_penalty
        return terms

    def lazy_critic_penalties(self, real: Tensor, labels: Tensor | None, run: Run) -> dict[str, Tensor]:
        """Return what takes a step of its own every k updates, k times as large, after the critic's loss has."""
        config = self.config
        if not config.r1 or config.r1_every == 1 or run.step % config.r1_every:
            return {}
        return {"r1": r1(lambda x: self.critic(x, labels), real) * (config.r1 * config.r1_every)}

    def generator_penalties(self, run: Run) -> dict[str, Tensor]:
        """Return what is added to the generator's loss, in float32, by name."""
        if not self.config.orthogonal:
            return {}
        return {"orthogonal": orthogonal_penalty(self.generator) * self.config.orthogonal}

    def lazy_generator_penalties(self, run: Run) -> dict[str, Tensor]:
        """Return what takes a step of its own every k updates, k times as large, after the generator's loss has."""
        return {}

    def after_critic_step(self) -> None:
        """Do what must follow every update of the critic."""

    def averages(self) -> Averages:
        """Return the generator and its average."""
        return [(self.generator, self.average)]

    def half_life(self, images: int) -> float:
        """Return the setting, ramped up; or the default of all models."""
        ramp = super().half_life(images)
        return ramp if self.config.average_half_life is None else min(self.config.average_half_life, ramp)

    def calibrate(self, generator: torch.Generator) -> None:
        """Estimate the average's batch-norm statistics afresh."""

        def forward() -> Tensor:
            labels = self.pick_labels(CALIBRATION_BATCH, None, generator)
            return self.average(self.prior(CALIBRATION_BATCH, generator), labels)

        recalibrate(self.average, forward)

    def _autocast(self, run: Run) -> AbstractContextManager[Any]:
        """Return the precision of the losses: float32 where the critic itself holds a second derivative."""
        return nullcontext() if self.config.gradient_normalised else run.autocast()

    def _taken(self, labels: Tensor | None) -> Tensor | None:
        return labels if self.is_conditional else None

    # ------------------------------------------------------------------------------------------- capabilities

    @property
    def geometry(self) -> Literal["gaussian", "uniform"]:
        """How to go from one latent to another."""
        return "gaussian" if self.config.prior == "normal" else "uniform"

    def prior(self, n: int, generator: torch.Generator | None, truncation: float | None = None) -> Tensor:
        """Return n latents float32 [n, latent].

        ``truncation`` t draws each number from the prior restricted to [-t, t] (what resampling until |z| <= t gives).
        """
        edge = self._edge(truncation)
        u = torch.rand(n, self.config.latent, generator=generator, dtype=torch.float64) if edge is not None else None
        if self.config.prior == "uniform":
            u = torch.rand(n, self.config.latent, generator=generator) if u is None else u
            z = (2 * u - 1) * min(1.0, edge or 1.0)
        elif u is None or edge is None:
            z = torch.randn(n, self.config.latent, generator=generator)
        else:
            z = torch.special.ndtri(0.5 + (u - 0.5) * math.erf(edge / math.sqrt(2))).clamp(-edge, edge)
        return z.float().to(self.device)

    def _edge(self, truncation: float | None) -> float | None:
        if truncation is not None and not truncation > 0:
            raise BadInput(f"{self.info.name}: truncation too small; expected above 0, got {truncation}. Give more.")
        return None if truncation is None or math.isinf(truncation) else truncation

    def decode(self, z: Tensor, labels: Any = None) -> Tensor:
        """Return images in [0, 1] (points as they are) of latents [n, latent], differentiable."""
        labels = self.pick_labels(len(z), labels, torch.Generator().manual_seed(0))
        with evaluating(self.average):
            return self.to_unit(self.average(z, labels))

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        z: Tensor | None = None,
        labels: Any = None,
        truncation: float | None = None,
    ) -> Tensor:
        """Return n images float32 [n, c, h, w] in [0, 1] of the averaged generator; points [n, 2] as they are."""
        if z is None:
            z = self.prior(n, generator, truncation)
        picked = self.pick_labels(n, labels, generator)
        images = self.decode(z, picked).float().cpu()
        return images if self.spec.is_points else images.clamp(0, 1)

    def sampled_labels(self, n: int, generator: torch.Generator) -> Tensor | None:
        """Return the classes int64 [n] of what ``sample(n, generator)`` draws; None if the model takes none."""
        if not self.is_conditional:
            return None
        self.prior(n, generator)
        return self.pick_labels(n, None, generator)

    def criticise(self, x: Tensor, labels: Any = None) -> Tensor:
        """Return logits [n] of images in [0, 1], higher for real."""
        picked = None if labels is None else self.pick_labels(len(x), labels, None)
        if self.is_conditional and picked is None:
            raise BadInput(f"{self.info.name}: judges an image of a class; expected labels, got None. Give them.")
        with evaluating(self.critic):
            return self.critic(self.from_unit(x), picked)
