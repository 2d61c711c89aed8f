"""The image tower of CLIP ViT-L/14@336px, fed as CMMD does.

Radford et al. 2021, arXiv:2103.00020; Jayasumana et al. 2024, arXiv:2401.09603 (google-research/cmmd).
"""

from collections.abc import Mapping
from typing import Any

import PIL

from genbench.contracts import Pixels
from genbench.features.published import PublishedNetwork
from genbench.features.tensors import Tensors
from genbench.images.resize import resize_pil

POSITIONS = "visual.positional_embedding"


class ClipL14At336(PublishedNetwork):
    """CLIP ViT-L/14@336px, OpenAI's: the image embedding that CMMD compares, fed as it does.

    Layer "pooled" is float32 [n, 768]: the class token after the last norm, projected into the space that images share
    with texts; not of unit length (CMMD divides each row by its length).

    The largest centred square of an image is resized to 336 x 336 by Pillow's bicubic filter (antialiased, 8-bit), then
    normalised by CLIP's colours. dgm-eval's CLIP is another: OpenCLIP's ViT-L/14 at 224, without projection.

    The network is timm's with QuickGELU, on which OpenAI trained. Tested on random weights in the published format, on
    a smaller network of the same code: equal to torch-fidelity's. Not tested: the published file itself, which no test
    machine has.
    """

    name = "clip-l14-336"
    widths: Mapping[str, int] = {"pooled": 768}
    network = "timm vit_large_patch14_clip_quickgelu_336, projected; tested on random weights"
    resized = f"CMMD's: centred square, pillow {PIL.__version__} bicubic"
    side_px = 336
    colours = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))

    @classmethod
    def assemble(cls) -> Any:
        """Return timm's network, the projection as its head."""
        import timm

        return timm.create_model(
            "vit_large_patch14_clip_quickgelu_336",
            pretrained=False,
            num_classes=cls.widths["pooled"],
            **cls.arguments,
        )

    @classmethod
    def adapt(cls, tensors: Tensors, net: Any) -> Tensors:
        """Return the image tower of OpenAI's file by timm's names; a file of timm's passes as it is.

        So does one for images of another size, which then does not fit: timm would resize its position embedding.
        """
        from timm.models.vision_transformer import checkpoint_filter_fn

        if getattr(tensors.get(POSITIONS), "shape", None) != net.pos_embed.shape[1:]:
            return tensors
        return dict(checkpoint_filter_fn({name: x for name, x in tensors.items() if name.startswith("visual.")}, net))

    def resize(self, image: Pixels) -> Pixels:
        """Return uint8 [336, 336, 3] of the centred square."""
        return resize_pil(crop_square(image), self.side_px, "bicubic")


def crop_square(image: Pixels) -> Pixels:
    """Return the largest centred square of uint8 [h, w, 3]; of two in the middle, the one further up or left."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]
