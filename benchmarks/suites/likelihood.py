"""How many bits does a pixel of a small digit cost?

Offline: digits of 8 x 8 pixels in the 17 grey levels they were measured in, 1,437 to learn from, 360 to be judged by.
Judged are the models themselves, by their own likelihood; bounds are called bounds. Two references that know next to
nothing are entered with every run: all levels alike (log2 17 = 4.09 bits), and each pixel by itself (about 2.41).

Cost: 3 minutes of training and seconds of judging a run. Expected: all between 1.5 and 2.2 bits, autoregressive models
ahead of flows and bounds; a model above 2.41 has learned nothing about neighbours.
"""

from benchmarks.contracts import Suite
from benchmarks.suites import OFFLINE_EXTRACTOR, contestants

SUITE = Suite(
    name="likelihood",
    title="Bits a pixel value of digits, 8 x 8, 17 grey levels",
    data="digits8",
    contestants=contestants("vae", "s-vae", "pixelrnn", "pixelcnn", "gated-pixelcnn", "realnvp", "glow"),
    metrics=("likelihood",),
    extractor=OFFLINE_EXTRACTOR,
    count=360,
    judge="likelihood",
    looks_for_copies=False,
    outsiders={
        "independent-pixels": "benchmarks.references:independent_pixels",
        "uniform": "benchmarks.references:uniform",
    },
    shows=(
        "How well each model predicts held-out digits, in bits a pixel value, beside two references: 'uniform' holds "
        "all levels for alike, 'independent-pixels' knows how often each pixel has each level, and nothing of "
        "neighbours."
    ),
    cannot=(
        "How samples look: a model may have a good likelihood and poor samples, or the reverse (arXiv:1511.01844). A "
        "bound ('lower_bound' in the scorecard) says that the model is at least so good."
    ),
)


if __name__ == "__main__":
    from benchmarks.suites.command import run_suite

    run_suite("likelihood")
