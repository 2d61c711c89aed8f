"""A model in words: what ``genbench zoo show`` prints."""

import torch

from zoo import MODELS
from zoo.data import Examples, open_data
from zoo.deck import describe
from zoo.model import Model


def describe_model(name: str) -> str:
    """Return paper, networks, presets, variants and settings of a model as lines of text."""
    model: type[Model] = MODELS.get(name)
    preset = model.presets["small"]
    with torch.random.fork_rng(devices=[]):
        built = model.make(describe(open_data(preset.data)), preset.config)
    lines = [f"{model.info.title} ({model.info.paper})", model.info.summary, "", "networks of the preset small:"]
    lines += [f"  {part:<12} {count:>11,} parameters" for part, count in count_parameters(built).items()]
    lines += ["", "presets:"]
    for key, one in model.presets.items():
        changed = ", ".join(f"{field}={value}" for field, value in one.config.items())
        untested = "" if one.is_tested else "; never run here"
        lines.append(f"  {key:<8} {one.data}, {one.steps:,} updates of {one.batch} ({one.source}{untested}) {changed}")
    lines += ["", "variants (written small+NAME):"] if model.variants else []
    for key, changes in model.variants.items():
        lines.append(f"  {key:<10} {', '.join(f'{field}={value}' for field, value in changes.items())}")
    lines += ["", "settings (--set NAME=VALUE) and their values in small:"]
    lines += [f"  {field:<22} {value}" for field, value in built.config.model_dump().items()]
    return "\n".join(lines)


def describe_data(examples: Examples) -> list[str]:
    """Return how many examples of what kind there are, and a warning where they are too few, as lines of text."""
    count, (channels, *sides) = len(examples.x), examples.x.shape[1:]
    colours = "grey, one channel" if channels == 1 else f"{channels} channels"
    kind = {0: "points", 2: "pictures", 3: "volumes"}[len(sides)]
    size = f" of {' x '.join(map(str, sides))}, {colours}" if sides else ""
    lines = [f"data: {examples.name}, {examples.split}: {count:,} {kind}{size}"]
    if count == 1:
        lines.append("warning: there is one example to learn from, which the model can only learn by heart")
    return lines


def count_parameters(model: Model) -> dict[str, int]:
    """Return optimizer -> number of parameters that it trains."""
    return {
        name: sum(weight.numel() for group in optimizer.param_groups for weight in group["params"])
        for name, optimizer in model.optimizers().items()
    }
