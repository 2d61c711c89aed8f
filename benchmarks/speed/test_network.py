"""Networks beside the same networks as the peers run them, on the same pictures. Cost: five minutes on two cores.

Expected: Inception >= 2.2x pytorch-fid's, EfficientNet-Lite0 >= 4x eager torch.
"""

import numpy as np
import pytest

from benchmarks.speed import random_inception
from genbench.features import open_extractor
from genbench.features.runtime import Setup, choose_place
from genbench.features.store import default_cache

IMAGES = 48
DIGITS = 1e-5  # of the largest feature


@pytest.fixture(scope="module")
def place():
    return choose_place("cpu", "auto", default_cache() / "networks")


def in_batches(extractor, batch):
    """Run an extractor in batches of its own size and return the pooled features."""
    step = extractor.batch_size
    return np.concatenate([extractor(batch[i : i + step])["pooled"] for i in range(0, len(batch), step)])


def test_inception(race, place, tmp_path, monkeypatch):
    """The network alone, from 299 x 299 pictures, in pytorch-fid's default batches of 50 and ours of 16."""
    import torch
    from pytorch_fid import inception

    weights = random_inception.write(tmp_path / "weights.pth")
    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: torch.load(weights, weights_only=True))
    eager = inception.InceptionV3([3]).eval()
    extractor = open_extractor("inception", Setup(place, weights=weights))
    pictures = np.random.default_rng(0).integers(0, 256, (IMAGES, 299, 299, 3), dtype=np.uint8)
    batch = np.stack([extractor.prepare(picture) for picture in pictures])
    tensors = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div(255).contiguous()

    def peer():
        with torch.no_grad():
            return eager(tensors)[0].flatten(1).numpy()

    mine, theirs = race(lambda: in_batches(extractor, batch), peer, against="pytorch-fid's network", target=2.2)
    assert np.abs(mine - theirs).max() < DIGITS * np.abs(theirs).max()


def test_efficientnet_lite0(race, place):
    import torch

    from genbench.features import efficientnet

    extractor = open_extractor("efficientnet-lite0", Setup(place))
    batch = np.random.default_rng(0).integers(0, 256, (IMAGES, 224, 224, 3), dtype=np.uint8)
    eager = efficientnet._build()

    def peer():
        with torch.no_grad():
            return eager(torch.from_numpy(batch))[0].numpy()

    mine, theirs = race(lambda: in_batches(extractor, batch), peer, against="eager torch", target=4)
    assert np.abs(mine - theirs).max() < 10 * DIGITS * np.abs(theirs).max()
