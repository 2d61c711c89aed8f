"""READ FIRST. The one training loop, for every family of models.

    recipe -> model, deck -> update, average, log -> checkpoint, pictures

A model says what one update is (``train_step``); the loop does the rest. The random numbers of update i depend on
(seed, i, process) alone and nothing of them is carried over, so that a run that was killed goes on bit by bit.

Device, precision and processes are Lightning Fabric's. Gradients are averaged over processes in one piece after the
backward pass, not by the hooks of DistributedDataParallel: penalties that differentiate the critic twice go past those.
"""

import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from genbench.contracts import Silence, Watch
from genbench.errors import BadInput, GenbenchError
from genbench.seeds import derive
from zoo import averaging, checkpoint
from zoo.contracts import Samples
from zoo.data import Examples
from zoo.deck import Deck
from zoo.drawing import pick_device
from zoo.journal import Journal
from zoo.model import Model
from zoo.pictures import save_grid
from zoo.runs import Recipe, build

GRID = 64  # images in a sample grid
LOGGED = 200  # rows of the log over a run
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


class Diverged(GenbenchError):
    """A loss is not a number any more; the checkpoints before that are kept."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        model: trained, its average up to date.
        counters: where it stands.
    """

    model: Model
    counters: checkpoint.Counters


def open_fabric(device: str = "auto", precision: str = "32-true", processes: int = 1) -> Fabric:
    """Return a launched Fabric.

    Args:
        device: "auto", "cpu" or "cuda".
        precision: "32-true", "bf16-mixed" or "16-mixed".
        processes: on this machine; under torchrun, as many as it started.
    """
    accelerator = pick_device(device)
    if precision not in PRECISIONS:
        raise BadInput(f"--precision: unknown precision; expected one of {', '.join(PRECISIONS)}, got {precision!r}.")
    strategy = "ddp" if processes > 1 else "auto"
    fabric = Fabric(accelerator=accelerator, devices=processes, strategy=strategy, precision=precision)  # type: ignore[arg-type]
    fabric.launch()
    return fabric


def train(
    recipe: Recipe,
    examples: Examples,
    directory: Path,
    fabric: Fabric,
    watch: Watch | None = None,
    *,
    events: bool = False,
) -> Outcome:
    """Carry out ``recipe``, from the newest checkpoint in ``directory`` if there is one.

    Args:
        recipe: what to do.
        examples: its training data.
        directory: of the run; see ``runs.py`` for what is in it.
        fabric: launched.
        watch: told of progress.
        events: write TensorBoard events too.

    Raises:
        Diverged: if a loss is no finite number.
    """
    cuda = [fabric.device] if fabric.device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        loop = Loop(recipe, examples, directory, fabric, watch or Silence())
        with Journal(directory, loop.step, writes=fabric.is_global_zero, events=events) as journal:
            loop.go(journal)
    return Outcome(loop.model, loop.counters())


