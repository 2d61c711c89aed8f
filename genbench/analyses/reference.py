"""A reference as a statistics file: mean and covariance of its features, for this program and for others."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genbench import __version__
from genbench.contracts import Extractor, Watch
from genbench.errors import BadInput
from genbench.evaluate import extract_sides, open_run, survey_sides
from genbench.features.extract import extractor_key, recall
from genbench.request import Request
from genbench.stats.files import FORMS, write_statistics
from genbench.stats.gaussian import Moments

SUFFIX = ".npz"


def write_reference(
    real: Any, path: Path, form: str = "pytorch-fid", request: Request | None = None, watch: Watch | None = None
) -> Mapping[str, Any]:
    """Write the statistics of ``real``; its features come from the store and stay in it.

    Args:
        real: source of images, as ``genbench.score`` takes it.
        path: of the .npz file.
        form: "pytorch-fid" (mu, sigma) or "guided-diffusion" (mu_s, sigma_s too, of the layer "spatial").
        request: extractor, count, seed, device ...; its metrics do not matter.
        watch: told of progress.

    Returns:
        What the file says made it: "extractor", "extractor_key", "source" (with its count), "genbench".

    Raises:
        GenbenchError: before any work, if an input cannot be used.
    """
    request = request or Request()
    check_target(path, form)
    with open_run(request, watch) as run:
        _refuse_missing_layers(run.extractor, form)
        parts = survey_sides(run, {"real": real})
        extract_sides(run, parts, {"real": list(FORMS[form])})
        features = recall(parts["real"], run.extractor, run.store, list(FORMS[form]))
    made_by = {
        "genbench": __version__,
        "extractor": dict(run.extractor.facts),
        "extractor_key": extractor_key(run.extractor),
        "source": parts["real"].describe(),
    }
    write_statistics(path, form, {layer: Moments.of(rows) for layer, rows in features.layers.items()}, made_by)
    return made_by


def check_target(path: Path, form: str) -> None:
    """Raise ``BadInput`` if there is no such form, or the file could not be written later."""
    if form not in FORMS:
        raise BadInput(f"--form: unknown form; expected one of {', '.join(FORMS)}, got {form!r}.")
    if path.suffix.lower() != SUFFIX:
        raise BadInput(f"--out: not an .npz file; expected a name ending in .npz, got {str(path)!r}.")
    if path.is_dir():
        raise BadInput(f"--out: {path} is a folder; expected a file name. Write {path / 'ref.npz'}.")
    if not path.absolute().parent.is_dir():
        raise BadInput(f"--out: no folder {path.absolute().parent}; expected one that exists. Make it first.")


def _refuse_missing_layers(extractor: Extractor, form: str) -> None:
    missing = [layer for layer in FORMS[form] if layer not in extractor.widths]
    if missing:
        raise BadInput(
            f"--form {form}: needs the layer {missing[0]!r}; expected an extractor that has it, got {extractor.name!r} "
            f"with {', '.join(extractor.widths)}. Choose another --extractor, or --form pytorch-fid."
        )
