"""Measures of generators of volumes, occupied where a voxel is 1/2 or more."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.learned.findings import Finding
from benchmarks.learned.subject import Subject


def connected_share(subject: Subject) -> Finding:
    """Share of the occupied voxels that hang together by their faces, mean over samples.

    A grid that is not as full as the middle 98 % of the training data counts 0: a random one hangs together too where
    it is more than a third full.
    """
    from scipy.ndimage import label

    lowest, highest = np.quantile(occupancy(_real(subject.train.x)), (0.01, 0.99))
    shares, sane = [], 0
    for grid in _drawn(subject).numpy()[:, 0]:
        is_sane = lowest <= grid.mean() <= highest
        sane += is_sane
        shares.append(np.bincount(label(grid)[0][grid]).max() / grid.sum() if is_sane else 0.0)
    return Finding(
        float(np.mean(shares)), f"{sane} of {len(shares)} as full as training data ({lowest:.2f} to {highest:.2f})"
    )


def nearest_overlap(subject: Subject) -> Finding:
    """Intersection over union with the nearest held-out grid, median over samples."""
    real = _real(subject.test.x)
    train = _nearest(_real(subject.train.x)[: subject.count], real)
    return Finding(_nearest(_drawn(subject), real), f"training data have {train:.3f}")


def occupancy_gap(subject: Subject) -> Finding:
    """Largest difference of the distributions of the occupied share from that of held-out data (Kolmogorov-Smirnov)."""
    from scipy.stats import ks_2samp

    fake, real = occupancy(_drawn(subject)), occupancy(_real(subject.test.x))
    return Finding(
        float(ks_2samp(fake, real).statistic), f"median {np.median(fake):.3f}, held-out {np.median(real):.3f}"
    )


def occupancy(grids: Tensor) -> NDArray[np.float64]:
    """Return the occupied share of each of the grids, bool [n, 1, d, h, w]."""
    return grids.flatten(1).double().mean(1).numpy()


def _nearest(grids: Tensor, real: Tensor) -> float:
    ours, theirs = grids.flatten(1).float(), real.flatten(1).float()
    common = ours @ theirs.T
    union = ours.sum(1, keepdim=True) + theirs.sum(1) - common
    return float((common / union.clamp(min=1)).max(dim=1).values.median())


def _drawn(subject: Subject) -> Tensor:
    return subject.draw(subject.model.sample_voxels) >= 0.5


def _real(x: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(x) > 0
