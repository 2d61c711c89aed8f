"""Seeded random weights in the formats of published files, for machines that cannot have those; networks made small.

Large matrices are drawn as one run of numbers that every row reads from a place of its own: half a gigabyte of VGG16
fits into a file of a few hundred kilobytes.
"""

import warnings

import torch

SEED = 20260601
DINOV2 = {"embed_dim": 48, "depth": 2, "num_heads": 3}  # of timm's ViT-L/14
CLIP = {"embed_dim": 64, "depth": 2, "num_heads": 1}  # OpenAI's code has a head for every 64 features
CLIP_WIDTH = 24


def draw(shape, generator, scale=0.1, centre=0.0):
    return torch.randn(shape, generator=generator) * scale + centre


def timm_net(name, seed=SEED):
    """timm's network with random weights; batch norms too, so that no layer is a constant or the identity."""
    import timm

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = timm.create_model(name, pretrained=False)
    generator = torch.Generator().manual_seed(seed)
    for part in net.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.weight.data = draw(part.weight.shape, generator, centre=1)
            part.bias.data = draw(part.bias.shape, generator)
            part.running_mean = draw(part.running_mean.shape, generator)
            part.running_var = draw(part.running_var.shape, generator, centre=1).abs()
    return net.eval()


def timm_file(path, name, seed=SEED):
    """A state dict of timm's, safetensors or torch by the ending of ``path``."""
    from safetensors.torch import save_file

    tensors = timm_net(name, seed).state_dict()
    (save_file if path.suffix == ".safetensors" else torch.save)(tensors, path)
    return path


def dinov2_tensors():
    """Tensors by the names and shapes of dinov2_vitl14_pretrain.pth, of a network as small as ``DINOV2``."""
    generator = torch.Generator().manual_seed(SEED)
    width = DINOV2["embed_dim"]
    tensors = {
        "cls_token": draw((1, 1, width), generator),
        "pos_embed": draw((1, 1 + 37 * 37, width), generator, 0.5),
        "mask_token": draw((1, width), generator),
        "patch_embed.proj.weight": draw((width, 3, 14, 14), generator, 0.05),
        "patch_embed.proj.bias": draw((width,), generator),
        "norm.weight": draw((width,), generator, centre=1),
        "norm.bias": draw((width,), generator),
    }
    for i in range(DINOV2["depth"]):
        linear = {"attn.qkv": (3 * width, width), "attn.proj": (width, width)}
        linear |= {"mlp.fc1": (4 * width, width), "mlp.fc2": (width, 4 * width)}
        for name, (rows, columns) in linear.items():
            tensors[f"blocks.{i}.{name}.weight"] = draw((rows, columns), generator, 1.5 * columns**-0.5)
            tensors[f"blocks.{i}.{name}.bias"] = draw((rows,), generator)
        for name in ("norm1", "norm2"):
            tensors[f"blocks.{i}.{name}.weight"] = draw((width,), generator, centre=1)
            tensors[f"blocks.{i}.{name}.bias"] = draw((width,), generator)
        for name in ("ls1", "ls2"):
            tensors[f"blocks.{i}.{name}.gamma"] = draw((width,), generator, 0.3, 0.5)
    return tensors


def dinov2_file(path):
    torch.save(dinov2_tensors(), path)
    return path


class Clip(torch.nn.Module):
    """OpenAI's module as far as its image tower; some of the text tower's names, which extractors pass over."""

    def __init__(self, side_px):
        from torch_fidelity.feature_extractor_clip import CLIPVisual

        super().__init__()
        width = CLIP["embed_dim"]
        self.visual = CLIPVisual(CLIP_WIDTH, side_px, CLIP["depth"], width, 14).visual
        self.token_embedding = torch.nn.Embedding(5, width)
        self.positional_embedding = torch.nn.Parameter(torch.zeros(4, width))
        self.text_projection = torch.nn.Parameter(torch.zeros(width, CLIP_WIDTH))

    def forward(self, images):
        return self.visual(images)


def clip_net(side_px=336):
    """The module with random weights that half precision holds, as OpenAI's file does."""
    generator = torch.Generator().manual_seed(SEED)
    net = Clip(side_px).eval()
    for name, tensor in net.named_parameters():
        fan_in = tensor[0].numel() if tensor.ndim > 1 else 1
        centre = 1.0 if ".ln_" in name and name.endswith("weight") else 0.0
        scale = 0.1 if tensor.ndim == 1 or "embedding" in name else 1.5 * fan_in**-0.5
        tensor.data = draw(tensor.shape, generator, scale, centre).half().float()
    return net


def clip_file(path, side_px=336):
    """A TorchScript archive in half precision, as OpenAI publishes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(clip_net(side_px), torch.zeros(1, 3, side_px, side_px))
        traced.half().save(str(path))
    return path


def vgg16_file(path):
    """A state dict of torchvision's VGG16, all of it, last layer included."""
    return torchvision_file(path, "vgg16")


def torchvision_file(path, name):
    """A state dict of a network of torchvision's without batch norms, all of it."""
    from torchvision import models

    generator = torch.Generator().manual_seed(SEED)
    with torch.device("meta"):
        shapes = {key: tensor.shape for key, tensor in models.get_model(name).state_dict().items()}
    tensors = {}
    for key, shape in shapes.items():
        if len(shape) == 1:
            tensors[key] = draw(shape, generator, 0.05)
            continue
        rows, columns = shape[0], shape[1:].numel()
        run = draw((rows + columns,), generator, (2 / columns) ** 0.5)
        inner = torch.empty(shape[1:], device="meta").stride()
        tensors[key] = run.as_strided(shape, (1, *inner))
    torch.save(tensors, path)
    return path


def backbone_files(folder, names):
    """A folder with such files under their published names."""
    from genbench.features.weights import PUBLISHED

    for name in names:
        torchvision_file(folder / PUBLISHED[name].file, name)
    return folder


def take_as_published(folder, monkeypatch):
    """Let the files in ``folder`` be the published ones."""
    from dataclasses import replace

    from genbench.features.weights import PUBLISHED, sha256_of

    monkeypatch.setenv("GENBENCH_WEIGHTS", str(folder))
    for name, record in list(PUBLISHED.items()):
        path = folder / record.file
        if path.is_file():
            monkeypatch.setitem(PUBLISHED, name, replace(record, sha256=sha256_of(path), size=path.stat().st_size))
