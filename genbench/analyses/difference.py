"""Whether two scorecards may be compared, metric by metric, and why not, in words.

Two scores compare the fakes only if all else is equal: network, weights, resize, reference, counts where the metric is
biased by them, parameters, and the version of the metric's code.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from genbench.contracts import Metric, Score, Scorecard
from genbench.metrics import METRICS
from genbench.metrics.likelihood import LIKELIHOOD
from genbench.report.difference import Difference, Judged, is_close

NEAR_COUNTS = 0.01  # relative; bias goes with 1/n, so it moves by as small a part of itself
ROUNDING_ONLY = ("runtime", "dtype")  # of an extractor's facts: the same numbers but for their last digits
PILLOW = re.compile(r"pillow \S+")
UNRECORDED = "not recorded"
WHAT_IT_IS = ("kind", "dequantisation", "levels")  # details of a likelihood: a bound is no probability
NO_RECORD = Metric("", "", "", lambda pair: pair, "none", (0.0, 0.0), "", uses_train=True)  # of a metric not known here


def explain(first: Scorecard, second: Scorecard) -> Difference:
    """Return what two scorecards have in common, what not, and which of their metrics can be compared."""
    scores = [{score.metric: score for score in card.scores} for card in (first, second)]
    judged = []
    for name in dict.fromkeys([*scores[0], *scores[1]]):
        one, other = scores[0].get(name), scores[1].get(name)
        if one is None or other is None:
            judged.append(Judged(name, one, other, (f"only the {'second' if one is None else 'first'} has it",)))
        else:
            judged.append(Judged(name, one, other, tuple(_reasons(first, second, one, other))))
    notes = (*_notes(first, second), *_unequal(first, second, judged))
    return Difference(tuple(judged), tuple(_same(first, second)), notes)


def _reasons(a: Scorecard, b: Scorecard, one: Score, other: Score) -> Iterator[str]:
    """Yield why a metric of two scorecards cannot be compared."""
    yield from _reasons_of_code(a, b, one, other)
    metric: Metric = METRICS.get(one.metric) if one.metric in METRICS else NO_RECORD
    if metric.uses_real and _fingerprint(a, "real") != _fingerprint(b, "real"):
        named = "" if a.real == b.real else f": {a.real!r} against {b.real!r}"
        yield f"other reference images, or other names of them{named}"
    if metric.uses_train and _fingerprint(a, "train") != _fingerprint(b, "train"):
        yield "other training images"
    if "labels" in metric.needs and _classes(a) != _classes(b):
        yield "other classes of the reference"
    for side in metric.biased_by:
        here, there = (getattr(score, f"n_{side}") for score in (one, other))
        if abs(here - there) > NEAR_COUNTS * min(here, there):
            yield f"other number of {side} images, which biases it: {here:,} against {there:,}"


def _reasons_of_code(a: Scorecard, b: Scorecard, one: Score, other: Score) -> Iterator[str]:
    """Yield what differs in what made the numbers: the network and the metric."""
    for fact, here, there in _facts_apart(_facts(a, one), _facts(b, other)):
        if fact not in ROUNDING_ONLY and PILLOW.sub("", here) != PILLOW.sub("", there):
            yield f"other {fact}: {here} against {there}"
    for what in ("version", "parameters"):
        here, there = (_of_metric(card, one.metric, what) for card in (a, b))
        if here != there and None not in (here, there):
            yield f"other {what} of {one.metric}: {_in_words(here)} against {_in_words(there)}"
    for what in WHAT_IT_IS if one.metric == LIKELIHOOD.name else ():
        here, there = (score.details.get(what, UNRECORDED) for score in (one, other))
        if here != there:
            yield f"other {what} of {one.metric}: {here} against {there}"


def _same(a: Scorecard, b: Scorecard) -> Iterator[str]:
    """Yield what is equal."""
    mine, theirs = a.provenance["extractor"], b.provenance["extractor"]
    yield from (fact for fact in mine if mine[fact] == theirs.get(fact))
    if _fingerprint(a, "real") == _fingerprint(b, "real"):
        yield "reference"
    for name in ("protocol", "metrics", "seed", "genbench"):
        if a.provenance.get(name, UNRECORDED) == b.provenance.get(name, UNRECORDED):
            yield {"metrics": "versions and parameters of metrics", "genbench": "version of genbench"}.get(name, name)


def _notes(a: Scorecard, b: Scorecard) -> Iterator[str]:
    """Yield what differs without making scores incomparable."""
    if _fingerprint(a, "fake") == _fingerprint(b, "fake"):
        yield "the fakes are the same images: scores that can be compared should be equal"
    for fact, here, there in _facts_apart(a.provenance["extractor"], b.provenance["extractor"]):
        if fact in ROUNDING_ONLY or PILLOW.sub("", here) == PILLOW.sub("", there):
            yield f"{fact}: {here} against {there}; moves last digits only"
    yield from _notes_of_request(a, b)
    if a.provenance["genbench"] != b.provenance["genbench"]:
        yield f"genbench: {a.provenance['genbench']} against {b.provenance['genbench']}"
    yield from (
        f"package {name}: {here} against {there}; may move last digits"
        for name, here, there in _facts_apart(a.provenance["packages"], b.provenance["packages"])
    )


def _unequal(a: Scorecard, b: Scorecard, judged: Iterable[Judged]) -> Iterator[str]:
    """Yield which scores of the same images differ although nothing that is recorded explains it."""
    if _fingerprint(a, "fake") != _fingerprint(b, "fake") or a.provenance["seed"] != b.provenance["seed"]:
        return
    shared = [(one.metric, one.first, one.second) for one in judged if one.first and one.second and not one.reasons]
    if apart := [name for name, here, there in shared if not is_close(here, there)]:
        yield (
            f"{', '.join(apart)}: not equal, though the images and all that decides the score are: one was edited, or "
            "made by other code or another machine; `genbench score --rerun` says which"
        )


def _notes_of_request(a: Scorecard, b: Scorecard) -> Iterator[str]:
    """Yield what was asked otherwise."""
    names = [(card.provenance.get("protocol") or {}).get("name", "none") for card in (a, b)]
    if names[0] != names[1]:
        yield f"protocol: {names[0]} against {names[1]}; verdicts are by what it sets"
    if a.provenance["seed"] != b.provenance["seed"]:
        yield (
            f"seed: {a.provenance['seed']} against {b.provenance['seed']}; it draws samples, --count's images and the "
            "blocks of standard errors"
        )
    if any("metrics" not in card.provenance for card in (a, b)):
        yield "versions and parameters of metrics are not recorded in both: taken as equal"
    for side, name in (("fake", a.fake), ("real", a.real)):
        counts = [card.provenance["sources"][side].get("skipped_count", 0) for card in (a, b)]
        if counts[0] != counts[1]:
            yield f"{side} {name!r}: {counts[0]} unreadable images left out against {counts[1]}"


def _facts(card: Scorecard, score: Score) -> Mapping[str, str]:
    """Return the facts of the network that a score is of."""
    facts: Mapping[str, str] = card.provenance.get("others", {}).get(score.extractor, card.provenance["extractor"])
    return facts


def _facts_apart(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield (name, one, other) of what differs."""
    for name in dict.fromkeys([*a, *b]):
        here, there = a.get(name, UNRECORDED), b.get(name, UNRECORDED)
        if here != there:
            yield name, here, there


def _of_metric(card: Scorecard, metric: str, what: str) -> Any:
    """Return the version or the parameters of a metric; None where the scorecard does not say."""
    return card.provenance.get("metrics", {}).get(metric, {}).get(what)


def _fingerprint(card: Scorecard, side: str) -> str | None:
    """Return the digest of a side's images; of statistics made here, that of the images they were made from."""
    source = card.provenance["sources"].get(side)
    if source is None:
        return None
    made_from = (source.get("made_by") or {}).get("source", {})
    found = made_from.get("fingerprint") or source.get("fingerprint")
    return None if found is None else str(found)


def _classes(card: Scorecard) -> Any:
    return card.provenance["sources"]["real"].get("classes")


def _in_words(value: Any) -> str:
    """Return "k=5, is_closed=False" for parameters."""
    return ", ".join(f"{name}={one}" for name, one in value.items()) if isinstance(value, Mapping) else str(value)
