import numpy as np
import pytest
from PIL import Image

from genbench.errors import BadInput
from zoo.data import open_data
from zoo.data.splits import names_of

COUNT = 60


def picture(number, width=32, height=32):
    """Noise that only its number makes."""
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.fixture
def photos(tmp_path):
    """Sixty pictures, a third of them in a sub-folder, and things that are none."""
    folder = tmp_path / "photos"
    (folder / "more" / ".cache").mkdir(parents=True)
    (folder / "__MACOSX").mkdir()
    for number in range(COUNT):
        picture(number).save(folder / ("more" if number % 3 == 0 else "") / f"{number:03d}.png")
    for other in ("notes.txt", ".hidden.png", "more/.cache/0.png", "__MACOSX/0.png"):
        (folder / other).write_text("no picture")
    return folder


def rows(images):
    return [image.tobytes() for image in images]


def test_a_folder_is_read_in_order_of_names_and_split_by_them(photos):
    train, test, whole = (open_data(f"folder:{photos}", split) for split in ("train", "test", "all"))
    names = sorted(path.relative_to(photos).as_posix() for path in photos.rglob("[0-9][0-9][0-9].png"))
    expected = [np.asarray(Image.open(photos / name)).transpose(2, 0, 1).tobytes() for name in names]
    assert len(names) == COUNT
    assert sorted(rows(whole.x)) == sorted(expected)
    assert rows(train.x) == [row for row in expected if row in set(rows(train.x))]
    assert set(rows(train.x)).isdisjoint(rows(test.x))
    assert 1 <= len(test.x) <= 14
    assert (train.levels, train.native, train.labels, train.partner, train.can_flip) == (256, True, None, None, False)


def test_the_split_of_a_file_does_not_hang_on_other_files(photos):
    before = set(rows(open_data(f"folder:{photos}", "test").x))
    for path in sorted(photos.glob("*.png"))[::2]:
        path.unlink()
    assert set(rows(open_data(f"folder:{photos}", "test").x)) <= before


def test_pictures_become_squares_of_the_side_asked_for(tmp_path):
    for number in range(20):
        picture(number, 50, 20).save(tmp_path / f"{number}.png")
    wide = open_data(f"folder:{tmp_path}@10", "all")
    assert wide.x.shape == (20, 3, 10, 10)
    assert not wide.native
    known = {}
    for number in range(20):
        half = picture(number, 50, 20).resize((25, 10), Image.Resampling.BICUBIC)
        known[np.asarray(half)[:, 7:17].transpose(2, 0, 1).tobytes()] = number
    assert {known[row] for row in rows(wide.x)} == set(range(20))
    cut = open_data(f"folder:{tmp_path}@20", "all")
    assert cut.native  # nothing is resized, only cut
    assert {image.tobytes() for image in cut.x} == {
        np.asarray(picture(number, 50, 20))[:, 15:35].transpose(2, 0, 1).tobytes() for number in range(20)
    }
    assert open_data(f"folder:{tmp_path}", "all").x.shape == (20, 3, 32, 32)


def test_tall_pictures_are_cut_in_the_middle(tmp_path):
    picture(0, 20, 51).save(tmp_path / "0.png")
    found = open_data(f"folder:{tmp_path}@20", "all").x[0]
    assert np.array_equal(found, np.asarray(picture(0, 20, 51))[15:35].transpose(2, 0, 1))


def test_reduction_is_antialiased(tmp_path):
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "0.png")
    assert np.abs(open_data(f"folder:{tmp_path}@16", "all").x.astype(int) - 127).max() < 12


def test_grey_and_transparent_pictures_become_rgb(tmp_path):
    Image.new("L", (32, 32), 77).save(tmp_path / "grey.png")
    Image.new("RGBA", (32, 32), (9, 8, 7, 0)).save(tmp_path / "clear.png")
    found = open_data(f"folder:{tmp_path}", "all").x
    assert {tuple(image[:, 3, 3]) for image in found} == {(77, 77, 77), (9, 8, 7)}


def grey(number, mode="L"):
    """Grey noise that only its number makes, in a mode of Pillow."""
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8), dtype=np.uint8)
    image = Image.fromarray(pixels.astype(np.uint16)) if mode == "I;16" else Image.fromarray(pixels)
    return image if mode == "I;16" else image.convert(mode)


