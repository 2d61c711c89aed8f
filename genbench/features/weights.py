"""Published weight files: one table, and the functions that find, check, fetch and import them.

A published file is looked for, in this order, in ``$GENBENCH_WEIGHTS`` (a folder, or a file), the cache's ``weights``
folder and torch hub's cache; then it is downloaded. Wherever it is, its SHA-256 must be the published one. A file that
``$GENBENCH_WEIGHTS`` names is left alone by the networks whose it is not: by all but one where it is a published file.
Only a file that the user names (``--weights FILE``) may be another, and then the facts of the features say so.
Nothing is downloaded where ``GENBENCH_OFFLINE`` is 1.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.request import urlopen

from genbench.contracts import Watch
from genbench.errors import MissingWeights, UnknownName

TIMEOUT_S = 10.0
CHUNK = 1 << 20
NO_WEIGHTS_NEEDED = "--extractor efficientnet-lite0"


@dataclass(frozen=True)
class WeightFile:
    """A published weight file.

    Attributes:
        network: its name; of most, the extractor that reads it.
        file: its file name.
        url: where it is published; https.
        sha256: of the file.
        size: bytes.
        source: who made it, under what licence.
    """

    network: str
    file: str
    url: str
    sha256: str
    size: int
    source: str


PUBLISHED = {
    "inception": WeightFile(
        "inception",
        "pt_inception-2015-12-05-6726825d.pth",
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        95_628_359,
        "Google's Inception of 2015-12-05, converted by pytorch-fid; Apache-2.0",
    ),
    "vgg16": WeightFile(
        "vgg16",
        "vgg16-397923af.pth",
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        553_433_881,
        "torchvision's VGG16, ImageNet; BSD-3-Clause",
    ),
    "alexnet": WeightFile(
        "alexnet",
        "alexnet-owt-7be5be79.pth",
        "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        244_408_911,
        "torchvision's AlexNet, ImageNet: LPIPS; BSD-3-Clause",
    ),
    "squeezenet1_1": WeightFile(
        "squeezenet1_1",
        "squeezenet1_1-b8a52dc0.pth",
        "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",
        "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
        4_958_839,
        "torchvision's SqueezeNet 1.1, ImageNet: LPIPS; BSD-3-Clause",
    ),
    "dinov2-l14": WeightFile(
        "dinov2-l14",
        "dinov2_vitl14_pretrain.pth",
        "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
        "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
        1_217_586_395,
        "Meta's DINOv2 ViT-L/14, LVD-142M; Apache-2.0",
    ),
    "clip-l14-336": WeightFile(
        "clip-l14-336",
        "ViT-L-14-336px.pt",
        "https://openaipublic.azureedge.net/clip/models/"
        "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02/ViT-L-14-336px.pt",
        "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02",
        934_088_680,
        "OpenAI's CLIP ViT-L/14@336px; MIT",
    ),
}


@dataclass(frozen=True)
class Weights:
    """A weight file on this machine.

    Attributes:
        path: where it is.
        sha256: what it holds.
        is_published: it is the published file.
    """

    path: Path
    sha256: str
    is_published: bool

    def describe(self) -> str:
        """Return the hash, for the key of kept features."""
        return self.sha256 if self.is_published else f"{self.sha256} (not the published file)"


def weights_folder(cache: Path) -> Path:
    """Return the folder of weight files in a cache directory."""
    return cache / "weights"


def published(network: str) -> WeightFile:
    """Return the table's record of ``network``; an unknown one raises ``UnknownName``."""
    if network not in PUBLISHED:
        raise UnknownName(f"weights: no published file of {network!r}; expected one of {', '.join(sorted(PUBLISHED))}.")
    return PUBLISHED[network]


def obtain(
    network: str, folder: Path, given: Path | None, watch: Watch, *, instead: str = NO_WEIGHTS_NEEDED
) -> Weights:
    """Return the weights of ``network``: the user's file, else the published one, downloaded if need be.

    Args:
        network: name in the table.
        folder: the cache's folder of weight files; a download goes there.
        given: the file the user names; any content.
        watch: told of a download, in megabytes.
        instead: options that need no such weights, for the message.

    Raises:
        MissingWeights: if there is none, or one that is not the published file.
    """
    wanted = published(network)
    if given is not None:
        found = sha256_of(given_file(network, given))
        return Weights(given, found, found == wanted.sha256)
    path = find(wanted, folder) or download(wanted, folder, watch, instead)
    check_digest(path, wanted.sha256, network, f"Delete it, or use it all the same with --weights {path}.")
    return Weights(path, wanted.sha256, True)


def given_file(who: str, path: Path) -> Path:
    """Return the file that the user named with ``--weights``; raises ``MissingWeights`` if there is none."""
    if not path.is_file():
        raise MissingWeights(f"{who}: --weights names no file; expected one, got {path}.")
    return path


