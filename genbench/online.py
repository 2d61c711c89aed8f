"""Scores while a generator is trained: features are gathered update by update, on every rank, and no image is kept."""

import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench import ranks
from genbench.contracts import Extractor, Features, Metric, Pixels, Scorecard, Watch
from genbench.errors import BadInput, NotEnoughImages
from genbench.evaluate import (
    Run,
    describe,
    extract_sides,
    layers_of,
    make_score,
    open_run,
    survey_sides,
    take_reference,
)
from genbench.features.extract import Tally, no_rows, recall
from genbench.images.check import inspect
from genbench.images.decode import decode
from genbench.images.quantise import as_array, as_pixels, extremes, guess_range
from genbench.request import DEFAULT_EXTRACTOR, make_request
from genbench.stats.gaussian import Gaussian
from genbench.stats.pair import Pair
from genbench.stats.running import RunningMoments, content_order

DEFAULT_METRICS = ("fd", "kd")
KEPT_PER_FEATURE = 5  # rows kept for the standard error where moments are enough for the value
SHOWN_SIZES = 10


class Evaluator:
    """Scores images that a training loop makes against a reference that is looked at once.

    The features of the reference go through the feature store. Images given to ``update`` do not: they are new each
    time. Of them only features are kept; if every metric works from moments (fd alone), mean, covariance and at most
    5 rows a feature, so that memory does not grow. Under ``torch.distributed`` every rank gives its own images, and
    ``compute``, which all ranks call, returns on each the scores of all images; rank 0 goes first through the
    reference.

    The caller's random states, grad mode and networks are left as they are.

    Args:
        real: the reference: a source as ``genbench.score`` takes it, or a statistics file.
        metrics: ids, or one text with commas.
        extractor: name in the table of extractors.
        device: "auto", "cpu", "cuda", "cuda:N"; where the extractor runs, not where the images are.
        seed: of the jackknife blocks.
        output_range: (low, high) of float images; None: (-1, 1) if any value of the first update is below 0, else
            (0, 1), which is noted and stays. uint8 images are taken as they are.
        name: of the judged images in scorecards.
        watch: told of progress with the reference.
        **options: other fields of ``evaluate.Request``: ``cache``, ``runtime``, ``batch_size``, ``weights`` ...;
            ``count`` is of the reference.

    Raises:
        GenbenchError: before any work, if the reference or a metric cannot be used.
    """

    def __init__(
        self,
        real: Any,
        *,
        metrics: Sequence[str] | str = DEFAULT_METRICS,
        extractor: str = DEFAULT_EXTRACTOR,
        device: str = "auto",
        seed: int = 0,
        output_range: tuple[float, float] | None = None,
        name: str = "updates",
        watch: Watch | None = None,
        **options: Any,
    ) -> None:
        request = make_request(options | {"metrics": metrics, "extractor": extractor, "device": device, "seed": seed})
        self._name, self._range, self._notes = name, output_range, list[str]()
        with _left_alone(), ranks.first_rank_first(), open_run(request, watch) as run:
            _refuse_needy(run.metrics)
            _refuse_several_views(run)
            given = {"real": real}
            run.reference = take_reference(run, given)
            self._layers = sorted(
                {metric.layer_in(run.extractor.widths) for metric in run.metrics},
                key=lambda layer: (layer != "pooled", layer),
            )
            self._real, self._real_facts = _reference_features(run, given)
            run.damaged = list(run.store.damaged)
        self._run = run
        self._fitted = _fit(run, self._real)
        self.reset()

    def reset(self) -> None:
        """Forget all images of ``update``; the reference stays."""
        widths, metrics = self._run.extractor.widths, self._run.metrics
        is_bounded = all(
            metric.works_from_moments and not metric.needs_fake_rows for metric in metrics if metric.layer == "pooled"
        )
        self._moments = RunningMoments(widths["pooled"], KEPT_PER_FEATURE * widths["pooled"]) if is_bounded else None
        kept = [layer for layer in self._layers if layer != "pooled" or not is_bounded]
        self._rows: dict[str, list[NDArray[np.float32]]] = {layer: [] for layer in kept}
        self._count, self._seconds = 0, 0.0
        self._sizes, self._conversions = Counter[str](), Counter[str]()

    def update(self, images: Any) -> None:
        """Look at more images of the generator.

        Args:
            images: tensor or array, uint8 or float, [n, 3, h, w] or [n, h, w, 3] (1 channel too); n may be 0.

        Raises:
            BadInput: if they are no such images, or floats outside the range.
        """
        started = time.perf_counter()
        with _left_alone():
            pixels = self._as_pixels(images)
            for image in pixels:
                facts = inspect(image)
                self._sizes[f"{facts.width}x{facts.height}"] += 1
                self._conversions.update(facts.conversions)
            size = self._run.request.batch_size or self._run.extractor.batch_size
            for start in range(0, len(pixels), size):
                self._keep(_features(self._run.extractor, pixels[start : start + size]))
            self._count += len(pixels)
        self._seconds += time.perf_counter() - started

    def compute(self) -> Scorecard:
        """Return the scores of all images since the start or ``reset``; under torch.distributed, of all ranks.

        Raises:
            NotEnoughImages: if a metric needs more.
        """
        started = time.perf_counter()
        with _left_alone():
            count = sum(int(part[0]) for part in ranks.gather(np.array([self._count])))
            self._refuse_too_few(count)
            facts = self._gather_facts()
            features, gaussian = self._gather_features()
            fitted = self._fitted | ({} if gaussian is None else {"fake": gaussian})
            pair = Pair(self._real, features, None, self._run.request.seed, fitted)
            scores = [make_score(self._run, metric, pair) for metric in self._run.metrics]
        self._run.tally["fake"] = Tally(computed=count)
        self._run.seconds |= {"features of updates": self._seconds, "metrics": time.perf_counter() - started}
        sources = {"fake": {"name": self._name, "kind": "online", "count": count, **facts}, "real": self._real_facts}
        return Scorecard(
            fake=self._name,
            real=self._real_facts["name"],
            scores=[score.model_copy(update={"fake": self._name}) for score in scores],
            provenance=describe(self._run, sources) | {"ranks": ranks.world_size()},
        )

    def _as_pixels(self, images: Any) -> NDArray[np.uint8]:
        who = f"{self._name}: update"
        array = as_array(images)
        if array.ndim != 4 or array.dtype.kind not in "fu" or (array.dtype.kind == "u" and array.dtype != np.uint8):
            raise BadInput(
                f"{who}: not a batch of images; expected uint8 or float [n, 3, h, w] or [n, h, w, 3], got "
                f"{array.dtype} {list(array.shape)}. Add the missing axis, or convert them."
            )
        if not len(array):
            return np.empty((0, 1, 1, 3), np.uint8)
        if array.dtype != np.uint8 and self._range is None:
            self._range = guess_range(*extremes(array), who)
            self._notes.append("no output_range given for floats: taken as [{:g}, {:g}]".format(*self._range))
        return as_pixels(array, self._range or (0.0, 1.0), who)

    def _keep(self, outputs: dict[str, NDArray[np.float32]]) -> None:
        if self._moments is not None and "pooled" in self._layers:
            self._moments.add(outputs["pooled"])
        for layer, rows in self._rows.items():
            rows.append(outputs[layer])

    def _refuse_too_few(self, count: int) -> None:
        for metric in self._run.metrics:
            if count < metric.min_count:
                raise NotEnoughImages(
                    f"{metric.name}: too few images; expected at least {metric.min_count} since the last reset, got "
                    f"{count}. Call update with more before compute."
                )

    def _gather_facts(self) -> dict[str, Any]:
        """Return what is known of the images of all ranks."""
        told = json.dumps([self._sizes, self._conversions, self._range, self._notes]).encode()
        parts = [json.loads(part.tobytes()) for part in ranks.gather(np.frombuffer(told, np.uint8))]
        ranges = sorted({tuple(part[2]) for part in parts if part[2] is not None})
        if len(ranges) > 1:
            raise BadInput(
                f"{self._name}: the ranks guessed different ranges of floats; expected one, got {ranges}. Give "
                "output_range=(low, high)."
            )
        sizes, conversions = (sum((Counter(part[i]) for part in parts), Counter[str]()) for i in (0, 1))
        return {
            "sizes": dict(sizes.most_common(SHOWN_SIZES)),
            "distinct_sizes": len(sizes),
            "conversions": dict(conversions.most_common()),
            "skipped_count": 0,
            "notes": sorted({note for part in parts for note in part[3]}),
        }

    def _gather_features(self) -> tuple[Features, Gaussian | None]:
        """Return the features of all ranks in an order of content alone, and the Gaussian of more than those."""
        layers: dict[str, NDArray[np.float32]] = {}
        gaussian = None
        if self._moments is not None and "pooled" in self._layers:
            layers["pooled"], gaussian = ranks.gather_moments(self._moments).result()
        widths = self._run.extractor.widths
        gathered = {
            layer: list(ranks.gather(np.concatenate([np.empty((0, widths[layer]), np.float32), *rows])))
            for layer, rows in self._rows.items()
        }
        if not gathered:
            return Features(layers), gaussian
        first = next(iter(gathered.values()))
        names = [
            f"{rank}/{i:06d}" if len(first) > 1 else f"{i:06d}"
            for rank, part in enumerate(first)
            for i in range(len(part))
        ]
        order = content_order(np.concatenate(first))
        layers |= {layer: np.concatenate(parts)[order] for layer, parts in gathered.items()}
        return Features(layers, tuple(names[i] for i in order)), gaussian


