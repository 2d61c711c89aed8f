"""Each protocol against the tool it is named after: the tool's own code on the same folders and weights, or features.

The folders are small, as networks are slow here, and so KID's subsets are too; with their published size they are held
to the tools on features.
"""

import numpy as np
import pytest
import torch

import genbench
from benchmarks.speed.parity import Folders, local_weights, make_folders, pixel_batches
from genbench.contracts import Features
from genbench.features.inception import build
from genbench.metrics import METRICS
from genbench.parameters import bind
from genbench.protocols import PROTOCOLS
from genbench.stats.pair import Pair
from tests.reference import random_weights

DIGITS = 1e-5  # relative, between a tool and its protocol
EXACT = 2e-6  # relative, between ours and the same network in float64
SMALL = 8  # images of a subset, where there are few
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # the peers' own warnings


@pytest.fixture(scope="module")
def folders(tmp_path_factory, inception_weights) -> Folders:
    folder = tmp_path_factory.mktemp("protocols")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.speed.parity.COUNT", 16)
        return make_folders(folder, inception_weights, tmp_path_factory.getbasetemp() / "cache")


@pytest.fixture(scope="module")
def vgg_weights(tmp_path_factory):
    return random_weights.vgg16_file(tmp_path_factory.mktemp("weights") / "vgg16.pth")


def ours(folders, protocol, metrics, weights=None):
    """Our scores under a protocol."""
    card = genbench.score(
        fake=folders.fake,
        real=folders.real,
        protocol=protocol,
        metrics=metrics,
        weights={"inception": folders.weights, **(weights or {})},
        cache=folders.cache,
        floor=False,
    )
    return {score.metric: score.value for score in card.scores}


def with_small_subsets(folders, name):
    """Our kd-subsets under a protocol whose subsets are made small, as these sets are."""
    protocol = PROTOCOLS.get(name)
    card = genbench.score(
        fake=folders.fake,
        real=folders.real,
        metrics="kd-subsets",
        extractor=protocol.extractor,
        parameters={"kd-subsets": {**protocol.parameters["kd-subsets"], "size": SMALL}},
        weights=folders.weights,
        cache=folders.cache,
        floor=False,
    )
    return card["kd-subsets"].value


def assert_same_distance(found, theirs, folders, extractor):
    """Within 1e-5, or, where the tool's float32 is further off than that, ours is the float64 one."""
    if found != pytest.approx(theirs, rel=DIGITS):
        exact = folders.exact(extractor)
        assert found == pytest.approx(exact, rel=EXACT)
        assert theirs == pytest.approx(exact, rel=1e-4)


def test_pytorch_fid(folders):
    from pytorch_fid import fid_score

    with local_weights(folders.weights):
        theirs = fid_score.calculate_fid_given_paths(
            [str(folders.real), str(folders.fake)], batch_size=20, device="cpu", dims=2048, num_workers=0
        )
    assert_same_distance(ours(folders, "pytorch-fid", "fd")["fd"], float(theirs), folders, "inception")


@pytest.fixture(scope="module")
def of_torch_fidelity(folders):
    import torch_fidelity

    return torch_fidelity.calculate_metrics(
        input1=str(folders.fake),
        input2=str(folders.real),
        fid=True,
        isc=True,
        kid=True,
        kid_subset_size=SMALL,
        feature_extractor_weights_path=str(folders.weights),
        cuda=False,
        verbose=False,
        cache=False,
    )


def test_torch_fidelity(folders, of_torch_fidelity):
    found = ours(folders, "torch-fidelity", "fd,is")
    theirs = {name: float(value) for name, value in of_torch_fidelity.items()}
    assert_same_distance(found["fd"], theirs["frechet_inception_distance"], folders, "inception:tf1")
    assert found["is"] == pytest.approx(theirs["inception_score_mean"], rel=DIGITS)
    unit = mean_kernel(folders, "inception:tf1")
    kid = with_small_subsets(folders, "torch-fidelity")
    assert kid == pytest.approx(theirs["kernel_inception_distance_mean"], abs=DIGITS * unit)


