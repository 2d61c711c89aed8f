"""Variational autoencoder: a bound on the likelihood, by noisy codes (Kingma and Welling 2014, arXiv:1312.6114).

log p(x) >= E_q [log p(x | z)] - KL(q(z | x) || p(z)), the evidence lower bound, each summed over all of its numbers.
beta > 1 buys codes that are closer to the prior (Higgins et al. 2017); free bits keep codes from being given up
(Kingma et al. 2016, arXiv:1606.04934). Averaging K importance weights tightens the bound (Burda et al. 2016,
arXiv:1509.00519). What is told of the likelihood has neither beta nor free bits in it.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from genbench.capabilities import Dequantisation, Kind
from genbench.errors import BadInput
from zoo.autoencoder.coding import CodingModel
from zoo.autoencoder.likelihoods import Name, make_likelihood
from zoo.autoencoder.networks import NetworkConfig, make_decoder, make_encoder
from zoo.autoencoder.posterior import WIDEST, DiagonalGaussian, Posterior, log_mean_exp
from zoo.contracts import Batch, DataSpec, ModelInfo, Preset, Run
from zoo.levels import refuse_made_up
from zoo.model import evaluating

DRAWS = 64  # over which the lower bound is averaged
ACTIVE = 0.01  # variance of a mean over images, above which a number of the code is in use (Burda et al. 2016)


class VAEConfig(NetworkConfig):
    """Settings of the variational autoencoder.

    Attributes:
        likelihood: p(x | z): "categorical" over native grey levels, the only one that gives bits; "bernoulli" or
            "gaussian" for other images.
        sigma: standard deviation of "gaussian", where pixels are in [0, 1].
        beta: weight of the KL divergence.
        free_bits: nats of it, mean over a batch, that a number of the code costs nothing.
        warm_up: share of the run over which beta rises from 0.
        importance: draws of ``log_prob``; 1: the evidence lower bound.
    """

    likelihood: Name = "categorical"
    sigma: float = Field(0.1, gt=0)
    beta: float = Field(1.0, ge=0)
    free_bits: float = Field(0.0, ge=0)
    warm_up: float = Field(0.0, ge=0, le=1)
    importance: int = Field(100, ge=1)


class VAE(CodingModel):
    """Images of any size; convolutions for square ones of 8, 16, 32 ... pixels.

    Attributes:
        likelihood: p(x | z).
        kind: what ``log_prob`` is. This and the next three are there for the likelihood "categorical" alone: without
            them a model has no ``HasLikelihood``, and its ``log_prob`` refuses.
        dequantisation: "none".
        levels: grey levels.
        image_shape: (c, h, w).
    """

    info: ClassVar = ModelInfo(
        name="vae",
        title="VAE",
        paper="Kingma and Welling 2014, arXiv:1312.6114",
        summary="noisy codes near N(0, I): a bound on the likelihood",
        family="autoencoder",
    )
    config: VAEConfig
    config_type: ClassVar = VAEConfig
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset("digits8", steps=2, batch=8, config={"channels": 4, "latent": 4, "importance": 4}),
        "small": Preset("digits8", steps=6000, batch=64),
        "digits32": Preset("digits32", steps=3000, batch=64, config={"likelihood": "bernoulli"}),
        "paper": Preset(  # ReLU where the paper has tanh; an update is of M = 100 images, L = 1 draw
            "torchvision:MNIST@28",
            steps=600_000,
            batch=100,
            config={
                "network": "mlp",
                "widths": (500,),
                "latent": 20,
                "likelihood": "bernoulli",
                "optimizer": "adagrad",
                "lr": 0.02,
            },
            is_tested=False,
            source="paper",
            gpus=1,
        ),
    }
    variants: ClassVar = {
        "elbo": {"importance": 1},
        "beta": {"beta": 4.0},
        "free-bits": {"free_bits": 0.1},
        "warm-up": {"warm_up": 0.3},
    }
    kind: Kind
    dequantisation: Dequantisation
    levels: int
    image_shape: tuple[int, int, int]

    def __init__(self, config: VAEConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        if config.likelihood == "categorical":
            self._claim_likelihood()
        self.likelihood = make_likelihood(config.likelihood, spec.levels, config.sigma)
        channels, *sides = spec.shape
        self.encoder = make_encoder(config, spec.shape, self.numbers())
        self.decoder = make_decoder(config, (channels * self.likelihood.outputs, *sides))

    def _claim_likelihood(self) -> None:
        refuse_made_up(self.info.name, self.spec)
        self.kind = "lower_bound" if self.config.importance == 1 else "iw_estimate"
        self.dequantisation = "none"
        self.levels, self.image_shape = self.spec.levels, self.spec.shape

    # ------------------------------------------------------------------------------------------- q(z | x) and p(z)

    def numbers(self) -> int:
        """Return how many numbers the encoder says of a posterior."""
        return 2 * self.config.latent

    def read(self, numbers: Tensor) -> Posterior:
        """Return the posterior that the encoder's numbers [n, numbers] stand for."""
        mean, log_variance = numbers.chunk(2, dim=1)
        return DiagonalGaussian(mean, log_variance.clamp(-WIDEST, WIDEST))

    def prior(self, n: int, generator: torch.Generator | None, truncation: float | None = None) -> Tensor:
        """Return n codes float32 [n, latent] of N(0, t^2 I), t = ``truncation``, the temperature."""
        return self.temperature(truncation) * torch.randn(n, self.config.latent, generator=generator).to(self.device)

    # ------------------------------------------------------------------------------------------- training

    def losses(self, batch: Batch, run: Run) -> dict[str, Tensor]:
        """Return minus the evidence lower bound in nats an image, in its two parts."""
        posterior = self._posterior(batch.x)
        nats = self.likelihood.log_prob(self.decoder(posterior.draw()), self.to_unit(batch.x))
        charged = posterior.kl().mean(0).clamp(min=self.config.free_bits).sum()
        return {"reconstruction": -nats.mean(), "kl": self.weight(run.progress) * charged}

    def weight(self, progress: float) -> float:
        """Return the weight of the KL divergence when a share ``progress`` of the run is done."""
        warm_up = self.config.warm_up
        return self.config.beta * (min(1.0, progress / warm_up) if warm_up else 1.0)

    def _posterior(self, x: Tensor) -> Posterior:
        return self.read(self.encoder(x).float())

    # ------------------------------------------------------------------------------------------- capabilities

    def code(self, x: Tensor) -> Tensor:
        """Return the means of the posteriors."""
        return self._posterior(x).mean

    def picture(self, outputs: Tensor) -> Tensor:
        """Return the mean of p(x | z): noise of single pixels is not drawn."""
        return self.likelihood.mean(outputs)

    @torch.no_grad()
    def posterior(self, x: Tensor) -> Posterior:
        """Return q(z | x) of images in [0, 1]."""
        with evaluating(self.encoder):
            return self._posterior(self.from_unit(x.to(self.device)))

    @torch.no_grad()
    def evidence(self, x: Tensor, draws: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Return two estimates of log p(x) over ``draws`` codes an image, each image having noise of its own.

        Args:
            x: images [n, c, h, w] in [0, 1].
            draws: K.
            generator: of the noise; None: torch's global random state, on the CPU whatever the device.

        Returns:
            The evidence lower bound, E_q log p(x | z) - KL, and the importance-weighted one, log mean p(x | z) p(z) /
            q(z | x); nats float64 [n]. Both bound log p(x) from below in expectation, the second more closely.
        """
        with evaluating(self.decoder):
            bounds = [self._evidence_of_one(one, draws, generator) for one in x.to(self.device).split(1)]
        lower, weighted = torch.stack(bounds).unbind(1)
        return lower, weighted

    def _evidence_of_one(self, x: Tensor, draws: int, generator: torch.Generator | None) -> Tensor:
        """Return both bounds, [2], of an image [1, c, h, w]: all of its draws go through the decoder at once."""
        posterior = self.posterior(x)
        z = posterior.draw_many(draws, generator)
        nats = self.likelihood.log_prob(self.decoder(z[:, 0]), x.expand(draws, *x.shape[1:])).double()
        weights = nats + posterior.log_ratio(z)[:, 0]
        return torch.stack([nats.mean() - posterior.kl().double().sum(), log_mean_exp(weights)])

    @property
    def why_no_likelihood(self) -> str:
        """Why images have no probability, as a message; "" where they have one."""
        if self.config.likelihood == "categorical":
            return ""
        return (
            f"model {self.info.name!r}: has no likelihood of grey levels; expected likelihood=categorical, got "
            f"{self.config.likelihood!r}. Train it so, on images whose grey levels were measured."
        )

    def log_prob(self, x: Tensor, labels: Any = None) -> Tensor:
        """Return a bound on the log probability of the grey levels of images in [0, 1], nats float64 [n].

        The noise is from torch's global random state: another state, another estimate.

        Raises:
            BadInput: if the likelihood is of no grey levels.
        """
        self.pick_labels(len(x), labels, None)
        if why := self.why_no_likelihood:
            raise BadInput(why)
        importance = self.config.importance
        return self.evidence(x, DRAWS)[0] if importance == 1 else self.evidence(x, importance)[1]

    def active_units(self, x: Tensor) -> int:
        """Return how many numbers of the code differ between images in [0, 1]: their means' variance is above 0.01."""
        return int((self.encode(x).var(0) > ACTIVE).sum())
