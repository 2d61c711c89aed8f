"""Measures of models with a likelihood."""

import torch
from torch import Tensor

from benchmarks.learned.findings import Finding
from benchmarks.learned.subject import Subject
from benchmarks.references import independent_pixels, uniform
from genbench.seeds import derive
from zoo.deck import as_tensor


def bits_per_dimension(subject: Subject) -> Finding:
    """Bits a pixel value of the held-out images cost: by genbench's metric ``likelihood``."""
    score = subject.score(subject.model, ("likelihood",))["likelihood"]
    known = (subject.score(one, ("likelihood",))["likelihood"].value for one in (uniform(), independent_pixels()))
    kind = str(score.details["kind"]).replace("_", " ")
    return Finding(
        score.value, f"{kind}; {', '.join(f'{value:.3f}' for value in known)} of uniform, independent pixels"
    )


def right_class_likelier(subject: Subject) -> Finding:
    """Share of held-out images that are likelier of their own class than of the next one."""
    x, labels = held_out(subject)
    others = (labels + 1) % len(subject.test.classes)
    with torch.no_grad():
        gap = subject.model.log_prob(x, labels) - subject.model.log_prob(x, others)
    return Finding(float((gap > 0).float().mean()), f"by {float(gap.median()):.3g} nats in the median")


def classified_by_likelihood(subject: Subject) -> Finding:
    """Share of held-out images of which the true class is the one that makes them likeliest."""
    x, labels = held_out(subject)
    found = subject.model.classify(x)
    return Finding(float((found == labels).float().mean()))


def latents_from_normal(subject: Subject) -> Finding:
    """How far mean and standard deviation of held-out images' latents are from 0 and 1; the larger one.

    Level k stands for all numbers that training spread it over, k - 1/2 to k + 1/2 in units of a level.
    """
    x, _ = held_out(subject)
    u = torch.rand(x.shape, generator=torch.Generator().manual_seed(derive(subject.seed, "spread")))
    with torch.no_grad():
        z = subject.model.encode(x + (u - 0.5) / (subject.test.levels - 1))
    mean, deviation = float(z.mean()), float(z.std())
    return Finding(max(abs(mean), abs(deviation - 1)), f"mean {mean:.3f}, standard deviation {deviation:.3f}")


def held_out(subject: Subject) -> tuple[Tensor, Tensor]:
    """Return the held-out images float32 [n, c, h, w] in [0, 1] and their classes int64 [n]."""
    examples = subject.test
    if examples.labels is None:
        raise ValueError(f"{examples.name}: knows no classes")
    x = (as_tensor(examples.x, examples.levels) + 1) / 2
    return x, torch.from_numpy(examples.labels)
