"""The user's own pictures in the sheets of ``genbench zoo``."""

import numpy as np
import pytest
from PIL import Image

from zoo.data import open_data
from zoo.data.given import read_given


@pytest.fixture
def trained(smoke_run):
    """The folder of a flow over digits of 17 levels."""
    return smoke_run("realnvp")


def digit(number):
    """Noise of 17 levels as the bytes that stand for them."""
    levels = np.random.default_rng(number).integers(0, 17, (8, 8))
    return Image.fromarray(np.floor(levels / 16 * 255 + 0.5).astype(np.uint8))


def tiles(path, columns):
    """Return the images of a grid of 8 x 8 pictures, uint8 [rows, columns, 8, 8]."""
    pixels = np.asarray(Image.open(path).convert("L"))
    rows = (len(pixels) - 2) // 66
    return np.array([[pixels[2 + 66 * r :: 8, 2 + 66 * c :: 8][:8, :8] for c in range(columns)] for r in range(rows)])


@pytest.fixture
def digits(tmp_path):
    folder = tmp_path / "digits"
    folder.mkdir()
    for number in range(4):
        digit(number).save(folder / f"{number}.png")
    return folder


def test_own_pictures_are_reconstructed_in_order_of_names(zoo, trained, digits, tmp_path):
    code, told = zoo("reconstruct", trained, "--images", digits, "--grid", tmp_path / "o.png", "--step", 2)
    assert code == 0, told
    assert "columns: image, its reconstruction" in told
    found = tiles(tmp_path / "o.png", 8)
    for number in range(4):
        assert np.array_equal(found[0, 2 * number], np.asarray(digit(number)))


def test_ways_go_between_own_pictures_two_by_two(zoo, refuses, trained, digits, tmp_path):
    words = ("interpolate", trained, "--grid", tmp_path / "o.png", "--steps", 3, "--device", "cpu")
    assert zoo(*words, "--images", digits)[0] == 0
    found = tiles(tmp_path / "o.png", 3)
    for place, end in enumerate(found[:, [0, -1]].reshape(4, 8, 8)):
        assert np.abs(end.astype(int) - np.asarray(digit(place))).max() <= 1
    refuses("not in pairs; expected an even number, got 3", *words, *("--images", digits / "0.png") * 3)
    refuses("--images: not used", *words, "--images", digits, "--between", "latents")


def test_what_is_known_of_own_pictures_is_kept(zoo, smoke_run, digits, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.latent.sheets.COMPLETIONS", 2)
    words = ("complete", smoke_run("gated-pixelcnn"), "--images", digits / "1.png", "--grid", tmp_path / "o.png")
    for label in ((), ("--label", 3)):
        code, told = zoo(*words, *label)
        assert code == 0, told
        assert "columns: image, what is known of it (grey: unknown), 2 completions" in told
        found = tiles(tmp_path / "o.png", 4)
        assert (found[0, (0, 2, 3), :4] == np.asarray(digit(1))[:4]).all()


def test_a_class_that_is_not_there_is_refused(refuses, smoke_run, tmp_path):
    grid = ("--grid", tmp_path / "o.png")
    refuses("expected labels in 0..9, got 10", "complete", smoke_run("gated-pixelcnn"), *grid, "--label", 10)
    refuses("takes no labels", "complete", smoke_run("pixelcnn"), *grid, "--label", 1)
    refuses("no class is known", "complete", smoke_run("pixelcnn"), *grid, "--label", "true")


def transparent():
    image = digit(0).convert("RGBA")
    image.putpixel((3, 3), (0, 0, 0, 254))
    return image


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (transparent(), "expected a picture without, got transparency"),
        (Image.fromarray(np.asarray(digit(0)).astype(np.uint16)), "expected 8 bits a channel, got more"),
        (
            Image.new("RGB", (8, 8), (16, 16, 32)),
            "expected a grey picture as those learned, got colours",
        ),
        (
            Image.new("L", (8, 8), 17),
            "expected the 17 grey levels of the model, 0, 16, 32 to 255, got byte 17",
        ),
    ],
)
def test_own_pictures_that_cannot_be_had_without_loss_are_named(refuses, trained, image, text, tmp_path):
    image.save(tmp_path / "mine.png")
    words = ("reconstruct", trained, "--images", tmp_path / "mine.png", "--grid", tmp_path / "o.png")
    refuses(f"{tmp_path / 'mine.png'}': would lose what it holds; {text}", *words)


def test_own_pictures_that_are_none_are_named(refuses, trained, digits, tmp_path):
    words = ("reconstruct", trained, "--grid", tmp_path / "o.png", "--images")
    refuses("not there; expected a picture or a folder", *words, tmp_path / "nothing.png")
    (digits / "2.png").write_bytes((digits / "2.png").read_bytes()[:60])
    refuses("2.png': cannot be decoded; expected", *words, digits)
    (digits / "2.png").unlink()
    refuses("at most 3 of '--images'", *words, digits, "-n", 5)


def test_a_pale_alpha_channel_is_no_loss(zoo, trained, tmp_path):
    digit(0).convert("RGBA").save(tmp_path / "mine.png")
    words = ("reconstruct", trained, "--images", tmp_path / "mine.png", "--grid", tmp_path / "o.png")
    assert zoo(*words)[0] == 0


def test_other_sizes_are_fitted_as_those_of_folders(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    (tmp_path / "set").mkdir()
    Image.fromarray(pixels).save(tmp_path / "set/wide.png")
    expected = open_data(f"folder:{tmp_path / 'set'}@16", "all").x
    assert np.array_equal(read_given([tmp_path / "wide.png"], (3, 16, 16), 256), expected)


def test_a_share_is_not_taken_for_a_percentage(zoo, refuses, smoke_run, tmp_path):
    words = ("complete", smoke_run("pixelcnn"), "--grid", tmp_path / "o.png", "--rows", 1, "--known")
    refuses("Write 50% for this share, or 0.5% if you mean so few", *words, "0.5")
    assert zoo(*words, "50")[0] == 0


def test_a_model_without_codes_of_images_is_told_so(refuses, smoke_run, tmp_path):
    words = ("interpolate", smoke_run("pixelcnn"), "--grid", tmp_path / "o.png")
    refuses("expected one that encodes images, got 'pixelcnn'", *words, "--between", "images")