def test_precision_and_recall_of_torch_fidelity_are_of_vgg16(folders, vgg_weights):
    import torch_fidelity

    theirs = torch_fidelity.calculate_metrics(
        input1=str(folders.fake),
        input2=str(folders.real),
        prc=True,
        feature_extractor_weights_path=str(vgg_weights),
        cuda=False,
        verbose=False,
        cache=False,
    )
    for protocol in ("torch-fidelity", "improved-pr", "stylegan3"):
        found = ours(folders, protocol, "precision,recall", {"vgg16": vgg_weights})
        for metric in ("precision", "recall"):
            assert found[metric] == pytest.approx(float(theirs[metric]), rel=DIGITS), protocol


class AsCleanFid(torch.nn.Module):
    """Our network in the place of clean-fid's TorchScript file: float32 [n, 3, 299, 299] in [0, 255] -> [n, 2048]."""

    def __init__(self, weights):
        super().__init__()
        self.network = build(weights)

    def forward(self, images):
        return self.network((images.permute(0, 2, 3, 1) - 128) / 128)[0]


def test_clean_fid(folders):
    from cleanfid import fid

    network = AsCleanFid(folders.weights)
    how = {"mode": "clean", "num_workers": 0, "batch_size": 20, "device": torch.device("cpu"), "verbose": False}
    theirs = fid.compare_folders(str(folders.fake), str(folders.real), network, **how)
    assert_same_distance(ours(folders, "clean-fid", "fd")["fd"], float(theirs), folders, "inception:clean")
    fake, real = (fid.get_folder_features(str(folder), network, **how) for folder in (folders.fake, folders.real))
    np.random.seed(0)  # noqa: NPY002  it draws from the global state
    unit = mean_kernel(folders, "inception:clean")
    theirs = fid.kernel_distance(fake, real)
    assert ours(folders, "clean-fid", "kd-subsets")["kd-subsets"] == pytest.approx(theirs, abs=DIGITS * unit)


def test_torchmetrics(folders):
    from torchmetrics.image.fid import FrechetInceptionDistance, NoTrainInceptionV3
    from torchmetrics.image.inception import InceptionScore
    from torchmetrics.image.kid import KernelInceptionDistance

    pooled, logits = (
        NoTrainInceptionV3("inception-v3-compat", [layer], str(folders.weights))
        for layer in ("2048", "logits_unbiased")
    )
    fid, kid = FrechetInceptionDistance(pooled), KernelInceptionDistance(pooled, subset_size=SMALL)
    inception_score = InceptionScore(logits)
    fid.set_dtype(torch.float64)
    for folder, is_real in ((folders.real, True), (folders.fake, False)):
        for batch in pixel_batches(folder):
            for metric in (fid, kid):
                metric.update(batch, real=is_real)
    for batch in pixel_batches(folders.fake):
        inception_score.update(batch)
    found = ours(folders, "torchmetrics", "fd,is")
    assert_same_distance(found["fd"], float(fid.compute()), folders, "inception:antialias")
    torch.manual_seed(0)
    assert found["is"] == pytest.approx(float(inception_score.compute()[0]), rel=DIGITS)
    torch.manual_seed(0)
    unit = mean_kernel(folders, "inception:antialias")
    theirs = float(kid.compute()[0])
    assert with_small_subsets(folders, "torchmetrics") == pytest.approx(theirs, abs=DIGITS * unit)


def test_prdc(folders):
    from prdc import compute_prdc

    real, fake = (folders.features(folder, "inception") for folder in (folders.real, folders.fake))
    theirs = compute_prdc(real, fake, nearest_k=5)
    found = ours(folders, "prdc", "precision,recall,density,coverage")
    assert found == pytest.approx({name: float(value) for name, value in theirs.items()}, rel=DIGITS)


# ------------------------------------------------------------------------ features to number, parameters as published


@pytest.fixture(scope="module")
def features():
    """Correlated, not negative, as Inception's are: 1,100 real and 1,050 fake rows of 24 features; 12 classes."""
    rng = np.random.default_rng(11)
    mixing = rng.normal(size=(24, 24)) / 5
    real, fake = (np.abs(rng.normal(shift, 1, (n, 24)) @ mixing) for n, shift in ((1100, 0), (1050, 0.2)))
    return real.astype(np.float32), fake.astype(np.float32)


