from functools import cache

import numpy as np
import pytest

from zoo.data import open_data
from zoo.data.raster import FULL
from zoo.data.renderer import FACTORS, KINDS, masks_of, render_shapes, silhouettes

AREAS = {"disc": np.pi, "square": 2.0, "triangle": 3 * np.sqrt(3) / 4, "star": 1.12257}  # of size 1
opened = cache(open_data)


def factors(**given):
    values = {"kind": 0, "hue": 0.0, "size": 8.0, "x": 15.0, "y": 16.0, "rotation": 0.0, "background": 0.5} | given
    return np.array([[values[name] for name in FACTORS]], float)


def star_area():
    """Shoelace of a pentagram with its inner corners at 0.381966 of the radius."""
    angle = np.arange(10) * np.pi / 5
    radius = np.where(np.arange(10) % 2, (3 - np.sqrt(5)) / 2, 1.0)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    return abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2


def test_the_area_of_a_star():
    assert star_area() == pytest.approx(AREAS["star"], abs=1e-5)


def test_the_oracle_renders_the_pictures():
    found = opened("shapes", "test")
    assert tuple(found.truth["factor_names"]) == FACTORS
    assert np.array_equal(render_shapes(found.truth["factors"]), found.x)
    assert np.array_equal(masks_of(found.truth["factors"]), found.truth["mask"])
    assert np.array_equal(found.truth["factors"][:, 0], found.labels)


def test_a_picture_depends_on_its_own_factors_alone():
    found = opened("shapes", "test")
    assert np.array_equal(render_shapes(found.truth["factors"][7:8])[0], found.x[7])


@pytest.mark.parametrize("kind", range(4))
def test_the_mask_is_where_and_as_large_as_the_factors_say(kind):
    found = opened("shapes", "train")
    rows = found.labels == kind
    given = dict(zip(FACTORS, found.truth["factors"][rows].T, strict=True))
    shape = found.truth["mask"][rows] == 1
    areas = shape.sum(axis=(1, 2))
    expected = AREAS[KINDS[kind]] * given["size"] ** 2
    assert np.mean(areas / expected) == pytest.approx(1, abs=0.03)
    assert np.abs(areas - expected).max() < 5 * given["size"].max() ** 0.5
    at_rows, at_columns = np.indices((32, 32)) + 0.5
    assert np.abs((shape * at_columns).sum((1, 2)) / areas - given["x"]).max() < 0.55
    assert np.abs((shape * at_rows).sum((1, 2)) / areas - given["y"]).max() < 0.55


def test_shadows_are_the_shapes_moved():
    mask = opened("shapes", "test").truth["mask"]
    moved = np.zeros_like(mask)
    moved[:, 2:, 2:] = mask[:, :-2, :-2] == 1
    assert np.array_equal(mask == 2, (moved == 1) & (mask != 1))
    assert (mask == 2).any(axis=(1, 2)).all()


def test_nothing_is_cut_off():
    mask = opened("shapes", "train").truth["mask"]
    border = np.concatenate([mask[:, 0], mask[:, -1], mask[:, :, 0], mask[:, :, -1]], axis=1)
    assert not (border == 1).any()


def test_regions_have_their_colours():
    found = opened("shapes", "test")
    covers = silhouettes(found.truth["factors"])
    for image, cover, row in zip(found.x, covers, found.truth["factors"], strict=True):
        assert (image[:, 0, 0] == 112 + row[6] * 128).all()
        assert len(np.unique(image[:, cover == FULL], axis=1).T) == 1
    darker = found.x[:, 0].astype(int) - found.x[:, 0, :1, :1]
    shadow = (found.truth["mask"] == 2) & (covers == 0)
    assert darker[shadow].max() < -8


@pytest.mark.parametrize(
    ("hue", "rgb"),
    [(0, (225, 30, 30)), (1 / 6, (225, 225, 30)), (1 / 3, (30, 225, 30)), (2 / 3, (30, 30, 225)), (1.0, (225, 30, 30))],
)
def test_hues_go_round_the_wheel(hue, rgb):
    assert tuple(render_shapes(factors(hue=hue))[0, :, 16, 15]) == rgb


def test_a_triangle_and_a_star_point_up_and_turn():
    for kind, height in (("triangle", 12), ("star", 14.47)):
        upright, half = (
            masks_of(factors(kind=KINDS.index(kind), rotation=turn, size=8))[0] == 1 for turn in (0.0, 0.5)
        )
        at = np.flatnonzero(upright.any(axis=1))
        assert at[0] in (8, 9, 10)  # the tip is at 8, and covers little of the first pixels
        assert height - 3 < len(at) < height + 1
        assert np.array_equal(upright, masks_of(factors(kind=KINDS.index(kind), rotation=1.0, size=8))[0] == 1)
        assert (upright != half).sum() > 20


