"""Few-label learning against a plain rewrite; what no classifier may see; chance where there is nothing to learn."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from benchmarks.uses.labels import (
    DRAWS,
    STRENGTHS,
    accuracies,
    classify,
    compare_inputs,
    draw_rows,
    inputs_of,
)
from benchmarks.uses.records import Accuracy, gain
from benchmarks.uses.tuning import compare_starts, tune
from genbench.errors import BadInput
from zoo.data import open_data
from zoo.runs import build, plan

PIXELS = SimpleNamespace(features=lambda x: x.flatten(1))
NOTHING = SimpleNamespace(features=lambda x: torch.ones(len(x), 3))


@pytest.fixture(scope="module")
def digits():
    return open_data("digits8"), open_data("digits8", "test")


@pytest.fixture(scope="module")
def few(digits):
    """The training split cut to 300, which is quick; both splits."""
    return replace(digits[0], x=digits[0].x[:300], labels=digits[0].labels[:300]), digits[1]


@pytest.fixture(scope="module")
def rows(digits):
    """seen, known, new, truth, of pixels."""
    train, test = digits
    return train.x.reshape(-1, 64) / 16, train.labels, test.x.reshape(-1, 64) / 16, test.labels


def standardised(rows, others):
    deviation = rows.std(0)
    return (others - rows.mean(0)) / np.where(deviation > 0, deviation, 1)


# ------------------------------------------------------------------------------------------------ the probe


def test_draws_are_so_many_of_each_class_and_others_each_time(rows):
    known = rows[1]
    drawn = [draw_rows(known, 5, 0, draw) for draw in range(DRAWS)]
    for found in drawn:
        assert len(set(found)) == 50
        assert np.bincount(known[found]).tolist() == [5] * 10
    assert len({tuple(sorted(found)) for found in drawn}) == DRAWS
    assert np.array_equal(drawn[3], draw_rows(known, 5, 0, 3))
    assert not np.array_equal(drawn[3], draw_rows(known, 5, 1, 3))


def test_the_strength_is_chosen_within_the_labelled_rows_as_a_plain_rewrite_does(rows):
    seen, known, new, _ = rows
    picked = draw_rows(known, 5, 0, 0)
    labelled, theirs = seen[picked], known[picked]
    folds = list(StratifiedKFold(5, shuffle=True, random_state=7).split(labelled, theirs))

    def fitted(rows, labels, strength):
        return LogisticRegression(C=strength, max_iter=1000).fit(standardised(rows, rows), labels)

    right = [
        np.mean(
            [
                fitted(labelled[fit], theirs[fit], strength).score(
                    standardised(labelled[fit], labelled[left]), theirs[left]
                )
                for fit, left in folds
            ]
        )
        for strength in STRENGTHS
    ]
    best = STRENGTHS[int(np.argmax(right))]
    assert best != STRENGTHS[0]
    guessed = fitted(labelled, theirs, best).predict(standardised(labelled, new))
    assert np.array_equal(classify(labelled, theirs, new, seed=7), guessed)


def test_an_image_is_classified_whatever_other_held_out_ones_there_are(rows):
    seen, known, new, _ = rows
    picked = draw_rows(known, 5, 0, 0)
    alone = classify(seen[picked], known[picked], new[:40])
    among = classify(seen[picked], known[picked], np.concatenate([new[:40], 100 + 50 * new[40:]]))
    assert np.array_equal(alone, among[:40])


def test_training_rows_without_a_label_change_nothing(rows):
    seen, known, new, truth = rows
    drawn = np.unique([draw_rows(known, 5, 0, draw) for draw in range(DRAWS)])
    other = 100 + 50 * seen
    other[drawn] = seen[drawn]
    one, two = (accuracies(some, known, new, truth, shots=5, strengths=(1.0,)) for some in (seen, other))
    assert one == two


def test_inputs_of_an_image_do_not_depend_on_other_held_out_ones(digits):
    train, test = digits
    model = build(plan("autoencoder", "smoke", data="digits8")[0]).eval()
    wild = replace(test, x=np.concatenate([test.x[:40], 16 - test.x[40:] // 2]))
    ours, theirs = (inputs_of(model, model, train, one) for one in (test, wild))
    for name, (seen, new) in ours.items():
        assert np.array_equal(seen, theirs[name][0])
        assert new[:40] == pytest.approx(theirs[name][1][:40], abs=1e-6)


def test_principal_components_are_of_all_training_images(digits):
    train, test = digits
    narrow = SimpleNamespace(features=lambda x: x.flatten(1)[:, :7])
    seen, new = inputs_of(narrow, narrow, train, test)["pca"]
    assert seen.shape[1] == new.shape[1] == 7
    x = train.x.reshape(-1, 64) / 16
    largest = np.linalg.eigvalsh(np.cov(x.T))[::-1][:7]
    assert seen.var(axis=0, ddof=1) == pytest.approx(largest)


def test_labels_that_mean_nothing_give_chance(rows, rng):
    seen, known, new, truth = rows
    shares = accuracies(seen, rng.permutation(known), new, truth, shots=10, strengths=(0.1, 1))
    assert np.mean(shares) == pytest.approx(0.1, abs=0.03)


def test_inputs_are_compared_on_the_same_draws(few):
    found = {(one.inputs, one.shots): one for one in compare_inputs(PIXELS, NOTHING, *few, shots=(2,), seed=1)}
    assert set(found) == {(name, shots) for name in ("features", "untrained", "pixels", "pca") for shots in (2, None)}
    assert found["features", 2].shares == found["pixels", 2].shares
    assert found["untrained", 2].mean == pytest.approx(0.1, abs=0.03)
    assert found["pixels", 2].mean > 0.5
    assert len(found["pixels", 2].shares) == DRAWS
    assert found["pixels", None].mean > found["pixels", 2].mean
    assert found["pixels", None].stderr is None
    assert (found["untrained", 2].width, found["pca", 2].width) == (3, 64)


def test_error_and_gain_by_hand():
    one, other = (Accuracy(inputs="a", width=1, shots=5, shares=shares) for shares in ([0.5, 0.7], [0.4, 0.2]))
    assert (one.mean, one.stderr) == pytest.approx((0.6, 0.1))
    assert gain(one, other) == pytest.approx((0.3, 0.2))


# ------------------------------------------------------------------------------------------------ whole networks


@pytest.fixture(scope="module")
def encoder():
    recipe, _ = plan("autoencoder", "smoke", data="digits8", settings={"network": "mlp", "widths": (32,)})
    return build(recipe).eval()


@pytest.fixture
def dead(encoder):
    """An encoder through which nothing comes, whatever is learned: zeros before and after a ReLU."""
    from copy import deepcopy

    made = deepcopy(encoder)
    with torch.no_grad():
        for weight in made.encoder.parameters():
            weight.zero_()
    return made


def test_tuning_starts_from_the_encoder_and_leaves_it_as_it_is(encoder, dead, digits):
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    state = torch.get_rng_state()
    found = {one.inputs: one for one in compare_starts(encoder, dead, *digits)}
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    alive, still = found["trained encoder"], found["untrained encoder"]
    assert alive.mean > 0.4
    assert still.mean == pytest.approx(0.1, abs=0.04)
    assert alive.fitted > still.fitted + 0.4
    assert (alive.shots, len(alive.shares), alive.width) == (5, DRAWS, 4)


def test_a_tuned_network_depends_on_images_labels_and_seed_alone(encoder, digits):
    x, labels = torch.from_numpy(digits[0].x[:50]).float() / 16, torch.from_numpy(digits[0].labels[:50])
    one, same, other = (tune(encoder, x, labels, 10, seed)(x) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    moved = tune(encoder, x, labels, 10, 0).model.encoder
    for now, then in zip(moved.parameters(), encoder.encoder.parameters(), strict=True):
        assert not torch.equal(now, then)


# ------------------------------------------------------------------------------------------------ refusals


def test_what_cannot_be_compared_is_refused(digits):
    train, test = digits
    with pytest.raises(BadInput, match="gives no features"):
        compare_inputs(object(), PIXELS, train, test)
    with pytest.raises(BadInput, match="expected data with classes"):
        compare_inputs(PIXELS, PIXELS, replace(train, labels=None), test)
    with pytest.raises(BadInput, match=r"expected 500 examples of each, got 1\d\d"):
        compare_inputs(PIXELS, PIXELS, train, test, shots=(5, 500))
    with pytest.raises(BadInput, match="expected at least 2 labels a class, got 1"):
        compare_inputs(PIXELS, PIXELS, train, test, shots=(1,))
    with pytest.raises(BadInput, match="got 9 of 10 classes"):
        compare_inputs(PIXELS, PIXELS, open_data("digits8:no-9"), test)
