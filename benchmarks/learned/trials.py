"""What is trained, and what must come out of it: every threshold, in one place.

A check is of two sorts. Most are of what is learned: the untrained model fails them, and a test says so of every line.
Those of ``BOUND`` hold by construction and must go on holding.
"""

from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Literal

from genbench.errors import BadInput


@dataclass(frozen=True)
class Threshold:
    """When a number is good enough.

    Attributes:
        measure: a name in ``checks.MEASURES``.
        limit: the worst value that passes.
        better: "lower" or "higher".
        section: of the zoo's recipes, which sets it.
        is_bound: it holds untrained too.
    """

    measure: str
    limit: float
    better: Literal["lower", "higher"]
    section: str
    is_bound: bool = False

    def passes(self, value: float) -> bool:
        """Whether ``value`` is at the limit or better; what is not finite is not."""
        return isfinite(value) and (value <= self.limit if self.better == "lower" else value >= self.limit)


@dataclass(frozen=True)
class Trial:
    """A model to train and to check.

    Attributes:
        model: name in the zoo's table.
        preset: of the model, with variants.
        thresholds: of its checks.
        checkpoints: how many the run keeps.
    """

    model: str
    preset: str
    thresholds: tuple[Threshold, ...]
    checkpoints: int = 8

    @property
    def name(self) -> str:
        """As the command line takes it: "gan:ring+minimax"."""
        return f"{self.model}:{self.preset}"


def _at_most(measure: str, limit: float, section: str) -> Threshold:
    return Threshold(measure, limit, "lower", section)


def _at_least(measure: str, limit: float, section: str) -> Threshold:
    return Threshold(measure, limit, "higher", section)


def _bits(limit: float, section: str) -> Threshold:
    return _at_most("bits a dimension", limit, section)


def _agreement(limit: float, section: str) -> Threshold:
    return _at_least("class agreement", limit, section)


NEAR_THE_FLOOR = _at_most("distance over the mean image's", 1 / 3, "5")
COVERAGE = _at_least("classes covered", 0.8, "5")
IMAGES = (_at_most("distance ratio", 0.35, "5"), NEAR_THE_FLOOR, COVERAGE)
IMAGES_LOOSELY = (_at_most("distance ratio", 0.5, "5.1"), NEAR_THE_FLOOR, COVERAGE)
RING = (
    _at_least("modes covered", 8, "13.8"),
    _at_least("high-quality share", 0.6, "13.8"),
    _at_least("gain of averaging", 0.01, "13.8"),
)
UNIT_BOUND = Threshold("singular values from 1", 0.05, "lower", "5.4", is_bound=True)
CLAMP_BOUND = Threshold("singular values over the bound", 1.05, "lower", "5.4", is_bound=True)
TRADE = _at_least("precision for recall by psi", 0.02, "7.2")
COMPONENTS = _at_most("error over principal components'", 1.0, "10.1")
FAIR_SAMPLES = _at_most("distance ratio", 0.6, "10.2")
NORMAL = _at_most("latents from standard normal", 0.1, "12.1")
RING_CHECKPOINTS = 20  # the last five are then the last fifth of the run

