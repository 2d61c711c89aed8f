from functools import cache

import numpy as np
import pytest

from zoo.data import open_data
from zoo.data.heads import CENTRE, FACES, IDENTITY, POSE, draw_landmarks, landmarks_of, render_puppets

opened = cache(open_data)
LEFT_EYE, RIGHT_EYE, MOUTH, BROWS, JAW = [4, 5], [6, 7], [10, 11, 12, 13], [0, 1, 2, 3], range(14, 21)
# what a mirror image does to the landmarks
MIRRORED = [3, 2, 1, 0, 7, 6, 5, 4, 8, 9, 12, 11, 10, 13, *range(20, 13, -1)]


def face(**pose):
    identity = np.array([[1, 2, 0.5, 9.5, 11.0, -0.5, 0.5]])
    return identity, np.array([[{"yaw": 0.0, "mouth": 0.5, "brow": 0.0, **pose}[name] for name in POSE]])


def test_the_oracles_render_pictures_and_landmarks():
    found = opened("puppets", "test")
    identity, pose = found.truth["identity_factors"], found.truth["pose"]
    assert tuple(found.truth["identity_names"]) == IDENTITY
    assert tuple(found.truth["pose_names"]) == POSE
    assert np.array_equal(render_puppets(identity, pose), found.x)
    assert np.array_equal(landmarks_of(identity, pose), found.truth["landmarks"])
    assert np.array_equal(draw_landmarks(found.truth["landmarks"]), found.partner)


def test_test_holds_other_puppets_and_all_their_frames():
    train, test = opened("puppets", "train").truth, opened("puppets", "test").truth
    assert np.unique(train["identity"]).tolist() == list(range(35))
    assert np.unique(test["identity"]).tolist() == list(range(35, 40))
    for truth in (train, test):
        assert np.array_equal(truth["frame"], np.tile(np.arange(30), len(truth["frame"]) // 30))
        looks = {row.tobytes() for row in truth["identity_factors"]}
        assert len(looks) == len(truth["frame"]) // 30
    assert len({row.tobytes() for row in np.concatenate([train["identity_factors"], test["identity_factors"]])}) == 40


def test_frames_follow_one_another_smoothly():
    found = opened("puppets", "train").truth
    within = np.diff(found["identity"]) == 0
    assert np.abs(np.diff(found["pose"], axis=0)[within]).max() < 2 * 2 * np.pi / 30 + 0.01
    steps = np.linalg.norm(np.diff(found["landmarks"], axis=0), axis=2)
    assert steps[within].max() < 3  # pixels


def test_poses_use_their_whole_range():
    pose = opened("puppets", "all").truth["pose"]
    assert np.allclose(pose.min(axis=0), [-1, 0, -1], atol=0.01)
    assert np.allclose(pose.max(axis=0), [1, 1, 1], atol=0.01)


def test_landmarks_move_as_the_pose_says():
    straight, right = (landmarks_of(*face(yaw=yaw))[0] for yaw in (0.0, 1.0))
    assert (right[:14, 0] > straight[:14, 0] + 1).all()
    assert np.array_equal(right[:14, 1], straight[:14, 1])
    widths = [np.ptp(right[eye, 0]) for eye in (LEFT_EYE, RIGHT_EYE)]
    assert widths[1] < 0.8 * widths[0]  # what turns away narrows
    shut, wide = (landmarks_of(*face(mouth=mouth))[0] for mouth in (0.0, 1.0))
    assert np.ptp(wide[MOUTH, 1]) == pytest.approx(np.ptp(shut[MOUTH, 1]) + 2.6, abs=0.04)
    assert np.array_equal(np.delete(wide, MOUTH, axis=0), np.delete(shut, MOUTH, axis=0))
    low, high = (landmarks_of(*face(brow=brow))[0] for brow in (-1.0, 1.0))
    assert np.allclose(low[BROWS, 1] - high[BROWS, 1], 2.2, atol=0.04)


def test_a_straight_face_is_its_mirror_image():
    points = landmarks_of(*face())[0]
    assert np.allclose(points[MIRRORED, 0], 32 - points[:, 0], atol=1 / 64)
    assert np.allclose(points[MIRRORED, 1], points[:, 1], atol=1 / 64)
    image = render_puppets(*face())[0].astype(int)
    assert np.abs(image - image[:, :, ::-1]).max() < 24


def test_a_turn_to_the_left_mirrors_one_to_the_right():
    left, right = (render_puppets(*face(yaw=yaw))[0].astype(int) for yaw in (-0.7, 0.7))
    assert np.abs(left[:, :, ::-1] - right).max() < 40
    assert np.abs(left - right).max() > 100


def test_the_parts_of_a_face_lie_at_their_landmarks():
    found = opened("puppets", "test")
    points = found.truth["landmarks"]
    rows = np.arange(len(points))
    for eye in (LEFT_EYE, RIGHT_EYE):
        x, y = points[:, eye].mean(axis=1).T
        darkest = found.x[rows, :, y.astype(int), x.astype(int)].max(axis=1)
        assert np.median(darkest) < 140  # pupils look ahead, not always through the middle
    open_wide = found.truth["pose"][:, 1] > 0.8
    x, y = points[:, MOUTH].mean(axis=1).T
    assert (found.x[rows, :, y.astype(int), x.astype(int)][open_wide].max(axis=1) < 60).all()


def test_skin_has_the_colour_of_the_identity():
    found = opened("puppets", "test")
    chin = int(CENTRE[1] + 0.78 * 10)
    skin = FACES[found.truth["identity_factors"][:, 0].astype(int)]
    seen = found.x[:, :, chin]
    assert (np.abs(seen.astype(int) - skin[:, :, None]).max(axis=1) == 0).any(axis=1).all()


def test_identity_and_pose_can_be_exchanged():
    identity = opened("puppets", "test").truth["identity_factors"][[0, 30]]
    pose = opened("puppets", "test").truth["pose"][[0, 47]]
    mixed = render_puppets(identity, pose[::-1])
    assert np.array_equal(mixed[0], render_puppets(identity[:1], pose[1:])[0])
    assert len(np.unique(mixed.reshape(2, -1), axis=0)) == 2


def test_landmarks_are_drawn_where_they_are():
    found = opened("puppets", "test")
    points = found.truth["landmarks"]
    assert points.min() > 1
    assert points.max() < 31
    drawn = found.partner.max(axis=1) > 0
    rows = np.arange(len(points))[:, None]
    assert drawn[rows, points[:, :, 1].astype(int), points[:, :, 0].astype(int)].all()
