"""Who copies? Models are trained on 64 digits for longer than is good for them.

Offline: 64 of the 1,437 training digits, 32 x 32. Held-out digits judge and calibrate: a copy is what comes nearer to
the 64 than honest pictures do.

Cost: 6 minutes of training and half a minute of judging a run. Expected: autoencoders are called copiers; a GAN of this
size need not be, as it fits its critic before it fits the pictures.
"""

from benchmarks.contracts import Suite
from benchmarks.suites import IMAGE_METRICS, OFFLINE_EXTRACTOR, contestants

SUITE = Suite(
    name="memorize",
    title="64 digits, overfitted on purpose",
    data="digits32",
    contestants=contestants("gan", "dcgan", "wgan-gp", "sngan", "stylegan2", "vae:digits32", "vae-gan"),
    metrics=IMAGE_METRICS,
    extractor=OFFLINE_EXTRACTOR,
    count=360,
    minutes=6.0,
    subset=64,
    shows=(
        "Which models reproduce training pictures when there are few: the column of copies, whose false-positive rate "
        "is calibrated on held-out digits."
    ),
    cannot=(
        "Quality: distances from held-out digits are of variety that 64 pictures do not have. A model that is not "
        "called a copier here may copy after more training."
    ),
)


if __name__ == "__main__":
    from benchmarks.suites.command import run_suite

    run_suite("memorize")
