"""Drawings are where their numbers say."""

import re

import numpy as np
import pytest

from genbench.report.drawing import BAR_WIDE, Cloud, Curve, draw_cloud, draw_curve, draw_interval, nice_ticks


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.1, 0.9, [0, 0.5, 1]),
        (36, 137, [0, 50, 100, 150]),
        (-0.003, 0.001, [-0.004, -0.002, 0, 0.002]),
        (7, 7, [6, 7, 8]),
        (0, 0, [-1, 0, 1]),
    ],
)
def test_ticks_are_round_and_reach_around_the_values(low, high, ticks):
    found = nice_ticks(low, high)
    assert found[0] <= low
    assert found[-1] >= high
    assert found == pytest.approx(ticks)


def test_ticks_are_few_and_even(rng):
    for low, high in np.sort(rng.normal(size=(300, 2)) * 10.0 ** rng.integers(-6, 6, (300, 1)), axis=1):
        found = nice_ticks(low, high)
        assert 2 <= len(found) <= 6
        np.testing.assert_allclose(np.diff(found), found[1] - found[0])


def numbers(text, tag, name):
    return [float(value) for value in re.findall(rf'<{tag} [^>]*?\b{name}="([-0-9.]+)"', text)]


def test_an_interval_lies_on_its_axis():
    text = draw_interval(5.0, (4.0, 6.0), (0.0, 10.0), floor=0.0)
    assert numbers(text, "circle", "cx") == [BAR_WIDE / 2]
    assert numbers(text, "rect", "x")[0] + numbers(text, "rect", "width")[0] / 2 == pytest.approx(BAR_WIDE / 2)
    assert numbers(text, 'line class="floor"', "x1") == [4]
    assert "rect" not in draw_interval(5.0, None, (0.0, 10.0))


def test_a_curve_falls_where_its_values_do():
    text = draw_curve(Curve("FD<b>", [10, 20, 40], [9.0, 6.0, 3.0], [0.5, None, 0.5], (2.0, 0.1)))
    x, y = numbers(text, "circle", "cx"), numbers(text, "circle", "cy")
    assert np.diff(x) == pytest.approx([x[1] - x[0]] * 2, abs=0.11)
    assert np.diff(y) == pytest.approx([y[1] - y[0]] * 2, abs=0.11)
    assert y[0] < y[2] < numbers(text, 'line class="limit"', "y1")[0]
    assert "FD&lt;b&gt; against the number of fake images: 9 of 10" in text


def test_a_cloud_shows_every_image_in_the_frame(rng):
    real, fake = rng.normal(size=(7, 2)), rng.normal(size=(5, 2)) + 3
    text = draw_cloud(Cloud(real, fake, (0.5, 0.25)))
    assert len(numbers(text, "circle", "cx")) == 12
    assert 0 < min(numbers(text, "circle", "cx")) < max(numbers(text, "circle", "cx")) < 640
    assert 0 < min(numbers(text, "circle", "cy")) < max(numbers(text, "circle", "cy")) < 400
    assert "50 % of the variance" in text


def test_sets_of_equal_images_are_drawn():
    assert draw_cloud(Cloud(np.ones((2, 2)), np.ones((2, 2)), (1.0, 0.0))).count("<circle") == 4
