"""What every set that is there offline must be; one without an entry in SETS or ELSEWHERE fails."""

import hashlib
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from genbench.errors import BadInput, UnknownName
from zoo.data import DATA, open_data

# text -> (train, test, shape of one, levels, native, classes, shape of a partner, paired, can flip, SHA-256)
SETS = {
    "digits8": (1437, 360, (1, 8, 8), 17, True, 10, None, False, False, "d9c2124c5d52c55a"),
    "digits32": (1437, 360, (1, 32, 32), 256, False, 10, None, False, False, "64277d887e997503"),
    "stacked_digits": (4000, 1000, (3, 32, 32), 256, False, 0, None, False, False, "ff7f120f9733f40f"),
    "digits_edge": (707, 182, (1, 32, 32), 256, False, 10, (1, 32, 32), False, False, "7c4bacc4a69ac6a1"),
    "shapes": (4000, 1000, (3, 32, 32), 256, True, 4, None, False, False, "1c2341b508dcd73c"),
    "shapes:edges": (4000, 1000, (3, 32, 32), 256, True, 4, (1, 32, 32), True, False, "968b9cbaf967420e"),
    "shapes:mask": (4000, 1000, (3, 32, 32), 256, True, 4, (3, 32, 32), True, False, "b0ed3a2991cd2bc9"),
    "shapes_ab": (4000, 1000, (3, 32, 32), 256, True, 4, (3, 32, 32), False, False, "3515a9f79c3bbd1f"),
    "biased_shapes": (4000, 1000, (3, 32, 32), 256, True, 2, None, False, False, "6feec4c8dccadb41"),
    "biased_shapes:0.5": (4000, 1000, (3, 32, 32), 256, True, 2, None, False, False, "92c72b3bf07d1c72"),
    "puppets": (1050, 150, (3, 32, 32), 256, True, 40, (3, 32, 32), True, True, "ce8d55e85f2aa846"),
    "voxels16": (4000, 1000, (1, 16, 16, 16), 2, True, 6, None, False, True, "8ebdf6db69aca928"),
    "ring8": (4000, 1000, (2,), None, True, 8, None, False, False, "2209b02c2f5f1a3c"),
    "grid25": (4000, 1000, (2,), None, True, 25, None, False, False, "5bec485a0b5b1906"),
}
ELSEWHERE = {"few", "torchvision", "folder", "classes", "pairs", "domains"}  # tested with files of their own

opened = cache(open_data)


def arrays(examples):
    yield from (("x", examples.x), ("labels", examples.labels), ("partner", examples.partner))
    yield from sorted(examples.truth.items())


