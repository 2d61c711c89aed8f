"""The whole check: sources in, record, table and gallery out."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

import genbench
from genbench.errors import BadInput, GenbenchError, NotEnoughImages, UnknownName
from genbench.report.memorization import COLUMNS, Memorization, memorization_table
from tests.reference.pictures import smooth_pictures


@pytest.fixture(scope="module")
def pictures():
    return smooth_pictures(np.random.default_rng(21), 240)


@pytest.fixture
def sides(pictures):
    """Training set, held-out set, and fakes: 40 honest ones, 4 exact, 4 shifted and 4 mirrored copies."""
    train, test, honest = pictures[:80], pictures[80:180], pictures[180:220]
    shifted, mirrored = np.roll(train[4:8], 1, axis=1), train[8:12, :, ::-1]
    return {"train": train, "test": test, "fake": np.concatenate([honest, train[:4], shifted, mirrored])}


def model(n, generator):
    import torch

    return torch.rand((n, 3, 32, 32), generator=generator)


def check(sides, tiny, **options):
    return genbench.memorization(**{"spaces": ["pixels", tiny], "alpha": 0.05, **sides, **options})


def printed(found):
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(memorization_table(found))
    return " ".join(console.export_text().split())


def test_copies_are_named_and_the_verdict_says_so(sides, tiny_extractor):
    found = check(sides, tiny_extractor)
    assert found.is_copied
    assert (found.exact, found.n_fake, found.n_train, found.n_calibration) == (4, 52, 80, 100)
    assert found.spaces == ["pixels", "quarters", tiny_extractor]
    copies = found.images[40:]
    assert [one.nearest for one in copies] == [f"{i:06}" for i in range(12)]
    assert [one.space for one in copies[:4]] == ["exact"] * 4
    assert [one.transform for one in copies] == ["none"] * 4 + ["1 px up"] * 4 + ["mirrored"] * 4
    assert all(one.flagged for one in copies)
    assert sum(one.flagged for one in found.images[:40]) <= 6
    assert found.flagged == sum(one.flagged for one in found.images)
    assert found.flagged_share == found.flagged / 52
    assert {one.train for one in found.sources} >= {f"{i:06}" for i in range(12)}
    text = printed(found)
    assert "COPIED: 4 of 52 pictures are training pictures, pixel for pixel." in text
    assert "with 95 % confidence, where 5 % would by chance" in text
    assert "Calibrated on 100 held-out pictures" in text


def test_an_honest_set_is_not_accused(sides, pictures, tiny_extractor):
    found = check(sides | {"fake": pictures[180:]}, tiny_extractor)
    assert not found.is_copied
    assert found.words[0].startswith("No copying found: ")
    assert found.exact == 0
    assert found.close_bounds[0] <= 0.15


def test_the_files_hold_every_picture_and_the_pairs(sides, tiny_extractor, tmp_path):
    out = tmp_path / "new" / "report"
    found = check(sides, tiny_extractor, out=out)
    rows = list(csv.DictReader(io.StringIO((out / "images.csv").read_text())))
    assert list(rows[0])[:8] == list(COLUMNS)
    assert [row["image"] for row in rows] == [f"{i:06}" for i in range(52)]
    assert {row["flagged"] for row in rows} == {"0", "1"}
    assert [float(row["p_value"]) for row in rows] == [one.p_value for one in found.images]
    assert found.to_pandas()["flagged"].sum() == found.flagged
    kept = Memorization.model_validate_json((out / "memorization.json").read_text())
    assert kept.words == found.words
    assert kept.images == found.by_evidence()
    assert kept.images[0].space == "exact"
    assert json.loads((out / "memorization.json").read_text())["provenance"]["sources"]["train"]["count"] == 80
    page = (out / "index.html").read_text()
    assert page.count("<figure>") == found.flagged
    assert page.count("data:image/png;base64,") == 2 * found.flagged
    assert "http" not in page.replace("http-equiv", "")
    assert found.words[0] in page


def test_metrics_of_the_set_stand_beside_the_verdict(sides, tiny_extractor, pictures):
    found = check(sides, tiny_extractor)
    assert [score.metric for score in found.scores] == ["ct", "authpct", "fld", "mifid", "nn"]
    assert found.scores[1].value < found.scores[1].details["on_test"]
    text = printed(found)
    assert "C_T[tiny]" in text
    assert "the verdict does not go by them" in text
    lone = check({"train": sides["train"], "fake": pictures[180:]}, tiny_extractor)
    assert lone.scores == []
    assert "not computed, as they need --test" in printed(lone)
    few = check(sides | {"fake": sides["fake"][-9:]}, tiny_extractor)
    assert 0 < len(few.scores) < 5  # what refuses so few says so
    assert any(note.startswith("ct: ") for note in few.notes)


@pytest.mark.slow
def test_power_is_that_of_copies_planted_among_held_out_pictures(sides, tiny_extractor):
    found = check(sides, tiny_extractor, alpha=0.1, power=True)
    assert found.power.n_calibration + found.power.n_fake == 100
    assert found.power.of("verdict", "exact")[-1].power == 1
    assert Memorization.model_validate_json(found.to_json()).power == found.power
    with pytest.raises(BadInput, match=r"--power: .* expected at least 38 held-out pictures for alpha = 0.05, got 30"):
        check(sides | {"test": sides["test"][:30]}, tiny_extractor, power=True)
    with pytest.raises(BadInput, match=r"--power: .* got 0"):
        check({"train": sides["train"], "fake": sides["fake"]}, tiny_extractor, power=True)


def test_leaks_are_reported_and_do_not_blunt_the_calibration(sides, tiny_extractor):
    test = np.concatenate([sides["test"], sides["train"][20:23], sides["train"][30:32, :, ::-1]])
    found = check(sides | {"test": test}, tiny_extractor)
    assert [(one.image, one.train) for one in found.leaks] == [
        (f"{100 + i:06}", f"{row:06}") for i, row in enumerate((20, 21, 22, 30, 31))
    ]
    assert [one.is_exact for one in found.leaks] == [True, True, True, False, False]
    assert found.n_calibration == 100
    assert "left out: 3 the same as a training picture, 2 nearly the same" in printed(found)
    clean = check(sides, tiny_extractor)
    assert [one.p_value for one in found.images] == [one.p_value for one in clean.images]


def test_without_a_held_out_set_training_pictures_stand_in(sides, tiny_extractor):
    twice = np.concatenate([sides["train"], sides["train"][:2]])
    found = check({"train": twice, "fake": sides["fake"]}, tiny_extractor)
    assert found.test is None
    assert (found.n_train, found.n_calibration, len(found.leaks)) == (82, 78, 4)
    assert found.is_copied
    assert all(one.flagged for one in found.images[40:])
    assert "No held-out set was given: calibrated on 78 training pictures" in printed(found)


def test_count_is_of_the_fakes_alone(sides, tiny_extractor):
    found = check(sides | {"fake": model}, tiny_extractor, count=30)
    assert (found.n_fake, found.n_train, found.n_calibration) == (30, 80, 100)
    with pytest.raises(BadInput, match="expected --count N"):
        check(sides | {"fake": model}, tiny_extractor)


def test_what_cannot_be_judged_is_refused_before_any_work(sides, tiny_extractor, tmp_path):
    with pytest.raises(NotEnoughImages, match="expected at least 999"):
        check(sides, tiny_extractor, alpha=0.001)
    with pytest.raises(BadInput, match="--alpha: not a false-positive rate"):
        check(sides, tiny_extractor, alpha=0.5)
    with pytest.raises(UnknownName, match="pixls"):
        check(sides, tiny_extractor, spaces="pixls")
    with pytest.raises(BadInput, match="expected spaces="):
        check(sides, tiny_extractor, extractor=tiny_extractor)
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="--out: no folder can be made"):
        check(sides, tiny_extractor, out=tmp_path / "file")


def test_pixels_alone_need_no_network(sides):
    found = genbench.memorization(**sides, spaces="pixels", alpha=0.05)
    assert found.spaces == ["pixels", "quarters"]
    assert all(one.flagged for one in found.images[40:])
    assert found.not_searched == []


def test_what_a_generator_drew_is_on_record(sides):
    both = [
        genbench.memorization(**sides | {"fake": model}, spaces="pixels", count=25, alpha=0.05, seed=i) for i in (0, 1)
    ]
    prints = [found.provenance["sources"]["fake"]["fingerprint"] for found in both]
    assert prints[0] != prints[1]
    assert both[0].provenance["metrics"] != {}


def test_files_of_other_formats_and_sizes_are_read(sides, tmp_path, tiny_extractor):
    for side, pictures in sides.items():
        (tmp_path / side).mkdir()
        for i, one in enumerate(pictures):
            size = (48, 48) if side == "fake" and i >= 48 else (32, 32)
            Image.fromarray(one).resize(size).save(tmp_path / side / f"{i:03}.{'bmp' if side == 'fake' else 'png'}")
    found = check({side: tmp_path / side for side in sides}, tiny_extractor)
    assert found.exact == 4
    assert [one.nearest for one in found.images[40:]] == [f"{i:03}.png" for i in range(12)]
    assert found.images[44].image == "044.bmp"


@pytest.mark.parametrize("broken", ["fake", "train", "test"])
def test_a_broken_file_is_named(sides, tmp_path, tiny_extractor, broken):
    Image.fromarray(sides["train"][0]).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
    with pytest.raises(GenbenchError, match=r"b\.png"):
        check(sides | {broken: tmp_path}, tiny_extractor)
