"""Frechet distance class by class: intra-FID (Miyato & Koyama 2018, arXiv:1802.05637), for conditional generators.

A generator that draws good pictures of the wrong class, or one picture a class, may have a good fd and a bad one here.
"""

import math

import numpy as np

from genbench.contracts import Estimate, Metric
from genbench.scratch import take_rows
from genbench.stats.classes import match_classes
from genbench.stats.gaussian import BIASED_BELOW, Gaussian, frechet_distance, frechet_error
from genbench.stats.pair import Pair
from genbench.stats.parts import join_parts

NAME = "fd-class"


def class_frechet(pair: Pair) -> Estimate:
    """Mean over classes of the Frechet distance between the images of a class, range [0, inf), lower is better.

    Args:
        pair: pooled features float32 [n, d] and [m, d] with labels on both sides, 2 images of a class or more on each.
            Classes are matched by name where both sides name theirs, else by number.

    Returns:
        The unweighted mean. Details: "classes", the distance of each. Standard error: classes share no image, so it is
        sqrt(sum of their squared errors) / classes, each as that of fd; the number of images of a class is taken as
        given.

    Raises:
        MismatchedFeatures: if the widths differ.
        BadInput: if a side has no labels, or the classes differ.
        NotEnoughImages: if a class has fewer than 2 images on a side.
    """
    sides = pair.rows()
    width = sides[0].shape[1]
    values, errors, parts, fewest = {}, [], [], math.inf
    for one in match_classes(NAME, pair.real, pair.fake):
        real_rows, fake_rows = take_rows(sides[0], one.real), take_rows(sides[1], one.fake)
        real, fake = Gaussian.of(real_rows), Gaussian.of(fake_rows)
        values[one.name] = max(frechet_distance(real, fake), 0.0)
        error, _, of_class = frechet_error(real, fake, real_rows, fake_rows, pair.seed)
        errors.append(error)
        parts.append(of_class)
        fewest = min(fewest, real.count, fake.count)
    warnings = []
    if fewest < BIASED_BELOW * width:
        warnings.append(
            f"{fewest} images of a class for {width} features: fd-class is biased upward; compare only with scores at "
            "the same counts a class"
        )
    known = [error for error in errors if error is not None]
    if len(known) < len(errors):
        warnings.append("too few images for a standard error: expected 3 of each class a side")
    error = math.hypot(*known) / len(known) if len(known) == len(errors) else None
    joined = (
        {}
        if error is None
        else {
            side: join_parts([of_class[side] for of_class in parts]).scaled(1 / len(parts)) for side in ("real", "fake")
        }
    )
    return Estimate(float(np.mean(list(values.values()))), error, tuple(warnings), {"classes": values}, parts=joined)


FD_CLASS = Metric(
    name=NAME,
    label="FD-class",
    summary="mean over classes of fd within a class; both sides need labels",
    compute=class_frechet,
    better="lower",
    range=(0.0, float("inf")),
    source="Miyato & Koyama 2018, arXiv:1802.05637",
    is_symmetric=True,
    needs=("labels",),
)
