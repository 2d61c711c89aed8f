"""Evidence on single pictures: what is found, under which transform, and that it equals slow rewrites."""

import io

import numpy as np
import pytest
from PIL import Image

from genbench.analyses.copy_search import TRANSFORMS, TrainingSet, look_at, pixel_views
from genbench.errors import BadInput
from tests.reference.copying import nearest
from tests.reference.pictures import smooth_pictures


@pytest.fixture(scope="module")
def train():
    return smooth_pictures(np.random.default_rng(5), 60)


@pytest.fixture(scope="module")
def training(train):
    return TrainingSet(look_at(train))


def jpeg(picture):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=60)
    return np.asarray(Image.open(stream))


COPIES = {
    "exact": lambda x: x,
    "flip": lambda x: x[:, ::-1],
    "jpeg": jpeg,
    "brightness": lambda x: np.clip(x * 1.05, 0, 255).astype(np.uint8),
    "right": lambda x: np.roll(x, 1, axis=1),
    "up and left": lambda x: np.roll(x, (-1, -1), axis=(0, 1)),
    "flip, then down": lambda x: np.roll(x[:, ::-1], 1, axis=0),
    "twice as large": lambda x: np.asarray(Image.fromarray(x).resize((64, 64), Image.Resampling.BICUBIC)),
}


@pytest.mark.parametrize("kind", COPIES)
def test_every_copy_is_found(training, train, kind):
    found = training.search(look_at([COPIES[kind](one) for one in train[:12]]))
    honest = training.search(look_at(smooth_pictures(np.random.default_rng(6), 40)))
    assert found.nearest[:, 0].tolist() == list(range(12))
    assert found.calibrated.max() < 0.6 < honest.calibrated.min()
    assert found.local.max() < 0.6 < honest.local.min()
    expected = {"flip": (True, 0, 0), "right": (False, 0, 1), "up and left": (False, -1, -1)}.get(kind)
    if expected is not None:
        assert found.distance[:, 0].max() < 1e-7
        assert {TRANSFORMS[row] for row in found.transform[:, 0]} == {expected}


def test_only_the_same_pixels_are_twins_and_blank_ones_are_none(train):
    blank = np.full((32, 32, 3), 7, np.uint8)
    training = TrainingSet(look_at([blank, *train[:30], train[3]]))
    almost = train[4].copy()
    almost[0, 0, 0] ^= 1
    queries = [train[3], blank, almost, train[5][:, ::-1], np.asarray(Image.fromarray(train[5]).resize((64, 64)))]
    assert training.search(look_at(queries)).twin.tolist() == [4, -1, -1, -1, -1]


def test_it_is_brute_force_over_the_transforms(train, training, rng):
    queries = smooth_pictures(rng, 5)
    found = training.search(look_at(queries))
    rms = 255 * np.sqrt(30 * 30 * 3)
    views = [
        [(one[:, ::-1] if mirrored else one)[1 + down : 31 + down, 1 + right : 31 + right].ravel() for one in queries]
        for mirrored, down, right in TRANSFORMS
    ]
    inner = train[:, 1:31, 1:31].reshape(60, -1).astype(float)
    index, distance, view = nearest(views, inner, 20)
    np.testing.assert_array_equal(found.nearest[:, 0], index[:, 0])
    np.testing.assert_allclose(found.distance[:, 0], distance[:, 0] / rms, rtol=1e-5)
    np.testing.assert_array_equal(found.transform[:, 0], view[:, 0])
    np.testing.assert_allclose(found.calibrated[:, 0], distance[:, 0] / distance.mean(1), rtol=1e-5)
    among = np.sqrt(((inner[:, None] - inner) ** 2).sum(2))
    unit = np.sort(among, axis=1)[:, 1:21].mean(1)
    np.testing.assert_allclose(found.local[:, 0], distance[:, 0] / unit[index[:, 0]], rtol=1e-5)
    worst = [
        max(
            np.sqrt(np.mean((mine[r : r + 10, c : c + 10] / 255 - theirs[r : r + 10, c : c + 10] / 255) ** 2))
            for r in (0, 10, 20)
            for c in (0, 10, 20)
        )
        for mine, theirs in (
            (np.reshape(views[v][i], (30, 30, 3)).astype(float), inner[j].reshape(30, 30, 3))
            for i, (v, j) in enumerate(zip(view[:, 0], index[:, 0], strict=True))
        )
    ]
    np.testing.assert_allclose(found.patch_max, worst, rtol=1e-4)


