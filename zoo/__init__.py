"""Models that learn to generate images. READ FIRST: ``training.py``, then one model, say ``gan/dcgan.py``.

A model is one file and one line of this table; packages add theirs as entry points ``zoo.models``.
"""

from genbench.registry import Registry

MODELS = Registry(
    "model",
    {
        "dcgan": "zoo.gan.dcgan:DCGAN",
        "gan": "zoo.gan.gan:GAN",
    },
    "zoo.models",
)
