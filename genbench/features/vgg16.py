"""VGG16 as improved precision and recall read it, by torch-fidelity's convention.

Simonyan and Zisserman 2014, arXiv:1409.1556; Kynkaanniemi et al. 2019, arXiv:1904.06991.
"""

from collections.abc import Mapping
from typing import Any

from genbench.contracts import Pixels
from genbench.features.published import PublishedNetwork
from genbench.features.tensors import Tensors
from genbench.images.resize import Resized, resize_tf1

CLASSIFIER = "classifier.6."  # the last layer, to 1000 classes


class VGG16(PublishedNetwork):
    """VGG16 for precision and recall: its second hidden layer, fed as torch-fidelity does.

    Layer "pooled" is float32 [n, 4096]: "fc2" after its ReLU.

    Images are resized to 224 x 224 as TensorFlow 1 does (bilinear from pixel corners, not antialiased, not rounded),
    then normalised by ImageNet's colours. The weights are torchvision's IMAGENET1K_V1. The paper and StyleGAN use a
    file of their own (``vgg16.pkl``): their numbers are not these.
    """

    name = "vgg16"
    widths: Mapping[str, int] = {"pooled": 4096}
    network = "torchvision vgg16, fc2 after ReLU"
    resized = "torch-fidelity's: bilinear, TensorFlow 1 corners"
    dtype = "float32"

    @classmethod
    def assemble(cls) -> Any:
        """Return torchvision's network, cut after the second ReLU of its classifier."""
        from torchvision.models import vgg16

        net = vgg16(weights=None, init_weights=False)
        net.classifier = net.classifier[:5]
        return net

    @classmethod
    def adapt(cls, tensors: Tensors, net: Any) -> Tensors:
        """Leave the last layer out."""
        return {name: tensor for name, tensor in tensors.items() if not name.startswith(CLASSIFIER)}

    def resize(self, image: Pixels) -> Resized:
        """Return float32 [224, 224, 3] in [0, 255]."""
        return resize_tf1(image, self.side_px)
