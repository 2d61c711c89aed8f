import gzip
import io
import os
import tarfile
import time

import numpy as np
import pytest
from PIL import Image

import genbench
from genbench.contracts import SourceOptions
from genbench.errors import BadInput
from genbench.images.decode import decode
from genbench.sources import open_source
from genbench.sources.archive import open_archive

SUFFIXES = ("tar", "tar.gz", "tgz")


def picture(value=0):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (value, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def member(name, data=b"", **attributes):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, data


def pack(path, *members):
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data) if data else None)
    return path


def opened(path):
    return open_archive(str(path), SourceOptions())


def names(source):
    return [entry.name for entry in source.entries()]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_members_are_sorted_and_read(tmp_path, suffix):
    path = pack(tmp_path / f"a.{suffix}", *(member(f"c/{i}.png", picture(i)) for i in (2, 0, 1)))
    source = open_source(path)
    assert (source.kind, source.name) == ("archive", str(path))
    assert names(source) == ["c/0.png", "c/1.png", "c/2.png"]
    assert [decode(blob)[0, 0, 0] for blob in source.read(source.entries()[::-1])] == [2, 1, 0]
    assert source.notes == []


def test_folders_hidden_and_other_members_are_passed_over(tmp_path):
    members = [member("./a.png", picture(1)), member("./sub", type=tarfile.DIRTYPE), member("x/.DS_Store", b"x")]
    source = opened(pack(tmp_path / "a.tar", *members, member("__MACOSX/._a.png", b"x"), member("labels.json", b"{}")))
    assert names(source) == ["a.png"]
    assert source.notes == ["1 file without an image extension ignored: .json"]


def test_links_and_devices_are_passed_over_and_counted(tmp_path):
    odd = [
        member("link.png", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("hard.png", type=tarfile.LNKTYPE, linkname="a.png"),
        member("null.png", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
        member("pipe.png", type=tarfile.FIFOTYPE),
    ]
    source = opened(pack(tmp_path / "a.tar", member("a.png", picture(1)), *odd))
    assert names(source) == ["a.png"]
    assert source.notes == ["links and devices in the archive passed over: 4"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_names_that_point_elsewhere_do_no_harm(tmp_path, suffix):
    (tmp_path / "box").mkdir()
    bad = [
        member(name, picture(9)) for name in ("../out.png", "/abs/out.png", "a/../../out.png", "./in.png", "//b.png")
    ]
    source = opened(pack(tmp_path / "box" / f"a.{suffix}", *bad))
    assert names(source) == ["abs/out.png", "b.png", "in.png"]
    assert [decode(blob)[0, 0, 0] for blob in source.read(source.entries())] == [9, 9, 9]
    assert sorted(path.name for path in tmp_path.rglob("*.png")) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_of_equal_names_the_last_counts(tmp_path, suffix):
    source = opened(pack(tmp_path / f"a.{suffix}", member("a.png", picture(1)), member("./a.png", picture(2))))
    assert [decode(blob)[0, 0, 0] for blob in source.read(source.entries())] == [2]


def test_stamp_follows_the_archive(tmp_path):
    path = pack(tmp_path / "a.tar", member("a.png", picture(1)), member("b.png", picture(2)))
    before = [entry.stamp for entry in opened(path).entries()]
    status = os.stat(path)
    assert before[0] == f"{path}|{status.st_size}|{status.st_mtime_ns}|a.png|512"
    os.utime(path, ns=(0, 1))
    assert not set(before) & {entry.stamp for entry in opened(path).entries()}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_huge_or_sparse_member_is_unreadable_alone(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr("genbench.sources.tarball.MAX_MEMBER_BYTES", 2**20)
    huge = member("a.png", bytes(3 * 2**20))
    source = opened(pack(tmp_path / f"a.{suffix}", huge, member("b.png", picture(2)), member("c.png", b"")))
    with pytest.raises(BadInput, match=r"'a\.png'.*one of 3 MiB, over the limit"):
        list(source.read(source.entries()[:1]))
    assert [len(blob) > 0 for blob in source.read(source.entries()[1:])] == [True, False]
    monkeypatch.setattr(tarfile.TarInfo, "issparse", lambda _: True)
    with pytest.raises(BadInput, match="a sparse one"):
        list(source.read(source.entries()[1:]))


@pytest.mark.parametrize("content", [b"", b"nothing like a tar", b"\0" * 512 + b"x" * 4096, gzip.compress(b"x" * 900)])
def test_bad_archives(tmp_path, content):
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(BadInput, match=r"a\.tar'"):
        opened(tmp_path / "a.tar")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_truncation_passes_unseen(tmp_path, suffix):
    """Python's tarfile takes a cut between two members, or rubbish there, for the end."""
    path = pack(tmp_path / f"a.{suffix}", *(member(f"{i}.png", picture(i)) for i in range(4)))
    whole = path.read_bytes()
    for cut in range(0, len(whole) if suffix != "tar" else 4 * 1024, 17 if suffix != "tar" else 256):
        path.write_bytes(whole[:cut])
        with pytest.raises(BadInput, match="expected a complete tar file"):
            opened(path)
    if suffix == "tar":
        path.write_bytes(whole[:2048] + b"rubbish!" * 64 + whole[2560:])
        with pytest.raises(BadInput, match="no end mark"):
            opened(path)


def test_no_images_says_what_is_there(tmp_path):
    with pytest.raises(BadInput, match=r"2 other files \(\.tgz, \.txt\) in 1 sub-folder \('sub'\)\. Give the file 'x"):
        opened(pack(tmp_path / "a.tar", member("sub/a.txt", b"x"), member("x.tgz", b"x")))


@pytest.mark.parametrize("suffix", ["tar", "tar.gz"])
def test_ten_thousand_members_in_any_order_take_linear_time(tmp_path, suffix):
    data = picture()
    order = np.random.default_rng(0).permutation(10_000)
    path = pack(tmp_path / f"a.{suffix}", *(member(f"{i:05d}.png", data) for i in order))
    start = time.process_time()
    source = opened(path)
    blobs = [next(iter(source.read([entry]))) for entry in source.entries()]  # one by one, as the survey may
    assert len(blobs) == 10_000
    assert time.process_time() - start < 15  # 1.6 s on two slow cores


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_score_is_that_of_the_folder(tmp_path, suffix, rng, tiny_extractor):
    folder = tmp_path / "set"
    folder.mkdir()
    for i in range(20):
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(folder / f"{i}.png")
    with tarfile.open(tmp_path / f"set.{suffix}", "w" if suffix == "tar" else "w:gz") as archive:
        archive.add(folder, "set")
    real = rng.integers(0, 256, (20, 8, 8, 3), np.uint8)
    cards = [
        genbench.score(fake=fake, real=real, metrics=["fd", "kd"], extractor=tiny_extractor, cache=tmp_path / "cache")
        for fake in (folder, tmp_path / f"set.{suffix}")
    ]
    assert cards[0]["fd"].value == pytest.approx(cards[1]["fd"].value, rel=1e-12)
    assert cards[1].provenance["features"]["fake"]["computed"] == 0
