import numpy as np
import pytest
import torch

from genbench.errors import BadInput
from zoo.data import open_data
from zoo.data.digits import enlarged
from zoo.data.edges import edges, outlines


@pytest.fixture(scope="module")
def original():
    from sklearn.datasets import load_digits

    return load_digits()


def test_the_splits_are_all_digits_with_their_labels(original):
    whole = open_data("digits8", "all")
    ours = sorted(zip(map(bytes, whole.x.reshape(1797, -1)), whole.labels.tolist(), strict=True))
    theirs = sorted(zip(map(bytes, original.images.astype(np.uint8).reshape(1797, -1)), original.target, strict=True))
    assert ours == theirs


def test_the_split_of_a_digit_does_not_follow_its_order_or_class():
    test = open_data("digits8", "test")
    assert np.bincount(test.labels).min() >= 25


def test_enlarged_is_the_bicubic_filter_of_others(original):
    """torch widens no kernel when it enlarges, so that its antialiased filter is Keys's with a = -1/2."""
    images = original.images[:200]
    ours = enlarged(images.astype(np.uint8))
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)), mode="edge")  # it cuts the kernel at the border, we repeat it
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(padded)[:, None] * (255 / 16), scale_factor=4, mode="bicubic", antialias=True
    )[:, 0, 8:-8, 8:-8]
    theirs = np.floor(theirs.numpy().clip(0, 255) + 0.5)
    assert ours.shape == theirs.shape == (200, 32, 32)
    off = np.abs(ours - theirs)
    assert off.max() <= 1  # ties
    assert (off > 0).mean() < 1e-3


def test_enlarged_keeps_what_is_flat():
    assert (enlarged(np.full((1, 8, 8), 16, np.uint8)) == 255).all()
    assert (enlarged(np.full((1, 8, 8), 4, np.uint8)) == 64).all()  # 63.75


def test_digits32_are_the_rows_of_digits8():
    small, large = open_data("digits8", "test"), open_data("digits32", "test")
    assert np.array_equal(large.labels, small.labels)
    assert np.array_equal(large.x[:, 0], enlarged(small.x[:, 0]))


@pytest.mark.parametrize("split", ["train", "test"])
def test_stacked_digits_show_the_digits_of_their_mode(split):
    stacked, digits = open_data("stacked_digits", split), open_data("digits32", split)
    known = {image.tobytes(): label for image, label in zip(digits.x[:, 0], digits.labels, strict=True)}
    seen = np.array([[known[plane.tobytes()] for plane in image] for image in stacked.x])
    assert np.array_equal(seen, stacked.truth["digit"])
    assert np.array_equal(seen @ [100, 10, 1], stacked.truth["mode"])
    assert set(np.bincount(stacked.truth["mode"])) == {len(stacked.x) // 1000}


def test_stacked_digits_use_many_writers_of_each_digit():
    stacked = open_data("stacked_digits")
    assert len({plane.tobytes() for image in stacked.x for plane in image}) == 1437


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_domains_of_digits_edge_share_no_digit(split):
    found, digits = open_data("digits_edge", split), open_data("digits32", split)
    ours, theirs = ({row.tobytes() for row in rows} for rows in (found.x, found.truth["of_partner_oracle"]))
    assert ours.isdisjoint(theirs)
    assert ours | theirs == {row.tobytes() for row in digits.x}
    assert np.array_equal(edges(found.x), found.truth["partner_oracle"])
    assert np.array_equal(edges(found.truth["of_partner_oracle"]), found.partner)
    known = {row.tobytes(): label for row, label in zip(digits.x, digits.labels, strict=True)}
    assert [known[row.tobytes()] for row in found.truth["of_partner_oracle"]] == found.truth[
        "of_partner_labels"
    ].tolist()


def test_edges_of_a_step_of_a_dot_and_of_nothing():
    step = np.zeros((1, 1, 3, 4), np.uint8)
    step[..., 2:] = 100
    assert edges(step)[0, 0].tolist() == [[0, 200, 200, 0]] * 3
    dot = np.zeros((3, 3), np.uint8)
    dot[1, 1] = 255
    assert edges(dot).tolist() == [[0, 255, 0], [255, 255, 255], [0, 255, 0]]
    assert not edges(np.full((2, 3, 5, 5), 77, np.uint8)).any()


def test_edges_agree_with_a_slow_rewrite(rng):
    image = rng.integers(0, 256, (9, 7), dtype=np.uint8)
    padded = np.pad(image.astype(int), 1, mode="edge")
    near = np.stack([padded[1:-1, 1:-1], padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]])
    assert np.array_equal(edges(image), np.minimum(2 * (near.max(0) - near.min(0)), 255))


def test_outlines_lie_on_the_higher_region():
    masks = np.array([[[0, 0, 0, 0], [0, 1, 1, 2], [0, 1, 1, 2], [0, 1, 1, 2], [0, 0, 0, 0]]], np.uint8)
    found = outlines(masks, np.array([0, 2, 1], np.uint8))
    assert (found[0] // 255).tolist() == [[0] * 4, [0, 1, 1, 1], [0, 1, 1, 0], [0, 1, 1, 1], [0] * 4]


@pytest.mark.parametrize("name", ["digits8", "digits32"])
def test_a_class_can_be_left_out_of_training_alone(name):
    whole, left = open_data(name), open_data(f"{name}:no-9")
    kept = whole.labels != 9
    assert np.array_equal(left.x, whole.x[kept])
    assert np.array_equal(left.labels, whole.labels[kept])
    assert set(left.labels.tolist()) == set(range(9))
    assert left.classes == whole.classes
    test, theirs = open_data(f"{name}:no-9", "test"), open_data(name, "test")
    assert np.array_equal(test.x, theirs.x)
    assert np.array_equal(test.labels, theirs.labels)


@pytest.mark.parametrize("argument", ["9", "no-", "no-10", "no-x", "nine"])
def test_what_is_no_class_to_leave_out_is_refused(argument):
    with pytest.raises(BadInput, match=f"'digits8:{argument}': not a class to leave out .* got '{argument}'"):
        open_data(f"digits8:{argument}")
