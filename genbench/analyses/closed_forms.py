"""Sets so simple that what a metric must say of them is known on paper.

Each case is a function that returns what is expected and what the metric says; the metric runs as it does for users.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import hadamard

from genbench.contracts import Features
from genbench.features.runtime import Place, Setup
from genbench.metrics import METRICS
from genbench.pairs import open_measure
from genbench.stats.gaussian import frechet_distance
from genbench.stats.pair import Pair

Array = NDArray[np.float64]


class Case(NamedTuple):
    """A metric and sets on which its value is known.

    Attributes:
        metric: its id.
        about: the sets, and where the value is from.
        compute: () -> (expected, what the metric says).
    """

    metric: str
    about: str
    compute: Callable[[], tuple[float, float]]


def value_of(metric: str, real: Features, fake: Features, train: Features | None = None) -> float:
    """Return what ``metric`` says of two sets of features."""
    found: float = METRICS.get(metric).compute(Pair(real, fake, train)).value
    return found


def rows(*values: float) -> Features:
    """Return features of width 1."""
    return features(np.array(values)[:, None])


def features(pooled: Array, labels: NDArray[np.int64] | None = None) -> Features:
    """Return pooled features [n, d] as features of every layer, with names."""
    layers: dict[str, Any] = dict.fromkeys(("pooled", "spatial", "logits"), pooled)  # float64: paper has no rounding
    return Features(layers, tuple(map(str, range(len(pooled)))), labels)


def turned_gaussians(pairs: int, count: int) -> tuple[Features, Features, float]:
    """Return two sets whose sample covariances are known, do not commute, and have a known Frechet distance.

    Columns of a Hadamard matrix have mean 0 and no correlation, so that the first set's covariance is diagonal. The
    second's is diagonal too, but turned by another angle in every plane of two features. There the trace of the root of
    A B is sqrt(tr AB + 2 sqrt(det A det B)).

    Args:
        pairs: planes: half the width.
        count: images, a power of 2 above the width.
    """
    signs = hadamard(count)[:, 1 : 2 * pairs + 1].astype(np.float64)
    plane, unit = np.arange(pairs), count / (count - 1)  # the covariance's divisor is n - 1
    a = np.stack([1 + plane / pairs, 0.5 + 0.25 * np.cos(plane)], axis=1)
    b = np.stack([0.75 + 0.5 * np.sin(plane) ** 2, 1.5 - plane / pairs], axis=1)
    cos, sin = np.cos(plane * 0.7), np.sin(plane * 0.7)
    real = signs * a.reshape(-1)
    drawn = (signs * b.reshape(-1)).reshape(count, pairs, 2)
    turned = np.stack([cos * drawn[..., 0] - sin * drawn[..., 1], sin * drawn[..., 0] + cos * drawn[..., 1]], axis=2)
    shift = np.cos(np.arange(2 * pairs)) / 4
    variance_a, variance_b = unit * a**2, unit * b**2
    aligned = (variance_a * variance_b).sum(axis=1) * cos**2 + (variance_a * variance_b[:, ::-1]).sum(axis=1) * sin**2
    root = np.sqrt(aligned + 2 * np.sqrt(variance_a.prod(axis=1) * variance_b.prod(axis=1)))
    distance = shift @ shift + variance_a.sum() + variance_b.sum() - 2 * root.sum()
    return features(real), features(turned.reshape(count, -1) + shift), float(distance)


def _fd_turned() -> tuple[float, float]:
    real, fake, expected = turned_gaussians(32, 1024)
    return expected, value_of("fd", real, fake)


def _fd_wide() -> tuple[float, float]:
    """511 features, each four times, and four that do not vary: 2,048 features of 512 images."""
    count, copies = 512, 4
    signs = hadamard(count)[:, 1:].astype(np.float64)
    a, b = 1 + np.arange(count - 1) / count, 0.5 + np.cos(np.arange(count - 1)) ** 2
    sides = [np.tile(np.hstack([signs * scale, np.zeros((count, 1))]), copies) for scale in (a, b)]
    pair = Pair(features(sides[0]), features(sides[1] + 0.125))
    expected = 2048 * 0.125**2 + copies * count / (count - 1) * float(np.square(a - b).sum())
    return expected, frechet_distance(*pair.gaussians)


def _fd_infinity() -> tuple[float, float]:
    """Copies of one picture: fd is the trace of the reference's covariance and the squared shift, at any count."""
    signs = hadamard(64)[:, 1:5].astype(np.float64)
    expected = 64 / 63 * 4 + 4 * 3.0**2
    return expected, value_of("fd-infinity", features(signs), features(np.full((48, 4), 3.0)))


