import numpy as np
import pytest

from zoo.data import raster


def test_coverage_counts_sixteenths():
    inside = np.zeros((1, 8, 8), bool)
    inside[0, :4, :4] = True
    inside[0, 5, 6] = True
    assert raster.coverage(inside)[0].tolist() == [[16, 0], [0, 1]]


def test_an_ellipse_covers_its_area():
    centre, radii = np.float32([[16.3, 15.6]]), np.float32([[9.5, 5.25]])
    area = raster.coverage(raster.ellipse(32, centre, radii)).sum() / raster.FULL
    assert area == pytest.approx(np.pi * 9.5 * 5.25, rel=0.01)


def test_a_line_is_as_long_and_wide_as_told():
    cover = raster.line(32, np.float32([[6, 9]]), np.float32([[26, 24]]), 3.0)[0].astype(float) / raster.FULL
    assert cover.sum() == pytest.approx(25 * 3 + np.pi * 1.5**2, rel=0.03)
    rows, columns = np.indices((32, 32)) + 0.5
    assert (cover * columns).sum() / cover.sum() == pytest.approx(16, abs=0.05)
    assert (cover * rows).sum() / cover.sum() == pytest.approx(16.5, abs=0.05)


def test_a_line_of_no_length_is_a_dot():
    cover = raster.line(9, np.float32([[4.5, 4.5]]), np.float32([[4.5, 4.5]]), 4.0)[0].astype(float) / raster.FULL
    assert cover.sum() == pytest.approx(np.pi * 4, rel=0.06)
    assert cover[4, 4] == 1


def test_paint_blends_and_rounds_half_up():
    canvas = np.full((1, 1, 1, 5), 10, np.uint16)
    raster.paint(canvas, np.array([[[11]]]), np.array([[[0, 7, 8, 9, 16]]], np.uint8))
    assert canvas.ravel().tolist() == [10, 10, 11, 11, 11]


def test_paint_reaches_the_extremes():
    canvas = np.zeros((2, 3, 1, 1), np.uint16)
    raster.paint(canvas, np.array([255, 128, 0])[:, None, None], np.full((2, 1, 1), 16, np.uint8))
    assert canvas[1, :, 0, 0].tolist() == [255, 128, 0]


def test_positions_and_directions_are_rounded():
    assert raster.snapped(np.array([1 / 128, 0.0077, -1 / 128])).tolist() == [1 / 64, 0.0, 0.0]
    cosine, sine = raster.direction(np.array([0.0, np.pi / 2, np.pi / 6]))
    assert cosine.tolist() == [1.0, 0.0, 3547 / 4096]
    assert sine.tolist() == [0.0, 1.0, 0.5]
