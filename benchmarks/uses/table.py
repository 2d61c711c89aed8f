"""Records as Markdown."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.uses.records import Accuracy, Anomalies, Kind, Labels, Made, Record, gain

SCORES = ("likelihood", "ratio", "typicality")
HEAD = """# What the models can be used for

"""
ABOUT_ANOMALIES = """## Telling odd images

Share of pairs of an odd and a held-out image in which the odd one scores higher (area under the ROC curve): 1 is
perfect, 0.5 says nothing, below it odd images look more usual than real ones. likelihood: bits a value under the
model; ratio: those less the bits of the image as a PNG (arXiv:1909.11480); typicality: how far the bits are from the
mean of the training images (arXiv:1906.02994). -/+ one standard error (DeLong), which is 0 where all pairs agree, and
of the luck of held-out images alone where the odd image is one. bits: quartiles, of bits a value under the model.

"""
ABOUT_LABELS = """## Learning from few labels

Share of held-out images that a logistic regression classifies rightly, from as many labelled training images a class:
mean of ten draws of these, -/+ its standard error over the draws, which says nothing of other held-out images, runs or
initialisations. Strength of the regression by cross-validation within the labelled images, which alone it and its
standardisation see. features: of the model, which saw the training images without labels; untrained: of the same
network before training; pca: as many principal components of the training images. In brackets: what the features gain
over it on the same draws.

"""


def to_markdown(records: Sequence[Record]) -> str:
    """Return the report on ``records``."""
    anomalies = [record for record in records if isinstance(record, Anomalies)]
    labels = [record for record in records if isinstance(record, Labels)]
    parts = [HEAD, _made_by([record.made for record in records])]
    if anomalies:
        parts += [ABOUT_ANOMALIES, *(anomaly_lines(record) + "\n" for record in anomalies)]
    if labels:
        parts += [ABOUT_LABELS, *(label_lines(record) + "\n" for record in labels)]
    return "".join(parts).rstrip() + "\n"


def write_table(records: Sequence[Record], out: Path) -> Path:
    """Write README.md into the folder ``out``; return the file."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "README.md"
    path.write_text(to_markdown(records), encoding="utf-8")
    return path


# ------------------------------------------------------------------------------------------------ anomalies


def anomaly_lines(record: Anomalies) -> str:
    """Return the table of one model, and where its likelihood fails."""
    bits = "infinitely many" if record.bits is None else f"{record.bits:.3f}"
    lines = [
        f"### {_who(record.made)}",
        "",
        f"{bits} bits a value of {record.count} held-out images, {record.training_bits:.3f} of those it learned from; "
        f"its likelihood is {record.likelihood.replace('_', ' ')}.",
        "",
        f"| images | count | {' | '.join(SCORES)} | bits | |",
        "|---|---|---|---|---|---|---|",
        *(f"| {' | '.join(_cells(kind))} |" for kind in record.kinds),
        "",
        *(f"- {line}" for line in (*_failures(record.kinds), *_costs(record.kinds))),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _cells(kind: Kind) -> list[str]:
    quartiles = ", ".join("inf" if edge is None else f"{edge:.2f}" for edge in kind.quartiles)
    areas = [_number(kind.areas[score], kind.stderrs[score]) for score in SCORES]
    return [kind.name, str(kind.count), *areas, quartiles, kind.note]


def _failures(kinds: Sequence[Kind]) -> Iterator[str]:
    """Yield where odd images look more usual than held-out ones, and which other score tells them."""
    for kind in kinds:
        if not kind.fails("likelihood"):
            continue
        mended = [score for score in SCORES[1:] if kind.tells(score)]
        mending = f"{' and '.join(mended)} set{'s' * (len(mended) == 1)} it right" if mended else "no score mends it"
        likelier = "this one image is" if kind.count == 1 else "these images are"
        yield f"{kind.name}: likelihood fails, {likelier} likelier than held-out ones; {mending}."
    if not any(kind.fails("likelihood") for kind in kinds):
        yield "likelihood fails on none of these."


def _costs(kinds: Sequence[Kind]) -> Iterator[str]:
    """Yield what the other scores tell less well than likelihood, by more than two of the larger error."""
    for score in SCORES[1:]:
        worse = [
            f"{kind.name} {kind.areas[score]:.3f} for {kind.areas['likelihood']:.3f}"
            for kind in kinds
            if kind.areas["likelihood"] - kind.areas[score] > 2 * max(kind.stderrs[score], kind.stderrs["likelihood"])
        ]
        if worse:
            yield f"{score} has its price: {', '.join(worse)}."


# ------------------------------------------------------------------------------------------------ labels


def label_lines(record: Labels) -> str:
    """Return the tables of one model."""
    shots = list(dict.fromkeys(accuracy.shots for accuracy in record.probes))
    found = {(accuracy.inputs, accuracy.shots): accuracy for accuracy in record.probes}
    inputs = {accuracy.inputs: accuracy.width for accuracy in record.probes}
    lines = [
        f"### {_who(record.made)}",
        "",
        f"{record.training:,} training images, {record.held_out:,} held-out ones.",
        "",
        f"| input | numbers | {' | '.join('all' if one is None else f'{one} a class' for one in shots)} |",
        "|---|---|" + "---|" * len(shots),
    ]
    for name, width in inputs.items():
        cells = [_share(found[name, one], found["features", one]) for one in shots]
        lines.append(f"| {name} | {width} | {' | '.join(cells)} |")
    if record.tuned:
        trained, untrained = record.tuned
        lines += [
            "",
            f"Whole network tuned with {trained.shots} labels a class: {_share(trained, trained)} from the trained "
            f"encoder, {_share(untrained, trained)} from an untrained one; of the labelled images themselves they "
            f"know {trained.fitted:.3f} and {untrained.fitted:.3f}.",
        ]
    return "\n".join(lines) + "\n"


def _share(accuracy: Accuracy, best: Accuracy) -> str:
    """Return mean -/+ error, and how much better ``best`` is."""
    found = _number(accuracy.mean, accuracy.stderr)
    return found if accuracy is best else f"{found} ({_number(*gain(best, accuracy), sign='+')})"


# ------------------------------------------------------------------------------------------------ both


def _number(value: float, stderr: float | None, sign: str = "") -> str:
    return f"{value:{sign}.3f}" if stderr is None else f"{value:{sign}.3f} -/+ {stderr:.3f}"


def _who(made: Made) -> str:
    return f"{made.model}:{made.preset} on {made.data}, seed {made.trained_seed}, {made.steps:,} updates"


def _made_by(found: Sequence[Made]) -> str:
    """Return commands, how the models were trained, machine, commit and day."""
    environments = [made.environment for made in found]
    machines = dict.fromkeys(
        f"{env.get('platform')}, Python {env.get('python')}, torch {env.get('packages', {}).get('torch')}"
        for env in environments
    )
    commits = sorted({str(env.get("git_commit")) for env in environments})
    days = sorted({str(env.get("created"))[:10] for env in environments})
    commands = dict.fromkeys(made.command for made in found if made.command)
    trained = dict.fromkeys(
        f"genbench zoo train {one.model} --preset {one.preset} --data {one.data} --seed {one.trained_seed} --out RUN"
        for one in found
    )
    lines = ["Made by:", "", *(f"    {command}" for command in (*trained, *commands))]
    lines += ["    python -m benchmarks.uses table DIR -o reports/uses", ""]
    lines += [f"Machine: {'; '.join(machines)}. Commit: {', '.join(commits)}. Date: {', '.join(days)}."]
    return "\n".join(lines) + "\n\n"
