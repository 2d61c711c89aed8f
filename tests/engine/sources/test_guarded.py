"""What a source says of the model that draws its images."""

import numpy as np
import pytest
import torch

from genbench.contracts import SourceOptions
from genbench.errors import BadInput
from genbench.sources import open_source
from genbench.sources.guarded import Guarded


class Conditional:
    """Images whose grey is their class, drawn after a latent number."""

    classes = ("black", "grey", "white")

    def sample(self, n, generator):
        torch.rand(n, generator=generator)
        labels = torch.randint(0, 3, (n,), generator=generator)
        return (labels / 2)[:, None, None, None].expand(n, 3, 4, 4)

    def sampled_labels(self, n, generator):
        torch.rand(n, generator=generator)
        return torch.randint(0, 3, (n,), generator=generator)


def test_classes_of_a_conditional_sampler_are_those_of_its_images():
    source = open_source(Conditional(), SourceOptions(seed=3))
    entries = source.entries(150)
    greys = np.array([image[0, 0, 0] for image in source.read(entries)])
    assert source.labels.dtype == np.int64
    np.testing.assert_array_equal(source.labels, np.rint(greys / 127.5))
    assert set(source.labels) == {0, 1, 2}
    assert source.classes == ("black", "grey", "white")


def test_a_sampler_that_tells_no_classes_has_none():
    class Plain:
        def sample(self, n, generator):
            return torch.rand(n, 3, 4, 4, generator=generator)

    class Unconditional(Plain):
        def sampled_labels(self, n, generator):
            return None

    for sampler in (Plain(), Unconditional()):
        source = open_source(sampler)
        source.entries(10)
        assert source.labels is None
        assert source.classes == ()


def test_a_method_that_fails_is_one_line_with_its_place():
    class Broken:
        def decode(self, z):
            return z / "two"

    with pytest.raises(BadInput, match=r"source 'x': its code failed.*TypeError.*test_guarded.py:\d+"):
        Guarded(Broken(), "source 'x'", None).decode(1)


def test_a_module_is_in_eval_mode_during_a_call_and_as_it_was_after():
    class Net(torch.nn.Module):
        levels = 256

        def __init__(self):
            super().__init__()
            self.norm = torch.nn.BatchNorm2d(1)
            self.off = torch.nn.Dropout().eval()
            self.register_buffer("middle", torch.ones(1))

        def decode(self):
            return [part.training for part in self.modules()]

    net = Net()
    guarded = Guarded(net, "net", None)
    assert guarded.decode() == [False, False, False]
    assert [part.training for part in net.modules()] == [True, True, False]
    assert guarded.levels == 256
    assert torch.equal(guarded.middle, torch.ones(1))
    assert str(guarded) == "Net"
    assert not hasattr(guarded, "prior")
