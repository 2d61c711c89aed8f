"""Feature likelihood divergence: how unlikely held-out images are under a density around the fake ones.

FLD (Jiralerspong et al. 2023, arXiv:2302.04440): a Gaussian at every fake image, its width fitted to the training set,
judges test images, which neither it nor the generator has seen. Copies of training images get Gaussians that shrink
onto them and are of no use for the test images, so that it sees quality, variety and copying at once. As widths are
fitted, fakes that are merely too alike need not score worse: on one round cloud, fakes shrunk to its middle do better.
"""

import math

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Estimate, Metric
from genbench.errors import BadInput
from genbench.scratch import empty_rows, take_rows
from genbench.stats.distances import Points
from genbench.stats.jackknife import blocks, error_across
from genbench.stats.mixture import Mixture, squared_table
from genbench.stats.pair import Pair
from genbench.stats.parts import part_across, part_of_mean
from genbench.stats.running import content_order

MOST = 10_000  # Gaussians
FEWEST = 4
ROWS_AT_ONCE = 1024
SCALE = 100.0
Rows = NDArray[np.floating]


def likelihood_divergence(pair: Pair) -> Estimate:
    """100 times the mean negative log density of test images, a feature, less a baseline's; range (-inf, inf).

    All features are standardised by the test set (divisor n - 1; those constant there are left out). The baseline is
    the same with half of the training set in the place of the fakes, fitted to the other half: a generator as good as
    fresh training images scores about 0, and lower is better. Of more than 10,000 fake images 10,000 are taken. Both
    choices are by content, not by order.

    Args:
        pair: pooled features float32 of the test set (``real``, [n, d]), of the fakes [m, d] and of the training set
            (``train``, [l, d]); n, m, l >= 4.

    Returns:
        The divergence. Standard error: of the mean over test images of the difference to the baseline, and of the fake
        images by a 20-block jackknife without fitting again; the training set is taken as given, as the generator is
        made from it. Details: "generalisation_gap", 100 times what the training images' mean is above the test images'
        (below 0: the density favours training images, by memory), "baseline", "gaussians".

    Raises:
        BadInput: if there is no training set, or no feature varies over the test set.
        MismatchedFeatures: if the widths differ.
    """
    real, fake = pair.rows()
    train = pair.training_rows("fld", FEWEST)
    scaler = _Standards(real)
    if len(fake) > MOST:
        fake = take_rows(fake, content_order(fake)[:MOST])
    test, fitted = (scaler.apply(rows, name) for rows, name in ((real, "real"), (train, "train")))
    centres = scaler.apply(fake, "fake", pair.seed)
    to_fitted = squared_table(fitted, centres)
    mixture = Mixture.fit(centres, fitted, to_fitted)
    on_train, _ = mixture.log_densities(to_fitted)
    on_test, without = mixture.log_densities(squared_table(test, centres))
    baseline = _baseline(scaler, train, test, len(fake))
    unit = SCALE / test.width
    gain = unit * (baseline - on_test)
    error = math.hypot(math.sqrt(gain.var(ddof=1) / len(gain)), error_across(-unit * without))
    details = {
        "generalisation_gap": unit * float(on_test.mean() - on_train.mean()),
        "baseline": -float(baseline.mean()) / test.width,
        "gaussians": len(fake),
        "features": test.width,
    }
    parts = {"real": part_of_mean(gain), "fake": part_across(-unit * without)}
    return Estimate(float(gain.mean()), error, _warnings(pair, test), details, parts=parts)


class _Standards:
    """Mean and standard deviation of a set's features, and other sets in that unit."""

    def __init__(self, rows: Rows) -> None:
        mean = rows.mean(axis=0, dtype=np.float64)
        squares = np.sum([np.square(rows[part] - mean).sum(axis=0) for part in _parts(len(rows))], axis=0)
        deviation = np.sqrt(squares / (len(rows) - 1))
        self._varies = deviation > 1e-9 * np.abs(mean)  # what is below is rounding of the mean
        if not self._varies.any():
            raise BadInput(
                "fld: no feature varies over the test images (--real); expected images that differ, got equal ones. "
                "Give another test set."
            )
        self._mean, self._deviation = mean[self._varies], deviation[self._varies]

    def apply(self, rows: Rows, name: str, seed: int = 0) -> Points:
        """Return ``rows`` standardised."""
        scaled = empty_rows(len(rows), len(self._mean))
        for part in _parts(len(rows)):
            scaled[part] = (rows[part][:, self._varies] - self._mean) / self._deviation
        return Points.of(scaled, blocks(len(rows), seed, name), name)


def _baseline(scaler: _Standards, train: Rows, test: Points, most: int) -> NDArray[np.float64]:
    """Return the log densities of test images with half of the training set, ``most`` at most, as the fakes."""
    order = content_order(train)
    half = min(most, len(train) // 2)
    centres, rest = (scaler.apply(take_rows(train, part), "train") for part in (order[:half], order[half:]))
    mixture = Mixture.fit(centres, rest, squared_table(rest, centres))
    return mixture.log_densities(squared_table(test, centres))[0]


def _warnings(pair: Pair, test: Points) -> tuple[str, ...]:
    warnings = []
    if pair.fake.count > MOST:
        warnings.append(f"{MOST} of {pair.fake.count} fake images are used, as published")
    constant = pair.real.pooled.shape[1] - test.width
    if constant:
        warnings.append(f"{constant} features that do not vary over the test images are left out")
    return tuple(warnings)


def _parts(count: int) -> list[slice]:
    return [slice(start, start + ROWS_AT_ONCE) for start in range(0, count, ROWS_AT_ONCE)]


FLD = Metric(
    name="fld",
    label="FLD",
    summary="how unlikely test images are under Gaussians at the fakes fitted to --train; sees copying too",
    compute=likelihood_divergence,
    better="lower",
    range=(-float("inf"), float("inf")),
    source="Jiralerspong et al. 2023, arXiv:2302.04440",
    uses_train=True,
    needs=("train",),
    min_count=FEWEST,
)
