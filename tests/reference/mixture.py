"""Feature likelihood divergence with torch's own Adam, autograd and tables of all distances; float64.

Jiralerspong et al. 2023 (arXiv:2302.04440) with the constants of its published code.
"""

import math

import torch


def log_normals(squared, log_variances, width):
    return torch.distributions.Normal(0, 1).log_prob(torch.zeros(())) * width - 0.5 * (
        squared / log_variances.exp() + width * log_variances
    )


def squared_distances(points, centres):
    return (points[:, None] - centres[None]).square().sum(-1)


def fit(centres, points, batch=10_000):
    """Log variances of Gaussians at ``centres``; ``points`` in the order in which batches take them."""
    count, width = centres.shape
    squared, to_mean = squared_distances(points, centres), 0.81 * squared_distances(points, points.mean(0)[None])
    values = ((squared.min(0).values + 1e-3) / width).log().requires_grad_()
    origin = torch.zeros(1, dtype=points.dtype, requires_grad=True)
    optimiser = torch.optim.Adam([values, origin], lr=0.5)
    losses = []
    for epoch in range(50):
        of_batches = []
        for part in torch.arange(len(points)).split(batch):
            optimiser.zero_grad()
            logs = log_normals(squared[part], values, width) - math.log(count)
            logs = torch.cat([logs, log_normals(to_mean[part], origin, width)], 1)
            loss = -logs.logsumexp(1).mean() / width
            loss.backward()
            optimiser.step()
            with torch.no_grad():
                values.clamp_(-40, 40)
            of_batches.append(loss.item())
        losses.append(sum(of_batches) / len(of_batches))
        if epoch > 5 and max(losses[-5:]) - losses[-1] < 5e-4 and losses[-1] - min(losses[-5:]) < 5e-4:
            break
    return values.detach()


def log_density(points, centres, log_variances):
    logs = log_normals(squared_distances(points, centres), log_variances, centres.shape[1])
    return logs.logsumexp(1) - math.log(len(centres))
