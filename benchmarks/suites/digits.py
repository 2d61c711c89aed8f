"""Which image generator is best on small grey digits, after the same minutes of one CPU thread?

Offline: scikit-learn's digits, enlarged to 32 x 32, 1,437 to learn from and 360 to be judged by. Models that learn
small digits (likelihoods mean nothing of enlarged ones) have their samples enlarged as the data were.

Cost: 3 minutes of training and about half a minute of judging a run; all contestants and 3 seeds, 3 to 4 hours of
one thread. ``--models gan,dcgan,wgan-gp --seeds 2 --minutes-per-model 2`` is under 25 minutes.
Expected: convolutional GANs ahead of the fully connected one; nobody is called a copier; no model at the floor.
"""

from benchmarks.contracts import Suite
from benchmarks.suites import IMAGE_METRICS, OFFLINE_EXTRACTOR, contestants

LARGE = (
    "gan",
    "dcgan",
    "cgan",
    "wgan",
    "wgan-gp",
    "sngan",
    "sagan",
    "biggan",
    "progan",
    "stylegan",
    "stylegan2",
    "autoencoder",
    "vae:digits32",
    "vae-gan",
    "vq-vae-2",
)
SMALL = ("s-vae", "pixelrnn", "pixelcnn", "gated-pixelcnn", "realnvp", "glow")

SUITE = Suite(
    name="digits",
    title="Handwritten digits, 32 x 32, grey",
    data="digits32",
    contestants=(*contestants(*LARGE), *contestants(*SMALL, data="digits8")),
    metrics=IMAGE_METRICS,
    extractor=OFFLINE_EXTRACTOR,
    count=360,
    shows=(
        "How near each model's samples come to held-out digits after the same time of training on one CPU thread, in "
        "features of a network that has seen photographs."
    ),
    cannot=(
        "How models rank with more time, more data or colour: those that learn slowly are cut off early. 360 images a "
        "side are few for features of 1,280 numbers: fd is biased upward, for all alike, so that places mean more than "
        "values. Models of 8 x 8 digits (flows, autoregressive ones) learned an easier set, and their enlargement is "
        "exact: grain that others have to learn is given to them."
    ),
)


if __name__ == "__main__":
    from benchmarks.suites.command import run_suite

    run_suite("digits")
