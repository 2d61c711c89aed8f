"""Heads of forty puppets, each in thirty frames of a little film, with the landmarks of their faces."""

import numpy as np
from numpy.typing import NDArray

from genbench.seeds import generator
from zoo.data.contracts import Examples
from zoo.data.heads import FACES, HAIRS, IDENTITY, POSE, draw_landmarks, landmarks_of, render_puppets, sine
from zoo.data.splits import refuse_argument

PUPPETS, HELD_OUT, FRAMES = 40, 5, 30
UNIT = 64
# of each factor of identity, from and below
LOWEST = np.array([0, 0, 0.40, 8.0, 9.5, -0.75, -0.1])
HIGHEST = np.array([len(FACES), len(HAIRS), 0.62, 11.0, 12.0, -0.35, 1.1])


def load_puppets(argument: str, split: str) -> Examples:
    """Forty puppets in thirty poses each, 32 x 32 RGB, paired with their landmarks drawn as coloured lines.

    uint8 [n, 3, 32, 32] twice; puppets 0 to 34 are in train (1,050 frames), 35 to 39 in test (150): identities are
    drawn alike, so that any five may be held out. Rows go puppet by puppet, frame after frame of a smooth film, so that
    row i + 1 is what follows row i. Labels are the puppets. Truth: identity int64 [n]; frame int64 [n];
    identity_factors float64 [n, 7] and pose float64 [n, 3] with their names, as ``heads.render_puppets`` takes them;
    landmarks float64 [n, 21, 2], x and y in pixels.
    """
    refuse_argument("puppets", argument)
    first, last = (PUPPETS - HELD_OUT, PUPPETS) if split == "test" else (0, PUPPETS - HELD_OUT)
    identity = np.repeat(np.arange(first, last), FRAMES)
    factors = np.stack([_identity(one) for one in range(first, last)]).repeat(FRAMES, axis=0)
    pose = np.concatenate([_film(one) for one in range(first, last)])
    landmarks = landmarks_of(factors, pose)
    truth = {
        "identity": identity,
        "frame": np.tile(np.arange(FRAMES), last - first),
        "identity_factors": factors,
        "identity_names": np.array(IDENTITY),
        "pose": pose,
        "pose_names": np.array(POSE),
        "landmarks": landmarks,
    }
    return Examples(
        name="",
        split="",
        x=render_puppets(factors, pose),
        levels=256,
        native=True,
        labels=identity.astype(np.int64),
        classes=tuple(f"puppet {one:02d}" for one in range(PUPPETS)),
        partner=draw_landmarks(landmarks),
        is_paired=True,
        truth=truth,
        can_flip=True,
    )


def _identity(number: int) -> NDArray[np.float64]:
    """Return the factors of one puppet, [7], on steps of 1/64."""
    draws = generator(0, "puppets", "identity", number)
    factors = LOWEST + (HIGHEST - LOWEST) * draws.random(len(IDENTITY))
    factors[:2] = np.floor(factors[:2])
    stepped: NDArray[np.float64] = np.floor(factors * UNIT + 0.5) / UNIT
    return stepped


def _film(number: int) -> NDArray[np.float64]:
    """Return the poses of one puppet's frames, [30, 3]: yaw, mouth and brow swing at paces and phases of their own."""
    draws = generator(0, "puppets", "film", number)
    pace, phase = 1 + draws.random(3), draws.random(3)
    swing = sine(2 * np.pi * (np.arange(FRAMES)[:, None] / FRAMES * pace + phase))
    return swing * [1, 0.5, 1] + [0, 0.5, 0]
