"""The pairs of pictures as one page that needs nothing else, strongest evidence first."""

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from genbench.contracts import Pixels
from genbench.report.memorization import DESCRIPTIVE, Memorization, Picture, beside

SIDE_PX = 192  # of a picture on the page; larger ones are made smaller
LOSSLESS_PX = 64  # up to this side every pixel is shown as it is
JPEG_QUALITY = 90


@dataclass(frozen=True)
class PairOfPictures:
    """A flagged picture beside its training picture.

    Attributes:
        told: what is known of it.
        mine: the flagged one, uint8 RGB [h, w, 3].
        theirs: the training picture.
    """

    told: Picture
    mine: Pixels
    theirs: Pixels


def draw_memorization(found: Memorization, pairs: Sequence[PairOfPictures]) -> str:
    """Return the page as HTML.

    Args:
        found: the record.
        pairs: flagged pictures, all or the first, strongest evidence first.
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("genbench.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["picture"] = lambda pixels: Markup(_picture(pixels))
    environment.filters["beside"] = beside
    environment.filters["readable"] = lambda thing: json.dumps(thing, indent=2, ensure_ascii=False, default=str)
    return environment.get_template("memorization.html.j2").render(found=found, pairs=pairs, descriptive=DESCRIPTIVE)


def _picture(pixels: Pixels) -> Any:
    """Return the address of a picture that is inside the page: small ones as they are, larger ones as JPEG."""
    image, stream = Image.fromarray(pixels), io.BytesIO()
    form = "PNG" if max(image.size) <= LOSSLESS_PX else "JPEG"
    image.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    image.save(stream, form, optimize=True, quality=JPEG_QUALITY)
    return f"data:image/{form.lower()};base64,{base64.b64encode(stream.getvalue()).decode()}"
