"""Models compared on one reference: what they share cancels, and verdicts say no more than the images do."""

import math

import numpy as np
import pytest
import torch

import genbench
from genbench.analyses.verdicts import STEADIED
from genbench.comparison import Comparison
from genbench.errors import BadInput, NotEnoughImages

COUNT = 60


@pytest.fixture(autouse=True)
def _fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path / "cache"))


def images(rng, level, count=COUNT):
    return np.clip(rng.normal(level, 40, (count, 9, 9, 3)), 0, 255).astype(np.uint8)


@pytest.fixture
def models(rng):
    return {"near": images(rng, 124), "twin": images(rng, 124), "far": images(rng, 160)}


def compare(models, real, **options):
    return genbench.compare(models, real=real, **{"metrics": "fd,kd", "extractor": "tiny", **options})


@pytest.mark.usefixtures("tiny_extractor")
class TestCompare:
    def test_it_tells_the_far_one_from_the_others_and_not_the_twins(self, rng, models):
        found = compare(models, images(rng, 120))
        verdicts = {(one.metric, one.first, one.second): one.verdict for one in found.differences}
        for metric in ("fd", "kd"):
            assert verdicts[metric, "near", "far"] == verdicts[metric, "twin", "far"] == "first better"
            assert verdicts[metric, "near", "twin"] == "not resolved"
            ranks = {one.model: one.rank for one in found.scores if one.metric == metric}
            assert ranks == {"near": (1, 2), "twin": (1, 2), "far": (3, 3)}

    def test_values_and_errors_are_those_of_the_scorecard(self, rng, models):
        real = images(rng, 120)
        found = compare(models, real, metrics="fd,kd,precision,is")
        card = genbench.score(fake=models["far"], real=real, extractor="tiny", metrics="fd,kd,precision,is")
        for one in (score for score in found.scores if score.model == "far"):
            assert one.value == pytest.approx(card[one.metric].value)
            assert one.stderr == pytest.approx(card[one.metric].stderr)
            assert one.floor == card[one.metric].floor
            assert one.runs == [one.value]

    def test_direction_counts(self, rng):
        real = images(rng, 120)
        found = compare({"far": images(rng, 200), "same": images(rng, 120)}, real, metrics="precision,kd")
        assert [one.verdict for one in found.differences] == ["second better"] * 2

    def test_pairing_shortens_the_error_and_a_metric_that_cannot_be_paired_says_so(self, rng, models):
        found = compare(models, images(rng, 120), metrics="kd,realism,is")
        errors = {(one.metric, one.model): one.stderr for one in found.scores}
        for one in found.differences:
            apart = math.hypot(errors[one.metric, one.first], errors[one.metric, one.second])
            if one.metric == "kd":
                assert one.stderr < apart
            else:
                assert one.stderr == pytest.approx(apart)
            assert one.is_paired == (one.metric != "realism")
        assert any("realism" in note and "independent" in note for note in found.notes)

    def test_a_metric_without_direction_gets_no_verdict_and_no_place(self, rng, models):
        found = compare(models, images(rng, 120), metrics="nn,kd")
        of_nn = [one for one in found.differences if one.metric == "nn"]
        assert {one.verdict for one in of_nn} == {"none"}
        assert all(one.p is None and one.interval is not None for one in of_nn)
        assert all(one.rank is None for one in found.scores if one.metric == "nn")

    def test_p_values_are_corrected_for_pairs_and_metrics(self, rng, models):
        found = compare(models, images(rng, 120))
        smallest = min(found.differences, key=lambda one: one.p)
        assert smallest.p_holm == pytest.approx(min(1, 6 * smallest.p))

    def test_runs_of_one_model_give_both_components(self, rng):
        real = images(rng, 120)
        runs = [images(rng, level) for level in (110, 125, 150)]
        found = compare({"runs": runs, "one": images(rng, 120)}, real, metrics="kd")
        many, one = found.scores
        singles = [genbench.score(fake=run, real=real, extractor="tiny", metrics="kd")["kd"].value for run in runs]
        assert many.runs == pytest.approx(singles)
        assert many.value == pytest.approx(np.mean(singles))
        between = np.var(singles, ddof=1)
        assert many.run_sd**2 == pytest.approx(between - many.sampling_sd**2)
        assert many.stderr**2 > between / 3
        assert one.run_sd is None
        assert any("one: one run" in note for note in found.notes)

    def test_models_with_several_runs_learn_from_each_other_what_training_again_changes(self, rng):
        real = images(rng, 120)
        runs = {f"m{i}": [images(rng, level), images(rng, level)] for i, level in enumerate((110, 120, 130, 140, 150))}
        few = compare(dict(list(runs.items())[:4]), real, metrics="kd")
        every = compare(runs, real, metrics="kd")
        assert STEADIED in every.notes
        assert STEADIED not in few.notes
        errors, alone = ({one.model: one.stderr for one in found.scores} for found in (every, few))
        assert all(errors[name] >= alone[name] for name in alone)
        assert any(errors[name] > alone[name] for name in alone)

    def test_unequal_counts_are_refused_unless_no_metric_minds(self, rng, models):
        models["far"] = models["far"][:50]
        with pytest.raises(BadInput, match="--count 50"):
            compare(models, images(rng, 120))
        assert {one.n_fake for one in compare(models, images(rng, 120), metrics="kd").scores} == {50, 60}
        assert {one.n_fake for one in compare(models, images(rng, 120), count=50).scores} == {50}

    def test_a_reference_of_statistics_is_taken_as_fixed(self, rng, models, tmp_path):
        from genbench.analyses.reference import write_reference
        from genbench.request import Request

        write_reference(images(rng, 120), tmp_path / "ref.npz", request=Request(metrics=("fd",), extractor="tiny"))
        found = compare(models, tmp_path / "ref.npz", metrics="fd")
        assert all(one.is_paired for one in found.differences)
        assert all(any("fixed" in warning for warning in one.warnings) for one in found.scores)
        assert all(one.floor is None for one in found.scores)

    def test_models_that_share_images_are_named(self, rng, models):
        models["twin"] = np.concatenate([models["near"][:7], models["twin"][7:]])
        assert any("near and twin share 7 images" in note for note in compare(models, images(rng, 120)).notes)

    def test_a_model_that_shares_images_with_the_reference_is_named(self, rng, models):
        real = images(rng, 120)
        models["twin"] = np.concatenate([real[:7], models["twin"][7:]])
        assert "twin and real share 7 images, byte for byte" in compare(models, real, metrics="kd").notes

    def test_runs_of_one_model_that_share_images_are_named(self, rng, models):
        runs = [models["near"], models["twin"], np.concatenate([models["near"][:7], models["twin"][:53]])]
        notes = compare({"near": runs, "far": models["far"]}, images(rng, 120), metrics="kd").notes
        told = "near: runs {} share {} images, byte for byte; they are taken as drawn independently"
        assert told.format("1 and 3", 7) in notes
        assert told.format("2 and 3", 53) in notes
        assert not any("1 and 2" in note for note in notes)

    def test_it_reads_back_from_json_and_into_pandas(self, rng, models):
        found = compare(models, images(rng, 120))
        assert Comparison.model_validate_json(found.to_json()) == found
        assert len(found.to_pandas()) == 6
        assert set(found.provenance["models"]) == set(models)
        assert found.provenance["models"]["near"][0]["count"] == COUNT
        assert found.provenance["extractor"]["extractor"] == "tiny"

    def test_the_reference_is_read_once(self, rng, models):
        found = compare(models, images(rng, 120), metrics="kd")
        assert found.provenance["features"]["real"] == {"computed": COUNT, "recalled": 0}
        assert found.provenance["features"]["fake"] == {"computed": 3 * COUNT, "recalled": 0}

    def test_the_order_of_models_changes_signs_only(self, rng, models):
        real = images(rng, 120)
        forth = compare(models, real).differences
        back = compare(dict(reversed(models.items())), real).differences
        by_pair = {(one.metric, one.second, one.first): one for one in back}
        for one in forth:
            other = by_pair[one.metric, one.first, one.second]
            assert (one.value, one.stderr, one.p_holm) == pytest.approx((-other.value, other.stderr, other.p_holm))

    def test_what_is_not_resolved_says_what_would(self, rng):
        found = compare({"a": images(rng, 121), "b": images(rng, 122)}, images(rng, 110, 1000)).differences
        assert {one.verdict for one in found} == {"not resolved"}
        for one in found:
            if one.images_needed is None:
                assert "only more reference images" in one.words
            else:
                assert one.images_needed > COUNT
                assert f"{float(f'{one.images_needed:.2g}'):,.0f} images a run would" in one.words

    @pytest.mark.parametrize(
        ("models", "options", "error", "words"),
        [
            ({"a": 20}, {}, BadInput, "two models or more"),
            ({"a": 20, "b": 0}, {}, BadInput, "no runs"),
            ({"a": 20, "b": 20}, {"alpha": 1.5}, BadInput, "between 0 and 1"),
            ({"a": 3, "b": 3}, {"metrics": "precision"}, NotEnoughImages, "at least 6"),
        ],
    )
    def test_what_cannot_be_compared_is_refused(self, rng, models, options, error, words):
        given = {name: images(rng, 120, count) if count else [] for name, count in models.items()}
        with pytest.raises(error, match=words):
            compare(given, images(rng, 120), **options)

    def test_paths_name_themselves_and_names_must_differ(self, rng, tmp_path):
        for name in ("a", "b"):
            np.save(tmp_path / f"{name}.npy", images(rng, 120))
        paths = [tmp_path / "a.npy", tmp_path / "b.npy"]
        assert compare(paths, images(rng, 120)).models == [str(path) for path in paths]
        with pytest.raises(BadInput, match="two models of one name"):
            compare([paths[0], paths[0]], images(rng, 120))


