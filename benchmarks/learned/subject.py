"""What a check looks at: a model, the same before training, what it learned from, and what it never saw."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import genbench
from genbench.contracts import Score, Scorecard
from genbench.seeds import derive
from zoo.checkpoint import found
from zoo.data import Examples
from zoo.data.source import ExamplesSource
from zoo.runs import open_trained

EXTRACTOR = "efficientnet-lite0"
MOST = 1000  # images a side of a distance
CHUNK = 64  # drawn at a time, with a seed of their own, so that image i depends on (seed, i) alone
LAST = 5  # checkpoints over which what oscillates is averaged


@dataclass(frozen=True)
class Subject:
    """One model to be checked; what is expensive is computed when first asked for, once.

    Attributes:
        model: it is judged.
        untrained: the same at step 0.
        train: what it learned from.
        test: held out.
        seed: of everything random.
        directory: of the run, with its log and its checkpoints; None: there is the model alone.
        extractor: whose features distances are in.
    """

    model: Any
    untrained: Any
    train: Examples
    test: Examples
    seed: int = 0
    directory: Path | None = None
    extractor: str = EXTRACTOR

    @property
    def count(self) -> int:
        """How many samples are judged: as many as are held out, 1,000 at most."""
        return min(len(self.test.x), MOST)

    # ------------------------------------------------------------------------------------------------- samples

    @cached_property
    def samples(self) -> Tensor:
        """``count`` samples of the model, float32 [count, c, h, w] in [0, 1]."""
        return self.draw(self.model.sample)

    def draw(self, sample: Callable[..., Tensor], count: int | None = None, labels: Tensor | None = None) -> Tensor:
        """Return the first ``count`` (None: the subject's) of what ``sample(n, generator)`` gives.

        Args:
            sample: a bound method of a model, as ``zoo.contracts.Samples`` has it.
            count: rows.
            labels: class of each row, int64 [count]; None: none is given.
        """
        count = self.count if count is None else count
        parts = []
        for chunk in range(-(-count // CHUNK)):
            generator = torch.Generator().manual_seed(derive(self.seed, "sample", chunk))
            rows = torch.arange(chunk * CHUNK, (chunk + 1) * CHUNK).clamp(max=count - 1)
            parts.append(sample(CHUNK, generator, **({} if labels is None else {"labels": labels[rows]})))
        return torch.cat(parts)[:count]

    def states(self) -> Iterator[Any]:
        """Yield the model at the last five checkpoints of its run, or as it is where there is no run."""
        if self.directory is None:
            yield self.model
            return
        for checkpoint in found(self.directory)[-LAST:]:
            yield open_trained(self.directory, checkpoint)[0]

    # ------------------------------------------------------------------------------------------------- scores

    @cached_property
    def trained(self) -> Score:
        """Frechet distance of the model's samples from the held-out data."""
        return self.distance(self.model)

    @cached_property
    def before(self) -> Score:
        """The same of the untrained model."""
        return self.distance(self.untrained)

    @cached_property
    def floor(self) -> Score:
        """The same of as many examples of the training data: what a perfect model has."""
        return self.distance(source_of(self.train))

    @cached_property
    def mean_image(self) -> Score:
        """The same of the training data's mean, again and again: what can be had without any variety."""
        mean = np.floor(self.train.x.mean(axis=0, keepdims=True) + 0.5).astype(np.uint8)
        return self.distance(source_of(replace(self.train, x=mean.repeat(self.count, axis=0), labels=None)))

    def distance(self, fake: Any, real: Examples | None = None) -> Score:
        """Return the Frechet distance of ``fake`` from ``real`` (None: the held-out data), ``count`` images a side."""
        return self.score(fake, ("fd",), real)["fd"]

    def score(self, fake: Any, metrics: tuple[str, ...], real: Examples | None = None) -> Scorecard:
        """Return scores of ``fake``, anything that ``genbench.score`` takes, against held-out images."""
        examples = self.test if real is None else real
        return genbench.score(
            fake=fake,
            real=source_of(examples),
            metrics=metrics,
            extractor=self.extractor,
            count=min(self.count, len(examples.x)),
            seed=self.seed,
            device="cpu",
        )


def source_of(examples: Examples) -> ExamplesSource:
    """Return a split as the source ``data:NAME/SPLIT``."""
    return ExamplesSource(examples, f"data:{examples.name}/{examples.split}")