@pytest.mark.parametrize("mode", ["L", "LA", "I;16", "RGB", "P"])
@pytest.mark.parametrize("split", ["train", "test", "all"])
def test_grey_pictures_have_one_channel_whatever_their_mode(tmp_path, mode, split):
    for number in range(COUNT):
        grey(number, mode).save(tmp_path / f"{number}.png")
    found = open_data(f"folder:{tmp_path}@8", split).x
    assert found.shape[1:] == (1, 8, 8)
    assert set(rows(found)) <= {np.asarray(grey(number)).tobytes() for number in range(COUNT)}


def test_one_coloured_picture_gives_every_split_three_channels(tmp_path):
    names = [f"{number}.png" for number in range(COUNT)]
    for number, name in enumerate(names):
        grey(number).save(tmp_path / name)
    held_out = max(names_of("test", names))  # the last that is read
    coloured = np.repeat(np.asarray(grey(0))[:, :, None], 3, axis=2)
    coloured[7, 7, 2] ^= 1
    Image.fromarray(coloured).save(tmp_path / held_out)
    for split in ("train", "test", "all"):
        assert open_data(f"folder:{tmp_path}@8", split).x.shape[1:] == (3, 8, 8)


@pytest.mark.parametrize("kind", ["pairs", "domains"])
def test_two_domains_are_grey_together(tmp_path, kind):
    for domain in "AB":
        (tmp_path / domain).mkdir()
        for number in range(COUNT):
            grey(number).save(tmp_path / domain / f"{number}.png")
    found = open_data(f"{kind}:{tmp_path}@8")
    assert found.x.shape[1:] == found.partner.shape[1:] == (1, 8, 8)
    picture(0, 8, 8).save(tmp_path / "B/0.png")
    found = open_data(f"{kind}:{tmp_path}@8")
    assert found.x.shape[1:] == found.partner.shape[1:] == (3, 8, 8)


def test_grey_classes_have_one_channel(tmp_path):
    for number in range(COUNT):
        place = tmp_path / str(number % 2)
        place.mkdir(exist_ok=True)
        grey(number).save(place / f"{number}.png")
    assert open_data(f"classes:{tmp_path}@8", "test").x.shape[1:] == (1, 8, 8)