def _fd_class() -> tuple[float, float]:
    signs = np.vstack([hadamard(16)[:, 1:4]] * 2).astype(np.float64)
    labels = np.repeat([0, 1], 16)
    shifted = signs + np.where(labels == 0, 1.0, 3.0)[:, None]
    return 3 * (1.0 + 9.0) / 2, value_of("fd-class", features(signs, labels), features(shifted, labels))


def _sfd() -> tuple[float, float]:
    signs = hadamard(32)[:, 1:9].astype(np.float64)
    return 8 * (0.5**2 + 32 / 31), value_of("sfd", features(signs), features(2 * signs + 0.5))


def _mind() -> tuple[float, float]:
    drawn = np.array([0.0, 1, 3, 7, 12])
    return 3 * 2.0**2, value_of("mind", rows(*drawn), rows(*(drawn + 2)))


def _kd() -> tuple[float, float]:
    return -2.375, value_of("kd", features(np.eye(2)), features(np.array([[1.0, 1], [0, 0]])))


def _kd_subsets() -> tuple[float, float]:
    return 7.0, value_of("kd-subsets", rows(*[0.0] * 1000), rows(*[1.0] * 1000))


def _cmmd() -> tuple[float, float]:
    right, up = np.array([[3.0, 0]] * 2), np.array([[0, 1.0], [0, 5.0]])
    return -2000 * math.expm1(-2 / 200), value_of("cmmd", features(right), features(up))


def _is_certain() -> tuple[float, float]:
    logits = features(np.where(np.tile(np.eye(10), (10, 1)) > 0, 0.0, -1e4))
    return 10.0, value_of("is", logits, logits)


def _is_uniform() -> tuple[float, float]:
    logits = features(np.full((20, 7), 2.5))
    return 1.0, value_of("is", logits, logits)


def _is_unsure() -> tuple[float, float]:
    logits = features(np.log([[0.9, 0.1], [0.1, 0.9]] * 6))
    return 2 * 0.9**0.9 * 0.1**0.1, value_of("is", logits, logits)


LINE = rows(*range(10))
BESIDE = rows(0.5, 1.5, 2.5, 3.5, 1000, 1001, 1002, 1003, 1004, 1005)


def _on_the_line(metric: str, expected: float) -> Callable[[], tuple[float, float]]:
    """Real 0 .. 9, four fakes between the first five, six far off; counted by hand."""
    return lambda: (expected, value_of(metric, LINE, BESIDE))


def _soft(metric: str) -> Callable[[], tuple[float, float]]:
    """Six points 0 .. 5, whose 4th neighbours are 4, 3, 2, 2, 3, 4 away, and 0.5 beside five far points."""
    reach = 1.2 * 3.0
    inside = 1 - math.prod(min(1.0, abs(at - 0.5) / reach) for at in range(6))
    sides = rows(*range(6)), rows(0.5, 100, 200, 300, 400, 500)
    return lambda: (inside / 6, value_of(metric, *(sides if metric == "p-precision" else sides[::-1])))


def _vendi() -> tuple[float, float]:
    kinds = features(np.repeat(np.eye(3), 4, axis=0))
    return 3.0, value_of("vendi", kinds, kinds)


def _vendi_uneven() -> tuple[float, float]:
    kinds = features(np.eye(2)[[0, 0, 0, 1]])
    return 4 / 3**0.75, value_of("vendi", kinds, kinds)


def _class_histogram() -> tuple[float, float]:
    real, fake = (features(np.eye(4)[list(chosen)]) for chosen in ((0, 0, 1, 1), (0, 2, 3, 3)))
    return 0.75, value_of("class-histogram", real, fake)


