"""What a page shows beside the numbers: the right images, and a sentence where there are none."""

import shutil

import numpy as np
import pytest
from PIL import Image

import genbench
from genbench.analyses.page import exhibit
from genbench.contracts import Scorecard
from genbench.errors import BadInput

METRICS = "fd,kd,precision,nn,fd-infinity"


@pytest.fixture
def folders(tmp_path, rng):
    """40 fakes and 40 reference images; fake 3 is a copy of reference image 5, fake 7 is white."""
    real, fake = rng.integers(60, 190, (2, 40, 6, 6, 3), dtype=np.uint8)
    fake[3], fake[7] = real[5], 255
    for name, images in (("real", real), ("fake", fake)):
        (tmp_path / name).mkdir()
        for i, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / name / f"{i:02d}.png")
    return tmp_path / "fake", tmp_path / "real"


@pytest.fixture
def card(folders, tiny_extractor):
    scored = genbench.score(fake=str(folders[0]), real=str(folders[1]), extractor=tiny_extractor, metrics=METRICS)
    return Scorecard.model_validate_json(scored.to_json())


def gallery(shown, title):
    return next(one for one in [*shown.samples, *shown.galleries] if one.title == title)


def test_galleries_show_the_images_they_speak_of(card, folders):
    shown = exhibit(card)
    assert shown.missing == ""
    first = gallery(shown, "Nearest neighbours").shots[0]
    assert (first.name, first.beside[1], first.note) == ("03.png", "05.png", "0.00")
    np.testing.assert_array_equal(first.pixels, np.asarray(Image.open(folders[0] / "03.png")))
    np.testing.assert_array_equal(first.beside[0], first.pixels)
    assert gallery(shown, "Most realistic").shots[0].name == "03.png"
    assert gallery(shown, "Least realistic").shots[0].name == "07.png"
    assert gallery(shown, "fd would be lower without these").shots[0].name == "07.png"
    assert (gallery(shown, "Least realistic").shots[0].pixels == 255).all()
    assert len(gallery(shown, "Fake images").shots) == len(gallery(shown, "Reference images").shots) == 24


def test_curves_end_at_the_scores(card):
    curves = exhibit(card).curves
    assert [curve.label for curve in curves] == [card[name].label for name in ("fd", "kd", "precision")]
    for curve, name in zip(curves, ("fd", "kd", "precision"), strict=True):
        assert curve.sizes == [10, 20, 40]
        assert (curve.values[-1], curve.errors[-1]) == pytest.approx((card[name].value, card[name].stderr))
    assert curves[0].limit == (card["fd-infinity"].value, card["fd-infinity"].stderr)
    assert curves[1].limit is None


def test_the_map_is_of_principal_axes(card, folders):
    from genbench.features import EXTRACTORS

    cloud = exhibit(card).cloud
    extractor = EXTRACTORS.get("tiny")(None)
    rows = [
        extractor.means(np.stack([np.asarray(Image.open(file)) for file in sorted(folder.iterdir())]), 2)
        for folder in (folders[1], folders[0])
    ]
    both = np.concatenate(rows).astype(np.float64)
    left, singular, _ = np.linalg.svd(both - both.mean(axis=0), full_matrices=False)
    expected = left[:, :2] * singular[:2]
    found = np.concatenate([cloud.real, cloud.fake])
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-6)
    assert cloud.shares == pytest.approx(tuple(singular[:2] ** 2 / np.sum(singular**2)))


def test_many_sets_share_a_page(card):
    shown = exhibit(card, sets=8)
    assert {len(one.shots) for one in shown.galleries} == {6}
    assert {len(one.shots) for one in exhibit(card, sets=1000).galleries} == {4}


def test_the_same_page_again(card):
    first, second = exhibit(card), exhibit(card)
    assert [shot.name for shot in first.samples[0].shots] == [shot.name for shot in second.samples[0].shots]
    np.testing.assert_array_equal(first.cloud.fake, second.cloud.fake)


def test_changed_images_are_refused(card, folders):
    Image.new("RGB", (6, 6)).save(folders[0] / "04.png")
    with pytest.raises(BadInput, match=r"fake .* holds other images than when it was scored.*--no-pictures"):
        exhibit(card)
    assert exhibit(card, pictures=False).samples == ()


@pytest.mark.parametrize("side", [0, 1])
def test_images_that_are_gone_leave_a_sentence(card, folders, side):
    shutil.rmtree(folders[side])
    shown = exhibit(card)
    assert shown.missing.startswith("No pictures: the images cannot be opened again. source")
    assert folders[side].name in shown.missing
    assert (shown.samples, shown.galleries, shown.cloud) == ((), (), None)


def test_images_from_memory_leave_a_sentence(rng, tiny_extractor):
    real, fake = rng.integers(0, 256, (2, 20, 6, 6, 3), dtype=np.uint8)
    assert (
        "No pictures" in exhibit(genbench.score(fake=fake, real=real, extractor=tiny_extractor, metrics="fd")).missing
    )


def test_another_network_leaves_a_sentence(card):
    other = card.model_copy(update={"provenance": card.provenance | {"extractor_key": "0" * 64}})
    assert "not the network of the scorecard" in exhibit(other).missing


def test_a_joined_scorecard_leaves_a_sentence(card):
    joined = card.model_copy(update={"provenance": {"runs": {card.fake: card.provenance}}})
    assert "joins several runs" in exhibit(joined).missing


def test_statistics_leave_a_sentence(folders, tmp_path, tiny_extractor):
    from genbench.analyses.reference import write_reference
    from genbench.request import Request

    write_reference(str(folders[1]), tmp_path / "ref.npz", request=Request(extractor=tiny_extractor))
    scored = genbench.score(
        fake=str(folders[0]), real=str(tmp_path / "ref.npz"), extractor=tiny_extractor, metrics="fd"
    )
    assert "statistics, which carry no images" in exhibit(scored).missing
