"""Every registered extractor: shapes, dtypes, both runtimes, batch size, and what its key covers."""

import numpy as np
import pytest

from genbench.features import EXTRACTORS, open_extractor
from genbench.features.extract import extractor_key
from genbench.features.runtime import Setup, choose_place
from genbench.stats.gaussian import Gaussian, frechet_distance

SIZES = [(8, 8), (40, 31), (300, 224)]
SLOW = {"inception"}  # 11 GFLOP an image
BETWEEN_RUNTIMES = 1e-5  # relative, on the Frechet distance


@pytest.fixture
def make(networks_kept, inception_weights):
    """Open an extractor; one whose published weights no test machine has gets random ones of their format."""
    weights = {"inception": inception_weights}

    def open_by_name(name, runtime="auto"):
        return open_extractor(name, Setup(choose_place("cpu", runtime, networks_kept), weights=weights.get(name)))

    return open_by_name


def pictures(count, rng, sizes=SIZES):
    for i in range(count):
        height, width = sizes[i % len(sizes)]
        yield rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in EXTRACTORS])
def extractor(request, make):
    return make(request.param)


def run(extractor, images, batch_size=None):
    ready = [extractor.prepare(image) for image in images]
    step = batch_size or len(ready)
    parts = [extractor(np.stack(ready[i : i + step])) for i in range(0, len(ready), step)]
    return {layer: np.concatenate([part[layer] for part in parts]) for layer in parts[0]}


def test_layers_are_as_declared(extractor, rng):
    outputs = run(extractor, pictures(3, rng))
    assert {layer: out.shape for layer, out in outputs.items()} == {l: (3, w) for l, w in extractor.widths.items()}  # noqa: E741
    assert {out.dtype for out in outputs.values()} == {np.dtype(np.float32)}
    assert all(np.isfinite(out).all() for out in outputs.values())
    assert "pooled" in extractor.widths


def test_batch_size_does_not_matter(extractor, rng):
    images = list(pictures(5, rng))
    whole, single = run(extractor, images), run(extractor, images, batch_size=1)
    for layer in whole:
        scale = np.abs(whole[layer]).max()
        np.testing.assert_allclose(whole[layer], single[layer], atol=2e-6 * scale)


def test_prepare_leaves_the_image_alone_and_tells_images_apart(extractor, rng):
    image, other = pictures(2, rng, [(50, 60)])
    before = image.copy()
    first = extractor.prepare(image)
    np.testing.assert_array_equal(image, before)
    assert first.shape == extractor.prepare(other).shape
    assert (first != extractor.prepare(other)).any()


def test_the_key_holds_what_can_change_a_feature(extractor, make):
    assert {"extractor", "network", "weights", "resize", "decode", "dtype", "runtime"} <= set(extractor.facts)
    assert extractor_key(extractor) == extractor_key(make(extractor.name))


def test_the_runtimes_agree(extractor, make, rng):
    if extractor.facts["runtime"] == "numpy":
        pytest.skip("runs no network")
    by_torch = make(extractor.name, "torch")
    assert extractor_key(by_torch) != extractor_key(extractor)
    sets = [list(pictures(24, rng, [(8, 8)])), list(pictures(24, rng, [(64, 64)]))]
    distances = []
    for one in (extractor, by_torch):
        real, fake = (Gaussian.of(run(one, images)["pooled"]) for images in sets)
        distances.append(frechet_distance(real, fake))
    assert distances[0] == pytest.approx(distances[1], rel=BETWEEN_RUNTIMES)


def test_every_key_is_different(make):
    keys = {extractor_key(make(name)) for name in EXTRACTORS}
    assert len(keys) == len(list(EXTRACTORS))
