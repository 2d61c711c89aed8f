"""Did the model copy its training set? Pairs of pictures, a calibrated false-positive rate, and a verdict.

Every training picture is searched for each judged one, in pixels and in the features of networks, mirrored and shifted.
The same search is made for held-out pictures, which cannot be copies: a p-value says how rarely they come as near.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from genbench.analyses.copy_power import Plan, power_curve
from genbench.analyses.copy_search import TRANSFORMS, Evidence, Looks, TrainingSet, look_at
from genbench.analyses.copy_verdict import Judged, check_alpha, find_leaks, judge, refuse_too_few
from genbench.contracts import Extractor, Pixels, Score, Watch
from genbench.errors import BadInput, GenbenchError
from genbench.evaluate import Run, describe, extract_sides, look, make_score, open_run, survey_sides
from genbench.features import EXTRACTORS, open_extractor
from genbench.features.extract import recall
from genbench.features.runtime import Setup
from genbench.features.store import default_cache
from genbench.features.survey import Survey, read_images, survey
from genbench.features.weights import find, published, weights_folder
from genbench.images.decode import decode
from genbench.metrics import METRICS
from genbench.report.memorization import Leak, Memorization, Picture, Source, verdict_words
from genbench.report.memorization_page import PairOfPictures, draw_memorization
from genbench.report.write import write_text
from genbench.request import Request, make_request
from genbench.sources.mirrored import MirroredSource
from genbench.stats.exchangeable import lower_bound, needed_for, upper_bound

PIXELS, QUARTERS = "pixels", "quarters"  # always searched
USUAL = "efficientnet-lite0"
WHERE_THERE = "inception", "dinov2-l14"  # searched too if their weights are on this machine
FILES = "memorization.json", "images.csv", "index.html"
OF_THE_SET = "ct", "authpct", "fld", "mifid", "nn"
IN_GALLERY = 60  # pairs


def memorization(
    *,
    fake: Any,
    train: Any,
    test: Any = None,
    alpha: float = 0.01,
    spaces: Sequence[str] | str | None = None,
    power: bool = False,
    out: Path | str | None = None,
    request: Request | None = None,
    watch: Watch | None = None,
    **options: Any,
) -> Memorization:
    """Look for training pictures among those of a model.

    Args:
        fake: the judged pictures, as ``genbench.score`` takes them.
        train: all pictures that the model was trained on, likewise.
        test: pictures of the same kind that it was not trained on; None: training pictures stand in, each searched
            among the others.
        alpha: false-positive rate of a flag, below 1 / 3.
        spaces: extractors; None: efficientnet-lite0, and Inception and DINOv2 where their weights are. Pixels and
            their quarters are always searched; "pixels" searches nothing else.
        power: plant copies among the held-out pictures, and tell what the verdict and other detectors see of them.
        out: folder for memorization.json, images.csv and index.html, which is made if need be.
        request: seed, device, weights ...; ``count`` is of the judged pictures alone, and a generator needs it. Or give
            its fields as keywords.
        watch: told of progress.
        **options: fields of ``Request``.

    Returns:
        A ``Memorization``: ``.is_copied``, ``.words``, ``.images``; ``.to_pandas()``, ``.to_json()``.

    Raises:
        NotEnoughImages: with fewer honest pictures than 1 / alpha - 1.
        GenbenchError: before any work, if an input cannot be used.
    """
    if "extractor" in options:
        raise BadInput(
            f"memorization: searches several spaces; expected spaces=, got extractor={options['extractor']!r}."
        )
    request = make_request(options) if request is None else request
    check_alpha(alpha)
    networks = choose_networks(spaces, request)
    folder = None if out is None else prepare_folder(Path(out))
    first = networks[0] if networks else PIXELS
    plain = replace(request, metrics=("nn",), extractor=first, protocol=None, parameters={}, floor=False)
    with open_run(plain, watch) as run:
        check = _Check(run, _open_networks(run, networks), alpha, is_usual=spaces is None)
        check.survey({"fake": fake, "train": train} | ({} if test is None else {"real": test}), needs_halves=power)
        found = check.find(with_power=power)
        if folder is not None:
            _write(found, check, folder)
    return found


def choose_networks(spaces: Sequence[str] | str | None, request: Request) -> list[str]:
    """Return the extractors to search beside pixels; raises ``UnknownName`` for one that there is not."""
    if spaces is None:
        folder = weights_folder(request.cache or default_cache())
        there = [name for name in WHERE_THERE if find(published(name), folder) is not None]
        return [USUAL, *there]
    names = spaces.split(",") if isinstance(spaces, str) else spaces
    chosen = [name for name in dict.fromkeys(one.strip() for one in names) if name not in ("", PIXELS, QUARTERS)]
    for name in chosen:
        if name.partition(":")[0] not in EXTRACTORS and ":" not in name and not Path(name).exists():
            EXTRACTORS.get(name)
    return chosen


def prepare_folder(folder: Path) -> Path:
    """Make the folder of the report; raises ``BadInput`` if it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--out: no folder can be made at {folder}; expected room and rights, got {error}.") from error
    return folder


