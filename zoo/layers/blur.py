"""Low-pass filtered resampling with the kernel (1, 3, 3, 1), as in StyleGAN2 (Karras et al. 2020, arXiv:1912.04958).

Borders are padded with zeros. Kernels are symmetric, so correlation and convolution are one.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TAPS = (1, 3, 3, 1)


class Blur(nn.Module):
    """Filter every channel of [n, c, h, w] with the outer product of ``kernel`` with itself, of sum 1; same size.

    Zeros are put on all sides, len // 2 before and (len - 1) // 2 behind: (2, 1) for four taps.

    Args:
        kernel: symmetric filter taps.
    """

    def __init__(self, kernel: Sequence[float] = TAPS) -> None:
        super().__init__()
        self.kernel: Tensor
        self.register_buffer("kernel", _square(torch.tensor(kernel, dtype=torch.get_default_dtype())))
        before, behind = len(kernel) // 2, (len(kernel) - 1) // 2
        self.padding = (before, behind, before, behind)

    def forward(self, x: Tensor) -> Tensor:
        """Filter x [n, c, h, w]."""
        return _filter(F.pad(x, self.padding), self.kernel)


def upsample_blur(x: Tensor) -> Tensor:
    """Double [n, c, h, w]: zeros between the pixels, then the filter with gain 4, so that the mean is kept."""
    kernel = 4 * _square(x.new_tensor(TAPS))
    return F.conv_transpose2d(x, _depthwise(kernel, x), stride=2, padding=1, groups=x.shape[1])


def downsample_blur(x: Tensor) -> Tensor:
    """Halve [n, c, h, w]: the filter, then every other pixel; an odd last row or column has no pixel of its own."""
    return _filter(F.pad(x, (1, 1, 1, 1)), _square(x.new_tensor(TAPS)), stride=2)


def blur_after_transposed(x: Tensor, side: int) -> Tensor:
    """Finish a resampling that a transposed convolution of stride 2 without padding began.

    Zero insertion, the convolution and the filter commute; done in this order the convolution runs at the low
    resolution. Equals the convolution (zero padded) of ``upsample_blur`` of an image with zeros around it.

    Args:
        x: output of the transposed convolution, [n, c, 2h - 2 + side, 2w - 2 + side].
        side: of its kernel, odd.

    Returns:
        [n, c, 2h, 2w].
    """
    around = 3 - (side + 1) // 2
    return _filter(F.pad(x, (around,) * 4), 4 * _square(x.new_tensor(TAPS)))


def _square(taps: Tensor) -> Tensor:
    square = torch.outer(taps, taps)
    return square / square.sum()


def _depthwise(kernel: Tensor, x: Tensor) -> Tensor:
    return kernel.to(x.dtype).expand(x.shape[1], 1, -1, -1)


def _filter(x: Tensor, kernel: Tensor, stride: int = 1) -> Tensor:
    return F.conv2d(x, _depthwise(kernel, x), stride=stride, groups=x.shape[1])
