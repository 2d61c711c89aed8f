"""Vector quantisation: what is nearest, which gradients pass, how a codebook learns, and when it must not."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from zoo.layers.quantizer import DEAD, VectorQuantizer, lottery


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(20260601)


def alone(x):
    """The mean over the one process there is."""
    return x


def clusters(n=40, spread=0.1):
    """Return vectors [3, 2, n, 1] about three centres, one for each image, and their means [3, 2]."""
    centres = torch.tensor([[5.0, 0.0], [0.0, 5.0], [-5.0, -5.0]])
    z = centres[:, :, None, None] + spread * torch.randn(3, 2, n, 1)
    return z, z.mean((2, 3))


def state(net):
    return {name: buffer.clone() for name, buffer in net.named_buffers()}


def equal(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def sorted_rows(x):
    return x[x[:, 0].argsort()]


# ------------------------------------------------------------------------------------------------- looking up


@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 3, 4)])
def test_each_vector_becomes_the_nearest_one(shape):
    net, z = VectorQuantizer(11, 6), torch.randn(2, 6, *shape)
    found = net(z)
    rows = z.movedim(1, -1).reshape(-1, 6)
    expected = torch.cdist(rows, net.codebook).argmin(1).view(2, *shape)
    assert torch.equal(found.codes, expected)
    assert torch.equal(found.vectors, net.codebook[expected].movedim(-1, 1))


def test_vectors_of_the_codebook_are_their_own_codes():
    net = VectorQuantizer(9, 4)
    codes = torch.randint(9, (2, 3, 5))
    found = net(net.look_up(codes))
    assert torch.equal(found.codes, codes)
    assert torch.equal(found.vectors, net.look_up(codes))
    assert float(found.commitment) == 0


def test_the_gradient_passes_straight_through():
    """dq / dz is the identity, exactly: a weighted sum of q has its weights as slope."""
    net, z = VectorQuantizer(5, 3), torch.randn(2, 3, 4, requires_grad=True)
    weights = torch.randn(2, 3, 4)
    (net(z).vectors * weights).sum().backward()
    assert torch.equal(z.grad, weights)


def test_no_gradient_reaches_the_codebook():
    net, z = VectorQuantizer(5, 3), torch.randn(2, 3, 4, requires_grad=True)
    found = net(z, alone)
    assert not list(net.parameters())
    assert not any(buffer.requires_grad for buffer in net.buffers())
    (found.vectors.sum() + found.commitment).backward()
    assert net.codebook.grad is None


def test_commitment_draws_vectors_to_their_codes():
    net, z = VectorQuantizer(5, 3), torch.randn(2, 3, 4, requires_grad=True)
    found = net(z)
    e = net.look_up(found.codes)
    assert float(found.commitment.detach()) == pytest.approx(float((z.detach() - e).square().mean()))
    found.commitment.backward()
    assert torch.allclose(z.grad, 2 * (z - e).detach() / 24)


# ------------------------------------------------------------------------------------------------- learning


def test_the_codebook_starts_with_vectors_that_it_is_shown():
    net, z = VectorQuantizer(8, 3), 100 + torch.randn(4, 3, 10)
    rows = z.movedim(1, -1).reshape(-1, 3)
    assert float(net(z, alone).commitment) < 10  # N(0, 1) would be 10,000
    far = torch.cdist(net.codebook, rows).min(1).values
    assert float(far.max()) < 3
    assert len(net.codebook.unique(dim=0)) == 8


def test_fewer_vectors_than_codes_are_enough():
    net = VectorQuantizer(8, 3)
    net(torch.randn(1, 3, 2), alone)
    assert bool(net.codebook.isfinite().all())


def test_sums_run_as_the_paper_has_them():
    """One update from a known state, row by row."""
    net, z = VectorQuantizer(3, 2, decay=0.8), clusters()[0]
    net(z, alone)
    before = state(net)
    codes = net(z, alone).codes
    rows, chosen = z.movedim(1, -1).reshape(-1, 2), codes.flatten()
    for k in range(3):
        mine = rows[chosen == k]
        count = 0.8 * before["counts"][k] + 0.2 * len(mine)
        total = 0.8 * before["sums"][k] + 0.2 * mine.sum(0)
        assert float(net.counts[k]) == pytest.approx(float(count), rel=1e-5)
        assert torch.allclose(net.sums[k], total, rtol=1e-4, atol=1e-4)
        assert torch.allclose(net.codebook[k], total / count, rtol=1e-3)


def test_the_same_vectors_again_and_again_end_in_the_means_of_clusters():
    net, (z, means) = VectorQuantizer(3, 2, decay=0.9), clusters()
    for _ in range(200):
        found = net(z, alone)
    assert torch.allclose(sorted_rows(net.codebook), sorted_rows(means), atol=1e-3)
    assert [len(image.unique()) for image in found.codes] == [1, 1, 1]


def test_the_codes_of_an_update_are_those_before_it():
    net, z = VectorQuantizer(4, 2), clusters()[0]
    net(z, alone)
    before = net.codebook.clone()
    found = net(z, alone)
    assert torch.equal(found.vectors.detach(), before[found.codes].movedim(-1, 1))
    assert not torch.equal(net.codebook, before)


def test_without_being_told_to_learn_nothing_changes():
    """In training mode too: whoever reconstructs an image must not move the codebook."""
    net = VectorQuantizer(4, 2)
    net(clusters()[0], alone)
    before = state(net)
    for mode in (True, False):
        net.train(mode)(10 * torch.randn(2, 2, 5))
        assert equal(before, state(net))


def test_a_dead_vector_is_put_where_the_codes_are_bad():
    """Two vectors for two clusters, and one beyond reach of everything: it moves to the cluster that was left."""
    net, (z, means) = VectorQuantizer(3, 2, decay=0.9), clusters(spread=0.01)
    net.codebook.copy_(torch.tensor([[5.0, 0.0], [0.0, 5.0], [99.0, 99.0]]))
    net.counts.fill_(40.0)
    net.sums.copy_(40 * net.codebook)
    net(z, alone)
    assert torch.allclose(net.codebook[2], torch.tensor([99.0, 99.0]), atol=1e-2)  # not yet
    for _ in range(150):
        net(z, alone)
    assert torch.allclose(sorted_rows(net.codebook), sorted_rows(means), atol=0.02)
    assert float(net.counts.min()) > DEAD * float(net.counts.mean())


def on_two_processes(work):
    """Return what ``work(rank, mean)`` gives on two of them, here threads, whose means are of both."""
    barrier, said = threading.Barrier(2), [None, None]

    def mean_of(rank):
        def mean(x):
            said[rank] = x
            barrier.wait(10)
            found = (said[0] + said[1]) / 2
            barrier.wait(10)
            return found

        return mean

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(lambda rank: work(rank, mean_of(rank)), range(2)))


def test_statistics_are_of_all_processes():
    """Either has half of a batch, and learns what one that has it all does."""

    def learned(z, mean, count):
        net = VectorQuantizer(3, 2)
        net.codebook.copy_(torch.tensor([[4.0, 0.0], [0.0, 4.0], [-4.0, -4.0]]))
        net.counts.fill_(count)
        net.sums.copy_(count * net.codebook)
        net(z, mean)
        return net

    z = clusters()[0]
    whole = learned(z, alone, 20.0)
    for half in on_two_processes(lambda rank, mean: learned(z[:, :, 20 * rank : 20 * rank + 20], mean, 10.0)):
        assert torch.allclose(half.codebook, whole.codebook, rtol=1e-4, atol=1e-4)
        assert torch.allclose(2 * half.counts, whole.counts)


def test_codebooks_that_start_on_all_processes_are_one():
    z = torch.stack([torch.randn(4, 3, 10), 10 + torch.randn(4, 3, 10)])

    def started(rank, mean):
        net = VectorQuantizer(20, 3)
        net(z[rank], mean)
        return net.codebook

    first, second = on_two_processes(started)
    assert torch.equal(first, second)
    assert 0 < int((first.mean(1) > 5).sum()) < 20


def test_a_lottery_has_one_winner():
    rows = torch.randn(50, 3)
    assert torch.equal(lottery(rows, alone), rows)
    parts = rows, 10 + torch.randn(50, 3)
    first, second = on_two_processes(lambda rank, mean: lottery(parts[rank], mean))
    apart = torch.stack([(first - part).abs().amax(1) for part in parts]).amin(0)
    assert torch.equal(first, second)
    assert float((apart < 0.01).float().mean()) > 0.8
    assert 5 < int((first.mean(1) > 5).sum()) < 45


def test_what_is_learned_is_kept_with_the_model():
    net, z = VectorQuantizer(3, 2), clusters()[0]
    net(z, alone)
    again = VectorQuantizer(3, 2)
    again.load_state_dict(net.state_dict())
    torch.manual_seed(1)
    net(z, alone)
    torch.manual_seed(1)
    again(z, alone)
    assert equal(state(net), state(again))
