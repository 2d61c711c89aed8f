"""Stage 3: images -> features. The table of extractors, the loop that runs them, the store that keeps what they say."""

from dataclasses import replace

from genbench.contracts import Extractor
from genbench.features.runtime import Setup
from genbench.registry import Registry

EXTRACTORS = Registry(
    "extractor",
    {
        "inception": "genbench.features.inception:Inception",
        "efficientnet-lite0": "genbench.features.efficientnet:EfficientNetLite0",
        "pixels": "genbench.features.pixels:PixelValues",
    },
    "genbench.extractors",
)


def open_extractor(text: str, setup: Setup) -> Extractor:
    """Return the extractor written as "name" or "name:argument"; raises before any work if it cannot run.

    Args:
        text: a name in the table, with what stands behind a colon.
        setup: where it runs, and the user's weight file; its argument is filled in here.

    Raises:
        UnknownName: if there is no such extractor.  MissingWeights: if its weights are not on this machine.
    """
    name, _, argument = text.partition(":")
    make = EXTRACTORS.get(name)
    extractor: Extractor = make(replace(setup, argument=argument))
    return extractor
