"""PixelRNN: its LSTMs step by step, what they see, skewing."""

import pytest
import torch

from genbench.errors import BadInput
from tests.reference import reach
from zoo.autoregressive.pixelrnn import PixelRNN, PixelRNNConfig
from zoo.autoregressive.recurrent import DiagonalBiLSTM, DiagonalLSTM, RowLSTM, skew, unskew
from zoo.contracts import DataSpec
from zoo.model import choose_preset, read_config

SIZE = (6, 9)
ZERO = torch.zeros(2, 4).double()


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def step(gates, c):
    """An LSTM's step: output, forget, input gate and content."""
    o, f, i, g = gates.split(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def diagonal(lstm, x):
    """States of a diagonal LSTM, pixel by pixel."""
    above, left = lstm.states.weight[:, :, 0, 0], lstm.states.weight[:, :, 1, 0]
    gates, h, c = lstm.inputs(x), {}, {}
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            total = gates[:, :, i, j] + h.get((i - 1, j), ZERO) @ above.T + h.get((i, j - 1), ZERO) @ left.T
            h[i, j], c[i, j] = step(total, c.get((i, j - 1), ZERO))
    return torch.stack([h[place] for place in sorted(h)], -1).unflatten(-1, x.shape[2:])


@pytest.mark.parametrize("size", [(3, 5), (5, 3), (1, 4), (4, 1), (1, 1)])
def test_unskew_undoes_skew(size):
    x = torch.randn(2, 3, *size)
    assert torch.equal(unskew(skew(x)), x)


def test_skewing_moves_each_row_one_further_to_the_right():
    x = torch.arange(1.0, 7).view(1, 1, 3, 2)
    assert skew(x)[0, 0].tolist() == [[1, 2, 0, 0], [0, 3, 4, 0], [0, 0, 5, 6]]


def test_a_diagonal_lstm_goes_on_from_above_and_from_the_left():
    lstm, x = DiagonalLSTM(3, 4).double(), torch.randn(2, 3, 5, 6).double()
    assert torch.allclose(lstm(x), diagonal(lstm, x), atol=1e-12)


def test_the_one_from_the_right_is_mirrored_and_a_row_late():
    lstm, x = DiagonalBiLSTM(3, 4).double(), torch.randn(2, 3, 5, 6).double()
    wanted = diagonal(lstm.left, x)
    wanted[:, :, 1:] += diagonal(lstm.right, x.flip(3)).flip(3)[:, :, :-1]
    assert torch.allclose(lstm(x), wanted, atol=1e-12)


def test_a_row_lstm_goes_on_from_three_states_above():
    lstm, x = RowLSTM(3, 4).double(), torch.randn(2, 3, 5, 6).double()
    kernel = lstm.states.weight[:, :, 0]
    gates, h, c = lstm.inputs(x), {}, {}
    for i in range(5):
        for j in range(6):
            near = sum(h.get((i - 1, j + side), ZERO) @ kernel[:, :, side + 1].T for side in (-1, 0, 1))
            h[i, j], c[i, j] = step(gates[:, :, i, j] + near, c.get((i - 1, j), ZERO))
    wanted = torch.stack([h[place] for place in sorted(h)], -1).unflatten(-1, (5, 6))
    assert torch.allclose(lstm(x), wanted, atol=1e-12)


@pytest.mark.parametrize(("kind", "layer"), [("row", reach.row_lstm), ("diagonal", reach.diagonal_bilstm)])
def test_it_sees_what_paths_through_its_layers_lead_to_and_no_more(kind, layer):
    spec = DataSpec("noise", (1, *SIZE), levels=4)
    network = PixelRNN.make(spec, {"width": 24, "kind": kind}).double().eval().network
    paths = reach.convolution(5, SIZE, "A")
    for _ in range(2):
        paths = reach.after(paths, layer(SIZE))
    k = torch.randint(4, (16, 1, *SIZE)).double().requires_grad_()
    logits = network(k)[:, :, 0]
    for place, wanted in paths.items():
        chosen = logits[(slice(None), slice(None), *place)]
        (gradient,) = torch.autograd.grad((chosen * torch.randn_like(chosen)).sum(), k, retain_graph=True)
        assert set(map(tuple, gradient.abs().amax((0, 1)).nonzero().tolist())) == wanted


def test_diagonals_see_everything_before_but_the_end_of_the_row_above():
    """The last pixel of a row is in no feature of that row; the next row has it only where the first kernel reaches."""
    paths = reach.after(reach.convolution(5, SIZE, "A"), reach.diagonal_bilstm(SIZE))
    for (i, j), seen in paths.items():
        missing = {(r, c) for r in range(i + 1) for c in range(9) if (r, c) < (i, j)} - seen
        assert missing == ({(i - 1, 8)} if i and j + 2 < 8 else set())


def test_rows_see_a_triangle():
    """One column more to the right with every row up, from where the first kernel ends."""
    paths = reach.after(reach.convolution(5, SIZE, "A"), reach.row_lstm(SIZE))
    last = [max(c for r, c in paths[5, 2] if r == row) for row in range(5)]
    assert last == [8, 7, 6, 5, 4]


def test_gates_of_a_colour_are_its_own():
    """Of three colours each gate has maps of each; else the content of one would pass the gates of a later one."""
    mask = DiagonalLSTM(3, 6, colours=3).inputs.mask[:, :, 0, 0].int()
    for gate in mask.chunk(4):
        assert gate.tolist() == [[1, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 0], [1, 1, 1], [1, 1, 1]]


def test_variants_and_kinds():
    assert read_config(PixelRNN, choose_preset(PixelRNN, "small+row").config).kind == "row"
    assert PixelRNNConfig().kind == "diagonal"
    with pytest.raises(BadInput, match="setting 'kind' is wrong"):
        PixelRNN.make(DataSpec("noise", (1, 4, 4), levels=4), {"kind": "column"})
