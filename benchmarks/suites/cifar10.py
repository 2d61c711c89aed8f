"""Which published GAN for CIFAR-10 is best after the same hours of one GPU? NEVER RUN HERE.

The data set has to be downloaded, and the weights of the FID Inception network (``genbench weights``). 50,000 pictures
to learn from, its test split of 10,000 to be judged by.

Cost: 12 hours of one GPU a run, or with ``--full`` what the papers trained for. Expected with ``--full``, after the
papers: SNGAN ahead of WGAN-GP (they give FIDs against the training split, so not these numbers).
"""

from benchmarks.contracts import Suite
from benchmarks.suites import GPU_EXTRACTOR, GPU_METRICS, GPU_PROTOCOL, contestants

SUITE = Suite(
    name="cifar10",
    title="CIFAR-10, 32 x 32",
    data="torchvision:CIFAR10",
    contestants=contestants("wgan-gp:paper", "sngan:paper"),
    metrics=GPU_METRICS,
    extractor=GPU_EXTRACTOR,
    protocol=GPU_PROTOCOL,
    count=10_000,
    minutes=12 * 60.0,
    seeds=1,
    shows=(
        "FID and its companions, as guided-diffusion (ADM) counts them, against CIFAR-10's test split, "
        "after the same time on one GPU."
    ),
    cannot="Numbers of papers: those are against the training split, most with 50,000 samples, and with more training.",
    is_tested=False,
)


if __name__ == "__main__":
    from benchmarks.suites.command import run_suite

    run_suite("cifar10")
