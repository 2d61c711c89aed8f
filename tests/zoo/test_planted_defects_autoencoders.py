"""Tests of the autoencoders must be able to fail: defects are planted in a copy of the code, and tests go red."""

import pytest

AE, VAE, SVAE = "models/test_autoencoder", "models/test_vae", "models/test_s_vae"
VMF, MIXTURE = "test_von_mises_fisher", "test_gaussian_mixture"
# what -> (file, code, defect, file of tests, those that must notice)
DEFECTS = {
    "pixels of the loss in -1 to 1": (
        "autoencoder.py",
        "codes, x = self.code(batch.x), self.to_unit(batch.x)",
        "codes, x = self.code(batch.x), batch.x",
        AE,
        "pixels_in_0_to_1",
    ),
    "a hidden layer in a linear network": (
        "networks.py",
        'return config.widths if config.network == "mlp" else ()',
        "return config.widths",
        AE,
        "principal",
    ),
    "a code wider than it says": (
        "autoencoder.py",
        "make_encoder(config, spec.shape, config.latent)",
        "make_encoder(config, spec.shape, config.latent + 1)",
        AE,
        "code_is_all",
    ),
    "the first codes are kept": ("autoencoder.py", "codes.to(self.codes)])[-KEPT:]", "codes])[:KEPT]", AE, "are_kept"),
    "codes never seen are fitted": (
        "autoencoder.py",
        "self.codes[-int(self.seen) :]",
        "self.codes",
        AE,
        "only_those_seen",
    ),
    "calibration from the global random state": (
        "mixture.py",
        "torch.randint(len(x), (), generator=generator)",
        "torch.randint(len(x), ())",
        AE,
        "its_seed",
    ),
    "covariances about the mean of all": (
        "mixture.py",
        "apart = x[:, None] - means",
        "apart = (x - x.mean(0))[:, None].expand(-1, count, -1)",
        MIXTURE,
        "known_mixture",
    ),
    "shares ignored": ("mixture.py", "joint = shares.log() + ", "joint = ", MIXTURE, "scikit or known"),
    "noise not correlated": ("mixture.py", "roots[chosen] @ noise", "roots[chosen].mT @ noise", MIXTURE, "drawn"),
    "divergence without its one half": (
        "posterior.py",
        "return 0.5 * (self.mean",
        "return (self.mean",
        VAE,
        "of_torch",
    ),
    "deviation for variance": (
        "posterior.py",
        "(0.5 * self.log_variance).exp() * noise",
        "self.log_variance.exp() * noise",
        VAE,
        "carry_the_gradient",
    ),
    "draws detached": ("posterior.py", "return self.mean + (0.5", "return self.mean.detach() + (0.5", VAE, "carry"),
    "one noise for all images": (
        "posterior.py",
        "torch.randn_like(self.mean)",
        "torch.randn_like(self.mean[:1])",
        VAE,
        "noise_of_its_own",
    ),
    "one noise for all images of a bound": (
        "posterior.py",
        "torch.randn(draws, *self.mean.shape, generator",
        "torch.randn(draws, 1, self.mean.shape[1], generator",
        VAE,
        "each_draw_has_noise",
    ),
    "reconstruction a mean over pixels": (
        "likelihoods.py",
        "return -wrong.flatten(1).sum(1)",
        "return -wrong.flatten(1).mean(1)",
        VAE,
        "chosen_log or uniform_logits",
    ),
    "levels and channels mixed up": (
        "likelihoods.py",
        "outputs.unflatten(1, (self.outputs, -1))",
        "outputs.unflatten(1, (-1, self.outputs)).transpose(1, 2)",
        VAE,
        "chosen_log",
    ),
    "divergence a mean over the code": (
        "vae.py",
        ".clamp(min=self.config.free_bits).sum()",
        ".clamp(min=self.config.free_bits).mean()",
        VAE,
        "minus_the_lower",
    ),
    "cross-entropy of pixels in -1 to 1": (
        "vae.py",
        "self.to_unit(batch.x))\n        charged",
        "batch.x)\n        charged",
        VAE,
        "minus_the_lower",
    ),
    "beta in the bound": (
        "vae.py",
        "posterior.kl().double().sum()",
        "self.config.beta * posterior.kl().double().sum()",
        VAE,
        "neither_beta",
    ),
    "mean of logarithms": ("vae.py", "log_mean_exp(weights)", "weights.mean()", VAE, "more_closely"),
    "logarithm of the sum": ("posterior.py", " - math.log(len(values))", "", VAE, "sum_to_1"),
    "likelihood of grey values as coins": (
        "vae.py",
        'if config.likelihood == "categorical":',
        'if config.likelihood != "gaussian":',
        VAE,
        "levels_alone",
    ),
    "likelihood of enlarged images": (
        "vae.py",
        "        refuse_made_up(self.info.name, self.spec)\n",
        "",
        VAE,
        "not_measured",
    ),
    "a bound called by the other's name": (
        "vae.py",
        '"lower_bound" if self.config.importance == 1',
        '"lower_bound" if self.config.importance > 1',
        VAE,
        "levels_alone",
    ),
    "concentration down to 0": ("s_vae.py", "1 + F.softplus", "F.softplus", SVAE, "at_least_1"),
    "direction not normalised": ("s_vae.py", "F.normalize(numbers[:, :-1], dim=1)", "numbers[:, :-1]", SVAE, "sphere"),
    "concentration without a gradient": (
        "vmf.py",
        "return None, by_k.sum_to_size(k.shape), None",
        "return None, 0 * by_k.sum_to_size(k.shape), None",
        SVAE,
        "reconstruction_alone",
    ),
    "slope of the accepted proposal, not of the share": (
        "vmf.py",
        "return ((t - length[..., None]).abs()",
        "return ((t - w[..., None]).abs()",
        VMF,
        "slope_of_a or gradient_of",
    ),
    "sphere of the wrong dimension": ("vmf.py", "- math.lgamma(0.5 * m)", "- math.lgamma(0.5 * (m + 1))", VMF, "rises"),
    "order of the Bessel function": (
        "vmf.py",
        "v, small, large = 0.5 * m - 1,",
        "v, small, large = 0.5 * m,",
        VMF,
        "known",
    ),
    "slope of the normaliser without its sign": (
        "vmf.py",
        "return -slope * k * _of(",
        "return slope * k * _of(",
        VMF,
        "rises",
    ),
    "b as it cancels": (
        "vmf.py",
        "b = (m - 1) / (root + 2 * k)",
        "b = (root - 2 * k) / (m - 1)",
        VMF,
        "large_concentrations",
    ),
    "every proposal is accepted": ("vmf.py", "- t + d < u.log())", "- t + d < -1e9 + u.log())", VMF, "have_the_dist"),
    "sideways not orthogonal": (
        "vmf.py",
        "noise - (noise * mean).sum(-1, keepdim=True) * mean",
        "noise",
        VMF,
        "turned_mean or moments",
    ),
    "one proposal for all rows": (
        "vmf.py",
        "return self._drawn((draws, len(self.mean)), generator)",
        "return self._drawn((draws, 1), generator).expand(-1, len(self.mean), -1)",
        VMF,
        "noise_of_their_own",
    ),
    "truncation of a sphere": ("s_vae.py", "if truncation is not None:", "if False:", SVAE, "truncate"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", DEFECTS)
def test_a_planted_defect_turns_its_test_red(what, goes_red):
    file, code, defect, name, words = DEFECTS[what]
    goes_red(f"zoo/autoencoder/{file}", code, defect, f"tests/zoo/{name}.py", "-k", words)
