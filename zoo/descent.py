"""What models with one loss share: everything is trained by one optimizer."""

from abc import abstractmethod
from typing import ClassVar, Literal

import torch
from pydantic import NonNegativeFloat, PositiveFloat
from torch import Tensor

from zoo.contracts import Batch, Draw, Run
from zoo.model import Config, Model

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamax": torch.optim.Adamax,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
}


class DescentConfig(Config):
    """Settings of any model with one loss.

    Attributes:
        optimizer: "adam", "adamax", "adagrad" or "rmsprop", with their usual constants.
        lr: learning rate.
        weight_decay: added to the gradient, times the weight.
    """

    optimizer: Literal["adam", "adamax", "adagrad", "rmsprop"] = "adam"
    lr: PositiveFloat = 1e-3
    weight_decay: NonNegativeFloat = 0.0


class DescentModel(Model):
    """A model whose update is one step down one loss; subclasses say which."""

    config: DescentConfig
    config_type: ClassVar[type[Config]] = DescentConfig

    @abstractmethod
    def losses(self, batch: Batch, run: Run) -> dict[str, Tensor]:
        """Return the terms of the loss by name, scalars; their sum is descended."""

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return the one optimizer."""
        make, config = OPTIMIZERS[self.config.optimizer], self.config
        weights = [weight for weight in self.parameters() if weight.requires_grad]
        return {"model": make(weights, lr=config.lr, weight_decay=config.weight_decay)}  # type: ignore[call-arg]

    def train_step(self, draw: Draw, run: Run) -> dict[str, Tensor]:
        """Do one update."""
        batch = draw(run.batch)
        with run.autocast():
            terms = self.losses(batch, run)
        run.descend("model", torch.stack([*terms.values()]).sum())
        return terms
