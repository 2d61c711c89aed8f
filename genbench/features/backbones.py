"""Any backbone of timm, ``timm:NAME``, with the preprocessing that timm states for its weights.

The weights are those of timm: a file of the Hugging Face hub, taken from its cache or downloaded, else the user's.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from genbench.contracts import Pixels
from genbench.errors import BadInput, MissingWeights, UnknownName
from genbench.features.published import normalised
from genbench.features.runtime import Network, Setup, load, under_torch
from genbench.features.weights import NO_WEIGHTS_NEEDED, given_file, is_offline, sha256_of

NAME = "timm"
HUB_FILES = ("model.safetensors", "pytorch_model.bin")  # in timm's order
SHOWN = 300  # characters of another program's message


class TimmBackbone:
    """`timm:NAME`, any backbone of timm, with its own preprocessing; weights from the Hugging Face hub.

    Layer "pooled" is float32 [n, d], the features before the classifier (``forward_head(..., pre_logits=True)``); layer
    "logits" float32 [n, classes], where the network ends in a classifier of one of ImageNet's sets of classes: the
    outputs of CLIP's towers are no logits.

    Images pass timm's own transform for evaluation, with the size, crop, filter and colours of the model's record
    (``timm.data.resolve_model_data_config``). The network runs under torch on every device.

    Args:
        setup: NAME as its argument, "resnet50" or "resnet50.a1_in1k"; where the network runs; a state dict of that
            network by timm's names, or one that timm itself converts (safetensors or torch).

    Raises:
        UnknownName: if timm has no such backbone.  BadInput: if it has no pooled features, or the file does not fit.
        MissingWeights: if there are no weights.
    """

    name = NAME
    widths: Mapping[str, int] = {}
    batch_size = 16

    def __init__(self, setup: Setup) -> None:
        self.name = who = f"{NAME}:{setup.argument}"
        record = find_record(setup.argument)
        place = under_torch(who, setup.place)
        self.widths, config = describe(who, setup.argument)
        path = find_weights(who, record, setup)
        found = sha256_of(path)
        net = normalised(_with_heads(build(who, setup.argument, path), self.widths), (config["mean"], config["std"]))
        self._transform = _transform(config)
        _, height, width = config["input_size"]
        self._run = load(Network(f"{NAME}-{found[:16]}", lambda: net, height, tuple(self.widths)), place)
        self.facts: Mapping[str, str] = {
            "extractor": f"{NAME} v1",
            "network": f"timm {version('timm')} {record.architecture or setup.argument}.{record.tag or 'untagged'}",
            "weights": found,
            "resize": f"timm's: {config['crop_mode']} crop of {config['crop_pct']:g}, pillow {PIL.__version__} "
            f"{config['interpolation']} uint8 {height}x{width}, (x / 255 - {config['mean']}) / {config['std']}",
            "decode": f"pillow {PIL.__version__} convert RGB",
            "dtype": "float32",
            "runtime": place.describe(),
        }

    def prepare(self, image: Pixels) -> NDArray[np.uint8]:
        """Return the image resized and cropped, uint8 [h, w, 3]; the network normalises it."""
        ready: NDArray[np.uint8] = self._transform(Image.fromarray(image)).permute(1, 2, 0).numpy()
        return ready

    def __call__(self, batch: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Return layer -> float32 [n, width] for uint8 [n, h, w, 3]."""
        return dict(zip(self.widths, self._run(batch), strict=True))


# ------------------------------------------------------------------------------------------------ which network


def find_record(name: str) -> Any:
    """Return timm's ``PretrainedCfg`` of "architecture" or "architecture.tag"; raises ``UnknownName``."""
    import timm

    with suppress(RuntimeError):  # of an unknown tag
        if timm.is_model(name):
            return timm.get_pretrained_cfg(name) or timm.models.PretrainedCfg(architecture=name)
    near = get_close_matches(name, [*timm.list_models(), *timm.list_pretrained()], n=3)
    hint = f" Did you mean {' or '.join(f'{NAME}:{one}' for one in near)}?" if near else ""
    who = f"extractor {NAME + ':' + name!r}"
    raise UnknownName(f"{who}: timm has no such backbone; expected a name of timm.list_models(), got {name!r}.{hint}")


def describe(who: str, name: str) -> tuple[dict[str, int], dict[str, Any]]:
    """Return (layer -> width, timm's data configuration) of a backbone, without computing anything.

    Raises:
        BadInput: if it has no pooled features.
    """
    import timm
    import torch

    data: Any = timm.data
    with torch.device("meta"):
        net: Any = timm.create_model(name, pretrained=False).eval()
        config: dict[str, Any] = data.resolve_model_data_config(net)
        widths: dict[str, int] = {"pooled": net.head_hidden_size}
        if data.infer_imagenet_subset({"num_classes": net.num_classes}):
            widths["logits"] = net.num_classes
        try:
            outputs = _with_heads(net, widths)(torch.zeros(2, *config["input_size"]))
            found = str([tuple(out.shape) for out in outputs])
        except (NotImplementedError, TypeError, AttributeError, RuntimeError) as problem:
            found = " ".join(str(problem).split())[:SHOWN]
    expected = [(2, width) for width in widths.values()]
    if found != str(expected):
        raise BadInput(f"{who}: has no pooled features; expected {expected} of two images, got {found}. Use another.")
    return widths, config


