"""The checks: what is measured of a trained model, and whether it is good enough."""

import math
from collections.abc import Sequence

from benchmarks.learned.findings import Finding, Measure
from benchmarks.learned.results import Check
from benchmarks.learned.subject import Subject
from benchmarks.learned.trials import Threshold
from genbench.registry import Registry

MEASURES = Registry(
    "measure",
    {
        "distance ratio": "benchmarks.learned.images:distance_ratio",
        "distance over the mean image's": "benchmarks.learned.images:distance_over_mean_image",
        "classes covered": "benchmarks.learned.images:classes_covered",
        "class agreement": "benchmarks.learned.images:class_agreement",
        "variety within classes": "benchmarks.learned.images:variety_within_classes",
        "order under truncation": "benchmarks.learned.images:truncation_order",
        "precision for recall by psi": "benchmarks.learned.images:precision_for_recall",
        "fall of the Wasserstein estimate": "benchmarks.learned.networks:wasserstein_fall",
        "critic's slope from 1": "benchmarks.learned.networks:slope_error",
        "singular values from 1": "benchmarks.learned.networks:singular_value_error",
        "singular values over the bound": "benchmarks.learned.networks:singular_value",
        "spread of path lengths over pathless": "benchmarks.learned.networks:path_spread_ratio",
        "attention used": "benchmarks.learned.networks:attention_used",
        "modes covered": "benchmarks.learned.points:modes_covered",
        "high-quality share": "benchmarks.learned.points:high_quality_share",
        "gain of averaging": "benchmarks.learned.points:gain_of_averaging",
        "pair error over shuffled": "benchmarks.learned.pairs:pair_error",
        "distance ratio, second domain": "benchmarks.learned.pairs:second_distance_ratio",
        "connected share": "benchmarks.learned.voxels:connected_share",
        "overlap with the nearest real": "benchmarks.learned.voxels:nearest_overlap",
        "occupancy's distance": "benchmarks.learned.voxels:occupancy_gap",
        "bits a dimension": "benchmarks.learned.densities:bits_per_dimension",
        "right class likelier": "benchmarks.learned.densities:right_class_likelier",
        "classified by likelihood": "benchmarks.learned.densities:classified_by_likelihood",
        "latents from standard normal": "benchmarks.learned.densities:latents_from_normal",
        "error over principal components'": "benchmarks.learned.codes:error_over_components",
        "error over the mean image's": "benchmarks.learned.codes:error_over_mean_image",
        "gain of a linear probe": "benchmarks.learned.codes:probe_gain",
        "codebook used": "benchmarks.learned.codes:codebook_used",
    },
    "benchmarks.measures",
)


def check(threshold: Threshold, subject: Subject) -> Check:
    """Measure ``subject`` and return the number beside its threshold; a measure that crashes is a check that failed."""
    measure: Measure = MEASURES.get(threshold.measure)
    try:
        finding = measure(subject)
    except Exception as error:  # the other checks go on
        finding = Finding(math.nan, f"crashed: {type(error).__name__}: {error}")
    return Check(
        name=threshold.measure,
        value=finding.value if math.isfinite(finding.value) else None,
        threshold=threshold.limit,
        better=threshold.better,
        passed=threshold.passes(finding.value),
        section=threshold.section,
        is_bound=threshold.is_bound,
        note=finding.note,
    )


def check_all(thresholds: Sequence[Threshold], subject: Subject) -> list[Check]:
    """Return the check of every threshold."""
    return [check(threshold, subject) for threshold in thresholds]
