"""Statistics files: mean and covariance of a reference's features, in the forms other tools read and write.

    pytorch-fid        mu [d], sigma [d, d] of the pooled features
    guided-diffusion   the same, and mu_s, sigma_s of the spatial features

Covariances divide by n - 1. Files written here also hold ``count`` and ``genbench``, a JSON text that says what made
them; other tools pass those by. Nothing is ever pickled.
"""

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from genbench.errors import BadInput, MismatchedFeatures, NotPositive
from genbench.stats.gaussian import Array, Gaussian, Moments

FORMS = {  # form -> layer -> its suffix in the file
    "pytorch-fid": {"pooled": ""},
    "guided-diffusion": {"pooled": "", "spatial": "_s"},
}
FORMAT = "genbench.statistics/1"
SYMMETRY = 1e-5  # of the largest value: a float32 file passes
UNCHECKED = "statistics of another program: that they are of this extractor and this resize cannot be checked"
SHOWN = 3


@dataclass(frozen=True)
class Statistics:
    """What a statistics file says of a reference.

    Attributes:
        name: the file, as written.
        fingerprint: SHA-256 of the file.
        count: images; 0 where the file does not say.
        mean: of the pooled features, float64 [d].
        cov: their covariance, float64 [d, d].
        made_by: what made it, where genbench did: "extractor" (facts), "extractor_key", "source" ...
    """

    name: str
    fingerprint: str
    count: int
    mean: Array
    cov: Array
    made_by: Mapping[str, Any] | None

    @cached_property
    def gaussian(self) -> Gaussian:
        """The Gaussian they describe; raises ``NotPositive`` if sigma is not a covariance."""
        try:
            return Gaussian.from_moments(self.count, self.mean, self.cov)
        except NotPositive as error:
            raise NotPositive(f"statistics {self.name!r}: {error}") from error

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences to stand beside every number made from it."""
        return () if self.made_by else (UNCHECKED,)

    def check_extractor(self, facts: Mapping[str, str], key: str, width: int) -> None:
        """Raise ``MismatchedFeatures`` if it cannot be compared with the features of this extractor.

        Args:
            facts: of the extractor.
            key: digest of ``facts``.
            width: of its pooled features.
        """
        held = len(self.mean)
        if held != width:
            raise MismatchedFeatures(
                f"statistics {self.name!r}: of another width; expected {width} features as {facts.get('extractor')} "
                f"has, got {held}. Choose the --extractor that they were made with."
            )
        if self.made_by is None or self.made_by["extractor_key"] == key:
            return
        there = self.made_by["extractor"]
        differ = [name for name in sorted({*facts, *there}) if facts.get(name) != there.get(name)]
        shown = "; ".join(f"{name} {there.get(name)!r} instead of {facts.get(name)!r}" for name in differ[:SHOWN])
        raise MismatchedFeatures(
            f"statistics {self.name!r}: made with another extractor; expected that of this run, got {shown}. "
            "Make them again (genbench stats), or run with the extractor, device and runtime that they were made with."
        )

    def describe(self) -> dict[str, Any]:
        """Return what the provenance says of it."""
        return {
            "name": self.name,
            "kind": "statistics",
            "count": self.count,
            "fingerprint": self.fingerprint,
            "conversions": {},
            "skipped_count": 0,
            "seeded": True,
            "notes": [] if self.count else ["statistics that do not say of how many images"],
            "made_by": None if self.made_by is None else dict(self.made_by),
        }


def read_statistics(path: str, name: str) -> Statistics:
    """Return the statistics in the .npz file at ``path``.

    Args:
        path: of the file: mu [d], sigma [d, d]; optional: count, genbench; anything else is passed by.
        name: as the user wrote it.

    Raises:
        BadInput: if it is not such a file.
    """
    who = f"statistics {name!r}"
    try:
        data = Path(path).read_bytes()
        with io.BytesIO(data) as file, np.load(file, allow_pickle=False) as arrays:
            found = {key: arrays[key] for key in ("mu", "sigma", "count", "genbench") if key in arrays.files}
    except (OSError, ValueError, EOFError, AttributeError, BadZipFile) as error:
        raise BadInput(
            f"{who}: cannot be read; expected an .npz file of mu and sigma without pickled objects, got "
            f"{type(error).__name__}: {error}. Make it again: genbench stats REAL -o ref.npz."
        ) from error
    mean, cov = _moments(found, who)
    return Statistics(name, hashlib.sha256(data).hexdigest(), _count(found, who), mean, cov, _made_by(found, who))


def write_statistics(path: Path, form: str, moments: Mapping[str, Moments], made_by: Mapping[str, Any]) -> None:
    """Write moments to ``path``, whole or not at all.

    Args:
        path: of the file.
        form: of ``FORMS``.
        moments: layer -> its moments; all layers that the form has.
        made_by: JSON-safe; "extractor" (facts) and "extractor_key" are looked for when it is read.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for layer, suffix in FORMS[form].items():
        arrays |= {f"mu{suffix}": moments[layer].mean, f"sigma{suffix}": moments[layer].cov}
    arrays["count"] = np.array(moments["pooled"].count, np.int64)
    arrays["genbench"] = np.array(json.dumps({"format": FORMAT, **made_by}))
    scratch = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
            scratch = file.name
            np.savez(file, allow_pickle=False, **arrays)
        os.chmod(scratch, 0o666 & ~_umask())
        os.replace(scratch, path)
    except OSError as error:
        raise BadInput(f"--out: {path} cannot be written; expected a writable file, got {error}.") from error
    finally:
        if scratch is not None:
            Path(scratch).unlink(missing_ok=True)


def _moments(found: Mapping[str, NDArray[Any]], who: str) -> tuple[Array, Array]:
    shapes = ", ".join(f"{key} {array.dtype} {list(array.shape)}" for key, array in found.items()) or "neither"
    mean, cov = found.get("mu"), found.get("sigma")
    is_right = mean is not None and cov is not None and mean.ndim == 1 and cov.shape == (len(mean), len(mean))
    if mean is None or cov is None or not is_right or mean.dtype.kind != "f" or cov.dtype.kind != "f":
        raise BadInput(f"{who}: not statistics; expected floats mu [d] and sigma [d, d], got {shapes}.")
    mean, cov = mean.astype(np.float64), cov.astype(np.float64)
    if not (np.isfinite(mean).all() and np.isfinite(cov).all()):
        raise BadInput(f"{who}: hold NaN or infinity; expected finite numbers. Make them again.")
    if np.abs(cov - cov.T).max() > SYMMETRY * np.abs(cov).max():
        raise BadInput(f"{who}: sigma is not symmetric; expected a covariance. Make them again.")
    return mean, cov


def _count(found: Mapping[str, NDArray[Any]], who: str) -> int:
    if "count" not in found:
        return 0
    count = found["count"]
    if count.shape != () or count.dtype.kind not in "iu" or count < 2:
        raise BadInput(f"{who}: no count; expected a whole number of 2 or more, got {count.tolist()!r}.")
    return int(count)


def _made_by(found: Mapping[str, NDArray[Any]], who: str) -> dict[str, Any] | None:
    if "genbench" not in found:
        return None
    try:
        made_by = json.loads(str(found["genbench"]))
        known = made_by["format"] == FORMAT and isinstance(made_by["extractor"], dict) and made_by["extractor_key"]
    except (ValueError, TypeError, KeyError):
        known = False
    if not known:
        raise BadInput(f"{who}: written by another version of genbench; expected {FORMAT}. Make them again.")
    return dict(made_by)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
