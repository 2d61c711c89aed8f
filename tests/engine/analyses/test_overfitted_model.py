"""A small model overfitted on 64 pictures is caught copying; the same model trained on all of them is not."""

import pytest
import torch
from torch import nn

import genbench
from zoo.data import open_data

WIDTH = 8
STEPS = 4000


class VAE(nn.Module):
    """Two small networks (Kingma & Welling 2014); samples decode the prior."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 2 * WIDTH))
        hidden = (nn.Linear(WIDTH, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU())
        self.decoder = nn.Sequential(*hidden, nn.Linear(256, 1024))

    def loss(self, x):
        mean, log_variance = self.encoder(x).chunk(2, 1)
        logits = self.decoder(mean + torch.randn_like(mean) * (log_variance / 2).exp())
        surprise = nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
        return (surprise + (mean**2 + log_variance.exp() - log_variance - 1).sum(1) / 2).mean()

    @torch.no_grad()
    def sample(self, n, generator):
        return torch.sigmoid(self.decoder(torch.randn(n, WIDTH, generator=generator))).reshape(n, 1, 32, 32)


def trained_on(x):
    torch.manual_seed(0)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(STEPS):
        optimizer.zero_grad()
        model.loss(x[torch.randint(len(x), (64,))]).backward()
        optimizer.step()
    return model


@pytest.mark.slow
@pytest.mark.parametrize(("count", "is_copying"), [(64, True), (None, False)], ids=["64 pictures", "all pictures"])
def test_who_has_seen_few_pictures_gives_them_back(tmp_path, count, is_copying):
    train, test = (open_data("digits32", split).x for split in ("train", "test"))
    train = train[:count]
    found = genbench.memorization(
        fake=trained_on(torch.from_numpy(train).flatten(1) / 255),
        train=train,
        test=test,
        spaces=("pixels", "quarters"),
        count=300,
        cache=tmp_path,
    )
    assert found.is_copied == is_copying
