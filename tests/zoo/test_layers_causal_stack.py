"""The two gated stacks: order, no blind spot, conditions, place by place as whole."""

import pytest
import torch

from genbench.errors import BadInput
from zoo.layers.cache import Cache
from zoo.layers.causal_stack import CausalStack, down_one_row, gate

SIDE = 12


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def stack(**settings):
    return CausalStack(1, 8, 5, **settings).double()


def seen_by(net, row, column):
    """Return bool [h, w]: the places of the input that the features at (row, column) depend on, in any of 8 images."""
    x = torch.randn(8, 1, SIDE, SIDE).double().requires_grad_()
    features = net(x)[:, :, row, column]
    (gradient,) = torch.autograd.grad((features * torch.randn_like(features)).sum(), x)
    return gradient.abs().amax((0, 1)) > 0


def before(row, column):
    return torch.arange(SIDE * SIDE).view(SIDE, SIDE) < row * SIDE + column


def test_nothing_later_is_seen_from_any_place():
    net = stack()
    leaks = [int((seen_by(net, i, j) & ~before(i, j)).sum()) for i in range(SIDE) for j in range(SIDE)]
    assert leaks == [0] * SIDE * SIDE


def test_there_is_no_blind_spot():
    """Within reach, 2 + 4 x 1 columns to each side and as many rows above, everything before is seen."""
    found, wanted = seen_by(stack(), 7, 5), before(7, 5)
    wanted[:, : 5 - 6] = wanted[:, 5 + 6 + 1 :] = wanted[: 7 - 6 - 5] = False
    last = [int(torch.where(row)[0].max()) for row in found[1:7]]
    assert last == [5 + 6] * 6
    assert bool(found[7, :5].all())
    assert torch.equal(found & wanted, wanted)


def test_the_row_itself_comes_from_the_left_alone():
    """Of its own row a place sees nothing by way of the vertical stack: cut the horizontal one, and it sees none."""
    net = stack()
    for layer in net.layers:
        torch.nn.init.zeros_(layer.horizontal.weight)
        layer.is_residual = False
    found = seen_by(net, 6, 6)
    assert not bool(found[6:].any())
    assert bool(found[5].any())


def test_rows_move_down_and_gates_multiply():
    x = torch.arange(6.0).view(1, 1, 3, 2)
    assert down_one_row(x).tolist() == [[[[0, 0], [0, 1], [2, 3]]]]
    a, b = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    assert torch.allclose(gate(torch.cat([a, b], 1)), a.tanh() * b.sigmoid())


def test_a_vector_is_the_map_that_is_the_same_everywhere():
    net, x, vector = stack(condition_channels=3), torch.randn(2, 1, 5, 6).double(), torch.randn(2, 3, 1, 1).double()
    assert torch.allclose(net(x, vector), net(x, vector.expand(-1, -1, 5, 6)), atol=1e-12)
    assert not torch.allclose(net(x, vector), net(x, vector + 1))


def test_a_zero_condition_adds_nothing():
    told, x = stack(condition_channels=3), torch.randn(2, 1, 5, 6).double()
    untold = stack()
    untold.load_state_dict({name: t for name, t in told.state_dict().items() if "condition" not in name})
    assert torch.allclose(told(x, x.new_zeros(2, 3, 1, 1)), untold(x), atol=1e-12)


def test_the_condition_enters_before_every_gate():
    net, x, condition = stack(condition_channels=3), torch.randn(2, 1, 5, 6).double(), torch.ones(2, 3, 1, 1).double()
    net(x, condition).square().sum().backward()
    for layer in net.layers[:-1]:  # what the last layer's vertical half gives is not used
        assert float(layer.condition.weight.grad.abs().amin((1, 2, 3)).min()) > 0


@pytest.mark.parametrize("sides", [(1, 1), (5, 6)])
@pytest.mark.parametrize("colours", [1, 3])
def test_place_by_place_gives_the_whole(sides, colours):
    net = CausalStack(colours, 9, 3, colours=colours, condition_channels=4).double()
    x, condition = torch.randn(2, colours, 5, 6).double(), torch.randn(2, 4, *sides).double()
    cache, whole = Cache(5, 6), net(x, condition)
    for row in range(5):
        for column in range(6):
            here = cache.at(row, column)
            net.write(x[:, :, row : row + 1, column : column + 1], here)
            assert torch.allclose(net.read(here, condition)[..., 0, 0], whole[:, :, row, column], atol=1e-12)


@pytest.mark.parametrize(("built", "given"), [(0, 3), (3, 0), (3, 4)])
def test_a_condition_it_was_not_built_for_is_refused(built, given):
    condition = torch.randn(2, given, 1, 1).double() if given else None
    with pytest.raises(BadInput, match="wrong condition"):
        stack(condition_channels=built)(torch.randn(2, 1, 4, 4).double(), condition)
