"""``genbench zoo``: train the models of the zoo and draw from them. Parsing only."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from genbench.errors import BadInput
from zoo import MODELS

app = typer.Typer(help="Models that learn to generate: list, show, train, resume, draw from.", no_args_is_help=True)

Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Precision = Annotated[str, typer.Option(help="32-true, bf16-mixed or 16-mixed.")]
Processes = Annotated[int, typer.Option(help="Processes on this machine; gradients are averaged over them.")]
Run = Annotated[Path, typer.Argument(help="Folder of a run.")]
Grid = Annotated[Path, typer.Option(help="Write the images as one picture: FILE.png.")]
Step = Annotated[int | None, typer.Option(help="Checkpoint; default: the newest.")]
Images = Annotated[
    list[Path] | None,
    typer.Option(help="Your own picture or folder of pictures instead of test images; may be repeated."),
]
Events = Annotated[bool, typer.Option("--events", help="Write TensorBoard events (extra: tensorboard).")]


@app.command("list")
def list_models() -> None:
    """List the models."""
    from zoo.model import Model

    table = Table("name", "model", "family", "data", "what makes it different", box=None, header_style="bold")
    for name in MODELS:
        model: type[Model] = MODELS.get(name)
        info = model.info
        table.add_row(name, info.title, info.family, model.presets["small"].data, info.summary)
    Console().print(table)


@app.command()
def show(name: Annotated[str, typer.Argument(help="Model, of genbench zoo list.")]) -> None:
    """Show a model: paper, networks, presets, variants, settings."""
    from zoo.description import describe_model

    Console(soft_wrap=True).print(describe_model(name), highlight=False, markup=False)


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="Model, of genbench zoo list.")],
    out: Annotated[Path, typer.Option(help="New folder of the run.")],
    data: Annotated[str | None, typer.Option(help="Data set; default: the preset's.")] = None,
    preset: Annotated[str, typer.Option(help="smoke, small, paper; with variants: small+r1.")] = "small",
    steps: Annotated[int | None, typer.Option(help="Updates; default: the preset's.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop after so many minutes of training.")] = None,
    seed: Annotated[int, typer.Option(help="Of initialisation, order and noise.")] = 0,
    setting: Annotated[list[str] | None, typer.Option("--set", help="A setting of the model: channels=32.")] = None,
    device: Device = "auto",
    precision: Precision = "32-true",
    processes: Processes = 1,
    events: Events = False,
) -> None:
    """Train a model; killed at any moment, it goes on with: genbench zoo resume DIR."""
    from zoo.runs import plan, start

    settings = dict(_split(text) for text in setting or [])
    recipe, examples = plan(name, preset, data=data, steps=steps, minutes=minutes, seed=seed, settings=settings)
    fabric = _fabric(device, precision, processes)
    if fabric.is_global_zero:
        start(recipe, out)
    fabric.barrier()
    _train(recipe, examples, out, fabric, events)


@app.command()
def resume(
    directory: Annotated[Path, typer.Argument(help="Folder of the run.")],
    steps: Annotated[int | None, typer.Option(help="Raise the number of updates to so many.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Raise the minutes of training to so many.")] = None,
    device: Device = "auto",
    precision: Precision = "32-true",
    processes: Processes = 1,
    events: Events = False,
) -> None:
    """Go on with a run from its newest checkpoint."""
    from zoo.data import open_data
    from zoo.runs import extend, read_recipe, refuse_other_data, rewrite

    kept = read_recipe(directory)
    recipe = extend(kept, directory, steps, minutes)
    examples = open_data(recipe.data)
    refuse_other_data(recipe, examples)
    fabric = _fabric(device, precision, processes)
    if recipe != kept and fabric.is_global_zero:
        rewrite(recipe, directory)
    _train(recipe, examples, directory, fabric, events)


@app.command()
def sample(
    directory: Run,
    count: Annotated[int, typer.Option("-n", "--count", help="Images.")] = 64,
    grid: Annotated[Path | None, typer.Option(help="Write them as one picture: FILE.png.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write them as single pictures into this new folder.")] = None,
    label: Annotated[int | None, typer.Option(help="Class of all images; default: as in the training data.")] = None,
    truncation: Annotated[float | None, typer.Option(help="Less variety, more quality.")] = None,
    step: Step = None,
    seed: Annotated[int, typer.Option(help="Image i depends on seed and i alone.")] = 0,
    device: Device = "auto",
) -> None:
    """Draw images from a trained model."""
    from zoo.drawing import draw
    from zoo.pictures import refuse_unwritable, save_each, save_grid
    from zoo.runs import refuse_full

    if grid is None and out is None:
        raise BadInput("zoo sample: nowhere to write; expected --grid FILE.png or --out FOLDER, got neither. Give one.")
    if count < 1:
        raise BadInput(f"zoo sample: no images; expected -n 1 or more, got {count}. Give more.")
    if grid is not None:
        refuse_unwritable(grid)
    if out is not None:
        refuse_full(out)
    images = draw(directory, count, seed, step=step, labels=label, truncation=truncation, device=device)
    if grid is not None:
        save_grid(images, grid)
    if out is not None:
        save_each(images, out)
    Console().print(f"{count} images: {', '.join(str(path) for path in (grid, out) if path)}", highlight=False)


@app.command()
def interpolate(
    directory: Run,
    grid: Grid,
    *,
    images: Images = None,
    rows: Annotated[int | None, typer.Option(help="Pairs of ends, one a row; default: 8, of your own all.")] = None,
    steps: Annotated[int, typer.Option(help="Images a row, its ends included.")] = 8,
    between: Annotated[
        str | None,
        typer.Option(help="images, two of the test split or of your own one after the other, or latents drawn."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the ends.")] = 0,
    step: Step = None,
    device: Device = "auto",
) -> None:
    """Go from image to image through latents: genbench zoo interpolate runs/glow --between images --grid g.png."""
    from zoo.latent.sheets import Choice, interpolations
    from zoo.pictures import refuse_unwritable

    refuse_unwritable(grid)
    found = interpolations(directory, rows, steps, between, seed, Choice(images or (), step, device))
    _save(found, grid, steps, f"one way a row, in {steps} steps from its first image to its last")


@app.command()
def reconstruct(
    directory: Run,
    grid: Grid,
    *,
    images: Images = None,
    count: Annotated[int | None, typer.Option("-n", "--count", help="Images; default: 32, of your own all.")] = None,
    seed: Annotated[int, typer.Option(help="Of which test images.")] = 0,
    step: Step = None,
    device: Device = "auto",
) -> None:
    """Show images, each beside its reconstruction: genbench zoo reconstruct runs/vae --grid g.png."""
    from zoo.latent.sheets import Choice, reconstructions
    from zoo.pictures import refuse_unwritable

    refuse_unwritable(grid)
    found = reconstructions(directory, count, seed, Choice(images or (), step, device))
    _save(found, grid, 8, "image, its reconstruction, four times a row")


@app.command()
def complete(
    directory: Run,
    grid: Grid,
    *,
    images: Images = None,
    known: Annotated[
        str, typer.Option(help="top, left, or a percentage of the pixels, at random places: 25% or 25.")
    ] = "top",
    label: Annotated[
        str | None,
        typer.Option(
            help="Class that a model with classes is told: a number, or true, that of each test image; default: none, "
            "each completion is of a class drawn by how likely all known pixels are in it."
        ),
    ] = None,
    rows: Annotated[int | None, typer.Option(help="Images, one a row; default: 8, of your own all.")] = None,
    seed: Annotated[int, typer.Option(help="Of the images, of what is known, and of what is drawn.")] = 0,
    step: Step = None,
    device: Device = "auto",
) -> None:
    """Show images, what is known of them, and completions: genbench zoo complete runs/pixelcnn --grid g.png."""
    from zoo.latent.sheets import COMPLETIONS, Choice, completions
    from zoo.pictures import refuse_unwritable

    refuse_unwritable(grid)
    found = completions(directory, known, rows, seed, label, Choice(images or (), step, device))
    _save(found, grid, 2 + COMPLETIONS, f"image, what is known of it (grey: unknown), {COMPLETIONS} completions")


def _save(images: Any, grid: Path, columns: int, what: str) -> None:
    from zoo.pictures import save_grid

    save_grid(images, grid, columns)
    Console(soft_wrap=True).print(f"{len(images)} images: {grid}\ncolumns: {what}", highlight=False, markup=False)


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadInput(f"--set {text!r}: no value; expected NAME=VALUE, got {text!r}. Write it so.")
    return name, value


def _fabric(device: str, precision: str, processes: int) -> Any:
    from zoo.training import open_fabric

    return open_fabric(device, precision, processes)


def _train(recipe: Any, examples: Any, directory: Path, fabric: Any, events: bool) -> None:
    from genbench.cli.progress import Bars
    from genbench.contracts import Silence
    from zoo.description import describe_data
    from zoo.training import train as carry_out

    if not fabric.is_global_zero:
        carry_out(recipe, examples, directory, fabric, Silence())
        return
    Console(soft_wrap=True).print("\n".join(describe_data(examples)), highlight=False, markup=False)
    with Bars() as bars:
        outcome = carry_out(recipe, examples, directory, fabric, bars, events=events)
    counters = outcome.counters
    score = f"score zoo:{directory} --real data:{recipe.data}/test --extractor efficientnet-lite0"
    look = f"zoo sample {directory} -n 1000 --grid {directory / 'points.png'}"
    Console().print(
        f"{recipe.model} on {recipe.data}: {counters.step} updates, {counters.images:,} images, "
        f"{counters.seconds / 60:.1f} min\nwritten: {directory}/samples, {directory / 'curves.png'}\n"
        f"next: genbench {look if recipe.spec.is_points else score}",
        highlight=False,
        soft_wrap=True,  # a command that is copied
    )
