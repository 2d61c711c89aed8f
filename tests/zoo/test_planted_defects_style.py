"""Tests of the growing and the style-based models must be able to fail: each planted defect turns its test red."""

import pytest

PROGAN, STYLE, STYLEGAN, STYLEGAN2 = "gan/progan.py", "gan/style.py", "gan/stylegan.py", "gan/stylegan2.py"
TRANSFER = "latent/style_transfer.py"
# what -> (file, code, defect, file of tests and words of the test that must notice)
DEFECTS = {
    "generator not faded": (
        PROGAN,
        "return new if alpha == 1 else torch.lerp(_enlarge(self",
        "return new if True else torch.lerp(_enlarge(self",
        "models/test_progan.py: just_begins",
    ),
    "fade never ends": (
        PROGAN,
        "return new if alpha == 1 else torch.lerp(_enlarge(self",
        "return new if level == 0 else torch.lerp(_enlarge(self",
        "models/test_progan.py: end_of_its_fade",
    ),
    "alpha runs backwards": (
        PROGAN,
        "(within - stable) / fade",
        "1 - (within - stable) / fade",
        "models/test_progan.py: never_jumps",
    ),
    "reals not faded": (
        PROGAN,
        "return x if alpha == 1 else torch.lerp(_enlarge(_shrink",
        "return x if True else torch.lerp(_enlarge(_shrink",
        "models/test_progan.py: real_images_of_an_update",
    ),
    "critic's input not faded": (PROGAN, "if alpha != 1:", "if False:", "models/test_progan.py: just_grew"),
    "moments kept": (PROGAN, "run.forget(name)", "pass", "models/test_progan.py: moments_are_forgotten"),
    "the loop's moments kept": ("training.py", ".state.clear()", ".state", "models/test_progan.py: loop_forgets"),
    "level not saved": (
        PROGAN,
        'self.register_buffer("level", torch.zeros((), dtype=torch.int64))',
        'self.register_buffer("level", torch.zeros((), dtype=torch.int64), persistent=False)',
        "models/test_progan.py: knows_its_level",
    ),
    "average does not grow": (
        PROGAN,
        "return (net for net in self.modules() if isinstance(net, Growing))",
        "return iter((self.generator, self.critic))",
        "models/test_progan.py: level_that_is_due",
    ),
    "colours with the gain of a rectifier": (
        PROGAN,
        "EqConv(width, colours, 1, gain=1.0)",
        "EqConv(width, colours, 1)",
        "models/test_progan.py: equalised",
    ),
    "samples not enlarged": (
        PROGAN,
        "return F.interpolate(super().decode(z, labels), size=self.spec.shape[1:], mode=",
        "return F.interpolate(super().decode(z, labels), scale_factor=1, mode=",
        "models/test_progan.py: full_size",
    ),
    "truncation towards 0": (
        STYLE,
        "torch.lerp(self.w_average, w,",
        "torch.lerp(0 * self.w_average, w,",
        "models/test_style.py: shortens_the_way",
    ),
    "styles mixed the wrong way round": (
        STYLE,
        "[..., None].to(first.device), first, second)",
        "[..., None].to(first.device), second, first)",
        "models/test_style.py: either_end",
    ),
    "mixing mostly off": (STYLE, "torch.rand(n) >= self", "torch.rand(n) < self", "models/test_style.py: nine_of_ten"),
    "second latents averaged": (
        STYLE,
        "cut = torch.randint(1, self.num_ws, (n,))",
        "self.generator.track(other)\n        cut = torch.randint(1, self.num_ws, (n,))",
        "models/test_style.py: follows_the_first",
    ),
    "one noise for all samples": (
        STYLE,
        "torch.randn(n, self.noise.shape[1], generator=generator)",
        "torch.randn(1, self.noise.shape[1], generator=generator).expand(n, -1)",
        "models/test_style.py: its_own_noise",
    ),
    "noise of the global state": (
        STYLE,
        "images = self.average.synthesis(ws, self.average.synthesis.draw_noise(n, generator))",
        "images = self.average.synthesis(ws)",
        "models/test_style.py: its_own_noise",
    ),
    "decoding with fresh noise": (
        STYLE,
        "return self.synthesis(self.spread(self.mapping(z)), self.synthesis.fixed_noise())",
        "return self.synthesis(self.spread(self.mapping(z)))",
        "models/test_style.py: decoding_has_one_noise",
    ),
    "mapping learns as fast": (STYLE, "lr_multiplier=SLOWNESS", "lr_multiplier=1.0", "models/test_style.py: hundredth"),
    "latents not normalised": (
        STYLE,
        "nn.Sequential(PixelNorm(), *dense)",
        "nn.Sequential(nn.Identity(), *dense)",
        "models/test_style.py: length_of_a_latent",
    ),
    "halving off by a pixel": (
        STYLE,
        "F.pad(x, (0, 1, 0, 1))",
        "F.pad(x, (1, 0, 1, 0))",
        "models/test_style.py: blurred_halving",
    ),
    "skip lost": (STYLE, "(out + self.skip(downsample_blur(x)))", "out", "models/test_style.py: residual_block_adds"),
    "constant detached": (
        STYLEGAN,
        "self._finish(self.constant.expand",
        "self._finish(self.constant.detach().expand",
        "models/test_style.py: reaches_all_of_it",
    ),
    "every layer in the first style": (STYLEGAN, "ws[:, layer])", "ws[:, 0])", "models/test_style.py: every_style"),
    "noise after the rectifier": (
        STYLEGAN,
        "x = F.leaky_relu(self.noises[layer](x, noise[layer]), 0.2)",
        "x = self.noises[layer](F.leaky_relu(x, 0.2), noise[layer])",
        "models/test_stylegan.py: before_the_rectifier",
    ),
    "AdaIN scales by s for 1 + s": (
        "layers/norms.py",
        "adain(x, 1 + scale, shift)",
        "adain(x, scale, shift)",
        "models/test_stylegan.py: mean_and_deviation",
    ),
    "only the last colours": (
        STYLEGAN2,
        "upsample_blur(image) + colours(",
        "colours(",
        "models/test_stylegan2.py: sum_of_the_colours",
    ),
    "colours in the style before": (
        STYLEGAN2,
        "ws[:, 2 * level + 1])",
        "ws[:, 2 * level])",
        "models/test_stylegan2.py: where_it_belongs",
    ),
    "path term too small": (
        STYLEGAN2,
        "* config.path_every}",
        "}",
        "models/test_stylegan2.py: over_k_updates",
    ),
    "path term of a detached w": (
        STYLEGAN2,
        "ws = self.draw_styles(max(1, run.batch // 2))",
        "ws = self.draw_styles(max(1, run.batch // 2)).detach().requires_grad_()",
        "models/test_stylegan2.py: trains_mapping",
    ),
    "path term without create_graph": (
        "regularizers.py",
        "(images * noise).sum(), w, create_graph=True",
        "(images * noise).sum(), w, retain_graph=True",
        "models/test_stylegan2.py: trains_mapping",
    ),
    "mean length not kept": (
        "regularizers.py",
        'self.register_buffer("mean", torch.zeros(()))',
        'self.register_buffer("mean", torch.zeros(()), persistent=False)',
        "models/test_stylegan2.py: kept_with_the_model",
    ),
    "Adam uncorrected": (
        STYLEGAN2,
        "lazy = every / (every + 1) if",
        "lazy = 1.0 if",
        "models/test_stylegan2.py: adam_is_corrected",
    ),
    "features not demodulated": (
        "layers/modulated.py",
        "        if self.demodulate:\n            out",
        "        if False:\n            out",
        "models/test_stylegan2.py: longer_style",
    ),
    "alpha ignored": (
        TRANSFER,
        "adain(content, deviation, mean, EPS), alpha)",
        "adain(content, deviation, mean, EPS), 1.0)",
        "latent/test_style_transfer.py: decoder_is_given",
    ),
    "mean and deviation exchanged": (
        TRANSFER,
        "adain(content, deviation, mean, EPS)",
        "adain(content, mean, deviation, EPS)",
        "latent/test_style_transfer.py: decoder_is_given",
    ),
    "encoder trained on": (
        TRANSFER,
        "encoder.eval().requires_grad_(False)",
        "encoder.eval()",
        "latent/test_style_transfer.py: encoder_is_frozen",
    ),
    "style loss of means alone": (
        TRANSFER,
        "for ours, theirs in zip(statistics(one), statistics(other), strict=True)",
        "for ours, theirs in [(statistics(one)[0], statistics(other)[0])]",
        "latent/test_style_transfer.py: losses_are",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", DEFECTS)
def test_a_planted_defect_turns_its_test_red(what, goes_red):
    file, code, defect, test = DEFECTS[what]
    name, words = test.split(": ")
    goes_red(f"zoo/{file}", code, defect, f"tests/zoo/{name}", "-k", words)
