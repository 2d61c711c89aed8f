import csv
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genbench.errors import BadInput
from genbench.images.decode import decode

DATA = os.environ.get("GENBENCH_TEST_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="GENBENCH_TEST_DATA names no folder of odd images")


def odd_files():
    """(path, whether Pillow reads it) of every odd file that is there."""
    if DATA is None:
        return []
    root = Path(DATA) / "odd"
    with (root / "pillow_behaviour.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = [(root / row["file"], row["Pillow 13.0.0 convert(RGB)"] == "ok") for row in rows]
    return [(path, reads) for path, reads in found if path.exists()]


def encoded(pixels, form="PNG", **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


RAMP = np.arange(5 * 4 * 4, dtype=np.uint8).reshape(5, 4, 4) * 3


def test_png_comes_back_exactly():
    pixels = decode(encoded(RAMP[..., :3]))
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, RAMP[..., :3])


def test_alpha_is_dropped_not_composited():
    assert np.array_equal(decode(encoded(RAMP)), RAMP[..., :3])


def test_sixteen_bits_are_clipped():
    deep = np.array([[0, 255, 256, 65535]], np.uint16)
    assert decode(encoded(deep))[0, :, 1].tolist() == [0, 255, 255, 255]


def test_exif_rotation_is_ignored():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(encoded(RAMP[..., :3], "JPEG", exif=exif)).shape == (5, 4, 3)


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    assert decode(buffer.getvalue())[0, 0].tolist() == [255, 0, 0]


def test_palette_with_transparency_warns_of_nothing():
    image = Image.fromarray(RAMP[..., :3]).quantize(4)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=b"\x00\x80\xff\xff")
    assert np.array_equal(decode(buffer.getvalue()), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 1)])
def test_grey_arrays_are_repeated(shape):
    grey = RAMP[..., 0].reshape(shape)
    assert np.array_equal(decode(grey), np.repeat(RAMP[..., :1], 3, axis=2))


def test_arrays_pass():
    assert np.array_equal(decode(RAMP[..., :3]), RAMP[..., :3])
    assert np.array_equal(decode(RAMP), RAMP[..., :3])
    assert decode(RAMP).flags.c_contiguous


@pytest.mark.parametrize(
    "wrong",
    [RAMP.astype(np.float32), RAMP[..., :2], RAMP[0, 0], RAMP[None], RAMP[:0, :, :3]],
    ids=lambda a: str(a.shape),
)
def test_other_arrays_are_refused_with_their_shape(wrong):
    with pytest.raises(BadInput, match=r"expected uint8 \[h, w\].*got " + str(wrong.dtype)):
        decode(wrong)


def test_refusal_has_pillows_reason_and_no_address():
    with pytest.raises(BadInput, match="UnidentifiedImageError: cannot identify image file") as caught:
        decode(b"nothing")
    assert "0x" not in str(caught.value)
    with pytest.raises(BadInput, match="truncated"):
        decode(encoded(RAMP[..., :3], "BMP")[:-20])


@needs_data
@pytest.mark.parametrize(("path", "reads"), odd_files(), ids=lambda value: getattr(value, "name", None))
def test_odd_files_as_pillow_reads_them(path, reads):
    blob = path.read_bytes()
    if not reads:
        with pytest.raises(BadInput, match="cannot be decoded"):
            decode(blob)
        return
    with Image.open(path) as image:
        assert np.array_equal(decode(blob), np.asarray(image.convert("RGB")))


@needs_data
def test_threads_agree_with_one():
    blobs = [path.read_bytes() for path, reads in odd_files() if reads] * 3
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(pool.map(decode, blobs), map(decode, blobs), strict=True):
            assert np.array_equal(one, other)
