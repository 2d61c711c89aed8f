"""DINOv2 ViT-L/14 as dgm-eval feeds it: the features of FD-DINOv2.

Oquab et al. 2023, arXiv:2304.07193; Stein et al. 2023, arXiv:2306.04675 (layer6ai-labs/dgm-eval).
"""

from collections.abc import Mapping
from typing import Any

import PIL

from genbench.contracts import Pixels
from genbench.features.published import PublishedNetwork
from genbench.features.tensors import Tensors
from genbench.images.resize import resize_pil

PATCHES = 16  # a side, of 14 x 14 pixels
OFFSET = 0.1  # Meta's code resizes to 16.1 a side, and drops the rest


class Dinov2L14(PublishedNetwork):
    """DINOv2 ViT-L/14: what FD-DINOv2 is computed from, fed as dgm-eval does.

    Layer "pooled" is float32 [n, 1024]: the class token after the last norm.

    Images are resized to 224 x 224 by Pillow's bicubic filter (antialiased, 8-bit; the aspect is not kept), then
    normalised by ImageNet's colours. The network is timm's; the position embedding, published for 37 x 37 patches, is
    resized to 16 x 16 as Meta's code does: bicubic, not antialiased, by the scale 16.1 / 37. (timm's own resize is
    antialiased, and its features are others.)

    Tested on random weights in the published format, on a smaller network of the same code: equal to a plain rewrite
    of Meta's. Not tested: the published file itself, which no test machine has.
    """

    name = "dinov2-l14"
    widths: Mapping[str, int] = {"pooled": 1024}
    network = (
        "timm vit_large_patch14_dinov2 at 224, position embedding resized as facebookresearch/dinov2 does; tested on "
        "random weights"
    )
    resized = f"dgm-eval's: pillow {PIL.__version__} bicubic"

    @classmethod
    def assemble(cls) -> Any:
        """Return timm's network, without a head."""
        import timm

        return timm.create_model(
            "vit_large_patch14_dinov2", pretrained=False, img_size=cls.side_px, num_classes=0, **cls.arguments
        )

    @classmethod
    def adapt(cls, tensors: Tensors, net: Any) -> Tensors:
        """Return the tensors of Meta's file, or of timm's, without the mask token, for 16 x 16 patches."""
        kept = {name: tensor for name, tensor in tensors.items() if name != "mask_token"}
        if getattr(kept.get("pos_embed"), "ndim", 0) == 3:
            kept["pos_embed"] = resize_positions(kept["pos_embed"], PATCHES)
        return kept

    def resize(self, image: Pixels) -> Pixels:
        """Return uint8 [224, 224, 3]."""
        return resize_pil(image, self.side_px, "bicubic")


def resize_positions(positions: Any, side: int) -> Any:
    """Resize a position embedding as facebookresearch/dinov2 does.

    Args:
        positions: float tensor [1, 1 + m * m, d], the class token's first.
        side: patches a side of the result.

    Returns:
        Tensor [1, 1 + side * side, d], the class token's unchanged; ``positions`` itself if it is that, or no square.
    """
    import torch

    grid = positions[:, 1:].float()
    before = round(grid.shape[1] ** 0.5)
    if before == side or before * before != grid.shape[1]:
        return positions
    scale = (side + OFFSET) / before
    planes = grid.reshape(1, before, before, -1).permute(0, 3, 1, 2)
    planes = torch.nn.functional.interpolate(planes, scale_factor=(scale, scale), mode="bicubic")
    return torch.cat([positions[:, :1].float(), planes.permute(0, 2, 3, 1).flatten(1, 2)], 1)
