"""Which image generator is best on coloured shapes with a shadow, after the same minutes of one CPU thread?

Offline: 4,000 pictures to learn from, 1,000 to be judged by, drawn here from known factors (kind, hue, size, place,
turn, background), which are in the data set's ``truth`` for who wants to measure them.

Cost: 3 minutes of training and about a minute of judging a run. Expected: no model near the floor in 3 minutes, colours
right before forms; fully connected layers blur edges.
"""

from benchmarks.contracts import Suite
from benchmarks.suites import IMAGE_METRICS, OFFLINE_EXTRACTOR, contestants

SUITE = Suite(
    name="shapes",
    title="Coloured shapes, 32 x 32",
    data="shapes",
    contestants=contestants(
        "gan", "dcgan", "cgan", "wgan-gp", "sngan", "sagan", "biggan", "progan", "stylegan", "stylegan2"
    ),
    metrics=IMAGE_METRICS,
    extractor=OFFLINE_EXTRACTOR,
    count=1000,
    shows="How near each model's samples come to held-out pictures of shapes after the same time of training.",
    cannot=(
        "How models rank with more time: three minutes of one thread are few for colour. The presets' constants were "
        "chosen on digits, and none was tuned on this set. Whether each factor has the right distribution is not "
        "measured."
    ),
)


if __name__ == "__main__":
    from benchmarks.suites.command import run_suite

    run_suite("shapes")
