"""Masked convolutions: who sees whom, what is hidden stays hidden, one place is computed as the whole is."""

import pytest
import torch
import torch.nn.functional as F

from genbench.errors import BadInput
from zoo.layers.cache import Cache
from zoo.layers.masked import CausalConv, MaskedConv, colours_of

# what output colour (row) sees of input colour (column) at its own pixel, as the paper's figure 4 has it
AT_THE_PIXEL = {
    ("A", 1): [[0]],
    ("B", 1): [[1]],
    ("A", 3): [[0, 0, 0], [1, 0, 0], [1, 1, 0]],
    ("B", 3): [[1, 0, 0], [1, 1, 0], [1, 1, 1]],
}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


@pytest.mark.parametrize(("kind", "colours"), AT_THE_PIXEL)
def test_masks_of_one_map_a_colour(kind, colours):
    mask = MaskedConv(colours, colours, 5, kind, colours).mask
    assert mask.shape == (colours, colours, 3, 5)
    assert bool(mask[:, :, :2].all())  # rows above
    assert bool(mask[:, :, 2, :2].all())  # to the left
    assert not bool(mask[:, :, 2, 3:].any())  # to the right
    assert mask[:, :, 2, 2].int().tolist() == AT_THE_PIXEL[kind, colours]


@pytest.mark.parametrize(("kind", "colours"), AT_THE_PIXEL)
def test_masks_along_a_row(kind, colours):
    mask = MaskedConv(colours, colours, 5, kind, colours, above=False).mask
    assert mask.shape == (colours, colours, 1, 3)
    assert bool(mask[..., :2].all())
    assert mask[:, :, 0, 2].int().tolist() == AT_THE_PIXEL[kind, colours]


def test_maps_belong_to_colours_in_equal_shares_in_every_part():
    assert colours_of(6, 3).tolist() == [0, 0, 1, 1, 2, 2]
    assert colours_of(8, 3).tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert colours_of(12, 3, parts=2).tolist() == [0, 0, 1, 1, 2, 2] * 2
    assert colours_of(4, 1).tolist() == [0] * 4
    mask = MaskedConv(3, 12, 1, "B", 3, parts=4).mask[:, :, 0, 0].int().tolist()
    assert mask == AT_THE_PIXEL["B", 3] * 4


@pytest.mark.parametrize("above", [True, False])
def test_it_is_the_full_convolution_with_zeros_below_and_behind(above):
    x, conv = torch.randn(2, 3, 6, 7).double(), MaskedConv(3, 6, 5, "A", 3, above=above).double()
    kernel = torch.zeros(6, 3, 5, 5).double()
    rows, columns = conv.weight.shape[2:]
    kernel[:, :, 3 - rows : 3, :columns] = conv.kernel()
    assert torch.allclose(conv(x), F.conv2d(x, kernel, conv.bias, padding=2), atol=1e-12)


def test_hidden_weights_get_no_gradient_and_count_for_nothing():
    x, conv = torch.randn(2, 3, 6, 7), MaskedConv(3, 6, 3, "A", 3)
    optimizer = torch.optim.SGD(conv.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(3):  # decay moves hidden weights, momentum goes on
        optimizer.zero_grad()
        conv(x).square().sum().div(100).backward()
        assert float(conv.weight.grad[~conv.mask].abs().max()) == 0
        assert float(conv.weight.grad[conv.mask].abs().min()) > 0
        optimizer.step()
    before = conv(x)
    with torch.no_grad():
        conv.weight[~conv.mask] = 1e6
    assert torch.equal(conv(x), before)
    assert float(conv.kernel().detach()[~conv.mask].abs().max()) == 0


def test_the_mask_follows_the_weight_and_is_not_saved():
    conv = MaskedConv(1, 4, 3, "A")
    assert set(conv.state_dict()) == {"weight", "bias"}
    assert conv.double()(torch.randn(1, 1, 4, 4).double()).dtype == torch.float64


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("above", [True, False])
def test_place_by_place_gives_the_whole(kernel, above):
    x, conv = torch.randn(2, 3, 5, 6), MaskedConv(3, 7, kernel, "B", above=above)
    cache, whole = Cache(5, 6), conv(x)
    for row in range(5):
        for column in range(6):
            found = conv(x[:, :, row : row + 1, column : column + 1], cache.at(row, column))
            assert torch.allclose(found[..., 0, 0], whole[:, :, row, column], atol=1e-6)


def test_row_by_row_gives_the_whole():
    x, conv = torch.randn(2, 3, 5, 6), CausalConv(3, 7, 5)
    cache, whole = Cache(5, 6), conv(x)
    for row in range(5):
        found = conv(x[:, :, row : row + 1], cache.at(row, 0))
        assert torch.allclose(found[:, :, 0], whole[:, :, row], atol=1e-6)


def test_a_place_may_be_written_anew():
    x, conv = torch.randn(1, 1, 1, 3), CausalConv(1, 2, 3)
    cache = Cache(1, 3)
    for column in range(3):
        conv(torch.full((1, 1, 1, 1), 9.0), cache.at(0, column))
        last = conv(x[..., column : column + 1], cache.at(0, column))
    assert torch.allclose(last, conv(x)[..., 2:], atol=1e-6)


def test_an_even_kernel_is_refused():
    with pytest.raises(BadInput, match="even kernel"):
        MaskedConv(1, 1, 4, "A")
