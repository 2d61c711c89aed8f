"""``genbench zoo`` as a user types it: what is refused before any work, and what is said."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.checkpoint import MODEL, found
from zoo.data.splits import names_of
from zoo.runs import read_recipe


@pytest.fixture
def trained(smoke_run, tmp_path):
    """A run of two updates of its own."""
    return Path(shutil.copytree(smoke_run("realnvp"), tmp_path / "run"))


def grey_folder(folder, count=20, side=8):
    folder.mkdir()
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (side, side), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_a_grey_folder_is_learned_as_one_channel_and_says_so(zoo, tmp_path):
    data = f"folder:{grey_folder(tmp_path / 'grey')}@8"
    code, told = zoo("train", "pixelcnn", "--preset", "smoke", "--data", data, "--out", tmp_path / "run")
    assert code == 0
    assert read_recipe(tmp_path / "run").spec.shape == (1, 8, 8)
    assert f"data: {data}, train: {len(names_of('train', [f'{n}.png' for n in range(20)]))} pictures of 8 x 8" in told
    assert "8 x 8, grey, one channel" in told


def test_a_refused_training_leaves_nothing_behind(zoo, refuses, tmp_path):
    out = tmp_path / "run"
    refuses("would mean nothing", "train", "vae", "--preset", "smoke", "--data", "digits32", "--out", out)
    assert not out.exists()
    assert zoo("train", "vae", "--preset", "smoke", "--out", out)[0] == 0


def test_a_run_is_never_made_shorter(zoo, refuses, trained):
    for steps in (1, 0, -3):
        refuses("expected at least 2, got", "resume", trained, "--steps", steps)
    assert read_recipe(trained).steps == 2
    refuses("--minutes: less than the run", "resume", trained, "--minutes", "0")
    assert zoo("resume", trained, "--steps", "3")[0] == 0
    assert read_recipe(trained).steps == 3
    assert zoo("resume", trained)[0] == 0


def test_a_run_of_minutes_is_not_cut_below_what_is_done(zoo, refuses, trained):
    recipe = json.loads((trained / "run.json").read_text())
    (trained / "run.json").write_text(json.dumps(recipe | {"steps": None, "minutes": 1.0}))
    refuses("expected at least 2, got 1", "resume", trained, "--steps", "1")


def test_data_that_have_changed_are_told(zoo, refuses, tmp_path):
    folder, out = grey_folder(tmp_path / "grey"), tmp_path / "run"
    assert zoo("train", "pixelcnn", "--preset", "smoke", "--data", f"folder:{folder}@8", "--out", out)[0] == 0
    Image.new("RGB", (8, 8), (1, 2, 3)).save(folder / "0.png")
    refuses("has changed since the training; expected the shape (1, 8, 8), got (3, 8, 8)", "resume", out)


@pytest.mark.parametrize("kind", ["folder", "classes"])
def test_levels_lost_by_enlarging_are_told_with_what_to_write(refuses, tmp_path, kind):
    grey_folder(tmp_path / "grey")
    (tmp_path / "all").mkdir()
    (tmp_path / "grey").rename(tmp_path / "all/grey")
    data = f"{kind}:{tmp_path / 'all'}"
    refuses(f"Use {data}@8.", "train", "realnvp", "--preset", "smoke", "--data", data, "--out", tmp_path / "run")


def test_volumes_are_no_enlarged_pictures(refuses, tmp_path):
    words = ("train", "pixelcnn", "--preset", "smoke", "--data", "voxels16", "--out", tmp_path / "run")
    refuses("got volumes of 16 x 16 x 16", *words)


def test_one_picture_is_warned_of(zoo, tmp_path):
    data = f"folder:{grey_folder(tmp_path / 'one', count=1)}@8"
    code, told = zoo("train", "pixelcnn", "--preset", "smoke", "--data", data, "--out", tmp_path / "run")
    assert code == 0
    assert "warning: there is one example" in told


def test_what_comes_next_works(zoo, tmp_path):
    code, told = zoo("train", "realnvp", "--preset", "smoke", "--data", "ring8", "--out", tmp_path / "run")
    assert code == 0
    words = told.partition("next: genbench zoo ")[2].split()
    assert zoo(*words[: words.index("--grid") + 2])[0] == 0
    assert (tmp_path / "run/points.png").exists()


def test_a_missing_file_is_not_called_damaged(refuses, trained, tmp_path):
    (found(trained)[-1] / MODEL).unlink()
    refuses(f"{MODEL} is missing; expected", "sample", trained, "--grid", tmp_path / "o.png")


def test_another_model_is_told_in_one_sentence(refuses, trained, tmp_path):
    recipe = json.loads((trained / "run.json").read_text())
    recipe["config"]["channels" if "channels" in recipe["config"] else "width"] *= 2
    (trained / "run.json").write_text(json.dumps(recipe))
    refuses("of another shape (first '", "sample", trained, "--grid", tmp_path / "o.png")


# ----------------------------------------------------------------------------------------- what is written, and where


@pytest.mark.parametrize(
    ("grid", "text"), [("o", "no name of a picture"), ("o.txt", "no name of a picture"), (".", "a folder")]
)
@pytest.mark.parametrize("command", ["sample", "reconstruct", "interpolate", "complete"])
def test_a_grid_that_cannot_be_written_is_refused_before_any_work(refuses, command, grid, text, tmp_path):
    refuses(text, command, tmp_path / "no run", "--grid", tmp_path / grid)


def test_a_place_that_cannot_be_written_is_refused_before_any_work(refuses, tmp_path):
    refuses("cannot be written; expected", "sample", tmp_path / "no run", "--grid", "/proc/x/o.png")
    refuses("cannot be made; expected", "sample", tmp_path / "no run", "--out", "/proc/x")


def test_samples_are_not_mixed_with_those_of_before(zoo, refuses, trained, tmp_path):
    out = tmp_path / "samples"
    assert zoo("sample", trained, "--out", out, "-n", 3)[0] == 0
    refuses("not empty; expected a new folder", "sample", trained, "--out", out, "-n", 2)
    assert len(list(out.iterdir())) == 3


def test_images_of_a_grid_are_two_pixels_apart_however_small(zoo, trained, tmp_path):
    assert zoo("sample", trained, "-n", 4, "--grid", tmp_path / "o.png")[0] == 0
    with Image.open(tmp_path / "o.png") as grid:
        assert grid.size == (2 * (64 + 2) + 2,) * 2
