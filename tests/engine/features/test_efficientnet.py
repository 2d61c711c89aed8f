"""EfficientNet-Lite0 with its real weights: timm's own preprocessing and outputs."""

import numpy as np
import pytest

from genbench.errors import MissingWeights
from genbench.features import efficientnet
from genbench.features.runtime import Setup, choose_place
from genbench.features.weights import check_digest


def test_equals_timm_on_the_same_input(rng, networks_kept):
    import timm
    import torch
    from PIL import Image

    extractor = efficientnet.EfficientNetLite0(Setup(choose_place("cpu", "torch", networks_kept)))
    image = rng.integers(0, 256, (37, 90, 3), dtype=np.uint8)
    net = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    published = torch.load(efficientnet._weights_path(), weights_only=True)
    net.load_state_dict(dict(zip(net.state_dict(), published.values(), strict=True)))
    pixels = np.asarray(Image.fromarray(image).resize((224, 224), Image.Resampling.BICUBIC), np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy((pixels - 127) / 128).permute(2, 0, 1)[None]).numpy()
    found = extractor(extractor.prepare(image)[None])
    np.testing.assert_allclose(found["logits"], expected, rtol=1e-4, atol=1e-4)


def test_recognises_real_pictures(networks_kept):
    """The weights are trained ones, and the preprocessing is theirs: scikit-learn's two photographs."""
    from sklearn.datasets import load_sample_image

    extractor = efficientnet.EfficientNetLite0(Setup(choose_place("cpu", "onnxruntime", networks_kept)))
    images = [extractor.prepare(load_sample_image(name)) for name in ("china.jpg", "flower.jpg")]
    china, flower = np.argsort(-extractor(np.stack(images))["logits"])[:, :5]
    assert flower[0] == 985  # daisy
    assert 663 in china  # monastery


def test_a_wrong_weight_file_is_refused(tmp_path):
    file = tmp_path / "weights.pth"
    with pytest.raises(MissingWeights, match="expected a file at"):
        check_digest(file, efficientnet.WEIGHTS_SHA256, "net", "Do this.")
    file.write_bytes(b"not weights")
    with pytest.raises(MissingWeights, match=f"expected SHA-256 {efficientnet.WEIGHTS_SHA256}"):
        check_digest(file, efficientnet.WEIGHTS_SHA256, "net", "Do this.")
