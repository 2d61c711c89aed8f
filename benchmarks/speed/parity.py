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
from benchmarks.speed.photographs import write_crops
from genbench.contracts import Features
from genbench.metrics.kernel import kernel_distance
from genbench.stats.pair import Pair

COUNT = 40
SUBSETS, SUBSET_SIZE, SEED = 100, 20, 2020


@dataclass(frozen=True)
class Row:
    """One number of one peer beside ours."""

    what: str
    peer: str
    theirs: float
    ours: float

    @property
    def difference(self) -> float:
        """Relative difference."""
        return abs(self.ours - self.theirs) / max(abs(self.theirs), 1e-12)


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
    yield Row("fd", "pytorch-fid", theirs, folders.ours("fd", "inception"))
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
        yield Row(metric, "torch-fidelity", float(found[key]), folders.ours(metric, "inception:tf1"))
    ours = _subset_mean(folders)
    theirs = float(found["kernel_inception_distance_mean"])
    yield Row("kd on the peer's 100 subsets", f"torch-fidelity, seed {SEED}", theirs, ours)


def _subset_mean(folders: Folders) -> float:
    """Our kernel distance on each of torch-fidelity's subsets, averaged."""
    fake, real = (our_features(folder, folders) for folder in (folders.fake, folders.real))
    draw = np.random.RandomState(SEED).choice
    values = []
    for _ in range(SUBSETS):
        chosen_fake = fake[draw(len(fake), SUBSET_SIZE, replace=False)]
        chosen_real = real[draw(len(real), SUBSET_SIZE, replace=False)]
        pair = Pair(Features({"pooled": chosen_real}), Features({"pooled": chosen_fake}))
        values.append(kernel_distance(pair).value)
    return float(np.mean(values))


def _torchmetrics(folders: Folders) -> Iterator[Row]:
    from torchmetrics.image.fid import FrechetInceptionDistance, NoTrainInceptionV3

    network = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(folders.weights))
    metric = FrechetInceptionDistance(network)
    metric.set_dtype(torch.float64)
    for folder, is_real in ((folders.real, True), (folders.fake, False)):
        for batch in pixel_batches(folder):
            metric.update(batch, real=is_real)
    ours = folders.ours("fd", "inception:antialias")
    yield Row("fd", "torchmetrics, antialiased, float64 sums", float(metric.compute()), ours)


def pixel_batches(folder: Path) -> Iterator[torch.Tensor]:
    """Yield the pictures of a folder, uint8 [20, 3, h, w]."""
    from PIL import Image

    names = sorted(folder.iterdir())
    for start in range(0, len(names), 20):
        pictures = [np.asarray(Image.open(name).convert("RGB")) for name in names[start : start + 20]]
        yield torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)


def our_features(folder: Path, folders: Folders) -> np.ndarray:
    """Return our pooled features under torch-fidelity's resize, float32 [n, 2048]."""
    from genbench.features import open_extractor
    from genbench.features.runtime import Setup, choose_place

    place = choose_place("cpu", "auto", folders.cache / "networks")
    extractor = open_extractor("inception:tf1", Setup(place, weights=folders.weights))
    parts = []
    for batch in pixel_batches(folder):
        pictures = batch.permute(0, 2, 3, 1).numpy()
        parts.append(extractor(np.stack([extractor.prepare(picture) for picture in pictures]))["pooled"])
    return np.concatenate(parts)


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
    from benchmarks.speed import random_inception

    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        folders = make_folders(scratch, Path(random_inception.write(scratch / "weights.pth")), scratch / "cache")
        rows = list(compare(folders))
    lines = [f"| {r.what} | {r.peer} | {r.theirs:.8g} | {r.ours:.8g} | {r.difference:.1e} |" for r in rows]
    text = (
        "# The same digits\n\nMade by `python -m benchmarks.speed.parity`: two folders of "
        f"{COUNT} JPEG crops, Inception with seeded random weights in the published file's format.\n\n"
        "| what | peer | peer's | ours | relative difference |\n|---|---|---|---|---|\n" + "\n".join(lines) + "\n\n"
        "`kd` itself is not the number of torch-fidelity: one estimate over all pairs, the peer's the mean of 100 "
        "random subsets. On those, drawn with its generator and seed, the kernels agree as the row shows.\n"
    )
    Path("reports/speed/parity.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
