import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genbench.contracts import SourceOptions
from genbench.errors import BadInput
from genbench.sources import SOURCES, SUFFIXES, open_source
from genbench.sources.archive import ZipSource
from genbench.sources.folder import FolderSource


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with one of each kind."""
    import zipfile

    (tmp_path / "samples").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "samples/a.png")
    with zipfile.ZipFile(tmp_path / "samples.ZIP", "w") as archive:
        archive.write(tmp_path / "samples/a.png", "a.png")
    array = np.zeros((2, 8, 8, 3), np.uint8)
    np.save(tmp_path / "samples.npy", array)
    np.savez(tmp_path / "samples.npz", array)
    (tmp_path / "gan.py").write_text("import numpy as np\nbuild = np.zeros((2, 8, 8), np.uint8)\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("samples", "folder"),
        ("samples/", "folder"),
        ("samples.ZIP", "archive"),
        ("samples.npy", "arrays"),
        ("samples.npz", "arrays"),
        ("gan.py:build", "python"),
        ("gan:build", "python"),
        ("folder:samples", "folder"),
        ("archive:samples.ZIP", "archive"),
        ("arrays:samples.npz", "arrays"),
        ("python:gan.py:build", "python"),
        ("sklearn:digits", "sklearn"),
    ],
)
def test_what_is_written_is_what_is_opened(place, text, kind):
    source = open_source(text)
    assert (source.kind, source.name) == (kind, text)
    assert source.entries()


def test_paths_are_taken_as_paths(place):
    assert isinstance(open_source(place / "samples"), FolderSource)
    assert isinstance(open_source(Path("samples.ZIP")), ZipSource)
    (place / "sklearn:digits").mkdir()
    with pytest.raises(BadInput, match="no images"):
        open_source(Path("sklearn:digits"))
    assert open_source("sklearn:digits").kind == "sklearn"  # an explicit scheme wins


def test_a_folder_with_a_colon_is_a_folder(place):
    (place / "samples").rename(place / "run:1")
    assert open_source("run:1").kind == "folder"
    (place / "run:1").rename(place / "gan:build")
    assert open_source("gan:build").kind == "folder"


def test_missing_path_names_its_neighbours(place):
    with pytest.raises(BadInput, match=r"source 'sampels': no such folder or file.*Did you mean .*samples"):
        open_source("sampels")
    with pytest.raises(BadInput, match=r"Did you mean .*/samples\.npz"):
        open_source(f"{place}/sample.npz")
    (place / "celeba_aligned_128").mkdir()
    with pytest.raises(BadInput, match=r"Did you mean celeba_aligned_128\?"):
        open_source("celeba")
    with pytest.raises(
        BadInput, match=r"scheme of archive:, arrays:, data:, exported:, folder:, python:, sklearn:, torchvision:"
    ):
        open_source("/nowhere/at/all")


@pytest.mark.parametrize("text", ["skleran:digits", "fodler:samples", "skleran:digits/train"])
def test_misspelt_scheme(place, text):
    with pytest.raises(BadInput, match=r"no such scheme '.*Did you mean (sklearn|folder):\?"):
        open_source(text)


@pytest.mark.parametrize("name", ["a.rar", "a.txt", "a.png", "a.pkl", "a"])
def test_other_files_are_refused_with_what_is_supported(place, name):
    (place / name).write_bytes(b"x")
    with pytest.raises(
        BadInput, match=r"cannot tell what to do.*\.npy, \.npz, \.onnx, \.pt, \.tar.*\.zip.*schemes: archive:"
    ):
        open_source(name)


def test_python_file_without_a_name(place):
    with pytest.raises(BadInput, match=r"Write gan\.py:NAME"):
        open_source("gan.py")


@pytest.mark.parametrize("text", ["", "a\0b", "x" * 5000, "a\nb", ":", "folder:", "python:", "a.py:", "caf\udce9"])
def test_strange_texts_are_refused(place, text):
    with pytest.raises(BadInput):
        open_source(text)


@pytest.mark.parametrize("thing", [None, 7, b"bytes", {}, object()])
def test_strange_things_are_refused(thing):
    with pytest.raises(BadInput, match="makes no images"):
        open_source(thing)


def test_a_new_scheme_gets_the_rest_and_the_options():
    seen = []

    def opener(rest, options):
        seen.append((rest, options))
        return open_source(np.zeros((2, 8, 8), np.uint8))

    SOURCES.add("test-open-scheme", opener)
    options = SourceOptions(seed=3)
    assert open_source("test-open-scheme:a:b/c", options).name == "test-open-scheme:a:b/c"
    assert seen == [("a:b/c", options)]
    del SOURCES._targets["test-open-scheme"]


def test_suffixes_name_known_schemes():
    assert set(SUFFIXES.values()) <= set(SOURCES)


def test_import_and_stored_images_do_not_load_torch(place):
    code = "import sys, genbench.sources as s; s.open_source('samples').entries(); s.open_source('samples.npz'); "
    check = "from genbench.sources import module; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code + check], check=False).returncode == 0
