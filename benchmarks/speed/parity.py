"""The same two folders through every peer and through genbench: the digits side by side.

Cost: three minutes on two cores. Expected: every row within 1e-5 relative. ``python -m benchmarks.speed.parity`` writes
reports/speed/parity.md; tests/parity holds the rows.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import genbench
from benchmarks.speed import random_inception
from benchmarks.speed.photographs import write_crops
from genbench.contracts import Extractor, Features
from genbench.features import open_extractor
from genbench.features.inception import build
from genbench.features.runtime import Setup, choose_place
from genbench.metrics.kernel import kernel_distance
from genbench.stats.gaussian import Gaussian, frechet_distance
from genbench.stats.pair import Pair

COUNT = 40
SUBSETS, SUBSET_SIZE, SEED = 100, 20, 2020


def _relative(one: float, other: float) -> float:
    return abs(one - other) / max(abs(other), 1e-12)


@dataclass(frozen=True)
class Row:
    """One number of one peer beside ours.

    Attributes:
        what: metric.
        peer: whose.
        theirs: the peer's number.
        ours: genbench's.
        exact: of the same network in float64, where that was computed.
        scale: what differences are relative to; None: the peer's number. The kernel distance is a difference of mean
            kernels and may be near 0, so it is held relative to those.
    """

    what: str
    peer: str
    theirs: float
    ours: float
    exact: float | None = None
    scale: float | None = None

    @property
    def difference(self) -> float:
        """Relative difference of the two."""
        return abs(self.ours - self.theirs) / (self.scale or max(abs(self.theirs), 1e-12))

    @property
    def our_error(self) -> float | None:
        """Relative difference of ours from float64."""
        return None if self.exact is None else _relative(self.ours, self.exact)

    @property
    def their_error(self) -> float | None:
        """Relative difference of the peer's from float64."""
        return None if self.exact is None else _relative(self.theirs, self.exact)


class Folders:
    """Two folders, one weight file, and our scores of them, each computed when first asked for."""

    def __init__(self, fake: Path, real: Path, weights: Path, cache: Path) -> None:
        self.fake, self.real, self.weights, self.cache = fake, real, weights, cache

    def ours(self, metric: str, extractor: str) -> float:
        """Return our score."""
        card = genbench.score(
            fake=self.fake,
            real=self.real,
            metrics=[metric],
            extractor=extractor,
            weights=self.weights,
            cache=self.cache,
        )
        return card[metric].value

    def exact(self, extractor: str) -> float:
        """Return the Frechet distance with the network in float64, from the same float32 inputs."""
        network = build(self.weights, in_float64=True)
        opened = self.open(extractor)
        gaussians = []
        for folder in (self.real, self.fake):
            rows = [network(torch.from_numpy(batch).double())[0].numpy() for batch in prepared(folder, opened)]
            gaussians.append(Gaussian.of(np.concatenate(rows)))
        return frechet_distance(*gaussians)

    def open(self, extractor: str) -> Extractor:
        """Return an extractor with the weights."""
        return open_extractor(
            extractor, Setup(choose_place("cpu", "auto", self.cache / "networks"), weights=self.weights)
        )

    def features(self, folder: Path, extractor: str) -> np.ndarray:
        """Return our pooled features, float32 [n, 2048]."""
        opened = self.open(extractor)
        return np.concatenate([opened(batch)["pooled"] for batch in prepared(folder, opened)])


def compare(folders: Folders) -> Iterator[Row]:
    """Yield every row."""
    yield from _pytorch_fid(folders)
    yield from _torch_fidelity(folders)
    yield from _torchmetrics(folders)


def _pytorch_fid(folders: Folders) -> Iterator[Row]:
    from prdc import compute_prdc
    from pytorch_fid import fid_score

    with local_weights(folders.weights) as inception:
        network = inception.InceptionV3([3])
        files = [sorted(folder.iterdir()) for folder in (folders.real, folders.fake)]
        rows = [fid_score.get_activations(names, network, 20, 2048, "cpu", 0) for names in files]
    moments = [part for x in rows for part in (x.mean(axis=0), np.cov(x, rowvar=False))]
    theirs = float(fid_score.calculate_frechet_distance(*moments))
    yield Row("fd", "pytorch-fid", theirs, folders.ours("fd", "inception"), folders.exact("inception"))
    theirs = compute_prdc(rows[0], rows[1], nearest_k=5)
    for name in ("density", "coverage"):
        yield Row(name, "prdc on pytorch-fid's features, k = 5", theirs[name], folders.ours(name, "inception"))


