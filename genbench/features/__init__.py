"""Stage 3: images -> features. The table of extractors, the loop that runs them, the store that keeps what they say."""

from genbench.registry import Registry

EXTRACTORS = Registry(
    "extractor",
    {
        "efficientnet-lite0": "genbench.features.efficientnet:EfficientNetLite0",
        "pixels": "genbench.features.pixels:PixelValues",
    },
    "genbench.extractors",
)
