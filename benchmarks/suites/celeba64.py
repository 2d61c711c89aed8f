"""Which early convolutional GAN is best on faces of 64 x 64? NEVER RUN HERE.

The data set has to be downloaded (its host often refuses; put the files where torchvision lays them), and the weights
of the FID Inception network. CelebA's own training and test splits.

Cost: 6 hours of one GPU a run. Expected: both give faces; WGAN slower, with fewer collapses.
"""

from benchmarks.contracts import Suite
from benchmarks.suites import GPU_EXTRACTOR, GPU_METRICS, GPU_PROTOCOL, contestants

SUITE = Suite(
    name="celeba64",
    title="CelebA, 64 x 64",
    data="torchvision:CelebA@64",
    contestants=contestants("dcgan:paper", "wgan:paper"),
    metrics=GPU_METRICS,
    extractor=GPU_EXTRACTOR,
    protocol=GPU_PROTOCOL,
    count=10_000,
    minutes=6 * 60.0,
    seeds=1,
    shows=(
        "FID and its companions, as guided-diffusion (ADM) counts them, against CelebA's test split, "
        "after the same time on one GPU."
    ),
    cannot="Fairness: whose faces are drawn is not measured, and the data are not a fair sample of people.",
    is_tested=False,
)


if __name__ == "__main__":
    from benchmarks.suites.command import run_suite

    run_suite("celeba64")