def _refuse_needy(metrics: Sequence[Metric]) -> None:
    for metric in metrics:
        if metric.needs:
            raise BadInput(
                f"{metric.name}: needs {', '.join(metric.needs)}, which updates do not carry; expected a metric of "
                f"features alone. Leave {metric.name} out, or score files with genbench.score."
            )


def _refuse_several_views(run: Run) -> None:
    """Raise ``BadInput`` unless every metric reads features, and all of them those of one extractor."""
    others = [
        metric.name
        for view in run.views
        for metric in view.metrics
        if view is not run.views[0] or view.measure is not None or not view.extractor.widths
    ]
    if others:
        raise BadInput(
            f"{', '.join(others)}: an evaluator keeps the features of one extractor, no images; expected metrics that "
            "read those, got such as look otherwise. Score files with genbench.score, or give a metric that has an "
            "extractor of its own to an evaluator of its own."
        )


def _reference_features(run: Run, given: dict[str, Any]) -> tuple[Features, dict[str, Any]]:
    if run.reference is not None:
        return no_rows(run.extractor), run.reference.describe()
    parts = survey_sides(run, given)
    layers = layers_of("real", run.metrics, run.extractor)
    extract_sides(run, parts, {"real": layers})
    return recall(parts["real"], run.extractor, run.store, layers), parts["real"].describe()