@dataclass
class _Check:
    """One run: the sides, what is seen of them, and what comes of it."""

    run: Run
    networks: Mapping[str, Extractor]
    alpha: float
    is_usual: bool

    def survey(self, given: Mapping[str, Any], *, needs_halves: bool) -> None:
        """Stages 1 to 3: look at every file, then run the networks; ``count`` is of the judged pictures alone."""
        whole = replace(self.run, request=replace(self.run.request, count=None))
        others = {side: thing for side, thing in given.items() if side != "fake"}
        self.parts = survey_sides(self.run, {"fake": given["fake"]}) | survey_sides(whole, others)
        honest, option = ("real", "--test") if "real" in self.parts else ("train", "--train")
        refuse_too_few(len(self.parts[honest].entries), self.alpha, option)
        if needs_halves:
            _refuse_no_halves(self.parts, self.alpha)
        layers = ["pooled"] if self.networks else []  # without any the images of a generator are drawn and hashed
        for extractor in self.networks.values() or [self.run.extractor]:
            extract_sides(self.run, self.parts, dict.fromkeys(self.parts, layers), extractor)
        self.queries = "fake", honest
        self.mirrored = {side: self._mirror(self.parts[side]) for side in self.queries} if self.networks else {}
        for extractor in self.networks.values():
            extract_sides(self.run, self.mirrored, {side: ["pooled"] for side in self.mirrored}, extractor)

    def find(self, *, with_power: bool) -> Memorization:
        """Search, calibrate, judge."""
        watch = self.run.watch
        watch.start("search", len(self.parts))
        training = TrainingSet(self._looks("train"))
        watch.advance(1)
        others = self._looks(self.queries[1])
        honest = training.search(others, is_self=self.queries[1] == "train")
        watch.advance(1)
        leaks = find_leaks(honest)
        self.judged = judge(training.search(self._looks("fake")), honest.take(~leaks), self.alpha)
        watch.advance(1)
        watch.finish()
        found = self._record(honest.take(leaks), int((~leaks).sum()))
        if with_power:
            plan = Plan(alpha=self.alpha, seed=self.run.request.seed)
            curve = power_curve(training, others, self.read, self.networks, plan, watch, evidence=honest)
            found = found.model_copy(update={"power": curve})
        return found

    def read(self, side: str, places: Sequence[int]) -> list[Pixels]:
        """Return the pictures at ``places`` of a side."""
        part, order = self.parts[side], sorted(set(places))
        found = dict(zip(order, map(decode, part.source.read([part.entries[i] for i in order])), strict=True))
        return [found[i] for i in places]

    @cached_property
    def names(self) -> dict[str, list[str]]:
        """Side -> names of its pictures, printable."""
        return {side: [_printable(entry.name) for entry in part.entries] for side, part in self.parts.items()}

    def _mirror(self, part: Survey) -> Survey:
        source = MirroredSource(part.source, part.entries)
        return survey(source, source.entries(), self.run.store, self.run.watch, verify=self.run.request.verify)

    def _looks(self, side: str) -> Looks:
        parts = [self.parts[side], *([self.mirrored[side]] if side in self.mirrored else [])]
        features = {
            name: [recall(part, extractor, self.run.store, ["pooled"]).pooled for part in parts]
            for name, extractor in self.networks.items()
        }
        return look_at(read_images(self.parts[side]), features, self.names[side])

    def _describe_set(self) -> tuple[list[Score], list[str]]:
        """Return what metrics of the whole set say, and why some say nothing."""
        if "real" not in self.parts or not self.networks:
            lacking = "--test" if self.networks else "a network's features"
            return [], [f"{', '.join(OF_THE_SET)}: not computed, as they need {lacking}."]
        run, refusals, scores = self.run, list[str](), list[Score]()
        records = tuple(METRICS.get(name) for name in OF_THE_SET)
        run.request = replace(run.request, metrics=OF_THE_SET)
        run.views = [replace(run.views[0], metrics=records)]
        pair = look(run, run.views[0], self.parts, records)
        run.watch.start("metrics of the set", len(records))
        for record in records:
            try:
                score = make_score(run, record, pair)
                scores.append(score.model_copy(update={"fake": self.parts["fake"].source.name}))
            except GenbenchError as refusal:
                refusals.append(str(refusal))
            run.watch.advance(1)
        run.watch.finish()
        return scores, refusals

    def _record(self, left_out: Evidence, n_calibration: int) -> Memorization:
        judged, parts = self.judged, self.parts
        flagged = int(judged.flagged.sum())
        count = judged.evidence.count
        sources = {side: part.describe() for side, part in parts.items()}
        facts = {name: dict(extractor.facts) for name, extractor in self.networks.items()}
        scores, refusals = self._describe_set()
        found = Memorization(
            fake=parts["fake"].source.name,
            train=parts["train"].source.name,
            test=parts["real"].source.name if "real" in parts else None,
            alpha=self.alpha,
            spaces=list(judged.evidence.spaces),
            not_searched=[name for name in WHERE_THERE if self.is_usual and name not in self.networks],
            n_fake=count,
            n_train=len(parts["train"].entries),
            n_calibration=n_calibration,
            is_copied=judged.is_copied,
            words=[],
            exact=int((judged.evidence.twin >= 0).sum()),
            near=int((find_leaks(judged.evidence) & (judged.evidence.twin < 0)).sum()),
            flagged=flagged,
            flagged_share=flagged / count,
            flagged_bounds=(lower_bound(flagged, count, 0.975), upper_bound(flagged, count, 0.975)),
            close_share=judged.share,
            close_bounds=judged.bounds,
            close_chance=judged.chance,
            leaks=_leaks(left_out, self.names["train"]),
            sources=[],
            scores=scores,
            notes=[note for part in parts.values() for note in part.source.notes] + refusals,
            images=_pictures(judged, self.names),
            provenance=describe(self.run, sources) | {"spaces": facts},
        )
        found = found.model_copy(update={"sources": _sources(found)})
        return found.model_copy(update={"words": verdict_words(found)})


