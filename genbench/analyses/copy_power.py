"""What detectors of copies are worth on the user's own pictures, by copies planted where there are none.

Held-out pictures are split at random, again and again: one half calibrates, the other stands for what an honest model
makes. In it a share gives way to copies of training pictures, of every kind; how often a detector notices is its power.
Sets without copies, among them some that look copied, say how often it cries wolf.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu, t

from genbench.analyses.copy_detectors import COMPARING, DETECTORS, PER_PICTURE, SLOW, Pool
from genbench.analyses.copy_planting import Planted, Planter, Read
from genbench.analyses.copy_search import Evidence, Looks, TrainingSet
from genbench.analyses.copy_traps import mode_shrunk
from genbench.analyses.copy_verdict import Judged, check_alpha, decide, find_leaks, judge
from genbench.contracts import Extractor, Silence, Watch
from genbench.errors import BadInput, NotEnoughImages
from genbench.images.copies import COPIES, find_copies
from genbench.report.power import CLEAN, VERDICT, Alarm, Area, PowerCurve, Trial
from genbench.seeds import generator
from genbench.stats.exchangeable import needed_for

SHARES = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
REPETITIONS = 20
PLANTED_SLOWLY = 3  # repetitions in which copies are planted for detectors that are slow
MOST = 2000  # held-out pictures looked at
SHRUNK, BLURRED = "mode-shrunk", "blurred"
SOURCES = CLEAN, SHRUNK, BLURRED
FITTED = 2000  # training pictures that fld fits its density to
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Set = tuple[str, int]  # kind of the copies, or source without any; how many copies are planted


@dataclass(frozen=True)
class Plan:
    """What to try; checked when it is made.

    Attributes:
        alpha: false-positive rate that detectors are set to.
        kinds: ids in ``COPIES``.
        shares: of copies in a set.
        repetitions: splits of the held-out pictures.
        detectors: of whole sets, some of ``DETECTORS``, beside the verdict.
        most: held-out pictures looked at.
        seed: of all that is drawn.
    """

    alpha: float = 0.01
    kinds: Sequence[str] = tuple(COPIES)
    shares: Sequence[float] = SHARES
    repetitions: int = REPETITIONS
    detectors: Sequence[str] = DETECTORS
    most: int = MOST
    seed: int = 0

    def __post_init__(self) -> None:
        check_alpha(self.alpha)
        find_copies(self.kinds)
        if not self.shares or not all(0 < share < 1 for share in self.shares):
            raise BadInput(f"power: shares of copies; expected some above 0 and below 1, got {list(self.shares)}.")
        if self.repetitions < 2 or not set(self.detectors) <= set(DETECTORS):
            raise BadInput(
                f"power: repetitions or detectors; expected 2 or more, and some of {', '.join(DETECTORS)}, got "
                f"{self.repetitions} and {', '.join(self.detectors)}."
            )


def power_curve(
    training: TrainingSet,
    honest: Looks,
    read: Read,
    networks: Mapping[str, Extractor],
    plan: Plan | None = None,
    watch: Watch | None = None,
    *,
    evidence: Evidence | None = None,
) -> PowerCurve:
    """Plant copies of training pictures among held-out ones, and say what detectors make of it.

    The verdict is that of ``copy_verdict.judge``. A detector of whole sets notices where its value on the set, less
    that on the calibrating half (C_T, which compares the two itself, as it is), is below what such differences are
    without copies: by Student's t, with the root mean square of the other splits. So its nominal false-positive rate is
    alpha on held-out pictures.

    Args:
        training: the training set, ready to be searched.
        honest: held-out pictures as queries, with features of them and of their mirror images. Near duplicates of
            training pictures are left out.
        read: returns the pictures at some places of "train" or of "real", the held-out ones.
        networks: extractor name -> extractor, those of ``training.spaces``.
        plan: what to try.
        watch: told of progress.
        evidence: on all of ``honest``, where it was found already.

    Returns:
        A ``PowerCurve``; ``report.power.power_tables`` draws it.

    Raises:
        NotEnoughImages: if a half of the held-out pictures cannot calibrate alpha.
    """
    plan, watch = plan or Plan(), watch or Silence()
    evidence = training.search(honest) if evidence is None else evidence
    places = _choose(evidence, plan)
    half = len(places) // 2
    number = max(1, round(max(plan.shares) * half))
    planter = Planter(training, read, networks, watch)
    planted = planter.plant(honest, evidence, places, find_copies(plan.kinds), number=number, seed=plan.seed)
    study = _Study(plan, planted, planter.rows_of(training.looks))
    watch.start("power", plan.repetitions)
    for repetition in range(plan.repetitions):
        study.repeat(repetition)
        watch.advance(1)
    watch.finish()
    return study.record()


def _choose(evidence: Evidence, plan: Plan) -> Integers:
    """Return the places of held-out pictures to look at, without near duplicates of training pictures."""
    places = np.flatnonzero(~find_leaks(evidence))
    needed = 2 * needed_for(plan.alpha)
    if min(len(places), plan.most) < needed:
        raise NotEnoughImages(
            f"--power: too few held-out pictures for halves that calibrate alpha = {plan.alpha:g}; expected at least "
            f"{needed} without copies of training pictures, got {min(len(places), plan.most)}. Give more --test, or a "
            "larger --alpha."
        )
    return np.sort(generator(plan.seed, "power").permutation(places)[: plan.most])


class _Study:
    """Splits the held-out pictures again and again, and keeps what detectors made of the sets.

    Args:
        plan: what to try.
        planted: the pictures that sets are made of.
        train: features of the training set in the space of ``planted``, [l, d].
    """

    def __init__(self, plan: Plan, planted: Planted, train: NDArray[np.float32]) -> None:
        self._plan, self._planted = plan, planted
        self._half = len(planted.honest) // 2
        self._counts = sorted({round(share * self._half) for share in plan.shares} - {0})
        others = np.setdiff1d(np.arange(len(train)), planted.copied)
        more = generator(plan.seed, "fitted").permutation(others)[
            : max(FITTED - len(planted.copied), len(planted.copied))
        ]
        self._pool = Pool(planted.rows, train, np.sort(np.concatenate([planted.copied, more])))
        self._sizes: dict[Set, list[int]] = defaultdict(list)
        self._verdicts: dict[Set, list[bool]] = defaultdict(list)
        self._gaps: dict[str, dict[Set, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._flagged: dict[str, list[float]] = defaultdict(list)
        self._areas: dict[str, list[float]] = defaultdict(list)

    def repeat(self, repetition: int) -> None:
        """Split once more, and let every detector look at every set."""
        order = generator(self._plan.seed, "split", repetition).permutation(self._planted.honest)
        calibration, clean = order[: self._half], order[self._half : 2 * self._half]
        evidence = self._planted.evidence
        judged = judge(evidence, evidence.take(calibration), self._plan.alpha)  # each picture by itself
        sets = self._sets(clean, repetition)
        for name, chosen in sets.items():
            self._sizes[name].append(len(chosen))
            self._verdicts[name].append(
                decide(judged.evidence.twin[chosen] >= 0, judged.is_close[chosen], self._plan.alpha)
            )
        self._judge_pictures(judged, clean, sets)
        for detector in self._plan.detectors:
            honest = 0.0 if detector in COMPARING else self._pool.value(detector, calibration, clean)
            for name, chosen in sets.items():
                if name == (CLEAN, 0) or detector not in SLOW or repetition < PLANTED_SLOWLY:
                    self._gaps[detector][name].append(self._pool.value(detector, chosen, calibration) - honest)

    def record(self) -> PowerCurve:
        """Return what came of it."""
        plan, planted = self._plan, self._planted
        fired = {VERDICT: dict(self._verdicts)} | {name: self._fired(name) for name in plan.detectors}
        trials, alarms = [], []
        for detector, sets in fired.items():
            for (name, number), hits in sets.items():
                count, times = round(np.mean(self._sizes[name, number])), len(hits)
                if number:
                    place = {"detector": detector, "kind": name}
                    trials.append(Trial(**place, planted=number, count=count, detected=sum(hits), repetitions=times))
                else:
                    place = {"detector": detector, "source": name}
                    alarms.append(Alarm(**place, count=count, fired=sum(hits), repetitions=times))
        return PowerCurve(
            alpha=plan.alpha,
            spaces=list(planted.evidence.spaces),
            space=planted.space,
            n_train=len(self._pool.train),
            n_calibration=self._half,
            n_fake=self._half,
            repetitions=plan.repetitions,
            trials=trials,
            alarms=alarms,
            areas=self._all_areas(),
            flagged={source: float(np.mean(shares)) for source, shares in self._flagged.items() if source in SOURCES},
            left_out=[share for share in plan.shares if not round(share * self._half)],
            notes=self._notes(),
        )

    def _sets(self, clean: Integers, repetition: int) -> dict[Set, Integers]:
        """Return (kind or source, copies planted) -> the pictures of that set; of a kind, each set within the next."""
        planted, seed = self._planted, self._plan.seed
        place = np.searchsorted(planted.honest, clean)
        sets = {
            (CLEAN, 0): clean,
            (SHRUNK, 0): clean[mode_shrunk(planted.rows[clean], seed=seed)],
            (BLURRED, 0): planted.blurred[place],
        }
        for kind, copies in planted.copies.items():
            mixed = generator(seed, "planted", kind, repetition).permutation(copies)
            sets |= {(kind, number): np.concatenate([mixed[:number], clean[number:]]) for number in self._counts}
        return sets

    def _judge_pictures(self, judged: Judged, clean: Integers, sets: Mapping[Set, Integers]) -> None:
        """Keep the share of flagged pictures, and how p-values (0: equal pixels) order copies and honest pictures."""
        evidence = np.where(judged.evidence.twin >= 0, 0.0, judged.p_value)
        for name in SOURCES:
            self._flagged[name].append(float(judged.flagged[sets[name, 0]].mean()))
        for kind, copies in self._planted.copies.items():
            self._flagged[kind].append(float(judged.flagged[copies].mean()))
            self._areas[kind].append(_area(evidence[copies], evidence[clean]))

    def _fired(self, detector: str) -> dict[Set, list[bool]]:
        gaps = {name: np.array(of_set) for name, of_set in self._gaps[detector].items()}
        return {name: below_chance(of_set, gaps[CLEAN, 0], self._plan.alpha) for name, of_set in gaps.items()}

    def _all_areas(self) -> list[Area]:
        planted = self._planted
        areas = [
            Area(detector=VERDICT, kind=kind, auroc=float(np.mean(found)), recall=float(np.mean(self._flagged[kind])))
            for kind, found in self._areas.items()
        ]
        for detector in self._plan.detectors:
            if detector in PER_PICTURE:
                values = self._pool.per_picture[detector]
                areas += [
                    Area(detector=detector, kind=kind, auroc=_area(values[copies], values[planted.honest]))
                    for kind, copies in planted.copies.items()
                ]
        return areas

    def _notes(self) -> list[str]:
        notes = [
            "verdict: by its own rule, far stricter than alpha. The others look at whole sets, by "
            f"{self._planted.space}, and fire well below their value on the calibrating half, by Student's t at alpha; "
            "they also react to blur and to lost variety, as the traps show"
        ]
        slow = [name for name in self._plan.detectors if name in SLOW]
        if slow:
            notes.append(
                f"{', '.join(slow)}: copies and traps in {min(PLANTED_SLOWLY, self._plan.repetitions)} splits only, by "
                f"{len(self._pool.fitted)} training pictures"
            )
        undefined = [name for name, sets in self._gaps.items() if np.isnan(np.concatenate(list(sets.values()))).any()]
        if undefined:
            notes.append(
                f"{', '.join(undefined)}: undefined for some sets, as pictures are few; it does not fire there"
            )
        return notes


def below_chance(gaps: Floats, clean: Floats, alpha: float) -> list[bool]:
    """Return which gaps are below what chance makes of sets without copies, at level ``alpha``.

    Args:
        gaps: of the sets of some splits, the first ones, [r]; NaN is not below.
        clean: of sets without copies, of mean 0, one a split, [R]; r <= R. Each gap goes by those of other splits.
        alpha: one-sided.
    """
    squares = np.square(clean)
    spread = np.sqrt((squares.sum() - squares) / (len(clean) - 1))
    limit = float(t.ppf(alpha, len(clean) - 1)) * spread
    return [bool(gap < least) for gap, least in zip(gaps, limit, strict=False)]


def _area(copies: Floats, honest: Floats) -> float:
    """Return the share of pairs in which the copy has the smaller number, ties one half."""
    return float(mannwhitneyu(honest, copies).statistic) / (len(copies) * len(honest))
