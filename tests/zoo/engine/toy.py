"""Fits one number to the mean of the pixels by gradient descent; the loop's tests know where it must end up."""

from typing import ClassVar

import torch
from torch import nn

from zoo.contracts import ModelInfo, Preset
from zoo.model import Config, Model


class ToyConfig(Config):
    lr: float = 0.1
    noise: float = 0.0
    breaks_at: int = -1


class Toy(Model):
    info: ClassVar = ModelInfo("toy", "Toy", "nobody", "one number", "toy")
    config_type: ClassVar = ToyConfig
    presets: ClassVar = {"small": Preset("digits8", steps=20, batch=8), "smoke": Preset("digits8", steps=2, batch=4)}
    variants: ClassVar = {"noisy": {"noise": 0.5}}

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.guess = nn.Parameter(torch.randn(()))

    def optimizers(self):
        return {"guess": torch.optim.Adam([self.guess], lr=self.config.lr)}

    def train_step(self, draw, run):
        target = draw(run.batch).x.mean((1, 2, 3))
        loss = (self.guess - target - self.config.noise * torch.randn(run.batch)).square().mean()
        if run.step == self.config.breaks_at:
            loss = loss * float("nan")
        run.descend("guess", loss)
        return {"loss": loss}
