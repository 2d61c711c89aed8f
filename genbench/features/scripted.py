"""Networks exported to TorchScript, ``f.pt``, as extractors. Only graphs are run: no pickle is ever loaded."""

from pathlib import Path

from genbench.errors import BadInput
from genbench.features.runtime import Setup
from genbench.features.usermodule import UserModule, probe
from genbench.features.weights import sha256_of
from genbench.torchscript import load_torchscript

NAME = "torchscript"


class ScriptedExtractor(UserModule):
    """`f.pt`: a network of yours, exported to TorchScript; a pickled checkpoint is refused.

    It maps float32 [n, 3, side, side] in [0, 1] to [n, d], layer "pooled"; ``UserModule`` says how it is fed. An
    attribute ``side_px`` set in ``__init__`` survives ``torch.jit.script``; none survives ``torch.jit.trace``.

    Args:
        setup: the path as its argument; where it runs.

    Raises:
        BadInput: if there is no such network, or its features depend on more than the image.
    """

    name = NAME

    def __init__(self, setup: Setup) -> None:
        path, who = Path(setup.argument), f"extractor {setup.argument!r}"
        if not path.is_file():
            raise BadInput(f"{who}: no such file; expected a TorchScript file, got none. Check the path.")
        instead = "Export it (torch.jit.script(module).save(path)), or name a function that builds it: file.py:build."
        module = load_torchscript(path, who, instead)
        facts = {"extractor": f"{NAME} v1", "network": "TorchScript", "weights": sha256_of(path)}
        super().__init__(module, setup.argument, setup, facts)
        probe(self, who)
