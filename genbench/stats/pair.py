"""The two sets a metric compares, with every statistic computed once, when the first metric asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from genbench.contracts import Features
from genbench.errors import BadInput, MismatchedFeatures
from genbench.stats.balls import BallCover, Balls, cover
from genbench.stats.distances import Points
from genbench.stats.gaussian import Gaussian
from genbench.stats.jackknife import blocks
from genbench.stats.kernels import KernelSums, polynomial_sums
from genbench.stats.neighbours import Neighbours, nearest_centres, nearest_others

CLOSED_K = 3  # precision and recall: Kynkaanniemi et al. 2019, points on the surface are inside
OPEN_K = 5  # density and coverage: Naeem et al. 2020, they are not


@dataclass(frozen=True)
class Covers:
    """How balls around one set cover the other.

    Attributes:
        fake_in_real: closed balls to the 3rd neighbour around real images, fake ones judged.
        real_in_fake: the same with the roles exchanged.
        fake_in_real_open: open balls to the 5th neighbour around real images.
    """

    fake_in_real: BallCover
    real_in_fake: BallCover
    fake_in_real_open: BallCover


@dataclass(frozen=True)
class Pair:
    """Features of a real and a fake set, and what is known of them.

    Attributes:
        real: features of the reference.
        fake: features of the judged images.
        train: features of the training set; None: the reference stands for it.
        seed: of the jackknife blocks.
        fitted: "real" or "fake" -> the Gaussian of that side's pooled features, where it was fitted elsewhere. The
            side's own pooled rows are then all, some or none of those it was fitted to; without all of them only what
            asks for Gaussians can be computed.
    """

    real: Features
    fake: Features
    train: Features | None = None
    seed: int = 0
    fitted: Mapping[str, Gaussian] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for side, features in (("real", self.real), ("fake", self.fake), ("train", self.train)):
            for layer, rows in features.layers.items() if features else ():
                if not np.isfinite(rows).all():
                    raise BadInput(
                        f"{side}: {layer} features hold NaN or infinity; expected finite numbers. Check the extractor."
                    )

    @cached_property
    def gaussians(self) -> tuple[Gaussian, Gaussian]:
        """Gaussians fitted to the real and to the fake features."""
        real, fake = (
            self.fitted.get(side) or Gaussian.of(features.pooled)
            for side, features in (("real", self.real), ("fake", self.fake))
        )
        return real, fake

    @property
    def counts(self) -> tuple[int, int]:
        """Images on the real and on the fake side; 0 where nobody knows (statistics from a file that does not say)."""
        real, fake = (
            self.fitted[side].count if side in self.fitted else features.count
            for side, features in (("real", self.real), ("fake", self.fake))
        )
        return real, fake

    @cached_property
    def kernel_sums(self) -> KernelSums:
        """Sums of the cubic polynomial kernel within and between the sets."""
        self._check_complete()
        return polynomial_sums(self.real.pooled, self.fake.pooled)

    @cached_property
    def covers(self) -> Covers:
        """Ball covers of both sets, from one pass over their distances."""
        self._check_widths()
        near_real, near_fake = nearest_others(self._real_points, OPEN_K), nearest_others(self._fake_points, CLOSED_K)
        balls = [Balls(near_real, CLOSED_K, True), Balls(near_fake, CLOSED_K, True), Balls(near_real, OPEN_K, False)]
        return Covers(*cover(self._real_points, self._fake_points, balls))

    @cached_property
    def nearest_train(self) -> tuple[Neighbours, Neighbours]:
        """Nearest training image of each fake one, and of each training image among the others."""
        self._check_widths()
        points = self._train_points
        return nearest_centres(self._fake_points, points), nearest_others(points, 1)

    @cached_property
    def _real_points(self) -> Points:
        return Points.of(self.real.pooled, blocks(self.real.count, self.seed, "real"), "real")

    @cached_property
    def _fake_points(self) -> Points:
        return Points.of(self.fake.pooled, blocks(self.fake.count, self.seed, "fake"), "fake")

    @cached_property
    def _train_points(self) -> Points:
        if self.train is None:
            return self._real_points
        return Points.of(self.train.pooled, blocks(self.train.count, self.seed, "train"), "train")

    def _check_complete(self) -> None:
        for side, count, features in zip(("real", "fake"), self.counts, (self.real, self.fake), strict=True):
            if side in self.fitted and features.count != count:
                raise BadInput(
                    f"{side}: only mean and covariance are known; expected the features of all {count or ''} images, "
                    f"got {features.count}. Give the images, or ask for metrics that work from statistics."
                )

    def _check_widths(self) -> None:
        self._check_complete()
        width = self.real.pooled.shape[1]
        for features in (self.fake, self.train):
            if features is not None and features.pooled.shape[1] != width:
                raise MismatchedFeatures(
                    f"features differ in width; expected [n, {width}] like real, got [n, {features.pooled.shape[1]}]. "
                    "Use one extractor for all sides."
                )