def test_factors_are_uniform_and_independent():
    found = opened("shapes", "train").truth["factors"]
    assert np.bincount(found[:, 0].astype(int)).tolist() == [1000] * 4
    low, high = found.min(axis=0), found.max(axis=0)
    assert np.allclose(low[1:], [0, 6, 11, 11, 0, 0], atol=0.02)
    assert np.allclose(high[1:], [1, 10, 20, 20, 1, 1], atol=0.02)
    scaled = (found - low) / (high - low)
    assert np.abs(scaled[:, 1:].mean(axis=0) - 0.5).max() < 4 / np.sqrt(12 * len(found))
    others = np.corrcoef(found.T)[~np.eye(7, dtype=bool)]
    assert np.abs(others).max() < 4 / np.sqrt(len(found))


def test_paired_sets_hold_the_truth_of_shapes():
    plain = opened("shapes", "test")
    by_edges, by_mask = opened("shapes:edges", "test"), opened("shapes:mask", "test")
    assert np.array_equal(by_edges.x, plain.x)
    assert np.array_equal(by_edges.partner[:, 0], plain.truth["edges"])
    assert np.array_equal(by_mask.partner.argmax(axis=1), plain.truth["mask"])
    assert set(np.unique(by_mask.partner.sum(axis=1, dtype=int))) == {255}


def test_edges_lie_between_regions():
    found = opened("shapes", "test").truth
    assert set(np.unique(found["edges"])) == {0, 255}
    assert not found["edges"][found["mask"] == 0].any()
    shape = found["mask"] == 1
    away = ~(np.roll(shape, 1, 1) & np.roll(shape, -1, 1) & np.roll(shape, 1, 2) & np.roll(shape, -1, 2))
    assert np.array_equal(found["edges"][shape] == 255, away[shape])


def test_the_domains_of_shapes_ab_are_apart_and_their_oracles_hold():
    found = opened("shapes_ab", "test")
    assert np.array_equal(found.truth["partner_oracle"], render_shapes(found.truth["factors"], is_striped=True))
    assert np.array_equal(found.partner, render_shapes(found.truth["of_partner_factors"], is_striped=True))
    assert np.array_equal(found.truth["of_partner_oracle"], render_shapes(found.truth["of_partner_factors"]))
    ours, theirs = ({row.tobytes() for row in found.truth[key]} for key in ("factors", "of_partner_factors"))
    assert ours.isdisjoint(theirs)
    assert not (found.partner == found.truth["partner_oracle"]).all(axis=(1, 2, 3)).any()


def test_the_domains_differ_in_the_shape_alone():
    found = opened("shapes_ab", "test")
    outside = found.truth["mask"] != 1
    same = (found.x == found.truth["partner_oracle"]).all(axis=1)
    assert same[outside].mean() > 0.93  # all but the rim
    assert same[~outside].mean() < 0.01


def test_opposite_hues_and_stripes():
    red = render_shapes(factors(), is_striped=True)[0]
    colours = {tuple(red[:, row, 15]) for row in range(11, 21)}
    assert colours == {(30, 225, 225), (180, 245, 245)}


@pytest.mark.parametrize(("text", "rho"), [("0", 0.0), ("0.3", 0.3), ("0.9", 0.9), ("1", 1.0)])
def test_the_bias_is_as_told(text, rho):
    found = open_data(f"biased_shapes:{text}", "test")
    shape, colour = found.truth["attributes"].T
    assert np.corrcoef(shape, colour)[0, 1] == pytest.approx(rho, abs=4 / len(shape))
    assert shape.mean() == pytest.approx(0.5, abs=1e-9)
    assert colour.mean() == pytest.approx(0.5, abs=1e-9)
    assert np.array_equal(shape, found.labels)
    assert np.array_equal(render_shapes(found.truth["factors"]), found.x)
    inside = found.truth["mask"] == 1
    red, blue = ((found.x[:, channel] * inside).sum((1, 2), dtype=int) for channel in (0, 2))
    assert np.array_equal(blue > red, colour == 1)


def test_the_bias_is_nine_tenths_unless_told():
    assert np.array_equal(open_data("biased_shapes", "test").x, open_data("biased_shapes:0.9", "test").x)
