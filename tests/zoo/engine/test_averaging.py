import pytest
import torch
from torch import nn

from zoo import averaging


def test_closed_form_from_zero_and_from_the_first():
    """sum (1 - b) b^(n - i) p_i of p = 1..5 with b = .9 is 1.31441 from 0, and 1.4 ... from p_1."""
    for start, expected in ((0.0, 1.31441), (1.0, 1.31441 + 0.9**5)):
        live, average = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
        nn.init.constant_(average.weight, start)
        for value in range(1, 6):
            nn.init.constant_(live.weight, value)
            averaging.update(live, average, 0.9)
        assert float(average.weight.detach()) == pytest.approx(expected, abs=1e-5)


def test_after_a_half_life_the_old_weight_counts_half():
    old = averaging.beta(10, 1000)
    assert old**100 == pytest.approx(0.5)


def test_buffers_are_copied_integers_too():
    live, average = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    live(torch.randn(8, 2) + 5)
    averaging.update(live, average, 0.999)
    assert torch.equal(average.running_mean, live.running_mean)
    assert int(average.num_batches_tracked) == 1


def test_recalibration_finds_the_statistics_of_the_activations_and_keeps_modes_and_momentum():
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, momentum=0.3), nn.Dropout(0.5)).eval()
    x = torch.randn(64, 3)
    averaging.recalibrate(net, lambda: net(x), batches=5)
    hidden = net[0](x)
    assert torch.allclose(net[1].running_mean, hidden.mean(0), atol=1e-5)
    assert torch.allclose(net[1].running_var, hidden.var(0), atol=1e-5)
    assert net[1].momentum == 0.3
    assert not any(part.training for part in net.modules())


def test_recalibration_leaves_a_net_without_batch_norm_alone():
    averaging.recalibrate(nn.Linear(2, 2), lambda: pytest.fail("it ran the net"))
