"""Tests of codebooks and of VAE-GAN must be able to fail: defects are planted in a copy of the code, tests go red."""

import pytest

VQ, LEVELS, GAN = "layers/quantizer.py", "autoencoder/hierarchy.py", "autoencoder/vae_gan.py"
MODEL, PRIOR = "autoencoder/vq_vae_2.py", "autoencoder/code_prior.py"
OF_LAYER, OF_VQ, OF_GAN = "test_layers_quantizer", "models/test_vq_vae_2", "models/test_vae_gan"
# what -> (file, code, defect, file of tests, those that must notice)
DEFECTS = {
    "no gradient through the codes": (VQ, "e + (z - z.detach())", "e + 0 * z", OF_LAYER, "straight_through"),
    "straight through, but rounded": (
        VQ,
        "e + (z - z.detach())",
        "z + (e - z).detach()",
        OF_LAYER,
        "own_codes or nearest",
    ),
    "farthest for nearest": (VQ, "rows, self.codebook.T, alpha=-1)", "rows, self.codebook.T)", OF_LAYER, "nearest"),
    "lengths of the codebook forgotten": (VQ, "half = 0.5 * self", "half = 0.0 * self", OF_LAYER, "nearest"),
    "commitment of the code to the vector": (
        VQ,
        "(z - e).square().mean())",
        "(z.detach() - e).square().mean() + 0 * z.sum())",
        OF_LAYER,
        "commitment",
    ),
    "codebook moves whenever it is asked": (
        VQ,
        "            if mean is not None:\n                self._learn(rows, chosen, mean)",
        "            self._learn(rows, chosen, mean or (lambda x: x))",
        OF_LAYER,
        "nothing_changes",
    ),
    "codes looked up after learning": (
        VQ,
        "                self._learn(rows, chosen, mean)\n",
        "                self._learn(rows, chosen, mean)\n                e = self.look_up(codes)\n",
        OF_LAYER,
        "before_it",
    ),
    "decay the wrong way round": (
        VQ,
        "self.sums.lerp_(mean(total), 1 - self.decay)",
        "self.sums.lerp_(mean(total), self.decay)",
        OF_LAYER,
        "as_the_paper",
    ),
    "counts of one process": (VQ, "lerp_(mean(count)", "lerp_(count", OF_LAYER, "all_processes"),
    "sums of one process": (VQ, "lerp_(mean(total)", "lerp_(total", OF_LAYER, "all_processes"),
    "new vectors of one process": (VQ, "lottery(rows[drawn], mean)", "rows[drawn]", OF_LAYER, "are_one"),
    "new vectors between the processes": (VQ, "ODDS = 700.0", "ODDS = 0.0", OF_LAYER, "winner"),
    "dead vectors stay dead": (VQ, "DEAD = 0.03", "DEAD = 0.0", OF_LAYER, "dead_vector"),
    "codebook not started from data": (VQ, "not self.counts.any()", "False", OF_LAYER, "starts_with"),
    "codebook not kept": (
        VQ,
        'self.register_buffer("sums", torch.zeros(size, width))',
        'self.register_buffer("sums", torch.zeros(size, width), persistent=False)',
        OF_LAYER,
        "kept_with",
    ),
    "bottom not told the top": (
        LEVELS,
        "[fine, self.seen(top.vectors)]",
        "[fine, 0 * self.seen(top.vectors)]",
        OF_VQ,
        "told_the_top",
    ),
    "bottom never withheld": (LEVELS, "kept * levels.bottom.vectors", "levels.bottom.vectors", OF_VQ, "withheld"),
    "one draw for all images": (LEVELS, "torch.rand(len(x), 1, 1, 1", "torch.rand(1, 1, 1, 1", OF_VQ, "withheld"),
    "commitment of one level": (
        MODEL,
        "(levels.top.commitment + levels.bottom.commitment)",
        "(2 * levels.bottom.commitment)",
        OF_VQ,
        "both_levels",
    ),
    "codebooks at rest while they should learn": (MODEL, "(x, run.mean, ", "(x, None, ", OF_VQ, "first_and_alone"),
    "autoencoder trained on under the priors": (
        MODEL,
        "            return self.autoencoder.encode(x)",
        "            return self.autoencoder.encode(x, lambda y: y)",
        OF_VQ,
        "moves_no_codebook or at_rest",
    ),
    "priors from the start": (
        MODEL,
        "if progress < self.config.autoencoder_share",
        "if progress < 0",
        OF_VQ,
        "first_and_alone",
    ),
    "stage by the clock of one process": (
        MODEL,
        "run.mean(torch.tensor(run.progress, device=self.device))",
        "torch.tensor(run.progress, device=self.device)",
        OF_VQ,
        "clocks",
    ),
    "resting priors that have begun": (MODEL, "        self.has_priors.fill_(True)\n", "", OF_VQ, "at_rest"),
    "bottom drawn beside another top": (
        PRIOR,
        "self.told(above), temperature",
        "self.told(above.roll(1, 0)), temperature",
        OF_VQ,
        "as_they_are_probable",
    ),
    "bottom expected beside another top": (
        PRIOR,
        "log_prob(bottom, self.told(top))",
        "log_prob(bottom, self.told(top.roll(1, 0)))",
        OF_VQ,
        "of_its_image",
    ),
    "top told upside down": (
        PRIOR,
        "log_prob(bottom, self.told(top))",
        "log_prob(bottom, self.told(top.flip(2)))",
        OF_VQ,
        "of_its_image",
    ),
    "temperature for the top alone": (
        PRIOR,
        "self.told(above), temperature)",
        "self.told(above), 1.0)",
        OF_VQ,
        "temperature",
    ),
    "adversarial gradient to the encoder": (GAN, "z = code.detach().requires_grad_()", "z = code", OF_GAN, "no_other"),
    "features' gradient to the critic": (
        GAN,
        '"critic": real + fake,',
        '"critic": real + fake + unlikeness(self.critic.features(fakes.detach())[: len(x)], self.critic.features(x)),',
        OF_GAN,
        "see_alike",
    ),
    "critic moved by the decoder's loss": (GAN, "with frozen(self.critic):", "if True:", OF_GAN, "no_other"),
    "generator moved by the critic's loss": (
        GAN,
        "self.critic(fakes.detach())",
        "self.critic(fakes)",
        OF_GAN,
        "no_other",
    ),
    "gamma on the encoder too": (
        GAN,
        "grad(features, z,",
        "grad(gamma * features, z,",
        OF_GAN,
        "not_to_convince or by_gamma",
    ),
    "no features for the encoder": (GAN, "(slope * (code", "(0 * slope * (code", OF_GAN, "not_to_convince"),
    "encoder told to convince": (
        GAN,
        "grad(features, z,",
        "grad(features + adversarial, z,",
        OF_GAN,
        "not_to_convince",
    ),
    "likeness of the wrong halves": (GAN, "seen[: len(x)]", "seen[len(x) :]", OF_GAN, "called"),
    "likeness without its one half": (GAN, "return 0.5 * (found", "return (found", OF_GAN, "cost_nothing"),
    "likeness a mean over features": (
        GAN,
        ".flatten(1).sum(1).mean()",
        ".flatten(1).mean(1).mean()",
        OF_GAN,
        "cost_nothing",
    ),
    "no images of the prior": (GAN, "torch.cat([z, self.prior(len(z), None)])", "torch.cat([z, z])", OF_GAN, "called"),
    "critic moves before the decoder": (
        GAN,
        'return "decoder", "encoder", "critic"\n        strays',
        'return "critic", "decoder", "encoder"\n        strays',
        OF_GAN,
        "same_point",
    ),
    "gate the wrong way round": (
        GAN,
        'if wins else ("encoder", "critic")',
        'if loses else ("encoder", "critic")',
        OF_GAN,
        "too_far",
    ),
    "gate of one process": (
        GAN,
        'self.moving(run.mean(losses["real"]), run.mean(losses["fake"]))',
        'self.moving(losses["real"], losses["fake"])',
        OF_GAN,
        "does_not_move",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", DEFECTS)
def test_a_planted_defect_turns_its_test_red(what, goes_red):
    file, code, defect, name, words = DEFECTS[what]
    goes_red(f"zoo/{file}", code, defect, f"tests/zoo/{name}.py", "-k", words)