def _with_heads(net: Any, layers: Mapping[str, int]) -> Any:
    """Return an ``nn.Module`` from normalised images to (pooled,) or (pooled, logits)."""
    import torch

    class WithHeads(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            features = self.net.forward_features(images)
            pooled = self.net.forward_head(features, pre_logits=True)
            return (pooled, self.net.forward_head(features)) if "logits" in layers else (pooled,)

    return WithHeads()


def _transform(config: Mapping[str, Any]) -> Any:
    """Return timm's transform for evaluation up to normalisation: a PIL image -> uint8 tensor [3, h, w]."""
    import timm

    data: Any = timm.data
    return data.create_transform(**config, is_training=False, normalize=False)


# ------------------------------------------------------------------------------------------------ its weights


def build(who: str, name: str, path: Path) -> Any:
    """Return timm's network with the weights at ``path``, in eval mode; global random states are left alone.

    Raises:
        BadInput: if the file does not fit.
    """
    import timm
    import torch

    try:
        with torch.random.fork_rng(devices=[]), _what_timm_says() as said:
            source = {"file": str(path), "custom_load": False}
            net = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=source)
    except Exception as problem:  # of timm, torch or safetensors, whose converters fail in many ways on other files
        text = " ".join(str(problem).split())[:SHOWN]
        raise BadInput(
            f"{who}: {path} does not fit the network; expected a state dict that timm loads, got "
            f"{type(problem).__name__}: {text}. Give another file."
        ) from problem
    missing = next((text for text in said if text.startswith("Missing keys")), None)
    if missing:
        raise BadInput(f"{who}: {path} does not fit the network; expected all of its tensors, got {missing[:SHOWN]}")
    return net.eval().requires_grad_(False)


@contextmanager
def _what_timm_says() -> Iterator[list[str]]:
    """Collect what timm logs while it loads weights: of some networks it loads what is there, and notes the rest."""
    said: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger, ear = logging.getLogger("timm.models._builder"), Ear()
    level = logger.level
    logger.addHandler(ear)
    logger.setLevel(logging.INFO)
    try:
        yield said
    finally:
        logger.setLevel(level)
        logger.removeHandler(ear)


def find_weights(who: str, record: Any, setup: Setup) -> Path:
    """Return the weight file of a backbone: the user's, else timm's published one, downloaded if need be.

    Raises:
        MissingWeights: if there is none: one message that says what to do.
    """
    if setup.weights is not None:
        return given_file(who, setup.weights)
    if record.hf_hub_id:
        files = (record.hf_hub_filename,) if record.hf_hub_filename else HUB_FILES
        return _from_hub(who, record.hf_hub_id, files)
    if record.url:
        return _from_url(who, record.url)
    raise MissingWeights(
        f"{who}: timm has no weights for it; expected a name of timm.list_pretrained(), got {record.architecture!r}. "
        "Name a state dict of your own: --weights FILE."
    )


def _from_hub(who: str, repository: str, files: tuple[str, ...]) -> Path:
    from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError

    cached = (try_to_load_from_cache(repository, file) for file in files)
    found = next((path for path in cached if isinstance(path, str)), None)
    if found:
        return Path(found)
    place = f"https://huggingface.co/{repository}"
    if is_offline() or constants.HF_HUB_OFFLINE:
        raise MissingWeights(_how_to_get(who, place, files, "GENBENCH_OFFLINE or HF_HUB_OFFLINE is 1"))
    why = "the repository has none of them"
    for file in files:
        try:
            return Path(hf_hub_download(repository, file))
        except EntryNotFoundError:
            continue
        except Exception as problem:  # of the hub's client or of what it is built on
            why = f"{type(problem).__name__}: {' '.join(str(problem).split())[:SHOWN]}"
            break
    raise MissingWeights(_how_to_get(who, place, files, why))


def _from_url(who: str, url: str) -> Path:
    from timm.models._hub import check_cached_file, download_cached_file

    why = "GENBENCH_OFFLINE is 1"
    if not is_offline() or check_cached_file(url):
        try:
            return Path(download_cached_file(url))
        except (OSError, RuntimeError) as problem:
            why = f"{type(problem).__name__}: {' '.join(str(problem).split())[:SHOWN]}"
    raise MissingWeights(_how_to_get(who, url.rpartition("/")[0], (url.rpartition("/")[2],), why))


def _how_to_get(who: str, place: str, files: tuple[str, ...], why: str) -> str:
    return (
        f"{who}: its weights are not on this machine; expected {' or '.join(files)} of {place} in the cache of the "
        f"Hugging Face hub or of torch, got none ({why}). Download it elsewhere and name it, --weights FILE, or run "
        f"without it: {NO_WEIGHTS_NEEDED}."
    )
