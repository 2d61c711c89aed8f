"""Measures of pixels: closed forms, a slow rewrite, and the numbers of other tools on images anyone can make again."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from genbench.features.runtime import Setup, choose_place
from genbench.pairs import open_measure

BY_SKIMAGE = 0.9024474383716056  # scikit-image 0.26, gaussian_weights, use_sample_covariance=False, channel_axis=-1
BY_PYTORCH_MSSIM = 0.9181878396005189  # pytorch-msssim 1.0, float64
PSNR_BY_SKIMAGE = 17.8227922995345
FLOAT32 = 1e-6


@pytest.fixture
def measure(tmp_path):
    def make(text):
        return open_measure(text, Setup(choose_place("cpu", "auto", tmp_path / "networks")))

    return make


@pytest.fixture(scope="module")
def images():
    """The recipe that the numbers of other tools are of."""
    rng = np.random.RandomState(0)
    first = rng.randint(0, 256, (1, 192, 176, 3))
    second = np.clip(first + rng.randint(-60, 61, first.shape), 0, 255)
    return tuple((one / 255).astype(np.float32) for one in (first, second))


def flat(level, size=(1, 24, 24, 3)):
    return np.full(size, level, np.float32)


def test_differences_of_flat_images(measure):
    assert measure("l1")(flat(0.25), flat(0.75)) == pytest.approx([0.5])
    assert measure("mse")(flat(0.25), flat(0.75)) == pytest.approx([0.25])


def test_mean_square_gives_the_psnr_of_scikit_image(measure, images):
    assert -10 * np.log10(measure("mse")(*images)[0]) == pytest.approx(PSNR_BY_SKIMAGE, abs=1e-5)


def test_ssim_of_flat_images_is_its_luminance_term(measure):
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert measure("ssim")(flat(0.2), flat(0.6)) == pytest.approx([expected], rel=FLOAT32)


def test_ssim_is_that_of_scikit_image(measure, images):
    assert measure("ssim")(*images)[0] == pytest.approx(BY_SKIMAGE, rel=FLOAT32)


def test_ssim_is_that_of_torchmetrics_without_the_mirrored_border(measure, images):
    tensors = (torch.tensor(one).permute(0, 3, 1, 2).double() for one in images)
    _, whole = structural_similarity_index_measure(*tensors, data_range=1.0, return_full_image=True)
    inside = whole[..., 5:-5, 5:-5].mean().item()
    assert measure("ssim")(*images)[0] == pytest.approx(inside, rel=FLOAT32)


def test_ms_ssim_is_that_of_pytorch_msssim(measure, images):
    assert measure("ms-ssim")(*images)[0] == pytest.approx(BY_PYTORCH_MSSIM, rel=FLOAT32)


def test_an_ms_ssim_of_one_scale_is_ssim(measure, images):
    small = [one[:, :21, :21] for one in images]
    np.testing.assert_allclose(measure("ms-ssim")(*small), measure("ssim")(*small), rtol=1e-2)  # by channel or not


def test_ms_ssim_of_two_scales_is_the_product_by_the_definition(measure, images):
    """One channel alone, written out from the paper, with weights that sum to 1."""
    first, second = (np.repeat(one[:, :23, :22, :1], 3, axis=3).astype(float) for one in images)
    window = np.exp(-((np.arange(11) - 5.0) ** 2) / 4.5)
    window = np.outer(window, window) / window.sum() ** 2

    def terms(x, y):
        light, shape = [], []
        for i in range(x.shape[0] - 10):
            for j in range(x.shape[1] - 10):
                a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
                mean_a, mean_b = (window * a).sum(), (window * b).sum()
                var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
                cov = (window * (a - mean_a) * (b - mean_b)).sum()
                light.append((2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4))
                shape.append((2 * cov + 9e-4) / (var_a + var_b + 9e-4))
        return np.array(light), np.array(shape)

    x, y = first[0, ..., 0], second[0, ..., 0]
    _, fine = terms(x, y)
    light, coarse = terms(*(one[:22].reshape(11, 2, 11, 2).mean((1, 3)) for one in (x, y)))
    weights = np.array([0.0448, 0.2856]) / (0.0448 + 0.2856)
    expected = fine.mean() ** weights[0] * (light * coarse).mean() ** weights[1]
    assert measure("ms-ssim")(first.astype(np.float32), second.astype(np.float32)) == pytest.approx(
        [expected], rel=1e-5
    )


@pytest.mark.parametrize(("side", "scales"), [(11, 1), (21, 1), (22, 2), (44, 3), (175, 4), (176, 5), (1024, 5)])
def test_scales_are_as_many_as_hold_the_window(measure, side, scales):
    assert measure("ms-ssim").scales(side) == scales
    assert side // 2 ** (scales - 1) >= 11


def test_a_contrast_of_the_wrong_sign_counts_as_none(measure, images):
    assert measure("ms-ssim")(images[0], 1 - images[0])[0] == 0
    assert measure("ssim")(images[0], 1 - images[0])[0] < -0.5