def _fwd() -> tuple[float, float]:
    """256 packets of one coefficient, each twice as wide and shifted by 3."""
    signs = np.tile(hadamard(8)[:, 1:2].astype(np.float64), (1, 256))
    return 9 + 8 / 7, value_of("fwd", features(signs), features(2 * signs + 3))


def _of_grey(metric: str, measure: str, expected: float) -> Callable[[], tuple[float, float]]:
    """Pictures of 0.25 and of 0.75 everywhere."""

    def compute() -> tuple[float, float]:
        dark, light = (np.full((3, 16, 16, 3), level, np.float32) for level in (0.25, 0.75))
        opened = open_measure(measure, Setup(Place("cpu", "torch", Path())))
        three = features(np.zeros((3, 1)))
        pair = Pair(three, three, measured=opened(dark, light), partners=np.arange(3), measure=opened)
        return expected, METRICS.get(metric).compute(pair).value

    return compute


CASES = (
    Case("fd", "64 features, covariances that do not commute", _fd_turned),
    Case("fd", "2,048 features of 512 images, singular", _fd_wide),
    Case("fd-infinity", "one picture again and again", _fd_infinity),
    Case("fd-class", "two classes, shifted by 1 and by 3", _fd_class),
    Case("sfd", "twice as wide, shifted", _sfd),
    Case("mind", "a shift by 2 along one axis", _mind),
    Case("kd", "two points a side", _kd),
    Case("kd-subsets", "two points, 1,000 times", _kd_subsets),
    Case("cmmd", "two orthogonal directions", _cmmd),
    Case("is", "10 classes, certain", _is_certain),
    Case("is", "uniform logits", _is_uniform),
    Case("is", "90 % sure of one of two classes", _is_unsure),
    Case("precision", "points on a line", _on_the_line("precision", 0.4)),
    Case("recall", "points on a line", _on_the_line("recall", 0.7)),
    Case("density", "points on a line", _on_the_line("density", 0.44)),
    Case("coverage", "points on a line", _on_the_line("coverage", 0.7)),
    Case("p-precision", "points on a line", _soft("p-precision")),
    Case("p-recall", "points on a line", _soft("p-recall")),
    Case("realism", "halfway between points on a line", lambda: (4.0, value_of("realism", LINE, _between()))),
    Case("rarity", "in balls of radius 3 and 2", lambda: (3.0, value_of("rarity", LINE, _outer()))),
    Case("vendi", "three kinds, equally many", _vendi),
    Case("vendi", "two kinds, three to one", _vendi_uneven),
    Case("c2st", "equal pictures", lambda: (0.5, value_of("c2st", rows(*[1.0] * 20), rows(*[1.0] * 20)))),
    Case("c2st", "far apart", lambda: (1.0, value_of("c2st", rows(*range(20)), rows(*range(500, 520))))),
    Case("class-histogram", "four classes, total variation", _class_histogram),
    Case("nn", "a quarter of the spacing away", lambda: (0.25, value_of("nn", LINE, _quarter(), LINE))),
    Case("fwd", "256 packets, twice as wide, shifted", _fwd),
    Case("l1", "dark grey, light grey", _of_grey("l1", "l1", 0.5)),
    Case("psnr", "dark grey, light grey", _of_grey("psnr", "mse", 20 * math.log10(2))),
    Case("ssim", "dark grey, light grey", _of_grey("ssim", "ssim", (0.375 + 1e-4) / (0.625 + 1e-4))),
    Case("spectrum", "gaps of 1 and 7 dB", lambda: (5.0, value_of("spectrum", *_gaps()))),
)


def _between() -> Features:
    return rows(0.5, 1.5, 2.5, 3.5, 4.5, 5.25)


def _outer() -> Features:
    return rows(-2.25, -2.5, -2.75, -3, 0.5, 1.5)


def _quarter() -> Features:
    return rows(*(np.arange(8) + 0.25))


def _gaps() -> tuple[Features, Features]:
    return features(np.zeros((4, 2))), features(np.tile([1.0, -7.0], (4, 1)))
