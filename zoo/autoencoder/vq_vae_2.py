"""VQ-VAE-2: codes of two levels, and models of which codes go together (Razavi et al. 2019, arXiv:1906.00446).

Trained in two stages. First an autoencoder whose codes are places in a codebook (``zoo.layers.quantizer``); then, with
it at rest, two gated PixelCNNs over its codes:

    p(codes) = p(top) p(bottom | top)

The bottom's prior sees all top codes, those that the image itself has. Probabilities are of codes, not of images: many
codes may stand for nearly the same image, so that there is no likelihood of one. The paper's priors have attention and
are larger.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from genbench.errors import BadInput
from zoo.autoencoder.code_prior import CodePrior
from zoo.autoencoder.hierarchy import SHRINKS, Hierarchy, Levels
from zoo.contracts import DataSpec, Draw, ModelInfo, Preset, Run
from zoo.model import Config, Model, evaluating


class VQVAE2Config(Config):
    """Settings of VQ-VAE-2.

    Attributes:
        channels: feature maps of the autoencoder.
        blocks: residual blocks of each of its encoders and decoders.
        codebook_size: vectors in each codebook.
        code_width: numbers of such a vector.
        decay: share of a codebook's running sums that an update keeps.
        commitment: beta, weight of the distance between what is encoded and its code.
        withheld: share of the training images that the decoder gets without bottom codes; the paper has 0.
        lr: of the autoencoder.
        autoencoder_share: share of the run that goes into the autoencoder; the rest goes into the priors.
        prior_width: feature maps of either prior.
        prior_layers: gated layers of either.
        prior_hidden: feature maps before their logits.
        dropout: share of their features dropped in training.
        lr_prior: of the priors.
    """

    channels: int = Field(48, ge=2)
    blocks: int = Field(2, ge=0)
    codebook_size: int = Field(64, ge=2)
    code_width: int = Field(16, ge=1)
    decay: float = Field(0.9, gt=0, lt=1)
    commitment: float = Field(0.25, ge=0)
    withheld: float = Field(0.25, ge=0, lt=1)
    lr: float = Field(1e-3, gt=0)
    autoencoder_share: float = Field(0.5, gt=0, lt=1)
    prior_width: int = Field(48, ge=1)
    prior_layers: int = Field(5, ge=1)
    prior_hidden: int = Field(64, ge=1)
    dropout: float = Field(0.2, ge=0, lt=1)
    lr_prior: float = Field(1e-3, gt=0)


class VQVAE2(Model):
    """Images whose sides are multiples of 8.

    Attributes:
        codebook_size: codes of either level.
        autoencoder: images to codes and back.
        priors: of the top codes, and of the bottom codes given them.
        has_priors: the second stage has begun; bool.
    """

    info: ClassVar = ModelInfo(
        name="vq-vae-2",
        title="VQ-VAE-2",
        paper="Razavi et al. 2019, arXiv:1906.00446",
        summary="codes from codebooks, of two levels; a PixelCNN for each draws them",
        family="autoencoder",
    )
    config: VQVAE2Config
    config_type: ClassVar = VQVAE2Config
    presets: ClassVar[Mapping[str, Preset]] = {
        "smoke": Preset(
            "digits32",
            steps=2,
            batch=8,
            config={
                "channels": 8,
                "blocks": 1,
                "codebook_size": 16,
                "code_width": 4,
                "autoencoder_share": 0.9,
                "prior_width": 4,
                "prior_layers": 2,
                "prior_hidden": 8,
            },
        ),
        "small": Preset("digits32", steps=1200, batch=64),
        "paper": Preset(  # the constants of rosinality/vq-vae-2-pytorch, whose priors are PixelSNAILs
            "folder:ffhq@256",
            steps=600_000,
            batch=128,
            config={
                "channels": 128,
                "codebook_size": 512,
                "code_width": 64,
                "decay": 0.99,
                "withheld": 0.0,
                "lr": 3e-4,
                "prior_width": 256,
                "prior_layers": 20,
                "prior_hidden": 512,
                "lr_prior": 3e-4,
            },
            is_tested=False,
            gpus=1,
            source="repository",
        ),
    }
    has_priors: Tensor

    def __init__(self, config: VQVAE2Config, spec: DataSpec) -> None:
        super().__init__(config, spec)
        _refuse_sides(spec)
        self.codebook_size = config.codebook_size
        self.autoencoder = Hierarchy(
            *(spec.shape[0], config.channels, config.blocks),
            size=config.codebook_size,
            width=config.code_width,
            decay=config.decay,
        )
        self.priors = CodePrior(
            *(config.codebook_size, config.prior_width, config.prior_layers),
            hidden=config.prior_hidden,
            dropout=config.dropout,
        )
        self.register_buffer("has_priors", torch.zeros((), dtype=torch.bool))

    # ------------------------------------------------------------------------------------------- training

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return one optimizer for each stage."""
        return {
            "autoencoder": torch.optim.Adam(self.autoencoder.parameters(), lr=self.config.lr),
            "priors": torch.optim.Adam(self.priors.parameters(), lr=self.config.lr_prior),
        }

    def train_step(self, draw: Draw, run: Run) -> dict[str, Tensor]:
        """Do one update of the stage that the run is in."""
        x = draw(run.batch).x
        progress = run.mean(torch.tensor(run.progress, device=self.device))  # clocks differ, stages must not
        if progress < self.config.autoencoder_share:
            return self._train_autoencoder(x, run)
        return self._train_priors(x, run)

    def _train_autoencoder(self, x: Tensor, run: Run) -> dict[str, Tensor]:
        with run.autocast():
            found, levels = self.autoencoder(x, run.mean, self.config.withheld)
            error = F.mse_loss(found, x)
            commitment = self.config.commitment * (levels.top.commitment + levels.bottom.commitment)
        run.descend("autoencoder", error + commitment)
        return {"reconstruction": error, "commitment": commitment}

    def _train_priors(self, x: Tensor, run: Run) -> dict[str, Tensor]:
        self.has_priors.fill_(True)
        with run.autocast():
            codes = self._codes(x)
            terms = {f"{name} nats": -nats.mean() for name, nats in self.priors.log_prob(**codes).items()}
        run.descend("priors", torch.stack([*terms.values()]).sum())
        return terms

    def resting(self) -> set[str]:
        """Return the names of weights that no update has reached: the priors', in the first stage."""
        return set() if self.has_priors else {f"priors.{name}" for name, _ in self.priors.named_parameters()}

    # ------------------------------------------------------------------------------------------- codes

    @torch.no_grad()
    def _encoded(self, x: Tensor) -> Levels:
        """Return what images in [-1, 1] become; the codebooks stay as they are."""
        with evaluating(self.autoencoder):
            return self.autoencoder.encode(x)

    def _codes(self, x: Tensor) -> dict[str, Tensor]:
        return {name: level.codes for name, level in self._encoded(x)._asdict().items()}

    def codes(self, x: Tensor) -> dict[str, Tensor]:
        """Return the codes of images [n, c, h, w] in [0, 1].

        Returns:
            "top", int64 [n, h / 8, w / 8], and "bottom", int64 [n, h / 4, w / 4], in 0..codebook_size - 1.
        """
        return self._codes(self.from_unit(x.to(self.device)))

    @torch.no_grad()
    def decode(self, codes: Mapping[str, Tensor]) -> Tensor:
        """Return images float32 [n, c, h, w] in [0, 1] of codes, as ``codes`` gives them."""
        net = self.autoencoder
        with evaluating(net):
            images = net.decode(*(getattr(net, name).look_up(codes[name].to(self.device)) for name in Levels._fields))
        return self.to_unit(images).float().clamp(0, 1)

    @torch.no_grad()
    def code_log_prob(self, codes: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return log p(top) and log p(bottom | top) of codes, nats float64 [n] each, by level; of no image."""
        with evaluating(self.priors):
            nats = self.priors.log_prob(**{name: code.to(self.device) for name, code in codes.items()})
        return {name: each.double().sum((1, 2)) for name, each in nats.items()}

    # ------------------------------------------------------------------------------------------- capabilities

    def reconstruct(self, x: Tensor, labels: Any = None) -> Tensor:
        """Return the images of the codes of images in [0, 1]."""
        self.pick_labels(len(x), labels, None)
        return self.decode(self.codes(x))

    def features(self, x: Tensor) -> Tensor:
        """Return float32 [n, code_width * h / 8 * w / 8]: the vectors of the top codes of images in [0, 1]."""
        return self._encoded(self.from_unit(x.to(self.device))).top.vectors.flatten(1)

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
        """Return n images float32 [n, c, h, w] in [0, 1], of codes drawn from the priors.

        ``truncation`` is a temperature that the priors' logits are divided by: 1 draws from them, 0 in the limit the
        most likely code everywhere. Codes are no latents to give: ``z`` is refused.
        """
        if z is not None:
            raise BadInput(f"{self.info.name}: has no latents; expected no z, got {list(z.shape)}. Leave it out.")
        if truncation is not None and not truncation > 0:
            raise BadInput(f"{self.info.name}: truncation too small; expected above 0, got {truncation}. Give more.")
        self.pick_labels(n, labels, generator)
        height, width = (side // SHRINKS for side in self.spec.shape[1:])
        shapes = (n, 1, height, width), (n, 1, 2 * height, 2 * width)
        uniform = [torch.rand(shape, generator=generator, dtype=torch.float64).to(self.device) for shape in shapes]
        with evaluating(self.priors):
            codes = self.priors.draw(*uniform, temperature=truncation or 1.0)
        return self.decode(codes).cpu()

    def sampled_labels(self, n: int, generator: torch.Generator) -> None:
        """Return None: there are no classes."""


def _refuse_sides(spec: DataSpec) -> None:
    if len(spec.shape) != 3 or any(side % SHRINKS for side in spec.shape[1:]):
        raise BadInput(
            f"model 'vq-vae-2': cannot learn such data; expected images whose sides are multiples of {SHRINKS}, got "
            f"{list(spec.shape)} of {spec.name!r}. Choose another data set."
        )
