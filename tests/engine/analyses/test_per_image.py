"""What single images are worth: as predicted, as their metrics say, and in a file."""

import builtins
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import genbench
from genbench.analyses.per_image import check_target, judge, per_image, write_per_image
from genbench.contracts import Features
from genbench.errors import BadInput, MissingExtra, NotEnoughImages
from genbench.stats.gaussian import Gaussian, frechet_distance
from genbench.stats.pair import Pair

KEPT = 0.95  # the worst twentieth goes
AS_PREDICTED = 0.1  # of the change: what one removal does to the effect of another


@pytest.fixture
def pictures(rng):
    """Fakes with more contrast than the reference, uint8 [300, 6, 6, 3] each."""
    real, fake = (np.clip(rng.normal(128, spread, (300, 6, 6, 3)), 0, 255).astype(np.uint8) for spread in (30, 45))
    return real, fake


def removed(real, fake, change):
    """fd moves by (really, as predicted) when the worst images go."""
    worst_first = np.argsort(change)
    gone, rest = np.split(worst_first, [len(change) - int(KEPT * len(change))])
    before, after = (frechet_distance(Gaussian.of(real), Gaussian.of(rows)) for rows in (fake, fake[rest]))
    return after - before, change[gone].sum()


@pytest.mark.parametrize(
    ("n", "m", "d", "falls"), [(4000, 2000, 16, True), (300, 200, 64, True), (600, 300, 400, False)]
)
def test_without_the_worst_images_fd_moves_as_predicted(rng, n, m, d, falls):
    """With fewer images than features it rises even so: the bias of the smaller count, which the prediction has."""
    real, fake = rng.normal(size=(n, d)).astype(np.float32), 1.2 * rng.normal(size=(m, d)).astype(np.float32)
    change = judge(Pair(Features({"pooled": real}), Features({"pooled": fake}))).fd_change
    really, predicted = removed(real, fake, change)
    assert (predicted < 0) == falls
    assert really == pytest.approx(predicted, rel=AS_PREDICTED)


def test_where_a_few_images_are_most_of_fd_the_sum_promises_up_to_twice_too_much(rng):
    real, fake = rng.normal(size=(4000, 16)).astype(np.float32), rng.normal(size=(2000, 16)).astype(np.float32)
    fake[:100] *= 3
    change = judge(Pair(Features({"pooled": real}), Features({"pooled": fake}))).fd_change
    really, predicted = removed(real, fake, change)
    assert set(np.argsort(change)[:90]) <= set(range(100))
    assert predicted < really < predicted / 2


def test_on_pictures_too(pictures, tiny_extractor):
    real, fake = pictures
    table = per_image(fake=fake, real=real, extractor=tiny_extractor)
    score = lambda images: genbench.score(fake=images, real=real, extractor=tiny_extractor, metrics="fd")["fd"].value  # noqa: E731
    worst = table["fd_change"].nsmallest(15)
    really = score(np.delete(fake, worst.index, axis=0)) - score(fake)
    assert really < 0
    assert really == pytest.approx(worst.sum(), rel=AS_PREDICTED)


def test_real_photographs(test_data, tiny_extractor):
    fake, real = (test_data / f"cifar10_jpg_{side}_10k.zip" for side in ("test", "train"))
    table = per_image(fake=fake, real=real, extractor=tiny_extractor, count=600)
    assert table["fd_change"].nsmallest(30).sum() < 0
    assert table["name"].is_unique


def test_columns_agree_with_the_metrics(rng):
    from genbench.metrics.nearest import nearest
    from genbench.metrics.per_image import rarity, realism

    real, fake = rng.normal(size=(90, 4)).astype(np.float32), 1.2 * rng.normal(size=(80, 4)).astype(np.float32)
    fake[7] = real[3]
    pair = Pair(*(Features({"pooled": rows}, tuple(map(str, range(len(rows))))) for rows in (real, fake)))
    judged = judge(pair)
    assert (judged.nearest[7], judged.ratio[7]) == (3, 0)
    np.testing.assert_allclose(judged.rarity, rarity(pair).per_image["rarity"], rtol=1e-6)
    np.testing.assert_allclose(judged.realism, realism(pair).per_image["realism"], rtol=1e-6)
    for found in nearest(pair).details["pairs"]:
        i = int(found["fake"])
        assert str(judged.nearest[i]) == found["nearest"]
        assert (judged.distance[i], judged.ratio[i]) == (found["distance"], found["ratio"])


def test_columns_are_named(pictures):
    table = per_image(fake=pictures[1], real=pictures[0], extractor="pixels")
    columns = "name sha256 fd_change realism rarity nearest nearest_distance nearest_ratio"
    assert table.columns.tolist() == columns.split()
    assert table["name"].tolist()[:2] == ["000000", "000001"]


def test_copies_are_looked_for_in_train(pictures):
    real, fake = pictures
    table = per_image(fake=fake, real=real, train=np.concatenate([real, fake[::-1]]), extractor="pixels")
    assert table["nearest"].tolist() == [f"{599 - i:06d}" for i in range(300)]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_written_table_reads_back(pictures, tmp_path, ending):
    real, fake = pictures
    table = per_image(fake=fake, real=real, extractor="pixels")
    path = tmp_path / f"images{ending}"
    write_per_image(table, path)
    read = pd.read_csv(path, dtype={"name": str, "nearest": str}) if ending == ".csv" else pd.read_parquet(path)
    pd.testing.assert_frame_equal(read, table, check_dtype=False)


def test_a_name_that_is_no_text_is_written_out(pictures, tmp_path):
    (tmp_path / "fakes").mkdir()
    for i, image in enumerate(pictures[1][:8]):
        Image.fromarray(image).save(os.fsencode(tmp_path / "fakes") + b"/\xff%d.png" % i)
    table = per_image(fake=tmp_path / "fakes", real=pictures[0], extractor="pixels")
    write_per_image(table, tmp_path / "x.csv")
    assert r"\xff3.png" in (tmp_path / "x.csv").read_text(encoding="utf-8")


def test_it_refuses_what_it_cannot_do(pictures, tmp_path, monkeypatch):
    real, fake = pictures
    with pytest.raises(BadInput, match=r"ending in .csv or .parquet, got .*images.txt"):
        check_target(tmp_path / "images.txt")
    with pytest.raises(NotEnoughImages, match="at least 6"):
        per_image(fake=fake[:5], real=real, extractor="pixels")
    found = builtins.__import__
    gone = lambda name, *rest: (_ for _ in ()).throw(ImportError) if name == "pyarrow" else found(name, *rest)  # noqa: E731
    monkeypatch.setattr(builtins, "__import__", gone)
    with pytest.raises(MissingExtra, match=r"pip install 'genbench\[parquet\]'"):
        check_target(tmp_path / "images.parquet")


def test_the_command_names_the_worst(pictures, tmp_path):
    real, fake = pictures
    for name, images in (("real", real), ("fake", fake)):
        np.save(tmp_path / f"{name}.npy", images)
    out = tmp_path / "images.csv"
    words = ["images", tmp_path / "fake.npy", "--real", tmp_path / "real.npy", "--extractor", "pixels", "-o", out]
    done = subprocess.run([sys.executable, "-m", "genbench", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(out, dtype={"name": str})
    assert table.loc[table["fd_change"].idxmin(), "name"] in done.stdout
    assert "10 of 300 images" in done.stdout
