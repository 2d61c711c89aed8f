"""A few examples of another set."""

import numpy as np
import pytest

from genbench.errors import BadInput
from zoo.data import open_data


def rows_in(few, whole):
    keys = {row.tobytes(): place for place, row in enumerate(whole.x)}
    return [keys[row.tobytes()] for row in few.x]


def test_they_are_training_examples_in_their_order_with_their_labels():
    few, whole = open_data("few:64:digits32"), open_data("digits32")
    rows = rows_in(few, whole)
    assert len(set(rows)) == 64
    assert rows == sorted(rows)
    assert np.array_equal(few.labels, whole.labels[rows])
    assert (few.name, few.split, few.levels, few.classes) == ("few:64:digits32", "train", 256, whole.classes)


def test_fewer_are_among_more_and_the_same_of_any_set():
    whole = open_data("digits32")
    rows = {count: rows_in(open_data(f"few:{count}:digits32"), whole) for count in (16, 64)}
    assert set(rows[16]) < set(rows[64])
    assert rows_in(open_data("few:16:digits8"), open_data("digits8")) == rows[16]


def test_the_test_split_is_whole():
    assert np.array_equal(open_data("few:64:digits32", "test").x, open_data("digits32", "test").x)


def test_truth_and_partners_go_along():
    few, whole = open_data("few:9:shapes:edges"), open_data("shapes:edges")
    rows = rows_in(few, whole)
    assert np.array_equal(few.partner, whole.partner[rows])
    assert np.array_equal(few.truth["factors"], whole.truth["factors"][rows])
    assert np.array_equal(few.truth["factor_names"], whole.truth["factor_names"])
    unpaired, edges = open_data("few:9:digits_edge"), open_data("digits_edge")
    assert len(unpaired.truth["partner_oracle"]) == 9
    assert np.array_equal(np.sort(unpaired.partner, axis=0), np.sort(edges.partner, axis=0))


@pytest.mark.parametrize("text", ["few", "few:64", "few:0:digits32", "few:x:digits32", "few:64:"])
def test_what_is_no_number_and_set_is_refused(text):
    with pytest.raises(BadInput, match="not a number of examples and a set"):
        open_data(text)


def test_more_than_there_are_is_refused():
    with pytest.raises(BadInput, match="at most 1437 examples, got 1438"):
        open_data("few:1438:digits32")
