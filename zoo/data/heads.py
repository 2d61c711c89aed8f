"""The renderer of the puppets: from identity and pose to landmarks, their lines and heads.

A head is seen as a cylinder: what lies at an angle on it moves sideways, and narrows, as the head turns.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zoo.data.raster import UNIT, Floats, coverage, direction, ellipse, line, paint, positions, snapped

SIDE = 32
IDENTITY = ("face colour", "hair colour", "eye spacing", "head width", "head height", "hairline", "hair length")
POSE = ("yaw", "mouth", "brow")

FACES = np.array([[255, 224, 196], [234, 190, 150], [198, 140, 96], [141, 92, 58], [96, 60, 38], [150, 200, 130]])
HAIRS = np.array([[35, 28, 25], [92, 58, 34], [176, 124, 60], [238, 212, 130], [178, 58, 38], [190, 190, 200]])
GROUND, WHITE, DARK, LIPS = np.array([[88, 112, 140], [250, 250, 250], [25, 20, 30], [150, 40, 50]])[:, :, None, None]
CENTRE = np.array([16, 17], np.float32)  # of the head, x and y
# paths through landmarks, a closed one ends where it began, and the colour each is drawn in
PATHS = (
    ((0, 1), (80, 230, 80)),
    ((2, 3), (80, 230, 80)),
    ((4, 5), (60, 190, 255)),
    ((6, 7), (60, 190, 255)),
    ((8, 9), (255, 210, 60)),
    ((10, 11, 12, 13, 10), (255, 70, 90)),
    ((14, 15, 16, 17, 18, 19, 20), (235, 235, 235)),
)
BROWS, EYES, NOSE, MOUTH = ((0, 1), (2, 3)), ((4, 5), (6, 7)), (8, 9), (10, 11, 12, 13)


def landmarks_of(identity: Floats, pose: Floats) -> NDArray[np.float64]:
    """Return the landmarks of faces: brows, eyes, nose, mouth, jaw.

    Args:
        identity: [n, 7] in the order of ``IDENTITY``: indices into ``FACES`` and ``HAIRS``; spacing of the eyes, an
            angle in radians; half width and half height of the head, pixels; where the hair begins on the forehead and
            ends behind, in half heights below the centre.
        pose: [n, 3] in the order of ``POSE``: yaw in -1..1 (half a radian, 1 to the right); opening of the mouth in
            0..1; brows from -1 (low) to 1 (high).

    Returns:
        float64 [n, 21, 2], x and y in pixels, multiples of 1/64: two points a brow, two an eye, nose bridge and tip,
        the mouth's left, top, right and bottom, seven along the jaw.
    """
    spacing, width, height = identity[:, 2], identity[:, 3], identity[:, 4]
    yaw, mouth, brow = pose[:, 0] / 2, pose[:, 1], pose[:, 2]
    eye, lip, middle = -0.12 * height, 0.45 * height, np.zeros_like(yaw)
    high = eye - 3.2 - 1.1 * brow
    spots = [  # angle on the head, and pixels below its centre
        *((-spacing - 0.26, high + 0.3), (-spacing + 0.2, high), (spacing - 0.2, high), (spacing + 0.26, high + 0.3)),
        *((-spacing - 0.2, eye), (-spacing + 0.2, eye), (spacing - 0.2, eye), (spacing + 0.2, eye)),
        *((middle, eye + 0.5), (middle, 0.18 * height)),
        *((middle - 0.36, lip), (middle, lip - 0.5 - 0.7 * mouth)),
        *((middle + 0.36, lip), (middle, lip + 0.5 + 1.9 * mouth)),
    ]
    across = np.stack([width * sine(angle + yaw) for angle, _ in spots], axis=1)
    down = np.stack([below for _, below in spots], axis=1)
    jaw = np.linspace(-0.1, np.pi + 0.1, 7)
    jaw_across = width[:, None] * sine(jaw - np.pi / 2) + yaw[:, None]
    jaw_down = height[:, None] * sine(jaw)
    points = np.stack([np.concatenate([across, jaw_across], axis=1), np.concatenate([down, jaw_down], axis=1)], axis=2)
    return snapped(CENTRE + points).astype(np.float64)


def draw_landmarks(landmarks: Floats) -> NDArray[np.uint8]:
    """Return landmarks [n, 21, 2] as coloured lines on black, uint8 [n, 3, 32, 32]."""
    points = snapped(landmarks)
    canvas = np.zeros((len(points), 3, SIDE, SIDE), np.uint16)
    for path, colour in PATHS:
        for start, end in pairwise(path):
            paint(canvas, np.array(colour)[:, None, None], line(SIDE, points[:, start], points[:, end], 1.25))
    return canvas.astype(np.uint8)


def render_puppets(identity: Floats, pose: Floats) -> NDArray[np.uint8]:
    """Return heads of any identity in any pose, uint8 [n, 3, 32, 32]; arguments as of ``landmarks_of``."""
    identity, pose = np.asarray(identity, np.float64), np.asarray(pose, np.float64)
    canvas = np.empty((len(identity), 3, SIDE, SIDE), np.uint16)
    canvas[:] = GROUND
    skin = FACES[identity[:, 0].astype(int), :, None, None]
    _paint_head(canvas, identity, pose[:, 0], skin)
    _paint_face(canvas, snapped(landmarks_of(identity, pose)), snapped(pose[:, 0] / 2), skin)
    return canvas.astype(np.uint8)


def sine(angle: Floats) -> NDArray[np.float64]:
    """Return sines rounded to 1/4096, float64."""
    return direction(np.asarray(angle))[1].astype(np.float64)


def _paint_head(canvas: NDArray[np.uint16], identity: Floats, yaw: Floats, skin: NDArray[np.int64]) -> None:
    """Paint the hair behind, the face, and the hair before it, which slides against the turn of the head."""
    hair = HAIRS[identity[:, 1].astype(int), :, None, None]
    radii = snapped(identity[:, 3:5])
    forehead, end = (snapped(identity[:, column] * identity[:, 4]) for column in (5, 6))
    crown = CENTRE + np.stack([snapped(-0.6 * yaw), np.full(len(yaw), -0.75, np.float32)], axis=1)
    opening = crown + np.stack([snapped(1.5 * yaw), forehead + radii[:, 1]], axis=1)
    below = (positions(SIDE) - CENTRE[1])[:, None]
    mane = ellipse(SIDE, crown, radii + np.float32(1.5))
    paint(canvas, hair, coverage(mane & (below < end[:, None, None])))
    paint(canvas, skin, coverage(ellipse(SIDE, np.broadcast_to(CENTRE, radii.shape), radii)))
    paint(canvas, hair, coverage(mane & ~ellipse(SIDE, opening, radii) & (below < 0)))


def _paint_face(canvas: NDArray[np.uint16], points: Floats, look: Floats, skin: NDArray[np.int64]) -> None:
    """Paint eyes that look where the head turns, brows, nose and mouth at the landmarks ``points``."""
    ahead = np.stack([look, np.zeros_like(look)], axis=1)
    for start, end in EYES:
        centre, reach = (points[:, start] + points[:, end]) / 2, (points[:, end, 0] - points[:, start, 0]) / 2
        white = np.stack([reach, np.full_like(reach, 1.5)], axis=1)
        paint(canvas, WHITE, coverage(ellipse(SIDE, centre, white)))
        paint(canvas, DARK, coverage(ellipse(SIDE, centre + ahead, snapped(np.full_like(white, 1)))))
    for start, end in BROWS:
        paint(canvas, DARK, line(SIDE, points[:, start], points[:, end], 1.125))
    paint(canvas, skin * 3 // 4, line(SIDE, points[:, NOSE[0]] - ahead, points[:, NOSE[1]], 1.0))
    left, top, right, bottom = (points[:, place] for place in MOUTH)
    centre = np.stack([left[:, 0] + right[:, 0], top[:, 1] + bottom[:, 1]], axis=1) / 2
    radii = np.stack([right[:, 0] - left[:, 0], bottom[:, 1] - top[:, 1]], axis=1) / 2
    paint(canvas, LIPS, coverage(ellipse(SIDE, centre, radii + np.float32(0.375))))
    inside = np.maximum(radii - np.array([0.75, 0.5], np.float32), np.float32(1 / UNIT))
    paint(canvas, DARK, coverage(ellipse(SIDE, centre, inside)))
