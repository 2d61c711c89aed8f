"""One pair of sets under every protocol: how far apart published tools are on the same pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genbench.contracts import Watch
from genbench.errors import BadInput, GenbenchError, MissingWeights, NotEnoughImages
from genbench.evaluate import score
from genbench.metrics import METRICS
from genbench.parameters import bind
from genbench.protocols import PROTOCOLS, Protocol
from genbench.report.protocols import Outcome
from genbench.request import DEFAULT_EXTRACTOR, make_request

NOT_HERE = (MissingWeights, NotEnoughImages)


def score_under_all(
    fake: Any,
    real: Any,
    *,
    weights: Mapping[str, Path] | None = None,
    options: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
) -> list[Outcome]:
    """Score two sets under every protocol; what a machine or a set lacks is a reason, not an error.

    Networks run once an image: features are shared through the feature store.

    Args:
        fake: the judged images.
        real: the reference.
        weights: network ("inception", "vgg16", ...) -> weight file, where it is not the published one.
        options: other fields of ``Request`` that a protocol leaves open: ``count``, ``cache``, ``device`` ...
        watch: told of progress.

    Raises:
        BadInput: if ``weights`` name a network that no protocol reads, or an image or a source cannot be used.
    """
    weights = weights or {}
    protocols: list[Protocol] = [PROTOCOLS.get(name) for name in PROTOCOLS]
    known = sorted({network_of(protocol, metric) for protocol in protocols for metric in protocol.metrics})
    for network in weights:
        if network not in known:
            raise BadInput(f"--weights: no protocol reads {network!r}; expected one of {', '.join(known)}.")
    outcomes = []
    for protocol in protocols:
        outcome = Outcome(protocol)
        for network in dict.fromkeys(network_of(protocol, metric) for metric in protocol.metrics):
            metrics = [metric for metric in protocol.metrics if network_of(protocol, metric) == network]
            request = {"protocol": protocol.name, "weights": weights.get(network), **(options or {})}
            _try(outcome, metrics, request, {"fake": fake, "real": real}, watch)
        outcomes.append(outcome)
    return outcomes


def network_of(protocol: Protocol, metric: str) -> str:
    """Return the network whose features a metric of ``protocol`` is of: "inception", "vgg16" ..."""
    return (protocol.extractor_of(metric) or DEFAULT_EXTRACTOR).partition(":")[0]


def _try(
    outcome: Outcome, metrics: list[str], options: Mapping[str, Any], sides: Mapping[str, Any], watch: Watch | None
) -> None:
    """Score ``metrics`` together, less those that need more images than there are."""
    try:
        card = score(**sides, request=make_request({**options, "metrics": metrics}), watch=watch)
    except NOT_HERE as problem:
        if len(metrics) == 1 or isinstance(problem, MissingWeights):
            outcome.reasons |= dict.fromkeys(metrics, _in_short(problem))
            return
        neediest = max(metrics, key=lambda metric: _fewest(outcome.protocol, metric))
        _try(outcome, [neediest], options, sides, watch)
        _try(outcome, [metric for metric in metrics if metric != neediest], options, sides, watch)
        return
    outcome.cards.append(card)
    outcome.scores |= {one.metric: one for one in card.scores}


def _fewest(protocol: Protocol, metric: str) -> int:
    """Return the images a side that a metric needs under ``protocol``."""
    return bind(METRICS.get(metric), protocol.parameters.get(metric, {})).min_count


def _in_short(problem: GenbenchError) -> str:
    """Return the first clauses of a message: who, what is wrong, what was expected."""
    if isinstance(problem, MissingWeights):
        return str(problem).partition(";")[0]
    return str(problem).partition(". ")[0]
