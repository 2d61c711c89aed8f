"""Every resize against the peer's own implementation, on the same images."""

import numpy as np
import pytest
import torch
from PIL import Image

from genbench.images.resize import resize_antialiased, resize_clean, resize_half_pixel, resize_pil, resize_tf1

SIZES = [(8, 8), (32, 32), (299, 299), (300, 224), (512, 400), (1, 1), (1, 700), (1024, 768)]
ROUNDING = 1e-6  # of 255: the peers' float32 arithmetic in another order


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def image(request, rng):
    return rng.integers(0, 256, (*request.param, 3), dtype=np.uint8)


def planes(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None].float()


def worst(found, expected):
    assert found.dtype == np.float32
    assert found.shape == (299, 299, 3)
    return np.abs(found.astype(np.float64) - expected).max() / 255


def test_half_pixel_is_pytorch_fid(image):
    """The lines of pytorch_fid.inception.InceptionV3.forward, on the real class with nothing behind the resize."""
    from pytorch_fid.inception import InceptionV3

    class Resizer(InceptionV3):
        def __init__(self):
            torch.nn.Module.__init__(self)
            self.resize_input, self.normalize_input = True, False
            self.output_blocks, self.last_needed_block, self.blocks = [0], 0, [torch.nn.Identity()]

    expected = Resizer()(planes(image) / 255)[0][0].permute(1, 2, 0).numpy() * 255
    assert worst(resize_half_pixel(image, 299), expected) < ROUNDING


def test_tf1_is_torch_fidelity(image):
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    expected = interpolate_bilinear_2d_like_tensorflow1x(planes(image), size=(299, 299), align_corners=False)
    assert worst(resize_tf1(image, 299), expected[0].permute(1, 2, 0).numpy()) < ROUNDING


def test_clean_is_clean_fid(image):
    from cleanfid.resize import make_resizer

    expected = make_resizer("PIL", False, "bicubic", (299, 299))(image)
    np.testing.assert_array_equal(resize_clean(image, 299), expected)


def test_antialiased_is_torchmetrics(image):
    expected = torch.nn.functional.interpolate(
        planes(image), size=(299, 299), mode="bilinear", align_corners=False, antialias=True
    )
    assert worst(resize_antialiased(image, 299), expected[0].permute(1, 2, 0).numpy()) < ROUNDING


@pytest.mark.parametrize("resize", [resize_half_pixel, resize_tf1, resize_clean, resize_antialiased])
def test_an_image_of_the_right_size_stays(resize, rng):
    image = rng.integers(0, 256, (299, 299, 3), dtype=np.uint8)
    before = image.copy()
    np.testing.assert_array_equal(resize(image, 299), image.astype(np.float32))
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("resize", [resize_half_pixel, resize_tf1, resize_clean, resize_antialiased])
def test_flat_images_stay_flat_and_views_are_taken(resize):
    """A mirrored view (negative strides, not contiguous) is an image too."""
    np.testing.assert_allclose(resize(np.full((40, 31, 3), 200, np.uint8), 299), 200, rtol=1e-6)
    ramp = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None], 50, 0).repeat(3, 2)
    np.testing.assert_array_equal(resize(ramp[:, ::-1], 64), resize(np.ascontiguousarray(ramp[:, ::-1]), 64))


def test_the_grids_differ_as_published():
    """Half-pixel centres keep a symmetric picture symmetric; TensorFlow 1's corners do not."""
    image = np.zeros((2, 2, 3), np.uint8)
    image[:, 1] = 255
    half, corner = resize_half_pixel(image, 4)[0, :, 0], resize_tf1(image, 4)[0, :, 0]
    np.testing.assert_allclose(half, [0, 63.75, 191.25, 255])
    np.testing.assert_allclose(corner, [0, 127.5, 255, 255])


def test_pil_is_pillow(image):
    for name in ("box", "bilinear", "bicubic"):
        expected = Image.fromarray(image).resize((299, 299), getattr(Image.Resampling, name.upper()))
        np.testing.assert_array_equal(resize_pil(image, 299, name), np.asarray(expected))
