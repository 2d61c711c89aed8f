"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from genbench.request import DEFAULT_METRICS

USUAL_METRICS = ",".join(DEFAULT_METRICS)
SOURCE_HELP = (
    "folder, .zip, .tar, .npz, .npy, .pt, .onnx, data:NAME, zoo:DIR, torchvision:NAME, sklearn:digits, file.py:attr or "
    "pkg.mod:attr"
)

Fake = Annotated[str | None, typer.Argument(help=f"Images to judge: {SOURCE_HELP}.", show_default=False)]
Real = Annotated[str | None, typer.Option(help=f"Reference images: {SOURCE_HELP}.", show_default=False)]
Metrics = Annotated[str, typer.Option(help="Comma-separated ids; see `genbench list metrics`.")]
ExtractorName = Annotated[str, typer.Option(help="Network; see `genbench list extractors`.")]
Perceptual = Annotated[
    str | None, typer.Option(help="Perceptual distance instead of lpips:alex: lpips:vgg, lpips:squeeze or lite0.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="A metric's parameter: precision.k=5, ppl.space=w. Repeatable.")
]
ProtocolName = Annotated[
    str | None, typer.Option(help="Score as a published tool does; see `genbench list protocols`.")
]
Weights = Annotated[Path | None, typer.Option(help="Weight file of the extractor; default: the published one.")]
Count = Annotated[int | None, typer.Option(help="At most N images a side, chosen by the seed.")]
Seed = Annotated[int, typer.Option(help="Seed of samplers, of --count and of jackknife blocks.")]
Cache = Annotated[Path | None, typer.Option(help="Feature store; default: $GENBENCH_CACHE or the user cache.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Runtime = Annotated[str, typer.Option(help="auto, onnxruntime or torch.")]
BatchSize = Annotated[int | None, typer.Option(help="Images per call of the network; does not change scores.")]
Latent = Annotated[str | None, typer.Option(help="Latent shape of an nn.Module: 128 or 100x1x1.")]
Range = Annotated[str | None, typer.Option("--range", help="Range of a generator's floats: --range=-1,1.")]
SkipUnreadable = Annotated[bool, typer.Option(help="Leave broken images out, counted, instead of stopping.")]
Labels = Annotated[str | None, typer.Option(help="folders: sub-folders of folders and archives are classes.")]
Floor = Annotated[bool, typer.Option(help="Each metric between a part of the reference and the rest, too.")]
Verify = Annotated[bool, typer.Option(help="Hash all files again instead of trusting size and time.")]