class Loop:
    """The state of one run; what a model sees of it is ``contracts.Run``."""

    def __init__(self, recipe: Recipe, examples: Examples, directory: Path, fabric: Fabric, watch: Watch) -> None:
        self._recipe, self._directory, self._fabric, self._watch = recipe, directory, fabric, watch
        self.model = build(recipe).to(fabric.device).train()
        plain = self.model.optimizers()
        kept = checkpoint.found(directory)
        counters = checkpoint.read_training(kept[-1], self.model, plain) if kept else checkpoint.Counters()
        self._plain: Mapping[str, torch.optim.Optimizer] = plain
        wrapped = fabric.setup_optimizers(*plain.values())
        self._optimizers = dict(zip(plain, wrapped if isinstance(wrapped, tuple) else (wrapped,), strict=True))
        for optimizer in plain.values():
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
        self._deck = Deck(examples, recipe.seed, fabric.device, fabric.global_rank, fabric.world_size)
        self._deck.dealt, self.step, self.images = counters.dealt, counters.step, counters.images
        self._seconds, self._since = counters.seconds, time.perf_counter()
        self._kept_share = self._share_done(counters)
        self.batch = 0

    # ---------------------------------------------------------------------------------------- what a model sees

    @property
    def progress(self) -> float:
        """Share of the run that is done, by steps or minutes, whichever is further."""
        return self._share_done(self.counters())

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which forward passes run."""
        return self._fabric.autocast()

    def descend(self, optimizer: str, loss: Tensor) -> None:
        """Take one step of the named optimizer down the gradient of ``loss``, averaged over processes."""
        chosen = self._optimizers[optimizer]
        chosen.zero_grad()
        self._fabric.backward(loss)
        weights = [weight for group in chosen.param_groups for weight in group["params"] if weight.grad is not None]
        self._share([weight.grad for weight in weights])
        if self.model.config.clip is not None:
            self._fabric.clip_gradients(self.model, chosen, max_norm=self.model.config.clip, error_if_nonfinite=False)
        chosen.step()

    def forget(self, optimizer: str) -> None:
        """Clear what the named optimizer remembers of earlier gradients."""
        self._plain[optimizer].state.clear()

    def mean(self, x: Tensor) -> Tensor:
        """Return the mean of ``x`` over processes."""
        if self._fabric.world_size == 1:
            return x
        return torch.as_tensor(self._fabric.all_reduce(x, reduce_op="mean"))

    def _share(self, gradients: list[Tensor]) -> None:
        if self._fabric.world_size == 1:
            return
        together = torch.cat([gradient.reshape(-1) for gradient in gradients])
        mean = self._fabric.all_reduce(together, reduce_op="mean")
        for gradient, part in zip(gradients, mean.split([gradient.numel() for gradient in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    # ---------------------------------------------------------------------------------------- the loop

    def go(self, journal: "Journal") -> None:
        """Train until steps or minutes are used up."""
        recipe = self._recipe
        total = recipe.steps or math.ceil(60 * (recipe.minutes or 0))
        self._watch.start(f"{recipe.model} on {recipe.data}", total)
        self._watch.advance(self._done())
        while not self._is_over():
            before = self._done()
            journal.add(self.update())
            if self.step % self._interval() == 0:
                self._log(journal)
            if self._is_checkpoint_due():
                self._log(journal)
                self.keep(journal)
            self._watch.advance(self._done() - before)
        if self._kept_share < 1.0:  # else resuming would train on
            self._log(journal)
            self.keep(journal)
        self._watch.finish()

    def update(self) -> dict[str, Tensor]:
        """Do one update of the model and of its average; return what to log."""
        torch.manual_seed(derive(self._recipe.seed, "update", self.step, self._fabric.global_rank))
        processes = self._fabric.world_size
        self.batch = max(1, self.model.batch_size(self.images, self._recipe.batch) // processes)
        self._set_rates()
        logs = self.model.train_step(self._deck.draw, self)
        self.step += 1
        self.images += self.batch * processes
        old = averaging.beta(self.batch * processes, self.model.half_life(self.images))
        for live, average in self.model.averages():
            averaging.update(live, average, old)
        return logs

    def keep(self, journal: "Journal") -> None:
        """Write a checkpoint, a sample grid and the curves."""
        seed, counters = derive(self._recipe.seed, "look"), self.counters()
        self.model.calibrate(torch.Generator().manual_seed(seed))
        if self._fabric.is_global_zero:
            checkpoint.write(self._directory, self.model, self._plain, counters)
            if isinstance(self.model, Samples):
                images = self.model.sample(GRID, torch.Generator().manual_seed(seed))
                picture = self._directory / "samples" / f"{self.step:08d}.png"
                save_grid(images, picture)
                journal.show(picture, self.step)
            journal.plot(self._directory / "curves.png")
        self._fabric.barrier()
        self._kept_share = self._share_done(counters)

    def counters(self) -> checkpoint.Counters:
        """Return where the run stands."""
        return checkpoint.Counters(self.step, self.images, self._deck.dealt, self._elapsed())

    def _share_done(self, counters: checkpoint.Counters) -> float:
        recipe = self._recipe
        by_steps = counters.step / recipe.steps if recipe.steps else 0.0
        by_time = counters.seconds / (60 * recipe.minutes) if recipe.minutes else 0.0
        return min(1.0, max(by_steps, by_time))

    def _set_rates(self) -> None:
        scale = 1.0 - self.progress if self.model.config.lr_decay == "linear" else 1.0
        for optimizer in self._plain.values():
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * scale

    def _log(self, journal: "Journal") -> None:
        row = journal.flush(self.step, self.images, self._elapsed())
        broken = [name for name, value in row.items() if not math.isfinite(value)]
        if broken:
            recipe = self._recipe
            raise Diverged(
                f"model {recipe.model!r}: training diverged; expected finite losses, got {broken[0]} = "
                f"{row[broken[0]]} by step {self.step}. Lower the learning rates (genbench zoo show {recipe.model} "
                f"lists the settings); the checkpoints in {str(self._directory)!r} are from before."
            )

    def _is_over(self) -> bool:
        over = self.progress >= 1.0
        if self._fabric.world_size > 1 and self._recipe.minutes:
            over = bool(self._fabric.broadcast(over))
        return over

    def _is_checkpoint_due(self) -> bool:
        recipe = self._recipe
        if recipe.steps:
            return self.step % math.ceil(recipe.steps / recipe.checkpoints) == 0
        due = self.progress - self._kept_share >= 1 / recipe.checkpoints
        return bool(self._fabric.broadcast(due)) if self._fabric.world_size > 1 else due

    def _interval(self) -> int:
        return max(1, (self._recipe.steps or 0) // LOGGED)

    def _elapsed(self) -> float:
        return self._seconds + time.perf_counter() - self._since

    def _done(self) -> int:
        """Return steps done, or whole seconds where there is a time budget alone."""
        return self.step if self._recipe.steps else int(self._elapsed())
