import numpy as np
import pytest
import torch

from genbench.errors import BadInput
from zoo.data import Examples
from zoo.deck import Deck, as_tensor, describe


def numbered(count, partner=None, **changes):
    """Examples whose only pixel is their number."""
    x = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)
    fields = {
        "name": "numbered",
        "split": "train",
        "x": x,
        "levels": 256,
        "native": True,
        "labels": np.arange(count) % 3,
        "classes": ("a", "b", "c"),
        "partner": partner,
        "is_paired": False,
        "truth": {},
        "can_flip": False,
    }
    return Examples(**(fields | changes))


def numbers(batch):
    return torch.round((batch.x.flatten() + 1) * 127.5).int().tolist()


def test_grey_levels_become_minus_one_to_one_and_points_stay():
    assert as_tensor(np.array([0, 16], np.uint8), 17).tolist() == [-1.0, 1.0]
    assert as_tensor(np.array([[3.5, -2.0]], np.float32), None).tolist() == [[3.5, -2.0]]


def test_every_epoch_deals_each_example_once_in_another_order():
    deck = Deck(numbered(10), 0, "cpu")
    first, second = numbers(deck.draw(10)), numbers(deck.draw(10))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_what_is_dealt_depends_on_the_place_alone():
    whole = Deck(numbered(10), 7, "cpu")
    seen = [number for _ in range(7) for number in numbers(whole.draw(3))]
    later = Deck(numbered(10), 7, "cpu")
    later.dealt = 12
    assert numbers(later.draw(9)) == seen[12:21]


def test_two_processes_share_one_order():
    one = numbers(Deck(numbered(10), 3, "cpu").draw(8))
    halves = [numbers(Deck(numbered(10), 3, "cpu", rank, 2).draw(4)) for rank in range(2)]
    assert halves[0] == one[::2]
    assert halves[1] == one[1::2]


def test_labels_and_paired_partners_stay_with_their_example():
    data = numbered(9, partner=np.arange(9, dtype=np.uint8).reshape(9, 1, 1, 1), is_paired=True)
    batch = Deck(data, 0, "cpu").draw(9)
    assert torch.equal(batch.partner, batch.x)
    assert batch.labels.tolist() == [number % 3 for number in numbers(batch)]


def test_unpaired_partners_come_in_an_order_of_their_own():
    data = numbered(50, partner=np.arange(50, dtype=np.uint8).reshape(50, 1, 1, 1))
    batch = Deck(data, 0, "cpu").draw(50)
    assert (batch.partner == batch.x).sum() < 10
    assert sorted(batch.partner.flatten().tolist()) == sorted(batch.x.flatten().tolist())


def test_class_shares_are_counted():
    assert describe(numbered(4)).class_shares == (0.5, 0.25, 0.25)


def test_no_examples_are_refused():
    with pytest.raises(BadInput, match="no examples"):
        Deck(numbered(0), 0, "cpu")
