"""How many modes of a known mixture does a generator reach, and how evenly?

Offline, three data sets side by side: eight Gaussians on a ring, 25 on a grid, and three digits stacked as colours,
1,000 modes that a classifier of digits tells apart. 5,000 samples each.

Cost: a minute of training a run on points, three on stacked digits, seconds of judging (the classifier: half a minute).
Expected: all 8 modes of the ring, the minimax loss later or not at all; most of the 25, with less high quality; a DCGAN
some hundreds of the 1,000, of which 5,000 perfect samples would reach about 993.
"""

from benchmarks.contracts import Suite
from benchmarks.suites import OFFLINE_EXTRACTOR, contestants

METRICS = ("mode-distance", "modes", "high-quality", "mode-divergence")
OF_POINTS = contestants("gan:ring", "gan:ring+minimax", "wgan-gp:ring", "realnvp:ring")
SHOWS = (
    "How far samples are from equally frequent modes (total variation, which ranks; poor samples count as wrong); "
    "how many modes have a sample of high quality, the share of such samples, and how far the modes of these are from "
    "equally frequent (KL divergence in nats)."
)
LAST = (
    "Adversarial training oscillates: these are the averaged weights at the end of a run, not the mean over "
    "checkpoints. "
)


def _of_points(name: str, title: str, data: str, cannot: str) -> Suite:
    return Suite(
        name=name,
        title=title,
        data=data,
        contestants=OF_POINTS,
        metrics=METRICS,
        extractor=OFFLINE_EXTRACTOR,
        count=5000,
        minutes=1.0,
        judge="points",
        looks_for_copies=False,
        shows=SHOWS + " High quality: within 3 standard deviations of a centre, 98.9 % of the mixture's own points.",
        cannot=LAST + cannot,
    )


RING8 = _of_points(
    "modes-ring8", "Eight Gaussians on a ring", "ring8", "Eight modes in the plane say little of images."
)
GRID25 = _of_points("modes-grid25", "25 Gaussians on a grid", "grid25", "The presets were chosen on the ring.")
STACKED = Suite(
    name="modes-stacked",
    title="Three digits stacked as colours, 1,000 modes",
    data="stacked_digits",
    contestants=contestants("gan", "dcgan", "wgan-gp", "sngan"),
    metrics=METRICS,
    extractor=OFFLINE_EXTRACTOR,
    count=5000,
    judge="stacked",
    looks_for_copies=False,
    shows=SHOWS + " High quality: a classifier finds a digit in each colour.",
    cannot=LAST + "The classifier errs on some real digits too, and finds digits where people see none.",
)
SUITES = (RING8, GRID25, STACKED)


if __name__ == "__main__":
    from benchmarks.suites.command import run_suite

    run_suite("modes")
