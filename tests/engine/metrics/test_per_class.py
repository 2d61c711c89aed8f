"""fd-class: the mean of the classes' distances, how classes are matched, and what is refused."""

import numpy as np
import pytest

from genbench.contracts import Features
from genbench.errors import BadInput, NotEnoughImages
from genbench.metrics.frechet import frechet
from genbench.metrics.per_class import class_frechet
from genbench.stats.pair import Pair
from tests.reference.set_distances import frechet as textbook


def side(rows, labels, classes=()):
    return Features({"pooled": np.asarray(rows, np.float32)}, labels=np.asarray(labels), classes=classes)


def test_is_the_mean_of_the_distances_within_classes(rng):
    real, fake = rng.normal(size=(90, 4)), rng.normal(0.5, 1.3, size=(70, 4))
    of_real, of_fake = rng.integers(0, 3, 90), rng.integers(0, 3, 70)
    found = class_frechet(Pair(side(real, of_real), side(fake, of_fake)))
    expected = {str(c): textbook(real[of_real == c], fake[of_fake == c]) for c in range(3)}
    assert dict(found.details["classes"]) == pytest.approx(expected, rel=1e-5)
    assert found.value == pytest.approx(np.mean(list(expected.values())), rel=1e-5)


def test_its_error_is_that_of_a_mean_of_independent_distances(rng):
    real, fake = rng.normal(size=(2, 200, 3))
    labels = np.arange(200) % 4
    errors = [frechet(Pair(side(real[labels == c], []), side(fake[labels == c], []), seed=5)).stderr for c in range(4)]
    found = class_frechet(Pair(side(real, labels), side(fake, labels), seed=5))
    assert found.stderr == pytest.approx(np.sqrt(np.sum(np.square(errors))) / 4, rel=1e-6)


def test_good_pictures_of_the_wrong_class_are_seen(rng):
    labels = np.arange(400) % 2
    real = rng.normal(size=(400, 3)) + 5 * labels[:, None]
    fake = rng.normal(size=(400, 3)) + 5 * labels[:, None]
    right = class_frechet(Pair(side(real, labels), side(fake, labels))).value
    wrong = class_frechet(Pair(side(real, labels), side(fake, 1 - labels))).value
    assert right < 1
    assert wrong == pytest.approx(75, rel=0.2)
    assert frechet(Pair(side(real, labels), side(fake, 1 - labels))).value < 1


def test_classes_are_matched_by_name_where_both_sides_name_theirs(rng):
    real, fake = rng.normal(size=(2, 40, 3))
    labels = np.arange(40) % 2
    by_number = class_frechet(Pair(side(real, labels), side(fake, labels)))
    by_name = class_frechet(Pair(side(real, labels, ("cat", "dog")), side(fake, 1 - labels, ("dog", "cat"))))
    one_sided = class_frechet(Pair(side(real, labels, ("cat", "dog")), side(fake, labels)))
    assert by_name.value == one_sided.value == by_number.value
    assert list(by_name.details["classes"]) == list(one_sided.details["classes"]) == ["cat", "dog"]
    assert list(by_number.details["classes"]) == ["0", "1"]


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        ((0, 1), (0, 2), r"1 only in real \(1\); 2 only in fake \(1\)"),
        ((0, 1), (0, 0), r"1 only in real \(1\)"),
    ],
)
def test_other_classes_are_refused(rng, real, fake, message):
    real, fake = (side(rng.normal(size=(20, 3)), np.tile(labels, 10)) for labels in (real, fake))
    with pytest.raises(BadInput, match=message):
        class_frechet(Pair(real, fake))


def test_other_names_are_refused_although_the_numbers_agree(rng):
    labels = np.arange(20) % 2
    real = side(rng.normal(size=(20, 3)), labels, ("cat", "dog"))
    fake = side(rng.normal(size=(20, 3)), labels, ("cat", "fox"))
    with pytest.raises(BadInput, match=r"dog only in real \(1\); fox only in fake \(1\)"):
        class_frechet(Pair(real, fake))


def test_a_class_of_one_image_is_refused_by_name(rng):
    real, fake = rng.normal(size=(2, 20, 3))
    names = ("cat", "dog")
    with pytest.raises(NotEnoughImages, match="of class 'dog'; expected at least 2 on each side, got 1 in fake"):
        class_frechet(Pair(side(real, np.arange(20) % 2, names), side(fake, np.where(np.arange(20) == 7, 1, 0), names)))


def test_images_without_a_class_are_refused(rng):
    real, fake = rng.normal(size=(2, 20, 3))
    labels = np.arange(20) % 2
    with pytest.raises(BadInput, match="fake has images of no class; expected labels 0 to 1, got -1"):
        class_frechet(Pair(side(real, labels, ("a", "b")), side(fake, labels - 1, ("a", "b"))))


def test_few_images_of_a_class_are_warned_of(rng):
    real, fake = rng.normal(size=(2, 60, 3))
    assert "20 images of a class for 3 features" in class_frechet(
        Pair(side(real, np.arange(60) % 3), side(fake, np.arange(60) % 3))
    ).warnings[0]  # fmt: skip
    found = class_frechet(Pair(side(real, np.arange(60) // 58), side(fake, np.arange(60) // 30)))
    assert found.stderr is None
    assert "expected 3 of each class" in found.warnings[1]