def fingerprint(text):
    """The first 16 digits of the SHA-256 of all arrays of both splits, names of factors aside."""
    digest = hashlib.sha256()
    for split in ("train", "test"):
        for name, array in arrays(opened(text, split)):
            if array is not None and array.dtype.kind != "U":
                digest.update(f"{name} {array.dtype.str} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()[:16]


def test_every_set_is_tested():
    assert {text.partition(":")[0] for text in SETS} | ELSEWHERE == set(DATA)


@pytest.mark.parametrize("text", SETS)
def test_facts(text):
    train, test, shape, levels, native, classes, partner, is_paired, can_flip, _ = SETS[text]
    for split, count in (("train", train), ("test", test)):
        found = opened(text, split)
        assert (found.name, found.split) == (text, split)
        assert found.x.shape == (count, *shape)
        assert (found.levels, found.native, found.is_paired, found.can_flip) == (levels, native, is_paired, can_flip)
        assert len(found.classes) == classes
        assert (found.partner is None) == (partner is None)
        if partner:
            assert found.partner.dtype == np.uint8
            assert found.partner.shape[1:] == partner
        if is_paired:
            assert len(found.partner) == count


@pytest.mark.parametrize("text", SETS)
def test_values_and_labels_are_in_range_and_all_occur(text):
    for split in ("train", "test"):
        found = opened(text, split)
        if found.levels is None:
            assert found.x.dtype == np.float32
            assert np.isfinite(found.x).all()
        else:
            assert found.x.dtype == np.uint8
            assert found.x.max() < found.levels
            assert found.x.max() > 0.85 * (found.levels - 1)
        if found.labels is not None:
            assert found.labels.dtype == np.int64
            assert found.labels.min() >= 0
            assert found.labels.max() < len(found.classes)
            counts = np.bincount(found.labels)
            assert counts[counts > 0].min() > 0.3 * counts.max()  # 40 a mode are drawn of grid25 in test


@pytest.mark.parametrize("text", SETS)
def test_nothing_is_in_both_splits(text):
    train, test = ({row.tobytes() for row in opened(text, split).x} for split in ("train", "test"))
    assert train.isdisjoint(test)
    assert len(train) == len(opened(text, "train").x)
    assert len(test) == len(opened(text, "test").x)


@pytest.mark.parametrize("text", ["digits8", "stacked_digits", "digits_edge", "shapes_ab", "puppets", "ring8"])
def test_all_is_train_then_test(text):
    train, test, whole = (opened(text, split) for split in ("train", "test", "all"))
    assert whole.split == "all"
    assert np.array_equal(whole.x, np.concatenate([train.x, test.x]))
    for name, array in arrays(whole):
        parts = dict(arrays(train))[name], dict(arrays(test))[name]
        if array is None:
            assert parts == (None, None)
        elif len(np.atleast_1d(array)) == len(np.atleast_1d(parts[0])):
            assert np.array_equal(array, parts[0])
            assert np.array_equal(array, parts[1])
        else:
            assert len(array) == len(parts[0]) + len(parts[1])


@pytest.mark.parametrize("text", SETS)
def test_the_arrays_are_those_of_every_machine(text):
    assert fingerprint(text) == SETS[text][-1]


@pytest.mark.slow
def test_they_do_not_hang_on_vector_instructions():
    code = "import sys; sys.path.insert(0, sys.argv[1]); import test_sets as t; print(*map(t.fingerprint, t.SETS))"
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    plain = {"NPY_DISABLE_CPU_FEATURES": " ".join(found), "PATH": "", "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-W", "ignore", "-c", code, str(Path(__file__).parent)]
    done = subprocess.run(words, env=plain, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert done.stdout.split() == [facts[-1] for facts in SETS.values()], done.stderr


def test_they_do_not_hang_on_the_last_digits_of_sines(monkeypatch):
    opened.cache_clear()
    for name in ("sin", "cos"):
        exact = getattr(np, name)
        monkeypatch.setattr(np, name, lambda angle, exact=exact: exact(angle) * (1 + 1e-14))
    assert fingerprint("shapes") == SETS["shapes"][-1]
    assert fingerprint("puppets") == SETS["puppets"][-1]
    assert fingerprint("ring8") == SETS["ring8"][-1]
    opened.cache_clear()


def test_only_the_order_of_unpaired_partners_depends_on_the_seed():
    first, second = open_data("digits_edge", seed=1), open_data("digits_edge", seed=2)
    assert np.array_equal(first.x, second.x)
    assert not np.array_equal(first.partner, second.partner)
    order = {row.tobytes(): place for place, row in enumerate(first.partner)}
    moved = [order[row.tobytes()] for row in second.partner]
    assert np.array_equal(first.partner[moved], second.partner)
    assert np.array_equal(first.truth["of_partner_oracle"][moved], second.truth["of_partner_oracle"])
    assert np.array_equal(first.truth["partner_oracle"], second.truth["partner_oracle"])
    assert np.array_equal(open_data("puppets", "test", seed=1).partner, open_data("puppets", "test", seed=2).partner)


def test_importing_the_table_is_light():
    code = "import sys, zoo.data; print(sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("torch", "torchvision", "sklearn", "scipy", "PIL"):
        assert f"'{heavy}'" not in loaded


@pytest.mark.parametrize("text", ["stacked_digits:3", "puppets:64", "shapes_ab:x", "voxels16:32", "ring8:9"])
def test_an_argument_that_means_nothing_is_refused(text):
    with pytest.raises(BadInput, match=f"data set '{text}': it takes no argument; expected '{text.partition(':')[0]}'"):
        open_data(text)


@pytest.mark.parametrize("rho", ["2", "-0.1", "much", "nan"])
def test_what_is_no_correlation_is_refused(rho):
    with pytest.raises(BadInput, match=f"not a correlation; expected a number from 0 to 1, got '{rho}'"):
        open_data(f"biased_shapes:{rho}")


def test_unknown_names_splits_and_partners_are_refused():
    with pytest.raises(UnknownName, match=r"data set 'shape': no such data set; .*Did you mean 'shapes'"):
        open_data("shape")
    with pytest.raises(BadInput, match="no such split; expected one of train, test, all, got 'val'"):
        open_data("shapes", "val")
    with pytest.raises(BadInput, match=r"no such partner; .* edges, mask, got 'depth'"):
        open_data("shapes:depth")