def value_of(protocol, metric, real, fake):
    bound = bind(METRICS.get(metric), PROTOCOLS.get(protocol).parameters.get(metric, {}))
    pair = Pair(*(Features({"pooled": rows, "logits": rows[:, :12]}) for rows in (real, fake)))
    return bound.compute(pair).value


def test_subsets_of_torch_fidelity(features):
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, fake = features
    theirs = kid_features_to_metric(torch.from_numpy(fake), torch.from_numpy(real), verbose=False)
    found = value_of("torch-fidelity", "kd-subsets", real, fake)
    assert found == pytest.approx(theirs["kernel_inception_distance_mean"], rel=DIGITS)


def test_subsets_of_clean_fid(features):
    from cleanfid.fid import kernel_distance

    for real, fake in (features, (features[0][:300], features[1][:250])):
        np.random.seed(0)  # noqa: NPY002  it draws from the global state
        theirs = kernel_distance(fake.astype(np.float64), real.astype(np.float64))
        assert value_of("clean-fid", "kd-subsets", real, fake) == pytest.approx(theirs, rel=DIGITS)
        assert value_of("dgm-eval", "kd-subsets", real, fake) == pytest.approx(theirs, rel=DIGITS)  # real first, too


def test_subsets_and_splits_of_torchmetrics(features):
    from torchmetrics.image.inception import InceptionScore
    from torchmetrics.image.kid import KernelInceptionDistance

    real, fake = features
    kid = KernelInceptionDistance(torch.nn.Identity())
    kid.set_dtype(torch.float64)
    for rows, is_real in ((real, True), (fake, False)):
        kid.update(torch.from_numpy(rows).double(), real=is_real)
    torch.manual_seed(0)
    assert value_of("torchmetrics", "kd-subsets", real, fake) == pytest.approx(float(kid.compute()[0]), rel=DIGITS)
    score = InceptionScore(torch.nn.Identity())
    odd = fake[:1043]  # ten chunks of 105, the last of 98
    score.update(torch.from_numpy(odd[:, :12]))
    torch.manual_seed(0)
    assert value_of("torchmetrics", "is", real, odd) == pytest.approx(float(score.compute()[0]), rel=DIGITS)


def test_splits_of_torch_fidelity(features):
    from torch_fidelity.metric_isc import isc_features_to_metric

    real, fake = features
    theirs = isc_features_to_metric(torch.from_numpy(fake[:1043, :12]), splits=10, shuffle=True, rng_seed=2020)
    found = value_of("torch-fidelity", "is", real, fake[:1043])
    assert found == pytest.approx(theirs["inception_score_mean"], rel=DIGITS)


def test_balls_of_prdc_and_of_torch_fidelity_differ_where_points_are_equally_far():
    """On a lattice many points are on surfaces: open and closed balls, k = 5 and 3, are told apart."""
    from prdc import compute_prdc
    from torch_fidelity.metric_prc import calculate_precision_recall_full

    rng = np.random.default_rng(5)
    real, fake = (rng.integers(low, low + 9, (120, 4)).astype(np.float32) for low in (0, 4))
    theirs = compute_prdc(real, fake, nearest_k=5)
    for metric, value in theirs.items():
        for protocol in ("prdc", "dgm-eval"):
            assert value_of(protocol, metric, real, fake) == pytest.approx(float(value), rel=DIGITS)
    pair = calculate_precision_recall_full(torch.from_numpy(fake), torch.from_numpy(real), 3)
    for metric, value in zip(("precision", "recall"), pair, strict=True):
        for protocol in ("torch-fidelity", "adm", "stylegan3", "improved-pr"):
            assert value_of(protocol, metric, real, fake) == pytest.approx(float(value), rel=DIGITS)
        assert theirs[metric] != pytest.approx(float(value), abs=1e-3)


def mean_kernel(folders, extractor):
    """What a kernel distance is a difference of: it may itself be near 0."""
    real, fake = (folders.features(folder, extractor).astype(np.float64) for folder in (folders.real, folders.fake))
    return float(((real @ fake.T / 2048 + 1) ** 3).mean())
