"""Mixtures of Gaussians in the plane, on which mode collapse can be seen."""

import numpy as np
from numpy.typing import NDArray

from genbench.seeds import generator
from zoo.data.contracts import Examples
from zoo.data.splits import count_of, refuse_argument


def load_ring8(argument: str, split: str) -> Examples:
    """Points of eight equally likely Gaussians on a circle: radius 2, standard deviation 0.02.

    float32 [n, 2], 4,000 and 1,000; labels are the Gaussians. Truth: centres float64 [8, 2], sigma float64 [], mode
    int64 [n]. Metz et al. 2016, arXiv:1611.02163; VEEGAN (arXiv:1705.07761) and PacGAN (arXiv:1712.04086) use the same
    picture at half the scale, radius 1 and 0.01.
    """
    refuse_argument("ring8", argument)
    angle = 2 * np.pi * np.arange(8) / 8
    return _examples("ring8", split, 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1), 0.02)


def load_grid25(argument: str, split: str) -> Examples:
    """Points of 25 equally likely Gaussians on a grid: spacing 2 from -4 to 4, standard deviation 0.05.

    As ``ring8``, with centres [25, 2]. The grid of VEEGAN (arXiv:1705.07761) and of the code of PacGAN
    (github.com/fjxmlzn/PacGAN).
    """
    refuse_argument("grid25", argument)
    places = 2.0 * np.arange(-2, 3)
    centres = np.stack(np.meshgrid(places, places, indexing="ij"), axis=-1).reshape(-1, 2)
    return _examples("grid25", split, centres, 0.05)


def _examples(name: str, split: str, centres: NDArray[np.float64], sigma: float) -> Examples:
    """Return points drawn in float64, rounded to float32: there the last bit of any library's logarithm is lost."""
    centres = centres.astype(np.float32).astype(np.float64)
    draws, count = generator(0, name, split), count_of(split)
    mode = draws.integers(len(centres), size=count)
    points = centres[mode] + sigma * draws.standard_normal((count, 2))
    return Examples(
        name="",
        split="",
        x=points.astype(np.float32),
        levels=None,
        native=True,
        labels=mode,
        classes=tuple(f"mode {index}" for index in range(len(centres))),
        partner=None,
        is_paired=False,
        truth={"centres": centres, "sigma": np.array(sigma), "mode": mode},
        can_flip=False,
    )
