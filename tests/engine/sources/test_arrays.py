import numpy as np
import pytest

from genbench.contracts import SourceOptions
from genbench.errors import BadInput
from genbench.images.decode import decode
from genbench.sources.arrays import open_arrays
from genbench.sources.memory import ArraySource

COLOUR = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)


def pixels(source):
    return np.stack([decode(blob) for blob in source.read(source.entries())])


def opened(path, **options):
    return open_arrays(str(path), SourceOptions(**options))


def saved(tmp_path, array, name="a.npy"):
    np.save(tmp_path / name, array)
    return opened(tmp_path / name)


def test_npy_comes_back_exactly_and_is_mapped(tmp_path):
    source = saved(tmp_path, COLOUR)
    assert np.array_equal(pixels(source), COLOUR)
    assert isinstance(source._images, np.memmap)
    assert [entry.name for entry in source.entries()] == [f"{i:06d}" for i in range(5)]
    assert source.notes == []


def test_layouts(tmp_path):
    assert np.array_equal(pixels(saved(tmp_path, COLOUR.transpose(0, 3, 1, 2))), COLOUR)
    grey = np.repeat(COLOUR[..., :1], 3, axis=3)
    for array in (COLOUR[..., 0], COLOUR[..., :1], COLOUR[:, None, :, :, 0]):
        assert np.array_equal(pixels(saved(tmp_path, array)), grey)
    with_alpha = np.concatenate([COLOUR, grey[..., :1]], axis=3)
    assert np.array_equal(pixels(saved(tmp_path, with_alpha)), COLOUR)


def test_stamp_has_path_size_time_and_index(tmp_path):
    source = saved(tmp_path, COLOUR)
    status = (tmp_path / "a.npy").stat()
    assert source.entries()[3].stamp == f"{tmp_path}/a.npy|{status.st_size}|{status.st_mtime_ns}|3"


def test_floats_from_0_to_1(tmp_path):
    source = saved(tmp_path, COLOUR.astype(np.float32) / 255)
    assert np.array_equal(pixels(source), COLOUR)
    assert source.notes == ["no range given for its floats: taken as [0, 1]"]


def test_floats_from_minus_1_to_1(tmp_path):
    source = saved(tmp_path, (COLOUR / 127.5 - 1).transpose(0, 3, 1, 2))
    assert np.array_equal(pixels(source), COLOUR)
    assert source.notes == ["no range given for its floats: taken as [-1, 1]"]


def test_one_negative_value_in_the_last_image_decides(tmp_path):
    floats = np.full((600, 5, 5), 0.5, np.float32)
    floats[-1, 0, 0] = -0.5
    source = saved(tmp_path, floats)
    assert next(source.read(source.entries()[:1]))[0, 0, 0] == 191


def test_stated_range_is_used_and_not_noted(tmp_path):
    np.save(tmp_path / "a.npy", np.full((2, 5, 5), 0.5, np.float32))
    source = opened(tmp_path / "a.npy", output_range=(-1.0, 1.0))
    assert pixels(source)[0, 0, 0, 0] == 191
    assert source.notes == []
    np.save(tmp_path / "b.npy", np.full((2, 5, 5), 1.5, np.float32))
    with pytest.raises(BadInput, match=r"expected floats in \[-1, 1\], got 1.5 to 1.5"):
        opened(tmp_path / "b.npy", output_range=(-1.0, 1.0))


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((2, 5, 5), 1.5), "got 1.5 to 1.5"),
        (np.array([[[0.0, np.nan]] * 2]), "got nan"),
        (COLOUR.astype(np.float32), r"whole numbers.*Convert it to uint8"),
        (COLOUR.astype(np.int64), "int64"),
        (COLOUR > 9, "bool"),
        (np.zeros((5, 5)), r"got \[5, 5\]"),
        (np.zeros((5, 6, 3), np.uint8), "Stack single images"),
        (np.zeros((0, 8, 8, 3), np.uint8), "no images"),
    ],
    ids=["beyond", "nan", "whole", "int64", "bool", "2d", "one", "none"],
)
def test_others_are_refused(tmp_path, array, words):
    with pytest.raises(BadInput, match=words):
        saved(tmp_path, array)


@pytest.mark.parametrize(
    "arrays",
    [
        {"arr_0": COLOUR, "mu": np.zeros(4), "sigma": np.eye(4), "mu_s": np.zeros(4)},
        {"images": COLOUR, "other": COLOUR[:2]},
        {"x": COLOUR, "labels": np.arange(5), "named": np.array(["a", "b"])},
        {"arr_0": COLOUR, "arr_1": np.arange(5)},
    ],
    ids=["guided-diffusion", "images", "only one", "labels"],
)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_images_are_found(tmp_path, arrays, save):
    save(tmp_path / "a.npz", **arrays)
    assert np.array_equal(pixels(opened(tmp_path / "a.npz")), COLOUR)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"mu": np.zeros(4), "sigma": np.eye(4)}, r"statistics .*not images.*for the reference only"),
        ({"x": COLOUR, "y": COLOUR}, r"several arrays of images; .*arr_0.*x uint8 \[5, 6, 7, 3\]"),
        ({"x": np.arange(4)}, r"no array of images.*x int64 \[4\]"),
        ({}, "no array of images.*got nothing"),
    ],
    ids=["statistics", "several", "none", "empty"],
)
def test_npz_without_clear_images_is_refused(tmp_path, arrays, words):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(BadInput, match=words):
        opened(tmp_path / "a.npz")


class Bomb:
    def __reduce__(self):
        return (print, ("executed",))


def test_no_pickle_is_executed(tmp_path, capsys):
    np.save(tmp_path / "a.npy", np.array([Bomb()], dtype=object))
    np.savez(tmp_path / "b.npz", arr_0=np.array([Bomb()], dtype=object))
    for name in ("a.npy", "b.npz"):
        with pytest.raises(BadInput):
            opened(tmp_path / name)
    assert "executed" not in capsys.readouterr().out


def test_npz_with_pickled_labels_beside_images_is_read(tmp_path):
    np.savez(tmp_path / "a.npz", arr_0=COLOUR, names=np.array([Bomb()], dtype=object))
    assert np.array_equal(pixels(opened(tmp_path / "a.npz")), COLOUR)


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
@pytest.mark.parametrize("content", [b"", b"nothing", b"\x93NUMPY\x01\x00", b"PK\x03\x04nothing"])
def test_broken_files(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=r"cannot be read|not an"):
        opened(tmp_path / name)


def test_files_of_the_other_kind_are_told(tmp_path):
    np.save(tmp_path / "a.npy", COLOUR)
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(BadInput, match=r"Name it \.npy"):
        opened(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", COLOUR)
    (tmp_path / "b.npz").rename(tmp_path / "b.npy")
    with pytest.raises(BadInput, match=r"Name it \.npz"):
        opened(tmp_path / "b.npy")


def test_short_file(tmp_path):
    np.save(tmp_path / "a.npy", COLOUR)
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:-100])
    with pytest.raises(BadInput, match="cannot be read"):
        opened(tmp_path / "a.npy")


def test_array_in_memory_has_no_stamp_and_is_not_changed():
    before = COLOUR.copy()
    source = ArraySource(COLOUR, "mine")
    assert source.entries()[0].stamp is None
    assert np.array_equal(pixels(source), before)
    assert np.array_equal(COLOUR, before)