def is_offline() -> bool:
    """Whether the user forbids downloads: ``GENBENCH_OFFLINE`` is 1."""
    return os.environ.get("GENBENCH_OFFLINE") == "1"


def find(wanted: WeightFile, folder: Path) -> Path | None:
    """Return where a file of the published name is, whatever it holds; None if nowhere.

    Raises:
        MissingWeights: if ``$GENBENCH_WEIGHTS`` names nothing that exists.
    """
    named = os.environ.get("GENBENCH_WEIGHTS")
    if named and not Path(named).exists():
        raise MissingWeights(f"$GENBENCH_WEIGHTS: names nothing; expected a folder or a weight file, got {named!r}.")
    if named and Path(named).is_file() and _owner(Path(named)) in (wanted, None):
        return Path(named)
    torch_home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch"
    hub = Path(torch_home).expanduser() / "hub" / "checkpoints"
    places = [*([Path(named)] if named and Path(named).is_dir() else []), folder, hub]
    return next((place / wanted.file for place in places if (place / wanted.file).is_file()), None)


def check_digest(path: Path, expected: str, network: str, remedy: str) -> None:
    """Raise ``MissingWeights``, ending in ``remedy``, unless the SHA-256 of the file at ``path`` is ``expected``."""
    if not path.is_file():
        raise MissingWeights(f"{network}: its weights are missing; expected a file at {path}, got none.")
    found = sha256_of(path)
    if found != expected:
        raise MissingWeights(
            f"{network}: {path} is not the published file; expected SHA-256 {expected}, got {found}. {remedy}"
        )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def import_file(path: Path, folder: Path) -> tuple[WeightFile, Path]:
    """Copy a published file, recognised by its hash, into ``folder``; return what it is and where it went.

    Raises:
        MissingWeights: if it is no published file.
    """
    if not path.is_file():
        raise MissingWeights(f"weights import: no such file; expected a weight file, got {path}.")
    wanted = _owner(path)
    if wanted is None:
        known = "; ".join(f"{one.sha256} ({one.network})" for one in PUBLISHED.values())
        raise MissingWeights(
            f"weights import: {path} is no published file; expected SHA-256 {known}, got {sha256_of(path)}. "
            f"Use it all the same, without importing it, with --weights {path}."
        )
    target = folder / wanted.file
    with path.open("rb") as source, _replacing(target) as copy:
        shutil.copyfileobj(source, copy, CHUNK)
    return wanted, target


def download(wanted: WeightFile, folder: Path, watch: Watch, instead: str = NO_WEIGHTS_NEEDED) -> Path:
    """Download a published file into ``folder``, over https, and return its path there.

    Raises:
        MissingWeights: if it cannot be had: one message that says what to do.
    """
    if is_offline():
        raise MissingWeights(how_to_get(wanted, folder, "GENBENCH_OFFLINE is 1", instead))
    target = folder / wanted.file
    watch.start(f"downloading weights of {wanted.network} (MB)", wanted.size // CHUNK)
    try:
        with urlopen(wanted.url, timeout=TIMEOUT_S) as answer, _replacing(target) as copy:
            found = _copy_over_https(answer, copy, watch)
            if found != wanted.sha256:
                raise OSError(f"what came has SHA-256 {found}")
    except (OSError, HTTPException) as problem:
        raise MissingWeights(how_to_get(wanted, folder, f"the download failed: {problem}", instead)) from problem
    finally:
        watch.finish()
    return target


def how_to_get(wanted: WeightFile, folder: Path, why: str, instead: str = NO_WEIGHTS_NEEDED) -> str:
    """Return the message of weights that are not here: the URL, the hash, where to put the file, what runs without."""
    return (
        f"{wanted.network}: its weights are not on this machine; expected {wanted.file} with SHA-256 {wanted.sha256}, "
        f"got none ({why}). Download {wanted.url} elsewhere and put it into {folder} or $GENBENCH_WEIGHTS "
        f"(`genbench weights import FILE` does that), or run without it: {instead}."
    )


def _owner(path: Path) -> WeightFile | None:
    """Return the record of the published file that ``path`` is by its content; None if it is none."""
    found = sha256_of(path)
    return next((one for one in PUBLISHED.values() if one.sha256 == found), None)


def _copy_over_https(answer: IO[bytes], copy: IO[bytes], watch: Watch) -> str:
    """Copy an answer to a file and return its SHA-256."""
    place = getattr(answer, "url", "")
    if not place.startswith("https://"):
        raise OSError(f"redirected to {place!r}, which is not https")
    digest = hashlib.sha256()
    while chunk := answer.read(CHUNK):
        digest.update(chunk)
        copy.write(chunk)
        watch.advance(1)
    return digest.hexdigest()


@contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    """Write a file beside ``target`` and put it in its place when all went well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=target.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.replace(scratch, target)
    finally:
        Path(scratch).unlink(missing_ok=True)
