"""What every source must do; a registered source without an example fails."""

import os
import struct
import tarfile
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image

from genbench.contracts import SourceOptions
from genbench.images.check import digest, inspect
from genbench.images.decode import decode
from genbench.sources import SOURCES, open_source

COUNT = 7
PIXELS = np.random.default_rng(0).integers(0, 256, (COUNT, 8, 9, 3), dtype=np.uint8)
CODE = """
import torch
def draw(n, generator):
    return torch.rand(n, 3, 8, 9, generator=generator)
"""


def make_folder(place):
    (place / "set/sub").mkdir(parents=True, exist_ok=True)
    for index, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(place / f"set/{'sub/' if index % 2 else ''}{index}.png")
    return "folder:set", [place / "set/sub/1.png"]


def make_archive(place):
    make_folder(place)
    with zipfile.ZipFile(place / "set.zip", "w") as archive:
        for path in sorted((place / "set").rglob("*.png"), reverse=True):
            archive.write(path, path.relative_to(place).as_posix())
    return "archive:set.zip", [place / "set.zip"]


def make_tarball(place):
    make_folder(place)
    with tarfile.open(place / "set.tar.gz", "w:gz") as archive:
        archive.add(place / "set", "set")
    return "archive:set.tar.gz", [place / "set.tar.gz"]


def make_exported(place):
    import torch

    net = torch.nn.Sequential(torch.nn.Linear(4, 216), torch.nn.Sigmoid(), torch.nn.Unflatten(1, (3, 8, 9)))
    net.latent_dim, net.output_range = 4, (0.0, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        torch.jit.script(net).save(str(place / "gan.pt"))
    return "exported:gan.pt", []


def make_torchvision(place):
    """MNIST's files as torchvision lays them out."""
    raw = place / "data/MNIST/raw"
    raw.mkdir(parents=True, exist_ok=True)
    for part in ("train", "t10k"):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">4i", 0x803, *PIXELS.shape[:3]) + PIXELS[..., 0].tobytes()
        )
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 0x801, COUNT) + bytes(range(COUNT)))
    return "torchvision:MNIST/test", []


def make_arrays(place):
    np.save(place / "set.npy", PIXELS)
    return "arrays:set.npy", [place / "set.npy"]


def make_zoo(place):
    from zoo import training
    from zoo.runs import plan, start

    recipe, examples = plan("gan", "smoke")
    start(recipe, place / "run")
    training.train(recipe, examples, place / "run", training.open_fabric("cpu"))
    return "zoo:run", []


def make_python(place):
    (place / "gan.py").write_text(CODE)
    return "python:gan.py:draw", []


# scheme -> make(folder) -> (text for open_source, files that hold images of it)
EXAMPLES = {
    "archive": make_archive,
    "arrays": make_arrays,
    "data": lambda place: ("data:puppets/test", []),
    "exported": make_exported,
    "folder": make_folder,
    "python": make_python,
    "sklearn": lambda place: ("sklearn:digits", []),
    "torchvision": make_torchvision,
    "zoo": make_zoo,
}
MORE = {"archive (tar.gz)": make_tarball}  # another kind behind a scheme


def test_every_source_has_an_example():
    missing = set(SOURCES) - set(EXAMPLES)
    assert not missing, f"write examples of {missing} in {__file__}"


@pytest.fixture(params=[*sorted(SOURCES), *MORE])
def example(request, tmp_path, monkeypatch):
    if request.param not in EXAMPLES | MORE:
        pytest.skip(f"no example of {request.param}: test_every_source_has_an_example fails")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENBENCH_DATA", str(tmp_path / "data"))
    return (EXAMPLES | MORE)[request.param](tmp_path)


def opened(text, **options):
    source = open_source(text, SourceOptions(**options))
    return source, source.entries(100 if source.is_endless else None)


def blobs_of(source, entries):
    return [digest(blob) for blob in source.read(entries)]


def test_attributes(example):
    source, _ = opened(example[0])
    assert source.name == example[0]
    assert source.kind == example[0].partition(":")[0]
    assert isinstance(source.seeded, bool)
    assert isinstance(source.is_endless, bool)
    assert all(isinstance(note, str) and "\n" not in note for note in source.notes)


def test_entries_are_unique_sorted_and_stable(example):
    source, entries = opened(example[0])
    names = [entry.name for entry in entries]
    assert names
    assert len(set(names)) == len(names)
    assert names == sorted(names)
    assert [entry.index for entry in entries] == list(range(len(entries)))
    assert source.entries(len(entries)) == entries
    assert opened(example[0])[1] == entries
    stamps = [entry.stamp for entry in entries if entry.stamp is not None]
    assert len(set(stamps)) == len(stamps)


def test_blobs_decode_to_rgb_and_pass_the_check(example):
    source, entries = opened(example[0])
    for blob in source.read(entries[:20]):
        pixels = decode(blob)
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3
        assert pixels.shape[2] == 3
        facts = inspect(blob)
        assert facts.problem is None
        assert (facts.height, facts.width) == pixels.shape[:2]


def test_order_and_grouping_of_reading_do_not_matter(example):
    source, entries = opened(example[0])
    entries = entries[:100]
    whole = blobs_of(source, entries)
    order = np.random.default_rng(1).permutation(len(entries))
    fresh, _ = opened(example[0])
    assert blobs_of(fresh, [entries[i] for i in order]) == [whole[i] for i in order]
    assert [blobs_of(fresh, [entry])[0] for entry in entries[::-3]] == whole[::-3]
    assert list(fresh.read([])) == []


def test_a_second_opening_gives_the_same_if_seeded(example):
    source, entries = opened(example[0])
    other, _ = opened(example[0])
    assert source.seeded
    assert blobs_of(source, entries[:70]) == blobs_of(other, entries[:70])


def test_stored_files_have_stamps_that_follow_them(example):
    text, files = example
    _, before = opened(text)
    if not files:
        pytest.skip("not a source of files on disk")
    assert all(entry.stamp for entry in before)
    for path in files:
        os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))
    _, after = opened(text)
    changed = [old.name for old, new in zip(before, after, strict=True) if old.stamp != new.stamp]
    assert changed
    assert [entry.name for entry in after] == [entry.name for entry in before]
    if text.startswith("folder"):
        assert changed == ["sub/1.png"]
