import io
import os
import time
import zipfile

import pytest
from PIL import Image

from genbench.contracts import SourceOptions
from genbench.errors import BadInput
from genbench.images.decode import decode
from genbench.sources.archive import open_archive


def picture(value=0):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (value, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def pack(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return str(path)


def opened(path):
    return open_archive(str(path), SourceOptions())


def names(source):
    return [entry.name for entry in source.entries()]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_are_sorted_and_read(tmp_path, compression):
    path = pack(tmp_path / "a.zip", {f"c/{i}.png": picture(i) for i in (2, 0, 1)}, compression)
    source = opened(path)
    assert names(source) == ["c/0.png", "c/1.png", "c/2.png"]
    assert [decode(blob)[0, 0, 0] for blob in source.read(source.entries()[::-1])] == [2, 1, 0]
    assert source.notes == []


def test_folders_hidden_and_shadow_members_are_passed_over(tmp_path):
    hidden = ("__MACOSX/._a.png", ".b.png", "x/.DS_Store", "x/")
    source = opened(pack(tmp_path / "a.zip", {"a.png": picture()} | dict.fromkeys(hidden, b"")))
    assert names(source) == ["a.png"]
    assert source.notes == []


def test_others_are_noted(tmp_path):
    source = opened(pack(tmp_path / "a.zip", {"a.png": picture(), "labels.json": b"{}"}))
    assert source.notes == ["1 file without an image extension ignored: .json"]


def test_stamp_has_archive_member_and_checksum(tmp_path):
    path = pack(tmp_path / "a.zip", {"a.png": picture(1), "b.png": picture(2)})
    before = [entry.stamp for entry in opened(path).entries()]
    status = os.stat(path)
    assert before[0].startswith(f"{path}|{status.st_size}|{status.st_mtime_ns}|a.png|")
    assert before[0].rpartition("|")[2] == f"{zipfile.crc32(picture(1)):08x}"
    os.utime(path, ns=(0, 1))
    assert not set(before) & {entry.stamp for entry in opened(path).entries()}


def test_equal_names_count_once_as_unzip_does(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.png", picture(1))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.png", picture(2))
    source = opened(tmp_path / "a.zip")
    assert [decode(blob)[0, 0, 0] for blob in source.read(source.entries())] == [2]


def patch_directory(path, offset, data):
    """Overwrite bytes of the first entry of the central directory."""
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\x01\x02") + offset
    content[start : start + len(data)] = data
    path.write_bytes(content)


def refusal_of_first(path):
    source = opened(path)
    assert len(source.entries()) == 2
    with pytest.raises(BadInput) as caught:
        list(source.read(source.entries()[:1]))
    assert [decode(blob)[0, 0, 0] for blob in source.read(source.entries()[1:])] == [2]
    return str(caught.value)


@pytest.fixture
def two(tmp_path):
    pack(tmp_path / "a.zip", {"a.png": picture(1), "b.png": picture(2)})
    return tmp_path / "a.zip"


def test_encrypted_member_is_unreadable_alone(two):
    patch_directory(two, 8, b"\x01\x00")
    assert "got an encrypted one" in refusal_of_first(two)


def test_huge_member_is_unreadable_alone(two):
    patch_directory(two, 24, (300 * 2**20).to_bytes(4, "little"))
    assert "300 MiB, over the limit of 256 MiB" in refusal_of_first(two)


def test_damaged_member_is_unreadable_alone(two):
    content = bytearray(two.read_bytes())
    content[60] ^= 0xFF
    two.write_bytes(content)
    assert "BadZipFile: Bad CRC-32" in refusal_of_first(two)


def test_unknown_compression_is_unreadable_alone(two):
    patch_directory(two, 10, b"\x63\x00")
    assert "NotImplementedError" in refusal_of_first(two)


@pytest.mark.parametrize("content", [b"", b"nothing like a zip", zipfile.stringEndArchive + b"\xff" * 40])
def test_bad_zip(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(BadInput, match=r"a\.zip': cannot be opened; expected a complete zip file"):
        opened(tmp_path / "a.zip")


def test_truncated_zip(two):
    two.write_bytes(two.read_bytes()[:-30])
    with pytest.raises(BadInput, match="BadZipFile"):
        opened(two)


def test_no_images_says_what_is_there(tmp_path):
    with pytest.raises(BadInput, match=r"2 other files \(\.npz, \.txt\) in 1 sub-folder \('sub'\)\. Give the file 'x"):
        opened(pack(tmp_path / "a.zip", {"sub/a.txt": b"x", "x.npz": b"x"}))
    with pytest.raises(BadInput, match="no file at all"):
        opened(pack(tmp_path / "b.zip", {}))


def test_ten_thousand_members_take_about_a_second(tmp_path):
    data = picture()
    path = pack(tmp_path / "a.zip", {f"{i:05d}.png": data for i in range(10_000)})
    start = time.process_time()
    source = opened(path)
    blobs = [next(iter(source.read([entry]))) for entry in source.entries()]  # one by one, as the survey may
    assert len(blobs) == 10_000
    assert time.process_time() - start < 5  # 0.9 s on two slow cores