TRIALS: dict[str, Trial] = {
    trial.name: trial
    for trial in (
        Trial("gan", "small", IMAGES_LOOSELY),
        Trial("gan", "ring", RING, RING_CHECKPOINTS),
        Trial("gan", "ring+minimax", RING, RING_CHECKPOINTS),
        Trial("dcgan", "small", IMAGES),
        Trial("dcgan", "small+r1", IMAGES),
        Trial("dcgan", "small+gradnorm", IMAGES),
        Trial(
            "cgan",
            "small",
            (
                *IMAGES,
                _agreement(0.85, "6.2"),
                _at_least("variety within classes", 0.3, "6.2"),
            ),
        ),
        Trial("wgan", "small", (*IMAGES_LOOSELY, _at_least("fall of the Wasserstein estimate", 0.6, "5.2"))),
        Trial("wgan-gp", "small", (*IMAGES, _at_most("critic's slope from 1", 0.2, "5.3"))),
        Trial("wgan-gp", "ring", (RING[0], RING[2]), RING_CHECKPOINTS),
        Trial("sngan", "small", (*IMAGES, UNIT_BOUND)),
        # "clamp" has no bound to hold: it lowers the first singular value, and the second may exceed it
        Trial("sngan", "small+clamp", IMAGES),
        Trial("sngan", "small+clamp-all", (*IMAGES, CLAMP_BOUND)),
        Trial("sngan", "small+sn-regularisation", IMAGES),
        Trial(
            "sagan", "small", (*IMAGES, _agreement(0.8, "6.4"), _at_least("attention used", 0.01, "6.4"), UNIT_BOUND)
        ),
        Trial("biggan", "small", (*IMAGES, _agreement(0.8, "6.5"), _at_least("order under truncation", 0.8, "6.5"))),
        Trial("progan", "small", IMAGES),
        Trial("stylegan", "small", (*IMAGES, TRADE)),
        Trial("stylegan2", "small+pathless", IMAGES),
        Trial("stylegan2", "small", (*IMAGES, _at_most("spread of path lengths over pathless", 0.85, "7.3"))),
        Trial(
            "cogan",
            "small",
            (
                *IMAGES,
                _at_most("distance ratio, second domain", 0.35, "9.1"),
                _at_most("pair error over shuffled", 0.5, "9.1"),
            ),
        ),
        Trial(
            "3d-gan",
            "small",
            (
                _at_least("connected share", 0.9, "9.2"),
                _at_least("overlap with the nearest real", 0.5, "9.2"),
                _at_most("occupancy's distance", 0.2, "9.2"),
                _at_least("classes covered", 4 / 6, "9.2"),
            ),
        ),
        Trial("autoencoder", "small", (COMPONENTS, _at_least("gain of a linear probe", 0.1, "13.11"))),
        Trial("autoencoder", "small+line", (COMPONENTS,)),
        Trial("vae", "small", (_bits(2.25, "10.2"),)),
        Trial("vae", "digits32", (FAIR_SAMPLES,)),
        Trial("s-vae", "small", (_bits(2.25, "10.3"),)),
        Trial("s-vae", "digits32", (FAIR_SAMPLES,)),
        Trial("vae-gan", "small", (*IMAGES_LOOSELY,)),
        Trial(
            "vq-vae-2",
            "small",
            (
                _at_most("error over the mean image's", 0.25, "10.5"),
                _at_least("codebook used", 0.25, "10.5"),
                _at_most("distance ratio", 0.35, "5"),  # untrained networks differ from each other by more than .6
            ),
        ),
        Trial("pixelcnn", "small", (_bits(2.0, "11.2"), FAIR_SAMPLES)),
        Trial(
            "gated-pixelcnn",
            "small",
            (
                _bits(2.0, "11.3"),
                _at_least("right class likelier", 0.85, "11.3"),
                _at_least("classified by likelihood", 0.85, "11.3"),
                _agreement(0.8, "11.3"),
            ),
        ),
        Trial("pixelrnn", "small", (_bits(2.1, "11.1"), FAIR_SAMPLES)),
        Trial("pixelrnn", "small+row", (_bits(2.1, "11.1"), FAIR_SAMPLES)),
        Trial("realnvp", "small", (_bits(2.434, "12.1"), NORMAL, FAIR_SAMPLES)),
        Trial("glow", "small", (_bits(2.434, "12.2"), NORMAL, FAIR_SAMPLES)),
    )
}


def choose_trials(names: str | None, preset: str = "small") -> list[Trial]:
    """Return the trials of "gan,sngan:small+clamp" (None: all), "small" in their presets replaced by ``preset``.

    A model's name alone stands for all trials of it.

    Raises:
        BadInput: if a name is of no trial.
    """
    wanted = [name.strip() for name in names.split(",")] if names else list(TRIALS)
    chosen: dict[str, Trial] = {}
    for name in wanted:
        of_name = {key: trial for key, trial in TRIALS.items() if name in (key, trial.model)}
        if not of_name:
            raise BadInput(
                f"--models {name!r}: no such trial; expected a model or one of {', '.join(TRIALS)}, got {name!r}."
            )
        chosen |= of_name
    return [_with_preset(trial, preset) for trial in chosen.values()]


def folder_of(home: Path, model: str, preset: str, seed: int) -> Path:
    """Return the folder of a run among those in ``home``."""
    return home / f"{model}-{preset}-{seed}"


def _with_preset(trial: Trial, preset: str) -> Trial:
    base, plus, variants = trial.preset.partition("+")
    return replace(trial, preset=f"{preset}{plus}{variants}") if base == "small" else trial
