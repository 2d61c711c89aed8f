"""Measures of generators that draw the same thing in two domains."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from benchmarks.learned.findings import Finding
from benchmarks.learned.subject import Subject
from zoo.contracts import JointSamples
from zoo.data.edges import edges
from zoo.pictures import as_bytes


@dataclass(frozen=True)
class SecondDomain:
    """What a model draws in the other domain; satisfies ``genbench.contracts.Sampler``."""

    model: JointSamples

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return n images float32 [n, c, h, w] in [0, 1]."""
        return self.model.sample_pair(n, generator)[1]


def pair_error(subject: Subject) -> Finding:
    """Mean absolute error of the second domain from the true edges of the first, over that of shuffled pairs."""
    ours = subject.draw(lambda n, generator: subject.model.sample_pair(n, generator)[0])
    theirs = subject.draw(SecondDomain(subject.model).sample)
    true = torch.from_numpy(edges(as_bytes(ours).numpy())).float() / 255
    paired, shuffled = _error(true, theirs), _error(true, theirs.roll(1, dims=0))
    return Finding(paired / shuffled if shuffled else float("nan"), f"{paired:.4f} of pairs, {shuffled:.4f} shuffled")


def second_distance_ratio(subject: Subject) -> Finding:
    """Frechet distance of the second domain from its held-out data, over that of the untrained model."""
    real = replace(subject.test, x=subject.test.partner, labels=None, name=f"{subject.test.name}, second domain")
    after, before = (subject.distance(SecondDomain(model), real) for model in (subject.model, subject.untrained))
    return Finding(after.value / before.value, f"{after.value:.4g} after, {before.value:.4g} before")


def _error(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().mean())
