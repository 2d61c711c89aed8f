"""Stage 3: images -> features. The table of extractors, the loop that runs them, the store that keeps what they say."""

from dataclasses import replace

from genbench.contracts import Extractor
from genbench.features.runtime import Setup
from genbench.registry import Registry
from genbench.usercode import names_an_object

EXTRACTORS = Registry(
    "extractor",
    {
        "inception": "genbench.features.inception:Inception",
        "efficientnet-lite0": "genbench.features.efficientnet:EfficientNetLite0",
        "dinov2-l14": "genbench.features.dinov2:Dinov2L14",
        "clip-l14-336": "genbench.features.clip:ClipL14At336",
        "vgg16": "genbench.features.vgg16:VGG16",
        "timm": "genbench.features.backbones:TimmBackbone",
        "python": "genbench.features.own:OwnExtractor",
        "torchscript": "genbench.features.scripted:ScriptedExtractor",
        "pixels": "genbench.features.pixels:PixelValues",
        "wavelet": "genbench.features.wavelet:WaveletPackets",
        "spectrum": "genbench.features.power:PowerSpectrum",
    },
    "genbench.extractors",
)


def open_extractor(text: str, setup: Setup) -> Extractor:
    """Return the extractor that ``text`` names; raises before any work if it cannot run.

    Args:
        text: "name" or "name:argument", the name in the table; else the path of a TorchScript file, ``f.pt``; else
            "file.py:NAME" or "package.module:NAME".
        setup: where it runs, and the user's weight file; its argument is filled in here.

    Raises:
        UnknownName: if there is no such extractor.  MissingWeights: if its weights are not on this machine.
        BadInput: if the user's file or object is no extractor.
    """
    name, argument = _split(text)
    make = EXTRACTORS.get(name)
    extractor: Extractor = make(replace(setup, argument=argument))
    return extractor


def _split(text: str) -> tuple[str, str]:
    """Return the name in the table and its argument."""
    name, _, argument = text.partition(":")
    if name in EXTRACTORS:
        return name, argument
    if text.lower().endswith(".pt"):
        return "torchscript", text
    if names_an_object(text) or text.endswith(".py"):
        return "python", text
    return name, argument
