"""Images drawn from a generator: the source for samplers, callables and bare torch modules.

Always by full chunks of 64, each with a ``torch.Generator`` of its own, cut afterwards: image i depends on (seed, i)
alone, never on a batch size, a count or the order of reading.
"""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Blob, Entry, SourceOptions
from genbench.errors import BadInput
from genbench.images.quantise import as_array, as_pixels, extremes, guess_range
from genbench.seeds import derive
from genbench.sources.guarded import Guarded
from genbench.sources.memory import RANGE_NOTE
from genbench.sources.spool import Spool
from genbench.usercode import user_code

CHUNK = 64
LATENT_NAMES = ("latent_dim", "latent_shape", "z_dim", "nz")
UNSEEDED_NOTE = (
    "two draws with one seed differ: it draws random numbers outside the generator it is given, or its device is not "
    "deterministic; the score is of one draw that cannot be repeated"
)

Draw = Callable[[int, Any], Any]  # (n, torch.Generator) -> n images


class SampledSource:
    """Images of ``draw``; satisfies ``Source``.

    The first chunk is drawn twice when the source is opened: if the two differ, ``seeded`` is False, a note says so,
    and every chunk is kept in a temporary file so that one run sees one set of images.

    Args:
        draw: (n, generator) -> uint8 or float images [n, c, h, w] or [n, h, w, c], c 1 or 3; array or tensor.
        name: as the user wrote it.
        seed: of all chunks.
        value_range: of floats; None: guessed from the first chunk and noted.
        folder: importable while the user's code runs.
        model: what draws, for who wants more of it than images.
    """

    kind, is_endless = "python", True

    def __init__(
        self,
        draw: Draw,
        name: str,
        seed: int = 0,
        value_range: tuple[float, float] | None = None,
        folder: str | None = None,
        *,
        model: Any = None,
    ) -> None:
        self.model = None if model is None else Guarded(model, f"source {name!r}", folder)
        self._most = 0
        self.name, self._seed, self._draw, self._range, self._folder = name, seed, draw, value_range, folder
        self.notes: list[str] = []
        self._who = f"source {name!r}"
        self._lock = threading.Lock()
        self._spool, self._kept = Spool(), dict[int, int]()  # chunk -> where it starts
        first = self._sample(0)
        self._last = (0, first)
        self.seeded = bool(np.array_equal(first, self._sample(0)))
        if not self.seeded:
            self.notes.append(UNSEEDED_NOTE)
            self._keep(0, first)

    def entries(self, count: int | None = None) -> list[Entry]:
        """Return the first ``count`` images."""
        if count is None:
            raise BadInput(
                f"{self._who}: a generator has no count of its own; expected a count, got None. Give --count N."
            )
        self._most = max(self._most, count)
        return [Entry(index, f"{index:06d}") for index in range(count)]

    @property
    def labels(self) -> NDArray[np.int64] | None:
        """Classes of all images asked for so far, int64 [n]; None where the model knows, or tells, none."""
        tell = getattr(self.model, "sampled_labels", None)
        if tell is None:
            return None
        chunks = [tell(CHUNK, self._generator(chunk)) for chunk in range(-(-self._most // CHUNK))]
        if not chunks or chunks[0] is None:
            return None
        return np.concatenate([as_array(chunk) for chunk in chunks]).astype(np.int64)[: self._most]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, which labels index; () where the model has none."""
        return tuple(getattr(self.model, "classes", ()))

    def read(self, entries: Sequence[Entry]) -> Iterator[Blob]:
        """Yield uint8 [h, w, c], one by one; whole chunks are drawn whichever images are asked for."""
        for entry in entries:
            chunk, place = divmod(entry.index, CHUNK)
            yield self._image(chunk, place)

    def _image(self, chunk: int, place: int) -> NDArray[np.uint8]:
        with self._lock:
            if chunk in self._kept:
                return self._spool[self._kept[chunk] + place]
            if self._last[0] != chunk:
                self._last = (chunk, self._sample(chunk))
                if not self.seeded:
                    self._keep(*self._last)
            image: NDArray[np.uint8] = self._last[1][place]
            return image

    def _keep(self, chunk: int, images: NDArray[np.uint8]) -> None:
        self._kept[chunk] = len(self._spool)
        for image in images:
            self._spool.add(image)

    def _sample(self, chunk: int) -> NDArray[np.uint8]:
        """Return the 64 images of a chunk, uint8 [64, h, w, c]."""
        with user_code(self._who, self._folder):
            made = self._draw(CHUNK, self._generator(chunk))
        images = self._checked(made)
        if images.dtype != np.uint8 and self._range is None:
            self._range = guess_range(*extremes(images), self._who)
            self.notes.append(RANGE_NOTE.format(*self._range))
        return np.ascontiguousarray(as_pixels(images, self._range or (0.0, 1.0), self._who))

    def _generator(self, chunk: int) -> Any:
        import torch

        return torch.Generator().manual_seed(derive(self._seed, "sample", chunk))

    def _checked(self, made: Any) -> NDArray[Any]:
        if isinstance(made, str | dict | None) or callable(made):
            raise BadInput(
                f"{self._who}: gave no images; expected an array or tensor [{CHUNK}, 3, h, w], got "
                f"{type(made).__name__}. Return the images alone."
            )
        try:
            images = as_array(made)
        except (TypeError, ValueError) as error:
            raise BadInput(
                f"{self._who}: gave no images; expected an array or tensor [{CHUNK}, 3, h, w], got "
                f"{type(made).__name__} ({error}). Return the images alone."
            ) from error
        is_right = images.ndim in (3, 4) and len(images) == CHUNK and images.size and images.dtype.kind in "fu"
        if not is_right:
            raise BadInput(
                f"{self._who}: asked for {CHUNK} images; expected floats or uint8 [{CHUNK}, 3, h, w], got "
                f"{images.dtype} {list(images.shape)}. Return so many, as floats or uint8."
            )
        return images


def draw_from_module(module: Any, name: str, options: SourceOptions, *, is_live: bool) -> Draw:
    """Return a ``Draw`` that feeds a bare ``torch.nn.Module`` with standard normal latents.

    Latents are drawn on the CPU and then moved. Every draw runs in eval mode without gradients; the module's own
    modes are put back after it.

    Args:
        module: latents [n, *latent] -> images.
        name: of the source.
        options: ``latent`` and ``device``.
        is_live: the object belongs to a running program: it is neither moved nor cast, and runs where it is.
    """
    import torch

    shape = _latent_shape(module, name, options)
    if not is_live:
        with user_code(f"source {name!r}"):
            module.to(options.device).float()
    tensors = [tensor for tensor in (*module.parameters(), *module.buffers()) if tensor.is_floating_point()]
    device, dtype = (tensors[0].device, tensors[0].dtype) if tensors else (options.device, torch.float32)

    def draw(count: int, generator: Any) -> Any:
        latents = torch.randn(count, *shape, generator=generator).to(device, dtype)
        training = [part for part in module.modules() if part.training]
        module.eval()
        try:
            with torch.no_grad():
                return module(latents)
        finally:
            for part in training:
                part.training = True

    return draw


def stated_range(thing: Any, name: str, options: SourceOptions) -> tuple[float, float] | None:
    """Return the range of floats that the user or ``thing.output_range`` states, None if neither does."""
    stated = options.output_range
    if stated is None:
        stated = getattr(thing, "output_range", None)
    if stated is None:
        return None
    try:
        low, high = (float(edge) for edge in stated)
    except (TypeError, ValueError):
        low = high = math.nan
    if not low < high:
        raise BadInput(f"source {name!r}: no range; expected (low, high) such as (-1, 1), got {stated!r}. Correct it.")
    return low, high


def _latent_shape(module: Any, name: str, options: SourceOptions) -> tuple[int, ...]:
    if options.latent is not None:
        return options.latent
    for attribute in LATENT_NAMES:
        value = getattr(module, attribute, None)
        if isinstance(value, int):
            return (value,)
        if isinstance(value, tuple | list) and value and all(isinstance(part, int) for part in value):
            return tuple(value)
    raise BadInput(
        f"source {name!r}: unknown latent shape; expected {type(module).__name__} to have one of "
        f"{', '.join(LATENT_NAMES)}, got none. Say it: --latent 128."
    )
