import os

import numpy as np
import pytest
from PIL import Image

from genbench.contracts import SourceOptions
from genbench.errors import BadInput
from genbench.images.decode import decode
from genbench.sources.folder import FolderSource, open_folder


def put(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (value, 0, 0)).save(path, "PNG")


def names(source):
    return [entry.name for entry in source.entries()]


def test_recursive_and_sorted_by_relative_path(tmp_path):
    for name in ("b.png", "a/z.png", "a/b/c.png", "B.png", "a.png"):
        put(tmp_path / name)
    source = open_folder(str(tmp_path), SourceOptions())
    assert names(source) == ["B.png", "a.png", "a/b/c.png", "a/z.png", "b.png"]
    assert [entry.index for entry in source.entries()] == [0, 1, 2, 3, 4]
    assert source.notes == []


def test_read_gives_the_bytes_in_the_order_asked(tmp_path):
    for value in range(3):
        put(tmp_path / f"{value}.png", value)
    source = FolderSource(str(tmp_path))
    blobs = list(source.read(source.entries()[::-1]))
    assert [decode(blob)[0, 0, 0] for blob in blobs] == [2, 1, 0]
    assert blobs[0] == (tmp_path / "2.png").read_bytes()


def test_endings_in_any_case_and_each_file_once(tmp_path):
    for name in ("a.PNG", "b.JpEg", "c.webp", "d.Tif", "e.jpg"):
        put(tmp_path / name)
    assert len(names(FolderSource(str(tmp_path)))) == 5


def test_hidden_and_shadow_files_are_passed_over_in_silence(tmp_path):
    for name in ("a.png", ".b.png", ".git/c.png", "__MACOSX/d.png", "x/__MACOSX/e.png"):
        put(tmp_path / name)
    source = FolderSource(str(tmp_path))
    assert names(source) == ["a.png"]
    assert source.notes == []


def test_a_hidden_root_is_fine(tmp_path):
    put(tmp_path / ".cache/a.png")
    assert names(FolderSource(str(tmp_path / ".cache"))) == ["a.png"]


def test_other_files_are_counted_in_a_note(tmp_path):
    put(tmp_path / "a.png")
    for name in ("b.txt", "c.txt", "README", "d.csv"):
        (tmp_path / name).write_text("x")
    assert FolderSource(str(tmp_path)).notes == ["4 files without an image extension ignored: (none), .csv, .txt"]


def test_links_are_followed_once_and_loops_end(tmp_path):
    put(tmp_path / "real/a.png")
    (tmp_path / "real/up").symlink_to(tmp_path)
    (tmp_path / "early").symlink_to(tmp_path / "real")
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    put(outside / "b.png")
    (tmp_path / "linked").symlink_to(outside)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert names(FolderSource(str(tmp_path))) == ["linked/b.png", "real/a.png"]


def test_a_link_to_nothing_is_an_unreadable_image(tmp_path):
    put(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "gone.png")
    source = FolderSource(str(tmp_path))
    assert names(source) == ["a.png", "b.png"]
    with pytest.raises(BadInput, match=r"'b\.png': cannot be opened.*No such file"):
        list(source.read(source.entries()[1:]))


def test_a_pipe_is_not_read(tmp_path):
    put(tmp_path / "a.png")
    os.mkfifo(tmp_path / "b.png")
    assert names(FolderSource(str(tmp_path))) == ["a.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_rights_is_named(tmp_path):
    put(tmp_path / "a.png")
    (tmp_path / "shut").mkdir(mode=0)
    with pytest.raises(BadInput, match=r"shut.*Permission denied"):
        FolderSource(str(tmp_path))


def test_strange_names(tmp_path):
    put(tmp_path / "new\nline.png", 1)
    put(tmp_path / "ünï 😀.png", 2)
    with open(os.fsencode(tmp_path) + b"/caf\xe9.png", "wb") as file:
        file.write((tmp_path / "new\nline.png").read_bytes())
    source = FolderSource(str(tmp_path))
    assert names(source) == ["caf\\xe9.png", "new\nline.png", "ünï 😀.png"]
    for entry in source.entries():
        (entry.name + entry.stamp).encode("utf-8")
    assert [decode(blob)[0, 0, 0] for blob in source.read(source.entries())] == [1, 1, 2]


def test_stamp_follows_path_size_and_time(tmp_path):
    put(tmp_path / "a.png")
    status = (tmp_path / "a.png").stat()
    stamp = FolderSource(str(tmp_path)).entries()[0].stamp
    assert stamp == f"{tmp_path}/a.png|{status.st_size}|{status.st_mtime_ns}"
    os.utime(tmp_path / "a.png", ns=(0, status.st_mtime_ns + 1))
    assert FolderSource(str(tmp_path)).entries()[0].stamp != stamp


def test_relative_and_absolute_paths_have_one_stamp(tmp_path, monkeypatch):
    put(tmp_path / "in/a.png")
    monkeypatch.chdir(tmp_path)
    assert FolderSource("in").entries() == FolderSource(str(tmp_path / "in")).entries()
    assert FolderSource("in").name == "in"


def test_empty_says_empty(tmp_path):
    with pytest.raises(BadInput, match=r"no images; expected files ending in \.png.*got no file at all"):
        FolderSource(str(tmp_path))


def test_empty_says_what_is_there(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a.txt").write_text("x")
    (tmp_path / "b.csv").write_text("x")
    with pytest.raises(BadInput, match=r"2 other files \(\.csv, \.txt\) in 1 sub-folder \('sub'\)"):
        FolderSource(str(tmp_path))


def test_empty_points_to_the_archive_inside(tmp_path):
    (tmp_path / "samples.zip").write_bytes(b"x")
    with pytest.raises(BadInput, match=r"Give the file 'samples\.zip' itself"):
        FolderSource(str(tmp_path))


def test_not_a_folder(tmp_path):
    with pytest.raises(BadInput, match="not a folder"):
        FolderSource(str(tmp_path / "none"))


def test_order_does_not_depend_on_the_file_system(tmp_path):
    order = np.random.default_rng(0).permutation(50)
    for value in order:
        put(tmp_path / f"{value:02d}.png")
    assert names(FolderSource(str(tmp_path))) == [f"{value:02d}.png" for value in range(50)]
