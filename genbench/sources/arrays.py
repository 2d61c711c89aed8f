"""Array files: .npy (mapped, not loaded) and .npz, guided-diffusion's ``arr_0`` included. No pickle is executed."""

import os
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from genbench.contracts import Source, SourceOptions
from genbench.errors import BadInput
from genbench.sources.listing import printable
from genbench.sources.memory import ArraySource

PREFERRED = ("arr_0", "images")
STATISTICS = {"mu", "sigma"}


def open_arrays(rest: str, options: SourceOptions) -> Source:
    """A .npz or .npy file of images, uint8 or float; --range=-1,1 says what floats mean."""
    who = f"arrays {rest!r}"
    try:
        status = os.stat(rest)
        array = _load(rest, who)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(
            f"{who}: cannot be read; expected a .npy or .npz file without pickled objects, got {type(error).__name__}: "
            f"{error}. Save the images again with numpy.save."
        ) from error
    stamp = f"{printable(str(Path(rest).absolute()))}|{status.st_size}|{status.st_mtime_ns}"
    return ArraySource(array, rest, stamp=stamp, value_range=options.output_range)


def holds_only_statistics(path: str) -> bool:
    """Whether the file is an .npz of ``mu`` and ``sigma`` without any array shaped like images."""
    try:
        headers = _headers(path)
    except (OSError, ValueError, EOFError, BadZipFile):
        return False
    return set(headers) >= STATISTICS and not any(_looks_like_images(*header) for header in headers.values())


def _load(path: str, who: str) -> NDArray[Any]:
    with open(path, "rb") as file:
        is_zip = file.read(2) == b"PK"
    is_npz = Path(path).suffix.lower() == ".npz"
    if is_npz and is_zip:
        return _load_npz(path, who)
    if is_zip:
        raise BadInput(f"{who}: not an .npy file; expected one array, got a zip. Name it .npz.")
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    if is_npz:
        raise BadInput(f"{who}: not an .npz file; expected a zip of arrays, got one array. Name it .npy.")
    return array


def _load_npz(path: str, who: str) -> NDArray[Any]:
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
        array: NDArray[Any] = arrays[_choose(path, list(arrays.files), who)]
        return array


def _choose(path: str, keys: list[str], who: str) -> str:
    """Return the key of the images: ``arr_0``, ``images``, or the only array shaped like images."""
    headers = _headers(path)
    likely = [key for key in keys if _looks_like_images(*headers[key])]
    for key in PREFERRED:
        if key in likely:
            return key
    if len(likely) == 1:
        return likely[0]
    held = ", ".join(f"{key} {headers[key][1]} {list(headers[key][0])}" for key in keys) or "nothing"
    if not likely and set(keys) >= STATISTICS:
        raise BadInput(
            f"{who}: statistics (mu, sigma), not images; expected an array of images, got {held}. Statistics can stand "
            "for the reference only: --real FILE.npz."
        )
    raise BadInput(
        f"{who}: {'several arrays' if likely else 'no array'} of images; expected one called arr_0 or images, or "
        f"only one uint8 or float array [n, h, w, 3], got {held}. Save the images as arr_0."
    )


def _headers(path: str) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Return key -> (shape, dtype) of the arrays in an .npz file, without loading them."""
    found = {}
    with ZipFile(path) as archive:
        for member in archive.namelist():
            with archive.open(member) as file:
                version = np.lib.format.read_magic(file)
                is_old = version == (1, 0)
                read = np.lib.format.read_array_header_1_0 if is_old else np.lib.format.read_array_header_2_0
                shape, _, dtype = read(file)
            found[member.removesuffix(".npy")] = (shape, dtype)
    return found


def _looks_like_images(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    is_shaped = len(shape) == 3 or (len(shape) == 4 and (shape[1] in (1, 3) or shape[3] in (1, 3, 4)))
    return is_shaped and (dtype == np.uint8 or dtype.kind == "f")
