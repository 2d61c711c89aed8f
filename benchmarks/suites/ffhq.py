"""Which style-based or progressive GAN is best on faces of 1024 x 1024? NEVER RUN HERE.

Pictures are read from the folder ``ffhq`` in the working directory, one in ten held out; the weights of the FID
Inception network have to be downloaded.

Cost: a week of one large GPU a run, or with ``--full`` the papers' 25 million images (8 GPUs took a week). Expected
with ``--full``, after the papers: StyleGAN2 ahead of StyleGAN, both ahead of ProGAN.
"""

from benchmarks.contracts import Suite
from benchmarks.suites import GPU_EXTRACTOR, GPU_METRICS, GPU_PROTOCOL, contestants

SUITE = Suite(
    name="ffhq",
    title="FFHQ, 1024 x 1024",
    data="folder:ffhq@1024",
    contestants=contestants("progan:paper", "stylegan:paper", "stylegan2:paper"),
    metrics=GPU_METRICS,
    extractor=GPU_EXTRACTOR,
    protocol=GPU_PROTOCOL,
    count=5_000,
    minutes=7 * 24 * 60.0,
    seeds=1,
    shows=(
        "FID and its companions, as guided-diffusion (ADM) counts them, against held-out pictures of FFHQ, "
        "after the same time on one GPU."
    ),
    cannot="The papers' numbers: those are of 50,000 samples against all 70,000 pictures, after 25 million images.",
    is_tested=False,
)


if __name__ == "__main__":
    from benchmarks.suites.command import run_suite

    run_suite("ffhq")
