"""How far do GANs with the published constants come on MNIST? NEVER RUN HERE.

The data set has to be downloaded, and the weights of the FID Inception network. 28 x 28 pixels
are enlarged to 32 x 32; 60,000 pictures to learn from, 10,000 to be judged by.

Cost: an hour of one GPU a run. Expected: convolutions ahead of the fully connected GAN.
"""

from benchmarks.contracts import Suite
from benchmarks.suites import GPU_EXTRACTOR, GPU_METRICS, GPU_PROTOCOL, contestants

SUITE = Suite(
    name="mnist",
    title="MNIST, 32 x 32",
    data="torchvision:MNIST@32",
    contestants=contestants("gan:paper", "cgan:paper"),
    metrics=GPU_METRICS,
    extractor=GPU_EXTRACTOR,
    protocol=GPU_PROTOCOL,
    count=10_000,
    minutes=60.0,
    seeds=1,
    shows=(
        "FID and its companions, as guided-diffusion (ADM) counts them, against MNIST's test split, "
        "after the same time on one GPU."
    ),
    cannot="How good digits are in themselves: Inception has seen photographs, no handwriting.",
    is_tested=False,
)


if __name__ == "__main__":
    from benchmarks.suites.command import run_suite

    run_suite("mnist")