def _refuse_no_halves(parts: Mapping[str, Survey], alpha: float) -> None:
    count, needed = len(parts["real"].entries) if "real" in parts else 0, 2 * needed_for(alpha)
    if count < needed:
        raise BadInput(
            f"--power: plants copies among one half of --test and calibrates by the other; expected at least {needed} "
            f"held-out pictures for alpha = {alpha:g}, got {count}. Give more."
        )


def _open_networks(run: Run, names: Sequence[str]) -> dict[str, Extractor]:
    setup = Setup(run.place, watch=run.watch)
    return {
        name: run.extractor
        if name == run.request.extractor
        else open_extractor(name, replace(setup, weights=run.request.weights_of(name)))
        for name in names
    }


def _pictures(judged: Judged, names: Mapping[str, Sequence[str]]) -> list[Picture]:
    evidence, found = judged.evidence, []
    for i, column in enumerate(np.maximum(judged.space, 0).tolist()):
        found.append(
            Picture(
                image=names["fake"][i],
                nearest=names["train"][judged.nearest[i]],
                space="exact" if judged.space[i] < 0 else evidence.spaces[column],
                distance=evidence.distance[i, column],
                calibrated=evidence.calibrated[i, column],
                local=evidence.local[i, column],
                transform=describe_transform(int(evidence.transform[i, column])),
                patch_max=evidence.patch_max[i],
                hash_bits=int(evidence.hash_bits[i]),
                p_value=judged.p_value[i],
                q_value=judged.q_value[i],
                flagged=bool(judged.flagged[i]),
            )
        )
    return found


def describe_transform(row: int) -> str:
    """Return a row of ``TRANSFORMS`` in words: "mirrored, 1 px up"; "none"."""
    is_mirrored, down, right = TRANSFORMS[row]
    words = ["mirrored"] if is_mirrored else []
    words += [f"1 px {'up' if down > 0 else 'down'}"] if down else []
    words += [f"1 px {'left' if right > 0 else 'right'}"] if right else []
    return ", ".join(words) or "none"


def _leaks(left_out: Evidence, train: Sequence[str]) -> list[Leak]:
    return [
        Leak(
            image=name,
            train=train[left_out.twin[i] if left_out.twin[i] >= 0 else left_out.nearest[i, 0]],
            is_exact=bool(left_out.twin[i] >= 0),
            hash_bits=int(left_out.hash_bits[i]),
            calibrated=left_out.calibrated[i, 0],
        )
        for i, name in enumerate(left_out.names)
    ]


def _sources(found: Memorization) -> list[Source]:
    met: dict[str, list[str]] = defaultdict(list)
    for picture in found.by_evidence():
        met[picture.nearest].append(picture.image)
    ordered = sorted(met.items(), key=lambda item: -len(item[1]))
    return [Source(train=name, times=len(images), images=images) for name, images in ordered]


def _write(found: Memorization, check: _Check, folder: Path) -> None:
    """Write the record, the table and the gallery."""
    place = {name: i for i, name in enumerate(check.names["fake"])}
    shown = found.by_evidence()[:IN_GALLERY]
    rows = [place[one.image] for one in shown]
    mine = check.read("fake", rows)
    theirs = check.read("train", check.judged.nearest[rows].tolist())
    pairs = [PairOfPictures(*both) for both in zip(shown, mine, theirs, strict=True)]
    texts = found.to_json() + "\n", found.to_csv(), draw_memorization(found, pairs)
    for name, text in zip(FILES, texts, strict=True):
        write_text(folder / name, text, "--out")


def _printable(name: str) -> str:
    """Return a file name with bytes that are no UTF-8 written out: columns of text hold only UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
