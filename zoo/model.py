"""The base of every model: its config, its presets, what the loop asks of it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from types import NoneType
from typing import Annotated, Any, ClassVar, Literal, Self, get_args, get_origin

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError
from torch import Tensor, nn

from genbench.errors import BadInput, UnknownName
from zoo.contracts import Averages, DataSpec, Draw, ModelInfo, Preset, Run

Share = Annotated[float, Field(ge=0, le=1)]
BelowOne = Annotated[float, Field(ge=0, lt=1)]  # betas, dropout


class Config(BaseModel):
    """What can be set of a model; every field has a default, every number bounds; an unknown field is refused.

    Attributes:
        lr_decay: "linear": learning rates fall to 0 over the run.
        clip: largest norm of a gradient; None: gradients are not clipped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    lr_decay: Literal["none", "linear"] = "none"
    clip: PositiveFloat | None = None


class Model(nn.Module, ABC):
    """A network that is trained; subclasses say what, from which data, by which loss.

    Args:
        config: an instance of ``config_type``.
        spec: of the data.

    Attributes:
        info: what a reader should know.
        config_type: its config.
        presets: "smoke" (seconds, for tests), "small" (minutes on two cores), "paper" (written for GPUs).
        variants: name -> changes of the config, added to any preset: ``small+r1``.
    """

    info: ClassVar[ModelInfo]
    config_type: ClassVar[type[Config]]
    presets: ClassVar[Mapping[str, Preset]]
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.config, self.spec = config, spec

    @classmethod
    def make(cls, spec: DataSpec, config: Mapping[str, Any] | None = None) -> Self:
        """Return an untrained model for ``spec``, initialised from torch's global random state.

        Raises:
            BadInput: if a setting is unknown or of the wrong type, or the model cannot take such data.
        """
        return cls(read_config(cls, config or {}), spec)

    @abstractmethod
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return name -> optimizer; their parameters are disjoint and together all that is trained."""

    @abstractmethod
    def train_step(self, draw: Draw, run: Run) -> dict[str, Tensor]:
        """Do one update and return what to log, scalars by name; draws examples as it needs them."""

    def batch_size(self, images: int, batch: int) -> int:
        """Return the examples of the next update after ``images``, where the preset says ``batch``."""
        return batch

    def averages(self) -> Averages:
        """Return (trained network, its running average) pairs, which the loop keeps up to date."""
        return []

    def half_life(self, images: int) -> float:
        """Return after how many examples an old weight counts half in the average: 5 % of those seen so far.

        A constant .999 or .9999, as papers have it, is still the initialisation after a short run.
        """
        return 0.05 * images + 1

    def calibrate(self, generator: torch.Generator) -> None:
        """Bring what averages cannot (batch-norm statistics) up to date before the model is kept or sampled."""

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    def to_unit(self, x: Tensor) -> Tensor:
        """Return examples in [-1, 1] as [0, 1]; points as they are."""
        return x if self.spec.is_points else (x + 1) / 2

    def from_unit(self, x: Tensor) -> Tensor:
        """Return images in [0, 1] as [-1, 1]; points as they are."""
        return x if self.spec.is_points else x * 2 - 1

    def pick_labels(self, n: int, labels: Any, generator: torch.Generator | None) -> Tensor | None:
        """Return int64 [n]: ``labels`` (one class or n of them), else drawn with the training data's shares.

        Raises:
            BadInput: if the model is unconditional, or a label is no class.
        """
        classes = self.spec.classes if self.is_conditional else 0
        if labels is None:
            return self._draw_labels(n, generator) if classes else None
        if not classes:
            raise BadInput(f"{self.info.name}: takes no labels; expected none, got {labels!r}. Leave them out.")
        given = torch.as_tensor(labels, dtype=torch.int64).expand(n)
        if n and not 0 <= int(given.min()) <= int(given.max()) < classes:
            raise BadInput(
                f"{self.info.name}: no such class; expected labels in 0..{classes - 1}, got "
                f"{int(given.min())}..{int(given.max())}. Correct them."
            )
        return given.to(self.device)

    is_conditional: ClassVar[bool] = False

    def _draw_labels(self, n: int, generator: torch.Generator | None) -> Tensor:
        shares = torch.tensor(self.spec.class_shares)
        return torch.multinomial(shares, n, replacement=True, generator=generator).to(self.device)


@contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Put ``net`` in eval mode, and each of its parts back afterwards."""
    training = [part for part in net.modules() if part.training]
    net.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


@contextmanager
def frozen(net: nn.Module) -> Iterator[None]:
    """Let no gradient reach the weights of ``net``; those that were trained are trained again afterwards."""
    trained = [weight for weight in net.parameters() if weight.requires_grad]
    for weight in trained:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in trained:
            weight.requires_grad_(True)


def choose_preset(model: type[Model], text: str) -> Preset:
    """Return the preset written as "small" or, with variants, "small+r1".

    Raises:
        UnknownName: if there is no such preset or variant.
    """
    name, *variants = text.split("+")
    preset = _look_up(model.presets, name, f"model {model.info.name!r}: no such preset")
    for variant in variants:
        changes = _look_up(model.variants, variant, f"model {model.info.name!r}: no such variant")
        preset = replace(preset, config={**preset.config, **changes})
    return preset


def read_config(model: type[Model], settings: Mapping[str, Any]) -> Config:
    """Return the config of ``model`` with ``settings``, text converted to each field's type; the rest by default.

    As text, "none" is None where a setting may be that, and a tuple is "64,32" or "64".
    """
    fields = model.config_type.model_fields
    for name in settings:
        if name not in fields:
            near = get_close_matches(name, fields, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise BadInput(
                f"model {model.info.name!r}: no such setting; expected one of {', '.join(sorted(fields))}, got "
                f"{name!r}.{hint}"
            )
    try:
        return model.config_type.model_validate(
            {name: _read(value, fields[name].annotation) for name, value in settings.items()}
        )
    except ValidationError as error:
        first = error.errors()[0]
        rule = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        raise BadInput(
            f"model {model.info.name!r}: setting {'.'.join(map(str, first['loc']))!r} is wrong; expected {rule}, got "
            f"{first['input']!r}. Correct it."
        ) from error


def _read(value: Any, annotation: Any) -> Any:
    """Return what pydantic converts no further: None and the parts of a tuple, where ``value`` is text."""
    kinds = (annotation, *get_args(annotation))
    if not isinstance(value, str):
        return value
    if value == "none" and NoneType in kinds:
        return None
    is_tuple = any(get_origin(kind) is tuple for kind in kinds)
    return [part for part in value.split(",") if part] if is_tuple else value


def _look_up(table: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in table:
        raise UnknownName(f"{what}; expected one of {', '.join(table) or 'none'}, got {name!r}.")
    return table[name]
