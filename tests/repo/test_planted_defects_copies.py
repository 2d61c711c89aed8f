"""Tests of detectors of copies must be able to fail: each defect, planted in a copy of the code, turns one red."""

import pytest

STATS, METRIC, ANALYSES, IMAGES = (f"tests/engine/{part}" for part in ("stats", "metrics", "analyses", "images"))
POWER = f"{ANALYSES}/test_copy_power.py::test"
# what -> (file, code, defect, test that must notice)
DEFECTS = {
    "ties": (
        "stats/rank_sum.py",
        "ties[cell] = 1 - float",
        "ties[cell] = 1 - 0 * float",
        f"{STATS}/test_rank_sum.py::test_ties_as_by_loops_and_by_scipy",
    ),
    "cells apart": (
        "stats/rank_sum.py",
        "ranks[here] = rankdata(values[here])",
        "ranks[here] = rankdata(values)[here]",
        f"{STATS}/test_rank_sum.py::test_cells_are_compared_apart",
    ),
    "sign of directions": (
        "stats/cosine.py",
        "np.abs(_unit(rows[part]) @ columns)",
        "_unit(rows[part]) @ columns",
        f"{STATS}/test_cosine.py::test_by_hand",
    ),
    "weights of cells": (
        "metrics/data_copying.py",
        "weights = compared.second[counts]",
        "weights = compared.first[counts]",
        f"{METRIC}/test_data_copying.py::test_cells_and_components_as_by_loops",
    ),
    "permutation p-value": (
        "metrics/data_copying.py",
        "rng.permutation(labels)",
        "labels",
        f"{METRIC}/test_data_copying.py::test_too_near_is_below_and_too_far_above",
    ),
    "a tail for the p-value": (
        "metrics/data_copying.py",
        "average(compared, counts) <= value + ROUNDING",
        "abs(average(compared, counts)) <= abs(value)",
        f"{METRIC}/test_data_copying.py::test_too_near_is_below_and_too_far_above",
    ),
    "order of the training set": (
        "metrics/data_copying.py",
        "take_rows(train, content_order(train))",
        "take_rows(train, np.arange(len(train)))",
        f"{METRIC}/test_data_copying.py::test_the_p_value_is_of_the_statistic_and_not_of_the_order",
    ),
    "error of C_T": (
        "metrics/data_copying.py",
        "kept[side[split == block]] = False",
        "kept[side[split != block]] = False",
        f"{METRIC}/test_data_copying.py::test_the_error_is_the_spread_over_draws",
    ),
    "error of authpct": (
        "metrics/authenticity.py",
        "is_authentic.var(ddof=1) / count",
        "is_authentic.var(ddof=1)",
        f"{METRIC}/test_authenticity.py::test_the_error_is_that_of_a_share",
    ),
    "threshold of mifid": (
        "metrics/memorization_informed.py",
        "distance if is_near else 1.0",
        "distance",
        f"{METRIC}/test_memorization_informed.py::test_copies_are_divided_by_little_and_honest_images_by_one",
    ),
    "error of mifid": (
        "metrics/memorization_informed.py",
        "fd * multiplier**2 * distance_error",
        "fd * multiplier * distance_error",
        f"{METRIC}/test_memorization_informed.py::test_errors_of_both_factors_add_up",
    ),
    "luck of the searched set": (
        "metrics/memorization_informed.py",
        'is_given = searched == "train"',
        "is_given = True",
        f"{METRIC}/test_memorization_informed.py::test_the_luck_of_the_searched_set_counts_where_it_was_drawn",
    ),
    "shift": (
        "images/copies.py",
        "((0, 1), (0, -1), (1, 0), (-1, 0))",
        "((0, 1), (0, -1), (1, 0), (1, 1))",
        f"{IMAGES}/test_copies.py",
    ),
    "collage": (
        "images/copies.py",
        "parts[3][middle:, centre:]",
        "parts[3][:-middle, centre:]",
        f"{IMAGES}/test_copies.py",
    ),
    "brightness": (
        "images/copies.py",
        "np.floor(image * factor + 0.5)",
        "np.floor(image * factor)",
        f"{IMAGES}/test_copies.py",
    ),
    "level of whole-set detectors": (
        "analyses/copy_power.py",
        "(squares.sum() - squares) / (len(clean) - 1)",
        "(squares.sum() - squares) / (2 * len(clean))",
        f"{POWER}_what_chance_makes_is_seldom_below_chance",
    ),
    "one picture for all kinds": (
        "analyses/copy_planting.py",
        'generator(seed, "copied")',
        'generator(seed, "copied", len(looks))',
        f"{POWER}_networks_see_the_copies_and_their_mirror_images",
    ),
    "mirror images": (
        "analyses/copy_planting.py",
        "one[:, ::-1]) for one in chunk",
        "one) for one in chunk",
        f"{POWER}_networks_see_the_copies_and_their_mirror_images",
    ),
    "central pictures": (
        "analyses/copy_traps.py",
        "np.argsort(gaps[members], kind",
        "np.argsort(-gaps[members], kind",
        f"{ANALYSES}/test_copy_traps.py",
    ),
    "which pictures fld fits": (
        "analyses/copy_detectors.py",
        "_taken(self.train, self.fitted)",
        "_taken(self.train, np.arange(len(self.train)))",
        f"{ANALYSES}/test_copy_detectors.py::test_fld_looks_at_the_training_pictures_it_is_told_of",
    ),
    "smallest share": (
        "report/power.py",
        "for trial in reversed(self.of(detector, kind)):",
        "for trial in self.of(detector, kind)[::-1][:1]:",
        "tests/engine/report/test_power.py",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_turns_its_test_red(name, goes_red):
    file, code, defect, test = DEFECTS[name]
    goes_red(f"genbench/{file}", code, defect, test)
