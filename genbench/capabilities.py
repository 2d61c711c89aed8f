"""What a generator may be able to do beyond drawing images, as metrics that judge models ask for it.

Tensors are torch's; they are ``Any`` here so that nothing imports torch. Images are float32 [n, c, h, w] in [0, 1].
"""

from typing import Any, Literal, Protocol, get_args, runtime_checkable

from genbench.errors import BadInput

Kind = Literal["exact", "lower_bound", "iw_estimate"]
Dequantisation = Literal["uniform", "none", "variational"]
MOST_LEVELS = 256  # images are of 8 bits


@runtime_checkable
class HasLatent(Protocol):
    """Has a prior to interpolate and to search in.

    Attributes:
        geometry: "gaussian", "sphere" or "uniform": how to go from one latent to another.
    """

    geometry: Literal["gaussian", "sphere", "uniform"]

    def prior(self, n: int, generator: Any) -> Any:
        """Return n latents float32 [n, *latent], drawn from the ``torch.Generator`` alone."""
        ...

    def decode(self, z: Any, labels: Any = None) -> Any:
        """Return images of latents, as floats that nothing rounds, in eval mode, one by one independent."""
        ...


@runtime_checkable
class StyleSpace(Protocol):
    """Has an intermediate latent space W.

    Attributes:
        num_ws: styles an image takes.
        w_average: float32 [w], the mean of the mapped prior.
    """

    num_ws: int
    w_average: Any

    def mapping(self, z: Any, labels: Any = None) -> Any:
        """Return w float32 [n, w] of z [n, latent]."""
        ...

    def synthesis(self, ws: Any) -> Any:
        """Return images of ws [n, num_ws, w], with fixed noise, differentiable."""
        ...


@runtime_checkable
class SamplesClasses(Protocol):
    """Draws images of classes, and can say of which."""

    def sampled_labels(self, n: int, generator: Any) -> Any:
        """Return the classes int64 [n] of what ``sample(n, generator)`` draws from a generator in the same state.

        None if the model knows no classes.
        """
        ...


@runtime_checkable
class HasLikelihood(Protocol):
    """Says how likely an image is.

    Attributes:
        kind: what ``log_prob`` is: "exact", a "lower_bound" (an ELBO), or an "iw_estimate", a bound in expectation.
        dequantisation: "none": the log probability of the grey levels themselves, at most 0; "uniform": the log density
            of numbers in [0, 1], level k being spread over [k / levels, (k + 1) / levels] by who calls; "variational":
            the model spreads them itself, and gives a bound on the log probability of the levels.
        levels: grey levels, 256 for ordinary images.
        image_shape: (c, h, w) of the images it takes.
    """

    kind: Kind
    dequantisation: Dequantisation
    levels: int
    image_shape: tuple[int, int, int]

    def log_prob(self, x: Any, labels: Any = None) -> Any:
        """Return nats float [n] of images x: level k is k / (levels - 1), or (k + u) / levels if "uniform".

        A bound may draw, from torch's global random state, for each image anew: who calls has set that state, and gives
        one image at a time unless the dequantisation is "uniform".
        """
        ...


def check_likelihood(who: str, model: Any) -> None:
    """Raise ``BadInput`` if ``model`` does not say what its ``log_prob`` is, as ``HasLikelihood`` has it.

    A model that has one with other settings says in ``why_no_likelihood`` what is to be done.
    """
    if why := getattr(model, "why_no_likelihood", ""):
        raise BadInput(f"{who}: {why}")
    name = str(model).partition("(")[0]  # of a module its class alone
    if not callable(getattr(model, "log_prob", None)):
        raise BadInput(
            f"{who}: {name} has no likelihood; expected a model with log_prob, got one without. Choose another model."
        )
    kind, dequantisation, levels, shape = (
        getattr(model, name, None) for name in ("kind", "dequantisation", "levels", "image_shape")
    )
    is_shape = isinstance(shape, tuple | list) and len(shape) == 3 and shape[0] in (1, 3)
    is_bound = kind in get_args(Kind) and kind != "exact"
    rules = (
        ("kind", kind, kind in get_args(Kind), f"one of {', '.join(get_args(Kind))}"),
        ("dequantisation", dequantisation, dequantisation in get_args(Dequantisation), "uniform, none or variational"),
        ("levels", levels, isinstance(levels, int) and 2 <= levels <= MOST_LEVELS, "a number of grey levels, 2 to 256"),
        ("image_shape", shape, is_shape, "(3, h, w) or (1, h, w)"),
        ("kind", kind, is_bound or dequantisation != "variational", "a bound, as it dequantises variationally"),
    )
    for attribute, said, is_right, expected in rules:
        if not is_right:
            raise BadInput(
                f"{who}: {name} does not say what its log_prob is; expected {attribute} to be {expected}, got "
                f"{said!r}. Give it the attributes kind, dequantisation, levels and image_shape."
            )
