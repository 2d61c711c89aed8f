"""Every number that can be set of a model has bounds, so that a wrong one is refused before any work."""

from types import NoneType
from typing import get_args

import pytest

from genbench.errors import BadInput
from zoo import MODELS
from zoo.model import choose_preset, read_config

NUMBERS = (int, float)
# what -> words of the names of fields, and a value just outside of what they may be
BEHIND = {
    "no updates at this rate": (("lr", "lr_generator", "lr_critic", "lr_prior"), "0"),
    "all features dropped": (("dropout",), "1"),
    "Adam without an end": (("beta1", "beta2"), "1"),
    "more than all": (("mixing", "rests_above", "path_decay"), "1.5"),
    "no layers": (("layers", "mapping_layers", "critic_steps", "r1_every"), "0"),
    "no channels": (("channels", "critic_channels", "hidden", "latent", "shared"), "0"),
    "half of one": (("width",), "0"),
    "even": (("kernel",), "4"),
    "sees nothing": (("kernel",), "1"),
    "gradients cut to nothing": (("clip",), "0"),
}


def parts(annotation):
    """Return the types that an annotation is made of."""
    inner = [part for arg in get_args(annotation) for part in parts(arg)]
    return [annotation, *inner]


def numeric():
    """Return (model, field) of every number, or list of numbers, that can be set."""
    return [
        (name, field)
        for name in MODELS
        for field, info in MODELS.get(name).config_type.model_fields.items()
        if any(part in NUMBERS for part in parts(info.annotation))
    ]


def test_the_walk_meets_every_model_and_numbers_that_may_be_none_or_many():
    found = numeric()
    assert {name for name, _ in found} == set(MODELS)
    assert {("dcgan", "clip"), ("gan", "widths"), ("progan", "batch_factors"), ("vae", "sigma")} <= set(found)
    assert ("vae", "likelihood") not in found


@pytest.mark.parametrize(("name", "field"), numeric())
def test_every_number_has_bounds(name, field):
    model = MODELS.get(name)
    kinds = parts(model.config_type.model_fields[field].annotation)
    for value in ("-1", "-1000000", "nan", "inf"):
        with pytest.raises(BadInput, match=rf"setting '{field}"):
            read_config(model, {field: value})
    if NoneType in kinds:
        assert getattr(read_config(model, {field: "none"}), field) is None


@pytest.mark.parametrize("what", BEHIND)
def test_what_crashes_or_means_nothing_is_refused(what):
    fields, value = BEHIND[what]
    there = [(name, field) for name, field in numeric() if field in fields]
    assert {field for _, field in there} == set(fields)
    for name, field in there:
        with pytest.raises(BadInput, match=rf"setting '{field}"):
            read_config(MODELS.get(name), {field: value})


@pytest.mark.parametrize("name", list(MODELS))
def test_all_presets_and_variants_are_within(name):
    model = MODELS.get(name)
    for preset in model.presets:
        for variant in ("", *(f"+{one}" for one in model.variants)):
            read_config(model, choose_preset(model, preset + variant).config)
