import ast
import csv
import hashlib
import io
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from genbench.contracts import Facts
from genbench.errors import BadInput
from genbench.images.check import digest, inspect
from genbench.images.decode import REFUSALS, decode

DATA = os.environ.get("GENBENCH_TEST_DATA")
RAMP = np.arange(8 * 6 * 3, dtype=np.uint8).reshape(8, 6, 3)


def odd_rows():
    if DATA is None:
        return []
    with (Path(DATA) / "odd/pillow_behaviour.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if (Path(DATA) / "odd" / row["file"]).exists()]


def saved(image, form="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def rotated(form, **options):
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(Image.fromarray(RAMP), form, exif=exif, **options)


def frames(form):
    images = [Image.new("RGB", (6, 8), colour) for colour in ("red", "blue", "green")]
    return saved(images[0], form, save_all=True, append_images=images[1:])


def png(header, data):
    buffer = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    buffer.seek(8)
    for name, content in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b"")):
        PngImagePlugin.putchunk(buffer, name, content)
    return buffer.getvalue()


def deep_png():
    """A 16-bit colour PNG, which Pillow cannot write."""
    rows = b"".join(b"\0" + bytes(6 * 3 * 2) for _ in range(8))
    return png((6).to_bytes(4) + (8).to_bytes(4) + b"\x10\x02\0\0\0", zlib.compress(rows))


RGB, GREY = Image.fromarray(RAMP), Image.fromarray(RAMP[..., 0])
DEEP = np.full((8, 6), 700, np.int32)
CASES = {
    "rgb": (saved(RGB), "RGB", ()),
    "jpeg": (saved(RGB, "JPEG"), "RGB", ()),
    "rgba": (saved(RGB.convert("RGBA")), "RGBA", ("alpha dropped",)),
    "grey": (saved(GREY), "L", ("greyscale repeated",)),
    "bilevel": (saved(GREY.convert("1")), "1", ("greyscale repeated",)),
    "grey-alpha": (saved(GREY.convert("LA")), "LA", ("greyscale repeated", "alpha dropped")),
    "palette": (saved(RGB.quantize(8)), "P", ("palette expanded",)),
    "palette-alpha": (saved(RGB.quantize(8), transparency=0), "P", ("palette expanded", "alpha dropped")),
    "rgb-transparency": (saved(RGB, transparency=(0, 1, 2)), "RGB", ("alpha dropped",)),
    "16-bit": (
        saved(Image.fromarray(DEEP.astype(np.uint16))),
        "I;16",
        ("greyscale repeated", "16-bit clipped"),
    ),
    "32-bit": (
        saved(Image.fromarray(DEEP * 100), "TIFF"),
        "I",
        ("greyscale repeated", "32-bit clipped"),
    ),
    "16-bit-pgm": (b"P5 6 8 65535\n" + bytes(96), "I", ("greyscale repeated", "16-bit clipped")),
    "16-bit-colour": (deep_png(), "RGB", ("16-bit reduced to 8",)),
    "float": (
        saved(Image.fromarray(DEEP.astype(np.float32)), "TIFF"),
        "F",
        ("greyscale repeated", "float clipped"),
    ),
    "cmyk": (saved(RGB.convert("CMYK"), "JPEG"), "CMYK", ("CMYK converted",)),
    "ycbcr": (saved(RGB.convert("YCbCr"), "TIFF"), "YCbCr", ("YCbCr converted",)),
    "rotated-jpeg": (rotated("JPEG"), "RGB", ("EXIF rotation ignored",)),
    "rotated-png": (rotated("PNG"), "RGB", ("EXIF rotation ignored",)),
    "rotated-webp": (rotated("WEBP"), "RGB", ("EXIF rotation ignored",)),
    "gif": (frames("GIF"), "P", ("palette expanded", "first frame of an animation")),
    "apng": (frames("PNG"), "RGB", ("first frame of an animation",)),
    "webp": (saved(RGB, "WEBP"), "RGB", ()),
}


@pytest.mark.parametrize("name", CASES)
def test_facts(name):
    blob, mode, conversions = CASES[name]
    facts = inspect(blob)
    assert facts.problem is None
    assert (facts.width, facts.height, facts.mode, facts.conversions) == (6, 8, mode, conversions)


