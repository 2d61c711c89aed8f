"""Stage 3, two by two: pairs of images -> one number each. The table of measures, which pairs there are, the loop."""

from dataclasses import replace

from genbench.contracts import Measure
from genbench.features.runtime import Setup
from genbench.registry import Registry

MEASURES = Registry(
    "measure",
    {
        "l1": "genbench.pairs.differences:MeanAbsolute",
        "mse": "genbench.pairs.differences:MeanSquare",
        "ssim": "genbench.pairs.similarity:StructuralSimilarity",
        "ms-ssim": "genbench.pairs.similarity:MultiscaleSimilarity",
        "lpips": "genbench.pairs.lpips:LearnedDistance",
        "lite0": "genbench.pairs.lite0:Lite0Distance",
    },
    "genbench.measures",
)


def open_measure(text: str, setup: Setup) -> Measure:
    """Return the measure that ``text``, "name" or "name:argument", names; raises before any work if it cannot run.

    Raises:
        UnknownName: if there is no such measure.  MissingWeights: if its weights are not on this machine.
    """
    name, _, argument = text.partition(":")
    measure: Measure = MEASURES.get(name)(replace(setup, argument=argument))
    return measure