def _torch_fidelity(folders: Folders) -> Iterator[Row]:
    import torch_fidelity

    found = torch_fidelity.calculate_metrics(
        input1=str(folders.fake),
        input2=str(folders.real),
        fid=True,
        isc=True,
        kid=True,
        prc=True,
        cuda=False,
        verbose=False,
        cache=False,
        batch_size=20,
        isc_splits=1,
        kid_subsets=SUBSETS,
        kid_subset_size=SUBSET_SIZE,
        rng_seed=SEED,
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(folders.weights),
    )
    for metric, key in (
        ("fd", "frechet_inception_distance"),
        ("is", "inception_score_mean"),
        ("precision", "precision"),
        ("recall", "recall"),
    ):
        exact = folders.exact("inception:tf1") if metric == "fd" else None
        yield Row(metric, "torch-fidelity", float(found[key]), folders.ours(metric, "inception:tf1"), exact)
    ours, scale = _subset_mean(folders)
    theirs = float(found["kernel_inception_distance_mean"])
    yield Row("kd on the peer's 100 subsets", f"torch-fidelity, seed {SEED}", theirs, ours, scale=scale)


def _subset_mean(folders: Folders) -> tuple[float, float]:
    """Return our kernel distance on each of torch-fidelity's subsets, averaged, and the mean kernel."""
    fake, real = (folders.features(folder, "inception:tf1") for folder in (folders.fake, folders.real))
    draw = np.random.RandomState(SEED).choice
    values, kernels = [], []
    for _ in range(SUBSETS):
        chosen_fake = fake[draw(len(fake), SUBSET_SIZE, replace=False)]
        chosen_real = real[draw(len(real), SUBSET_SIZE, replace=False)]
        pair = Pair(Features({"pooled": chosen_real}), Features({"pooled": chosen_fake}))
        values.append(kernel_distance(pair).value)
        kernels.append(pair.kernel_sums.real_to_fake.mean() / SUBSET_SIZE)
    return float(np.mean(values)), float(np.mean(kernels))


def _torchmetrics(folders: Folders) -> Iterator[Row]:
    from torchmetrics.image.fid import FrechetInceptionDistance, NoTrainInceptionV3

    network = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(folders.weights))
    metric = FrechetInceptionDistance(network)
    metric.set_dtype(torch.float64)
    for folder, is_real in ((folders.real, True), (folders.fake, False)):
        for batch in pixel_batches(folder):
            metric.update(batch, real=is_real)
    ours = folders.ours("fd", "inception:antialias")
    exact = folders.exact("inception:antialias")
    yield Row("fd", "torchmetrics, antialiased, float64 sums", float(metric.compute()), ours, exact)


def pixel_batches(folder: Path) -> Iterator[torch.Tensor]:
    """Yield the pictures of a folder, uint8 [20, 3, h, w]."""
    from PIL import Image

    names = sorted(folder.iterdir())
    for start in range(0, len(names), 20):
        pictures = [np.asarray(Image.open(name).convert("RGB")) for name in names[start : start + 20]]
        yield torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)


def prepared(folder: Path, extractor: Extractor) -> Iterator[np.ndarray]:
    """Yield the network's inputs for the pictures of a folder, float32 [20, 299, 299, 3]."""
    for batch in pixel_batches(folder):
        yield np.stack([extractor.prepare(picture) for picture in batch.permute(0, 2, 3, 1).numpy()])


@contextmanager
def local_weights(weights: Path) -> Iterator[Any]:
    """Let pytorch-fid load the file instead of a download."""
    from pytorch_fid import inception

    real: Callable[..., Any] = inception.load_state_dict_from_url
    inception.load_state_dict_from_url = lambda *_, **__: torch.load(weights, weights_only=True)
    try:
        yield inception
    finally:
        inception.load_state_dict_from_url = real


def make_folders(directory: Path, weights: Path, cache: Path) -> Folders:
    """Write the two folders: crops of photographs, and blurred crops."""
    fake = write_crops(directory / "fake", COUNT, 1, blur_px=1)
    return Folders(fake, write_crops(directory / "real", COUNT, 2), weights, cache)


def main() -> None:
    """Write reports/speed/parity.md."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        folders = make_folders(scratch, Path(random_inception.write(scratch / "weights.pth")), scratch / "cache")
        rows = list(compare(folders))
    lines = [
        f"| {r.what} | {r.peer} | {r.theirs:.8g} | {r.ours:.8g} | {r.difference:.1e} | "
        + (" | |" if r.exact is None else f"{r.our_error:.1e} | {r.their_error:.1e} |")
        for r in rows
    ]
    text = (
        "# The same digits\n\nMade by `python -m benchmarks.speed.parity`: two folders of "
        f"{COUNT} JPEG crops, Inception with seeded random weights in the published file's format.\n\n"
        "| what | peer | peer's | ours | relative difference | ours from float64 | peer's from float64 |\n"
        "|---|---|---|---|---|---|---|\n" + "\n".join(lines) + "\n\n"
        "Where the two differ by 1e-6 to 1e-5, float64 says whose rounding it is: the same network, weights and inputs "
        "computed in float64 are the last columns' yardstick. `kd` is a difference of mean kernels, and held relative "
        "to those.\n\n"
        "`kd` itself is not the number of torch-fidelity: one estimate over all pairs, the peer's the mean of 100 "
        "random subsets. On those, drawn with its generator and seed, the kernels agree as the row shows.\n"
    )
    Path("reports/speed/parity.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
