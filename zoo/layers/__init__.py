"""The blocks that models share. A model's file holds only what is its own."""

from zoo.layers.attention import SelfAttention
from zoo.layers.blur import Blur, downsample_blur, upsample_blur
from zoo.layers.equalized import EqConv, EqLinear
from zoo.layers.initialise import normal_, orthogonal_, xavier_
from zoo.layers.minibatch import MinibatchStd
from zoo.layers.modulated import ModulatedConv, Noise, ToRGB
from zoo.layers.norms import AdaIN, ConditionalNorm, PixelNorm, adain, make_norm
from zoo.layers.resample import DownBlock, DownConv, UpBlock, UpConv
from zoo.layers.residual import ResidualDown, ResidualUp
from zoo.layers.spectral import spectral, spectral_all, top_singular_values
from zoo.layers.strided import StridedDown, StridedUp

__all__ = [
    "AdaIN",
    "Blur",
    "ConditionalNorm",
    "DownBlock",
    "DownConv",
    "EqConv",
    "EqLinear",
    "MinibatchStd",
    "ModulatedConv",
    "Noise",
    "PixelNorm",
    "ResidualDown",
    "ResidualUp",
    "SelfAttention",
    "StridedDown",
    "StridedUp",
    "ToRGB",
    "UpBlock",
    "UpConv",
    "adain",
    "downsample_blur",
    "make_norm",
    "normal_",
    "orthogonal_",
    "spectral",
    "spectral_all",
    "top_singular_values",
    "upsample_blur",
    "xavier_",
]