def test_likelihoods_of_the_same_images_are_paired(tmp_path):
    """The difference's error is that of the mean of differences, image by image."""
    from benchmarks.references import IndependentLevels

    levels = np.random.default_rng(0).integers(0, 3, (60, 1, 4, 4)) * 127
    pixels = np.broadcast_to((levels / 254 * 255).round().astype(np.uint8).transpose(0, 2, 3, 1), (60, 4, 4, 3))
    np.save(tmp_path / "real.npy", pixels)
    rng = np.random.default_rng(1)
    models = {name: IndependentLevels(rng.dirichlet([4, 4, 4], (1, 4, 4))) for name in ("a", "b")}
    found = genbench.compare(
        models, real=tmp_path / "real.npy", metrics=["likelihood"], extractor="pixels", cache=tmp_path / "c", count=60
    )
    x = torch.from_numpy(levels / 254)
    bits = {name: -model.log_prob(x).numpy() / (16 * np.log(2)) for name, model in models.items()}
    gaps = bits["a"] - bits["b"]
    assert found.differences[0].value == pytest.approx(gaps.mean(), rel=1e-6)
    assert found.differences[0].stderr == pytest.approx(gaps.std(ddof=1) / 60**0.5, rel=1e-6)
    assert found.differences[0].is_paired
