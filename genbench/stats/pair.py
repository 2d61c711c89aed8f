"""The two sets a metric compares, with every statistic computed once, when the first metric asks for it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Features, Measure, Pixels
from genbench.errors import BadInput, MismatchedFeatures
from genbench.stats.balls import BallCover, Balls, cover
from genbench.stats.best_balls import BestBalls, best_balls
from genbench.stats.distances import Points
from genbench.stats.gaussian import Gaussian, frechet_distance, frechet_error
from genbench.stats.jackknife import blocks
from genbench.stats.kernels import KernelSums, polynomial_sums
from genbench.stats.neighbours import Neighbours, nearest_centres, nearest_others
from genbench.stats.parts import Part
from genbench.stats.soft_balls import SoftBalls, SoftCover, soft_covers

CLOSED_K = 3  # precision and recall: Kynkaanniemi et al. 2019, points on the surface are inside
OPEN_K = 5  # density and coverage: Naeem et al. 2020, they are not
SOFT_K, SOFT_SCALE = 4, 1.2  # p-precision and p-recall: Park & Kim 2023


class Kind(NamedTuple):
    """Which balls: around the images of ``side`` ("real" or "fake"), to their k-th neighbour, closed or open."""

    side: str
    k: int
    is_closed: bool


USUAL = (Kind("real", CLOSED_K, True), Kind("fake", CLOSED_K, True), Kind("real", OPEN_K, False))


@dataclass(frozen=True)
class SoftCovers:
    """How surely soft balls around one set hold the other.

    Attributes:
        fake_in_real: balls around real images, fake ones judged.
        real_in_fake: the same with the roles exchanged.
    """

    fake_in_real: SoftCover
    real_in_fake: SoftCover


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
        measured: what a measure says of pairs of images, float32 [p]; None where no pairs were compared.
        partners: positions of the second images of these pairs in their set, int [p].
        sizes: (width, height) in pixels of the images of each pair, [p].
        measure: what compared or compares images; None where nothing does.
        images: "real", "fake", "train" -> a function that reads the pictures of that side again, one by one.
        model: what drew the fake images; None where that is not known.
        extract: from images that a metric has drawn, float32 [n, h, w, 3] in [0, 1], to pooled features [n, d].
    """

    real: Features
    fake: Features
    train: Features | None = None
    seed: int = 0
    fitted: Mapping[str, Gaussian] = field(default_factory=dict)
    measured: NDArray[np.float32] | None = None
    partners: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    sizes: Sequence[tuple[int, int]] = ()
    measure: Measure | None = None
    images: Mapping[str, Callable[[], Iterator[Pixels]]] = field(default_factory=dict)
    model: Any = None
    extract: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None

    def __post_init__(self) -> None:
        for side, features in (("real", self.real), ("fake", self.fake), ("train", self.train)):
            for layer, rows in features.layers.items() if features else ():
                if not np.isfinite([rows.min(initial=0), rows.max(initial=0)]).all():
                    raise BadInput(
                        f"{side}: {layer} features hold NaN or infinity; expected finite numbers. Check the extractor."
                    )

        if self.measured is not None and not np.isfinite(self.measured).all():
            raise BadInput("pairs: the measure says NaN or infinity; expected finite numbers. Check its weights.")

    @property
    def compared(self) -> NDArray[np.float32]:
        """What the measure says of pairs of images, float32 [p]; raises ``BadInput`` if none were compared."""
        if self.measured is None:
            raise BadInput("pairs: no images were compared; expected what a measure says of them. Give the images.")
        return self.measured

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

    def rows(self, layer: str = "pooled") -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the features of all real and of all fake images, [n, d] and [m, d].

        Raises:
            BadInput: if only mean and covariance of a side are known.  MismatchedFeatures: if the widths differ.
        """
        self._check_complete(layer=layer)
        real, fake = self.real.layers[layer], self.fake.layers[layer]
        if real.shape[1] != fake.shape[1]:
            raise _misfit(real.shape[1], fake.shape[1])
        return real, fake

    @property
    def fake_rows(self) -> NDArray[np.float32]:
        """Pooled features of all fake images, [m, d]; raises ``BadInput`` if only mean and covariance are known."""
        self._check_complete(sides=("fake",))
        return self.fake.pooled

    @cached_property
    def frechet(self) -> tuple[float, float | None, NDArray[np.float64], dict[str, Part]]:
        """Frechet distance of the pooled features, its standard error, influences and parts (``frechet_error``)."""
        real, fake = self.gaussians
        value = frechet_distance(real, fake)
        return value, *frechet_error(real, fake, self.real.pooled, self.fake.pooled, self.seed)

    @cached_property
    def kernel_sums(self) -> KernelSums:
        """Sums of the cubic polynomial kernel within and between the sets."""
        return polynomial_sums(*self.rows())

    def cover(self, side: str, k: int, *, is_closed: bool) -> BallCover:
        """Return how balls to the k-th neighbour around the images of one side cover those of the other.

        What metrics ask for by default comes from one pass over the distances, both sides of another k from a second.
        """
        self._check_widths()
        asked = Kind(side, k, is_closed)
        if asked not in self._covers:
            kinds = USUAL if asked in USUAL else [Kind(one, k, is_closed) for one in ("real", "fake")]
            missing = [kind for kind in kinds if kind not in self._covers]
            balls = [Balls(self._near(kind.side, kind.k), kind.k, kind.is_closed) for kind in missing]
            self._covers.update(zip(missing, cover(self._real_points, self._fake_points, balls), strict=True))
        return self._covers[asked]

    @cached_property
    def _covers(self) -> dict[Kind, BallCover]:
        return {}

    @cached_property
    def best_balls(self) -> BestBalls:
        """The best closed ball to the 3rd neighbour around a real image, for every fake one."""
        self._check_widths()
        return best_balls(Balls(self._near_real, CLOSED_K, True), self._fake_points)

    @cached_property
    def soft_covers(self) -> SoftCovers:
        """Soft ball covers of both sets, from one pass over their distances."""
        self._check_widths()
        real, fake = (SoftBalls(near, SOFT_K, SOFT_SCALE) for near in (self._near_real, self._near_fake))
        return SoftCovers(*soft_covers(real, fake))

    @cached_property
    def nearest_train(self) -> tuple[Neighbours, Neighbours]:
        """Nearest training image of each fake one, and of each training image among the others."""
        self._check_widths()
        points = self._train_points
        return nearest_centres(self._fake_points, points), nearest_others(points, 1)

    @cached_property
    def real_to_train(self) -> Neighbours:
        """Nearest training image of each real one."""
        self._check_widths()
        return nearest_centres(self._real_points, self._train_points)

    def training_rows(self, who: str, fewest: int = 2) -> NDArray[np.float32]:
        """Return the pooled features of the training set, [l, d], for the metric ``who``.

        Raises:
            BadInput: if there is no training set, or one of fewer than ``fewest`` images, or of another width.
        """
        if self.train is None:
            raise BadInput(
                f"{who}: no training set; expected the images the generator was made from, as well as test images it "
                "has not seen. Give --train, with --real the test images."
            )
        width = self.rows()[0].shape[1]
        if self.train.pooled.shape[1] != width or self.train.count < fewest:
            raise BadInput(
                f"{who}: the training set does not fit; expected features of at least {fewest} images, width {width}, "
                f"got [{self.train.count}, {self.train.pooled.shape[1]}]."
            )
        return self.train.pooled

    def _near(self, side: str, k: int) -> Neighbours:
        """Return the neighbours of each image within its side, at least ``k``."""
        kept, points = {
            "real": (self._near_real, self._real_points),
            "fake": (self._near_fake, self._fake_points),
        }[side]
        return kept if k <= kept.k else nearest_others(points, k)

    @cached_property
    def _near_real(self) -> Neighbours:
        return nearest_others(self._real_points, OPEN_K)

    @cached_property
    def _near_fake(self) -> Neighbours:
        return nearest_others(self._fake_points, SOFT_K)

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

    def _check_complete(self, sides: Sequence[str] = ("real", "fake"), layer: str = "pooled") -> None:
        for side in sides:
            held = len({"real": self.real, "fake": self.fake}[side].layers.get(layer, ()))
            count = self.fitted[side].count if side in self.fitted else held
            if held != count or (side in self.fitted and not held):
                raise BadInput(
                    f"{side}: only mean and covariance are known; expected the features of all {count or ''} images, "
                    f"got {held}. Give the images, or ask for metrics that work from statistics."
                )

    def _check_widths(self) -> None:
        self._check_complete()
        width = self.real.pooled.shape[1]
        for features in (self.fake, self.train):
            if features is not None and features.pooled.shape[1] != width:
                raise _misfit(width, features.pooled.shape[1])


def _misfit(expected: int, width: int) -> MismatchedFeatures:
    return MismatchedFeatures(
        f"features differ in width; expected [n, {expected}] like real, got [n, {width}]. Use one extractor for all "
        "sides."
    )