def _fit(run: Run, real: Features) -> dict[str, Gaussian]:
    """Return the reference's Gaussian, fitted once for all calls of ``compute``, if a metric looks at it."""
    if run.reference is not None:
        return {"real": run.reference.gaussian}
    is_needed = any(metric.works_from_moments for metric in run.metrics)
    return {"real": Gaussian.of(real.pooled)} if is_needed else {}


def _features(extractor: Extractor, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as workers:
        ready = list(workers.map(lambda image: _prepare(extractor, image), images))
    return extractor(np.stack(ready))


def _prepare(extractor: Extractor, image: NDArray[np.uint8]) -> NDArray[Any]:
    pixels: Pixels = decode(image)
    return extractor.prepare(pixels)


@contextmanager
def _left_alone() -> Iterator[None]:
    """Put the global random states back afterwards, and keep the caller's autocast from the extractor."""
    torch = sys.modules.get("torch")
    states = random.getstate(), np.random.get_state()  # noqa: NPY002  it is the caller's
    with ExitStack() as stack:
        if torch is not None:
            devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
            stack.enter_context(torch.random.fork_rng(devices=devices))
            for kind in ("cpu", "cuda") if devices else ("cpu",):
                stack.enter_context(torch.autocast(kind, enabled=False))
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002
