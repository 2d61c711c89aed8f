"""Seeded random weights in the format of the published Inception file, for machines that cannot have that file.

Convolutions are drawn at random, batch norms calibrated on a few pictures, so that activations neither die nor grow and
differ from picture to picture: what moves the published network's features moves these. The batch norms' biases are
large enough to leave most units on: else float32 rounding grows from block to block, until pytorch-fid is 4e-5 away
from itself in float64.
"""

import torch
from pytorch_fid import inception


def network():
    """pytorch-fid's own FID Inception, its download replaced by what the network holds already (nothing)."""
    real, inception.load_state_dict_from_url = inception.load_state_dict_from_url, lambda *_, **__: None
    loading, torch.nn.Module.load_state_dict = torch.nn.Module.load_state_dict, lambda *_, **__: None
    try:
        return inception.fid_inception_v3()
    finally:
        inception.load_state_dict_from_url, torch.nn.Module.load_state_dict = real, loading


def pictures(count, generator):
    """Smooth random pictures of several roughnesses, float32 [count, 3, 299, 299] in [-1, 1]."""
    sides = [3, 10, 40, 299]
    coarse = [torch.rand(1, 3, sides[i % 4], sides[i % 4], generator=generator) for i in range(count)]
    return torch.cat([torch.nn.functional.interpolate(x, size=(299, 299), mode="bilinear") for x in coarse]) * 2 - 1


@torch.no_grad()
def write(path, seed=20260601, **how):
    """Write the file and return its path; ``how`` goes to ``torch.save``."""
    generator = torch.Generator().manual_seed(seed)
    net = network()
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            fan_in = module.weight[0].numel()
            module.weight.copy_(torch.randn(module.weight.shape, generator=generator) * (2 / fan_in) ** 0.5)
        elif isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the running statistics are the mean over batches
            module.weight.copy_(1 + 0.1 * torch.randn(module.weight.shape, generator=generator))
            module.bias.copy_(1.5 + 0.3 * torch.randn(module.bias.shape, generator=generator))
    net.fc.weight.copy_(torch.randn(net.fc.weight.shape, generator=generator) * 0.05)
    net.fc.bias.copy_(torch.randn(net.fc.bias.shape, generator=generator) * 0.5)
    net.train()
    net.dropout.eval()
    net(pictures(8, generator))
    torch.save(net.state_dict(), path, **how)
    return path
