"""Named conventions of published tools, as data: what each reads, how it resizes, what it draws, how it counts.

A protocol is what must be set here so that a number is that tool's. "Proven" says that the tool's own code was run on
the same images and weights, from folder to number, and agrees within 1e-5 relative; elsewhere ``proof`` says what was
held to the tool and what could not be.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from genbench.parameters import Settings
from genbench.registry import Registry


@dataclass(frozen=True)
class Protocol:
    """How a published tool makes its numbers.

    Attributes:
        name: id, as in ``--protocol``.
        tool: whose numbers these are, with the version or commit.
        source: where the tool is.
        summary: one line for ``genbench list protocols``.
        metrics: ids, in the tool's order.
        extractor: network and resize; "" if the tool takes features of any.
        extractors: metric -> its extractor, where that is another.
        parameters: metric -> parameter -> value, where they are not the defaults.
        resize: from a decoded image to the network's input, in words.
        quantised: from a generator's floats to 8 bits, in words.
        count: how many images the tool takes, in words.
        draws: what is drawn, by which generator, in words.
        differs: one line on why its numbers are others than those of the rest.
        is_proven: the tool's own code gives the same number from the same files and weights.
        proof: what was held to the tool, and what could not be.
    """

    name: str
    tool: str
    source: str
    summary: str
    metrics: tuple[str, ...]
    extractor: str
    resize: str
    quantised: str
    count: str
    draws: str
    differs: str
    is_proven: bool
    proof: str
    extractors: Mapping[str, str] = field(default_factory=dict)
    parameters: Settings = field(default_factory=dict)

    def extractor_of(self, metric: str) -> str:
        """Return the extractor whose features a metric is of; "" if any."""
        return self.extractors.get(metric, self.extractor)

    def describe(self) -> dict[str, Any]:
        """Return the protocol whole, JSON-safe, for the provenance."""
        return asdict(self) | {"metrics": list(self.metrics)}


FILES_AS_THEY_ARE = "8-bit files are taken as they are; floats are rounded half up from 255 x"
ALL = "all images of both sides"
TF1 = "bilinear to 299 as TensorFlow 1 does it (no half-pixel centres, no antialiasing), not rounded, (x - 128) / 128"

PYTORCH_FID = Protocol(
    name="pytorch-fid",
    tool="pytorch-fid 0.3.0",
    source="github.com/mseitzer/pytorch-fid",
    summary="FID as most papers since 2018 report it: half-pixel bilinear resize",
    metrics=("fd",),
    extractor="inception",
    resize="bilinear to 299, half-pixel centres, no antialiasing, not rounded, 2 x - 1",
    quantised=FILES_AS_THEY_ARE,
    count=ALL,
    draws="nothing",
    differs="its resize has half-pixel centres and no antialiasing, so that large images are aliased",
    is_proven=True,
    proof="folder to number, with random weights in the published format",
)
TORCH_FIDELITY = Protocol(
    name="torch-fidelity",
    tool="torch-fidelity 0.4.0",
    source="github.com/toshas/torch-fidelity",
    summary="FID, KID, IS with the resize of the original TensorFlow graph; precision and recall of VGG16",
    metrics=("fd", "kd-subsets", "is", "precision", "recall"),
    extractor="inception:tf1",
    extractors={"precision": "vgg16", "recall": "vgg16"},
    parameters={
        "kd-subsets": {"subsets": 100, "size": 1000, "draw": "numpy, fake first", "seed": 2020},
        "is": {"splits": 10, "cut": "even", "order": "numpy", "seed": 2020},
        "precision": {"k": 3, "is_closed": True},
        "recall": {"k": 3, "is_closed": True},
    },
    resize=f"{TF1}; for VGG16 likewise to 224, then ImageNet's colours",
    quantised="8-bit files are taken as they are; generators are asked for 8 bits",
    count=f"{ALL}; KID needs 1,000 a side",
    draws="KID's subsets (fake first) and the order of IS's splits, each by numpy RandomState(2020)",
    differs="its resize is TensorFlow 1's, up to half a pixel off pytorch-fid's; IS is a mean of 10 splits",
    is_proven=True,
    proof="folder to number, with random weights in the published formats",
)
CLEAN_FID = Protocol(
    name="clean-fid",
    tool="clean-fid 0.1.35, mode clean",
    source="github.com/GaParmar/clean-fid",
    summary="FID and KID after a resize that antialiases (Parmar et al. 2022, arXiv:2104.11222)",
    metrics=("fd", "kd-subsets"),
    extractor="inception:clean",
    parameters={
        "kd-subsets": {"subsets": 100, "size": 1000, "shrinks": True, "draw": "numpy, real first", "seed": 0},
    },
    resize="Pillow's bicubic on float channels to 299 (antialiased), cut to 0..255, not rounded, (x - 128) / 128",
    quantised=FILES_AS_THEY_ARE,
    count=f"{ALL}; KID takes subsets of min(1,000, smaller side)",
    draws="KID's subsets, real first, from numpy's global state: as after numpy.random.seed(0)",
    differs="its resize is bicubic and antialiased, and leaves large images smooth",
    is_proven=False,
    proof="folder to number, with our network given to it as the feature extractor: resize and metrics are held; "
    "its own TorchScript copy of the network is out of reach",
)
TORCHMETRICS = Protocol(
    name="torchmetrics",
    tool="torchmetrics 1.9.0, with torch-fidelity 0.4.0",
    source="github.com/Lightning-AI/torchmetrics",
    summary="FID, KID, IS as a training loop logs them: antialiased bilinear resize",
    metrics=("fd", "kd-subsets", "is"),
    extractor="inception:antialias",
    parameters={
        "kd-subsets": {"subsets": 100, "size": 1000, "draw": "torch, real first", "seed": 0},
        "is": {"splits": 10, "cut": "chunks", "order": "torch", "seed": 0},
    },
    resize="bilinear to 299, antialiased, not rounded, (x - 128) / 128",
    quantised="8-bit images; floats (normalize=True) are cut off, not rounded, there: give it 8 bits to compare",
    count=f"{ALL}; KID needs 1,000 a side",
    draws="KID's subsets, real first, and the order of IS's splits, from torch's global state: as after "
    "torch.manual_seed(0) before each",
    differs="its resize is antialiased bilinear; its sums are float32 unless set_dtype says otherwise",
    is_proven=True,
    proof="images to number, with random weights in the published format, sums in float64",
)
ADM = Protocol(
    name="adm",
    tool="guided-diffusion evaluations/evaluator.py 22e0df8",
    source="github.com/openai/guided-diffusion",
    summary="FID, sFID, IS, precision, recall of the evaluation suite of diffusion papers",
    metrics=("is", "fd", "sfd", "precision", "recall"),
    extractor="inception:tf1",
    parameters={
        "is": {"splits": 10, "cut": "5000", "order": "file"},
        "precision": {"k": 3, "is_closed": True},
        "recall": {"k": 3, "is_closed": True},
    },
    resize=TF1,
    quantised="8-bit arrays (.npz, arr_0)",
    count="50,000 samples; the reference batch has 10,000 images, and statistics of the whole data set beside them, "
    "which FID and sFID there use: here they are of the images given",
    draws="nothing; IS is over runs of 5,000 images in the order of the file",
    differs="all metrics are of one Inception network, precision and recall too; distances there are in float16",
    is_proven=False,
    proof="sFID by its numbers, the splits of IS by its rule, the balls by torch-fidelity's code, which are the same; "
    "its TensorFlow 1 graph is out of reach, and its float16 distances may count a few images otherwise",
)
STYLEGAN3 = Protocol(
    name="stylegan3",
    tool="stylegan3 metrics c233a91",
    source="github.com/NVlabs/stylegan3",
    summary="fid50k_full, kid50k_full, is50k, pr50k3_full of the StyleGAN family",
    metrics=("fd", "kd-subsets", "is", "precision", "recall"),
    extractor="inception:tf1",
    extractors={"precision": "vgg16", "recall": "vgg16"},
    parameters={
        "fd": {"divisor": "n"},
        "kd-subsets": {"subsets": 100, "size": 1000, "shrinks": True, "draw": "numpy, fake first", "seed": 0},
        "is": {"splits": 10, "cut": "even", "order": "file"},
        "precision": {"k": 3, "is_closed": True},
        "recall": {"k": 3, "is_closed": True},
    },
    resize=f"{TF1}; for VGG16 inside a network file of its own, here as torch-fidelity does",
    quantised="floor(127.5 x + 128) of x in [-1, 1]: rounding half up, as here",
    count="50,000 generated against all training images (at most 200,000 for precision and recall)",
    draws="KID's subsets, fake first, from numpy's global state: as after numpy.random.seed(0)",
    differs="covariances divide by n, not n - 1; published with 50,000 generated images against all training images",
    is_proven=False,
    proof="the metrics by its formulas; its network files are out of reach, and its float16 VGG16 features may count a "
    "few images otherwise",
)
DGM_EVAL = Protocol(
    name="dgm-eval",
    tool="dgm-eval 74c79f7",
    source="github.com/layer6ai-labs/dgm-eval",
    summary="FD-DINOv2 and what goes with it (Stein et al. 2023, arXiv:2306.04675)",
    metrics=("fd", "kd-subsets", "precision", "recall", "density", "coverage"),
    extractor="dinov2-l14",
    parameters={
        "kd-subsets": {"subsets": 100, "size": 1000, "shrinks": True, "draw": "numpy, real first", "seed": 0},
        "precision": {"k": 5, "is_closed": False},
        "recall": {"k": 5, "is_closed": False},
        "density": {"k": 5, "is_closed": False},
        "coverage": {"k": 5, "is_closed": False},
    },
    resize="Pillow's bicubic to 224 (antialiased, 8-bit, aspect not kept), ImageNet's colours",
    quantised=FILES_AS_THEY_ARE,
    count="50,000 a side; precision, recall, density, coverage of 10,000 drawn from them: give --count 10000",
    draws="KD's subsets, real first, from numpy's global state: as after numpy.random.seed(0)",
    differs="its network is DINOv2, trained without labels: no number is near one of Inception's",
    is_proven=False,
    proof="the resize, and FD, KD's kernel, precision, recall, density and coverage by its numbers, each alone; KD's "
    "subsets by its rule; the weights of DINOv2 are out of reach",
)
IMPROVED_PR = Protocol(
    name="improved-pr",
    tool="improved-precision-and-recall-metric f60f25e",
    source="github.com/kynkaat/improved-precision-and-recall-metric",
    summary="precision and recall of VGG16 features (Kynkaanniemi et al. 2019, arXiv:1904.06991)",
    metrics=("precision", "recall"),
    extractor="vgg16",
    parameters={"precision": {"k": 3, "is_closed": True}, "recall": {"k": 3, "is_closed": True}},
    resize="inside a network file of its own; here as torch-fidelity does (TensorFlow 1's bilinear to 224)",
    quantised=FILES_AS_THEY_ARE,
    count="50,000 a side: more than that is cut with --count 50000",
    draws="nothing",
    differs="its network is VGG16, its balls reach to the 3rd neighbour, points on the surface are inside",
    is_proven=False,
    proof="the metric, by torch-fidelity's code, which follows it; its network file (vgg16.pkl) is out of reach",
)
PRDC = Protocol(
    name="prdc",
    tool="prdc 0.2",
    source="github.com/clovaai/generative-evaluation-prdc",
    summary="precision, recall, density, coverage of any features (Naeem et al. 2020, arXiv:2002.09797)",
    metrics=("precision", "recall", "density", "coverage"),
    extractor="",
    parameters={name: {"k": 5, "is_closed": False} for name in ("precision", "recall", "density", "coverage")},
    resize="that of the extractor: prdc takes features",
    quantised=FILES_AS_THEY_ARE,
    count=f"{ALL}; the paper has 10,000 a side",
    draws="nothing",
    differs="its balls reach to the 5th neighbour and points on the surface are outside, for precision and recall too",
    is_proven=True,
    proof="features to number",
)

PROTOCOLS = Registry(
    "protocol",
    {
        one.name: one
        for one in (
            PYTORCH_FID,
            TORCH_FIDELITY,
            CLEAN_FID,
            TORCHMETRICS,
            ADM,
            STYLEGAN3,
            DGM_EVAL,
            IMPROVED_PR,
            PRDC,
        )
    },
    "genbench.protocols",
)