@pytest.mark.parametrize("name", CASES)
def test_every_truncation_that_pillow_refuses_is_found(name):
    blob = CASES[name][0]
    for kept in range(0, len(blob), max(1, len(blob) // 40)):
        short = blob[:kept]
        try:
            np.asarray(Image.open(io.BytesIO(short)).convert("RGB"))
            reads = True
        except Exception:  # whatever Pillow raises: this is the question
            reads = False
        assert (inspect(short).problem is None) == reads, kept


def test_a_problem_is_one_sentence_of_pillows():
    assert inspect(b"").problem == "UnidentifiedImageError: cannot identify image file"
    assert "truncated" in inspect(saved(RGB, "BMP")[:-9]).problem


def test_a_bomb_is_a_problem():
    blob = bytearray(saved(RGB, "BMP"))
    blob[18:26] = (60_000).to_bytes(4, "little") * 2
    assert inspect(bytes(blob)).problem.startswith("DecompressionBombError")


def test_ctrl_c_passes_and_not_everything_is_caught():
    assert not issubclass(KeyboardInterrupt, REFUSALS)
    assert Exception not in REFUSALS


def test_whole_png_and_jpeg_are_not_decoded():
    size = (6).to_bytes(4) + (8).to_bytes(4)
    nonsense = png(size + b"\x08\x02\0\0\0", b"no deflate stream")
    with pytest.raises(BadInput):
        decode(nonsense)
    assert inspect(nonsense).problem is None  # its checksums are right; whoever decodes it will say so
    colours_lost = CASES["jpeg"][0]
    colours_lost = colours_lost.replace(b"\xff\xda", b"\xff\xd9" * 9)
    with pytest.raises(BadInput):
        decode(colours_lost)
    assert inspect(colours_lost).problem is None


def test_end_marker_of_a_thumbnail_does_not_make_a_jpeg_whole():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    blob = saved(Image.fromarray(noise), "JPEG")
    with_thumbnail = blob[:2] + b"\xff\xfe\x00\x06\xff\xd8\xff\xd9" + blob[2:]
    assert inspect(with_thumbnail).problem is None
    assert "truncated" in inspect(with_thumbnail[:-500]).problem.lower()


def test_jpeg_padded_by_a_camera_is_read():
    assert inspect(CASES["jpeg"][0] + bytes(500)).problem is None


def test_png_with_a_wrong_checksum_that_pillow_reads_is_read():
    end = bytes.fromhex("00000000 49454e44 ae426082")
    wrong = (2).to_bytes(4) + b"teSthi" + bytes(4)
    blob = saved(RGB).replace(end, wrong + end)
    with pytest.raises(SyntaxError, match="checksum"):
        Image.open(io.BytesIO(blob)).verify()
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(blob)).convert("RGB")), RAMP)
    assert inspect(blob).problem is None


def test_arrays():
    assert inspect(RAMP) == Facts(6, 8, "RGB")
    assert inspect(RAMP[..., 0]).conversions == ("greyscale repeated",)
    assert inspect(RAMP[..., :1]).conversions == ("greyscale repeated",)
    assert inspect(np.zeros((8, 6, 4), np.uint8)).conversions == ("alpha dropped",)
    assert "got float64 [8, 6, 3]" in inspect(RAMP / 2).problem


def test_digest_of_a_file_is_of_its_bytes():
    assert digest(b"abc") == hashlib.sha256(b"abc").hexdigest()


def test_digest_of_an_array_has_its_shape_and_no_memory_order():
    assert digest(RAMP) == hashlib.sha256(b"array/uint8/8x6x3/" + RAMP.tobytes()).hexdigest()
    assert digest(np.asfortranarray(RAMP)) == digest(RAMP)
    assert digest(RAMP.reshape(6, 8, 3)) != digest(RAMP)
    assert digest(RAMP.view(np.int8)) != digest(RAMP)


@pytest.mark.skipif(DATA is None, reason="GENBENCH_TEST_DATA names no folder of odd images")
@pytest.mark.parametrize("row", odd_rows(), ids=lambda row: row["file"])
def test_odd_files_agree_with_the_list(row):
    facts = inspect((Path(DATA) / "odd" / row["file"]).read_bytes())
    assert (facts.problem is None) == (row["Pillow 13.0.0 convert(RGB)"] == "ok"), facts.problem
    if facts.problem is None:
        _, mode, size, count = ast.literal_eval(row["format/mode/size/frames"])
        assert (facts.mode, (facts.width, facts.height)) == (mode, size)
        assert ("first frame of an animation" in facts.conversions) == (count > 1)