def test_bits_of_grey_noise_are_those_of_its_levels(tmp_path):
    """Sixteen levels, equally likely: 4 bits a pixel, not a third of it."""
    for number in range(COUNT):
        Image.fromarray(np.asarray(grey(number)) // 16 * 17).save(tmp_path / f"{number}.png")
    levels = open_data(f"folder:{tmp_path}@8", "all").x
    shares = np.bincount(levels.reshape(-1), minlength=256) / levels.size
    bits = -np.log2(shares[levels]).sum() / levels[0].size / len(levels)
    assert bits == pytest.approx(4, abs=0.02)


def test_a_set_says_at_what_size_its_levels_are_native(tmp_path):
    for number in range(20):
        grey(number).save(tmp_path / f"{number}.png")
    for split in ("train", "all"):
        assert open_data(f"folder:{tmp_path}", split).native_as == f"folder:{tmp_path}@8"
        assert not open_data(f"folder:{tmp_path}", split).native
        assert open_data(f"folder:{tmp_path}@8", split).native
    picture(0).save(tmp_path / "0.png")
    assert open_data(f"folder:{tmp_path}", "all").native_as == ""


def test_a_path_may_hold_an_at_sign(tmp_path):
    folder = tmp_path / "me@home"
    folder.mkdir()
    picture(0).save(folder / "0.png")
    assert open_data(f"folder:{folder}", "all").x.shape == (1, 3, 32, 32)
    assert open_data(f"folder:{folder}@8", "all").x.shape == (1, 3, 8, 8)


def test_classes_are_the_sub_folders(tmp_path):
    for number in range(30):
        place = tmp_path / ("cat/inner" if number % 3 else "ape")
        place.mkdir(parents=True, exist_ok=True)
        picture(number).save(place / f"{number}.png")
    known = {np.asarray(picture(number)).transpose(2, 0, 1).tobytes(): number for number in range(30)}
    for split in ("train", "test", "all"):
        found = open_data(f"classes:{tmp_path}", split)
        assert found.classes == ("ape", "cat")
        assert found.labels.tolist() == [min(known[row] % 3, 1) for row in rows(found.x)]


@pytest.fixture
def domains(tmp_path):
    for domain, shift in (("A", 0), ("B", 1000)):
        (tmp_path / domain).mkdir()
        for number in range(COUNT):
            picture(shift + number).save(tmp_path / domain / f"{number}.{'png' if shift else 'bmp'}")
    return tmp_path


def numbers(images, shift=0):
    known = {np.asarray(picture(shift + n)).transpose(2, 0, 1).tobytes(): n for n in range(COUNT)}
    return [known[row] for row in rows(images)]


@pytest.mark.parametrize("split", ["train", "test", "all"])
def test_pairs_belong_together(domains, split):
    found = open_data(f"pairs:{domains}", split)
    assert found.is_paired
    assert numbers(found.x) == numbers(found.partner, 1000)
    assert len(set(numbers(found.x))) == len(found.x)


def test_domains_are_split_each_by_its_own_names_and_not_in_one_order(domains):
    (domains / "B/0.png").unlink()
    train, test, whole = (open_data(f"domains:{domains}", split) for split in ("train", "test", "all"))
    assert not train.is_paired
    assert sorted(numbers(whole.x)) == list(range(COUNT))
    assert sorted(numbers(whole.partner, 1000)) == list(range(1, COUNT))
    assert set(numbers(train.partner, 1000)).isdisjoint(numbers(test.partner, 1000))
    assert numbers(train.partner, 1000) != sorted(numbers(train.partner, 1000))


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(BadInput, match=r"data set 'folder:.*/none@64': no such folder; expected '.*/none' to hold"):
        open_data(f"folder:{tmp_path}/none@64")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(BadInput, match=r"no images; expected files ending in \.bmp, .* got 1 of other kinds\. Check"):
        open_data(f"folder:{tmp_path}")
    with pytest.raises(BadInput, match=r"data set 'pairs:.*': no such folder; expected '.*/A'"):
        open_data(f"pairs:{tmp_path}")
    picture(0).save(tmp_path / "0.png")
    with pytest.raises(BadInput, match=r"images outside of any sub-folder; .* got '0\.png'\. Move them, or write"):
        open_data(f"classes:{tmp_path}")
    with pytest.raises(BadInput, match="no size; expected a side of at least 1 pixel, got 0"):
        open_data(f"folder:{tmp_path}@0")


def test_an_empty_split_is_told(tmp_path):
    picture(0).save(tmp_path / "0.png")
    assert len(open_data(f"folder:{tmp_path}", "all").x) == 1
    empty = "test" if names_of("train", ["0.png"]) else "train"
    with pytest.raises(BadInput, match=f"its {empty} split is empty; expected at least 1 example, got 0"):
        open_data(f"folder:{tmp_path}", empty)


def test_what_is_no_image_is_named(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(BadInput, match=r"image '.*broken\.png': cannot be decoded; expected an image file"):
        open_data(f"folder:{tmp_path}", "all")


def test_a_broken_file_is_named_whatever_split_it_is_in(photos):
    name = names_of("test", sorted(path.name for path in photos.glob("*.png")))[0]
    whole = (photos / name).read_bytes()
    (photos / name).write_bytes(whole[: len(whole) // 2])
    for split in ("train", "test"):
        with pytest.raises(BadInput, match=rf"image '.*{name}': cannot be decoded"):
            open_data(f"folder:{photos}", split)


def test_unequal_names_and_proportions_are_told(domains):
    for number in (3, 4, 5, 6):
        (domains / f"A/{number}.bmp").unlink()
    (domains / "B/7.png").unlink()
    with pytest.raises(BadInput, match=r"without a partner; .* got 'A/7\.bmp', 'B/3\.png', 'B/4\.png' and 2 more\."):
        open_data(f"pairs:{domains}")
    for path in [*domains.glob("A/*"), *domains.glob("B/*")]:
        path.unlink()
    for number in range(20):
        picture(number, 40, 32).save(domains / f"A/{number}.png")
        picture(number, 32, 40).save(domains / f"B/{number}.png")
    with pytest.raises(BadInput, match=r"unequal proportions; expected one shape, got '.*' of 40 x 32 and 32 x 40"):
        open_data(f"pairs:{domains}")
