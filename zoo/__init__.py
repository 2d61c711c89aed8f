"""Models that learn to generate images. READ FIRST: ``training.py``, then one model, say ``gan/dcgan.py``.

A model is one file and one line of this table; packages add theirs as entry points ``zoo.models``.
"""

from genbench.registry import Registry

MODELS = Registry(
    "model",
    {
        "3d-gan": "zoo.gan.voxel_gan:VoxelGAN",
        "autoencoder": "zoo.autoencoder.autoencoder:Autoencoder",
        "biggan": "zoo.gan.biggan:BigGAN",
        "cgan": "zoo.gan.cgan:CGAN",
        "cogan": "zoo.gan.cogan:CoGAN",
        "dcgan": "zoo.gan.dcgan:DCGAN",
        "gan": "zoo.gan.gan:GAN",
        "gated-pixelcnn": "zoo.autoregressive.gated_pixelcnn:GatedPixelCNN",
        "glow": "zoo.flow.glow:Glow",
        "pixelcnn": "zoo.autoregressive.pixelcnn:PixelCNN",
        "pixelrnn": "zoo.autoregressive.pixelrnn:PixelRNN",
        "progan": "zoo.gan.progan:ProGAN",
        "realnvp": "zoo.flow.realnvp:RealNVP",
        "s-vae": "zoo.autoencoder.s_vae:SVAE",
        "sagan": "zoo.gan.sagan:SAGAN",
        "sngan": "zoo.gan.sngan:SNGAN",
        "stylegan": "zoo.gan.stylegan:StyleGAN",
        "stylegan2": "zoo.gan.stylegan2:StyleGAN2",
        "vae": "zoo.autoencoder.vae:VAE",
        "vae-gan": "zoo.autoencoder.vae_gan:VAEGAN",
        "vq-vae-2": "zoo.autoencoder.vq_vae_2:VQVAE2",
        "wgan": "zoo.gan.wgan:WGAN",
        "wgan-gp": "zoo.gan.wgan_gp:WGANGP",
    },
    "zoo.models",
)
