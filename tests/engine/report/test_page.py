"""The page's text: numbers, warnings beside them, nothing from outside, and nothing a name could smuggle in."""

import re

import numpy as np
import pytest

from genbench.contracts import Score, Scorecard
from genbench.report.columns import make_columns
from genbench.report.drawing import Cloud, Curve
from genbench.report.page import Exhibit, Gallery, Shot, draw_page

LIMIT = 5e6  # bytes


def card_of(fake="fakes", **more):
    score = Score(metric="fd", fake=fake, extractor="net", label="FD[net]", value=12.345, stderr=0.34,
                  ci95=(11.68, 13.01), better="lower", n_real=10, n_fake=20)  # fmt: skip
    scores = [
        score.model_copy(update={"metric": name, "label": f"{name}[net]"} | more) for name in ("fd", "kd", "is", "nn")
    ]
    return Scorecard(fake=fake, real="photos", scores=scores, provenance={"seed": 7})


def shots(count, side_px, rng):
    images = rng.integers(0, 256, (count, side_px, side_px, 3), dtype=np.uint8)
    return [Shot(image, f"{i}.png", "0.5") for i, image in enumerate(images)]


def exhibit_of(rng, side_px=300, count=12):
    galleries = [Gallery(f"Gallery {i}", "words", shots(count, side_px, rng)) for i in range(5)]
    curve = Curve("FD[net]", [10, 20], [2.0, 1.0], [0.1, None], (0.5, 0.1))
    cloud = Cloud(rng.normal(size=(800, 2)), rng.normal(size=(800, 2)), (0.5, 0.2))
    samples = [Gallery(title, "", shots(2 * count, side_px, rng)) for title in ("Fake images", "Reference images")]
    return Exhibit("fakes", {"seed": 7}, samples, [curve], cloud, galleries)


def draw(*cards, exhibits=()):
    return draw_page(make_columns(cards), list(exhibits))


def test_numbers_stand_with_error_interval_and_floor(rng):
    text = draw(card_of(floor=3.21, floor_stderr=0.2, floor_count=5), exhibits=[exhibit_of(rng)])
    for part in ("12.35", "± 0.34", "11.68 to 13.01", "3.21", "± 0.20", "5 reference images", "lower is better"):
        assert part in text
    assert "fakes · genbench" in text
    assert "10 of photos" in text


def test_a_warning_stands_beside_its_number_and_a_common_one_once_below():
    card = card_of(warnings=["few images"])
    card.scores[0] = card.scores[0].model_copy(update={"warnings": ["few images", "only here"]})
    text = draw(card)
    assert text.count("few images") == 1
    assert text.index("only here") < text.index("kd")
    assert text.index("few images") > text.index("</table>")
    assert text.count("<sup>*</sup>") == 5


def test_of_several_sets_each_has_a_column():
    text = draw(card_of("runs/a", warnings=["odd"]), card_of("runs/b"))
    assert "2 sets of images" in text
    assert re.findall(r'<button type="button">(.*?)</button>', text) == ["Metric", "a", "b"]
    assert "a: odd" in text


def test_it_asks_for_nothing_from_outside(rng):
    text = draw(card_of(), exhibits=[exhibit_of(rng)])
    assert "default-src 'none'" in text
    assert re.findall(r'(?:src|href)="(?!data:|#)', text) == []
    assert "://" not in text


def test_names_cannot_become_markup(rng):
    evil = '"><script>alert(1)</script>'
    image = Shot(np.zeros((4, 4, 3), np.uint8), evil, evil, (np.zeros((4, 4, 3), np.uint8), evil))
    shown = Exhibit(
        evil, {evil: evil}, galleries=[Gallery(evil, evil, [image])], curves=[Curve(evil, [1, 2], [1, 2], [1, 1])]
    )
    assert evil not in draw(card_of(evil, warnings=[evil], extractor=evil), exhibits=[shown])


def test_what_is_missing_is_said():
    text = draw(card_of(), exhibits=[Exhibit("fakes", {}, missing="No pictures: gone.")])
    assert "No pictures: gone." in text
    assert "<img" not in text


@pytest.mark.parametrize(("sets", "count"), [(1, 12), (8, 6)])
def test_a_page_of_large_noisy_pictures_stays_below_5_megabytes(rng, sets, count):
    cards = [card_of(f"set {i}") for i in range(sets)]
    assert len(draw(*cards, exhibits=[exhibit_of(rng, 300, count)] * sets).encode()) < LIMIT


def test_small_pictures_are_shown_as_they_are(rng):
    import base64
    import io

    from PIL import Image

    picture = shots(1, 32, rng)[0]
    text = draw(card_of(), exhibits=[Exhibit("fakes", {}, galleries=[Gallery("one", "", [picture])])])
    found = re.search(r"data:image/png;base64,([^\"]+)", text).group(1)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(found)))), picture.pixels)
