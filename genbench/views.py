"""How a scoring looks at the images: what runs over them, for which of the metrics.

Most metrics look through the extractor that the user chose. Some bring their own, some compare images two by two, and
some look at no features at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from genbench.contracts import Extractor, Measure, Metric, Pairing
from genbench.errors import BadInput
from genbench.features import open_extractor
from genbench.features.runtime import Setup
from genbench.features.survey import Survey
from genbench.pairs import open_measure
from genbench.pairs.compare import check_sizes
from genbench.pairs.matching import Places, match_by_name, shuffle
from genbench.request import Request

PERCEPTUAL = "lpips"  # measures of this name may be exchanged by the request


class Unseen:
    """Stands for the extractor of metrics that read no features."""

    name = "none"
    widths: Mapping[str, int] = {}
    facts: Mapping[str, str] = {"extractor": "none"}
    batch_size = 1

    def prepare(self, image: Any) -> Any:
        """Return the image; nothing runs over it."""
        return image

    def __call__(self, batch: Any) -> dict[str, Any]:
        """Return no features."""
        return {}


@dataclass(frozen=True)
class View:
    """One way of looking.

    Attributes:
        extractor: makes features of single images.
        metrics: records of those that look so.
        measure: compares images two by two; None: nothing does.
        pairs: which images are compared; "": none beforehand, the metrics call the measure.
    """

    extractor: Extractor
    metrics: tuple[Metric, ...]
    measure: Measure | None = None
    pairs: Pairing = ""

    @property
    def eye(self) -> Extractor | Measure:
        """What the numbers of the metrics depend on: the measure where there is one, else the extractor."""
        return self.measure or self.extractor


def open_views(request: Request, metrics: Sequence[Metric], setup: Setup) -> list[View]:
    """Return the views of ``metrics``, that of the chosen extractor first where a metric looks so.

    Nothing is opened that no metric needs.

    Args:
        request: names the extractor, its weights, and the perceptual measure.
        metrics: records.
        setup: where networks run.
    """
    keys = {metric.name: _key(request, metric) for metric in metrics}
    order = sorted(dict.fromkeys(keys.values()), key=lambda key: key[0] != request.extractor)
    measures = {name: open_measure(name, setup) for _, name, _ in order if name}
    if request.perceptual in measures and not getattr(measures[request.perceptual], "is_perceptual", False):
        raise BadInput(
            "--perceptual: no perceptual distance; expected lpips:alex, lpips:vgg, lpips:squeeze or lite0, got "
            f"{request.perceptual!r}."
        )
    views = []
    for key in order:
        extractor, measure, pairs = key
        its_own = replace(setup, weights=request.weights_of(extractor))
        eye: Extractor = open_extractor(extractor, its_own) if extractor else Unseen()
        these = tuple(metric for metric in metrics if keys[metric.name] == key)
        views.append(View(eye, these, measures.get(measure), pairs))
    return views


def match_images(view: View, parts: Mapping[str, Survey], seed: int) -> tuple[Survey, Survey, Places] | None:
    """Return the two sides whose images ``view`` compares and the places of the pairs; None if it compares none.

    Raises:
        BadInput: if images of one name are wanted and the sides differ in names.
    """
    fake, who = parts["fake"], view.metrics[0].name
    if view.pairs == "matched":
        return fake, parts["real"], match_by_name(who, fake.entries, parts["real"].entries)
    if view.pairs == "shuffled":
        return fake, fake, shuffle(len(fake.entries), seed)
    return None


def refuse_unfit_sizes(views: Sequence[View], parts: Mapping[str, Survey], seed: int) -> None:
    """Raise ``BadInput`` for pairs of images that differ in size, or are too small for what compares them.

    Of images not drawn yet nothing is known; ``compare`` looks at them.
    """
    for view in views if "fake" in parts else ():
        found = match_images(view, parts, seed)
        if view.measure is not None and found is not None:
            check_sizes(*found, view.measure)


def _key(request: Request, metric: Metric) -> tuple[str, str, Pairing]:
    is_same_kind = _kind(metric.extractor) == _kind(request.extractor)  # the user's size of the metric's own extractor
    extractor = (request.extractor if is_same_kind else metric.extractor or request.extractor) if metric.layer else ""
    is_perceptual = _kind(metric.measure) == PERCEPTUAL
    return extractor, (request.perceptual if is_perceptual else None) or metric.measure, metric.pairs


def _kind(text: str) -> str:
    return text.partition(":")[0]


def label_of(metric: Metric, eye: Extractor | Measure, protocol: str | None) -> str:
    """Return what tables print: "FD[pixels]"; where ``eye`` has a famous name, that, with the tool: "FID (adm)"."""
    famous: Mapping[str, str] = getattr(eye, "labels", {})
    if metric.name not in famous:
        return f"{metric.label}[{eye.name}]" if metric.layer or metric.measure else metric.label
    known = famous[metric.name]
    return f"{known.partition(' (')[0]} ({protocol})" if protocol else known