def test_features_are_a_space_of_their_own(train, rng):
    rows, queries, mirrored = rng.normal(size=(60, 4)), rng.normal(size=(6, 4)), rng.normal(size=(6, 4))
    mirrored[2] = rows[33]
    training = TrainingSet(look_at(train, {"net": [rows]}))
    found = training.search(look_at(train[:6], {"net": [queries, mirrored]}))
    index, distance, view = nearest([queries, mirrored], rows, 20)
    assert found.spaces == ("pixels", "quarters", "net")
    np.testing.assert_array_equal(found.nearest[:, 2], index[:, 0])
    np.testing.assert_allclose(found.distance[:, 2], distance[:, 0], atol=1e-6)
    assert [TRANSFORMS[row] for row in found.transform[:, 2]] == [(bool(v), 0, 0) for v in view[:, 0]]
    assert (found.nearest[2, 2], found.scores[2].tolist()) == (33, [0] * 6)


def test_a_quarter_gives_a_collage_away(train, training, rng):
    collage = smooth_pictures(rng, 3)
    collage[0, 16:, :16] = train[40, 16:, :16]
    collage[1, :16, 16:] = train[41, :, ::-1][:16, 16:]
    found = training.search(look_at(collage))
    assert found.nearest[:2, 1].tolist() == [40, 41]
    assert [TRANSFORMS[row][0] for row in found.transform[:2, 1]] == [False, True]
    assert (found.calibrated[:2, 1] == 0).all()
    assert (found.local[:2, 1] == 0).all()
    queries, inner = collage[2:].astype(float), train.astype(float)
    nearness = []
    for top, left in ((0, 0), (0, 16), (16, 0), (16, 16)):
        part = np.s_[:, top : top + 16, left : left + 16]
        views = [view[part].reshape(1, -1) for view in (queries, queries[:, :, ::-1])]
        _, distance, _ = nearest(views, inner[part].reshape(60, -1), 20)
        nearness.append(distance[0, 0] / distance[0].mean())
    assert found.calibrated[2, 1] == pytest.approx(min(nearness), rel=1e-5)


def test_the_training_set_among_itself_leaves_each_picture_out(train):
    looks = look_at([*train[:40], train[7]])
    found = TrainingSet(looks).search(looks, is_self=True)
    assert (found.nearest[:, 0] != np.arange(41)).all()
    assert (found.nearest[7, 0], found.nearest[40, 0]) == (40, 7)
    assert found.hash_bits[[7, 40]].tolist() == [0, 0]
    assert (found.hash_bits[:7] > 0).all()
    assert np.flatnonzero(found.twin >= 0).tolist() == [7, 40]
    assert found.twin[[7, 40]].tolist() == [40, 7]


def test_what_is_known_of_a_picture_hangs_on_it_and_the_training_set_alone(training, rng):
    queries = smooth_pictures(rng, 9)
    whole, some = training.search(look_at(queries)), training.search(look_at(queries[[8, 2]]))
    taken = whole.take(np.array([8, 2]))
    np.testing.assert_array_equal(taken.scores, some.scores)
    np.testing.assert_array_equal(taken.patch_max, some.patch_max)
    assert taken.names == ("8", "2")
    is_small = whole.hash_bits < np.median(whole.hash_bits)
    np.testing.assert_array_equal(whole.take(is_small).nearest, whole.nearest[is_small])


def test_views_are_the_inside_shifted_and_as_long_as_an_rms(train):
    views = list(pixel_views(train[:2]))
    assert len(views) == 18
    black, white = np.zeros((1, 32, 32, 3), np.uint8), np.full((1, 32, 32, 3), 255, np.uint8)
    gap = next(pixel_views(white)) - next(pixel_views(black))
    assert np.linalg.norm(gap) == pytest.approx(1)
    shifted = np.roll(train[:2], (1, -1), axis=(1, 2))
    at = TRANSFORMS.index((False, 1, -1))
    np.testing.assert_array_equal(list(pixel_views(shifted))[at], views[0])


def test_what_does_not_fit_is_refused(train):
    with pytest.raises(BadInput, match="too few pictures; expected at least 22, got 21"):
        TrainingSet(look_at(train[:21]))
    with pytest.raises(BadInput, match="other numbers of features"):
        look_at(train[:3], {"net": [np.zeros((2, 4))]})
    with pytest.raises(BadInput, match="no pictures"):
        look_at([])


@pytest.mark.parametrize("is_self", [False, True])
def test_parts_change_nothing(train, monkeypatch, is_self):
    pictures = np.concatenate([train, train[3:5]])  # with twins in another part
    queries = look_at(pictures if is_self else smooth_pictures(np.random.default_rng(8), 30))

    def evidence():
        return TrainingSet(look_at(pictures)).search(queries, is_self=is_self)

    whole = evidence()
    monkeypatch.setattr("genbench.analyses.copy_search.ROWS_AT_ONCE", 16)
    parts = evidence()
    for name in ("nearest", "transform", "hash_bits", "twin"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    for name in ("distance", "calibrated", "local", "patch_max"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-6)
    assert parts.names == whole.names
    assert (whole.twin >= 0).sum() == (4 if is_self else 0)
